//! What can be asked for: noun, then verb.

mod bulk;
mod dashed;
mod export;
mod hold;
pub(crate) mod log;
mod work;

use std::path::PathBuf;
use std::time::Duration;

use assist_proto::api::presence::SetDoing;
use assist_proto::api::sync::WaitUntil;
use assist_proto::api::ticket::{GroupBy, Patch, Priority, Sort, Status};
use assist_proto::api::user::{DesktopShown, Role};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::attach::AttachArgs;
use crate::body::BodyArgs;
use crate::output::Fields;

pub(crate) use bulk::{BulkVerb, CannedVerb, Chosen, LabelVerb, ViewVerb};
pub(crate) use dashed::with_queries_apart;
pub(crate) use export::{ExportAllArgs, ExportArgs, ImportArgs, PrintArgs, VerifyArgs};
pub(crate) use hold::{CommentDeleteArgs, CommentEditArgs, CommentReplyArgs, CommentVerb, HoldArgs};
pub(crate) use work::{CloseArgs, LinkArgs, MergeArgs, PriorityArgs, SnoozeArgs, UndoArgs};

/// Support tickets, on this device first: works offline, syncs when the project's server is in reach.
#[derive(Debug, Parser)]
#[command(name = "assist", version, propagate_version = true, after_help = EXIT_CODES, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) noun: Noun,
}

/// What every command takes.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Globals {
    /// The project: the beginning of its id or name; may be left out if only one is joined
    #[arg(short = 'P', long, global = true, value_name = "PROJECT")]
    pub(crate) project: Option<String>,
    /// The daemon's folder [default: $ASSIST_HOME, else among the user's data]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(crate) home: Option<PathBuf>,
    /// Print one JSON document, of these fields or of all
    #[arg(long, global = true, value_name = "FIELDS", num_args = 0..=1, require_equals = true,
          default_missing_value = "", conflicts_with = "jsonl")]
    pub(crate) json: Option<Fields>,
    /// Print a line of JSON for each row, of these fields or of all
    #[arg(long, global = true, value_name = "FIELDS", num_args = 0..=1, require_equals = true,
          default_missing_value = "")]
    pub(crate) jsonl: Option<Fields>,
    /// Say nothing but errors beside the data
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Fail rather than start the daemon
    #[arg(long, global = true)]
    pub(crate) no_start: bool,
}

/// What it is about.
#[derive(Debug, Subcommand)]
pub(crate) enum Noun {
    /// Join, list and leave projects
    #[command(subcommand)]
    Project(ProjectVerb),
    /// File, read and work tickets
    #[command(subcommand)]
    Ticket(TicketVerb),
    /// Find tickets by what was written in them, the best first
    Search(SearchArgs),
    /// Queries saved under a name, on all your devices and for nobody else
    #[command(subcommand)]
    View(ViewVerb),
    /// Texts for common answers, kept with the project
    #[command(subcommand)]
    Canned(CannedVerb),
    /// The labels that a project offers
    #[command(subcommand)]
    Label(LabelVerb),
    /// Take back, answer, rewrite and strike comments
    #[command(subcommand)]
    Comment(CommentVerb),
    /// What the team says among itself under a ticket; customers never get it
    #[command(subcommand)]
    Note(NoteVerb),
    /// The files under a ticket
    #[command(subcommand)]
    Attachment(AttachmentVerb),
    /// Your own edits that were refused, kept with the reason
    #[command(subcommand)]
    Draft(DraftVerb),
    /// The people of a project
    #[command(subcommand)]
    User(UserVerb),
    /// Who is in a project and who is to be, as its server has it
    #[command(subcommand)]
    Member(MemberVerb),
    /// Who is there, looks at what, and writes just now
    #[command(subcommand)]
    Presence(PresenceVerb),
    /// Your devices, and those that would be
    #[command(subcommand)]
    Device(DeviceVerb),
    /// How far this device and the servers agree; the switch for working offline
    #[command(subcommand)]
    Sync(SyncVerb),
    /// Open a link: the one in a mail, or that of a project
    Open(OpenArgs),
    /// Print what happens, as it happens
    Watch(WatchArgs),
    /// The process that holds your tickets
    #[command(subcommand)]
    Daemon(DaemonVerb),
    /// The server role of this daemon
    #[command(subcommand)]
    Server(ServerVerb),
    /// Write everything that this device may see to a folder, in forms that other programs read
    Export(ExportAllArgs),
    /// Take in what an export or a bundle has and this device has not
    Import(ImportArgs),
    /// Check an export, or who wrote a ticket that came as a bundle; needs no daemon and no network
    Verify(VerifyArgs),
    /// Call a method of the local API
    Rpc(RpcArgs),
    /// Print completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Write manual pages, one for each command
    Man {
        /// The folder to write them to
        folder: PathBuf,
    },
    /// Print the help of a command, or a topic: `exit-codes`, `json`, `output`, `query`, `wait`
    Help {
        /// The command, or the topic
        words: Vec<String>,
    },
}

