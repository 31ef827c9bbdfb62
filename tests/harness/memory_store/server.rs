//! The server's half: log, roster, deliveries.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Included, Unbounded};

use assist_crdt_model::{BlobHash, ChangeHash, DeviceId, DocId, ScannedChange, TicketId, UnixMillis, UserId};
use assist_proto::certificate::Signed;
use assist_proto::store::{
    Audience, Away, Device, EntryKind, Invite, Kept, KeptAll, LogEntry, MailedCode, Mark, ReadMark, Record,
    Seq, ServerProject, ServerStore, Share, ShareWith, StoreResult, StoredVerdict, TicketRow, User,
    Visibility, WaitingDevice, Watermarks,
};
use assist_proto::wire::blob::BlobPlace;

use super::table::Table;
use super::{MemoryStore, damaged};

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct ServerTables {
    /// One row at most.
    project: Table<(), ServerProject>,

    /// Every place of the log: what the team sees.
    log: Table<Seq, LogEntry>,
    /// The places that each customer sees.
    customer_log: Table<(UserId, Seq), LogEntry>,
    /// By document and index.
    records: Table<(DocId, u32), Record>,
    admitted: Table<ChangeHash, LogEntry>,
    /// Documents that cannot be read from a record on.
    damaged: Table<DocId, u32>,
    /// When the record of a lost place was admitted.
    lost: Table<(DocId, Seq), UnixMillis>,
    /// Where a document was whole again.
    whole: Table<DocId, Seq>,
    /// Code and detail.
    rejected: Table<ChangeHash, (u16, String)>,
    /// In the order of their coming.
    rejection_order: Table<u64, ChangeHash>,
    rejections_ever: u64,

    /// The admission log, by number.
    admissions: Table<u64, Vec<u8>>,
    /// One row at most.
    admission_head: Table<(), Signed>,

    tickets: Table<TicketId, TicketRow>,
    /// Every ticket under its last record.
    activity: Table<(Seq, TicketId), ()>,
    ticket_numbers_taken: u32,
    numbers_claimed: Table<u32, ()>,
    /// Members of tickets.
    members: Table<(TicketId, UserId), ()>,
    shares: Table<(TicketId, ShareWith), Share>,
    blobs: Table<(BlobHash, DocId), ()>,

    users: Table<UserId, User>,
    emails: Table<String, UserId>,
    devices: Table<DeviceId, Device>,
    certificates: Table<(DeviceId, u32), Signed>,
    invites: Table<[u8; 32], Invite>,
    mailed_codes: Table<DeviceId, MailedCode>,
    waiting_devices: Table<DeviceId, WaitingDevice>,
    aways: Table<UserId, Away>,

    watermarks: Table<Audience, Watermarks>,
    marks: Table<TicketId, (u64, Mark)>,
    /// Every mark at its position.
    mark_order: Table<u64, TicketId>,
    mark_head: u64,
    read_marks: Table<(TicketId, UserId), (u64, ReadMark)>,
    /// Every read mark at its position; both kinds share theirs.
    read_order: Table<u64, (TicketId, UserId)>,
    kept: Table<UserId, (u64, KeptAll)>,
}

impl ServerTables {
    fn sees(&self, audience: Audience, ticket: TicketId) -> bool {
        match audience {
            Audience::Team => true,
            Audience::Customer(user) => self.members.contains_key(&(ticket, user)),
        }
    }

    fn visible_tickets(&self, audience: Audience) -> impl Iterator<Item = TicketRow> {
        self.activity
            .keys()
            .rev()
            .filter(move |(_, ticket)| self.sees(audience, *ticket))
            .filter_map(|(_, ticket)| self.tickets.row(ticket))
    }

    /// Says something else of a place that the log has.
    fn put_entry(&mut self, entry: LogEntry) {
        self.log.put(entry.seq, entry);
        let readers: Vec<UserId> =
            self.customer_log.keys().filter(|(_, seq)| *seq == entry.seq).map(|(user, _)| *user).collect();
        for user in readers {
            self.customer_log.put((user, entry.seq), entry);
        }
        let change = self.admitted.rows(..).find(|(_, known)| known.seq == entry.seq);
        if let Some((change, _)) = change {
            self.admitted.put(change, entry);
        }
    }

