//! Times as people tell them, and as scripts read them.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

use super::{Times, exact};

const NOW_MILLIS: u64 = 1_795_384_154_000;

fn times() -> Times {
    let now = Timestamp::from_millisecond(NOW_MILLIS.try_into().unwrap()).unwrap();
    Times::new(now, TimeZone::fixed(Offset::constant(1)))
}

#[test]
fn relative_times_are_rough_and_know_the_future() {
    let ago = |secs: u64| times().relative(NOW_MILLIS - secs * 1000);
    assert_eq!(ago(0), "just now");
    assert_eq!(ago(59), "59 seconds ago");
    assert_eq!(ago(60), "1 minute ago");
    assert_eq!(ago(3 * 3600 + 5), "3 hours ago");
    assert_eq!(ago(40 * 86400), "1 month ago");
    assert_eq!(ago(800 * 86400), "2 years ago");
    assert_eq!(times().relative(NOW_MILLIS + 120_000), "in 2 minutes");
}

#[test]
fn absolute_times_are_in_the_readers_zone() {
    assert_eq!(times().absolute(NOW_MILLIS), "2026-11-22 22:49 +01");
    assert_eq!(times().both(NOW_MILLIS), "just now (2026-11-22 22:49 +01)");
}

#[test]
fn exact_times_are_utc_with_milliseconds() {
    assert_eq!(exact(NOW_MILLIS + 7), "2026-11-22T21:49:14.007Z");
    assert_eq!(exact(0), "1970-01-01T00:00:00.000Z");
}

#[test]
fn absurd_times_do_no_harm() {
    assert_eq!(times().relative(u64::MAX), "at an unknown time");
    assert_eq!(times().absolute(u64::MAX), "at an unknown time");
    assert_eq!(exact(u64::MAX), u64::MAX.to_string());
}