/// Arguments of `search`.
#[derive(Debug, Args)]
pub(crate) struct SearchArgs {
    /// Words, "phrases" and conditions, as 'panic "at noon" is:open label:crash'
    pub(crate) query: String,
    /// How many at most, up to 100
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 20)]
    pub(crate) limit: u32,
    /// How many of the best to skip
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub(crate) offset: u64,
}

/// Verbs of `project`.
#[derive(Debug, Subcommand)]
pub(crate) enum ProjectVerb {
    /// Enrol this device at a project's server: with an invitation's code, or by email
    Join(JoinArgs),
    /// Show the mailed code, or ask whether this device was let in
    Confirm {
        /// The code; `-` reads it from stdin. Left out once the device waits to be let in
        code: Option<String>,
    },
    /// List the projects that this device has asked to join by email
    Pending,
    /// List the projects that this device has joined
    List,
    /// Tell this device where a joined project's server is now
    Relocate {
        /// What the operator gave: `assist://<project id>@<host>[:port]`, or a bare overlay address (with -P if several
        /// projects are joined)
        address: String,
    },
    /// Remove a project and its tickets from this device
    Leave {
        /// The project, if not named with -P
        #[arg(value_name = "PROJECT")]
        name: Option<String>,
        /// Leave even if that loses work that the server has not got yet
        #[arg(long)]
        force: bool,
    },
}

/// Arguments of `project join`.
#[derive(Debug, Args)]
pub(crate) struct JoinArgs {
    /// What the operator gave: `assist://<project id>@<host>[:port]`, or a bare overlay address
    pub(crate) address: String,
    /// The one-time code of the invitation; `-` reads it from stdin. Without it a code is mailed to --email
    #[arg(long, required_unless_present = "email")]
    pub(crate) code: Option<String>,
    /// Your name, as others see it [default: that of the invitation]
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Your email address; without --code, where a code is mailed to [default: that of the invitation]
    #[arg(long)]
    pub(crate) email: Option<String>,
    /// What to call this device [default: the machine's name]
    #[arg(long)]
    pub(crate) device_name: Option<String>,
}

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

/// Verbs of `attachment`.
#[derive(Debug, Subcommand)]
pub(crate) enum AttachmentVerb {
    /// List the files under a ticket, and where the bytes of each are
    List {
        /// The ticket's id, the beginning of it, or its number
        ticket: String,
    },
    /// Save a file; prints where it went. Nothing that is there is ever overwritten
    Save(SaveArgs),
    /// Write a small copy of a picture (PNG, JPEG, WebP or GIF) into a new file
    Thumbnail(ThumbnailArgs),
    /// Open a copy of a file with the desktop's program for it; never a program
    Open {
        /// The ticket's id, the beginning of it, or its number
        ticket: String,
        /// Its name, or the beginning of its hash
        file: String,
        /// How long to wait for its bytes to come, in seconds
        #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
        timeout: Duration,
    },
}

/// Arguments of `attachment thumbnail`.
#[derive(Debug, Args)]
pub(crate) struct ThumbnailArgs {
    /// The ticket's id, the beginning of it, or its number
    pub(crate) ticket: String,
    /// Its name, or the beginning of its hash; not needed where the ticket has one picture
    pub(crate) file: Option<String>,
    /// The file to write, a PNG; `-` writes to stdout
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// How long to wait for the bytes to come, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub(crate) timeout: Duration,
}

