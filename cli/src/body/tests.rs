//! Where a text comes from, and that nothing of it is lost on the way.

use std::fs;
use std::io::{self, Read as _};

use assist_crdt_model::limits;

use super::{BodyArgs, BodyError, Text, read_text};
use crate::error::{CliError, ErrorKind};

fn file(bytes: &[u8]) -> (tempfile::TempDir, BodyArgs) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.txt");
    fs::write(&path, bytes).unwrap();
    (folder, BodyArgs { body: None, file: Some(path) })
}

#[test]
fn texts_are_taken_to_the_byte() {
    let (_folder, args) = file("  a\r\n\tb\u{5e9}\n\n".as_bytes());
    assert_eq!(args.read().unwrap().unwrap().text, "  a\r\n\tb\u{5e9}\n\n");
    let args = BodyArgs { body: Some("x\n".to_owned()), file: None };
    assert_eq!(args.read().unwrap().unwrap().text, "x\n");
    assert!(BodyArgs::default().read().unwrap().is_none());
}

#[test]
fn bytes_that_are_no_text_are_refused_with_their_place() {
    let (_folder, args) = file(b"good \xe4 latin1");
    let error = CliError::from(args.read().unwrap_err());
    let mut printed = Vec::new();
    error.print(&mut printed).unwrap();
    let printed = String::from_utf8(printed).unwrap();
    assert!(printed.contains("report.txt is not UTF-8 text: byte 5 does not belong there"), "{printed}");
    assert!(printed.contains("hint: nothing was sent"), "{printed}");
    assert_eq!(error.kind(), ErrorKind::Failed);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let args = BodyArgs { body: None, file: Some("/nowhere/report.txt".into()) };
    let error = args.read().unwrap_err();
    assert!(matches!(&error, BodyError::Unreadable { origin, .. } if origin == "/nowhere/report.txt"));
    let folder = tempfile::tempdir().unwrap();
    let args = BodyArgs { body: None, file: Some(folder.path().to_owned()) };
    assert!(matches!(args.read(), Err(BodyError::Unreadable { .. })));
}

#[test]
fn no_more_than_a_text_may_have_is_read() {
    let endless = io::repeat(b'x');
    assert!(matches!(read_text("stdin", endless), Err(BodyError::TooLarge { .. })));
    let full = io::repeat(b'x').take(limits::BODY_BYTES_MAX as u64);
    assert_eq!(read_text("stdin", full).unwrap().len(), limits::BODY_BYTES_MAX);
    let args = BodyArgs { body: Some("x".repeat(limits::BODY_BYTES_MAX + 1)), file: None };
    assert!(matches!(args.read(), Err(BodyError::TooLarge { .. })));
}

#[test]
fn no_text_at_all_is_a_wrong_usage_with_advice() {
    let error = CliError::from(BodyError::NotGiven);
    assert_eq!(error.kind(), ErrorKind::Usage);
    let mut printed = Vec::new();
    error.print(&mut printed).unwrap();
    assert!(String::from_utf8(printed).unwrap().contains("`-F -` to read stdin"));
}

#[test]
fn the_title_can_be_taken_from_the_text() {
    let rest = |text: &str| {
        let mut text = Text { text: text.to_owned(), kept_in: None };
        text.drop_first_line();
        text.text
    };
    assert_eq!(rest("Title\n\nfirst\nsecond"), "first\nsecond");
    assert_eq!(rest("\n  Title\r\n\r\n  indented"), "  indented");
    assert_eq!(rest("Title"), "");
}

#[test]
fn a_text_from_the_editor_is_kept_until_it_is_safe() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kept.md");
    fs::write(&path, "text").unwrap();
    let text = Text { text: "text".to_owned(), kept_in: Some(path.clone()) };
    let error = text.mention(CliError::message(ErrorKind::Failed, "no"));
    let mut printed = Vec::new();
    error.print(&mut printed).unwrap();
    assert!(String::from_utf8(printed).unwrap().contains("hint: your text is kept in "));
    text.forget_file();
    assert!(!path.exists());
}
