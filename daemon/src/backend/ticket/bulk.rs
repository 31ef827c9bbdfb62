//! `ticket.bulk`: the same change to many tickets, some at a time.

use std::collections::BTreeMap;

use assist_crdt_model::{DocId, EditError, ProjectId, TicketId};
use assist_proto::api::ApiError;
use assist_proto::api::limits::{BULK_TICKETS_MAX, BULK_TURN_TICKETS_MAX};
use assist_proto::api::ticket::{Bulk, BulkDone, BulkOutcome, BulkTicket, List};
use assist_proto::hub::{Command, CommandError, Reply, WireEdit, Write};
use assist_proto::store::Membership;

use super::{list, ticket_edits};
use crate::api_server::Handle;
use crate::backend::errors::{Answer, Failure, invalid};
use crate::backend::rows::Names;
use crate::backend::{LocalBackend, reference};
use crate::search::Search;
use crate::store::{DeviceReads as _, Reader};

impl Handle<Bulk> for LocalBackend {
    async fn handle(&self, params: Bulk) -> Result<BulkDone, ApiError> {
        let is_dry_run = params.is_dry_run;
        let search = self.search.clone();
        let planned = self.read(move |reader| plan(reader, &search, &params)).await?;
        let mut done = BulkDone::default();
        let mut planned = planned.into_iter();
        loop {
            let some: Vec<Planned> = planned.by_ref().take(BULK_TURN_TICKETS_MAX).collect();
            if some.is_empty() {
                break;
            }
            let some = if is_dry_run { some } else { self.carry_out(some).await? };
            done.tickets.extend(some.into_iter().map(|planned| planned.told));
        }
        let count = |wanted: &[BulkOutcome]| {
            done.tickets.iter().filter(|ticket| wanted.contains(&ticket.outcome)).count() as u64
        };
        let (changed, failed) =
            (count(&[BulkOutcome::Changed, BulkOutcome::Planned]), count(&[BulkOutcome::Failed]));
        Ok(BulkDone { changed, failed, ..done })
    }
}

/// What is to be written to one ticket, and what is told of it.
struct Planned {
    write: Write,
    told: BulkTicket,
}

impl LocalBackend {
    /// Writes to some tickets in one turn.
    async fn carry_out(&self, mut some: Vec<Planned>) -> Answer<Vec<Planned>> {
        // A document that is not checked yet is checked before it is written to, by the hub.
        let writes = some.iter().map(|planned| planned.write.clone()).collect();
        let reply = self.command(Command::EditMany { writes, stops_at_failure: false }).await?;
        let Reply::WrittenMany(outcomes) = reply else {
            return Err(Failure::unforeseen("several writes were answered with something else"));
        };
        for (planned, outcome) in some.iter_mut().zip(outcomes) {
            tell(&mut planned.told, outcome);
        }
        Ok(some)
    }
}

fn tell(told: &mut BulkTicket, outcome: Result<Reply, CommandError>) {
    match outcome {
        Ok(Reply::Written { change, .. }) => {
            told.outcome = BulkOutcome::Changed;
            told.change = Some(change.to_string());
        }
        Ok(_) | Err(CommandError::Edit(EditError::NothingToDo)) => told.outcome = BulkOutcome::Unchanged,
        Err(error) => {
            told.outcome = BulkOutcome::Failed;
            told.message = Some(ApiError::from(Failure::from(error)).message);
        }
    }
}

fn plan(reader: &Reader, search: &Search, params: &Bulk) -> Answer<Vec<Planned>> {
    for (is_given, field) in
        [(params.set.title.is_some(), "set.title"), (params.set.body.is_some(), "set.body")]
    {
        if is_given {
            return Err(invalid("not_in_bulk", field, "every ticket has its own"));
        }
    }
    let memberships: BTreeMap<ProjectId, Membership> =
        reader.memberships()?.into_iter().map(|own| (own.project, own)).collect();
    let names = Names::new(reader);
    let mut planned = Vec::new();
    for (project, ticket) in chosen(reader, search, params)? {
        let Some(own) = memberships.get(&project) else { continue };
        let (set, added, removed) = (params.set.clone(), &params.add_labels, &params.remove_labels);
        let edits = ticket_edits(reader, own, ticket, set, added, removed)?;
        if edits.is_empty() {
            return Err(invalid("nothing_to_do", "set", "nothing to change was given"));
        }
        let told = BulkTicket {
            ticket: names.ticket(project, ticket)?,
            outcome: BulkOutcome::Planned,
            edits: edits.iter().map(|edit| WireEdit::from(edit).describe()).collect(),
            change: None,
            message: None,
        };
        planned.push(Planned { write: Write { project, doc: DocId::Ticket(ticket), edits }, told });
    }
    Ok(planned)
}

/// Which tickets are meant, each once.
fn chosen(reader: &Reader, search: &Search, params: &Bulk) -> Answer<Vec<(ProjectId, TicketId)>> {
    let too_many = |count: u64, field: &str| {
        let message = format!("{count} tickets are meant, at most {BULK_TICKETS_MAX} are changed at once");
        Failure::from(ApiError::limit("too_many_tickets", message).with_field(field))
    };
    match (&params.query, params.tickets.as_slice()) {
        (Some(query), []) => {
            let list =
                List { project: params.project.clone(), query: Some(query.clone()), ..List::default() };
            let (rows, total) = list::found(reader, search, list, BULK_TICKETS_MAX)?;
            if total > BULK_TICKETS_MAX as u64 {
                return Err(too_many(total, "query"));
            }
            Ok(rows)
        }
        (None, tickets) if !tickets.is_empty() => {
            if tickets.len() > BULK_TICKETS_MAX {
                return Err(too_many(tickets.len() as u64, "tickets"));
            }
            let mut chosen = Vec::with_capacity(tickets.len());
            for (index, text) in tickets.iter().enumerate() {
                let field = format!("tickets[{index}]");
                let (own, ticket) = reference::ticket(reader, params.project.as_deref(), text, &field)?;
                if !chosen.contains(&(own.project, ticket)) {
                    chosen.push((own.project, ticket));
                }
            }
            Ok(chosen)
        }
        (Some(_), _) => Err(invalid("two_ways", "tickets", "give a query or tickets, not both")),
        (None, _) => Err(invalid("no_tickets", "tickets", "say which tickets: by a query, or by name")),
    }
}
