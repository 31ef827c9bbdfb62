//! What this device holds of a log that the server has no more: kept, shown as saved here, and given back.
//!
//! A server that starts another log was restored from a backup, or has nothing but its keys. Every place that this
//! device knows counts for nothing then, so its records are marked as *former*, and the server is asked for everything
//! as by a new device. What comes is given its new place; what is former still after that, the server has lost. It is
//! given back with the authors' signatures and certificates, each change after those it follows.
//!
//! Then come the files: whatever the documents name is offered, and the server takes what it lacks. A file that was
//! still on its way when the backup was made is lost with it although the text that names it is not, so every document
//! is looked through, not only those of which something was given.
//!
//! Nothing goes twice: the server knows changes by their hash, and what another device gave back first finds its place
//! here by the stream. It is never said what this device holds, only given: there is nothing to be learned by asking.

use std::collections::{BTreeSet, VecDeque};

use assist_crdt_model::{
    ChangeHash, DeviceId, DocId, ProjectId, ScannedChange, TicketId, UnixMillis, UserId,
};

use super::super::action::Cause;
use super::incoming::place_of;
use super::{Connection, DeviceHub, Project};
use crate::limits;
use crate::store::{
    DeviceStore, Mentions, PendingRead, ReadMark, Record, Seq, StoreResult, SyncState, TicketRow,
};
use crate::wire::give_back::{GiveBack, Vouchers};
use crate::wire::{Ack, PeerMessage};

/// How far a session has come with giving back.
#[derive(Default)]
pub(super) struct Giving {
    phase: Phase,
    /// Documents to be looked through.
    queue: VecDeque<DocId>,
    /// Those of which something was given.
    given: Vec<DocId>,
    /// Until so many frames are answered, no more is given.
    awaited_frames: u64,
    /// Whose certificates were given.
    vouched: BTreeSet<(DeviceId, u32)>,
    named: BTreeSet<UserId>,
    /// Documents whose files are to be offered, once that has begun.
    offers: Option<VecDeque<DocId>>,
    /// The server takes nothing new for now: what it was given comes again.
    is_held_up: bool,
}

impl Giving {
    /// Something that was pushed or given was put off.
    pub(super) fn note_held_up(&mut self) {
        self.is_held_up |= self.phase == Phase::Giving;
    }

    /// All that was under way is answered, and what was put off is tried again. Its authors are vouched for again: the
    /// server kept nothing of it.
    pub(super) fn begin_again(&mut self) {
        // Frames are counted anew from here.
        self.awaited_frames = 0;
        if std::mem::take(&mut self.is_held_up) {
            *self = Self { offers: self.offers.take(), ..Self::default() };
        }
    }
}

#[derive(Default, PartialEq, Eq)]
enum Phase {
    /// What the server has is not all here yet.
    #[default]
    Waiting,
    Giving,
    /// All was given. What is former still, the server would not take in this session.
    Done,
}

impl Project {
    /// Whether there is something to do about a former log that waits for nothing.
    pub(super) fn has_former_work(&self) -> bool {
        self.sync.is_doubted || self.may_give_back() || self.may_offer_files()
    }

    /// Whether own changes wait until what they may build on was given back.
    pub(super) fn has_to_give_back(&self) -> bool {
        self.sync.has_former && self.session.giving.phase != Phase::Done
    }

    fn may_give_back(&self) -> bool {
        self.has_to_give_back()
            && self.session.may_push()
            && self.knows_what_the_server_has()
            && self.outbox.frames_answered >= self.session.giving.awaited_frames
    }

    fn may_offer_files(&self) -> bool {
        self.sync.has_unoffered
            && !self.has_to_give_back()
            && self.knows_what_the_server_has()
            && self.transfers.takes_unasked()
    }

    fn knows_what_the_server_has(&self) -> bool {
        matches!(self.connection, Connection::Online { .. })
            && !self.sync.is_doubted
            && !self.has_unverified
            && self.sync.cold.is_none()
            && self.sync.cursor >= self.session.began_at_head
    }
}