    fn record_count(&self, doc: DocId) -> StoreResult<u32> {
        u32::try_from(self.records.range((doc, 0)..=(doc, u32::MAX)).count())
            .map_err(|_| damaged(format!("count of records of {doc:?}")))
    }
}

impl MemoryStore {
    /// From one of its records on, a document of the server cannot be read any more.
    pub fn damage(&mut self, doc: DocId, from: u32) {
        self.server.damaged.put(doc, from);
    }

    /// The newest time that the server put on anything: a restoration comes after it.
    pub fn newest_time(&self) -> UnixMillis {
        let devices = self.server.devices.values().map(|device| device.issued_at);
        let records = self.server.records.values().map(|record| record.admitted_at);
        devices.chain(records).max().unwrap_or_default()
    }
}

impl ServerStore for MemoryStore {
    fn project(&self) -> StoreResult<Option<ServerProject>> {
        Ok(self.server.project.row(&()))
    }

    fn put_project(&mut self, project: &ServerProject) -> StoreResult<()> {
        self.server.project.put((), project.clone());
        Ok(())
    }

    fn head(&self) -> StoreResult<Seq> {
        Ok(self.server.log.last_key_value().map_or(Seq::ZERO, |(seq, _)| *seq))
    }

    fn append(&mut self, record: &Record, readers: &[UserId]) -> StoreResult<()> {
        let expected = self.head()?.next();
        if record.seq != expected {
            return Err(damaged(format!(
                "log: record {:?} does not follow, expected {expected:?}",
                record.seq
            )));
        }
        let change = ScannedChange::scan(&record.envelope.change)
            .map_err(|rejection| damaged(format!("log: record {:?} is no change: {rejection}", record.seq)))?
            .hash();
        if self.server.admitted.contains_key(&change) {
            return Err(damaged(format!("log: {change:?} is there already")));
        }
        let doc = record.envelope.doc;
        let tables = &mut self.server;
        let index = tables.record_count(doc)?;
        let entry = LogEntry { seq: record.seq, doc, kind: EntryKind::Record { index } };
        tables.records.put((doc, index), record.clone());
        tables.log.put(entry.seq, entry);
        for reader in readers {
            tables.customer_log.put((*reader, entry.seq), entry);
        }
        tables.admitted.put(change, entry);
        Ok(())
    }

    fn append_visibility(&mut self, doc: DocId, user: UserId, change: Visibility) -> StoreResult<Seq> {
        let seq = self.head()?.next();
        let entry = LogEntry { seq, doc, kind: EntryKind::Visibility(change) };
        self.server.log.put(seq, entry);
        self.server.customer_log.put((user, seq), entry);
        Ok(seq)
    }

    fn set_aside(&mut self, doc: DocId) -> StoreResult<Vec<Seq>> {
        let tables = &mut self.server;
        let Some(from) = tables.damaged.row(&doc) else { return Ok(Vec::new()) };
        tables.damaged.drop_row(&doc);
        let records: Vec<_> = tables.records.rows((doc, from)..=(doc, u32::MAX)).collect();
        let mut places = Vec::new();
        for (key, record) in records {
            tables.records.drop_row(&key);
            tables.put_entry(LogEntry { seq: record.seq, doc, kind: EntryKind::Lost });
            places.push(record.seq);
        }
        places.sort_unstable();
        Ok(places)
    }

    fn put_lost(&mut self, doc: DocId, seq: Seq, admitted_at: UnixMillis) -> StoreResult<()> {
        self.server.lost.put((doc, seq), admitted_at);
        Ok(())
    }

    fn lost_at(&self, doc: DocId, seq: Seq) -> StoreResult<Option<UnixMillis>> {
        Ok(self.server.lost.row(&(doc, seq)))
    }

    fn is_lost(&self, doc: DocId) -> StoreResult<bool> {
        Ok(self.server.lost.rows((doc, Seq::ZERO)..=(doc, Seq::MAX)).next().is_some())
    }

    fn mending(&self) -> StoreResult<BTreeMap<DocId, Option<Seq>>> {
        let whole = self.server.whole.iter().map(|(doc, seq)| (*doc, Some(**seq)));
        let mut mending: BTreeMap<_, _> = whole.collect();
        mending.extend(self.server.lost.keys().map(|(doc, _)| (*doc, None)));
        Ok(mending)
    }

