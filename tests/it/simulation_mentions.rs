//! Mentions and what is told to be for a user: known to whom it concerns, once, and to nobody else. That each device
//! knows exactly what its documents say is checked in every simulation ([`World::check`](assist_tests::world::World)).

use assist_crdt_model::{Body, CommentId, Edit, TicketId, UnixMillis};
use assist_proto::hub::{Command, Reason};
use assist_proto::store::{DeviceStore as _, Follow, Kept, KeptFollow};
use assist_proto::wire::ask::Request;
use assist_tests::world::{CAROL, DAVE, Desk, Seat};

#[test]
fn who_is_mentioned_is_told_on_all_devices_until_they_have_read_it() {
    let (mut desk, ticket) = desk_with_a_ticket(1);
    let phone = desk.sit_down(CAROL, "phone");
    let colleague = desk.sit_down(DAVE, "desktop");
    desk.world.settle();
    let (alice, carol) = (desk.alice, desk.carol);
    let comment = comment(&mut desk, alice, ticket, "Could @carol look?");
    desk.world.settle();
    let told = vec![(Reason::Mentioned, Some(comment))];
    assert_eq!([desk.world.told_of(carol), desk.world.told_of(phone)], [told.clone(), told]);
    assert_eq!([new_at(&desk, carol), new_at(&desk, phone), new_at(&desk, colleague)], [1, 1, 0]);
    assert_eq!([desk.world.told_of(colleague), desk.world.told_of(alice)], [vec![], vec![]]);
    desk.ask(carol, Command::MarkRead { project: desk.world.projects[0].id, ticket, through: None });
    assert_eq!([new_at(&desk, carol), new_at(&desk, phone)], [0, 0]);
    assert!(is_mentioned(&desk, phone, ticket));
    desk.world.check();
}

#[test]
fn comment_that_loses_its_mention_mentions_nobody_and_one_that_gains_it_is_told_no_second_time() {
    let (mut desk, ticket) = desk_with_a_ticket(2);
    let (alice, carol) = (desk.alice, desk.carol);
    let first = comment(&mut desk, alice, ticket, "@Carol?");
    let second = comment(&mut desk, alice, ticket, "Anybody?");
    desk.world.settle();
    assert_eq!(new_at(&desk, carol), 1);
    rewrite(&mut desk, alice, ticket, first, "@Dave?");
    assert_eq!((new_at(&desk, carol), is_mentioned(&desk, carol, ticket)), (0, false));
    rewrite(&mut desk, alice, ticket, second, "Anybody? `@carol`\n\n> @carol");
    assert!(!is_mentioned(&desk, carol, ticket), "in code and quotes");
    rewrite(&mut desk, alice, ticket, second, "@Carol, I mean.");
    assert_eq!(new_at(&desk, carol), 1);
    assert_eq!(desk.world.told_of(carol), [(Reason::Mentioned, Some(first))]);
    desk.world.edit(alice, ticket, Edit::DeleteComment(second));
    desk.world.settle();
    assert_eq!((new_at(&desk, carol), is_mentioned(&desk, carol, ticket)), (0, false));
    desk.world.check();
}

#[test]
fn mention_in_a_note_reaches_the_team_alone() {
    let (mut desk, ticket) = desk_with_a_ticket(3);
    let dave = desk.sit_down(DAVE, "desktop");
    let phone = desk.sit_down(DAVE, "phone");
    desk.world.settle();
    let (alice, carol) = (desk.alice, desk.carol);
    let note = note(&mut desk, carol, ticket, "@Alice is right, @Dave, and so is @Bob.");
    desk.world.settle();
    assert_eq!(desk.world.told_of(dave), [(Reason::Mentioned, Some(note))]);
    for seat in [alice, desk.bob] {
        assert_eq!((desk.world.told_of(seat), new_at(&desk, seat)), (vec![], 0));
    }
    assert_eq!([new_at(&desk, dave), new_at(&desk, phone)], [1, 1]);
    // A customer's mark says nothing of notes, nor does an agent's: what was shown is known where it was.
    desk.ask(dave, Command::MarkRead { project: desk.world.projects[0].id, ticket, through: None });
    assert_eq!([new_at(&desk, dave), new_at(&desk, phone)], [0, 1]);
    // Until there is more to read, and they read it: then they had the note.
    comment(&mut desk, alice, ticket, "Well?");
    desk.world.settle();
    desk.ask(dave, Command::MarkRead { project: desk.world.projects[0].id, ticket, through: None });
    assert_eq!([new_at(&desk, dave), new_at(&desk, phone)], [0, 0]);
    desk.world.check();
}

