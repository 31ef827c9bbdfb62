//! What front ends ask of a device, and what it answers.

use assist_crdt_model::{
    Attachment, Body, ChangeHash, CommentId, DeviceId, DocId, Edit, EditError, ProjectId, TicketId, Title,
    UserId,
};

use super::{Imported, PresenceView, PresenceWord};
use crate::address::Address;
use crate::bundle::Bundle;
use crate::limits;
use crate::store::{Desktop, DraftId, Kept, PendingJoin, Seq};
use crate::wire::RefusedCode;
use crate::wire::ask::{AskRefused, Request, Response};
use crate::wire::blob::BlobPlace;
use crate::wire::join::Confirmed;

/// What a front end asks of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Become a member.
    Join {
        /// Where.
        address: Address,
        /// The one-time code.
        code: String,
        /// What the person is called.
        name: String,
        /// Where mail reaches them.
        email: Option<String>,
        /// What they call this device.
        device_name: String,
    },
    /// Have a code mailed, with which this device becomes a member.
    RequestCode {
        /// Where.
        address: Address,
        /// Where mail reaches the person.
        email: String,
        /// What the person is called, if they are new.
        name: Option<String>,
        /// What they call this device.
        device_name: String,
    },
    /// Show the mailed code, or ask whether this device was let in meanwhile.
    Confirm {
        /// Of the project for which a code was mailed.
        project: ProjectId,
        /// The code; absent to ask.
        code: Option<String>,
    },
    /// Show a code that was mailed for another device.
    ConfirmOther {
        /// Where, as the mailed link has it.
        address: Address,
        /// The device that asked.
        device: DeviceId,
        /// The code.
        code: String,
        /// What that device shows.
        check: String,
    },
    /// Forget a project.
    Leave {
        /// Which.
        project: ProjectId,
        /// Even if something that was written here has not reached the server.
        discard_unsent: bool,
    },
    /// Take over where a project's server is now.
    Relocate {
        /// Where, with the project.
        address: Address,
    },
    /// File a ticket.
    CreateTicket {
        /// Where.
        project: ProjectId,
        /// For whom; absent for oneself.
        requester: Option<UserId>,
        /// One line.
        title: Title,
        /// The report.
        body: Body,
        /// What else to set at once.
        edits: Vec<Edit>,
        /// Names for blobs that are on this device: a first comment brings them.
        attachments: Vec<Attachment>,
    },
    /// Write a comment.
    Comment {
        /// Where.
        project: ProjectId,
        /// On which ticket.
        ticket: TicketId,
        /// What.
        body: Body,
        /// To which comment.
        reply_to: Option<CommentId>,
        /// Names for blobs that are on this device.
        attachments: Vec<Attachment>,
        /// How long it stays here at least, so that it can be taken back.
        hold_millis: u64,
    },
    /// Take back what has not left this device.
    TakeBack {
        /// Of this project, or of any.
        project: Option<ProjectId>,
        /// Which comment or note, or the newest.
        comment: Option<CommentId>,
    },
    /// Write a note.
    Note {
        /// Where.
        project: ProjectId,
        /// On which ticket.
        ticket: TicketId,
        /// What.
        body: Body,
        /// To which note.
        reply_to: Option<CommentId>,
        /// Names for blobs that are on this device.
        attachments: Vec<Attachment>,
        /// How long it stays here at least, so that it can be taken back.
        hold_millis: u64,
    },
    /// Take a ticket on that nobody works on.
    Claim {
        /// Where.
        project: ProjectId,
        /// Which ticket.
        ticket: TicketId,
    },
    /// Change several documents in one turn.
    EditMany {
        /// Which and how, each in one change.
        writes: Vec<Write>,
        /// Whether what comes after a failure is left alone. What was written before it stays.
        stops_at_failure: bool,
    },
    /// Change a document.
    Edit {
        /// Where.
        project: ProjectId,
        /// Which.
        doc: DocId,
        /// How, in one change.
        edits: Vec<Edit>,
    },
    /// Work offline from now on: one project, or all.
    Pause(Option<ProjectId>),
    /// Connect again: one project, or all.
    Resume(Option<ProjectId>),
    /// Drop a refused text.
    DiscardDraft(DraftId),
    /// Write a refused text once more.
    RetryDraft(DraftId),
    /// Make sure that a document passed the gate, so that it can be read from the store.
    Verify {
        /// Where.
        project: ProjectId,
        /// Which.
        doc: DocId,
    },
    /// Have a blob brought to this device, as soon as that can be.
    FetchBlob {
        /// Where.
        project: ProjectId,
        /// Which, through which document.
        place: BlobPlace,
    },
    /// Take in what a bundle has and this device has not.
    Import(Box<Bundle>),
    /// A ticket was shown to the user.
    MarkRead {
        /// Where.
        project: ProjectId,
        /// Which.
        ticket: TicketId,
        /// The newest record that was shown; absent for all that is here.
        through: Option<Seq>,
    },
    /// Keep something for the user, on all their devices.
    Keep {
        /// With which project's server.
        project: ProjectId,
        /// What.
        kept: Kept,
    },
    /// Whether others are told what the user reads on this device.
    SendReadMarks {
        /// Where.
        project: ProjectId,
        /// Whether.
        is_on: bool,
    },
    /// What this device shows on its desktop.
    SetDesktop {
        /// Of which project.
        project: ProjectId,
        /// What.
        desktop: Desktop,
    },
    /// Say something of the user to those who may see it, for this moment.
    SetPresence {
        /// Where.
        project: ProjectId,
        /// What.
        word: PresenceWord,
    },
    /// Ask who is there.
    Presence {
        /// Where.
        project: ProjectId,
    },
    /// Ask the project's server, now or not at all.
    Ask {
        /// Which project's.
        project: ProjectId,
        /// What.
        request: Request,
    },
}

