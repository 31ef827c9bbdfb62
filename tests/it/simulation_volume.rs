//! Much at once: full outboxes, slow readers, large documents, and cold starts that break off everywhere.

use assist_crdt_model::{TicketId, base32};
use assist_proto::limits;
use assist_proto::store::{DeviceStore as _, Seq};
use assist_proto::wire::{Item, PeerMessage, codec};
use assist_tests::peer::PeerId;
use assist_tests::world::{DAVE, Desk, Seat};

#[test]
fn thousand_tickets_pass_through_the_windows() {
    let mut desk = Desk::open(1);
    desk.set_online(desk.alice, false);
    desk.set_online(desk.carol, false);
    for number in 0..1_000 {
        let body = random_text(&mut desk, 6_000);
        desk.world.file(desk.alice, &format!("Ticket {number}"), &body);
    }
    desk.world.net.drain_millis = 300;
    desk.set_online(desk.alice, true);
    desk.world.run_for(60_000);
    desk.set_online(desk.carol, true);
    desk.world.settle();

    desk.world.check();
    assert_eq!(desk.world.tickets_at(desk.carol).len(), 1_000);
    let queued = desk.world.net.undrained_bytes_max;
    let queued_max = limits::SEND_WINDOW_BYTES + limits::FRAME_BYTES_MAX;
    assert!((limits::SEND_WINDOW_BYTES..queued_max).contains(&queued), "{queued} bytes waited");
}

/// A device that takes its time over what others wrote is told soon all the same that its own has come.
#[test]
fn what_was_not_seen_yet_is_never_more_than_a_window() {
    let mut desk = Desk::open(9);
    let tickets: Vec<TicketId> =
        (0..30).map(|number| desk.world.file(desk.alice, &format!("Ticket {number}"), "On start.")).collect();
    desk.world.settle();
    desk.set_online(desk.carol, false);
    for number in 0..COMMENTS {
        desk.world.comment(desk.alice, tickets[number % tickets.len()], "Still hangs.");
    }
    desk.world.run_for(60_000);
    desk.world.net.sent.clear();
    desk.set_online(desk.carol, true);
    desk.world.net.run_until_quiet();

    let (mut unseen, mut unseen_max, mut taken) = (Vec::new(), 0, 0);
    for sent in &desk.world.net.sent {
        match codec::decode::<PeerMessage>("message", &sent.frame) {
            Ok(PeerMessage::Records(records)) if sent.to == desk.carol.device => {
                taken += records.items.len();
                unseen.extend(records.items.iter().map(Item::seq));
            }
            Ok(PeerMessage::Seen(seen)) if sent.from == desk.carol.device => {
                unseen.retain(|seq| *seq > seen.cursor);
            }
            _ => {}
        }
        unseen_max = unseen_max.max(unseen.len());
    }
    assert!(taken >= COMMENTS, "{taken} records were sent");
    let bound = limits::RECORDS_UNSEEN_MAX..limits::RECORDS_UNSEEN_MAX + limits::RECORDS_PER_FRAME_MAX;
    assert!(bound.contains(&unseen_max), "{unseen_max} records were under way at once");
    desk.world.check();
}

#[test]
fn cold_start_that_breaks_off_at_any_frame_goes_on_there() {
    let mut desk = Desk::open(2);
    for number in 0..300 {
        desk.world.file(desk.alice, &format!("Ticket {number}"), "On start.");
    }
    desk.world.settle();
    let frames = break_off_everywhere(&mut desk);
    assert!(frames >= 8, "welcome, people, start, rows, three pages: {frames} frames");
    desk.world.check();
}

#[test]
fn document_larger_than_a_frame_arrives_wherever_it_breaks_off() {
    let mut desk = Desk::open(3);
    let ticket = file_large_ticket(&mut desk);
    desk.world.settle();
    let frames = break_off_everywhere(&mut desk);
    assert!(frames >= 8, "it needs at least three pages: {frames} frames");
    desk.world.check();
    assert_eq!(desk.world.comments_at(desk.carol, ticket).len(), LARGE_COMMENTS);
}

#[test]
fn restored_device_fetches_a_document_larger_than_a_frame() {
    let mut desk = Desk::open(4);
    let copy = desk.world.net.peer(desk.alice.device).store.clone();
    let ticket = file_large_ticket(&mut desk);
    desk.world.settle();
    desk.world.restore(desk.alice.device, copy, true);
    desk.world.settle();
    desk.world.check();
    assert_eq!(desk.world.comments_at(desk.alice, ticket).len(), LARGE_COMMENTS);
}

#[test]
fn half_a_document_is_not_looked_into_before_the_rest_is_here() {
    let mut desk = Desk::open(5);
    file_large_ticket(&mut desk);
    desk.world.settle();
    let dave = sit_down_cut_off(&mut desk, FRAMES_BEFORE_DOCS + 1);
    let project = desk.world.projects[0].id;
    let store = &desk.world.net.peer(dave.device).store;
    assert_eq!(store.next_unverified(&project, 9).unwrap().len(), 1, "it is stored");
    assert!(store.docs(&project).unwrap().len() <= 2);
    reconnect(&mut desk, dave);
    desk.world.check();
}

