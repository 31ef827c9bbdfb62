//! Which blob goes where, and who may have it: decided by the hubs, whatever carries the bytes.

use assist_crdt_model::{Attachment, BlobHash, Body, DocId, Edit, Status, TicketId};
use assist_proto::hub::{BlobAnswer, BlobAsk, Command, CommandError, TransferOrder, TransferOutcome};
use assist_proto::limits;
use assist_proto::store::Direction;
use assist_proto::wire::blob::{BlobCode, BlobPlace, BlobRefused};
use assist_tests::peer::Input;
use assist_tests::world::{Desk, Seat};

const SIZE: u64 = 300_000;

fn attachment(number: u8, media_type: &str) -> Attachment {
    let blob = BlobHash::from_bytes([number; 32]);
    Attachment { blob, name: format!("{number}.bin"), size_bytes: SIZE, media_type: media_type.into() }
}

fn comment(desk: &Desk, seat: Seat, ticket: TicketId, attachments: Vec<Attachment>) -> Command {
    let project = desk.world.projects[seat.project].id;
    Command::Comment { project, ticket, body: Body::default(), reply_to: None, attachments, hold_millis: 0 }
}

fn desk_with_a_ticket(seed: u64) -> (Desk, TicketId) {
    let mut desk = Desk::open(seed);
    let ticket = desk.world.file(desk.alice, "It hangs", "On start.");
    desk.world.settle();
    (desk, ticket)
}

/// The transfers that a device began since the last look, with the ends of none of them told.
fn begun(desk: &mut Desk, seat: Seat) -> Vec<TransferOrder> {
    let mut orders = Vec::new();
    desk.world.net.transfers.retain(|(peer, _, order)| {
        let is_theirs = *peer == seat.device;
        if is_theirs {
            orders.push(*order);
        }
        !is_theirs
    });
    orders
}

/// Ends whatever a device has under way, until it begins nothing more. Gives the order in which it was begun.
fn carry_out(desk: &mut Desk, seat: Seat, outcome: TransferOutcome) -> Vec<TransferOrder> {
    let mut orders = Vec::new();
    loop {
        let transfers = &mut desk.world.net.transfers;
        let Some(next) = transfers.iter().position(|(peer, ..)| *peer == seat.device) else { return orders };
        let (_, transfer, order) = transfers.remove(next);
        orders.push(order);
        desk.world.net.give(seat.device, Input::TransferEnded { transfer, outcome });
        desk.world.settle();
    }
}

fn ask(desk: &mut Desk, seat: Seat, ask: BlobAsk) -> BlobAnswer {
    desk.world.net.ask_for_blob(desk.server, seat.device, ask)
}

fn fetch(desk: &mut Desk, seat: Seat, place: BlobPlace) -> BlobAnswer {
    let project = desk.world.projects[seat.project].id;
    ask(desk, seat, BlobAsk::Fetch { project, place })
}

fn store(desk: &mut Desk, seat: Seat, place: BlobPlace, size_bytes: u64) -> BlobAnswer {
    let project = desk.world.projects[seat.project].id;
    ask(desk, seat, BlobAsk::Store { project, place, size_bytes, missing_bytes: size_bytes })
}

fn bring(desk: &mut Desk, seat: Seat, place: BlobPlace) {
    let project = desk.world.projects[seat.project].id;
    assert_eq!(store(desk, seat, place, SIZE), BlobAnswer::Granted);
    assert_eq!(ask(desk, seat, BlobAsk::Stored { project, place }), BlobAnswer::Held);
}

const ABSENT: BlobAnswer = BlobAnswer::Refused(BlobRefused::new(BlobCode::Absent));

