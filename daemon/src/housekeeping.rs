//! Closes what nobody answered, if this device was told to: as its user, by the same way as `ticket.bulk`, so that each
//! close is an ordinary change that says who made it and can be taken back. What is closed, and why, is decided by
//! [`Housekeeping`].
//!
//! **Invariant:** nothing is closed while an answer may be on its way to here: only in step with the project's server,
//! and only while that takes what is written.

use std::collections::{BTreeMap, BTreeSet};

use assist_crdt_model::{DocId, ProjectId, TicketId, UnixMillis};
use assist_proto::api::ApiError;
use assist_proto::api::ticket::{Bulk, BulkDone, FieldValues, Patch, Status};
use assist_proto::housekeeping::Housekeeping;
use assist_proto::hub::{Connection, ProjectStatus};
use assist_proto::limits::{HOUSEKEEPING_CLOSED_MAX, HOUSEKEEPING_ROUND_MILLIS};
use assist_proto::store::{StoreError, StoreResult};
use tokio::task::spawn_blocking;
use tokio::time::{Duration, sleep};

use crate::api_server::Handle as _;
use crate::backend::LocalBackend;
use crate::driver::{Chain, DriverHandle, read_clock};
use crate::store::{
    DeviceReads as _, Direction, Reader, RowFilter, RowKey, RowOrder, RowWindow, WindowStart,
};

/// Why a round came to nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RoundError {
    /// What is here cannot be read.
    #[error(transparent)]
    Read(#[from] StoreError),
    /// The tickets cannot be closed.
    #[error("what is due cannot be closed")]
    Write(#[from] ApiError),
}

/// What a round did: how many tickets it closed, and of how many that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Closed {
    pub(crate) count: u64,
    pub(crate) failed: u64,
}

/// Goes through each project as soon as it is in step with its server, then every hour, until the driver ends.
pub(crate) async fn watch(driver: DriverHandle, backend: LocalBackend, housekeeping: Housekeeping) {
    if !housekeeping.is_on() {
        return;
    }
    tracing::info!(?housekeeping, "this device closes tickets that nobody answers, in its user's name");
    let mut driven = driver.status();
    let mut rounds: BTreeMap<ProjectId, UnixMillis> = BTreeMap::new();
    loop {
        let now = read_clock();
        let is_due = |(id, status): &(&ProjectId, &ProjectStatus)| is_time(status, rounds.get(*id), now);
        let projects: Vec<ProjectId> =
            driven.borrow_and_update().projects.iter().filter(is_due).map(|(id, _)| *id).collect();
        for project in projects {
            let closed = match is_in_step(&driver, &project) {
                Ok(false) => continue,
                Ok(true) => round(&driver, &backend, &project, housekeeping, now).await,
                Err(error) => Err(error.into()),
            };
            rounds.insert(project, now);
            tell(&project, closed);
        }
        tokio::select! {
            turned = driven.changed() => if turned.is_err() { return },
            () = sleep(LOOK_STEP) => {}
        }
    }
}

/// Whether a project is looked through now, if it is in step. Times are this device's.
fn is_time(status: &ProjectStatus, last: Option<&UnixMillis>, now: UnixMillis) -> bool {
    let is_due = last.is_none_or(|last| now.0.saturating_sub(last.0) >= HOUSEKEEPING_ROUND_MILLIS);
    is_due && status.held_up.is_none() && matches!(status.connection, Connection::Online { .. })
}

fn is_in_step(driver: &DriverHandle, project: &ProjectId) -> StoreResult<bool> {
    let sync = driver.store().read()?.sync_state(project)?;
    // After a server was restored, what is here may not be what is there.
    Ok(!sync.is_doubted && driver.status().borrow().is_in_step(project, &sync))
}

/// Closes what is due in one project, as many as one round may.
///
/// # Errors
/// When the store cannot be read, or the driver takes nothing. A ticket that cannot be closed is counted.
pub(crate) async fn round(
    driver: &DriverHandle,
    backend: &LocalBackend,
    project: &ProjectId,
    housekeeping: Housekeeping,
    now: UnixMillis,
) -> Result<Closed, RoundError> {
    let (store, project) = (driver.store().clone(), *project);
    let looking = spawn_blocking(move || due(&store.read()?, &project, housekeeping, now));
    let due = looking.await.map_err(|error| StoreError::Io(error.to_string().into()))??;
    let mut closed = Closed::default();
    for (reason, tickets) in due {
        let bulk = Bulk {
            project: Some(project.to_string()),
            tickets: tickets.iter().map(ToString::to_string).collect(),
            set: FieldValues {
                status: Some(Status::Closed),
                close_reason: Patch::Set(reason),
                ..FieldValues::default()
            },
            ..Bulk::default()
        };
        let BulkDone { changed, failed, .. } = backend.handle(bulk).await?;
        closed = Closed { count: closed.count + changed, failed: closed.failed + failed };
    }
    Ok(closed)
}

