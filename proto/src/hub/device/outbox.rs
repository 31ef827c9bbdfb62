//! Own changes on their way to the server: pushed within a window, settled by acks, turned into drafts by refusals.

use std::collections::{BTreeMap, HashMap};

use assist_crdt_model::{ChangeHash, DocId, Edit, ProjectId, RejectCode, UnixMillis};

use super::super::action::{Action, Cause, Notice};
use super::{CommandError, DeviceHub, Reply};
use crate::envelope::Envelope;
use crate::hub::WireEdit;
use crate::limits;
use crate::store::{DeviceStore, Draft, DraftId, OutboxEntry, Record, StoreResult};
use crate::wire::{Ack, PeerMessage, Push, RejectedChange, Verdicts};

/// Which own changes wait, and how far they were pushed in this session.
#[derive(Default)]
pub(super) struct Outbox {
    positions: HashMap<ChangeHash, u64>,
    /// Everything before this position was pushed.
    next_push: u64,
    /// Sizes in bytes of what was pushed and not answered.
    in_flight: BTreeMap<u64, usize>,
    in_flight_bytes: usize,
}

impl Outbox {
    pub(super) fn load(project: &ProjectId, store: &dyn DeviceStore) -> StoreResult<Self> {
        let mut outbox = Self::default();
        let mut from = 0;
        loop {
            let entries = store.outbox(project, from, limits::PUSH_ENVELOPES_MAX)?;
            let Some((last, _)) = entries.last() else { return Ok(outbox) };
            from = last + 1;
            outbox.positions.extend(entries.iter().map(|(position, entry)| (entry.change, *position)));
        }
    }

    /// Starts over with a new session: nothing was pushed in it.
    pub(super) fn rewind(&mut self) {
        self.next_push = 0;
        self.in_flight.clear();
        self.in_flight_bytes = 0;
    }

    pub(super) fn add(&mut self, change: ChangeHash, position: u64) {
        self.positions.insert(change, position);
    }

    fn forget(&mut self, change: &ChangeHash) -> Option<u64> {
        let position = self.positions.remove(change)?;
        if let Some(size_bytes) = self.in_flight.remove(&position) {
            self.in_flight_bytes -= size_bytes;
        }
        Some(position)
    }
}

impl DeviceHub {
    /// Pushes what was not pushed yet, as far as the window goes.
    pub(super) fn push_outbox(&mut self, id: ProjectId, store: &dyn DeviceStore) -> StoreResult<()> {
        loop {
            let Some(project) = self.projects.get_mut(&id) else { return Ok(()) };
            let Some(link) = project.trusted_link() else { return Ok(()) };
            let outbox = &mut project.outbox;
            if outbox.in_flight_bytes >= limits::PUSH_WINDOW_BYTES || outbox.positions.is_empty() {
                return Ok(());
            }
            let entries = store.outbox(&id, outbox.next_push, limits::PUSH_ENVELOPES_MAX)?;
            let mut envelopes = Vec::with_capacity(entries.len());
            let mut batch_bytes = 0;
            for (position, entry) in entries {
                let size_bytes = entry.envelope.change.len();
                outbox.next_push = position + 1;
                outbox.in_flight.insert(position, size_bytes);
                outbox.in_flight_bytes += size_bytes;
                batch_bytes += size_bytes;
                envelopes.push(entry.envelope);
                if batch_bytes >= limits::BATCH_BYTES {
                    break;
                }
            }
            if envelopes.is_empty() {
                return Ok(());
            }
            self.send(link, &PeerMessage::Push(Push { project: id, envelopes }));
        }
    }

    pub(super) fn handle_verdicts(
        &mut self,
        now: UnixMillis,
        id: ProjectId,
        verdicts: Verdicts,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        for ack in &verdicts.acks {
            self.settle(id, ack, store)?;
        }
        for rejected in verdicts.rejected {
            self.handle_rejected(now, id, rejected, store)?;
        }
        self.notify_sync(id);
        self.push_outbox(id, store)
    }

