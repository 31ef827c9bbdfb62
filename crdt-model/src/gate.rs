//! The way in for a foreign change: no foreign byte reaches Automerge unchecked.
//!
//! The idea: **a change is admissible only if its bytes are those of some list of edits.** The chunk is taken apart
//! by a reader of our own (`prescan`, `columns`: bounded, it knows only the shapes that edits have), its header is
//! compared with the history that the document has (`header`), its operations are read back as edits (`ops`), and
//! the edits are composed again, for the same author on what that author saw, under the same role rules
//! (`role_rules`) and limits as one's own. The result must be the same bytes; and it is this result, made here, that
//! Automerge gets. A foreign byte never reaches it.
//!
//! So there is no list of forbidden shapes to keep up with: wrong predecessors, operations on missing objects,
//! reused ids, extra or missing operations, unusual encodings are all "other bytes".

mod columns;
mod header;
mod input;
mod ops;
mod prescan;
pub(crate) mod role_rules;

#[cfg(test)]
mod tests;

use std::num::NonZeroU64;

use automerge::legacy::{Op, OpType};
use automerge::{ActorId, Change};

pub(crate) use self::ops::EditReader;
use self::prescan::Header;
use crate::actor::{Actor, Author};
use crate::doc::{
    Ahead, ChangeHeader, Composed, Composer, Doc, EditError, Root, View, assemble, automerge_hash,
};
use crate::edit::Edit;
use crate::ids::{ChangeHash, UnixMillis};
use crate::schema::Kind;

/// Why a change was refused: a stable code for machines, and a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Rejection {
    /// For machines.
    pub code: RejectCode,
    /// For people; names no content that the author did not send.
    pub detail: String,
}

