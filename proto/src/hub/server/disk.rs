//! How full the server's disk is, and what is not taken any more when it is.
//!
//! Whoever looks at the disk says what there is; what that means is decided here. With less than one reserve the
//! operator is warned. With less than the other nothing comes in that makes the store or the blobs grow: changes are held
//! back as a quota does it (decision 0008), so devices keep what was written and bring it by themselves once there is
//! room. Reading, presence, marks and the roster go on: who is to remove something must be able to.
//!
//! Never looks at a disk, and does not replace what the store does when a write finds no room.

use assist_crdt_model::{RejectCode, Rejection, UnixMillis};

use super::ServerHub;
use super::admission::refusal;
use crate::hub::action::LinkId;
use crate::limits;
use crate::wire::HoldCause;

/// What the system says of a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskSpace {
    /// All of it.
    pub size_bytes: u64,
    /// What the server may still use.
    pub free_bytes: u64,
}

/// How much of a disk is to stay free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reserve {
    /// So much.
    Bytes(u64),
    /// A share of the disk, within bounds.
    Share {
        /// Of a hundred.
        percent: u8,
        /// At least so much.
        least_bytes: u64,
        /// At most so much.
        most_bytes: u64,
    },
}

impl Reserve {
    /// So much of a disk of this size.
    pub fn of(self, size_bytes: u64) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Share { percent, least_bytes, most_bytes } => {
                (size_bytes / 100 * u64::from(percent)).clamp(least_bytes, most_bytes)
            }
        }
    }
}

/// From where on a disk counts as low, and as full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskReserves {
    /// With less the operator is warned.
    pub warn_free: Reserve,
    /// With less nothing new is taken.
    pub stop_free: Reserve,
}

impl Default for DiskReserves {
    fn default() -> Self {
        Self {
            warn_free: Reserve::Share {
                percent: limits::DISK_WARN_PERCENT,
                least_bytes: limits::DISK_WARN_BYTES_MIN,
                most_bytes: limits::DISK_WARN_BYTES_MAX,
            },
            stop_free: Reserve::Share {
                percent: limits::DISK_STOP_PERCENT,
                least_bytes: limits::DISK_STOP_BYTES_MIN,
                most_bytes: limits::DISK_STOP_BYTES_MAX,
            },
        }
    }
}

/// How a server's disk stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum DiskState {
    /// There is room, as far as is known.
    #[default]
    Ample,
    /// The first reserve is touched: somebody is to look after it.
    Low,
    /// The second one is: nothing new is taken.
    Full,
}

/// The same with its figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DiskStanding {
    /// How it stands.
    pub state: DiskState,
    /// With less free bytes than these it counts as low. Nothing while nobody has looked.
    pub warn_bytes: u64,
    /// With less than these, as full.
    pub stop_bytes: u64,
}

/// What is known of the disk.
#[derive(Debug, Default)]
pub(super) struct Disk {
    reserves: DiskReserves,
    space: Option<DiskSpace>,
    /// What was let in since somebody looked.
    let_in_bytes: u64,
    state: DiskState,
}

impl Disk {
    pub(super) fn new(reserves: DiskReserves, space: Option<DiskSpace>) -> Self {
        let mut disk = Self { reserves, space, ..Self::default() };
        disk.judge();
        disk
    }

    /// Somebody has looked.
    pub(super) fn measured(&mut self, space: DiskSpace) {
        self.space = Some(space);
        self.let_in_bytes = 0;
        self.judge();
    }

    /// Something was let in, or will come.
    pub(super) fn let_in(&mut self, size_bytes: u64) {
        self.let_in_bytes = self.let_in_bytes.saturating_add(size_bytes);
        self.judge();
    }

    /// Whether so much can come, and what has to stay free does.
    pub(super) fn has_room_for(&self, size_bytes: u64) -> bool {
        let standing = self.standing();
        let fits = |free: u64| free.saturating_sub(size_bytes) >= standing.stop_bytes;
        standing.state != DiskState::Full && self.free_bytes().is_none_or(fits)
    }

    pub(super) fn standing(&self) -> DiskStanding {
        let Some(space) = self.space else { return DiskStanding::default() };
        let stop_bytes = self.reserves.stop_free.of(space.size_bytes);
        let warn_bytes = self.reserves.warn_free.of(space.size_bytes).max(stop_bytes);
        DiskStanding { state: self.state, warn_bytes, stop_bytes }
    }

    fn free_bytes(&self) -> Option<u64> {
        self.space.map(|space| space.free_bytes.saturating_sub(self.let_in_bytes))
    }

    /// It gets better only with some more than the reserve, so that what is let in then does not end it at once.
    fn judge(&mut self) {
        let Some(free) = self.free_bytes() else { return };
        let DiskStanding { state, warn_bytes, stop_bytes } = self.standing();
        let is_below = |mark: u64, was_below: bool| {
            let more = if was_below { (mark / 4).min(limits::DISK_HYSTERESIS_BYTES_MAX) } else { 0 };
            free < mark.saturating_add(more)
        };
        self.state = if is_below(stop_bytes, state == DiskState::Full) {
            DiskState::Full
        } else if is_below(warn_bytes, state >= DiskState::Low) {
            DiskState::Low
        } else {
            DiskState::Ample
        };
    }
}

/// A session of which nothing new is taken for a while.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    /// Until then, so that no change comes in before one that it builds on.
    pub(super) until: UnixMillis,
    pub(super) cause: HoldCause,
}

impl Held {
    pub(super) fn refusal(self) -> Rejection {
        let detail = match self.cause {
            HoldCause::DiskFull => "the server's disk is nearly full: this is taken once there is room",
            HoldCause::Quota | HoldCause::Other(_) => {
                "too much was written in a short time: the rest is taken a little later"
            }
        };
        refusal(RejectCode::OverQuota, detail)
    }
}

impl ServerHub {
    /// Why nothing new of a session is taken now, if it is not. What was held once is held for its time, even if there
    /// is room sooner.
    pub(super) fn held(&mut self, now: UnixMillis, link: LinkId) -> Option<Rejection> {
        let is_full = self.disk.standing().state == DiskState::Full;
        let session = self.session(link)?;
        match session.held {
            Some(held) if now < held.until => return Some(held.refusal()),
            _ => session.held = None,
        }
        is_full.then(|| self.hold(now, link, limits::DISK_FULL_WAIT_MILLIS, HoldCause::DiskFull))
    }

    /// Nothing new of a session is taken for so long.
    pub(super) fn hold(
        &mut self,
        now: UnixMillis,
        link: LinkId,
        wait_millis: u64,
        cause: HoldCause,
    ) -> Rejection {
        let held = Held { until: UnixMillis(now.0.saturating_add(wait_millis)), cause };
        if let Some(session) = self.session(link) {
            session.held = Some(held);
        }
        held.refusal()
    }
}

#[cfg(test)]
mod tests;
