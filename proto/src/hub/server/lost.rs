//! Damage to a document is set aside, so that it disturbs nobody else, and mended by those who hold the document.
//!
//! What was admitted stands in the log with its place and the hash of its bytes, wherever the bytes are. So whoever
//! brings them back proves nothing and need not be believed: a change is put back where it stood if its hash is the
//! one that was admitted there, and its author's signature holds. When it was admitted tells the admission log, under
//! which certificate the roster, which number its ticket has the list.
//!
//! Who came past a lost place lacks what stood there. So once all of a document is back, a place of the log says that
//! it is whole, and whoever comes by there gets it whole.

use std::collections::BTreeMap;

use assist_crdt_model::{Actor, Author, DocId, RejectCode, Rejection, TicketId, UnixMillis};

use super::admission::{ack_of, readers_of, refusal};
use super::{ServerHub, Touched};
use crate::admission::{Entry, Event};
use crate::certificate::DeviceCertificate;
use crate::envelope::VerifiedEnvelope;
use crate::hub::action::LinkId;
use crate::limits;
use crate::store::{Audience, LogEntry, Record, Seq, ServerStore, StoreResult};
use crate::wire::{Ack, codec};

/// Sets aside what cannot be read of a document, and gives how many changes that are.
///
/// # Errors
/// The store's.
pub fn set_aside(doc: DocId, store: &mut dyn ServerStore) -> StoreResult<usize> {
    let places = store.set_aside(doc)?;
    if places.is_empty() {
        return Ok(0);
    }
    let (times, first_at) = admission_times(&places, store)?;
    let mut at = first_at;
    for seq in &places {
        // Of before there was an admission log: when that began, or as the lost one before it, which is as near as
        // anybody knows.
        at = times.get(seq).copied().unwrap_or(at);
        store.put_lost(doc, *seq, at)?;
    }
    Ok(places.len())
}

/// When the changes at some places, in order, were admitted, as far as the admission log tells; and when that began.
fn admission_times(
    places: &[Seq],
    store: &dyn ServerStore,
) -> StoreResult<(BTreeMap<Seq, UnixMillis>, UnixMillis)> {
    let (mut times, mut first_at) = (BTreeMap::new(), None);
    let mut next = 1;
    loop {
        let entries = store.admissions(next, limits::ADMISSIONS_SCAN_MAX)?;
        if entries.is_empty() {
            return Ok((times, first_at.unwrap_or_default()));
        }
        next += entries.len() as u64;
        // One that cannot be read is `verify-log`'s to tell.
        for entry in entries.iter().filter_map(|bytes| Entry::decode(bytes).ok()) {
            first_at.get_or_insert(entry.at);
            if let Event::Admitted { seq, .. } = entry.event
                && places.binary_search(&seq).is_ok()
            {
                times.insert(seq, entry.at);
            }
        }
    }
}

impl ServerHub {
    /// The documents that a new session is asked for.
    pub(super) fn wanted_of(&self, audience: Audience, store: &dyn ServerStore) -> StoreResult<Vec<DocId>> {
        let mut wanted = Vec::new();
        let lost = self.mending.iter().filter(|(_, whole_at)| whole_at.is_none()).map(|(doc, _)| *doc);
        for doc in lost.take(limits::LOST_DOCS_LOOKED_AT) {
            if wanted.len() < limits::FETCH_DOCS_MAX && self.may_see(doc, audience, store)? {
                wanted.push(doc);
            }
        }
        Ok(wanted)
    }

