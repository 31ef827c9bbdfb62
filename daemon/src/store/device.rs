//! The device's half of the store: what it has joined, holds, still has to send, and shows in lists.

mod queries;

use std::collections::BTreeSet;

use assist_crdt_model::{ChangeHash, DeviceId, DocId, ProjectId, TicketId, UnixMillis, UserId};
use assist_proto::certificate::Signed;
use assist_proto::store::{
    DeviceStore, Direction, Draft, DraftId, Kept, KeptKey, Mark, Membership, Mentions, OutboxEntry,
    PendingJoin, PendingRead, Quarantine, ReadMark, Record, Seq, StoreResult, SyncState, TicketRow, Transfer,
};
use assist_proto::wire::Member;
use assist_proto::wire::blob::BlobPlace;

use super::entry::{Entry, PlacedMark};
use super::quarantine::{self, Quarantined};
use super::tables::{Counter, Scope, Span, Table, key};
use super::turn::Turn;
use super::view::View;
use super::{kept, reads};

pub use self::queries::{Contents, DeviceReads};

/// What is kept of a ticket of a scope.
pub(crate) fn entry_of(view: &impl View, scope: Scope, ticket: TicketId) -> StoreResult<Entry> {
    Entry::load(view, Table::Rows, &key!(scope, ticket), ticket)
}

/// Place of a row among those of its scope: by time, then by ticket, read backwards for the newest first.
pub(crate) fn order_key(scope: Scope, updated_at: UnixMillis, ticket: TicketId) -> Vec<u8> {
    key!(scope, updated_at.0, ticket)
}

/// The tables whose keys begin with the scope: all of a project but its membership.
const SCOPED: [Table; 23] = [
    Table::Counters,
    Table::Docs,
    Table::Packs,
    Table::Certificates,
    Table::Nodes,
    Table::DeviceNames,
    Table::SyncStates,
    Table::Outbox,
    Table::OutboxDocs,
    Table::OwnChanges,
    Table::Quarantine,
    Table::QuarantineOrder,
    Table::Unverified,
    Table::Rows,
    Table::Readers,
    Table::PendingReads,
    Table::OwnKept,
    Table::PendingKept,
    Table::RowOrder,
    Table::RowSnoozes,
    Table::RowNumbers,
    Table::Members,
    Table::Transfers,
];

fn transfer_key(scope: Scope, direction: Direction, place: BlobPlace) -> Vec<u8> {
    let direction = match direction {
        Direction::Send => [0],
        Direction::Fetch => [1],
    };
    key!(scope, direction, place.doc, place.blob)
}

impl Turn {
    /// What of a ticket can be found has changed with one of its documents.
    fn note_text(&mut self, scope: Scope, doc: DocId) -> StoreResult<()> {
        doc.ticket().map_or(Ok(()), |ticket| self.note_unindexed(scope, ticket))
    }

    /// Takes a row out of the orders that lists read.
    fn hide_row(&mut self, scope: Scope, row: &TicketRow) {
        self.remove(Table::RowOrder, order_key(scope, row.updated_at, row.ticket));
        if let Some(number) = row.number {
            self.remove(Table::RowNumbers, key!(scope, number, row.ticket));
        }
        if let Some(until) = row.snoozed_until_millis {
            self.remove(Table::RowSnoozes, key!(scope, until, row.ticket));
        }
    }

    /// Changes what is kept of a ticket beside its documents, and keeps the counts of what is unread and of where the
    /// user is mentioned.
    fn change_entry(
        &mut self,
        scope: Scope,
        ticket: TicketId,
        change: impl FnOnce(&mut Entry),
    ) -> StoreResult<()> {
        let mut entry = entry_of(self, scope, ticket)?;
        let counted = |entry: &Entry| [entry.is_unread(), entry.is_newly_mentioned()];
        let before = counted(&entry);
        change(&mut entry);
        let now = counted(&entry);
        for (index, counter) in [Counter::Unread, Counter::Mentioned].into_iter().enumerate() {
            match (before[index], now[index]) {
                (false, true) => {
                    self.count_up(key!(scope, counter))?;
                }
                (true, false) => self.count_down(key!(scope, counter))?,
                (true, true) | (false, false) => {}
            }
        }
        self.put_entry(Table::Rows, key!(scope, ticket), &entry);
        Ok(())
    }
}

