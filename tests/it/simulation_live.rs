//! News between people who are connected all the time: nothing waits for somebody else, or for a reconnect.

use assist_crdt_model::ProjectId;
use assist_proto::address::Address;
use assist_proto::hub::{Command, CommandError, Connection, Reply};
use assist_proto::store::DeviceStore as _;
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

#[test]
fn server_that_moved_without_a_word_is_found_where_a_person_says_it_is() {
    let mut desk = Desk::open(14);
    let (alice, server) = (desk.alice, desk.server);
    desk.set_online(alice, false);
    desk.world.net.relocate(server, "10.1.0.1:9470".parse().unwrap());
    desk.set_online(alice, true);
    let ticket = desk.world.file(alice, "It hangs", "On start.");
    desk.world.net.run_for(A_WHILE_MILLIS);
    assert!(!matches!(desk.status(alice).connection, Connection::Online { .. }), "nobody is where it was");

    let place = desk.world.address(desk.world.projects[alice.project]);
    let relocated = desk.world.command(alice, Command::Relocate { address: place.clone() });
    assert_eq!(relocated, Ok(Reply::Done));
    desk.world.net.run_for(A_WHILE_MILLIS);
    assert_eq!(desk.world.tickets_at(desk.carol), [ticket]);
    let known = desk.world.net.peer(alice.device).store.memberships().unwrap().remove(0).address;
    assert!(known.ends_with("@10.1.0.1,10.0.0.0"), "the former host is kept, behind the new one: {known}");

    // One that is online stays so; a project that is none of this device's is not made one by its address.
    let links = desk.world.net.link_count(server);
    assert_eq!(desk.world.command(alice, Command::Relocate { address: place.clone() }), Ok(Reply::Done));
    desk.world.net.run_for(A_WHILE_MILLIS);
    assert_eq!(desk.world.net.link_count(server), links);
    let other = Address::new(ProjectId::from_bytes([7; 32]), place.hosts().to_vec()).unwrap();
    let refused = desk.world.command(alice, Command::Relocate { address: other });
    assert_eq!(refused, Err(CommandError::NotJoined));
}

/// Longer than news take, shorter than a device that hears nothing waits before it connects again.
const A_WHILE_MILLIS: u64 = 10_000;
