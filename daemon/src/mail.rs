//! Mail that leaves this server: a bounded queue and the task that empties it, into a relay or a folder.
//!
//! The queue is memory alone. What it holds is a code that its person can ask for again, or news that the product
//! shows too, so a restart loses nothing that cannot be had once more (`docs/decisions/0006-mail-in-memory.md`).
//!
//! **Invariant:** whoever queues a mail never waits, and a slow or hostile relay holds up nothing but mail.
//! **Invariant:** texts of mails, codes and passwords never come into a log or a `Debug` form.

mod folder;
mod letters;
pub mod limits;
mod message;
mod relay;
mod worker;

use std::sync::{Arc, Mutex, PoisonError};

use assist_proto::api::server::{MailRoute as RouteKind, MailStatus};
use lettre::message::Mailbox;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError, mpsc, oneshot};
use tokio::task::JoinSet;

use crate::config::{MailConfig, MailRoute};
use folder::FolderPost;
pub(crate) use letters::MailOut;
use limits::MAIL_HELD_MAX;
pub(crate) use message::mailbox;
pub use message::{MailError, OutgoingMail, Patience};
use relay::RelayPost;
use worker::{Post, Worker};

/// The running task with its queue.
pub(crate) struct Mailer {
    handle: MailerHandle,
    stop: oneshot::Sender<()>,
    task: JoinSet<()>,
}

/// Queues mail. Clones queue into the same.
#[derive(Clone)]
pub struct MailerHandle {
    queue: Option<mpsc::Sender<Queued>>,
    room: Arc<Semaphore>,
    report: Arc<Mutex<MailReport>>,
    route: RouteKind,
}

/// Why a mail was not queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// Nobody said how mail leaves this server.
    #[error("this server can send no mail: its operator sets `host` under `[mail.relay]` in config.toml")]
    NoRoute,
    /// The relay takes less than comes in.
    #[error("too many mails wait to be sent: try again in a few minutes")]
    Full,
    /// The daemon goes down.
    #[error("the daemon is stopping")]
    Stopping,
}

/// How mail fares since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MailReport {
    /// Taken by the relay, or written into the folder.
    pub sent: u64,
    /// Attempts that failed and were made again.
    pub retried: u64,
    /// Refused for good, or given up after their time.
    pub failed: u64,
    /// What the last failed attempt ran into.
    pub last_failure: Option<String>,
}

/// A mail with its place in the queue.
struct Queued {
    mail: OutgoingMail,
    /// Whom the first attempt is told to.
    first_attempt: Option<oneshot::Sender<Result<(), String>>>,
    /// Given back when the mail is done with.
    _place: OwnedSemaphorePermit,
}

impl Mailer {
    /// Starts the task, which ends with [`Mailer::stop`] or when this is dropped.
    ///
    /// # Errors
    /// When the folder or the relay's certificates cannot be used.
    pub(crate) fn start(config: &MailConfig) -> anyhow::Result<Self> {
        Ok(match &config.route {
            MailRoute::None => Self::idle(),
            MailRoute::Folder(path) => {
                Self::with_post(RouteKind::Folder, &config.sender, FolderPost::open(path)?, seed()?)
            }
            MailRoute::Relay(relay) => {
                Self::with_post(RouteKind::Relay, &config.sender, RelayPost::new(relay)?, seed()?)
            }
        })
    }

    /// What mail is queued with.
    pub(crate) fn handle(&self) -> MailerHandle {
        self.handle.clone()
    }

    /// Lets what is under way come to its end for a while, and gives the rest up.
    pub(crate) async fn stop(mut self) {
        self.stop.send(()).ok(); // An idle mailer has nobody who listens.
        while self.task.join_next().await.is_some() {}
    }

    fn idle() -> Self {
        let handle = MailerHandle {
            queue: None,
            room: Arc::new(Semaphore::new(MAIL_HELD_MAX)),
            report: Arc::default(),
            route: RouteKind::None,
        };
        Self { handle, stop: oneshot::channel().0, task: JoinSet::new() }
    }

    fn with_post<P: Post>(route: RouteKind, sender: &Mailbox, post: P, seed: [u8; 32]) -> Self {
        let (queue, queued) = mpsc::channel(MAIL_HELD_MAX);
        let (stop, stopped) = oneshot::channel();
        let report = Arc::default();
        let worker = Worker::new(sender.clone(), post, queued, Arc::clone(&report), seed);
        let mut task = JoinSet::new();
        task.spawn(worker.run(stopped));
        let room = Arc::new(Semaphore::new(MAIL_HELD_MAX));
        let handle = MailerHandle { queue: Some(queue), room, report, route };
        Self { handle, stop, task }
    }
}

impl MailerHandle {
    /// Queues a mail, at once.
    ///
    /// # Errors
    /// When there is no way out for mail, or no room in the queue.
    pub fn send(&self, mail: OutgoingMail) -> Result<(), QueueError> {
        self.queue(mail, None)
    }

    /// Queues a mail and returns where to hear how the first attempt went: the relay's words if it failed.
    ///
    /// # Errors
    /// As [`MailerHandle::send`].
    pub fn send_watched(
        &self,
        mail: OutgoingMail,
    ) -> Result<oneshot::Receiver<Result<(), String>>, QueueError> {
        let (first_attempt, answer) = oneshot::channel();
        self.queue(mail, Some(first_attempt))?;
        Ok(answer)
    }

    /// Tells whether mail can leave at all.
    pub fn has_route(&self) -> bool {
        self.queue.is_some()
    }

    /// How mail leaves.
    pub fn route(&self) -> RouteKind {
        self.route
    }

    /// Mails that wait or are under way.
    pub fn held(&self) -> usize {
        MAIL_HELD_MAX - self.room.available_permits()
    }

    /// The same in the words of the local API.
    pub fn status(&self) -> MailStatus {
        let report = self.report();
        MailStatus {
            route: self.route(),
            waiting_count: self.held() as u64,
            sent_count: report.sent,
            retried_count: report.retried,
            failed_count: report.failed,
            last_failure: report.last_failure,
        }
    }

    /// What became of mails since the start.
    pub fn report(&self) -> MailReport {
        self.report.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn queue(
        &self,
        mail: OutgoingMail,
        first_attempt: Option<oneshot::Sender<Result<(), String>>>,
    ) -> Result<(), QueueError> {
        let queue = self.queue.as_ref().ok_or(QueueError::NoRoute)?;
        let place = Arc::clone(&self.room).try_acquire_owned().map_err(|error| match error {
            TryAcquireError::NoPermits => QueueError::Full,
            TryAcquireError::Closed => QueueError::Stopping,
        })?;
        // There are as many places as the channel is long: it is never full.
        queue.try_send(Queued { mail, first_attempt, _place: place }).map_err(|_| QueueError::Stopping)
    }
}

fn seed() -> anyhow::Result<[u8; 32]> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    Ok(seed)
}

#[cfg(test)]
mod tests;
