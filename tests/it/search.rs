//! Search with real programs: what was revoked is neither found nor counted, and what was written is found after a kill.

use assist_proto::api::{project, search, sync, ticket, user};
use assist_proto::client::Client;
use assist_tests::process::DaemonProcess;
use serde_json::Value;

fn member(server: &DaemonProcess, role: user::Role, name: &str) -> DaemonProcess {
    let device = DaemonProcess::device();
    device.join(server, role, name);
    device.until_connection(sync::ConnectionState::Online);
    device
}

fn count(client: &mut Client, query: &str) -> u64 {
    let query = search::Query { query: query.into(), ..search::Query::default() };
    client.call(&query).unwrap().total
}

fn until_found(device: &DaemonProcess, query: &str, total: u64) {
    device.until(query, |client| (count(client, query) == total).then_some(()));
}

#[test]
fn what_was_revoked_is_neither_found_nor_counted() {
    let server = DaemonProcess::server("hero");
    let carla = member(&server, user::Role::Customer, "Carla");
    let mut bob = member(&server, user::Role::Customer, "Bob");
    bob.assist_ok(["ticket", "new", "-t", "Mine hums too", "-b", "A kazoo.", "--wait=server"]);
    let filed = carla.assist_ok(["ticket", "new", "-t", "It hums", "-b", "A kazoo.", "--wait=server"]);
    let id = filed.trim();
    carla.assist_ok(["ticket", "comment", id, "-b", "The canaryword is xylophone.", "--wait=server"]);
    until_found(&bob, "canaryword", 0);
    let bobs = bob.call(&project::List {}).projects.remove(0).user_id;
    carla.assist_ok(["ticket", "member", "add", id, &bobs]);
    until_found(&bob, "canaryword", 1);
    until_found(&bob, "kazoo", 2);
    // Whether the index has it yet or not, it is gone in the turn that takes the ticket away.
    for restarts in [false, true] {
        if restarts {
            carla.assist_ok(["ticket", "member", "add", id, &bobs]);
            until_found(&bob, "canaryword", 1);
            bob.stop();
            bob.start();
            bob.until_connection(sync::ConnectionState::Online);
            until_found(&bob, "canaryword", 1);
        }
        carla.assist_ok(["ticket", "member", "remove", id, &bobs]);
        bob.until("no ticket", |client| {
            (client.call(&ticket::List::default()).unwrap().total == 1).then_some(())
        });
        let mut client = bob.client();
        for (query, total) in [
            ("canaryword", 0),
            ("canarywort", 0),
            ("canary*", 0),
            ("\"canaryword is xylophone\"", 0),
            ("hums", 1),
            ("kazoo", 1),
            ("kazoo is:open", 1),
            ("-kazoo", 0),
        ] {
            assert_eq!(count(&mut client, query), total, "{query} {restarts}");
        }
        let listed = bob.assist_ok(["ticket", "list", "canaryword", "--json=id"]);
        assert_eq!(serde_json::from_str::<Vec<Value>>(&listed).unwrap().len(), 0);
    }
    until_found(&carla, "canaryword", 1);
}

#[test]
fn what_was_written_is_found_after_a_kill() {
    let server = DaemonProcess::server("hero");
    let mut carla = member(&server, user::Role::Customer, "Carla");
    for round in 0..6 {
        let filed = carla.assist_ok(["ticket", "new", "-t", &format!("Round{round} hums"), "-b", "A kazoo."]);
        carla.assist_ok(["ticket", "comment", filed.trim(), "-b", &format!("It is number{round}word.")]);
        // At different moments of the indexer's work.
        carla.until("the round", |client| (count(client, "kazoo") == round + 1).then_some(()));
        carla.kill();
        carla.start();
        for past in 0..=round {
            until_found(&carla, &format!("\"number{past}word\" round{past}"), 1);
        }
        until_found(&carla, "hums", round + 1);
    }
    carla.kill();
    std::fs::remove_dir_all(carla.home().join("search")).unwrap();
    carla.start();
    until_found(&carla, "kazoo", 6);
}

#[test]
fn the_command_line_shows_what_was_found_and_points_at_what_is_wrong() {
    let server = DaemonProcess::server("hero");
    let carla = member(&server, user::Role::Customer, "Carla");
    carla.assist_ok(["ticket", "new", "-t", "It hums", "-b", "A kazoo\nplays at noon."]);
    let plain = carla.assist_ok(["search", "\"plays at\" is:open"]);
    let values: Vec<&str> = plain.trim_end().split('\t').collect();
    assert_eq!((values[2], values[4], values[5]), ("open", "It hums", "A kazoo plays at noon."));
    let found: Value = serde_json::from_str(&carla.assist_ok(["search", "kazoos", "--json"])).unwrap();
    assert_eq!(found["total"], 1);
    assert_eq!(found["results"][0]["snippets"][0]["highlights"][0]["start"], 2);
    let refused = carla.assist(["search", "is:open lable:crash"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("        ^^^^^"), "{}", refused.stderr);
    assert_eq!(carla.assist_ok(["search", "zither"]), "");
}
