//! How the rest of the daemon asks the driver: a message in, an answer out once it is durable.

use std::collections::BTreeMap;

use assist_crdt_model::{DeviceId, DocId, ProjectId};
use assist_proto::address::Host;
use assist_proto::hub::{
    AdminCommand, AdminError, AdminReply, BlobAnswer, BlobAsk, Command, CommandError, Connection, DiskSpace,
    LinkId, ProjectStatus, Reply, ServerStatus, TransferId, TransferOutcome,
};
use assist_proto::store::{StoreError, SyncState};
use assist_proto::wire::health::Health;
use tokio::sync::{mpsc, oneshot, watch};

use super::Chain;
use crate::net::LinkMeter;
use crate::store::{IndexState, Store, Unindexed};

/// What the hubs say of themselves after each turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Driven {
    /// Rises with every turn: whoever waits for something looks again.
    pub turn: u64,
    /// How each joined project is connected.
    pub projects: BTreeMap<ProjectId, ProjectStatus>,
    /// Numbers of the server role, if this daemon has it.
    pub server: Option<ServerStatus>,
}

impl Driven {
    /// Whether all that a project's server has is here, in a session in which it would say if there were more. `sync`
    /// is what the store has of the project.
    pub(crate) fn is_in_step(&self, project: &ProjectId, sync: &SyncState) -> bool {
        let Some(status) = self.projects.get(project) else { return false };
        let is_online = matches!(status.connection, Connection::Online { .. });
        is_online && sync.cold.is_none() && status.head.is_some_and(|head| sync.cursor >= head)
    }
}

/// The store did not take it, or the daemon is going down: what was asked did not happen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// For people.
    pub message: String,
    /// Whether it is for want of room.
    pub is_disk_full: bool,
}

/// Asks the driver. Clones ask the same one.
#[derive(Clone)]
pub struct DriverHandle {
    requests: mpsc::Sender<Request>,
    status: watch::Receiver<Driven>,
    store: Store,
    meter: LinkMeter,
}

/// Asks the driver as long as somebody else could: it ends with the last [`DriverHandle`].
pub(crate) struct WeakDriverHandle {
    requests: mpsc::WeakSender<Request>,
}

pub(super) type CommandAnswer = Result<Result<Reply, CommandError>, Fault>;
pub(super) type AdminAnswer = Result<Result<AdminReply, AdminError>, Fault>;

pub(super) enum Request {
    Command { command: Box<Command>, answer: oneshot::Sender<CommandAnswer> },
    Admin { command: AdminCommand, answer: oneshot::Sender<AdminAnswer> },
    TransferEnded { transfer: TransferId, outcome: TransferOutcome },
    Indexed { state: IndexState, taken: Unindexed, answer: oneshot::Sender<()> },
    HostsChanged { hosts: Vec<Host> },
    DiskMeasured(DiskSpace),
    Damaged { project: Option<ProjectId>, doc: DocId },
    HealthTold { link: LinkId, ask: u32, health: Option<Box<Health>> },
    Alive { answer: oneshot::Sender<()> },
    BlobAsk { peer: DeviceId, ask: BlobAsk, answer: oneshot::Sender<BlobAnswer> },
    Stop,
}

/// Whom to answer.
pub(super) enum Answer {
    Command(oneshot::Sender<CommandAnswer>),
    Admin(oneshot::Sender<AdminAnswer>),
}

impl Answer {
    pub(super) fn fail(self, fault: Fault) {
        // Whoever asked may have gone.
        match self {
            Self::Command(answer) => drop(answer.send(Err(fault))),
            Self::Admin(answer) => drop(answer.send(Err(fault))),
        }
    }
}

impl DriverHandle {
    pub(super) fn new(
        requests: mpsc::Sender<Request>,
        status: watch::Receiver<Driven>,
        store: Store,
        meter: LinkMeter,
    ) -> Self {
        Self { requests, status, store, meter }
    }

    /// Asks the device's hub; the answer comes once what was done is durable.
    ///
    /// # Errors
    /// When it could not be stored: then it was not done.
    pub async fn command(&self, command: Command) -> CommandAnswer {
        let (answer, answered) = oneshot::channel();
        let request = Request::Command { command: Box::new(command), answer };
        self.requests.send(request).await.map_err(|_| Fault::stopping())?;
        answered.await.map_err(|_| Fault::stopping())?
    }

