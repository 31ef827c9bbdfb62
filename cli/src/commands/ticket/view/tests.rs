//! What `ticket view` prints, for people and for scripts.

use assist_proto::api::ticket::Ticket;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::lines;
use crate::fake_daemon::ticket_row;
use crate::output::{Audience, People, Times};

fn comment(id: &str, author: &str, body: &str) -> Value {
    json!({
        "id": id, "author": { "id": "a", "name": author, "role": "agent" }, "created_at_millis": 60_000,
        "body": body, "reply_to": null, "edited_at_millis": null, "is_deleted": false, "attachments": [],
        "state": "delivered", "losing_bodies": [], "change": "c",
    })
}

fn ticket() -> Ticket {
    let mut ticket = ticket_row("abcdefghjkmnpqrstvwxyz0123", Some(142), "the printer burns");
    let first = comment("c1", "Bob", "have you tried\nwater?");
    let mut answer = comment("c2", "Alice", "\u{1b}[2Jyes\n\tit hisses");
    answer["reply_to"] = json!("c1");
    answer["edited_at_millis"] = json!(120_000);
    answer["losing_bodies"] = json!(["no"]);
    let mut struck = comment("c3", "Bob", "");
    struck["is_deleted"] = json!(true);
    struck["attachments"] =
        json!([{ "blob": "b", "name": "fire\u{202e}.png", "size_bytes": 12, "media_type": "image/png" }]);
    ticket["body"] = json!("It burns.\n\ncomment\tnot one");
    ticket["comments"] = json!([first, answer, struck]);
    let value = |text: &str, name: &str| json!({ "text": text, "author": { "id": "x", "name": name }, "at_millis": 60_000, "change": "c" });
    ticket["conflicts"] = json!([
        { "field": "status", "values": [value("open", "Alice"), value("closed", "Bob")] },
        { "field": "assignee", "values": [value("", "Alice"), value("Bob", "Bob")] },
    ]);
    serde_json::from_value(ticket).unwrap()
}

fn for_people() -> String {
    let now = Timestamp::from_second(180).unwrap();
    let times = Times::new(now, TimeZone::UTC);
    let lines = lines(&ticket(), &Audience::People(People { times, width: 80 }));
    anstream::adapter::strip_str(&lines.join("\n")).to_string()
}

#[test]
fn people_see_everything_in_order() {
    let expected = "\
#142 the printer burns  open
id          abcdefghjkmnpqrstvwxyz0123
priority    high
assignee    Bob
requester   Alice
labels      hardware
created at  2 minutes ago (1970-01-01 00:00 UTC)
updated at  2 minutes ago (1970-01-01 00:00 UTC)
comments    2
state       on server

conflict: status was written by several at the same time; the ticket shows the first
  Alice, 2 minutes ago (1970-01-01 00:01 UTC):
    open
  Bob, 2 minutes ago (1970-01-01 00:01 UTC):
    closed
  settle it by writing it again: assist ticket edit 142 --status <status>

conflict: assignee was written by several at the same time; the ticket shows the first
  Alice, 2 minutes ago (1970-01-01 00:01 UTC):
    none
  Bob, 2 minutes ago (1970-01-01 00:01 UTC):
    Bob
  settle it by writing it again: assist ticket assign 142 <agent>

It burns.

comment    not one

Bob  agent, 2 minutes ago (1970-01-01 00:01 UTC), delivered, c1
  have you tried
  water?

  Alice  agent, answers Bob, 2 minutes ago (1970-01-01 00:01 UTC), edited 1 minute ago (1970-01-01 00:02 UTC), delivered, c2
    <U+001B>[2Jyes
        it hisses
    another version, written at the same time:
      no

Bob  agent, 2 minutes ago (1970-01-01 00:01 UTC), delivered, c3
  (struck by its author)
  attached: fire<U+202E>.png (image/png, 12 bytes)";
    assert_eq!(for_people(), expected);
}

#[test]
fn scripts_can_tell_texts_from_facts_by_the_indentation() {
    let lines = lines(&ticket(), &Audience::Script);
    let expected = format!(
        "\
id\tabcdefghjkmnpqrstvwxyz0123
number\t142
project\t{}
title\tthe printer burns
status\topen
priority\thigh
assignee\tBob
requester\tAlice
labels\thardware
created_at\t1970-01-01T00:00:01.000Z
updated_at\t1970-01-01T00:00:02.000Z
snoozed_until\t
comments\t2
notes\t0
state\ton_server
close_reason\t
merged_into\t
links\t
merged_here\t
as_of_change\t
held_up\t
conflict\tstatus\tAlice\t1970-01-01T00:01:00.000Z\topen
conflict\tstatus\tBob\t1970-01-01T00:01:00.000Z\tclosed
conflict\tassignee\tAlice\t1970-01-01T00:01:00.000Z\t
conflict\tassignee\tBob\t1970-01-01T00:01:00.000Z\tBob

    It burns.
    
    comment\tnot one

comment\tc1\tBob\tagent\t1970-01-01T00:01:00.000Z\tdelivered\t\t\t\t
    have you tried
    water?

comment\tc2\tAlice\tagent\t1970-01-01T00:01:00.000Z\tdelivered\tc1\t1970-01-01T00:02:00.000Z\t\t
    <U+001B>[2Jyes
    \tit hisses
another_version
    no

comment\tc3\tBob\tagent\t1970-01-01T00:01:00.000Z\tdelivered\t\t\tstruck\t
attached\tb\tfire<U+202E>.png\timage/png\t12",
        "p".repeat(52)
    );
    assert_eq!(lines.join("\n"), expected);
}

#[test]
fn a_text_that_is_not_here_yet_is_said_so() {
    let mut ticket = ticket();
    ticket.row.is_loaded = false;
    let lines = lines(&ticket, &Audience::Script);
    assert!(lines.iter().any(|line| line == "not_loaded"), "{lines:?}");
}
