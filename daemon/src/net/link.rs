//! One link: a reader and a writer on one stream, and the table through which frames reach the writer.
//!
//! A link ends when the first of these says so: the reader (the peer closed, or broke the framing), the writer (it
//! was told to close, or nothing can be written any more), or the table (the queue passed its bound).

use std::collections::HashMap;
use std::future::pending;
use std::mem;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use assist_crdt_model::DeviceId;
use assist_proto::hub::LinkId;
use bytes::Bytes;
use quinn::{Connection, SendStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

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
        let (link, mut mailbox) = shared.links.register();
        let opened = NetEvent::Opened { link, peer, address, side };
        let mut reader = JoinSet::new();
        let reason = if shared.events.send(opened).await.is_ok() {
            reader.spawn(read_frames(Arc::clone(&shared), connection.clone(), link, frames, greeting));
            let writer =
                write_frames(&shared, &connection, link, send, &mut mailbox.queue, &mailbox.queued_bytes);
            tokio::select! {
                biased;
                Ok(reason) = &mut mailbox.stop => reason,
                reason = writer => reason,
                Some(read) = reader.join_next() => read.unwrap_or_else(|error| {
                    tracing::error!(%peer, %error, "the step on a frame failed");
                    CloseReason::Internal
                }),
            }
        } else {
            nobody_listens()
        };
        shared.links.remove(link);
        reason.close(&connection);
        // Waits for the reader's end, so that no frame comes after `Closed`.
        reader.shutdown().await;
        tracing::debug!(%peer, %address, reason = explain(&reason), "link closed");
        shared.events.send(NetEvent::Closed { link, reason }).await.ok(); // No driver, nobody to tell.
    }
}

async fn read_frames<T: Send + 'static>(
    shared: Arc<Shared<T>>,
    connection: Connection,
    link: LinkId,
    mut frames: FrameReader,
    greeting: Option<Bytes>,
) -> CloseReason {
    let mut next = Ok(greeting);
    if let Ok(None) = next {
        next = frames.next().await;
    }
    loop {
        match next {
            Ok(Some(frame)) => {
                let frame = (shared.prepare)(frame);
                if shared.events.send(NetEvent::Frame { link, frame }).await.is_err() {
                    return nobody_listens();
                }
            }
            // The peer ends its stream before it closes: the close is about to come, and says why.
            Ok(None) => {
                return match timeout(shared.limits.linger, connection.closed()).await {
                    Ok(closed) => closed.into(),
                    Err(_elapsed) => CloseReason::StreamEnded,
                };
            }
            Err(error) => return error.into(),
        }
        next = frames.next().await;
    }
}

async fn write_frames<T>(
    shared: &Shared<T>,
    connection: &Connection,
    link: LinkId,
    send: SendStream,
    queue: &mut mpsc::UnboundedReceiver<Queued>,
    queued_bytes: &AtomicUsize,
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
        queued_bytes.fetch_sub(batch.bytes, Ordering::Relaxed);
        untold_bytes += batch.bytes;
        if let Some((code, reason)) = batch.close.take() {
            if timeout(shared.limits.linger, writer.finish()).await.is_err() {
                tracing::debug!("the peer did not take the last frames of a link that closes");
            }
            return CloseReason::Here { code, reason };
        }
        if untold_bytes >= SENT_STEP_BYTES {
            if shared.events.send(NetEvent::Sent { link, bytes: untold_bytes }).await.is_err() {
                return nobody_listens();
            }
            untold_bytes = 0;
        }
    }
}

fn nobody_listens() -> CloseReason {
    CloseReason::Here { code: CloseCode::SHUTDOWN, reason: "nobody takes the frames".to_owned() }
}

/// What goes out in one write.
#[derive(Default)]
struct Batch {
    frames: Vec<Bytes>,
    bytes: usize,
    /// Set if the link is to be closed after these frames.
    close: Option<(CloseCode, String)>,
}

impl Batch {
    /// Waits for something to do, then takes what else is there.
    async fn fill(&mut self, queue: &mut mpsc::UnboundedReceiver<Queued>) {
        self.bytes = 0;
        let mut next = queue.recv().await;
        if next.is_none() {
            // Out of the table without a close: `stop` has the reason, and ends the link.
            return pending().await;
        }
        while let Some(queued) = next {
            match queued {
                Queued::Frame(frame) => {
                    self.bytes += frame.len();
                    self.frames.push(frame);
                }
                Queued::Close { code, reason } => {
                    self.close = Some((code, reason));
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
    closed: Option<(CloseCode, String)>,
}

#[derive(Debug)]
struct LinkHandle {
    queue: mpsc::UnboundedSender<Queued>,
    queued_bytes: Arc<AtomicUsize>,
    stop: oneshot::Sender<CloseReason>,
}

/// The link's own ends of its handle.
struct Mailbox {
    queue: mpsc::UnboundedReceiver<Queued>,
    queued_bytes: Arc<AtomicUsize>,
    /// Set if the link is to end at once, with what is queued undelivered.
    stop: oneshot::Receiver<CloseReason>,
}

#[derive(Debug)]
enum Queued {
    Frame(Bytes),
    Close { code: CloseCode, reason: String },
}

impl Links {
    fn register(&self) -> (LinkId, Mailbox) {
        let (queue, queue_rx) = mpsc::unbounded_channel();
        let (stop, stop_rx) = oneshot::channel();
        let queued_bytes = Arc::new(AtomicUsize::new(0));
        let mailbox = Mailbox { queue: queue_rx, queued_bytes: Arc::clone(&queued_bytes), stop: stop_rx };
        let mut table = self.lock();
        table.last += 1;
        let link = LinkId(table.last);
        if let Some((code, reason)) = table.closed.clone() {
            queue.send(Queued::Close { code, reason }).ok(); // The mailbox is at hand, so it arrives.
        } else {
            table.handles.insert(link, LinkHandle { queue, queued_bytes, stop });
        }
        (link, mailbox)
    }

    /// Queues a frame; ends the link when more than `queue_bytes_max` would wait.
    pub(super) fn send(&self, link: LinkId, frame: Bytes, queue_bytes_max: usize) {
        let mut table = self.lock();
        let Some(handle) = table.handles.get(&link) else {
            return;
        };
        let queued_before = handle.queued_bytes.fetch_add(frame.len(), Ordering::Relaxed);
        if queued_before + frame.len() <= queue_bytes_max {
            handle.queue.send(Queued::Frame(frame)).ok(); // Fails when the link is about to tell that it closed.
        } else if let Some(handle) = table.handles.remove(&link) {
            handle.stop.send(CloseReason::NotReading).ok(); // The same.
        }
    }

    /// Has the link closed after what is queued.
    pub(super) fn close(&self, link: LinkId, code: CloseCode, reason: &str) {
        if let Some(handle) = self.lock().handles.remove(&link) {
            handle.queue.send(Queued::Close { code, reason: reason.to_owned() }).ok(); // The same.
        }
    }

    /// Has all links closed after what is queued on them, and those that are yet to come.
    pub(super) fn close_all(&self, code: CloseCode, reason: &str) {
        let mut table = self.lock();
        table.closed = Some((code, reason.to_owned()));
        for handle in mem::take(&mut table.handles).into_values() {
            handle.queue.send(Queued::Close { code, reason: reason.to_owned() }).ok(); // The same.
        }
    }

    /// Returns how many links there are.
    pub(super) fn count(&self) -> usize {
        self.lock().handles.len()
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