    fn put_back(&mut self, record: &Record) -> StoreResult<()> {
        let doc = record.envelope.doc;
        if self.server.log.row(&record.seq).is_none_or(|entry| entry.kind != EntryKind::Lost) {
            return Err(damaged(format!("log: nothing is lost at {:?}", record.seq)));
        }
        let tables = &mut self.server;
        let index = tables.record_count(doc)?;
        tables.records.put((doc, index), record.clone());
        tables.put_entry(LogEntry { seq: record.seq, doc, kind: EntryKind::Record { index } });
        tables.lost.drop_row(&(doc, record.seq));
        Ok(())
    }

    fn append_whole(&mut self, doc: DocId, readers: &[UserId]) -> StoreResult<Seq> {
        let seq = self.head()?.next();
        let entry = LogEntry { seq, doc, kind: EntryKind::Whole };
        self.server.log.put(seq, entry);
        self.server.whole.put(doc, seq);
        for reader in readers {
            self.server.customer_log.put((*reader, seq), entry);
        }
        Ok(seq)
    }

    fn log_after(&self, audience: Audience, after: Seq, limit: usize) -> StoreResult<Vec<LogEntry>> {
        let tables = &self.server;
        Ok(match audience {
            Audience::Team => {
                let places = (Excluded(after), Unbounded);
                tables.log.rows(places).map(|(_, entry)| entry).take(limit).collect()
            }
            Audience::Customer(user) => {
                let places = (Excluded((user, after)), Included((user, Seq::MAX)));
                tables.customer_log.rows(places).map(|(_, entry)| entry).take(limit).collect()
            }
        })
    }

    fn record(&self, entry: &LogEntry) -> StoreResult<Record> {
        if let EntryKind::Record { index } = entry.kind
            && self.server.damaged.row(&entry.doc).is_some_and(|from| index >= from)
        {
            return Err(damaged("record").of_doc(None, entry.doc));
        }
        let EntryKind::Record { index } = entry.kind else {
            return Err(damaged(format!("no record at {:?}", entry.seq)));
        };
        let record = self.server.records.row(&(entry.doc, index));
        record.ok_or_else(|| damaged(format!("record {:?} of {:?}", entry.seq, entry.doc)))
    }

    fn doc_records(&self, doc: DocId) -> StoreResult<Vec<Record>> {
        if self.server.damaged.contains_key(&doc) {
            return Err(damaged("record").of_doc(None, doc));
        }
        Ok(self.server.records.rows((doc, 0)..=(doc, u32::MAX)).map(|(_, record)| record).collect())
    }

    fn verdict(&self, change: &ChangeHash) -> StoreResult<Option<StoredVerdict>> {
        let admitted = self.server.admitted.row(change).map(StoredVerdict::Admitted);
        Ok(admitted.or_else(|| {
            let (code, detail) = self.server.rejected.row(change)?;
            Some(StoredVerdict::Rejected { code, detail })
        }))
    }

    fn put_rejection(&mut self, change: &ChangeHash, code: u16, detail: &str, most: u32) -> StoreResult<()> {
        let tables = &mut self.server;
        tables.rejections_ever += 1;
        tables.rejected.put(*change, (code, detail.to_owned()));
        tables.rejection_order.put(tables.rejections_ever, *change);
        let forgotten = tables.rejections_ever.saturating_sub(u64::from(most));
        if let Some(oldest) = tables.rejection_order.row(&forgotten) {
            tables.rejected.drop_row(&oldest);
            tables.rejection_order.drop_row(&forgotten);
        }
        Ok(())
    }

    fn admission_head(&self) -> StoreResult<Option<Signed>> {
        Ok(self.server.admission_head.row(&()))
    }

    fn append_admissions(&mut self, first: u64, entries: &[Vec<u8>], head: &Signed) -> StoreResult<()> {
        let tables = &mut self.server;
        let last = tables.admissions.last_key_value().map_or(0, |(number, _)| *number);
        if first != last + 1 {
            return Err(damaged(format!("admission log: entry {first} does not follow {last}")));
        }
        for (number, entry) in (first..).zip(entries) {
            tables.admissions.put(number, entry.clone());
        }
        tables.admission_head.put((), head.clone());
        Ok(())
    }

