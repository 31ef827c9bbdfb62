//! Folders that went back in time, projects that were left, and several devices of one person.

use assist_crdt_model::{Body, DocId, Edit, Status, TicketId};
use assist_proto::hub::{Command, CommandError};
use assist_proto::store::{ServerProject, ServerStore};
use assist_tests::world::{ALICE, Desk};

#[test]
fn restored_device_gets_back_what_it_had_written_since() {
    let mut desk = Desk::open(1);
    let ticket = desk.world.file(desk.alice, "It hangs", "On start.");
    desk.world.settle();
    let copy = desk.world.net.peer(desk.alice.device).store.clone();
    desk.world.comment(desk.alice, ticket, "First.");
    desk.world.comment(desk.alice, ticket, "Second.");
    let later = desk.world.file(desk.alice, "It crashes", "On exit.");
    desk.world.settle();
    desk.world.restore(desk.alice.device, copy, true);
    desk.world.settle();

    desk.world.check();
    assert_eq!(desk.world.comments_at(desk.alice, ticket), ["First.", "Second."]);
    assert!(desk.world.ticket_at(desk.alice, later).is_some());
}

#[test]
fn restored_device_that_writes_before_it_knows_loses_nothing() {
    let mut desk = Desk::open(2);
    let ticket = desk.world.file(desk.alice, "It hangs", "On start.");
    desk.world.settle();
    let copy = desk.world.net.peer(desk.alice.device).store.clone();
    desk.world.comment(desk.alice, ticket, "First.");
    desk.world.settle();
    desk.set_online(desk.alice, false);
    desk.world.restore(desk.alice.device, copy, true);
    desk.world.comment(desk.alice, ticket, "Second.");
    desk.world.comment(desk.alice, ticket, "Third.");
    desk.set_online(desk.alice, true);
    desk.world.settle();

    desk.world.check();
    let mut comments = desk.world.comments_at(desk.carol, ticket);
    comments.sort();
    assert_eq!(comments, ["First.", "Second.", "Third."]);
    assert_eq!(desk.drafts(desk.alice), []);
}

#[test]
fn changes_that_wait_in_a_restored_copy_are_not_written_twice() {
    let mut desk = Desk::open(3);
    desk.set_online(desk.alice, false);
    let ticket = desk.world.file(desk.alice, "It hangs", "On start.");
    desk.world.comment(desk.alice, ticket, "First.");
    let copy = desk.world.net.peer(desk.alice.device).store.clone();
    desk.set_online(desk.alice, true);
    desk.world.settle();
    desk.world.restore(desk.alice.device, copy, true);
    desk.world.settle();

    desk.world.check();
    assert_eq!(desk.world.comments_at(desk.carol, ticket), ["First."]);
    assert_eq!(desk.drafts(desk.alice), []);
}

#[test]
fn two_devices_of_one_person_are_one_person() {
    let mut desk = Desk::open(4);
    let ticket = desk.world.file(desk.alice, "It hangs", "On start.");
    let phone = desk.sit_down(ALICE, "phone");
    desk.world.settle();
    assert_eq!(desk.world.user_of(phone), desk.world.user_of(desk.alice));
    desk.set_online(phone, false);
    desk.world.comment(phone, ticket, "From the train.");
    desk.world.edit(phone, ticket, Edit::SetStatus(Status::Closed));
    desk.world.comment(desk.alice, ticket, "From the desk.");
    desk.set_online(phone, true);
    desk.world.settle();

    desk.world.check();
    let mut comments = desk.world.comments_at(desk.alice, ticket);
    comments.sort();
    assert_eq!(comments, ["From the desk.", "From the train."]);
}

#[test]
fn project_that_was_left_can_be_joined_again() {
    let mut desk = Desk::open(5);
    let ticket = desk.world.file(desk.alice, "It hangs", "On start.");
    desk.world.settle();
    desk.set_online(desk.alice, false);
    desk.world.comment(desk.alice, ticket, "Never sent.");
    let project = desk.world.projects[0].id;
    let leave = Command::Leave { project, discard_unsent: false };
    let refused = desk.world.net.command(desk.alice.device, leave);
    assert_eq!(refused, Err(CommandError::Unsent { count: 1 }));
    desk.world.leave(desk.alice);
    desk.set_online(desk.alice, true);
    desk.world.join(desk.alice);
    desk.world.settle();
    desk.world.comment(desk.alice, ticket, "Back again.");
    desk.world.settle();

    desk.world.check();
    assert_eq!(desk.world.comments_at(desk.carol, ticket), ["Back again."]);
}

#[test]
fn server_that_lost_the_end_of_its_log_is_given_it_again_with_the_next_change() {
    let mut desk = Desk::open(6);
    let ticket = desk.world.file(desk.alice, "It hangs", "On start.");
    desk.world.settle();
    let copy = desk.world.net.peer(desk.server).store.clone();
    desk.world.comment(desk.carol, ticket, "Since when?");
    desk.world.settle();
    desk.world.comment(desk.alice, ticket, "Since Monday.");
    desk.world.settle();
    desk.world.net.stop(desk.server);
    desk.world.net.peer_mut(desk.server).put_store(copy);
    let store = &mut desk.world.net.peer_mut(desk.server).store;
    let project = ServerStore::project(store).unwrap().unwrap();
    let restored_at_millis = Some(u64::MAX / 2);
    store.put_project(&ServerProject { log: [9; 16], restored_at_millis, ..project }).unwrap();
    desk.world.net.start(desk.server, false);
    desk.world.net.run_until_quiet();
    desk.world.net.sent.clear();
    for text in ["Version 3.", "Still so."] {
        desk.world.net.command(desk.alice.device, comment(&desk, ticket, text)).unwrap();
    }
    desk.world.net.run_until_quiet();

    let wanted = ["Since when?", "Since Monday.", "Version 3.", "Still so."];
    assert_eq!(desk.world.comments_at(desk.alice, ticket), wanted);
    assert_eq!(desk.world.comments_at(desk.carol, ticket), wanted);
    assert_eq!(desk.drafts(desk.alice), []);
    assert_eq!(
        ServerStore::doc_records(&desk.world.net.peer(desk.server).store, DocId::Ticket(ticket))
            .unwrap()
            .len(),
        5
    );
}

fn comment(desk: &Desk, ticket: TicketId, text: &str) -> Command {
    let body = Body::parse(text).unwrap();
    Command::Comment {
        project: desk.world.projects[0].id,
        ticket,
        body,
        reply_to: None,
        attachments: Vec::new(),
        hold_millis: 0,
    }
}
