//! Lists: filters, orders, windows, and what a row says without opening its document.

use std::collections::BTreeSet;

use assist_proto::api::ErrorCode;
use assist_proto::api::comment::Add;
use assist_proto::api::sync::{DeliveryState, Pause, Resume, WaitUntil};
use assist_proto::api::ticket::{
    Edit, FieldValues, GroupBy, Groups, List, Order, Patch, Priority, Sort, Status, TicketPage,
};
use assist_proto::api::user::Role;

use super::world::{Node, World, check};

fn titles(page: &TicketPage) -> Vec<&str> {
    page.tickets.iter().map(|row| row.title.as_str()).collect()
}

/// Files tickets, and waits until nothing about them changes any more.
async fn file_all(node: &Node, titles: &[&str]) {
    for title in titles {
        let filed = node.file(title).await;
        node.wait(&[&filed.change], WaitUntil::Delivered).await;
    }
}

#[tokio::test]
async fn windows_by_offset_and_by_cursor_cover_the_list_once() {
    let world = World::new().await;
    file_all(&world.customer, &["one", "two", "three", "four", "five"]).await;
    for (sort, order) in [
        (Sort::Updated, Order::Descending),
        (Sort::Created, Order::Ascending),
        (Sort::Number, Order::Descending),
        (Sort::Priority, Order::Ascending),
    ] {
        let window = List { sort, order, limit: Some(2), ..List::default() };
        let whole = world.customer.call(List { limit: None, ..window.clone() }).await;
        assert_eq!((whole.total, whole.tickets.len(), &whole.next_cursor), (5, 5, &None));

        let mut by_cursor = Vec::new();
        let mut next = window.clone();
        loop {
            let page = world.customer.call(next.clone()).await;
            by_cursor.extend(page.tickets);
            match page.next_cursor {
                Some(cursor) => next.cursor = Some(cursor),
                None => break,
            }
        }
        assert_eq!(by_cursor, whole.tickets);

        let third = world.customer.call(List { offset: Some(4), ..window.clone() }).await;
        assert_eq!((third.tickets.as_slice(), third.next_cursor), (&whole.tickets[4..], None));
        let none = world.customer.call(List { limit: Some(0), ..window }).await;
        assert_eq!((none.total, none.tickets.len(), none.next_cursor), (5, 0, None));
    }
}

#[tokio::test]
async fn windows_out_of_bounds_name_the_parameter() {
    let world = World::new().await;
    file_all(&world.customer, &["one", "two"]).await;
    let window = List { limit: Some(1), ..List::default() };
    let cursor = world.customer.call(window.clone()).await.next_cursor;
    let fail = async |params: List, reason: &str, field: &str| {
        check(&world.customer.fail(params).await, ErrorCode::InvalidParams, reason, Some(field));
    };
    fail(List { limit: Some(501), ..List::default() }, "page_too_large", "limit").await;
    let both = List { cursor: cursor.clone(), offset: Some(1), ..window.clone() };
    fail(both, "offset_and_cursor", "cursor").await;
    let other_sort = List { cursor, sort: Sort::Number, ..window.clone() };
    fail(other_sort, "bad_cursor", "cursor").await;
    fail(List { cursor: Some("nonsense".into()), ..window }, "bad_cursor", "cursor").await;
}

#[tokio::test]
async fn filters_hold_all_at_once() {
    let world = World::new().await;
    let id = world.file("Gr\u{f6}\u{df}e ist falsch").await;
    world.agent.file("Disk full").await;
    world.agent.file("Nothing").await;
    let set = FieldValues {
        status: Some(Status::Pending),
        assignee: Patch::Set("me".into()),
        priority: Patch::Set(Priority::High),
        ..FieldValues::default()
    };
    let labels = vec!["ui".into(), "text".into()];
    world.agent.call(Edit { ticket: id, set, add_labels: labels, ..Edit::default() }).await;

    let all = List::default;
    let text = |text: &str| Some(text.to_owned());
    let hits = [
        List { status: vec![Status::Pending, Status::Closed], ..all() },
        List { assignee: text("me"), ..all() },
        List { assignee: text("ARNO@example.org"), ..all() },
        List { requester: text("Carla"), ..all() },
        List { labels: vec!["ui".into(), "text".into()], ..all() },
        List { text: text("GR\u{d6}\u{df}E"), ..all() },
        List { project: text("myc"), status: vec![Status::Pending], labels: vec!["ui".into()], ..all() },
    ];
    for params in hits {
        let page = world.agent.call(params.clone()).await;
        assert_eq!((titles(&page), page.total), (vec!["Gr\u{f6}\u{df}e ist falsch"], 1), "{params:?}");
    }
    let others = world.agent.call(List { assignee: text("none"), sort: Sort::Created, ..all() }).await;
    // Both may be of the same millisecond.
    assert_eq!(BTreeSet::from_iter(titles(&others)), BTreeSet::from(["Nothing", "Disk full"]));
    assert_eq!(world.agent.call(List { labels: vec!["gui".into()], ..all() }).await.total, 0);
    let error = world.agent.fail(List { assignee: text("Arn"), ..all() }).await;
    check(&error, ErrorCode::NotFound, "no_such_user", Some("assignee"));
}

