//! What a peer is sent: cold start, then the log from its cursor on, then the log as it grows; and marks.
//!
//! Everything is read from the store by the session's audience. Never more than a window waits in a peer's queue.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use assist_crdt_model::{DeviceId, DocId, UnixMillis, UserId};

use super::admission::ack_of;
use super::disk::Held;
use super::roster::member_for;
use super::{ServerHub, damaged_scan};
use crate::certificate::{DeviceCertificate, Signed};
use crate::hub::action::LinkId;
use crate::limits;
use crate::store::{
    Audience, Device, EntryKind, LogEntry, Mark, ReadMark, Record, Seq, ServerProject, ServerStore,
    StoreResult, TicketRow, User, Visibility,
};
use crate::wire::{
    ColdPosition, ColdStart, DocPlace, Docs, Hello, Introduce, Item, Marks, NamedDevice, PagedDoc,
    PeerMessage, Records, RefusedCode, Rows, codec,
};

/// A member's device that is connected.
pub(super) struct Session {
    pub(super) device: DeviceId,
    pub(super) user: UserId,
    pub(super) audience: Audience,
    stream: Stream,
    /// Everything up to here is on the device: it said so, or it is at its first load, which is no news.
    stored: Seq,
    /// Frames of the log that it has not said to have: where each ends, and how many records it brings.
    unseen: VecDeque<(Seq, usize)>,
    /// How many records all of them bring.
    unseen_count: usize,
    mark_cursor: u64,
    /// When the roster was last told that the device is there.
    pub(super) noted_at: UnixMillis,
    /// Bytes given to the transport that have not left.
    pub(super) queued_bytes: usize,
    /// The window was full before everything was sent.
    pub(super) has_more: bool,
    /// Own changes that this session was told of by a verdict, not yet passed by the stream.
    pub(super) told: BTreeSet<Seq>,
    /// Nothing new of it is taken for now.
    pub(super) held: Option<Held>,
    /// Documents that the device asked for whole.
    fetches: VecDeque<DocId>,
    introduced: BTreeSet<(DeviceId, u32)>,
    pub(super) introduced_users: BTreeSet<UserId>,
}

/// Where in the order of things a session is.
enum Stream {
    /// List rows, by last activity: those before this are still to come.
    Rows { at: Seq, before: Seq },
    /// Documents likewise.
    Docs { at: Seq, before: Seq },
    /// The log: everything up to here has been sent.
    Tail { sent: Seq },
}

impl Session {
    /// Starts where the device says it stands. A cursor of another log counts for nothing.
    pub(super) fn new(
        hello: &Hello,
        project: &ServerProject,
        device: &Device,
        user: &User,
        store: &dyn ServerStore,
    ) -> StoreResult<Self> {
        let head = store.head()?;
        let is_same_log = hello.log == Some(project.log) && believes_its_side(hello, device, user, store)?;
        let stream = match hello.cold {
            Some(ColdPosition { at, before }) if is_same_log && at <= head && before < Seq::MAX => {
                Stream::Docs { at, before }
            }
            _ if is_same_log && hello.cursor > Seq::ZERO && hello.cursor <= head => {
                Stream::Tail { sent: hello.cursor }
            }
            _ if head == Seq::ZERO => Stream::Tail { sent: Seq::ZERO },
            _ => Stream::Rows { at: head, before: Seq::MAX },
        };
        let stored = if let Stream::Tail { sent } = stream { sent } else { head };
        Ok(Self {
            device: device.device,
            user: user.user,
            audience: Audience::new(user.user, user.role),
            stream,
            stored,
            unseen: VecDeque::new(),
            unseen_count: 0,
            mark_cursor: if is_same_log { hello.mark_cursor } else { 0 },
            noted_at: UnixMillis::default(),
            queued_bytes: 0,
            has_more: false,
            told: BTreeSet::new(),
            held: None,
            fetches: VecDeque::new(),
            introduced: BTreeSet::new(),
            introduced_users: BTreeSet::new(),
        })
    }

