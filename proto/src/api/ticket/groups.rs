//! `ticket.groups`: a list taken apart by what its tickets have in common.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::List;

/// Parameters of `ticket.groups`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Groups {
    /// What the tickets of a group have in common.
    pub by: GroupBy,
    /// The list that is taken apart, as for `ticket.list`. Its order and its window do not matter.
    #[serde(default)]
    pub list: List,
}

/// What the tickets of a group have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GroupBy {
    /// Where they are in their lives.
    Status,
    /// How urgent they are.
    Priority,
    /// Who works on them.
    Assignee,
    /// Whose problem they are.
    Requester,
    /// A label: a ticket with several of them is in several groups.
    Label,
    /// Whose server keeps them.
    Project,
}

/// Answer of `ticket.groups`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct TicketGroups {
    /// At most 500. Statuses as a ticket goes through them, priorities from the most urgent on; the others with the
    /// most tickets first. What has none of them (nobody, no label) comes last.
    pub groups: Vec<TicketGroup>,
    /// How many groups there are.
    pub total: u64,
    /// Whether all texts were looked at, if the query looks for any. False while the search index is made.
    pub is_complete: bool,
}

/// The tickets of a list that have something in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TicketGroup {
    /// What they have in common, for scripts: a status, a priority, a label, a project's id, a person's email address
    /// or else their id; `none` for what has none of them.
    pub key: String,
    /// The same for people.
    pub name: String,
    /// How many there are.
    pub count: u64,
    /// The condition that finds them: behind the query of the list, `ticket.list` shows just these.
    pub query: String,
}
