//! Notes: written and read by the team, kept from everybody else.

use assist_proto::api::note::{Add, Delete, Edit, List};
use assist_proto::api::sync::{DeliveryState, Wait, WaitUntil};
use assist_proto::api::{ErrorCode, comment};

use super::world::{World, check};

fn add(ticket: &str, body: &str) -> Add {
    Add { ticket: ticket.into(), body: body.into(), ..Add::default() }
}

fn list(ticket: &str) -> List {
    List { ticket: ticket.into(), ..List::default() }
}

#[tokio::test]
async fn notes_are_written_answered_rewritten_and_struck() {
    let world = World::new().await;
    let id = world.file("It hangs").await;
    let first = world.agent.call(add(&id, "The driver?")).await;
    let answer = Add { reply_to: Some(first.note.clone()), ..add(&id, "It is.") };
    let answer = world.agent.call(answer).await;
    world.agent.wait(&[&first.change, &answer.change], WaitUntil::Server).await;

    let notes = world.agent.call(list(&id)).await;
    assert_eq!(notes.total, 2);
    assert_eq!((notes.notes[0].body.as_str(), notes.notes[0].author.name.as_str()), ("The driver?", "Arno"));
    assert_eq!(notes.notes[0].state, Some(DeliveryState::OnServer));
    assert_eq!(notes.notes[1].reply_to.as_ref(), Some(&first.note));
    let window = world.agent.call(List { offset: 1, limit: Some(1), ..list(&id) }).await;
    assert_eq!((window.notes.len(), window.notes[0].body.as_str(), window.total), (1, "It is.", 2));
    assert_eq!(world.agent.get(&id).await.note_count, 2);

    let rewrite = Edit {
        ticket: id.clone(),
        note: first.note.clone(),
        body: "Not the driver.".into(),
        ..Edit::default()
    };
    assert!(world.agent.call(rewrite.clone()).await.change.is_some());
    assert_eq!(world.agent.call(rewrite.clone()).await.change, None, "it says so already");
    let strike = Delete { ticket: id.clone(), note: first.note, ..Delete::default() };
    world.agent.call(strike).await;
    assert!(world.agent.call(list(&id)).await.notes[0].is_deleted);
    check(&world.agent.fail(rewrite).await, ErrorCode::NotFound, "no_such_comment", Some("note"));
}

#[tokio::test]
async fn customers_have_no_notes_and_notice_none() {
    let world = World::new().await;
    let id = world.file("It hangs").await;
    let said = comment::Add { ticket: id.clone(), body: "We look.".into(), ..comment::Add::default() };
    let said = world.agent.call(said).await;
    world.agent.wait(&[&said.change], WaitUntil::Delivered).await;
    let before = world.customer.get(&id).await;
    let note = world.agent.call(add(&id, "Between us.")).await;
    world.agent.wait(&[&note.change], WaitUntil::Server).await;

    check(&world.customer.fail(list(&id)).await, ErrorCode::NotAllowed, "not_allowed", None);
    check(&world.customer.fail(add(&id, "Mine")).await, ErrorCode::NotAllowed, "not_allowed", None);
    assert_eq!(world.customer.get(&id).await, before, "not even the time of the last activity");
    // How far the agent's own words on the ticket came is not held up by the note.
    assert_eq!(world.agent.get(&id).await.row.state, Some(DeliveryState::Delivered));
}

#[tokio::test]
async fn bad_notes_are_refused_with_the_parameter_at_fault() {
    let world = World::new().await;
    let id = world.file("It hangs").await;
    let fail = async |params: Add| world.agent.fail(params).await;
    check(&fail(add(&id, " \n")).await, ErrorCode::InvalidParams, "text_empty", Some("body"));
    check(&fail(add("#99", "x")).await, ErrorCode::NotFound, "no_such_ticket", Some("ticket"));
    let nobody = Add { reply_to: Some("0".repeat(26)), ..add(&id, "x") };
    check(&fail(nobody).await, ErrorCode::NotFound, "no_such_comment", Some("reply_to"));

    let note = world.agent.call(add(&id, "x")).await;
    let changes = vec![note.change.unwrap()];
    let wait = Wait { project: None, changes, until: WaitUntil::Delivered, timeout_millis: None };
    check(&world.agent.fail(wait).await, ErrorCode::InvalidParams, "no_other_side", Some("until"));
}
