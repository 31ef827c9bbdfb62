//! What a person can do in the client: a closed list, which views hand up and [`crate::update`] carries out.

use assist_proto::api::sync::ConnectionState;
use assist_proto::api::ticket::{Priority, Sort, Status};

use crate::memory::ThemeChoice;
use crate::route::Route;

/// What a person did.
#[derive(Debug, Clone, PartialEq)]
pub enum Intent {
    /// To go somewhere.
    Go(Route),
    /// To where one was before.
    Back,
    /// To where one was before going back.
    Forward,
    /// To the next ticket of the list, or the one before.
    Step(Step),
    /// These rows of the list are on the screen.
    ShowRows(std::ops::Range<u64>),
    /// To sort the list.
    Sort(Sort),
    /// Typed into a field, which now holds this.
    Type(Field, String),
    /// To write a note, or a comment.
    WriteNote(bool),
    /// To answer this comment, or none.
    ReplyTo(Option<String>),
    /// To see the text as others will, or to write on.
    Preview(bool),
    /// To send what was written under the ticket.
    Send,
    /// To take back what has not left.
    TakeBack(String),
    /// To file a ticket in this project.
    ChooseProject(String),
    /// To file the ticket.
    File,
    /// To join with a code that one has, or to have one mailed.
    HaveCode(bool),
    /// To have a code mailed.
    RequestCode,
    /// To join with the code that was typed; or to ask whether somebody let this device in.
    Confirm,
    /// To go on with a project that was asked for earlier, or to begin anew.
    GoOnJoining(Option<String>),
    /// To change the ticket that is shown.
    Change(Change),
    /// To work offline, or no more.
    Pause {
        /// Of this project; of all without.
        project: Option<String>,
        /// Offline, or no more.
        is_paused: bool,
    },
    /// To leave a project: asks first. `None` thinks better of it.
    AskToLeave(Option<String>),
    /// To leave the project that was asked about.
    Leave {
        /// Even if that loses what was not sent.
        is_forced: bool,
    },
    /// To see the connections, or no more.
    ShowConnections(bool),
    /// To see what changed the ticket, or no more.
    ShowHistory(bool),
    /// To make a refused edit again.
    RetryDraft(String),
    /// To throw a refused edit away.
    DiscardDraft(String),
    /// To put a line on what happened away.
    Dismiss(usize),
    /// To have it dark, light, or as the system has it.
    Theme(ThemeChoice),
    /// To have everything this size, in percent.
    Zoom(u16),
    /// To have things move no more than they must, or again.
    ReduceMotion(bool),
}

/// A field that a person types into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The query.
    Query,
    /// The text under the ticket.
    Composer,
    /// The title of the ticket that is shown.
    Title,
    /// A label for the ticket that is shown.
    Label,
    /// The title of a ticket to file.
    NewTitle,
    /// The report of a ticket to file.
    NewBody,
    /// The address of a project.
    JoinAddress,
    /// One's email address.
    JoinEmail,
    /// One's name.
    JoinName,
    /// The code.
    JoinCode,
}

/// A change of the ticket that is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// To rewrite the title: what it is, to begin with.
    BeginTitle,
    /// To keep the title that was typed.
    KeepTitle,
    /// To leave the title as it was.
    LeaveTitle,
    /// Where it is in its life.
    Status(Status),
    /// How urgent it is.
    Priority(Option<Priority>),
    /// Who works on it, by id.
    Assignee(Option<String>),
    /// To put a label on.
    AddLabel(String),
    /// To take a label off.
    RemoveLabel(String),
    /// To hide it until a time, or no more.
    Snooze(Option<u64>),
}

/// A way through the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Down.
    Next,
    /// Up.
    Previous,
}

/// Says in plain words how a connection stands.
pub(crate) const fn connection_words(state: ConnectionState) -> &'static str {
    match state {
        ConnectionState::Online => "Online",
        ConnectionState::Connecting => "Connecting",
        ConnectionState::Offline => "Offline",
        ConnectionState::Paused => "Working offline",
        ConnectionState::Refused => "Not let in",
        ConnectionState::Unknown => "Unknown",
    }
}
