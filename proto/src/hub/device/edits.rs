//! What a person writes here: one change, signed, durable, visible at once, and on its way if there is one.

use assist_crdt_model::{
    Actor, Attachment, Author, Body, CommentId, DocId, Edit, EditError, ProjectId, TicketId, Title,
    UnixMillis, UserId,
};

use super::super::action::Cause;
use super::{CommandError, DeviceHub, Reply, Write};
use crate::envelope::Envelope;
use crate::store::{DeviceStore, OutboxEntry, StoreResult};

type Outcome = StoreResult<Result<Reply, CommandError>>;

impl DeviceHub {
    #[expect(clippy::too_many_arguments, reason = "the fields of one command, taken apart once")]
    pub(super) fn create_ticket(
        &mut self,
        now: UnixMillis,
        project: ProjectId,
        requester: Option<UserId>,
        title: Title,
        body: Body,
        more: Vec<Edit>,
        store: &mut dyn DeviceStore,
    ) -> Outcome {
        let Some(entry) = self.projects.get(&project) else { return Ok(Err(CommandError::NotJoined)) };
        let requester = requester.unwrap_or(entry.membership.user);
        let ticket = TicketId::from_bytes(self.dice.bytes());
        let mut edits = vec![Edit::CreateTicket { requester, title, body }];
        edits.extend(more);
        self.write(now, project, DocId::Ticket(ticket), &edits, None, store)
    }

    /// What a new ticket brings along stands under its first comment: it has no place for files of its own.
    pub(super) fn with_first_comment(
        &mut self,
        now: UnixMillis,
        mut edits: Vec<Edit>,
        attachments: Vec<Attachment>,
    ) -> Vec<Edit> {
        if !attachments.is_empty() {
            let id = CommentId::new(now, self.dice.bytes());
            edits.push(Edit::AddComment { id, body: Body::default(), reply_to: None, attachments });
        }
        edits
    }

    /// Changes a document that is there. Notes are, if their ticket is.
    pub(super) fn edit(
        &mut self,
        now: UnixMillis,
        project: ProjectId,
        doc: DocId,
        edits: &[Edit],
        store: &mut dyn DeviceStore,
    ) -> Outcome {
        self.edit_held(now, project, doc, edits, None, store)
    }

    /// The same, held back until a time.
    pub(super) fn edit_held(
        &mut self,
        now: UnixMillis,
        project: ProjectId,
        doc: DocId,
        edits: &[Edit],
        held_until: Option<UnixMillis>,
        store: &mut dyn DeviceStore,
    ) -> Outcome {
        if !self.projects.contains_key(&project) {
            return Ok(Err(CommandError::NotJoined));
        }
        self.verify_doc(project, doc, store)?;
        let base = doc.ticket().map_or(doc, DocId::Ticket);
        self.verify_doc(project, base, store)?;
        if self.load_doc(project, base, store)?.heads().is_empty() {
            let is_coming = match doc.ticket() {
                Some(ticket) => store.row(&project, ticket)?.is_some(),
                None => true,
            };
            return Ok(Err(if is_coming { CommandError::NotLoaded } else { CommandError::NoSuchTicket }));
        }
        self.write(now, project, doc, edits, held_until, store)
    }

    /// Changes one document after the other.
    pub(super) fn edit_many(
        &mut self,
        now: UnixMillis,
        writes: Vec<Write>,
        stops_at_failure: bool,
        store: &mut dyn DeviceStore,
    ) -> Outcome {
        let mut outcomes = Vec::with_capacity(writes.len());
        for Write { project, doc, edits } in writes {
            let outcome = self.edit(now, project, doc, &edits, store)?;
            let has_failed = !matches!(&outcome, Ok(_) | Err(CommandError::Edit(EditError::NothingToDo)));
            outcomes.push(outcome);
            if has_failed && stops_at_failure {
                break;
            }
        }
        Ok(Ok(Reply::WrittenMany(outcomes)))
    }

    /// Hands a ticket to this device's user, if nobody works on it as far as is known here. Two who claim it while
    /// apart are a conflict of the field, which the ticket shows.
    pub(super) fn claim(
        &mut self,
        now: UnixMillis,
        project: ProjectId,
        ticket: TicketId,
        store: &mut dyn DeviceStore,
    ) -> Outcome {
        let Some(user) = self.projects.get(&project).map(|project| project.membership.user) else {
            return Ok(Err(CommandError::NotJoined));
        };
        let doc = DocId::Ticket(ticket);
        self.verify_doc(project, doc, store)?;
        let summary = self.load_doc(project, doc, store)?.summary();
        match summary.and_then(|summary| summary.assignee) {
            Some(by) if by != user => Ok(Err(CommandError::Taken { by })),
            _ => self.edit(now, project, doc, &[Edit::SetAssignee(Some(user))], store),
        }
    }

    /// Makes one change of some edits, whether the document is there or these edits make it.
    pub(super) fn write(
        &mut self,
        now: UnixMillis,
        id: ProjectId,
        doc: DocId,
        edits: &[Edit],
        held_until: Option<UnixMillis>,
        store: &mut dyn DeviceStore,
    ) -> Outcome {
        let Some(project) = self.projects.get(&id) else { return Ok(Err(CommandError::NotJoined)) };
        let incarnation = project.membership.incarnation;
        if project.sync.lacking.contains(&doc) {
            return Ok(Err(CommandError::NotLoaded));
        }
        if let Err(error) = self.check_attachments(id, edits) {
            return Ok(Err(error));
        }
        let author = Author {
            user: project.membership.user,
            role: project.membership.role,
            actor: Actor::derive(&self.device, incarnation),
        };
        let made = match self.load_doc(id, doc, store)?.apply(&author, now, edits) {
            Ok(made) => made,
            Err(error) => return Ok(Err(CommandError::Edit(error))),
        };
        let change = made.hash;
        let envelope = Envelope::sign(&self.key, &id, doc, incarnation, made);
        let entry = OutboxEntry { change, made_at: now, envelope, held_until };
        let position = store.push_outbox(&id, &entry)?;
        if let Some(project) = self.projects.get_mut(&id) {
            project.outbox.add(position, &entry);
        }
        if let Some(touched) = self.touch(id, doc) {
            touched.written_at = touched.written_at.max(Some(now));
        }
        self.send_attachments(id, doc, edits, store)?;
        self.notify_edits(id, doc, edits, Cause::Local, author.user);
        self.notify_sync(id);
        self.push_outbox(id, store)?;
        let comment = edits.iter().find_map(|edit| match edit {
            Edit::AddComment { id, .. } | Edit::AddNote { id, .. } => Some(*id),
            _ => None,
        });
        Ok(Ok(Reply::Written { project: id, doc, change, comment }))
    }
}
