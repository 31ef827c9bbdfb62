//! Filing, reading, changing and commenting, from both sides.

use assist_crdt_model::{Status as ModelStatus, TicketId, UnixMillis, UserId};
use assist_proto::api::comment::{self, Add};
use assist_proto::api::sync::{self, DeliveryState, WaitUntil};
use assist_proto::api::ticket::{Create, Edit, FieldValues, History, List, Patch, Priority, Resolve, Status};
use assist_proto::api::user::Role;
use assist_proto::api::{ApiError, ErrorCode};
use assist_proto::store::{DeviceStore as _, Seq, TicketRow};

use super::world::{Node, World, check, get};

fn edit(ticket: &str, set: FieldValues) -> Edit {
    Edit { ticket: ticket.into(), set, ..Edit::default() }
}

fn add(ticket: &str, body: &str) -> Add {
    Add { ticket: ticket.into(), body: body.into(), ..Add::default() }
}

#[tokio::test]
async fn a_ticket_and_its_answer_travel_and_say_how_far_they_are() {
    let world = World::new().await;
    let filed = world.customer.file("The node does not start").await;
    assert_eq!(world.customer.wait(&[&filed.change], WaitUntil::Delivered).await, DeliveryState::Delivered);
    let id = &filed.ticket.id;
    assert_eq!(filed.ticket.short_id, id[..8]);

    let seen = world.agent.get("#1").await;
    assert_eq!(seen.row.id, *id);
    assert_eq!((seen.row.title.as_str(), seen.body.as_str()), ("The node does not start", "Dear team, ..."));
    assert_eq!(seen.row.requester.name, "Carla");
    assert_eq!((seen.row.status, seen.row.number), (Status::Open, Some(1)));
    assert_eq!((seen.row.state, seen.row.is_loaded), (None, true));

    let answered = world.agent.call(add(id, "Have you tried it again?")).await;
    let note =
        world.agent.call(Add { reply_to: Some(answered.comment.clone()), ..add("#1", "And again?") }).await;
    world.agent.wait(&[&answered.change, &note.change], WaitUntil::Delivered).await;

    let read = world.customer.get(id).await;
    assert_eq!(read.row.state, Some(DeliveryState::Delivered));
    assert_eq!(read.row.comment_count, 2);
    let comment = &read.comments[0];
    assert_eq!((comment.author.name.as_str(), comment.author.role), ("Arno", Some(Role::Agent)));
    assert_eq!((comment.body.as_str(), comment.state), ("Have you tried it again?", None));
    assert_eq!(Some(&comment.change), answered.change.as_ref());
    assert_eq!(read.comments[1].reply_to.as_ref(), Some(&comment.id));
    assert_eq!(world.agent.get(id).await.comments[1].state, Some(DeliveryState::Delivered));
}

#[tokio::test]
async fn comments_come_in_windows() {
    let world = World::new().await;
    let id = world.customer.file("Long talk").await.ticket.id;
    for number in 0..5 {
        world.customer.call(add(&id, &format!("comment {number}"))).await;
    }
    let mut window = get(&id);
    (window.comments_offset, window.comments_limit) = (1, Some(2));
    let bodies: Vec<String> =
        world.customer.call(window).await.comments.into_iter().map(|comment| comment.body).collect();
    assert_eq!(bodies, ["comment 1", "comment 2"]);
    let mut behind = get(&id);
    behind.comments_offset = 9;
    assert!(world.customer.call(behind).await.comments.is_empty());
}

#[tokio::test]
async fn own_comments_are_rewritten_and_struck() {
    let world = World::new().await;
    let id = world.customer.file("Typo").await.ticket.id;
    let comment = world.customer.call(add(&id, "teh")).await.comment;
    let rewrite = comment::Edit {
        ticket: id.clone(),
        comment: comment.clone(),
        body: "the".into(),
        ..comment::Edit::default()
    };
    assert!(world.customer.call(rewrite.clone()).await.change.is_some());
    assert_eq!(world.customer.call(rewrite.clone()).await.change, None, "it says so already");
    let shown = &world.customer.get(&id).await.comments[0];
    assert_eq!(shown.body, "the");
    assert!(shown.edited_at_millis.is_some());

    let strike =
        comment::Delete { ticket: id.clone(), comment: comment.clone(), ..comment::Delete::default() };
    assert!(world.customer.call(strike.clone()).await.change.is_some());
    let shown = &world.customer.get(&id).await.comments[0];
    assert_eq!((shown.body.as_str(), shown.is_deleted), ("", true));
    let error = world.customer.fail(rewrite).await;
    check(&error, ErrorCode::NotFound, "no_such_comment", Some("comment"));
}

