//! Agents' work: claiming, closing, snoozing, linking and merging, and what a customer sees of it.

use assist_proto::api::ErrorCode;
use assist_proto::api::sync::WaitUntil;
use assist_proto::api::ticket::{
    Claim, Edit, FieldValues, Get, History, Link, List, Merge, Patch, Priority, Status, Ticket,
    TicketWritten, Undo, Unlink, Unmerge,
};
use assist_proto::api::user::Role;

use super::world::{Node, World, check, get};

fn set(ticket: &str, set: FieldValues) -> Edit {
    Edit { ticket: ticket.into(), set, ..Edit::default() }
}

fn claim(ticket: &str) -> Claim {
    Claim { project: None, ticket: ticket.into() }
}

fn merge(ticket: &str, into: &str) -> Merge {
    Merge { project: None, ticket: ticket.into(), into: into.into() }
}

fn unmerge(ticket: &str) -> Unmerge {
    Unmerge { project: None, ticket: ticket.into() }
}

async fn arrived(node: &Node, written: &TicketWritten) {
    node.wait(&[&written.change], WaitUntil::Delivered).await;
}

fn ids(refs: &[assist_proto::api::ticket::TicketRef]) -> Vec<&str> {
    refs.iter().map(|ticket| ticket.id.as_str()).collect()
}

#[tokio::test]
async fn a_ticket_is_claimed_once() {
    let world = World::new().await;
    let ticket = world.file("It hangs").await;
    let claimed = world.agent.call(claim(&ticket)).await;
    assert!(claimed.change.is_some());
    assert_eq!(world.agent.call(claim(&ticket)).await.change, None);
    world.agent.wait(&[&claimed.change], WaitUntil::Server).await;
    let other = Node::device();
    other.join(&world.server, Role::Agent, "Dora").await;
    other.until(get(&ticket), |ticket: &Ticket| ticket.row.assignee.is_some()).await;
    let error = other.fail(claim(&ticket)).await;
    check(&error, ErrorCode::Conflict, "taken", None);
    assert!(error.message.starts_with("Arno "), "{}", error.message);
    check(&world.customer.fail(claim(&ticket)).await, ErrorCode::Conflict, "taken", None);
    let unclaimed = world.file("It smells").await;
    check(&world.customer.fail(claim(&unclaimed)).await, ErrorCode::NotAllowed, "not_allowed", None);
}

#[tokio::test]
async fn a_reason_is_shown_while_the_ticket_is_closed_and_never_comes_back() {
    let world = World::new().await;
    let ticket = world.file("It hangs").await;
    let close = |reason: Patch<String>| {
        let fields =
            FieldValues { status: Some(Status::Closed), close_reason: reason, ..FieldValues::default() };
        set(&ticket, fields)
    };
    let written = world.agent.call(close(Patch::Set(" Answered ".into()))).await;
    arrived(&world.agent, &written).await;
    assert_eq!(world.customer.get(&ticket).await.close_reason.as_deref(), Some("Answered"));
    let reopen = FieldValues { status: Some(Status::Open), ..FieldValues::default() };
    world.customer.call(set(&ticket, reopen)).await;
    assert_eq!(world.customer.get(&ticket).await.close_reason, None);
    world.customer.call(close(Patch::Keep)).await;
    assert_eq!(world.customer.get(&ticket).await.close_reason, None);
    let error = world.agent.fail(close(Patch::Set("x".repeat(201)))).await;
    check(&error, ErrorCode::InvalidParams, "text_too_long", Some("set.close_reason"));
}

