//! The server's half of the store: log, roster, tickets, deliveries.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use assist_crdt_model::{BlobHash, ChangeHash, DeviceId, DocId, TicketId, UnixMillis, UserId};
use assist_proto::certificate::Signed;
use assist_proto::store::{
    Audience, Away, Device, EntryKind, Invite, Kept, KeptAll, LogEntry, MailedCode, Mark, ReadMark, Record,
    Seq, ServerProject, ServerStore, Share, ShareWith, StoreError, StoreResult, StoredVerdict, TicketRow,
    User, Visibility, WaitingDevice, Watermarks,
};
use assist_proto::wire::blob::BlobPlace;

use super::entry::{Entry, MEMBERS_MAX, PlacedMark};
use super::tables::{Counter, Scope, Span, Table, key};
use super::turn::Turn;
use super::verdicts::{Verdict, change_hash, verdict_key};
use super::view::{Order, View, cbor, damaged, exact, key_end};
use super::{admissions, kept, log, lost, packs, reads};

/// What can be read of a server, from a [`super::Reader`] as from a [`Turn`]: the read half of [`ServerStore`].
#[expect(private_bounds, reason = "only the store's own views can be read from")]
pub trait ServerReads: View + Sized {
    /// See [`ServerStore::project`].
    fn project(&self) -> StoreResult<Option<ServerProject>> {
        self.get_cbor(Table::ServerProject, &[])
    }

    /// Whether a blob came through any document.
    fn is_blob_named(&self, blob: &BlobHash) -> StoreResult<bool> {
        let mut is_named = false;
        self.scan_keys(Table::Blobs, &Span::prefix(key!(*blob)), Order::Ascending, &mut |_, _| {
            is_named = true;
            Ok(ControlFlow::Break(()))
        })?;
        Ok(is_named)
    }

    /// Every blob with every document that it came through.
    fn blob_places(&self) -> StoreResult<Vec<BlobPlace>> {
        let table = Table::Blobs;
        self.collect(table, &Span::prefix(Vec::new()), usize::MAX, |key, _| {
            let (blob, doc) = key.split_at_checked(BlobHash::SIZE).ok_or_else(|| damaged(table))?;
            let place = BlobHash::from_slice(blob).zip(DocId::from_slice(doc));
            place.map(|(blob, doc)| BlobPlace { doc, blob }).ok_or_else(|| damaged(table))
        })
    }

    /// See [`ServerStore::head`].
    fn head(&self) -> StoreResult<Seq> {
        log::head(self)
    }

    /// See [`ServerStore::log_after`].
    fn log_after(&self, audience: Audience, after: Seq, limit: usize) -> StoreResult<Vec<LogEntry>> {
        if after == Seq::MAX {
            return Ok(Vec::new());
        }
        match audience {
            Audience::Team => log::after(self, after, limit),
            Audience::Customer(user) => log::after_for(self, user, after, limit),
        }
    }

    /// See [`ServerStore::record`].
    fn record(&self, entry: &LogEntry) -> StoreResult<Record> {
        let EntryKind::Record { index } = entry.kind else { return Err(damaged(Table::Log)) };
        let record = packs::record(self, Scope::SERVER, entry.doc, index);
        let is_it = |record: &Record| record.seq == entry.seq && record.envelope.doc == entry.doc;
        let record = record.and_then(|record| match is_it(&record) {
            true => Ok(record),
            false => Err(damaged(Table::Packs)),
        });
        record.map_err(|error| error.of_doc(None, entry.doc))
    }

    /// See [`ServerStore::mending`].
    fn mending(&self) -> StoreResult<BTreeMap<DocId, Option<Seq>>> {
        lost::mending(self)
    }

    /// See [`ServerStore::doc_records`].
    fn server_doc_records(&self, doc: DocId) -> StoreResult<Vec<Record>> {
        packs::doc_records(self, Scope::SERVER, doc).map_err(|error| error.of_doc(None, doc))
    }

