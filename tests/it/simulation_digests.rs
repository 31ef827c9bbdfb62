//! Mails to members who are away: one for all that is new, of what they may see and have not read, and never twice. That
//! no mail tells anybody what is not theirs is checked in every simulation ([`World::observe`](assist_tests::world::World)).

use assist_crdt_model::{Body, Edit, Role, Status, TicketId};
use assist_proto::hub::Command;
use assist_proto::limits;
use assist_proto::mail::{Digest, Happened, Letter};
use assist_proto::store::{Follow, Kept, KeptFollow, KeptMails, Mails};
use assist_proto::wire::ask::{Request, SetRole, Who};
use assist_tests::world::{ALICE, CAROL, DAVE, Desk, Seat};

const HOUR: u64 = 3_600_000;

#[test]
fn customer_who_is_away_gets_one_mail_with_all_that_is_new() {
    let (mut desk, ticket) = desk_with_a_ticket(1);
    let (alice, carol) = (desk.alice, desk.carol);
    desk.set_online(alice, false);
    desk.world.comment(carol, ticket, "Does it flap at night?\nAnd by day?");
    note(&mut desk, carol, ticket, "@Alice is slow.");
    desk.world.run_for(20_000);
    desk.world.comment(carol, ticket, "And which version?");
    desk.world.edit(carol, ticket, Edit::SetStatus(Status::Pending));
    assert_eq!(digests(&desk, "alice"), vec![], "not before she has been away for a while");
    desk.world.run_for(HOUR);
    let told = only(&desk, "alice");
    let [of_ticket] = told.tickets.as_slice() else { panic!("{told:?}") };
    assert_eq!((of_ticket.ticket, of_ticket.number, of_ticket.more_lines), (ticket, Some(1), 0));
    let lines: Vec<_> = of_ticket.lines.iter().map(|line| (line.by.as_str(), &line.happened)).collect();
    let wrote = |text: &str| Happened::Wrote(Some(text.to_owned()));
    assert_eq!(
        lines,
        [
            ("Carol", &wrote("Does it flap at night?\nAnd by day?")),
            ("Carol", &wrote("And which version?")),
            ("Carol", &Happened::Moved(Status::Pending)),
        ]
    );
    desk.world.run_for(48 * HOUR);
    assert_eq!(digests(&desk, "alice").len(), 1, "it is told once");
    assert_eq!(digests(&desk, "carol"), vec![], "nothing of it is news to her, and she is there");
    assert_eq!(digests(&desk, "bob"), vec![]);
    all_agree(&mut desk);
}

#[test]
fn who_stays_away_is_mailed_ever_more_seldom_and_who_was_back_begins_anew() {
    let (mut desk, ticket) = desk_with_a_ticket(2);
    let (alice, carol) = (desk.alice, desk.carol);
    desk.set_online(alice, false);
    let mut mailed_after = Vec::new();
    for round in 0..400 {
        desk.world.comment(carol, ticket, &format!("Still there? {round}"));
        let before = digests(&desk, "alice").len();
        desk.world.run_for(limits::DIGEST_LOOK_MILLIS);
        if digests(&desk, "alice").len() > before {
            mailed_after.push(round);
        }
    }
    let pauses: Vec<i32> = mailed_after.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(pauses.len() > 6 && pauses.is_sorted(), "{pauses:?}");
    assert!(pauses.last() > Some(&100), "{pauses:?}");

    desk.set_online(alice, true);
    desk.world.settle();
    desk.set_online(alice, false);
    let before = digests(&desk, "alice").len();
    desk.world.run_for(48 * HOUR);
    assert_eq!(digests(&desk, "alice").len(), before, "her device has it all");
    desk.world.comment(carol, ticket, "And now?");
    desk.world.run_for(2 * limits::DIGEST_LOOK_MILLIS);
    let told = digests(&desk, "alice").pop().unwrap();
    assert_eq!(told.tickets[0].lines.len(), 1, "{told:?}");
    all_agree(&mut desk);
}

