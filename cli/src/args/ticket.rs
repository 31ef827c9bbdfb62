//! What can be asked of tickets: reading and writing them, and what was refused of that.

use assist_proto::api::ticket::{GroupBy, Patch, Priority, Sort, Status};
use clap::{Args, Subcommand};

use super::{
    BulkVerb, CloseArgs, ExportArgs, GROUPS, HoldArgs, LinkArgs, MergeArgs, PRIORITIES, PRIORITIES_OR_NONE,
    PrintArgs, PriorityArgs, SORTS, STATUSES, SnoozeArgs, UndoArgs, WaitArgs, word, word_or_none,
};
use crate::attach::AttachArgs;
use crate::body::BodyArgs;

/// Verbs of `ticket`. A ticket is named by its id, the beginning of it, or its number: `#142` or 142.
#[derive(Debug, Subcommand)]
pub(crate) enum TicketVerb {
    /// File a ticket; prints its id
    New(NewArgs),
    /// List tickets
    List(ListArgs),
    /// Show a ticket whole
    #[command(visible_alias = "show")]
    View {
        /// Its id, the beginning of it, or its number
        ticket: String,
        /// As it was: at a time (`2d` ago, `2026-11-01`, `2026-11-01T09:00`), or after a change, by the beginning of
        /// its hash as `ticket history` names it
        #[arg(long, value_name = "TIME|CHANGE")]
        at: Option<String>,
    },
    /// Say that a ticket was read; `view` says so itself on a terminal
    Read {
        /// Its id, the beginning of it, or its number
        ticket: String,
    },
    /// Follow a ticket, whoever works on it; `is:following` finds those
    Follow(FollowArgs),
    /// Hear nothing of a ticket; `is:muted` finds those
    Mute(FollowArgs),
    /// As usual: whoever works on a ticket or has the problem follows it
    Unfollow(FollowArgs),
    /// Change fields of a ticket
    Edit(EditArgs),
    /// Write a comment under a ticket; prints the comment's id
    Comment(CommentArgs),
    /// Close a ticket, with a reason or without
    Close(CloseArgs),
    /// Say that a ticket waits for its customer (agents)
    Pending(StatusArgs),
    /// Say that a ticket should be done (agents)
    Resolve(StatusArgs),
    /// Open a closed ticket again
    Reopen(StatusArgs),
    /// Put labels on a ticket, or take them off
    Label(LabelArgs),
    /// Say how urgent a ticket is (agents)
    Priority(PriorityArgs),
    /// Say which agent works on a ticket
    Assign(AssignArgs),
    /// Take a ticket on, if nobody works on it (agents)
    Claim(StatusArgs),
    /// Hide a ticket from your list until a time, or until its customer writes (agents)
    Snooze(SnoozeArgs),
    /// Bring a snoozed ticket back now (agents)
    Unsnooze(StatusArgs),
    /// Say that two tickets have to do with each other (agents)
    Link(LinkArgs),
    /// Take that back (agents)
    Unlink(LinkArgs),
    /// Close a duplicate and say in which ticket it goes on (agents)
    Merge(MergeArgs),
    /// Undo a merge (agents)
    Unmerge(StatusArgs),
    /// Change many tickets in the same way: those named, or those that a query finds
    #[command(subcommand)]
    Bulk(BulkVerb),
    /// List who changed what, oldest first
    History {
        /// The ticket's id, the beginning of it, or its number
        ticket: String,
    },
    /// Take a change back, unless somebody has gone on from it; `history` lists the changes
    Undo(UndoArgs),
    /// Check that each change is its author's: signatures, certificates, roles
    Verify {
        /// The ticket's id, the beginning of it, or its number
        ticket: String,
    },
    /// Write a ticket to a file, with all that proves who wrote it
    Export(ExportArgs),
    /// Make one HTML file of a ticket, to read and print anywhere
    Print(PrintArgs),
    /// Say who sees a ticket beside the team, and change that
    #[command(subcommand)]
    Member(TicketMemberVerb),
}

