//! Waiting for one's own changes.

use assist_crdt_model::{ChangeHash, DocId, TicketId, UnixMillis};
use assist_proto::api::ErrorCode;
use assist_proto::api::sync::{DeliveryState, Pause, Resume, Wait, WaitUntil};
use assist_proto::hub::WireEdit;
use assist_proto::store::{DeviceStore as _, Draft};

use super::world::{Node, World, check};

fn wait(changes: &[&str], until: WaitUntil) -> Wait {
    let changes = changes.iter().map(ToString::to_string).collect();
    Wait { project: None, changes, until, timeout_millis: None }
}

#[tokio::test]
async fn what_does_not_come_in_time_is_named() {
    let world = World::new().await;
    world.file("Sent").await;
    world.customer.call(Pause::default()).await;
    let (first, second) = (world.customer.file("First").await, world.customer.file("Second").await);
    let changes = [first.change.unwrap(), second.change.unwrap()];
    let params = Wait { timeout_millis: Some(20), ..wait(&[&changes[0], &changes[1]], WaitUntil::Server) };
    let error = world.customer.fail(params).await;
    check(&error, ErrorCode::TimedOut, "wait_timeout", None);
    assert_eq!(error.data.changes, changes);
}

#[tokio::test]
async fn a_wait_ends_with_the_change_that_was_waited_for() {
    let world = World::new().await;
    world.customer.call(Pause::default()).await;
    let (first, second) = (world.customer.file("First").await, world.customer.file("Second").await);
    let changes = [first.change, second.change];
    let waiting = async { world.customer.wait(&[&changes[1], &changes[0]], WaitUntil::Delivered).await };
    let resuming = async { world.customer.call(Resume::default()).await };
    let (state, _) = tokio::join!(waiting, resuming);
    assert_eq!(state, DeliveryState::Delivered);
}

#[tokio::test]
async fn on_the_server_is_not_delivered_while_nobody_is_there() {
    let world = World::new().await;
    world.agent.stop().await;
    let filed = world.customer.file("Into the night").await;
    assert_eq!(world.customer.wait(&[&filed.change], WaitUntil::Server).await, DeliveryState::OnServer);
    let change = filed.change.unwrap();
    let params = Wait { timeout_millis: Some(20), ..wait(&[&change], WaitUntil::Delivered) };
    check(&world.customer.fail(params).await, ErrorCode::TimedOut, "wait_timeout", None);
    assert_eq!(world.customer.get(&filed.ticket.id).await.row.state, Some(DeliveryState::OnServer));
}

#[tokio::test]
async fn what_cannot_be_waited_for_says_so_at_once() {
    let world = World::new().await;
    let fail = async |params: Wait| world.customer.fail(params).await;
    let error = fail(wait(&["nonsense"], WaitUntil::Server)).await;
    check(&error, ErrorCode::InvalidParams, "bad_id", Some("changes[0]"));
    let foreign = ChangeHash::from_bytes([1; 32]).to_string();
    let error = fail(wait(&[&foreign], WaitUntil::Server)).await;
    check(&error, ErrorCode::NotFound, "unknown_change", Some("changes"));
    assert_eq!(error.data.changes, [foreign.as_str()]);
    let error = fail(wait(&vec![foreign.as_str(); 10_001], WaitUntil::Server)).await;
    check(&error, ErrorCode::Limit, "too_many_changes", Some("changes"));
    let error = fail(Wait { timeout_millis: Some(600_001), ..wait(&[], WaitUntil::Server) }).await;
    check(&error, ErrorCode::InvalidParams, "wait_too_long", Some("timeout_millis"));
    let nothing = world.customer.call(wait(&[], WaitUntil::Delivered)).await;
    assert_eq!(nothing.state, DeliveryState::Read);
}

#[tokio::test]
async fn a_refused_change_ends_the_wait() {
    let world = World::new().await;
    world.customer.call(Pause::default()).await;
    let filed = world.customer.file("Refused").await;
    let change = filed.change.clone().unwrap();
    put_draft(&world.customer, filed.ticket.id.parse().unwrap(), change.parse().unwrap());
    let error = world.customer.fail(wait(&[&change], WaitUntil::Server)).await;
    check(&error, ErrorCode::Conflict, "refused", None);
    assert_eq!(error.data.changes, [change.as_str()]);
}

#[tokio::test]
async fn a_change_that_left_the_ticket_ends_the_wait() {
    let world = World::new().await;
    world.customer.call(Pause::default()).await;
    let filed = world.customer.file("Replaced").await;
    let project = world.customer.driver().status().borrow().projects.keys().next().copied().unwrap();
    let mut turn = world.customer.driver().store().begin_turn().unwrap();
    let (position, _) = turn.outbox(&project, 0, 1).unwrap().remove(0);
    turn.remove_outbox(&project, position).unwrap();
    turn.commit().unwrap();
    let error = world.customer.fail(wait(&[&filed.change.unwrap()], WaitUntil::Server)).await;
    check(&error, ErrorCode::Conflict, "superseded", None);
}

/// As if the server had refused it.
fn put_draft(node: &Node, ticket: TicketId, change: ChangeHash) {
    let project = node.driver().status().borrow().projects.keys().next().copied().unwrap();
    let mut turn = node.driver().store().begin_turn().unwrap();
    turn.put_draft(&Draft {
        project,
        doc: DocId::Ticket(ticket),
        change,
        edits: vec![WireEdit::SetTitle("Refused".into())],
        code: 21,
        reason: "only the team may do that".into(),
        made_at: UnixMillis(1),
        refused_at: None,
    })
    .unwrap();
    turn.commit().unwrap();
}
