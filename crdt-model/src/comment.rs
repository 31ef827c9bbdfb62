//! A comment as people see it, and the attachments that it names.

use crate::edit::Body;
use crate::ids::{BlobHash, CommentId, UnixMillis, UserId};

/// A text under a ticket that all members of the ticket see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Chosen by the author's device.
    pub id: CommentId,
    /// Who wrote it; checked by the gate against the signature.
    pub author: UserId,
    /// By the author's clock. Shown, never used for order.
    pub created_at: UnixMillis,
    /// The text; empty once struck.
    pub body: String,
    /// The comment that this one answers.
    pub reply_to: Option<CommentId>,
    /// Set by the last rewrite.
    pub edited_at: Option<UnixMillis>,
    /// Struck by its author; the tombstone keeps its place.
    pub is_deleted: bool,
    /// Names for blobs, by hash.
    pub attachments: Vec<Attachment>,
    /// Concurrent rewrites of the text that lost, if any. Nothing is dropped silently.
    pub losing_bodies: Vec<Body>,
    /// The change that brought it.
    pub change: crate::ids::ChangeHash,
}

/// What a comment or note says now, and by which change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// Which comment or note.
    pub comment: CommentId,
    /// Who wrote it.
    pub author: UserId,
    /// The text.
    pub body: String,
    /// The change that wrote it as it is: the one that brought the comment, or its last rewrite.
    pub written_by: crate::ids::ChangeHash,
}

/// A comment's named reference to bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attachment {
    /// What is fetched.
    pub blob: BlobHash,
    /// A label of 1 to 200 characters; never a path.
    pub name: String,
    /// As the author measured it.
    pub size_bytes: u64,
    /// A MIME type, as the author guessed it.
    pub media_type: String,
}
