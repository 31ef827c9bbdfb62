//! What went wrong, in the words of the API: a code, a stable reason, a sentence that says what to do.

use std::fmt::Display;

use assist_crdt_model::{DocId, EditError, ParseIdError, ProjectId, TextError};
use assist_proto::address::AddressError;
use assist_proto::api::ApiError;
use assist_proto::hub::{AdminError, CommandError};
use assist_proto::store::StoreError;
use assist_proto::wire::RefusedCode;
use assist_proto::wire::ask::{AskCode, AskRefused};

use crate::blobs::BlobFault;
use crate::driver::{Chain, Fault};

/// What a handler and its helpers give.
pub(super) type Answer<T> = Result<T, Failure>;

/// An error of the API on its way out. `?` makes it of whatever failed, and an [`ApiError`] of it at the end.
#[derive(Debug)]
pub(super) struct Failure {
    error: Box<ApiError>,
    /// The document that could not be read, if that is why, and the project that it is of on this device.
    damaged: Option<(Option<ProjectId>, DocId)>,
}

impl Failure {
    /// What the driver answers while it ends.
    pub(super) fn stopping() -> Self {
        ApiError::internal("stopping", "the daemon is stopping: try again once it runs").into()
    }

    /// What cannot happen, told instead of hidden.
    pub(super) fn unforeseen(what: &str) -> Self {
        ApiError::internal("unforeseen", format!("{what}: please report it with the log")).into()
    }

    /// Whether that is the reason.
    pub(super) fn is_of(&self, reason: &str) -> bool {
        self.error.data.reason == reason
    }

    /// The document that could not be read, if that is why.
    pub(super) fn damaged(&self) -> Option<(Option<ProjectId>, DocId)> {
        self.damaged
    }

    /// Says first where it went wrong.
    pub(super) fn with_prefix(mut self, prefix: &str) -> Self {
        self.error.message.insert_str(0, prefix);
        self
    }

    /// Names the parameter at fault, if that is the reason.
    pub(super) fn with_field_of(self, reason: &str, field: &str) -> Self {
        match self.is_of(reason) {
            true => self.error.with_field(field).into(),
            false => self,
        }
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self { error: Box::new(error), damaged: None }
    }
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        *failure.error
    }
}

impl From<BlobFault> for Failure {
    fn from(fault: BlobFault) -> Self {
        fault.as_api_error().into()
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let message = Chain(&error).to_string();
        let mut damaged = None;
        let error = match error {
            StoreError::Full(_) => ApiError::limit("disk_full", message),
            StoreError::Damaged { .. } => ApiError::internal("store_damaged", message),
            StoreError::DamagedDoc { project, doc, .. } => {
                damaged = Some((project, doc));
                let advice = "it is asked for again, from whoever has it: try again in a while";
                ApiError::internal("store_damaged", format!("{message}: {advice}"))
            }
            StoreError::Io(_) => ApiError::internal("store_failed", message),
        };
        Self { error: Box::new(error), damaged }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        let error = match fault.is_disk_full {
            true => ApiError::limit("disk_full", fault.message),
            false => ApiError::internal("not_stored", fault.message),
        };
        error.into()
    }
}

impl From<CommandError> for Failure {
    fn from(error: CommandError) -> Self {
        let message = error.to_string();
        match error {
            CommandError::NotJoined => not_joined(),
            CommandError::NoSuchTicket => ApiError::not_found("no_such_ticket", message),
            CommandError::NotLoaded => ApiError::conflict(
                "not_loaded",
                "the ticket's text has not arrived yet: try again in a moment, `assist sync status` shows how far it is",
            ),
            // The backend says who, where it can.
            CommandError::Taken { .. } => ApiError::conflict("taken", message),
            CommandError::HasLeft => ApiError::conflict(
                "has_left",
                format!("{message}: what has left can be struck, `comment.delete` and `note.delete` do"),
            ),
            CommandError::NoSuchDraft => ApiError::not_found("no_such_draft", message),
            CommandError::Edit(error) => of_edit(&error),
            CommandError::Unsent { count } => ApiError::conflict("unsent_changes", unsent(count)),
            CommandError::UnknownEdit => ApiError::conflict("unknown_edit", message),
            CommandError::NotForThem => ApiError::not_allowed("not_yours", message),
            CommandError::NoSuchAttachment => ApiError::not_found("no_such_attachment", message),
            CommandError::AttachmentTooLarge { .. } => {
                ApiError::limit("attachment_too_large", message).with_field("attachments")
            }
            CommandError::NoPendingJoin => ApiError::not_found("no_pending_join", message),
            CommandError::AlreadyJoined => ApiError::conflict(
                "already_joined",
                format!(
                    "{message}: if its server is at another address now, `assist project relocate <address>` tells this device"
                ),
            ),
            CommandError::Unreachable(_) => ApiError::offline(
                "unreachable",
                format!("{message}; check the address and the network, then try again"),
            ),
            CommandError::Refused { code, reason } => of_refusal(code, reason),
            CommandError::Offline => ApiError::offline("offline", format!("{message}: try again once it is")),
            CommandError::AskRefused(refused) => of_ask(refused),
            CommandError::NoAnswer => ApiError::timed_out("no_answer", message),
            CommandError::TooMuchKept => ApiError::limit("too_much_kept", message),
            CommandError::TooManyAsks => ApiError::limit("too_many_requests", message),
            CommandError::NotTheProject(_) => ApiError::not_allowed(
                "not_the_project",
                format!("{message}; ask the operator for the project's address"),
            ),
        }
        .into()
    }
}

