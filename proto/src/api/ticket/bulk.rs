//! `ticket.bulk`: the same change to many tickets.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{FieldValues, TicketRef};

/// Parameters of `ticket.bulk`. Either `query` or `tickets` says which, at most 500 of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Bulk {
    /// Only in this project: its id, its name, or an unambiguous beginning of either.
    pub project: Option<String>,
    /// Those that it finds: `docs/api.md` tells the language.
    pub query: Option<String>,
    /// These: each an id, an unambiguous beginning of it, or `#number`.
    pub tickets: Vec<String>,
    /// The fields to write: all but `title` and `body`.
    pub set: FieldValues,
    /// Labels to put on.
    pub add_labels: Vec<String>,
    /// Labels to take off.
    pub remove_labels: Vec<String>,
    /// Write nothing, and answer what would be written to which tickets.
    pub is_dry_run: bool,
}

/// Answer of `ticket.bulk`: what became of each ticket.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct BulkDone {
    /// In the order in which they were named, or found.
    pub tickets: Vec<BulkTicket>,
    /// How many were changed, or would be.
    pub changed: u64,
    /// How many could not be.
    pub failed: u64,
}

/// What became of one ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BulkTicket {
    /// Which.
    pub ticket: TicketRef,
    /// In one word.
    pub outcome: BulkOutcome,
    /// What was asked for, an edit each, in words.
    pub edits: Vec<String>,
    /// The change (52 characters), if it was changed.
    pub change: Option<String>,
    /// Why not, if it could not be.
    pub message: Option<String>,
}

/// What became of a ticket, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BulkOutcome {
    /// It was.
    Changed,
    /// It was so already.
    Unchanged,
    /// It would be changed, if this were no dry run.
    Planned,
    /// It could not be.
    Failed,
}
