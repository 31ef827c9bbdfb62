//! Agents' work while apart: snoozes that end by clocks that differ, and merges against what is written meanwhile.

use assist_crdt_model::{DocId, Edit, Status, Ticket, TicketId, UnixMillis};
use assist_proto::hub::{Cause, Command, Notice, Write};
use assist_proto::store::DeviceStore as _;
use assist_tests::world::{DAVE, Desk, Seat};

fn shown(desk: &Desk, seat: Seat, ticket: TicketId) -> Ticket {
    let project = desk.world.projects[0].id;
    desk.world.net.peer(seat.device).store.doc(&project, DocId::Ticket(ticket)).ticket().unwrap()
}

fn is_asleep(desk: &Desk, seat: Seat, ticket: TicketId) -> bool {
    let project = desk.world.projects[0].id;
    let row = desk.world.net.peer(seat.device).store.row(&project, ticket).unwrap().unwrap();
    row.snoozed_until_millis.is_some()
}

/// What a device's clock shows.
fn clock(desk: &Desk, seat: Seat) -> u64 {
    desk.world.net.peer(seat.device).clock(desk.world.net.now()).0
}

#[test]
fn every_device_wakes_a_ticket_by_its_own_clock_online_or_not() {
    let mut told_of = 0;
    for seed in 0..40 {
        let mut desk = Desk::open(seed);
        let dave = desk.sit_down(DAVE, "desktop");
        let ticket = desk.world.file(desk.alice, "It hangs", "On start.");
        desk.world.settle();
        let until = clock(&desk, desk.carol) + 600_000;
        let carol = desk.carol;
        desk.world.edit(carol, ticket, Edit::SetSnoozedUntil(Some(UnixMillis(until))));
        desk.world.net.run_for(5_000);
        // Paused and not out of reach: its clock may be ten years late, and it would dial all the while.
        desk.world.command(dave, Command::Pause(None)).unwrap();
        for seat in [carol, dave] {
            assert_eq!(is_asleep(&desk, seat, ticket), clock(&desk, seat) < until, "seed {seed}");
        }
        // Neither needs the other, nor the server, to see the time come.
        for _ in 0..4 {
            let millis = [carol, dave].into_iter().map(|seat| until.saturating_sub(clock(&desk, seat)));
            let Some(millis) = millis.filter(|millis| *millis > 0).min() else { break };
            desk.world.net.run_for(millis - 1);
            for seat in [carol, dave] {
                assert_eq!(is_asleep(&desk, seat, ticket), clock(&desk, seat) < until, "seed {seed}");
            }
            desk.world.net.run_for(2);
        }
        let resurfaced = |notice: &Notice| matches!(notice, Notice::TicketChanged { cause: Cause::Resurfaced, ticket: back, .. } if *back == ticket);
        for seat in [carol, dave] {
            assert!(!is_asleep(&desk, seat, ticket), "seed {seed}");
            let told = desk.world.net.notices.iter();
            let told = told.filter(|(peer, notice)| *peer == seat.device && resurfaced(notice)).count();
            assert!(told <= 1, "seed {seed}: told {told} times");
            told_of += told;
        }
        desk.world.command(dave, Command::Resume(None)).unwrap();
        desk.world.settle();
        desk.world.check();
    }
    // A clock that is far ahead has passed the time when the snooze comes.
    assert!(told_of >= 40, "{told_of}");
}

#[test]
fn a_customers_answer_ends_a_snooze_that_it_crossed_on_the_way() {
    let mut desk = Desk::open(1);
    let ticket = desk.world.file(desk.alice, "It hangs", "On start.");
    desk.world.settle();
    let (alice, carol) = (desk.alice, desk.carol);
    desk.set_online(alice, false);
    desk.world.comment(alice, ticket, "It is urgent now.");
    let until = UnixMillis(clock(&desk, carol) + 86_400_000);
    desk.world.edit(carol, ticket, Edit::SetSnoozedUntil(Some(until)));
    desk.world.net.run_for(10_000);
    assert!(is_asleep(&desk, carol, ticket));
    desk.set_online(alice, true);
    desk.world.net.run_for(60_000);
    assert!(!is_asleep(&desk, carol, ticket));
    assert!(clock(&desk, carol) < until.0, "the answer woke it, not the time");
    desk.world.settle();
    desk.world.check();
}

#[test]
fn comments_that_are_written_while_a_ticket_is_merged_stay_in_it() {
    for seed in 0..40 {
        let mut desk = Desk::open(seed);
        let one = desk.world.file(desk.alice, "It hangs", "On start.");
        let into = desk.world.file(desk.bob, "It hangs too", "Always.");
        desk.world.settle();
        let (alice, bob, carol) = (desk.alice, desk.bob, desk.carol);
        let away = if desk.world.net.dice.one_in(2) { alice } else { carol };
        desk.set_online(away, false);
        desk.world.comment(alice, one, "Since the update.");
        let project = desk.world.projects[0].id;
        let write = |ticket, edits| Write { project, doc: DocId::Ticket(ticket), edits };
        let merged =
            vec![Edit::SetMergedInto(Some(into)), Edit::AddLink(into), Edit::SetStatus(Status::Closed)];
        let writes = vec![write(into, vec![Edit::AddLink(one)]), write(one, merged)];
        let merge = Command::EditMany { writes, stops_at_failure: true };
        desk.world.net.command(carol.device, merge).unwrap();
        desk.world.comment(alice, one, "Twice today.");
        desk.world.comment(bob, into, "Here too.");
        desk.world.net.run_for(20_000);
        desk.set_online(away, true);
        desk.world.settle();
        for seat in [alice, carol] {
            let ticket = shown(&desk, seat, one);
            assert_eq!((ticket.merged_into, ticket.status), (Some(into), Status::Closed), "seed {seed}");
            let texts: Vec<&str> = ticket.comments.iter().map(|comment| comment.body.as_str()).collect();
            assert_eq!(texts, ["Since the update.", "Twice today."], "seed {seed}");
        }
        assert_eq!(shown(&desk, bob, into).links, [one].into());
        // The requester of the one sees nothing of the other, before and after.
        let store = &desk.world.net.peer(alice.device).store;
        assert!(!store.docs(&project).unwrap().contains(&DocId::Ticket(into)));
        assert!(store.row(&project, into).unwrap().is_none());
        desk.world.check();
    }
}