/// One of the changes of [`Command::EditMany`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// Where.
    pub project: ProjectId,
    /// Which document.
    pub doc: DocId,
    /// How.
    pub edits: Vec<Edit>,
}

/// What it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It was done.
    Done,
    /// A member now.
    Joined(ProjectId),
    /// A code is on its way.
    CodeSent(PendingJoin),
    /// The address is proven, and somebody must let this device in.
    Waiting(PendingJoin),
    /// Another device was confirmed.
    Confirmed(Confirmed),
    /// Durable on this device.
    Written {
        /// Where.
        project: ProjectId,
        /// Which document.
        doc: DocId,
        /// The change, by which its way to the others can be followed.
        change: ChangeHash,
        /// The comment, if one was written.
        comment: Option<CommentId>,
    },
    /// A comment or note was taken back and is a draft now.
    TakenBack {
        /// Of which project.
        project: ProjectId,
        /// From which document.
        doc: DocId,
        /// Which.
        comment: CommentId,
        /// Its change, by which the draft is known.
        change: ChangeHash,
        /// What it said.
        body: Body,
    },
    /// What became of each write, in order; fewer than were asked for if it stopped at a failure.
    WrittenMany(Vec<Result<Self, CommandError>>),
    /// Who is there.
    Presence(PresenceView),
    /// The server's answer to [`Command::Ask`].
    Given(Response),
    /// What became of the changes of a bundle.
    Imported(Imported),
}

/// Why it does not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// No such project here.
    #[error("this device has not joined that project")]
    NotJoined,
    /// No such ticket here.
    #[error("there is no such ticket")]
    NoSuchTicket,
    /// The ticket is listed, but its text has not arrived yet.
    #[error("the ticket is still arriving")]
    NotLoaded,
    /// Somebody works on the ticket already.
    #[error("somebody works on the ticket already")]
    Taken {
        /// Who.
        by: UserId,
    },
    /// No comment or note names it.
    #[error("there is no such attachment")]
    NoSuchAttachment,
    /// A bundle of what a customer does not get to see.
    #[error("it holds what is not yours to see: notes of the team, or the ticket of somebody else")]
    NotForThem,
    /// The server would not take it.
    #[error("{name:?} is over {} MiB, the most that the project's server takes", bytes_max / (1024 * 1024))]
    AttachmentTooLarge {
        /// What it is called.
        name: String,
        /// The most.
        bytes_max: u64,
    },
    /// There is no room for one more.
    #[error(
        "so much is kept for nobody: at most {} tickets are followed or muted, and {} views saved",
        limits::FOLLOWS_MAX,
        limits::VIEWS_MAX
    )]
    TooMuchKept,
    /// Nothing that could be taken back.
    #[error("there is nothing to take back: it has left this device, or was never written here")]
    HasLeft,
    /// No such draft here.
    #[error("there is no such draft")]
    NoSuchDraft,
    /// The edit cannot be made.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// Leaving would lose work.
    #[error("{count} changes have not reached the server")]
    Unsent {
        /// How many.
        count: u64,
    },
    /// Joined already.
    #[error("this device has joined that project already")]
    AlreadyJoined,
    /// A draft of a later version.
    #[error("the draft holds an edit that this version does not know: update it, then try again")]
    UnknownEdit,
    /// No code was asked for.
    #[error("no code was asked for to join that project")]
    NoPendingJoin,
    /// The server could not be reached.
    #[error("the server cannot be reached: {0}")]
    Unreachable(String),
    /// The server said no.
    #[error("{reason}")]
    Refused {
        /// For machines.
        code: RefusedCode,
        /// For people.
        reason: String,
    },
    /// Whoever answered is not the project.
    #[error("who answers at that address is not the project: {0}")]
    NotTheProject(String),
    /// It needs the server, and there is no session with it.
    #[error("this needs the project's server, which is not connected now")]
    Offline,
    /// The server said no to an ask.
    #[error("{}", .0.reason)]
    AskRefused(AskRefused),
    /// The session ended, or the time ran out, between an ask and its answer.
    #[error("no answer came from the server: it may have been done or not, look before you try again")]
    NoAnswer,
    /// Too many asks wait for their answer.
    #[error(
        "{} requests wait for the server already: try again when they are answered",
        limits::ASKS_WAITING_MAX
    )]
    TooManyAsks,
}
