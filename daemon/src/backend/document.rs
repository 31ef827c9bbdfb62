//! A document as this device has it, with what only the log knows of its changes: who, when, how far.

use std::collections::{BTreeMap, HashMap, HashSet};

use assist_crdt_model::{ChangeHash, DeviceId, Doc, DocId, LoadDocError, ScannedChange, UnixMillis, UserId};
use assist_proto::api::comment::ReadBy;
use assist_proto::api::sync::DeliveryState;
use assist_proto::certificate::DeviceCertificate;
use assist_proto::store::{Membership, OutboxEntry, Record, Seq, StoreError, StoreResult};
use assist_proto::wire::codec;

use super::errors::Answer;
use super::rows::{Deliveries, Names};
use crate::store::{DeviceReads as _, Reader, change_hash};

/// A moment in a document's past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// What whoever made this change had seen, and the change.
    Change(ChangeHash),
    /// What had been made at this time, as far as what it builds on had been too.
    Time(UnixMillis),
}

/// What the store has of a document.
#[derive(Debug, Default)]
pub(super) struct Stored {
    /// What was admitted, in the order in which it came.
    pub(super) records: Vec<Record>,
    /// One's own changes that wait, likewise.
    pub(super) waiting: Vec<OutboxEntry>,
}

/// A document and the places of its changes.
pub(super) struct Document {
    pub(super) doc: Doc,
    own: Membership,
    deliveries: Deliveries,
    changes: HashMap<ChangeHash, Place>,
}

/// What is known of a change beside what it says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// The device that signed it.
    pub(super) device: DeviceId,
    /// Whose device that was; `None` while this device was not told.
    pub(super) author: Option<UserId>,
    /// Its place in the server's log and when it got there; `None` while it waits here.
    admitted: Option<(Seq, UnixMillis)>,
    /// Until when it is held back, while it can be taken back.
    held_until: Option<UnixMillis>,
}

impl Stored {
    /// Reads what there is; nothing of a document that is not here.
    pub(super) fn read(reader: &Reader, own: &Membership, id: DocId) -> StoreResult<Self> {
        let records = reader.doc_records(&own.project, id)?;
        let waiting = reader.outbox_of_doc(&own.project, id)?;
        Ok(Self { records, waiting: waiting.into_iter().map(|(_, entry)| entry).collect() })
    }

    /// Of all changes together.
    pub(super) fn change_bytes(&self) -> usize {
        let admitted = self.records.iter().map(|record| record.envelope.change.len());
        admitted.chain(self.waiting.iter().map(|entry| entry.envelope.change.len())).sum()
    }
}

impl Document {
    /// Loads what was admitted and one's own changes that wait; `None` if nothing of it is here.
    pub(super) fn load(reader: &Reader, own: &Membership, id: DocId) -> Answer<Option<Self>> {
        Self::load_at(reader, own, id, None)
    }

    /// Loads the document as it was at a moment; `None` if nothing of it was there then.
    pub(super) fn load_at(
        reader: &Reader,
        own: &Membership,
        id: DocId,
        moment: Option<Moment>,
    ) -> Answer<Option<Self>> {
        Self::of(reader, own, id, &Stored::read(reader, own, id)?, moment)
    }

    /// Loads the document from what was read of it; `None` if that is nothing, or nothing of that moment.
    pub(super) fn of(
        reader: &Reader,
        own: &Membership,
        id: DocId,
        stored: &Stored,
        moment: Option<Moment>,
    ) -> Answer<Option<Self>> {
        let Stored { records, waiting } = stored;
        let mut changes = HashMap::with_capacity(records.len() + waiting.len());
        let mut authors = Authors { reader, own, known: BTreeMap::new() };
        for record in records {
            let device = record.envelope.device;
            let author = authors.of(device, record.serial)?;
            let admitted = Some((record.seq, record.admitted_at));
            let place = Place { device, author, admitted, held_until: None };
            changes.insert(change_hash(&record.envelope.change)?, place);
        }
        for entry in waiting {
            let (device, author) = (entry.envelope.device, Some(own.user));
            let place = Place { device, author, admitted: None, held_until: entry.held_until };
            changes.insert(entry.change, place);
        }
        let admitted = || records.iter().map(|record| record.envelope.change.as_slice());
        let waiting = waiting.iter().map(|entry| entry.envelope.change.as_slice());
        let load = |all: Vec<&[u8]>| -> Answer<_> {
            let all = match moment {
                Some(moment) => past(&all, &changes, moment)?,
                None => all,
            };
            Ok((!all.is_empty()).then(|| Doc::load(id, all)))
        };
        let loaded = match load(admitted().chain(waiting).collect())? {
            // What own changes follow may be lacking: they wait for it.
            Some(Err(error)) if error.is_incomplete() => load(admitted().collect())?,
            loaded => loaded,
        };
        let Some(loaded) = loaded else { return Ok(None) };
        let damaged = |error: LoadDocError| StoreError::Damaged { what: error.to_string() };
        let doc = loaded.map_err(|error| damaged(error).of_doc(Some(own.project), id))?;
        // What marks tell of a ticket says nothing of its notes.
        let deliveries = match id {
            DocId::Ticket(ticket) => Deliveries::load(reader, own.project, ticket)?,
            DocId::Notes(_) | DocId::Project => Deliveries::default(),
        };
        Ok(Some(Self { doc, own: own.clone(), deliveries, changes }))
    }