#[test]
fn blob_is_had_only_through_a_ticket_that_names_it_and_that_one_may_see() {
    let (mut desk, ticket) = desk_with_a_ticket(1);
    let (alice, bob, carol) = (desk.alice, desk.bob, desk.carol);
    let place = BlobPlace { doc: DocId::Ticket(ticket), blob: BlobHash::from_bytes([1; 32]) };
    assert_eq!(store(&mut desk, alice, place, SIZE), ABSENT, "nobody has named it");
    let command = comment(&desk, alice, ticket, vec![attachment(1, "image/png")]);
    desk.ask(alice, command);
    assert_eq!(fetch(&mut desk, carol, place), ABSENT, "named, but not come");
    assert_eq!(store(&mut desk, alice, place, SIZE + 1), ABSENT, "of another size");
    assert_eq!(store(&mut desk, bob, place, SIZE), ABSENT, "not his ticket");
    bring(&mut desk, alice, place);
    for seat in [alice, carol] {
        assert_eq!(fetch(&mut desk, seat, place), BlobAnswer::Granted);
    }
    assert_eq!(fetch(&mut desk, bob, place), ABSENT);
    let other = BlobPlace { doc: DocId::Notes(ticket), ..place };
    assert_eq!(fetch(&mut desk, carol, other), ABSENT, "the notes do not name it");
    assert_eq!(fetch(&mut desk, carol, BlobPlace { doc: DocId::Project, ..place }), ABSENT);

    // Bob knows the hash and names it: he still has to bring the bytes, and Alice's are none of his.
    let bobs = desk.world.file(bob, "Mine", "Give.");
    let command = comment(&desk, bob, bobs, vec![attachment(1, "image/png")]);
    desk.ask(bob, command);
    let bobs = BlobPlace { doc: DocId::Ticket(bobs), ..place };
    assert_eq!(fetch(&mut desk, bob, bobs), ABSENT);
    assert_eq!(store(&mut desk, bob, bobs, SIZE), BlobAnswer::Granted, "as if nobody had it");
    // An agent can read it already: what they attach need not come again.
    let tickets = desk.world.file(desk.carol, "For Bob", "");
    let command = comment(&desk, carol, tickets, vec![attachment(1, "image/png")]);
    desk.ask(carol, command);
    let carols = BlobPlace { doc: DocId::Ticket(tickets), ..place };
    assert_eq!(store(&mut desk, carol, carols, SIZE), BlobAnswer::Held);
    assert_eq!(fetch(&mut desk, carol, carols), BlobAnswer::Granted);

    let struck = desk.world.ticket_at(alice, ticket).unwrap().comments[0].id;
    desk.world.edit(alice, ticket, Edit::DeleteComment(struck));
    desk.world.settle();
    assert_eq!(fetch(&mut desk, carol, place), ABSENT, "what was struck names nothing");
}

#[test]
fn notes_blob_is_for_the_team_alone() {
    let (mut desk, ticket) = desk_with_a_ticket(2);
    let (alice, carol) = (desk.alice, desk.carol);
    let project = desk.world.projects[carol.project].id;
    let attachments = vec![attachment(2, "text/plain")];
    desk.ask(
        carol,
        Command::Note { project, ticket, body: Body::default(), reply_to: None, attachments, hold_millis: 0 },
    );
    let place = BlobPlace { doc: DocId::Notes(ticket), blob: BlobHash::from_bytes([2; 32]) };
    assert_eq!(store(&mut desk, alice, place, SIZE), ABSENT);
    bring(&mut desk, carol, place);
    assert_eq!(fetch(&mut desk, carol, place), BlobAnswer::Granted);
    assert_eq!(fetch(&mut desk, alice, place), ABSENT);
    assert_eq!(fetch(&mut desk, alice, BlobPlace { doc: DocId::Ticket(ticket), ..place }), ABSENT);
    assert_eq!(begun(&mut desk, alice), [], "a customer's device asks for nothing");
}

#[test]
fn blob_is_sent_behind_the_words_that_name_it_and_again_until_it_is_there() {
    let (mut desk, ticket) = desk_with_a_ticket(3);
    let alice = desk.alice;
    desk.set_online(alice, false);
    let command =
        comment(&desk, alice, ticket, vec![attachment(1, "image/png"), attachment(2, "text/plain")]);
    desk.world.net.command(alice.device, command).unwrap();
    desk.world.net.run_for(60_000);
    assert_eq!(begun(&mut desk, alice), [], "there is no way to the server");
    desk.set_online(alice, true);
    desk.world.settle();
    let first = begun(&mut desk, alice);
    assert_eq!(first.len(), limits::BLOB_SENDS_MAX);
    assert_eq!(first[0].direction, Direction::Send);
    let comments = desk.world.ticket_at(desk.carol, ticket).unwrap().comments.len();
    assert_eq!(comments, 1, "the words are there");

    // The link breaks with the transfer under way; the next session begins it anew.
    desk.set_online(alice, false);
    desk.world.run_for(60_000);
    desk.set_online(alice, true);
    desk.world.settle();
    let sent = carry_out(&mut desk, alice, TransferOutcome::Done);
    assert_eq!(sent.len(), 2, "{sent:?}");
    desk.set_online(alice, false);
    desk.world.run_for(60_000);
    desk.set_online(alice, true);
    desk.world.settle();
    assert_eq!(begun(&mut desk, alice), [], "what is there is not sent again");
}

