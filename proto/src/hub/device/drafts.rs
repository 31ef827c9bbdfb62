//! What the server refused: it leaves the document, what follows it is written again, its text is kept as a draft.

use std::collections::HashMap;

use assist_crdt_model::{
    Body, ChangeHash, CommentId, DocId, Edit, EditError, ProjectId, RejectCode, UnixMillis,
};

use super::super::action::{Action, Cause, Notice};
use super::hold::written_text;
use super::outbox::outbox_entry;
use super::{CommandError, DeviceHub, Reply};
use crate::hub::WireEdit;
use crate::store::{DeviceStore, Draft, DraftId, OutboxEntry, StoreResult};
use crate::wire::RejectedChange;

/// An own change that left its document, and what its author wanted.
pub(super) struct Withdrawn {
    entry: OutboxEntry,
    edits: Vec<Edit>,
}

impl Withdrawn {
    /// Its change, as it was.
    pub(super) const fn change(&self) -> ChangeHash {
        self.entry.change
    }

    /// The comment or note that it wrote.
    pub(super) fn text(&self) -> Option<(CommentId, Body)> {
        self.edits.iter().find_map(written_text).map(|(id, body)| (*id, body.clone()))
    }
}

impl DeviceHub {
    /// An own change will never be admitted: it and what builds on it leave the document; the refused text is kept,
    /// and the rest is written again on what the server has.
    pub(super) fn handle_rejected(
        &mut self,
        id: ProjectId,
        rejected: RejectedChange,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        let Some(project) = self.projects.get(&id) else { return Ok(()) };
        let Some(position) = project.outbox.position(&rejected.change) else { return Ok(()) };
        let Some(refused) = outbox_entry(&id, position, store)? else { return Ok(()) };
        let doc = refused.envelope.doc;
        if rejected.code == RejectCode::MissingDep.number() && self.repair_server(id, doc, store)? {
            return Ok(());
        }
        let mut rest = self.withdraw(id, doc, position, store)?;
        // Two lives of this device wrote as one actor: nothing is wrong with what was written, only with the name.
        let is_clash = rejected.code == RejectCode::WrongSeq.number() && self.may_rewrite(id, doc);
        if !is_clash && !rest.is_empty() {
            let refused = rest.remove(0);
            self.keep_draft(id, &refused, rejected.code, rejected.detail, store)?;
        }
        self.write_again(id, doc, rest, "it builds on a change that was refused", store)?;
        self.touch_again(id, doc, store)?;
        self.notify_ticket(id, doc, Cause::Remote, None);
        Ok(())
    }

    /// The row of a ticket that own changes have left tells when the others changed it last.
    pub(super) fn touch_again(
        &mut self,
        id: ProjectId,
        doc: DocId,
        store: &dyn DeviceStore,
    ) -> StoreResult<()> {
        let newest = store.doc_records(&id, doc)?.iter().map(|record| (record.seq, record.admitted_at)).max();
        if let Some(touched) = self.touch(id, doc) {
            touched.admitted = touched.admitted.max(newest);
        }
        Ok(())
    }

    /// Takes the document's own changes from a position on out of the outbox and the document, and never uses their
    /// actor again.
    pub(super) fn withdraw(
        &mut self,
        id: ProjectId,
        doc: DocId,
        from: u64,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<Vec<Withdrawn>> {
        let mut edits_of = self.edits_by_change(id, doc, store)?;
        let mut withdrawn = Vec::new();
        for (position, entry) in store.outbox_of_doc(&id, doc)? {
            if position < from {
                continue;
            }
            if let Some(project) = self.projects.get_mut(&id) {
                project.outbox.forget(&entry.change);
            }
            store.remove_outbox(&id, position)?;
            let edits = edits_of.remove(&entry.change).unwrap_or_default();
            withdrawn.push(Withdrawn { entry, edits });
        }
        self.rise(id, store)?;
        self.docs.remove(&(id, doc));
        Ok(withdrawn)
    }

    /// Makes new changes of what was withdrawn. What cannot be made any more is kept as a draft.
    pub(super) fn write_again(
        &mut self,
        id: ProjectId,
        doc: DocId,
        withdrawn: Vec<Withdrawn>,
        why: &str,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        for withdrawn in withdrawn {
            let (made_at, held_until) = (withdrawn.entry.made_at, withdrawn.entry.held_until);
            match self.write(made_at, id, doc, &withdrawn.edits, held_until, store)? {
                // What was wanted is so already.
                Ok(_) | Err(CommandError::Edit(EditError::NothingToDo)) => {}
                Err(error) => {
                    let code = RejectCode::RejectedDep.number();
                    let reason = format!("{why}: {error}");
                    self.keep_draft(id, &withdrawn, code, reason, store)?;
                }
            }
        }
        Ok(())
    }

    /// Once in a session for a document, so that a server that always says no is not asked for ever.
    fn may_rewrite(&mut self, id: ProjectId, doc: DocId) -> bool {
        self.projects.get_mut(&id).is_some_and(|project| project.session.rewritten.insert(doc))
    }

    /// A new incarnation, far from any that a former life of this device may have used without its knowing.
    pub(super) fn rise(&mut self, id: ProjectId, store: &mut dyn DeviceStore) -> StoreResult<()> {
        let step = u32::from_be_bytes(self.dice.bytes()) % INCARNATION_STEP_MAX + 1;
        let Some(project) = self.projects.get_mut(&id) else { return Ok(()) };
        project.membership.incarnation = project.membership.incarnation.wrapping_add(step);
        store.put_membership(&project.membership)
    }

    pub(super) fn edits_by_change(
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

    pub(super) fn keep_draft(
        &mut self,
        project: ProjectId,
        refused: &Withdrawn,
        code: u16,
        reason: String,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        let draft = store.put_draft(&Draft {
            project,
            doc: refused.entry.envelope.doc,
            change: refused.entry.change,
            edits: refused.edits.iter().map(WireEdit::from).collect(),
            code,
            reason,
            made_at: refused.entry.made_at,
            refused_at: Some(self.now),
        })?;
        self.actions.push(Action::Notify(Notice::DraftAdded { project, draft }));
        Ok(())
    }

    pub(super) fn discard_draft(
        &mut self,
        draft: DraftId,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<Result<Reply, CommandError>> {
        let Some(kept) = store.draft(draft)? else { return Ok(Err(CommandError::NoSuchDraft)) };
        self.drop_draft(draft, &kept, store)?;
        Ok(Ok(Reply::Done))
    }

    fn drop_draft(&mut self, id: DraftId, draft: &Draft, store: &mut dyn DeviceStore) -> StoreResult<()> {
        let (project, change) = (draft.project, draft.change);
        self.actions.push(Action::Notify(Notice::DraftRemoved { project, change }));
        if draft.edits.iter().any(WireEdit::has_attachments) {
            self.actions.push(Action::SweepBlobs);
        }
        store.remove_draft(id)
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
        self.verify_doc(kept.project, kept.doc, store)?;
        let edits = kept.edits.iter().cloned().map(Edit::try_from).collect::<Result<Vec<_>, _>>();
        // Of a draft either all is written or nothing: the part that this version cannot make would be lost.
        let Ok(edits) = edits else { return Ok(Err(CommandError::UnknownEdit)) };
        let written = self.write(now, kept.project, kept.doc, &edits, None, store)?;
        if written.is_ok() {
            self.drop_draft(draft, &kept, store)?;
        }
        Ok(written)
    }
}

/// Far more than the restarts and refusals between a backup and its restoration.
const INCARNATION_STEP_MAX: u32 = 1 << 20;
