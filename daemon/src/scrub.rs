//! Reads everything that a daemon keeps, by itself: a week after the last time, and soon after a stop that was not
//! clean. Damage that nobody comes across is in every later backup.
//!
//! What was found stands in the folder, so that it is told after the next start, too.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use assist_crdt_model::{DocId, ProjectId};
use assist_proto::store::{Membership, StoreError, StoreResult};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::backup;
use crate::driver::{Chain, DriverHandle, read_clock};
use crate::store::{DeviceReads as _, Reader, Store};

/// What the last one found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Scrubbed {
    /// When it ended.
    pub(crate) at_millis: u64,
    /// How many things are not what was written.
    pub(crate) problem_count: u64,
    /// The first of them, with what to do.
    pub(crate) first_problem: Option<String>,
}

/// What the last one of a folder found, if there ever was one.
pub(crate) fn last(home: &Path) -> Option<Scrubbed> {
    serde_json::from_slice(&fs::read(home.join(FILE)).ok()?).ok()
}

/// Looks whenever it is time, for as long as it is polled.
pub(crate) async fn watch(home: PathBuf, driver: DriverHandle, is_server: bool, was_clean: bool) {
    let mut next = read_clock().0 + wait_millis(last(&home), was_clean, read_clock().0);
    loop {
        let left = next.saturating_sub(read_clock().0);
        if left > 0 {
            // In steps: a machine that sleeps meanwhile does not put it off.
            sleep(Duration::from_millis(left.min(STEP_MILLIS))).await;
            continue;
        }
        let (folder, store) = (home.clone(), driver.store().clone());
        let wait = match aside(move || scrub(&folder, &store, is_server)).await {
            Ok((scrubbed, damaged)) => {
                tell(&scrubbed);
                let wait = if damaged.is_empty() { PERIOD_MILLIS } else { AFTER_MENDING_MILLIS };
                for (project, doc) in damaged {
                    driver.found_damaged(project, doc).await;
                }
                wait
            }
            Err(error) => {
                tracing::warn!(error = %Chain(&error), "what is kept could not be looked through; it is tried again");
                STEP_MILLIS
            }
        };
        next = read_clock().0 + wait;
    }
}

/// Runs something that takes minutes on a thread of its own, for which nobody waits who stops the daemon.
async fn aside<T: Send + 'static>(run: impl FnOnce() -> StoreResult<T> + Send + 'static) -> StoreResult<T> {
    let (sender, receiver) = oneshot::channel();
    let ended = |error: &dyn std::error::Error| StoreError::Io(error.to_string().into());
    thread::Builder::new()
        .name("scrub".into())
        .spawn(move || sender.send(run()).ok()) // Nobody listens while the daemon stops.
        .map_err(|error| ended(&error))?;
    receiver.await.map_err(|error| ended(&error))?
}

/// How long until the first one of a run.
fn wait_millis(last: Option<Scrubbed>, was_clean: bool, now_millis: u64) -> u64 {
    match last {
        _ if !was_clean => AFTER_TROUBLE_MILLIS,
        Some(last) => (last.at_millis + PERIOD_MILLIS).saturating_sub(now_millis).max(AFTER_TROUBLE_MILLIS),
        None => FIRST_MILLIS,
    }
}

/// A document that cannot be read, and the project that it is of on this device.
type DamagedDoc = (Option<ProjectId>, DocId);

fn scrub(home: &Path, store: &Store, is_server: bool) -> StoreResult<(Scrubbed, Vec<DamagedDoc>)> {
    let failed = |error: &dyn std::error::Error| StoreError::Io(Chain(error).to_string().into());
    let reader = store.read()?;
    let mut damaged = Vec::new();
    let problems: Vec<String> = if is_server {
        let checked = backup::check(home, &reader).map_err(|error| failed(&error))?;
        damaged.extend(checked.damaged.iter().map(|doc| (None, *doc)));
        let words =
            |problem: &backup::Problem| format!("{}: {}; {}", problem.place, problem.what, problem.advice);
        checked.problems.iter().map(words).collect()
    } else {
        device_problems(&reader, &mut damaged)?
    };
    let scrubbed = Scrubbed {
        at_millis: read_clock().0,
        problem_count: problems.len() as u64,
        first_problem: problems.into_iter().next(),
    };
    remember(home, &scrubbed).map_err(|error| failed(&error))?;
    Ok((scrubbed, damaged))
}

/// What is wrong on a device.
fn device_problems(reader: &Reader, damaged: &mut Vec<DamagedDoc>) -> StoreResult<Vec<String>> {
    let mut problems = Vec::new();
    for Membership { project, .. } in reader.memberships()? {
        for doc in reader.docs(&project)? {
            match reader.doc_records(&project, doc) {
                Ok(_) => {}
                Err(error @ StoreError::DamagedDoc { .. }) => {
                    damaged.push((Some(project), doc));
                    problems.push(format!("{}: {DOC_ADVICE}", Chain(&error)));
                }
                Err(error) => return Err(error),
            }
        }
    }
    match reader.verify() {
        Err(error @ StoreError::Damaged { .. }) if damaged.is_empty() => {
            problems.push(format!("{}: {DEVICE_ADVICE}", Chain(&error)));
        }
        Err(error @ (StoreError::Full(_) | StoreError::Io(_))) => return Err(error),
        // Once documents are mended, the rest is looked through again.
        _ => {}
    }
    Ok(problems)
}

fn remember(home: &Path, scrubbed: &Scrubbed) -> io::Result<()> {
    let (path, new) = (home.join(FILE), home.join(format!("{FILE}.new")));
    fs::write(&new, serde_json::to_vec(scrubbed)?)?;
    fs::rename(new, path)
}

fn tell(scrubbed: &Scrubbed) {
    match &scrubbed.first_problem {
        None => tracing::info!("everything that is kept was read, and is what was written"),
        Some(first) => {
            tracing::error!(
                problems = scrubbed.problem_count,
                "not all that is kept is what was written: {first}"
            );
        }
    }
}

/// In a daemon's folder: what the last one found.
const FILE: &str = "last-scrub";
/// A week: what was damaged since is in no more than a few backups.
const PERIOD_MILLIS: u64 = 7 * 24 * 3_600_000;
/// A folder that was never looked through has little in it.
const FIRST_MILLIS: u64 = 24 * 3_600_000;
/// After the start: front ends and devices come first.
const AFTER_TROUBLE_MILLIS: u64 = 5_000;
/// Between two looks at the clock, and before another try.
const STEP_MILLIS: u64 = 3_600_000;
/// Until it is looked whether documents that were damaged are whole again.
const AFTER_MENDING_MILLIS: u64 = 10 * 60_000;
const DOC_ADVICE: &str = "it is asked for again when the server is reached";
const DEVICE_ADVICE: &str =
    "stop the daemon, put its folder aside and join again: what was sent comes back from the server";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_time_after_a_week_and_soon_after_trouble() {
        let scrubbed = |at_millis| Some(Scrubbed { at_millis, problem_count: 0, first_problem: None });
        let now = 10 * PERIOD_MILLIS;
        assert_eq!(wait_millis(None, true, now), FIRST_MILLIS);
        assert_eq!(wait_millis(scrubbed(now - 1_000), true, now), PERIOD_MILLIS - 1_000);
        assert_eq!(wait_millis(scrubbed(now - 2 * PERIOD_MILLIS), true, now), AFTER_TROUBLE_MILLIS);
        assert_eq!(wait_millis(scrubbed(now), false, now), AFTER_TROUBLE_MILLIS);
    }
}
