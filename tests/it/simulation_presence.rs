//! Presence: who looks at a ticket is shown to whom it concerns while it is so, and to nobody else.

use assist_crdt_model::{Role, TicketId, UserId};
use assist_proto::hub::{Command, Connection, PresenceView, PresenceWord, Reply};
use assist_proto::limits::{PRESENCE_NAMES_MAX, PRESENCE_STEP_MILLIS};
use assist_proto::wire::PeerMessage;
use assist_proto::wire::ask::{Request, SetRole, TicketShare, Who};
use assist_proto::wire::presence::{Doing, PresenceNews, Present, View};
use assist_tests::world::{CAROL, DAVE, Desk, ERIN, Seat};

const SECRET: &str = "canary: in the cellar";

#[test]
fn presence_at_a_ticket_reaches_whom_it_concerns_and_nobody_else() {
    let (mut desk, ticket) = desk_with_a_ticket(1);
    let (alice, bob, carol) = (desk.alice, desk.bob, desk.carol);
    for seat in [alice, bob, carol] {
        assert_eq!(at(&look(&mut desk, seat), ticket), []);
    }
    say(&mut desk, carol, at_ticket(ticket, Doing::Viewing));
    desk.world.run_for(SOON_MILLIS);
    assert_eq!(at(&look(&mut desk, alice), ticket), [(user(&desk, carol), Doing::Viewing)]);
    say(&mut desk, alice, at_ticket(ticket, Doing::Typing));
    desk.world.run_for(SOON_MILLIS);
    assert_eq!(at(&look(&mut desk, carol), ticket)[0], (user(&desk, alice), Doing::Typing));
    // Whose ticket it is not is told nothing, and is nobody there whatever their device says.
    let views = vec![View { ticket, doing: Doing::Typing }];
    desk.world.net.say(bob.device, &PeerMessage::Present(Present { is_here: true, views, status: None }));
    desk.world.run_for(SOON_MILLIS);
    let seen = at(&look(&mut desk, carol), ticket);
    assert!(seen.iter().all(|(who, _)| *who != user(&desk, bob)), "{seen:?}");
    assert_eq!(look(&mut desk, bob).tickets, []);
    let told = news_to(&desk, bob).into_iter().flat_map(|news| news.tickets);
    assert_eq!(told.count(), 0, "not a frame spoke of it");
    say(&mut desk, carol, at_ticket(ticket, Doing::Viewing));
    say(&mut desk, alice, at_ticket(ticket, Doing::Viewing));
    desk.world.run_for(SOON_MILLIS);
    say(&mut desk, alice, PresenceWord::At { ticket, doing: None });
    desk.world.run_for(SOON_MILLIS);
    let seen = at(&look(&mut desk, carol), ticket);
    assert!(seen.contains(&(user(&desk, alice), Doing::Online)), "still at a front end: {seen:?}");
    desk.world.check();
}

#[test]
fn who_falls_silent_is_forgotten_within_ten_seconds_and_who_goes_at_once() {
    let (mut desk, ticket) = desk_with_a_ticket(2);
    let (alice, carol) = (desk.alice, desk.carol);
    look(&mut desk, alice);
    // A device that says it once and dies with its link open.
    let views = vec![View { ticket, doing: Doing::Viewing }];
    desk.world.net.say(carol.device, &PeerMessage::Present(Present { is_here: true, views, status: None }));
    desk.world.run_for(SOON_MILLIS);
    assert_eq!(at(&look(&mut desk, alice), ticket).len(), 1);
    desk.world.run_for(5_000);
    assert_eq!(at(&look(&mut desk, alice), ticket).len(), 1, "not before its time");
    desk.world.run_for(4_000);
    assert_eq!(at(&look(&mut desk, alice), ticket), []);

    // A front end that dies under a daemon that lives.
    say(&mut desk, carol, at_ticket(ticket, Doing::Typing));
    desk.world.run_for(6_000);
    assert_eq!(at(&look(&mut desk, alice), ticket).len(), 1);
    desk.world.run_for(4_000);
    assert_eq!(at(&look(&mut desk, alice), ticket), []);

    // A link that ends takes all of it along.
    say(&mut desk, carol, at_ticket(ticket, Doing::Viewing));
    desk.world.run_for(SOON_MILLIS);
    assert_eq!(at(&look(&mut desk, alice), ticket).len(), 1);
    desk.set_online(carol, false);
    desk.world.run_for(NOTICED_MILLIS);
    assert_eq!(at(&look(&mut desk, alice), ticket), []);
    assert!(!look(&mut desk, carol).is_known, "who is cut off knows nothing, and says so");
}

