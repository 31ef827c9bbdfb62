//! The way to the daemon: threads of their own that ask it and follow what happens. Plain values go in and come out;
//! nobody waits in a frame.

mod files;
mod follower;
mod manage;
mod teller;
mod worker;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::{io, thread};

use assist_proto::api::attachment::{AttachmentState, Fetch, StoredBlob};
use assist_proto::api::comment::{self, Undone};
use assist_proto::api::draft::Draft;
use assist_proto::api::events::News;
use assist_proto::api::link::{Open, Opened};
use assist_proto::api::note;
use assist_proto::api::presence::{PresentPerson, SetDoing};
use assist_proto::api::project::{
    Confirm, Confirmed, Join, Leave, PendingJoin, ProjectDetails, ProjectInfo, Relocate,
    Request as RequestCode,
};
use assist_proto::api::server::Invitation;
use assist_proto::api::server::log::LogPage;
use assist_proto::api::sync::ProjectSync;
use assist_proto::api::ticket::{
    Bulk, BulkDone, Create, Edit, HistoryChange, List, Ticket, TicketPage, TicketRef,
};
use assist_proto::api::user::{Configure, User};
use assist_proto::api::view::{self, View as SavedView};
use assist_proto::client::{ClientError, Home, TransferError};
use egui::ColorImage;

use crate::files::{NewFile, Slot, Source};
use crate::limits;
use crate::manage::{LogPart, Roster, ServerHealth};
use crate::memory::{Keeper, Memory};
use crate::pictures::Wanted;
use crate::route::{TicketKey, View};
use crate::state::{DaemonState, Rewriting};

pub use manage::ManageWrite;

/// What the client asks of the daemon.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Projects, pending joins, connections.
    Overview,
    /// Members and catalogue of a project.
    People {
        /// Its id.
        project: String,
    },
    /// Who is in a project, as its server has it.
    Roster {
        /// Its id.
        project: String,
    },
    /// How a project's server fares.
    Health {
        /// The project's id.
        project: String,
    },
    /// What a project's server decided.
    Log {
        /// The project's id.
        project: String,
        /// Which part.
        part: LogPart,
    },
    /// What was refused.
    Drafts,
    /// One page of the list.
    Rows {
        /// Comes back with the answer.
        serial: u64,
        /// Which page.
        page: u64,
        /// What to ask.
        list: Box<List>,
    },
    /// How many tickets views have.
    Counts {
        /// Only of this project.
        project: Option<String>,
        /// Which views.
        views: &'static [View],
    },
    /// One ticket whole, with its notes for the team.
    Ticket {
        /// Which.
        key: TicketKey,
        /// Whether there may be notes.
        has_notes: bool,
    },
    /// What changed a ticket.
    History(TicketKey),
    /// The ticket as it was after a change.
    Past {
        /// Which.
        key: TicketKey,
        /// The change.
        change: String,
    },
    /// That a ticket was shown.
    MarkRead {
        /// Which.
        key: TicketKey,
        /// How far.
        through: u64,
    },
    /// Who else is at a ticket.
    Presence(TicketKey),
    /// To let others know what the person sees and does; nothing is shown without.
    Show(Option<Shown>),
    /// Something that a person wrote or decided.
    Write(Box<Write>),
    /// To keep this.
    Remember(Box<Memory>),
    /// The bytes of a file that is about to be sent.
    Store {
        /// Where it is gathered.
        slot: Slot,
        /// Which of the files there.
        id: u64,
        /// Where its bytes come from.
        source: Source,
    },
    /// To have the person choose files.
    Pick(Slot),
    /// To save a file that is on this device.
    Save {
        /// The hash of its bytes.
        blob: String,
        /// What its author called it.
        name: String,
        /// Where to.
        folder: PathBuf,
    },
    /// A picture of a file that is on this device.
    Picture(Wanted),
}

/// What the person sees, and does there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The ticket.
    pub key: TicketKey,
    /// What they do.
    pub doing: SetDoing,
}

