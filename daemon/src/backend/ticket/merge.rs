//! `ticket.claim`, `ticket.link`, `ticket.merge`: whose a ticket is, and which others it belongs to.
//!
//! Links stand in both tickets, written in one turn; the merge stands in the duplicate alone, so that nobody who sees
//! only the other ticket is told of it.

use assist_crdt_model::{DocId, Edit, ProjectId, Status, TicketId};
use assist_proto::api::ApiError;
use assist_proto::api::ticket::{Claim, Link, Merge, TicketWritten, Unlink, Unmerge};
use assist_proto::hub::{Command, CommandError, Reply, Write};

use super::super::document::Document;
use super::super::errors::{Answer, Failure, invalid};
use super::super::rows::Names;
use super::super::{LocalBackend, Written, reference};
use super::reason_with;
use crate::api_server::Handle;
use crate::store::{DeviceReads as _, Reader};

impl Handle<Claim> for LocalBackend {
    async fn handle(&self, params: Claim) -> Result<TicketWritten, ApiError> {
        let (own, ticket) =
            reference::ticket(&self.reader()?, params.project.as_deref(), &params.ticket, "ticket")?;
        let command = Command::Claim { project: own.project, ticket };
        let doc = DocId::Ticket(ticket);
        let written = match self.driver.command(command).await.map_err(Failure::from)? {
            Err(CommandError::Taken { by }) => {
                let reader = self.reader()?;
                let name = Names::new(&reader).user(own.project, by)?.name;
                let message = format!("{name} works on the ticket already: `ticket.edit` hands it on");
                return Err(ApiError::conflict("taken", message));
            }
            outcome => Written::of_outcome(own.project, doc, outcome)?,
        };
        Ok(self.ticket_written(&written)?)
    }
}

impl Handle<Link> for LocalBackend {
    async fn handle(&self, params: Link) -> Result<TicketWritten, ApiError> {
        let pair = pair(&self.reader()?, params.project.as_deref(), &params.ticket, &params.other, "other")?;
        let (one, other) = (pair.one, pair.other);
        let writes = vec![
            write(pair.project, other, vec![Edit::AddLink(one)]),
            write(pair.project, one, vec![Edit::AddLink(other)]),
        ];
        Ok(self.write_last(writes).await?)
    }
}

impl Handle<Unlink> for LocalBackend {
    async fn handle(&self, params: Unlink) -> Result<TicketWritten, ApiError> {
        let reader = self.reader()?;
        let (own, one) = reference::ticket(&reader, params.project.as_deref(), &params.ticket, "ticket")?;
        // What is linked may be a ticket that is not here any more.
        let other = match params.other.trim().parse::<TicketId>() {
            Ok(id) => id,
            Err(_) => reference::ticket(&reader, Some(&own.project.to_string()), &params.other, "other")?.1,
        };
        let mut writes = vec![write(own.project, one, vec![Edit::RemoveLink(other)])];
        if reader.row(&own.project, other).map_err(Failure::from)?.is_some() {
            writes.insert(0, write(own.project, other, vec![Edit::RemoveLink(one)]));
        }
        Ok(self.write_last(writes).await?)
    }
}

impl Handle<Merge> for LocalBackend {
    async fn handle(&self, params: Merge) -> Result<TicketWritten, ApiError> {
        let reader = self.reader()?;
        let pair = pair(&reader, params.project.as_deref(), &params.ticket, &params.into, "into")?;
        let (one, into) = (pair.one, pair.other);
        if leads_to(&reader, pair.project, into, one)? {
            let message = "it goes on in the ticket that is to go on in it: undo that merge first";
            return Err(invalid("merge_cycle", "into", message).into());
        }
        drop(reader);
        let mut edits =
            vec![Edit::SetMergedInto(Some(into)), Edit::AddLink(into), Edit::SetStatus(Status::Closed)];
        edits.extend(reason_with(Status::Closed, false));
        let writes =
            vec![write(pair.project, into, vec![Edit::AddLink(one)]), write(pair.project, one, edits)];
        Ok(self.write_last(writes).await?)
    }
}