/// Arguments of `attachment save`.
#[derive(Debug, Args)]
pub(crate) struct SaveArgs {
    /// The ticket's id, the beginning of it, or its number
    pub(crate) ticket: String,
    /// Its name, or the beginning of its hash
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub(crate) file: Option<String>,
    /// Save all files of the ticket
    #[arg(long)]
    pub(crate) all: bool,
    /// The folder to save into; `-` writes the bytes of one file to stdout
    #[arg(short, long, value_name = "FOLDER", default_value = ".")]
    pub(crate) output: PathBuf,
    /// How long to wait for the bytes to come, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub(crate) timeout: Duration,
}

/// Verbs of `note`.
#[derive(Debug, Subcommand)]
pub(crate) enum NoteVerb {
    /// Write a note under a ticket; prints the note's id
    Add(NoteAddArgs),
    /// Show the notes of a ticket, oldest first
    List {
        /// The ticket's id, the beginning of it, or its number
        ticket: String,
    },
    /// Rewrite a note of yours
    Edit(NoteEditArgs),
    /// Strike a note of yours; that there was one stays visible
    Delete(NoteDeleteArgs),
}

/// Arguments of `note add`.
#[derive(Debug, Args)]
pub(crate) struct NoteAddArgs {
    /// The ticket's id, the beginning of it, or its number
    pub(crate) ticket: String,
    #[command(flatten)]
    pub(crate) body: BodyArgs,
    /// The note that this one answers
    #[arg(long, value_name = "NOTE")]
    pub(crate) reply_to: Option<String>,
    #[command(flatten)]
    pub(crate) attach: AttachArgs,
    #[command(flatten)]
    pub(crate) hold: HoldArgs,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}

/// Arguments of `note edit`.
#[derive(Debug, Args)]
pub(crate) struct NoteEditArgs {
    /// The ticket's id, the beginning of it, or its number
    pub(crate) ticket: String,
    /// The note's id or the beginning of it
    pub(crate) note: String,
    #[command(flatten)]
    pub(crate) body: BodyArgs,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}

/// Arguments of `note delete`.
#[derive(Debug, Args)]
pub(crate) struct NoteDeleteArgs {
    /// The ticket's id, the beginning of it, or its number
    pub(crate) ticket: String,
    /// The note's id or the beginning of it
    pub(crate) note: String,
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

/// How far a write is to come before the command ends. Without it, durable on this device is enough.
#[derive(Debug, Clone, Args)]
pub(crate) struct WaitArgs {
    /// Wait until it is on the server, delivered to somebody else, or read by the other side
    #[arg(long, value_name = "UNTIL", num_args = 0..=1, require_equals = true,
          default_missing_value = "server", value_parser = word::<WaitUntil>(&["server", "delivered", "read"]))]
    pub(crate) wait: Option<WaitUntil>,
    /// How long to wait
    #[arg(long, value_name = "SECS", default_value = "30", value_parser = seconds, requires = "wait")]
    pub(crate) timeout: Duration,
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

/// Verbs of `user`.
#[derive(Debug, Subcommand)]
pub(crate) enum UserVerb {
    /// List the members of a project that this device knows
    List,
    /// Change what others call you
    Rename {
        /// From now on
        name: String,
    },
    /// Show what this device tells of you, or change it
    Settings {
        /// Whether others are told what you read on this device; your own devices always are
        #[arg(long, value_name = "on|off")]
        read_marks: Option<Switch>,
        /// Whether the project's server mails you what is new while none of your devices is connected
        #[arg(long, value_name = "on|off")]
        mails: Option<Switch>,
        /// What this device shows on its desktop of what is for you
        #[arg(long, value_name = "WHAT", value_parser = word::<DesktopShown>(SHOWN))]
        desktop: Option<DesktopShown>,
        /// When it shows nothing: `22:00-07:00`, or `none`
        #[arg(long, value_name = "HOURS")]
        quiet_hours: Option<String>,
    },
}

