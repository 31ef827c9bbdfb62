//! How much one device and one user may have a server do: changes, bytes, tickets and asks in a time.
//!
//! Nobody who writes by hand comes near; a program that runs wild is told when to come again, and loses nothing. What
//! was spent is kept in memory only: a server that starts anew has forgotten it. Takes the time as an argument.

use std::collections::BTreeMap;

use assist_crdt_model::{DeviceId, UnixMillis, UserId};

use crate::limits;

/// So much at once, and so much again in the time that follows.
#[derive(Debug, Clone, Copy)]
struct Rate {
    most: u64,
    within_millis: u64,
}

/// What was spent of a rate, told as the time by which all of it is there again.
#[derive(Debug, Clone, Copy, Default)]
struct Meter {
    whole_at_micros: u64,
}

impl Meter {
    /// Spends, or tells how many milliseconds are to pass before that much is there.
    fn spend(&mut self, now: UnixMillis, rate: Rate, cost: u64) -> Result<(), u64> {
        let now_micros = now.0.saturating_mul(1_000);
        let span_micros = rate.within_millis.saturating_mul(1_000);
        // A clock that was set back does not shut anybody out for longer than the span.
        let from = self.whole_at_micros.clamp(now_micros, now_micros.saturating_add(span_micros));
        let cost = cost.min(rate.most);
        let whole_at = from.saturating_add(cost.saturating_mul(span_micros) / rate.most);
        let room_until = now_micros.saturating_add(span_micros);
        if whole_at > room_until {
            return Err((whole_at - room_until).div_ceil(1_000));
        }
        self.whole_at_micros = whole_at;
        Ok(())
    }

    const fn is_whole(self, now: UnixMillis) -> bool {
        self.whole_at_micros <= now.0.saturating_mul(1_000)
    }
}

/// What of one device, or of one user with all their devices, is metered.
#[derive(Debug, Clone, Copy, Default)]
struct Spent {
    changes: Meter,
    bytes: Meter,
    tickets: Meter,
    asks: Meter,
    blob_bytes: Meter,
    reads: Meter,
    given: Meter,
    given_bytes: Meter,
}

/// What a pushed change costs.
#[derive(Debug, Clone, Copy)]
pub(super) struct ChangeCost {
    pub(super) size_bytes: usize,
    pub(super) is_new_ticket: bool,
}

impl Spent {
    /// All or nothing: what is refused costs nothing.
    fn spend_change(&mut self, now: UnixMillis, factor: u64, cost: ChangeCost) -> Result<(), u64> {
        let mut after = *self;
        after.changes.spend(now, CHANGES.times(factor), 1)?;
        after.bytes.spend(now, BYTES.times(factor), cost.size_bytes as u64)?;
        if cost.is_new_ticket {
            after.tickets.spend(now, TICKETS.times(factor), 1)?;
        }
        *self = after;
        Ok(())
    }

    /// Likewise, of what was lost with a restoration.
    fn spend_given(&mut self, now: UnixMillis, factor: u64, size_bytes: usize) -> Result<(), u64> {
        let mut after = *self;
        after.given.spend(now, CHANGES.times(limits::QUOTA_GIVEN_FACTOR * factor), 1)?;
        after.given_bytes.spend(now, BYTES.times(limits::QUOTA_GIVEN_FACTOR * factor), size_bytes as u64)?;
        *self = after;
        Ok(())
    }

    const fn is_whole(&self, now: UnixMillis) -> bool {
        self.changes.is_whole(now)
            && self.bytes.is_whole(now)
            && self.tickets.is_whole(now)
            && self.asks.is_whole(now)
            && self.blob_bytes.is_whole(now)
            && self.reads.is_whole(now)
            && self.given.is_whole(now)
            && self.given_bytes.is_whole(now)
    }
}

/// Who spends: a device, and its user with all their devices.
type Spender = (DeviceId, UserId);

/// What everybody has spent.
#[derive(Debug, Default)]
pub(super) struct Quotas {
    devices: BTreeMap<DeviceId, Spent>,
    users: BTreeMap<UserId, Spent>,
}