/// Something that a person wrote or decided.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// To file a ticket.
    Create(Create),
    /// To comment.
    Comment(TicketKey, comment::Add),
    /// To write a note.
    Note(TicketKey, note::Add),
    /// To take back what has not left; the files that went with it.
    TakeBack(TicketKey, comment::Undo, Vec<NewFile>),
    /// To have a text in the thread say something else.
    Rewrite(TicketKey, Rewriting),
    /// To save a query under a name.
    SaveView(view::Save),
    /// To remove one that was.
    RemoveView(view::Remove),
    /// To change several tickets.
    Bulk(Bulk),
    /// To have a file's bytes brought here.
    Fetch(Fetch),
    /// To change fields.
    Edit(TicketKey, Edit),
    /// To have a field hold what a change wrote.
    Settle {
        /// The ticket.
        key: TicketKey,
        /// The field, as conflicts name it.
        field: String,
        /// The change.
        change: String,
    },
    /// To have a code mailed.
    RequestCode(RequestCode),
    /// To join with a mailed code.
    Confirm(Confirm),
    /// To join with an invitation.
    Join(Join),
    /// To open a link.
    OpenLink(Open),
    /// To have a project's server looked for at another address.
    Relocate(Relocate),
    /// To leave a project.
    Leave(Leave),
    /// To work offline, or no more; of all projects or of one.
    Pause {
        /// Its id.
        project: Option<String>,
        /// Offline, or no more.
        is_paused: bool,
    },
    /// What this device tells of the person, and shows them.
    Configure(Box<Configure>),
    /// To make a refused edit again.
    RetryDraft(String),
    /// To throw a refused edit away.
    DiscardDraft(String),
    /// What an admin does with a project, by its id.
    Manage(String, Box<ManageWrite>),
}

/// What the daemon answered, or what happened.
#[derive(Debug)]
pub enum Reply {
    /// Whether there is a daemon.
    Daemon(DaemonState),
    /// Something happened.
    News(Box<News>),
    /// To [`Request::Overview`].
    Overview(Result<Overview, Failure>),
    /// To [`Request::People`].
    People {
        /// The project's id.
        project: String,
        /// Its members and catalogue.
        outcome: Result<(Vec<User>, Box<ProjectDetails>), Failure>,
    },
    /// To [`Request::Roster`].
    Roster {
        /// The project's id.
        project: String,
        /// Who is in it.
        outcome: Result<Box<Roster>, Failure>,
    },
    /// To [`Request::Health`].
    Health {
        /// The project's id.
        project: String,
        /// How it fares.
        outcome: Result<Box<ServerHealth>, Failure>,
    },
    /// To [`Request::Log`].
    Log {
        /// The project's id.
        project: String,
        /// Which part.
        part: LogPart,
        /// The part.
        outcome: Result<Box<LogPage>, Failure>,
    },
    /// To [`Request::Drafts`].
    Drafts(Result<Vec<Draft>, Failure>),
    /// To [`Request::Rows`].
    Rows {
        /// As it was asked.
        serial: u64,
        /// Which page.
        page: u64,
        /// Its rows.
        outcome: Result<TicketPage, Failure>,
    },
    /// To [`Request::Counts`].
    Counts {
        /// Of this project.
        project: Option<String>,
        /// By view.
        outcome: Result<Vec<(View, u64)>, Failure>,
    },
    /// To [`Request::Ticket`].
    Ticket {
        /// Which.
        key: TicketKey,
        /// What it holds.
        outcome: Result<Box<Whole>, Failure>,
    },
    /// To [`Request::History`].
    History {
        /// Which.
        key: TicketKey,
        /// Oldest first.
        outcome: Result<Vec<HistoryChange>, Failure>,
    },
    /// To [`Request::Past`].
    Past {
        /// Which.
        key: TicketKey,
        /// The change.
        change: String,
        /// What it held then.
        outcome: Result<Box<Ticket>, Failure>,
    },
    /// To [`Request::Presence`].
    Presence {
        /// Which.
        key: TicketKey,
        /// Who is there.
        outcome: Result<Vec<PresentPerson>, Failure>,
    },
    /// To [`Request::MarkRead`], when it did not work.
    NotRead(TicketKey),
    /// To [`Request::Write`].
    Written {
        /// What was asked.
        write: Box<Write>,
        /// What came of it.
        outcome: Result<Done, Failure>,
    },
    /// To [`Request::Remember`], when it did not work.
    NotRemembered(String),
    /// To [`Request::Store`].
    Stored {
        /// As it was asked.
        slot: Slot,
        /// As it was asked.
        id: u64,
        /// What the daemon keeps.
        outcome: Result<StoredBlob, Failure>,
    },
    /// To [`Request::Pick`]: what was chosen, or nothing.
    Picked(Slot, Vec<PathBuf>),
    /// To [`Request::Save`]: where it lies.
    Saved(Result<PathBuf, Failure>),
    /// To [`Request::Picture`].
    Picture {
        /// As it was asked.
        picture: Wanted,
        /// The picture.
        outcome: Result<ColorImage, Failure>,
    },
}

