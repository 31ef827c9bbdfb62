//! What a device closes by itself, because nobody answered: as its user, once, and never too much at a time.

use assist_crdt_model::UnixMillis;
use assist_proto::api::sync::{Pause, Resume, WaitUntil};
use assist_proto::api::ticket::{
    Bulk, Edit, FieldValues, History, HistoryChange, List, Patch, Status, Ticket, Undo,
};
use assist_proto::api::user::Role;
use assist_proto::api::{comment, note};
use assist_proto::housekeeping::Housekeeping;
use assist_proto::hub::WireEdit;
use assist_proto::limits::HOUSEKEEPING_CLOSED_MAX;

use super::drafts::put_drafts;
use super::world::{Node, World, get};
use crate::driver::read_clock;
use crate::housekeeping::Closed;

const DAY: u64 = 24 * 3_600_000;
/// Resolved for two weeks, or pending for a month.
const HOUSEKEEPING: Housekeeping =
    Housekeeping { close_resolved_after_millis: Some(14 * DAY), close_pending_after_millis: Some(30 * DAY) };

const fn closed(count: u64) -> Closed {
    Closed { count, failed: 0 }
}

/// Files a ticket as the customer, and gives it a status as the agent; what the agent's row says happened last.
async fn filed_as(world: &World, title: &str, status: Status) -> (String, UnixMillis) {
    let ticket = world.file(title).await;
    let set = FieldValues { status: Some(status), ..FieldValues::default() };
    let written = world.agent.call(Edit { ticket: ticket.clone(), set, ..Edit::default() }).await;
    world.agent.wait(&[&written.change], WaitUntil::Server).await;
    let last_at = UnixMillis(world.agent.get(&ticket).await.row.updated_at_millis);
    // What comes next is later, by at least a millisecond.
    while read_clock() <= last_at {
        tokio::task::yield_now().await;
    }
    (ticket, last_at)
}

const fn after(at: UnixMillis, days: u64) -> UnixMillis {
    UnixMillis(at.0 + days * DAY)
}

async fn last_change(node: &Node, ticket: &str) -> HistoryChange {
    let history = node.call(History { ticket: ticket.into(), ..History::default() }).await;
    history.changes.into_iter().next_back().unwrap()
}

#[tokio::test]
async fn what_nobody_answered_is_closed_in_the_users_name_and_what_was_just_answered_is_not() {
    let world = World::new().await;
    let (quiet, last_at) = filed_as(&world, "It hums", Status::Resolved).await;
    let (answered, _) = filed_as(&world, "It hangs", Status::Resolved).await;
    let add = comment::Add { ticket: answered.clone(), body: "Still.".into(), ..comment::Add::default() };
    let comment = world.customer.call(add).await;
    world.customer.wait(&[&comment.change], WaitUntil::Delivered).await;
    world.agent.until(get(&answered), |ticket: &Ticket| ticket.row.comment_count == 1).await;

    let eve = UnixMillis(after(last_at, 14).0 - 1);
    assert_eq!(world.agent.keep_house(HOUSEKEEPING, eve).await, closed(0));
    assert_eq!(world.customer.keep_house(HOUSEKEEPING, after(last_at, 14)).await, closed(0), "no house");
    assert_eq!(world.agent.keep_house(HOUSEKEEPING, after(last_at, 14)).await, closed(1));
    let ticket = world.agent.get(&quiet).await;
    assert_eq!(
        (ticket.row.status, ticket.close_reason.as_deref()),
        (Status::Closed, Some("no answer for 14 days"))
    );
    assert_eq!(world.agent.get(&answered).await.row.status, Status::Resolved);
    world.customer.until(get(&quiet), |ticket: &Ticket| ticket.row.status == Status::Closed).await;
    let change = last_change(&world.customer, &quiet).await;
    assert_eq!(change.author.name, "Arno");

    let undo = Undo { project: None, ticket: quiet.clone(), change: change.change };
    world.agent.call(undo).await;
    let ticket = world.agent.get(&quiet).await;
    assert_eq!((ticket.row.status, ticket.close_reason), (Status::Resolved, None));
    let again = world.agent.keep_house(HOUSEKEEPING, after(last_at, 14)).await;
    assert_eq!(again, closed(0), "that it was taken back is something that happened");
}