    /// See [`ServerStore::verdict`].
    fn verdict(&self, change: &ChangeHash) -> StoreResult<Option<StoredVerdict>> {
        let Some(value) = self.get(Table::Verdicts, &verdict_key(change))? else { return Ok(None) };
        Ok(Some(match Verdict::decode(&value)? {
            Verdict::Admitted(seq) => StoredVerdict::Admitted(log::entry(self, seq)?),
            Verdict::Rejected { code, detail } => StoredVerdict::Rejected { code, detail },
        }))
    }

    /// See [`ServerStore::admission_head`].
    fn admission_head(&self) -> StoreResult<Option<Signed>> {
        self.get_cbor(Table::AdmissionHead, &[])
    }

    /// See [`ServerStore::admissions`].
    fn admissions(&self, first: u64, limit: usize) -> StoreResult<Vec<Vec<u8>>> {
        admissions::from(self, first, limit)
    }

    /// See [`ServerStore::ticket`].
    fn ticket(&self, ticket: TicketId) -> StoreResult<Option<TicketRow>> {
        Ok(entry_of(self, ticket)?.row)
    }

    /// See [`ServerStore::members_of`].
    fn members_of(&self, ticket: TicketId) -> StoreResult<Vec<UserId>> {
        Ok(entry_of(self, ticket)?.members)
    }

    /// See [`ServerStore::shares_of`].
    fn shares_of(&self, ticket: TicketId) -> StoreResult<Vec<Share>> {
        self.collect_cbor(Table::Shares, &Span::prefix(key!(ticket)))
    }

    /// See [`ServerStore::tickets_shared_with`].
    fn tickets_shared_with(&self, email: &str) -> StoreResult<Vec<TicketId>> {
        let table = Table::SharesByEmail;
        let span = Span::prefix(key!(self.seal().email_token(email)));
        self.collect(table, &span, usize::MAX, |key, _| Ok(TicketId::from_bytes(key_end(table, key)?)))
    }

