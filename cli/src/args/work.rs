//! What agents do to tickets beside writing: closing, snoozing, claiming, linking, merging.

use assist_proto::api::ticket::{Patch, Priority};
use clap::Args;

use super::{PRIORITIES_OR_NONE, WaitArgs, word_or_none};

/// Arguments of `ticket close`.
#[derive(Debug, Args)]
pub(crate) struct CloseArgs {
    /// The ticket's id, the beginning of it, or its number
    pub(crate) ticket: String,
    /// Why, in a sentence of at most 200 characters
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}

/// Arguments of `ticket priority`.
#[derive(Debug, Args)]
pub(crate) struct PriorityArgs {
    /// The ticket's id, the beginning of it, or its number
    pub(crate) ticket: String,
    /// How urgent, or `none`
    #[arg(value_parser = word_or_none::<Priority>(PRIORITIES_OR_NONE))]
    pub(crate) priority: Patch<Priority>,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}

/// Arguments of `ticket snooze`.
#[derive(Debug, Args)]
pub(crate) struct SnoozeArgs {
    /// The ticket's id, the beginning of it, or its number
    pub(crate) ticket: String,
    /// When it comes back: `30m`, `4h`, `3d`, `2w` from now, a date, or a time
    #[arg(long, value_name = "TIME")]
    pub(crate) until: String,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}

/// Arguments of `ticket link` and `ticket unlink`.
#[derive(Debug, Args)]
pub(crate) struct LinkArgs {
    /// The ticket's id, the beginning of it, or its number
    pub(crate) ticket: String,
    /// The other ticket, of the same project
    pub(crate) other: String,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}

/// Arguments of `ticket undo`.
#[derive(Debug, Args)]
pub(crate) struct UndoArgs {
    /// The ticket's id, the beginning of it, or its number
    pub(crate) ticket: String,
    /// The change, or the beginning of it, as `ticket history` names it
    pub(crate) change: String,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}

/// Arguments of `ticket merge`.
#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    /// The duplicate: its id, the beginning of it, or its number
    pub(crate) ticket: String,
    /// The ticket that it goes on in, of the same project
    #[arg(long, value_name = "TICKET")]
    pub(crate) into: String,
    /// Let the duplicate's requester see that ticket too, with all that was written in it; asks the project's server
    #[arg(long)]
    pub(crate) share: bool,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}
