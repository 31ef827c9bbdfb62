//! Counting without a network.

use super::*;

#[test]
fn a_place_is_given_back_and_nothing_is_remembered() {
    let greetings = Arc::default();
    let source = source_of("192.0.2.1".parse().unwrap());
    let first = Permit::take(&greetings, source);
    let second = Permit::take(&greetings, source);
    assert_eq!(lock(&greetings).count(source), (2, 2));
    drop(first);
    assert_eq!(lock(&greetings).count(source), (1, 1));
    drop(second);
    assert_eq!(lock(&greetings).all, 0);
    assert!(lock(&greetings).by_source.is_empty());
}

#[test]
fn addresses_that_one_machine_has_are_one_source() {
    let source = |text: &str| source_of(text.parse().unwrap());
    assert_eq!(source("400:1:2:3::1"), source("400:1:2:3:4:5:6:7"));
    assert_ne!(source("400:1:2:3::1"), source("400:1:2:4::1"));
    assert_eq!(source("::ffff:192.0.2.1"), source("192.0.2.1"));
    assert_ne!(source("192.0.2.1"), source("192.0.2.2"));
}
