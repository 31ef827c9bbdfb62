//! What a ticket is written from: several tickets in one call, or one of them piece by piece where that is too large for
//! a reply, or takes too long, or the daemon is older than the call.

use assist_proto::api::ticket::{Collect, CollectedTicket, Export, Get, History, HistoryChange, TicketRow};
use assist_proto::api::{attachment, limits};
use assist_proto::client::{Client, ClientError};

use super::super::note::all_notes;
use crate::error::CliError;

/// Fetches the first of some tickets of one project, at least one.
///
/// # Errors
/// When one of them cannot be fetched.
pub(super) fn fetch(
    client: &mut Client,
    rows: &[&TicketRow],
    is_team: bool,
) -> Result<Vec<CollectedTicket>, CliError> {
    let Some(first) = rows.first() else { return Ok(Vec::new()) };
    let tickets = rows.iter().map(|row| row.id.clone()).collect();
    match client.call(&Collect { project: Some(first.project.clone()), tickets }) {
        Ok(collected) if !collected.tickets.is_empty() => Ok(collected.tickets),
        Err(ClientError::Api(error)) if !PIECEMEAL.contains(&error.data.reason.as_str()) => Err(error.into()),
        Ok(_) | Err(ClientError::Api(_)) => Ok(vec![fetch_pieces(client, first, is_team)?]),
        Err(error) => Err(error.into()),
    }
}

fn fetch_pieces(client: &mut Client, row: &TicketRow, is_team: bool) -> Result<CollectedTicket, CliError> {
    let (project, ticket) = (Some(row.project.clone()), row.id.clone());
    let get = Get { project: project.clone(), ticket: ticket.clone(), ..Get::default() };
    let shown = client.call(&get)?;
    let notes = if is_team { all_notes(Some(&row.project), &row.id, client)? } else { Vec::new() };
    let list = attachment::List { project: project.clone(), ticket: ticket.clone() };
    let mut bundle = |notes| -> Result<String, CliError> {
        let export = Export { project: project.clone(), ticket: ticket.clone(), notes };
        Ok(client.call(&export)?.bundle)
    };
    Ok(CollectedTicket {
        bundle: if shown.row.is_loaded { Some(bundle(false)?) } else { None },
        notes_bundle: if notes.is_empty() { None } else { Some(bundle(true)?) },
        ticket: shown,
        notes,
        history: history(row, client)?,
        attachments: client.call(&list)?.attachments,
    })
}

fn history(row: &TicketRow, client: &mut Client) -> Result<Vec<HistoryChange>, CliError> {
    let mut all = Vec::new();
    loop {
        let page = History {
            project: Some(row.project.clone()),
            ticket: row.id.clone(),
            offset: all.len() as u64,
            limit: Some(limits::PAGE_ROWS_MAX),
        };
        let page = client.call(&page)?;
        let is_last = page.changes.is_empty() || (all.len() + page.changes.len()) as u64 >= page.total;
        all.extend(page.changes);
        if is_last {
            return Ok(all);
        }
    }
}

/// Errors after which the same is asked for in several calls: each of those may be as large, and take as long.
const PIECEMEAL: [&str; 3] = ["reply_too_large", "call_timeout", "unknown_method"];
