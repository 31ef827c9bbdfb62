//! Whether a server's admission log is what it wrote, and says of each change in the log of changes that it was let in.

use std::path::Path;

use assist_crdt_model::base32;
use assist_proto::admission::{Check, Checked, Entry, Event, Fault, FaultKind, Head};
use assist_proto::certificate::NodeCertificate;
use assist_proto::store::{
    Audience, EntryKind, LogEntry, Seq, ServerProject, StoreError, StoreResult, StoredVerdict,
};

use crate::backup::BackupError;
use crate::store::{Reader, ServerReads as _};

/// What a check of the admission log came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogChecked {
    /// Entries that were read.
    pub entries: u64,
    /// The log's end; or what is wrong with it.
    pub outcome: Result<Checked, LogFault>,
}

/// What is wrong with an admission log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LogFault {
    /// It is not what was written.
    #[error(transparent)]
    Chain(#[from] Fault),
    /// It says that a change was let in, and the log of changes does not have it there.
    #[error(
        "entry {number} says that the change at place {place} of the log of changes was let in, which is not there"
    )]
    NotThere {
        /// Which entry.
        number: u64,
        /// Which place.
        place: u64,
    },
    /// Changes are in the log of changes of which it does not say that they were let in.
    #[error("{0} changes are in the log of changes that no entry let in")]
    NotLetIn(u64),
}

impl LogFault {
    /// The entry that is wrong first, if it is one.
    pub const fn number(&self) -> Option<u64> {
        match self {
            Self::Chain(fault) => Some(fault.number),
            Self::NotThere { number, .. } => Some(*number),
            Self::NotLetIn(_) => None,
        }
    }
}

/// Reads the whole admission log. `witness` is an end that somebody has written down elsewhere. Takes a second for some
/// hundred thousand entries, and holds nobody up.
///
/// # Errors
/// When there is no server, or its store cannot be read. What is wrong with the log is no error.
pub fn check(home: &Path, reader: &Reader, witness: Option<Head>) -> Result<LogChecked, BackupError> {
    let project = reader.project()?.ok_or_else(|| BackupError::NoServer(home.to_owned()))?;
    let mut walk = Walk::new(witness);
    match walk.read(reader) {
        // Damage in the store is damage of the entry that it is met at.
        Err(StoreError::Damaged { .. }) => {
            let fault = Fault { number: walk.entries + 1, kind: FaultKind::Unreadable };
            return Ok(LogChecked { entries: walk.entries, outcome: Err(fault.into()) });
        }
        read => read?,
    }
    let entries = walk.entries;
    let outcome = walk.end(reader, &project)?;
    Ok(LogChecked { entries, outcome })
}

/// A number and a hash, as people write an end of the log down.
pub fn head_text(head: Head) -> String {
    format!("{}:{}", head.number, base32().encode(&head.hash))
}

/// Reads [`head_text`].
pub fn head_from_text(text: &str) -> Option<Head> {
    let (number, hash) = text.trim().split_once(':')?;
    let hash = base32().decode(hash.as_bytes()).ok()?.try_into().ok()?;
    Some(Head { number: number.parse().ok()?, hash })
}

struct Walk {
    chain: Check,
    entries: u64,
    /// Changes that were let in.
    admitted: u64,
    last: Seq,
    /// Up to there nothing is said.
    silent: Seq,
    not_there: Option<LogFault>,
}

impl Walk {
    fn new(witness: Option<Head>) -> Self {
        let chain = match witness {
            Some(witness) => Check::default().with_witness(witness),
            None => Check::default(),
        };
        Self { chain, entries: 0, admitted: 0, last: Seq::ZERO, silent: Seq::ZERO, not_there: None }
    }

    fn read(&mut self, reader: &Reader) -> StoreResult<()> {
        loop {
            let entries = reader.admissions(self.entries + 1, AT_ONCE)?;
            if entries.is_empty() {
                return Ok(());
            }
            for bytes in entries {
                if !self.chain.take(&bytes) {
                    return Ok(());
                }
                self.entries += 1;
                self.compare(&bytes, reader)?;
            }
        }
    }

    /// Looks whether the log of changes has what was let in, each change once and in its order.
    fn compare(&mut self, bytes: &[u8], reader: &Reader) -> StoreResult<()> {
        let Ok(entry) = Entry::decode(bytes) else { return Ok(()) };
        match entry.event {
            Event::TakenUp { head, .. } => self.silent = head,
            Event::Admitted { change, seq } => {
                let place = match reader.verdict(&change)? {
                    Some(StoredVerdict::Admitted(place)) => Some(place.seq),
                    _ => None,
                };
                if (place != Some(seq) || seq <= self.last) && self.not_there.is_none() {
                    self.not_there = Some(LogFault::NotThere { number: entry.number, place: seq.0 });
                }
                (self.last, self.admitted) = (seq, self.admitted + 1);
            }
            _ => {}
        }
        Ok(())
    }

    fn end(self, reader: &Reader, project: &ServerProject) -> StoreResult<Result<Checked, LogFault>> {
        // Whoever may sign is read from what the root signed.
        let node =
            NodeCertificate::verify(&project.node, &project.project).map(|certificate| certificate.node);
        let node = node.map_err(|_| StoreError::Damaged { what: "certificate of the server".to_owned() })?;
        let signed = reader.admission_head()?;
        let checked = match self.chain.finish(signed.as_ref(), &project.project, &node) {
            Ok(checked) => checked,
            Err(fault) => return Ok(Err(fault.into())),
        };
        if let Some(fault) = self.not_there {
            return Ok(Err(fault));
        }
        let records = records_after(self.silent, reader)?;
        Ok(match records.checked_sub(self.admitted) {
            Some(0) | None => Ok(checked),
            Some(count) => Err(LogFault::NotLetIn(count)),
        })
    }
}

/// How many changes the log of changes has behind a place.
fn records_after(after: Seq, reader: &Reader) -> StoreResult<u64> {
    let (mut last, mut count) = (after, 0);
    loop {
        let entries = reader.log_after(Audience::Team, last, PLACES_AT_ONCE)?;
        let Some(end) = entries.last() else { return Ok(count) };
        last = end.seq;
        let is_change = |entry: &&LogEntry| matches!(entry.kind, EntryKind::Record { .. } | EntryKind::Lost);
        count += entries.iter().filter(is_change).count() as u64;
    }
}

/// Entries that are read at once: a block of the store, so that damage is met where it is.
const AT_ONCE: usize = 32;
/// Places of the log of changes.
const PLACES_AT_ONCE: usize = 1_000;

#[cfg(test)]
mod tests;
