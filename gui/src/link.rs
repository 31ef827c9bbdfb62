//! The way to the daemon: threads of their own that ask it and follow what happens. Plain values go in and come out;
//! nobody waits in a frame.

mod follower;
mod worker;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::{io, thread};

use assist_proto::api::comment::{self, Undone};
use assist_proto::api::draft::Draft;
use assist_proto::api::events::News;
use assist_proto::api::note;
use assist_proto::api::project::{
    Confirm, Confirmed, Join, Leave, PendingJoin, ProjectDetails, ProjectInfo, Request as RequestCode,
};
use assist_proto::api::sync::ProjectSync;
use assist_proto::api::ticket::{Create, Edit, HistoryChange, List, Ticket, TicketPage, TicketRef};
use assist_proto::api::user::User;
use assist_proto::client::{ClientError, Home};

use crate::limits;
use crate::memory::Memory;
use crate::route::{TicketKey, View};
use crate::state::DaemonState;

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
    /// That a ticket was shown.
    MarkRead {
        /// Which.
        key: TicketKey,
        /// How far.
        through: u64,
    },
    /// Something that a person wrote or decided.
    Write(Box<Write>),
    /// To keep this.
    Remember(Box<Memory>),
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
    /// To take back what has not left.
    TakeBack(TicketKey, comment::Undo),
    /// To change fields.
    Edit(TicketKey, Edit),
    /// To have a code mailed.
    RequestCode(RequestCode),
    /// To join with a mailed code.
    Confirm(Confirm),
    /// To join with an invitation.
    Join(Join),
    /// To leave a project.
    Leave(Leave),
    /// To work offline, or no more; of all projects or of one.
    Pause {
        /// Its id.
        project: Option<String>,
        /// Offline, or no more.
        is_paused: bool,
    },
    /// To make a refused edit again.
    RetryDraft(String),
    /// To throw a refused edit away.
    DiscardDraft(String),
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
        /// What it holds, and its notes.
        outcome: Result<(Box<Ticket>, Vec<comment::Comment>), Failure>,
    },
    /// To [`Request::History`].
    History {
        /// Which.
        key: TicketKey,
        /// Oldest first.
        outcome: Result<Vec<HistoryChange>, Failure>,
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
    /// A code was mailed.
    CodeMailed(Box<PendingJoin>),
    /// The project is joined, or somebody must let this device in.
    Joined(Box<Confirmed>),
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

/// Both ends of the threads' channels.
#[derive(Debug)]
pub struct Link {
    quick: Lane,
    slow: Lane,
    replies: Receiver<Reply>,
    /// Dropped with the link, which ends the follower's waits.
    _alive: SyncSender<()>,
}

/// What wakes the window up when there is news.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

impl Link {
    /// Starts the threads. They end when the link is dropped and what they wait for is over.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn open(home: &Home, wake: &Wake) -> io::Result<Self> {
        let (reply_tx, replies) = mpsc::sync_channel(limits::REPLIES_MAX);
        let (alive_tx, alive) = mpsc::sync_channel(0);
        let lane = |name: &str| {
            let (request_tx, requests) = mpsc::sync_channel(limits::REQUESTS_MAX);
            let worker = worker::Worker::new(home.clone(), requests, reply_tx.clone(), wake.clone());
            thread::Builder::new().name(name.to_owned()).spawn(move || worker.run())?;
            io::Result::Ok(Lane { requests: request_tx, kept_back: VecDeque::new() })
        };
        let (quick, slow) = (lane("link-quick")?, lane("link-slow")?);
        let follower = follower::Follower::new(home.clone(), reply_tx.clone(), wake.clone(), alive);
        thread::Builder::new().name("link-events".to_owned()).spawn(move || follower.run())?;
        Ok(Self { quick, slow, replies, _alive: alive_tx })
    }

    /// Asks, at once or as soon as there is room.
    pub fn ask(&mut self, request: Request) {
        let lane = if is_slow(&request) { &mut self.slow } else { &mut self.quick };
        lane.kept_back.push_back(request);
        lane.push();
    }

    /// Returns what came, oldest first; nothing if nothing has come.
    pub fn poll(&mut self) -> Option<Reply> {
        self.quick.push();
        self.slow.push();
        self.replies.try_recv().ok()
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
        Request::Counts { .. } | Request::Remember(_) => true,
        Request::Write(write) => {
            matches!(**write, Write::RequestCode(_) | Write::Confirm(_) | Write::Join(_) | Write::Leave(_))
        }
        _ => false,
    }
}