/// A ticket with all that is shown of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Whole {
    /// The ticket.
    pub ticket: Ticket,
    /// The team's notes.
    pub notes: Vec<comment::Comment>,
    /// Its files, and where their bytes are.
    pub files: Vec<AttachmentState>,
}

/// Projects and how they stand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Overview {
    /// The joined ones.
    pub projects: Vec<ProjectInfo>,
    /// Those that are being joined.
    pub pending: Vec<PendingJoin>,
    /// How each stands with its server.
    pub syncs: Vec<ProjectSync>,
    /// Queries that are saved under a name.
    pub views: Vec<SavedView>,
}

/// What came of something that a person wrote or decided.
#[derive(Debug, Clone, PartialEq)]
pub enum Done {
    /// It is so now.
    Plain,
    /// This ticket was written.
    Ticket(TicketRef),
    /// This was taken back.
    TakenBack(Box<Undone>),
    /// An invitation was made.
    Invited(Box<Invitation>),
    /// This became of several tickets.
    Bulk(Box<BulkDone>),
    /// A code was mailed.
    CodeMailed(Box<PendingJoin>),
    /// The project is joined, or somebody must let this device in.
    Joined(Box<Confirmed>),
    /// What a link leads to.
    Opened(Box<Opened>),
}

/// Why something did not work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// For people, with what to do.
    pub message: String,
    /// For machines; empty where the daemon was not reached.
    pub reason: String,
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let reason = match &error {
            ClientError::Api(error) => error.data.reason.clone(),
            _ => String::new(),
        };
        Self { message: error.to_string(), reason }
    }
}

impl From<TransferError> for Failure {
    fn from(error: TransferError) -> Self {
        match error {
            TransferError::Client(error) => error.into(),
            TransferError::File(source) => Self {
                message: format!("The file cannot be read or written: {source}."),
                reason: String::new(),
            },
        }
    }
}

/// Both ends of the threads' channels.
pub struct Link {
    quick: Lane,
    slow: Lane,
    files: Lane,
    pictures: Lane,
    shown: SyncSender<Option<Shown>>,
    picker: Option<Picker>,
    reply_tx: SyncSender<Reply>,
    wake: Wake,
    replies: Receiver<Reply>,
    /// Dropped with the link, which ends the follower's waits.
    _alive: SyncSender<()>,
}

/// What has the person choose files; called on a thread of its own. Returns nothing if they think better of it.
pub type Picker = Arc<dyn Fn() -> Vec<PathBuf> + Send + Sync>;

/// What wakes the window up when there is news.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

