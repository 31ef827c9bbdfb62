//! One link: a reader and a writer on one stream, and the table through which frames reach the writer.
//!
//! A link ends when the first of these says so: the reader (the peer closed, or broke the framing), the writer (it
//! has written all up to a close, or nothing can be written any more), or the table (the queue passed its bound, or
//! a close took too long).

use std::collections::HashMap;
use std::future::pending;
use std::mem;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use assist_crdt_model::DeviceId;
use assist_proto::hub::LinkId;
use bytes::Bytes;
use quinn::{Connection, SendStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::close::{CloseCode, CloseReason, explain};
use super::endpoint::Shared;
use super::frame::{FrameReader, FrameWriter};
use super::{LinkSide, NetEvent, SENT_STEP_BYTES, transport};

/// A connection whose peer has proven its key, with its stream.
pub(super) struct NewLink {
    pub(super) connection: Connection,
    pub(super) peer: DeviceId,
    pub(super) address: SocketAddr,
    pub(super) side: LinkSide,
    pub(super) send: SendStream,
    pub(super) frames: FrameReader,
    /// The first frame of a peer that dialled us.
    pub(super) greeting: Option<Bytes>,
}

impl NewLink {
    /// Runs the link from `Opened` to `Closed`.
    pub(super) async fn run<T: Send + 'static>(self, shared: Arc<Shared<T>>) {
        let Self { connection, peer, address, side, send, frames, greeting } = self;
        let (link, Mailbox { mut queue, stop, state }) = shared.links.register();
        shared.tell(NetEvent::Opened { link, peer, address, side }).await;
        let receiving = Receiving { connection: connection.clone(), link, frames, state: Arc::clone(&state) };
        let mut reader = JoinSet::new();
        reader.spawn(receiving.run(Arc::clone(&shared), greeting));
        let reason = tokio::select! {
            reason = stopped(stop, shared.limits.linger) => reason,
            reason = write_frames(&shared, &connection, link, send, &mut queue, &state) => reason,
            Some(read) = reader.join_next() => read.unwrap_or_else(|error| {
                tracing::error!(%peer, %error, "the step on a frame failed");
                CloseReason::Internal
            }),
        };
        shared.links.remove(link);
        reason.close(&connection);
        // Waits for the reader's end, so that no frame comes after `Closed`.
        reader.shutdown().await;
        tracing::debug!(%peer, %address, reason = explain(&reason), "link closed");
        shared.tell(NetEvent::Closed { link, reason }).await;
    }
}

/// The reading half.
struct Receiving {
    connection: Connection,
    link: LinkId,
    frames: FrameReader,
    state: Arc<LinkState>,
}

impl Receiving {
    async fn run<T: Send + 'static>(
        mut self,
        shared: Arc<Shared<T>>,
        greeting: Option<Bytes>,
    ) -> CloseReason {
        let mut next = Ok(greeting);
        if let Ok(None) = next {
            next = self.frames.next().await;
        }
        loop {
            match next {
                Ok(Some(_)) if self.state.is_closing.load(Ordering::Relaxed) => return pending().await,
                Ok(Some(frame)) => {
                    let frame = (shared.prepare)(frame);
                    shared.tell(NetEvent::Frame { link: self.link, frame }).await;
                }
                // The peer ends its stream before it closes: the close is about to come, and says why.
                Ok(None) => {
                    return match timeout(shared.limits.linger, self.connection.closed()).await {
                        Ok(closed) => closed.into(),
                        Err(_elapsed) => CloseReason::StreamEnded,
                    };
                }
                Err(error) => return error.into(),
            }
            next = self.frames.next().await;
        }
    }
}

/// The writing half.
async fn write_frames<T>(
    shared: &Shared<T>,
    connection: &Connection,
    link: LinkId,
    send: SendStream,
    queue: &mut mpsc::UnboundedReceiver<Queued>,
    state: &LinkState,
) -> CloseReason {
    let mut writer = FrameWriter::new(send);
    let mut batch = Batch::default();
    let mut untold_bytes = 0;
    loop {
        batch.fill(queue).await;
        if !batch.frames.is_empty() {
            // To answer is to welcome: from now on the peer may send at full speed.
            transport::open_window(connection);
        }
        if let Err(error) = writer.write(&mut batch.frames).await {
            return error.into();
        }
        state.queued_bytes.fetch_sub(batch.bytes, Ordering::Relaxed);
        if let Some(reason) = batch.close.take() {
            writer.finish().await;
            return reason;
        }
        untold_bytes += batch.bytes;
        if untold_bytes >= SENT_STEP_BYTES {
            shared.tell(NetEvent::Sent { link, bytes: mem::take(&mut untold_bytes) }).await;
        }
    }
}

/// Waits for the table to end the link.
async fn stopped(stop: oneshot::Receiver<CloseReason>, linger: Duration) -> CloseReason {
    match stop.await {
        // The writer is to deliver what is queued first, and ends the link earlier if it can.
        Ok(reason @ CloseReason::Here { .. }) => {
            sleep(linger).await;
            tracing::debug!("the peer did not take the last frames of a link that closes");
            reason
        }
        Ok(reason) => reason,
        Err(_out_of_the_table) => pending().await,
    }
}