#[tokio::test]
async fn comments_are_refused_with_the_parameter_at_fault() {
    let world = World::new().await;
    let id = world.file("Ticket").await;
    let fail = async |params: Add| world.agent.fail(params).await;
    check(&fail(add(&id, " \n")).await, ErrorCode::InvalidParams, "text_empty", Some("body"));
    let long = "x".repeat(64 * 1024 + 1);
    check(&fail(add(&id, &long)).await, ErrorCode::InvalidParams, "text_too_long", Some("body"));
    let reply_to = |id: &str| Some(id.to_owned());
    let error = fail(Add { reply_to: reply_to("nonsense"), ..add(&id, "Hello") }).await;
    check(&error, ErrorCode::InvalidParams, "bad_id", Some("reply_to"));
    let error = fail(Add { reply_to: reply_to(&"0".repeat(26)), ..add(&id, "Hello") }).await;
    check(&error, ErrorCode::NotFound, "no_such_comment", Some("reply_to"));

    let theirs = world.customer.call(add(&id, "Mine")).await;
    world.customer.wait(&[&theirs.change], WaitUntil::Delivered).await;
    let rewrite = comment::Edit {
        ticket: id,
        comment: theirs.comment,
        body: "Yours".into(),
        ..comment::Edit::default()
    };
    check(&world.agent.fail(rewrite).await, ErrorCode::NotAllowed, "not_allowed", None);
}

#[tokio::test]
async fn an_agent_edits_all_fields_in_one_change() {
    let world = World::new().await;
    let id = world.file("Disk full").await;
    let set = FieldValues {
        title: Some("  Disk full on node 7 ".into()),
        status: Some(Status::Pending),
        assignee: Patch::Set("me".into()),
        priority: Patch::Set(Priority::High),
        snoozed_until_millis: Patch::Set(1_900_000_000_000),
        ..FieldValues::default()
    };
    let change = Edit { add_labels: vec!["disk".into(), "node".into()], ..edit(&id, set) };
    let written = world.agent.call(change.clone()).await;
    assert_eq!(written.ticket.title, "Disk full on node 7");
    assert_eq!(world.agent.call(change).await.change, None, "all of it is so already");

    world.agent.wait(&[&written.change], WaitUntil::Delivered).await;
    let row = world.customer.get(&id).await.row;
    assert_eq!((row.status, row.priority), (Status::Pending, Some(Priority::High)));
    assert_eq!(row.assignee.unwrap().name, "Arno");
    assert_eq!(
        (row.labels, row.snoozed_until_millis),
        (vec!["disk".into(), "node".into()], Some(1_900_000_000_000))
    );

    let cleared = FieldValues {
        assignee: Patch::Clear,
        priority: Patch::Clear,
        snoozed_until_millis: Patch::Clear,
        ..FieldValues::default()
    };
    world.agent.call(Edit { remove_labels: vec!["disk".into()], ..edit("#1", cleared) }).await;
    let row = world.agent.get("#1").await.row;
    assert_eq!((row.assignee, row.priority, row.snoozed_until_millis), (None, None, None));
    assert_eq!(row.labels, ["node"]);
}

