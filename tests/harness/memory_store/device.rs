//! The device's half: for every project it has joined, documents, outbox, rows; and the drafts of all of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use assist_crdt_model::{ChangeHash, DeviceId, DocId, ProjectId, TicketId, UnixMillis, UserId};
use assist_proto::certificate::Signed;
use assist_proto::store::{
    DeviceStore, Direction, Draft, DraftId, Kept, KeptKey, Mark, Membership, Mentions, OutboxEntry,
    PendingJoin, PendingRead, Quarantine, ReadMark, Record, Seq, StoreResult, SyncState, TicketRow, Transfer,
};
use assist_proto::wire::Member;
use assist_proto::wire::blob::BlobPlace;

use super::MemoryStore;
use super::table::Table;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct DeviceTables {
    projects: Table<ProjectId, ProjectTables>,
    pending_joins: Table<ProjectId, PendingJoin>,
    drafts: Table<DraftId, Draft>,
    drafts_made: u64,
}

/// Everything of one project, so that leaving it is one step.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct ProjectTables {
    /// One row at most; absent while only certificates and members are known.
    membership: Table<(), Membership>,
    sync_state: SyncState,

    outbox: Table<u64, OutboxEntry>,
    outbox_of_doc: Table<(DocId, u64), ()>,
    outbox_head: u64,
    own_changes: Table<ChangeHash, DocId>,

    /// By document and the order of arrival.
    records: Table<(DocId, u64), Record>,
    /// Record, code, detail and time, in the order of arrival.
    quarantined: Table<u64, (Record, u16, String, UnixMillis)>,
    unverified: Table<DocId, Vec<u8>>,

    rows: Table<TicketId, TicketRow>,
    own_seqs: Table<TicketId, Seq>,
    certificates: Table<(DeviceId, u32), Signed>,
    nodes: Table<DeviceId, Signed>,
    device_names: Table<DeviceId, String>,
    members: Table<UserId, Member>,
    marks: Table<TicketId, Mark>,
    transfers: Table<(Direction, BlobPlace), Transfer>,
    others_seqs: Table<TicketId, Seq>,
    own_reads: Table<TicketId, Seq>,
    mentions: Table<TicketId, Mentions>,
    read_marks: Table<(TicketId, UserId), ReadMark>,
    pending_reads: Table<TicketId, PendingRead>,
    kept: Table<KeptKey, Kept>,
    pending_kept: Table<KeptKey, Kept>,
}

impl MemoryStore {
    /// The records that were put aside, in the order of their arrival, each with the code and detail.
    ///
    /// The trait only writes and counts them: they are for people who look into what went wrong.
    pub fn quarantined(&self, project: &ProjectId) -> Vec<(Record, u16, String)> {
        let all = self.of(project).quarantined.all();
        all.into_iter().map(|(record, code, detail, _)| (record, code, detail)).collect()
    }

    fn of(&self, project: &ProjectId) -> Arc<ProjectTables> {
        self.device.projects.get(project).map(Arc::clone).unwrap_or_default()
    }

    fn change<R>(&mut self, project: &ProjectId, change: impl FnOnce(&mut ProjectTables) -> R) -> R {
        self.device.projects.change(*project, change)
    }
}

impl DeviceStore for MemoryStore {
    fn memberships(&self) -> StoreResult<Vec<Membership>> {
        Ok(self.device.projects.values().filter_map(|tables| tables.membership.row(&())).collect())
    }

    fn put_membership(&mut self, membership: &Membership) -> StoreResult<()> {
        self.change(&membership.project, |tables| tables.membership.put((), membership.clone()));
        Ok(())
    }

    fn remove_project(&mut self, project: &ProjectId) -> StoreResult<()> {
        self.device.projects.drop_row(project);
        for (id, draft) in self.drafts()? {
            if draft.project == *project {
                self.remove_draft(id)?;
            }
        }
        Ok(())
    }

    fn sync_state(&self, project: &ProjectId) -> StoreResult<SyncState> {
        Ok(self.of(project).sync_state.clone())
    }

    fn put_sync_state(&mut self, project: &ProjectId, state: &SyncState) -> StoreResult<()> {
        self.change(project, |tables| tables.sync_state = state.clone());
        Ok(())
    }

