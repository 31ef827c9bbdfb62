//! JSON that a terminal can be shown without harm.

use serde_json::{Value, json};

use super::{write_line, write_pretty};

fn line(value: &Value) -> String {
    let mut written = Vec::new();
    write_line(&mut written, value).unwrap();
    String::from_utf8(written).unwrap()
}

#[test]
fn a_line_is_one_line() {
    assert_eq!(line(&json!({"a": [1, "x\ny"], "b": null})), "{\"a\":[1,\"x\\ny\"],\"b\":null}\n");
}

#[test]
fn a_document_is_laid_out() {
    let mut written = Vec::new();
    write_pretty(&mut written, &json!({"a": [1], "b": {}})).unwrap();
    assert_eq!(String::from_utf8(written).unwrap(), "{\n  \"a\": [\n    1\n  ],\n  \"b\": {}\n}\n");
}

#[test]
fn harmful_characters_are_escaped_and_not_lost() {
    let text = "a\u{1b}[0m \u{9b}2J \u{7f} \u{202e}b\u{2029} \u{5e9}";
    let value = json!({ "text": text, "\u{202e}key": 1 });
    let written = line(&value);
    assert!(!written.trim_end().chars().any(super::neutral::is_harmful), "{written}");
    assert!(written.contains("\\u009b2J") && written.contains("\\u202eb"), "{written}");
    assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), value);
}
