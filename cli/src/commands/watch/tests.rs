//! Lines of `watch`, event by event.

use serde_json::{Value, json};

use crate::fake_daemon::{FakeDaemon, ticket_ref};

fn changed(id: &str, project: &str) -> Value {
    let mut ticket = ticket_ref("abcdefghjkmnpqrstvwxyz0123", Some(142), "the printer burns");
    ticket["project"] = json!(project);
    json!({ "id": id, "event": "ticket.changed", "ticket": ticket, "cause": "remote", "actor": "Bob" })
}

fn daemon(streams: Vec<Vec<Value>>) -> FakeDaemon {
    FakeDaemon::with_events(|_, _| panic!("no call is needed"), streams)
}

#[test]
fn events_are_lines_of_json_and_the_count_ends_them() {
    let event = changed("r-1", "p");
    let daemon = daemon(vec![vec![event.clone(), changed("r-2", "p")]]);
    let ran = daemon.run(&["watch", "--jsonl", "-n", "1"]);
    assert_eq!(ran.exit_code, 0);
    assert_eq!(serde_json::from_str::<Value>(&ran.stdout).unwrap(), event);
    assert_eq!(daemon.followers(), [""]);
}

#[test]
fn events_are_tab_separated_for_scripts() {
    let daemon = daemon(vec![vec![changed("r-1", "p")]]);
    let ran = daemon.run(&["watch", "-n", "1"]);
    assert_eq!(
        ran.stdout,
        "r-1\tticket.changed\tp\tabcdefghjkmnpqrstvwxyz0123\tremote\tBob\tthe printer burns\n"
    );
}

#[test]
fn events_are_sentences_for_people() {
    let refused = json!({
        "id": "r-2", "event": "draft.added", "project": "p", "draft": "d".repeat(52), "ticket": null,
        "message": "only agents may\u{1b}[0m",
    });
    let waiting = json!({
        "id": "r-3", "event": "device.added", "project": "p", "device": "e".repeat(52), "name": "phone",
        "is_waiting": true,
    });
    let settled = json!({ "id": "r-4", "event": "draft.removed", "project": "p", "draft": "d".repeat(52) });
    let daemon = daemon(vec![vec![changed("r-1", "p"), refused, waiting, settled]]);
    let ran = daemon.run_on_terminal(&["watch", "-n", "4"]);
    assert!(ran.stdout.contains("phone waits to be let in"), "{}", ran.stdout);
    assert!(ran.stdout.contains("`assist device approve eeeeeeeeee`"), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("draft dddddddddd is settled\n"), "{}", ran.stdout);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines[0].ends_with("  #142 the printer burns changed by Bob"), "{}", ran.stdout);
    assert!(
        lines[1].ends_with("  kept: only agents may<U+001B>[0m; see `assist draft show dddddddddd`"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_restarted_daemon_is_found_again_and_asked_for_what_came_meanwhile() {
    let daemon = daemon(vec![vec![changed("r-1", "p")], vec![changed("r-2", "p")]]);
    let ran = daemon.run(&["watch", "--since", "r-0", "-n", "2"]);
    assert_eq!(ran.stdout.lines().count(), 2, "{}", ran.stdout);
    assert_eq!(daemon.followers(), ["r-0", "r-1"]);
    assert!(ran.stderr.contains("the daemon is back"), "{}", ran.stderr);
}

#[test]
fn with_a_project_only_its_events_are_shown() {
    let daemon = FakeDaemon::with_events(
        |method, _| {
            assert_eq!(method, "project.get");
            Ok(json!({
                "id": "wanted", "name": "hero", "addresses": [], "role": "agent", "user_id": "u", "user_name": "Bob",
                "device_name": "box", "unread_count": null, "cold_start": null, "labels": [], "canned_replies": [],
                "connection": { "state": "online", "since_millis": 1, "detail": "" },
            }))
        },
        vec![vec![changed("r-1", "other"), changed("r-2", "wanted")]],
    );
    let ran = daemon.run(&["-P", "hero", "watch", "-n", "1", "--jsonl=id"]);
    assert_eq!(ran.stdout, "{\"id\":\"r-2\"}\n");
}

#[test]
fn one_document_of_what_never_ends_is_refused() {
    let daemon = daemon(vec![]);
    assert_eq!(daemon.run(&["watch", "--json"]).exit_code, 2);
    assert_eq!(daemon.run(&["watch", "--jsonl=nope"]).exit_code, 2);
    assert!(daemon.followers().is_empty());
}
