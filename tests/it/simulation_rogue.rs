//! Members whose device is not ours: it has a key on the roster, and says what no honest device would say.

use assist_crdt_model::{
    Actor, Author, Body, CommentId, Doc, DocId, Edit, NewChange, RejectCode, Role, ScannedChange, TicketId,
    Title,
};
use assist_proto::envelope::Envelope;
use assist_proto::store::{Audience, Device, Record, Seq, ServerStore};
use assist_proto::wire::{Fetch, PagedDoc, PeerMessage, Push, Seen, Verdicts, codec};
use assist_tests::world::{Desk, Seat};

#[test]
fn member_who_asks_for_the_ticket_of_another_is_sent_nothing_of_it() {
    let (mut desk, ticket) = desk_with_a_ticket(1);
    let docs =
        vec![DocId::Ticket(ticket), DocId::Notes(ticket), DocId::Ticket(TicketId::from_bytes([9; 16]))];
    let rogue = desk.bob;
    let answers = say(&mut desk, rogue, &PeerMessage::Fetch(Fetch { docs: docs.clone() }));

    let mut sent: Vec<PagedDoc> = Vec::new();
    for answer in answers {
        let PeerMessage::Docs(page) = answer else { panic!("not asked for: {answer:?}") };
        sent.extend(codec::decode_page::<Vec<PagedDoc>>("docs", &page.page).unwrap());
    }
    let records = |doc: &PagedDoc| codec::decode::<Vec<Record>>("document", &doc.records).unwrap();
    assert_eq!(
        sent.iter().map(|paged| paged.doc).collect::<Vec<_>>(),
        docs,
        "absent and forbidden look alike"
    );
    assert!(sent.iter().all(|paged| records(paged).is_empty()), "{sent:?}");
}

#[test]
fn change_to_the_ticket_of_another_is_refused_as_if_there_were_no_such_ticket() {
    let (mut desk, ticket) = desk_with_a_ticket(2);
    let rogue = desk.bob;
    let edit = Edit::AddComment {
        id: CommentId::from_bytes([3; 16]),
        body: Body::parse("I know your ticket.").unwrap(),
        reply_to: None,
        attachments: Vec::new(),
    };
    let envelope = written_by(&desk, rogue, ticket, edit);
    assert_eq!(push(&mut desk, rogue, envelope), [RejectCode::NoSuchDoc.number()]);
    desk.world.settle();
    assert_eq!(desk.world.comments_at(desk.carol, ticket), [""; 0]);
    assert_eq!(records_at_server(&desk, ticket).len(), 1);
}

#[test]
fn admitted_change_of_another_under_ones_own_name_is_not_acknowledged() {
    let (mut desk, ticket) = desk_with_a_ticket(3);
    let rogue = desk.bob;
    let genuine = records_at_server(&desk, ticket).remove(0).envelope;
    let project = desk.world.projects[0].id;
    // Whoever got hold of the bytes learns neither where they are in the log nor that they are there.
    let hash = ScannedChange::scan(&genuine.change).unwrap().hash();
    let change = NewChange { hash, bytes: genuine.change };
    let stolen = Envelope::sign(&desk.key(rogue), &project, genuine.doc, genuine.incarnation, change);
    assert_eq!(push(&mut desk, rogue, stolen), [RejectCode::NoSuchDoc.number()]);
}

#[test]
fn device_that_says_it_has_seen_what_it_was_not_sent_is_not_believed() {
    let (mut desk, ticket) = desk_with_a_ticket(4);
    let rogue = desk.carol;
    assert_eq!(say(&mut desk, rogue, &PeerMessage::Seen(Seen { cursor: Seq::MAX })), []);
    let store = &desk.world.net.peer(desk.server).store;
    assert_eq!(store.watermark(Audience::Team).unwrap().seen, store.head().unwrap());
    desk.set_online(desk.carol, false);
    desk.world.comment(desk.alice, ticket, "Still hangs.");
    desk.world.net.run_for(60_000);
    let team_mark = |desk: &Desk| {
        let store = &desk.world.net.peer(desk.server).store;
        ServerStore::mark(store, ticket).unwrap().unwrap().team
    };
    let newest = records_at_server(&desk, ticket).last().unwrap().seq;
    assert!(team_mark(&desk) < newest, "nobody of the team has the comment");
    desk.set_online(desk.carol, true);
    desk.world.settle();
    assert_eq!(team_mark(&desk), newest, "the lie did not stand in the way of the truth");
    desk.world.check();
}

#[test]
fn change_of_a_device_that_was_shut_out_is_refused_whoever_brings_it() {
    let (mut desk, ticket) = desk_with_a_ticket(5);
    let title = Edit::SetTitle(Title::parse("It hangs often").unwrap());
    let author = desk.alice;
    let envelope = written_by(&desk, author, ticket, title);
    let alice = desk.world.net.peer(desk.alice.device).device();
    desk.set_online(desk.alice, false);
    let store = &mut desk.world.net.peer_mut(desk.server).store;
    let device = ServerStore::device(store, &alice).unwrap().unwrap();
    store.put_device(&Device { is_revoked: true, ..device }).unwrap();
    let rogue = desk.carol;
    assert_eq!(push(&mut desk, rogue, envelope), [RejectCode::Revoked.number()]);
    assert_eq!(records_at_server(&desk, ticket).len(), 1);
}

