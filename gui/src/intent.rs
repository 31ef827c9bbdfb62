//! What a person can do in the client: a closed list, which views hand up and [`crate::update`] carries out.

use assist_proto::api::sync::ConnectionState;
use assist_proto::api::ticket::{Priority, Sort, Status};
use assist_proto::api::user::Configure;

use crate::files::{Slot, Source};
use crate::manage::Managing;
use crate::memory::ThemeChoice;
use crate::route::{Route, TicketKey};
use crate::rows::RowPart;

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
    /// A field of a form that has just come has the keyboard.
    Focused,
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
    /// To have a text of one's own in the thread say something else.
    Rewrite(Rewrite),
    /// To do something with queries that are saved under a name.
    View(Viewing),
    /// To attach a file.
    Attach(Slot, Source),
    /// To choose files to attach.
    PickFiles(Slot),
    /// Not to send this one of the files that were attached.
    Detach(Slot, u64),
    /// To have a file's bytes brought to this device.
    FetchFile(String),
    /// To save a file.
    SaveFile {
        /// The hash of its bytes.
        blob: String,
        /// What its author called it.
        name: String,
    },
    /// To see this picture large; `None` for no more.
    ShowPicture(Option<String>),
    /// To see the next picture of the ticket, or the one before.
    StepPicture(Step),
    /// To see it so large, in percent; as it fits without.
    ZoomPicture(Option<u16>),
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
    /// To open a link.
    OpenLink(String),
    /// To let the device in that had the mail sent whose link was opened, or not.
    AnswerLink(bool),
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
    /// To have a project's device tell or show something, or no more.
    Configure(Box<Configure>),
    /// To say where a project's server is now: asks where. `None` thinks better of it.
    AskToRelocate(Option<String>),
    /// To have the project's server looked for at the address that was typed.
    Relocate,
    /// To leave a project: asks first. `None` thinks better of it.
    AskToLeave(Option<String>),
    /// To leave the project that was asked about.
    Leave {
        /// Even if that loses what was not sent.
        is_forced: bool,
    },
    /// The end of the thread is on the screen, or no more.
    SeeEnd(bool),
    /// To go to the end of the thread.
    GoToEnd,
    /// To choose a ticket of the list, to do something with several.
    Select(TicketKey, Selecting),
    /// To choose none any more.
    SelectNone,
    /// To change all those that were chosen.
    ChangeChosen(Change),
    /// To do something by its name, or no more.
    ShowPalette(bool),
    /// Which of those found would be done.
    ChooseCommand(usize),
    /// To see what keys do, or no more.
    ShowShortcuts(bool),
    /// To put a canned reply into the text, by its name.
    UseCanned(String),
    /// To see the connections, or no more.
    ShowConnections(bool),
    /// To see what changed the ticket, or no more.
    ShowHistory(bool),
    /// To see the ticket as it was after this change; as it is without.
    ShowPast(Option<String>),
    /// To make a refused edit again.
    RetryDraft(String),
    /// To throw a refused edit away.
    DiscardDraft(String),
    /// To put a line on what happened away.
    Dismiss(usize),
    /// What an admin does with a project.
    Manage(Managing),
    /// To have it dark, light, or as the system has it.
    Theme(ThemeChoice),
    /// To have everything this size, in percent.
    Zoom(u16),
    /// To have rows of the list show a part, or leave it out.
    ShowPart(RowPart, bool),
    /// To have things move no more than they must, or again.
    ReduceMotion(bool),
}

/// How a ticket of the list is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selecting {
    /// It, or it no more.
    Toggle,
    /// All from where choosing began to it.
    Through,
}

/// A field that a person types into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The query.
    Query,
    /// The text under the ticket.
    Composer,
    /// What a text in the thread is to say.
    Rewriting,
    /// The name of a view to save.
    ViewName,
    /// The title of the ticket that is shown.
    Title,
    /// A label for the ticket that is shown.
    Label,
    /// What one would like to do.
    Palette,
    /// A label for all that were chosen.
    ChosenLabel,
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
    /// Where a project's server is now.
    ServerAddress,
    /// The code.
    JoinCode,
    /// What the device shows that had a mail sent.
    JoinCheck,
    /// The address of whoever is to be invited.
    InviteEmail,
    /// Their name.
    InviteName,
    /// A label of the catalogue.
    LabelName,
    /// What it is for.
    LabelText,
    /// What a canned reply is called.
    CannedName,
    /// What it says.
    CannedText,
}

/// What one does with queries that are saved under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Viewing {
    /// To see what one of them finds.
    Show(String),
    /// To save what is looked for: under a name that is typed next.
    Begin,
    /// To save it under the name that was typed.
    Keep,
    /// Not to save it.
    Leave,
    /// To remove one.
    Remove {
        /// Whose server keeps it.
        project: String,
        /// What it is called.
        name: String,
    },
}

/// What one does with a text of one's own in the thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rewrite {
    /// To rewrite it: what it says, to begin with.
    Begin {
        /// The comment's or note's id.
        comment: String,
        /// Whether it is a note.
        is_note: bool,
    },
    /// To strike it, which is asked once more.
    AskToStrike {
        /// The comment's or note's id.
        comment: String,
        /// Whether it is a note.
        is_note: bool,
    },
    /// To do what was begun.
    Do,
    /// To leave it as it is.
    Leave,
    /// To have it say one of the texts that it was rewritten to at the same time.
    Settle {
        /// The comment's or note's id.
        comment: String,
        /// Whether it is a note.
        is_note: bool,
        /// The text.
        body: String,
    },
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
    /// To have a field hold what this change wrote, of several that were made at once.
    Settle {
        /// The field.
        field: String,
        /// The change.
        change: String,
    },
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