#[test]
fn pictures_of_tickets_that_are_worked_on_come_first_and_large_files_only_when_asked_for() {
    let (mut desk, ticket) = desk_with_a_ticket(4);
    let (alice, carol) = (desk.alice, desk.carol);
    let large =
        Attachment { size_bytes: limits::FETCH_UNASKED_BYTES_MAX_DEFAULT + 1, ..attachment(3, "video/mp4") };
    let closed = desk.world.file(alice, "Old", "");
    desk.world.settle();
    desk.world.edit(carol, closed, Edit::SetStatus(Status::Closed));
    desk.set_online(carol, false);
    let all =
        vec![attachment(1, "text/plain"), attachment(2, "image/png"), large, attachment(4, "image/jpeg")];
    for command in
        [comment(&desk, alice, ticket, all), comment(&desk, alice, closed, vec![attachment(5, "image/png")])]
    {
        desk.world.net.command(alice.device, command).unwrap();
    }
    desk.world.run_for(60_000);
    desk.set_online(carol, true);
    desk.world.settle();
    let fetched = carry_out(&mut desk, carol, TransferOutcome::Done);
    let mut blobs: Vec<u8> = fetched.iter().map(|order| order.place.blob.as_bytes()[0]).collect();
    assert_eq!(blobs.len(), 3, "{blobs:?}");
    blobs.sort_unstable();
    assert_eq!(blobs, [1, 2, 4]);

    let project = desk.world.projects[carol.project].id;
    let place = BlobPlace { doc: DocId::Ticket(ticket), blob: BlobHash::from_bytes([3; 32]) };
    desk.ask(carol, Command::FetchBlob { project, place });
    let asked = begun(&mut desk, carol);
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].place, place);
    let nobodys = BlobPlace { blob: BlobHash::from_bytes([9; 32]), ..place };
    let refused = desk.world.net.command(carol.device, Command::FetchBlob { project, place: nobodys });
    assert_eq!(refused, Err(CommandError::NoSuchAttachment));
}

#[test]
fn blob_that_is_not_there_yet_is_fetched_when_its_news_comes() {
    let (mut desk, ticket) = desk_with_a_ticket(5);
    let (alice, carol) = (desk.alice, desk.carol);
    let command = comment(&desk, alice, ticket, vec![attachment(1, "image/png")]);
    desk.ask(alice, command);
    let absent = TransferOutcome::Refused(BlobRefused::new(BlobCode::Absent));
    let orders = begun_and_ended_once(&mut desk, carol, absent);
    assert_eq!(orders.len(), 1);
    assert_eq!(begun(&mut desk, carol), [], "it rests");
    bring(&mut desk, alice, orders[0].place);
    desk.world.settle();
    assert_eq!(begun(&mut desk, carol), orders, "the server told that it has come");
}

#[test]
fn blob_whose_news_overtakes_the_word_that_it_is_not_there_is_fetched_at_once() {
    let (mut desk, ticket) = desk_with_a_ticket(6);
    let (alice, carol) = (desk.alice, desk.carol);
    let command = comment(&desk, alice, ticket, vec![attachment(1, "image/png")]);
    desk.ask(alice, command);
    let place = desk.world.net.transfers.iter().find(|(peer, ..)| *peer == carol.device).unwrap().2.place;
    bring(&mut desk, alice, place);
    desk.world.settle();
    let absent = TransferOutcome::Refused(BlobRefused::new(BlobCode::Absent));
    let orders = begun_and_ended_once(&mut desk, carol, absent);
    assert_eq!(begun(&mut desk, carol), orders, "it was told meanwhile that it has come");
}

