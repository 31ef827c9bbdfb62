//! `ticket.undo`: a change is taken back by another one.

use assist_crdt_model::{ChangeHash, Doc, DocId, UndoError};
use assist_proto::api::ApiError;
use assist_proto::api::ticket::{TicketWritten, Undo};
use assist_proto::hub::Command;

use super::super::LocalBackend;
use super::super::document::Document;
use super::super::errors::{Answer, Failure, invalid};
use super::no_such_ticket;
use crate::api_server::Handle;

impl Handle<Undo> for LocalBackend {
    async fn handle(&self, params: Undo) -> Result<TicketWritten, ApiError> {
        let (own, row) = self.verified_ticket(params.project.as_deref(), &params.ticket).await?;
        let doc = DocId::Ticket(row.ticket);
        let document = Document::load(&self.reader()?, &own, doc)?.ok_or_else(no_such_ticket)?;
        let change = change_of(&document.doc, &params.change)?;
        let edits = document.doc.undo(&change).map_err(|error| refused(&error))?;
        let command = Command::Edit { project: own.project, doc, edits };
        let written = self.write(own.project, doc, command).await?;
        Ok(self.ticket_written(&written)?)
    }
}

/// The one change of a document whose hash begins so.
fn change_of(doc: &Doc, reference: &str) -> Answer<ChangeHash> {
    let beginning = reference.trim().to_ascii_lowercase();
    if beginning.len() < CHANGE_CHARS_MIN {
        let message = format!("a change is named by at least {CHANGE_CHARS_MIN} characters of its hash");
        return Err(invalid("bad_change", "change", message));
    }
    let mut fitting = doc.history().into_iter().map(|entry| entry.change);
    let mut fitting = fitting.by_ref().filter(|change| change.to_string().starts_with(&beginning));
    match (fitting.next(), fitting.next()) {
        (Some(change), None) => Ok(change),
        (Some(_), Some(_)) => {
            let message = format!("several changes begin with {beginning}: give more of it");
            Err(ApiError::conflict("ambiguous_change", message).with_field("change").into())
        }
        (None, _) => {
            let message = "the ticket has no such change: `ticket.history` lists them";
            Err(ApiError::not_found("no_such_change", message).with_field("change").into())
        }
    }
}

fn refused(error: &UndoError) -> Failure {
    let reason = match error {
        UndoError::NoSuchChange(_) => "no_such_change",
        UndoError::Superseded { .. } => "superseded",
        UndoError::Final { .. } => "no_way_back",
    };
    ApiError::conflict(reason, error.to_string()).with_field("change").into()
}

const CHANGE_CHARS_MIN: usize = 4;
