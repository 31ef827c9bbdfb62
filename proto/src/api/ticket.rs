//! `ticket.*`: filing, listing, reading and changing tickets.
//!
//! Wherever a parameter is called `ticket`, it takes any reference: the full id (26 characters), an unambiguous
//! beginning of it (4 characters or more), or the number as `#142`. A number needs the project if several are joined.

use assist_crdt_model as model;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::attachment::Attach;
use super::comment::{Comment, ReadBy};
use super::sync::{DeliveryState, HeldUp};
use super::user::UserName;

mod authorship;
mod bulk;
mod collect;
mod edit_words;
mod groups;
mod merge;
mod past;
mod patch;
mod sharing;

pub use authorship::{
    Export, Import, NotProven, TicketBundle, TicketImported, Verification, VerifiedChange, Verify,
};
pub use bulk::{Bulk, BulkDone, BulkOutcome, BulkTicket};
pub use collect::{Collect, CollectedTicket, CollectedTickets};
pub use edit_words::{describe, user_text};
pub use groups::{GroupBy, Groups, TicketGroup, TicketGroups};
pub use merge::{Claim, Link, Merge, Unlink, Unmerge};
pub use past::Undo;
pub use patch::Patch;
pub use sharing::{ListMembers, Share, TicketMember, TicketMemberState, TicketMembers, Unshare};

/// Parameters of `ticket.create`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Create {
    /// The project: its id, its name, or an unambiguous beginning of either. May be left out if only one is joined.
    #[serde(default)]
    pub project: Option<String>,
    /// One line, 1 to 80 characters after trimming.
    pub title: String,
    /// The report: any text up to 64 KiB, kept to the byte. May be empty.
    #[serde(default)]
    pub body: String,
    /// Each 1 to 40 characters. For agents.
    #[serde(default)]
    pub labels: Vec<String>,
    /// How urgent. For agents.
    #[serde(default)]
    pub priority: Option<Priority>,
    /// An agent: a user id, an email address, or `me`. For agents.
    #[serde(default)]
    pub assignee: Option<String>,
    /// Whose problem it is, if not one's own: a user id or an email address. For agents.
    #[serde(default)]
    pub requester: Option<String>,
    /// Files to attach, at most 20: they stand under a first comment without a text.
    #[serde(default)]
    pub attachments: Vec<Attach>,
}

/// Answer of a call that changed a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TicketWritten {
    /// Which ticket.
    pub ticket: TicketRef,
    /// The change (52 characters), for `sync.wait`; null when everything was as asked already.
    pub change: Option<String>,
}

/// The names of one ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TicketRef {
    /// The project's id, 52 characters.
    pub project: String,
    /// 26 characters.
    pub id: String,
    /// The beginning of the id, for people.
    pub short_id: String,
    /// Allotted by the server; null before it has seen the ticket.
    pub number: Option<u64>,
    /// One line; empty while it is not known here.
    #[serde(default)]
    pub title: String,
}

/// Parameters of `ticket.list`. Filters that are left out let everything through; those given must all hold.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct List {
    /// Only of this project: its id, its name, or an unambiguous beginning of either.
    pub project: Option<String>,
    /// Only with one of these.
    pub status: Vec<Status>,
    /// Only of this agent: a user id, an email address, `me`, or `none` for unassigned tickets.
    pub assignee: Option<String>,
    /// Only of this requester: a user id, an email address, or `me`.
    pub requester: Option<String>,
    /// Only with all of these labels.
    pub labels: Vec<String>,
    /// Only with this text in the title, upper or lower case.
    pub text: Option<String>,
    /// Only what this query finds, as `is:open assignee:me label:crash,ui updated:<7d`: `docs/api.md` tells the
    /// language. An order in it wins over `sort` and `order`.
    pub query: Option<String>,
    /// By what to sort.
    pub sort: Sort,
    /// Which end comes first.
    pub order: Order,
    /// How many rows to skip. Not together with `cursor`.
    pub offset: Option<u64>,
    /// `next_cursor` of the page before: goes on where it ended even if tickets moved meanwhile.
    pub cursor: Option<String>,
    /// How many rows to return: 50 unless told, at most 500.
    pub limit: Option<u32>,
}

