//! `note.*`: texts under a ticket that only the team sees.

use assist_crdt_model::{DocId, Edit, TicketId};
use assist_proto::api::note::{Add, Delete, Edit as EditParams, List, NoteWritten, Notes};
use assist_proto::api::{ApiError, limits};
use assist_proto::hub::Command;
use assist_proto::store::Membership;

use super::attachment::blobs_of;
use super::comment::{body, body_beside, comment_id};
use super::document::Document;
use super::errors::{Answer, Failure};
use super::rows::Names;
use super::ticket::{page_limit, show_comment};
use super::{LocalBackend, Written, reference};
use crate::api_server::Handle;
use crate::store::Reader;

impl Handle<Add> for LocalBackend {
    async fn handle(&self, params: Add) -> Result<NoteWritten, ApiError> {
        let (own, ticket) = self.noted_ticket(params.project.as_deref(), &params.ticket)?;
        let body = body_beside(params.body, !params.attachments.is_empty())?;
        let reply_to = params.reply_to.map(|text| comment_id(&text, "reply_to")).transpose()?;
        let attachments = self.attachments(params.attachments).await?;
        let blobs = blobs_of(&attachments);
        let hold_millis = self.hold_millis(&own, params.hold_millis)?;
        let project = own.project;
        let command = Command::Note { project, ticket, body, reply_to, attachments, hold_millis };
        let written = self.command(command).await;
        let written = Written::of(written.map_err(|it| it.with_field_of("no_such_comment", "reply_to"))?)?;
        self.uploads_are_named(blobs);
        let note = written.comment.ok_or_else(|| Failure::unforeseen("a note was written without an id"))?;
        Ok(self.note_written(&written, note.to_string())?)
    }
}

impl Handle<EditParams> for LocalBackend {
    async fn handle(&self, params: EditParams) -> Result<NoteWritten, ApiError> {
        let (own, ticket) = self.noted_ticket(params.project.as_deref(), &params.ticket)?;
        let id = comment_id(&params.note, "note")?;
        let edit = Edit::EditNote { id, body: body(params.body)? };
        Ok(self.edit_note(&own, ticket, params.note, edit).await?)
    }
}

impl Handle<Delete> for LocalBackend {
    async fn handle(&self, params: Delete) -> Result<NoteWritten, ApiError> {
        let (own, ticket) = self.noted_ticket(params.project.as_deref(), &params.ticket)?;
        let id = comment_id(&params.note, "note")?;
        Ok(self.edit_note(&own, ticket, params.note, Edit::DeleteNote(id)).await?)
    }
}

impl Handle<List> for LocalBackend {
    async fn handle(&self, params: List) -> Result<Notes, ApiError> {
        let limit = page_limit(params.limit, limits::PAGE_ROWS_DEFAULT)?;
        let (own, ticket) = self.noted_ticket(params.project.as_deref(), &params.ticket)?;
        let doc = DocId::Notes(ticket);
        self.verify(own.project, doc).await?;
        Ok(self.read(move |reader| list(reader, &own, doc, params.offset, limit)).await?)
    }
}

impl LocalBackend {
    /// The ticket that is meant, where its notes are for this device's user. To others it is not said whether there
    /// are any.
    fn noted_ticket(&self, project: Option<&str>, ticket: &str) -> Answer<(Membership, TicketId)> {
        let (own, ticket) = reference::ticket(&self.reader()?, project, ticket, "ticket")?;
        if own.role.is_team() {
            return Ok((own, ticket));
        }
        let message = "only the team has notes: write a comment, which all members of the ticket read";
        Err(ApiError::not_allowed("not_allowed", message).into())
    }

    async fn edit_note(
        &self,
        own: &Membership,
        ticket: TicketId,
        note: String,
        edit: Edit,
    ) -> Answer<NoteWritten> {
        let doc = DocId::Notes(ticket);
        let command = Command::Edit { project: own.project, doc, edits: vec![edit] };
        let written = self.write(own.project, doc, command).await;
        self.note_written(&written.map_err(|failure| failure.with_field_of("no_such_comment", "note"))?, note)
    }

    fn note_written(&self, written: &Written, note: String) -> Answer<NoteWritten> {
        let ticket = self.ticket_written(written)?;
        Ok(NoteWritten { ticket: ticket.ticket, note, change: ticket.change })
    }
}

fn list(reader: &Reader, own: &Membership, doc: DocId, offset: u64, limit: usize) -> Answer<Notes> {
    let Some(document) = Document::load(reader, own, doc)? else {
        return Ok(Notes { notes: Vec::new(), total: 0 });
    };
    let all = document.doc.notes().unwrap_or_default();
    let total = all.len() as u64;
    let mut names = Names::new(reader);
    let skipped = usize::try_from(offset).unwrap_or(usize::MAX);
    let notes = all.into_iter().skip(skipped).take(limit);
    let notes = notes.map(|note| show_comment(&document, own, &mut names, note));
    Ok(Notes { notes: notes.collect::<Answer<_>>()?, total })
}
