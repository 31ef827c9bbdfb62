//! The server's methods, and the daemon's own.

use std::time::Duration;

use assist_proto::api::daemon::{self, DaemonRole};
use assist_proto::api::server::{GetStatus, Invite, MemberDevice, MemberList, Members};
use assist_proto::api::sync::{self, ConnectionState, Pause, Resume};
use assist_proto::api::user::Role;
use assist_proto::api::{API_VERSION, ErrorCode};

use super::world::{Node, World, check};

fn invite(role: Role, email: Option<&str>, name: Option<&str>) -> Invite {
    Invite { role, email: email.map(str::to_owned), name: name.map(str::to_owned) }
}

#[tokio::test]
async fn a_server_counts_its_project() {
    let world = World::new().await;
    world.file("Ticket").await;
    let status = world.server.until(GetStatus {}, |status| status.connected_count == 2).await;
    assert_eq!((status.name.as_str(), status.ticket_count, status.head), ("Mycelium", 1, 2));
    // With the server's own.
    assert_eq!((status.member_count, status.device_count), (3, 3));
    assert!(status.address.starts_with(&format!("assist://{}@127.0.0.1:", status.project)));
    assert_eq!((status.listening_on.len(), status.log_id.len()), (1, 26));
}

#[tokio::test]
async fn whoever_asks_first_behind_a_start_is_told_how_things_stand() {
    let world = World::new().await;
    world.customer.call(Pause::default()).await;
    world.customer.file("Waits").await;
    let customer = world.customer.restart().await;
    let projects = customer.call(sync::GetStatus::default()).await.projects;
    assert_eq!((projects[0].connection.state, projects[0].outbox_count), (ConnectionState::Paused, 1));
    let server = world.server.restart().await;
    assert_eq!(server.call(GetStatus {}).await.name, "Mycelium");
}

#[tokio::test]
async fn the_roster_comes_in_windows_by_name() {
    let world = World::new().await;
    let roster = world.server.call(Members::default()).await;
    let names: Vec<_> = roster.members.iter().map(|member| (member.name.as_str(), member.role)).collect();
    assert_eq!(names, [("Arno", Role::Agent), ("Carla", Role::Customer), ("Mycelium", Role::Admin)]);
    let carla = &roster.members[1];
    assert_eq!((carla.email.as_str(), carla.devices.len()), ("carla@example.org", 1));
    let device = &carla.devices[0];
    assert_eq!((device.name.as_str(), device.is_revoked), ("laptop", false));
    assert!(device.enrolled_at_millis > 1_600_000_000_000);
    assert_eq!(roster.members[2].email, "", "the server itself has none");

    let window = world.server.call(Members { offset: 1, limit: Some(1) }).await;
    let ids: Vec<&str> = window.members.iter().map(|member| member.id.as_str()).collect();
    assert_eq!((ids.as_slice(), window.total), ([carla.id.as_str()].as_slice(), 3));
    let error = world.server.fail(Members { offset: 0, limit: Some(501) }).await;
    check(&error, ErrorCode::InvalidParams, "page_too_large", Some("limit"));
}

/// The only device of a member, as the roster shows it.
fn device_of<'a>(roster: &'a MemberList, name: &str) -> &'a MemberDevice {
    &roster.members.iter().find(|member| member.name == name).unwrap().devices[0]
}

#[tokio::test]
async fn the_roster_says_who_is_connected_and_when_the_others_were() {
    let world = World::new().await;
    let server = world.server;
    let is_connected = |roster: &MemberList, name: &str| device_of(roster, name).is_connected;
    let roster = server
        .until(Members::default(), |roster| is_connected(roster, "Carla") && is_connected(roster, "Arno"))
        .await;
    assert!(is_connected(&roster, "Mycelium"), "the server itself is there");
    let joined_at = device_of(&roster, "Carla").enrolled_at_millis;
    let first_seen_at = device_of(&roster, "Carla").last_seen_at_millis.unwrap();
    assert!(first_seen_at >= joined_at);

    world.customer.stop().await;
    let roster = server.until(Members::default(), |roster| !is_connected(roster, "Carla")).await;
    let left_at = device_of(&roster, "Carla").last_seen_at_millis.unwrap();
    assert!(left_at >= first_seen_at, "{left_at} is when she left");
    assert!(is_connected(&roster, "Arno"));
    assert!(device_of(&roster, "Arno").last_seen_at_millis.unwrap() >= left_at, "still there");

    // A server that stops has noted whom it had then.
    world.agent.call(Pause::default()).await;
    let roster = server.until(Members::default(), |roster| !is_connected(roster, "Arno")).await;
    let paused_at = device_of(&roster, "Arno").last_seen_at_millis.unwrap();
    world.agent.call(Resume::default()).await;
    server.until(Members::default(), |roster| is_connected(roster, "Arno")).await;
    let server = server.restart().await;
    let roster = server.call(Members::default()).await;
    assert_eq!(device_of(&roster, "Carla").last_seen_at_millis, Some(left_at));
    assert!(device_of(&roster, "Arno").last_seen_at_millis.unwrap() >= paused_at);
}

#[tokio::test]
async fn invitations_are_grouped_and_refused_for_a_reason() {
    let world = World::new().await;
    let invitation = world.server.invite(Role::Agent).await;
    assert_eq!((invitation.code.len(), &invitation.code[4..5], invitation.role), (9, "-", Role::Agent));
    assert!(invitation.expires_at_millis > 1_600_000_000_000);
    let fail = async |params: Invite| world.server.fail(params).await;
    let error = fail(invite(Role::Agent, Some("no address"), None)).await;
    check(&error, ErrorCode::InvalidParams, "bad_email", Some("email"));
    let error = fail(invite(Role::Agent, None, Some("\n"))).await;
    check(&error, ErrorCode::InvalidParams, "bad_name", Some("name"));
    let error = fail(invite(Role::Agent, Some("carla@example.org"), None)).await;
    check(&error, ErrorCode::Conflict, "other_role", Some("role"));
}

#[tokio::test]
async fn a_device_says_where_the_server_methods_are_answered() {
    let device = Node::device();
    let errors = [
        device.fail(GetStatus {}).await,
        device.fail(invite(Role::Agent, None, None)).await,
        device.fail(Members::default()).await,
    ];
    for error in errors {
        check(&error, ErrorCode::NotAllowed, "not_a_server", None);
        assert!(error.message.contains("assistd server init"));
    }
}

#[tokio::test]
async fn a_daemon_says_which_it_is() {
    let (server, device) = (Node::server("Mycelium"), Node::device());
    let status = server.call(daemon::GetStatus {}).await;
    assert_eq!(status.roles, [DaemonRole::Device, DaemonRole::Server]);
    let status = device.call(daemon::GetStatus {}).await;
    assert_eq!((status.roles, status.api_version.as_str()), (vec![DaemonRole::Device], API_VERSION));
    assert_eq!((status.pid, status.device_id.len()), (std::process::id(), 52));
    assert!(status.store_size_bytes > 0);
}

#[tokio::test]
async fn a_stopped_daemon_answers_first_and_takes_nothing_more() {
    let device = Node::device();
    device.call(daemon::Stop {}).await;
    let ended = tokio::time::timeout(Duration::from_secs(10), device.ended()).await;
    assert!(ended.is_ok());
    let error = device.fail(Pause::default()).await;
    check(&error, ErrorCode::Internal, "not_stored", None);
    device.stop().await;
}