/// By what a list is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// When something last happened.
    #[default]
    Updated,
    /// When it was filed.
    Created,
    /// The number; tickets without one count as the newest.
    Number,
    /// The urgency, then when something last happened.
    Priority,
    /// How well the text fits what the query looks for.
    Relevance,
}

/// Which end of a list comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Newest, highest, most urgent.
    #[default]
    Descending,
    /// Oldest, lowest, least urgent.
    Ascending,
}

/// Answer of `ticket.list`: one window of the list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct TicketPage {
    /// In the order asked for.
    pub tickets: Vec<TicketRow>,
    /// How many rows the whole list has.
    pub total: u64,
    /// For the next window; null at the end.
    pub next_cursor: Option<String>,
    /// Whether all texts were looked at, if the query looks for any. False while the search index is made.
    #[serde(default = "yes")]
    pub is_complete: bool,
}

const fn yes() -> bool {
    true
}

/// What a list shows of a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TicketRow {
    /// The project's id, 52 characters.
    pub project: String,
    /// 26 characters.
    pub id: String,
    /// The beginning of the id, for people.
    pub short_id: String,
    /// Allotted by the server; null before it has seen the ticket.
    pub number: Option<u64>,
    /// One line.
    pub title: String,
    /// Where it is in its life.
    pub status: Status,
    /// How urgent.
    pub priority: Option<Priority>,
    /// The agent who works on it.
    pub assignee: Option<UserName>,
    /// Whose problem it is.
    pub requester: UserName,
    /// In order.
    pub labels: Vec<String>,
    /// By the author's clock, clamped to what the server saw.
    pub created_at_millis: u64,
    /// When something last happened.
    pub updated_at_millis: u64,
    /// Hidden from its assignee's list until then. Null once that time has come by this device's clock, or the
    /// requester wrote something that whoever snoozed it had not read.
    pub snoozed_until_millis: Option<u64>,
    /// The ticket that it goes on in, if it is a duplicate. Without number and title if that is not on this device.
    #[serde(default)]
    pub merged_into: Option<TicketRef>,
    /// Struck ones included.
    pub comment_count: u64,
    /// Whether a field was written by several while apart.
    pub has_conflict: bool,
    /// How far one's own newest change of it has come; null without any.
    pub state: Option<DeliveryState>,
    /// Whether its text is on this device; false for a while after joining a project.
    pub is_loaded: bool,
    /// Whether others wrote more of it than its user has read, on whichever device.
    #[serde(default)]
    pub is_unread: bool,
    /// Whether a comment or note by somebody else mentions its user.
    #[serde(default)]
    pub is_mentioned: bool,
    /// Whether one does that they have not read. Of notes only this device knows what was read.
    #[serde(default)]
    pub is_newly_mentioned: bool,
    /// What the user said of following it; null where they said nothing.
    #[serde(default)]
    pub follow: Option<Follow>,
}

/// Parameters of `ticket.get`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Get {
    /// The project: its id, its name, or an unambiguous beginning of either.
    #[serde(default)]
    pub project: Option<String>,
    /// The id, an unambiguous beginning of it, or `#number`.
    pub ticket: String,
    /// How many comments to skip, counted from the oldest.
    #[serde(default)]
    pub comments_offset: u64,
    /// How many comments to return; all unless told.
    #[serde(default)]
    pub comments_limit: Option<u64>,
    /// The ticket as whoever made this change had it, once it was made: its hash, or an unambiguous beginning of it.
    #[serde(default)]
    pub at_change: Option<String>,
    /// The ticket as it was at this time, in milliseconds since 1970. Not together with a change.
    #[serde(default)]
    pub at_millis: Option<u64>,
}