    /// Everything up to here has been sent.
    pub(super) const fn sent(&self) -> Seq {
        match self.stream {
            Stream::Rows { .. } | Stream::Docs { .. } => Seq::ZERO,
            Stream::Tail { sent } => sent,
        }
    }

    /// The device has made everything up to here durable.
    pub(super) fn note_stored(&mut self, cursor: Seq) {
        self.stored = self.stored.max(cursor);
        while let Some((_, count)) = self.unseen.pop_front_if(|(end, _)| *end <= cursor) {
            self.unseen_count -= count;
        }
    }

    fn note_sent(&mut self, end: Seq, record_count: usize) {
        self.stream = Stream::Tail { sent: end };
        self.unseen.push_back((end, record_count));
        self.unseen_count += record_count;
    }

    /// What stands behind this place may not have come to the device.
    pub(super) const fn has_all_before(&self) -> Seq {
        self.stored
    }

    /// Whether what comes next may be sent now. What the peer asked for goes before more of the log: it may be what
    /// keeps it from saying how far it has come.
    pub(super) fn has_room(&self) -> bool {
        let has_seen_enough = self.unseen_count < limits::RECORDS_UNSEEN_MAX || !self.fetches.is_empty();
        self.queued_bytes < limits::SEND_WINDOW_BYTES && has_seen_enough
    }
}

/// Whether the device knows on which side its user stands: what a member of the team has come past, a customer has
/// not, and the other way round. It says so by the certificate that it holds.
fn believes_its_side(
    hello: &Hello,
    device: &Device,
    user: &User,
    store: &dyn ServerStore,
) -> StoreResult<bool> {
    let Some(held) = store.certificate(&device.device, hello.serial)? else { return Ok(true) };
    let claim = codec::decode::<DeviceCertificate>("device certificate", &held.payload);
    Ok(claim.is_ok_and(|claim| claim.role.is_team() == user.role.is_team()))
}

/// The newest records in memory: what live peers are sent comes from here.
#[derive(Default)]
pub(super) struct RecentRecords {
    records: VecDeque<Record>,
    size_bytes: usize,
}

impl RecentRecords {
    pub(super) fn push(&mut self, record: Record) {
        self.size_bytes += record.envelope.change.len();
        self.records.push_back(record);
        while self.records.len() > limits::RECENT_RECORDS_MAX || self.size_bytes > limits::RECENT_BYTES_MAX {
            let Some(oldest) = self.records.pop_front() else { break };
            self.size_bytes -= oldest.envelope.change.len();
        }
    }

    fn get(&self, seq: Seq) -> Option<&Record> {
        // Not every place of the log has a record.
        let index = self.records.binary_search_by_key(&seq, |record| record.seq).ok()?;
        self.records.get(index)
    }
}

impl ServerHub {
    /// Sends every session that has something to read as much as its window takes.
    pub(super) fn fill_windows(&mut self, store: &mut dyn ServerStore) -> StoreResult<()> {
        let woken = std::mem::take(&mut self.woken);
        let mut links = std::mem::take(&mut self.runnable);
        for audience in woken {
            links.extend(self.links_to(audience));
        }
        for link in links {
            self.fill_window(link, store)?;
        }
        Ok(())
    }

    /// Some of a session's window may be free again.
    pub(super) fn go_on_if_room(&mut self, link: LinkId) {
        if self.session(link).is_some_and(|session| session.has_more && session.has_room()) {
            self.runnable.insert(link);
        }
    }

    fn fill_window(&mut self, link: LinkId, store: &dyn ServerStore) -> StoreResult<()> {
        let mut has_more = true;
        while has_more && self.session(link).is_some_and(|session| session.has_room()) {
            has_more = self.send_more(link, store)?;
        }
        if let Some(session) = self.session(link) {
            session.has_more = has_more;
        }
        Ok(())
    }

