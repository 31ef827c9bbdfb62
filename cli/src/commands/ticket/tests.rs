//! Commands on tickets, against a daemon that is made up.

use assist_proto::api::ApiError;
use assist_proto::api::ticket::Patch;
use serde_json::{Value, json};

use super::work::{past_time, wake_time};
use super::{first_line, moment, reference};
use crate::fake_daemon::{FakeDaemon, ticket_ref, ticket_row};

const ID: &str = "abcdefghjkmnpqrstvwxyz0123";

fn written() -> Value {
    json!({ "ticket": ticket_ref(ID, Some(142), "the printer burns"), "change": "c".repeat(52) })
}

#[test]
fn a_filed_ticket_is_its_id_to_a_script_and_named_to_a_person() {
    let daemon = FakeDaemon::always(written());
    assert_eq!(daemon.run(&["ticket", "new", "-t", "x", "-b", "y"]).stdout, format!("{ID}\n"));
    let ran = daemon.run_on_terminal(&["ticket", "new", "-t", "x", "-b", "y"]);
    assert_eq!(ran.stdout, "filed #142 the printer burns\n");
}

#[test]
fn a_filed_ticket_sends_what_was_given() {
    let daemon = FakeDaemon::always(written());
    daemon.run(&[
        "-P",
        "hero",
        "ticket",
        "new",
        "-b",
        "\n  first line \nsecond\n",
        "-l",
        "a",
        "-p",
        "low",
        "-a",
        "me",
    ]);
    let (method, params) = daemon.calls().remove(0);
    assert_eq!(method, "ticket.create");
    assert_eq!(
        params,
        json!({
            "project": "hero", "title": "first line", "body": "\n  first line \nsecond\n", "labels": ["a"],
            "priority": "low", "assignee": "me", "requester": null, "attachments": [],
        })
    );
}

#[test]
fn a_text_without_a_line_gives_no_title() {
    let daemon = FakeDaemon::always(written());
    let ran = daemon.run(&["ticket", "new", "-b", " \n "]);
    assert_eq!(ran.exit_code, 2);
    assert!(daemon.calls().is_empty());
}

#[test]
fn long_first_lines_are_cut_to_a_title() {
    assert_eq!(first_line("\n  short \nx").unwrap(), "short");
    assert_eq!(first_line(&"\u{5e9}".repeat(80)).unwrap().chars().count(), 80);
    let cut = first_line(&"\u{5e9}".repeat(81)).unwrap();
    assert_eq!(cut.chars().count(), 80);
    assert!(cut.ends_with('\u{2026}'));
    assert_eq!(first_line(" \n\t\n"), None);
}

#[test]
fn wanted_fields_are_checked_before_anything_is_filed() {
    let daemon = FakeDaemon::always(written());
    let ran = daemon.run(&["--json=nope", "ticket", "new", "-t", "x", "-b", "y"]);
    assert_eq!((ran.exit_code, ran.stdout.as_str()), (2, ""));
    assert!(daemon.calls().is_empty());
    let ran = daemon.run(&["--jsonl=ticket.id", "ticket", "new", "-t", "x", "-b", "y"]);
    assert_eq!(ran.stdout, format!("{{\"ticket\":{{\"id\":\"{ID}\"}}}}\n"));
}

#[test]
fn waiting_asks_for_the_change_and_comes_after_the_id() {
    let daemon = FakeDaemon::new(|method, _| match method {
        "sync.wait" => Ok(json!({ "state": "delivered" })),
        _ => Ok(written()),
    });
    let ran = daemon.run(&["ticket", "new", "-b", "y", "--wait=delivered", "--timeout", "2"]);
    assert_eq!((ran.exit_code, ran.stdout), (0, format!("{ID}\n")));
    let (method, params) = daemon.calls().remove(1);
    assert_eq!(method, "sync.wait");
    assert_eq!(
        params,
        json!({
            "project": "p".repeat(52), "changes": ["c".repeat(52)], "until": "delivered", "timeout_millis": 2_000,
        })
    );
}

