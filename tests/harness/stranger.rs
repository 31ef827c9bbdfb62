//! A peer that speaks QUIC with a key of its own and says to a real daemon whatever a test wants said. It keeps no
//! rule of the protocol by itself.

use std::net::SocketAddr;
use std::time::Duration;

use assist_daemon::device_key::DeviceKey;
use assist_daemon::net::{NetLimits, client_config};
use assist_proto::wire::{self, PeerMessage, codec};
use quinn::{Connection, ConnectionError, Endpoint, RecvStream, SendStream};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::process::PATIENCE;

/// A connection to a daemon, with its one stream.
pub struct Stranger {
    runtime: Runtime,
    connection: Connection,
    send: SendStream,
    receive: RecvStream,
    endpoint: Endpoint,
}

impl Stranger {
    /// Connects with the key of a seed.
    ///
    /// # Panics
    /// If nobody answers there.
    pub fn connect(address: SocketAddr, seed: u8) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("threads");
        let connected = runtime.block_on(async {
            let endpoint = Endpoint::client("127.0.0.1:0".parse().expect("an address")).expect("a socket");
            let key = DeviceKey::from_secret(&[seed; 32]);
            let config = client_config(&key, &NetLimits::default()).expect("settings");
            let connecting = endpoint.connect_with(config, address, "assist").expect("it can be dialled");
            let connection = timeout(PATIENCE, connecting).await.expect("in time").expect("a handshake");
            let (send, receive) = connection.open_bi().await.expect("a stream");
            (endpoint, connection, send, receive)
        });
        let (endpoint, connection, send, receive) = connected;
        Self { runtime, connection, send, receive, endpoint }
    }

    /// Sends bytes as they are. A daemon that has hung up does not get them.
    pub fn send(&mut self, bytes: &[u8]) {
        self.runtime.block_on(self.send.write_all(bytes)).ok(); // What follows is seen in the close.
    }

    /// Sends a payload in a frame.
    pub fn send_frame(&mut self, payload: &[u8]) {
        let length = u32::try_from(payload.len()).expect("a length of four bytes");
        self.send(&[&length.to_be_bytes(), payload].concat());
    }

    /// Sends a message.
    pub fn tell(&mut self, message: &PeerMessage) {
        self.send_frame(&wire::encode(message));
    }

    /// Waits for the next message; `None` if there comes none any more.
    pub fn hear(&mut self) -> Option<PeerMessage> {
        let Self { runtime, receive, .. } = self;
        let read = async {
            let mut length = [0; 4];
            receive.read_exact(&mut length).await.ok()?;
            let mut payload = vec![0; u32::from_be_bytes(length) as usize];
            receive.read_exact(&mut payload).await.ok()?;
            Some(payload)
        };
        let payload =
            runtime.block_on(async { timeout(PATIENCE, read).await.expect("an answer in time") })?;
        Some(codec::decode("message", &payload).expect("a daemon sends messages"))
    }

    /// Waits until the daemon hangs up, and gives the code that it names.
    ///
    /// # Panics
    /// If it does not, or the connection ends in another way.
    pub fn close_code(&self) -> u64 {
        let closed = self.runtime.block_on(async { timeout(PATIENCE, self.connection.closed()).await });
        match closed.expect("it hangs up in time") {
            ConnectionError::ApplicationClosed(close) => close.error_code.into_inner(),
            other => panic!("it ended otherwise: {other}"),
        }
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.connection.close(0u32.into(), b"");
        // The word is under way once the endpoint is idle; nobody waits for it longer than that.
        self.runtime
            .block_on(async { timeout(Duration::from_secs(1), self.endpoint.wait_idle()).await })
            .ok();
    }
}