    /// Sends one frame's worth; tells whether there may be more.
    fn send_more(&mut self, link: LinkId, store: &dyn ServerStore) -> StoreResult<bool> {
        let Some(session) = self.session(link) else { return Ok(false) };
        let audience = session.audience;
        if let Some(doc) = session.fetches.pop_front() {
            self.send_fetched(link, audience, doc, store)?;
            return Ok(true);
        }
        match session.stream {
            Stream::Rows { at, before } => self.send_rows(link, audience, at, before, store),
            Stream::Docs { at, before } => self.send_docs(link, audience, at, before, store),
            Stream::Tail { sent } => {
                let has_more = self.send_tail(link, audience, sent, store)?;
                if has_more || self.session(link).is_some_and(|session| !session.has_room()) {
                    return Ok(true);
                }
                self.send_marks(link, audience, store)
            }
        }
    }

    fn send_rows(
        &mut self,
        link: LinkId,
        audience: Audience,
        at: Seq,
        before: Seq,
        store: &dyn ServerStore,
    ) -> StoreResult<bool> {
        if before == Seq::MAX {
            let tickets = store.ticket_count(audience)?;
            self.send(link, &PeerMessage::ColdStart(ColdStart { at, tickets }));
        }
        let rows = store.tickets_by_activity(audience, before, limits::ROWS_PER_PAGE_MAX)?;
        self.introduce_people(link, audience, &rows, store)?;
        let next = rows.last().map(|row| row.last_seq);
        let is_done = rows.len() < limits::ROWS_PER_PAGE_MAX;
        if !rows.is_empty() {
            self.send(link, &PeerMessage::Rows(Rows { page: codec::encode_page(&rows) }));
        }
        let stream = match next {
            Some(before) if !is_done => Stream::Rows { at, before },
            _ => Stream::Docs { at, before: Seq::MAX },
        };
        self.set_stream(link, stream);
        Ok(true)
    }

    /// One page of documents, newest activity first, each ticket with its notes for the team. The project's own
    /// document goes with the first page.
    fn send_docs(
        &mut self,
        link: LinkId,
        audience: Audience,
        at: Seq,
        before: Seq,
        store: &dyn ServerStore,
    ) -> StoreResult<bool> {
        let rows = store.tickets_by_activity(audience, before, limits::DOCS_PER_PAGE_MAX)?;
        let mut docs: Vec<(DocId, Vec<Record>)> = Vec::new();
        if before == Seq::MAX {
            docs.push((DocId::Project, store.doc_records(DocId::Project)?));
        }
        let mut size_bytes = 0;
        let mut next = Seq::ZERO;
        let mut taken = 0;
        for row in &rows {
            let records = store.doc_records(DocId::Ticket(row.ticket))?;
            size_bytes += records.iter().map(size_of_record).sum::<usize>();
            docs.push((DocId::Ticket(row.ticket), records));
            if audience == Audience::Team {
                let notes = store.doc_records(DocId::Notes(row.ticket))?;
                size_bytes += notes.iter().map(size_of_record).sum::<usize>();
                docs.extend((!notes.is_empty()).then_some((DocId::Notes(row.ticket), notes)));
            }
            next = row.last_seq;
            taken += 1;
            // The next ticket may come with notes.
            if size_bytes >= limits::PAGE_BYTES || docs.len() + 2 > limits::DOCS_PER_PAGE_MAX {
                break;
            }
        }
        let is_last = taken == rows.len() && rows.len() < limits::DOCS_PER_PAGE_MAX;
        let pages = pages_of(&docs);
        self.introduce_authors(link, audience, authors_of(&docs), store)?;
        self.send_pages(link, &pages, Some(next), is_last);
        let stream = if is_last { Stream::Tail { sent: at } } else { Stream::Docs { at, before: next } };
        self.set_stream(link, stream);
        Ok(true)
    }

