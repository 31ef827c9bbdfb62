//! Members and devices, as admins and their owners rule them through the server.

use assist_proto::api::device::{self, DevicePage, DeviceState};
use assist_proto::api::member::{self, RosterPage};
use assist_proto::api::project::{self, Join};
use assist_proto::api::sync::{ConnectionState, GetStatus, Pause, SyncStatus};
use assist_proto::api::user::{self, Role};
use assist_proto::api::{Done, ErrorCode};

use super::world::{Node, World, check};

fn is_online(status: &SyncStatus) -> bool {
    status.projects.iter().all(|project| project.connection.state == ConnectionState::Online)
}

fn devices(page: &DevicePage) -> Vec<(&str, DeviceState)> {
    page.devices.iter().map(|device| (device.name.as_str(), device.state)).collect()
}

/// A world with an admin's device that is connected.
async fn world() -> (World, Node) {
    let world = World::new().await;
    let admin = Node::device();
    admin.join(&world.server, Role::Admin, "Erin").await;
    for node in [&admin, &world.agent, &world.customer] {
        node.until(GetStatus::default(), is_online).await;
    }
    (world, admin)
}

async fn roster(admin: &Node) -> RosterPage {
    admin.call(member::List::default()).await
}

fn of<'a>(page: &'a RosterPage, name: &str) -> &'a member::RosterMember {
    page.members.iter().find(|member| member.name == name).unwrap()
}

#[tokio::test]
async fn roster_comes_in_windows_to_the_team_alone() {
    let (world, admin) = world().await;
    let page = roster(&admin).await;
    assert_eq!((page.members.len(), page.next_cursor.as_deref()), (4, None), "the server is a member too");
    let carla = of(&page, "Carla");
    assert_eq!(
        (carla.email.as_deref(), carla.role, carla.device_count),
        (Some("carla@example.org"), Role::Customer, 1)
    );
    assert!(of(&page, "Erin").is_self && !carla.is_self);

    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = admin.call(member::List { cursor, limit: Some(1), ..member::List::default() }).await;
        assert_eq!(page.members.len(), 1);
        seen.extend(page.members.into_iter().map(|member| member.id));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, page.members.iter().map(|member| member.id.clone()).collect::<Vec<_>>());
    assert_eq!(world.agent.call(member::List::default()).await.members.len(), 4);
    let refused = world.customer.fail(member::List::default()).await;
    check(&refused, ErrorCode::NotAllowed, "not_allowed", None);
    let wrong = member::List { cursor: Some("x".into()), ..member::List::default() };
    check(&admin.fail(wrong).await, ErrorCode::InvalidParams, "bad_id", Some("cursor"));
}

#[tokio::test]
async fn admin_invites_takes_back_changes_roles_and_removes() {
    let (world, admin) = world().await;
    let invite = |email: &str| member::Invite {
        project: None,
        role: Role::Agent,
        email: Some(email.into()),
        name: Some("Dora".into()),
    };
    check(&world.agent.fail(invite("dora@example.org")).await, ErrorCode::NotAllowed, "not_allowed", None);
    let taken = admin.call(invite("dave@example.org")).await;
    let made = admin.call(invite("dora@example.org")).await;
    let open = admin.call(member::ListInvitations::default()).await.invitations;
    assert_eq!(open.len(), 2);
    let uninvite = member::Uninvite { project: None, email: "Dave@Example.org".into() };
    admin.call(uninvite.clone()).await;
    check(&admin.fail(uninvite).await, ErrorCode::NotFound, "not_found", None);

    let dora = Node::device();
    let join = |invitation: &assist_proto::api::server::Invitation| Join {
        address: invitation.address.clone(),
        code: invitation.code.clone(),
        name: Some("Dora".into()),
        ..Join::default()
    };
    check(&dora.fail(join(&taken)).await, ErrorCode::NotAllowed, "bad_code", Some("code"));
    assert_eq!(dora.call(join(&made)).await.role, Role::Agent);

    let edit = |member: &str, role| member::Edit { project: None, member: member.into(), role };
    admin.call(edit("dora@example.org", Role::Customer)).await;
    let info = dora.until(project::Get::default(), |details| details.info.role == Role::Customer).await;
    assert_eq!(of(&roster(&admin).await, "Dora").id, info.info.user_id);
    // Themselves they cannot be demoted: nobody else could administer the project.
    check(&admin.fail(edit("me", Role::Agent)).await, ErrorCode::Conflict, "conflict", None);
    check(&admin.fail(edit("nobody@example.org", Role::Agent)).await, ErrorCode::NotFound, "not_found", None);

    admin.call(member::Remove { project: None, member: "Dora".into() }).await;
    let is_refused = |status: &SyncStatus| status.projects[0].connection.state == ConnectionState::Refused;
    dora.until(GetStatus::default(), is_refused).await;
    assert_eq!(roster(&admin).await.members.len(), 4);
}