/// What goes out in one write.
#[derive(Default)]
struct Batch {
    frames: Vec<Bytes>,
    bytes: usize,
    /// Set if the link is to be closed after these frames.
    close: Option<CloseReason>,
}

impl Batch {
    /// Waits for something to do, then takes what else is there.
    async fn fill(&mut self, queue: &mut mpsc::UnboundedReceiver<Queued>) {
        self.bytes = 0;
        let mut next = queue.recv().await;
        if next.is_none() {
            // Out of the table without a close: somebody else ends the link.
            return pending().await;
        }
        while let Some(queued) = next {
            match queued {
                Queued::Frame(frame) => {
                    self.bytes += frame.len();
                    self.frames.push(frame);
                }
                Queued::Close(reason) => {
                    self.close = Some(reason);
                    return;
                }
            }
            if self.bytes >= BATCH_BYTES || self.frames.len() >= BATCH_FRAMES {
                return;
            }
            next = queue.try_recv().ok();
        }
    }
}

/// The links that frames can be queued on.
#[derive(Debug, Default)]
pub(super) struct Links {
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    last: u64,
    handles: HashMap<LinkId, LinkHandle>,
    /// Set once all links are to close: one that comes about later closes at once.
    closed: Option<CloseReason>,
}

#[derive(Debug)]
struct LinkHandle {
    queue: mpsc::UnboundedSender<Queued>,
    stop: oneshot::Sender<CloseReason>,
    state: Arc<LinkState>,
}

/// The link's own ends of its handle.
struct Mailbox {
    queue: mpsc::UnboundedReceiver<Queued>,
    stop: oneshot::Receiver<CloseReason>,
    state: Arc<LinkState>,
}

#[derive(Debug, Default)]
struct LinkState {
    /// Bytes of frames that QUIC does not have yet.
    queued_bytes: AtomicUsize,
    /// Set once we close: what the peer still says is not worth a look.
    is_closing: AtomicBool,
}

#[derive(Debug)]
enum Queued {
    Frame(Bytes),
    Close(CloseReason),
}

impl LinkHandle {
    /// Has the link closed after what is queued. Nothing here fails but on a link that ends already.
    fn close(self, reason: CloseReason) {
        self.state.is_closing.store(true, Ordering::Relaxed);
        self.queue.send(Queued::Close(reason.clone())).ok();
        self.stop.send(reason).ok();
    }
}

impl Links {
    fn register(&self) -> (LinkId, Mailbox) {
        let (queue, queue_rx) = mpsc::unbounded_channel();
        let (stop, stop_rx) = oneshot::channel();
        let state = Arc::new(LinkState::default());
        let mailbox = Mailbox { queue: queue_rx, stop: stop_rx, state: Arc::clone(&state) };
        let handle = LinkHandle { queue, stop, state };
        let mut table = self.lock();
        table.last += 1;
        let link = LinkId(table.last);
        match table.closed.clone() {
            Some(reason) => handle.close(reason),
            None => drop(table.handles.insert(link, handle)),
        }
        (link, mailbox)
    }

    /// Queues a frame; ends the link when more than `queue_bytes_max` would wait.
    pub(super) fn send(&self, link: LinkId, frame: Bytes, queue_bytes_max: usize) {
        let mut table = self.lock();
        let Some(handle) = table.handles.get(&link) else {
            return;
        };
        let queued_before = handle.state.queued_bytes.fetch_add(frame.len(), Ordering::Relaxed);
        if queued_before + frame.len() <= queue_bytes_max {
            handle.queue.send(Queued::Frame(frame)).ok(); // Fails on a link that ends already.
        } else if let Some(handle) = table.handles.remove(&link) {
            handle.stop.send(CloseReason::NotReading).ok(); // The same.
        }
    }

    /// Has the link closed after what is queued.
    pub(super) fn close(&self, link: LinkId, code: CloseCode, reason: &str) {
        if let Some(handle) = self.lock().handles.remove(&link) {
            handle.close(CloseReason::Here { code, reason: reason.to_owned() });
        }
    }

    /// Has all links closed after what is queued on them, and those that are yet to come.
    pub(super) fn close_all(&self, code: CloseCode, reason: &str) {
        let reason = CloseReason::Here { code, reason: reason.to_owned() };
        let mut table = self.lock();
        for handle in mem::take(&mut table.handles).into_values() {
            handle.close(reason.clone());
        }
        table.closed = Some(reason);
    }

    fn remove(&self, link: LinkId) {
        self.lock().handles.remove(&link);
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        // No code that can panic half way through a change runs under the lock.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Enough for full packets in one system call, little enough that a link's share of memory stays small.
const BATCH_BYTES: usize = 256 * 1024;
/// The same for small frames.
const BATCH_FRAMES: usize = 256;