    /// See [`ServerStore::tickets_by_activity`].
    fn tickets_by_activity(
        &self,
        audience: Audience,
        before: Seq,
        limit: usize,
    ) -> StoreResult<Vec<TicketRow>> {
        let table = activity_table(audience);
        let span = Span { start: key!(audience), end: Some(key!(audience, before)) };
        let mut tickets = Vec::new();
        if limit > 0 {
            self.scan(table, &span, Order::Descending, &mut |key, _| {
                tickets.push(TicketId::from_bytes(key_end(table, key)?));
                Ok(if tickets.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
            })?;
        }
        tickets.into_iter().map(|ticket| self.ticket(ticket)?.ok_or_else(|| damaged(table))).collect()
    }

    /// See [`ServerStore::ticket_count`].
    fn ticket_count(&self, audience: Audience) -> StoreResult<u64> {
        self.counter_at(&key!(Scope::SERVER, Counter::Tickets, audience))
    }

    /// See [`ServerStore::user`].
    fn user(&self, user: UserId) -> StoreResult<Option<User>> {
        self.get_cbor(Table::Users, &key!(user))
    }

    /// See [`ServerStore::user_by_email`].
    fn user_by_email(&self, email: &str) -> StoreResult<Option<User>> {
        let token = self.seal().email_token(email);
        let Some(user) = self.get(Table::Emails, &key!(token))? else { return Ok(None) };
        self.user(UserId::from_bytes(exact(Table::Emails, &user)?))
    }

    /// See [`ServerStore::users`].
    fn users(&self) -> StoreResult<Vec<User>> {
        self.collect_cbor(Table::Users, &Span::prefix(Vec::new()))
    }

    /// See [`ServerStore::device`].
    fn device(&self, device: &DeviceId) -> StoreResult<Option<Device>> {
        self.get_cbor(Table::Devices, &key!(*device))
    }

    /// See [`ServerStore::devices`].
    fn devices(&self) -> StoreResult<Vec<Device>> {
        self.collect_cbor(Table::Devices, &Span::prefix(Vec::new()))
    }

    /// See [`ServerStore::certificate`].
    fn server_certificate(&self, device: &DeviceId, serial: u32) -> StoreResult<Option<Signed>> {
        self.get_cbor(Table::Certificates, &key!(Scope::SERVER, *device, serial))
    }

    /// See [`ServerStore::invite`].
    fn invite(&self, code_hash: &[u8; 32]) -> StoreResult<Option<Invite>> {
        self.get_cbor(Table::Invites, code_hash)
    }

    /// See [`ServerStore::invites`].
    fn invites(&self) -> StoreResult<Vec<Invite>> {
        self.collect_cbor(Table::Invites, &Span::prefix(Vec::new()))
    }

    /// See [`ServerStore::mailed_code`].
    fn mailed_code(&self, device: &DeviceId) -> StoreResult<Option<MailedCode>> {
        self.get_cbor(Table::MailedCodes, &key!(*device))
    }

    /// See [`ServerStore::mailed_codes`].
    fn mailed_codes(&self) -> StoreResult<Vec<MailedCode>> {
        self.collect_cbor(Table::MailedCodes, &Span::prefix(Vec::new()))
    }

    /// See [`ServerStore::aways`].
    fn aways(&self) -> StoreResult<Vec<Away>> {
        self.collect_cbor(Table::Aways, &Span::prefix(Vec::new()))
    }

    /// See [`ServerStore::waiting_device`].
    fn waiting_device(&self, device: &DeviceId) -> StoreResult<Option<WaitingDevice>> {
        self.get_cbor(Table::WaitingDevices, &key!(*device))
    }

    /// See [`ServerStore::waiting_devices`].
    fn waiting_devices(&self) -> StoreResult<Vec<WaitingDevice>> {
        self.collect_cbor(Table::WaitingDevices, &Span::prefix(Vec::new()))
    }

    /// See [`ServerStore::watermark`].
    fn watermark(&self, audience: Audience) -> StoreResult<Watermarks> {
        let Some(value) = self.get(Table::Watermarks, &key!(audience))? else {
            return Ok(Watermarks::default());
        };
        let value: [u8; 16] = exact(Table::Watermarks, &value)?;
        let (seen, marked) = value.split_at(8);
        Ok(Watermarks {
            seen: Seq(u64::from_be_bytes(exact(Table::Watermarks, seen)?)),
            marked: Seq(u64::from_be_bytes(exact(Table::Watermarks, marked)?)),
        })
    }

    /// See [`ServerStore::mark`].
    fn server_mark(&self, ticket: TicketId) -> StoreResult<Option<Mark>> {
        Ok(entry_of(self, ticket)?.mark.map(|placed| placed.mark))
    }

    /// See [`ServerStore::marks_after`].
    fn marks_after(&self, audience: Audience, after: u64, limit: usize) -> StoreResult<Vec<(u64, Mark)>> {
        let Some(from) = after.checked_add(1) else { return Ok(Vec::new()) };
        let table = mark_order_table(audience);
        let span = Span::prefix_from(&key!(audience), key!(audience, from));
        let positions =
            self.collect(table, &span, limit, |key, _| Ok(u64::from_be_bytes(key_end(table, key)?)))?;
        let marked = |position| {
            let ticket = self.get(Table::MarkOrder, &key!(position))?.ok_or_else(|| damaged(table))?;
            let ticket = TicketId::from_bytes(exact(Table::MarkOrder, &ticket)?);
            Ok((position, self.server_mark(ticket)?.ok_or_else(|| damaged(table))?))
        };
        positions.into_iter().map(marked).collect()
    }

    /// See [`ServerStore::mark_head`].
    fn mark_head(&self) -> StoreResult<u64> {
        self.counter(Scope::SERVER, Counter::MarkHead)
    }

    /// See [`ServerStore::read_marks_of`].
    fn server_read_marks(&self, ticket: TicketId) -> StoreResult<Vec<ReadMark>> {
        Ok(reads::marks_of(self, ticket)?.into_iter().map(|(_, mark)| mark).collect())
    }
}

impl<V: View> ServerReads for V {}

/// What is kept of a ticket.
fn entry_of(view: &impl View, ticket: TicketId) -> StoreResult<Entry> {
    Entry::load(view, Table::Tickets, &key!(ticket), ticket)
}

const fn activity_table(audience: Audience) -> Table {
    match audience {
        Audience::Team => Table::Activity,
        Audience::Customer(_) => Table::ActivityOf,
    }
}

const fn mark_order_table(audience: Audience) -> Table {
    match audience {
        Audience::Team => Table::MarkOrder,
        Audience::Customer(_) => Table::MarkOrderOf,
    }
}

/// Who may see a ticket: the team, and its members.
pub(super) fn audiences(entry: &Entry) -> impl Iterator<Item = Audience> {
    [Audience::Team].into_iter().chain(entry.members.clone().into_iter().map(Audience::Customer))
}

impl Turn {
    /// Puts a ticket into the order of activity of an audience that did not have it.
    fn show_ticket(&mut self, audience: Audience, row: &TicketRow) -> StoreResult<()> {
        self.put(activity_table(audience), key!(audience, row.last_seq, row.ticket), Vec::new());
        self.count_up(key!(Scope::SERVER, Counter::Tickets, audience))?;
        Ok(())
    }

