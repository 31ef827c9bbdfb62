//! Queries, bulk changes and canned replies over the API.

use assist_proto::api::ErrorCode;
use assist_proto::api::canned::{self, Preview};
use assist_proto::api::ticket::{Bulk, BulkOutcome, FieldValues, List, Patch, Priority, Status};
use assist_proto::api::user::Role;

use super::world::{Node, World, check};

async fn found(node: &Node, query: &str) -> Vec<String> {
    let list = List { query: Some(query.into()), limit: Some(100), ..List::default() };
    node.call(list).await.tickets.into_iter().map(|row| row.title).collect()
}

#[tokio::test]
async fn lists_show_what_a_query_finds_in_the_order_that_it_says() {
    let world = World::new().await;
    for title in ["Panic at start", "It hangs", "Panic at night"] {
        world.file(title).await;
    }
    assert_eq!(found(&world.agent, "panic sort:created-asc").await, ["Panic at start", "Panic at night"]);
    assert_eq!(found(&world.agent, "requester:Carla -panic").await, ["It hangs"]);
    assert_eq!(found(&world.agent, "is:open assignee:none project:Mycelium number:2").await, ["It hangs"]);
    assert!(found(&world.agent, "assignee:me").await.is_empty());
    let wrong = |query: &str| List { query: Some(query.into()), ..List::default() };
    let error = world.agent.fail(wrong("is:open is:opne")).await;
    check(&error, ErrorCode::InvalidParams, "bad_query", Some("query"));
    assert!(error.message.contains("at character 12: "), "{}", error.message);
    let error = world.agent.fail(wrong("assignee:nobody@example.org")).await;
    assert!(error.message.starts_with("query: at character 10: "), "{}", error.message);
}

#[tokio::test]
async fn many_tickets_are_changed_in_the_same_way_and_each_is_told_of() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for number in 0..60 {
        ids.push(world.agent.file(&format!("Crash {number}")).await.ticket.id);
    }
    world.agent.file("It hangs").await;
    let urgent = FieldValues { priority: Patch::Set(Priority::Urgent), ..FieldValues::default() };
    let bulk = Bulk {
        query: Some("crash".into()),
        set: urgent,
        add_labels: vec!["crash".into()],
        ..Bulk::default()
    };
    let planned = world.agent.call(Bulk { is_dry_run: true, ..bulk.clone() }).await;
    assert_eq!((planned.changed, planned.failed, planned.tickets.len()), (60, 0, 60));
    assert_eq!(planned.tickets[0].edits, ["sets the priority to urgent", "puts the label \"crash\" on"]);
    assert!(found(&world.agent, "priority:urgent").await.is_empty(), "it was only planned");
    let done = world.agent.call(bulk.clone()).await;
    assert_eq!((done.changed, done.failed), (60, 0));
    assert!(
        done.tickets.iter().all(|ticket| ticket.outcome == BulkOutcome::Changed && ticket.change.is_some())
    );
    assert_eq!(found(&world.agent, "priority:urgent label:crash").await.len(), 60);
    let again = world.agent.call(bulk.clone()).await;
    assert!(again.tickets.iter().all(|ticket| ticket.outcome == BulkOutcome::Unchanged));

    let named =
        Bulk { query: None, tickets: vec![ids[0].clone(), ids[1].clone(), ids[0].clone()], ..bulk.clone() };
    assert_eq!(world.agent.call(named).await.tickets.len(), 2);
    let neither = Bulk { query: None, ..bulk.clone() };
    check(&world.agent.fail(neither).await, ErrorCode::InvalidParams, "no_tickets", Some("tickets"));
    let both = Bulk { tickets: ids, ..bulk.clone() };
    check(&world.agent.fail(both).await, ErrorCode::InvalidParams, "two_ways", Some("tickets"));
    let title = FieldValues { title: Some("x".into()), ..FieldValues::default() };
    let titles = Bulk { set: title, ..bulk.clone() };
    check(&world.agent.fail(titles).await, ErrorCode::InvalidParams, "not_in_bulk", Some("set.title"));
    let nothing = Bulk { query: Some("crash".into()), ..Bulk::default() };
    check(&world.agent.fail(nothing).await, ErrorCode::InvalidParams, "nothing_to_do", Some("set"));
}

#[tokio::test]
async fn what_a_customer_may_not_do_fails_for_each_ticket() {
    let world = World::new().await;
    world.file("One").await;
    world.file("Two").await;
    let set = |set| Bulk { query: Some("is:open".into()), set, ..Bulk::default() };
    let resolved = FieldValues { status: Some(Status::Resolved), ..FieldValues::default() };
    let done = world.customer.call(set(resolved)).await;
    assert_eq!((done.changed, done.failed), (0, 2));
    assert!(done.tickets[0].message.as_ref().unwrap().contains("only the team"));
    let closed = FieldValues { status: Some(Status::Closed), ..FieldValues::default() };
    assert_eq!(world.customer.call(set(closed)).await.changed, 2);
}

#[tokio::test]
async fn canned_replies_are_kept_by_admins_and_filled_in_for_a_ticket() {
    let world = World::new().await;
    let admin = Node::device();
    admin.join(&world.server, Role::Admin, "Dora").await;
    let ticket = world.file("It hangs").await;
    let set = |name: &str, body: &str| canned::Set { project: None, name: name.into(), body: body.into() };
    admin.until(canned::List::default(), |_| true).await;
    admin.call(set("thanks", "Dear {customer}, {number} is done. {agent} of {project}")).await;
    admin.call(set("think", "Have you tried {water}?")).await;
    let preview = |name: &str| Preview { project: None, ticket: ticket.clone(), name: name.into() };
    world.agent.until(canned::List::default(), |all| all.canned_replies.len() == 2).await;
    let filled = world.agent.call(preview("tha")).await;
    assert_eq!(
        (filled.name.as_str(), filled.body.as_str()),
        ("thanks", "Dear Carla, #1 is done. Arno of Mycelium")
    );
    assert_eq!(world.agent.call(preview("think")).await.body, "Have you tried {water}?");
    check(
        &world.agent.fail(preview("th")).await,
        ErrorCode::Conflict,
        "ambiguous_canned_reply",
        Some("name"),
    );
    check(&world.agent.fail(preview("x")).await, ErrorCode::NotFound, "no_such_canned_reply", Some("name"));
    check(&world.agent.fail(set("x", "y")).await, ErrorCode::NotAllowed, "not_allowed", None);
    admin.call(canned::Remove { project: None, name: "think".into() }).await;
    world.agent.until(canned::List::default(), |all| all.canned_replies.len() == 1).await;
}
