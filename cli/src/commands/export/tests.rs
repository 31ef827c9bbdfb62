//! How tickets are asked for, and what becomes of answers that are too large.

use assist_proto::api::ApiError;
use serde_json::{Value, json};

use super::csv::HEAD;
use crate::fake_daemon::{FakeDaemon, ticket_row};

/// Ids of as many tickets as are listed.
fn id(index: usize) -> String {
    format!("t{index:025}")
}

/// What stands of a ticket whose document has not come yet.
fn ticket(id: &str) -> Value {
    let mut ticket = ticket_row(id, None, "It burns");
    let rest = json!({ "is_loaded": false, "body": "", "comments": [], "conflicts": [] });
    ticket.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    ticket
}

fn project() -> Value {
    json!({
        "id": "p".repeat(52), "name": "hero", "addresses": [], "role": "agent", "user_id": "u", "user_name": "Amir",
        "device_name": "d", "unread_count": 0, "connection": { "state": "online", "since_millis": 0, "detail": "" },
        "cold_start": null, "labels": [], "canned_replies": [],
    })
}

/// A daemon that has some tickets and collects them as `collect` says.
fn daemon(
    tickets: usize,
    collect: impl Fn(&[String]) -> Result<Vec<String>, ApiError> + Send + Sync + 'static,
) -> FakeDaemon {
    FakeDaemon::new(move |method, params| {
        Ok(match method {
            "project.list" => json!({ "projects": [project()] }),
            "project.get" => project(),
            "user.list" => json!({ "users": [] }),
            "draft.list" => json!({ "drafts": [] }),
            "ticket.list" => {
                let rows: Vec<Value> =
                    (0..tickets).map(|index| ticket_row(&id(index), None, "It burns")).collect();
                json!({ "tickets": rows, "total": tickets, "next_cursor": null })
            }
            "ticket.collect" => {
                let asked: Vec<String> = serde_json::from_value(params["tickets"].clone()).unwrap();
                let tickets = collect(&asked)?;
                json!({ "tickets": tickets.iter().map(|id| json!({ "ticket": ticket(id) })).collect::<Vec<_>>() })
            }
            "ticket.get" => ticket(params["ticket"].as_str().unwrap()),
            "note.list" => json!({ "notes": [], "total": 0 }),
            "ticket.history" => json!({ "changes": [], "total": 0 }),
            "attachment.list" => json!({ "attachments": [] }),
            other => panic!("{other} was called"),
        })
    })
}

/// Exports, and gives the ids of the rows and how often each method was called.
fn export(daemon: &FakeDaemon) -> (Vec<String>, impl Fn(&str) -> usize) {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("all");
    let ran = daemon.run(&["export", target.to_str().unwrap()]);
    assert_eq!(ran.exit_code, 0, "{}", ran.stderr);
    let rows = std::fs::read_to_string(target.join("hero/tickets.csv")).unwrap();
    let rows = rows.strip_prefix(HEAD).unwrap().lines().map(|row| row[..26].to_owned()).collect();
    let calls = daemon.calls();
    (rows, move |method: &str| calls.iter().filter(|(called, _)| called == method).count())
}

#[test]
fn tickets_are_collected_in_batches_and_written_in_the_order_of_the_list() {
    let daemon = daemon(101, |asked| Ok(asked.to_vec()));
    let (rows, calls) = export(&daemon);
    assert_eq!(rows, (0..101).map(id).collect::<Vec<_>>());
    assert_eq!((calls("ticket.collect"), calls("ticket.get")), (6, 0));
}

#[test]
fn what_an_answer_leaves_out_is_asked_for_again() {
    let daemon = daemon(30, |asked| Ok(asked[..asked.len().min(7)].to_vec()));
    let (rows, calls) = export(&daemon);
    assert_eq!(rows, (0..30).map(id).collect::<Vec<_>>());
    assert_eq!((calls("ticket.collect"), calls("ticket.get")), (5, 0));
}

#[test]
fn a_ticket_that_is_too_large_for_one_answer_is_fetched_in_pieces() {
    let daemon = daemon(3, |asked| match asked.first() {
        Some(first) if *first == id(1) => Err(ApiError::limit("reply_too_large", "too large")),
        _ => Ok(vec![asked[0].clone()]),
    });
    let (rows, calls) = export(&daemon);
    assert_eq!(rows, (0..3).map(id).collect::<Vec<_>>());
    assert_eq!((calls("ticket.collect"), calls("ticket.get"), calls("ticket.history")), (3, 1, 1));
}

#[test]
fn any_other_error_ends_the_export() {
    let daemon = daemon(101, |_| Err(ApiError::not_found("no_such_ticket", "it is not here any more")));
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("all");
    let ran = daemon.run(&["export", target.to_str().unwrap()]);
    assert_eq!(ran.exit_code, 3, "{}", ran.stderr);
    assert!(!target.join("manifest.jsonl").exists(), "an export that is not whole has no list");
}
