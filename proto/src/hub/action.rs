//! What a hub asks of its driver.

use std::fmt;
use std::net::SocketAddr;

use assist_crdt_model::{BlobHash, ChangeHash, CommentId, DeviceId, ProjectId, TicketId, UnixMillis, UserId};
use bytes::Bytes;

use super::device::{CommandError, Reply};
use super::server::{AdminError, AdminReply};
use crate::mail::Mail;
use crate::store::{Direction, DraftId};
use crate::wire::blob::{BlobPlace, BlobRefused};

/// One connection to one peer. Given by the driver, never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

/// One attempt to reach a server. Given by the hub, never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DialId(pub u64);

/// One request of a front end. Given by the driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// One transfer of a blob. Given by the hub, never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransferId(pub u64);

/// A blob to be sent or fetched now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransferOrder {
    /// The project.
    pub project: ProjectId,
    /// Which way.
    pub direction: Direction,
    /// Which blob, through which document.
    pub place: BlobPlace,
    /// As the document says. What comes is held to it.
    pub size_bytes: u64,
}

/// What became of a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferOutcome {
    /// It is durable where it was to go.
    Done,
    /// The server said no.
    Refused(BlobRefused),
    /// The stream ended before; what had come is kept.
    Broken,
    /// This device has no room for it.
    NoRoom,
    /// Its bytes are not on this device, or are not what they were.
    Gone,
}

/// What a device wants of a server on a blob's stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlobAsk {
    /// To have a blob.
    Fetch {
        /// Of this project.
        project: ProjectId,
        /// Which, through which document.
        place: BlobPlace,
    },
    /// To bring one.
    Store {
        /// For this project.
        project: ProjectId,
        /// Which, through which document.
        place: BlobPlace,
        /// Its size.
        size_bytes: u64,
        /// How much of it is still to come.
        missing_bytes: u64,
    },
    /// It has brought one, whole and durable.
    Stored {
        /// For this project.
        project: ProjectId,
        /// Which, through which document.
        place: BlobPlace,
    },
}

/// What the server says to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlobAnswer {
    /// It may be sent, or may come.
    Granted,
    /// Nothing needs to come: the document has it.
    Held,
    /// No.
    Refused(BlobRefused),
}

/// What a turn's actions need before they may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Durability {
    /// Only that the turn can be read: they promise nothing of ours. If the turn is lost in a crash, it comes again
    /// by itself, because whoever caused it still has it or says it again. Durable with the next [`Durability::Now`].
    Later,
    /// That the turn survives a loss of power.
    Now,
}

/// What the driver must do, in order, after the turn is as durable as it asked to be.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Send one frame.
    Send {
        /// To whom.
        link: LinkId,
        /// The payload.
        frame: Bytes,
    },
    /// Close a link, after what was sent before has left. No `Closed` input follows.
    Close {
        /// Which.
        link: LinkId,
        /// For the other side's log.
        reason: &'static str,
    },
    /// Reach a server at any of these hosts: the first that answers.
    Dial {
        /// Named again by `Opened` or `DialFailed`.
        dial: DialId,
        /// Where.
        hosts: Vec<SocketAddr>,
    },
    /// Give up an attempt. No input follows.
    CancelDial {
        /// Which.
        dial: DialId,
    },
    /// Answer a front end.
    Reply {
        /// Whom.
        call: CallId,
        /// With what.
        outcome: Result<Reply, CommandError>,
    },
    /// Answer an operator.
    AdminReply {
        /// Whom.
        call: CallId,
        /// With what.
        outcome: Result<AdminReply, AdminError>,
    },
    /// Send or fetch a blob on a stream of its own. Ends in [`super::DeviceInput::TransferEnded`], whatever happens.
    Transfer {
        /// Which.
        transfer: TransferId,
        /// To or from whom.
        link: LinkId,
        /// What.
        order: TransferOrder,
    },
    /// Answer a device's blob stream.
    BlobAnswer {
        /// Whom.
        call: CallId,
        /// With what.
        answer: BlobAnswer,
    },
    /// Find out how the server fares, for a device that asked. Ends in [`super::ServerInput::HealthTold`].
    TellHealth {
        /// Whom to answer.
        link: LinkId,
        /// The ask's id.
        ask: u32,
    },
    /// Documents went from this device: the bytes of blobs that none names any more can go as well, some time soon.
    SweepBlobs,
    /// Mail something, some time soon.
    Mail(Mail),
    /// Tell all front ends.
    Notify(Notice),
    /// Call `handle` with `Wake` at this time; earlier wishes stand.
    WakeAt(UnixMillis),
    /// Call `handle` with `Continue` as soon as no other input waits.
    Continue,
}

