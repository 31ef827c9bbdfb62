//! The transport: authenticated, bounded, ordered frames between devices over QUIC.
//!
//! A *link* is one connection with one bidirectional stream, opened by the side that dialled. [`Net`] takes
//! commands (dial, send, close), none of which waits, and gives [`NetEvent`]s into the driver's channel:
//!
//! ```text
//! Net::dial ---> dial race ---+                        +---> reader: bytes -> frame -> prepare ---+
//!                             +--> link (proven key) --+                                          +--> NetEvent
//! listener ---> greeting -----+                        +---> writer: frames -> one write ---------+
//! ```
//!
//! What the driver can rely on: the events of one link come in order, `Opened` first and `Closed` last, nothing
//! after it. A link whose frames are not taken out of the channel is not read, so that a sender waits instead of
//! filling our memory. The writing side is accounted with [`NetEvent::Sent`].
//!
//! **Invariant:** the transport knows keys and frames. It never decodes a frame, and never decides who is welcome.
//! **Invariant:** every task is owned by its [`Net`]; none lives on after [`Net::shutdown`] or a drop.

use std::fmt;
use std::net::{SocketAddr, SocketAddrV6};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use assist_crdt_model::DeviceId;
use assist_proto::hub::{DialId, LinkId};
use assist_proto::limits::FRAME_BYTES_MAX;
use bytes::Bytes;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::device_key::DeviceKey;

mod close;
mod dial;
mod endpoint;
mod frame;
mod link;
mod listen;
mod network_watch;
mod reset;
mod socket;
mod stream;
mod tls;
mod transport;

pub use close::{CloseCode, CloseReason, DialError, DialFailure, explain};
pub use frame::{FrameError, GREETING_BYTES_MAX, take_frame};
pub use network_watch::NetworkWatch;
pub use stream::{PeerStream, StreamOpener};
pub use tls::ALPN;
pub use transport::{ConfigError, NetLimits, client_config, endpoint_config, server_config};

use endpoint::{Command, Root, Shared};
use link::Links;

/// Who opened a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkSide {
    /// The peer dialled us.
    Inbound,
    /// We dialled.
    Outbound {
        /// The attempt that succeeded.
        dial: DialId,
    },
}

/// What happened. `T` is a frame as the driver's prepare step leaves it.
#[derive(Debug)]
pub enum NetEvent<T> {
    /// A peer has proven its key. An inbound link is only told of when its first frame is there.
    Opened {
        /// The new link.
        link: LinkId,
        /// The key that the peer has proven to hold.
        peer: DeviceId,
        /// Where it is: for logs and rates, never an identity.
        address: SocketAddr,
        /// Who dialled.
        side: LinkSide,
    },
    /// The next frame of the peer.
    Frame {
        /// On which link.
        link: LinkId,
        /// The frame.
        frame: T,
    },
    /// Frames that were queued by [`Net::send`] have been handed to QUIC.
    ///
    /// Told in steps: a rest of less than [`SENT_STEP_BYTES`] may be told later, or never if nothing more is sent.
    /// So a sender that waits needs a window of several steps.
    Sent {
        /// On which link.
        link: LinkId,
        /// How many bytes of frames since the last time.
        bytes: usize,
    },
    /// The link is gone; nothing more comes of it.
    Closed {
        /// Which.
        link: LinkId,
        /// Why.
        reason: CloseReason,
    },
    /// No address of a dial answered.
    DialFailed {
        /// Which.
        dial: DialId,
        /// Why.
        error: DialError,
    },
}

/// Where to listen, and to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListenOn {
    /// There, to everybody: the operator's choice of the address is the constraint.
    Literal(SocketAddr),
    /// At an overlay address, which need not be there yet, and only to who comes over the overlay.
    Overlay(SocketAddrV6),
}

impl ListenOn {
    /// The address.
    pub fn address(self) -> SocketAddr {
        match self {
            Self::Literal(address) => address,
            Self::Overlay(address) => address.into(),
        }
    }
}

