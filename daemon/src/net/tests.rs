//! The transport over real sockets on loopback: both ends, and ends that do not keep to the rules.

use std::net::{Ipv4Addr, Ipv6Addr, UdpSocket};

use quinn::{ClientConfig, ConnectionError, Endpoint};
use tokio::time::timeout;

use super::*;

mod hostile;
mod links;
mod overlay;

/// Long enough that only a fault reaches it.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
const ANSWER: CloseCode = CloseCode(77);

/// A transport and the driver's end of it.
struct Peer {
    net: Net<Bytes>,
    events: mpsc::Receiver<NetEvent<Bytes>>,
    id: DeviceId,
}

impl Peer {
    fn new(secret: u8, bind: Option<SocketAddr>, limits: NetLimits) -> Self {
        Self::with_capacity(secret, bind, limits, 64)
    }

    fn with_capacity(secret: u8, bind: Option<SocketAddr>, limits: NetLimits, capacity: usize) -> Self {
        let key = DeviceKey::from_secret(&[secret; 32]);
        let (events_tx, events) = mpsc::channel(capacity);
        let net = Net::bind(
            &NetConfig { bind: bind.map(ListenOn::Literal), limits, ..NetConfig::default() },
            &key,
            Arc::new(|frame| frame),
            events_tx,
        )
        .unwrap();
        Self { net, events, id: key.device_id() }
    }

    fn server() -> Self {
        Self::new(1, Some(LOOPBACK), NetLimits::default())
    }

    fn device() -> Self {
        Self::new(2, None, NetLimits::default())
    }

    fn address(&self) -> SocketAddr {
        self.net.listen_address().unwrap()
    }

    /// Returns the next event but those that only account for what was sent.
    async fn next(&mut self) -> NetEvent<Bytes> {
        loop {
            match timeout(PATIENCE, self.events.recv()).await.expect("an event in time").expect("a transport")
            {
                NetEvent::Sent { .. } => {}
                event => return event,
            }
        }
    }

    async fn opened(&mut self) -> (LinkId, DeviceId, LinkSide) {
        match self.next().await {
            NetEvent::Opened { link, peer, side, .. } => (link, peer, side),
            event => panic!("not opened: {event:?}"),
        }
    }

    async fn frame(&mut self) -> Bytes {
        match self.next().await {
            NetEvent::Frame { frame, .. } => frame,
            event => panic!("not a frame: {event:?}"),
        }
    }

    async fn closed(&mut self) -> CloseReason {
        match self.next().await {
            NetEvent::Closed { reason, .. } => reason,
            event => panic!("not closed: {event:?}"),
        }
    }

    /// Dials, greets, and returns the link.
    async fn join(&mut self, server: &Self, greeting: &'static [u8]) -> LinkId {
        self.net.dial(DialId(1), vec![server.address()]);
        let (link, peer, _) = self.opened().await;
        assert_eq!(peer, server.id);
        self.net.send(link, Bytes::from_static(greeting));
        link
    }
}

/// A device that is not ours: bare QUIC with our key, to break rules with.
struct Stranger {
    endpoint: Endpoint,
}

impl Stranger {
    fn new(secret: u8) -> Self {
        let key = DeviceKey::from_secret(&[secret; 32]);
        // A close is one packet, and may get lost among others: whoever speaks up is told again.
        let limits = NetLimits { keep_alive: Duration::from_millis(100), ..NetLimits::default() };
        Self::with_config(client_config(&key, &limits).unwrap())
    }

    fn with_config(config: ClientConfig) -> Self {
        let mut endpoint = Endpoint::client(LOOPBACK).unwrap();
        endpoint.set_default_client_config(config);
        Self { endpoint }
    }

    async fn connect(&self, server: &Peer) -> Result<quinn::Connection, ConnectionError> {
        self.connect_to(server.address()).await
    }

    async fn connect_to(&self, address: SocketAddr) -> Result<quinn::Connection, ConnectionError> {
        let connecting = self.endpoint.connect(address, "anything").unwrap();
        timeout(PATIENCE, connecting).await.expect("an answer in time")
    }

    /// Connects and writes `bytes` as they are.
    async fn say(
        &self,
        server: &Peer,
        bytes: &[u8],
    ) -> (quinn::Connection, quinn::SendStream, quinn::RecvStream) {
        let connection = self.connect(server).await.unwrap();
        let (mut send, receive) = connection.open_bi().await.unwrap();
        send.write_all(bytes).await.unwrap();
        (connection, send, receive)
    }
}

/// Returns the number and the words with which a connection was closed.
async fn close_of(connection: &quinn::Connection) -> CloseReason {
    timeout(PATIENCE, connection.closed()).await.expect("a close in time").into()
}

/// Tells whether the peer was told `code`, or, when it asked too late for that, that the connection is forgotten.
fn was_told(closed: &CloseReason, code: CloseCode) -> bool {
    match closed {
        CloseReason::ByPeer { code: told, .. } => *told == code,
        closed => *closed == CloseReason::Lost(ConnectionError::Reset),
    }
}

/// Asserts that the server still serves.
async fn assert_alive(server: &mut Peer) {
    let mut device = Peer::new(99, None, NetLimits::default());
    device.join(server, b"still there?").await;
    let (link, peer, side) = server.opened().await;
    assert_eq!((peer, side), (device.id, LinkSide::Inbound));
    assert_eq!(server.frame().await, "still there?");
    server.net.send(link, Bytes::from_static(b"yes"));
    assert_eq!(device.frame().await, "yes");
    device.net.shutdown(CloseCode::DONE, "", PATIENCE).await;
    assert!(matches!(server.closed().await, CloseReason::ByPeer { code: CloseCode::DONE, .. }));
}
