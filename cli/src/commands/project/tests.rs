//! Joining, and the people and devices of a project, against a daemon that is made up.

use assist_proto::api::ApiError;
use serde_json::{Value, json};

use crate::fake_daemon::FakeDaemon;

fn pending(is_waiting: bool) -> Value {
    json!({
        "project": "p".repeat(52), "name": "hero", "email": "me@example.org", "device": "d".repeat(52),
        "device_name": "laptop", "check": "7k2m", "asked_at_millis": 1_000, "is_waiting": is_waiting,
    })
}

#[test]
fn without_a_code_one_is_mailed() {
    let daemon = FakeDaemon::always(pending(false));
    let args = ["project", "join", "assist://x@host", "--email", "me@example.org", "--device-name", "laptop"];
    assert_eq!(daemon.run(&args).stdout, "p".repeat(52) + "\n");
    let (method, params) = daemon.calls().remove(0);
    assert_eq!(method, "project.request");
    assert_eq!(
        params,
        json!({ "address": "assist://x@host", "email": "me@example.org", "name": null, "device_name": "laptop" })
    );
    let ran = daemon.run_on_terminal(&args);
    assert!(ran.stdout.contains("on its way to me@example.org"), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("assist project confirm <code>") && ran.stdout.contains("7k2m"),
        "{}",
        ran.stdout
    );
}

#[test]
fn new_address_is_told_to_the_daemon_and_what_is_known_to_the_person() {
    let daemon = FakeDaemon::always(json!({
        "id": "p".repeat(52), "name": "hero", "addresses": ["[400::1]:9470", "[400::2]:9470"], "role": "customer",
        "user_id": "u".repeat(26), "user_name": "Carla", "device_name": "laptop", "unread_count": 0,
        "connection": { "state": "connecting", "since_millis": 1_000, "detail": "connecting" }, "cold_start": null,
    }));
    let args = ["-P", "hero", "project", "relocate", "400::1"];
    assert_eq!(daemon.run(&args).stdout, "p".repeat(52) + "\n");
    let (method, params) = daemon.calls().remove(0);
    assert_eq!(
        (method.as_str(), params),
        ("project.relocate", json!({ "address": "400::1", "project": "hero" }))
    );
    let ran = daemon.run_on_terminal(&args);
    assert!(ran.stdout.contains("at [400::1]:9470, then [400::2]:9470"), "{}", ran.stdout);
}

#[test]
fn device_that_waits_is_told_which_command_lets_it_in() {
    let daemon = FakeDaemon::always(json!({ "joined": null, "waiting": pending(true) }));
    assert_eq!(daemon.run(&["project", "confirm", "7k2m-0000"]).stdout, "p".repeat(52) + "\twaiting\n");
    let ran = daemon.run_on_terminal(&["-P", "hero", "project", "confirm"]);
    assert!(ran.stdout.contains("assist device approve dddddddd\n"), "{}", ran.stdout);
    let calls = daemon.calls();
    assert_eq!(calls[0].1, json!({ "project": null, "code": "7k2m-0000" }));
    assert_eq!(calls[1].1, json!({ "project": "hero", "code": null }));
}

#[test]
fn wishes_say_that_they_came_true_and_print_nothing() {
    let daemon = FakeDaemon::always(json!({}));
    for (args, method, params) in [
        (&["user", "rename", "Al"][..], "user.rename", json!({ "project": null, "name": "Al" })),
        (
            &["member", "set-role", "a@b", "admin"],
            "member.edit",
            json!({ "project": null, "member": "a@b", "role": "admin" }),
        ),
        (&["member", "remove", "a@b"], "member.remove", json!({ "project": null, "member": "a@b" })),
        (&["member", "uninvite", "a@b"], "member.uninvite", json!({ "project": null, "email": "a@b" })),
        (
            &["device", "rename", "box", "--device", "old"],
            "device.rename",
            json!({ "project": null, "device": "old", "name": "box" }),
        ),
        (&["device", "revoke", "old"], "device.revoke", json!({ "project": null, "device": "old" })),
        (&["device", "approve", "new"], "device.approve", json!({ "project": null, "device": "new" })),
        (&["device", "reject", "new"], "device.reject", json!({ "project": null, "device": "new" })),
    ] {
        let ran = daemon.run(args);
        assert_eq!((ran.exit_code, ran.stdout.as_str()), (0, ""), "{args:?}: {}", ran.stderr);
        assert!(!ran.stderr.is_empty(), "{args:?}");
        assert_eq!(daemon.calls().pop().unwrap(), (method.to_owned(), params));
    }
}

#[test]
fn roster_is_gathered_window_by_window_and_sorted_by_name() {
    let member = |id: &str, name: &str| {
        json!({
            "id": id, "name": name, "email": null, "role": "agent", "joined_at_millis": 0, "device_count": 2,
            "waiting_count": 1, "is_self": id == "b",
        })
    };
    let daemon = FakeDaemon::new(move |_, params| {
        Ok(match params["cursor"].as_str() {
            None => json!({ "members": [member("a", "Zoe")], "next_cursor": "a" }),
            Some(_) => json!({ "members": [member("b", "Amir")], "next_cursor": null }),
        })
    });
    assert_eq!(
        daemon.run(&["member", "list"]).stdout,
        "b\tAmir\t\tagent\t1970-01-01T00:00:00.000Z\t2\t1\ttrue\na\tZoe\t\tagent\t1970-01-01T00:00:00.000Z\t2\t1\tfalse\n"
    );
    assert!(daemon.run_on_terminal(&["member", "list"]).stdout.contains("Amir (you)"));
}

#[test]
fn ones_own_devices_are_listed_unless_told_and_what_waits_comes_first() {
    let device = |id: &str, state: &str| {
        json!({
            "id": id, "name": id, "user_id": "u", "user_name": "Amir", "state": state, "since_millis": 0,
            "is_self": false,
        })
    };
    let page = json!({ "devices": [device("a", "online"), device("z", "waiting")], "next_cursor": null });
    let daemon = FakeDaemon::always(page);
    let ran = daemon.run(&["device", "list"]);
    assert!(ran.stdout.starts_with("z\tz\tu\tAmir\twaiting\t"), "{}", ran.stdout);
    daemon.run(&["device", "list", "--all"]);
    daemon.run(&["device", "list", "--member", "a@b"]);
    let whose: Vec<Value> = daemon.calls().iter().map(|(_, params)| params["member"].clone()).collect();
    assert_eq!(whose, [json!("me"), Value::Null, json!("a@b")]);
}

#[test]
fn server_out_of_reach_is_a_failure_with_a_hint() {
    let daemon = FakeDaemon::refusing(ApiError::offline("offline", "not connected"));
    let ran = daemon.run(&["member", "list"]);
    assert_eq!(ran.exit_code, 1);
    assert!(ran.stderr.contains("assist sync status"), "{}", ran.stderr);
}
