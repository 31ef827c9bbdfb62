//! What is written waits a moment before it leaves, and comments have verbs of their own.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::WaitArgs;
use crate::attach::AttachArgs;
use crate::body::BodyArgs;

/// How long something written stays here first, so that `comment undo` can take it back.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct HoldArgs {
    /// Hold it back so long, as `30s` or `2m`, at most an hour [default: 5s for agents, 0s for customers]
    #[arg(long, value_name = "TIME", value_parser = hold_time)]
    pub(crate) hold: Option<Duration>,
    /// Let it leave at once
    #[arg(long, conflicts_with = "hold")]
    pub(crate) send_now: bool,
}

impl HoldArgs {
    /// As the API takes it.
    pub(crate) fn millis(&self) -> Option<u64> {
        let hold = if self.send_now { Some(Duration::ZERO) } else { self.hold };
        hold.map(|hold| u64::try_from(hold.as_millis()).unwrap_or(u64::MAX))
    }
}

/// Verbs of `comment`. A comment is named by its id or the beginning of it.
#[derive(Debug, Subcommand)]
pub(crate) enum CommentVerb {
    /// Take back a comment or note that has not left this device; prints its text, which is kept as a draft
    Undo {
        /// Its whole id [default: the newest that has not left]
        comment: Option<String>,
    },
    /// Answer a comment
    Reply(CommentReplyArgs),
    /// Rewrite a comment of yours; it is then marked as edited, and `ticket history` keeps what it said
    Edit(CommentEditArgs),
    /// Strike a comment of yours; that there was one stays visible
    Delete(CommentDeleteArgs),
}

/// Arguments of `comment reply`.
#[derive(Debug, Args)]
pub(crate) struct CommentReplyArgs {
    /// The ticket's id, the beginning of it, or its number
    pub(crate) ticket: String,
    /// The comment that is answered
    pub(crate) comment: String,
    #[command(flatten)]
    pub(crate) body: BodyArgs,
    #[command(flatten)]
    pub(crate) attach: AttachArgs,
    #[command(flatten)]
    pub(crate) hold: HoldArgs,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}

/// Arguments of `comment edit`.
#[derive(Debug, Args)]
pub(crate) struct CommentEditArgs {
    /// The ticket's id, the beginning of it, or its number
    pub(crate) ticket: String,
    /// The comment's id or the beginning of it
    pub(crate) comment: String,
    #[command(flatten)]
    pub(crate) body: BodyArgs,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}

/// Arguments of `comment delete`.
#[derive(Debug, Args)]
pub(crate) struct CommentDeleteArgs {
    /// The ticket's id, the beginning of it, or its number
    pub(crate) ticket: String,
    /// The comment's id or the beginning of it
    pub(crate) comment: String,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}

/// Reads `30s`, `2m`, `30`.
fn hold_time(text: &str) -> Result<Duration, String> {
    let (count, unit_secs) = match (text.strip_suffix('s'), text.strip_suffix('m')) {
        (Some(count), _) => (count, 1),
        (_, Some(count)) => (count, 60),
        _ => (text, 1),
    };
    let count: u64 = count.parse().map_err(|_| "not a time as 30s or 2m".to_owned())?;
    Ok(Duration::from_secs(count.saturating_mul(unit_secs)))
}