/// Verbs of `presence`. What they tell is of this moment, and kept by nobody.
#[derive(Debug, Subcommand)]
pub(crate) enum PresenceVerb {
    /// List who else is there
    List {
        /// Only at this ticket: its id, the beginning of it, or its number
        ticket: Option<String>,
        /// Print who comes, does something else, and goes
        #[arg(long)]
        watch: bool,
        /// With --watch: end after so many lines
        #[arg(short = 'n', long, requires = "watch")]
        count: Option<u64>,
    },
    /// Say what you do, for some seconds, or a line for the team, until you take it back
    Set {
        /// The ticket: its id, the beginning of it, or its number
        ticket: Option<String>,
        /// What you do: at a ticket `viewing` unless told
        #[arg(long, value_parser = word::<SetDoing>(&["here", "viewing", "typing", "typing_note", "gone"]))]
        doing: Option<SetDoing>,
        /// A line for the team: where you are, when you are back
        #[arg(long)]
        status: Option<String>,
        /// Take that line back
        #[arg(long, conflicts_with = "status")]
        no_status: bool,
    },
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Switch {
    /// Yes.
    On,
    /// No.
    Off,
}

/// Verbs of `member`. They ask the project's server, which must be in reach.
#[derive(Debug, Subcommand)]
pub(crate) enum MemberVerb {
    /// List who is in the project (the team)
    List,
    /// Make a one-time code for somebody; prints the code (admins)
    Invite {
        /// Their email address: with it they may also join by email
        email: Option<String>,
        /// What they may do
        #[arg(long, value_parser = word::<Role>(ROLES))]
        role: Role,
        /// What to call them
        #[arg(long)]
        name: Option<String>,
    },
    /// List the invitations that nobody has used yet (admins)
    Invitations,
    /// Take back what is open for an email address (admins)
    Uninvite {
        /// The email address
        email: String,
    },
    /// Change what somebody may do (admins)
    SetRole {
        /// Their email address, name or user id
        member: String,
        /// From now on
        #[arg(value_parser = word::<Role>(ROLES))]
        role: Role,
    },
    /// Take somebody out of the project, with all their devices (admins)
    Remove {
        /// Their email address, name or user id
        member: String,
    },
}

/// Verbs of `device`. They ask the project's server, which must be in reach. A device is named by its id, the
/// beginning of it, or its name.
#[derive(Debug, Subcommand)]
pub(crate) enum DeviceVerb {
    /// List your devices, and those that wait to be let in as yours
    List {
        /// Those of everybody (admins)
        #[arg(long, conflicts_with = "member")]
        all: bool,
        /// Those of this person: an email address, a name or a user id (admins)
        #[arg(long, value_name = "USER")]
        member: Option<String>,
    },
    /// Call a device of yours something else
    Rename {
        /// From now on
        name: String,
        /// Which [default: this one]
        #[arg(long)]
        device: Option<String>,
    },
    /// Shut a device out for good: yours, or as an admin anybody's
    Revoke {
        /// Which
        device: String,
    },
    /// Let a device in that waits for it
    Approve {
        /// Which
        device: String,
    },
    /// Turn a device away that waits
    Reject {
        /// Which
        device: String,
    },
}

/// Verbs of `sync`. With -P they are about one project, else about all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub(crate) enum SyncVerb {
    /// Say how far this device and the servers agree
    Status,
    /// Work offline from now on
    Pause,
    /// Connect again
    Resume,
}

/// Arguments of `open`.
#[derive(Debug, Args)]
pub(crate) struct OpenArgs {
    /// `assist://...`; `-` reads it from stdin
    #[arg(required_unless_present = "install")]
    pub(crate) link: Option<String>,
    /// What the device shows that had the mail sent, if it is another one
    #[arg(long, value_name = "CHARACTERS")]
    pub(crate) check: Option<String>,
    /// Have the desktop open such links with this program; prints the file that says so
    #[arg(long, conflicts_with_all = ["link", "check"])]
    pub(crate) install: bool,
    /// Wait for Enter in the end, so that a window stays until it was read
    #[arg(long, hide = true)]
    pub(crate) hold: bool,
}