impl DeviceStore for Turn {
    fn memberships(&self) -> StoreResult<Vec<Membership>> {
        DeviceReads::memberships(self)
    }

    fn put_membership(&mut self, membership: &Membership) -> StoreResult<()> {
        self.scope_mut(&membership.project)?;
        self.put_cbor(Table::Memberships, key!(membership.project), membership);
        Ok(())
    }

    fn remove_project(&mut self, project: &ProjectId) -> StoreResult<()> {
        let drafts = DeviceReads::drafts(self)?;
        for (id, _) in drafts.into_iter().filter(|(_, draft)| draft.project == *project) {
            self.remove(Table::Drafts, key!(id.0));
        }
        let Some(scope) = self.scope(project)? else { return Ok(()) };
        for table in SCOPED {
            self.clear(table, Span::prefix(key!(scope)));
        }
        self.remove(Table::Memberships, key!(*project));
        self.remove(Table::Scopes, key!(*project));
        self.note_left(scope)
    }

    fn sync_state(&self, project: &ProjectId) -> StoreResult<SyncState> {
        DeviceReads::sync_state(self, project)
    }

    fn put_sync_state(&mut self, project: &ProjectId, state: &SyncState) -> StoreResult<()> {
        let scope = self.scope_mut(project)?;
        self.put_cbor(Table::SyncStates, key!(scope), state);
        Ok(())
    }

    fn push_outbox(&mut self, project: &ProjectId, entry: &OutboxEntry) -> StoreResult<u64> {
        let scope = self.scope_mut(project)?;
        let doc = entry.envelope.doc;
        let position = self.count_up(key!(scope, Counter::NextOutbox))?;
        self.count_up(key!(scope, Counter::Outbox))?;
        self.put_cbor(Table::Outbox, key!(scope, position), entry);
        self.put(Table::OutboxDocs, key!(scope, doc, position), Vec::new());
        self.put(Table::OwnChanges, key!(scope, entry.change), doc.to_bytes().to_vec());
        self.note_text(scope, doc)?;
        Ok(position)
    }

    fn put_outbox(&mut self, project: &ProjectId, position: u64, entry: &OutboxEntry) -> StoreResult<()> {
        let scope = self.scope_mut(project)?;
        self.put_cbor(Table::Outbox, key!(scope, position), entry);
        Ok(())
    }

    fn remove_outbox(&mut self, project: &ProjectId, position: u64) -> StoreResult<()> {
        let Some(scope) = self.scope(project)? else { return Ok(()) };
        let key = key!(scope, position);
        let Some(entry) = self.get_cbor::<OutboxEntry>(Table::Outbox, &key)? else { return Ok(()) };
        self.remove(Table::Outbox, key);
        self.remove(Table::OutboxDocs, key!(scope, entry.envelope.doc, position));
        self.note_text(scope, entry.envelope.doc)?;
        self.count_down(key!(scope, Counter::Outbox))
    }

    fn outbox(&self, project: &ProjectId, from: u64, limit: usize) -> StoreResult<Vec<(u64, OutboxEntry)>> {
        DeviceReads::outbox(self, project, from, limit)
    }

    fn outbox_of_doc(&self, project: &ProjectId, doc: DocId) -> StoreResult<Vec<(u64, OutboxEntry)>> {
        DeviceReads::outbox_of_doc(self, project, doc)
    }

    fn outbox_count(&self, project: &ProjectId) -> StoreResult<u64> {
        DeviceReads::outbox_count(self, project)
    }

