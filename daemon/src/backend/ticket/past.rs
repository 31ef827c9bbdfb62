//! What was: a ticket shown as it was at a moment, and `ticket.undo`, which takes a change back by another one.

use assist_crdt_model::{ChangeHash, Doc, DocId, UndoError, UnixMillis};
use assist_proto::api::ApiError;
use assist_proto::api::ticket::{Get, TicketWritten, Undo};
use assist_proto::hub::Command;
use assist_proto::store::{Membership, TicketRow};

use super::super::LocalBackend;
use super::super::document::{Document, Moment};
use super::super::errors::{Answer, Failure, invalid};
use super::no_such_ticket;
use crate::api_server::Handle;
use crate::store::Reader;

impl Handle<Undo> for LocalBackend {
    async fn handle(&self, params: Undo) -> Result<TicketWritten, ApiError> {
        let (own, row) = self.verified_ticket(params.project.as_deref(), &params.ticket).await?;
        let doc = DocId::Ticket(row.ticket);
        let document = Document::load(&self.reader()?, &own, doc)?.ok_or_else(no_such_ticket)?;
        let change = change_of(&document.doc, &params.change, "change")?;
        let edits = document.doc.undo(&change).map_err(|error| refused(&error))?;
        let command = Command::Edit { project: own.project, doc, edits };
        let written = self.write(own.project, doc, command).await?;
        Ok(self.ticket_written(&written)?)
    }
}

/// The moment that is asked for, if it is not the present one.
pub(super) fn moment(doc: &Doc, params: &Get) -> Answer<Option<Moment>> {
    match (&params.at_change, params.at_millis) {
        (Some(_), Some(_)) => {
            let message = "a change and a time are two moments: give one";
            Err(invalid("two_moments", "at_millis", message))
        }
        (Some(change), None) => Ok(Some(Moment::Change(change_of(doc, change, "at_change")?))),
        (None, at) => Ok(at.map(|at| Moment::Time(UnixMillis(at)))),
    }
}

/// A ticket as it was, with the row that it had then. What the server and others know of it now is as it is now.
pub(super) fn as_of(
    reader: &Reader,
    own: &Membership,
    row: TicketRow,
    moment: Moment,
) -> Answer<(Document, TicketRow)> {
    let document = Document::load_at(reader, own, DocId::Ticket(row.ticket), Some(moment))?;
    let summary = document.as_ref().and_then(|document| document.doc.summary());
    let (Some(document), Some(summary)) = (document, summary) else {
        let message = "the ticket was not there yet at that time";
        return Err(ApiError::not_found("not_there_yet", message).with_field("at_millis").into());
    };
    let made = document.doc.history().into_iter();
    let updated_at = made.map(|entry| document.shown_at(&entry.change, entry.at)).max();
    let row =
        TicketRow::new(row.ticket, summary, row.number, updated_at.unwrap_or(row.created_at), row.last_seq);
    Ok((document, row))
}

/// The one change of a document whose hash begins so.
fn change_of(doc: &Doc, reference: &str, field: &str) -> Answer<ChangeHash> {
    let beginning = reference.trim().to_ascii_lowercase();
    if beginning.len() < CHANGE_CHARS_MIN {
        let message = format!("a change is named by at least {CHANGE_CHARS_MIN} characters of its hash");
        return Err(invalid("bad_change", field, message));
    }
    let mut fitting = doc.history().into_iter().map(|entry| entry.change);
    let mut fitting = fitting.by_ref().filter(|change| change.to_string().starts_with(&beginning));
    match (fitting.next(), fitting.next()) {
        (Some(change), None) => Ok(change),
        (Some(_), Some(_)) => {
            let message = format!("several changes begin with {beginning}: give more of it");
            Err(ApiError::conflict("ambiguous_change", message).with_field(field).into())
        }
        (None, _) => {
            let message = "the ticket has no such change: `ticket.history` lists them";
            Err(ApiError::not_found("no_such_change", message).with_field(field).into())
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
