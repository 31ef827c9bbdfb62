//! What the verbs of `note` ask of the daemon and print.

use serde_json::{Value, json};

use crate::fake_daemon::{FakeDaemon, ticket_ref};

const ID: &str = "9v3kq0ta00000000000000000a";

fn note(id: &str, body: &str) -> Value {
    json!({
        "id": id, "author": { "id": "a", "name": "Carol", "role": "agent" }, "created_at_millis": 1_000,
        "body": body, "reply_to": null, "edited_at_millis": null, "is_deleted": false,
        "attachments": [], "state": "on_server", "losing_bodies": [], "change": "c",
    })
}

fn daemon() -> FakeDaemon {
    FakeDaemon::new(|method, _| match method {
        "note.list" => Ok(json!({
            "notes": [note("01aaaaaaaaaaaaaaaaaaaaaaaa", "One\ttwo"), note("01abbbbbbbbbbbbbbbbbbbbbbb", "Three")],
            "total": 2,
        })),
        _ => Ok(json!({ "ticket": ticket_ref(ID, Some(142), "t"), "note": "new", "change": "c" })),
    })
}

#[test]
fn a_note_is_added_and_its_id_printed() {
    let daemon = daemon();
    let ran = daemon.run(&["note", "add", "142", "-b", "Between us.", "--reply-to", "01AB"]);
    assert_eq!((ran.exit_code, ran.stdout.as_str()), (0, "new\n"));
    let (method, params) = daemon.calls().pop().unwrap();
    assert_eq!(
        (method.as_str(), &params["ticket"], &params["body"]),
        ("note.add", &json!("#142"), &json!("Between us."))
    );
    assert_eq!(params["reply_to"], json!("01abbbbbbbbbbbbbbbbbbbbbbb"));
}

#[test]
fn notes_are_a_line_each_for_scripts_and_whole_for_people() {
    let daemon = daemon();
    let ran = daemon.run(&["note", "list", "142"]);
    let first = ran.stdout.lines().next().unwrap();
    let cells: Vec<&str> = first.split('\t').collect();
    assert_eq!(
        (cells[0], cells[2], cells[4], cells[8]),
        ("01aaaaaaaaaaaaaaaaaaaaaaaa", "Carol", "on_server", "One two")
    );
    assert_eq!(ran.stdout.lines().count(), 2);
    let ran = daemon.run_on_terminal(&["note", "list", "142"]);
    assert!(ran.stdout.contains("Carol") && ran.stdout.contains("Three"), "{}", ran.stdout);
    assert_eq!(daemon.run(&["note", "list", "142", "--json=id"]).exit_code, 0);
}

#[test]
fn a_note_is_named_by_the_beginning_of_its_id() {
    let daemon = daemon();
    assert_eq!(daemon.run(&["note", "edit", "142", "01ab", "-b", "Four"]).exit_code, 0);
    let (method, params) = daemon.calls().pop().unwrap();
    assert_eq!((method.as_str(), &params["note"]), ("note.edit", &json!("01abbbbbbbbbbbbbbbbbbbbbbb")));
    assert_eq!(daemon.run(&["note", "delete", "142", "01a"]).exit_code, 6);
    assert_eq!(daemon.run(&["note", "delete", "142", "zz"]).exit_code, 3);
}

#[test]
fn waiting_for_a_delivery_that_cannot_be_is_refused_before_anything_is_written() {
    let daemon = daemon();
    let ran = daemon.run(&["note", "add", "142", "-b", "x", "--wait=delivered"]);
    assert_eq!(ran.exit_code, 2);
    assert!(daemon.calls().is_empty(), "nothing was asked of the daemon");
}