#[test]
fn who_comes_late_is_told_how_it_is_and_who_looks_no_more_is_told_nothing() {
    let (mut desk, ticket) = desk_with_a_ticket(3);
    let (alice, carol) = (desk.alice, desk.carol);
    say(&mut desk, carol, at_ticket(ticket, Doing::Viewing));
    desk.world.run_for(2_000);
    assert_eq!(news_to(&desk, alice).len(), 0, "nobody looks there");
    assert_eq!(at(&look(&mut desk, alice), ticket), [(user(&desk, carol), Doing::Viewing)], "at once");
    let late = desk.sit_down(DAVE, "desktop");
    say(&mut desk, carol, at_ticket(ticket, Doing::Typing));
    desk.world.run_for(SOON_MILLIS);
    assert_eq!(at(&look(&mut desk, late), ticket)[0], (user(&desk, carol), Doing::Typing));
    desk.world.run_for(30_000);
    let before = news_to(&desk, alice).len();
    say(&mut desk, carol, at_ticket(ticket, Doing::Viewing));
    desk.world.run_for(2_000);
    assert_eq!(news_to(&desk, alice).len(), before, "her front end asked half a minute ago");
}

#[test]
fn what_is_the_teams_is_not_sent_to_customers() {
    let (mut desk, ticket) = desk_with_a_ticket(4);
    let (alice, bob, carol) = (desk.alice, desk.bob, desk.carol);
    let dave = desk.sit_down(DAVE, "desktop");
    say(&mut desk, carol, at_ticket(ticket, Doing::Viewing));
    say(&mut desk, carol, PresenceWord::Status(Some(SECRET.to_owned())));
    for seat in [alice, bob, dave] {
        look(&mut desk, seat);
    }
    desk.world.run_for(SOON_MILLIS);
    assert_eq!(at(&look(&mut desk, alice), ticket), [(user(&desk, carol), Doing::Viewing)]);
    let before = news_to(&desk, alice).iter().filter(|news| !news.is_answer).count();
    say(&mut desk, carol, at_ticket(ticket, Doing::TypingNote));
    desk.world.run_for(2_000);
    assert_eq!(at(&look(&mut desk, alice), ticket), [(user(&desk, carol), Doing::Viewing)]);
    let after = news_to(&desk, alice).iter().filter(|news| !news.is_answer).count();
    assert_eq!(before, after, "not even that something is new");
    let seen = look(&mut desk, dave);
    assert_eq!(at(&seen, ticket)[0], (user(&desk, carol), Doing::TypingNote));
    let team = seen.team.named.iter().find(|person| person.user == user(&desk, carol)).unwrap();
    assert_eq!((team.doing, team.status.as_deref()), (Doing::Online, Some(SECRET)));
    // A customer's word is for the team as well.
    say(&mut desk, bob, PresenceWord::Status(Some(SECRET.to_owned())));
    desk.world.run_for(20_000);
    // That no status text is sent to a customer, the world looks after.
    assert!([alice, bob].iter().all(|customer| !news_to(&desk, *customer).is_empty()));
    let team = look(&mut desk, dave).team;
    assert_eq!(
        team.named.iter().map(|person| person.doing).collect::<Vec<_>>(),
        [Doing::Away],
        "word is left"
    );
    say(&mut desk, carol, PresenceWord::Status(None));
    say(&mut desk, bob, PresenceWord::Status(None));
    desk.world.run_for(SOON_MILLIS);
    assert_eq!(look(&mut desk, dave).team.count, 0);
}

#[test]
fn who_loses_a_ticket_or_a_role_is_not_there_any_more() {
    let (mut desk, ticket) = desk_with_a_ticket(5);
    let (alice, bob, carol) = (desk.alice, desk.bob, desk.carol);
    let erin = desk.sit_down(ERIN, "laptop");
    let share = TicketShare { ticket, who: Who::User(user(&desk, bob)) };
    ask(&mut desk, alice, Request::ShareTicket(share.clone()));
    say(&mut desk, bob, at_ticket(ticket, Doing::Viewing));
    say(&mut desk, carol, at_ticket(ticket, Doing::Viewing));
    desk.world.run_for(SOON_MILLIS);
    assert_eq!(at(&look(&mut desk, alice), ticket).len(), 2);
    assert_eq!(at(&look(&mut desk, bob), ticket).len(), 2);
    ask(&mut desk, alice, Request::UnshareTicket(share));
    assert_eq!(at(&look(&mut desk, alice), ticket), [(user(&desk, carol), Doing::Viewing)]);
    assert_eq!(look(&mut desk, bob).tickets, []);
    let told = news_to(&desk, bob).len();
    say(&mut desk, carol, at_ticket(ticket, Doing::Typing));
    desk.world.run_for(SOON_MILLIS);
    assert_eq!(at(&look(&mut desk, alice), ticket), [(user(&desk, carol), Doing::Typing)]);
    let later = news_to(&desk, bob).into_iter().skip(told).flat_map(|news| news.tickets);
    assert_eq!(later.count(), 0);
    let set = SetRole { who: Who::User(user(&desk, carol)), role: Role::Customer };
    ask(&mut desk, erin, Request::SetRole(set));
    assert_eq!(at(&look(&mut desk, alice), ticket), []);
    assert_eq!(look(&mut desk, carol).tickets, []);
}

