//! What a peer is sent: cold start, then the log from its cursor on, then the log as it grows; and marks.
//!
//! Everything is read from the store by the session's audience. Never more than a window waits in a peer's queue.

use std::collections::{BTreeSet, VecDeque};

use assist_crdt_model::{DeviceId, DocId, UserId};

use super::admission::ack_of;
use super::roster::member_for;
use super::{ServerHub, damaged_scan};
use crate::hub::action::LinkId;
use crate::limits;
use crate::store::{
    Audience, Device, LogEntry, Record, Seq, ServerProject, ServerStore, StoreResult, TicketRow, User,
};
use crate::wire::{
    ColdPosition, ColdStart, Docs, Hello, Introduce, Item, Marks, PagedDoc, PeerMessage, Records, Rows, codec,
};

/// A member's device that is connected.
pub(super) struct Session {
    pub(super) device: DeviceId,
    pub(super) audience: Audience,
    stream: Stream,
    mark_cursor: u64,
    /// Bytes given to the transport that have not left.
    pub(super) queued_bytes: usize,
    /// Own changes that this session was told of by a verdict, not yet passed by the stream.
    pub(super) told: BTreeSet<Seq>,
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
        let is_same_log = hello.log == Some(project.log);
        let stream = match hello.cold {
            Some(ColdPosition { at, before }) if is_same_log && at <= head => Stream::Docs { at, before },
            _ if is_same_log && hello.cursor > Seq::ZERO && hello.cursor <= head => {
                Stream::Tail { sent: hello.cursor }
            }
            _ if head == Seq::ZERO => Stream::Tail { sent: Seq::ZERO },
            _ => Stream::Rows { at: head, before: Seq::MAX },
        };
        Ok(Self {
            device: device.device,
            audience: Audience::new(user.user, user.role),
            stream,
            mark_cursor: if is_same_log { hello.mark_cursor } else { 0 },
            queued_bytes: 0,
            told: BTreeSet::new(),
            introduced: BTreeSet::new(),
            introduced_users: BTreeSet::new(),
        })
    }

    /// Everything up to here has been sent.
    pub(super) const fn sent(&self) -> Seq {
        match self.stream {
            Stream::Rows { .. } => Seq::ZERO,
            Stream::Docs { at, .. } => at,
            Stream::Tail { sent } => sent,
        }
    }

    const fn has_room(&self) -> bool {
        self.queued_bytes < limits::SEND_WINDOW_BYTES
    }
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
        let first = self.records.front()?.seq;
        let index = usize::try_from(seq.0.checked_sub(first.0)?).ok()?;
        self.records.get(index)
    }
}

