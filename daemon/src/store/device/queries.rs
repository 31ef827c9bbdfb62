//! What can be asked of the device's half of the store without changing it.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use assist_crdt_model::{ChangeHash, DeviceId, DocId, ProjectId, TicketId, UnixMillis, UserId};
use assist_proto::certificate::Signed;
#[cfg(doc)]
use assist_proto::store::DeviceStore;
use assist_proto::store::{
    Direction, Draft, DraftId, Kept, KeptAll, Mark, Membership, Mentions, OutboxEntry, PendingJoin,
    PendingRead, ReadMark, Record, Seq, StoreResult, SyncState, TicketRow, Transfer,
};
use assist_proto::wire::Member;
use assist_proto::wire::blob::BlobPlace;

use super::super::quarantine::{self, Quarantined};
use super::super::row_codec::Beside;
use super::super::tables::{Counter, SCOPE_SIZE, Span, Table, key};
#[cfg(doc)]
use super::super::turn::Turn;
use super::super::view::{Order, View, cbor, damaged, key_end};
use super::super::{kept, packs, reads};
use super::{entry_of, transfer_key};

/// What of a project is on this device, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Contents {
    /// List rows.
    pub rows: u64,
    /// Documents with admitted records.
    pub verified: u64,
    /// Documents that came whole and are not verified yet.
    pub unverified: u64,
    /// Records that the gate refused although the server had admitted them.
    pub quarantined: u64,
}

/// What can be read of a device, from a [`crate::store::Reader`] as from a [`Turn`]: the read half of [`DeviceStore`].
#[expect(private_bounds, reason = "only the store's own views can be read from")]
pub trait DeviceReads: View + Sized {
    /// See [`DeviceStore::memberships`]; by project id.
    fn memberships(&self) -> StoreResult<Vec<Membership>> {
        self.collect_cbor(Table::Memberships, &Span::prefix(Vec::new()))
    }

    /// One membership.
    fn membership(&self, project: &ProjectId) -> StoreResult<Option<Membership>> {
        self.get_cbor(Table::Memberships, &key!(*project))
    }

    /// See [`DeviceStore::sync_state`].
    fn sync_state(&self, project: &ProjectId) -> StoreResult<SyncState> {
        let Some(scope) = self.scope(project)? else { return Ok(SyncState::default()) };
        Ok(self.get_cbor(Table::SyncStates, &key!(scope))?.unwrap_or_default())
    }

    /// See [`DeviceStore::outbox`].
    fn outbox(&self, project: &ProjectId, from: u64, limit: usize) -> StoreResult<Vec<(u64, OutboxEntry)>> {
        let Some(scope) = self.scope(project)? else { return Ok(Vec::new()) };
        let span = Span::prefix_from(&key!(scope), key!(scope, from));
        let entries = self.collect(Table::Outbox, &span, limit, |key, value| {
            Ok((u64::from_be_bytes(key_end(Table::Outbox, key)?), cbor(Table::Outbox, value)?))
        })?;
        // What a damaged key has hidden, no seal can show; and what a person wrote must not be missed in silence.
        if from == 0
            && entries.len() < limit
            && entries.len() as u64 != DeviceReads::outbox_count(self, project)?
        {
            return Err(damaged(Table::Outbox));
        }
        Ok(entries)
    }

    /// See [`DeviceStore::outbox_of_doc`].
    fn outbox_of_doc(&self, project: &ProjectId, doc: DocId) -> StoreResult<Vec<(u64, OutboxEntry)>> {
        let Some(scope) = self.scope(project)? else { return Ok(Vec::new()) };
        let table = Table::OutboxDocs;
        let positions = self.collect(table, &Span::prefix(key!(scope, doc)), usize::MAX, |key, _| {
            Ok(u64::from_be_bytes(key_end(table, key)?))
        })?;
        let entry = |position| {
            let entry = self.get_cbor(Table::Outbox, &key!(scope, position))?;
            Ok((position, entry.ok_or_else(|| damaged(table))?))
        };
        positions.into_iter().map(entry).collect()
    }