    fn admissions(&self, first: u64, limit: usize) -> StoreResult<Vec<Vec<u8>>> {
        let entries = self.server.admissions.rows((Included(first), Unbounded));
        Ok(entries.take(limit).map(|(_, entry)| entry).collect())
    }

    fn ticket(&self, ticket: TicketId) -> StoreResult<Option<TicketRow>> {
        Ok(self.server.tickets.row(&ticket))
    }

    fn put_ticket(&mut self, row: &TicketRow) -> StoreResult<()> {
        let tables = &mut self.server;
        if let Some(before) = tables.tickets.row(&row.ticket) {
            tables.activity.drop_row(&(before.last_seq, row.ticket));
        }
        tables.activity.put((row.last_seq, row.ticket), ());
        tables.tickets.put(row.ticket, row.clone());
        Ok(())
    }

    fn take_ticket_number(&mut self) -> StoreResult<u32> {
        loop {
            self.server.ticket_numbers_taken += 1;
            let number = self.server.ticket_numbers_taken;
            if !self.server.numbers_claimed.contains_key(&number) {
                return Ok(number);
            }
        }
    }

    fn claim_ticket_number(&mut self, number: u32) -> StoreResult<bool> {
        let tables = &mut self.server;
        if number <= tables.ticket_numbers_taken || tables.numbers_claimed.contains_key(&number) {
            return Ok(false);
        }
        tables.numbers_claimed.put(number, ());
        Ok(true)
    }

    fn members_of(&self, ticket: TicketId) -> StoreResult<Vec<UserId>> {
        let members = (ticket, FIRST_USER)..=(ticket, LAST_USER);
        Ok(self.server.members.range(members).map(|((_, user), _)| *user).collect())
    }

    fn put_member_of(&mut self, ticket: TicketId, user: UserId) -> StoreResult<()> {
        self.server.members.put((ticket, user), ());
        Ok(())
    }

    fn remove_member_of(&mut self, ticket: TicketId, user: UserId) -> StoreResult<()> {
        self.server.members.drop_row(&(ticket, user));
        Ok(())
    }

    fn shares_of(&self, ticket: TicketId) -> StoreResult<Vec<Share>> {
        let first = (ticket, ShareWith::User(FIRST_USER));
        let rows = self.server.shares.range(first..).take_while(|((of, _), _)| *of == ticket);
        Ok(rows.map(|(_, share)| Share::clone(share)).collect())
    }

    fn put_blob(&mut self, place: BlobPlace) -> StoreResult<()> {
        self.server.blobs.put((place.blob, place.doc), ());
        Ok(())
    }

    fn has_blob(&self, place: BlobPlace) -> StoreResult<bool> {
        Ok(self.server.blobs.contains_key(&(place.blob, place.doc)))
    }

    fn docs_of_blob(&self, blob: &BlobHash, limit: usize) -> StoreResult<Vec<DocId>> {
        let docs = self.server.blobs.keys().filter(|(its, _)| its == blob).map(|(_, doc)| *doc);
        Ok(docs.take(limit).collect())
    }

    fn put_share(&mut self, ticket: TicketId, share: &Share) -> StoreResult<()> {
        self.server.shares.put((ticket, share.with.clone()), share.clone());
        Ok(())
    }

    fn remove_share(&mut self, ticket: TicketId, with: &ShareWith) -> StoreResult<()> {
        self.server.shares.drop_row(&(ticket, with.clone()));
        Ok(())
    }

    fn tickets_shared_with(&self, email: &str) -> StoreResult<Vec<TicketId>> {
        let waiting =
            |share: &Share| share.user.is_none() && share.with == ShareWith::Email(email.to_owned());
        let rows = self.server.shares.iter().filter(|(_, share)| waiting(share));
        Ok(rows.map(|((ticket, _), _)| *ticket).collect())
    }

    fn tickets_by_activity(
        &self,
        audience: Audience,
        before: Seq,
        limit: usize,
    ) -> StoreResult<Vec<TicketRow>> {
        let visible = self.server.visible_tickets(audience);
        Ok(visible.skip_while(|row| row.last_seq >= before).take(limit).collect())
    }