/// The tickets that are closed in this round, those that rest longest first, by the reason that is given.
fn due(
    reader: &Reader,
    project: &ProjectId,
    housekeeping: Housekeeping,
    now: UnixMillis,
) -> StoreResult<BTreeMap<String, Vec<TicketId>>> {
    let mut due: BTreeMap<String, Vec<TicketId>> = BTreeMap::new();
    if !reader.membership(project)?.is_some_and(|own| housekeeping.is_for(own.role)) {
        return Ok(due);
    }
    // What the server refused waits for a person: to write it again would fill the drafts.
    let drafts = reader.drafts()?.into_iter().map(|(_, draft)| draft);
    let refused: BTreeSet<TicketId> =
        drafts.filter(|draft| draft.project == *project).filter_map(|draft| draft.doc.ticket()).collect();
    let filter =
        RowFilter { project: Some(*project), statuses: housekeeping.statuses(), ..RowFilter::default() };
    let order = RowOrder { key: RowKey::Updated, direction: Direction::LeastFirst };
    let (mut start, mut count) = (WindowStart::Offset(0), 0);
    loop {
        let page = reader.list_rows(&filter, order, RowWindow { start, limit: PAGE_ROWS })?;
        for (_, row) in page.rows {
            if count == HOUSEKEEPING_CLOSED_MAX || !housekeeping.reaches(row.updated_at, now) {
                return Ok(due);
            }
            // Notes are looked at last: they are read from their documents.
            if refused.contains(&row.ticket) || housekeeping.reason_to_close(&row, None, now).is_none() {
                continue;
            }
            let noted_at = noted_at(reader, project, row.ticket)?;
            if let Some(reason) = housekeeping.reason_to_close(&row, noted_at, now) {
                due.entry(reason).or_default().push(row.ticket);
                count += 1;
            }
        }
        let Some(next) = page.next else { return Ok(due) };
        start = WindowStart::After(next);
    }
}

/// When the newest note of a ticket came to the server, or was written, if it waits here.
fn noted_at(reader: &Reader, project: &ProjectId, ticket: TicketId) -> StoreResult<Option<UnixMillis>> {
    let notes = DocId::Notes(ticket);
    let admitted = reader.doc_records(project, notes)?.into_iter().map(|record| record.admitted_at);
    let waiting = reader.outbox_of_doc(project, notes)?.into_iter().map(|(_, entry)| entry.made_at);
    Ok(admitted.chain(waiting).max())
}

fn tell(project: &ProjectId, closed: Result<Closed, RoundError>) {
    match closed {
        Ok(Closed { count: 0, failed: 0 }) => {}
        Ok(Closed { count, failed }) => {
            tracing::info!(%project, count, failed, "tickets that nobody answered were closed");
        }
        Err(error) => {
            tracing::warn!(%project, error = %Chain(&error), "no ticket was closed; it is tried again in an hour");
        }
    }
}

/// Rows that are looked at before more are read.
const PAGE_ROWS: usize = 500;
/// Between two looks at the clock, if no turn of the driver is a reason for one: a machine that sleeps meanwhile does not
/// put a round off.
const LOOK_STEP: Duration = Duration::from_secs(600);

#[cfg(test)]
mod tests {
    use assist_proto::hub::{HeldUp, LinkId};
    use assist_proto::wire::HoldCause;

    use super::*;

    #[test]
    fn it_is_time_every_hour_while_the_server_is_there_and_takes_what_is_written() {
        let now = UnixMillis(10 * HOUSEKEEPING_ROUND_MILLIS);
        let ago = |millis: u64| UnixMillis(now.0 - millis);
        let online = ProjectStatus {
            connection: Connection::Online { link: LinkId(1) },
            since: UnixMillis(0),
            head: None,
            held_up: None,
        };
        assert!(is_time(&online, None, now));
        assert!(is_time(&online, Some(&ago(HOUSEKEEPING_ROUND_MILLIS)), now));
        assert!(!is_time(&online, Some(&ago(HOUSEKEEPING_ROUND_MILLIS - 1)), now));
        assert!(!is_time(&ProjectStatus { connection: Connection::Paused, ..online.clone() }, None, now));
        let held_up = Some(HeldUp { cause: HoldCause::DiskFull, again_at: None });
        assert!(!is_time(&ProjectStatus { held_up, ..online }, None, now));
    }
}