/// How a [`Net`] is set up.
#[derive(Debug, Clone, Default)]
pub struct NetConfig {
    /// Where to listen. A device does not; a server may be told later, with [`Listener::listen`].
    pub bind: Option<ListenOn>,
    /// Its bounds.
    pub limits: NetLimits,
    /// Where streams go that peers open beside their first. Without it they are not taken.
    pub streams: Option<mpsc::Sender<PeerStream>>,
    /// What is known of the ways to others.
    pub ways: Ways,
}

/// Knows of addresses that there is no way to, so that nothing is sent for them on a way that happens to be there.
#[derive(Clone)]
pub struct Ways(Arc<dyn Fn(SocketAddr) -> Option<String> + Send + Sync>);

impl Ways {
    /// `hindrance` says why there is no way to an address, or nothing where there may be one.
    pub fn new(hindrance: impl Fn(SocketAddr) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(hindrance))
    }

    fn hindrance(&self, address: SocketAddr) -> Option<String> {
        (self.0)(address)
    }
}

impl Default for Ways {
    fn default() -> Self {
        Self::new(|_| None)
    }
}

impl fmt::Debug for Ways {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ways(..)")
    }
}

/// Measures links. Clones measure the same ones.
#[derive(Debug, Clone)]
pub struct LinkMeter {
    links: Arc<Links>,
}

/// What a link is like and has carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkTraffic {
    /// Where the peer is.
    pub peer: SocketAddr,
    /// How long a packet and its answer take, smoothed.
    pub round_trip: Duration,
    /// Of UDP, with all that QUIC adds, since the link was opened.
    pub sent_bytes: u64,
    /// The same the other way.
    pub received_bytes: u64,
}

impl LinkMeter {
    /// What a link is like; `None` if it is gone or being closed.
    pub fn traffic(&self, link: LinkId) -> Option<LinkTraffic> {
        let connection = self.links.connection(link)?;
        let stats = connection.stats();
        let address = connection.remote_address();
        Some(LinkTraffic {
            peer: SocketAddr::new(address.ip().to_canonical(), address.port()),
            round_trip: connection.rtt(),
            sent_bytes: stats.udp_tx.bytes,
            received_bytes: stats.udp_rx.bytes,
        })
    }
}

/// The step on a frame that runs beside the reader, off the driver's thread: decoding and checking signatures.
pub type Prepare<T> = Arc<dyn Fn(Bytes) -> T + Send + Sync>;

/// The transport of one daemon.
pub struct Net<T> {
    shared: Arc<Shared<T>>,
    commands: mpsc::UnboundedSender<Command>,
    /// Holds the root task, which owns all others: dropping it aborts them.
    root: JoinSet<()>,
}