/// Answer of `ticket.get`: the row and the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ticket {
    /// What a list shows.
    #[serde(flatten)]
    pub row: TicketRow,
    /// The report.
    pub body: String,
    /// Oldest first; a comment stands after what its author had read.
    pub comments: Vec<Comment>,
    /// Fields that were written by several while apart, with all values.
    pub conflicts: Vec<Conflict>,
    /// Why it was closed, while it is.
    #[serde(default)]
    pub close_reason: Option<String>,
    /// Tickets that have to do with it. Customers are shown those that they see.
    #[serde(default)]
    pub links: Vec<TicketRef>,
    /// Those of them that go on in this one.
    #[serde(default)]
    pub merged: Vec<TicketRef>,
    /// How many notes the team wrote, struck ones included: `note.list` shows them. Always 0 for customers.
    #[serde(default)]
    pub note_count: u64,
    /// The place of its newest change in the server's log: what `ticket.read` takes for "as far as this".
    #[serde(default)]
    pub place: u64,
    /// Who else has read the report and says so, if it is one's own; earliest first.
    #[serde(default)]
    pub read_by: Vec<ReadBy>,
    /// The newest change that is shown, where it was asked how the ticket was; null where it is shown as it is.
    #[serde(default)]
    pub as_of_change: Option<String>,
    /// Set while something of one's own in it waits for a server that takes nothing new.
    #[serde(default)]
    pub held_up: Option<HeldUp>,
}

/// Parameters of `ticket.read`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkRead {
    /// The project: its id, its name, or an unambiguous beginning of either.
    #[serde(default)]
    pub project: Option<String>,
    /// The id, an unambiguous beginning of it, or `#number`.
    pub ticket: String,
    /// As far as was shown: the `place` of `ticket.get`. All that is here unless told.
    #[serde(default)]
    pub through: Option<u64>,
}

/// Parameters of `ticket.follow`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetFollow {
    /// The project: its id, its name, or an unambiguous beginning of either.
    #[serde(default)]
    pub project: Option<String>,
    /// The id, an unambiguous beginning of it, or `#number`.
    pub ticket: String,
    /// What the user wants to hear of it. Null for what is usual: whoever works on a ticket, or has the problem, follows.
    pub follow: Option<Follow>,
}

/// What the user wants to hear of a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Follow {
    /// Everything, whoever works on it.
    Following,
    /// Nothing.
    Muted,
    /// What a newer daemon knows.
    #[serde(other)]
    #[schemars(skip)]
    Other,
}

/// A field that was written by several while apart. Writing it again settles it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Conflict {
    /// `title`, `body`, `status`, `assignee`, `priority`, `snoozed_until_millis`, `close_reason` or `merged_into`.
    pub field: String,
    /// At least two; the one that the ticket shows comes first.
    pub values: Vec<ConflictValue>,
}

/// One of the values of a conflict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConflictValue {
    /// As people read it: an assignee's name, not their id. Empty for "none".
    pub text: String,
    /// Who wrote it.
    pub author: UserName,
    /// By the author's clock.
    pub at_millis: u64,
    /// The change that wrote it.
    pub change: String,
}

/// Parameters of `ticket.resolve`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Resolve {
    /// The project: its id, its name, or an unambiguous beginning of either.
    #[serde(default)]
    pub project: Option<String>,
    /// The id, an unambiguous beginning of it, or `#number`.
    pub reference: String,
}

/// Parameters of `ticket.edit`. All of it becomes one change.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// The project: its id, its name, or an unambiguous beginning of either.
    #[serde(default)]
    pub project: Option<String>,
    /// The id, an unambiguous beginning of it, or `#number`.
    pub ticket: String,
    /// The fields to write.
    #[serde(default)]
    pub set: FieldValues,
    /// Labels to put on.
    #[serde(default)]
    pub add_labels: Vec<String>,
    /// Labels to take off.
    #[serde(default)]
    pub remove_labels: Vec<String>,
}

