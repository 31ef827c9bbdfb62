//! Notes travel among the team, at once and by a cold start, and never to a customer.

use assist_crdt_model::{
    Actor, Author, Body, CommentId, Doc, DocId, Edit, RejectCode, Role, TicketId, UnixMillis,
};
use assist_proto::envelope::Envelope;
use assist_proto::hub::Command;
use assist_proto::store::{DeviceStore, ServerStore};
use assist_proto::wire::{PeerMessage, Push, codec};
use assist_tests::world::{DAVE, Desk, Seat};

#[test]
fn notes_reach_the_whole_team_and_no_customer() {
    let (mut desk, ticket) = desk_with_a_ticket(1);
    let colleague = desk.sit_down(DAVE, "desktop");
    carol_notes(&mut desk, ticket, "The driver?");
    desk.world.settle();
    assert_eq!(notes_at(&desk, colleague, ticket), ["The driver?"]);
    check_customers_have_none(&desk, ticket);

    // Written apart, each as the first that its author knows of.
    let other = desk.world.file(desk.bob, "It smells", "Of smoke.");
    desk.world.settle();
    desk.set_online(desk.carol, false);
    carol_notes(&mut desk, other, "Send the van.");
    note(&mut desk, colleague, other, "Called the fire brigade.");
    desk.world.net.run_for(60_000);
    desk.set_online(desk.carol, true);
    desk.world.settle();
    assert_eq!(notes_at(&desk, desk.carol, other).len(), 2);
    assert_eq!(notes_at(&desk, colleague, other), notes_at(&desk, desk.carol, other));
    check_customers_have_none(&desk, other);
    desk.world.check();
}

#[test]
fn new_device_of_the_team_gets_the_notes_by_its_cold_start() {
    let (mut desk, ticket) = desk_with_a_ticket(2);
    carol_notes(&mut desk, ticket, "The driver?");
    carol_notes(&mut desk, ticket, "Known since May.");
    desk.world.settle();
    let late = desk.sit_down(DAVE, "laptop");
    desk.world.settle();
    assert_eq!(notes_at(&desk, late, ticket), ["The driver?", "Known since May."]);
}

#[test]
fn marks_tell_customers_nothing_of_notes() {
    let (mut desk, ticket) = desk_with_a_ticket(3);
    desk.world.settle();
    let mark = |desk: &Desk| ServerStore::mark(&desk.world.net.peer(desk.server).store, ticket).unwrap();
    let before = mark(&desk);
    desk.sit_down(DAVE, "desktop");
    carol_notes(&mut desk, ticket, "The driver?");
    let sent_before = sent_to(&desk, desk.alice);
    desk.world.settle();
    assert_eq!(mark(&desk), before);
    assert_eq!(sent_to(&desk, desk.alice), sent_before, "not a frame went to the customer");
}

#[test]
fn customers_note_is_refused_as_if_there_were_no_such_ticket() {
    let (mut desk, ticket) = desk_with_a_ticket(4);
    let rogue = desk.alice;
    let device = desk.world.net.peer(rogue.device).device();
    let actor = Actor::derive(&device, 7);
    let liar = Author { user: desk.world.user_of(rogue).unwrap(), role: Role::Agent, actor };
    let change =
        Doc::new(DocId::Notes(ticket)).apply(&liar, UnixMillis(1_000), &[edit(1, "Hello?")]).unwrap();
    let project = desk.world.projects[0].id;
    let envelope = Envelope::sign(&desk.key(rogue), &project, DocId::Notes(ticket), 7, change);
    desk.world.net.say(rogue.device, &PeerMessage::Push(Push { project, envelopes: vec![envelope] }));
    desk.world.net.run_for(10_000);
    let answers = desk.world.net.sent.iter().filter(|sent| sent.to == rogue.device);
    let codes: Vec<u16> = answers
        .filter_map(|sent| match codec::decode("message", &sent.frame) {
            Ok(PeerMessage::Verdicts(verdicts)) => Some(verdicts),
            _ => None,
        })
        .flat_map(|verdicts| verdicts.rejected)
        .map(|rejected| rejected.code)
        .collect();
    assert_eq!(codes, [RejectCode::NoSuchDoc.number()]);
}

fn desk_with_a_ticket(seed: u64) -> (Desk, TicketId) {
    let mut desk = Desk::open(seed);
    let ticket = desk.world.file(desk.alice, "It hangs", "On start.");
    desk.world.settle();
    (desk, ticket)
}

fn edit(number: u8, text: &str) -> Edit {
    let id = CommentId::from_bytes([number; 16]);
    Edit::AddNote { id, body: Body::parse(text).unwrap(), reply_to: None, attachments: Vec::new() }
}

fn note(desk: &mut Desk, seat: Seat, ticket: TicketId, text: &str) {
    let project = desk.world.projects[seat.project].id;
    let body = Body::parse(text).unwrap();
    let attachments = Vec::new();
    let command = Command::Note { project, ticket, body, reply_to: None, attachments, hold_millis: 0 };
    desk.world.write(seat, command);
}

fn carol_notes(desk: &mut Desk, ticket: TicketId, text: &str) {
    let carol = desk.carol;
    note(desk, carol, ticket, text);
}

fn notes_at(desk: &Desk, seat: Seat, ticket: TicketId) -> Vec<String> {
    let project = desk.world.projects[seat.project].id;
    let store = &desk.world.net.peer(seat.device).store;
    let records = DeviceStore::doc_records(store, &project, DocId::Notes(ticket)).unwrap();
    let changes = records.iter().map(|record| record.envelope.change.as_slice());
    let notes = Doc::load(DocId::Notes(ticket), changes).unwrap().notes().unwrap();
    notes.into_iter().map(|note| note.body).collect()
}

fn check_customers_have_none(desk: &Desk, ticket: TicketId) {
    for customer in [desk.alice, desk.bob] {
        let project = desk.world.projects[customer.project].id;
        let store = &desk.world.net.peer(customer.device).store;
        assert_eq!(DeviceStore::doc_records(store, &project, DocId::Notes(ticket)).unwrap(), []);
        assert_eq!(store.unverified(&project, DocId::Notes(ticket)).unwrap(), None);
    }
}

fn sent_to(desk: &Desk, seat: Seat) -> usize {
    desk.world.net.sent.iter().filter(|sent| sent.to == seat.device).count()
}