#[tokio::test]
async fn devices_are_named_by_their_owners_and_shut_out_by_them_or_an_admin() {
    let (world, admin) = world().await;
    let phone = Node::device();
    phone.join_as(&world.server, Role::Customer, "Carla").await;
    phone.until(GetStatus::default(), is_online).await;
    let list = || device::List { member: Some("me".into()), ..device::List::default() };
    let mut own = world.customer.call(list()).await;
    own.devices.sort_by(|left, right| left.name.cmp(&right.name));
    assert_eq!(devices(&own), [("laptop", DeviceState::Online), ("phone", DeviceState::Online)]);
    assert!(own.devices[0].is_self && own.devices[0].user_name == "Carla");

    let rename = |device: Option<&str>, name: &str| device::Rename {
        project: None,
        device: device.map(str::to_owned),
        name: name.into(),
    };
    assert_eq!(world.customer.call(rename(None, " desk ")).await, Done {});
    world.customer.call(rename(Some("PHONE"), "mobile")).await;
    check(&world.customer.fail(rename(None, " ")).await, ErrorCode::InvalidParams, "bad_value", None);
    assert_eq!(world.customer.call(project::List {}).await.projects[0].device_name, "desk");
    // Not even an admin names somebody else's.
    let id = own.devices[1].id.clone();
    check(&admin.fail(rename(Some(&id), "x")).await, ErrorCode::NotFound, "not_found", None);

    let revoke = |device: &str| device::Revoke { project: None, device: device.into() };
    check(&world.agent.fail(revoke(&id)).await, ErrorCode::NotFound, "not_found", None);
    check(&world.customer.fail(revoke("watch")).await, ErrorCode::NotFound, "no_such_device", Some("device"));
    world.customer.call(revoke(&id[..20])).await;
    let is_refused = |status: &SyncStatus| status.projects[0].connection.state == ConnectionState::Refused;
    phone.until(GetStatus::default(), is_refused).await;
    let everybodys = admin.call(device::List::default()).await;
    assert_eq!(everybodys.devices.iter().filter(|device| device.state == DeviceState::Revoked).count(), 1);
}

#[tokio::test]
async fn two_devices_of_one_name_are_told_apart_by_their_ids() {
    let (world, _admin) = world().await;
    let phone = Node::device();
    phone.join_as(&world.server, Role::Customer, "Carla").await;
    let rename = device::Rename { project: None, device: None, name: "laptop".into() };
    phone.until(GetStatus::default(), is_online).await;
    phone.call(rename).await;
    let error = phone.fail(device::Revoke { project: None, device: "laptop".into() }).await;
    check(&error, ErrorCode::Conflict, "ambiguous_device", Some("device"));
    assert_eq!(error.data.nearest.len(), 2);
}

#[tokio::test]
async fn people_choose_their_own_name_and_others_hear_of_it() {
    let (world, _admin) = world().await;
    world.agent.call(user::Rename { project: None, name: "Bob".into() }).await;
    let has_name = |users: &user::Users| users.users.iter().any(|user| user.name == "Bob");
    world.agent.until(user::List::default(), has_name).await;
    let blank = user::Rename { project: None, name: String::new() };
    check(&world.agent.fail(blank).await, ErrorCode::InvalidParams, "bad_value", None);
}

#[tokio::test]
async fn what_the_server_must_be_asked_fails_at_once_while_it_is_out_of_reach() {
    let (_world, admin) = world().await;
    admin.call(Pause::default()).await;
    check(&admin.fail(member::List::default()).await, ErrorCode::Offline, "offline", None);
    let rename = user::Rename { project: None, name: "Bob".into() };
    check(&admin.fail(rename).await, ErrorCode::Offline, "offline", None);
}

#[tokio::test]
async fn server_without_mail_says_whom_to_ask_instead() {
    let (server, device) = (Node::server("Mycelium"), Node::device());
    let address = server.invite(Role::Customer).await.address;
    let request = |address: &str, email: &str| project::Request {
        address: address.into(),
        email: email.into(),
        ..project::Request::default()
    };
    let error = device.fail(request(&address, "carla@example.org")).await;
    check(&error, ErrorCode::Offline, "unavailable", None);
    assert!(error.message.contains("operator"), "{}", error.message);
    check(&device.fail(request(&address, " ")).await, ErrorCode::InvalidParams, "text_empty", Some("email"));
    check(
        &device.fail(request("hero", "a@b")).await,
        ErrorCode::InvalidParams,
        "bad_address",
        Some("address"),
    );
    let error = device.fail(project::Confirm::default()).await;
    check(&error, ErrorCode::NotFound, "no_pending_join", Some("project"));
    assert_eq!(device.call(project::ListPending {}).await.joins, []);
}
