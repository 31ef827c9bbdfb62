//! The shape of the documents: key names and how values are written. A promise to every stored document: names
//! and meanings never change; a new shape gets a new [`VERSION`].
//!
//! All containers are made by a document's first change, so no two devices ever make the same container apart.
//! Notes have no first change that others could wait for: agents write them apart, so they stand in the root itself.
//! Links are keys of the root, each with the other ticket's id behind [`key::LINK_PREFIX`], for the same reason: the
//! tickets that were filed before there were links have no container for them.
//! Maps and scalars only: ids are byte strings, times are timestamps, `none` is an explicit null (a deleted key
//! could not show up as one side of a conflict).
//!
//! ```text
//! ticket:  v, kind, id, requester, created_at, title, body, status, assignee?, priority?, snoozed_until?,
//!          close_reason?, merged_into?, link:<ticket id>? = true
//!          labels   {label: true}
//!          comments {id: {author, created_at, body, reply_to?, edited_at?, deleted?,
//!                         files? {blob: {name, size, type}}}}
//! notes:   {id: as in comments}
//! project: v, kind, created_at, name,
//!          labels         {label: description}
//!          canned_replies {name: text}
//! ```

use crate::ids::{DocId, UnixMillis};
use crate::limits;

/// Of both shapes.
pub(crate) const VERSION: u64 = 1;

/// The value of [`key::KIND`] in a ticket.
pub(crate) const KIND_TICKET: &str = "ticket";
/// The value of [`key::KIND`] in a project.
pub(crate) const KIND_PROJECT: &str = "project";

/// The key names. Those of a ticket's plain fields are [`crate::Field::as_str`].
pub(crate) mod key {
    pub(crate) const VERSION: &str = "v";
    pub(crate) const KIND: &str = "kind";
    pub(crate) const ID: &str = "id";
    pub(crate) const REQUESTER: &str = "requester";
    pub(crate) const CREATED_AT: &str = "created_at";
    pub(crate) const TITLE: &str = "title";
    pub(crate) const BODY: &str = "body";
    pub(crate) const STATUS: &str = "status";
    pub(crate) const ASSIGNEE: &str = "assignee";
    pub(crate) const PRIORITY: &str = "priority";
    pub(crate) const SNOOZED_UNTIL: &str = "snoozed_until";
    pub(crate) const CLOSE_REASON: &str = "close_reason";
    pub(crate) const MERGED_INTO: &str = "merged_into";
    /// Before the id of the ticket that is linked.
    pub(crate) const LINK_PREFIX: &str = "link:";
    pub(crate) const LABELS: &str = "labels";
    pub(crate) const COMMENTS: &str = "comments";

    pub(crate) const AUTHOR: &str = "author";
    pub(crate) const REPLY_TO: &str = "reply_to";
    pub(crate) const EDITED_AT: &str = "edited_at";
    pub(crate) const DELETED: &str = "deleted";
    pub(crate) const FILES: &str = "files";

    pub(crate) const FILE_NAME: &str = "name";
    pub(crate) const FILE_SIZE: &str = "size";
    pub(crate) const FILE_TYPE: &str = "type";

    pub(crate) const PROJECT_NAME: &str = "name";
    pub(crate) const CANNED_REPLIES: &str = "canned_replies";
}

/// What a document holds, by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Ticket,
    Project,
    Notes,
}

impl Kind {
    pub(crate) const fn of(doc: DocId) -> Self {
        match doc {
            DocId::Ticket(_) => Self::Ticket,
            DocId::Notes(_) => Self::Notes,
            DocId::Project => Self::Project,
        }
    }
}

/// Returns the document's form of a time; `None` beyond the bound.
pub(crate) fn timestamp_from_millis(at: UnixMillis) -> Option<i64> {
    if at.0 > limits::VALUE_TIMES_MAX { None } else { i64::try_from(at.0).ok() }
}

/// Reads the document's form of a time; `None` if negative or beyond the bound.
pub(crate) fn millis_from_timestamp(timestamp: i64) -> Option<UnixMillis> {
    u64::try_from(timestamp).ok().filter(|millis| *millis <= limits::VALUE_TIMES_MAX).map(UnixMillis)
}