    /// The key of a share: a person stands there by id or by the keyed hash of an address.
    fn share_key(&self, ticket: TicketId, with: &ShareWith) -> Vec<u8> {
        match with {
            ShareWith::User(user) => key!(ticket, [0_u8], *user),
            ShareWith::Email(email) => key!(ticket, [1_u8], View::seal(self).email_token(email)),
        }
    }
}

impl Turn {
    /// Forgets that a blob came through a document: nobody has it through that one any more.
    pub fn remove_blob(&mut self, place: BlobPlace) {
        self.remove(Table::Blobs, key!(place.blob, place.doc));
    }
}

impl ServerStore for Turn {
    fn project(&self) -> StoreResult<Option<ServerProject>> {
        ServerReads::project(self)
    }

    fn put_project(&mut self, project: &ServerProject) -> StoreResult<()> {
        self.put_cbor(Table::ServerProject, Vec::new(), project);
        Ok(())
    }

    fn head(&self) -> StoreResult<Seq> {
        self.head.map_or_else(|| log::head(self), Ok)
    }

    fn append(&mut self, record: &Record, readers: &[UserId]) -> StoreResult<()> {
        if record.seq != ServerStore::head(self)?.next() {
            return Err(StoreError::Damaged { what: "order of the log".to_owned() });
        }
        let change = change_hash(&record.envelope.change)?;
        let doc = record.envelope.doc;
        let index = self.push_record(Scope::SERVER, record).map_err(|error| error.of_doc(None, doc))?;
        let kind = EntryKind::Record { index };
        self.push_place(LogEntry { seq: record.seq, doc: record.envelope.doc, kind })?;
        for user in readers {
            self.show_place(*user, record.seq)?;
        }
        self.put(Table::Verdicts, verdict_key(&change), Verdict::Admitted(record.seq).encode());
        self.head = Some(record.seq);
        Ok(())
    }

    fn append_visibility(&mut self, doc: DocId, user: UserId, change: Visibility) -> StoreResult<Seq> {
        let seq = ServerStore::head(self)?.next();
        self.push_place(LogEntry { seq, doc, kind: EntryKind::Visibility(change) })?;
        self.show_place(user, seq)?;
        self.head = Some(seq);
        Ok(seq)
    }

    fn set_aside(&mut self, doc: DocId) -> StoreResult<Vec<Seq>> {
        self.set_doc_aside(doc)
    }

    fn put_lost(&mut self, doc: DocId, seq: Seq, admitted_at: UnixMillis) -> StoreResult<()> {
        self.put(Table::Lost, key!(doc, seq), admitted_at.0.to_be_bytes().to_vec());
        Ok(())
    }

    fn lost_at(&self, doc: DocId, seq: Seq) -> StoreResult<Option<UnixMillis>> {
        lost::at(self, doc, seq)
    }