/// Arguments of `watch`.
#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    /// Go on behind this event, as an earlier `watch --jsonl` named it
    #[arg(long, value_name = "EVENT")]
    pub(crate) since: Option<String>,
    /// End after so many events
    #[arg(short = 'n', long)]
    pub(crate) count: Option<u64>,
}

/// Verbs of `daemon`.
#[derive(Debug, Subcommand)]
pub(crate) enum DaemonVerb {
    /// Run the daemon here, until it is told to stop
    Run,
    /// Start the daemon in the background
    Start,
    /// Stop the daemon
    Stop,
    /// Say which daemon this is and how it fares
    Status,
}

/// Verbs of `server`. They need a daemon in the server role: name its folder with --home.
#[derive(Debug, Subcommand)]
pub(crate) enum ServerVerb {
    /// Say what the server serves, where, and to how many
    Status,
    /// Say how the server fares, in figures
    Stats,
    /// Show who is connected and how much is done, again and again
    Top {
        /// How long to wait in between
        #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = seconds)]
        interval: Duration,
        /// End after so many times
        #[arg(long, value_name = "COUNT")]
        count: Option<u64>,
    },
    /// Make a one-time code that enrols one device of one person; prints the code
    Invite(InviteArgs),
    /// Send a trial mail, and say what the relay answered
    Mail {
        /// The address that it goes to
        to: String,
    },
    /// List the members with their devices
    Members,
    /// Show what the server decided: changes let in and refused, people let in, shut out or given a role
    Log(log::LogArgs),
    /// Read the whole admission log, and say whether it is what the server wrote
    VerifyLog(log::VerifyLogArgs),
}

/// Arguments of `server invite`.
#[derive(Debug, Args)]
pub(crate) struct InviteArgs {
    /// What the person may do
    #[arg(long, value_parser = word::<Role>(ROLES))]
    pub(crate) role: Role,
    /// Their email address; a member's address invites a further device of theirs
    #[arg(long)]
    pub(crate) email: Option<String>,
    /// What to call them
    #[arg(long)]
    pub(crate) name: Option<String>,
}

/// Arguments of `rpc`.
#[derive(Debug, Args)]
pub(crate) struct RpcArgs {
    /// The method, as `ticket.list`; `rpc.discover` describes them all
    pub(crate) method: String,
    /// The parameters, a JSON object; `-` reads them from stdin
    #[arg(value_name = "JSON")]
    pub(crate) params: Option<String>,
}

/// Reads one of the API's words.
fn word<T>(words: &'static [&'static str]) -> impl TypedValueParser<Value = T>
where
    T: DeserializeOwned + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(words).try_map(|word| serde_json::from_value::<T>(Value::String(word)))
}

/// Reads one of the API's words, or `none`, which clears.
fn word_or_none<T>(words: &'static [&'static str]) -> impl TypedValueParser<Value = Patch<T>>
where
    T: DeserializeOwned + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(words).try_map(|word| match word.as_str() {
        NONE => Ok(Patch::Clear),
        _ => serde_json::from_value(Value::String(word)).map(Patch::Set),
    })
}

fn seconds(text: &str) -> Result<Duration, String> {
    let secs: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(secs).map_err(|error| error.to_string())
}

/// What clears a field.
pub(crate) const NONE: &str = "none";

const STATUSES: &[&str] = &["open", "pending", "resolved", "closed"];
const PRIORITIES: &[&str] = &["low", "normal", "high", "urgent"];
const PRIORITIES_OR_NONE: &[&str] = &["low", "normal", "high", "urgent", NONE];
const ROLES: &[&str] = &["customer", "agent", "admin"];
const SHOWN: &[&str] = &["all", "mentions", "off"];
const GROUPS: &[&str] = &["status", "priority", "assignee", "requester", "label", "project"];
const SORTS: &[&str] = &["updated", "created", "number", "priority", "relevance"];

const EXIT_CODES: &str = "\
Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 not allowed or not enrolled, 5 daemon not reachable, \
6 ambiguous id, 7 --wait ran out, 8 not proven, 130 interrupted";

#[cfg(test)]
mod tests;
