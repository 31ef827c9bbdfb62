//! What is spent comes again with time, and only with time.

use assist_crdt_model::{DeviceId, UnixMillis, UserId};

use super::{ChangeCost, Quotas};
use crate::limits;

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);
const SMALL: ChangeCost = ChangeCost { size_bytes: 300, is_new_ticket: false };

fn who(device: u8, user: u8) -> (DeviceId, UserId) {
    (DeviceId::from_bytes([device; 32]), UserId::from_bytes([user; 16]))
}

/// Spends until it is refused: how often that went well, and how long to wait.
fn exhaust(quotas: &mut Quotas, now: UnixMillis, who: (DeviceId, UserId), cost: ChangeCost) -> (u64, u64) {
    let mut count = 0;
    loop {
        match quotas.spend_change(now, who, cost) {
            Ok(()) => count += 1,
            Err(wait_millis) => return (count, wait_millis),
        }
    }
}

#[test]
fn changes_end_and_come_again_steadily() {
    let mut quotas = Quotas::default();
    let (count, wait_millis) = exhaust(&mut quotas, NOW, who(1, 1), SMALL);
    assert_eq!(count, limits::QUOTA_CHANGES_PER_MINUTE);
    assert!((1..1_000).contains(&wait_millis), "{wait_millis}");
    let later = UnixMillis(NOW.0 + wait_millis);
    assert_eq!(quotas.spend_change(later, who(1, 1), SMALL), Ok(()));
    let (count, _) = exhaust(&mut quotas, UnixMillis(NOW.0 + 30_000), who(1, 1), SMALL);
    assert!(count.abs_diff(limits::QUOTA_CHANGES_PER_MINUTE / 2) <= 2, "{count}");
}

#[test]
fn user_with_many_devices_has_no_more_than_a_user() {
    let mut quotas = Quotas::default();
    let spent: u64 = (1..=10).map(|device| exhaust(&mut quotas, NOW, who(device, 1), SMALL).0).sum();
    // A microsecond is the smallest that is counted.
    let most = limits::QUOTA_CHANGES_PER_MINUTE * limits::QUOTA_USER_FACTOR;
    assert!((most..most + most / 1_000).contains(&spent), "{spent}");
    assert_eq!(quotas.spend_change(NOW, who(11, 2), SMALL), Ok(()), "others have theirs");
}

#[test]
fn bytes_and_tickets_are_those_of_a_day() {
    let mut quotas = Quotas::default();
    let large = ChangeCost { size_bytes: 1 << 20, is_new_ticket: false };
    let (count, _) = exhaust(&mut quotas, NOW, who(1, 1), large);
    assert_eq!(count, limits::QUOTA_BYTES_PER_DAY >> 20);
    let ticket = ChangeCost { size_bytes: 0, is_new_ticket: true };
    // In two goes: the changes of one minute are fewer.
    let filed = [0, 60_000].map(|later| exhaust(&mut quotas, UnixMillis(NOW.0 + later), who(2, 2), ticket).0);
    let most = limits::QUOTA_TICKETS_PER_DAY;
    assert!((most..most + most / 100).contains(&(filed[0] + filed[1])), "{filed:?}");
}

#[test]
fn clock_that_is_set_back_shuts_nobody_out() {
    let mut quotas = Quotas::default();
    exhaust(&mut quotas, UnixMillis(NOW.0 + 10 * 365 * 24 * 3_600_000), who(1, 1), SMALL);
    let wait_millis = quotas.spend_change(NOW, who(1, 1), SMALL).unwrap_err();
    assert!(wait_millis <= 1_000, "{wait_millis}");
}

#[test]
fn what_is_refused_costs_nothing() {
    let mut quotas = Quotas::default();
    let large = ChangeCost { size_bytes: 1 << 20, is_new_ticket: true };
    let (tickets, _) = exhaust(&mut quotas, NOW, who(1, 1), large);
    assert_eq!(tickets, limits::QUOTA_BYTES_PER_DAY >> 20);
    for _ in 0..limits::QUOTA_CHANGES_PER_MINUTE {
        assert!(quotas.spend_change(NOW, who(1, 1), large).is_err());
    }
    let free = ChangeCost { size_bytes: 0, is_new_ticket: false };
    assert_eq!(exhaust(&mut quotas, NOW, who(1, 1), free).0, limits::QUOTA_CHANGES_PER_MINUTE - tickets);
}

#[test]
fn meters_of_those_who_were_long_away_make_room() {
    let mut quotas = Quotas::default();
    for number in 0..limits::QUOTA_METERS_MAX as u64 {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        quotas.spend_ask(NOW, (DeviceId::from_bytes(bytes), UserId::from_bytes([1; 16]))).ok();
    }
    assert_eq!(quotas.devices.len(), limits::QUOTA_METERS_MAX);
    quotas.spend_ask(UnixMillis(NOW.0 + 600_000), who(255, 2)).unwrap();
    assert_eq!(quotas.devices.len(), 1);
}

#[test]
fn what_is_given_back_is_counted_by_itself() {
    let mut quotas = Quotas::default();
    let most = limits::QUOTA_CHANGES_PER_MINUTE * limits::QUOTA_GIVEN_FACTOR;
    let given = (0..=most).take_while(|_| quotas.spend_given(NOW, who(1, 1), 300).is_ok()).count() as u64;
    assert!(given.abs_diff(most) <= most / 1_000, "{given}");
    assert_eq!(quotas.spend_change(NOW, who(1, 1), SMALL), Ok(()), "own writing goes on");
    assert_eq!(quotas.spend_given(NOW, who(2, 2), 300), Ok(()), "others have theirs");
    let gigabytes = limits::QUOTA_BYTES_PER_DAY * limits::QUOTA_GIVEN_FACTOR;
    let large = 1 << 24;
    let given = (0..gigabytes).take_while(|_| quotas.spend_given(NOW, who(3, 3), large).is_ok()).count();
    assert_eq!(given as u64, gigabytes / large as u64);
}