    fn is_lost(&self, doc: DocId) -> StoreResult<bool> {
        lost::is_any(self, doc)
    }

    fn mending(&self) -> StoreResult<BTreeMap<DocId, Option<Seq>>> {
        ServerReads::mending(self)
    }

    fn put_back(&mut self, record: &Record) -> StoreResult<()> {
        self.put_record_back(record)
    }

    fn append_whole(&mut self, doc: DocId, readers: &[UserId]) -> StoreResult<Seq> {
        let seq = ServerStore::head(self)?.next();
        self.push_whole(seq, doc, readers)?;
        self.head = Some(seq);
        Ok(seq)
    }

    fn log_after(&self, audience: Audience, after: Seq, limit: usize) -> StoreResult<Vec<LogEntry>> {
        ServerReads::log_after(self, audience, after, limit)
    }

    fn record(&self, entry: &LogEntry) -> StoreResult<Record> {
        ServerReads::record(self, entry)
    }

    fn doc_records(&self, doc: DocId) -> StoreResult<Vec<Record>> {
        self.server_doc_records(doc)
    }

    fn verdict(&self, change: &ChangeHash) -> StoreResult<Option<StoredVerdict>> {
        ServerReads::verdict(self, change)
    }

    fn put_rejection(&mut self, change: &ChangeHash, code: u16, detail: &str, most: u32) -> StoreResult<()> {
        let number = self.count_up(key!(Scope::SERVER, Counter::Rejections))?;
        let slot = key!(u32::try_from(number % u64::from(most)).expect("less than `most`"));
        if let Some(oldest) = self.get(Table::RejectionRing, &slot)? {
            self.remove(Table::Verdicts, oldest);
        }
        let key = verdict_key(change);
        self.put(Table::RejectionRing, slot, key.clone());
        let verdict = Verdict::Rejected { code, detail: detail.to_owned() };
        self.put(Table::Verdicts, key, verdict.encode());
        Ok(())
    }

    fn admission_head(&self) -> StoreResult<Option<Signed>> {
        ServerReads::admission_head(self)
    }

    fn append_admissions(&mut self, first: u64, entries: &[Vec<u8>], head: &Signed) -> StoreResult<()> {
        self.push_admissions(first, entries)?;
        self.put_cbor(Table::AdmissionHead, Vec::new(), head);
        Ok(())
    }

    fn admissions(&self, first: u64, limit: usize) -> StoreResult<Vec<Vec<u8>>> {
        ServerReads::admissions(self, first, limit)
    }

    fn ticket(&self, ticket: TicketId) -> StoreResult<Option<TicketRow>> {
        ServerReads::ticket(self, ticket)
    }

    fn put_ticket(&mut self, row: &TicketRow) -> StoreResult<()> {
        let mut entry = entry_of(self, row.ticket)?;
        for audience in audiences(&entry) {
            match &entry.row {
                None => self.show_ticket(audience, row)?,
                Some(before) if before.last_seq != row.last_seq => {
                    let table = activity_table(audience);
                    self.remove(table, key!(audience, before.last_seq, row.ticket));
                    self.put(table, key!(audience, row.last_seq, row.ticket), Vec::new());
                }
                Some(_) => {}
            }
        }
        entry.row = Some(row.clone());
        self.put_entry(Table::Tickets, key!(row.ticket), &entry);
        Ok(())
    }

    fn take_ticket_number(&mut self) -> StoreResult<u32> {
        loop {
            let number = self.count_up(key!(Scope::SERVER, Counter::TicketNumber))? + 1;
            let number = u32::try_from(number).map_err(|_| damaged(Table::Counters))?;
            if !self.contains(Table::ClaimedNumbers, &key!(number))? {
                return Ok(number);
            }
        }
    }

    fn claim_ticket_number(&mut self, number: u32) -> StoreResult<bool> {
        let taken = self.counter(Scope::SERVER, Counter::TicketNumber)?;
        if u64::from(number) <= taken || self.contains(Table::ClaimedNumbers, &key!(number))? {
            return Ok(false);
        }
        self.put(Table::ClaimedNumbers, key!(number), Vec::new());
        Ok(true)
    }

