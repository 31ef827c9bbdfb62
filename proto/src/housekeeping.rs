//! What a member's device closes by itself, because nobody answered for so long. Decided here; done by the daemon, as
//! its user and under its user's name.
//!
//! A close is signed by a person's device or it is none: a server, which has no user, never closes anything.

use assist_crdt_model::{Role, Status, UnixMillis};

use crate::store::TicketRow;

/// After how much rest a device closes a ticket, by its status. The default closes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Housekeeping {
    /// Resolved, and nothing happened for so many milliseconds.
    pub close_resolved_after_millis: Option<u64>,
    /// Pending, and nothing happened for so many milliseconds.
    pub close_pending_after_millis: Option<u64>,
}

impl Housekeeping {
    /// Whether anything is ever closed.
    pub fn is_on(self) -> bool {
        self != Self::default()
    }

    /// Whether a user of this role closes: a customer's device sees only their own tickets, and has no house to keep.
    pub const fn is_for(self, role: Role) -> bool {
        role.is_team()
    }

    /// The statuses that a ticket may be closed from.
    pub fn statuses(self) -> Vec<Status> {
        [Status::Pending, Status::Resolved]
            .into_iter()
            .filter(|status| self.after_millis(*status).is_some())
            .collect()
    }

    /// Whether what happened last in a ticket is so long ago that one of some status is closed.
    pub fn reaches(self, last_at: UnixMillis, now: UnixMillis) -> bool {
        let is_over = |after: u64| rest_millis(last_at, now) >= after;
        [self.close_resolved_after_millis, self.close_pending_after_millis].into_iter().flatten().any(is_over)
    }

    /// Why a ticket is closed now, in one line for people; `None` if it is left. `noted_at` is when the newest of its
    /// notes was written, of which a row tells nothing.
    ///
    /// What is snoozed is left until it comes back, and for the whole period from then on. The reason depends on the
    /// status and the period alone: devices that close the same ticket while apart say the same.
    pub fn reason_to_close(
        self,
        row: &TicketRow,
        noted_at: Option<UnixMillis>,
        now: UnixMillis,
    ) -> Option<String> {
        // A row may not have been written anew since its snooze ended.
        let row = row.clone().awake(now);
        let after = self.after_millis(row.status)?;
        let last_at = row.updated_at.max(noted_at.unwrap_or_default());
        let is_left = row.snoozed_until_millis.is_some() || rest_millis(last_at, now) < after;
        (!is_left).then(|| reason(after))
    }

    const fn after_millis(self, status: Status) -> Option<u64> {
        match status {
            Status::Resolved => self.close_resolved_after_millis,
            Status::Pending => self.close_pending_after_millis,
            Status::Open | Status::Closed => None,
        }
    }
}

/// For how long nothing happened; a clock that went back makes it nothing.
const fn rest_millis(last_at: UnixMillis, now: UnixMillis) -> u64 {
    now.0.saturating_sub(last_at.0)
}

fn reason(after_millis: u64) -> String {
    match after_millis / DAY_MILLIS {
        0 => "no answer".to_owned(),
        1 => "no answer for 1 day".to_owned(),
        days => format!("no answer for {days} days"),
    }
}

const DAY_MILLIS: u64 = 24 * 3_600_000;

#[cfg(test)]
mod tests;
