//! A device that speaks the protocol and nothing else: no store, no gate, no local API.

use std::net::SocketAddr;

use anyhow::{Context as _, bail};
use assist_crdt_model::ProjectId;
use assist_daemon::device_key::DeviceKey;
use assist_daemon::net::{NetLimits, client_config};
use assist_proto::envelope::Envelope;
use assist_proto::limits::FRAME_BYTES_MAX;
use assist_proto::store::Seq;
use assist_proto::wire::{self, Hello, LogId, PROTOCOL_VERSION, PeerMessage, Push, Verdicts, codec};
use quinn::{Connection, Endpoint, RecvStream, SendStream};

use crate::people::SERIAL;
use crate::work::Person;

/// A member's connection.
pub(crate) struct Peer {
    send: SendStream,
    receive: RecvStream,
    project: ProjectId,
    /// Kept open.
    connection: Connection,
}

impl Peer {
    /// Connects and is welcomed. In step with the log's head, so that nothing follows.
    pub(crate) async fn connect(
        endpoint: &Endpoint,
        address: SocketAddr,
        person: &Person,
        project: ProjectId,
        log: LogId,
        cursor: Seq,
    ) -> anyhow::Result<Self> {
        let key = DeviceKey::from_secret(&person.key.to_bytes());
        let config = client_config(&key, &NetLimits::default())?;
        let connection = endpoint.connect_with(config, address, "assist")?.await?;
        let (send, receive) = connection.open_bi().await?;
        let mut peer = Self { send, receive, project, connection };
        let hello = Hello {
            version: PROTOCOL_VERSION,
            project,
            log: Some(log),
            cursor,
            mark_cursor: 0,
            cold: None,
            node_serial: 1,
            serial: SERIAL,
            kept_version: 0,
            certificate: None,
        };
        peer.tell(&PeerMessage::Hello(hello)).await?;
        loop {
            match peer.next().await? {
                PeerMessage::Welcome(_) => return Ok(peer),
                PeerMessage::Refused(refused) => bail!("the server refuses: {}", refused.reason),
                _ => {}
            }
        }
    }

    /// Sends a change and waits until the server says that it is durable.
    pub(crate) async fn push(&mut self, envelope: Envelope) -> anyhow::Result<()> {
        self.tell(&PeerMessage::Push(Push { project: self.project, envelopes: vec![envelope] })).await?;
        loop {
            if let PeerMessage::Verdicts(Verdicts { acks, rejected }) = self.next().await? {
                if let Some(rejected) = rejected.first() {
                    bail!("a change was refused: {}", rejected.detail);
                }
                return acks.first().map(|_| ()).context("a verdict about nothing");
            }
        }
    }

    /// Takes it apart, so that one half can be waited for while the other speaks.
    pub(crate) fn split(self) -> (Speaker, Listener) {
        let Self { send, receive, connection, .. } = self;
        (Speaker { send, _connection: connection }, Listener { receive })
    }

    async fn tell(&mut self, message: &PeerMessage) -> anyhow::Result<()> {
        tell(&mut self.send, message).await
    }

    async fn next(&mut self) -> anyhow::Result<PeerMessage> {
        next(&mut self.receive).await
    }
}

/// The half that speaks.
pub(crate) struct Speaker {
    send: SendStream,
    /// Kept open.
    _connection: Connection,
}

impl Speaker {
    pub(crate) async fn tell(&mut self, message: &PeerMessage) -> anyhow::Result<()> {
        tell(&mut self.send, message).await
    }
}

/// The half that listens.
pub(crate) struct Listener {
    receive: RecvStream,
}

impl Listener {
    pub(crate) async fn next(&mut self) -> anyhow::Result<PeerMessage> {
        next(&mut self.receive).await
    }
}

async fn tell(send: &mut SendStream, message: &PeerMessage) -> anyhow::Result<()> {
    let payload = wire::encode(message);
    let mut frame = u32::try_from(payload.len())?.to_be_bytes().to_vec();
    frame.extend_from_slice(&payload);
    Ok(send.write_all(&frame).await?)
}

async fn next(receive: &mut RecvStream) -> anyhow::Result<PeerMessage> {
    let mut length = [0; 4];
    receive.read_exact(&mut length).await?;
    let length = u32::from_be_bytes(length) as usize;
    anyhow::ensure!(length <= FRAME_BYTES_MAX, "a frame of {length} bytes");
    let mut payload = vec![0; length];
    receive.read_exact(&mut payload).await?;
    Ok(codec::decode("message", &payload)?)
}