impl DeviceHub {
    /// The server has started another log. The session ends: it begins anew when all that is here knows so.
    pub(super) fn doubt_log(
        &mut self,
        now: UnixMillis,
        id: ProjectId,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        let reason = "the server was restored: everything is compared with it";
        self.close_link(id, reason);
        self.doubt_kept(id, store)?;
        let Some(project) = self.projects.get_mut(&id) else { return Ok(()) };
        let blob_bytes_max = project.sync.blob_bytes_max;
        project.sync = SyncState {
            is_doubted: true,
            has_former: true,
            has_unoffered: true,
            blob_bytes_max,
            ..SyncState::default()
        };
        store.put_sync_state(&id, &project.sync)?;
        project.doubted = store.docs(&id)?.into_iter().collect();
        self.set_connection(now, id, Connection::Offline { until: now, tries: 0, reason: reason.into() });
        Ok(())
    }

    /// Marks some documents' records as of a former log, and dials when that is done. Broken off, it starts anew:
    /// what is marked stays so.
    pub(super) fn doubt_some(&mut self, now: UnixMillis, store: &mut dyn DeviceStore) -> StoreResult<()> {
        let doubting = self.projects.iter().find(|(_, project)| project.sync.is_doubted);
        let Some(id) = doubting.map(|(id, _)| *id) else { return Ok(()) };
        for _ in 0..limits::FORMER_DOCS_PER_TURN {
            let Some(project) = self.projects.get_mut(&id) else { return Ok(()) };
            let Some(doc) = project.doubted.pop_front() else {
                project.sync.is_doubted = false;
                store.put_sync_state(&id, &project.sync)?;
                self.dial_due(now);
                return Ok(());
            };
            self.doubt_doc(id, doc, store)?;
        }
        Ok(())
    }

    fn doubt_doc(&mut self, id: ProjectId, doc: DocId, store: &mut dyn DeviceStore) -> StoreResult<()> {
        self.verify_doc(id, doc, store)?;
        let records = store.doc_records(&id, doc)?;
        if records.iter().all(|record| record.seq.is_former()) {
            return Ok(());
        }
        let read = match doc {
            DocId::Ticket(ticket) => {
                let own = store.own_read(&id, ticket)?;
                let others = store.others_seq(&id, ticket)?;
                others.filter(|others| own >= Some(*others)).map(|others| (ticket, others.former()))
            }
            DocId::Notes(_) | DocId::Project => None,
        };
        let notes_read = match doc {
            DocId::Ticket(ticket) => Some((ticket, store.mentions(&id, ticket)?)),
            DocId::Notes(_) | DocId::Project => None,
        };
        store.remove_doc(&id, doc)?;
        if let Some((ticket, mentions)) = notes_read.filter(|(_, it)| it.notes_read > Seq::ZERO) {
            let notes_read = mentions.notes_read.former();
            store.put_mentions(&id, ticket, &Mentions { notes_read, ..Mentions::default() })?;
        }
        for record in records {
            let seq = record.seq.former();
            self.put_record_again(id, Record { seq, ..record }, store)?;
        }
        if let Some((ticket, through)) = read {
            store.put_own_read(&id, ticket, through)?;
        }
        self.notify_ticket(id, doc, Cause::Remote, None);
        Ok(())
    }

    fn put_record_again(
        &mut self,
        id: ProjectId,
        record: Record,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        store.append_record(&id, &record)?;
        self.hear_anew(id, record.envelope.doc);
        let author = self.author_of_device(id, record.envelope.device, record.serial, store)?;
        if let Some((user, _)) = author {
            // The row does not ask which change it was.
            self.touch_admitted(id, &place_of(ChangeHash::from_bytes([0; ChangeHash::SIZE]), &record), user);
        }
        Ok(())
    }

    /// The present log has a change at this place; if what is here is of a former one, it moves.
    pub(super) fn note_place(&mut self, id: ProjectId, place: &Ack) {
        if self.projects.get(&id).is_some_and(|project| project.sync.has_former) {
            self.placements.entry((id, place.doc)).or_default().push(place.clone());
        }
    }

