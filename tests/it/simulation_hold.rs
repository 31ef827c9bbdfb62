//! Second thoughts: what is held does not leave, what was taken back never left, and nothing of either is lost or sent
//! twice, whenever a process falls over.

use std::collections::{BTreeMap, BTreeSet};

use assist_crdt_model::{Body, CommentId, DocId, Edit, Label, TicketId};
use assist_proto::hub::{Command, CommandError, Reply};
use assist_proto::store::{Draft, ServerStore};
use assist_tests::network::Faults;
use assist_tests::world::{Desk, Seat};

fn comment(desk: &Desk, ticket: TicketId, text: &str, hold_millis: u64) -> Command {
    let body = Body::parse(text).unwrap();
    let project = desk.world.projects[0].id;
    Command::Comment { project, ticket, body, reply_to: None, attachments: Vec::new(), hold_millis }
}

fn say(desk: &mut Desk, seat: Seat, ticket: TicketId, text: &str, hold_millis: u64) -> CommentId {
    let command = comment(desk, ticket, text, hold_millis);
    match desk.world.net.command(seat.device, command) {
        Ok(Reply::Written { comment: Some(comment), .. }) => comment,
        other => panic!("{other:?}"),
    }
}

fn undo(desk: &mut Desk, seat: Seat, comment: Option<CommentId>) -> Result<String, CommandError> {
    match desk.world.net.command(seat.device, Command::TakeBack { project: None, comment })? {
        Reply::TakenBack { body, .. } => Ok(body.to_string()),
        other => panic!("{other:?}"),
    }
}

/// How often a text is in the server's log of a ticket.
fn times_in_log(desk: &Desk, ticket: TicketId, text: &str) -> usize {
    let server = &desk.world.net.peer(desk.server).store;
    let records = ServerStore::doc_records(server, DocId::Ticket(ticket)).unwrap();
    let has = |bytes: &[u8]| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    records.iter().filter(|record| has(&record.envelope.change)).count()
}

fn desk_with_tickets(seed: u64) -> (Desk, TicketId, TicketId) {
    let mut desk = Desk::open(seed);
    let one = desk.world.file(desk.alice, "It hangs", "On start.");
    let other = desk.world.file(desk.alice, "It smells", "Of smoke.");
    desk.world.settle();
    (desk, one, other)
}

#[test]
fn what_is_held_leaves_when_its_time_comes_and_holds_back_its_ticket_alone() {
    let (mut desk, one, other) = desk_with_tickets(1);
    let carol = desk.carol;
    say(&mut desk, carol, one, "Restart it.", 5_000);
    desk.world.edit(carol, one, Edit::AddLabel(Label::parse("later").unwrap()));
    say(&mut desk, carol, other, "Open a window.", 0);
    desk.world.net.run_for(3_000);
    assert_eq!(times_in_log(&desk, one, "Restart it."), 0);
    assert_eq!(times_in_log(&desk, one, "later"), 0, "it follows what is held");
    assert_eq!(times_in_log(&desk, other, "Open a window."), 1);
    desk.world.net.run_for(4_000);
    assert_eq!(times_in_log(&desk, one, "Restart it."), 1);
    assert_eq!(times_in_log(&desk, one, "later"), 1);
    assert_eq!(undo(&mut desk, carol, None), Err(CommandError::HasLeft));
    desk.world.settle();
    desk.world.check();
}

#[test]
fn what_is_taken_back_never_leaves_and_what_follows_it_does() {
    let (mut desk, one, _) = desk_with_tickets(2);
    let carol = desk.carol;
    let first = say(&mut desk, carol, one, "Restart it.", 60_000);
    say(&mut desk, carol, one, "Then call us.", 60_000);
    let project = desk.world.projects[0].id;
    let body = Body::parse("Restart it twice.").unwrap();
    let edits = vec![Edit::EditComment { id: first, body }];
    desk.world.net.command(carol.device, Command::Edit { project, doc: DocId::Ticket(one), edits }).unwrap();
    assert_eq!(undo(&mut desk, carol, Some(first)).unwrap(), "Restart it.");
    assert_eq!(desk.world.comments_at(carol, one), ["Then call us."]);
    let mut drafts: Vec<(u16, usize)> =
        desk.drafts(carol).iter().map(|(_, draft)| (draft.code, draft.edits.len())).collect();
    drafts.sort_unstable();
    // The rewrite has nothing to rewrite any more: it is kept too.
    assert_eq!(drafts.len(), 2);
    assert_eq!(drafts[0], (Draft::TAKEN_BACK, 1));
    assert_eq!(undo(&mut desk, carol, Some(first)), Err(CommandError::HasLeft));
    desk.world.net.run_for(10_000);
    assert_eq!(times_in_log(&desk, one, "Then call us."), 0, "it is held as long as before");
    desk.world.settle();
    assert_eq!(desk.world.comments_at(desk.alice, one), ["Then call us."]);
    assert_eq!(times_in_log(&desk, one, "Restart it"), 0);
    desk.world.check();
}

