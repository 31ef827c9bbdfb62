//! The way in for a foreign change: no foreign byte reaches Automerge unchecked.

use crate::ids::ChangeHash;

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScannedChange {
    hash: ChangeHash,
    bytes: Vec<u8>,
}

impl ScannedChange {
    /// Checks the bytes of a change.
    ///
    /// # Errors
    /// [`RejectCode::TooLarge`] or [`RejectCode::Malformed`].
    pub fn scan(_bytes: &[u8]) -> Result<Self, Rejection> {
        unimplemented!()
    }

    /// Its hash, computed from the bytes.
    pub fn hash(&self) -> ChangeHash {
        self.hash
    }

    /// The bytes as they came.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}
