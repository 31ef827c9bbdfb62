//! Data and talk, each to its own stream.

use std::io::{self, Write};

use assist_proto::api::ticket::TicketRow;
use serde_json::{Value, json};

use super::{Audience, Fields, Format, Output, Talk};
use crate::error::ErrorKind;
use crate::fake_daemon::{Shelf, ticket_row};

fn rows() -> Vec<TicketRow> {
    let rows = [
        ticket_row("abcdefghjkmnpqrstvwxyz0123", Some(142), "the printer\u{1b}[31m burns"),
        ticket_row("bbcdefghjkmnpqrstvwxyz0123", None, "\u{202e}evil"),
    ];
    rows.map(|row| serde_json::from_value(row).unwrap()).to_vec()
}

fn printed(format: Format) -> String {
    let stdout = Shelf::default();
    let stderr = Box::new(Shelf::default());
    let mut output = Output::new(Box::new(stdout.clone()), stderr, format, Talk::Usual, 100);
    output.rows(&rows()).unwrap();
    stdout.text()
}

fn fields(text: &str) -> Fields {
    text.parse().unwrap()
}

#[test]
fn scripts_get_whole_values_with_tabs_between() {
    assert_eq!(
        printed(Format::Plain),
        format!(
            "abcdefghjkmnpqrstvwxyz0123\t142\topen\thigh\tBob\tAlice\thardware\t1970-01-01T00:00:01.000Z\t\
             1970-01-01T00:00:02.000Z\t2\ton_server\t{0}\tthe printer<U+001B>[31m burns\tfalse\tfalse\n\
             bbcdefghjkmnpqrstvwxyz0123\t\topen\thigh\tBob\tAlice\thardware\t1970-01-01T00:00:01.000Z\t\
             1970-01-01T00:00:02.000Z\t2\ton_server\t{0}\t<U+202E>evil\tfalse\tfalse\n",
            "p".repeat(52)
        )
    );
}

#[test]
fn people_get_columns() {
    let printed = printed(Format::Human);
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines.len(), 3, "{printed}");
    assert!(lines[0].starts_with("ticket") && lines[0].contains("assignee"), "{printed}");
    assert!(lines[1].contains("#142") && lines[1].contains("the printer<U+001B>[31m burns [hardware]"));
    assert!(lines[2].contains("bbcdefgh ") && !lines[2].contains("bbcdefghj"), "{printed}");
}

#[test]
fn json_is_one_array_of_whole_rows() {
    let value: Value = serde_json::from_str(&printed(Format::Json(Fields::default()))).unwrap();
    assert_eq!(value, serde_json::to_value(rows()).unwrap());
}

#[test]
fn json_of_wanted_fields_holds_no_others() {
    let value: Value = serde_json::from_str(&printed(Format::Json(fields("number,assignee.name")))).unwrap();
    assert_eq!(
        value,
        json!([{"number": 142, "assignee": {"name": "Bob"}}, {"number": null, "assignee": {"name": "Bob"}}])
    );
}

#[test]
fn json_lines_are_a_row_each() {
    assert_eq!(
        printed(Format::JsonLines(fields("number,title"))),
        "{\"number\":142,\"title\":\"the printer\\u001b[31m burns\"}\n{\"number\":null,\"title\":\"\\u202eevil\"}\n"
    );
}

#[test]
fn facts_for_scripts_name_everything_and_for_people_what_there_is() {
    let facts = [("created_at", "x".to_owned()), ("state", String::new())];
    assert_eq!(Audience::Script.facts(&facts), ["created_at\tx", "state\t"]);
}

#[test]
fn quiet_says_nothing_but_data() {
    for (talk, expected) in [(Talk::Usual, "note<U+0007>\n"), (Talk::Quiet, "")] {
        let stderr = Shelf::default();
        let stdout = Box::new(Shelf::default());
        let mut output = Output::new(stdout, Box::new(stderr.clone()), Format::Plain, talk, 80);
        output.say("note\u{7}");
        assert_eq!(stderr.text(), expected);
    }
}

/// A reader that has closed its end, or a disk that is full.
struct Broken(io::ErrorKind);

impl Write for Broken {
    fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(self.0.into())
    }
}

#[test]
fn a_reader_that_went_away_is_no_failure_but_a_full_disk_is() {
    for (kind, expected) in
        [(io::ErrorKind::BrokenPipe, ErrorKind::ReaderGone), (io::ErrorKind::StorageFull, ErrorKind::Failed)]
    {
        let mut output =
            Output::new(Box::new(Broken(kind)), Box::new(Shelf::default()), Format::Plain, Talk::Usual, 80);
        assert_eq!(output.rows(&rows()).unwrap_err().kind(), expected);
        let mut output = Output::new(
            Box::new(Broken(kind)),
            Box::new(Shelf::default()),
            Format::Json(Fields::default()),
            Talk::Usual,
            80,
        );
        assert_eq!(output.rows(&rows()).unwrap_err().kind(), expected);
        assert_eq!(output.flush().unwrap_err().kind(), expected);
    }
}