    /// Asks the server's hub. Never answers on a daemon without the server role: ask [`Driven::server`] first.
    ///
    /// # Errors
    /// When it could not be stored: then it was not done.
    pub async fn admin(&self, command: AdminCommand) -> AdminAnswer {
        let (answer, answered) = oneshot::channel();
        self.requests.send(Request::Admin { command, answer }).await.map_err(|_| Fault::stopping())?;
        answered.await.map_err(|_| Fault::stopping())?
    }

    /// Says what became of a transfer.
    pub(crate) async fn transfer_ended(&self, transfer: TransferId, outcome: TransferOutcome) {
        // Fails only if the driver has ended: the transfer is begun again the next time.
        self.requests.send(Request::TransferEnded { transfer, outcome }).await.ok();
    }

    /// Asks the server's hub for a device that opened a stream; `None` if there is no word to be had.
    pub(crate) async fn ask_for_blob(&self, peer: DeviceId, ask: BlobAsk) -> Option<BlobAnswer> {
        let (answer, answered) = oneshot::channel();
        self.requests.send(Request::BlobAsk { peer, ask, answer }).await.ok()?;
        answered.await.ok()
    }

    /// Says how the server fares, to the device that asked; or that nobody knows now.
    pub(crate) async fn health_told(&self, link: LinkId, ask: u32, health: Option<Health>) {
        let request = Request::HealthTold { link, ask, health: health.map(Box::new) };
        // Fails only if the driver has ended: there is nobody to tell any more.
        self.requests.send(request).await.ok();
    }

    /// Says that the server is reached elsewhere from now on.
    pub(crate) async fn hosts_changed(&self, hosts: Vec<Host>) {
        // Fails only if the driver has ended: there is nobody to tell any more.
        self.requests.send(Request::HostsChanged { hosts }).await.ok();
    }

    /// Says what was seen of the server's disk.
    pub(crate) async fn disk_measured(&self, space: DiskSpace) {
        // Fails only if the driver has ended: there is nobody to tell any more.
        self.requests.send(Request::DiskMeasured(space)).await.ok();
    }

    /// Says that a document could not be read: of a project on this device, or of the server's own. If it is so, it is
    /// set aside and asked for again.
    pub(crate) async fn found_damaged(&self, project: Option<ProjectId>, doc: DocId) {
        // Fails only if the driver has ended: then it is met again.
        self.requests.send(Request::Damaged { project, doc }).await.ok();
    }

    /// Whether the driver still takes what it is asked. Never answers where it hangs.
    pub(crate) async fn is_alive(&self) -> bool {
        let (answer, answered) = oneshot::channel();
        self.requests.send(Request::Alive { answer }).await.is_ok() && answered.await.is_ok()
    }

    /// A handle that does not keep the driver running.
    pub(crate) fn downgrade(&self) -> WeakDriverHandle {
        WeakDriverHandle { requests: self.requests.downgrade() }
    }

    /// Ends the driver, and with it the daemon.
    pub async fn stop(&self) {
        self.requests.send(Request::Stop).await.ok(); // Fails only if it has ended already.
    }

    /// What the hubs said of themselves after the newest turn; changes with every turn.
    pub fn status(&self) -> watch::Receiver<Driven> {
        self.status.clone()
    }

    /// Measures the links.
    pub fn meter(&self) -> &LinkMeter {
        &self.meter
    }

    /// The store, for reading.
    pub fn store(&self) -> &Store {
        &self.store
    }
}

impl WeakDriverHandle {
    /// Has it stored how far the search index is. Waits, and tells whether that is durable. Not for asynchronous tasks.
    pub(crate) fn indexed(&self, state: IndexState, taken: Unindexed) -> bool {
        let Some(requests) = self.requests.upgrade() else { return false };
        let (answer, answered) = oneshot::channel();
        let is_sent = requests.blocking_send(Request::Indexed { state, taken, answer }).is_ok();
        drop(requests);
        is_sent && answered.blocking_recv().is_ok()
    }
}

impl Fault {
    pub(super) fn new(error: &StoreError) -> Self {
        Self { message: Chain(error).to_string(), is_disk_full: matches!(error, StoreError::Full(_)) }
    }

    fn stopping() -> Self {
        Self { message: "the daemon is stopping: try again once it runs".into(), is_disk_full: false }
    }
}