impl<T: Send + 'static> Net<T> {
    /// Opens the sockets and starts. Needs a Tokio runtime around it.
    ///
    /// At most the capacity of `events` in frames waits for the driver, each of at most [`FRAME_BYTES_MAX`].
    pub fn bind(
        config: &NetConfig,
        key: &DeviceKey,
        prepare: Prepare<T>,
        events: mpsc::Sender<NetEvent<T>>,
    ) -> Result<Self, BindError> {
        let (commands, commands_rx) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared::new(config, prepare, events));
        let endpoint = Root::bind(config, key, Arc::clone(&shared), commands_rx)?;
        let mut root = JoinSet::new();
        root.spawn(endpoint.run());
        Ok(Self { shared, commands, root })
    }

    /// Returns where peers can reach us, with the port that the system chose.
    pub fn listen_address(&self) -> Option<SocketAddr> {
        *self.shared.listening.borrow()
    }

    /// Where peers can reach us, for those who want to know or to change it while it runs.
    pub fn listener(&self) -> Listener {
        let (listening, ignored) = (self.shared.listening.subscribe(), Arc::clone(&self.shared.ignored));
        Listener { commands: self.commands.clone(), listening, ignored }
    }

    /// Tries to reach a peer: ends in [`NetEvent::Opened`] or [`NetEvent::DialFailed`].
    ///
    /// All addresses are one peer's. They are raced, each with a head start over the next; the first to answer wins.
    pub fn dial(&self, dial: DialId, addresses: Vec<SocketAddr>) {
        self.commands.send(Command::Dial { dial, addresses }).ok(); // Fails only while the root is being aborted.
    }

    /// Gives a dial up. An event of it that waits in the channel already still comes.
    pub fn cancel_dial(&self, dial: DialId) {
        self.commands.send(Command::CancelDial { dial }).ok(); // The same.
    }

    /// Queues a frame. On a link that is gone or being closed it goes nowhere.
    ///
    /// A link whose queue passes its bound is closed: its peer does not read, and the sender did not hold back.
    ///
    /// # Panics
    /// When the frame is longer than [`FRAME_BYTES_MAX`].
    pub fn send(&self, link: LinkId, frame: Bytes) {
        assert!(frame.len() <= FRAME_BYTES_MAX, "frame of {} bytes is over the limit", frame.len());
        self.shared.links.send(link, frame, self.shared.limits.queue_bytes_max);
    }

    /// Opens further streams on a link that we dialled; `None` if it is gone.
    pub fn stream_opener(&self, link: LinkId) -> Option<StreamOpener> {
        self.shared.links.connection(link).map(StreamOpener::new)
    }

    /// Measures the links.
    pub fn meter(&self) -> LinkMeter {
        LinkMeter { links: Arc::clone(&self.shared.links) }
    }

    /// Closes the links that lead over another address of this machine now, so that they are dialled anew at once and
    /// not when they have been silent for too long.
    pub fn network_changed(&self) {
        self.shared.links.close_rerouted(socket::source_for);
    }

    /// Closes a link after what is queued on it has been delivered, or after a bounded time.
    pub fn close(&self, link: LinkId, code: CloseCode, reason: &str) {
        self.shared.links.close(link, code, reason);
    }

    /// Closes all links with `code` and ends all tasks, within `patience`.
    ///
    /// What is queued is delivered first; with no patience nothing is waited for. Drop the receiver of the events
    /// before, or go on taking them: tasks that wait for room in the channel would use up the patience.
    pub async fn shutdown(mut self, code: CloseCode, reason: &str, patience: Duration) {
        let command = Command::Shutdown { code, reason: reason.to_owned() };
        if self.commands.send(command).is_ok()
            && tokio::time::timeout(patience, self.root.join_next()).await.is_err()
        {
            tracing::debug!("links were still open when the time for an orderly end was over");
        }
        self.root.shutdown().await;
    }
}

/// Where peers can reach a [`Net`]. Clones tell of the same one.
#[derive(Debug, Clone)]
pub struct Listener {
    commands: mpsc::UnboundedSender<Command>,
    listening: watch::Receiver<Option<SocketAddr>>,
    ignored: Arc<AtomicU64>,
}

impl Listener {
    /// Listens there from now on, and no longer where it did; who is connected stays. If that is not possible, all is
    /// as it was, and the log says why.
    pub fn listen(&self, on: ListenOn) {
        self.commands.send(Command::Listen { on }).ok(); // Fails only on a transport that has ended.
    }

    /// Where it listens now; `None` as long as it does not.
    pub fn listening(&self) -> Option<SocketAddr> {
        *self.listening.borrow()
    }

    /// How many packets were dropped because they did not come over the overlay, since the start.
    pub fn ignored_packets(&self) -> u64 {
        self.ignored.load(Ordering::Relaxed)
    }
}

/// Why the transport could not start.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The system gave no socket.
    #[error("cannot open a UDP socket on {address}")]
    Socket {
        /// Where it should have been.
        address: SocketAddr,
        /// The cause.
        source: std::io::Error,
    },
    /// Our key or our algorithms do not make a TLS configuration.
    #[error("cannot set up QUIC")]
    Tls(#[from] ConfigError),
}

/// How many bytes of frames are handed to QUIC between two [`NetEvent::Sent`]: one event for a frame would double
/// the driver's work in live traffic.
pub const SENT_STEP_BYTES: usize = 64 * 1024;

#[cfg(test)]
mod tests;
