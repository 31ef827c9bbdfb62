//! `ticket.members`, `ticket.share` and `ticket.unshare`: who sees a ticket beside the team.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Parameters of `ticket.members`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListMembers {
    /// The project: its id, its name, or an unambiguous beginning of either.
    #[serde(default)]
    pub project: Option<String>,
    /// The id, an unambiguous beginning of it, or `#number`.
    pub ticket: String,
}

/// Answer of `ticket.members`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct TicketMembers {
    /// The requester first.
    pub members: Vec<TicketMember>,
}

/// Somebody who sees a ticket beside the team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TicketMember {
    /// The user's id, 26 characters; null for who was named by an address, as far as one may know.
    pub id: Option<String>,
    /// What people call them; null likewise.
    pub name: Option<String>,
    /// The address that they were named by, or, for the team, theirs.
    pub email: Option<String>,
    /// How they come to see it.
    pub state: TicketMemberState,
    /// Whether it is the user of this device.
    pub is_self: bool,
}

/// How somebody comes to see a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TicketMemberState {
    /// It is their problem.
    Requester,
    /// It was shared with them.
    Member,
    /// It was shared with an address. The team is told this until somebody joins who owns it; customers always.
    Invited,
}

/// Parameters of `ticket.share`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// The project: its id, its name, or an unambiguous beginning of either.
    #[serde(default)]
    pub project: Option<String>,
    /// The id, an unambiguous beginning of it, or `#number`.
    pub ticket: String,
    /// With whom: an email address, a user id, or, for the team, a name that only one has. An address that is
    /// nobody's yet waits for whoever joins with it.
    pub member: String,
}

/// Parameters of `ticket.unshare`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unshare {
    /// The project: its id, its name, or an unambiguous beginning of either.
    #[serde(default)]
    pub project: Option<String>,
    /// The id, an unambiguous beginning of it, or `#number`.
    pub ticket: String,
    /// From whom: as they were named, a user id, or `me`.
    pub member: String,
}
