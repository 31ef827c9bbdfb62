//! `note.*`: texts under a ticket that only the team sees. A customer's device never gets any of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::attachment::Attach;
use super::comment::Comment;
use super::ticket::TicketRef;

/// Parameters of `note.add`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Add {
    /// The project: its id, its name, or an unambiguous beginning of either.
    #[serde(default)]
    pub project: Option<String>,
    /// The id, an unambiguous beginning of it, or `#number`.
    pub ticket: String,
    /// Any text up to 64 KiB that is not blank, kept to the byte.
    pub body: String,
    /// The id of the note that this one answers.
    #[serde(default)]
    pub reply_to: Option<String>,
    /// Files to attach, at most 20. With any, the text may be empty.
    #[serde(default)]
    pub attachments: Vec<Attach>,
    /// How long it stays on this device first, as with `comment.add`.
    #[serde(default)]
    pub hold_millis: Option<u64>,
}

/// Parameters of `note.edit`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// The project: its id, its name, or an unambiguous beginning of either.
    #[serde(default)]
    pub project: Option<String>,
    /// The id, an unambiguous beginning of it, or `#number`.
    pub ticket: String,
    /// The note's id, 26 characters.
    pub note: String,
    /// Any text up to 64 KiB that is not blank.
    pub body: String,
}

/// Parameters of `note.delete`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Delete {
    /// The project: its id, its name, or an unambiguous beginning of either.
    #[serde(default)]
    pub project: Option<String>,
    /// The id, an unambiguous beginning of it, or `#number`.
    pub ticket: String,
    /// The note's id, 26 characters.
    pub note: String,
}

/// Answer of a call that changed a note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NoteWritten {
    /// The ticket that it stands under.
    pub ticket: TicketRef,
    /// The note's id, 26 characters.
    pub note: String,
    /// The change (52 characters), for `sync.wait`; null when everything was as asked already.
    pub change: Option<String>,
}

/// Parameters of `note.list`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// The project: its id, its name, or an unambiguous beginning of either.
    #[serde(default)]
    pub project: Option<String>,
    /// The id, an unambiguous beginning of it, or `#number`.
    pub ticket: String,
    /// How many to skip, counted from the oldest.
    #[serde(default)]
    pub offset: u64,
    /// How many to return, at most 500; 50 unless told.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// Answer of `note.list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Notes {
    /// Oldest first. Of a note, "on server" is as far as it goes: it has no other side to be delivered to.
    pub notes: Vec<Comment>,
    /// How many there are in all, struck ones included.
    pub total: u64,
}