#[test]
fn each_thing_is_told_once_with_its_reason_and_only_what_is_for_the_user() {
    let (mut desk, ticket) = desk_with_a_ticket(4);
    let dave = desk.sit_down(DAVE, "desktop");
    desk.world.settle();
    let (alice, carol) = (desk.alice, desk.carol);
    let to_alice = comment(&mut desk, carol, ticket, "Is it plugged in?");
    desk.world.settle();
    comment(&mut desk, alice, ticket, "It is.");
    desk.world.settle();
    assert_eq!(desk.world.told_of(alice), [(Reason::Reply, Some(to_alice))]);
    assert_eq!([desk.world.told_of(carol), desk.world.told_of(dave)], [vec![], vec![]], "nobody's yet");
    let users = [carol, dave].map(|seat| desk.world.user_of(seat));
    desk.world.edit(dave, ticket, Edit::SetAssignee(users[0]));
    desk.world.settle();
    let to_carol = comment(&mut desk, alice, ticket, "It is, really. Ask @Carol!");
    desk.world.settle();
    let told = [(Reason::Assigned, None), (Reason::Mentioned, Some(to_carol))];
    assert_eq!(desk.world.told_of(carol), told, "a mention is no reply too");
    desk.world.edit(dave, ticket, Edit::SetAssignee(users[1]));
    desk.world.settle();
    assert_eq!(desk.world.told_of(dave), [], "who takes a ticket knows");
    desk.world.check();
}

#[test]
fn of_a_muted_ticket_only_mentions_and_assignments_are_told_and_a_followed_one_is_as_ones_own() {
    let (mut desk, ticket) = desk_with_a_ticket(5);
    let dave = desk.sit_down(DAVE, "desktop");
    desk.world.settle();
    let (alice, carol) = (desk.alice, desk.carol);
    follow(&mut desk, dave, ticket, Follow::Following);
    follow(&mut desk, alice, ticket, Follow::Muted);
    let first = comment(&mut desk, carol, ticket, "Is it on?");
    desk.world.settle();
    assert_eq!(
        (desk.world.told_of(alice), desk.world.told_of(dave)),
        (vec![], vec![(Reason::Reply, Some(first))])
    );
    follow(&mut desk, dave, ticket, Follow::Muted);
    let second = comment(&mut desk, carol, ticket, "@alice?");
    let user = desk.world.user_of(dave);
    desk.world.edit(carol, ticket, Edit::SetAssignee(user));
    desk.world.settle();
    assert_eq!(desk.world.told_of(alice), [(Reason::Mentioned, Some(second))]);
    assert_eq!(desk.world.told_of(dave)[1..], [(Reason::Assigned, None)]);
    desk.world.check();
}

#[test]
fn nothing_of_a_first_load_is_told_and_nothing_that_was_read_elsewhere_meanwhile() {
    let (mut desk, ticket) = desk_with_a_ticket(6);
    let (alice, carol) = (desk.alice, desk.carol);
    comment(&mut desk, alice, ticket, "@Carol?");
    desk.world.settle();
    let phone = desk.sit_down(CAROL, "phone");
    desk.world.settle();
    assert_eq!((desk.world.told_of(phone), new_at(&desk, phone)), (vec![], 1));
    desk.set_online(phone, false);
    let other = desk.world.file(alice, "It smells", "Of smoke.");
    desk.world.run_for(10_000);
    let [read, unread] = [(ticket, "@Carol!"), (other, "@Carol, too")].map(|(ticket, text)| {
        let id = comment(&mut desk, alice, ticket, text);
        desk.world.run_for(10_000);
        id
    });
    let told: Vec<_> = [read, unread].map(|id| (Reason::Mentioned, Some(id))).into();
    assert_eq!(desk.world.told_of(carol)[1..], told);
    let project = desk.world.projects[0].id;
    desk.world.command(carol, Command::MarkRead { project, ticket, through: None }).unwrap();
    desk.world.run_for(10_000);
    desk.set_online(phone, true);
    desk.world.settle();
    assert_eq!(desk.world.told_of(phone), [(Reason::Mentioned, Some(unread))]);
    desk.world.check();
}

