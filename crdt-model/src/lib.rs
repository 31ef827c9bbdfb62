//! What a ticket is.
//!
//! A [`Doc`] wraps one Automerge document of maps and scalars. Edits go in ([`Edit`]), changes come out for
//! signing and sending; foreign changes come in through the [`gate`]; plain snapshots ([`Ticket`], [`Project`])
//! come out for reading.
//!
//! This crate never does IO, reads no clock, draws no random numbers, and is the only user of `automerge::`.
//! The same calls give the same bytes.

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
pub use comment::{Attachment, Comment};
pub use doc::{Doc, EditError, HistoryEntry, LoadDocError, NewChange, TicketSummary};
pub use edit::{Body, Edit, Label, ProjectName, TextError, Title};
pub use gate::{RejectCode, Rejection, ScannedChange};
pub use ids::{
    BlobHash, ChangeHash, CommentId, DeviceId, DocId, ParseIdError, ProjectId, TicketId, UnixMillis, UserId,
    base32,
};
pub use project::Project;
pub use ticket::{Conflict, ConflictValue, Field, Priority, Role, Status, Ticket, UnknownName};