    fn members_of(&self, ticket: TicketId) -> StoreResult<Vec<UserId>> {
        ServerReads::members_of(self, ticket)
    }

    fn put_member_of(&mut self, ticket: TicketId, user: UserId) -> StoreResult<()> {
        let mut entry = entry_of(self, ticket)?;
        let Err(place) = entry.members.binary_search(&user) else { return Ok(()) };
        if entry.members.len() == MEMBERS_MAX {
            return Err(StoreError::Io("a ticket has at most 1000 members".into()));
        }
        entry.members.insert(place, user);
        if let Some(row) = &entry.row {
            self.show_ticket(Audience::Customer(user), row)?;
        }
        if let Some(placed) = entry.mark {
            self.put(Table::MarkOrderOf, key!(user, placed.position), Vec::new());
        }
        self.show_read_marks(ticket, user)?;
        self.put_entry(Table::Tickets, key!(ticket), &entry);
        Ok(())
    }

    fn remove_member_of(&mut self, ticket: TicketId, user: UserId) -> StoreResult<()> {
        let mut entry = entry_of(self, ticket)?;
        let Ok(place) = entry.members.binary_search(&user) else { return Ok(()) };
        entry.members.remove(place);
        if let Some(row) = &entry.row {
            self.remove(Table::ActivityOf, key!(user, row.last_seq, ticket));
            self.count_down(key!(Scope::SERVER, Counter::Tickets, Audience::Customer(user)))?;
        }
        if let Some(placed) = entry.mark {
            self.remove(Table::MarkOrderOf, key!(user, placed.position));
        }
        self.hide_read_marks(ticket, user)?;
        self.put_entry(Table::Tickets, key!(ticket), &entry);
        Ok(())
    }

    fn shares_of(&self, ticket: TicketId) -> StoreResult<Vec<Share>> {
        ServerReads::shares_of(self, ticket)
    }

    fn put_blob(&mut self, place: BlobPlace) -> StoreResult<()> {
        self.put(Table::Blobs, key!(place.blob, place.doc), Vec::new());
        Ok(())
    }

    fn has_blob(&self, place: BlobPlace) -> StoreResult<bool> {
        self.contains(Table::Blobs, &key!(place.blob, place.doc))
    }

    fn docs_of_blob(&self, blob: &BlobHash, limit: usize) -> StoreResult<Vec<DocId>> {
        let table = Table::Blobs;
        self.collect(table, &Span::prefix(key!(*blob)), limit, |key, _| {
            DocId::from_slice(&key[BlobHash::SIZE..]).ok_or_else(|| damaged(table))
        })
    }

    fn put_share(&mut self, ticket: TicketId, share: &Share) -> StoreResult<()> {
        if let ShareWith::Email(email) = &share.with {
            let key = key!(View::seal(self).email_token(email), ticket);
            match share.user {
                None => self.put(Table::SharesByEmail, key, Vec::new()),
                Some(_) => self.remove(Table::SharesByEmail, key),
            }
        }
        let key = self.share_key(ticket, &share.with);
        self.put_cbor(Table::Shares, key, share);
        Ok(())
    }

    fn remove_share(&mut self, ticket: TicketId, with: &ShareWith) -> StoreResult<()> {
        if let ShareWith::Email(email) = with {
            let key = key!(View::seal(self).email_token(email), ticket);
            self.remove(Table::SharesByEmail, key);
        }
        let key = self.share_key(ticket, with);
        self.remove(Table::Shares, key);
        Ok(())
    }

    fn tickets_shared_with(&self, email: &str) -> StoreResult<Vec<TicketId>> {
        ServerReads::tickets_shared_with(self, email)
    }

    fn tickets_by_activity(
        &self,
        audience: Audience,
        before: Seq,
        limit: usize,
    ) -> StoreResult<Vec<TicketRow>> {
        ServerReads::tickets_by_activity(self, audience, before, limit)
    }

