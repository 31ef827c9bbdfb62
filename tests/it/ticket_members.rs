//! Sharing a ticket with real programs: it comes whole to a colleague, by id or by address, and goes again.

use assist_proto::api::{server, sync, ticket, user};
use assist_tests::process::{DaemonProcess, Finished};
use serde_json::Value;

fn member(server: &DaemonProcess, role: user::Role, name: &str) -> DaemonProcess {
    let device = DaemonProcess::device();
    device.join(server, role, name);
    device.until_connection(sync::ConnectionState::Online);
    device
}

fn until_shown(device: &DaemonProcess, ticket: &str) -> ticket::Ticket {
    device.until("the ticket", |client| {
        let get = ticket::Get { ticket: ticket.into(), ..ticket::Get::default() };
        client.call(&get).ok().filter(|seen| seen.row.is_loaded)
    })
}

fn until_none(device: &DaemonProcess) {
    device.until("no ticket", |client| {
        (client.call(&ticket::List::default()).unwrap().total == 0).then_some(())
    });
}

fn refused(finished: &Finished, code: i32, words: &str) {
    assert_eq!(finished.code, Some(code), "{finished:?}");
    assert!(finished.stderr.contains(words), "{finished:?}");
}

fn states(device: &DaemonProcess, ticket: &str) -> Vec<String> {
    let listed = device.assist_ok(["ticket", "member", "list", ticket, "--json=state"]);
    let listed: Vec<Value> = serde_json::from_str(&listed).unwrap();
    listed.iter().map(|member| member["state"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn ticket_is_shared_with_a_colleague_and_taken_back() {
    let server = DaemonProcess::server("hero");
    let carla = member(&server, user::Role::Customer, "Carla");
    let bob = member(&server, user::Role::Customer, "Bob");
    let amir = member(&server, user::Role::Agent, "Amir");
    let filed = carla.assist_ok(["ticket", "new", "-t", "It hums", "-b", "All day.", "--wait=server"]);
    let id = filed.trim();
    carla.assist_ok(["ticket", "comment", id, "-b", "And all night.", "--wait=server"]);
    refused(&bob.assist(["ticket", "member", "list", id]), 3, "no ticket");

    let bobs = bob.call(&assist_proto::api::project::List {}).projects.remove(0).user_id;
    carla.assist_ok(["ticket", "member", "add", id, &bobs]);
    let seen = until_shown(&bob, id);
    assert_eq!((seen.body.as_str(), seen.comments.len()), ("All day.", 1), "whole");
    bob.assist_ok(["ticket", "comment", id, "-b", "Here too.", "--wait=server"]);
    assert_eq!(states(&carla, id), ["requester", "member"]);
    refused(&bob.assist(["ticket", "member", "remove", id, "carla@example.org"]), 4, "only the team");

    amir.until("the ticket", |client| {
        let get = ticket::Get { ticket: id.into(), ..ticket::Get::default() };
        client.call(&get).ok().filter(|seen| seen.comments.len() == 2)
    });
    amir.assist_ok(["ticket", "member", "remove", id, "Bob"]);
    until_none(&bob);
    carla.assist_ok(["ticket", "member", "add", id, &bobs]);
    until_shown(&bob, id);
    bob.assist_ok(["ticket", "member", "remove", id, "me"]);
    until_none(&bob);
}

#[test]
fn address_that_is_nobodys_yet_sees_the_ticket_when_it_joins() {
    let mut server = DaemonProcess::server("hero");
    let carla = member(&server, user::Role::Customer, "Carla");
    let filed = carla.assist_ok(["ticket", "new", "-t", "It hums", "-b", "All day.", "--wait=server"]);
    let id = filed.trim();
    carla.assist_ok(["ticket", "member", "add", id, "dora@example.org"]);
    assert_eq!(states(&carla, id), ["requester", "invited"]);
    let dora = DaemonProcess::device();
    let invitation = server.call(&server::Invite {
        role: user::Role::Customer,
        email: Some("dora@example.org".into()),
        name: Some("Dora".into()),
    });
    dora.assist_ok(["project", "join", &invitation.address, "--code", &invitation.code]);
    assert_eq!(until_shown(&dora, id).body, "All day.");
    server.stop();
    carla.until("offline", |client| {
        let status = client.call(&sync::GetStatus::default()).unwrap();
        (status.projects[0].connection.state != sync::ConnectionState::Online).then_some(())
    });
    refused(&carla.assist(["ticket", "member", "list", id]), 1, "server");
}
