//! What happened: the events that a front end follows on `/events`.
//!
//! An event says what to look at again, not how it looks now: missing one costs a reload, never a wrong picture.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ticket::TicketRef;
use crate::hub;

/// An event with its place in the stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// For `Last-Event-ID`: names the daemon's run and the place in it. Only equality means something.
    pub id: String,
    /// What happened.
    #[serde(flatten)]
    pub news: News,
}

/// What happened. The name of each is also the `event` of the stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event")]
pub enum News {
    /// A ticket came, changed, or is no longer to be seen.
    #[serde(rename = "ticket.changed")]
    TicketChanged {
        /// Which.
        ticket: TicketRef,
        /// Why.
        cause: Cause,
        /// The name of who did it, where somebody did.
        actor: Option<String>,
    },
    /// A comment came. Comes together with `ticket.changed`.
    #[serde(rename = "comment.added")]
    CommentAdded {
        /// Under which ticket.
        ticket: TicketRef,
        /// The comment's id, 26 characters.
        comment: String,
        /// Why.
        cause: Cause,
        /// The name of who wrote it.
        actor: Option<String>,
    },
    /// A note came: to the team alone. Comes together with `ticket.changed`.
    #[serde(rename = "note.added")]
    NoteAdded {
        /// Under which ticket.
        ticket: TicketRef,
        /// The note's id, 26 characters.
        note: String,
        /// Why.
        cause: Cause,
        /// The name of who wrote it.
        actor: Option<String>,
    },
    /// Something is for this device's user: new, not their own doing, and not read on another of their devices. Once
    /// for each comment; of a muted ticket only what mentions them or hands it to them.
    #[serde(rename = "notification.added")]
    NotificationAdded {
        /// Which ticket.
        ticket: TicketRef,
        /// Why it concerns them.
        reason: Reason,
        /// The comment's or note's id, 26 characters; null where it is about none.
        comment: Option<String>,
        /// Whether that is a note.
        is_note: bool,
        /// How it begins, at most 200 characters, on as many lines as it has; null where it is about none.
        #[serde(default)]
        excerpt: Option<String>,
        /// The name of whose doing it was; null where it was nobody's.
        actor: Option<String>,
        /// When, by the server's clock.
        at_millis: u64,
    },
    /// An attachment's bytes came, went, moved on or were refused: look at `attachment.list`.
    #[serde(rename = "attachment.changed")]
    AttachmentChanged {
        /// Under which ticket.
        ticket: TicketRef,
        /// The blob's hash, 52 characters.
        blob: String,
    },
    /// Somebody has read a ticket, or read on in it. Comes together with `ticket.changed`.
    #[serde(rename = "ticket.read")]
    TicketRead {
        /// Which ticket.
        ticket: TicketRef,
        /// The name of who has read.
        actor: Option<String>,
        /// When, by their clock, clamped by the server.
        at_millis: u64,
    },
    /// Others have come, gone, or do something else: look at `presence.list`. Comes while somebody looks at that, or
    /// shows something by `presence.set`.
    #[serde(rename = "presence.changed")]
    PresenceChanged {
        /// The project's id, 52 characters.
        project: String,
        /// The ticket's id, 26 characters; null for who is there at all.
        ticket: Option<String>,
    },
    /// A connection or an outbox changed: look at `sync.status`.
    #[serde(rename = "sync.changed")]
    SyncChanged {
        /// The project's id, 52 characters.
        project: String,
    },
    /// A project was joined or left, or its name, catalogue or members changed.
    #[serde(rename = "project.changed")]
    ProjectChanged {
        /// The project's id, 52 characters.
        project: String,
        /// Why.
        cause: Cause,
        /// The name of who did it, where somebody did.
        actor: Option<String>,
    },
    /// The user of this device has another one, or somebody must let it in first: look at `device.list`.
    #[serde(rename = "device.added")]
    DeviceAdded {
        /// The project's id, 52 characters.
        project: String,
        /// The device's id, 52 characters.
        device: String,
        /// What it calls itself.
        name: String,
        /// Whether it waits: `device.approve` lets it in, `device.reject` turns it away.
        is_waiting: bool,
    },
    /// A draft is no longer there: thrown away, or made again.
    #[serde(rename = "draft.removed")]
    DraftRemoved {
        /// The project's id, 52 characters.
        project: String,
        /// The hash of the refused change, 52 characters.
        draft: String,
    },
    /// An edit of this device's user was refused and kept: look at `draft.get`.
    #[serde(rename = "draft.added")]
    DraftAdded {
        /// The project's id, 52 characters.
        project: String,
        /// The draft's id, 52 characters.
        draft: String,
        /// What it was meant for.
        ticket: Option<TicketRef>,
        /// Why it was refused, in a sentence.
        message: String,
    },
    /// How the overlay fares on this machine changed: look at `daemon.status`.
    #[serde(rename = "overlay.changed")]
    OverlayChanged {},
    /// Events were missed: list again, then go on from here.
    #[serde(rename = "reset")]
    Reset {},
    /// An event of a newer daemon.
    #[serde(other)]
    #[schemars(skip)]
    Unknown,
}

