//! One Automerge document: edits in, changes out, snapshots for reading. With the gate, the only user of `automerge::`.

use std::collections::BTreeSet;

use crate::actor::{Actor, Author};
use crate::edit::{Edit, Label};
use crate::gate::{Rejection, ScannedChange};
use crate::ids::{ChangeHash, DocId, UnixMillis, UserId};
use crate::project::Project;
use crate::ticket::{Priority, Status, Ticket};

/// A document in memory.
#[derive(Clone)]
pub struct Doc {
    id: DocId,
}

/// A change that [`Doc::apply`] made: what gets signed, stored and sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewChange {
    /// Its hash.
    pub hash: ChangeHash,
    /// A plain (uncompressed) change chunk.
    pub bytes: Vec<u8>,
}

/// What a list shows of a ticket. Reading it costs the same whatever the comments say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketSummary {
    /// Whose problem it is.
    pub requester: UserId,
    /// By the author's clock.
    pub created_at: UnixMillis,
    /// One line.
    pub title: String,
    /// Where it is in its life.
    pub status: Status,
    /// Who works on it.
    pub assignee: Option<UserId>,
    /// How urgent.
    pub priority: Option<Priority>,
    /// Hidden until then.
    pub snoozed_until: Option<UnixMillis>,
    /// In order.
    pub labels: BTreeSet<Label>,
    /// With tombstones.
    pub comment_count: usize,
    /// Whether any field has several concurrent values.
    pub has_conflict: bool,
}

/// One change of a document, read back as intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// Which change.
    pub change: ChangeHash,
    /// Which device and incarnation made it.
    pub actor: Actor,
    /// By the author's clock.
    pub at: UnixMillis,
    /// What it did, in order, each with the value that the author saw before as text (`None` where there was none).
    pub edits: Vec<(Edit, Option<String>)>,
}

/// Why an edit cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// Placeholder.
    #[error("placeholder")]
    Placeholder,
}

/// Why stored changes do not give a document. Our own bytes: this is damage, not an attack.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("stored changes of {doc:?} do not load: {reason}")]
pub struct LoadDocError {
    /// Which document.
    pub doc: DocId,
    /// What went wrong.
    pub reason: String,
}

impl Doc {
    /// Makes an empty document; its first change must create the ticket or project.
    pub fn new(id: DocId) -> Self {
        Self { id }
    }

    /// Loads a document from changes that passed the gate before, in an order in which each follows what it
    /// depends on. Checks nothing but that they apply.
    ///
    /// # Errors
    /// When they do not apply (damage).
    pub fn load<'a>(_id: DocId, _changes: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, LoadDocError> {
        unimplemented!()
    }

    /// Puts a whole foreign document through the gate at once: the same verdicts as [`Doc::admit`] one by one,
    /// without a copy for each change, because a failure throws all of it away.
    ///
    /// # Errors
    /// The index of the first change that is refused, and why.
    pub fn verify<'a>(
        _id: DocId,
        _changes: impl IntoIterator<Item = (&'a ScannedChange, Author)>,
    ) -> Result<Self, (usize, Rejection)> {
        unimplemented!()
    }

    /// Which document this is.
    pub fn id(&self) -> DocId {
        self.id
    }

    /// Makes one change of some edits and applies it here. Deterministic: same document, author, time and edits,
    /// same bytes.
    ///
    /// # Errors
    /// When the role rules would refuse it, a limit is reached, or an edit names what is not there. The document
    /// is then as before.
    pub fn apply(
        &mut self,
        _author: &Author,
        _now: UnixMillis,
        _edits: &[Edit],
    ) -> Result<NewChange, EditError> {
        unimplemented!()
    }

    /// Lets a foreign change in, if every check passes; else the document is as before. Returns the edits that
    /// the change was read as.
    ///
    /// # Errors
    /// The first check that failed.
    pub fn admit(&mut self, _change: &ScannedChange, _author: &Author) -> Result<Vec<Edit>, Rejection> {
        unimplemented!()
    }

    /// Tells whether the change is in the document.
    pub fn contains(&self, _change: &ChangeHash) -> bool {
        unimplemented!()
    }

    /// Returns the hashes that name the current version, sorted.
    pub fn heads(&self) -> Vec<ChangeHash> {
        unimplemented!()
    }

    /// How many changes it has.
    pub fn change_count(&self) -> usize {
        unimplemented!()
    }

    /// Returns the whole ticket; `None` if this is no ticket document or it is empty.
    pub fn ticket(&self) -> Option<Ticket> {
        unimplemented!()
    }

    /// Returns what a list shows; `None` if this is no ticket document or it is empty.
    pub fn summary(&self) -> Option<TicketSummary> {
        unimplemented!()
    }

    /// Returns the project; `None` if this is no project document or it is empty.
    pub fn project(&self) -> Option<Project> {
        unimplemented!()
    }

    /// Returns all changes as intent, in causal order.
    pub fn history(&self) -> Vec<HistoryEntry> {
        unimplemented!()
    }

    /// Returns the document in Automerge's own format, loadable by any Automerge implementation.
    pub fn save(&self) -> Vec<u8> {
        unimplemented!()
    }
}
