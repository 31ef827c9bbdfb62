//! Read marks: what was shown to a person, on line or off, is known to whom it concerns and to nobody else.

use assist_crdt_model::{Role, TicketId, UserId};
use assist_proto::hub::Command;
use assist_proto::store::{DeviceStore as _, PendingRead, ReadMark, Seq, ServerStore};
use assist_proto::wire::ask::{Request, SetRole, TicketShare, Who};
use assist_proto::wire::{PeerMessage, Read};
use assist_tests::world::{ALICE, CAROL, DAVE, Desk, ERIN, Seat};

#[test]
fn what_an_agent_reads_is_known_to_the_customer_and_to_the_own_devices() {
    let (mut desk, ticket) = desk_with_a_ticket(1);
    let phone = desk.sit_down(CAROL, "phone");
    let colleague = desk.sit_down(DAVE, "desktop");
    desk.world.settle();
    assert_eq!([unread(&desk, desk.carol), unread(&desk, phone), unread(&desk, desk.alice)], [1, 1, 0]);
    let carol = desk.carol;
    read(&mut desk, carol, ticket);
    desk.world.settle();
    assert_eq!([unread(&desk, carol), unread(&desk, phone), unread(&desk, colleague)], [0, 0, 1]);
    let marks = marks_at(&desk, desk.alice, ticket);
    let [mark] = marks.as_slice() else { panic!("one has read: {marks:?}") };
    assert_eq!((mark.user, mark.is_team), (user(&desk, carol), true));
    assert!(mark.through > Seq::ZERO);
    assert_eq!(marks_at(&desk, desk.bob, ticket), []);
    desk.world.comment(desk.alice, ticket, "And now?");
    desk.world.settle();
    assert_eq!([unread(&desk, carol), unread(&desk, phone)], [1, 1], "there is more to read");
    desk.world.check();
}

#[test]
fn what_is_read_offline_is_told_later_and_was_read_then() {
    let (mut desk, ticket) = desk_with_a_ticket(2);
    let carol = desk.carol;
    desk.set_online(carol, false);
    desk.world.net.run_for(1_000);
    read(&mut desk, carol, ticket);
    let read_at = desk.world.net.now();
    // The device loses its power before it was heard.
    desk.world.net.stop(carol.device);
    desk.world.net.run_for(4 * 3_600_000);
    desk.world.net.start(carol.device, false);
    assert_eq!((unread(&desk, carol), marks_at(&desk, desk.alice, ticket)), (0, Vec::new()));
    desk.set_online(carol, true);
    desk.world.settle();
    let marks = marks_at(&desk, desk.alice, ticket);
    assert_eq!(marks.iter().map(|mark| mark.user).collect::<Vec<_>>(), [user(&desk, carol)]);
    // Clocks are off by minutes; it was told after hours.
    assert!(marks[0].at.0 <= read_at + 2 * 3_600_000, "{} is after {read_at}", marks[0].at.0);
    desk.world.check();
}

#[test]
fn who_does_not_send_read_marks_has_read_for_the_own_devices_alone() {
    let (mut desk, ticket) = desk_with_a_ticket(3);
    let phone = desk.sit_down(CAROL, "phone");
    let colleague = desk.sit_down(DAVE, "desktop");
    desk.world.settle();
    let (carol, project) = (desk.carol, desk.world.projects[0].id);
    desk.ask(carol, Command::SendReadMarks { project, is_on: false });
    read(&mut desk, carol, ticket);
    desk.world.settle();
    assert_eq!([unread(&desk, carol), unread(&desk, phone)], [0, 0]);
    for seat in [desk.alice, desk.bob, colleague] {
        assert_eq!(marks_at(&desk, seat, ticket), []);
    }
    // What was read offline before one said no was not told yet, and is not.
    desk.ask(carol, Command::SendReadMarks { project, is_on: true });
    desk.world.comment(desk.alice, ticket, "Hello?");
    desk.world.settle();
    desk.set_online(carol, false);
    desk.world.net.run_for(1_000);
    read(&mut desk, carol, ticket);
    desk.world.net.command(carol.device, Command::SendReadMarks { project, is_on: false }).unwrap();
    desk.set_online(carol, true);
    desk.world.settle();
    assert_eq!((unread(&desk, phone), marks_at(&desk, desk.alice, ticket)), (0, Vec::new()));
    desk.world.check();
}

