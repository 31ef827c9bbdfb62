//! What was refused: shown, tried again, thrown away.

use assist_crdt_model::{ChangeHash, CommentId, DocId, TicketId, UnixMillis};
use assist_proto::api::ErrorCode;
use assist_proto::api::draft::{Discard, Get, List, Retry};
use assist_proto::hub::WireEdit;
use assist_proto::store::{DeviceStore as _, Draft};

use super::world::{Node, World, check};

/// Puts drafts there as if the server had refused them, and returns their ids.
pub(super) fn put_drafts(node: &Node, ticket: &str, refused: &[&[WireEdit]]) -> Vec<String> {
    let ticket: TicketId = ticket.parse().unwrap();
    let driver = node.driver();
    let project = driver.status().borrow().projects.keys().next().copied().unwrap();
    let mut turn = driver.store().begin_turn().unwrap();
    let ids = refused.iter().enumerate().map(|(index, edits)| {
        let change = ChangeHash::from_bytes([index as u8 + 64; 32]);
        turn.put_draft(&Draft {
            project,
            doc: DocId::Ticket(ticket),
            change,
            edits: edits.to_vec(),
            code: 21,
            reason: "only the team may do that".into(),
            made_at: UnixMillis(5_000),
            refused_at: Some(UnixMillis(6_000)),
        })
        .unwrap();
        change.to_string()
    });
    let ids = ids.collect();
    turn.commit().unwrap();
    ids
}

fn comment(body: &str) -> WireEdit {
    let id = CommentId::from_bytes([9; 16]);
    WireEdit::AddComment { id, body: body.into(), reply_to: None, attachments: Vec::new() }
}

#[tokio::test]
async fn a_draft_shows_the_full_text_and_the_reason() {
    let world = World::new().await;
    let id = world.file("Ticket").await;
    let text = "a long comment ".repeat(100);
    let ids = put_drafts(&world.customer, &id, &[&[WireEdit::SetStatus("resolved".into()), comment(&text)]]);
    let listed = world.customer.call(List { project: Some("Mycelium".into()) }).await.drafts;
    let shown = world.customer.call(Get { draft: ids[0][..6].into() }).await;
    assert_eq!(listed.as_slice(), std::slice::from_ref(&shown));
    assert_eq!((&shown.id, shown.created_at_millis, shown.refused_at_millis), (&ids[0], 5_000, 6_000));
    assert_eq!((shown.reason.as_str(), shown.message.as_str()), ("not_allowed", "only the team may do that"));
    let ticket = shown.ticket.unwrap();
    assert_eq!((ticket.id, ticket.number, ticket.title.as_str()), (id, Some(1), "Ticket"));
    let told: Vec<_> = shown.edits.iter().map(|edit| (edit.action.as_str(), edit.after.as_deref())).collect();
    assert_eq!(told, [("set_status", Some("resolved")), ("add_comment", Some(text.as_str()))]);
    assert!(shown.edits[1].comment.is_some());
}

#[tokio::test]
async fn a_draft_that_can_be_made_now_becomes_a_change() {
    let world = World::new().await;
    let id = world.file("Ticket").await;
    let refused: [&[WireEdit]; 3] = [
        &[comment("Once more")],
        &[WireEdit::SetStatus("open".into())],
        &[WireEdit::SetStatus("resolved".into())],
    ];
    let ids = put_drafts(&world.customer, &id, &refused);
    let retry = |id: &str| Retry { draft: id.into() };

    let written = world.customer.call(retry(&ids[0])).await;
    assert_eq!((&written.ticket.id, written.change.is_some()), (&id, true));
    assert_eq!(world.customer.get(&id).await.comments[0].body, "Once more");
    check(&world.customer.fail(retry(&ids[0])).await, ErrorCode::NotFound, "no_such_draft", Some("draft"));

    assert_eq!(world.customer.call(retry(&ids[1])).await.change, None, "it is so already");
    let error = world.customer.fail(retry(&ids[2])).await;
    check(&error, ErrorCode::NotAllowed, "not_allowed", None);
    let left: Vec<String> =
        world.customer.call(List::default()).await.drafts.into_iter().map(|draft| draft.id).collect();
    assert_eq!(left, ids[2..], "what still cannot be made is kept");
}

#[tokio::test]
async fn a_draft_is_thrown_away_only_when_exactly_one_is_meant() {
    let world = World::new().await;
    let id = world.file("Ticket").await;
    let ids = put_drafts(&world.customer, &id, &[&[comment("a")], &[comment("b")]]);
    let common: String =
        ids[0].chars().zip(ids[1].chars()).take_while(|(a, b)| a == b).map(|(a, _)| a).collect();
    let discard = |draft: &str| Discard { draft: draft.into() };
    if !common.is_empty() {
        let error = world.customer.fail(discard(&common)).await;
        check(&error, ErrorCode::Conflict, "ambiguous_draft", Some("draft"));
        assert_eq!(error.data.nearest, ids);
    }
    check(&world.customer.fail(discard("")).await, ErrorCode::InvalidParams, "bad_id", Some("draft"));
    check(&world.customer.fail(discard("zzz")).await, ErrorCode::NotFound, "no_such_draft", Some("draft"));
    world.customer.call(discard(&ids[0].to_uppercase())).await;
    assert_eq!(world.customer.call(List::default()).await.drafts.len(), 1);
}

#[tokio::test]
async fn a_draft_of_which_a_part_cannot_be_made_stays_whole() {
    let world = World::new().await;
    let id = world.file("Ticket").await;
    let of_later = [comment("Kept whole"), WireEdit::SetStatus("paused".into())];
    let ids = put_drafts(&world.customer, &id, &[&of_later]);
    let error = world.customer.fail(Retry { draft: ids[0].clone() }).await;
    check(&error, ErrorCode::Conflict, "unknown_edit", None);
    assert_eq!(world.customer.call(List::default()).await.drafts.len(), 1);
    assert_eq!(world.customer.get(&id).await.comments.len(), 0, "nor is the other part written");
}