    fn ticket_count(&self, audience: Audience) -> StoreResult<u64> {
        Ok(self.server.visible_tickets(audience).map(|_| 1).sum())
    }

    fn user(&self, user: UserId) -> StoreResult<Option<User>> {
        Ok(self.server.users.row(&user))
    }

    fn user_by_email(&self, email: &str) -> StoreResult<Option<User>> {
        let Some(user) = self.server.emails.row(&email.to_owned()) else { return Ok(None) };
        self.user(user)
    }

    fn put_user(&mut self, user: &User) -> StoreResult<()> {
        let tables = &mut self.server;
        if let Some(email) = &user.email {
            match tables.emails.row(email) {
                Some(owner) if owner != user.user => return Err(damaged("roster: two users with one email")),
                _ => tables.emails.put(email.clone(), user.user),
            }
        }
        let email_before = tables.users.row(&user.user).and_then(|before| before.email);
        if let Some(freed) = email_before.filter(|before| Some(before) != user.email.as_ref()) {
            tables.emails.drop_row(&freed);
        }
        tables.users.put(user.user, user.clone());
        Ok(())
    }

    fn users(&self) -> StoreResult<Vec<User>> {
        Ok(self.server.users.all())
    }

    fn device(&self, device: &DeviceId) -> StoreResult<Option<Device>> {
        Ok(self.server.devices.row(device))
    }

    fn put_device(&mut self, device: &Device) -> StoreResult<()> {
        let tables = &mut self.server;
        tables.certificates.put((device.device, device.serial), device.certificate.clone());
        tables.devices.put(device.device, device.clone());
        Ok(())
    }

    fn devices(&self) -> StoreResult<Vec<Device>> {
        Ok(self.server.devices.all())
    }

    fn certificate(&self, device: &DeviceId, serial: u32) -> StoreResult<Option<Signed>> {
        Ok(self.server.certificates.row(&(*device, serial)))
    }

    fn certificates_of(&self, device: &DeviceId) -> StoreResult<Vec<(u32, Signed)>> {
        let of_device = self.server.certificates.rows((*device, 0)..=(*device, u32::MAX));
        Ok(of_device.map(|((_, serial), signed)| (serial, signed)).collect())
    }

    fn put_certificate(&mut self, device: &DeviceId, serial: u32, certificate: &Signed) -> StoreResult<()> {
        self.server.certificates.put((*device, serial), certificate.clone());
        Ok(())
    }

    fn invite(&self, code_hash: &[u8; 32]) -> StoreResult<Option<Invite>> {
        Ok(self.server.invites.row(code_hash))
    }

    fn put_invite(&mut self, invite: &Invite) -> StoreResult<()> {
        self.server.invites.put(invite.code_hash, invite.clone());
        Ok(())
    }

    fn remove_invite(&mut self, code_hash: &[u8; 32]) -> StoreResult<()> {
        self.server.invites.drop_row(code_hash);
        Ok(())
    }

    fn invites(&self) -> StoreResult<Vec<Invite>> {
        Ok(self.server.invites.all())
    }

    fn mailed_code(&self, device: &DeviceId) -> StoreResult<Option<MailedCode>> {
        Ok(self.server.mailed_codes.row(device))
    }

    fn put_mailed_code(&mut self, code: &MailedCode) -> StoreResult<()> {
        self.server.mailed_codes.put(code.device, code.clone());
        Ok(())
    }

    fn remove_mailed_code(&mut self, device: &DeviceId) -> StoreResult<()> {
        self.server.mailed_codes.drop_row(device);
        Ok(())
    }

    fn mailed_codes(&self) -> StoreResult<Vec<MailedCode>> {
        Ok(self.server.mailed_codes.all())
    }

    fn waiting_device(&self, device: &DeviceId) -> StoreResult<Option<WaitingDevice>> {
        Ok(self.server.waiting_devices.row(device))
    }

    fn put_waiting_device(&mut self, waiting: &WaitingDevice) -> StoreResult<()> {
        self.server.waiting_devices.put(waiting.device, waiting.clone());
        Ok(())
    }

    fn remove_waiting_device(&mut self, device: &DeviceId) -> StoreResult<()> {
        self.server.waiting_devices.drop_row(device);
        Ok(())
    }