#[tokio::test]
async fn a_change_is_taken_back_until_somebody_goes_on_from_it() {
    let world = World::new().await;
    let ticket = world.file("It hangs").await;
    let retitle =
        |title: &str| set(&ticket, FieldValues { title: Some(title.into()), ..FieldValues::default() });
    let undo = |change: &str| Undo { project: None, ticket: ticket.clone(), change: change.into() };
    let written = world.customer.call(retitle("It hums")).await;
    let change = written.change.clone().unwrap();
    arrived(&world.customer, &written).await;
    // Whoever may write the field may take the change back; the beginning of its hash is enough.
    let undone = world.agent.call(undo(&change[..12])).await;
    arrived(&world.agent, &undone).await;
    assert_eq!(world.customer.get(&ticket).await.row.title, "It hangs");
    check(&world.agent.fail(undo(&change)).await, ErrorCode::Conflict, "superseded", Some("change"));

    let priority = FieldValues { priority: Patch::Set(Priority::High), ..FieldValues::default() };
    let written = world.agent.call(set(&ticket, priority)).await;
    arrived(&world.agent, &written).await;
    let raised = written.change.unwrap();
    check(&world.customer.fail(undo(&raised)).await, ErrorCode::NotAllowed, "not_allowed", None);
    check(&world.agent.fail(undo("zzzz")).await, ErrorCode::NotFound, "no_such_change", Some("change"));
    check(&world.agent.fail(undo("z")).await, ErrorCode::InvalidParams, "bad_change", Some("change"));
    let history = History { ticket: ticket.clone(), ..History::default() };
    let filed = world.agent.call(history).await.changes.remove(0).change;
    check(&world.agent.fail(undo(&filed)).await, ErrorCode::Conflict, "no_way_back", Some("change"));
}

#[tokio::test]
async fn a_ticket_is_shown_as_it_was() {
    let world = World::new().await;
    let ticket = world.file("It hangs").await;
    let retitle = FieldValues { title: Some("It hums".into()), ..FieldValues::default() };
    let retitled = world.agent.call(set(&ticket, retitle)).await.change.unwrap();
    let raise = FieldValues { priority: Patch::Set(Priority::High), ..FieldValues::default() };
    let raised = world.agent.call(set(&ticket, raise)).await.change.unwrap();
    let history = world.agent.call(History { ticket: ticket.clone(), ..History::default() }).await.changes;
    let filed = &history[0];
    let at = async |get: Get| world.agent.call(get).await;
    let after = |change: &str| Get { at_change: Some(change.into()), ..get(&ticket) };
    let until = |at_millis: u64| Get { at_millis: Some(at_millis), ..get(&ticket) };

    let first = at(after(&filed.change[..12])).await;
    assert_eq!((first.row.title.as_str(), first.row.priority), ("It hangs", None));
    assert_eq!(first.as_of_change.as_deref(), Some(filed.change.as_str()));
    let second = at(after(&retitled)).await;
    assert_eq!((second.row.title.as_str(), second.row.priority), ("It hums", None));
    let third = at(after(&raised)).await;
    assert_eq!((third.row.title.as_str(), third.row.priority), ("It hums", Some(Priority::High)));
    assert_eq!(third.row.updated_at_millis, history[2].at_millis);
    // By time: all that was made by then.
    let then = at(until(filed.at_millis)).await;
    assert_eq!(then.row.updated_at_millis, filed.at_millis);
    assert_eq!(at(until(u64::MAX)).await.row.priority, Some(Priority::High));
    assert_eq!(at(get(&ticket)).await.as_of_change, None, "as it is");

    let early = world.agent.fail(until(filed.at_millis - 1)).await;
    check(&early, ErrorCode::NotFound, "not_there_yet", Some("at_millis"));
    let unknown = world.agent.fail(after("zzzzzz")).await;
    check(&unknown, ErrorCode::NotFound, "no_such_change", Some("at_change"));
    let both = world.agent.fail(Get { at_millis: Some(1), ..after(&raised) }).await;
    check(&both, ErrorCode::InvalidParams, "two_moments", Some("at_millis"));
}

#[tokio::test]
async fn a_snoozed_ticket_comes_back_by_itself_without_a_server() {
    let world = World::new().await;
    let ticket = world.file("It hangs").await;
    world.server.stop().await;
    // Written here and now: it tells what the daemon's clock shows.
    let newer = world.agent.file("Newer").await;
    let until = world.agent.get(&newer.ticket.id).await.row.created_at_millis + 300;
    let snooze = FieldValues { snoozed_until_millis: Patch::Set(until), ..FieldValues::default() };
    world.agent.call(set(&ticket, snooze)).await;
    world.agent.until(get(&ticket), |ticket: &Ticket| ticket.row.snoozed_until_millis.is_none()).await;
    let row = world.agent.get(&ticket).await.row;
    assert_eq!(row.snoozed_until_millis, None);
    assert!(row.updated_at_millis >= until);
    assert_eq!(world.agent.call(List::default()).await.tickets[0].id, ticket);
}