fn begun_and_ended_once(desk: &mut Desk, seat: Seat, outcome: TransferOutcome) -> Vec<TransferOrder> {
    let transfers = std::mem::take(&mut desk.world.net.transfers);
    let theirs: Vec<_> = transfers.into_iter().filter(|(peer, ..)| *peer == seat.device).collect();
    for (_, transfer, _) in &theirs {
        desk.world.net.give(seat.device, Input::TransferEnded { transfer: *transfer, outcome });
    }
    desk.world.net.run_for(1_000);
    theirs.into_iter().map(|(_, _, order)| order).collect()
}

#[test]
fn what_the_server_would_not_take_is_refused_before_it_is_written() {
    let (mut desk, ticket) = desk_with_a_ticket(6);
    let alice = desk.alice;
    let bytes_max = limits::BLOB_BYTES_MAX_DEFAULT;
    let large = Attachment { size_bytes: bytes_max + 1, ..attachment(1, "video/mp4") };
    let name = large.name.clone();
    let command = comment(&desk, alice, ticket, vec![large]);
    let refused = desk.world.net.command(alice.device, command);
    assert_eq!(refused, Err(CommandError::AttachmentTooLarge { name, bytes_max }));
    assert_eq!(begun(&mut desk, alice), []);
}

#[test]
fn restored_server_is_brought_the_files_that_it_lost() {
    let (mut desk, ticket) = desk_with_a_ticket(8);
    let (alice, bob, carol) = (desk.alice, desk.bob, desk.carol);
    let on_its_way = comment(&desk, alice, ticket, vec![attachment(1, "image/png")]);
    desk.ask(alice, on_its_way);
    let copy = desk.world.net.peer(desk.server).store.clone();
    let after_the_copy = comment(&desk, alice, ticket, vec![attachment(2, "image/png")]);
    desk.ask(alice, after_the_copy);
    let places =
        [1, 2].map(|it| BlobPlace { doc: DocId::Ticket(ticket), blob: BlobHash::from_bytes([it; 32]) });
    for place in places {
        bring(&mut desk, alice, place);
    }
    for seat in [alice, bob, carol] {
        carry_out(&mut desk, seat, TransferOutcome::Done);
    }

    desk.world.restore_server(0, Some(copy));
    desk.world.settle();
    assert_eq!(fetch(&mut desk, carol, places[0]), ABSENT);
    for seat in [alice, carol] {
        let mut offered = carry_out(&mut desk, seat, TransferOutcome::Gone);
        offered.sort_by_key(|order| order.place);
        assert_eq!(offered.iter().map(|order| order.place).collect::<Vec<_>>(), places);
        assert!(offered.iter().all(|order| order.direction == Direction::Send), "{offered:?}");
    }
    assert_eq!(begun(&mut desk, bob), [], "it names none of his");
    for place in places {
        bring(&mut desk, carol, place);
        assert_eq!(fetch(&mut desk, alice, place), BlobAnswer::Granted);
    }
    for seat in [alice, carol] {
        desk.set_online(seat, false);
        desk.set_online(seat, true);
        desk.world.settle();
        assert_eq!(begun(&mut desk, seat), [], "offered once");
    }
}

#[test]
fn device_sends_only_so_much_in_a_day() {
    let (mut desk, ticket) = desk_with_a_ticket(7);
    let alice = desk.alice;
    let size_bytes = limits::BLOB_BYTES_MAX_DEFAULT;
    let large = Attachment { size_bytes, ..attachment(1, "video/mp4") };
    let command = comment(&desk, alice, ticket, vec![large]);
    desk.ask(alice, command);
    let place = BlobPlace { doc: DocId::Ticket(ticket), blob: BlobHash::from_bytes([1; 32]) };
    let granted =
        (0..).take_while(|_| store(&mut desk, alice, place, size_bytes) == BlobAnswer::Granted).count();
    assert_eq!(granted as u64, limits::QUOTA_BLOB_BYTES_PER_DAY / size_bytes);
    let BlobAnswer::Refused(refused) = store(&mut desk, alice, place, size_bytes) else { panic!("too much") };
    assert_eq!(refused.code, BlobCode::Quota);
    assert!(refused.wait_millis.is_some_and(|wait| wait > 0));
}
