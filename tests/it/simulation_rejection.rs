//! What the server refuses stays with its author as a draft, and nothing else of theirs is held up by it.

use assist_crdt_model::{
    Actor, Author, Body, DeviceId, DocId, Edit, NewChange, RejectCode, Role, Status, TicketId, Title, UserId,
};
use assist_proto::envelope::Envelope;
use assist_proto::hub::{Command, WireEdit};
use assist_proto::store::{DeviceStore as _, Membership, OutboxEntry, ServerStore as _, User};
use assist_tests::world::{Desk, Seat};

#[test]
fn refused_assignment_is_a_draft_and_the_comment_after_it_arrives() {
    let mut desk = Desk::open(1);
    let ticket = desk.world.file(desk.alice, "It hangs", "On start.");
    desk.world.settle();
    desk.set_online(desk.carol, false);
    let alice = desk.world.user_of(desk.alice);
    desk.world.edit(desk.carol, ticket, Edit::SetAssignee(alice));
    desk.world.comment(desk.carol, ticket, "We look into it.");
    desk.set_online(desk.carol, true);
    desk.world.settle();

    desk.world.check();
    assert_eq!(desk.world.comments_at(desk.alice, ticket), ["We look into it."]);
    let drafts = desk.drafts(desk.carol);
    let [(id, draft)] = drafts.as_slice() else { panic!("one draft: {drafts:?}") };
    assert_eq!(draft.code, RejectCode::BadValue.number());
    assert_eq!(draft.edits, [WireEdit::SetAssignee(alice)]);

    // As long as nothing changed, trying again ends the same way, and loses nothing either.
    desk.ask(desk.carol, Command::RetryDraft(*id));
    let [(id, _)] = desk.drafts(desk.carol)[..] else { panic!("refused again") };
    desk.world.check();
    promote(&mut desk, alice.unwrap(), Role::Agent);
    desk.world.settle();
    desk.ask(desk.carol, Command::RetryDraft(id));
    assert_eq!(desk.drafts(desk.carol), []);
    assert_eq!(desk.world.ticket_at(desk.carol, ticket).unwrap().assignee, alice);
}

#[test]
fn discarded_draft_is_gone() {
    let mut desk = Desk::open(2);
    let ticket = desk.world.file(desk.alice, "It hangs", "On start.");
    desk.world.settle();
    let alice = desk.world.user_of(desk.alice);
    desk.world.edit(desk.carol, ticket, Edit::SetAssignee(alice));
    desk.world.settle();
    let [(id, _)] = desk.drafts(desk.carol)[..] else { panic!("one draft") };
    desk.ask(desk.carol, Command::DiscardDraft(id));
    assert_eq!(desk.drafts(desk.carol), []);
}

#[test]
fn agent_who_became_a_customer_keeps_what_they_wrote_as_drafts() {
    let mut desk = Desk::open(3);
    let ticket = desk.world.file(desk.alice, "It hangs", "On start.");
    desk.world.settle();
    desk.set_online(desk.carol, false);
    desk.world.edit(desk.carol, ticket, Edit::SetStatus(Status::Resolved));
    desk.world.comment(desk.carol, ticket, "Fixed.");
    let carol = desk.world.user_of(desk.carol).unwrap();
    promote(&mut desk, carol, Role::Customer);
    desk.set_online(desk.carol, true);
    desk.world.settle();

    let texts = format!("{:?}", desk.drafts(desk.carol));
    assert_eq!(desk.drafts(desk.carol).len(), 2, "{texts}");
    assert!(texts.contains("resolved") && texts.contains("Fixed."), "{texts}");
    assert_eq!(membership(&desk, desk.carol).role, Role::Customer);
    assert_eq!(desk.world.comments_at(desk.alice, ticket), [""; 0]);
}