/// Verbs of `ticket member`. They ask the project's server.
#[derive(Debug, Subcommand)]
pub(crate) enum TicketMemberVerb {
    /// List who sees it beside the team
    List {
        /// The ticket's id, the beginning of it, or its number
        ticket: String,
    },
    /// Let somebody see it, with all that was written in it (the requester, agents)
    Add {
        /// The ticket's id, the beginning of it, or its number
        ticket: String,
        /// An email address or a user id; for agents also a name
        member: String,
    },
    /// Take it from somebody's list (the requester, agents; anybody their own)
    Remove {
        /// The ticket's id, the beginning of it, or its number
        ticket: String,
        /// As they were added, or `me`
        member: String,
    },
}

/// Arguments of `ticket follow`, `mute` and `unfollow`.
#[derive(Debug, Args)]
pub(crate) struct FollowArgs {
    /// The ticket's id, the beginning of it, or its number
    pub(crate) ticket: String,
}

/// Arguments of `ticket new`.
#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// One line of at most 80 characters [default: the first line of the body]
    #[arg(short, long)]
    pub(crate) title: Option<String>,
    #[command(flatten)]
    pub(crate) body: BodyArgs,
    /// A label to put on (agents); may be repeated
    #[arg(short, long = "label", value_name = "LABEL")]
    pub(crate) labels: Vec<String>,
    /// How urgent (agents)
    #[arg(short, long, value_parser = word::<Priority>(PRIORITIES))]
    pub(crate) priority: Option<Priority>,
    /// The agent who is to work on it: an email address, a user id, or `me` (agents)
    #[arg(short, long, value_name = "AGENT")]
    pub(crate) assignee: Option<String>,
    /// Whose problem it is, if not yours: an email address or a user id (agents)
    #[arg(long, value_name = "USER")]
    pub(crate) requester: Option<String>,
    #[command(flatten)]
    pub(crate) attach: AttachArgs,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}

/// Arguments of `ticket list`.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only with this status; may be repeated
    #[arg(short, long, value_parser = word::<Status>(STATUSES), value_delimiter = ',')]
    pub(crate) status: Vec<Status>,
    /// Only what this finds, as 'is:open assignee:me label:crash,ui updated:<7d "panic at"'
    #[arg(value_name = "QUERY")]
    pub(crate) query: Option<String>,
    /// The same, behind an option
    #[arg(short = 'Q', long = "query", value_name = "QUERY", conflicts_with = "query")]
    pub(crate) query_option: Option<String>,
    /// Only those that are snoozed; without it, `--assignee me` leaves them out
    #[arg(long)]
    pub(crate) snoozed: bool,
    /// Only those of which others wrote more than you have read
    #[arg(long)]
    pub(crate) unread: bool,
    /// Only of this agent: an email address, a user id, `me` or `none`
    #[arg(short, long, value_name = "AGENT")]
    pub(crate) assignee: Option<String>,
    /// Only of this requester: an email address, a user id or `me`
    #[arg(long, value_name = "USER")]
    pub(crate) requester: Option<String>,
    /// Only with this label; may be repeated, then all must be there
    #[arg(short, long = "label", value_name = "LABEL")]
    pub(crate) labels: Vec<String>,
    /// Only with this text in the title
    #[arg(long)]
    pub(crate) text: Option<String>,
    /// By what to sort
    #[arg(long, value_parser = word::<Sort>(SORTS), default_value = "updated")]
    pub(crate) sort: Sort,
    /// Oldest, lowest or least urgent first
    #[arg(long)]
    pub(crate) reverse: bool,
    /// How many at most
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 50, conflicts_with = "all")]
    pub(crate) limit: u64,
    /// How many to skip
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub(crate) offset: u64,
    /// All there are
    #[arg(long)]
    pub(crate) all: bool,
    /// Put together what has this in common; how many at most then holds for each group
    #[arg(long, value_name = "BY", value_parser = word::<GroupBy>(GROUPS), conflicts_with_all = ["csv", "offset"])]
    pub(crate) group_by: Option<GroupBy>,
    /// Only how many tickets each group has
    #[arg(long, requires = "group_by")]
    pub(crate) counts: bool,
    /// Rows for a spreadsheet, with a line of names
    #[arg(long, conflicts_with_all = ["json", "jsonl"])]
    pub(crate) csv: bool,
}