    fn own_change(&self, project: &ProjectId, change: &ChangeHash) -> StoreResult<Option<DocId>> {
        DeviceReads::own_change(self, project, change)
    }

    fn append_record(&mut self, project: &ProjectId, record: &Record) -> StoreResult<()> {
        let scope = self.scope_mut(project)?;
        let doc = record.envelope.doc;
        self.push_record(scope, record).map_err(|error| error.of_doc(Some(*project), doc))?;
        self.note_text(scope, record.envelope.doc)
    }

    fn doc_records(&self, project: &ProjectId, doc: DocId) -> StoreResult<Vec<Record>> {
        DeviceReads::doc_records(self, project, doc)
    }

    fn docs(&self, project: &ProjectId) -> StoreResult<BTreeSet<DocId>> {
        DeviceReads::docs(self, project)
    }

    fn remove_records(&mut self, project: &ProjectId, doc: DocId) -> StoreResult<()> {
        let Some(scope) = self.scope(project)? else { return Ok(()) };
        self.remove_records(scope, doc)?;
        self.note_text(scope, doc)
    }

    fn remove_doc(&mut self, project: &ProjectId, doc: DocId) -> StoreResult<()> {
        let Some(scope) = self.scope(project)? else { return Ok(()) };
        self.remove_records(scope, doc)?;
        DeviceStore::remove_unverified(self, project, doc)?;
        self.remove_aside(scope, doc)?;
        self.note_text(scope, doc)?;
        if let DocId::Ticket(ticket) = doc {
            DeviceStore::remove_row(self, project, ticket)?;
            self.remove(Table::Rows, key!(scope, ticket));
            self.remove_reads(scope, ticket);
        }
        Ok(())
    }

    fn put_quarantined(
        &mut self,
        project: &ProjectId,
        record: &Record,
        code: u16,
        detail: &str,
        now: UnixMillis,
    ) -> StoreResult<()> {
        let scope = self.scope_mut(project)?;
        let quarantined = Quarantined { record: record.clone(), code, detail: detail.to_owned() };
        self.put_aside(scope, &quarantined, now)
    }

    fn quarantine(&self, project: &ProjectId) -> StoreResult<Quarantine> {
        let Some(scope) = self.scope(project)? else { return Ok(Quarantine::default()) };
        quarantine::size(self, scope)
    }

    fn trim_quarantine(
        &mut self,
        project: &ProjectId,
        most: Quarantine,
        since: UnixMillis,
    ) -> StoreResult<()> {
        let Some(scope) = self.scope(project)? else { return Ok(()) };
        self.trim_aside(scope, most, since)
    }

    fn put_unverified(&mut self, project: &ProjectId, doc: DocId, records: &[u8]) -> StoreResult<()> {
        let scope = self.scope_mut(project)?;
        if !self.contains(Table::Unverified, &key!(scope, doc))? {
            self.count_up(key!(scope, Counter::Unverified))?;
        }
        let value = self.deflate(records);
        self.put(Table::Unverified, key!(scope, doc), value);
        Ok(())
    }

    fn unverified(&self, project: &ProjectId, doc: DocId) -> StoreResult<Option<Vec<u8>>> {
        DeviceReads::unverified(self, project, doc)
    }

    fn remove_unverified(&mut self, project: &ProjectId, doc: DocId) -> StoreResult<()> {
        let Some(scope) = self.scope(project)? else { return Ok(()) };
        if self.contains(Table::Unverified, &key!(scope, doc))? {
            self.count_down(key!(scope, Counter::Unverified))?;
            self.remove(Table::Unverified, key!(scope, doc));
        }
        Ok(())
    }

    fn next_unverified(&self, project: &ProjectId, limit: usize) -> StoreResult<Vec<DocId>> {
        DeviceReads::next_unverified(self, project, limit)
    }