/// Alice has filed a ticket; everybody is in step.
#[test]
fn what_is_put_back_is_what_was_there_and_nothing_else() {
    let (mut desk, ticket) = desk_with_a_ticket(6);
    desk.world.comment(desk.alice, ticket, "Still hangs.");
    desk.world.settle();
    let doc = DocId::Ticket(ticket);
    let before = records_at_server(&desk, ticket);
    // Nobody else is there to bring it back.
    let rogue = desk.bob;
    for seat in [desk.alice, desk.carol] {
        desk.set_online(seat, false);
    }
    desk.world.damage_on_server(0, doc, 0);
    desk.world.net.run_for(60_000);
    assert_eq!(records_at_server(&desk, ticket), []);

    let project = desk.world.projects[0].id;
    let genuine = before[0].envelope.clone();
    let hash = ScannedChange::scan(&genuine.change).unwrap().hash();
    // The right bytes under another name, for another document, and of another life of the same device.
    let change = || NewChange { hash, bytes: genuine.change.clone() };
    let stolen = Envelope::sign(&desk.key(rogue), &project, doc, genuine.incarnation, change());
    assert_eq!(push(&mut desk, rogue, stolen), [RejectCode::WrongActor.number()]);
    let elsewhere = DocId::Ticket(TicketId::from_bytes([9; 16]));
    let moved = Envelope::sign(&desk.key(desk.alice), &project, elsewhere, genuine.incarnation, change());
    assert!(!push(&mut desk, rogue, moved).is_empty());
    let reborn = Envelope::sign(&desk.key(desk.alice), &project, doc, genuine.incarnation + 1, change());
    assert_eq!(push(&mut desk, rogue, reborn), [RejectCode::WrongActor.number()]);
    // Other bytes by the same author go through the gate as ever.
    let edit = Edit::SetTitle(Title::parse("It was always so").unwrap());
    let alice = Author {
        user: desk.world.user_of(desk.alice).unwrap(),
        role: Role::Customer,
        actor: Actor::derive(&genuine.device, genuine.incarnation + 1),
    };
    let mut copy = Doc::load(doc, before.iter().map(|record| record.envelope.change.as_slice())).unwrap();
    let made = copy.apply(&alice, before[0].admitted_at, &[edit]).unwrap();
    let forged = Envelope::sign(&desk.key(desk.alice), &project, doc, genuine.incarnation + 1, made);
    assert_eq!(push(&mut desk, rogue, forged), [RejectCode::MissingDep.number()]);
    // What follows something that is not there yet has to wait.
    assert_eq!(push(&mut desk, rogue, before[1].envelope.clone()), [RejectCode::MissingDep.number()]);
    assert_eq!(records_at_server(&desk, ticket), []);

    // Whoever brings the very changes, they stand where they stood, with what was said of them then.
    for record in &before {
        let envelopes = vec![record.envelope.clone()];
        say(&mut desk, rogue, &PeerMessage::Push(Push { project, envelopes }));
    }
    assert_eq!(records_at_server(&desk, ticket), before);
    for seat in [desk.alice, desk.carol] {
        desk.set_online(seat, true);
    }
    desk.world.heal();
    desk.world.check();
}

fn desk_with_a_ticket(seed: u64) -> (Desk, TicketId) {
    let mut desk = Desk::open(seed);
    let ticket = desk.world.file(desk.alice, "It hangs", "On start.");
    desk.world.settle();
    (desk, ticket)
}

/// What the server says to a device that said something.
fn say(desk: &mut Desk, seat: Seat, message: &PeerMessage) -> Vec<PeerMessage> {
    desk.world.observe();
    desk.world.net.say(seat.device, message);
    desk.world.net.run_for(10_000);
    let sent = desk.world.net.sent.iter().filter(|sent| sent.from == desk.server && sent.to == seat.device);
    sent.map(|sent| codec::decode("message", &sent.frame).unwrap()).collect()
}

/// Pushes a change; gives the codes of the refusals. What is acknowledged fails the test.
fn push(desk: &mut Desk, seat: Seat, envelope: Envelope) -> Vec<u16> {
    let project = desk.world.projects[0].id;
    let answers = say(desk, seat, &PeerMessage::Push(Push { project, envelopes: vec![envelope] }));
    let verdicts = answers.into_iter().find_map(|answer| match answer {
        PeerMessage::Verdicts(verdicts) => Some(verdicts),
        _ => None,
    });
    let Verdicts { acks, rejected } = verdicts.expect("a push is answered");
    assert_eq!(acks, []);
    rejected.into_iter().map(|rejected| rejected.code).collect()
}

/// A customer's change to the ticket as the server has it, in order but for who made it.
fn written_by(desk: &Desk, seat: Seat, ticket: TicketId, edit: Edit) -> Envelope {
    let doc = DocId::Ticket(ticket);
    let records = records_at_server(desk, ticket);
    let changes = records.iter().map(|record| record.envelope.change.as_slice());
    let actor = Actor::derive(&desk.world.net.peer(seat.device).device(), INCARNATION);
    let author = Author { user: desk.world.user_of(seat).unwrap(), role: Role::Customer, actor };
    let now = desk.world.net.peer(seat.device).clock(desk.world.net.now());
    let change = Doc::load(doc, changes).unwrap().apply(&author, now, &[edit]).unwrap();
    Envelope::sign(&desk.key(seat), &desk.world.projects[0].id, doc, INCARNATION, change)
}

fn records_at_server(desk: &Desk, ticket: TicketId) -> Vec<Record> {
    ServerStore::doc_records(&desk.world.net.peer(desk.server).store, DocId::Ticket(ticket)).unwrap()
}

const INCARNATION: u32 = 1_000_000_007;