#[test]
fn agent_is_mailed_what_is_for_them_and_nothing_else() {
    let (mut desk, ticket) = desk_with_a_ticket(3);
    let (alice, bob, carol) = (desk.alice, desk.bob, desk.carol);
    let dave = desk.sit_down(DAVE, "desktop");
    let other = desk.world.file(bob, "Slow", "Since noon.");
    let muted = desk.world.file(bob, "Quiet", "Too much.");
    desk.world.settle();
    let user = desk.world.user_of(dave).unwrap();
    desk.world.edit(carol, muted, Edit::SetAssignee(Some(user)));
    desk.world.settle();
    let project = desk.world.projects[0].id;
    let kept = Kept::Follow(KeptFollow { ticket: muted, follow: Some(Follow::Muted) });
    desk.ask(dave, Command::Keep { project, kept });
    desk.set_online(dave, false);
    desk.world.comment(alice, ticket, "Nobody in particular.");
    desk.world.comment(bob, muted, "Are you there?");
    note(&mut desk, carol, ticket, "@Dave, please.");
    desk.world.edit(carol, other, Edit::SetAssignee(Some(user)));
    desk.world.run_for(10_000);
    desk.world.comment(bob, other, "It is slow still.");
    desk.world.run_for(HOUR);
    let told = only(&desk, "dave");
    let mut lines: Vec<_> = told
        .tickets
        .iter()
        .flat_map(|of| of.lines.iter().map(|line| (of.ticket, line.happened.clone())))
        .collect();
    lines.sort_by_key(|(of, _)| *of != ticket);
    let mentioned = Happened::Mentioned { is_note: true, excerpt: Some("@Dave, please.".to_owned()) };
    let wrote = Happened::Wrote(Some("It is slow still.".to_owned()));
    assert_eq!(lines, [(ticket, mentioned), (other, Happened::Assigned), (other, wrote)]);
    all_agree(&mut desk);
}

#[test]
fn what_was_read_elsewhere_or_struck_is_no_news_and_who_wants_none_gets_none() {
    let (mut desk, ticket) = desk_with_a_ticket(4);
    let (alice, bob, carol) = (desk.alice, desk.bob, desk.carol);
    let project = desk.world.projects[0].id;
    let phone = desk.sit_down(ALICE, "phone");
    desk.world.settle();
    desk.set_online(alice, false);
    desk.world.comment(carol, ticket, "Read on the phone.");
    desk.world.run_for(10_000);
    tell(&mut desk, phone, Command::MarkRead { project, ticket, through: None });
    desk.world.run_for(HOUR);
    desk.set_online(phone, false);
    desk.world.run_for(HOUR);
    assert_eq!(digests(&desk, "alice"), vec![]);

    let text = desk.world.comment(carol, ticket, "A mistake.");
    let comment = desk.world.ticket_at(carol, ticket).unwrap().comments;
    let comment = comment.into_iter().find(|comment| comment.change == text).unwrap().id;
    desk.world.edit(carol, ticket, Edit::DeleteComment(comment));
    desk.world.run_for(HOUR);
    assert_eq!(digests(&desk, "alice"), vec![], "what was struck is not mailed");

    let of_bob = desk.world.file(bob, "Slow", "Since noon.");
    tell(&mut desk, bob, Command::Keep { project, kept: Kept::Mails(KeptMails { mails: Some(Mails::Off) }) });
    desk.set_online(bob, false);
    desk.world.comment(carol, of_bob, "Is it?");
    desk.world.run_for(HOUR);
    assert_eq!(digests(&desk, "bob"), vec![]);
    desk.set_online(bob, true);
    desk.world.run_for(HOUR);
    tell(&mut desk, bob, Command::Keep { project, kept: Kept::Mails(KeptMails { mails: None }) });
    desk.set_online(bob, false);
    desk.world.comment(carol, of_bob, "Is it still?");
    desk.world.run_for(HOUR);
    assert_eq!(only(&desk, "bob").tickets[0].lines.len(), 1);
    all_agree(&mut desk);
}