#[test]
fn flood_of_words_is_heard_ten_times_a_second_and_costs_no_more() {
    let (mut desk, ticket) = desk_with_a_ticket(6);
    let (alice, carol) = (desk.alice, desk.carol);
    look(&mut desk, alice);
    let before = news_to(&desk, alice).len();
    for number in 0..1_001 {
        let doing = if number % 2 == 0 { Doing::Typing } else { Doing::Viewing };
        let views = vec![View { ticket, doing }];
        desk.world
            .net
            .say(carol.device, &PeerMessage::Present(Present { is_here: true, views, status: None }));
    }
    desk.world.run_for(3_000);
    assert_eq!(at(&look(&mut desk, alice), ticket), [(user(&desk, carol), Doing::Typing)], "the newest");
    let told = news_to(&desk, alice).len() - before;
    assert!(told < 20, "{told} frames of a thousand words");
    let connection = desk.status(carol).connection;
    assert!(matches!(connection, Connection::Online { .. }), "nobody is sent away for it: {connection:?}");
}

#[test]
fn crowd_at_a_ticket_is_counted_and_costs_each_no_more_than_a_few() {
    let (mut desk, ticket) = desk_with_a_ticket(7);
    let alice = desk.alice;
    let seats: Vec<Seat> = (0..24)
        .map(|number| desk.sit_down(if number % 2 == 0 { DAVE } else { CAROL }, &format!("tablet {number}")))
        .collect();
    look(&mut desk, alice);
    let before = news_to(&desk, alice).len();
    for (number, seat) in seats.iter().cycle().take(240).enumerate() {
        let doing = if number % 3 == 0 { Doing::Typing } else { Doing::Viewing };
        desk.world.net.ask(seat.device, set(&desk, at_ticket(ticket, doing)));
        desk.world.run_for(5);
    }
    desk.world.run_for(SOON_MILLIS);
    let told = news_to(&desk, alice).len() - before;
    let most = (240 * 5 + SOON_MILLIS) / PRESENCE_STEP_MILLIS + 4;
    assert!((told as u64) <= most, "{told} frames of 240 changes, {most} at most");
    let seen = look(&mut desk, alice);
    let people = &seen.tickets.iter().find(|at| at.ticket == ticket).unwrap().people;
    assert_eq!(people.count as usize, people.named.len(), "two people, each once");
    assert!(people.count == 2 && people.named.len() <= PRESENCE_NAMES_MAX, "{people:?}");
}

/// Long enough for both sides to notice that a link broke, and shorter than a word holds.
const NOTICED_MILLIS: u64 = 5_500;
/// Long enough for a frame there and one on, and for the interval between two news.
const SOON_MILLIS: u64 = 1_500;

fn desk_with_a_ticket(seed: u64) -> (Desk, TicketId) {
    let mut desk = Desk::open(seed);
    let ticket = desk.world.file(desk.alice, "It hangs", "On start.");
    desk.world.settle();
    (desk, ticket)
}

const fn at_ticket(ticket: TicketId, doing: Doing) -> PresenceWord {
    PresenceWord::At { ticket, doing: Some(doing) }
}

fn user(desk: &Desk, seat: Seat) -> UserId {
    desk.world.user_of(seat).unwrap()
}

fn set(desk: &Desk, word: PresenceWord) -> Command {
    Command::SetPresence { project: desk.world.projects[0].id, word }
}

fn say(desk: &mut Desk, seat: Seat, word: PresenceWord) {
    let command = set(desk, word);
    assert_eq!(desk.world.command(seat, command), Ok(Reply::Done));
}

fn look(desk: &mut Desk, seat: Seat) -> PresenceView {
    let project = desk.world.projects[0].id;
    match desk.world.command(seat, Command::Presence { project }) {
        Ok(Reply::Presence(view)) => view,
        other => panic!("{other:?}"),
    }
}

/// Who is at a ticket, in the order in which they are told.
fn at(view: &PresenceView, ticket: TicketId) -> Vec<(UserId, Doing)> {
    let people = view.tickets.iter().filter(|at| at.ticket == ticket).flat_map(|at| &at.people.named);
    people.map(|person| (person.user, person.doing)).collect()
}

fn ask(desk: &mut Desk, seat: Seat, request: Request) {
    let project = desk.world.projects[0].id;
    desk.world.command(seat, Command::Ask { project, request }).expect("it is done");
    desk.world.run_for(SOON_MILLIS);
}

fn news_to(desk: &Desk, seat: Seat) -> Vec<PresenceNews> {
    desk.world.presence_told(seat.device).cloned().collect()
}