#[tokio::test]
async fn edits_are_refused_with_the_parameter_at_fault() {
    let world = World::new().await;
    let id = world.file("Ticket").await;
    let set = |set: FieldValues| edit(&id, set);
    let assignee =
        |text: &str| set(FieldValues { assignee: Patch::Set(text.into()), ..FieldValues::default() });
    let title = |text: String| set(FieldValues { title: Some(text), ..FieldValues::default() });
    let labels = |add: &[&str], remove: &[&str]| Edit {
        add_labels: add.iter().map(ToString::to_string).collect(),
        remove_labels: remove.iter().map(ToString::to_string).collect(),
        ..set(FieldValues::default())
    };
    let time = FieldValues { snoozed_until_millis: Patch::Set(u64::MAX), ..FieldValues::default() };
    let cases = [
        (title(" ".into()), ErrorCode::InvalidParams, "text_empty", "set.title"),
        (title("x".repeat(81)), ErrorCode::InvalidParams, "text_too_long", "set.title"),
        (assignee("Carla"), ErrorCode::InvalidParams, "not_an_agent", "set.assignee"),
        (assignee("Arne"), ErrorCode::NotFound, "no_such_user", "set.assignee"),
        (set(time), ErrorCode::InvalidParams, "bad_time", "set.snoozed_until_millis"),
        (labels(&["a", ""], &[]), ErrorCode::InvalidParams, "text_empty", "add_labels[1]"),
        (labels(&["a"], &["a"]), ErrorCode::InvalidParams, "label_twice", "remove_labels"),
    ];
    for (params, code, reason, field) in cases {
        check(&world.agent.fail(params).await, code, reason, Some(field));
    }
    assert_eq!(world.agent.fail(assignee("Arne")).await.data.nearest[0], "Arno");
    let error = world.customer.fail(assignee("me")).await;
    check(&error, ErrorCode::NotAllowed, "not_allowed", None);
    assert_eq!(world.agent.call(set(FieldValues::default())).await.change, None, "nothing was asked");
}

#[tokio::test]
async fn an_agent_files_for_a_customer_with_everything_set() {
    let world = World::new().await;
    // The agent knows of the customer once something of theirs came.
    world.file("Hello").await;
    let filed = world
        .agent
        .call(Create {
            title: "By phone".into(),
            labels: vec!["phone".into(), "phone".into()],
            priority: Some(Priority::Low),
            assignee: Some("arno@example.org".into()),
            requester: Some("carla@example.org".into()),
            ..Create::default()
        })
        .await;
    world.agent.wait(&[&filed.change], WaitUntil::Delivered).await;
    let row = world.customer.get(&filed.ticket.id).await.row;
    assert_eq!((row.requester.name.as_str(), row.labels.len()), ("Carla", 1));
    assert_eq!(row.assignee.unwrap().name, "Arno");

    let fail = async |params: Create| world.customer.fail(params).await;
    let titled = |title: &str| Create { title: title.into(), ..Create::default() };
    check(&fail(titled("")).await, ErrorCode::InvalidParams, "text_empty", Some("title"));
    let body = Create { body: "x".repeat(64 * 1024 + 1), ..titled("Big") };
    check(&fail(body).await, ErrorCode::InvalidParams, "text_too_long", Some("body"));
    let labelled = Create { labels: vec!["x".repeat(41)], ..titled("Label") };
    check(&fail(labelled).await, ErrorCode::InvalidParams, "text_too_long", Some("labels[0]"));
    let urgent = Create { priority: Some(Priority::Urgent), ..titled("Now") };
    check(&fail(urgent).await, ErrorCode::NotAllowed, "not_allowed", None);
}

#[tokio::test]
async fn concurrent_edits_show_both_values_until_one_is_chosen() {
    let world = World::new().await;
    let id = world.file("Title").await;
    let title = |text: &str| edit(&id, FieldValues { title: Some(text.into()), ..FieldValues::default() });
    world.customer.call(sync::Pause::default()).await;
    world.agent.call(sync::Pause::default()).await;
    let ours = world.customer.call(title("By Carla")).await;
    world.agent.call(title("By Arno")).await;
    assert_eq!(world.customer.get(&id).await.row.state, Some(DeliveryState::SavedHere));
    world.agent.call(sync::Resume::default()).await;
    world.customer.call(sync::Resume::default()).await;
    world.customer.wait(&[&ours.change], WaitUntil::Delivered).await;

    let both = world.agent.until(get(&id), |ticket| !ticket.conflicts.is_empty()).await;
    let conflict = &both.conflicts[0];
    assert_eq!(conflict.field, "title");
    assert_eq!(conflict.values[0].text, both.row.title, "the one that is shown comes first");
    let mut authors: Vec<&str> = conflict.values.iter().map(|value| value.author.name.as_str()).collect();
    authors.sort_unstable();
    assert_eq!(authors, ["Arno", "Carla"]);
    assert!(conflict.values.iter().all(|value| value.at_millis > 1_600_000_000_000));

    world.agent.call(title("By both")).await;
    assert!(world.agent.get(&id).await.conflicts.is_empty());
}

