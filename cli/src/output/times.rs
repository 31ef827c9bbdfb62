//! Times as people read them, in their own zone, and as scripts do, in UTC.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// What a time is told from: one moment and one zone for all of a command's output.
#[derive(Debug, Clone)]
pub(crate) struct Times {
    now: Timestamp,
    zone: TimeZone,
}

impl Times {
    /// Takes the clock and the zone of this machine.
    pub(crate) fn of_this_machine() -> Self {
        Self::new(Timestamp::now(), TimeZone::system())
    }

    /// Takes a moment and a zone.
    pub(crate) const fn new(now: Timestamp, zone: TimeZone) -> Self {
        Self { now, zone }
    }

    /// Says how long ago, or in how long, roughly: `3 minutes ago`.
    pub(crate) fn relative(&self, millis: u64) -> String {
        let Some(at) = timestamp(millis) else { return UNKNOWN.to_owned() };
        let secs = self.now.as_second() - at.as_second();
        let span = span(secs.unsigned_abs());
        match secs {
            -4..=4 => "just now".to_owned(),
            5.. => format!("{span} ago"),
            _ => format!("in {span}"),
        }
    }

    /// Returns the moment in the reader's zone: `2026-11-22 21:49 CET`.
    pub(crate) fn absolute(&self, millis: u64) -> String {
        timestamp(millis).map_or_else(
            || UNKNOWN.to_owned(),
            |at| at.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string(),
        )
    }

    /// Returns both: `3 minutes ago (2026-11-22 21:49 CET)`.
    pub(crate) fn both(&self, millis: u64) -> String {
        format!("{} ({})", self.relative(millis), self.absolute(millis))
    }
}

/// Returns the moment for scripts: RFC 3339 in UTC with milliseconds.
pub(crate) fn exact(millis: u64) -> String {
    timestamp(millis)
        .map_or_else(|| millis.to_string(), |at| at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
}

/// Says roughly how long: `3 minutes`.
pub(crate) fn span(secs: u64) -> String {
    let (count, unit) = match secs {
        0..MINUTE => (secs, "second"),
        MINUTE..HOUR => (secs / MINUTE, "minute"),
        HOUR..DAY => (secs / HOUR, "hour"),
        DAY..MONTH => (secs / DAY, "day"),
        MONTH..YEAR => (secs / MONTH, "month"),
        _ => (secs / YEAR, "year"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

fn timestamp(millis: u64) -> Option<Timestamp> {
    Timestamp::from_millisecond(i64::try_from(millis).ok()?).ok()
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const MONTH: u64 = 30 * DAY;
const YEAR: u64 = 365 * DAY;

/// Beyond what calendars know.
const UNKNOWN: &str = "at an unknown time";

#[cfg(test)]
mod tests;
