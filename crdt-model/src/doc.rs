//! One Automerge document: edits in, changes out, snapshots for reading. With the gate, the only user of `automerge::`.
//!
//! All changes, one's own and foreign ones, enter through one door: composed by [`compose`], applied to a copy,
//! the copy swapped in when all went well. A [`Doc`] is therefore never half changed.

mod ahead;
mod compose;
mod graph;
mod history;
mod root;
mod snapshot;
mod undo;
mod view;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::num::NonZeroU64;
use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::legacy::Op;
use automerge::{ActorId, Automerge, Change, ExpandedChange};

pub(crate) use self::ahead::Ahead;
pub use self::compose::EditError;
pub(crate) use self::compose::{Composed, Composer};
pub(crate) use self::graph::{Graph, Node};
pub(crate) use self::root::Root;
pub use self::undo::UndoError;
pub(crate) use self::view::{View, automerge_hash, hash_from_automerge};
use crate::actor::{Actor, Author};
use crate::comment::{Attachment, Comment, Text};
use crate::edit::{Edit, Label};
use crate::gate::{self, Checked, RejectCode, Rejection, ScannedChange};
use crate::ids::{ChangeHash, CommentId, DocId, TicketId, UnixMillis, UserId};
use crate::limits;
use crate::project::Project;
use crate::schema;
use crate::ticket::{Priority, Status, Ticket};

/// A document in memory.
#[derive(Clone)]
pub struct Doc {
    id: DocId,
    automerge: Automerge,
    graph: Graph,
    /// Set by the first change, if one is needed.
    root: Option<Root>,
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
    /// The ticket that it goes on in.
    pub merged_into: Option<TicketId>,
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

/// Why stored changes do not give a document. Our own bytes: this is damage, not an attack.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("stored changes of {doc:?} do not load: {reason}")]
pub struct LoadDocError {
    /// Which document.
    pub doc: DocId,
    /// What went wrong.
    pub reason: String,
    /// Whether no more is wrong than that a change follows one that is not there.
    is_incomplete: bool,
}

impl LoadDocError {
    /// Whether no more is wrong than that a change follows one that is not there.
    pub fn is_incomplete(&self) -> bool {
        self.is_incomplete
    }
}

impl fmt::Debug for Doc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Doc")
            .field("id", &self.id)
            .field("heads", &self.graph.heads())
            .finish_non_exhaustive()
    }
}

/// What stands in a change beside its operations. Message, author and extra bytes stay empty.
pub(crate) struct ChangeHeader {
    pub(crate) actor: Actor,
    pub(crate) seq: u64,
    pub(crate) start_op: NonZeroU64,
    /// Sorted.
    pub(crate) deps: Vec<ChangeHash>,
    pub(crate) at: UnixMillis,
}

impl Doc {
    /// Makes an empty document. Its first change must create the ticket or project; notes are just written.
    pub fn new(id: DocId) -> Self {
        Self { id, automerge: Automerge::new(), graph: Graph::default(), root: Root::of_empty(id) }
    }

