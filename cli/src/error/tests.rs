//! Exit codes and hints of every error.

use std::io;
use std::path::PathBuf;

use assist_proto::api::ticket::TicketRef;
use assist_proto::api::{ApiError, ErrorCode};
use assist_proto::client::ClientError;

use super::{CliError, ErrorKind};

fn code(error: impl Into<CliError>) -> u8 {
    error.into().kind().exit_code()
}

fn printed(error: &CliError) -> String {
    let mut written = Vec::new();
    error.print(&mut written).unwrap();
    String::from_utf8(written).unwrap()
}

fn candidate(id: &str, number: Option<u64>, title: &str) -> TicketRef {
    TicketRef {
        project: "p".to_owned(),
        id: id.to_owned(),
        short_id: id[..4].to_owned(),
        number,
        title: title.to_owned(),
    }
}

#[test]
fn each_kind_has_its_own_exit_code() {
    let kinds = [
        (ErrorKind::ReaderGone, 0),
        (ErrorKind::Failed, 1),
        (ErrorKind::Usage, 2),
        (ErrorKind::NotFound, 3),
        (ErrorKind::NotAllowed, 4),
        (ErrorKind::Unreachable, 5),
        (ErrorKind::Ambiguous, 6),
        (ErrorKind::WaitRanOut, 7),
        (ErrorKind::NotProven, 8),
    ];
    for (kind, code) in kinds {
        assert_eq!(kind.exit_code(), code);
    }
}

#[test]
fn the_daemons_codes_become_exit_codes() {
    for known in ErrorCode::ALL {
        let expected = match known {
            ErrorCode::InvalidParams | ErrorCode::MethodNotFound => 2,
            ErrorCode::NotFound => 3,
            ErrorCode::NotEnrolled | ErrorCode::NotAllowed => 4,
            _ => 1,
        };
        assert_eq!(code(ApiError::new(*known, "some", "text")), expected, "{known}");
    }
}

#[test]
fn an_ambiguous_reference_lists_what_it_could_mean() {
    let error = ApiError::conflict("ambiguous", "ab means 2 tickets").with_candidates(vec![
        candidate("abcdefgh", Some(7), "one"),
        candidate("abzzzzzz", None, "two\u{1b}[2J"),
    ]);
    let error = CliError::from(error);
    assert_eq!(error.kind().exit_code(), 6);
    assert_eq!(
        printed(&error),
        "error: ab means 2 tickets\n  abcdefgh      #7  one\n  abzzzzzz          two<U+001B>[2J\nhint: give more \
         characters of the id, or name the project with `-P`\n"
    );
}

#[test]
fn an_ambiguous_project_is_ambiguous_too() {
    let error = ApiError::conflict("ambiguous_project", "h means 2 projects")
        .with_nearest(vec!["hero".to_owned(), "home".to_owned()]);
    let error = CliError::from(error);
    assert_eq!(error.kind(), ErrorKind::Ambiguous);
    assert!(printed(&error).contains("hint: it could be any of: hero, home\n"), "{}", printed(&error));
}

#[test]
fn only_what_surely_was_not_done_is_unreachable() {
    let path = PathBuf::from("/s");
    let gone = || io::Error::from(io::ErrorKind::ConnectionReset);
    assert_eq!(code(ClientError::NotRunning { path: path.clone(), source: gone() }), 5);
    assert_eq!(code(ClientError::Unreachable { path, source: gone() }), 5);
    assert_eq!(code(ClientError::Lost { method: "ticket.create".to_owned(), source: gone() }), 1);
}

#[test]
fn causes_follow_the_error_and_hints_follow_both() {
    let source = io::Error::new(io::ErrorKind::PermissionDenied, "not yours");
    let error = CliError::from(ClientError::Unreachable { path: PathBuf::from("/s"), source }).hint("second");
    assert_eq!(
        printed(&error),
        "error: cannot reach the daemon at /s: not yours\nhint: `--home` or ASSIST_HOME must name a folder of \
         your own daemon\nhint: second\n"
    );
}

#[test]
fn a_reader_that_has_gone_is_told_nothing() {
    assert_eq!(printed(&CliError::message(ErrorKind::ReaderGone, "x")), "");
}

#[test]
fn an_internal_error_leads_to_the_log() {
    let error = CliError::from(ApiError::internal("internal", "it broke").with_trace_id("t-1"));
    assert!(printed(&error).ends_with("hint: the daemon's log knows more under t-1\n"));
}