    fn push_outbox(&mut self, project: &ProjectId, entry: &OutboxEntry) -> StoreResult<u64> {
        Ok(self.change(project, |tables| {
            tables.outbox_head += 1;
            let position = tables.outbox_head;
            tables.outbox_of_doc.put((entry.envelope.doc, position), ());
            tables.own_changes.put(entry.change, entry.envelope.doc);
            tables.outbox.put(position, entry.clone());
            position
        }))
    }

    fn put_outbox(&mut self, project: &ProjectId, position: u64, entry: &OutboxEntry) -> StoreResult<()> {
        self.change(project, |tables| tables.outbox.put(position, entry.clone()));
        Ok(())
    }

    fn remove_outbox(&mut self, project: &ProjectId, position: u64) -> StoreResult<()> {
        let Some(entry) = self.of(project).outbox.row(&position) else { return Ok(()) };
        self.change(project, |tables| {
            tables.outbox_of_doc.drop_row(&(entry.envelope.doc, position));
            tables.outbox.drop_row(&position);
        });
        Ok(())
    }

    fn outbox(&self, project: &ProjectId, from: u64, limit: usize) -> StoreResult<Vec<(u64, OutboxEntry)>> {
        Ok(self.of(project).outbox.rows(from..).take(limit).collect())
    }

    fn outbox_of_doc(&self, project: &ProjectId, doc: DocId) -> StoreResult<Vec<(u64, OutboxEntry)>> {
        let tables = self.of(project);
        let positions = tables.outbox_of_doc.range((doc, 0)..=(doc, u64::MAX)).map(|((_, at), _)| *at);
        Ok(positions.filter_map(|at| Some((at, tables.outbox.row(&at)?))).collect())
    }

    fn outbox_count(&self, project: &ProjectId) -> StoreResult<u64> {
        Ok(self.of(project).outbox.len() as u64)
    }

    fn own_change(&self, project: &ProjectId, change: &ChangeHash) -> StoreResult<Option<DocId>> {
        Ok(self.of(project).own_changes.row(change))
    }

    fn append_record(&mut self, project: &ProjectId, record: &Record) -> StoreResult<()> {
        let doc = record.envelope.doc;
        self.change(project, |tables| {
            let last = tables.records.range((doc, 0)..=(doc, u64::MAX)).next_back();
            let index = last.map_or(0, |((_, index), _)| index + 1);
            tables.records.put((doc, index), record.clone());
        });
        Ok(())
    }

    fn doc_records(&self, project: &ProjectId, doc: DocId) -> StoreResult<Vec<Record>> {
        Ok(self.of(project).records.rows((doc, 0)..=(doc, u64::MAX)).map(|(_, record)| record).collect())
    }

    fn docs(&self, project: &ProjectId) -> StoreResult<BTreeSet<DocId>> {
        let tables = self.of(project);
        let records = tables.records.keys().map(|(doc, _)| *doc);
        let own = tables.outbox_of_doc.keys().map(|(doc, _)| *doc);
        let unverified = tables.unverified.keys().copied();
        let rows = tables.rows.keys().map(|ticket| DocId::Ticket(*ticket));
        Ok(records.chain(own).chain(unverified).chain(rows).collect())
    }

    fn remove_records(&mut self, project: &ProjectId, doc: DocId) -> StoreResult<()> {
        self.change(project, |tables| tables.records.retain(|(of, _), _| *of != doc));
        Ok(())
    }

    fn remove_doc(&mut self, project: &ProjectId, doc: DocId) -> StoreResult<()> {
        self.change(project, |tables| {
            tables.records.retain(|(of, _), _| *of != doc);
            tables.quarantined.retain(|_, entry| entry.0.envelope.doc != doc);
            tables.unverified.drop_row(&doc);
            if let DocId::Ticket(ticket) = doc {
                tables.rows.drop_row(&ticket);
                tables.marks.drop_row(&ticket);
                tables.own_seqs.drop_row(&ticket);
                tables.others_seqs.drop_row(&ticket);
                tables.own_reads.drop_row(&ticket);
                tables.mentions.drop_row(&ticket);
                tables.read_marks.retain(|(of, _), _| *of != ticket);
                tables.pending_reads.drop_row(&ticket);
            }
        });
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
        let place = |record: &Record| (record.envelope.doc, record.seq);
        if self.of(project).quarantined.values().any(|entry| place(&entry.0) == place(record)) {
            return Ok(());
        }
        self.change(project, |tables| {
            let position = tables.quarantined.last_key_value().map_or(0, |(position, _)| position + 1);
            tables.quarantined.put(position, (record.clone(), code, detail.to_owned(), now));
        });
        Ok(())
    }