    /// Puts a change back where it stood. It passed the gate there, so it is asked for no more than that it is the
    /// same, and that what it follows is there.
    pub(super) fn put_back_lost(
        &mut self,
        now: UnixMillis,
        link: LinkId,
        entry: &LogEntry,
        verified: VerifiedEnvelope,
        store: &mut dyn ServerStore,
    ) -> StoreResult<Result<Ack, Rejection>> {
        if let Some(refusal) = self.held(now, link) {
            return Ok(Err(refusal));
        }
        let doc = entry.doc;
        let admitted_at = store.lost_at(doc, entry.seq)?.unwrap_or_default();
        let author = match author_then(&verified, admitted_at, store)? {
            Ok(author) => author,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let (change, deps) = (verified.hash(), verified.change().deps().to_vec());
        let loaded = self.load_doc(doc, store)?;
        if deps.iter().any(|dep| !loaded.contains(dep)) {
            return Ok(Err(refusal(RejectCode::MissingDep, "what it follows was lost, too")));
        }
        let actor = Actor::derive(&author.device, verified.envelope().incarnation);
        let writer = Author { user: author.user, role: author.role, actor };
        let is_taken_over = loaded.admit(verified.change(), &writer).is_ok();
        let number = match doc {
            DocId::Ticket(ticket) if deps.is_empty() => store.ticket(ticket)?.and_then(|row| row.number),
            _ => None,
        };
        let envelope = verified.into_envelope();
        let record = Record { seq: entry.seq, admitted_at, serial: author.serial, number, envelope };
        store.put_back(&record)?;
        if !is_taken_over {
            // The rules may be others by now. It was let in, and that stands.
            self.docs.remove(&doc);
        }
        self.mended.insert(doc);
        Ok(Ok(ack_of(change, &record)))
    }

    /// Whether a device that has come so far may lack something of a ticket that it came past.
    pub(super) fn may_lack(&self, ticket: TicketId, seen: Seq) -> bool {
        let whole_at = self.mending.get(&DocId::Ticket(ticket));
        whole_at.is_some_and(|whole_at| whole_at.is_none_or(|place| place > seen))
    }

    /// Whether something of a ticket was ever lost.
    pub(super) fn was_damaged(&self, ticket: TicketId) -> bool {
        self.mending.contains_key(&DocId::Ticket(ticket))
    }

    /// Says of each document that was mended in this turn, if nothing of it is lost any more, that it is whole.
    pub(super) fn note_whole(&mut self, store: &mut dyn ServerStore) -> StoreResult<()> {
        for doc in std::mem::take(&mut self.mended) {
            if store.is_lost(doc)? {
                continue;
            }
            let readers = readers_of(doc, store)?;
            let whole_at = store.append_whole(doc, &readers)?;
            self.mending.insert(doc, Some(whole_at));
            self.woken.insert(Audience::Team);
            self.woken.extend(readers.into_iter().map(Audience::Customer));
            if let DocId::Ticket(ticket) = doc
                && let Some(row) = store.ticket(ticket)?
            {
                // What changed meanwhile was told from what there was of it.
                let (number, last_seq, updated_at) = (row.number, row.last_seq, row.updated_at);
                self.touched.entry(doc).or_insert(Touched { number, last_seq, updated_at });
            }
        }
        Ok(())
    }
}

/// Who wrote a change, by the certificate that its device had when it was admitted.
fn author_then(
    verified: &VerifiedEnvelope,
    admitted_at: UnixMillis,
    store: &dyn ServerStore,
) -> StoreResult<Result<DeviceCertificate, Rejection>> {
    let envelope = verified.envelope();
    if Actor::derive(&envelope.device, envelope.incarnation) != verified.change().actor() {
        return Ok(Err(refusal(RejectCode::WrongActor, "the change is of another device")));
    }
    if envelope.epoch != 0 {
        return Ok(Err(refusal(RejectCode::WrongEpoch, "the document has no such epoch")));
    }
    let of_device = store.certificates_of(&envelope.device)?;
    let mut claims = of_device.iter().filter_map(|(_, signed)| {
        codec::decode::<DeviceCertificate>("device certificate", &signed.payload).ok()
    });
    let then = claims.rfind(|claim| claim.issued_at <= admitted_at);
    // Where nobody knows when it was admitted: the first, which the device joined with.
    let found = then.or_else(|| {
        let signed = &of_device.first()?.1;
        codec::decode("device certificate", &signed.payload).ok()
    });
    Ok(found
        .ok_or_else(|| refusal(RejectCode::UnknownDevice, "no certificate of the author's device is known")))
}
