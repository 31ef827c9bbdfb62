//! Times as people read them. The moment from which they are told is an argument.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Says shortly how long ago, for lists: `3 min`, `2 d`, or the day.
pub(crate) fn short(now_millis: u64, at_millis: u64) -> String {
    let secs = now_millis.saturating_sub(at_millis) / 1000;
    match secs {
        0..MINUTE => "now".to_owned(),
        MINUTE..HOUR => format!("{} min", secs / MINUTE),
        HOUR..DAY => format!("{} h", secs / HOUR),
        DAY..WEEK => format!("{} d", secs / DAY),
        _ => written(at_millis, "%d %b %Y"),
    }
}

/// Says how long ago: `3 minutes ago`, or how long until: `in 3 minutes`.
pub(crate) fn relative(now_millis: u64, at_millis: u64) -> String {
    let secs = now_millis.abs_diff(at_millis) / 1000;
    let (count, unit) = match secs {
        0..5 => return "just now".to_owned(),
        5..MINUTE => (secs, "second"),
        MINUTE..HOUR => (secs / MINUTE, "minute"),
        HOUR..DAY => (secs / HOUR, "hour"),
        DAY..WEEK => (secs / DAY, "day"),
        _ => return written(at_millis, "%d %b %Y"),
    };
    let plural = if count == 1 { "" } else { "s" };
    match at_millis > now_millis {
        true => format!("in {count} {unit}{plural}"),
        false => format!("{count} {unit}{plural} ago"),
    }
}

/// Says how long something took or has been: `3 minutes`.
pub(crate) fn span(millis: u64) -> String {
    let secs = millis / 1000;
    let (count, unit) = match secs {
        0..MINUTE => (secs, "second"),
        MINUTE..HOUR => (secs / MINUTE, "minute"),
        HOUR..DAY => (secs / HOUR, "hour"),
        _ => (secs / DAY, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

/// Says when, to the minute, in the reader's zone.
pub(crate) fn exact(at_millis: u64) -> String {
    written(at_millis, "%A %d %B %Y, %H:%M")
}

fn written(at_millis: u64, format: &str) -> String {
    let at = i64::try_from(at_millis).ok().and_then(|millis| Timestamp::from_millisecond(millis).ok());
    at.map_or_else(
        || "at an unknown time".to_owned(),
        |at| at.to_zoned(TimeZone::system()).strftime(format).to_string(),
    )
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const WEEK: u64 = 7 * DAY;

#[cfg(test)]
mod tests {
    use super::{relative, short, span};

    #[test]
    fn what_is_near_is_told_as_a_distance() {
        let now = 1_795_000_000_000;
        let ago = |secs: u64| (short(now, now - secs * 1000), relative(now, now - secs * 1000));
        assert_eq!(ago(3), ("now".into(), "just now".into()));
        assert_eq!(ago(60), ("1 min".into(), "1 minute ago".into()));
        assert_eq!(ago(2 * 3600), ("2 h".into(), "2 hours ago".into()));
        assert_eq!(ago(3 * 86_400), ("3 d".into(), "3 days ago".into()));
        assert_eq!(relative(now, now + 120_000), "in 2 minutes");
        assert_eq!(short(now, now + 120_000), "now", "a clock that is ahead is no news");
        assert!(ago(90 * 86_400).0.contains("2026"));
        assert_eq!(relative(now, u64::MAX), "at an unknown time");
        assert_eq!((span(61_000), span(400 * 86_400_000)), ("1 minute".into(), "400 days".into()));
    }
}