    /// An own change is durable on the server: it moves from the outbox to the records. Returns whether it waited.
    pub(super) fn settle(
        &mut self,
        id: ProjectId,
        ack: &Ack,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<bool> {
        let Some(project) = self.projects.get_mut(&id) else { return Ok(false) };
        let Some(position) = project.outbox.forget(&ack.change) else { return Ok(false) };
        let Some((_, entry)) = store.outbox(&id, position, 1)?.into_iter().find(|(at, _)| *at == position)
        else {
            return Ok(false);
        };
        let Ack { doc, seq, admitted_at, serial, number, .. } = *ack;
        store.remove_outbox(&id, position)?;
        store.append_record(&id, &Record { seq, admitted_at, serial, number, envelope: entry.envelope })?;
        self.touch(id, doc, admitted_at, Some((seq, number)));
        self.notify_ticket(id, doc, Cause::Local, None);
        Ok(true)
    }

    /// An own change will never be admitted: it and what builds on it leave the document; the refused text is kept,
    /// and the rest is written again on what the server has.
    fn handle_rejected(
        &mut self,
        now: UnixMillis,
        id: ProjectId,
        rejected: RejectedChange,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        let Some(project) = self.projects.get_mut(&id) else { return Ok(()) };
        let Some(position) = project.outbox.positions.get(&rejected.change).copied() else { return Ok(()) };
        let Some((_, refused)) = store.outbox(&id, position, 1)?.into_iter().find(|(at, _)| *at == position)
        else {
            return Ok(());
        };
        let doc = refused.envelope.doc;
        if rejected.code == RejectCode::MissingDep.number() && project.repaired.insert(doc) {
            return self.push_whole_doc(id, doc, store);
        }
        let edits_of: HashMap<ChangeHash, Vec<Edit>> = self.edits_by_change(id, doc, store)?;
        let own = store.outbox_of_doc(&id, doc)?;
        let lost: Vec<OutboxEntry> =
            own.into_iter().filter(|(at, _)| *at >= position).map(|(_, entry)| entry).collect();
        self.take_back(id, doc, &lost, store)?;
        self.keep_draft(id, &refused, &edits_of, rejected.code, rejected.detail, store)?;
        for entry in lost.iter().filter(|entry| entry.change != refused.change) {
            let edits = edits_of.get(&entry.change).map_or(&[][..], Vec::as_slice);
            if self.write(entry.made_at, id, doc, edits, store)?.is_err() {
                let code = RejectCode::RejectedDep.number();
                let reason = "it builds on a change that was refused".to_owned();
                self.keep_draft(id, entry, &edits_of, code, reason, store)?;
            }
        }
        self.touch(id, doc, now, None);
        self.notify_ticket(id, doc, Cause::Remote, None);
        Ok(())
    }

    /// Drops own changes from the outbox and the document, and never uses their actor again.
    fn take_back(
        &mut self,
        id: ProjectId,
        doc: DocId,
        lost: &[OutboxEntry],
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        let Some(project) = self.projects.get_mut(&id) else { return Ok(()) };
        for entry in lost {
            if let Some(position) = project.outbox.forget(&entry.change) {
                store.remove_outbox(&id, position)?;
            }
        }
        project.membership.incarnation += 1;
        store.put_membership(&project.membership)?;
        self.docs.remove(&(id, doc));
        Ok(())
    }

    fn edits_by_change(
        &mut self,
        id: ProjectId,
        doc: DocId,
        store: &dyn DeviceStore,
    ) -> StoreResult<HashMap<ChangeHash, Vec<Edit>>> {
        let history = self.load_doc(id, doc, store)?.history();
        Ok(history
            .into_iter()
            .map(|entry| (entry.change, entry.edits.into_iter().map(|(edit, _)| edit).collect()))
            .collect())
    }

    fn keep_draft(
        &mut self,
        project: ProjectId,
        entry: &OutboxEntry,
        edits_of: &HashMap<ChangeHash, Vec<Edit>>,
        code: u16,
        reason: String,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        let edits = edits_of.get(&entry.change).map_or(&[][..], Vec::as_slice);
        let draft = store.put_draft(&Draft {
            project,
            doc: entry.envelope.doc,
            change: entry.change,
            edits: edits.iter().map(WireEdit::from).collect(),
            code,
            reason,
            made_at: entry.made_at,
        })?;
        self.actions.push(Action::Notify(Notice::DraftAdded { project, draft }));
        Ok(())
    }

    /// The server lacks what an own change builds on: it lost something that this device has. Whoever wrote it, it
    /// is signed, so it goes there again, and the own changes after it.
    fn push_whole_doc(&mut self, id: ProjectId, doc: DocId, store: &dyn DeviceStore) -> StoreResult<()> {
        let Some(link) = self.projects.get(&id).and_then(super::Project::trusted_link) else { return Ok(()) };
        let records = store.doc_records(&id, doc)?.into_iter().map(|record| record.envelope);
        let own = store.outbox_of_doc(&id, doc)?.into_iter().map(|(_, entry)| entry.envelope);
        let envelopes: Vec<Envelope> = records.chain(own).collect();
        for batch in envelopes.chunks(REPAIR_BATCH_ENVELOPES) {
            self.send(link, &PeerMessage::Push(Push { project: id, envelopes: batch.to_vec() }));
        }
        Ok(())
    }

    pub(super) fn discard_draft(
        draft: DraftId,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<Result<Reply, CommandError>> {
        if store.draft(draft)?.is_none() {
            return Ok(Err(CommandError::NoSuchDraft));
        }
        store.remove_draft(draft)?;
        Ok(Ok(Reply::Done))
    }

    /// Writes a refused text once more; the draft goes only if that worked here.
    pub(super) fn retry_draft(
        &mut self,
        now: UnixMillis,
        draft: DraftId,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<Result<Reply, CommandError>> {
        let Some(kept) = store.draft(draft)? else { return Ok(Err(CommandError::NoSuchDraft)) };
        if !self.projects.contains_key(&kept.project) {
            return Ok(Err(CommandError::NotJoined));
        }
        let edits: Vec<Edit> = kept.edits.into_iter().filter_map(|edit| Edit::try_from(edit).ok()).collect();
        let written = self.write(now, kept.project, kept.doc, &edits, store)?;
        if written.is_ok() {
            store.remove_draft(draft)?;
        }
        Ok(written)
    }
}

/// Six changes of the largest size fit one frame.
const REPAIR_BATCH_ENVELOPES: usize = 6;