impl Link {
    /// Starts the threads. They end when the link is dropped and what they wait for is over.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub(crate) fn open(home: &Home, keeper: &Arc<Keeper>, wake: &Wake) -> io::Result<Self> {
        let (reply_tx, replies) = mpsc::sync_channel(limits::REPLIES_MAX);
        let (alive_tx, alive) = mpsc::sync_channel(0);
        let lane = |name: &str| {
            let (request_tx, requests) = mpsc::sync_channel(limits::REQUESTS_MAX);
            let worker =
                worker::Worker::new(home.clone(), keeper.clone(), requests, reply_tx.clone(), wake.clone());
            thread::Builder::new().name(name.to_owned()).spawn(move || worker.run())?;
            io::Result::Ok(Lane { requests: request_tx, kept_back: VecDeque::new() })
        };
        let (quick, slow) = (lane("link-quick")?, lane("link-slow")?);
        let (files, pictures) = (lane("link-files")?, lane("link-pictures")?);
        let (shown_tx, shown) = mpsc::sync_channel(limits::REQUESTS_MAX);
        let teller = teller::Teller::new(home.clone(), shown);
        thread::Builder::new().name("link-presence".to_owned()).spawn(move || teller.run())?;
        let follower = follower::Follower::new(home.clone(), reply_tx.clone(), wake.clone(), alive);
        thread::Builder::new().name("link-events".to_owned()).spawn(move || follower.run())?;
        Ok(Self {
            quick,
            slow,
            files,
            pictures,
            shown: shown_tx,
            picker: None,
            reply_tx,
            wake: wake.clone(),
            replies,
            _alive: alive_tx,
        })
    }

    /// Asks, at once or as soon as there is room.
    pub fn ask(&mut self, request: Request) {
        let lane = match request {
            Request::Pick(slot) => return self.pick(slot),
            // Where so many wait, the next is soon enough.
            Request::Show(shown) => return drop(self.shown.try_send(shown)),
            Request::Store { .. } | Request::Save { .. } => &mut self.files,
            Request::Picture(_) => &mut self.pictures,
            ref request if is_slow(request) => &mut self.slow,
            _ => &mut self.quick,
        };
        lane.kept_back.push_back(request);
        lane.push();
    }

    /// Takes what has the person choose files. Without it, they name a file by its path or drop it.
    pub fn set_picker(&mut self, picker: Picker) {
        self.picker = Some(picker);
    }

    /// Has files chosen, for however long that takes.
    fn pick(&self, slot: Slot) {
        let Some(picker) = self.picker.clone() else { return };
        let (reply_tx, wake) = (self.reply_tx.clone(), self.wake.clone());
        let chosen = move || {
            // Nobody listens any more once the window is gone.
            reply_tx.send(Reply::Picked(slot, picker())).ok();
            wake();
        };
        // Without a thread nothing is chosen: the person sees that no dialog comes.
        thread::Builder::new().name("link-picker".to_owned()).spawn(chosen).ok();
    }

    /// Returns what came, oldest first; nothing if nothing has come.
    pub fn poll(&mut self) -> Option<Reply> {
        for lane in [&mut self.quick, &mut self.slow, &mut self.files, &mut self.pictures] {
            lane.push();
        }
        self.replies.try_recv().ok()
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Lane {
    requests: SyncSender<Request>,
    kept_back: VecDeque<Request>,
}

impl Lane {
    fn push(&mut self) {
        while let Some(request) = self.kept_back.pop_front() {
            match self.requests.try_send(request) {
                Ok(()) => {}
                Err(TrySendError::Full(request)) => {
                    self.kept_back.push_front(request);
                    return;
                }
                // The thread has ended: only with the process.
                Err(TrySendError::Disconnected(_)) => return,
            }
        }
    }
}

/// Tells whether it may take long: what a server far away is asked, and what looks through all tickets. It must not
/// stand in the way of what is shown.
fn is_slow(request: &Request) -> bool {
    match request {
        Request::Counts { .. }
        | Request::Remember(_)
        | Request::Roster { .. }
        | Request::Health { .. }
        | Request::Log { .. } => true,
        Request::Write(write) => {
            matches!(
                **write,
                Write::RequestCode(_)
                    | Write::Confirm(_)
                    | Write::Join(_)
                    | Write::OpenLink(_)
                    | Write::Leave(_)
                    | Write::Manage(..)
            )
        }
        _ => false,
    }
}