/// Arguments of `ticket edit`.
#[derive(Debug, Args)]
pub(crate) struct EditArgs {
    /// The ticket's id, the beginning of it, or its number
    pub(crate) ticket: String,
    /// One line of at most 80 characters
    #[arg(short, long)]
    pub(crate) title: Option<String>,
    #[command(flatten)]
    pub(crate) body: BodyArgs,
    /// Where it is in its life
    #[arg(short, long, value_parser = word::<Status>(STATUSES))]
    pub(crate) status: Option<Status>,
    /// How urgent, or `none` (agents)
    #[arg(short, long, value_parser = word_or_none::<Priority>(PRIORITIES_OR_NONE))]
    pub(crate) priority: Option<Patch<Priority>>,
    /// The agent: an email address, a user id, `me` or `none` (agents)
    #[arg(short, long, value_name = "AGENT")]
    pub(crate) assignee: Option<String>,
    /// Hide it from its assignee's list until then: a date, a time, or `none` (agents)
    #[arg(long, value_name = "TIME")]
    pub(crate) snooze_until: Option<String>,
    /// A label to put on (agents); may be repeated
    #[arg(long = "add-label", value_name = "LABEL")]
    pub(crate) add_labels: Vec<String>,
    /// A label to take off (agents); may be repeated
    #[arg(long = "remove-label", value_name = "LABEL")]
    pub(crate) remove_labels: Vec<String>,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}

/// Arguments of `ticket comment`.
#[derive(Debug, Args)]
pub(crate) struct CommentArgs {
    /// The ticket's id, the beginning of it, or its number
    pub(crate) ticket: String,
    #[command(flatten)]
    pub(crate) body: BodyArgs,
    /// The comment that this one answers
    #[arg(long, value_name = "COMMENT")]
    pub(crate) reply_to: Option<String>,
    /// Write the canned reply of this name, filled in for the ticket
    #[arg(long, value_name = "NAME", conflicts_with_all = ["body", "file", "edit", "strike"])]
    pub(crate) canned: Option<String>,
    /// Rewrite this comment of yours
    #[arg(long, value_name = "COMMENT", conflicts_with_all = ["reply_to", "attach"])]
    pub(crate) edit: Option<String>,
    /// Strike this comment of yours
    #[arg(long, value_name = "COMMENT", conflicts_with_all = ["reply_to", "edit", "body", "file", "attach"])]
    pub(crate) strike: Option<String>,
    #[command(flatten)]
    pub(crate) attach: AttachArgs,
    #[command(flatten)]
    pub(crate) hold: HoldArgs,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}

/// Arguments of the verbs that need nothing but a ticket.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// The ticket's id, the beginning of it, or its number
    pub(crate) ticket: String,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}

/// Arguments of `ticket label`.
#[derive(Debug, Args)]
pub(crate) struct LabelArgs {
    /// The ticket's id, the beginning of it, or its number
    pub(crate) ticket: String,
    /// The labels to put on
    #[arg(value_name = "LABEL", required_unless_present = "remove")]
    pub(crate) add: Vec<String>,
    /// A label to take off; may be repeated
    #[arg(short, long, value_name = "LABEL")]
    pub(crate) remove: Vec<String>,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}

/// Arguments of `ticket assign`.
#[derive(Debug, Args)]
pub(crate) struct AssignArgs {
    /// The ticket's id, the beginning of it, or its number
    pub(crate) ticket: String,
    /// An email address, a user id, `me` or `none`
    pub(crate) agent: String,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}

/// Verbs of `draft`.
#[derive(Debug, Subcommand)]
pub(crate) enum DraftVerb {
    /// List the edits that were refused
    List,
    /// Show one with its full texts
    Show {
        /// Its id or the beginning of it
        draft: String,
    },
    /// Throw one away for good
    Discard {
        /// Its id or the beginning of it
        draft: String,
    },
    /// Make its edits again, as new ones
    Retry {
        /// Its id or the beginning of it
        draft: String,
        #[command(flatten)]
        wait: WaitArgs,
    },
}