/// The groups of a list as key, name, count; and that each query finds as many as it counts.
async fn groups(node: &Node, by: GroupBy, list: List) -> Vec<(String, String, u64)> {
    let answer = node.call(Groups { by, list: list.clone() }).await;
    assert!(answer.is_complete && answer.total == answer.groups.len() as u64);
    for group in &answer.groups {
        let query = format!("{} {}", list.query.as_deref().unwrap_or_default(), group.query);
        let page = node.call(List { query: Some(query), ..list.clone() }).await;
        assert_eq!(page.total, group.count, "{group:?}");
    }
    answer.groups.into_iter().map(|group| (group.key, group.name, group.count)).collect()
}

#[tokio::test]
async fn a_list_is_taken_apart_by_what_its_tickets_have_in_common() {
    let world = World::new().await;
    let id = world.file("It flaps").await;
    let second = world.agent.file("Disk full").await.ticket.id;
    world.agent.file("Nothing").await;
    let set = FieldValues {
        status: Some(Status::Pending),
        assignee: Patch::Set("me".into()),
        priority: Patch::Set(Priority::Low),
        ..FieldValues::default()
    };
    let labels = vec!["ui".into(), "two words".into()];
    world.agent.call(Edit { ticket: id, set, add_labels: labels, ..Edit::default() }).await;
    let urgent = FieldValues { priority: Patch::Set(Priority::Urgent), ..FieldValues::default() };
    let labels = vec!["ui".into()];
    world.agent.call(Edit { ticket: second, set: urgent, add_labels: labels, ..Edit::default() }).await;

    let of = |rows: &[(&str, &str, u64)]| -> Vec<(String, String, u64)> {
        rows.iter().map(|(key, name, count)| ((*key).to_owned(), (*name).to_owned(), *count)).collect()
    };
    let all = List::default;
    let agent = &world.agent;
    let by_status = groups(agent, GroupBy::Status, all()).await;
    assert_eq!(by_status, of(&[("open", "open", 2), ("pending", "pending", 1)]));
    let by_priority = groups(agent, GroupBy::Priority, all()).await;
    assert_eq!(by_priority, of(&[("urgent", "urgent", 1), ("low", "low", 1), ("none", "no priority", 1)]));
    let by_assignee = groups(agent, GroupBy::Assignee, all()).await;
    assert_eq!(by_assignee, of(&[("arno@example.org", "Arno", 1), ("none", "nobody", 2)]));
    let by_requester = groups(agent, GroupBy::Requester, all()).await;
    assert_eq!(by_requester, of(&[("arno@example.org", "Arno", 2), ("carla@example.org", "Carla", 1)]));
    let by_label = groups(agent, GroupBy::Label, all()).await;
    assert_eq!(by_label, of(&[("ui", "ui", 2), ("two words", "two words", 1), ("none", "no label", 1)]));
    let project = agent.call(all()).await.tickets[0].project.clone();
    let by_project = groups(agent, GroupBy::Project, all()).await;
    assert_eq!(by_project, vec![(project, "Mycelium".to_owned(), 3)]);

    let waiting = List { query: Some("is:open".into()), ..all() };
    assert_eq!(groups(agent, GroupBy::Label, waiting).await, of(&[("ui", "ui", 1), ("none", "no label", 1)]));
    let is_worked = |page: &TicketPage| page.tickets.iter().any(|row| row.status == Status::Pending);
    world.customer.until(all(), is_worked).await;
    let hers = groups(&world.customer, GroupBy::Status, all()).await;
    assert_eq!(hers.iter().map(|(_, _, count)| count).sum::<u64>(), 1, "only what she may see is counted");
    let nowhere = List { query: Some("is:nowhere".into()), ..all() };
    let error = agent.fail(Groups { by: GroupBy::Status, list: nowhere }).await;
    check(&error, ErrorCode::InvalidParams, "bad_query", Some("query"));
}

