//! What a ticket is.
//!
//! A [`Doc`] wraps one Automerge document of maps and scalars. Edits go in ([`Edit`]), changes come out for
//! signing and sending; foreign changes come in through the [`gate`]; plain snapshots ([`Ticket`], [`Project`])
//! come out for reading.
//!
//! # Who may change what
//! Customers file tickets for themselves, word them, close and reopen them; the team does the rest; everybody on a
//! ticket comments, and rewrites only what is theirs. One table, `gate/role_rules.rs`, says so for edits made here
//! and for changes that come from elsewhere.
//!
//! # What happens to changes made apart
//! A field that several wrote holds all the values: the ticket shows one, the same on every device, and lists the
//! others as a [`Conflict`], until the next write settles it. Comments only add up; taking off a label takes what its
//! author saw of it. A deleted comment stays deleted. Order comes from causes (Lamport counters), never from clocks.
//!
//! # Invariants
//! This crate never does IO, reads no clock, draws no random numbers, and is the only user of `automerge::`.
//! The same calls give the same bytes. Documents are maps and scalars; their shape stands in `schema.rs`.

#![warn(missing_docs)]

mod actor;
mod comment;
mod doc;
mod edit;
#[cfg(test)]
mod fixtures;
pub mod gate;
mod ids;
pub mod limits;
mod project;
mod schema;
mod ticket;

pub use actor::{Actor, Author};
pub use comment::{Attachment, Comment, Text};
pub use doc::{Doc, EditError, HistoryEntry, LoadDocError, NewChange, TicketSummary, UndoError};
pub use edit::{Body, Edit, Label, ProjectName, Reason, TextError, Title};
pub use gate::{RejectCode, Rejection, ScannedChange};
pub use ids::{
    BlobHash, ChangeHash, CommentId, DeviceId, DocId, ParseIdError, ProjectId, TicketId, UnixMillis, UserId,
    base32,
};
pub use project::Project;
pub use ticket::{Conflict, ConflictValue, Field, Priority, Role, Status, Ticket, UnknownName};
