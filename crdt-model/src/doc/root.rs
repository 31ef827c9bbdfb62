//! What the first change of a document fixed for good. Every later change follows it, so it is the same in every
//! view, and reading it once serves all edits and checks.

use automerge::legacy::ObjectId;
use automerge::{Automerge, ScalarValue};

use crate::doc::view::{Held, View};
use crate::ids::{DocId, UserId};
use crate::schema::{Kind, key};

/// The immutable facts and the containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Root {
    Ticket {
        requester: UserId,
        labels: ObjectId,
        comments: ObjectId,
    },
    Project {
        labels: ObjectId,
        canned_replies: ObjectId,
    },
    /// Notes stand in the document's root, which is always there.
    Notes,
}

/// Where the notes are.
static NOTES: ObjectId = ObjectId::Root;

impl Root {
    /// That of a document without changes, if it needs none to be written to.
    pub(crate) const fn of_empty(doc: DocId) -> Option<Self> {
        match Kind::of(doc) {
            Kind::Notes => Some(Self::Notes),
            Kind::Ticket | Kind::Project => None,
        }
    }

    /// Reads it; `None` if the document is empty or of another kind.
    pub(crate) fn read(doc: DocId, automerge: &Automerge) -> Option<Self> {
        let view = View::present(automerge);
        let map = |name: &str| match view.slot(&ObjectId::Root, name).pop()? {
            (made_by, Held::Map) => Some(ObjectId::Id(made_by)),
            _ => None,
        };
        match Kind::of(doc) {
            Kind::Ticket => {
                let requester = match view.slot(&ObjectId::Root, key::REQUESTER).pop()?.1 {
                    Held::Scalar(ScalarValue::Bytes(user)) => UserId::from_slice(&user)?,
                    _ => return None,
                };
                Some(Self::Ticket { requester, labels: map(key::LABELS)?, comments: map(key::COMMENTS)? })
            }
            Kind::Project => {
                Some(Self::Project { labels: map(key::LABELS)?, canned_replies: map(key::CANNED_REPLIES)? })
            }
            Kind::Notes => Some(Self::Notes),
        }
    }

    pub(crate) fn labels(&self) -> Option<&ObjectId> {
        match self {
            Self::Ticket { labels, .. } | Self::Project { labels, .. } => Some(labels),
            Self::Notes => None,
        }
    }

    pub(crate) fn comments(&self) -> Option<&ObjectId> {
        match self {
            Self::Ticket { comments, .. } => Some(comments),
            Self::Project { .. } | Self::Notes => None,
        }
    }

    pub(crate) fn notes(&self) -> Option<&ObjectId> {
        match self {
            Self::Notes => Some(&NOTES),
            Self::Ticket { .. } | Self::Project { .. } => None,
        }
    }

    pub(crate) fn canned_replies(&self) -> Option<&ObjectId> {
        match self {
            Self::Project { canned_replies, .. } => Some(canned_replies),
            Self::Ticket { .. } | Self::Notes => None,
        }
    }
}
