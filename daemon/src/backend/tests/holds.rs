//! Second thoughts over the API: held, shown as held, taken back with the text, refused once it has left.

use assist_proto::api::ErrorCode;
use assist_proto::api::comment::{Add, Undo};
use assist_proto::api::draft;
use assist_proto::api::note;
use assist_proto::api::sync::{DeliveryState, WaitUntil};

use super::world::{World, check};

fn comment(ticket: &str, body: &str, hold_millis: Option<u64>) -> Add {
    Add { ticket: ticket.into(), body: body.into(), hold_millis, ..Add::default() }
}

#[tokio::test]
async fn a_held_comment_is_taken_back_and_kept() {
    let world = World::new().await;
    let ticket = world.file("It hangs").await;
    let written = world.agent.call(comment(&ticket, "Restart it.", Some(600_000))).await;
    let shown = world.agent.get(&ticket).await.comments.remove(0);
    assert_eq!(shown.state, Some(DeliveryState::SavedHere));
    assert!(shown.held_until_millis.unwrap() >= shown.created_at_millis + 600_000);
    let undone = world.agent.call(Undo::default()).await;
    assert_eq!((undone.body.as_str(), &undone.comment), ("Restart it.", &written.comment));
    assert_eq!((undone.ticket.id, undone.is_note), (ticket.clone(), false));
    assert!(world.agent.get(&ticket).await.comments.is_empty());
    let kept = world.agent.call(draft::Get { draft: undone.draft.clone() }).await;
    assert_eq!(kept.reason, "taken_back");
    // Written again, it leaves like anything else.
    let again = world.agent.call(draft::Retry { draft: undone.draft }).await;
    world.agent.wait(&[&again.change], WaitUntil::Delivered).await;
    assert_eq!(world.customer.get(&ticket).await.comments[0].body, "Restart it.");
    check(&world.agent.fail(Undo::default()).await, ErrorCode::Conflict, "has_left", None);
}

#[tokio::test]
async fn a_hold_ends_by_itself_and_waiting_waits_for_it() {
    let world = World::new().await;
    let ticket = world.file("It hangs").await;
    let written = world.agent.call(comment(&ticket, "Restart it.", Some(300))).await;
    world.agent.wait(&[&written.change], WaitUntil::Delivered).await;
    let shown = world.customer.get(&ticket).await.comments.remove(0);
    assert_eq!((shown.body.as_str(), shown.held_until_millis), ("Restart it.", None));
    assert_eq!(world.agent.get(&ticket).await.comments[0].held_until_millis, None);
    let undo = Undo { project: None, comment: Some(written.comment) };
    check(&world.agent.fail(undo).await, ErrorCode::Conflict, "has_left", None);
}

#[tokio::test]
async fn notes_are_held_and_taken_back_too() {
    let world = World::new().await;
    let ticket = world.file("It hangs").await;
    let add = note::Add {
        ticket: ticket.clone(),
        body: "The driver?".into(),
        hold_millis: Some(600_000),
        ..note::Add::default()
    };
    let written = world.agent.call(add).await;
    let undone = world.agent.call(Undo { project: None, comment: Some(written.note) }).await;
    assert_eq!((undone.body.as_str(), undone.is_note), ("The driver?", true));
    let too_long = comment(&ticket, "x", Some(3_600_001));
    let error = world.agent.fail(too_long).await;
    check(&error, ErrorCode::InvalidParams, "hold_too_long", Some("hold_millis"));
}