#[tokio::test]
async fn what_is_snoozed_noted_open_or_not_that_old_is_left() {
    let world = World::new().await;
    let (snoozed, _) = filed_as(&world, "Snoozed", Status::Pending).await;
    let (noted, _) = filed_as(&world, "Noted", Status::Pending).await;
    world.file("Open").await;
    let (quiet, last_at) = filed_as(&world, "Quiet", Status::Pending).await;
    let note =
        note::Add { ticket: noted.clone(), body: "They call on Monday.".into(), ..note::Add::default() };
    let note = world.agent.call(note).await;
    let until = Patch::Set(after(last_at, 100).0);
    let set = FieldValues { snoozed_until_millis: until, ..FieldValues::default() };
    world.agent.call(Edit { ticket: snoozed.clone(), set, ..Edit::default() }).await;
    world.agent.wait(&[&note.change], WaitUntil::Server).await;

    let resolved = Housekeeping { close_pending_after_millis: None, ..HOUSEKEEPING };
    assert_eq!(world.agent.keep_house(resolved, after(last_at, 30)).await, closed(0));
    assert_eq!(world.agent.keep_house(HOUSEKEEPING, after(last_at, 30)).await, closed(1));
    assert_eq!(
        world.agent.get(&quiet).await.close_reason.as_deref(),
        Some("no answer for 30 days"),
        "the oldest two were left"
    );
    assert_eq!(world.agent.keep_house(HOUSEKEEPING, after(last_at, 31)).await, closed(1), "the noted one");
    assert_eq!(world.agent.get(&noted).await.row.status, Status::Closed);
}

#[tokio::test]
async fn what_the_server_refused_is_not_written_every_hour() {
    let world = World::new().await;
    let (refused, _) = filed_as(&world, "Refused", Status::Resolved).await;
    let (quiet, last_at) = filed_as(&world, "Quiet", Status::Resolved).await;
    put_drafts(&world.agent, &refused, &[&[WireEdit::SetStatus("closed".into())]]);
    assert_eq!(world.agent.keep_house(HOUSEKEEPING, after(last_at, 15)).await, closed(1));
    assert_eq!(world.agent.get(&refused).await.row.status, Status::Resolved);
    assert_eq!(world.agent.get(&quiet).await.row.status, Status::Closed);
}

#[tokio::test]
async fn two_devices_that_close_a_ticket_while_apart_make_no_conflict() {
    let world = World::new().await;
    let (ticket, last_at) = filed_as(&world, "It hums", Status::Resolved).await;
    let other = Node::device();
    other.join(&world.server, Role::Admin, "Dora").await;
    other.until(get(&ticket), |ticket: &Ticket| ticket.row.status == Status::Resolved).await;
    for node in [&world.agent, &other] {
        node.call(Pause::default()).await;
        assert_eq!(node.keep_house(HOUSEKEEPING, after(last_at, 14)).await, closed(1));
        assert_eq!(node.keep_house(HOUSEKEEPING, after(last_at, 99)).await, closed(0), "it is closed");
    }
    for node in [&world.agent, &other] {
        node.call(Resume::default()).await;
    }
    for node in [&world.agent, &other, &world.customer] {
        let history = History { ticket: ticket.clone(), ..History::default() };
        let seen = node.until(history, |history| history.total == 4).await;
        let authors: Vec<_> = seen.changes[2..].iter().map(|change| change.author.name.as_str()).collect();
        assert!(authors.contains(&"Arno") && authors.contains(&"Dora"), "{authors:?}");
        let ticket = node.get(&ticket).await;
        assert_eq!(
            (ticket.row.status, ticket.close_reason.as_deref(), ticket.conflicts.len()),
            (Status::Closed, Some("no answer for 14 days"), 0)
        );
    }
}

#[tokio::test]
async fn no_round_closes_more_than_is_gentle() {
    let world = World::new().await;
    for number in 0..HOUSEKEEPING_CLOSED_MAX + 3 {
        world.agent.file(&format!("Crash {number}")).await;
    }
    let set = FieldValues { status: Some(Status::Resolved), ..FieldValues::default() };
    world.agent.call(Bulk { query: Some("is:open".into()), set, ..Bulk::default() }).await;
    let now = after(read_clock(), 15);
    assert_eq!(world.agent.keep_house(HOUSEKEEPING, now).await, closed(HOUSEKEEPING_CLOSED_MAX as u64));
    assert_eq!(world.agent.keep_house(HOUSEKEEPING, now).await, closed(3));
    assert_eq!(world.agent.keep_house(HOUSEKEEPING, now).await, closed(0));
}

#[tokio::test]
async fn a_device_that_is_told_to_keeps_house_as_soon_as_it_is_in_step() {
    let world = World::new().await;
    let (resolved, _) = filed_as(&world, "It hums", Status::Resolved).await;
    let (pending, _) = filed_as(&world, "It hangs", Status::Pending).await;
    let at_once = Housekeeping { close_resolved_after_millis: Some(1), close_pending_after_millis: None };
    let keeper = Node::housekeeper(at_once);
    keeper.join(&world.server, Role::Agent, "Housekeeping").await;
    let is_closed = |ticket: &Ticket| ticket.row.status == Status::Closed;
    let ticket = world.customer.until(get(&resolved), is_closed).await;
    assert_eq!(ticket.close_reason.as_deref(), Some("no answer"));
    assert_eq!(last_change(&world.customer, &resolved).await.author.name, "Housekeeping");
    let left = keeper.call(List { query: Some("-is:closed".into()), ..List::default() }).await;
    assert_eq!(left.tickets.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), [pending]);
    keeper.stop().await;
}