    /// Gives former records the places that they were found at: in front of those that are former still, which may
    /// build on them.
    pub(super) fn place_again(&mut self, store: &mut dyn DeviceStore) -> StoreResult<()> {
        for ((id, doc), places) in std::mem::take(&mut self.placements) {
            let mut records = store.doc_records(&id, doc)?;
            let mut has_moved = false;
            for record in records.iter_mut().filter(|record| record.seq.is_former()) {
                let hash = ScannedChange::hash_of(&record.envelope.change).ok();
                let Some(place) = places.iter().find(|place| Some(place.change) == hash) else { continue };
                let Ack { seq, admitted_at, serial, number, .. } = *place;
                (record.seq, record.admitted_at, record.serial) = (seq, admitted_at, serial);
                record.number = number;
                has_moved = true;
            }
            if !has_moved {
                continue;
            }
            // Former places are behind all others, in the old order: each change comes after those it follows.
            records.sort_by_key(|record| record.seq);
            store.remove_records(&id, doc)?;
            if let DocId::Ticket(ticket) = doc {
                Self::forget_former_places(id, ticket, store)?;
            }
            for record in records.clone() {
                self.put_record_again(id, record, store)?;
            }
            if let DocId::Ticket(ticket) = doc {
                self.place_read_again(id, ticket, &records, store)?;
                self.tell_reads(id, store)?;
            }
            self.notify_ticket(id, doc, Cause::Remote, None);
        }
        Ok(())
    }

    /// What a row says of places is written anew from the records.
    fn forget_former_places(id: ProjectId, ticket: TicketId, store: &mut dyn DeviceStore) -> StoreResult<()> {
        if let Some(row) = store.row(&id, ticket)? {
            store.put_row(&id, &TicketRow { last_seq: Seq::ZERO, ..row })?;
        }
        if store.own_seq(&id, ticket)?.is_some() {
            store.put_own_seq(&id, ticket, Seq::ZERO)?;
        }
        if store.others_seq(&id, ticket)?.is_some() {
            store.put_others_seq(&id, ticket, Seq::ZERO)?;
        }
        Ok(())
    }

    /// A ticket that was read to its end is so at its new places, and the server is told again.
    fn place_read_again(
        &mut self,
        id: ProjectId,
        ticket: TicketId,
        records: &[Record],
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        let was_read = store.own_read(&id, ticket)?.is_some_and(Seq::is_former);
        let newest = records.last().map(|record| record.seq).unwrap_or_default();
        if !was_read || newest.is_former() {
            return Ok(());
        }
        store.put_own_read(&id, ticket, newest)?;
        let Some(project) = self.projects.get(&id) else { return Ok(()) };
        let is_private = project.membership.reads_are_private;
        // Another device of the same user may have told it already: what is no news is not answered.
        let told = store.read_mark(&id, ticket, project.membership.user)?;
        let is_told = |mark: ReadMark| newest <= if is_private { mark.own_through() } else { mark.through };
        if told.is_some_and(is_told) {
            return Ok(());
        }
        store.put_pending_read(&id, &PendingRead { ticket, through: newest, at: self.now, is_private })
    }

    /// More is here that the server may lack: all is looked through again, in this session if there is one.
    pub(super) fn give_anew(&mut self, id: ProjectId, store: &mut dyn DeviceStore) -> StoreResult<()> {
        let Some(project) = self.projects.get_mut(&id) else { return Ok(()) };
        (project.sync.has_former, project.sync.has_unoffered) = (true, true);
        let awaited_frames = project.session.giving.awaited_frames;
        project.session.giving = Giving { awaited_frames, ..Giving::default() };
        store.put_sync_state(&id, &project.sync)
    }

    /// Gives some of what is former back, and ends when all of it was answered.
    pub(super) fn give_back_some(&mut self, store: &mut dyn DeviceStore) -> StoreResult<()> {
        let giving = self.projects.iter().find(|(_, project)| project.may_give_back());
        let Some(id) = giving.map(|(id, _)| *id) else { return Ok(()) };
        let from = self.dice.bytes();
        let Some(project) = self.projects.get_mut(&id) else { return Ok(()) };
        let giving = &mut project.session.giving;
        if giving.phase == Phase::Waiting {
            giving.phase = Phase::Giving;
            giving.queue = in_giving_order(store.docs(&id)?, TicketId::from_bytes(from));
        }
        let mut records = Vec::new();
        for _ in 0..limits::FORMER_DOCS_PER_TURN {
            let Some(doc) = giving.queue.pop_front() else { break };
            let of_doc = store.doc_records(&id, doc)?;
            let before = records.len();
            records.extend(of_doc.into_iter().filter(|record| record.seq.is_former()));
            if records.len() > before {
                giving.given.push(doc);
            }
        }
        if records.is_empty() && giving.queue.is_empty() {
            return self.end_giving(id, store);
        }
        self.give_back(id, records, store)
    }

