//! The tasks that move blobs, and how front ends follow them.
//!
//! Owns every task: those that the device's hub ordered, and those that answer devices of a server. Decides nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use assist_crdt_model::{DeviceId, ProjectId};
use assist_proto::hub::{BlobAnswer, BlobAsk, Notice, TransferId, TransferOrder, TransferOutcome};
use assist_proto::store::Direction;
use assist_proto::wire::blob::BlobPlace;
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::exchange::{self, Door, Progress};
use super::folder::BlobFolder;
use super::sweep::{self, Keeper};
use crate::api_server::EventFeed;
use crate::driver::{Chain, DriverHandle, publish, read_clock};
use crate::net::{PeerStream, StreamOpener};

/// A transfer to begin.
pub(crate) struct Order {
    pub(crate) transfer: TransferId,
    pub(crate) order: TransferOrder,
    /// Opens a stream on the link; `None` if the link is gone.
    pub(crate) opener: Option<StreamOpener>,
}

/// Gives orders, and looks at their progress.
#[derive(Clone)]
pub(crate) struct BlobsHandle {
    orders: mpsc::UnboundedSender<Order>,
    running: Arc<Running>,
    roomless: Arc<Roomless>,
    folder: BlobFolder,
    wanted: Arc<Notify>,
}

/// What a transfer moves.
type Key = (ProjectId, Direction, BlobPlace);

/// Transfers under way, by what they move.
#[derive(Default)]
struct Running(Mutex<BTreeMap<Key, Progress>>);

/// Fetches that found no room here at their last try. In memory alone: a full disk takes no note of itself.
#[derive(Default)]
struct Roomless(Mutex<BTreeSet<(ProjectId, BlobPlace)>>);

impl Roomless {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<(ProjectId, BlobPlace)>> {
        // The same.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, Progress>> {
        // Nothing that can panic half way runs under this lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BlobsHandle {
    /// Begins a transfer. The hub bounds how many run.
    pub(crate) fn begin(&self, order: Order) {
        self.orders.send(order).ok(); // Fails only while the daemon stops.
    }

    /// Something went that may have named blobs: what nothing names any more goes too, soon.
    pub(crate) fn sweep(&self) {
        self.wanted.notify_one();
    }

    /// How many bytes of a transfer that runs are where they are to go.
    pub(crate) fn progress(&self, project: ProjectId, direction: Direction, place: BlobPlace) -> Option<u64> {
        self.running.lock().get(&(project, direction, place)).map(|done| done.load(Ordering::Relaxed))
    }

    /// Whether there was no room here for a blob when it was last fetched.
    pub(crate) fn had_no_room(&self, project: ProjectId, place: BlobPlace) -> bool {
        self.roomless.lock().contains(&(project, place))
    }

    /// It is tried anew: what was before counts for nothing.
    pub(crate) fn forget_no_room(&self, project: ProjectId, place: BlobPlace) {
        self.roomless.lock().remove(&(project, place));
    }

    /// The blobs themselves.
    pub(crate) fn folder(&self) -> &BlobFolder {
        &self.folder
    }
}

/// What the service needs beside the driver.
pub(crate) struct Parts {
    pub(crate) folder: BlobFolder,
    /// Streams that devices open on a server.
    pub(crate) streams: mpsc::Receiver<PeerStream>,
    /// Whose folder it is.
    pub(crate) keeper: Keeper,
}

/// The service before it runs.
pub(crate) struct BlobService {
    parts: Parts,
    orders: mpsc::UnboundedReceiver<Order>,
    handle: BlobsHandle,
}

impl BlobService {
    /// Makes it, and the handle that gives it orders.
    pub(crate) fn new(parts: Parts) -> (Self, BlobsHandle) {
        let (orders_tx, orders) = mpsc::unbounded_channel();
        let handle = BlobsHandle {
            orders: orders_tx,
            running: Arc::default(),
            roomless: Arc::default(),
            folder: parts.folder.clone(),
            wanted: Arc::default(),
        };
        (Self { parts, orders, handle: handle.clone() }, handle)
    }

