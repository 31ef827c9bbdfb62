//! The root task: it owns the sockets and all other tasks, takes up connections, starts dials, moves the listener.

use std::collections::HashMap;
use std::future::pending;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use assist_crdt_model::DeviceId;
use assist_proto::hub::DialId;
use quinn::{Connection, Endpoint, EndpointConfig, Incoming, ServerConfig, TokioRuntime};
use rustls::pki_types::CertificateDer;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinError, JoinSet};

use super::close::{CloseCode, explain};
use super::link::{Links, NewLink};
use super::listen::Door;
use super::socket::OverlayOnly;
use super::stream::PeerStream;
use super::transport::{self, NetLimits};
use super::{BindError, ListenOn, NetConfig, NetEvent, Prepare, Ways, dial, listen, socket, tls};
use crate::device_key::DeviceKey;

/// What all tasks of one transport use.
pub(super) struct Shared<T> {
    pub(super) limits: NetLimits,
    pub(super) prepare: Prepare<T>,
    pub(super) events: mpsc::Sender<NetEvent<T>>,
    pub(super) links: Arc<Links>,
    pub(super) ways: Ways,
    pub(super) streams: Option<mpsc::Sender<PeerStream>>,
    /// Where peers can reach us now.
    pub(super) listening: watch::Sender<Option<SocketAddr>>,
    /// Packets that did not come over the overlay, to a listener that hears nothing else.
    pub(super) ignored: Arc<AtomicU64>,
}

impl<T> Shared<T> {
    pub(super) fn new(config: &NetConfig, prepare: Prepare<T>, events: mpsc::Sender<NetEvent<T>>) -> Self {
        let NetConfig { limits, streams, ways, .. } = config.clone();
        let (listening, ignored) = (watch::Sender::new(None), Arc::default());
        Self { limits, prepare, events, links: Arc::default(), ways, streams, listening, ignored }
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
    Listen { on: ListenOn },
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
    opener: Opener,
    listener: Option<Endpoint>,
    /// What it listened on before: takes up nobody new, and serves who is there as long as its address does.
    retired: Option<Endpoint>,
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
        let opener = Opener {
            endpoint: transport::endpoint_config(key),
            server: transport::server_config(key, limits)?,
            ignored: Arc::clone(&shared.ignored),
        };
        let dialler = open_dialler(key, limits)?;
        let door = Door::new(limits);
        let (attempts, dials, links) = (JoinSet::new(), HashMap::new(), JoinSet::new());
        let (listener, retired) = (None, None);
        let mut root =
            Self { shared, commands, opener, listener, retired, dialler, door, attempts, dials, links };
        if let Some(on) = config.bind {
            root.listen(on)?;
        }
        Ok(root)
    }

    /// Opens a listener, and from then on takes up new connections there alone.
    fn listen(&mut self, on: ListenOn) -> Result<(), BindError> {
        let listener = self.opener.open(on)?;
        self.shared.listening.send_replace(listener.local_addr().ok());
        if let Some(before) = self.listener.replace(listener) {
            before.set_server_config(None);
            if let Some(older) = self.retired.replace(before) {
                older.close(CloseCode::DONE.into(), b"this server listens elsewhere now");
            }
        }
        Ok(())
    }

    /// The same while it runs: where it listened before it goes on, if it cannot.
    fn listen_anew(&mut self, on: ListenOn) {
        if let Err(error) = self.listen(on) {
            tracing::warn!(error = explain(&error), "cannot listen there");
        }
    }

    /// Runs until told to shut down, or until nobody can tell any more.
    pub(super) async fn run(mut self) {
        loop {
            tokio::select! {
                Some(incoming) = next_incoming(self.listener.as_ref()) => self.take_up(incoming),
                command = self.commands.recv() => match command {
                    Some(Command::Dial { dial, addresses }) => self.dial(dial, addresses),
                    Some(Command::CancelDial { dial }) => self.cancel_dial(dial),
                    Some(Command::Listen { on }) => self.listen_anew(on),
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
        for endpoint in self.listener.iter().chain(&self.retired).chain([&self.dialler]) {
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

/// Makes listeners.
struct Opener {
    endpoint: EndpointConfig,
    server: ServerConfig,
    ignored: Arc<AtomicU64>,
}

impl Opener {
    fn open(&self, on: ListenOn) -> Result<Endpoint, BindError> {
        let (endpoint, server) = (self.endpoint.clone(), Some(self.server.clone()));
        let runtime = Arc::new(TokioRuntime);
        let opened = match on {
            ListenOn::Literal(address) => {
                socket::bind(address).and_then(|socket| Endpoint::new(endpoint, server, socket, runtime))
            }
            ListenOn::Overlay(address) => socket::bind_overlay(address)
                .and_then(|socket| OverlayOnly::new(socket, Arc::clone(&self.ignored)))
                .and_then(|socket| Endpoint::new_with_abstract_socket(endpoint, server, socket, runtime)),
        };
        opened.map_err(|source| BindError::Socket { address: on.address(), source })
    }
}

fn open_dialler(key: &DeviceKey, limits: &NetLimits) -> Result<Endpoint, BindError> {
    let address = socket::ANY;
    let open = |socket: UdpSocket| {
        Endpoint::new(transport::endpoint_config(key), None, socket, Arc::new(TokioRuntime))
    };
    let dialler = socket::bind_any().and_then(open);
    let mut dialler = dialler.map_err(|source| BindError::Socket { address, source })?;
    dialler.set_default_client_config(transport::client_config(key, limits)?);
    Ok(dialler)
}

fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a task of the transport failed");
    }
}