    fn ticket_count(&self, audience: Audience) -> StoreResult<u64> {
        ServerReads::ticket_count(self, audience)
    }

    fn user(&self, user: UserId) -> StoreResult<Option<User>> {
        let row = (Table::Users, key!(user));
        self.recall(row, |memo| &memo.users, || ServerReads::user(self, user))
    }

    fn user_by_email(&self, email: &str) -> StoreResult<Option<User>> {
        ServerReads::user_by_email(self, email)
    }

    fn put_user(&mut self, user: &User) -> StoreResult<()> {
        if let Some(email) = &user.email
            && ServerReads::user_by_email(self, email)?.is_some_and(|owner| owner.user != user.user)
        {
            return Err(StoreError::Damaged { what: "uniqueness of an email".to_owned() });
        }
        if let Some(before) = ServerReads::user(self, user.user)?.and_then(|before| before.email) {
            let token = View::seal(self).email_token(&before);
            self.remove(Table::Emails, key!(token));
        }
        if let Some(email) = &user.email {
            let token = View::seal(self).email_token(email);
            self.put(Table::Emails, key!(token), key!(user.user));
        }
        self.put_cbor(Table::Users, key!(user.user), user);
        Ok(())
    }

    fn users(&self) -> StoreResult<Vec<User>> {
        ServerReads::users(self)
    }

    fn device(&self, device: &DeviceId) -> StoreResult<Option<Device>> {
        let row = (Table::Devices, key!(*device));
        self.recall(row, |memo| &memo.devices, || ServerReads::device(self, device))
    }

    fn put_device(&mut self, device: &Device) -> StoreResult<()> {
        self.put_cbor(Table::Devices, key!(device.device), device);
        let key = key!(Scope::SERVER, device.device, device.serial);
        self.put_cbor(Table::Certificates, key, &device.certificate);
        Ok(())
    }

    fn devices(&self) -> StoreResult<Vec<Device>> {
        ServerReads::devices(self)
    }

    fn certificate(&self, device: &DeviceId, serial: u32) -> StoreResult<Option<Signed>> {
        self.server_certificate(device, serial)
    }

    fn certificates_of(&self, device: &DeviceId) -> StoreResult<Vec<(u32, Signed)>> {
        let span = Span::prefix(key!(Scope::SERVER, *device));
        self.collect(Table::Certificates, &span, usize::MAX, |key, value| {
            let serial = u32::from_be_bytes(key_end(Table::Certificates, key)?);
            Ok((serial, cbor(Table::Certificates, value)?))
        })
    }

    fn put_certificate(&mut self, device: &DeviceId, serial: u32, certificate: &Signed) -> StoreResult<()> {
        self.put_cbor(Table::Certificates, key!(Scope::SERVER, *device, serial), certificate);
        Ok(())
    }

    fn invite(&self, code_hash: &[u8; 32]) -> StoreResult<Option<Invite>> {
        ServerReads::invite(self, code_hash)
    }

    fn put_invite(&mut self, invite: &Invite) -> StoreResult<()> {
        self.put_cbor(Table::Invites, key!(invite.code_hash), invite);
        Ok(())
    }

    fn remove_invite(&mut self, code_hash: &[u8; 32]) -> StoreResult<()> {
        self.remove(Table::Invites, key!(*code_hash));
        Ok(())
    }

    fn invites(&self) -> StoreResult<Vec<Invite>> {
        ServerReads::invites(self)
    }

    fn mailed_code(&self, device: &DeviceId) -> StoreResult<Option<MailedCode>> {
        ServerReads::mailed_code(self, device)
    }

    fn put_mailed_code(&mut self, code: &MailedCode) -> StoreResult<()> {
        self.put_cbor(Table::MailedCodes, key!(code.device), code);
        Ok(())
    }

    fn remove_mailed_code(&mut self, device: &DeviceId) -> StoreResult<()> {
        self.remove(Table::MailedCodes, key!(*device));
        Ok(())
    }