    fn row(&self, project: &ProjectId, ticket: TicketId) -> StoreResult<Option<TicketRow>> {
        DeviceReads::row(self, project, ticket)
    }

    fn put_row(&mut self, project: &ProjectId, row: &TicketRow) -> StoreResult<()> {
        let scope = self.scope_mut(project)?;
        let entry = entry_of(self, scope, row.ticket)?;
        match &entry.row {
            Some(before) => self.hide_row(scope, before),
            None => {
                self.count_up(key!(scope, Counter::Rows))?;
            }
        }
        self.put(Table::RowOrder, order_key(scope, row.updated_at, row.ticket), Vec::new());
        if let Some(number) = row.number {
            self.put(Table::RowNumbers, key!(scope, number, row.ticket), Vec::new());
        }
        if let Some(until) = row.snoozed_until_millis {
            self.put(Table::RowSnoozes, key!(scope, until, row.ticket), Vec::new());
        }
        // A row that comes or is called something else is found in another way; the documents say the rest.
        if entry.row.is_none_or(|before| before.title != row.title) {
            self.note_unindexed(scope, row.ticket)?;
        }
        self.change_entry(scope, row.ticket, |entry| entry.row = Some(row.clone()))
    }

    fn snoozed(&self, project: &ProjectId, limit: usize) -> StoreResult<Vec<(UnixMillis, TicketId)>> {
        DeviceReads::snoozed(self, project, limit)
    }

    fn remove_row(&mut self, project: &ProjectId, ticket: TicketId) -> StoreResult<()> {
        let Some(scope) = self.scope(project)? else { return Ok(()) };
        let Some(row) = entry_of(self, scope, ticket)?.row else { return Ok(()) };
        self.hide_row(scope, &row);
        self.change_entry(scope, ticket, |entry| entry.row = None)?;
        self.note_unindexed(scope, ticket)?;
        self.count_down(key!(scope, Counter::Rows))
    }

    fn own_seq(&self, project: &ProjectId, ticket: TicketId) -> StoreResult<Option<Seq>> {
        DeviceReads::own_seq(self, project, ticket)
    }

    fn put_own_seq(&mut self, project: &ProjectId, ticket: TicketId, seq: Seq) -> StoreResult<()> {
        let scope = self.scope_mut(project)?;
        self.change_entry(scope, ticket, |entry| entry.own = Some(seq))
    }

    fn others_seq(&self, project: &ProjectId, ticket: TicketId) -> StoreResult<Option<Seq>> {
        let Some(scope) = self.scope(project)? else { return Ok(None) };
        Ok(entry_of(self, scope, ticket)?.others)
    }

    fn put_others_seq(&mut self, project: &ProjectId, ticket: TicketId, seq: Seq) -> StoreResult<()> {
        let scope = self.scope_mut(project)?;
        self.change_entry(scope, ticket, |entry| entry.others = Some(seq))
    }

    fn own_read(&self, project: &ProjectId, ticket: TicketId) -> StoreResult<Option<Seq>> {
        let Some(scope) = self.scope(project)? else { return Ok(None) };
        Ok(entry_of(self, scope, ticket)?.read)
    }

    fn put_own_read(&mut self, project: &ProjectId, ticket: TicketId, through: Seq) -> StoreResult<()> {
        let scope = self.scope_mut(project)?;
        self.change_entry(scope, ticket, |entry| entry.read = Some(through))
    }

    fn unread_count(&self, project: &ProjectId) -> StoreResult<u64> {
        DeviceReads::unread_count(self, project)
    }

    fn mentions(&self, project: &ProjectId, ticket: TicketId) -> StoreResult<Mentions> {
        DeviceReads::mentions(self, project, ticket)
    }

    fn put_mentions(
        &mut self,
        project: &ProjectId,
        ticket: TicketId,
        mentions: &Mentions,
    ) -> StoreResult<()> {
        let scope = self.scope_mut(project)?;
        self.change_entry(scope, ticket, |entry| entry.mentions = *mentions)
    }

