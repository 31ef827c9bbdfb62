//! One link: a reader and a writer on one stream, and the table through which frames reach the writer.
//!
//! A link ends when the first of these says so: the reader (the peer closed, or broke the framing), the writer (it
//! has written all up to a close, or nothing can be written any more), or the table (the queue passed its bound, or
//! a close took too long).

use std::collections::{HashMap, VecDeque};
use std::future::pending;
use std::io;
use std::mem;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use assist_crdt_model::DeviceId;
use assist_proto::hub::LinkId;
use bytes::Bytes;
use quinn::{Connection, SendStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::close::{CloseCode, CloseReason, explain};
use super::endpoint::Shared;
use super::frame::{FrameReader, FrameWriter};
use super::{LinkSide, NetEvent, SENT_STEP_BYTES, socket, stream, transport};

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
        let (link, stop, state) = shared.links.register(connection.clone(), (side, address));
        shared.tell(NetEvent::Opened { link, peer, address, side }).await;
        let receiving = Receiving { connection: connection.clone(), link, frames, state: Arc::clone(&state) };
        let mut reader = JoinSet::new();
        reader.spawn(receiving.run(Arc::clone(&shared), greeting));
        let mut further = JoinSet::new();
        if let (LinkSide::Inbound, Some(streams)) = (side, shared.streams.clone()) {
            further.spawn(stream::take_streams(connection.clone(), link, peer, streams));
        }
        let reason = tokio::select! {
            reason = stopped(stop, shared.limits.linger) => reason,
            reason = write_frames(&shared, &connection, link, send, &state) => reason,
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
    state: &LinkState,
) -> CloseReason {
    let mut writer = FrameWriter::new(send);
    let mut untold_bytes = 0;
    loop {
        let batch = state.next_batch().await;
        if !batch.frames.is_empty() {
            // To answer is to welcome: from now on the peer may send at full speed.
            transport::open_window(connection);
        }
        if let Err(error) = writer.write(batch.frames).await {
            return error.into();
        }
        state.lock().unsent_bytes -= batch.bytes;
        if let Some(reason) = batch.close {
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
    /// Ends the link whatever is queued: at once, or a while after a close.
    stop: oneshot::Sender<CloseReason>,
    state: Arc<LinkState>,
    connection: Connection,
    /// Where the peer is, and by which address of ours packets leave for it. Of links that we dialled.
    way: Option<(SocketAddr, IpAddr)>,
}

/// What the table and the two halves of a link share.
#[derive(Debug, Default)]
struct LinkState {
    outgoing: Mutex<Outgoing>,
    /// Wakes the writer.
    news: Notify,
    /// Set once we close: what the peer still says is not worth a look.
    is_closing: AtomicBool,
}

#[derive(Debug, Default)]
struct Outgoing {
    /// Holds no memory while empty: most links are idle.
    frames: VecDeque<Bytes>,
    /// Bytes of frames that QUIC does not have yet: those queued, and those of the batch under way.
    unsent_bytes: usize,
    /// Set if the link is to be closed after these frames.
    close: Option<CloseReason>,
}

impl Outgoing {
    /// Takes the front of the queue, and the close if that is all there was.
    fn take_batch(&mut self) -> Batch {
        let mut batch = Batch::default();
        while batch.bytes < BATCH_BYTES
            && batch.frames.len() < BATCH_FRAMES
            && let Some(frame) = self.frames.pop_front()
        {
            batch.bytes += frame.len();
            batch.frames.push(frame);
        }
        if self.frames.is_empty() {
            self.frames = VecDeque::new();
            batch.close = self.close.take();
        }
        batch
    }
}

impl LinkHandle {
    /// Has the link closed after what is queued, or a while later.
    fn close(self, reason: CloseReason) {
        self.state.is_closing.store(true, Ordering::Relaxed);
        self.state.lock().close = Some(reason.clone());
        self.state.news.notify_one();
        self.stop.send(reason).ok(); // Fails on a link that ends already.
    }
}

impl LinkState {
    /// Waits for something to do, and takes it. Cancel safe.
    async fn next_batch(&self) -> Batch {
        loop {
            let batch = self.lock().take_batch();
            if !batch.frames.is_empty() || batch.close.is_some() {
                return batch;
            }
            self.news.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Outgoing> {
        lock(&self.outgoing)
    }
}

impl Links {
    fn register(
        &self,
        connection: Connection,
        (side, address): (LinkSide, SocketAddr),
    ) -> (LinkId, oneshot::Receiver<CloseReason>, Arc<LinkState>) {
        let (stop, stop_rx) = oneshot::channel();
        let state = Arc::new(LinkState::default());
        let way = match side {
            LinkSide::Inbound => None,
            LinkSide::Outbound { .. } => socket::source_for(address).ok().map(|source| (address, source)),
        };
        let handle = LinkHandle { stop, state: Arc::clone(&state), connection, way };
        let mut table = lock(&self.table);
        table.last += 1;
        let link = LinkId(table.last);
        match table.closed.clone() {
            Some(reason) => handle.close(reason),
            None => drop(table.handles.insert(link, handle)),
        }
        (link, stop_rx, state)
    }

    /// The connection of a link that is not being closed.
    pub(super) fn connection(&self, link: LinkId) -> Option<Connection> {
        lock(&self.table).handles.get(&link).map(|handle| handle.connection.clone())
    }

    /// Queues a frame; ends the link when more than `queue_bytes_max` would wait.
    pub(super) fn send(&self, link: LinkId, frame: Bytes, queue_bytes_max: usize) {
        let mut table = lock(&self.table);
        let Some(handle) = table.handles.get(&link) else {
            return;
        };
        let mut outgoing = handle.state.lock();
        let unsent_bytes = outgoing.unsent_bytes + frame.len();
        if unsent_bytes <= queue_bytes_max {
            outgoing.unsent_bytes = unsent_bytes;
            outgoing.frames.push_back(frame);
            handle.state.news.notify_one();
            return;
        }
        drop(outgoing);
        if let Some(handle) = table.handles.remove(&link) {
            handle.stop.send(CloseReason::NotReading).ok(); // Fails on a link that ends already.
        }
    }

    /// Has the link closed after what is queued.
    pub(super) fn close(&self, link: LinkId, code: CloseCode, reason: &str) {
        if let Some(handle) = lock(&self.table).handles.remove(&link) {
            handle.close(CloseReason::Here { code, reason: reason.to_owned() });
        }
    }

    /// Has all links closed after what is queued on them, and those that are yet to come.
    pub(super) fn close_all(&self, code: CloseCode, reason: &str) {
        let reason = CloseReason::Here { code, reason: reason.to_owned() };
        let mut table = lock(&self.table);
        for handle in mem::take(&mut table.handles).into_values() {
            handle.close(reason.clone());
        }
        table.closed = Some(reason);
    }

    /// Ends the links that we dialled and that packets leave for by another address now, or not at all: their peers
    /// take none from there. `source_for` says by which.
    pub(super) fn close_rerouted(&self, source_for: impl Fn(SocketAddr) -> io::Result<IpAddr>) {
        use io::ErrorKind::{AddrNotAvailable, HostUnreachable, NetworkUnreachable};
        let is_rerouted = |_: &LinkId, handle: &mut LinkHandle| {
            let Some((peer, before)) = handle.way else { return false };
            match source_for(peer) {
                Ok(now) => now != before,
                // Anything else says nothing about the way.
                Err(error) => {
                    matches!(error.kind(), NetworkUnreachable | HostUnreachable | AddrNotAvailable)
                }
            }
        };
        for (_, handle) in lock(&self.table).handles.extract_if(is_rerouted) {
            handle.stop.send(CloseReason::NetworkChanged).ok(); // Fails on a link that ends already.
        }
    }

    fn remove(&self, link: LinkId) {
        lock(&self.table).handles.remove(&link);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No code that can panic half way through a change runs under these locks.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Enough for full packets in one system call, little enough that a link's share of memory stays small.
const BATCH_BYTES: usize = 256 * 1024;
/// The same for small frames.
const BATCH_FRAMES: usize = 256;
