//! Second thoughts: what is written waits a moment before it leaves, and can be taken back for as long as it is here.
//!
//! A comment or note is marked as held for as long as it has certainly not left: while its hold is on, and after that
//! while there is no way to the server. What is marked is taken back as if it had been refused: it leaves the document,
//! what follows it is written again, and its text is kept as a draft.

use assist_crdt_model::{Body, CommentId, DocId, Edit, ProjectId, UnixMillis};

use super::super::action::Cause;
use super::drafts::Withdrawn;
use super::outbox::outbox_entry;
use super::{CommandError, DeviceHub, Reply};
use crate::store::{DeviceStore, Draft, StoreResult};

impl DeviceHub {
    /// Writes a comment or note that stays here for some time, and longer if nothing can leave.
    pub(super) fn write_text(
        &mut self,
        now: UnixMillis,
        project: ProjectId,
        doc: DocId,
        edit: Edit,
        hold_millis: u64,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<Result<Reply, CommandError>> {
        let is_held = hold_millis > 0 || !self.would_leave_now(&project, doc);
        let held_until = is_held.then(|| UnixMillis(now.0.saturating_add(hold_millis)));
        self.edit_held(now, project, doc, &[edit], held_until, store)
    }

    /// Takes a comment or note back, the newest unless one is named: if it has not left.
    pub(super) fn take_back(
        &mut self,
        project: Option<ProjectId>,
        comment: Option<CommentId>,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<Result<Reply, CommandError>> {
        let Some((id, doc, position)) = self.find_held(project, comment, store)? else {
            return Ok(Err(CommandError::HasLeft));
        };
        let mut withdrawn = self.withdraw(id, doc, position, store)?.into_iter();
        let taken = withdrawn.next();
        let text = taken.as_ref().and_then(Withdrawn::text);
        let (Some(taken), Some((comment, body))) = (taken, text) else {
            return Ok(Err(CommandError::HasLeft));
        };
        let reason = "it was taken back before it left this device".to_owned();
        self.keep_draft(id, &taken, Draft::TAKEN_BACK, reason, store)?;
        self.write_again(id, doc, withdrawn.collect(), "it builds on what was taken back", store)?;
        self.touch_again(id, doc, store)?;
        let user = self.projects.get(&id).map(|project| project.membership.user);
        self.notify_ticket(id, doc, Cause::Local, user);
        self.notify_sync(id);
        Ok(Ok(Reply::TakenBack { project: id, doc, comment, change: taken.change(), body }))
    }

    /// Where what is to be taken back waits: the newest that fits.
    fn find_held(
        &mut self,
        project: Option<ProjectId>,
        comment: Option<CommentId>,
        store: &dyn DeviceStore,
    ) -> StoreResult<Option<(ProjectId, DocId, u64)>> {
        let ids = self.projects.keys().copied().filter(|id| project.is_none_or(|only| only == *id));
        let mut newest = None;
        for id in ids.collect::<Vec<_>>() {
            let held = self.projects.get(&id).map(|project| project.outbox.held()).unwrap_or_default();
            for (position, doc) in held {
                let Some(entry) = outbox_entry(&id, position, store)? else { continue };
                let edits = self.edits_by_change(id, doc, store)?.remove(&entry.change);
                let is_meant = |(id, _): (&CommentId, &Body)| comment.is_none_or(|meant| meant == *id);
                if !edits.unwrap_or_default().iter().filter_map(written_text).any(is_meant) {
                    continue;
                }
                newest = newest.max(Some((entry.made_at, position, id, doc)));
                break;
            }
        }
        Ok(newest.map(|(_, position, id, doc)| (id, doc, position)))
    }
}

/// The comment or note that an edit writes.
pub(super) fn written_text(edit: &Edit) -> Option<(&CommentId, &Body)> {
    match edit {
        Edit::AddComment { id, body, .. } | Edit::AddNote { id, body, .. } => Some((id, body)),
        _ => None,
    }
}