#[tokio::test]
async fn history_tells_who_did_what_and_what_was_before() {
    let world = World::new().await;
    let id = world.file("Before").await;
    let set = FieldValues {
        title: Some("After".into()),
        assignee: Patch::Set("Arno".into()),
        ..FieldValues::default()
    };
    let edited = world.agent.call(edit(&id, set)).await;
    world.agent.wait(&[&edited.change], WaitUntil::Delivered).await;
    let history = |offset, limit| History { ticket: id.clone(), offset, limit, ..History::default() };

    let told = world.customer.call(history(0, None)).await;
    assert_eq!((told.total, told.changes.len()), (2, 2));
    let actions = |index: usize| -> Vec<(&str, Option<&str>, Option<&str>)> {
        let edits = told.changes[index].edits.iter();
        edits.map(|edit| (edit.action.as_str(), edit.before.as_deref(), edit.after.as_deref())).collect()
    };
    assert_eq!(
        actions(0),
        [("create_ticket", None, Some("Before")), ("set_body", None, Some("Dear team, ..."))]
    );
    assert_eq!(
        actions(1),
        [("set_title", Some("Before"), Some("After")), ("set_assignee", None, Some("Arno"))]
    );
    assert_eq!(
        (told.changes[0].author.name.as_str(), told.changes[1].author.name.as_str()),
        ("Carla", "Arno")
    );
    assert_eq!((told.changes[0].state, told.changes[1].state), (Some(DeliveryState::Delivered), None));
    assert_eq!(told.changes[1].device.as_ref().unwrap().len(), 52);

    let last = world.customer.call(history(1, Some(1))).await;
    assert_eq!((last.total, last.changes[0].edits[0].action.as_str()), (2, "set_title"));
    let error = world.customer.fail(history(0, Some(501))).await;
    check(&error, ErrorCode::InvalidParams, "page_too_large", Some("limit"));
}

#[tokio::test]
async fn a_listed_ticket_without_its_document_is_shown_as_it_is_and_cannot_be_changed() {
    let world = World::new().await;
    // Its first load is over: one that begins later would drop a row that stands for nothing.
    world.file("Here already").await;
    let project = world.agent.driver().status().borrow().projects.keys().next().copied().unwrap();
    let row = TicketRow {
        ticket: TicketId::from_bytes([5; 16]),
        number: Some(77),
        requester: UserId::from_bytes([6; 16]),
        title: "Still arriving".into(),
        status: ModelStatus::Open,
        assignee: None,
        priority: None,
        snoozed_until_millis: None,
        merged_into: None,
        labels: Vec::new(),
        created_at: UnixMillis(1),
        updated_at: UnixMillis(2),
        comment_count: 4,
        has_conflict: false,
        last_seq: Seq(9),
    };
    let mut turn = world.agent.driver().store().begin_turn().unwrap();
    turn.put_row(&project, &row).unwrap();
    turn.commit().unwrap();

    let shown = world.agent.get("#77").await;
    assert_eq!((shown.row.title.as_str(), shown.row.is_loaded), ("Still arriving", false));
    assert!(shown.body.is_empty() && shown.comments.is_empty());
    assert_eq!(shown.row.requester.name, shown.row.requester.id[..8], "nobody told us the name");
    let history = History { ticket: "#77".into(), ..History::default() };
    assert_eq!(world.agent.call(history).await.total, 0);
    let error: ApiError = world.agent.fail(add("#77", "Too early")).await;
    check(&error, ErrorCode::Conflict, "not_loaded", None);
}

#[tokio::test]
async fn a_device_that_joins_late_reads_what_was_there_before() {
    let world = World::new().await;
    let id = world.file("Old ticket").await;
    world.agent.call(add(&id, "Old answer")).await;
    let late = Node::device();
    late.join(&world.server, Role::Agent, "Lena").await;
    late.until(List::default(), |page| page.total == 1).await;
    let ticket = late.until(get(&id), |ticket| ticket.row.is_loaded && !ticket.comments.is_empty()).await;
    assert_eq!(ticket.comments[0].body, "Old answer");
    let found = late.call(Resolve { reference: "#1".into(), ..Resolve::default() }).await;
    assert_eq!((found.id, found.title.as_str()), (id, "Old ticket"));
}
