//! Counting, and what the door does with those who stand before it.

use std::net::{Ipv4Addr, SocketAddr};

use quinn::Endpoint;

use super::*;
use crate::device_key::DeviceKey;
use crate::net::transport::{client_config, server_config};

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

#[tokio::test]
async fn in_a_crowd_an_address_is_proven_before_a_connection_is_taken_up() {
    let limits = NetLimits { greetings_max: 4, ..NetLimits::default() };
    let key = DeviceKey::from_secret(&[1; 32]);
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listener = Endpoint::server(server_config(&key, &limits).unwrap(), loopback).unwrap();
    let dialler = Endpoint::client(loopback).unwrap();
    let config = client_config(&key, &limits).unwrap();
    let connecting = dialler.connect_with(config, listener.local_addr().unwrap(), "anything").unwrap();

    let door = Door::new(&limits);
    let elsewhere = source_of("192.0.2.1".parse().unwrap());
    let _crowd = [Permit::take(&door.greetings, elsewhere), Permit::take(&door.greetings, elsewhere)];
    let first = listener.accept().await.unwrap();
    assert!(!first.remote_address_validated());
    assert!(door.admit(first, 0).is_none());
    let again = listener.accept().await.unwrap();
    assert!(again.remote_address_validated());
    let (incoming, _permit) = door.admit(again, 0).unwrap();
    let (accepted, connected) = tokio::join!(incoming, connecting);
    accepted.unwrap();
    connected.unwrap();
}