    fn mentioned_count(&self, project: &ProjectId) -> StoreResult<u64> {
        DeviceReads::mentioned_count(self, project)
    }

    fn read_mark(
        &self,
        project: &ProjectId,
        ticket: TicketId,
        user: UserId,
    ) -> StoreResult<Option<ReadMark>> {
        let Some(scope) = self.scope(project)? else { return Ok(None) };
        reads::reader(self, scope, ticket, user)
    }

    fn read_marks(&self, project: &ProjectId, ticket: TicketId) -> StoreResult<Vec<ReadMark>> {
        DeviceReads::read_marks(self, project, ticket)
    }

    fn put_read_mark(&mut self, project: &ProjectId, mark: &ReadMark) -> StoreResult<()> {
        let scope = self.scope_mut(project)?;
        self.put_reader(scope, mark);
        Ok(())
    }

    fn pending_reads(&self, project: &ProjectId, limit: usize) -> StoreResult<Vec<PendingRead>> {
        DeviceReads::pending_reads(self, project, limit)
    }

    fn pending_read(&self, project: &ProjectId, ticket: TicketId) -> StoreResult<Option<PendingRead>> {
        let Some(scope) = self.scope(project)? else { return Ok(None) };
        reads::pending(self, scope, ticket)
    }

    fn put_pending_read(&mut self, project: &ProjectId, read: &PendingRead) -> StoreResult<()> {
        let scope = self.scope_mut(project)?;
        self.put_pending(scope, read);
        Ok(())
    }

    fn remove_pending_read(&mut self, project: &ProjectId, ticket: TicketId) -> StoreResult<()> {
        let Some(scope) = self.scope(project)? else { return Ok(()) };
        self.remove(Table::PendingReads, key!(scope, ticket));
        Ok(())
    }

    fn certificate(
        &self,
        project: &ProjectId,
        device: &DeviceId,
        serial: u32,
    ) -> StoreResult<Option<Signed>> {
        DeviceReads::certificate(self, project, device, serial)
    }

    fn put_certificate(
        &mut self,
        project: &ProjectId,
        device: &DeviceId,
        serial: u32,
        certificate: &Signed,
    ) -> StoreResult<()> {
        let scope = self.scope_mut(project)?;
        self.put_cbor(Table::Certificates, key!(scope, *device, serial), certificate);
        Ok(())
    }

    fn nodes(&self, project: &ProjectId) -> StoreResult<Vec<Signed>> {
        DeviceReads::nodes(self, project)
    }

    fn put_node(&mut self, project: &ProjectId, node: &DeviceId, certificate: &Signed) -> StoreResult<()> {
        let scope = self.scope_mut(project)?;
        self.put_cbor(Table::Nodes, key!(scope, *node), certificate);
        Ok(())
    }

    fn device_name(&self, project: &ProjectId, device: &DeviceId) -> StoreResult<Option<String>> {
        DeviceReads::device_name(self, project, device)
    }

    fn put_device_name(&mut self, project: &ProjectId, device: &DeviceId, name: &str) -> StoreResult<()> {
        let scope = self.scope_mut(project)?;
        self.put(Table::DeviceNames, key!(scope, *device), name.as_bytes().to_vec());
        Ok(())
    }

    fn member(&self, project: &ProjectId, user: UserId) -> StoreResult<Option<Member>> {
        DeviceReads::member(self, project, user)
    }

    fn members(&self, project: &ProjectId) -> StoreResult<Vec<Member>> {
        DeviceReads::members(self, project)
    }

    fn put_member(&mut self, project: &ProjectId, member: &Member) -> StoreResult<()> {
        let scope = self.scope_mut(project)?;
        self.put_cbor(Table::Members, key!(scope, member.user), member);
        Ok(())
    }

