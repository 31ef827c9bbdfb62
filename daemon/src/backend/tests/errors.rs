//! Every error of the layers below, as the API tells it.

use assist_crdt_model::{CommentId, EditError, Role, TextError, UnixMillis};
use assist_proto::api::{ApiError, ErrorCode};
use assist_proto::hub::{AdminError, CommandError};
use assist_proto::store::StoreError;
use assist_proto::wire::RefusedCode;

use crate::backend::errors::{Failure, of_text};
use crate::driver::Fault;

fn told(failure: impl Into<Failure>) -> (ErrorCode, String, Option<String>) {
    let error = ApiError::from(failure.into());
    assert!(error.message.len() > 10, "{error:?} says something");
    (error.code, error.data.reason, error.data.field)
}

#[track_caller]
fn check(failure: impl Into<Failure>, code: ErrorCode, reason: &str) {
    let (told_code, told_reason, _) = told(failure);
    assert_eq!((told_code, told_reason.as_str()), (code, reason));
}

fn refused(code: RefusedCode) -> CommandError {
    CommandError::Refused { code, reason: "the server says why".into() }
}

#[test]
fn command_errors_have_codes_and_reasons() {
    check(CommandError::NotJoined, ErrorCode::NotEnrolled, "not_joined");
    check(CommandError::NoSuchTicket, ErrorCode::NotFound, "no_such_ticket");
    check(CommandError::NotLoaded, ErrorCode::Conflict, "not_loaded");
    check(CommandError::NoSuchDraft, ErrorCode::NotFound, "no_such_draft");
    check(CommandError::Unsent { count: 2 }, ErrorCode::Conflict, "unsent_changes");
    check(CommandError::AlreadyJoined, ErrorCode::Conflict, "already_joined");
    check(CommandError::Unreachable("no answer".into()), ErrorCode::Offline, "unreachable");
    check(CommandError::NotTheProject("another key".into()), ErrorCode::NotAllowed, "not_the_project");
}

#[test]
fn refusals_say_whether_it_is_the_device_the_role_or_the_moment() {
    check(refused(RefusedCode::Version), ErrorCode::NotAllowed, "other_version");
    check(refused(RefusedCode::Project), ErrorCode::NotAllowed, "other_project");
    check(refused(RefusedCode::Device), ErrorCode::NotEnrolled, "unknown_device");
    check(refused(RefusedCode::Code), ErrorCode::NotAllowed, "bad_code");
    check(refused(RefusedCode::TooMany), ErrorCode::Limit, "too_many_tries");
    check(refused(RefusedCode::Identity), ErrorCode::NotAllowed, "identity_refused");
    check(refused(RefusedCode::Protocol), ErrorCode::NotAllowed, "protocol");
    check(refused(RefusedCode::Unavailable), ErrorCode::Offline, "unavailable");
    check(refused(RefusedCode::Other(99)), ErrorCode::NotAllowed, "refused");
}

#[test]
fn edit_errors_have_codes_and_reasons() {
    let comment = CommentId::from_bytes([1; 16]);
    let text = || "too much of it".to_owned();
    let cases = [
        (EditError::NothingToDo, ErrorCode::Conflict, "nothing_to_do"),
        (EditError::NotAllowed { holders: "admins", deed: "do it" }, ErrorCode::NotAllowed, "not_allowed"),
        (EditError::WrongKind { deed: "comment" }, ErrorCode::Conflict, "wrong_kind"),
        (EditError::NotCreated, ErrorCode::NotFound, "no_such_ticket"),
        (EditError::AlreadyCreated, ErrorCode::Conflict, "already_there"),
        (EditError::NoSuchComment(comment), ErrorCode::NotFound, "no_such_comment"),
        (EditError::CommentExists(comment), ErrorCode::Conflict, "already_there"),
        (EditError::Blank, ErrorCode::InvalidParams, "text_empty"),
        (EditError::TooMany { what: "comments", count_max: 2_000 }, ErrorCode::Limit, "too_many"),
        (
            EditError::BadAttachment { name: text(), reason: "is a path" },
            ErrorCode::InvalidParams,
            "bad_attachment",
        ),
        (EditError::BadTime(UnixMillis(u64::MAX)), ErrorCode::InvalidParams, "bad_time"),
        (EditError::TooLarge { reason: text() }, ErrorCode::Limit, "too_large"),
        (EditError::ApplyFailed { reason: text() }, ErrorCode::Internal, "apply_failed"),
    ];
    for (error, code, reason) in cases {
        check(CommandError::Edit(error), code, reason);
    }
}

#[test]
fn admin_errors_name_the_parameter() {
    let field = |error: AdminError| told(error).2.unwrap();
    assert_eq!(field(AdminError::BadEmail("nonsense".into())), "email");
    assert_eq!(field(AdminError::BadName), "name");
    assert_eq!(field(AdminError::OtherRole { email: "a@b".into(), role: Role::Agent }), "role");
}

#[test]
fn a_full_disk_is_a_limit_and_a_damaged_store_an_internal_error() {
    let cause = || std::io::Error::other("the cause").into();
    check(StoreError::Full(cause()), ErrorCode::Limit, "disk_full");
    check(StoreError::Damaged { what: "list row".into() }, ErrorCode::Internal, "store_damaged");
    check(StoreError::Io(cause()), ErrorCode::Internal, "store_failed");
    let error = ApiError::from(Failure::from(StoreError::Io(cause())));
    assert!(error.message.ends_with("the cause"), "the log gets the whole chain: {}", error.message);
    let fault = |is_disk_full| Fault { message: "it was not stored".into(), is_disk_full };
    check(fault(true), ErrorCode::Limit, "disk_full");
    check(fault(false), ErrorCode::Internal, "not_stored");
}

#[test]
fn texts_name_their_parameter() {
    let empty = told(of_text("set.title")(TextError::Empty { what: "title" }));
    assert_eq!(empty, (ErrorCode::InvalidParams, "text_empty".into(), Some("set.title".into())));
    let long = TextError::TooManyChars { what: "title", chars: 81, chars_max: 80 };
    assert_eq!(told(of_text("title")(long)).1, "text_too_long");
}
