//! Columns for people and for scripts.

use assist_proto::api::user::UserName;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Cell, Row, Tone, columns, tab_separated};
use crate::output::times::Times;

#[derive(Serialize, JsonSchema)]
struct Line {
    id: String,
    text: String,
    by: UserName,
}

impl Row for Line {
    const HEADS: &'static [&'static str] = &["id", "text", "by"];
    const FLEXIBLE: usize = 1;

    fn cells(&self, _times: &Times) -> Vec<Cell> {
        vec![Cell::new(&self.id, Tone::Strong), Cell::plain(&self.text), Cell::dim(&self.by.name)]
    }

    fn values(&self) -> Vec<String> {
        vec![self.id.clone(), self.text.clone(), self.by.name.clone()]
    }
}

fn lines() -> Vec<Line> {
    let line = |id: &str, text: &str, name: &str| Line {
        id: id.to_owned(),
        text: text.to_owned(),
        by: UserName { id: "u".to_owned(), name: name.to_owned() },
    };
    vec![
        line("#1", "the printer has caught fire and nobody is near it", "Alice"),
        line("#142", "\u{6253}\u{5370}\u{673a}\u{7740}\u{706b}\u{4e86}", "Bob\u{1b}[31m"),
    ]
}

fn drawn(width: u16) -> String {
    let times = Times::new(Timestamp::UNIX_EPOCH, TimeZone::UTC);
    anstream::adapter::strip_str(&columns(&lines(), &times, width)).to_string()
}

#[test]
fn columns_fit_the_width_and_the_flexible_one_gives_way() {
    let drawn = drawn(40);
    for line in drawn.lines() {
        assert!(unicode_width::UnicodeWidthStr::width(line) <= 40, "{line}");
    }
    assert_eq!(drawn.lines().count(), 3, "{drawn}");
    assert!(drawn.contains("#142") && drawn.contains("Alice") && drawn.contains("\u{2026}"), "{drawn}");
}

#[test]
fn columns_show_all_where_there_is_room() {
    let drawn = drawn(120);
    assert!(drawn.contains("nobody is near it"), "{drawn}");
    assert!(!drawn.contains('\u{2026}'), "{drawn}");
}

#[test]
fn columns_hold_no_escape_sequence_of_others() {
    assert!(drawn(120).contains("Bob<U+001B>[31m"));
}

#[test]
fn values_stand_whole_between_tabs() {
    let values: Vec<String> = ["a\tb", "", "c\nd"].iter().map(ToString::to_string).collect();
    assert_eq!(tab_separated(&values), "a b\t\tc d");
    let long = "x".repeat(10_000);
    assert_eq!(tab_separated(std::slice::from_ref(&long)), long);
}