/// Whose doing it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A front end of this device.
    Local,
    /// Somebody else, or another device.
    Remote,
    /// Nobody's: the time came until which a ticket was snoozed.
    Resurfaced,
}

/// Why something concerns the user of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The ticket was handed to them.
    Assigned,
    /// A comment or note names them.
    Mentioned,
    /// A comment on a ticket that is theirs, or that they follow.
    Reply,
    /// A ticket that they work on or follow came back from its sleep.
    Resurfaced,
}

/// News for front ends. They say what changed, not how it is now: that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A ticket is new or other than before, or its delivery is.
    TicketChanged {
        /// Its project.
        project: ProjectId,
        /// Which.
        ticket: TicketId,
        /// Whose doing.
        cause: Cause,
        /// Who wrote, if somebody did.
        by: Option<UserId>,
    },
    /// A comment arrived or was written.
    CommentAdded {
        /// Its project.
        project: ProjectId,
        /// Its ticket.
        ticket: TicketId,
        /// Which.
        comment: CommentId,
        /// Whose doing.
        cause: Cause,
        /// Who wrote it.
        by: UserId,
    },
    /// A note arrived or was written: on devices of the team alone.
    NoteAdded {
        /// Its project.
        project: ProjectId,
        /// Its ticket.
        ticket: TicketId,
        /// Which.
        note: CommentId,
        /// Whose doing.
        cause: Cause,
        /// Who wrote it.
        by: UserId,
    },
    /// Something is for the user of this device: new, and not their own doing.
    Notification(Notification),
    /// What is known of an attachment's bytes is other than before: they came, were sent, or were refused.
    AttachmentChanged {
        /// Its project.
        project: ProjectId,
        /// Its ticket.
        ticket: TicketId,
        /// Which.
        blob: BlobHash,
    },
    /// Somebody has read a ticket, or read on.
    TicketRead {
        /// Its project.
        project: ProjectId,
        /// Which.
        ticket: TicketId,
        /// Who.
        by: UserId,
        /// When.
        at: UnixMillis,
    },
    /// Others have come, gone, or do something else.
    PresenceChanged {
        /// In which project.
        project: ProjectId,
        /// At which ticket; absent for who is there at all.
        ticket: Option<TicketId>,
    },
    /// The connection, the outbox or the progress of a project is other than before.
    SyncChanged {
        /// Which.
        project: ProjectId,
    },
    /// A project was joined, left or renamed, or its people changed.
    ProjectChanged {
        /// Which.
        project: ProjectId,
    },
    /// The user of this device has another one, or is about to.
    DeviceNews {
        /// In which project.
        project: ProjectId,
        /// Its key.
        device: DeviceId,
        /// What it calls itself.
        name: String,
        /// Whether somebody must let it in.
        is_waiting: bool,
    },
    /// What was kept of a refused change is no longer: thrown away, or written again.
    DraftRemoved {
        /// Its project.
        project: ProjectId,
        /// The refused change.
        change: ChangeHash,
    },
    /// Something that was written here was refused, and is kept.
    DraftAdded {
        /// Its project.
        project: ProjectId,
        /// Under this id.
        draft: DraftId,
    },
}

/// That something is for the user of this device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Its project.
    pub project: ProjectId,
    /// Its ticket.
    pub ticket: TicketId,
    /// Why it concerns them.
    pub reason: Reason,
    /// The comment or note, if there is one.
    pub comment: Option<NotifiedText>,
    /// Whose doing, if somebody's.
    pub by: Option<UserId>,
    /// When, by the server's clock; for a snooze, when it was to end.
    pub at: UnixMillis,
}

/// A text that is for the user of this device.
#[derive(Clone, PartialEq, Eq)]
pub struct NotifiedText {
    /// Which comment or note.
    pub comment: CommentId,
    /// Whether it is a note.
    pub is_note: bool,
    /// How it begins, at most [`crate::limits::NEWS_EXCERPT_CHARS_MAX`] characters.
    pub excerpt: String,
}

impl fmt::Debug for NotifiedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What people wrote does not belong into logs.
        f.debug_struct("NotifiedText").field("comment", &self.comment).finish_non_exhaustive()
    }
}
