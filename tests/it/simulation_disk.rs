//! A server whose disk is full: nothing new comes in, nothing is lost, and all goes on by itself once there is room.
//! What happens to it at random moments is part of [`super::simulation`] and [`super::simulation_rollback`].

use assist_crdt_model::{Attachment, BlobHash, Body, DocId, Role};
use assist_proto::hub::{
    AdminCommand, AdminReply, BlobAnswer, BlobAsk, Command, Connection, DiskState, HeldUp,
};
use assist_proto::limits;
use assist_proto::store::{DeviceStore as _, ServerStore};
use assist_proto::wire::blob::{BlobCode, BlobPlace, BlobRefused};
use assist_proto::wire::{HoldCause, PeerMessage, codec};
use assist_tests::network::DISK_BYTES;
use assist_tests::world::{ALICE, Desk, ERIN, Seat};

fn unsent(desk: &Desk, seat: Seat) -> u64 {
    let project = desk.world.projects[0].id;
    desk.world.net.peer(seat.device).store.outbox_count(&project).unwrap()
}

fn disk(desk: &Desk) -> DiskState {
    desk.world.net.peer(desk.server).server_hub().expect("it runs").status().disk.state
}

fn head(desk: &Desk) -> u64 {
    ServerStore::head(&desk.world.net.peer(desk.server).store).unwrap().0
}

fn cause(desk: &Desk, seat: Seat) -> Option<HoldCause> {
    desk.status(seat).held_up.map(|held_up: HeldUp| held_up.cause)
}

#[test]
fn what_is_written_while_the_disk_is_full_waits_in_order_and_comes_by_itself() {
    let mut desk = Desk::open(1);
    let ticket = desk.world.file(desk.alice, "It hangs", "On start.");
    desk.world.settle();
    desk.world.net.set_disk_free(desk.server, 0);
    let before = head(&desk);
    let texts: Vec<String> = (0..20).map(|number| format!("Comment {number}")).collect();
    for text in &texts {
        desk.world.comment(desk.alice, ticket, text);
        desk.world.run_for(700);
    }
    desk.world.run_for(120_000);
    assert_eq!((disk(&desk), head(&desk)), (DiskState::Full, before));
    assert_eq!(unsent(&desk, desk.alice), 20);
    assert_eq!(desk.drafts(desk.alice), [], "what waits is no draft");
    assert_eq!(cause(&desk, desk.alice), Some(HoldCause::DiskFull));
    assert_eq!(cause(&desk, desk.carol), None, "who writes nothing is not told");
    assert!(matches!(desk.status(desk.alice).connection, Connection::Online { .. }));
    // Nor after a new session, which is told anew.
    desk.world.net.cut_between(desk.alice.device, desk.server);
    desk.world.run_for(5_000);
    assert_eq!((unsent(&desk, desk.alice), cause(&desk, desk.alice)), (20, Some(HoldCause::DiskFull)));

    desk.world.net.set_disk_free(desk.server, DISK_BYTES);
    desk.world.run_for(limits::DISK_FULL_WAIT_MILLIS + 2_000);
    assert_eq!((unsent(&desk, desk.alice), cause(&desk, desk.alice)), (0, None));
    assert_eq!(desk.world.comments_at(desk.carol, ticket), texts);
    assert_eq!(head(&desk), before + 20, "nothing came twice");
    desk.world.settle();
    desk.world.check();
}

#[test]
fn outbox_that_waits_asks_with_one_frame_at_a_time() {
    let mut desk = Desk::open(2);
    desk.set_online(desk.alice, false);
    for number in 0..700 {
        desk.world.file(desk.alice, &format!("Ticket {number}"), "On start.");
    }
    desk.world.net.set_disk_free(desk.server, 0);
    desk.set_online(desk.alice, true);
    desk.world.run_for(5_000);
    desk.world.net.sent.clear();
    desk.world.net.run_for(10 * limits::DISK_FULL_WAIT_MILLIS);
    let messages = desk.world.net.sent.iter().map(|sent| codec::decode("message", &sent.frame).unwrap());
    let pushed = messages.filter(|message| matches!(message, PeerMessage::Push(_))).count();
    assert!((5..=11).contains(&pushed), "{pushed} frames in ten tries");
    desk.world.net.set_disk_free(desk.server, DISK_BYTES);
    desk.world.settle();
    assert_eq!(unsent(&desk, desk.alice), 0);
    desk.world.check();
}

#[test]
fn full_disk_stops_neither_reading_nor_whoever_removes_something() {
    let mut desk = Desk::open(3);
    let ticket = desk.world.file(desk.alice, "It hangs", "On start.");
    desk.world.settle();
    desk.world.net.set_disk_free(desk.server, 0);
    let invite = AdminCommand::Invite { role: Role::Agent, email: None, name: Some("Dave".into()) };
    assert!(matches!(desk.world.net.admin(desk.server, invite), Ok(AdminReply::Invited { .. })));
    let project = desk.world.projects[0].id;
    desk.world.net.command(desk.carol.device, Command::MarkRead { project, ticket, through: None }).unwrap();
    let phone = desk.sit_down(ALICE, "phone");
    desk.world.run_for(20_000);
    assert!(desk.world.ticket_at(phone, ticket).is_some(), "a new device is given what there is");
    let bob = desk.world.user_of(desk.bob).unwrap();
    let remove = assist_proto::wire::ask::Request::RemoveMember(assist_proto::wire::ask::Who::User(bob));
    let erin = desk.sit_down(ERIN, "laptop");
    desk.world.run_for(5_000);
    desk.world.net.command(erin.device, Command::Ask { project, request: remove }).unwrap();
    desk.world.net.set_disk_free(desk.server, DISK_BYTES);
    desk.world.settle();
}

#[test]
fn blob_that_would_fill_the_disk_is_told_when_to_come_again() {
    const SIZE: u64 = 50 << 20;
    let mut desk = Desk::open(4);
    let ticket = desk.world.file(desk.alice, "It hangs", "On start.");
    desk.world.settle();
    let blob = BlobHash::from_bytes([1; 32]);
    let attachment =
        Attachment { blob, name: "log".into(), size_bytes: SIZE, media_type: "text/plain".into() };
    let project = desk.world.projects[0].id;
    let comment = Command::Comment {
        project,
        ticket,
        body: Body::default(),
        reply_to: None,
        attachments: vec![attachment],
        hold_millis: 0,
    };
    desk.ask(desk.alice, comment);
    let place = BlobPlace { doc: DocId::Ticket(ticket), blob };
    let ask = BlobAsk::Store { project, place, size_bytes: SIZE, missing_bytes: SIZE };
    let store = |desk: &mut Desk| desk.world.net.ask_for_blob(desk.server, desk.alice.device, ask);
    // Texts find room, this does not.
    desk.world.net.set_disk_free(desk.server, limits::DISK_STOP_BYTES_MAX + SIZE - 1);
    desk.world.settle();
    assert_eq!(disk(&desk), DiskState::Low);
    let wait_millis = Some(limits::DISK_FULL_WAIT_MILLIS);
    let full = BlobAnswer::Refused(BlobRefused { code: BlobCode::Full, wait_millis });
    assert_eq!(store(&mut desk), full);
    desk.world.net.set_disk_free(desk.server, limits::DISK_STOP_BYTES_MAX + SIZE);
    assert_eq!(store(&mut desk), BlobAnswer::Granted);
    assert_eq!(store(&mut desk), full, "the first one is on its way");
}
