//! The tasks that move blobs, and how front ends follow them.
//!
//! Owns every task: those that the device's hub ordered, and those that answer devices of a server. Decides nothing.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use assist_crdt_model::{DeviceId, ProjectId};
use assist_proto::hub::{BlobAnswer, BlobAsk, Notice, TransferId, TransferOrder, TransferOutcome};
use assist_proto::store::Direction;
use assist_proto::wire::blob::BlobPlace;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::exchange::{self, Door, Progress};
use super::folder::BlobFolder;
use crate::api_server::EventFeed;
use crate::driver::{DriverHandle, publish};
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
    folder: BlobFolder,
}

/// Transfers under way, by what they move.
#[derive(Default)]
struct Running(Mutex<BTreeMap<(ProjectId, Direction, BlobPlace), Progress>>);

impl Running {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<(ProjectId, Direction, BlobPlace), Progress>> {
        // Nothing that can panic half way runs under this lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BlobsHandle {
    /// Begins a transfer. The hub bounds how many run.
    pub(crate) fn begin(&self, order: Order) {
        self.orders.send(order).ok(); // Fails only while the daemon stops.
    }

    /// How many bytes of a transfer that runs are where they are to go.
    pub(crate) fn progress(&self, project: ProjectId, direction: Direction, place: BlobPlace) -> Option<u64> {
        self.running.lock().get(&(project, direction, place)).map(|done| done.load(Ordering::Relaxed))
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
}

/// The service before it runs.
pub(crate) struct BlobService {
    parts: Parts,
    orders: mpsc::UnboundedReceiver<Order>,
    running: Arc<Running>,
}

impl BlobService {
    /// Makes it, and the handle that gives it orders.
    pub(crate) fn new(parts: Parts) -> (Self, BlobsHandle) {
        let (orders_tx, orders) = mpsc::unbounded_channel();
        let running = Arc::<Running>::default();
        let handle =
            BlobsHandle { orders: orders_tx, running: Arc::clone(&running), folder: parts.folder.clone() };
        (Self { parts, orders, running }, handle)
    }

    /// Runs until it is dropped: what is under way then goes on the next time.
    pub(crate) async fn run(mut self, driver: DriverHandle, feed: EventFeed) {
        let mut tasks = JoinSet::new();
        let permits = Arc::new(Semaphore::new(SERVED_MAX));
        let mut ticks = interval(PROGRESS_STEP);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut told = BTreeMap::new();
        loop {
            tokio::select! {
                Some(order) = self.orders.recv() => {
                    tasks.spawn(run_order(order, self.parts.folder.clone(), Arc::clone(&self.running), driver.clone()));
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
                _ = ticks.tick(), if !self.running.lock().is_empty() => {
                    publish(self.progress_since(&mut told), driver.store(), &feed);
                }
                // Everybody who could ask is gone: the daemon stops.
                else => return,
            }
        }
    }

    /// What has moved since the last time.
    fn progress_since(&self, told: &mut BTreeMap<(ProjectId, Direction, BlobPlace), u64>) -> Vec<Notice> {
        let now: BTreeMap<_, _> =
            self.running.lock().iter().map(|(key, done)| (*key, done.load(Ordering::Relaxed))).collect();
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

async fn run_order(order: Order, folder: BlobFolder, running: Arc<Running>, driver: DriverHandle) {
    let Order { transfer, order, opener } = order;
    let progress = Progress::default();
    let key = (order.project, order.direction, order.place);
    running.lock().insert(key, Arc::clone(&progress));
    let outcome = match open(opener).await {
        None => TransferOutcome::Broken,
        Some((send, recv)) => match order.direction {
            Direction::Fetch => exchange::fetch(send, recv, &folder, order, &progress).await,
            Direction::Send => exchange::send(send, recv, &folder, order, &progress).await,
        },
    };
    running.lock().remove(&key);
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
