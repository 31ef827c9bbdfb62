//! Nobody is believed for what they say of themselves: not servers, not devices, not records.

use assist_crdt_model::{
    Actor, Author, Body, CommentId, Doc, DocId, Edit, ProjectId, RejectCode, Role, Status, TicketId,
};
use assist_proto::certificate::{NodeCertificate, Signed};
use assist_proto::envelope::Envelope;
use assist_proto::hub::{AdminCommand, AdminReply, Command, CommandError, Connection};
use assist_proto::store::{Device, DeviceStore as _, Record, ServerProject, ServerStore};
use assist_proto::wire::{PeerMessage, RefusedCode, codec};
use assist_tests::peer::PeerId;
use assist_tests::world::{DAVE, Desk, Seat};
use ed25519_dalek::SigningKey;

#[test]
fn record_with_a_wrong_signature_is_put_aside_and_the_next_ones_arrive() {
    let mut desk = Desk::open(1);
    let ticket = desk.world.file(desk.alice, "It hangs", "On start.");
    desk.world.settle();
    let stranger = SigningKey::from_bytes(&[7; 32]);
    let author = desk.alice;
    slip_in(&mut desk, author, Role::Customer, ticket, comment("Not by Alice"), &stranger);
    desk.world.comment(desk.alice, ticket, "Still hangs.");
    desk.world.settle();

    for seat in [desk.alice, desk.carol] {
        let aside = quarantined(&desk, seat);
        assert_eq!(aside, [RejectCode::BadSignature.number()]);
        assert_eq!(desk.world.comments_at(seat, ticket), ["Still hangs."]);
        assert!(matches!(desk.status(seat).connection, Connection::Online { .. }));
    }
}

#[test]
fn record_that_its_author_may_not_write_is_put_aside_and_the_next_ones_arrive() {
    let mut desk = Desk::open(2);
    let ticket = desk.world.file(desk.alice, "It hangs", "On start.");
    desk.world.settle();
    let key = desk.key(desk.bob);
    let author = desk.bob;
    slip_in(&mut desk, author, Role::Agent, ticket, Edit::SetStatus(Status::Resolved), &key);
    desk.world.comment(desk.alice, ticket, "Still hangs.");
    desk.world.settle();

    for seat in [desk.alice, desk.carol] {
        assert_eq!(quarantined(&desk, seat), [RejectCode::NotAllowed.number()]);
        assert_eq!(desk.world.ticket_at(seat, ticket).unwrap().status, Status::Open);
        assert_eq!(desk.world.comments_at(seat, ticket), ["Still hangs."]);
    }
}

#[test]
fn bad_record_in_a_cold_start_is_put_aside_and_the_others_are_taken() {
    let mut desk = Desk::open(3);
    let ticket = desk.world.file(desk.alice, "It hangs", "On start.");
    desk.world.comment(desk.alice, ticket, "Still hangs.");
    desk.world.settle();
    let stranger = SigningKey::from_bytes(&[7; 32]);
    let author = desk.alice;
    slip_in(&mut desk, author, Role::Customer, ticket, comment("Not by Alice"), &stranger);
    desk.world.settle();
    let dave = desk.sit_down(DAVE, "phone");
    desk.world.settle();

    assert_eq!(quarantined(&desk, dave), [RejectCode::BadSignature.number()]);
    assert_eq!(desk.world.comments_at(dave, ticket), ["Still hangs."]);
}

