//! `comment.*`: texts under a ticket.

use std::time::Duration;

use assist_crdt_model::{Body, CommentId, DocId, Edit};
use assist_proto::api::ApiError;
use assist_proto::api::comment::{Add, CommentWritten, Delete, Edit as EditParams, Undo, Undone};
use assist_proto::api::limits;
use assist_proto::hub::{Command, Reply};
use assist_proto::store::Membership;

use super::attachment::blobs_of;
use super::errors::{Answer, Failure, invalid, of_id, of_text};
use super::rows::Names;
use super::{LocalBackend, Written, reference};
use crate::api_server::Handle;

impl Handle<Add> for LocalBackend {
    async fn handle(&self, params: Add) -> Result<CommentWritten, ApiError> {
        let (own, ticket) =
            reference::ticket(&self.reader()?, params.project.as_deref(), &params.ticket, "ticket")?;
        let body = body_beside(params.body, !params.attachments.is_empty())?;
        let reply_to = params.reply_to.map(|text| comment_id(&text, "reply_to")).transpose()?;
        let attachments = self.attachments(params.attachments).await?;
        let blobs = blobs_of(&attachments);
        let hold_millis = self.hold_millis(&own, params.hold_millis)?;
        let project = own.project;
        let command = Command::Comment { project, ticket, body, reply_to, attachments, hold_millis };
        let written = self.command(command).await.map_err(|failure| match reply_to {
            Some(_) => failure.with_field_of("no_such_comment", "reply_to"),
            None => failure,
        })?;
        let written = Written::of(written)?;
        self.uploads_are_named(blobs);
        let comment =
            written.comment.ok_or_else(|| Failure::unforeseen("a comment was written without an id"))?;
        Ok(self.comment_written(&written, comment)?)
    }
}

impl Handle<EditParams> for LocalBackend {
    async fn handle(&self, params: EditParams) -> Result<CommentWritten, ApiError> {
        let (own, doc) = self.ticket_doc(params.project.as_deref(), &params.ticket)?;
        let id = comment_id(&params.comment, "comment")?;
        let edit = Edit::EditComment { id, body: body(params.body)? };
        Ok(self.edit_comment(&own, doc, id, edit).await?)
    }
}

impl Handle<Delete> for LocalBackend {
    async fn handle(&self, params: Delete) -> Result<CommentWritten, ApiError> {
        let (own, doc) = self.ticket_doc(params.project.as_deref(), &params.ticket)?;
        let id = comment_id(&params.comment, "comment")?;
        Ok(self.edit_comment(&own, doc, id, Edit::DeleteComment(id)).await?)
    }
}

impl Handle<Undo> for LocalBackend {
    async fn handle(&self, params: Undo) -> Result<Undone, ApiError> {
        let project = match &params.project {
            Some(_) => Some(reference::project(&self.reader()?, params.project.as_deref())?.project),
            None => None,
        };
        let comment = params.comment.map(|text| comment_id(&text, "comment")).transpose()?;
        let Reply::TakenBack { project, doc, comment, change, body } =
            self.command(Command::TakeBack { project, comment }).await?
        else {
            return Err(Failure::unforeseen("a wish to take back was answered with something else").into());
        };
        let is_note = matches!(doc, DocId::Notes(_));
        let reader = self.reader()?;
        let ticket = doc.ticket().map(|ticket| Names::new(&reader).ticket(project, ticket)).transpose()?;
        let ticket = ticket.ok_or_else(|| Failure::unforeseen("a comment stood under no ticket"))?;
        let (comment, draft) = (comment.to_string(), change.to_string());
        Ok(Undone { ticket, comment, is_note, body: body.to_string(), draft })
    }
}

impl LocalBackend {
    /// How long something written is held back: as asked, or as configured, or as usual for the role.
    pub(super) fn hold_millis(&self, own: &Membership, asked: Option<u64>) -> Answer<u64> {
        let usual = if own.role.is_team() { limits::HOLD_OF_TEAM } else { Duration::ZERO };
        let hold = asked.map_or(self.info.hold.unwrap_or(usual), Duration::from_millis);
        if hold > limits::HOLD_MAX {
            let message = format!("at most {} ms are held back", limits::HOLD_MAX.as_millis());
            return Err(invalid("hold_too_long", "hold_millis", message));
        }
        Ok(u64::try_from(hold.as_millis()).unwrap_or(u64::MAX))
    }

    fn ticket_doc(&self, project: Option<&str>, ticket: &str) -> Answer<(Membership, DocId)> {
        let (own, ticket) = reference::ticket(&self.reader()?, project, ticket, "ticket")?;
        Ok((own, DocId::Ticket(ticket)))
    }

    async fn edit_comment(
        &self,
        own: &Membership,
        doc: DocId,
        id: CommentId,
        edit: Edit,
    ) -> Answer<CommentWritten> {
        let command = Command::Edit { project: own.project, doc, edits: vec![edit] };
        let written = self.write(own.project, doc, command).await;
        self.comment_written(
            &written.map_err(|failure| failure.with_field_of("no_such_comment", "comment"))?,
            id,
        )
    }

    fn comment_written(&self, written: &Written, comment: CommentId) -> Answer<CommentWritten> {
        let ticket = self.ticket_written(written)?;
        Ok(CommentWritten { ticket: ticket.ticket, comment: comment.to_string(), change: ticket.change })
    }
}

/// A text that may be empty if there is something else to see.
pub(super) fn body_beside(text: String, has_attachments: bool) -> Answer<Body> {
    if has_attachments { Body::parse(text).map_err(of_text("body")) } else { body(text) }
}

pub(super) fn body(text: String) -> Answer<Body> {
    let body = Body::parse(text).map_err(of_text("body"))?;
    if body.is_blank() {
        return Err(invalid("text_empty", "body", "the text is empty"));
    }
    Ok(body)
}

pub(super) fn comment_id(text: &str, field: &str) -> Answer<CommentId> {
    text.trim().parse().map_err(of_id(field))
}
