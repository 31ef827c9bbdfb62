//! Whether an admission log is what its server wrote: read from the first entry to the end that the node signed.

use std::cmp::Ordering;

use assist_crdt_model::{DeviceId, ProjectId, UnixMillis};

use super::{Entry, EntryHash, Head, hash_of};
use crate::certificate::Signed;

/// Reads a log, entry by entry, until something is wrong; and then as far as it takes to say what.
#[derive(Debug, Clone, Default)]
pub struct Check {
    /// The last entry that was as it should be, and what it hashes to.
    last: Head,
    /// What does not fit, as long as it is not known why.
    doubt: Option<Doubt>,
    fault: Option<Fault>,
    /// Somebody wrote down that the log had this entry.
    witness: Option<Head>,
}

/// A log that is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked {
    /// Its end.
    pub head: Head,
    /// When the node signed that it ends there.
    pub signed_at: UnixMillis,
}

/// Where a log is not what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("entry {number} {kind}")]
pub struct Fault {
    /// Which entry: the first that is not as it should be.
    pub number: u64,
    /// What became of it.
    pub kind: FaultKind,
}

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// It is not there, and others behind it are.
    Missing,
    /// It is not where it belongs.
    Moved,
    /// It is there more than once.
    Twice,
    /// It is not what it was.
    Changed,
    /// Its bytes are no entry.
    Unreadable,
    /// It is not there, nor is anything behind it.
    Cut,
    /// It stands behind the end that the node signed.
    Unsigned,
    /// It is not the one that was witnessed.
    Rewritten,
    /// Nobody signed that it is the last, or not the project's node.
    NoHead,
}

impl std::fmt::Display for FaultKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Missing => "is missing",
            Self::Moved => "is not in its place",
            Self::Twice => "is there twice",
            Self::Changed => "is not what was written",
            Self::Unreadable => "cannot be read",
            Self::Cut => "and all that followed were cut off",
            Self::Unsigned => "stands behind the end that the server signed",
            Self::Rewritten => "is not the one that was witnessed",
            Self::NoHead => "is the last, and the server's signature does not say so",
        })
    }
}

/// Something does not fit, and what comes next says why.
#[derive(Debug, Clone, Copy)]
enum Doubt {
    /// An entry does not follow the one before it: one of the two is not what it was.
    Link {
        /// The second of them, as it stands there.
        second: Head,
    },
    /// Another entry stands where this one belongs.
    Gap {
        /// Which is expected.
        expected: u64,
    },
}

impl Check {
    /// The same of a log that somebody saw when it ended at this entry.
    #[must_use]
    pub fn with_witness(self, witness: Head) -> Self {
        Self { witness: Some(witness), ..self }
    }

    /// Takes the next entry's bytes. Whether to go on: not once it is known what is wrong.
    pub fn take(&mut self, bytes: &[u8]) -> bool {
        if self.fault.is_none() {
            self.look_at(bytes);
        }
        self.fault.is_none()
    }

    /// Takes it that no entry follows: compares with the end that the node signed.
    ///
    /// # Errors
    /// What is wrong with the log.
    pub fn finish(
        self,
        signed: Option<&Signed>,
        project: &ProjectId,
        node: &DeviceId,
    ) -> Result<Checked, Fault> {
        let head = signed.and_then(|signed| Head::verify(signed, project, node).ok());
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        match self.doubt {
            // The end tells which of the two it was.
            Some(Doubt::Link { second }) => {
                let is_first = head.is_some_and(|(head, _)| head == second);
                return Err(changed(if is_first { second.number - 1 } else { second.number }));
            }
            Some(Doubt::Gap { expected }) => return Err(fault(expected, FaultKind::Missing)),
            None => {}
        }
        if self.witness.is_some_and(|witness| witness.number > self.last.number) {
            return Err(fault(self.last.number + 1, FaultKind::Cut));
        }
        let Some((head, signed_at)) = head else { return Err(fault(self.last.number, FaultKind::NoHead)) };
        match head.number.cmp(&self.last.number) {
            Ordering::Greater => Err(fault(self.last.number + 1, FaultKind::Cut)),
            Ordering::Less => Err(fault(head.number + 1, FaultKind::Unsigned)),
            Ordering::Equal if head.hash != self.last.hash => Err(changed(head.number)),
            Ordering::Equal => Ok(Checked { head, signed_at }),
        }
    }

    fn look_at(&mut self, bytes: &[u8]) {
        let expected = self.last.number + 1;
        let hash = hash_of(bytes);
        let entry = Entry::decode(bytes);
        match (self.doubt, entry) {
            (None, Err(_)) => self.fault = Some(fault(expected, FaultKind::Unreadable)),
            (None, Ok(entry)) => self.look_at_next(expected, &entry, hash),
            (Some(Doubt::Link { second }), entry) => {
                // If what follows takes the second for what it is, then the first is not what it was.
                let is_first = entry.is_ok_and(|entry| entry.before == second.hash);
                self.fault = Some(changed(if is_first { second.number - 1 } else { second.number }));
            }
            (Some(Doubt::Gap { expected }), Ok(entry)) if entry.number == expected => {
                self.fault = Some(fault(expected, FaultKind::Moved));
            }
            (Some(Doubt::Gap { .. }), _) => {}
        }
    }

    fn look_at_next(&mut self, expected: u64, entry: &Entry, hash: EntryHash) {
        let found = Head { number: entry.number, hash };
        match (entry.number.cmp(&expected), entry.before == self.last.hash) {
            (Ordering::Equal, true) => {
                let is_other = |witness: Head| witness.number == found.number && witness != found;
                if self.witness.is_some_and(is_other) {
                    self.fault = Some(fault(found.number, FaultKind::Rewritten));
                }
                self.last = found;
            }
            // It follows the one before, and says that it is another.
            (_, true) => self.fault = Some(changed(expected)),
            (Ordering::Greater, false) => self.doubt = Some(Doubt::Gap { expected }),
            (Ordering::Less, false) => self.fault = Some(fault(entry.number, FaultKind::Twice)),
            // Nothing stands before the first.
            (Ordering::Equal, false) if expected == 1 => self.fault = Some(changed(1)),
            (Ordering::Equal, false) => self.doubt = Some(Doubt::Link { second: found }),
        }
    }
}

const fn fault(number: u64, kind: FaultKind) -> Fault {
    Fault { number, kind }
}

const fn changed(number: u64) -> Fault {
    fault(number, FaultKind::Changed)
}