#[test]
fn ticket_that_moves_in_the_middle_of_a_cold_start_is_not_missed() {
    let mut desk = Desk::open(6);
    let oldest = desk.world.file(desk.alice, "The first", "On start.");
    for number in 0..200 {
        desk.world.file(desk.alice, &format!("Ticket {number}"), "On start.");
    }
    desk.world.settle();
    let dave = sit_down_cut_off(&mut desk, FRAMES_BEFORE_DOCS + 1);
    assert_eq!(desk.world.ticket_at(dave, oldest), None, "the cold start has not come there yet");
    let sync = desk.world.net.peer(dave.device).store.sync_state(&desk.world.projects[0].id).unwrap();
    assert!(sync.cold.is_some_and(|cold| cold.position.before < Seq::MAX));
    desk.world.comment(desk.alice, oldest, "Still hangs.");
    desk.world.run_for(5_000);
    reconnect(&mut desk, dave);

    desk.world.check();
    assert_eq!(desk.world.comments_at(dave, oldest), ["Still hangs."]);
}

#[test]
fn nothing_new_costs_one_round_trip_and_few_bytes() {
    let mut desk = Desk::open(7);
    for number in 0..50 {
        desk.world.file(desk.alice, &format!("Ticket {number}"), "On start.");
    }
    desk.world.settle();
    desk.set_online(desk.carol, false);
    desk.world.run_for(10_000);
    desk.set_online(desk.carol, true);
    desk.world.net.sent.clear();
    desk.world.net.run_until_quiet();

    let sent = std::mem::take(&mut desk.world.net.sent);
    let bytes_from = |peer: PeerId| -> usize {
        sent.iter().filter(|sent| sent.from == peer).map(|sent| sent.frame.len()).sum()
    };
    let frames_out = sent.iter().filter(|sent| sent.from == desk.carol.device).count();
    let (up, down) = (bytes_from(desk.carol.device), bytes_from(desk.server));
    assert_eq!(frames_out, 1, "a hello, and nothing to say after the answer");
    assert!(up <= 512 && down <= 512, "{up} bytes up, {down} bytes down");
}

#[test]
fn people_can_write_while_documents_wait_to_be_verified() {
    let mut desk = Desk::open(8);
    let first = desk.world.file(desk.alice, "The first", "On start.");
    for number in 0..100 {
        desk.world.file(desk.alice, &format!("Ticket {number}"), "On start.");
    }
    desk.world.settle();
    let dave = desk.sit_down(DAVE, "phone");
    while desk.world.ticket_at(dave, first).is_none() && unverified(&desk, dave) == 0 {
        desk.world.step();
    }
    assert!(unverified(&desk, dave) > 0, "the pages are here, and not looked into");
    desk.world.comment(dave, first, "I look into it.");
    desk.world.settle();
    desk.world.check();
    assert_eq!(desk.world.comments_at(desk.alice, first), ["I look into it."]);
}

/// New devices join, one after the other, each cut off one frame later than the one before; all of them finish when
/// they are let back. Gives how many frames a whole cold start has.
fn break_off_everywhere(desk: &mut Desk) -> usize {
    for frames in 1.. {
        let seat = sit_down_cut_off(desk, frames);
        let project = desk.world.projects[0].id;
        let is_done = {
            let store = &desk.world.net.peer(seat.device).store;
            let sync = store.sync_state(&project).unwrap();
            sync.cold.is_none() && sync.cursor > Seq::ZERO
        };
        reconnect(desk, seat);
        if is_done {
            return frames;
        }
    }
    0
}

/// A new device joins, and is cut off when so many frames have come after the enrolment.
fn sit_down_cut_off(desk: &mut Desk, frames: usize) -> Seat {
    let seat = desk.sit_down(DAVE, &format!("phone {frames}"));
    desk.world.net.cut_off_after(seat.device, frames);
    desk.world.run_for(20_000);
    seat
}

fn reconnect(desk: &mut Desk, seat: Seat) {
    desk.world.net.cut_off_after(seat.device, usize::MAX);
    desk.set_online(seat, true);
    desk.world.settle();
}

fn file_large_ticket(desk: &mut Desk) -> TicketId {
    let ticket = desk.world.file(desk.alice, "A long log", "In parts.");
    for _ in 0..LARGE_COMMENTS {
        let text = random_text(desk, LARGE_COMMENT_BYTES);
        desk.world.comment(desk.alice, ticket, &text);
    }
    ticket
}

/// Text that no compression makes small.
fn random_text(desk: &mut Desk, size_bytes: usize) -> String {
    let mut text = String::with_capacity(size_bytes + 52);
    while text.len() < size_bytes {
        text.push_str(&base32().encode(&desk.world.net.dice.bytes::<32>()));
    }
    text
}

fn unverified(desk: &Desk, seat: Seat) -> usize {
    let project = desk.world.projects[0].id;
    desk.world.net.peer(seat.device).store.next_unverified(&project, usize::MAX).unwrap().len()
}

/// Welcome, oneself, the start, people, rows, authors, their names.
const FRAMES_BEFORE_DOCS: usize = 7;
/// More than a frame, even after compression to five bits a character.
const LARGE_COMMENTS: usize = 40;
const LARGE_COMMENT_BYTES: usize = 60_000;
/// More than two windows.
const COMMENTS: usize = 3 * limits::RECORDS_UNSEEN_MAX;
