//! Joining, leaving, pausing.

use assist_proto::api::ErrorCode;
use assist_proto::api::link::{LinkOutcome, Open};
use assist_proto::api::project::{Get, Join, Leave, List, Relocate};
use assist_proto::api::server::{Invitation, Invite};
use assist_proto::api::sync::{ConnectionState, GetStatus, Pause, Resume, SyncStatus, WaitUntil};
use assist_proto::api::user::Role;

use super::world::{Node, World, check};

fn join(invitation: &Invitation) -> Join {
    Join {
        address: invitation.address.clone(),
        code: invitation.code.clone(),
        name: Some("Carla".into()),
        ..Join::default()
    }
}

fn is_online(status: &SyncStatus) -> bool {
    status.projects.iter().all(|project| project.connection.state == ConnectionState::Online)
}

#[tokio::test]
async fn a_joined_project_is_described() {
    let (server, device) = (Node::server("Mycelium"), Node::device());
    let joined = device.join(&server, Role::Agent, "Arno").await;
    assert_eq!(
        (joined.name.as_str(), joined.role, joined.user_name.as_str()),
        ("Mycelium", Role::Agent, "Arno")
    );
    assert_eq!((joined.device_name.as_str(), joined.unread_count), ("laptop", Some(0)));
    assert!(joined.addresses[0].starts_with("127.0.0.1:"), "{:?}", joined.addresses);

    device.until(GetStatus::default(), is_online).await;
    let listed = device.until(List {}, |listed| listed.projects[0].cold_start.is_none()).await;
    let listed = &listed.projects[0];
    assert_eq!(
        (&listed.id, listed.connection.state, listed.cold_start),
        (&joined.id, ConnectionState::Online, None)
    );
    assert!(listed.connection.detail.starts_with("connected for "), "{}", listed.connection.detail);
    let details = device.call(Get::default()).await;
    assert_eq!((details.info.id, details.labels.len(), details.canned_replies.len()), (joined.id, 0, 0));
}

#[tokio::test]
async fn an_invitation_may_bring_the_name_and_the_device_its_own() {
    let (server, device) = (Node::server("Mycelium"), Node::device());
    let invite =
        Invite { role: Role::Customer, email: Some("Dora@Example.org".into()), name: Some("Dora".into()) };
    let Invitation { code, address, .. } = server.call(invite).await;
    // As people type it: without the dash, in capitals, with room around.
    let code = format!(" {} ", code.replace('-', "").to_uppercase());
    let joined = device.call(Join { address, code, ..Join::default() }).await;
    assert_eq!(joined.user_name, "Dora");
    assert!(!joined.device_name.is_empty());
}

#[tokio::test]
async fn joins_fail_with_advice() {
    let (server, device) = (Node::server("Mycelium"), Node::device());
    let invitation = server.invite(Role::Customer).await;
    let fail = async |params: Join| device.fail(params).await;
    let good = || join(&invitation);
    let error = fail(Join { address: "mycelium.example.org".into(), ..good() }).await;
    check(&error, ErrorCode::InvalidParams, "bad_address", Some("address"));
    check(
        &fail(Join { code: " ".into(), ..good() }).await,
        ErrorCode::InvalidParams,
        "text_empty",
        Some("code"),
    );
    let error = fail(Join { code: "0000-0000".into(), ..good() }).await;
    check(&error, ErrorCode::NotAllowed, "bad_code", Some("code"));
    check(&fail(Join { name: None, ..good() }).await, ErrorCode::NotAllowed, "identity_refused", None);

    let other = Node::server("Hero").invite(Role::Customer).await.address;
    let (_, host) = invitation.address.split_once('@').unwrap();
    let (project, _) = other.split_once('@').unwrap();
    let error = fail(Join { address: format!("{project}@{host}"), ..good() }).await;
    check(&error, ErrorCode::NotAllowed, "other_project", None);

    device.call(good()).await;
    check(&fail(good()).await, ErrorCode::Conflict, "already_joined", None);
}

