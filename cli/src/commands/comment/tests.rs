//! Commands on comments, against a daemon that is made up.

use assist_proto::api::ApiError;
use serde_json::{Value, json};

use crate::fake_daemon::{FakeDaemon, ticket_ref};

const ID: &str = "abcdefghjkmnpqrstvwxyz0123";

fn undone(body: &str) -> Value {
    json!({
        "ticket": ticket_ref(ID, Some(142), "the printer burns"), "comment": ID, "is_note": false, "body": body,
        "draft": "d".repeat(52),
    })
}

#[test]
fn what_is_taken_back_is_printed_and_said_to_be_kept() {
    let daemon = FakeDaemon::always(undone("Never\u{1b} mind.\nReally."));
    let ran = daemon.run(&["comment", "undo"]);
    assert_eq!(ran.stdout, "Never<U+001B> mind.\nReally.\n");
    assert_eq!(daemon.calls(), [("comment.undo".to_owned(), json!({ "project": null, "comment": null }))]);
    let ran = daemon.run_on_terminal(&["-P", "hero", "comment", "undo", ID]);
    assert_eq!(ran.stdout, "took the comment on #142 back:\n  Never<U+001B> mind.\n  Really.\n");
    assert!(ran.stderr.contains("assist draft retry dddddddddd"), "{}", ran.stderr);
    assert_eq!(daemon.calls()[1].1, json!({ "project": "hero", "comment": ID }));
}

#[test]
fn what_has_left_is_refused_with_the_way_on() {
    let daemon =
        FakeDaemon::refusing(ApiError::conflict("has_left", "it has left: `comment.delete` strikes it"));
    let ran = daemon.run(&["comment", "undo"]);
    assert_eq!((ran.exit_code, ran.stdout.as_str()), (1, ""));
    assert!(ran.stderr.starts_with("error: it has left"), "{}", ran.stderr);
}

#[test]
fn holds_are_given_in_words_and_sent_in_milliseconds() {
    let written = json!({
        "ticket": ticket_ref(ID, Some(142), "the printer burns"), "comment": ID, "note": ID, "change": "c".repeat(52),
    });
    let hold = |args: &[&str]| {
        let daemon = FakeDaemon::always(written.clone());
        assert_eq!(daemon.run(args).exit_code, 0, "{args:?}");
        daemon.calls()[0].1["hold_millis"].clone()
    };
    assert_eq!(hold(&["ticket", "comment", "142", "-b", "x"]), Value::Null);
    assert_eq!(hold(&["ticket", "comment", "142", "-b", "x", "--send-now"]), json!(0));
    assert_eq!(hold(&["ticket", "comment", "142", "-b", "x", "--hold", "30s"]), json!(30_000));
    assert_eq!(hold(&["comment", "reply", "142", ID, "-b", "x", "--hold", "2m"]), json!(120_000));
    assert_eq!(hold(&["note", "add", "142", "-b", "x", "--hold", "7"]), json!(7_000));
}

#[test]
fn verbs_of_comments_are_those_of_the_ticket() {
    let written = json!({
        "ticket": ticket_ref(ID, Some(142), "the printer burns"), "comment": ID, "change": "c".repeat(52),
    });
    for (args, method) in [
        (vec!["comment", "reply", "142", ID, "-b", "x"], "comment.add"),
        (vec!["comment", "edit", "142", ID, "-b", "x"], "comment.edit"),
        (vec!["comment", "delete", "142", ID], "comment.delete"),
    ] {
        let daemon = FakeDaemon::always(written.clone());
        let ran = daemon.run(&args);
        assert_eq!((ran.exit_code, ran.stdout), (0, format!("{ID}\n")));
        assert_eq!(daemon.calls()[0].0, method);
    }
}