#[test]
fn whatever_was_commented_offline_can_be_taken_back_until_it_leaves() {
    let (mut desk, one, _) = desk_with_tickets(3);
    let alice = desk.alice;
    desk.set_online(alice, false);
    // Until the device notices, what it writes may have left.
    desk.world.net.run_for(120_000);
    let first = say(&mut desk, alice, one, "Since Monday.", 0);
    say(&mut desk, alice, one, "Or Tuesday.", 0);
    // A restart changes nothing: what has not left is known.
    desk.world.net.stop(alice.device);
    desk.world.net.start(alice.device, false);
    assert_eq!(undo(&mut desk, alice, None).unwrap(), "Or Tuesday.");
    desk.set_online(alice, true);
    desk.world.settle();
    assert_eq!(undo(&mut desk, alice, Some(first)), Err(CommandError::HasLeft));
    assert_eq!(desk.world.comments_at(desk.carol, one), ["Since Monday."]);
    // Online and without a hold, it has left before anybody could think again.
    say(&mut desk, alice, one, "No, Wednesday.", 0);
    assert_eq!(undo(&mut desk, alice, None), Err(CommandError::HasLeft));
    desk.world.settle();
    desk.world.check();
}

#[test]
fn a_race_of_holds_crashes_and_undos_loses_nothing_and_sends_nothing_twice() {
    let (mut taken_back, mut sent) = (0, 0);
    for seed in 0..150 {
        let (mut desk, one, other) = desk_with_tickets(seed);
        let (alice, carol) = (desk.alice, desk.carol);
        desk.world.net.faults =
            Faults { crash: 15, commit_failure: 40, cut: 20, dial_failure: 3, duplicate: 10 };
        let mut asked = BTreeMap::new();
        let (mut written, mut undone) = (BTreeSet::new(), BTreeSet::new());
        for step in 0..24 {
            let seat = if desk.world.net.dice.one_in(3) { alice } else { carol };
            let ticket = if desk.world.net.dice.one_in(3) { other } else { one };
            let text = format!("word-{seed}-{step};");
            let command = match desk.world.net.dice.between(0, 6) {
                0 | 1 => Command::TakeBack { project: None, comment: None },
                _ => {
                    let hold = desk.world.net.dice.pick(&[0, 200, 1_000, 5_000]).unwrap();
                    comment(&desk, ticket, &text, hold)
                }
            };
            let call = desk.world.net.ask(seat.device, command);
            asked.insert(call, (ticket, text));
            let pause = desk.world.net.dice.pick(&[0, 20, 200, 1_000, 4_000]).unwrap();
            desk.world.net.run_for(pause);
        }
        desk.world.net.run_for(10_000);
        for answer in std::mem::take(&mut desk.world.net.answers) {
            match answer.outcome {
                Ok(Reply::Written { .. }) => drop(asked.remove(&answer.call).map(|it| written.insert(it))),
                Ok(Reply::TakenBack { body, .. }) => drop(undone.insert(body.to_string())),
                _ => {}
            }
        }
        desk.world.heal();
        let drafts = [desk.drafts(alice), desk.drafts(carol)].concat();
        let drafts: Vec<String> = drafts.iter().map(|(_, draft)| format!("{:?}", draft.edits)).collect();
        for (ticket, text) in &written {
            let in_log = times_in_log(&desk, *ticket, text);
            let in_drafts = drafts.iter().filter(|draft| draft.contains(text.as_str())).count();
            assert_eq!(in_log + in_drafts, 1, "seed {seed}: {text} is {in_log} times in the log");
            assert!(in_drafts == 1 || !undone.contains(text), "seed {seed}: {text} was taken back and sent");
            taken_back += in_drafts;
            sent += in_log;
        }
        desk.world.check();
    }
    assert!(taken_back > 150 && sent > 300, "{taken_back} taken back, {sent} sent");
}