    /// Whether own changes of a document wait to be sent.
    fn has_unsent(&self, project: &ProjectId, doc: DocId) -> StoreResult<bool> {
        let Some(scope) = self.scope(project)? else { return Ok(false) };
        let waiting = self.collect(Table::OutboxDocs, &Span::prefix(key!(scope, doc)), 1, |_, _| Ok(()))?;
        Ok(!waiting.is_empty())
    }

    /// See [`DeviceStore::outbox_count`].
    fn outbox_count(&self, project: &ProjectId) -> StoreResult<u64> {
        let Some(scope) = self.scope(project)? else { return Ok(0) };
        self.counter(scope, Counter::Outbox)
    }

    /// See [`DeviceStore::own_change`].
    fn own_change(&self, project: &ProjectId, change: &ChangeHash) -> StoreResult<Option<DocId>> {
        let Some(scope) = self.scope(project)? else { return Ok(None) };
        let Some(doc) = self.get(Table::OwnChanges, &key!(scope, *change))? else { return Ok(None) };
        DocId::from_slice(&doc).map(Some).ok_or_else(|| damaged(Table::OwnChanges))
    }

    /// See [`DeviceStore::doc_records`].
    fn doc_records(&self, project: &ProjectId, doc: DocId) -> StoreResult<Vec<Record>> {
        let Some(scope) = self.scope(project)? else { return Ok(Vec::new()) };
        packs::doc_records(self, scope, doc).map_err(|error| error.of_doc(Some(*project), doc))
    }

    /// What the gate refused, by document and place.
    fn quarantined(&self, project: &ProjectId) -> StoreResult<Vec<Quarantined>> {
        let Some(scope) = self.scope(project)? else { return Ok(Vec::new()) };
        quarantine::all(self, scope)
    }