#[test]
fn who_comes_to_a_ticket_late_learns_who_has_read_it_and_who_leaves_forgets() {
    let (mut desk, ticket) = desk_with_a_ticket(4);
    let (alice, bob, carol) = (desk.alice, desk.bob, desk.carol);
    read(&mut desk, carol, ticket);
    desk.world.settle();
    let share = TicketShare { ticket, who: Who::User(user(&desk, bob)) };
    asked(&mut desk, alice, Request::ShareTicket(share.clone()));
    let readers =
        |desk: &Desk, seat| marks_at(desk, seat, ticket).iter().map(|it| it.user).collect::<Vec<_>>();
    assert_eq!(readers(&desk, bob), [user(&desk, carol)]);
    read(&mut desk, bob, ticket);
    desk.world.settle();
    assert_eq!(readers(&desk, alice).len(), 2);
    asked(&mut desk, alice, Request::UnshareTicket(share));
    assert_eq!((readers(&desk, bob), unread(&desk, bob)), (Vec::new(), 0));
    let phone = desk.sit_down(ALICE, "phone");
    desk.world.settle();
    assert_eq!(readers(&desk, phone).len(), 2, "with a cold start too");
    desk.world.check();
}

#[test]
fn device_that_says_it_has_read_what_it_was_not_sent_is_not_believed() {
    let (mut desk, ticket) = desk_with_a_ticket(5);
    let others = desk.world.file(desk.bob, "It smells", "Of smoke.");
    desk.world.settle();
    let rogue = desk.alice;
    let at = assist_crdt_model::UnixMillis(u64::from(u32::MAX) * 10_000);
    let reads = [ticket, others, TicketId::from_bytes([9; 16])];
    let reads = reads.map(|ticket| PendingRead { ticket, through: Seq::MAX, at, is_private: false });
    desk.world.net.say(rogue.device, &PeerMessage::Read(Read { reads: reads.to_vec() }));
    desk.world.net.run_for(10_000);
    let server = &desk.world.net.peer(desk.server).store;
    let row = server.ticket(ticket).unwrap().unwrap();
    let mark = ServerStore::read_mark(server, ticket, user(&desk, rogue)).unwrap().unwrap();
    assert_eq!(mark.through, row.last_seq, "no further than there is anything");
    assert!(mark.at < at, "nor in the future");
    assert_eq!(server.read_marks_of(others).unwrap(), [], "nor of a ticket of another");
}

#[test]
fn agent_who_becomes_a_customer_has_read_as_what_they_were() {
    let (mut desk, ticket) = desk_with_a_ticket(6);
    let carol = desk.carol;
    read(&mut desk, carol, ticket);
    desk.world.settle();
    let erin = desk.sit_down(ERIN, "laptop");
    desk.world.settle();
    let set = SetRole { who: Who::User(user(&desk, carol)), role: Role::Customer };
    asked(&mut desk, erin, Request::SetRole(set));
    let marks = marks_at(&desk, desk.alice, ticket);
    assert_eq!(marks.iter().map(|mark| mark.is_team).collect::<Vec<_>>(), [true]);
    assert_eq!((marks_at(&desk, carol, ticket), unread(&desk, carol)), (Vec::new(), 0), "it went from her");
    desk.world.check();
}

fn desk_with_a_ticket(seed: u64) -> (Desk, TicketId) {
    let mut desk = Desk::open(seed);
    let ticket = desk.world.file(desk.alice, "It hangs", "On start.");
    desk.world.settle();
    (desk, ticket)
}

fn asked(desk: &mut Desk, seat: Seat, request: Request) {
    let project = desk.world.projects[0].id;
    desk.world.command(seat, Command::Ask { project, request }).expect("it is done");
    desk.world.settle();
}

fn user(desk: &Desk, seat: Seat) -> UserId {
    desk.world.user_of(seat).unwrap()
}

fn read(desk: &mut Desk, seat: Seat, ticket: TicketId) {
    let project = desk.world.projects[0].id;
    desk.world.command(seat, Command::MarkRead { project, ticket, through: None }).unwrap();
}

fn unread(desk: &Desk, seat: Seat) -> u64 {
    desk.world.net.peer(seat.device).store.unread_count(&desk.world.projects[0].id).unwrap()
}

fn marks_at(desk: &Desk, seat: Seat, ticket: TicketId) -> Vec<ReadMark> {
    desk.world.net.peer(seat.device).store.read_marks(&desk.world.projects[0].id, ticket).unwrap()
}
