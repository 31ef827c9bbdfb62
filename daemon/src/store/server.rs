//! The server's half of the store: log, roster, tickets, deliveries.

use std::ops::ControlFlow;

use assist_crdt_model::{ChangeHash, DeviceId, DocId, TicketId, UserId};
use assist_proto::certificate::Signed;
use assist_proto::store::{
    Audience, Device, Invite, LogEntry, Mark, Record, Seq, ServerProject, ServerStore, StoreError,
    StoreResult, StoredVerdict, TicketRow, User, Watermarks,
};

use super::tables::{Counter, KeyPart as _, Scope, Span, Table, key};
use super::turn::Turn;
use super::verdicts::{Verdict, change_hash};
use super::view::{Order, View, damaged, exact, key_end};
use super::{marks, packs, row_codec};

/// What can be read of a server, from a [`super::Reader`] as from a [`Turn`]: the read half of [`ServerStore`].
#[expect(private_bounds, reason = "only the store's own views can be read from")]
pub trait ServerReads: View + Sized {
    /// See [`ServerStore::project`].
    fn project(&self) -> StoreResult<Option<ServerProject>> {
        self.get_cbor(Table::ServerProject, &[])
    }

    /// See [`ServerStore::head`].
    fn head(&self) -> StoreResult<Seq> {
        match self.last(Table::Log, &Span::prefix(Vec::new()))? {
            Some((key, _)) => Ok(Seq(u64::from_be_bytes(key_end(Table::Log, &key)?))),
            None => Ok(Seq::ZERO),
        }
    }

    /// See [`ServerStore::log_after`].
    fn log_after(&self, audience: Audience, after: Seq, limit: usize) -> StoreResult<Vec<LogEntry>> {
        if after == Seq::MAX {
            return Ok(Vec::new());
        }
        match audience {
            Audience::Team => self.log_of_team(after, limit),
            Audience::Customer(user) => {
                let span = Span::prefix_from(&key!(user), key!(user, after.next()));
                let seqs = self.collect(Table::LogOf, &span, limit, |key, _| {
                    Ok(Seq(u64::from_be_bytes(key_end(Table::LogOf, key)?)))
                })?;
                seqs.into_iter().map(|seq| self.log_entry(seq)).collect()
            }
        }
    }

    /// See [`ServerStore::record`].
    fn record(&self, entry: &LogEntry) -> StoreResult<Record> {
        let record = packs::record(self, Scope::SERVER, entry.doc, entry.index)?;
        if record.seq == entry.seq { Ok(record) } else { Err(damaged(Table::Packs)) }
    }

    /// See [`ServerStore::doc_records`].
    fn server_doc_records(&self, doc: DocId) -> StoreResult<Vec<Record>> {
        packs::doc_records(self, Scope::SERVER, doc)
    }

    /// See [`ServerStore::verdict`].
    fn verdict(&self, change: &ChangeHash) -> StoreResult<Option<StoredVerdict>> {
        let Some(value) = self.get(Table::Verdicts, &key!(*change))? else { return Ok(None) };
        Ok(Some(match Verdict::decode(&value)? {
            Verdict::Admitted(seq) => StoredVerdict::Admitted(self.log_entry(seq)?),
            Verdict::Rejected { code, detail } => StoredVerdict::Rejected { code, detail },
        }))
    }

    /// See [`ServerStore::ticket`].
    fn ticket(&self, ticket: TicketId) -> StoreResult<Option<TicketRow>> {
        let value = self.get(Table::Tickets, &key!(ticket))?;
        value.map(|value| row_codec::decode(Table::Tickets, ticket, &value)).transpose()
    }

    /// See [`ServerStore::customers_of`].
    fn customers_of(&self, ticket: TicketId) -> StoreResult<Vec<UserId>> {
        let table = Table::TicketMembers;
        self.collect(table, &Span::prefix(key!(ticket)), usize::MAX, |key, _| {
            Ok(UserId::from_bytes(key_end(table, key)?))
        })
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
        Ok(marks::get(self, Scope::SERVER, ticket)?.map(|placed| placed.mark))
    }

    /// See [`ServerStore::marks_after`].
    fn marks_after(&self, audience: Audience, after: u64, limit: usize) -> StoreResult<Vec<(u64, Mark)>> {
        let Some(from) = after.checked_add(1) else { return Ok(Vec::new()) };
        let table = mark_order_table(audience);
        let span = Span::prefix_from(&key!(audience), key!(audience, from));
        let places = self.collect(table, &span, limit, |key, ticket| {
            let position = u64::from_be_bytes(key_end(table, key)?);
            Ok((position, TicketId::from_bytes(exact(table, ticket)?)))
        })?;
        let marked = |(position, ticket)| {
            let mark = self.server_mark(ticket)?.ok_or_else(|| damaged(table))?;
            Ok((position, mark))
        };
        places.into_iter().map(marked).collect()
    }

    /// See [`ServerStore::mark_head`].
    fn mark_head(&self) -> StoreResult<u64> {
        self.counter(Scope::SERVER, Counter::MarkHead)
    }

    #[doc(hidden)]
    fn log_of_team(&self, after: Seq, limit: usize) -> StoreResult<Vec<LogEntry>> {
        let span = Span { start: key!(after.next()), end: None };
        let mut expected = after;
        self.collect(Table::Log, &span, limit, |key, value| {
            let seq = Seq(u64::from_be_bytes(key_end(Table::Log, key)?));
            expected = expected.next();
            // The log has no gaps: one that is read is damage that no seal can show.
            if seq != expected {
                return Err(damaged(Table::Log));
            }
            decode_log_entry(seq, value)
        })
    }