#[test]
fn unsent_work_goes_to_no_node_that_the_root_does_not_vouch_for() {
    let mut desk = Desk::open(4);
    desk.set_online(desk.alice, false);
    desk.world.file(desk.alice, "Secret", "For hero only.");
    let impostor = impostor_of(&mut desk);
    desk.world.net.redirect(desk.server, impostor);
    desk.set_online(desk.alice, true);
    desk.world.net.sent.clear();
    desk.world.net.run_for(60_000);

    let told: Vec<PeerMessage> = desk
        .world
        .net
        .sent
        .iter()
        .filter(|sent| sent.to == impostor)
        .map(|sent| codec::decode("message", &sent.frame).unwrap())
        .collect();
    assert!(matches!(told[..], [PeerMessage::Hello(_)]), "{told:?}");
    assert!(matches!(
        desk.status(desk.alice).connection,
        Connection::Refused { code: RefusedCode::Project, .. }
    ));

    desk.world.net.redirect(desk.server, desk.server);
    desk.ask(desk.alice, Command::Resume(None));
    desk.world.check();
    assert_eq!(desk.world.tickets_at(desk.carol).len(), 1);
}

#[test]
fn joining_reaches_the_named_project_or_nothing() {
    let mut desk = Desk::open(5);
    let dave = desk.world.add_device(DAVE, "phone");
    let other = desk.world.net.add_server("other");
    desk.world.net.redirect(desk.server, other);
    let refused = join_hero(&mut desk, dave, other);
    assert!(matches!(refused, CommandError::Refused { code: RefusedCode::Project, .. }), "{refused:?}");

    let impostor = impostor_of(&mut desk);
    desk.world.net.redirect(desk.server, impostor);
    let refused = join_hero(&mut desk, dave, impostor);
    assert!(matches!(refused, CommandError::NotTheProject(_)), "{refused:?}");
    assert_eq!(desk.world.net.peer(dave).store.memberships().unwrap(), []);
}

#[test]
fn wrong_code_is_refused_and_too_many_are_not_looked_at() {
    let mut desk = Desk::open(6);
    let dave = desk.world.add_device(DAVE, "phone");
    let mut codes = Vec::new();
    for _ in 0..7 {
        let command = join_command(&desk, "0000-0000".to_owned());
        match desk.world.net.command(dave, command) {
            Err(CommandError::Refused { code, .. }) => codes.push(code),
            other => panic!("{other:?}"),
        }
    }
    let (wrong, too_many) = (RefusedCode::Code, RefusedCode::TooMany);
    assert_eq!(codes, [wrong, wrong, wrong, wrong, wrong, too_many, too_many]);
}

#[test]
fn removed_device_is_turned_away_and_keeps_its_work() {
    let mut desk = Desk::open(7);
    desk.set_online(desk.alice, false);
    desk.world.file(desk.alice, "It hangs", "On start.");
    let alice = desk.world.net.peer(desk.alice.device).device();
    let store = &mut desk.world.net.peer_mut(desk.server).store;
    let device = ServerStore::device(store, &alice).unwrap().unwrap();
    store.put_device(&Device { is_revoked: true, ..device }).unwrap();
    desk.set_online(desk.alice, true);
    desk.world.net.run_for(60_000);
    desk.world.observe();

    assert!(matches!(
        desk.status(desk.alice).connection,
        Connection::Refused { code: RefusedCode::Device, .. }
    ));
    let store = &desk.world.net.peer(desk.alice.device).store;
    assert_eq!(store.outbox_count(&desk.world.projects[0].id).unwrap(), 1);
    assert_eq!(desk.world.tickets_at(desk.carol), []);
}

#[test]
fn device_tries_a_refusing_server_again_but_seldom() {
    let mut desk = Desk::open(8);
    let alice = desk.world.net.peer(desk.alice.device).device();
    let store = &mut desk.world.net.peer_mut(desk.server).store;
    let device = ServerStore::device(store, &alice).unwrap().unwrap();
    store.put_device(&Device { is_revoked: true, ..device.clone() }).unwrap();
    desk.set_online(desk.alice, false);
    desk.set_online(desk.alice, true);
    desk.world.net.sent.clear();
    desk.world.net.run_for(60 * 60_000);
    let hellos = desk.world.net.sent.iter().filter(|sent| sent.from == desk.alice.device).count();
    assert!((1..=13).contains(&hellos), "{hellos} in an hour");

    desk.world.net.peer_mut(desk.server).store.put_device(&device).unwrap();
    desk.world.net.run_for(10 * 60_000);
    assert!(matches!(desk.status(desk.alice).connection, Connection::Online { .. }));
}

