//! The tickets of a project: one thread lists them, some fetch and write them, and what they did is taken in the order
//! of the list, so that the same tickets make the same export.

use std::panic::resume_unwind;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use assist_proto::api::ticket::{List, TicketRow};
use assist_proto::client::Client;

use super::fetch::fetch;
use super::folder::{Root, Written};
use super::ticket::write;
use super::{csv, mbox};
use crate::error::CliError;

/// What is to be exported of a project.
pub(super) struct Work {
    /// Which tickets, from the first on.
    pub(super) list: List,
    /// Whether there may be notes.
    pub(super) is_team: bool,
    /// The project's folder.
    pub(super) place: String,
    /// Where everything is written to.
    pub(super) root: Root,
}

/// What came of some tickets that follow each other.
#[derive(Default)]
pub(super) struct Done {
    /// How many.
    pub(super) tickets: u64,
    /// Their rows.
    pub(super) rows: String,
    /// Their mails.
    pub(super) mails: String,
    /// Their files.
    pub(super) written: Written,
}

/// Some tickets that follow each other, each with its folder.
type Batch = Vec<(TicketRow, String)>;

impl Work {
    /// Does it, and hands over what came of it in the order of the list.
    ///
    /// # Errors
    /// The first that anybody met with. What was written until then stays.
    pub(super) fn run(
        &self,
        client: &mut Client,
        take: &mut dyn FnMut(Done) -> Result<(), CliError>,
    ) -> Result<(), CliError> {
        let socket = client.socket_path().to_owned();
        thread::scope(|scope| {
            let (mut lanes, mut results) = (Vec::new(), Vec::new());
            for _ in 0..LANES {
                let (lane, batches) = sync_channel(AHEAD);
                let (done, result) = sync_channel(AHEAD);
                let socket = socket.clone();
                scope.spawn(move || self.work_off(&socket, &batches, &done));
                lanes.push(lane);
                results.push(result);
            }
            let listing = scope.spawn(move || self.list(client, &lanes));
            // Lanes take turns: the first that has no more is the one behind the end.
            for result in results.iter().cycle() {
                match result.recv() {
                    Ok(done) => take(done?)?,
                    Err(_) => break,
                }
            }
            listing.join().unwrap_or_else(|panic| resume_unwind(panic))
        })
    }

    /// Lists the tickets and gives them to the lanes in turn, until one of those takes no more: it says why.
    fn list(&self, client: &mut Client, lanes: &[SyncSender<Batch>]) -> Result<(), CliError> {
        let mut page = self.list.clone();
        let mut lanes = lanes.iter().cycle();
        loop {
            let found = client.call(&page)?;
            for rows in found.tickets.chunks(BATCH_TICKETS) {
                let folder = |row: &TicketRow| Ok((row.clone(), self.folder(row)?));
                let batch = rows.iter().map(folder).collect::<Result<Batch, CliError>>()?;
                if lanes.next().is_none_or(|lane| lane.send(batch).is_err()) {
                    return Ok(());
                }
            }
            page.cursor = found.next_cursor;
            if page.cursor.is_none() {
                return Ok(());
            }
        }
    }

    /// Makes a ticket's folder, under its number, or the beginning of its id while it has none.
    fn folder(&self, row: &TicketRow) -> Result<String, CliError> {
        let name = row.number.map_or_else(|| row.short_id.clone(), |number| number.to_string());
        self.root.new_folder(&self.place, &name)
    }

    /// Exports batches over a connection of its own, until there are no more or nobody wants them.
    fn work_off(&self, socket: &Path, batches: &Receiver<Batch>, done: &SyncSender<Result<Done, CliError>>) {
        let mut client = None;
        for batch in batches {
            let outcome = self.export(socket, &mut client, &batch);
            let is_over = outcome.is_err();
            if done.send(outcome).is_err() || is_over {
                return;
            }
        }
    }

    fn export(&self, socket: &Path, client: &mut Option<Client>, batch: &Batch) -> Result<Done, CliError> {
        let client = match client {
            Some(client) => client,
            None => client.insert(Client::connect(socket)?),
        };
        let mut done = Done::default();
        let mut rest = batch.as_slice();
        while !rest.is_empty() {
            let rows: Vec<&TicketRow> = rest.iter().map(|(row, _)| row).collect();
            let fetched = fetch(client, &rows, self.is_team)?;
            let (some, others) = rest.split_at(fetched.len());
            for ((row, place), fetched) in some.iter().zip(&fetched) {
                done.tickets += 1;
                done.rows.push_str(&csv::line(row));
                done.mails.push_str(&mbox::ticket(&fetched.ticket));
                write(self.root.ticket_folder(place.clone(), &mut done.written), fetched, client)?;
            }
            rest = others;
        }
        Ok(done)
    }
}

/// So many batches are worked on at once: while one waits for its answer, others are written.
const LANES: usize = 4;
/// So many wait for each lane, and for whoever takes what came of them.
const AHEAD: usize = 2;
/// Tickets of a batch: enough that a call costs little beside what it answers.
const BATCH_TICKETS: usize = 20;