impl ServerHub {
    /// Sends every session that has something to read as much as its window takes.
    pub(super) fn fill_windows(&mut self, store: &mut dyn ServerStore) -> StoreResult<()> {
        let woken = std::mem::take(&mut self.woken);
        let mut links = std::mem::take(&mut self.runnable);
        if !woken.is_empty() {
            let sessions: Vec<LinkId> = self.links.keys().copied().collect();
            links.extend(sessions.into_iter().filter(|link| {
                let session = self.links.get(link).and_then(super::Link::session);
                session.is_some_and(|session| woken.contains(&session.audience))
            }));
        }
        for link in links {
            while self.session(link).is_some_and(|session| session.has_room()) {
                if !self.send_more(link, store)? {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Sends one frame's worth; tells whether there may be more.
    fn send_more(&mut self, link: LinkId, store: &dyn ServerStore) -> StoreResult<bool> {
        let Some(session) = self.session(link) else { return Ok(false) };
        let audience = session.audience;
        match session.stream {
            Stream::Rows { at, before } => self.send_rows(link, audience, at, before, store),
            Stream::Docs { at, before } => self.send_docs(link, audience, at, before, store),
            Stream::Tail { sent } => {
                if self.send_tail(link, audience, sent, store)? {
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

    /// One page of documents, newest activity first. The project's own document goes with the first page.
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
            size_bytes += records
                .iter()
                .map(|record| record.envelope.change.len() + RECORD_OVERHEAD_BYTES)
                .sum::<usize>();
            docs.push((DocId::Ticket(row.ticket), records));
            next = row.last_seq;
            taken += 1;
            if size_bytes >= limits::PAGE_BYTES || docs.len() >= limits::DOCS_PER_PAGE_MAX {
                break;
            }
        }
        let is_last = taken == rows.len() && rows.len() < limits::DOCS_PER_PAGE_MAX;
        self.introduce_authors(link, audience, docs.iter().flat_map(|(_, records)| records), store)?;
        let page = page_of(&docs);
        self.send(link, &PeerMessage::Docs(Docs { page, before: Some(next), is_last }));
        let stream = if is_last { Stream::Tail { sent: at } } else { Stream::Docs { at, before: next } };
        self.set_stream(link, stream);
        Ok(true)
    }

    fn send_tail(
        &mut self,
        link: LinkId,
        audience: Audience,
        sent: Seq,
        store: &dyn ServerStore,
    ) -> StoreResult<bool> {
        let entries = store.log_after(audience, sent, limits::RECORDS_PER_FRAME_MAX - 1)?;
        let Some(device) = self.session(link).map(|session| session.device) else { return Ok(false) };
        let mut records = Vec::new();
        let mut items = Vec::new();
        let mut size_bytes = 0;
        let mut last = sent;
        for entry in &entries {
            let record = self.record(entry, store)?;
            last = entry.seq;
            if record.envelope.device == device {
                let is_told = self.session(link).is_some_and(|session| session.told.remove(&entry.seq));
                if !is_told {
                    items.push(Item::Own(ack_of(change_hash(&record)?, &record)));
                }
                continue;
            }
            size_bytes += record.envelope.change.len() + RECORD_OVERHEAD_BYTES;
            records.push(record.clone());
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
        self.introduce_authors(link, audience, records.iter(), store)?;
        self.send(link, &PeerMessage::Records(Records { project: self.project.project, items }));
        self.set_stream(link, Stream::Tail { sent: last });
        Ok(true)
    }

    fn send_marks(&mut self, link: LinkId, audience: Audience, store: &dyn ServerStore) -> StoreResult<bool> {
        let Some(session) = self.session(link) else { return Ok(false) };
        let after = session.mark_cursor;
        if after >= store.mark_head()? {
            return Ok(false);
        }
        let marks = store.marks_after(audience, after, limits::MARKS_PER_FRAME_MAX)?;
        let Some((mark_cursor, _)) = marks.last().copied() else { return Ok(false) };
        let marks = marks.into_iter().map(|(_, mark)| mark).collect();
        self.send(link, &PeerMessage::Marks(Marks { mark_cursor, marks }));
        if let Some(session) = self.session(link) {
            session.mark_cursor = mark_cursor;
        }
        Ok(true)
    }

    /// Answers a device whose own copy went back in time. What it may not see is absent, as if it were not there.
    pub(super) fn handle_fetch(
        &mut self,
        link: LinkId,
        docs: &[DocId],
        store: &mut dyn ServerStore,
    ) -> StoreResult<()> {
        let Some(audience) = self.session(link).map(|session| session.audience) else { return Ok(()) };
        let mut whole = Vec::new();
        for doc in docs {
            if self.may_see(*doc, audience, store)? {
                whole.push((*doc, store.doc_records(*doc)?));
            }
        }
        // A frame holds a few documents of any size; most requests are for one.
        for one in whole.chunks(1) {
            self.introduce_authors(link, audience, one.iter().flat_map(|(_, records)| records), store)?;
            let page = page_of(one);
            self.send(link, &PeerMessage::Docs(Docs { page, before: None, is_last: false }));
        }
        Ok(())
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

    /// Sends the certificates and names of the records' authors, each once in a session.
    fn introduce_authors<'a>(
        &mut self,
        link: LinkId,
        audience: Audience,
        records: impl Iterator<Item = &'a Record>,
        store: &dyn ServerStore,
    ) -> StoreResult<()> {
        let Some(session) = self.session(link) else { return Ok(()) };
        let new: BTreeSet<(DeviceId, u32)> = records
            .map(|record| (record.envelope.device, record.serial))
            .filter(|author| session.introduced.insert(*author))
            .collect();
        let mut introduce = Introduce::default();
        let mut users = BTreeSet::new();
        for (device, serial) in new {
            introduce.certificates.extend(store.certificate(&device, serial)?);
            users.extend(store.device(&device)?.map(|device| device.user));
        }
        self.introduce(link, audience, introduce, users, store)
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
        self.introduce(link, audience, Introduce::default(), users, store)
    }

    fn introduce(
        &mut self,
        link: LinkId,
        audience: Audience,
        mut introduce: Introduce,
        users: BTreeSet<UserId>,
        store: &dyn ServerStore,
    ) -> StoreResult<()> {
        let Some(session) = self.session(link) else { return Ok(()) };
        let new: Vec<UserId> =
            users.into_iter().filter(|user| session.introduced_users.insert(*user)).collect();
        for user in new {
            let is_self = audience == Audience::Customer(user);
            introduce.members.extend(store.user(user)?.map(|user| member_for(&user, audience, is_self)));
        }
        if !introduce.certificates.is_empty() || !introduce.members.is_empty() {
            self.send(link, &PeerMessage::Introduce(introduce));
        }
        Ok(())
    }
}

fn page_of(docs: &[(DocId, Vec<Record>)]) -> Vec<u8> {
    let docs: Vec<PagedDoc> =
        docs.iter().map(|(doc, records)| PagedDoc { doc: *doc, records: codec::encode(records) }).collect();
    codec::encode_page(&docs)
}

fn change_hash(record: &Record) -> StoreResult<assist_crdt_model::ChangeHash> {
    assist_crdt_model::ScannedChange::scan(&record.envelope.change)
        .map(|change| change.hash())
        .map_err(|rejection| damaged_scan(record.seq, &rejection))
}

/// What a record costs on the wire beside its change: signature, device, document, places.
const RECORD_OVERHEAD_BYTES: usize = 180;