    fn quarantine(&self, project: &ProjectId) -> StoreResult<Quarantine> {
        let tables = self.of(project);
        let size_bytes = tables.quarantined.values().map(|entry| entry.0.envelope.change.len() as u64).sum();
        Ok(Quarantine { count: tables.quarantined.len() as u64, size_bytes })
    }

    fn trim_quarantine(
        &mut self,
        project: &ProjectId,
        most: Quarantine,
        since: UnixMillis,
    ) -> StoreResult<()> {
        while let Some((position, entry)) = self.of(project).quarantined.rows(..).next()
            && (entry.3 < since || !self.quarantine(project)?.fits(most))
        {
            self.change(project, |tables| tables.quarantined.drop_row(&position));
        }
        Ok(())
    }

    fn put_unverified(&mut self, project: &ProjectId, doc: DocId, records: &[u8]) -> StoreResult<()> {
        self.change(project, |tables| tables.unverified.put(doc, records.to_vec()));
        Ok(())
    }

    fn unverified(&self, project: &ProjectId, doc: DocId) -> StoreResult<Option<Vec<u8>>> {
        Ok(self.of(project).unverified.row(&doc))
    }

    fn remove_unverified(&mut self, project: &ProjectId, doc: DocId) -> StoreResult<()> {
        self.change(project, |tables| tables.unverified.drop_row(&doc));
        Ok(())
    }

    fn next_unverified(&self, project: &ProjectId, limit: usize) -> StoreResult<Vec<DocId>> {
        Ok(self.of(project).unverified.keys().copied().take(limit).collect())
    }

    fn row(&self, project: &ProjectId, ticket: TicketId) -> StoreResult<Option<TicketRow>> {
        Ok(self.of(project).rows.row(&ticket))
    }

    fn put_row(&mut self, project: &ProjectId, row: &TicketRow) -> StoreResult<()> {
        self.change(project, |tables| tables.rows.put(row.ticket, row.clone()));
        Ok(())
    }

    fn snoozed(&self, project: &ProjectId, limit: usize) -> StoreResult<Vec<(UnixMillis, TicketId)>> {
        let tables = self.of(project);
        let mut found: Vec<_> = tables
            .rows
            .values()
            .filter_map(|row| Some((UnixMillis(row.snoozed_until_millis?), row.ticket)))
            .collect();
        found.sort_unstable();
        found.truncate(limit);
        Ok(found)
    }

    fn remove_row(&mut self, project: &ProjectId, ticket: TicketId) -> StoreResult<()> {
        self.change(project, |tables| tables.rows.drop_row(&ticket));
        Ok(())
    }

    fn own_seq(&self, project: &ProjectId, ticket: TicketId) -> StoreResult<Option<Seq>> {
        Ok(self.of(project).own_seqs.row(&ticket))
    }

    fn put_own_seq(&mut self, project: &ProjectId, ticket: TicketId, seq: Seq) -> StoreResult<()> {
        self.change(project, |tables| tables.own_seqs.put(ticket, seq));
        Ok(())
    }

    fn certificate(
        &self,
        project: &ProjectId,
        device: &DeviceId,
        serial: u32,
    ) -> StoreResult<Option<Signed>> {
        Ok(self.of(project).certificates.row(&(*device, serial)))
    }

    fn put_certificate(
        &mut self,
        project: &ProjectId,
        device: &DeviceId,
        serial: u32,
        certificate: &Signed,
    ) -> StoreResult<()> {
        self.change(project, |tables| tables.certificates.put((*device, serial), certificate.clone()));
        Ok(())
    }

