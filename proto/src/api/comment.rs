//! `comment.*`: texts under a ticket that all its members see.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::attachment::Attach;
use super::sync::DeliveryState;
use super::ticket::TicketRef;
use super::user::{Role, UserName};

/// Parameters of `comment.add`.
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
    /// The id of the comment that this one answers.
    #[serde(default)]
    pub reply_to: Option<String>,
    /// Files to attach, at most 20. With any, the text may be empty.
    #[serde(default)]
    pub attachments: Vec<Attach>,
    /// How long it stays on this device first, so that `comment.undo` can take it back: at most an hour. Unless told,
    /// what the configuration says: 5 seconds for agents, none for customers.
    #[serde(default)]
    pub hold_millis: Option<u64>,
}

/// Parameters of `comment.undo`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Undo {
    /// Only in this project: its id, its name, or an unambiguous beginning of either.
    #[serde(default)]
    pub project: Option<String>,
    /// The id of the comment or note, 26 characters; the newest that has not left if left out.
    #[serde(default)]
    pub comment: Option<String>,
}

/// Answer of `comment.undo`: the text is gone from the ticket, and kept as a draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Undone {
    /// The ticket that it stood under.
    pub ticket: TicketRef,
    /// The id that it had, 26 characters.
    pub comment: String,
    /// Whether it was a note.
    pub is_note: bool,
    /// What it said.
    pub body: String,
    /// The draft that keeps it, 52 characters: `draft.retry` writes it again, `draft.discard` throws it away.
    pub draft: String,
}

/// Parameters of `comment.edit`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// The project: its id, its name, or an unambiguous beginning of either.
    #[serde(default)]
    pub project: Option<String>,
    /// The id, an unambiguous beginning of it, or `#number`.
    pub ticket: String,
    /// The comment's id, 26 characters.
    pub comment: String,
    /// Any text up to 64 KiB that is not blank.
    pub body: String,
}

/// Parameters of `comment.delete`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Delete {
    /// The project: its id, its name, or an unambiguous beginning of either.
    #[serde(default)]
    pub project: Option<String>,
    /// The id, an unambiguous beginning of it, or `#number`.
    pub ticket: String,
    /// The comment's id, 26 characters.
    pub comment: String,
}

/// Answer of a call that changed a comment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CommentWritten {
    /// The ticket that it stands under.
    pub ticket: TicketRef,
    /// The comment's id, 26 characters.
    pub comment: String,
    /// The change (52 characters), for `sync.wait`; null when everything was as asked already.
    pub change: Option<String>,
}

/// A comment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Comment {
    /// 26 characters.
    pub id: String,
    /// Who wrote it.
    pub author: Author,
    /// By the author's clock, clamped to what the server saw. Never used for order.
    pub created_at_millis: u64,
    /// The text; empty once struck.
    pub body: String,
    /// The id of the comment that this one answers.
    pub reply_to: Option<String>,
    /// Set by the last rewrite.
    pub edited_at_millis: Option<u64>,
    /// Struck by its author.
    pub is_deleted: bool,
    /// What it names.
    pub attachments: Vec<Attachment>,
    /// How far it has come, if it is one's own.
    pub state: Option<DeliveryState>,
    /// Who else has read it and says so, if it is one's own; earliest first.
    #[serde(default)]
    pub read_by: Vec<ReadBy>,
    /// Until when it is held back; there for as long as `comment.undo` can take it back. Past where only the network
    /// holds it back.
    #[serde(default)]
    pub held_until_millis: Option<u64>,
    /// Concurrent rewrites of the text that lost. Nothing is dropped silently.
    pub losing_bodies: Vec<String>,
    /// The change that brought it, 52 characters.
    pub change: String,
}

/// Somebody who has read something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReadBy {
    /// Who.
    pub user: UserName,
    /// When they last read on in the ticket, by their clock, clamped by the server.
    pub at_millis: u64,
}

/// Who wrote a comment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Author {
    /// The user's id, 26 characters.
    pub id: String,
    /// What people call them; the start of the id while the name is not known here.
    pub name: String,
    /// What they may do now; null while it is not known here.
    pub role: Option<Role>,
}

/// A comment's named reference to bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attachment {
    /// The hash of the bytes, 52 characters.
    pub blob: String,
    /// A label, never a path.
    pub name: String,
    /// As the author measured it.
    pub size_bytes: u64,
    /// A MIME type, as the author guessed it.
    pub media_type: String,
}