#[tokio::test]
async fn a_person_of_several_projects_is_one_group() {
    let (mycelium, hero, device) = (Node::server("Mycelium"), Node::server("Hero"), Node::device());
    device.join(&mycelium, Role::Customer, "Carla").await;
    device.join(&hero, Role::Customer, "Carla").await;
    for project in ["Mycelium", "hero"] {
        let project = Some(project.to_owned());
        device
            .call(assist_proto::api::ticket::Create {
                project,
                title: "It flaps".into(),
                ..Default::default()
            })
            .await;
    }
    let by_requester = groups(&device, GroupBy::Requester, List::default()).await;
    assert_eq!(by_requester, vec![("carla@example.org".to_owned(), "Carla".to_owned(), 2)]);
    assert_eq!(groups(&device, GroupBy::Project, List::default()).await.len(), 2);
}

#[tokio::test]
async fn rows_say_how_far_own_changes_are() {
    let world = World::new().await;
    world.file("Delivered").await;
    world.customer.call(Pause::default()).await;
    let waiting = world.customer.file("Waiting").await;
    let page = world.customer.call(List::default()).await;
    let states: Vec<_> = page.tickets.iter().map(|row| (row.title.as_str(), row.state)).collect();
    assert_eq!(
        states,
        [("Waiting", Some(DeliveryState::SavedHere)), ("Delivered", Some(DeliveryState::Delivered))]
    );
    assert!(page.tickets.iter().all(|row| row.is_loaded));
    assert_eq!(page.tickets[0].number, None);
    assert_eq!(page.tickets[0].short_id, waiting.ticket.short_id);
    assert_eq!(world.agent.call(List::default()).await.tickets[0].state, None, "nothing of it is Arno's");
}

#[tokio::test]
async fn rows_and_tickets_say_the_same_of_how_far_own_changes_are() {
    let world = World::new().await;
    let id = world.file("Delivered").await;
    // What came last is not one's own: the customer is still told of what they wrote themselves.
    world.customer.call(Pause::default()).await;
    let comment = Add { ticket: id.clone(), body: "Seen.".into(), ..Add::default() };
    let added = world.agent.call(comment).await;
    world.agent.wait(&[&added.change], WaitUntil::Server).await;
    let same = async |node: &Node, state: DeliveryState| {
        assert_eq!(node.get(&id).await.row.state, Some(state));
        assert_eq!(node.call(List::default()).await.tickets[0].state, Some(state));
    };
    same(&world.customer, DeliveryState::Delivered).await;
    same(&world.agent, DeliveryState::OnServer).await;
    world.customer.call(Resume::default()).await;
    world.agent.wait(&[&added.change], WaitUntil::Delivered).await;
    same(&world.customer, DeliveryState::Delivered).await;
    same(&world.agent, DeliveryState::Delivered).await;

    // A device that came later learns which are its user's own from the documents.
    let phone = Node::device();
    phone.join_as(&world.server, Role::Agent, "Arno").await;
    let is_delivered =
        |page: &TicketPage| page.tickets.iter().any(|row| row.state == Some(DeliveryState::Delivered));
    phone.until(List::default(), is_delivered).await;
    same(&phone, DeliveryState::Delivered).await;
}

#[tokio::test]
async fn me_is_another_user_in_every_project() {
    let (mycelium, hero, device) = (Node::server("Mycelium"), Node::server("Hero"), Node::device());
    device.join(&mycelium, Role::Customer, "Carla").await;
    device.join(&hero, Role::Customer, "Carla").await;
    let error =
        device.fail(assist_proto::api::ticket::Create { title: "Where?".into(), ..Default::default() }).await;
    check(&error, ErrorCode::InvalidParams, "project_needed", Some("project"));
    assert_eq!(error.data.nearest.len(), 2);
    for project in ["Mycelium", "hero"] {
        let params = assist_proto::api::ticket::Create {
            project: Some(project.into()),
            title: format!("For {project}"),
            ..Default::default()
        };
        let written = device.call(params).await;
        device.wait(&[&written.change], WaitUntil::Server).await;
    }
    for requester in ["me", "carla@example.org"] {
        let mine = List { requester: Some(requester.into()), ..List::default() };
        assert_eq!(device.call(mine).await.total, 2);
    }
    let mine = List { requester: Some("me".into()), project: Some("Hero".into()), ..List::default() };
    assert_eq!(titles(&device.call(mine).await), ["For hero"]);
}