    fn nodes(&self, project: &ProjectId) -> StoreResult<Vec<Signed>> {
        Ok(self.of(project).nodes.all())
    }

    fn put_node(&mut self, project: &ProjectId, node: &DeviceId, certificate: &Signed) -> StoreResult<()> {
        self.change(project, |tables| tables.nodes.put(*node, certificate.clone()));
        Ok(())
    }

    fn device_name(&self, project: &ProjectId, device: &DeviceId) -> StoreResult<Option<String>> {
        Ok(self.of(project).device_names.row(device))
    }

    fn put_device_name(&mut self, project: &ProjectId, device: &DeviceId, name: &str) -> StoreResult<()> {
        self.change(project, |tables| tables.device_names.put(*device, name.to_owned()));
        Ok(())
    }

    fn member(&self, project: &ProjectId, user: UserId) -> StoreResult<Option<Member>> {
        Ok(self.of(project).members.row(&user))
    }

    fn members(&self, project: &ProjectId) -> StoreResult<Vec<Member>> {
        Ok(self.of(project).members.all())
    }

    fn put_member(&mut self, project: &ProjectId, member: &Member) -> StoreResult<()> {
        self.change(project, |tables| tables.members.put(member.user, member.clone()));
        Ok(())
    }

    fn mark(&self, project: &ProjectId, ticket: TicketId) -> StoreResult<Option<Mark>> {
        Ok(self.of(project).marks.row(&ticket))
    }

    fn put_mark(&mut self, project: &ProjectId, mark: &Mark) -> StoreResult<()> {
        self.change(project, |tables| tables.marks.put(mark.ticket, *mark));
        Ok(())
    }

    fn put_transfer(&mut self, project: &ProjectId, transfer: &Transfer) -> StoreResult<()> {
        let key = (transfer.direction, transfer.place);
        self.change(project, |tables| tables.transfers.put(key, transfer.clone()));
        Ok(())
    }

    fn remove_transfer(
        &mut self,
        project: &ProjectId,
        direction: Direction,
        place: BlobPlace,
    ) -> StoreResult<()> {
        self.change(project, |tables| tables.transfers.drop_row(&(direction, place)));
        Ok(())
    }

    fn transfers(&self, project: &ProjectId) -> StoreResult<Vec<Transfer>> {
        Ok(self.of(project).transfers.all())
    }

    fn others_seq(&self, project: &ProjectId, ticket: TicketId) -> StoreResult<Option<Seq>> {
        Ok(self.of(project).others_seqs.row(&ticket))
    }

    fn put_others_seq(&mut self, project: &ProjectId, ticket: TicketId, seq: Seq) -> StoreResult<()> {
        self.change(project, |tables| tables.others_seqs.put(ticket, seq));
        Ok(())
    }

    fn own_read(&self, project: &ProjectId, ticket: TicketId) -> StoreResult<Option<Seq>> {
        Ok(self.of(project).own_reads.row(&ticket))
    }

    fn put_own_read(&mut self, project: &ProjectId, ticket: TicketId, through: Seq) -> StoreResult<()> {
        self.change(project, |tables| tables.own_reads.put(ticket, through));
        Ok(())
    }

    fn unread_count(&self, project: &ProjectId) -> StoreResult<u64> {
        let tables = self.of(project);
        let is_unread = |ticket: &&TicketId| tables.others_seqs.row(ticket) > tables.own_reads.row(ticket);
        Ok(tables.rows.keys().filter(is_unread).count() as u64)
    }

    fn mentions(&self, project: &ProjectId, ticket: TicketId) -> StoreResult<Mentions> {
        Ok(self.of(project).mentions.row(&ticket).unwrap_or_default())
    }

    fn put_mentions(
        &mut self,
        project: &ProjectId,
        ticket: TicketId,
        mentions: &Mentions,
    ) -> StoreResult<()> {
        self.change(project, |tables| tables.mentions.put(ticket, *mentions));
        Ok(())
    }