    fn mailed_codes(&self) -> StoreResult<Vec<MailedCode>> {
        ServerReads::mailed_codes(self)
    }

    fn waiting_device(&self, device: &DeviceId) -> StoreResult<Option<WaitingDevice>> {
        ServerReads::waiting_device(self, device)
    }

    fn put_waiting_device(&mut self, waiting: &WaitingDevice) -> StoreResult<()> {
        self.put_cbor(Table::WaitingDevices, key!(waiting.device), waiting);
        Ok(())
    }

    fn remove_waiting_device(&mut self, device: &DeviceId) -> StoreResult<()> {
        self.remove(Table::WaitingDevices, key!(*device));
        Ok(())
    }

    fn waiting_devices(&self) -> StoreResult<Vec<WaitingDevice>> {
        ServerReads::waiting_devices(self)
    }

    fn watermark(&self, audience: Audience) -> StoreResult<Watermarks> {
        ServerReads::watermark(self, audience)
    }

    fn put_watermark(&mut self, audience: Audience, watermarks: Watermarks) -> StoreResult<()> {
        self.put(Table::Watermarks, key!(audience), key!(watermarks.seen, watermarks.marked));
        Ok(())
    }

    fn mark(&self, ticket: TicketId) -> StoreResult<Option<Mark>> {
        self.server_mark(ticket)
    }

    fn put_mark(&mut self, mark: &Mark) -> StoreResult<()> {
        let mut entry = entry_of(self, mark.ticket)?;
        let position = self.count_up(key!(Scope::SERVER, Counter::MarkHead))? + 1;
        for audience in audiences(&entry) {
            let table = mark_order_table(audience);
            if let Some(before) = entry.mark {
                self.remove(table, key!(audience, before.position));
            }
            let ticket = if audience == Audience::Team { key!(mark.ticket) } else { Vec::new() };
            self.put(table, key!(audience, position), ticket);
        }
        entry.mark = Some(PlacedMark { position, mark: *mark });
        self.put_entry(Table::Tickets, key!(mark.ticket), &entry);
        Ok(())
    }

    fn marks_after(&self, audience: Audience, after: u64, limit: usize) -> StoreResult<Vec<(u64, Mark)>> {
        ServerReads::marks_after(self, audience, after, limit)
    }

    fn mark_head(&self) -> StoreResult<u64> {
        ServerReads::mark_head(self)
    }

    fn read_mark(&self, ticket: TicketId, user: UserId) -> StoreResult<Option<ReadMark>> {
        Ok(reads::mark_of(self, ticket, user)?.map(|(_, mark)| mark))
    }

    fn read_marks_of(&self, ticket: TicketId) -> StoreResult<Vec<ReadMark>> {
        self.server_read_marks(ticket)
    }

    fn put_read_mark(&mut self, mark: &ReadMark) -> StoreResult<()> {
        let entry = entry_of(self, mark.ticket)?;
        self.place_read_mark(&entry, mark)
    }

    fn kept(&self, user: UserId) -> StoreResult<(u64, KeptAll)> {
        kept::of_user(self, user)
    }

    fn put_kept(&mut self, user: UserId, version: u64, kept: &Kept) -> StoreResult<()> {
        self.put_kept_of_user(user, version, kept)
    }

    fn remove_all_kept(&mut self, user: UserId) -> StoreResult<()> {
        self.clear(Table::Kept, Span::prefix(key!(user)));
        Ok(())
    }

    fn aways(&self) -> StoreResult<Vec<Away>> {
        ServerReads::aways(self)
    }

    fn put_away(&mut self, away: &Away) -> StoreResult<()> {
        self.put_cbor(Table::Aways, key!(away.user), away);
        Ok(())
    }

    fn remove_away(&mut self, user: UserId) -> StoreResult<()> {
        self.remove(Table::Aways, key!(user));
        Ok(())
    }

    fn read_marks_after(
        &self,
        audience: Audience,
        after: u64,
        limit: usize,
    ) -> StoreResult<Vec<(u64, ReadMark)>> {
        reads::marks_after(self, audience, after, limit)
    }
}