fn comment(text: &str) -> Edit {
    let id = CommentId::from_bytes([3; 16]);
    Edit::AddComment { id, body: Body::parse(text).unwrap(), reply_to: None, attachments: Vec::new() }
}

fn quarantined(desk: &Desk, seat: Seat) -> Vec<u16> {
    let aside = desk.world.net.peer(seat.device).store.quarantined(&desk.world.projects[0].id);
    aside.into_iter().map(|(_, code, _)| code).collect()
}

/// Writes a record into the server's log that no honest server would have admitted: a change by a seat's device, as
/// if in this role, signed with this key.
fn slip_in(desk: &mut Desk, seat: Seat, role: Role, ticket: TicketId, edit: Edit, key: &SigningKey) {
    let project = desk.world.projects[0].id;
    let now = desk.world.net.peer(desk.server).clock(desk.world.net.now());
    let device = desk.world.net.peer(seat.device).device();
    let user = desk.world.user_of(seat).unwrap();
    desk.world.net.stop(desk.server);
    let store = &mut desk.world.net.peer_mut(desk.server).store;
    let doc = DocId::Ticket(ticket);
    let records = ServerStore::doc_records(store, doc).unwrap();
    let changes = records.iter().map(|record| record.envelope.change.as_slice());
    let author = Author { user, role, actor: Actor::derive(&device, INCARNATION) };
    let change = Doc::load(doc, changes).unwrap().apply(&author, now, &[edit]).unwrap();
    let envelope = Envelope { device, ..Envelope::sign(key, &project, doc, INCARNATION, change) };
    let serial = ServerStore::device(store, &device).unwrap().unwrap().serial;
    let seq = store.head().unwrap().next();
    let customers = store.members_of(ticket).unwrap();
    let record = Record { seq, admitted_at: now, serial, number: None, envelope };
    store.append(&record, &customers).unwrap();
    desk.world.net.start(desk.server, true);
    desk.world.settle();
}

/// A server that says it is the project's, and knows all its people; only the root does not vouch for it.
fn impostor_of(desk: &mut Desk) -> PeerId {
    let id = desk.world.net.add_server("impostor");
    let project: ProjectId = desk.world.projects[0].id;
    let node = desk.world.net.peer(id).device();
    let genuine = desk.world.net.peer(desk.server).store.clone();
    desk.world.net.stop(id);
    let store = &mut desk.world.net.peer_mut(id).store;
    let certificate = NodeCertificate { project, node, serial: 2, issued_at: Default::default() };
    let other_root = SigningKey::from_bytes(&[8; 32]);
    let own = ServerStore::project(store).unwrap().unwrap();
    let node = Signed::sign(&other_root, &certificate);
    store.put_project(&ServerProject { project, node, node_serial: 2, ..own }).unwrap();
    for user in genuine.users().unwrap() {
        store.put_user(&user).unwrap();
    }
    for device in genuine.devices().unwrap() {
        store.put_device(&device).unwrap();
    }
    desk.world.net.start(id, true);
    id
}

fn join_hero(desk: &mut Desk, device: PeerId, at: PeerId) -> CommandError {
    let invite = AdminCommand::Invite { role: Role::Agent, email: None, name: None };
    let invited = desk.world.net.admin(at, invite).unwrap();
    let AdminReply::Invited { code, .. } = invited else { panic!("not invited: {invited:?}") };
    let command = join_command(desk, code);
    desk.world.net.command(device, command).unwrap_err()
}

fn join_command(desk: &Desk, code: String) -> Command {
    Command::Join {
        address: desk.world.address(desk.world.projects[0]),
        code,
        name: "Dave".to_owned(),
        email: None,
        device_name: "phone".to_owned(),
    }
}

const INCARNATION: u32 = 1_000_000_007;