    /// Sends the log from a place on; tells whether there may be more of it.
    fn send_tail(
        &mut self,
        link: LinkId,
        audience: Audience,
        sent: Seq,
        store: &dyn ServerStore,
    ) -> StoreResult<bool> {
        let entries_max = limits::RECORDS_PER_FRAME_MAX - 1;
        let entries = store.log_after(audience, sent, entries_max)?;
        let Some(device) = self.session(link).map(|session| session.device) else { return Ok(false) };
        let mut authors = BTreeSet::new();
        let mut items = Vec::new();
        let mut size_bytes = 0;
        let mut last = sent;
        let mut visible = Visible::default();
        for entry in &entries {
            last = entry.seq;
            match entry.kind {
                EntryKind::Record { .. } => {}
                EntryKind::Visibility(change) => {
                    items.extend(visibility_item(audience, entry, change));
                    continue;
                }
                EntryKind::Lost => continue,
                EntryKind::Whole => {
                    // Before the frame that brings the device past this place: it has no other chance to get it.
                    if visible.is_visible(self, entry.doc, audience, store)? {
                        self.send_fetched(link, audience, entry.doc, store)?;
                    }
                    continue;
                }
            }
            let record = self.record(entry, store)?;
            if record.envelope.device == device {
                let is_told = self.session(link).is_some_and(|session| session.told.remove(&entry.seq));
                if !is_told {
                    items.push(Item::Own(ack_of(change_hash(&record)?, &record)));
                }
                continue;
            }
            // The reader was a member then. If they are none now they do not get it late: what took the ticket from
            // them stands further on in the log.
            if !visible.is_visible(self, entry.doc, audience, store)? {
                continue;
            }
            size_bytes += size_of_record(&record);
            authors.insert((record.envelope.device, record.serial));
            items.push(Item::Record(record));
            if size_bytes >= limits::BATCH_BYTES {
                break;
            }
        }
        if last == sent {
            return Ok(false);
        }
        let has_passed_last = items.last().is_some_and(|item| item.seq() == last);
        if !has_passed_last {
            items.push(Item::Through(last));
        }
        self.introduce_authors(link, audience, authors, store)?;
        if let Some(session) = self.session(link) {
            session.note_sent(last, items.len());
        }
        self.send(link, &PeerMessage::Records(Records { project: self.project.project, items }));
        let is_cut = entries.last().is_some_and(|entry| entry.seq != last);
        Ok(is_cut || entries.len() == entries_max)
    }

    fn send_marks(&mut self, link: LinkId, audience: Audience, store: &dyn ServerStore) -> StoreResult<bool> {
        let head = store.mark_head()?;
        let Some(session) = self.session(link) else { return Ok(false) };
        let after = session.mark_cursor;
        if after >= head {
            return Ok(false);
        }
        let user = session.user;
        let marks = store.marks_after(audience, after, limits::MARKS_PER_FRAME_MAX)?;
        let reads = store.read_marks_after(audience, after, limits::MARKS_PER_FRAME_MAX)?;
        // Behind the last ones that the audience may see there may be others: they are not looked at again. Of two
        // lists the shorter one decides how far both are looked through.
        let mark_cursor = end_of(&marks, head).min(end_of(&reads, head));
        session.mark_cursor = mark_cursor;
        let told = |mark: ReadMark| if mark.user == user { Some(mark) } else { mark.for_others() };
        let marks: Vec<Mark> = until(marks, mark_cursor).collect();
        let reads: Vec<ReadMark> = until(reads, mark_cursor).filter_map(told).collect();
        if marks.is_empty() && reads.is_empty() {
            return Ok(mark_cursor < head);
        }
        let readers = reads.iter().map(|mark| mark.user).collect();
        self.introduce_users(link, audience, readers, store)?;
        self.send(link, &PeerMessage::Marks(Marks { mark_cursor, marks, reads }));
        Ok(true)
    }