    /// What is known of a change.
    pub(super) fn place(&self, change: &ChangeHash) -> Option<&Place> {
        self.changes.get(change)
    }

    /// How far a change has come, if it is one's own.
    pub(super) fn state(&self, change: &ChangeHash) -> Option<DeliveryState> {
        self.changes.get(change).filter(|place| self.is_own(place)).map(|place| self.state_of(place))
    }

    /// Who else has read a change, if it is one's own.
    pub(super) fn read_by(&self, change: &ChangeHash, names: &mut Names<'_>) -> Answer<Vec<ReadBy>> {
        match self.changes.get(change).filter(|place| self.is_own(place)).and_then(|place| place.admitted) {
            Some((seq, _)) => self.deliveries.read_by(seq, &self.own, names),
            None => Ok(Vec::new()),
        }
    }

    /// The place of the newest change that the server has.
    pub(super) fn newest_place(&self) -> Seq {
        let places = self.changes.values().filter_map(|place| place.admitted);
        places.map(|(seq, _)| seq).max().unwrap_or_default()
    }

    /// Until when a change is held back, while it can be taken back.
    pub(super) fn held_until(&self, change: &ChangeHash) -> Option<UnixMillis> {
        self.changes.get(change)?.held_until
    }

    /// How far the newest of one's own changes has come.
    pub(super) fn newest_state(&self) -> Option<DeliveryState> {
        let own = self.changes.values().filter(|place| self.is_own(place));
        let newest = own.max_by_key(|place| place.admitted.map_or(Seq::MAX, |(seq, _)| seq));
        newest.map(|place| self.state_of(place))
    }

    /// The author's time of a change, clamped to what the server saw.
    pub(super) fn shown_at(&self, change: &ChangeHash, claimed: UnixMillis) -> UnixMillis {
        shown_at(&self.changes, change, claimed)
    }

    fn is_own(&self, place: &Place) -> bool {
        place.author == Some(self.own.user)
    }

    fn state_of(&self, place: &Place) -> DeliveryState {
        match place.admitted {
            Some((seq, _)) => self.deliveries.state(seq, &self.own),
            None => DeliveryState::SavedHere,
        }
    }
}

fn shown_at(changes: &HashMap<ChangeHash, Place>, change: &ChangeHash, claimed: UnixMillis) -> UnixMillis {
    let admitted = changes.get(change).and_then(|place| place.admitted);
    admitted.map_or(claimed, |(_, at)| claimed.min(at))
}

/// The changes of a moment, of all that stand behind those that they build on; in the same order.
fn past<'a>(all: &[&'a [u8]], places: &HashMap<ChangeHash, Place>, moment: Moment) -> Answer<Vec<&'a [u8]>> {
    let scan = |bytes: &&[u8]| {
        ScannedChange::scan(bytes).map_err(|error| StoreError::Damaged { what: error.to_string() })
    };
    let scanned: Vec<ScannedChange> = all.iter().map(scan).collect::<Result<_, _>>()?;
    let mut kept = HashSet::new();
    match moment {
        Moment::Time(time) => {
            for change in &scanned {
                let is_made = shown_at(places, &change.hash(), change.at()) <= time;
                if is_made && change.deps().iter().all(|dep| kept.contains(dep)) {
                    kept.insert(change.hash());
                }
            }
        }
        Moment::Change(change) => {
            kept.insert(change);
            for change in scanned.iter().rev() {
                if kept.contains(&change.hash()) {
                    kept.extend(change.deps());
                }
            }
        }
    }
    let kept = all.iter().zip(&scanned).filter(|(_, change)| kept.contains(&change.hash()));
    Ok(kept.map(|(bytes, _)| *bytes).collect())
}

/// Whose device signed a record: read from the certificate that the record names, each once.
struct Authors<'a> {
    reader: &'a Reader,
    own: &'a Membership,
    known: BTreeMap<(DeviceId, u32), Option<UserId>>,
}

impl Authors<'_> {
    fn of(&mut self, device: DeviceId, serial: u32) -> Answer<Option<UserId>> {
        if let Some(known) = self.known.get(&(device, serial)) {
            return Ok(*known);
        }
        let signed = self.reader.certificate(&self.own.project, &device, serial)?;
        // Its signature was checked before it was stored.
        let certificate = signed.and_then(|signed| {
            codec::decode::<DeviceCertificate>("device certificate", &signed.payload).ok()
        });
        let user = certificate.map(|certificate| certificate.user);
        self.known.insert((device, serial), user);
        Ok(user)
    }
}