macro_rules! reject_codes {
    ($($(#[$doc:meta])* $variant:ident = $number:literal, $text:literal;)+) => {
        /// Stable codes of refusals. Numbers are wire format: never reused, never changed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum RejectCode { $($(#[$doc])* $variant),+ }

        impl RejectCode {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the number used on the wire and in the store.
            pub const fn number(self) -> u16 {
                match self { $(Self::$variant => $number),+ }
            }

            /// Returns the name used in the API.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// Reads the number; `None` for one that this version does not know.
            pub fn from_number(number: u16) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.number() == number)
            }
        }

        impl std::fmt::Display for RejectCode {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

reject_codes! {
    /// The signature is not by the device that the envelope names.
    BadSignature = 1, "bad_signature";
    /// The device is not on the roster.
    UnknownDevice = 2, "unknown_device";
    /// The device or its user was removed.
    Revoked = 3, "revoked";
    /// The document is not there for the author; "absent" and "forbidden" are the same.
    NoSuchDoc = 4, "no_such_doc";
    /// The envelope is of another epoch of the document.
    WrongEpoch = 5, "wrong_epoch";
    /// Over a limit of size or count.
    TooLarge = 10, "too_large";
    /// Not a plain change chunk, or damaged.
    Malformed = 11, "malformed";
    /// The actor is not the one of the device's incarnation.
    WrongActor = 12, "wrong_actor";
    /// The sequence number does not follow the actor's last change.
    WrongSeq = 13, "wrong_seq";
    /// A dependency is unknown: it may still come.
    MissingDep = 14, "missing_dep";
    /// A dependency was refused.
    RejectedDep = 15, "rejected_dep";
    /// The operation counter does not follow the dependencies.
    WrongStartOp = 16, "wrong_start_op";
    /// The dependencies are not what the author saw.
    WrongDeps = 17, "wrong_deps";
    /// An operation's predecessors are not what the author saw.
    WrongPred = 18, "wrong_pred";
    /// Decoding and encoding again gives other bytes.
    NotCanonical = 19, "not_canonical";
    /// The operations are not those of any edit.
    NotAnEdit = 20, "not_an_edit";
    /// The author's role does not allow the edit.
    NotAllowed = 21, "not_allowed";
    /// A value is out of its bounds: a text too long, an unknown status.
    BadValue = 22, "bad_value";
    /// The edit names a comment or reply that is not there.
    NoSuchTarget = 23, "no_such_target";
    /// The thing to be made is there already.
    AlreadyThere = 24, "already_there";
    /// Automerge failed or panicked on the change; it was thrown away.
    ApplyFailed = 30, "apply_failed";
    /// The author is over a rate or a quota.
    OverQuota = 31, "over_quota";
}

/// A change whose bytes were looked at, but not given to Automerge yet: a plain chunk with a right checksum,
/// within all caps. Making one needs no document, so it runs wherever there is a free core.
#[derive(Debug, Clone, PartialEq)]
pub struct ScannedChange {
    hash: ChangeHash,
    bytes: Vec<u8>,
    header: Header,
    ops: Vec<Op>,
}

/// There are no floating-point numbers in the operations, the only values that do not equal themselves.
impl Eq for ScannedChange {}

impl ScannedChange {
    /// Checks the bytes of a change.
    ///
    /// # Errors
    /// [`RejectCode::TooLarge`] or [`RejectCode::Malformed`].
    pub fn scan(bytes: &[u8]) -> Result<Self, Rejection> {
        let (hash, header, ops) = prescan::scan(bytes)?;
        Ok(Self { hash, bytes: bytes.to_vec(), header, ops })
    }

    /// The hash of a change that was scanned before: what it consists of is not looked at again.
    ///
    /// # Errors
    /// When the bytes are not as they were.
    pub fn hash_of(bytes: &[u8]) -> Result<ChangeHash, Rejection> {
        prescan::open(bytes).map(|(hash, _)| hash)
    }

    /// Its hash, computed from the bytes.
    pub fn hash(&self) -> ChangeHash {
        self.hash
    }

    /// The bytes as they came.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What its author says to have seen, sorted.
    pub fn deps(&self) -> &[ChangeHash] {
        &self.header.deps
    }

    /// The actor that it names.
    pub fn actor(&self) -> Actor {
        self.header.actor
    }

    /// By the author's clock.
    pub fn at(&self) -> UnixMillis {
        self.header.at
    }

    pub(crate) fn ops(&self) -> &[Op] {
        &self.ops
    }
}

/// A change that passed every check.
pub(crate) struct Checked {
    /// Composed here, of the same bytes as the one that came.
    pub(crate) change: Change,
    /// The document's root facts once the change is in.
    pub(crate) root: Root,
    pub(crate) edits: Vec<Edit>,
}

/// Checks a change against the document that it is to enter, with the changes that are to be applied before it.
pub(crate) fn check(
    doc: &Doc,
    ahead: &Ahead,
    scanned: &ScannedChange,
    author: &Author,
) -> Result<Checked, Rejection> {
    let header = &scanned.header;
    let start_op = header::check(Kind::of(doc.id()), doc.graph(), scanned.hash, header, author)?;
    let seen: Vec<automerge::ChangeHash> = header.deps.iter().map(automerge_hash).collect();
    let view = if doc.graph().heads_are(&header.deps) {
        View::ahead(doc.automerge(), ahead)
    } else {
        View::past(doc.automerge(), &seen)
    };
    let actor = ActorId::from(header.actor.as_bytes());
    let root = doc.root().cloned();
    let edits = EditReader::new(doc.id(), root.clone(), view, actor, start_op.get(), &scanned.ops).read()?;
    let composer = Composer::new(doc.id(), root, view, author, header.at, start_op.get())?;
    let Composed { ops: expected, root } = composer.compose(&edits)?;
    compare(&scanned.ops, &expected)?;
    let change = assemble(change_header(header, start_op), expected);
    is_encoded_as_we_encode(&change, scanned)?;
    Ok(Checked { change, root, edits })
}

fn change_header(header: &Header, start_op: NonZeroU64) -> ChangeHeader {
    ChangeHeader { actor: header.actor, seq: header.seq, start_op, deps: header.deps.clone(), at: header.at }
}

/// Finds the first operation that is not the one that the edits give.
fn compare(found: &[Op], expected: &[Op]) -> Result<(), Rejection> {
    for (op, wanted) in found.iter().zip(expected) {
        does_what_its_edit_does(op, wanted)?;
        writes_the_value_of_its_edit(op, wanted)?;
        replaces_what_its_author_saw(op, wanted)?;
    }
    has_as_many_as_its_edits(found, expected)
}

/// Place and kind: an operation that no edit has can break what the document is made of.
fn does_what_its_edit_does(op: &Op, wanted: &Op) -> Result<(), Rejection> {
    let is_same_place = op.obj == wanted.obj && op.key == wanted.key && op.insert == wanted.insert;
    let is_put = matches!((&op.action, &wanted.action), (OpType::Put(_), OpType::Put(_)));
    if is_same_place && (op.action == wanted.action || is_put) {
        return Ok(());
    }
    refuse(RejectCode::NotAnEdit, "the operations are not those of the edits they look like")
}

/// What an edit writes of its own accord (who, when, which ticket) is not for a peer to choose.
fn writes_the_value_of_its_edit(op: &Op, wanted: &Op) -> Result<(), Rejection> {
    if op.action == wanted.action {
        return Ok(());
    }
    refuse(RejectCode::BadValue, "a value is not as its edit writes it")
}

/// An operation removes whatever it names as its predecessors, of any key: one that names others than its author
/// saw under its own key deletes what nobody allowed it to, or keeps the document from loading.
fn replaces_what_its_author_saw(op: &Op, wanted: &Op) -> Result<(), Rejection> {
    if op.pred == wanted.pred {
        return Ok(());
    }
    refuse(RejectCode::WrongPred, "the predecessors are not the values that the author saw")
}

/// Nothing hides behind the edits, and none is half done.
fn has_as_many_as_its_edits(found: &[Op], expected: &[Op]) -> Result<(), Rejection> {
    if found.len() == expected.len() {
        return Ok(());
    }
    refuse(RejectCode::NotAnEdit, "there are more or fewer operations than the edits need")
}

/// One form of each edit: a change that says the same in other bytes could be told apart from its own copy.
fn is_encoded_as_we_encode(change: &Change, scanned: &ScannedChange) -> Result<(), Rejection> {
    if change.raw_bytes() == scanned.bytes {
        return Ok(());
    }
    refuse(RejectCode::NotCanonical, "the same edits are encoded as other bytes")
}

fn refuse(code: RejectCode, detail: &str) -> Result<(), Rejection> {
    Err(Rejection { code, detail: detail.to_owned() })
}

impl From<EditError> for Rejection {
    fn from(error: EditError) -> Self {
        let code = match &error {
            EditError::NotAllowed { .. } => RejectCode::NotAllowed,
            EditError::NoSuchComment(_) => RejectCode::NoSuchTarget,
            EditError::CommentExists(_) | EditError::AlreadyCreated => RejectCode::AlreadyThere,
            EditError::TooMany { .. } | EditError::TooLarge { .. } => RejectCode::TooLarge,
            EditError::Blank
            | EditError::WithItself
            | EditError::BadAttachment { .. }
            | EditError::BadTime(_) => RejectCode::BadValue,
            EditError::NothingToDo | EditError::WrongKind { .. } | EditError::NotCreated => {
                RejectCode::NotAnEdit
            }
            EditError::ApplyFailed { .. } => RejectCode::ApplyFailed,
        };
        Self { code, detail: error.to_string() }
    }
}