    /// A device lacks something of these documents. They follow when there is room, each once.
    pub(super) fn handle_fetch(&mut self, link: LinkId, docs: &[DocId]) {
        let Some(session) = self.session(link) else { return };
        if session.fetches.len() + docs.len() > limits::FETCH_QUEUE_MAX {
            self.refuse(link, RefusedCode::Protocol, "too many documents are asked for at once");
            return;
        }
        session.fetches.extend(docs);
        self.runnable.insert(link);
    }

    /// One document whole. What the audience may not see is empty, as if it were not there.
    fn send_fetched(
        &mut self,
        link: LinkId,
        audience: Audience,
        doc: DocId,
        store: &dyn ServerStore,
    ) -> StoreResult<()> {
        let is_visible = self.may_see(doc, audience, store)?;
        let records = if is_visible { store.doc_records(doc)? } else { Vec::new() };
        let docs = [(doc, records)];
        self.introduce_authors(link, audience, authors_of(&docs), store)?;
        self.send_pages(link, &pages_of(&docs), None, true);
        Ok(())
    }

    /// Sends a step of pages: only the last one says how far that has come.
    fn send_pages(&mut self, link: LinkId, pages: &[Vec<PagedDoc>], before: Option<Seq>, is_last: bool) {
        for (index, page) in pages.iter().enumerate() {
            let is_end = index + 1 == pages.len();
            let page = codec::encode_page(page);
            let before = before.filter(|_| is_end);
            self.send(link, &PeerMessage::Docs(Docs { page, before, is_last: is_last && is_end }));
        }
    }

    fn record(&self, entry: &LogEntry, store: &dyn ServerStore) -> StoreResult<Record> {
        match self.recent.get(entry.seq) {
            Some(record) => Ok(record.clone()),
            None => store.record(entry),
        }
    }

    fn set_stream(&mut self, link: LinkId, stream: Stream) {
        if let Some(session) = self.session(link) {
            session.stream = stream;
        }
    }

    /// Sends the certificates and names of authors, each once in a session.
    fn introduce_authors(
        &mut self,
        link: LinkId,
        audience: Audience,
        authors: BTreeSet<(DeviceId, u32)>,
        store: &dyn ServerStore,
    ) -> StoreResult<()> {
        let Some(session) = self.session(link) else { return Ok(()) };
        let new: Vec<(DeviceId, u32)> =
            authors.into_iter().filter(|author| session.introduced.insert(*author)).collect();
        let mut users = BTreeSet::new();
        for new in new.chunks(limits::INTRODUCED_MAX) {
            let mut introduce = Introduce::default();
            for &(device, serial) in new {
                let certificate = store.certificate(&device, serial)?;
                introduce.certificates.extend(certificate.clone());
                let Some(known) = store.device(&device)? else {
                    // Written before a restoration, and the device has not come back since.
                    users.extend(certificate.as_ref().and_then(user_of_certificate));
                    continue;
                };
                users.insert(known.user);
                // What the team calls its devices is no customer's business.
                if matches!(audience, Audience::Team) || audience == Audience::Customer(known.user) {
                    introduce.devices.push(NamedDevice { device, name: known.name });
                }
            }
            if introduce != Introduce::default() {
                self.send(link, &PeerMessage::Introduce(introduce));
            }
        }
        self.introduce_users(link, audience, users, store)
    }

    /// Sends the names of those whom rows speak of.
    fn introduce_people(
        &mut self,
        link: LinkId,
        audience: Audience,
        rows: &[TicketRow],
        store: &dyn ServerStore,
    ) -> StoreResult<()> {
        let users = rows.iter().flat_map(|row| [Some(row.requester), row.assignee]).flatten().collect();
        self.introduce_users(link, audience, users, store)
    }

    pub(super) fn introduce_users(
        &mut self,
        link: LinkId,
        audience: Audience,
        users: BTreeSet<UserId>,
        store: &dyn ServerStore,
    ) -> StoreResult<()> {
        let Some(session) = self.session(link) else { return Ok(()) };
        let new: Vec<UserId> =
            users.into_iter().filter(|user| session.introduced_users.insert(*user)).collect();
        let mut members = Vec::new();
        for user in new {
            let is_self = audience == Audience::Customer(user);
            members.extend(store.user(user)?.map(|user| member_for(&user, audience, is_self)));
        }
        for members in members.chunks(limits::INTRODUCED_MAX) {
            let members = members.to_vec();
            self.send(link, &PeerMessage::Introduce(Introduce { members, ..Introduce::default() }));
        }
        Ok(())
    }
}

