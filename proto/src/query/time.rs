//! Times in a query: durations that count from now, and dates, which are days in UTC.

use assist_crdt_model::UnixMillis;
use assist_crdt_model::limits::VALUE_TIMES_MAX;

use super::parse::{Side, cut, side};
use super::{Moment, QueryError, QueryFault, TimeRange, Value};

/// `<7d` (newer than), `>7d` (older than), `2026-11-01`, `>=2026-11-01`, `2026-11-01..2026-11-30`. Of what lies ahead,
/// a duration counts from now on: `<7d` is within a week.
pub(super) fn range(values: &[Value], lies_ahead: bool) -> Result<TimeRange, QueryError> {
    let fault = |kind: fn(String) -> QueryFault, value: &Value| {
        QueryError::new(kind(cut(&value.text)), value.span.clone())
    };
    let [value] = values else { return Err(fault(QueryFault::BadTime, &values[1])) };
    let bad_time = || fault(QueryFault::BadTime, value);
    if let Some((from, to)) = value.text.split_once("..") {
        let (from, to) = (span(from).ok_or_else(bad_time)?, span(to).ok_or_else(bad_time)?);
        return Ok(TimeRange { from: Moment::At(from.0), to: Moment::At(to.1) });
    }
    let (side, text) = side(&value.text);
    if let Some(millis) = duration(text) {
        let then = if lies_ahead { Moment::Ahead(millis) } else { Moment::Ago(millis) };
        return match (side, lies_ahead) {
            (Side::Same, _) => Err(fault(QueryFault::NoSide, value)),
            (Side::Less | Side::AtMost, false) => Ok(TimeRange { from: then, to: Moment::End }),
            (Side::More | Side::AtLeast, false) => Ok(TimeRange { from: Moment::Start, to: then }),
            (Side::Less | Side::AtMost, true) => Ok(TimeRange { from: Moment::Start, to: then }),
            (Side::More | Side::AtLeast, true) => Ok(TimeRange { from: then, to: Moment::End }),
        };
    }
    let (begin, end) = span(text).ok_or_else(bad_time)?;
    let (begin, end) = (Moment::At(begin), Moment::At(end));
    Ok(match side {
        Side::Same => TimeRange { from: begin, to: end },
        Side::Less => TimeRange { from: Moment::Start, to: begin },
        Side::AtMost => TimeRange { from: Moment::Start, to: end },
        Side::More => TimeRange { from: end, to: Moment::End },
        Side::AtLeast => TimeRange { from: begin, to: Moment::End },
    })
}

/// `30m`, `4h`, `7d`, `2w`.
fn duration(text: &str) -> Option<u64> {
    let (count, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit_millis = match unit {
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => DAY_MILLIS,
        "w" => 7 * DAY_MILLIS,
        _ => return None,
    };
    let is_number = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
    let count: u64 = count.parse().ok().filter(|_| is_number)?;
    count.checked_mul(unit_millis).filter(|millis| *millis <= VALUE_TIMES_MAX)
}

/// When a day or a minute begins and when the next one does: `2026-11-01`, `2026-11-01T09:30`.
fn span(text: &str) -> Option<(UnixMillis, UnixMillis)> {
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let begin = date_millis(date)?;
    let Some(time) = time else { return Some((UnixMillis(begin), UnixMillis(begin + DAY_MILLIS))) };
    let (hours, minutes) = time.split_once(':')?;
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let begin = begin + (hours * 60 + minutes) * 60_000;
    Some((UnixMillis(begin), UnixMillis(begin + 60_000)))
}

/// When a day of the Gregorian calendar begins, in UTC; from 1970 on.
fn date_millis(text: &str) -> Option<u64> {
    let mut parts = text.split('-');
    let (year, month, day) =
        (digits(parts.next()?, 4)?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let is_leap =
        |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days_of = |month: u64| match month {
        2 => 28 + u64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if parts.next().is_some()
        || year < 1970
        || !(1..=12).contains(&month)
        || !(1..=days_of(month)).contains(&day)
    {
        return None;
    }
    let leap_days = |year: u64| (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400;
    let days = (year - 1970) * 365 + leap_days(year) - leap_days(1970);
    let days = days + (1..month).map(days_of).sum::<u64>() + day - 1;
    Some(days * DAY_MILLIS)
}

fn digits(text: &str, count: usize) -> Option<u64> {
    let is_number = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

const DAY_MILLIS: u64 = 86_400_000;