/// New values of a ticket's fields. What is left out stays; what may be null is cleared by null.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FieldValues {
    /// One line, 1 to 80 characters after trimming.
    pub title: Option<String>,
    /// Any text up to 64 KiB.
    pub body: Option<String>,
    /// Where it is in its life.
    pub status: Option<Status>,
    /// An agent: a user id, an email address, or `me`.
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub assignee: Patch<String>,
    /// How urgent.
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub priority: Patch<Priority>,
    /// Hide it from its assignee's list until then.
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub snoozed_until_millis: Patch<u64>,
    /// Why it is closed, 1 to 200 characters. Shown while it is; closing it without one takes an old one back.
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub close_reason: Patch<String>,
}

/// Parameters of `ticket.history`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// The project: its id, its name, or an unambiguous beginning of either.
    #[serde(default)]
    pub project: Option<String>,
    /// The id, an unambiguous beginning of it, or `#number`.
    pub ticket: String,
    /// How many changes to skip, counted from the oldest.
    #[serde(default)]
    pub offset: u64,
    /// How many changes to return: 500 unless told, and at most.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// Answer of `ticket.history`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct TicketHistory {
    /// Oldest first; a change stands after what its author had seen.
    pub changes: Vec<HistoryChange>,
    /// How many there are in all.
    pub total: u64,
}

/// Who did what in one change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryChange {
    /// Its hash, 52 characters.
    pub change: String,
    /// By the author's clock.
    pub at_millis: u64,
    /// Who made it.
    pub author: UserName,
    /// The id of the device it was made on, 52 characters; null where this device was not told.
    pub device: Option<String>,
    /// What its owner calls it; null where this device was not told.
    #[serde(default)]
    pub device_name: Option<String>,
    /// How far it has come, if it is one's own.
    pub state: Option<DeliveryState>,
    /// In order.
    pub edits: Vec<HistoryEdit>,
}

/// One edit of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryEdit {
    /// What was done: `create_ticket`, `set_title`, `set_body`, `set_status`, `set_assignee`, `set_priority`,
    /// `set_snoozed_until`, `set_close_reason`, `set_merged_into`, `add_link`, `remove_link`, `add_label`,
    /// `remove_label`, `add_comment`, `edit_comment`, `delete_comment`.
    /// More may come.
    pub action: String,
    /// The comment that it was done to.
    pub comment: Option<String>,
    /// The value that its author saw before, as text.
    pub before: Option<String>,
    /// The value that it wrote, as text.
    pub after: Option<String>,
}

/// Where a ticket is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waits for the team.
    Open,
    /// Waits for the customer.
    Pending,
    /// The team thinks it is done.
    Resolved,
    /// Done.
    Closed,
}

/// How urgent a ticket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// When there is time.
    Low,
    /// In turn.
    Normal,
    /// Before others.
    High,
    /// Now.
    Urgent,
}

impl From<model::Status> for Status {
    fn from(status: model::Status) -> Self {
        match status {
            model::Status::Open => Self::Open,
            model::Status::Pending => Self::Pending,
            model::Status::Resolved => Self::Resolved,
            model::Status::Closed => Self::Closed,
        }
    }
}

impl From<Status> for model::Status {
    fn from(status: Status) -> Self {
        match status {
            Status::Open => Self::Open,
            Status::Pending => Self::Pending,
            Status::Resolved => Self::Resolved,
            Status::Closed => Self::Closed,
        }
    }
}

impl From<model::Priority> for Priority {
    fn from(priority: model::Priority) -> Self {
        match priority {
            model::Priority::Low => Self::Low,
            model::Priority::Normal => Self::Normal,
            model::Priority::High => Self::High,
            model::Priority::Urgent => Self::Urgent,
        }
    }
}

impl From<Priority> for model::Priority {
    fn from(priority: Priority) -> Self {
        match priority {
            Priority::Low => Self::Low,
            Priority::Normal => Self::Normal,
            Priority::High => Self::High,
            Priority::Urgent => Self::Urgent,
        }
    }
}