    #[doc(hidden)]
    fn log_entry(&self, seq: Seq) -> StoreResult<LogEntry> {
        let value = self.get(Table::Log, &key!(seq))?.ok_or_else(|| damaged(Table::Log))?;
        decode_log_entry(seq, &value)
    }
}

impl<V: View> ServerReads for V {}

fn decode_log_entry(seq: Seq, value: &[u8]) -> StoreResult<LogEntry> {
    let entry = value.split_last_chunk::<4>().and_then(|(doc, index)| {
        Some(LogEntry { seq, doc: DocId::from_slice(doc)?, index: u32::from_be_bytes(*index) })
    });
    entry.ok_or_else(|| damaged(Table::Log))
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

impl Turn {
    /// The team, and the customers of the ticket.
    fn audiences_of(&self, ticket: TicketId) -> StoreResult<Vec<Audience>> {
        let customers = ServerReads::customers_of(self, ticket)?;
        Ok([Audience::Team].into_iter().chain(customers.into_iter().map(Audience::Customer)).collect())
    }

    fn show_ticket(&mut self, audience: Audience, row: &TicketRow) -> StoreResult<()> {
        self.put(activity_table(audience), key!(audience, row.last_seq, row.ticket), Vec::new());
        self.count_up(key!(Scope::SERVER, Counter::Tickets, audience))?;
        Ok(())
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
        ServerReads::head(self)
    }

    fn append(&mut self, record: &Record, customers: &[UserId]) -> StoreResult<()> {
        if record.seq != ServerReads::head(self)?.next() {
            return Err(StoreError::Damaged { what: "order of the log".to_owned() });
        }
        let change = change_hash(&record.envelope.change)?;
        let index = self.push_record(Scope::SERVER, record)?;
        let mut entry = record.envelope.doc.to_bytes().to_vec();
        index.write(&mut entry);
        self.put(Table::Log, key!(record.seq), entry);
        for user in customers {
            self.put(Table::LogOf, key!(*user, record.seq), Vec::new());
        }
        self.put(Table::Verdicts, key!(change), Verdict::Admitted(record.seq).encode());
        Ok(())
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

    fn put_rejection(&mut self, change: &ChangeHash, code: u16, detail: &str) -> StoreResult<()> {
        let verdict = Verdict::Rejected { code, detail: detail.to_owned() };
        self.put(Table::Verdicts, key!(*change), verdict.encode());
        Ok(())
    }

    fn ticket(&self, ticket: TicketId) -> StoreResult<Option<TicketRow>> {
        ServerReads::ticket(self, ticket)
    }

    fn put_ticket(&mut self, row: &TicketRow) -> StoreResult<()> {
        let before = ServerReads::ticket(self, row.ticket)?;
        for audience in self.audiences_of(row.ticket)? {
            match &before {
                None => self.show_ticket(audience, row)?,
                Some(before) if before.last_seq != row.last_seq => {
                    let table = activity_table(audience);
                    self.remove(table, key!(audience, before.last_seq, row.ticket));
                    self.put(table, key!(audience, row.last_seq, row.ticket), Vec::new());
                }
                Some(_) => {}
            }
        }
        self.put(Table::Tickets, key!(row.ticket), row_codec::encode(row));
        Ok(())
    }

    fn take_ticket_number(&mut self) -> StoreResult<u32> {
        let number = self.count_up(key!(Scope::SERVER, Counter::TicketNumber))? + 1;
        u32::try_from(number).map_err(|_| damaged(Table::Counters))
    }

    fn customers_of(&self, ticket: TicketId) -> StoreResult<Vec<UserId>> {
        ServerReads::customers_of(self, ticket)
    }

    fn put_customer_of(&mut self, ticket: TicketId, user: UserId) -> StoreResult<()> {
        let key = key!(ticket, user);
        if self.contains(Table::TicketMembers, &key)? {
            return Ok(());
        }
        self.put(Table::TicketMembers, key, Vec::new());
        if let Some(row) = ServerReads::ticket(self, ticket)? {
            self.show_ticket(Audience::Customer(user), &row)?;
        }
        if let Some(placed) = marks::get(self, Scope::SERVER, ticket)? {
            self.put(Table::MarkOrderOf, key!(user, placed.position), key!(ticket));
        }
        Ok(())
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
        ServerReads::user(self, user)
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
        ServerReads::device(self, device)
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
        let before = marks::get(self, Scope::SERVER, mark.ticket)?;
        let position = self.count_up(key!(Scope::SERVER, Counter::MarkHead))? + 1;
        for audience in self.audiences_of(mark.ticket)? {
            let table = mark_order_table(audience);
            if let Some(before) = &before {
                self.remove(table, key!(audience, before.position));
            }
            self.put(table, key!(audience, position), key!(mark.ticket));
        }
        self.put(Table::Marks, key!(Scope::SERVER, mark.ticket), marks::encode(position, mark));
        Ok(())
    }

    fn marks_after(&self, audience: Audience, after: u64, limit: usize) -> StoreResult<Vec<(u64, Mark)>> {
        ServerReads::marks_after(self, audience, after, limit)
    }

    fn mark_head(&self) -> StoreResult<u64> {
        ServerReads::mark_head(self)
    }
}