#[test]
fn a_snooze_that_ends_is_told_to_whoever_works_on_the_ticket() {
    let (mut desk, ticket) = desk_with_a_ticket(7);
    let dave = desk.sit_down(DAVE, "desktop");
    desk.world.settle();
    let carol = desk.carol;
    let clock = |desk: &Desk| desk.world.net.peer(carol.device).clock(desk.world.net.now());
    let until = UnixMillis(clock(&desk).0 + 600_000);
    let user = desk.world.user_of(carol);
    desk.world.edit(carol, ticket, Edit::SetAssignee(user));
    desk.world.edit(carol, ticket, Edit::SetSnoozedUntil(Some(until)));
    desk.world.settle();
    while clock(&desk) < until {
        desk.world.run_for(60_000);
    }
    desk.world.settle();
    assert_eq!(desk.world.told_of(carol), [(Reason::Resurfaced, None)]);
    assert_eq!(desk.world.told_of(dave), []);
}

#[test]
fn who_is_meant_by_a_name_is_decided_anew_when_another_of_that_name_is_known() {
    let (mut desk, ticket) = desk_with_a_ticket(8);
    let (alice, carol) = (desk.alice, desk.carol);
    comment(&mut desk, alice, ticket, "@Carol?");
    desk.world.settle();
    assert_eq!(new_at(&desk, carol), 1);
    let dave = desk.sit_down(DAVE, "desktop");
    desk.world.settle();
    desk.ask(
        dave,
        Command::Ask { project: desk.world.projects[0].id, request: Request::Rename("carol".into()) },
    );
    desk.world.comment(dave, ticket, "It is the other one.");
    desk.world.settle();
    assert_eq!(new_at(&desk, carol), 0, "the team knows both");
    assert_eq!(desk.world.told_of(carol).len(), 1);
    desk.world.check();
}

#[test]
fn customer_who_does_not_see_a_ticket_is_told_of_no_mention_in_it() {
    let mut desk = Desk::open(9);
    let ticket = desk.world.file(desk.alice, "It hangs", "On start.");
    desk.world.settle();
    let (alice, bob, carol) = (desk.alice, desk.bob, desk.carol);
    comment(&mut desk, carol, ticket, "@Bob and @Alice, look here.");
    desk.world.settle();
    assert_eq!((desk.world.told_of(bob), new_at(&desk, bob)), (vec![], 0), "it is not his to see");
    assert_eq!(desk.world.told_of(alice).len(), 1);
    desk.world.check();
}

fn desk_with_a_ticket(seed: u64) -> (Desk, TicketId) {
    let mut desk = Desk::open(seed);
    let ticket = desk.world.file(desk.alice, "It hangs", "On start.");
    desk.world.settle();
    (desk, ticket)
}

/// The newest comment of the seat's device.
fn comment(desk: &mut Desk, seat: Seat, ticket: TicketId, text: &str) -> CommentId {
    let before: Vec<CommentId> = comments(desk, seat, ticket);
    desk.world.comment(seat, ticket, text);
    comments(desk, seat, ticket).into_iter().find(|id| !before.contains(id)).unwrap()
}

fn comments(desk: &Desk, seat: Seat, ticket: TicketId) -> Vec<CommentId> {
    desk.world.ticket_at(seat, ticket).unwrap().comments.iter().map(|comment| comment.id).collect()
}

fn note(desk: &mut Desk, seat: Seat, ticket: TicketId, text: &str) -> CommentId {
    let project = desk.world.projects[0].id;
    let body = Body::parse(text).unwrap();
    let attachments = Vec::new();
    let command = Command::Note { project, ticket, body, reply_to: None, attachments, hold_millis: 0 };
    let (doc, _) = desk.world.write(seat, command);
    let notes = desk.world.net.peer(seat.device).store.doc(&project, doc).notes().unwrap();
    notes.last().unwrap().id
}

fn rewrite(desk: &mut Desk, seat: Seat, ticket: TicketId, id: CommentId, text: &str) {
    desk.world.edit(seat, ticket, Edit::EditComment { id, body: Body::parse(text).unwrap() });
    desk.world.settle();
}

fn follow(desk: &mut Desk, seat: Seat, ticket: TicketId, follow: Follow) {
    let kept = Kept::Follow(KeptFollow { ticket, follow: Some(follow) });
    desk.ask(seat, Command::Keep { project: desk.world.projects[0].id, kept });
}

/// In how many tickets the user is mentioned where they have not read.
fn new_at(desk: &Desk, seat: Seat) -> u64 {
    desk.world.net.peer(seat.device).store.mentioned_count(&desk.world.projects[0].id).unwrap()
}

fn is_mentioned(desk: &Desk, seat: Seat, ticket: TicketId) -> bool {
    let store = &desk.world.net.peer(seat.device).store;
    store.mentions(&desk.world.projects[0].id, ticket).unwrap().is_any()
}