    /// Runs until it is dropped: what is under way then goes on the next time.
    pub(crate) async fn run(mut self, driver: DriverHandle, feed: EventFeed) {
        let mut tasks = JoinSet::new();
        let permits = Arc::new(Semaphore::new(SERVED_MAX));
        let mut ticks = interval(PROGRESS_STEP);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut told = BTreeMap::new();
        // What was listed before anybody is served was left by an earlier run.
        let mut sweeping = JoinSet::new();
        self.begin_sweep(&mut sweeping, &driver);
        let mut days = interval(SWEEP_STEP);
        days.reset();
        loop {
            tokio::select! {
                Some(order) = self.orders.recv() => {
                    tasks.spawn(run_order(order, self.handle.clone(), driver.clone()));
                }
                // Beyond the permits, streams wait where they are.
                Some(stream) = self.parts.streams.recv(), if permits.available_permits() > 0 => {
                    let permit = Arc::clone(&permits).try_acquire_owned();
                    let serving = serve(stream, self.parts.folder.clone(), driver.clone());
                    tasks.spawn(async move {
                        serving.await;
                        drop(permit);
                    });
                }
                Some(_) = tasks.join_next() => {}
                Some(_) = sweeping.join_next() => {}
                // A server's blobs may come at any moment; nobody is told that they were swept away.
                () = self.handle.wanted.notified(), if self.may_sweep(&sweeping) => {
                    self.begin_sweep(&mut sweeping, &driver);
                }
                _ = days.tick(), if self.may_sweep(&sweeping) => self.begin_sweep(&mut sweeping, &driver),
                _ = ticks.tick(), if !self.handle.running.lock().is_empty() => {
                    publish(self.progress_since(&mut told), driver.store(), &feed);
                }
            }
        }
    }

    /// One at a time; a server's only before it serves.
    fn may_sweep(&self, sweeping: &JoinSet<()>) -> bool {
        self.parts.keeper == Keeper::Device && sweeping.is_empty()
    }

    fn begin_sweep(&self, sweeping: &mut JoinSet<()>, driver: &DriverHandle) {
        let listing = match sweep::list(&self.parts.folder) {
            Ok(listing) => listing,
            Err(fault) => return tracing::warn!(error = %Chain(&fault), "files cannot be listed"),
        };
        let (folder, store, keeper) = (self.parts.folder.clone(), driver.store().clone(), self.parts.keeper);
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(read_clock().0);
        sweeping.spawn_blocking(move || match sweep::sweep(&folder, listing, &store, keeper, now) {
            Ok(swept) => tracing::debug!(?swept, "files that nothing names are gone"),
            Err(fault) => tracing::warn!(error = %Chain(&fault), "files that nothing names stay for now"),
        });
    }

    /// What has moved since the last time.
    fn progress_since(&self, told: &mut BTreeMap<Key, u64>) -> Vec<Notice> {
        let running = &self.handle.running;
        let now: BTreeMap<_, _> =
            running.lock().iter().map(|(key, done)| (*key, done.load(Ordering::Relaxed))).collect();
        let moved = now.iter().filter(|(key, done)| told.get(key) != Some(done));
        let notices = moved.filter_map(|((project, _, place), _)| {
            let ticket = place.doc.ticket()?;
            Some(Notice::AttachmentChanged { project: *project, ticket, blob: place.blob })
        });
        let notices = notices.collect();
        *told = now;
        notices
    }
}

async fn run_order(order: Order, blobs: BlobsHandle, driver: DriverHandle) {
    let Order { transfer, order, opener } = order;
    let BlobsHandle { running, roomless, folder, .. } = blobs;
    let progress = Progress::default();
    let key = (order.project, order.direction, order.place);
    running.lock().insert(key, Arc::clone(&progress));
    let outcome = if order.direction == Direction::Send && !exchange::is_here(&folder, order).await {
        // Found before a stream is opened: what a restored server may lack is offered whether or not it is here.
        TransferOutcome::Gone
    } else {
        match open(opener).await {
            None => TransferOutcome::Broken,
            Some((send, recv)) => match order.direction {
                Direction::Fetch => exchange::fetch(send, recv, &folder, order, &progress).await,
                Direction::Send => exchange::send(send, recv, &folder, order, &progress).await,
            },
        }
    };
    running.lock().remove(&key);
    match outcome {
        TransferOutcome::NoRoom => roomless.lock().insert((order.project, order.place)),
        _ => roomless.lock().remove(&(order.project, order.place)),
    };
    driver.transfer_ended(transfer, outcome).await;
}

async fn open(opener: Option<StreamOpener>) -> Option<(quinn::SendStream, quinn::RecvStream)> {
    opener?.open().await
}

async fn serve(stream: PeerStream, folder: BlobFolder, driver: DriverHandle) {
    let PeerStream { peer, send, recv, .. } = stream;
    exchange::serve(send, recv, &folder, &Asking { peer, driver }).await;
}

/// Asks the server's hub in the name of a device.
struct Asking {
    peer: DeviceId,
    driver: DriverHandle,
}

impl Door for Asking {
    async fn ask(&self, ask: BlobAsk) -> Option<BlobAnswer> {
        self.driver.ask_for_blob(self.peer, ask).await
    }
}

/// Streams of devices that a server serves at a time; others wait. Each holds about 2 MiB.
const SERVED_MAX: usize = 64;
/// How often front ends hear of progress: as often as a bar is worth drawing.
const PROGRESS_STEP: Duration = Duration::from_millis(250);
/// How often a device looks for uploads that came to nothing, if nothing else makes it look.
const SWEEP_STEP: Duration = Duration::from_secs(24 * 3_600);
