//! When somebody's news are looked for.

use super::*;

const MINUTE: u64 = 60_000;

fn next(mailed: u32, mailed_at: Option<u64>, looked_at: u64, after_minutes: u64) -> u64 {
    let away = Away {
        user: UserId::from_bytes([1; 16]),
        since: UnixMillis(1_000 * MINUTE),
        news_after: Seq(3),
        mailed,
        mailed_at_millis: mailed_at.map(|at| at * MINUTE),
    };
    let looked_at = UnixMillis(looked_at * MINUTE);
    let waiting = Waiting { away, looked_at, due_at: None };
    let rules = DigestRules { after_millis: after_minutes * MINUTE, has_excerpts: true };
    waiting.next_look(&rules).0 / MINUTE
}

#[test]
fn the_first_mail_waits_until_somebody_is_away_for_a_while() {
    assert_eq!(next(0, None, 0, 60), 1_060);
    assert_eq!(next(0, None, 0, 0), 1_000, "some seconds at the least");
    assert_eq!(next(0, None, 1_100, 60), 1_105, "and nobody is looked after all the time");
}

#[test]
fn pauses_grow_up_to_a_day() {
    let pauses: Vec<u64> = (1..8).map(|mailed| next(mailed, Some(2_000), 2_000, 60) - 2_000).collect();
    assert_eq!(pauses, [120, 240, 480, 960, 1_440, 1_440, 1_440]);
    assert_eq!(next(200, Some(2_000), 2_000, 60), 2_000 + 1_440);
    assert_eq!(next(3, Some(2_000), 2_000, 3 * 1_440), 2_000 + 3 * 1_440, "an operator may want longer ones");
}
