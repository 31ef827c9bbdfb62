//! The same change to many tickets, and texts for common answers.

use assist_proto::api::ticket::{Patch, Priority};
use clap::{Args, Subcommand};

use super::{PRIORITIES_OR_NONE, word_or_none};
use crate::body::BodyArgs;

/// Verbs of `ticket bulk`.
#[derive(Debug, Subcommand)]
pub(crate) enum BulkVerb {
    /// Close them
    Close {
        /// Why, in a sentence of at most 200 characters
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        #[command(flatten)]
        chosen: Chosen,
    },
    /// Open them again
    Reopen {
        #[command(flatten)]
        chosen: Chosen,
    },
    /// Say that they wait for their customers
    Pending {
        #[command(flatten)]
        chosen: Chosen,
    },
    /// Say that they should be done
    Resolve {
        #[command(flatten)]
        chosen: Chosen,
    },
    /// Say which agent works on them
    Assign {
        /// An email address, a user id, `me` or `none`
        agent: String,
        #[command(flatten)]
        chosen: Chosen,
    },
    /// Put labels on them, or take them off
    Label {
        /// A label to put on; may be repeated
        #[arg(long, value_name = "LABEL", required_unless_present = "remove")]
        add: Vec<String>,
        /// A label to take off; may be repeated
        #[arg(short, long, value_name = "LABEL")]
        remove: Vec<String>,
        #[command(flatten)]
        chosen: Chosen,
    },
    /// Say how urgent they are
    Priority {
        /// How urgent, or `none`
        #[arg(value_parser = word_or_none::<Priority>(PRIORITIES_OR_NONE))]
        priority: Patch<Priority>,
        #[command(flatten)]
        chosen: Chosen,
    },
    /// Hide them from your list until a time
    Snooze {
        /// When they come back: `30m`, `4h`, `3d`, `2w` from now, a date, or a time; `none` brings them back now
        #[arg(long, value_name = "TIME")]
        until: String,
        #[command(flatten)]
        chosen: Chosen,
    },
}

/// Which tickets.
#[derive(Debug, Clone, Args)]
pub(crate) struct Chosen {
    /// These: ids, beginnings of ids, or numbers
    #[arg(value_name = "TICKET", required_unless_present = "query", conflicts_with = "query")]
    pub(crate) tickets: Vec<String>,
    /// Those that this finds, as 'is:open label:crash updated:>30d'
    #[arg(short = 'Q', long, value_name = "QUERY")]
    pub(crate) query: Option<String>,
    /// Change nothing, and say what would be changed
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
}

/// Verbs of `canned`.
#[derive(Debug, Subcommand)]
pub(crate) enum CannedVerb {
    /// List them
    List,
    /// Store one under a name, in place of one that is there (admins)
    Set {
        /// What agents type
        name: String,
        #[command(flatten)]
        body: BodyArgs,
    },
    /// Drop one (admins)
    Remove {
        /// Its name, or the beginning of it
        name: String,
    },
    /// Print one as it would be written on a ticket
    Preview {
        /// The ticket's id, the beginning of it, or its number
        ticket: String,
        /// Its name, or the beginning of it
        name: String,
    },
}

/// Verbs of `label`.
#[derive(Debug, Subcommand)]
pub(crate) enum LabelVerb {
    /// List them
    List,
    /// Offer one, or describe it anew (admins)
    Set {
        /// 1 to 40 characters
        label: String,
        /// What it is for
        #[arg(short = 'd', long, value_name = "TEXT", default_value = "")]
        description: String,
    },
    /// Drop one; tickets keep it (admins)
    Remove {
        /// The label
        label: String,
    },
}

/// Verbs of `view`.
#[derive(Debug, Subcommand)]
pub(crate) enum ViewVerb {
    /// Save a query under a name, in place of one that is there
    Save {
        /// One word; `view:<name>` in a query stands for it
        name: String,
        /// What it stands for, as 'is:open label:crash sort:updated'
        query: String,
    },
    /// List them
    List,
    /// Print the query of one
    Show {
        /// Its name
        name: String,
    },
    /// Remove one from all your devices
    Remove {
        /// Its name
        name: String,
    },
}
