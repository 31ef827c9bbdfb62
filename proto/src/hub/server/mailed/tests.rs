//! How much is mailed, and how codes are kept.

use super::*;

const START: UnixMillis = UnixMillis(1_000_000_000_000);

fn after(millis: u64) -> UnixMillis {
    UnixMillis(START.0 + millis)
}

fn device(number: u32) -> DeviceId {
    let mut key = [0; 32];
    key[..4].copy_from_slice(&number.to_be_bytes());
    DeviceId::from_bytes(key)
}

#[test]
fn address_gets_three_codes_in_ten_minutes_and_twenty_a_day() {
    let mut mailed = MailedLately::default();
    let mut taken = 0;
    for minute in 0..24 * 60 {
        // Another device each time: it is the address that counts.
        let now = after(minute * MINUTE_MILLIS);
        if mailed.take(now, device(u32::try_from(minute).unwrap()), "alice@example.org").is_ok() {
            taken += 1;
        }
        assert!(minute > 9 || taken <= limits::MAILED_CODES_PER_ADDRESS_MAX, "minute {minute}");
    }
    assert_eq!(taken, limits::MAILED_CODES_PER_ADDRESS_A_DAY_MAX);
    assert!(mailed.take(after(DAY_MILLIS), device(9_999), "alice@example.org").is_ok());
    assert!(mailed.take(START, device(1), "bob@example.org").is_ok(), "others are not concerned");
}

#[test]
fn device_has_five_codes_mailed_in_an_hour() {
    let mut mailed = MailedLately::default();
    let take = |mailed: &mut MailedLately, now, number: usize| {
        mailed.take(now, device(1), &format!("{number}@example.org"))
    };
    for number in 0..limits::MAILED_CODES_PER_DEVICE_MAX {
        assert!(take(&mut mailed, START, number).is_ok());
    }
    assert!(take(&mut mailed, after(HOUR_MILLIS - 1), 50).is_err());
    assert!(take(&mut mailed, after(HOUR_MILLIS), 50).is_ok());
}

#[test]
fn server_mails_a_hundred_codes_a_minute_and_keeps_no_more_than_a_day_of_them() {
    let mut mailed = MailedLately::default();
    let mut number = 0;
    for minute in 0..2 * 24 * 60 {
        let now = after(minute * MINUTE_MILLIS);
        let taken = (0..limits::MAILED_CODES_PER_MINUTE_MAX + 1)
            .filter(|_| {
                number += 1;
                mailed.take(now, device(number), &format!("{number}@example.org")).is_ok()
            })
            .count();
        assert_eq!(taken, limits::MAILED_CODES_PER_MINUTE_MAX);
        if minute % 60 > 0 {
            continue;
        }
        assert!(mailed.by_address.len() <= limits::MAILED_CODES_PER_MINUTE_MAX * (24 * 60 + 1));
        assert!(mailed.by_device.len() <= limits::MAILED_CODES_PER_MINUTE_MAX * 61);
    }
}

#[test]
fn code_is_worth_nothing_for_another_device_or_project() {
    let project = ProjectId::from_bytes([1; 32]);
    let right = hash(CODE_CONTEXT, &project, &device(1), "7k1m-0q2x");
    assert_eq!(hash(CODE_CONTEXT, &project, &device(1), " 7KLM oq2x"), right);
    assert_ne!(hash(CODE_CONTEXT, &project, &device(2), "7k1m-0q2x"), right);
    assert_ne!(hash(CODE_CONTEXT, &ProjectId::from_bytes([2; 32]), &device(1), "7k1m-0q2x"), right);
    assert_ne!(hash(CHECK_CONTEXT, &project, &device(1), "7k1m-0q2x"), right);
}