    fn give_back(
        &mut self,
        id: ProjectId,
        records: Vec<Record>,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        let mut rest = records.into_iter().peekable();
        while rest.peek().is_some() {
            let mut frame = Vec::new();
            let mut size_bytes = 0;
            while size_bytes < limits::BATCH_BYTES
                && frame.len() < limits::PUSH_ENVELOPES_MAX
                && let Some(record) = rest.next()
            {
                size_bytes += record.envelope.change.len();
                frame.push(record);
            }
            let vouchers = self.vouchers_for(id, &frame, store)?;
            let Some(project) = self.projects.get_mut(&id) else { return Ok(()) };
            let Some(link) = project.trusted_link() else { return Ok(()) };
            project.outbox.frames_pushed += 1;
            project.session.giving.awaited_frames = project.outbox.frames_pushed;
            self.send(link, &PeerMessage::GiveBack(GiveBack { project: id, vouchers, records: frame }));
        }
        Ok(())
    }

    /// Certificates and names of authors, each once in a session.
    fn vouchers_for(
        &mut self,
        id: ProjectId,
        records: &[Record],
        store: &dyn DeviceStore,
    ) -> StoreResult<Vouchers> {
        let mut vouchers = Vouchers::default();
        for record in records {
            let key = (record.envelope.device, record.serial);
            let Some(project) = self.projects.get_mut(&id) else { return Ok(vouchers) };
            let giving = &mut project.session.giving;
            if vouchers.nodes.is_empty() {
                vouchers.nodes = store.nodes(&id)?;
                vouchers.nodes.truncate(limits::GIVEN_NODES_MAX);
            }
            if giving.vouched.insert(key) {
                vouchers.certificates.extend(store.certificate(&id, &key.0, key.1)?);
            }
            let Some((user, _)) = self.author_of_device(id, key.0, key.1, store)? else { continue };
            let Some(project) = self.projects.get_mut(&id) else { return Ok(vouchers) };
            if project.session.giving.named.insert(user) {
                vouchers.members.extend(store.member(&id, user)?);
            }
        }
        Ok(vouchers)
    }

    /// All was given and answered. What the server took has its place by now.
    fn end_giving(&mut self, id: ProjectId, store: &mut dyn DeviceStore) -> StoreResult<()> {
        let Some(project) = self.projects.get_mut(&id) else { return Ok(()) };
        let giving = &mut project.session.giving;
        giving.phase = Phase::Done;
        let mut is_left = false;
        for doc in std::mem::take(&mut giving.given) {
            is_left |= store.doc_records(&id, doc)?.iter().any(|record| record.seq.is_former());
        }
        if !is_left {
            project.sync.has_former = false;
            store.put_sync_state(&id, &project.sync)?;
        }
        self.push_outbox(id, store)
    }
}

impl DeviceHub {
    /// Offers the files of some documents, and ends when all were looked through. What the server would not take of a
    /// document, it would not take a file of.
    pub(super) fn offer_some_files(&mut self, store: &mut dyn DeviceStore) -> StoreResult<()> {
        let offering = self.projects.iter().find(|(_, project)| project.may_offer_files());
        let Some(id) = offering.map(|(id, _)| *id) else { return Ok(()) };
        let from = self.dice.bytes();
        for _ in 0..limits::FORMER_DOCS_PER_TURN {
            let Some(project) = self.projects.get_mut(&id) else { return Ok(()) };
            let offers = &mut project.session.giving.offers;
            if offers.is_none() {
                *offers = Some(in_giving_order(store.docs(&id)?, TicketId::from_bytes(from)));
            }
            let Some(doc) = offers.as_mut().and_then(VecDeque::pop_front) else {
                project.sync.has_unoffered = false;
                return store.put_sync_state(&id, &project.sync);
            };
            let is_there = |records: Vec<Record>| !records.iter().any(|record| record.seq.is_former());
            if doc != DocId::Project && is_there(store.doc_records(&id, doc)?) {
                self.offer_attachments(id, doc, store)?;
            }
        }
        Ok(())
    }
}

/// The project's document, then each ticket before its notes. Every device begins with another ticket: what one has
/// given back, the others find at its place before it is their turn.
fn in_giving_order(docs: BTreeSet<DocId>, from: TicketId) -> VecDeque<DocId> {
    let mut order: Vec<DocId> = docs.into_iter().collect();
    order.sort_by_key(|doc| {
        (doc.ticket().is_some(), doc.ticket() < Some(from), doc.ticket(), matches!(doc, DocId::Notes(_)))
    });
    order.into()
}