    /// See [`DeviceStore::docs`].
    fn docs(&self, project: &ProjectId) -> StoreResult<BTreeSet<DocId>> {
        let Some(scope) = self.scope(project)? else { return Ok(BTreeSet::new()) };
        let mut docs = BTreeSet::new();
        for table in [Table::Docs, Table::OutboxDocs, Table::Unverified] {
            self.scan(table, &Span::prefix(key!(scope)), Order::Ascending, &mut |key, _| {
                let doc = key.get(SCOPE_SIZE..SCOPE_SIZE + DocId::SIZE).and_then(DocId::from_slice);
                docs.insert(doc.ok_or_else(|| damaged(table))?);
                Ok(ControlFlow::Continue(()))
            })?;
        }
        let table = Table::RowOrder;
        self.scan(table, &Span::prefix(key!(scope)), Order::Ascending, &mut |key, _| {
            docs.insert(DocId::Ticket(TicketId::from_bytes(key_end(table, key)?)));
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(docs)
    }

    /// See [`DeviceStore::unverified`].
    fn unverified(&self, project: &ProjectId, doc: DocId) -> StoreResult<Option<Vec<u8>>> {
        let Some(scope) = self.scope(project)? else { return Ok(None) };
        let sealed = self.get(Table::Unverified, &key!(scope, doc));
        let bytes = sealed
            .and_then(|value| value.map(|value| packs::inflate_bytes(Table::Unverified, &value)).transpose());
        bytes.map_err(|error| error.of_doc(Some(*project), doc))
    }

    /// Whether a document still has to be verified before it can be read.
    fn is_unverified(&self, project: &ProjectId, doc: DocId) -> StoreResult<bool> {
        let Some(scope) = self.scope(project)? else { return Ok(false) };
        self.contains(Table::Unverified, &key!(scope, doc))
    }

    /// How many rows and documents of a project are here. Costs the same whatever the numbers are.
    fn contents(&self, project: &ProjectId) -> StoreResult<Contents> {
        let Some(scope) = self.scope(project)? else { return Ok(Contents::default()) };
        Ok(Contents {
            rows: self.counter(scope, Counter::Rows)?,
            verified: self.counter(scope, Counter::Documents)?,
            unverified: self.counter(scope, Counter::Unverified)?,
            quarantined: self.counter(scope, Counter::Quarantined)?,
        })
    }

    /// See [`DeviceStore::next_unverified`].
    fn next_unverified(&self, project: &ProjectId, limit: usize) -> StoreResult<Vec<DocId>> {
        let Some(scope) = self.scope(project)? else { return Ok(Vec::new()) };
        let table = Table::Unverified;
        let mut docs = Vec::new();
        if limit > 0 {
            self.scan_keys(table, &Span::prefix(key!(scope)), Order::Ascending, &mut |key, _| {
                let doc: [u8; DocId::SIZE] = key_end(table, key)?;
                docs.push(DocId::from_slice(&doc).ok_or_else(|| damaged(table))?);
                Ok(if docs.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
            })?;
        }
        Ok(docs)
    }

    /// See [`DeviceStore::row`].
    fn row(&self, project: &ProjectId, ticket: TicketId) -> StoreResult<Option<TicketRow>> {
        let Some(scope) = self.scope(project)? else { return Ok(None) };
        Ok(entry_of(self, scope, ticket)?.row)
    }

    /// See [`DeviceStore::snoozed`].
    fn snoozed(&self, project: &ProjectId, limit: usize) -> StoreResult<Vec<(UnixMillis, TicketId)>> {
        let Some(scope) = self.scope(project)? else { return Ok(Vec::new()) };
        let table = Table::RowSnoozes;
        self.collect(table, &Span::prefix(key!(scope)), limit, |key, _| {
            let (head, ticket) = key.split_last_chunk::<16>().ok_or_else(|| damaged(table))?;
            let until = UnixMillis(u64::from_be_bytes(key_end(table, head)?));
            Ok((until, TicketId::from_bytes(*ticket)))
        })
    }

    /// See [`DeviceStore::own_seq`].
    fn own_seq(&self, project: &ProjectId, ticket: TicketId) -> StoreResult<Option<Seq>> {
        let Some(scope) = self.scope(project)? else { return Ok(None) };
        Ok(entry_of(self, scope, ticket)?.own)
    }

    /// See [`DeviceStore::certificate`].
    fn certificate(
        &self,
        project: &ProjectId,
        device: &DeviceId,
        serial: u32,
    ) -> StoreResult<Option<Signed>> {
        let Some(scope) = self.scope(project)? else { return Ok(None) };
        self.get_cbor(Table::Certificates, &key!(scope, *device, serial))
    }

    /// See [`DeviceStore::nodes`]; by node.
    fn nodes(&self, project: &ProjectId) -> StoreResult<Vec<Signed>> {
        let Some(scope) = self.scope(project)? else { return Ok(Vec::new()) };
        self.collect_cbor(Table::Nodes, &Span::prefix(key!(scope)))
    }

    /// See [`DeviceStore::device_name`].
    fn device_name(&self, project: &ProjectId, device: &DeviceId) -> StoreResult<Option<String>> {
        let Some(scope) = self.scope(project)? else { return Ok(None) };
        let name = self.get(Table::DeviceNames, &key!(scope, *device))?;
        name.map(|name| String::from_utf8(name).map_err(|_| damaged(Table::DeviceNames))).transpose()
    }

    /// See [`DeviceStore::member`].
    fn member(&self, project: &ProjectId, user: UserId) -> StoreResult<Option<Member>> {
        let Some(scope) = self.scope(project)? else { return Ok(None) };
        self.get_cbor(Table::Members, &key!(scope, user))
    }

    /// See [`DeviceStore::members`]; by id.
    fn members(&self, project: &ProjectId) -> StoreResult<Vec<Member>> {
        let Some(scope) = self.scope(project)? else { return Ok(Vec::new()) };
        self.collect_cbor(Table::Members, &Span::prefix(key!(scope)))
    }

    /// See [`DeviceStore::mark`].
    fn mark(&self, project: &ProjectId, ticket: TicketId) -> StoreResult<Option<Mark>> {
        let Some(scope) = self.scope(project)? else { return Ok(None) };
        Ok(entry_of(self, scope, ticket)?.mark.map(|placed| placed.mark))
    }

    /// What stands beside a ticket's row: whether there is more than this device's user has read, and whether they are
    /// mentioned.
    fn beside_row(&self, project: &ProjectId, ticket: TicketId) -> StoreResult<Beside> {
        let Some(scope) = self.scope(project)? else { return Ok(Beside::default()) };
        Ok(entry_of(self, scope, ticket)?.beside())
    }

    /// See [`DeviceStore::unread_count`].
    fn unread_count(&self, project: &ProjectId) -> StoreResult<u64> {
        let Some(scope) = self.scope(project)? else { return Ok(0) };
        self.counter(scope, Counter::Unread)
    }

    /// See [`DeviceStore::mentions`].
    fn mentions(&self, project: &ProjectId, ticket: TicketId) -> StoreResult<Mentions> {
        let Some(scope) = self.scope(project)? else { return Ok(Mentions::default()) };
        Ok(entry_of(self, scope, ticket)?.mentions)
    }

    /// See [`DeviceStore::mentioned_count`].
    fn mentioned_count(&self, project: &ProjectId) -> StoreResult<u64> {
        let Some(scope) = self.scope(project)? else { return Ok(0) };
        self.counter(scope, Counter::Mentioned)
    }

    /// See [`DeviceStore::read_marks`].
    fn read_marks(&self, project: &ProjectId, ticket: TicketId) -> StoreResult<Vec<ReadMark>> {
        let Some(scope) = self.scope(project)? else { return Ok(Vec::new()) };
        reads::readers(self, scope, ticket)
    }

    /// See [`DeviceStore::pending_reads`].
    fn pending_reads(&self, project: &ProjectId, limit: usize) -> StoreResult<Vec<PendingRead>> {
        let Some(scope) = self.scope(project)? else { return Ok(Vec::new()) };
        reads::all_pending(self, scope, limit)
    }

    /// See [`DeviceStore::pending_kept`].
    fn pending_kept(&self, project: &ProjectId) -> StoreResult<Vec<Kept>> {
        let Some(scope) = self.scope(project)? else { return Ok(Vec::new()) };
        kept::of_scope(self, Table::PendingKept, scope)
    }

    /// What the user keeps in a project, with what the server has not confirmed.
    fn own_kept(&self, project: &ProjectId) -> StoreResult<KeptAll> {
        let Some(scope) = self.scope(project)? else { return Ok(KeptAll::default()) };
        let told = kept::of_scope(self, Table::OwnKept, scope)?;
        Ok(told.into_iter().chain(kept::of_scope(self, Table::PendingKept, scope)?).collect())
    }

    /// See [`DeviceStore::draft`].
    fn draft(&self, id: DraftId) -> StoreResult<Option<Draft>> {
        self.get_cbor(Table::Drafts, &key!(id.0))
    }

    /// See [`DeviceStore::transfers`].
    fn transfers(&self, project: &ProjectId) -> StoreResult<Vec<Transfer>> {
        let Some(scope) = self.scope(project)? else { return Ok(Vec::new()) };
        self.collect_cbor(Table::Transfers, &Span::prefix(key!(scope)))
    }

    /// One transfer.
    fn transfer(
        &self,
        project: &ProjectId,
        direction: Direction,
        place: BlobPlace,
    ) -> StoreResult<Option<Transfer>> {
        let Some(scope) = self.scope(project)? else { return Ok(None) };
        self.get_cbor(Table::Transfers, &transfer_key(scope, direction, place))
    }

    /// See [`DeviceStore::pending_joins`]; by project id.
    fn pending_joins(&self) -> StoreResult<Vec<PendingJoin>> {
        self.collect_cbor(Table::PendingJoins, &Span::prefix(Vec::new()))
    }

    /// See [`DeviceStore::drafts`]; in the order in which they were put.
    fn drafts(&self) -> StoreResult<Vec<(DraftId, Draft)>> {
        self.collect(Table::Drafts, &Span::prefix(Vec::new()), usize::MAX, |key, value| {
            let id = DraftId(u64::from_be_bytes(key_end(Table::Drafts, key)?));
            Ok((id, cbor(Table::Drafts, value)?))
        })
    }
}

impl<V: View> DeviceReads for V {}