    fn waiting_devices(&self) -> StoreResult<Vec<WaitingDevice>> {
        Ok(self.server.waiting_devices.all())
    }

    fn watermark(&self, audience: Audience) -> StoreResult<Watermarks> {
        Ok(self.server.watermarks.row(&audience).unwrap_or_default())
    }

    fn put_watermark(&mut self, audience: Audience, watermarks: Watermarks) -> StoreResult<()> {
        self.server.watermarks.put(audience, watermarks);
        Ok(())
    }

    fn mark(&self, ticket: TicketId) -> StoreResult<Option<Mark>> {
        Ok(self.server.marks.row(&ticket).map(|(_, mark)| mark))
    }

    fn put_mark(&mut self, mark: &Mark) -> StoreResult<()> {
        let tables = &mut self.server;
        if let Some((position, _)) = tables.marks.row(&mark.ticket) {
            tables.mark_order.drop_row(&position);
        }
        tables.mark_head += 1;
        tables.mark_order.put(tables.mark_head, mark.ticket);
        tables.marks.put(mark.ticket, (tables.mark_head, *mark));
        Ok(())
    }

    fn marks_after(&self, audience: Audience, after: u64, limit: usize) -> StoreResult<Vec<(u64, Mark)>> {
        let tables = &self.server;
        Ok(tables
            .mark_order
            .range((Excluded(after), Unbounded))
            .filter(|(_, ticket)| tables.sees(audience, ***ticket))
            .filter_map(|(_, ticket)| tables.marks.row(ticket))
            .take(limit)
            .collect())
    }

    fn mark_head(&self) -> StoreResult<u64> {
        Ok(self.server.mark_head)
    }

    fn read_mark(&self, ticket: TicketId, user: UserId) -> StoreResult<Option<ReadMark>> {
        Ok(self.server.read_marks.row(&(ticket, user)).map(|(_, mark)| mark))
    }

    fn read_marks_of(&self, ticket: TicketId) -> StoreResult<Vec<ReadMark>> {
        let marks = self.server.read_marks.rows((ticket, FIRST_USER)..=(ticket, LAST_USER));
        Ok(marks.map(|(_, (_, mark))| mark).collect())
    }

    fn put_read_mark(&mut self, mark: &ReadMark) -> StoreResult<()> {
        let tables = &mut self.server;
        let key = (mark.ticket, mark.user);
        if let Some((position, _)) = tables.read_marks.row(&key) {
            tables.read_order.drop_row(&position);
        }
        tables.mark_head += 1;
        tables.read_order.put(tables.mark_head, key);
        tables.read_marks.put(key, (tables.mark_head, *mark));
        Ok(())
    }

    fn kept(&self, user: UserId) -> StoreResult<(u64, KeptAll)> {
        Ok(self.server.kept.row(&user).unwrap_or_default())
    }

    fn put_kept(&mut self, user: UserId, version: u64, kept: &Kept) -> StoreResult<()> {
        self.server.kept.change(user, |(its_version, all)| {
            *its_version = version;
            all.put(kept.clone());
        });
        Ok(())
    }

    fn remove_all_kept(&mut self, user: UserId) -> StoreResult<()> {
        self.server.kept.drop_row(&user);
        Ok(())
    }

    fn aways(&self) -> StoreResult<Vec<Away>> {
        Ok(self.server.aways.all())
    }

    fn put_away(&mut self, away: &Away) -> StoreResult<()> {
        self.server.aways.put(away.user, *away);
        Ok(())
    }

    fn remove_away(&mut self, user: UserId) -> StoreResult<()> {
        self.server.aways.drop_row(&user);
        Ok(())
    }

    fn read_marks_after(
        &self,
        audience: Audience,
        after: u64,
        limit: usize,
    ) -> StoreResult<Vec<(u64, ReadMark)>> {
        let tables = &self.server;
        Ok(tables
            .read_order
            .range((Excluded(after), Unbounded))
            .filter(|(_, key)| tables.sees(audience, key.0))
            .filter_map(|(_, key)| tables.read_marks.row(key))
            .take(limit)
            .collect())
    }
}

const FIRST_USER: UserId = UserId::from_bytes([0; UserId::SIZE]);
const LAST_USER: UserId = UserId::from_bytes([u8::MAX; UserId::SIZE]);
