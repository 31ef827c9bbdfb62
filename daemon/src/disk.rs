//! Looks again and again how much room a server's disk has, and tells the driver. What that means, the hub decides.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use assist_proto::hub::{DiskSpace, DiskStanding, DiskState};
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

use crate::driver::DriverHandle;

/// What the system says of the disk that a folder is on.
///
/// # Errors
/// When it does not say.
pub(crate) fn space(folder: &Path) -> io::Result<DiskSpace> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok(DiskSpace {
        size_bytes: disk.f_blocks.saturating_mul(disk.f_frsize),
        free_bytes: disk.f_bavail.saturating_mul(disk.f_frsize),
    })
}

/// Looks for as long as it is polled.
pub(crate) async fn watch(folder: PathBuf, driver: DriverHandle) {
    let mut ticks = interval(LOOK_STEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut was_seen = true;
    loop {
        ticks.tick().await;
        let folder = folder.clone();
        // A disk that hangs must not hang what else this thread does.
        let looked = spawn_blocking(move || space(&folder)).await;
        match looked.map_err(io::Error::other).flatten() {
            Ok(space) => {
                was_seen = true;
                driver.disk_measured(space).await;
            }
            Err(error) if was_seen => {
                was_seen = false;
                tracing::warn!(%error, "how much room the disk has cannot be seen");
            }
            Err(_) => {}
        }
    }
}

/// Says in the log what has become of the disk, each time that it is another.
pub(crate) fn log(before: DiskState, now: DiskStanding) {
    let DiskStanding { state, warn_bytes, stop_bytes } = now;
    if before == state {
        return;
    }
    match state {
        DiskState::Full => tracing::error!(
            stop_bytes,
            "the disk is nearly full: no change and no attachment is taken before there is room; devices keep theirs"
        ),
        DiskState::Low if before == DiskState::Full => {
            tracing::warn!(
                warn_bytes,
                stop_bytes,
                "there is room on the disk again, and it is low: all is taken"
            );
        }
        DiskState::Low => {
            tracing::warn!(warn_bytes, stop_bytes, "the disk gets full: free some space, or give it more");
        }
        DiskState::Ample => tracing::info!("there is room on the disk again"),
    }
}

/// How often it is looked. What is let in meanwhile is counted by the hub; what else fills the disk is not.
const LOOK_STEP: Duration = Duration::from_secs(5);
