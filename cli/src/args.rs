//! What can be asked for: noun, then verb.

mod attachment;
mod bulk;
mod dashed;
mod export;
mod hold;
pub(crate) mod log;
mod note;
mod people;
mod project;
mod server;
mod ticket;
mod work;

use std::path::PathBuf;
use std::time::Duration;

use assist_proto::api::sync::WaitUntil;
use assist_proto::api::ticket::Patch;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::output::Fields;

pub(crate) use attachment::{AttachmentVerb, SaveArgs, ThumbnailArgs};
pub(crate) use bulk::{BulkVerb, CannedVerb, Chosen, LabelVerb, ViewVerb};
pub(crate) use dashed::with_queries_apart;
pub(crate) use export::{ExportAllArgs, ExportArgs, ImportArgs, PrintArgs, VerifyArgs};
pub(crate) use hold::{CommentDeleteArgs, CommentEditArgs, CommentReplyArgs, CommentVerb, HoldArgs};
pub(crate) use note::{NoteAddArgs, NoteDeleteArgs, NoteEditArgs, NoteVerb};
pub(crate) use people::{DeviceVerb, MemberVerb, PresenceVerb, Switch, UserVerb};
pub(crate) use project::{JoinArgs, OpenArgs, ProjectVerb};
pub(crate) use server::{InviteArgs, ServerVerb};
pub(crate) use ticket::{
    AssignArgs, CommentArgs, DraftVerb, EditArgs, FollowArgs, LabelArgs, ListArgs, NewArgs, StatusArgs,
    TicketMemberVerb, TicketVerb,
};
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