#[tokio::test]
async fn links_are_seen_from_both_sides_by_those_who_see_both() {
    let world = World::new().await;
    let (one, other) = (world.file("One").await, world.agent.file("Of the team").await);
    let link = Link { project: None, ticket: one.clone(), other: other.ticket.id.clone() };
    let written = world.agent.call(link.clone()).await;
    arrived(&world.agent, &written).await;
    assert_eq!(ids(&world.agent.get(&one).await.links), [other.ticket.id.as_str()]);
    assert_eq!(ids(&world.agent.get(&other.ticket.id).await.links), [one.as_str()]);
    assert!(world.customer.get(&one).await.links.is_empty(), "the customer does not see the other");
    let mine = world.file("Two").await;
    let written = world.agent.call(Link { other: mine.clone(), ..link.clone() }).await;
    arrived(&world.agent, &written).await;
    assert_eq!(ids(&world.customer.get(&one).await.links), [mine.as_str()]);
    let unlink = Unlink { project: None, ticket: mine.clone(), other: one.clone() };
    world.agent.call(unlink).await;
    assert_eq!(ids(&world.agent.get(&one).await.links), [other.ticket.id.as_str()]);
    let same = Link { other: one.clone(), ..link };
    check(&world.agent.fail(same).await, ErrorCode::InvalidParams, "same_ticket", Some("other"));
}

#[tokio::test]
async fn a_merged_ticket_says_where_it_goes_on_and_is_as_before_once_that_is_undone() {
    let world = World::new().await;
    let (one, into) = (world.file("It hangs").await, world.agent.file("It hangs for all").await.ticket.id);
    let pending = FieldValues { status: Some(Status::Pending), ..FieldValues::default() };
    world.agent.call(set(&one, pending)).await;
    let merged = world.agent.call(merge(&one, &into)).await;
    arrived(&world.agent, &merged).await;
    let seen = world.customer.get(&one).await;
    let goes_on = seen.row.merged_into.unwrap();
    assert_eq!((goes_on.id.as_str(), goes_on.title.as_str(), goes_on.number), (into.as_str(), "", None));
    assert_eq!((seen.row.status, seen.body.as_str()), (Status::Closed, "Dear team, ..."));
    check(&world.customer.fail(get(&into)).await, ErrorCode::NotFound, "no_such_ticket", Some("ticket"));
    let target = world.agent.get(&into).await;
    assert_eq!(ids(&target.merged), [one.as_str()]);
    assert_eq!(world.agent.get(&one).await.row.merged_into.unwrap().title, "It hangs for all");

    let error = world.agent.fail(merge(&into, &one)).await;
    check(&error, ErrorCode::InvalidParams, "merge_cycle", Some("into"));
    check(&world.customer.fail(unmerge(&one)).await, ErrorCode::NotAllowed, "not_allowed", None);

    world.agent.call(unmerge(&one)).await;
    let ticket = world.agent.get(&one).await;
    assert_eq!((ticket.row.status, ticket.row.merged_into, ticket.links.len()), (Status::Pending, None, 0));
    assert!(world.agent.get(&into).await.links.is_empty());
    check(&world.agent.fail(unmerge(&one)).await, ErrorCode::Conflict, "not_merged", None);
}

#[tokio::test]
async fn a_merge_is_undone_around_what_was_done_since() {
    let world = World::new().await;
    let (one, into) = (world.file("It hangs").await, world.file("It hangs again").await);
    let link = Link { project: None, ticket: one.clone(), other: into.clone() };
    world.agent.call(link).await;
    world.agent.call(merge(&one, &into)).await;
    let resolved = FieldValues { status: Some(Status::Resolved), ..FieldValues::default() };
    world.agent.call(set(&one, resolved)).await;
    world.agent.call(unmerge(&one)).await;
    let ticket = world.agent.get(&one).await;
    assert_eq!(ticket.row.status, Status::Resolved);
    // They were linked before.
    assert_eq!(ids(&ticket.links), [into.as_str()]);
    assert_eq!(ids(&world.agent.get(&into).await.links), [one.as_str()]);
}