    fn mentioned_count(&self, project: &ProjectId) -> StoreResult<u64> {
        let tables = self.of(project);
        let is_new = |ticket: &&TicketId| {
            let mentions = tables.mentions.row(ticket).unwrap_or_default();
            mentions.is_new(tables.own_reads.row(ticket))
        };
        Ok(tables.rows.keys().filter(is_new).count() as u64)
    }

    fn read_mark(
        &self,
        project: &ProjectId,
        ticket: TicketId,
        user: UserId,
    ) -> StoreResult<Option<ReadMark>> {
        Ok(self.of(project).read_marks.row(&(ticket, user)))
    }

    fn read_marks(&self, project: &ProjectId, ticket: TicketId) -> StoreResult<Vec<ReadMark>> {
        let marks = self.of(project).read_marks.all();
        Ok(marks.into_iter().filter(|mark| mark.ticket == ticket).collect())
    }

    fn put_read_mark(&mut self, project: &ProjectId, mark: &ReadMark) -> StoreResult<()> {
        self.change(project, |tables| tables.read_marks.put((mark.ticket, mark.user), *mark));
        Ok(())
    }

    fn pending_reads(&self, project: &ProjectId, limit: usize) -> StoreResult<Vec<PendingRead>> {
        Ok(self.of(project).pending_reads.all().into_iter().take(limit).collect())
    }

    fn pending_read(&self, project: &ProjectId, ticket: TicketId) -> StoreResult<Option<PendingRead>> {
        Ok(self.of(project).pending_reads.row(&ticket))
    }

    fn put_pending_read(&mut self, project: &ProjectId, read: &PendingRead) -> StoreResult<()> {
        self.change(project, |tables| tables.pending_reads.put(read.ticket, *read));
        Ok(())
    }

    fn remove_pending_read(&mut self, project: &ProjectId, ticket: TicketId) -> StoreResult<()> {
        self.change(project, |tables| tables.pending_reads.drop_row(&ticket));
        Ok(())
    }

    fn kept(&self, project: &ProjectId) -> StoreResult<Vec<Kept>> {
        Ok(self.of(project).kept.all())
    }

    fn put_kept(&mut self, project: &ProjectId, kept: &Kept) -> StoreResult<()> {
        self.change(project, |tables| tables.kept.put(kept.key(), kept.clone()));
        Ok(())
    }

    fn remove_kept(&mut self, project: &ProjectId, key: &KeptKey) -> StoreResult<()> {
        self.change(project, |tables| tables.kept.drop_row(key));
        Ok(())
    }

    fn pending_kept(&self, project: &ProjectId) -> StoreResult<Vec<Kept>> {
        Ok(self.of(project).pending_kept.all())
    }

    fn put_pending_kept(&mut self, project: &ProjectId, kept: &Kept) -> StoreResult<()> {
        self.change(project, |tables| tables.pending_kept.put(kept.key(), kept.clone()));
        Ok(())
    }

    fn remove_pending_kept(&mut self, project: &ProjectId, key: &KeptKey) -> StoreResult<()> {
        self.change(project, |tables| tables.pending_kept.drop_row(key));
        Ok(())
    }

    fn pending_joins(&self) -> StoreResult<Vec<PendingJoin>> {
        Ok(self.device.pending_joins.all())
    }

    fn put_pending_join(&mut self, join: &PendingJoin) -> StoreResult<()> {
        self.device.pending_joins.put(join.project, join.clone());
        Ok(())
    }

    fn remove_pending_join(&mut self, project: &ProjectId) -> StoreResult<()> {
        self.device.pending_joins.drop_row(project);
        Ok(())
    }

    fn put_draft(&mut self, draft: &Draft) -> StoreResult<DraftId> {
        self.device.drafts_made += 1;
        let id = DraftId(self.device.drafts_made);
        self.device.drafts.put(id, draft.clone());
        Ok(id)
    }

    fn draft(&self, id: DraftId) -> StoreResult<Option<Draft>> {
        Ok(self.device.drafts.row(&id))
    }

    fn drafts(&self) -> StoreResult<Vec<(DraftId, Draft)>> {
        Ok(self.device.drafts.rows(..).collect())
    }

    fn remove_draft(&mut self, id: DraftId) -> StoreResult<()> {
        self.device.drafts.drop_row(&id);
        Ok(())
    }
}