    /// Loads a document from changes that passed the gate before, in an order in which each follows what it
    /// depends on. Checks nothing but that they apply.
    ///
    /// # Errors
    /// When they do not apply (damage).
    pub fn load<'a>(id: DocId, changes: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, LoadDocError> {
        let failed = |reason: String| LoadDocError { doc: id, reason, is_incomplete: false };
        let parse = |bytes: &[u8]| Change::try_from(bytes).map_err(|error| failed(error.to_string()));
        let mut doc = Self::new(id);
        let mut parsed = Vec::new();
        for bytes in changes {
            let change = parse(bytes)?;
            let hash = hash_from_automerge(&change.hash());
            let node = node_of(&change).map_err(failed)?;
            if let Some(missing) = node.deps.iter().find(|dep| !doc.graph.contains(dep)) {
                let reason = format!("{hash} follows {missing}, which is not there");
                return Err(LoadDocError { doc: id, reason, is_incomplete: true });
            }
            doc.graph.insert(hash, node);
            parsed.push(change);
        }
        apply_all(&mut doc.automerge, parsed, doc.graph.heads()).map_err(failed)?;
        doc.root = Root::read(id, &doc.automerge);
        Ok(doc)
    }

    /// Puts a whole foreign document through the gate at once: the same verdicts as [`Doc::admit`] one by one,
    /// without a copy for each change, because a failure throws all of it away.
    ///
    /// # Errors
    /// The index of the first change that is refused, and why.
    pub fn verify<'a>(
        id: DocId,
        changes: impl IntoIterator<Item = (&'a ScannedChange, Author)>,
    ) -> Result<Self, (usize, Rejection)> {
        let mut doc = Self::new(id);
        let mut ahead = Ahead::default();
        let mut last = 0;
        for (index, (change, author)) in changes.into_iter().enumerate() {
            doc.verify_next(&mut ahead, change, &author).map_err(|rejection| (index, rejection))?;
            last = index;
        }
        doc.catch_up(&mut ahead).map_err(|rejection| (last, rejection))?;
        Ok(doc)
    }

    /// Which document this is.
    pub fn id(&self) -> DocId {
        self.id
    }

    /// Makes one change of some edits and applies it here. Deterministic: same document, author, time and edits,
    /// same bytes. An edit that says only what is so already (and settles no conflict) is left out.
    ///
    /// # Errors
    /// When the role rules would refuse it, a limit is reached, an edit names what is not there, or nothing would
    /// change. The document is then as before.
    pub fn apply(
        &mut self,
        author: &Author,
        now: UnixMillis,
        edits: &[Edit],
    ) -> Result<NewChange, EditError> {
        if self.graph.len() >= limits::CHANGES_PER_DOC_MAX {
            return Err(EditError::TooMany { what: "changes", count_max: limits::CHANGES_PER_DOC_MAX });
        }
        let mut first_error = None;
        for deps in self.pasts_to_follow(&author.actor) {
            match self.compose_on(deps, author, now, edits) {
                Ok((change, root)) => return self.take_in_own(change, root),
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        Err(first_error.unwrap_or(EditError::NothingToDo))
    }

    /// Lets a foreign change in, if every check passes; else the document is as before. Returns the edits that
    /// the change was read as.
    ///
    /// # Errors
    /// The first check that failed.
    pub fn admit(&mut self, change: &ScannedChange, author: &Author) -> Result<Vec<Edit>, Rejection> {
        let Checked { change, root, edits } = gate::check(self, &Ahead::default(), change, author)?;
        self.take_in(change, root).map_err(apply_failed)?;
        Ok(edits)
    }

    /// Tells whether the change is in the document.
    pub fn contains(&self, change: &ChangeHash) -> bool {
        self.graph.contains(change)
    }

    /// Returns the hashes that name the current version, sorted.
    pub fn heads(&self) -> Vec<ChangeHash> {
        self.graph.heads().iter().copied().collect()
    }

    /// Returns the change that made it, the first of [`Doc::history`]; `None` while it is empty.
    pub fn first_change(&self) -> Option<ChangeHash> {
        self.graph.first()
    }

    /// How many changes it has.
    pub fn change_count(&self) -> usize {
        self.graph.len()
    }

    /// Returns the whole ticket; `None` if this is no ticket document or it is empty.
    pub fn ticket(&self) -> Option<Ticket> {
        snapshot::ticket(self)
    }

    /// Returns what a list shows; `None` if this is no ticket document or it is empty.
    pub fn summary(&self) -> Option<TicketSummary> {
        snapshot::summary(self)
    }

    /// Returns the notes of a ticket, oldest first; `None` if this is no document of notes.
    pub fn notes(&self) -> Option<Vec<Comment>> {
        snapshot::notes(self)
    }

    /// Returns the project; `None` if this is no project document or it is empty.
    pub fn project(&self) -> Option<Project> {
        snapshot::project(self)
    }

    /// Returns what the comments or notes name, those apart that were struck; one entry for each time.
    pub fn attachments(&self) -> Vec<Attachment> {
        snapshot::attachments(self)
    }

    /// Returns those comments or notes whose text is wanted, those apart that were struck; in no certain order. What is
    /// not wanted is not copied.
    pub fn texts(&self, is_wanted: impl Fn(&str) -> bool) -> Vec<Text> {
        snapshot::texts(self, is_wanted)
    }

    /// Returns one comment or note, unless it was struck. Takes as long whatever else the document holds.
    pub fn text(&self, id: CommentId) -> Option<Text> {
        snapshot::text(self, id)
    }

    /// Returns all changes as intent, in causal order.
    pub fn history(&self) -> Vec<HistoryEntry> {
        history::read(self)
    }

    /// Returns the edits that take a change back: as a change of their own they write what stood before.
    ///
    /// # Errors
    /// When there is no such change, somebody has gone on from what it wrote, or there is no way back from it.
    pub fn undo(&self, change: &ChangeHash) -> Result<Vec<Edit>, UndoError> {
        undo::inverse(self, change)
    }

    /// Returns the document in Automerge's own format, loadable by any Automerge implementation.
    pub fn save(&self) -> Vec<u8> {
        self.automerge.save()
    }

    pub(crate) fn automerge(&self) -> &Automerge {
        &self.automerge
    }

    pub(crate) fn graph(&self) -> &Graph {
        &self.graph
    }

    pub(crate) fn root(&self) -> Option<&Root> {
        self.root.as_ref()
    }

    /// Checks one more change of a whole document; it is applied now or later.
    fn verify_next(
        &mut self,
        ahead: &mut Ahead,
        scanned: &ScannedChange,
        author: &Author,
    ) -> Result<(), Rejection> {
        let saw_all = self.graph.heads_are(scanned.deps());
        if !saw_all {
            self.catch_up(ahead)?;
        }
        let Checked { change, root, .. } = gate::check(self, ahead, scanned, author)?;
        let node = node_of(&change).map_err(apply_failed)?;
        self.enter(hash_from_automerge(&change.hash()), node, root);
        ahead.push(change, scanned.ops());
        // What others saw of such a change only Automerge can tell.
        if saw_all { Ok(()) } else { self.catch_up(ahead) }
    }

    /// Applies, in place, the changes that wait.
    fn catch_up(&mut self, ahead: &mut Ahead) -> Result<(), Rejection> {
        apply_all(&mut self.automerge, ahead.take(), self.graph.heads()).map_err(apply_failed)
    }

    /// What the actor's next change may say to have seen: all heads. Where there are more than one change can name,
    /// as many as fit, in several ways: whatever somebody sees is in one of them. So nobody who writes a document
    /// full of heads, each as another incarnation, keeps the others from writing: every change leaves fewer.
    fn pasts_to_follow(&self, actor: &Actor) -> Vec<Vec<ChangeHash>> {
        let mut heads = self.heads();
        if heads.len() <= limits::DEPS_PER_CHANGE_MAX {
            return vec![heads];
        }
        let own = self.graph.last_of(actor).map(|(_, own)| own);
        let saw_own = |head: &ChangeHash| own.is_some_and(|own| self.graph.is_seen_at(&own, &[*head]));
        let first = heads.iter().position(saw_own).unwrap_or(0);
        let first = heads.remove(first);
        let past = |others: &[ChangeHash]| {
            let mut past = [&[first], others].concat();
            past.sort_unstable();
            past
        };
        heads.chunks(limits::DEPS_PER_CHANGE_MAX - 1).map(past).collect()
    }

    fn compose_on(
        &self,
        deps: Vec<ChangeHash>,
        author: &Author,
        now: UnixMillis,
        edits: &[Edit],
    ) -> Result<(Change, Root), EditError> {
        let start_op = NonZeroU64::MIN.saturating_add(self.graph.max_op_at(&deps));
        let seen: Vec<automerge::ChangeHash> = deps.iter().map(automerge_hash).collect();
        let view = if self.graph.heads_are(&deps) {
            View::present(&self.automerge)
        } else {
            View::past(&self.automerge, &seen)
        };
        let composer = Composer::new(self.id, self.root.clone(), view, author, now, start_op.get())?;
        let Composed { ops, root } = composer.compose(edits)?;
        let seq = self.graph.last_of(&author.actor).map_or(0, |(seq, _)| seq) + 1;
        Ok((assemble(ChangeHeader { actor: author.actor, seq, start_op, deps, at: now }, ops), root))
    }

    fn take_in_own(&mut self, change: Change, root: Root) -> Result<NewChange, EditError> {
        let bytes = change.raw_bytes().to_vec();
        let scanned =
            ScannedChange::scan(&bytes).map_err(|error| EditError::TooLarge { reason: error.detail })?;
        self.take_in(change, root).map_err(|reason| EditError::ApplyFailed { reason })?;
        Ok(NewChange { hash: scanned.hash(), bytes })
    }

    /// Applies a change that was composed here, to a copy. On failure the document is as before.
    fn take_in(&mut self, change: Change, root: Root) -> Result<(), String> {
        let hash = hash_from_automerge(&change.hash());
        let node = node_of(&change)?;
        let mut next = self.automerge.clone();
        apply_all(&mut next, vec![change], &self.graph.heads_with(hash, &node))?;
        self.automerge = next;
        self.enter(hash, node, root);
        Ok(())
    }

    fn enter(&mut self, hash: ChangeHash, node: Node, root: Root) {
        self.graph.insert(hash, node);
        self.root.get_or_insert(root);
    }
}

/// Makes the change. Automerge's own encoder sets the order of columns, actors and predecessors.
pub(crate) fn assemble(header: ChangeHeader, operations: Vec<Op>) -> Change {
    Change::from(ExpandedChange {
        operations,
        actor_id: ActorId::from(header.actor.as_bytes()),
        hash: None,
        seq: header.seq,
        start_op: header.start_op,
        time: schema::timestamp_from_millis(header.at).unwrap_or_default(),
        message: None,
        deps: header.deps.iter().map(automerge_hash).collect(),
        extra_bytes: Vec::new(),
        author: None,
    })
}

/// Applies changes and checks that Automerge now has the heads that our own graph says.
fn apply_all(
    automerge: &mut Automerge,
    changes: Vec<Change>,
    heads: &BTreeSet<ChangeHash>,
) -> Result<(), String> {
    let applied = catch_unwind(AssertUnwindSafe(|| automerge.apply_changes(changes)));
    match applied {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return Err(error.to_string()),
        Err(_panic) => return Err("automerge panicked".to_owned()),
    }
    let is_as_expected = automerge.get_heads().iter().map(hash_from_automerge).eq(heads.iter().copied());
    if is_as_expected { Ok(()) } else { Err("the heads are not those expected".to_owned()) }
}

fn node_of(change: &Change) -> Result<Node, String> {
    let actor = Actor::from_slice(change.actor_id().to_bytes());
    Ok(Node {
        actor: actor.ok_or_else(|| "an actor of another size".to_owned())?,
        seq: change.seq(),
        max_op: change.max_op(),
        deps: change.deps().iter().map(hash_from_automerge).collect(),
    })
}

fn apply_failed(reason: String) -> Rejection {
    Rejection { code: RejectCode::ApplyFailed, detail: reason }
}