/// What of the documents in one stretch of the log the reader may see, each looked up once.
#[derive(Default)]
struct Visible(BTreeMap<DocId, bool>);

impl Visible {
    fn is_visible(
        &mut self,
        hub: &ServerHub,
        doc: DocId,
        audience: Audience,
        store: &dyn ServerStore,
    ) -> StoreResult<bool> {
        if let Some(known) = self.0.get(&doc) {
            return Ok(*known);
        }
        let is_visible = hub.may_see(doc, audience, store)?;
        self.0.insert(doc, is_visible);
        Ok(is_visible)
    }
}

/// What the one whom it concerns is told; the team sees all tickets anyway.
fn visibility_item(audience: Audience, entry: &LogEntry, change: Visibility) -> Option<Item> {
    let place = DocPlace { seq: entry.seq, doc: entry.doc };
    match (audience, change) {
        (Audience::Team, _) => None,
        (Audience::Customer(_), Visibility::Granted) => Some(Item::Granted(place)),
        (Audience::Customer(_), Visibility::Revoked) => Some(Item::Revoked(place)),
    }
}

fn user_of_certificate(signed: &Signed) -> Option<UserId> {
    let claim = codec::decode::<DeviceCertificate>("device certificate", &signed.payload);
    claim.ok().map(|claim| claim.user)
}

fn authors_of(docs: &[(DocId, Vec<Record>)]) -> BTreeSet<(DeviceId, u32)> {
    let records = docs.iter().flat_map(|(_, records)| records);
    records.map(|record| (record.envelope.device, record.serial)).collect()
}

/// Documents as they fit pages. One that is larger than a page goes on in the next.
fn pages_of(docs: &[(DocId, Vec<Record>)]) -> Vec<Vec<PagedDoc>> {
    let mut pages = Vec::new();
    let mut page = Vec::new();
    let mut page_bytes = 0;
    for (doc, records) in docs {
        let mut start = 0;
        for (index, record) in records.iter().enumerate() {
            page_bytes += size_of_record(record);
            if page_bytes >= limits::PAGE_BYTES && index + 1 < records.len() {
                page.push(PagedDoc { doc: *doc, records: codec::encode(&records[start..=index]) });
                pages.push(std::mem::take(&mut page));
                (start, page_bytes) = (index + 1, 0);
            }
        }
        page.push(PagedDoc { doc: *doc, records: codec::encode(&records[start..]) });
    }
    pages.push(page);
    pages
}

/// How far a list of marks has been looked through: to its end if it is cut there, else to the head.
fn end_of<T>(marks: &[(u64, T)], head: u64) -> u64 {
    match marks.last() {
        Some((last, _)) if marks.len() == limits::MARKS_PER_FRAME_MAX => *last,
        _ => head,
    }
}

fn until<T>(marks: Vec<(u64, T)>, end: u64) -> impl Iterator<Item = T> {
    marks.into_iter().take_while(move |(position, _)| *position <= end).map(|(_, mark)| mark)
}

fn size_of_record(record: &Record) -> usize {
    record.envelope.change.len() + RECORD_OVERHEAD_BYTES
}

fn change_hash(record: &Record) -> StoreResult<assist_crdt_model::ChangeHash> {
    assist_crdt_model::ScannedChange::hash_of(&record.envelope.change)
        .map_err(|rejection| damaged_scan(record.seq, &rejection))
}

/// What a record costs on the wire beside its change: signature, device, document, places.
const RECORD_OVERHEAD_BYTES: usize = 180;

#[cfg(test)]
mod tests;
