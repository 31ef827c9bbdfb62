//! What a command failed with: the kind picks the exit code, the hints say what to do.

use std::io::{self, Write};

use assist_proto::api::ticket::TicketRef;
use assist_proto::api::{ApiError, ErrorCode};
use assist_proto::client::{ClientError, HomeError};

use crate::output::neutral;

/// A command's failure.
#[derive(Debug)]
pub(crate) struct CliError {
    kind: ErrorKind,
    source: anyhow::Error,
    hints: Vec<String>,
    candidates: Vec<String>,
}

/// What kind of failure it is, as far as a script wants to know. The numbers in `docs/cli.md` are a promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// It did not work.
    Failed,
    /// It was asked for wrongly.
    Usage,
    /// What it was about is not here.
    NotFound,
    /// The role does not allow it, or this device is no member.
    NotAllowed,
    /// The daemon cannot be reached; nothing was done.
    Unreachable,
    /// The reference means more than one thing.
    Ambiguous,
    /// It was done, but did not come as far as `--wait` asked in time.
    WaitRanOut,
    /// Something is not provably what it says it is.
    NotProven,
    /// Whoever read our output has seen enough: no failure at all.
    ReaderGone,
}

impl ErrorKind {
    /// Returns the exit code.
    pub(crate) const fn exit_code(self) -> u8 {
        match self {
            Self::ReaderGone => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::NotAllowed => 4,
            Self::Unreachable => 5,
            Self::Ambiguous => 6,
            Self::WaitRanOut => 7,
            Self::NotProven => 8,
        }
    }
}

impl CliError {
    /// Makes an error without hints.
    pub(crate) fn new(kind: ErrorKind, source: impl Into<anyhow::Error>) -> Self {
        Self { kind, source: source.into(), hints: Vec::new(), candidates: Vec::new() }
    }

    /// Makes an error from a sentence.
    pub(crate) fn message(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self::new(kind, anyhow::Error::msg(text.into()))
    }

    /// Adds what to try.
    #[must_use]
    pub(crate) fn hint(mut self, text: impl Into<String>) -> Self {
        self.hints.push(text.into());
        self
    }

    /// Adds what an ambiguous reference could have meant, a line each.
    #[must_use]
    pub(crate) fn with_candidates(mut self, candidates: Vec<String>) -> Self {
        self.candidates = candidates;
        self
    }

    /// Returns which kind it is.
    pub(crate) const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Tells a person: what went wrong with its causes, what it could have meant, what to do.
    pub(crate) fn print(&self, stderr: &mut dyn Write) -> io::Result<()> {
        if self.kind == ErrorKind::ReaderGone {
            return Ok(());
        }
        let causes: Vec<String> = self.source.chain().map(ToString::to_string).collect();
        let mut text = format!("error: {}\n", neutral::block(&causes.join(": ")));
        for candidate in &self.candidates {
            text.push_str(&format!("  {}\n", neutral::line(candidate)));
        }
        for hint in &self.hints {
            text.push_str(&format!("hint: {}\n", neutral::block(hint)));
        }
        // In one go: others may write to the same terminal.
        stderr.write_all(text.as_bytes())
    }
}

impl From<ClientError> for CliError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Api(error) => error.into(),
            ClientError::NotRunning { .. } => {
                Self::new(ErrorKind::Unreachable, error).hint("start it with `assist daemon start`")
            }
            ClientError::Unreachable { .. } => Self::new(ErrorKind::Unreachable, error)
                .hint("`--home` or ASSIST_HOME must name a folder of your own daemon"),
            ClientError::Protocol { .. } => Self::new(ErrorKind::Unreachable, error).hint(
                "`assist` and the daemon may differ in version: run `assist daemon stop`, then try again",
            ),
            error => Self::new(ErrorKind::Failed, error),
        }
    }
}

impl From<ApiError> for CliError {
    fn from(error: ApiError) -> Self {
        let candidates: Vec<String> = error.data.candidates.iter().map(candidate_line).collect();
        let is_ambiguous = !candidates.is_empty() || error.data.reason.starts_with("ambiguous");
        let kind = match error.code {
            ErrorCode::Conflict if is_ambiguous => ErrorKind::Ambiguous,
            ErrorCode::InvalidParams | ErrorCode::MethodNotFound => ErrorKind::Usage,
            ErrorCode::NotEnrolled | ErrorCode::NotAllowed => ErrorKind::NotAllowed,
            ErrorCode::NotFound => ErrorKind::NotFound,
            _ => ErrorKind::Failed,
        };
        let nearest = error.data.nearest.join(", ");
        let code_hint = code_hint(&error);
        let mut error = Self::new(kind, error).with_candidates(candidates);
        if !nearest.is_empty() {
            error = error.hint(match kind {
                ErrorKind::Ambiguous => format!("it could be any of: {nearest}"),
                _ => format!("near to it: {nearest}"),
            });
        }
        match code_hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

impl From<HomeError> for CliError {
    fn from(error: HomeError) -> Self {
        Self::new(ErrorKind::Failed, error).hint("name the folder with `--home`")
    }
}

fn code_hint(error: &ApiError) -> Option<String> {
    let hint = match error.code {
        ErrorCode::NotEnrolled => {
            "join with `assist project join <address> --email <your address>`, or with `--code <code>`"
                .to_owned()
        }
        ErrorCode::Conflict if !error.data.candidates.is_empty() => {
            "give more characters of the id, or name the project with `-P`".to_owned()
        }
        ErrorCode::Offline => "`assist sync status` says how the connection stands".to_owned(),
        ErrorCode::Internal => {
            let trace_id = error.data.trace_id.as_ref()?;
            format!("the daemon's log knows more under {trace_id}")
        }
        _ => return None,
    };
    Some(hint)
}

fn candidate_line(ticket: &TicketRef) -> String {
    let number = ticket.number.map(|number| format!("#{number}")).unwrap_or_default();
    format!("{}  {number:>6}  {}", ticket.id, ticket.title)
}

#[cfg(test)]
mod tests;