impl From<AdminError> for Failure {
    fn from(error: AdminError) -> Self {
        let message = error.to_string();
        match error {
            AdminError::BadEmail(_) => ApiError::invalid_params("bad_email", message).with_field("email"),
            AdminError::BadName => ApiError::invalid_params("bad_name", message).with_field("name"),
            AdminError::TooManyInvitations => ApiError::limit("too_many_invitations", message),
            AdminError::OtherRole { role, .. } => ApiError::conflict(
                "other_role",
                format!("{message}: a further device of theirs is invited with the role {role}"),
            )
            .with_field("role"),
        }
        .into()
    }
}

/// A text of the caller that cannot be what it was meant to be.
pub(super) fn of_text(field: &str) -> impl Fn(TextError) -> Failure {
    move |error| {
        let reason = match error {
            TextError::Empty { .. } => "text_empty",
            TextError::TooManyChars { .. } | TextError::TooManyBytes { .. } => "text_too_long",
        };
        invalid(reason, field, error)
    }
}

/// An id of the caller that is none.
pub(super) fn of_id(field: &str) -> impl Fn(ParseIdError) -> Failure {
    move |error| invalid("bad_id", field, error)
}

/// An address of the caller that is none.
pub(super) fn of_address(error: AddressError) -> Failure {
    invalid("bad_address", "address", Chain(&error))
}

/// A parameter that does not fit.
pub(super) fn invalid(reason: &str, field: &str, message: impl Display) -> Failure {
    ApiError::invalid_params(reason, format!("{field}: {message}")).with_field(field).into()
}

/// This device is no member.
pub(super) fn not_joined() -> ApiError {
    ApiError::not_enrolled(
        "not_joined",
        "this device has not joined that project: join it with the address and the code that its operator gives",
    )
}

fn of_edit(error: &EditError) -> ApiError {
    let message = error.to_string();
    match error {
        EditError::NothingToDo => ApiError::conflict("nothing_to_do", message),
        EditError::NotAllowed { .. } => ApiError::not_allowed("not_allowed", message),
        EditError::WrongKind { .. } => ApiError::conflict("wrong_kind", message),
        EditError::NotCreated => ApiError::not_found("no_such_ticket", message),
        EditError::AlreadyCreated => ApiError::conflict("already_there", message),
        EditError::NoSuchComment(_) => ApiError::not_found(
            "no_such_comment",
            format!("{message}, or it was deleted: the ticket lists those there are"),
        ),
        EditError::CommentExists(_) => ApiError::conflict("already_there", message),
        EditError::WithItself => ApiError::invalid_params("same_ticket", message),
        EditError::Blank => ApiError::invalid_params("text_empty", message),
        EditError::TooMany { .. } => ApiError::limit("too_many", message),
        EditError::BadAttachment { .. } => ApiError::invalid_params("bad_attachment", message),
        EditError::BadTime(_) => ApiError::invalid_params("bad_time", message),
        EditError::TooLarge { .. } => ApiError::limit("too_large", message),
        EditError::ApplyFailed { .. } => ApiError::internal("apply_failed", message),
    }
}

fn of_refusal(code: RefusedCode, reason: String) -> ApiError {
    match code {
        RefusedCode::Version => ApiError::not_allowed("other_version", reason),
        RefusedCode::Project => ApiError::not_allowed("other_project", reason),
        RefusedCode::Device => {
            ApiError::not_enrolled("unknown_device", format!("{reason}: join again with a new code"))
        }
        RefusedCode::Code => ApiError::not_allowed("bad_code", reason).with_field("code"),
        RefusedCode::TooMany => ApiError::limit("too_many_tries", reason),
        RefusedCode::Identity => ApiError::not_allowed("identity_refused", reason),
        RefusedCode::Protocol => ApiError::not_allowed("protocol", reason),
        RefusedCode::Unavailable => ApiError::offline("unavailable", reason),
        RefusedCode::Other(_) => ApiError::not_allowed("refused", reason),
    }
}

fn of_ask(refused: AskRefused) -> ApiError {
    let AskRefused { code, reason } = refused;
    match code {
        AskCode::NotAllowed => ApiError::not_allowed("not_allowed", reason),
        AskCode::NotFound => ApiError::not_found("not_found", reason),
        AskCode::Conflict => ApiError::conflict("conflict", reason),
        AskCode::BadValue => ApiError::invalid_params("bad_value", reason),
        AskCode::Limit => ApiError::limit("limit", reason),
        AskCode::Unavailable => ApiError::offline("unavailable", reason),
        AskCode::Other(_) => ApiError::not_allowed("refused", reason),
    }
}

fn unsent(count: u64) -> String {
    let changes = if count == 1 { "1 change has".to_owned() } else { format!("{count} changes have") };
    format!("{changes} not reached the server: wait for it, or leave with `force` and lose that work")
}
