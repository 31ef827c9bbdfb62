//! News between people who are connected all the time: nothing waits for somebody else, or for a reconnect.

use assist_proto::hub::Connection;
use assist_tests::peer::Input;
use assist_tests::world::{DAVE, Desk};

#[test]
fn agents_comment_reaches_a_colleague_while_no_customer_is_there() {
    let mut desk = Desk::open(11);
    let colleague = desk.sit_down(DAVE, "desktop");
    let ticket = desk.world.file(desk.alice, "It hangs", "On start.");
    desk.world.settle();
    desk.set_online(desk.alice, false);
    desk.set_online(desk.bob, false);
    desk.world.net.run_for(A_WHILE_MILLIS);

    desk.world.comment(desk.carol, ticket, "Which version?");
    desk.world.net.run_for(A_WHILE_MILLIS);
    assert_eq!(desk.world.comments_at(colleague, ticket), ["Which version?"]);
}

#[test]
fn comment_and_answer_arrive_while_everybody_is_connected() {
    let mut desk = Desk::open(12);
    let ticket = desk.world.file(desk.alice, "It hangs", "On start.");
    desk.world.net.run_for(A_WHILE_MILLIS);
    assert_eq!(desk.world.tickets_at(desk.carol), [ticket]);

    desk.world.comment(desk.carol, ticket, "Which version?");
    desk.world.net.run_for(A_WHILE_MILLIS);
    assert_eq!(desk.world.comments_at(desk.alice, ticket), ["Which version?"]);
    assert_eq!(desk.world.net.link_count(desk.server), 3, "nobody had to connect again");
}

#[test]
fn dial_under_way_is_begun_anew_when_the_network_changes() {
    let mut desk = Desk::open(13);
    desk.set_online(desk.alice, false);
    let device = desk.alice.device;
    let dial_of = |desk: &Desk| match desk.status(desk.alice).connection {
        Connection::Connecting { dial, .. } => Some(dial),
        _ => None,
    };
    let mut steps = 0;
    let first = loop {
        desk.world.net.run_for(100);
        match dial_of(&desk) {
            Some(dial) => break dial,
            None => steps += 1,
        }
        assert!(steps < 10_000, "it never tries to connect");
    };
    desk.world.net.give(device, Input::NetworkChanged);
    desk.world.net.run_for(1);
    let second = dial_of(&desk).expect("it tries anew at once");
    assert_ne!(second, first);
    // The old one is given up for good: what comes of the new one is what counts.
    desk.set_online(desk.alice, true);
    desk.world.net.run_for(A_WHILE_MILLIS);
    assert!(matches!(desk.status(desk.alice).connection, Connection::Online { .. }));
}

/// Longer than news take, shorter than a device that hears nothing waits before it connects again.
const A_WHILE_MILLIS: u64 = 10_000;
