//! What is closed when, with which words; at times that are given.

use assist_crdt_model::{Reason, Role, Status, UnixMillis};

use super::{DAY_MILLIS, Housekeeping};
use crate::store::TicketRow;

const THEN: u64 = 1_000 * DAY_MILLIS;
const BOTH: Housekeeping = Housekeeping {
    close_resolved_after_millis: Some(14 * DAY_MILLIS),
    close_pending_after_millis: Some(30 * DAY_MILLIS),
};

/// A ticket in which something last happened at [`THEN`].
fn row(status: Status) -> TicketRow {
    TicketRow { status, updated_at: UnixMillis(THEN), ..TicketRow::sample() }
}

/// So many days after [`THEN`].
const fn day(days: u64) -> UnixMillis {
    UnixMillis(THEN + days * DAY_MILLIS)
}

#[test]
fn what_rests_for_the_period_of_its_status_is_closed_and_told_why() {
    let eve = |days: u64| UnixMillis(day(days).0 - 1);
    let (fortnight, month) = (Some("no answer for 14 days"), Some("no answer for 30 days"));
    for (status, now, wanted) in [
        (Status::Resolved, eve(14), None),
        (Status::Resolved, day(14), fortnight),
        (Status::Resolved, day(4_000), fortnight),
        (Status::Pending, day(14), None),
        (Status::Pending, eve(30), None),
        (Status::Pending, day(30), month),
        (Status::Open, day(4_000), None),
        (Status::Closed, day(4_000), None),
        // A clock that went back, or was never set.
        (Status::Resolved, UnixMillis(0), None),
    ] {
        let told = BOTH.reason_to_close(&row(status), None, now);
        assert_eq!(told.as_deref(), wanted, "{status:?} at {now:?}");
        assert_eq!(Housekeeping::default().reason_to_close(&row(status), None, now), None);
    }
}

#[test]
fn each_period_may_be_said_alone() {
    let resolved = Housekeeping { close_pending_after_millis: None, ..BOTH };
    let pending = Housekeeping { close_resolved_after_millis: None, ..BOTH };
    assert_eq!(BOTH.statuses(), [Status::Pending, Status::Resolved]);
    assert_eq!(resolved.statuses(), [Status::Resolved]);
    assert_eq!(pending.statuses(), [Status::Pending]);
    assert_eq!(resolved.reason_to_close(&row(Status::Pending), None, day(4_000)), None);
    assert_eq!(pending.reason_to_close(&row(Status::Resolved), None, day(4_000)), None);
    assert!(resolved.is_on() && pending.is_on() && !Housekeeping::default().is_on());
    assert!(Housekeeping::default().statuses().is_empty());
}

#[test]
fn what_is_snoozed_is_left_and_has_its_whole_period_once_it_is_back() {
    let asleep = TicketRow { snoozed_until_millis: Some(day(20).0), ..row(Status::Resolved) };
    for (now, is_closed) in [(day(19), false), (day(20), false), (day(33), false), (day(34), true)] {
        assert_eq!(BOTH.reason_to_close(&asleep, None, now).is_some(), is_closed, "{now:?}");
    }
}

#[test]
fn a_note_is_something_that_happened() {
    let resolved = row(Status::Resolved);
    let told = |noted_at, now| BOTH.reason_to_close(&resolved, Some(noted_at), now).is_some();
    assert!(!told(day(10), day(14)));
    assert!(told(day(10), day(24)));
    assert!(told(UnixMillis(0), day(14)), "an old note takes nothing away");
}

#[test]
fn the_search_ends_where_no_status_is_reached() {
    assert!(!BOTH.reaches(UnixMillis(THEN), UnixMillis(day(14).0 - 1)));
    assert!(BOTH.reaches(UnixMillis(THEN), day(14)), "a resolved one may be meant");
    assert!(!Housekeeping::default().reaches(UnixMillis(0), day(4_000)));
}

#[test]
fn only_the_team_keeps_house() {
    assert!(BOTH.is_for(Role::Agent) && BOTH.is_for(Role::Admin) && !BOTH.is_for(Role::Customer));
}

#[test]
fn every_reason_is_one() {
    for (after, wanted) in [
        (1, "no answer"),
        (DAY_MILLIS, "no answer for 1 day"),
        (2 * DAY_MILLIS + 1, "no answer for 2 days"),
        (u64::MAX, "no answer for 213503982334 days"),
    ] {
        let said = super::reason(after);
        assert_eq!(said, wanted);
        assert_eq!(Reason::parse(&said).unwrap().to_string(), wanted);
    }
}