#[test]
fn change_made_past_the_rules_is_refused_and_the_rest_goes_through() {
    let mut desk = Desk::open(4);
    let ticket = desk.world.file(desk.alice, "It hangs", "On start.");
    desk.world.settle();
    desk.set_online(desk.alice, false);
    let author = desk.alice;
    smuggle(&mut desk, author, ticket, Role::Agent, Edit::SetStatus(Status::Resolved), |envelope| envelope);
    desk.world.comment(desk.alice, ticket, "Still hangs.");
    desk.set_online(desk.alice, true);
    desk.world.settle();

    desk.world.check();
    let [(_, draft)] = &desk.drafts(desk.alice)[..] else { panic!("one draft") };
    assert_eq!(draft.code, RejectCode::NotAllowed.number());
    assert!(draft.refused_at > Some(draft.made_at), "{draft:?}");
    assert_eq!(desk.world.comments_at(desk.carol, ticket), ["Still hangs."]);
    assert_eq!(desk.world.ticket_at(desk.alice, ticket).unwrap().status, Status::Open);
}

#[test]
fn change_with_a_wrong_signature_is_refused_and_the_rest_goes_through() {
    let mut desk = Desk::open(5);
    let ticket = desk.world.file(desk.alice, "It hangs", "On start.");
    desk.world.settle();
    desk.set_online(desk.alice, false);
    let title = Title::parse("It hangs often").unwrap();
    let author = desk.alice;
    smuggle(&mut desk, author, ticket, Role::Customer, Edit::SetTitle(title), |mut envelope| {
        envelope.signature[0] ^= 1;
        envelope
    });
    desk.world.comment(desk.alice, ticket, "Still hangs.");
    desk.set_online(desk.alice, true);
    desk.world.settle();

    desk.world.check();
    let [(_, draft)] = &desk.drafts(desk.alice)[..] else { panic!("one draft") };
    assert_eq!(draft.code, RejectCode::BadSignature.number());
    assert_eq!(desk.world.comments_at(desk.carol, ticket), ["Still hangs."]);
}

#[test]
fn refused_ticket_leaves_the_list_and_all_of_it_is_kept() {
    let mut desk = Desk::open(6);
    desk.set_online(desk.carol, false);
    let command = Command::CreateTicket {
        project: desk.world.projects[0].id,
        requester: Some(UserId::from_bytes([9; 16])),
        title: Title::parse("For nobody").unwrap(),
        body: Body::parse("By telephone.").unwrap(),
        edits: Vec::new(),
        attachments: Vec::new(),
    };
    let (doc, _) = desk.world.write(desk.carol, command);
    desk.world.comment(desk.carol, doc.ticket().unwrap(), "They called again.");
    desk.set_online(desk.carol, true);
    desk.world.settle();

    desk.world.check();
    assert_eq!(desk.world.tickets_at(desk.carol), []);
    let texts = format!("{:?}", desk.drafts(desk.carol));
    assert!(texts.contains("By telephone.") && texts.contains("They called again."), "{texts}");
}

/// Gives a person another role behind the server's back; no session outlives that.
fn promote(desk: &mut Desk, user: UserId, role: Role) {
    let store = &mut desk.world.net.peer_mut(desk.server).store;
    let user = store.user(user).unwrap().unwrap();
    store.put_user(&User { role, ..user }).unwrap();
    for seat in [desk.alice, desk.bob, desk.carol] {
        desk.world.net.cut_between(seat.device, desk.server);
    }
}

fn membership(desk: &Desk, seat: Seat) -> Membership {
    desk.world.net.peer(seat.device).store.memberships().unwrap().remove(0)
}

/// Puts a change into a device's outbox that the device itself would not have made.
fn smuggle(
    desk: &mut Desk,
    seat: Seat,
    ticket: TicketId,
    role: Role,
    edit: Edit,
    twist: impl Fn(Envelope) -> Envelope,
) {
    let membership = membership(desk, seat);
    let (now, key, project) =
        (desk.world.net.peer(seat.device).clock(desk.world.net.now()), desk.key(seat), membership.project);
    desk.world.net.stop(seat.device);
    let store = &mut desk.world.net.peer_mut(seat.device).store;
    let actor = Actor::derive(&DeviceId::from_bytes(key.verifying_key().to_bytes()), membership.incarnation);
    let author = Author { user: membership.user, role, actor };
    let doc = DocId::Ticket(ticket);
    let change: NewChange = store.doc(&project, doc).apply(&author, now, &[edit]).unwrap();
    let envelope = twist(Envelope::sign(&key, &project, doc, membership.incarnation, change.clone()));
    store
        .push_outbox(&project, &OutboxEntry { change: change.hash, made_at: now, envelope, held_until: None })
        .unwrap();
    desk.world.net.start(seat.device, true);
}