/// Why something changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// It was done on this device.
    Local,
    /// It came from the server.
    Remote,
    /// Nothing but how far own changes have come.
    Delivery,
    /// The time came until which it was snoozed.
    Resurfaced,
    /// A cause of a newer daemon.
    #[serde(other)]
    #[schemars(skip)]
    Unknown,
}

/// Why something concerns the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The ticket was handed to them.
    Assigned,
    /// A comment or note names them.
    Mentioned,
    /// A comment on a ticket that they requested, work on or follow.
    Reply,
    /// A ticket that they work on or follow came back from its sleep.
    Resurfaced,
    /// A reason of a newer daemon.
    #[serde(other)]
    #[schemars(skip)]
    Unknown,
}

impl From<hub::Reason> for Reason {
    fn from(reason: hub::Reason) -> Self {
        match reason {
            hub::Reason::Assigned => Self::Assigned,
            hub::Reason::Mentioned => Self::Mentioned,
            hub::Reason::Reply => Self::Reply,
            hub::Reason::Resurfaced => Self::Resurfaced,
        }
    }
}

impl News {
    /// Returns the name, which is also the `event` of the stream.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::TicketChanged { .. } => "ticket.changed",
            Self::CommentAdded { .. } => "comment.added",
            Self::NoteAdded { .. } => "note.added",
            Self::NotificationAdded { .. } => "notification.added",
            Self::AttachmentChanged { .. } => "attachment.changed",
            Self::TicketRead { .. } => "ticket.read",
            Self::PresenceChanged { .. } => "presence.changed",
            Self::SyncChanged { .. } => "sync.changed",
            Self::ProjectChanged { .. } => "project.changed",
            Self::DeviceAdded { .. } => "device.added",
            Self::DraftAdded { .. } => "draft.added",
            Self::DraftRemoved { .. } => "draft.removed",
            Self::OverlayChanged {} => "overlay.changed",
            Self::Reset {} => "reset",
            Self::Unknown => "unknown",
        }
    }

    /// Returns the id of the project that it is about, where it is about one.
    pub fn project(&self) -> Option<&str> {
        match self {
            Self::TicketChanged { ticket, .. }
            | Self::CommentAdded { ticket, .. }
            | Self::AttachmentChanged { ticket, .. }
            | Self::NoteAdded { ticket, .. }
            | Self::NotificationAdded { ticket, .. }
            | Self::TicketRead { ticket, .. } => Some(&ticket.project),
            Self::SyncChanged { project }
            | Self::PresenceChanged { project, .. }
            | Self::ProjectChanged { project, .. }
            | Self::DeviceAdded { project, .. }
            | Self::DraftAdded { project, .. }
            | Self::DraftRemoved { project, .. } => Some(project),
            Self::OverlayChanged {} | Self::Reset {} | Self::Unknown => None,
        }
    }
}