impl Handle<Unmerge> for LocalBackend {
    async fn handle(&self, params: Unmerge) -> Result<TicketWritten, ApiError> {
        let (own, row) = self.verified_ticket(params.project.as_deref(), &params.ticket).await?;
        let Some(into) = row.merged_into else {
            return Err(ApiError::conflict("not_merged", "the ticket was not merged into another one"));
        };
        let ticket = row.ticket;
        let writes = self
            .read(move |reader| {
                let document = Document::load(reader, &own, DocId::Ticket(ticket))?;
                let undone = document.map(|document| undo_of_merge(&document, into)).unwrap_or_default();
                let mut writes = Vec::new();
                if undone.contains(&Edit::RemoveLink(into)) && reader.row(&own.project, into)?.is_some() {
                    writes.push(write(own.project, into, vec![Edit::RemoveLink(ticket)]));
                }
                writes.push(write(own.project, ticket, undone));
                Ok(writes)
            })
            .await?;
        Ok(self.write_last(writes).await?)
    }
}

impl LocalBackend {
    /// Writes to several documents in one turn; answers for the last one, which is written only if the others were.
    async fn write_last(&self, writes: Vec<Write>) -> Answer<TicketWritten> {
        let last = writes.last().map(|write| (write.project, write.doc));
        let (project, doc) = last.ok_or_else(|| Failure::unforeseen("nothing was to be written"))?;
        let Reply::WrittenMany(outcomes) =
            self.command(Command::EditMany { writes, stops_at_failure: true }).await?
        else {
            return Err(Failure::unforeseen("several writes were answered with something else"));
        };
        let mut written = Written { project, doc, change: None, comment: None };
        for outcome in outcomes {
            written = Written::of_outcome(project, doc, outcome)?;
        }
        self.ticket_written(&written)
    }
}

/// Two tickets of one project.
struct Pair {
    project: ProjectId,
    one: TicketId,
    other: TicketId,
}

fn pair(reader: &Reader, project: Option<&str>, one: &str, other: &str, field: &str) -> Answer<Pair> {
    let (own, one) = reference::ticket(reader, project, one, "ticket")?;
    let (_, other) = reference::ticket(reader, Some(&own.project.to_string()), other, field)?;
    if one == other {
        return Err(invalid("same_ticket", field, "it is the same ticket"));
    }
    Ok(Pair { project: own.project, one, other })
}

fn write(project: ProjectId, ticket: TicketId, edits: Vec<Edit>) -> Write {
    Write { project, doc: DocId::Ticket(ticket), edits }
}

/// Whether a ticket goes on in another, over however many others that are here.
fn leads_to(reader: &Reader, project: ProjectId, from: TicketId, to: TicketId) -> Answer<bool> {
    let mut at = from;
    for _ in 0..MERGES_FOLLOWED_MAX {
        match reader.row(&project, at)?.and_then(|row| row.merged_into) {
            Some(next) if next == to => return Ok(true),
            Some(next) => at = next,
            None => return Ok(false),
        }
    }
    Ok(false)
}

/// What takes a merge back: the status that it replaced, if nobody wrote another since, and the link that it brought.
fn undo_of_merge(document: &Document, into: TicketId) -> Vec<Edit> {
    let mut edits = vec![Edit::SetMergedInto(None)];
    let history = document.doc.history();
    let merge = history
        .into_iter()
        .rev()
        .find(|entry| entry.edits.iter().any(|(edit, _)| *edit == Edit::SetMergedInto(Some(into))));
    let is_closed = document.doc.summary().is_some_and(|summary| summary.status == Status::Closed);
    for (edit, before) in merge.into_iter().flat_map(|entry| entry.edits) {
        match edit {
            Edit::SetStatus(Status::Closed) if is_closed => {
                edits.extend(before.and_then(|name| name.parse().ok()).map(Edit::SetStatus));
            }
            Edit::AddLink(other) if other == into => edits.push(Edit::RemoveLink(into)),
            _ => {}
        }
    }
    edits
}

/// A ticket goes on in another that goes on in another: seldom twice. Two merges that were made while apart can
/// even lead in a circle.
const MERGES_FOLLOWED_MAX: usize = 16;
