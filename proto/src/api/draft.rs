//! `draft.*`: edits of this device's user that were refused. Nothing a person wrote is lost: it is kept with the reason.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ticket::{HistoryEdit, TicketRef};

/// Parameters of `draft.list`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct List {
    /// Only of this project: its id, its name, or an unambiguous beginning of either. All unless told.
    pub project: Option<String>,
}

/// Answer of `draft.list`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Drafts {
    /// Oldest first.
    pub drafts: Vec<Draft>,
}

/// A refused change, kept as what its author meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Draft {
    /// The hash of the refused change, 52 characters.
    pub id: String,
    /// The project's id, 52 characters.
    pub project: String,
    /// What it was meant for; null if it was not for a ticket.
    pub ticket: Option<TicketRef>,
    /// When it was written.
    pub created_at_millis: u64,
    /// When it was refused.
    pub refused_at_millis: u64,
    /// The code of the refusal, as `not_allowed`.
    pub reason: String,
    /// Why, in a sentence.
    pub message: String,
    /// What it would have done, with the full texts.
    pub edits: Vec<HistoryEdit>,
}

/// Parameters of `draft.get`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Get {
    /// The draft's id, or an unambiguous beginning of it.
    pub draft: String,
}

/// Parameters of `draft.discard`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Discard {
    /// The draft's id, or an unambiguous beginning of it.
    pub draft: String,
}

/// Parameters of `draft.retry`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// The draft's id, or an unambiguous beginning of it.
    pub draft: String,
}