#[test]
fn a_wait_that_runs_out_leaves_the_id_and_says_that_all_is_safe() {
    let daemon = FakeDaemon::new(|method, _| match method {
        "sync.wait" => Err(ApiError::timed_out("wait", "not there yet")),
        _ => Ok(written()),
    });
    let ran = daemon.run(&["ticket", "close", "142", "--wait", "--timeout", "0.5"]);
    assert_eq!((ran.exit_code, ran.stdout), (7, format!("{ID}\n")));
    assert!(
        ran.stderr.starts_with("error: it is saved here, but not on the server after 0.5 s\n"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_wait_longer_than_the_daemon_allows_is_asked_for_in_parts() {
    let daemon = FakeDaemon::new(|method, _| match method {
        "sync.wait" => Err(ApiError::timed_out("wait", "not there yet")),
        _ => Ok(written()),
    });
    assert_eq!(daemon.run(&["ticket", "reopen", "142", "--wait", "--timeout", "1300"]).exit_code, 7);
    let asked: Vec<Value> =
        daemon.calls().into_iter().skip(1).map(|(_, params)| params["timeout_millis"].clone()).collect();
    assert_eq!(asked, [json!(600_000), json!(600_000), json!(100_000)]);
}

#[test]
fn nothing_to_change_is_said_and_not_waited_for() {
    let daemon = FakeDaemon::always(json!({ "ticket": ticket_ref(ID, None, "x"), "change": null }));
    let ran = daemon.run(&["ticket", "close", "142", "--wait"]);
    assert_eq!((ran.exit_code, ran.stderr.as_str()), (0, "nothing to change: it was so already\n"));
    assert_eq!(daemon.calls().len(), 1);
}

#[test]
fn each_verb_makes_its_one_edit() {
    let daemon = FakeDaemon::always(written());
    daemon.run(&["ticket", "close", "142"]);
    daemon.run(&["ticket", "reopen", "#142"]);
    daemon.run(&["ticket", "label", "abcd", "bug", "-r", "old"]);
    daemon.run(&["ticket", "assign", "abcd", "none"]);
    daemon.run(&["ticket", "assign", "abcd", "me"]);
    daemon.run(&[
        "ticket",
        "edit",
        "abcd",
        "-t",
        "T",
        "-b",
        "B",
        "--priority",
        "none",
        "--snooze-until",
        "none",
    ]);
    let params: Vec<Value> = daemon.calls().into_iter().map(|(_, params)| params).collect();
    let edit = |ticket: &str, set: Value| json!({ "ticket": ticket, "set": set });
    let none = json!({ "title": null, "body": null, "status": null });
    let set = |changes: Value| {
        let mut all = none.clone();
        all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        all
    };
    let expected = [
        edit("#142", set(json!({ "status": "closed" }))),
        edit("#142", set(json!({ "status": "open" }))),
        edit("abcd", none.clone()),
        edit("abcd", set(json!({ "assignee": null }))),
        edit("abcd", set(json!({ "assignee": "me" }))),
        edit(
            "abcd",
            set(json!({ "title": "T", "body": "B", "priority": null, "snoozed_until_millis": null })),
        ),
    ];
    for (index, (params, expected)) in params.iter().zip(expected).enumerate() {
        assert_eq!(params["ticket"], expected["ticket"], "call {index}");
        assert_eq!(params["set"], expected["set"], "call {index}");
    }
    assert_eq!((&params[2]["add_labels"], &params[2]["remove_labels"]), (&json!(["bug"]), &json!(["old"])));
}

#[test]
fn bare_numbers_are_ticket_numbers_and_ids_are_left_alone() {
    assert_eq!(reference("142".to_owned()), "#142");
    assert_eq!(reference("#142".to_owned()), "#142");
    assert_eq!(reference("1a2b".to_owned()), "1a2b");
    assert_eq!(reference("1".repeat(26)), "1".repeat(26));
    assert_eq!(reference(String::new()), "");
}

#[test]
fn moments_are_read_in_several_forms() {
    assert_eq!(moment("none").unwrap(), Patch::Clear);
    assert_eq!(moment("2026-12-24T09:00:00+01:00").unwrap(), Patch::Set(1_798_099_200_000));
    assert_eq!(moment("2026-12-24T08:00:00Z").unwrap(), Patch::Set(1_798_099_200_000));
    assert!(matches!(moment("2026-12-24").unwrap(), Patch::Set(_)));
    assert!(matches!(moment("2026-12-24T09:00").unwrap(), Patch::Set(_)));
    assert_eq!(moment("soon").unwrap_err().kind().exit_code(), 2);
}

#[test]
fn a_list_is_paged_until_enough_is_there() {
    let daemon = FakeDaemon::new(|_, params| {
        let limit = params["limit"].as_u64().unwrap();
        let rows: Vec<Value> = (0..limit).map(|index| ticket_row(ID, Some(index), "t")).collect();
        Ok(json!({ "tickets": rows, "total": 5_000, "next_cursor": "on" }))
    });
    let ran = daemon.run(&["ticket", "list", "-n", "620", "--offset", "4"]);
    assert_eq!(ran.stdout.lines().count(), 620);
    assert!(ran.stderr.starts_with("620 of 5000 tickets"), "{}", ran.stderr);
    let asked: Vec<Value> = daemon.calls().into_iter().map(|(_, params)| params).collect();
    assert_eq!(
        (&asked[0]["limit"], &asked[0]["offset"], &asked[0]["cursor"]),
        (&json!(500), &json!(4), &Value::Null)
    );
    assert_eq!(
        (&asked[1]["limit"], &asked[1]["offset"], &asked[1]["cursor"]),
        (&json!(120), &Value::Null, &json!("on"))
    );
}

#[test]
fn an_empty_list_prints_nothing_but_an_empty_array() {
    let daemon = FakeDaemon::always(json!({ "tickets": [], "total": 0, "next_cursor": null }));
    assert_eq!(daemon.run(&["ticket", "list"]).stdout, "");
    assert_eq!(daemon.run_on_terminal(&["ticket", "list"]).stdout, "");
    assert_eq!(daemon.run(&["ticket", "list", "--json"]).stdout, "[]\n");
    assert_eq!(daemon.run(&["ticket", "list", "--jsonl"]).stdout, "");
}

#[test]
fn comments_are_named_by_the_beginning_of_their_ids() {
    let daemon = FakeDaemon::new(|method, _| match method {
        "ticket.get" => {
            let mut ticket = ticket_row(ID, Some(142), "t");
            let comment = |id: &str| {
                json!({
                    "id": id, "author": { "id": "a", "name": "Alice", "role": null }, "created_at_millis": 1,
                    "body": "text", "reply_to": null, "edited_at_millis": null, "is_deleted": false,
                    "attachments": [], "state": null, "losing_bodies": [], "change": "c",
                })
            };
            ticket["body"] = json!("");
            ticket["conflicts"] = json!([]);
            ticket["comments"] =
                json!([comment("01aaaaaaaaaaaaaaaaaaaaaaaa"), comment("01abbbbbbbbbbbbbbbbbbbbbbb")]);
            Ok(ticket)
        }
        _ => Ok(json!({ "ticket": ticket_ref(ID, Some(142), "t"), "comment": "new", "change": "c" })),
    });
    let ran = daemon.run(&["ticket", "comment", "142", "-b", "x", "--reply-to", "01AB"]);
    assert_eq!((ran.exit_code, ran.stdout.as_str()), (0, "new\n"));
    let (method, params) = daemon.calls().pop().unwrap();
    assert_eq!((method.as_str(), &params["reply_to"]), ("comment.add", &json!("01abbbbbbbbbbbbbbbbbbbbbbb")));
    assert_eq!(daemon.run(&["ticket", "comment", "142", "--strike", "zz"]).exit_code, 3);
    let ran = daemon.run(&["ticket", "comment", "142", "--strike", "01a"]);
    assert_eq!(ran.exit_code, 6);
    assert!(ran.stderr.contains("\n  01aaaaaaaaaaaaaaaaaaaaaaaa  Alice: text\n"), "{}", ran.stderr);
    assert_eq!(daemon.run(&["ticket", "comment", "142", "--edit", "01ab", "-b", "new"]).exit_code, 0);
    assert_eq!(daemon.calls().pop().unwrap().0, "comment.edit");
}

#[test]
fn a_refusal_of_the_daemon_is_told_with_its_exit_code() {
    let daemon = FakeDaemon::refusing(ApiError::not_allowed("role", "only agents may assign"));
    let ran = daemon.run(&["ticket", "assign", "142", "me"]);
    assert_eq!((ran.exit_code, ran.stderr.as_str()), (4, "error: only agents may assign\n"));
}

#[test]
fn verbs_of_agents_set_one_thing_each() {
    let set = |set: Value| json!({ "project": null, "ticket": "#142", "set": set, "add_labels": [], "remove_labels": [] });
    let blank = json!({ "title": null, "body": null, "status": null });
    let with = |field: &str, value: Value| {
        let mut fields = blank.clone();
        fields[field] = value;
        set(fields)
    };
    let mut closed = with("status", json!("closed"));
    closed["set"]["close_reason"] = json!("Answered");
    let pair = json!({ "project": null, "ticket": "#142", "other": "#7" });
    let one = json!({ "project": null, "ticket": "#142" });
    for (line, method, params) in [
        ("close 142 --reason Answered", "ticket.edit", closed),
        ("pending 142", "ticket.edit", with("status", json!("pending"))),
        ("resolve 142", "ticket.edit", with("status", json!("resolved"))),
        ("priority 142 high", "ticket.edit", with("priority", json!("high"))),
        ("priority 142 none", "ticket.edit", with("priority", Value::Null)),
        ("unsnooze 142", "ticket.edit", with("snoozed_until_millis", Value::Null)),
        (
            "snooze 142 --until 2099-01-01T00:00:00Z",
            "ticket.edit",
            with("snoozed_until_millis", json!(4_070_908_800_000_u64)),
        ),
        ("claim 142", "ticket.claim", one.clone()),
        ("link 142 7", "ticket.link", pair.clone()),
        ("unlink 142 7", "ticket.unlink", pair),
        ("merge 142 --into 7", "ticket.merge", json!({ "project": null, "ticket": "#142", "into": "#7" })),
        ("unmerge 142", "ticket.unmerge", one),
    ] {
        let daemon = FakeDaemon::always(written());
        let args: Vec<&str> = ["ticket"].into_iter().chain(line.split(' ')).collect();
        let ran = daemon.run(&args);
        assert_eq!(
            (ran.exit_code, ran.stdout.as_str()),
            (0, format!("{ID}\n").as_str()),
            "{line}: {}",
            ran.stderr
        );
        assert_eq!(daemon.calls(), [(method.to_owned(), params)], "{line}");
    }
}

#[test]
fn a_merge_that_is_shared_asks_the_server_for_the_requester() {
    let daemon = FakeDaemon::new(|method, _| match method {
        "ticket.get" => {
            let mut ticket = ticket_row(ID, Some(142), "the printer burns");
            ticket["body"] = json!("");
            ticket["comments"] = json!([]);
            ticket["conflicts"] = json!([]);
            Ok(ticket)
        }
        "ticket.share" => Ok(json!({})),
        _ => Ok(written()),
    });
    assert_eq!(daemon.run(&["ticket", "merge", "142", "--into", "7", "--share"]).exit_code, 0);
    let (method, params) = daemon.calls().remove(2);
    assert_eq!(method, "ticket.share");
    assert_eq!(params, json!({ "project": null, "ticket": "#7", "member": "a" }));
}

#[test]
fn tickets_wake_at_a_time_that_lies_ahead() {
    let now: jiff::Zoned = "2026-03-28T09:00[Europe/Berlin]".parse().unwrap();
    let wakes = |given: &str| {
        let millis = i64::try_from(wake_time(given, &now).ok()?).unwrap();
        Some(jiff::Timestamp::from_millisecond(millis).unwrap().to_string())
    };
    assert_eq!(wakes("30m").as_deref(), Some("2026-03-28T08:30:00Z"));
    assert_eq!(wakes("24h").as_deref(), Some("2026-03-29T08:00:00Z"));
    // The clocks go forward in that night.
    assert_eq!(wakes("1d").as_deref(), Some("2026-03-29T07:00:00Z"));
    assert_eq!(wakes("2w").as_deref(), Some("2026-04-11T07:00:00Z"));
    assert_eq!(wakes("2026-12-01T09:00:00Z").as_deref(), Some("2026-12-01T09:00:00Z"));
    for given in ["0m", "none", "3", "3y", "d", "-3d", "", "2026-03-28T07:00:00Z", "99999999999999999999w"] {
        assert_eq!(wakes(given), None, "{given}");
    }
    assert!(wakes("4000000000d").is_some());
}

#[test]
fn a_past_is_named_by_a_time_or_else_by_a_change() {
    let now: jiff::Zoned = "2026-03-30T09:00[Europe/Berlin]".parse().unwrap();
    let then = |given: &str| {
        let millis = i64::try_from(past_time(given, &now)?).unwrap();
        Some(jiff::Timestamp::from_millisecond(millis).unwrap().to_string())
    };
    assert_eq!(then("30m").as_deref(), Some("2026-03-30T06:30:00Z"));
    // The clocks went forward in between.
    assert_eq!(then("2d").as_deref(), Some("2026-03-28T08:00:00Z"));
    assert_eq!(then("2026-03-01T09:00:00Z").as_deref(), Some("2026-03-01T09:00:00Z"));
    assert!(then("2026-03-01").is_some());
    for change in ["60pdkgsx0vzj", "cccc", "none", "", "-3d"] {
        assert_eq!(then(change), None, "{change}");
    }
    let asked = |at: &str| {
        let daemon = FakeDaemon::always(json!(null));
        daemon.run(&["ticket", "show", "142", "--at", at]);
        daemon.calls().remove(0).1
    };
    assert_eq!(asked("60pdkgsx0vzj")["at_change"], "60pdkgsx0vzj");
    assert_eq!(asked("2026-03-01T09:00:00Z")["at_millis"], 1_772_355_600_000_u64);
}

#[test]
fn bulk_changes_are_one_call_with_a_line_for_each_ticket() {
    let told = |outcome: &str, message: Value| {
        json!({
            "ticket": ticket_ref(ID, Some(142), "the printer burns"), "outcome": outcome,
            "edits": ["sets the status to closed"], "change": null, "message": message,
        })
    };
    let done = json!({ "tickets": [told("changed", Value::Null), told("failed", json!("no"))], "changed": 1, "failed": 1 });
    let daemon = FakeDaemon::always(done);
    let ran = daemon.run(&["ticket", "bulk", "close", "--reason", "Old", "142", "abcdef"]);
    assert_eq!(ran.exit_code, 1);
    let what = "sets the status to closed";
    assert_eq!(ran.stdout, format!("{ID}\t142\tchanged\t\t{what}\t\n{ID}\t142\tfailed\t\t{what}\tno\n"));
    assert!(ran.stderr.contains("1 of 2 could not be changed"), "{}", ran.stderr);
    let (method, params) = daemon.calls().remove(0);
    assert_eq!(method, "ticket.bulk");
    assert_eq!(params["tickets"], json!(["#142", "abcdef"]));
    assert_eq!(
        params["set"],
        json!({ "title": null, "body": null, "status": "closed", "close_reason": "Old" })
    );
}

#[test]
fn bulk_verbs_take_a_query_and_tell_the_plan_on_a_dry_run() {
    let daemon = FakeDaemon::always(json!({ "tickets": [], "changed": 0, "failed": 0 }));
    for verb in [
        vec!["reopen"],
        vec!["pending"],
        vec!["resolve"],
        vec!["assign", "me"],
        vec!["label", "--add", "old", "--remove", "new"],
        vec!["priority", "low"],
        vec!["snooze", "--until", "3d"],
        vec!["snooze", "--until", "none"],
    ] {
        let args =
            [vec!["ticket", "bulk"], verb, vec!["--query", "is:open label:crash", "--dry-run"]].concat();
        let ran = daemon.run_on_terminal(&args);
        assert_eq!(ran.exit_code, 0, "{args:?}: {}", ran.stderr);
        let (method, params) = daemon.calls().pop().unwrap();
        assert_eq!((method.as_str(), &params["query"]), ("ticket.bulk", &json!("is:open label:crash")));
        assert_eq!(params["is_dry_run"], json!(true));
    }
}

#[test]
fn a_query_that_is_wrong_is_pointed_at_before_anything_is_asked() {
    let daemon = FakeDaemon::always(json!({}));
    for args in [vec!["ticket", "list", "is:opne"], vec!["ticket", "bulk", "close", "--query", "is:opne"]] {
        let ran = daemon.run(&args);
        assert_eq!(ran.exit_code, 2);
        assert!(ran.stderr.contains("is:opne\n     ^^^^"), "{}", ran.stderr);
    }
    assert!(daemon.calls().is_empty());
}

#[test]
fn ones_own_list_leaves_out_what_sleeps() {
    let query = |args: &[&str]| {
        let daemon = FakeDaemon::always(json!({ "tickets": [], "total": 0, "next_cursor": null }));
        let all: Vec<&str> = ["ticket", "list"].iter().chain(args).copied().collect();
        assert_eq!(daemon.run(&all).exit_code, 0, "{args:?}");
        daemon.calls()[0].1["query"].clone()
    };
    assert_eq!(query(&[]), Value::Null);
    assert_eq!(query(&["is:open"]), json!("is:open"));
    assert_eq!(query(&["-Q", "is:open", "-a", "me"]), json!("is:open -is:snoozed"));
    assert_eq!(query(&["-a", "me"]), json!("-is:snoozed"));
    assert_eq!(query(&["-a", "me", "--snoozed"]), json!("is:snoozed"));
    assert_eq!(query(&["--unread"]), json!("is:unread"));
    assert_eq!(query(&["is:open", "-a", "me", "--unread"]), json!("is:open is:unread -is:snoozed"));
    assert_eq!(query(&["-a", "none"]), Value::Null);
}

#[test]
fn a_canned_reply_is_filled_in_and_written() {
    let daemon = FakeDaemon::new(|method, _| match method {
        "canned.preview" => Ok(json!({ "name": "thanks", "body": "Dear Alice, thanks." })),
        _ => Ok(
            json!({ "ticket": ticket_ref(ID, Some(142), "the printer burns"), "comment": ID, "change": null }),
        ),
    });
    assert_eq!(daemon.run(&["ticket", "comment", "142", "--canned", "tha"]).exit_code, 0);
    let calls = daemon.calls();
    assert_eq!(calls[0].1, json!({ "project": null, "ticket": "#142", "name": "tha" }));
    assert_eq!((calls[1].0.as_str(), &calls[1].1["body"]), ("comment.add", &json!("Dear Alice, thanks.")));
}