impl Quotas {
    /// A change that a device pushes, of whomever it is; or how many milliseconds to wait with it.
    pub(super) fn spend_change(
        &mut self,
        now: UnixMillis,
        who: Spender,
        cost: ChangeCost,
    ) -> Result<(), u64> {
        self.spend(now, who, |spent, factor| spent.spend_change(now, factor, cost))
    }

    /// A change that a device gives back to a server that was restored, of whomever it is; or how many milliseconds to
    /// wait with it.
    pub(super) fn spend_given(
        &mut self,
        now: UnixMillis,
        who: Spender,
        size_bytes: usize,
    ) -> Result<(), u64> {
        self.spend(now, who, |spent, factor| spent.spend_given(now, factor, size_bytes))
    }

    /// An ask; or how many milliseconds to wait with it.
    pub(super) fn spend_ask(&mut self, now: UnixMillis, who: Spender) -> Result<(), u64> {
        self.spend(now, who, |spent, factor| spent.asks.spend(now, ASKS.times(factor), 1))
    }

    /// Bytes of a blob that a device is about to send; or how many milliseconds to wait with it.
    pub(super) fn spend_blob(&mut self, now: UnixMillis, who: Spender, size_bytes: u64) -> Result<(), u64> {
        self.spend(now, who, |spent, factor| {
            spent.blob_bytes.spend(now, BLOB_BYTES.times(factor), size_bytes)
        })
    }

    /// A read mark that a device moves; or how many milliseconds to wait with it.
    pub(super) fn spend_read(&mut self, now: UnixMillis, who: Spender) -> Result<(), u64> {
        self.spend(now, who, |spent, factor| spent.reads.spend(now, READS.times(factor), 1))
    }

    /// Of a device and its user, or of neither. `spend` spends nothing where it refuses, and is told how many times as
    /// much there is.
    fn spend(
        &mut self,
        now: UnixMillis,
        (device, user): Spender,
        spend: impl Fn(&mut Spent, u64) -> Result<(), u64>,
    ) -> Result<(), u64> {
        self.make_room(now);
        let (of_device, of_user) = self.of(device, user);
        let mut after = *of_device;
        spend(&mut after, 1)?;
        spend(of_user, limits::QUOTA_USER_FACTOR)?;
        *of_device = after;
        Ok(())
    }

    fn of(&mut self, device: DeviceId, user: UserId) -> (&mut Spent, &mut Spent) {
        (self.devices.entry(device).or_default(), self.users.entry(user).or_default())
    }

    /// Forgets those who have everything again, when there are many.
    fn make_room(&mut self, now: UnixMillis) {
        if self.devices.len() >= limits::QUOTA_METERS_MAX {
            self.devices.retain(|_, spent| !spent.is_whole(now));
        }
        if self.users.len() >= limits::QUOTA_METERS_MAX {
            self.users.retain(|_, spent| !spent.is_whole(now));
        }
    }
}

impl Rate {
    const fn times(self, factor: u64) -> Self {
        Self { most: self.most * factor, ..self }
    }
}

const CHANGES: Rate = Rate { most: limits::QUOTA_CHANGES_PER_MINUTE, within_millis: 60_000 };
const BYTES: Rate = Rate { most: limits::QUOTA_BYTES_PER_DAY, within_millis: DAY_MILLIS };
const TICKETS: Rate = Rate { most: limits::QUOTA_TICKETS_PER_DAY, within_millis: DAY_MILLIS };
const ASKS: Rate = Rate { most: limits::QUOTA_ASKS_PER_MINUTE, within_millis: 60_000 };
const BLOB_BYTES: Rate = Rate { most: limits::QUOTA_BLOB_BYTES_PER_DAY, within_millis: DAY_MILLIS };
const READS: Rate = Rate { most: limits::QUOTA_READS_PER_MINUTE, within_millis: 60_000 };
const DAY_MILLIS: u64 = 24 * 3_600_000;

#[cfg(test)]
mod tests;
