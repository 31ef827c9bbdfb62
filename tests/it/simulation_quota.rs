//! How much a server takes from one person: honest work never meets the bound, and what runs wild waits and loses nothing.

use std::collections::BTreeSet;

use assist_crdt_model::{DocId, RejectCode};
use assist_proto::hub::{Command, CommandError, Connection, Reply};
use assist_proto::limits;
use assist_proto::store::{DeviceStore as _, ServerStore};
use assist_proto::wire::ask::{AskCode, ListDevices, Request};
use assist_proto::wire::give_back::{GiveBack, Vouchers};
use assist_proto::wire::{PeerMessage, RefusedCode, Verdicts, codec};
use assist_tests::world::{ALICE, Desk};

fn rejected(desk: &Desk) -> u64 {
    desk.world.net.peer(desk.server).server_hub().expect("it runs").status().rejected
}

fn unsent(desk: &Desk) -> u64 {
    let project = desk.world.projects[0].id;
    desk.world.net.peer(desk.alice.device).store.outbox_count(&project).unwrap()
}

/// Alice writes while she is offline: so many tickets with so many comments each.
fn write_offline(desk: &mut Desk, tickets: usize, comments: usize) {
    let alice = desk.alice;
    desk.set_online(alice, false);
    for number in 0..tickets {
        let ticket = desk.world.file(alice, &format!("Ticket {number}"), "On start.");
        for comment in 0..comments {
            desk.world.comment(alice, ticket, &format!("Comment {comment}"));
        }
    }
}

#[test]
fn thousand_drafted_tickets_sync_without_a_refusal() {
    let mut desk = Desk::open(1);
    write_offline(&mut desk, 1_000, 3);
    assert_eq!(unsent(&desk), 4_000);
    desk.set_online(desk.alice, true);
    desk.world.settle();
    assert_eq!(rejected(&desk), 0);
    desk.world.check();
    assert_eq!(desk.world.tickets_at(desk.carol).len(), 1_000);
}

#[test]
fn more_than_a_server_takes_waits_in_the_outbox_and_comes_by_itself() {
    let mut desk = Desk::open(2);
    let per_ticket = 60;
    let tickets = usize::try_from(limits::QUOTA_CHANGES_PER_MINUTE).unwrap() / per_ticket + 3;
    write_offline(&mut desk, tickets, per_ticket - 1);
    desk.set_online(desk.alice, true);
    while rejected(&desk) == 0 {
        assert!(desk.world.step(), "there is too much");
    }
    // The session that was told to wait ends; the next one is told the same.
    desk.world.net.cut_between(desk.alice.device, desk.server);
    desk.world.run_for(500);
    assert!(unsent(&desk) > 0, "it waits");
    assert_eq!(desk.drafts(desk.alice), []);
    desk.world.settle();
    assert_eq!(unsent(&desk), 0);
    assert_eq!(desk.drafts(desk.alice), [], "what waits is no draft");
    desk.world.check();
}

#[test]
fn who_gives_back_without_end_waits_and_others_do_not() {
    let mut desk = Desk::open(5);
    let ticket = desk.world.file(desk.alice, "It hangs", "On start.");
    desk.world.settle();
    let doc = DocId::Ticket(ticket);
    let record = ServerStore::doc_records(&desk.world.net.peer(desk.server).store, doc).unwrap().remove(0);
    let (alice, rogue) = (desk.alice, desk.bob);
    // Nobody else is there to give it back.
    for seat in [alice, desk.carol] {
        desk.set_online(seat, false);
    }
    desk.world.restore_server(0, None);
    desk.world.run_for(60_000);

    // Nobody vouches for the author: refused each time, and looked at each time.
    let frames =
        limits::QUOTA_CHANGES_PER_MINUTE * limits::QUOTA_GIVEN_FACTOR / limits::PUSH_ENVELOPES_MAX as u64;
    let give_back = PeerMessage::GiveBack(GiveBack {
        project: desk.world.projects[0].id,
        vouchers: Vouchers::default(),
        records: vec![record; limits::PUSH_ENVELOPES_MAX],
    });
    desk.world.observe();
    for _ in 0..=frames {
        desk.world.net.say(rogue.device, &give_back);
    }
    desk.world.net.run_for(5_000);
    let sent = desk.world.net.sent.iter().filter(|sent| sent.from == desk.server && sent.to == rogue.device);
    let codes: BTreeSet<u16> = sent
        .filter_map(|sent| match codec::decode("message", &sent.frame).unwrap() {
            PeerMessage::Verdicts(Verdicts { rejected, .. }) => Some(rejected),
            _ => None,
        })
        .flatten()
        .map(|rejected| rejected.code)
        .collect();
    assert_eq!(codes, BTreeSet::from([RejectCode::UnknownDevice.number(), RejectCode::OverQuota.number()]));

    for seat in [alice, desk.carol] {
        desk.set_online(seat, true);
    }
    desk.world.heal();
    desk.world.check();
    let given = ServerStore::doc_records(&desk.world.net.peer(desk.server).store, doc).unwrap();
    assert_eq!(given.len(), 1, "its author has a quota of her own");
}

#[test]
fn whoever_asks_without_end_is_told_when_to_ask_again() {
    let mut desk = Desk::open(3);
    let (alice, project) = (desk.alice, desk.world.projects[0].id);
    let ask = |desk: &mut Desk| {
        let request = Request::Devices(ListDevices { of: None, after: None, limit: 10 });
        match desk.world.net.command(alice.device, Command::Ask { project, request }) {
            Ok(Reply::Given(_)) => None,
            Err(CommandError::AskRefused(refused)) => Some(refused),
            other => panic!("{other:?}"),
        }
    };
    let asked_max = limits::QUOTA_ASKS_PER_MINUTE * 10;
    let refused = (0..asked_max).find_map(|_| ask(&mut desk)).expect("there is an end to it");
    assert_eq!(refused.code, AskCode::Limit);
    assert!(refused.reason.contains("ask again in"), "{refused:?}");
    desk.world.net.run_for(60_000);
    assert_eq!(ask(&mut desk), None);
}

#[test]
fn one_person_has_so_many_devices_connected_and_no_more() {
    let mut desk = Desk::open(4);
    for number in 1..limits::SESSIONS_PER_USER_MAX {
        desk.sit_down(ALICE, &format!("device {number}"));
    }
    desk.world.settle();
    let last = desk.sit_down(ALICE, "one too many");
    desk.world.run_for(20_000);
    let refused = desk.status(last).connection;
    assert!(matches!(refused, Connection::Refused { code: RefusedCode::TooMany, .. }), "{refused:?}");
    let first = desk.alice;
    assert!(matches!(desk.status(first).connection, Connection::Online { .. }));
    desk.set_online(first, false);
    desk.world.run_for(limits::RECONNECT_MAX_MILLIS * 20);
    assert!(matches!(desk.status(last).connection, Connection::Online { .. }), "there is room again");
}
