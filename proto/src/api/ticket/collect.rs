//! `ticket.collect`: several tickets with all that is kept of each, as an export writes it down.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{HistoryChange, Ticket};
use crate::api::attachment::AttachmentState;
use crate::api::comment::Comment;

/// Parameters of `ticket.collect`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Collect {
    /// The project: its id, its name, or an unambiguous beginning of either.
    #[serde(default)]
    pub project: Option<String>,
    /// 1 to 50 tickets: each an id, an unambiguous beginning of it, or `#number`.
    pub tickets: Vec<String>,
}

/// Answer of `ticket.collect`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct CollectedTickets {
    /// The first of those that were asked for, in their order: at least one, and as many as make a reply of some MiB.
    /// The others are asked for again.
    pub tickets: Vec<CollectedTicket>,
}

/// A ticket with all that is kept of it, all of one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CollectedTicket {
    /// As `ticket.get` answers it, with all comments.
    pub ticket: Ticket,
    /// All notes, as `note.list` answers them. Always empty for customers.
    #[serde(default)]
    pub notes: Vec<Comment>,
    /// All changes, as `ticket.history` answers them.
    #[serde(default)]
    pub history: Vec<HistoryChange>,
    /// As `attachment.list` answers them.
    #[serde(default)]
    pub attachments: Vec<AttachmentState>,
    /// The text of `ticket.export`; null while the ticket's own text is not on this device.
    #[serde(default)]
    pub bundle: Option<String>,
    /// The same of its notes; null without any.
    #[serde(default)]
    pub notes_bundle: Option<String>,
}
