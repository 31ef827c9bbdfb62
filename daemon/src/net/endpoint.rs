//! The root task: it owns the sockets and all other tasks, takes up connections and starts dials.

use std::collections::HashMap;
use std::future::pending;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;

use assist_crdt_model::DeviceId;
use assist_proto::hub::DialId;
use quinn::{Connection, Endpoint, Incoming, ServerConfig, TokioRuntime};
use rustls::pki_types::CertificateDer;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinError, JoinSet};

use super::close::CloseCode;
use super::link::{Links, NewLink};
use super::listen::Door;
use super::stream::PeerStream;
use super::transport::{self, NetLimits};
use super::{BindError, NetConfig, NetEvent, Prepare, dial, listen, socket, tls};
use crate::device_key::DeviceKey;

/// What all tasks of one transport use.
pub(super) struct Shared<T> {
    pub(super) limits: NetLimits,
    pub(super) prepare: Prepare<T>,
    pub(super) events: mpsc::Sender<NetEvent<T>>,
    pub(super) links: Links,
    pub(super) streams: Option<mpsc::Sender<PeerStream>>,
}

impl<T> Shared<T> {
    pub(super) fn new(config: &NetConfig, prepare: Prepare<T>, events: mpsc::Sender<NetEvent<T>>) -> Self {
        let NetConfig { limits, streams, .. } = config.clone();
        Self { limits, prepare, events, links: Links::default(), streams }
    }

    /// Hands an event to the driver, when there is room. Without a driver it goes nowhere: what is queued is still
    /// delivered, and the transport ends with its [`super::Net`].
    pub(super) async fn tell(&self, event: NetEvent<T>) {
        self.events.send(event).await.ok();
    }
}

/// What the root task is asked for.
#[derive(Debug)]
pub(super) enum Command {
    Dial { dial: DialId, addresses: Vec<SocketAddr> },
    CancelDial { dial: DialId },
    Shutdown { code: CloseCode, reason: String },
}

/// A dial or a greeting that is over.
pub(super) struct Attempt {
    /// Set for a dial.
    pub(super) dial: Option<DialId>,
    /// Set if it succeeded.
    pub(super) link: Option<NewLink>,
}

/// The root task's state.
pub(super) struct Root<T> {
    shared: Arc<Shared<T>>,
    commands: mpsc::UnboundedReceiver<Command>,
    listener: Option<Endpoint>,
    /// A socket of its own, so that a server bound to one address can still dial any.
    dialler: Endpoint,
    door: Door,
    attempts: JoinSet<Attempt>,
    /// The attempts that we were asked for and that are under way.
    dials: HashMap<DialId, AbortHandle>,
    links: JoinSet<()>,
}

impl<T: Send + 'static> Root<T> {
    pub(super) fn bind(
        config: &NetConfig,
        key: &DeviceKey,
        shared: Arc<Shared<T>>,
        commands: mpsc::UnboundedReceiver<Command>,
    ) -> Result<Self, BindError> {
        let limits = &config.limits;
        let listener = match config.bind {
            Some(address) => Some(open_listener(address, key, limits)?),
            None => None,
        };
        let dialler = open_dialler(key, limits)?;
        let door = Door::new(limits);
        let (attempts, dials, links) = (JoinSet::new(), HashMap::new(), JoinSet::new());
        Ok(Self { shared, commands, listener, dialler, door, attempts, dials, links })
    }

    pub(super) fn listen_address(&self) -> Option<SocketAddr> {
        self.listener.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// Runs until told to shut down, or until nobody can tell any more.
    pub(super) async fn run(mut self) {
        loop {
            tokio::select! {
                Some(incoming) = next_incoming(self.listener.as_ref()) => self.take_up(incoming),
                command = self.commands.recv() => match command {
                    Some(Command::Dial { dial, addresses }) => self.dial(dial, addresses),
                    Some(Command::CancelDial { dial }) => self.cancel_dial(dial),
                    Some(Command::Shutdown { code, reason }) => return self.shut_down(code, &reason).await,
                    None => return,
                },
                Some(attempt) = self.attempts.join_next() => self.end_attempt(attempt),
                Some(ended) = self.links.join_next() => report(ended),
            }
        }
    }

    fn take_up(&mut self, incoming: Incoming) {
        if let Some((incoming, permit)) = self.door.admit(incoming, self.links.len()) {
            self.attempts.spawn(listen::greet(Arc::clone(&self.shared), incoming, permit));
        }
    }

    fn dial(&mut self, dial: DialId, addresses: Vec<SocketAddr>) {
        let attempt = dial::dial(Arc::clone(&self.shared), self.dialler.clone(), dial, addresses);
        self.dials.insert(dial, self.attempts.spawn(attempt));
    }

    fn cancel_dial(&mut self, dial: DialId) {
        if let Some(attempt) = self.dials.remove(&dial) {
            attempt.abort();
        }
    }

    fn end_attempt(&mut self, attempt: Result<Attempt, JoinError>) {
        match attempt {
            // Given up when it had just succeeded: nobody waits for it.
            Ok(Attempt { dial: Some(dial), .. }) if self.dials.remove(&dial).is_none() => {}
            Ok(Attempt { link: Some(new_link), .. }) => {
                self.links.spawn(new_link.run(Arc::clone(&self.shared)));
            }
            Ok(Attempt { link: None, .. }) => {}
            Err(error) => report(Err(error)),
        }
    }

    /// Lets links deliver what is queued; what is not a link yet is dropped.
    async fn shut_down(mut self, code: CloseCode, reason: &str) {
        self.attempts.shutdown().await;
        self.shared.links.close_all(code, reason);
        while let Some(ended) = self.links.join_next().await {
            report(ended);
        }
        for endpoint in self.listener.iter().chain([&self.dialler]) {
            endpoint.close(code.into(), reason.as_bytes());
            // So that the last packets are out: they tell the peers that we are gone.
            endpoint.wait_idle().await;
        }
    }
}

/// Returns the key that the peer of a connection has proven to hold.
pub(super) fn peer_of(connection: &Connection) -> Option<DeviceId> {
    let identity = connection.peer_identity()?.downcast::<Vec<CertificateDer<'_>>>().ok()?;
    tls::device_id_from_spki(identity.first()?).ok()
}

async fn next_incoming(listener: Option<&Endpoint>) -> Option<Incoming> {
    match listener {
        Some(listener) => listener.accept().await,
        None => pending().await,
    }
}

fn open_listener(address: SocketAddr, key: &DeviceKey, limits: &NetLimits) -> Result<Endpoint, BindError> {
    let config = transport::server_config(key, limits)?;
    open(socket::bind(address), key, Some(config)).map_err(|source| BindError::Socket { address, source })
}

fn open_dialler(key: &DeviceKey, limits: &NetLimits) -> Result<Endpoint, BindError> {
    let address = socket::ANY;
    let dialler = open(socket::bind_any(), key, None);
    let mut dialler = dialler.map_err(|source| BindError::Socket { address, source })?;
    dialler.set_default_client_config(transport::client_config(key, limits)?);
    Ok(dialler)
}

fn open(
    socket: io::Result<UdpSocket>,
    key: &DeviceKey,
    config: Option<ServerConfig>,
) -> io::Result<Endpoint> {
    Endpoint::new(transport::endpoint_config(key), config, socket?, Arc::new(TokioRuntime))
}

fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a task of the transport failed");
    }
}