#[tokio::test]
async fn new_address_goes_before_what_was_known_and_joins_nothing() {
    let world = World::new().await;
    let device = &world.customer;
    let known = device.call(List {}).await.projects.remove(0);
    let relocate = |address: String| Relocate { address, project: None };
    let whole = format!("assist://{}@[400::7]:9471", known.id);
    let opened = device.call(Open { link: whole.clone(), check: None }).await;
    assert_eq!((opened.outcome, opened.is_elsewhere), (LinkOutcome::AlreadyJoined, true));
    assert_eq!(
        device.call(List {}).await.projects[0].addresses,
        known.addresses,
        "a link alone moves nothing"
    );

    let told = device.call(relocate(whole.clone())).await;
    assert_eq!(told.addresses, [vec!["[400::7]:9471".to_owned()], known.addresses.clone()].concat());
    assert!(!device.call(Open { link: whole, check: None }).await.is_elsewhere);
    let told = device.call(relocate("400::8".into())).await;
    assert_eq!(told.addresses[..2], ["400::8".to_owned(), "[400::7]:9471".to_owned()]);

    check(
        &device.fail(relocate("there".into())).await,
        ErrorCode::InvalidParams,
        "bad_address",
        Some("address"),
    );
    let other = Node::server("Hero").invite(Role::Customer).await.address;
    let error = device.fail(relocate(other.clone())).await;
    check(&error, ErrorCode::NotFound, "no_such_project", Some("project"));
    let named = Relocate { address: other, project: Some("Mycelium".into()) };
    check(&device.fail(named).await, ErrorCode::InvalidParams, "other_project", Some("address"));
}

#[tokio::test]
async fn too_many_wrong_codes_are_a_limit() {
    let (server, device) = (Node::server("Mycelium"), Node::device());
    let invitation = server.invite(Role::Customer).await;
    let wrong = Join { code: "zzzz-zzzz".into(), ..join(&invitation) };
    for _ in 0..assist_proto::limits::CODE_TRIES_MAX {
        check(&device.fail(wrong.clone()).await, ErrorCode::NotAllowed, "bad_code", Some("code"));
    }
    check(&device.fail(join(&invitation)).await, ErrorCode::Limit, "too_many_tries", None);
}

#[tokio::test]
async fn leaving_does_not_lose_work_unless_told() {
    let world = World::new().await;
    world.customer.call(Pause::default()).await;
    world.customer.file("Unsent").await;
    let leave = Leave { project: "Mycelium".into(), force: false };
    let error = world.customer.fail(leave.clone()).await;
    check(&error, ErrorCode::Conflict, "unsent_changes", None);
    assert!(error.message.starts_with("1 change has not reached the server"), "{}", error.message);
    world.customer.call(Leave { force: true, ..leave.clone() }).await;
    assert!(world.customer.call(List {}).await.projects.is_empty());
    check(&world.customer.fail(leave).await, ErrorCode::NotEnrolled, "not_joined", Some("project"));
}

#[tokio::test]
async fn the_status_counts_what_waits_and_what_is_here() {
    let world = World::new().await;
    let status = || GetStatus { project: Some("Mycelium".into()) };
    world.file("Sent").await;
    let paused = world.customer.call(Pause::default()).await;
    let connection = &paused.projects[0].connection;
    assert_eq!(connection.state, ConnectionState::Paused);
    assert!(connection.detail.contains("assist sync resume"), "{}", connection.detail);

    let unsent = world.customer.file("Unsent").await;
    let counted = &world.customer.call(status()).await.projects[0];
    assert_eq!((counted.outbox_count, counted.oldest_unsent_at_millis.is_some()), (1, true));
    assert!(counted.last_sync_at_millis.is_some());

    world.customer.call(Resume { project: Some("myc".into()) }).await;
    world.customer.wait(&[&unsent.change], WaitUntil::Server).await;
    // Two tickets and the project's own document.
    let in_step = |status: &SyncStatus| {
        let counted = &status.projects[0];
        is_online(status) && (counted.cursor, counted.head, counted.unverified) == (3, Some(3), 0)
    };
    let counted = &world.customer.until(status(), in_step).await.projects[0];
    assert_eq!((counted.outbox_count, counted.oldest_unsent_at_millis, counted.documents), (0, None, 3));
    let error = world.customer.fail(GetStatus { project: Some("Hero".into()) }).await;
    check(&error, ErrorCode::NotFound, "no_such_project", Some("project"));
}