    fn mark(&self, project: &ProjectId, ticket: TicketId) -> StoreResult<Option<Mark>> {
        DeviceReads::mark(self, project, ticket)
    }

    fn put_mark(&mut self, project: &ProjectId, mark: &Mark) -> StoreResult<()> {
        let scope = self.scope_mut(project)?;
        self.change_entry(scope, mark.ticket, |entry| {
            entry.mark = Some(PlacedMark { position: 0, mark: *mark });
        })
    }

    fn put_transfer(&mut self, project: &ProjectId, transfer: &Transfer) -> StoreResult<()> {
        let scope = self.scope_mut(project)?;
        self.put_cbor(Table::Transfers, transfer_key(scope, transfer.direction, transfer.place), transfer);
        Ok(())
    }

    fn remove_transfer(
        &mut self,
        project: &ProjectId,
        direction: Direction,
        place: BlobPlace,
    ) -> StoreResult<()> {
        let Some(scope) = self.scope(project)? else { return Ok(()) };
        self.remove(Table::Transfers, transfer_key(scope, direction, place));
        Ok(())
    }

    fn transfers(&self, project: &ProjectId) -> StoreResult<Vec<Transfer>> {
        DeviceReads::transfers(self, project)
    }

    fn kept(&self, project: &ProjectId) -> StoreResult<Vec<Kept>> {
        let Some(scope) = self.scope(project)? else { return Ok(Vec::new()) };
        kept::of_scope(self, Table::OwnKept, scope)
    }

    fn put_kept(&mut self, project: &ProjectId, kept: &Kept) -> StoreResult<()> {
        let scope = self.scope_mut(project)?;
        self.put_kept_of_scope(Table::OwnKept, scope, kept)
    }

    fn remove_kept(&mut self, project: &ProjectId, key: &KeptKey) -> StoreResult<()> {
        let Some(scope) = self.scope(project)? else { return Ok(()) };
        self.remove_kept_of_scope(Table::OwnKept, scope, key)
    }

    fn pending_kept(&self, project: &ProjectId) -> StoreResult<Vec<Kept>> {
        DeviceReads::pending_kept(self, project)
    }

    fn put_pending_kept(&mut self, project: &ProjectId, kept: &Kept) -> StoreResult<()> {
        let scope = self.scope_mut(project)?;
        self.put_kept_of_scope(Table::PendingKept, scope, kept)
    }

    fn remove_pending_kept(&mut self, project: &ProjectId, key: &KeptKey) -> StoreResult<()> {
        let Some(scope) = self.scope(project)? else { return Ok(()) };
        self.remove_kept_of_scope(Table::PendingKept, scope, key)
    }

    fn pending_joins(&self) -> StoreResult<Vec<PendingJoin>> {
        DeviceReads::pending_joins(self)
    }

    fn put_pending_join(&mut self, join: &PendingJoin) -> StoreResult<()> {
        self.put_cbor(Table::PendingJoins, key!(join.project), join);
        Ok(())
    }

    fn remove_pending_join(&mut self, project: &ProjectId) -> StoreResult<()> {
        self.remove(Table::PendingJoins, key!(*project));
        Ok(())
    }

    fn put_draft(&mut self, draft: &Draft) -> StoreResult<DraftId> {
        let id = self.count_up(key!(Scope::SERVER, Counter::NextDraft))?;
        self.put_cbor(Table::Drafts, key!(id), draft);
        Ok(DraftId(id))
    }

    fn draft(&self, id: DraftId) -> StoreResult<Option<Draft>> {
        DeviceReads::draft(self, id)
    }

    fn drafts(&self) -> StoreResult<Vec<(DraftId, Draft)>> {
        DeviceReads::drafts(self)
    }

    fn remove_draft(&mut self, id: DraftId) -> StoreResult<()> {
        self.remove(Table::Drafts, key!(id.0));
        Ok(())
    }
}