#[test]
fn server_that_falls_over_mails_nothing_twice_and_what_is_new_all_the_same() {
    for seed in 0..20 {
        let (mut desk, ticket) = desk_with_a_ticket(100 + seed);
        let (alice, carol, server) = (desk.alice, desk.carol, desk.server);
        desk.set_online(alice, false);
        for round in 0..3 {
            desk.world.comment(carol, ticket, &format!("Round {round}"));
            desk.world.run_for(1_000);
            desk.world.net.stop(server);
            desk.world.net.start(server, false);
            desk.set_online(carol, true);
            desk.world.run_for(HOUR);
        }
        let told: Vec<String> = digests(&desk, "alice")
            .iter()
            .flat_map(|digest| &digest.tickets[0].lines)
            .map(|line| format!("{:?}", line.happened))
            .collect();
        let expected: Vec<String> =
            (0..3).map(|round| format!("{:?}", Happened::Wrote(Some(format!("Round {round}"))))).collect();
        assert_eq!(told, expected, "seed {seed}");
        all_agree(&mut desk);
    }
}

#[test]
fn who_is_of_the_team_by_now_is_mailed_what_is_news_to_the_team() {
    let (mut desk, ticket) = desk_with_a_ticket(6);
    let (bob, carol) = (desk.bob, desk.carol);
    let erin = desk.sit_down(assist_tests::world::ERIN, "desktop");
    desk.world.settle();
    let who = Who::User(desk.world.user_of(bob).unwrap());
    desk.set_online(bob, false);
    desk.world.run_for(HOUR);
    desk.world.ask_for(erin, Request::SetRole(SetRole { who, role: Role::Agent }));
    desk.world.run_for(10_000);
    note(&mut desk, carol, ticket, "@Bob knows it.");
    desk.world.run_for(HOUR);
    let told = only(&desk, "bob");
    let excerpt = Some("@Bob knows it.".to_owned());
    assert_eq!(told.tickets[0].lines[0].happened, Happened::Mentioned { is_note: true, excerpt });
    all_agree(&mut desk);
}

#[test]
fn who_was_removed_is_mailed_nothing() {
    let (mut desk, ticket) = desk_with_a_ticket(5);
    let (alice, carol) = (desk.alice, desk.carol);
    let erin = desk.sit_down(assist_tests::world::ERIN, "desktop");
    let second = desk.sit_down(CAROL, "laptop");
    desk.world.settle();
    desk.set_online(alice, false);
    desk.world.comment(carol, ticket, "Secret by now.");
    desk.world.run_for(1_000);
    desk.world.remove(erin, alice);
    desk.world.run_for(HOUR);
    assert_eq!(digests(&desk, "alice"), vec![]);
    assert!(desk.world.user_of(second).is_some());
}

/// Everybody comes back, and all have the same.
fn all_agree(desk: &mut Desk) {
    for seat in desk.world.seats.clone() {
        desk.set_online(seat, true);
    }
    desk.world.settle();
    desk.world.check();
}

/// Asks a device for something, and waits until its server knows; others may be away meanwhile.
fn tell(desk: &mut Desk, seat: Seat, command: Command) {
    desk.world.net.command(seat.device, command).unwrap();
    desk.world.run_for(10_000);
}

fn desk_with_a_ticket(seed: u64) -> (Desk, TicketId) {
    let mut desk = Desk::open(seed);
    let ticket = desk.world.file(desk.alice, "It hangs", "On start.");
    desk.world.settle();
    (desk, ticket)
}

fn note(desk: &mut Desk, seat: Seat, ticket: TicketId, text: &str) {
    let project = desk.world.projects[0].id;
    let body = Body::parse(text).unwrap();
    let attachments = Vec::new();
    desk.world
        .write(seat, Command::Note { project, ticket, body, reply_to: None, attachments, hold_millis: 0 });
}

/// What was mailed to somebody of that name.
fn digests(desk: &Desk, name: &str) -> Vec<Digest> {
    let to_them = desk.world.net.mails.iter().filter(|(_, mail)| mail.to.starts_with(name));
    let letters = to_them.map(|(_, mail)| mail.letter.clone());
    letters
        .filter_map(|letter| if let Letter::Digest(digest) = letter { Some(digest) } else { None })
        .collect()
}

fn only(desk: &Desk, name: &str) -> Digest {
    let digests = digests(desk, name);
    assert_eq!(digests.len(), 1, "{digests:?}");
    digests.into_iter().next().unwrap()
}
