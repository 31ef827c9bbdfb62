//! The loop: clock and channels to the hubs, the hubs to the store, then to net and API.
//!
//! A *turn* takes whatever inputs wait, lets the hubs handle them on one open turn of the store, commits, and only
//! then carries out what the hubs asked for. If the commit fails, the turn never happened: the hubs are thrown away
//! and opened again on the store, all links are closed, and everybody who waits for an answer gets the reason.
//!
//! **Invariant:** only this file reads the clock. It decides nothing.

mod batch;
mod handle;
mod notices;
mod waiting;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use assist_crdt_model::{DocId, ProjectId, UnixMillis};
use assist_proto::address::Host;
use assist_proto::hub::{
    Action, BlobAnswer, CallId, DeviceHub, DeviceInput, DigestRules, DiskReserves, DiskSpace, Durability,
    LinkId, Notice, ServerHub, ServerInput, drop_damaged, read_doc, set_aside,
};
use assist_proto::store::{StoreError, StoreResult};
use assist_proto::wire::codec::DecodeError;
use assist_proto::wire::{self, Received};
use bytes::Bytes;
use tokio::sync::{mpsc, oneshot, watch};

use crate::api_server::EventFeed;
use crate::blobs::{BlobsHandle, Order};
use crate::device_key::DeviceKey;
use crate::disk;
use crate::mail::MailOut;
use crate::monitor::HealthOut;
use crate::net::{CloseCode, LinkSide, Net, NetEvent, NetworkWatch};
use crate::search::Poker;
use crate::store::{IndexState, ServerReads as _, Store, Turn, Unindexed};

use batch::Batch;
pub(crate) use handle::WeakDriverHandle;
use handle::{Answer, Request};
pub use handle::{Driven, DriverHandle, Fault};
pub(crate) use notices::publish;
use waiting::{Either, PutOff, Turns};

/// A frame after the step that needs no state.
pub(crate) type Incoming = Result<Box<Received>, DecodeError>;

/// What the driver is made of.
pub(crate) struct DriverParts {
    pub(crate) store: Store,
    pub(crate) device_key: DeviceKey,
    pub(crate) node_key: Option<DeviceKey>,
    pub(crate) net: Net<Incoming>,
    pub(crate) events: mpsc::Receiver<NetEvent<Incoming>>,
    pub(crate) feed: EventFeed,
    pub(crate) mail: MailOut,
    /// How members who are away are mailed.
    pub(crate) digests: Option<DigestRules>,
    /// Finds out how the server fares.
    pub(crate) health: HealthOut,
    pub(crate) blobs: BlobsHandle,
    /// Hears of every turn.
    pub(crate) poker: Poker,
    /// Where the server is reached, as it knows when it starts.
    pub(crate) hosts: Vec<Host>,
    /// The largest blob that the server takes.
    pub(crate) blob_bytes_max: u64,
    /// The largest that the device fetches unasked.
    pub(crate) fetch_unasked_bytes_max: u64,
    /// From where on the server's disk counts as low, and as full.
    pub(crate) disk_reserves: DiskReserves,
    /// What was last seen of it.
    pub(crate) disk_space: Option<DiskSpace>,
}

/// The loop and all it owns.
pub(crate) struct Driver {
    parts: DriverParts,
    hubs: Hubs,
    requests: mpsc::Receiver<Request>,
    status: watch::Sender<Driven>,
    calls: HashMap<CallId, Answer>,
    /// Streams of devices that wait for the server's word. One that is dropped is told no.
    blob_asks: HashMap<CallId, oneshot::Sender<BlobAnswer>>,
    /// Whoever waits for its word to be durable.
    indexers: Vec<oneshot::Sender<()>>,
    /// Documents that somebody could not read.
    reported: BTreeSet<(Option<ProjectId>, DocId)>,
    next_call: u64,
    sides: HashMap<LinkId, LinkSide>,
    wakes: BTreeSet<(UnixMillis, Role)>,
    put_off: PutOff,
    turns: Turns,
    network: NetworkWatch,
    last_now: UnixMillis,
}

struct Hubs {
    device: DeviceHub,
    server: Option<ServerHub>,
}

/// Which of the two hubs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    Device,
    Server,
}

/// One thing to handle in a turn.
enum Input {
    Device(DeviceInput),
    Server(ServerInput),
    /// The search index has come further; no business of the hubs.
    Indexed {
        state: IndexState,
        taken: Unindexed,
    },
}

/// Why the loop woke up.
enum Wakeup {
    Net(NetEvent<Incoming>),
    Request(Request),
    NetworkChanged,
    Time,
    Stop,
}

impl Driver {
    /// Opens the hubs on the store.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn open(parts: DriverParts, was_clean: bool) -> StoreResult<(Self, DriverHandle)> {
        let now = read_clock();
        let hubs = Hubs::open_mended(now, &parts, was_clean)?;
        let (requests_tx, requests) = mpsc::channel(REQUESTS_MAX);
        // Whoever asks before the first turn is told how things stand, too.
        let (status, status_rx) = watch::channel(hubs.status(0));
        let handle = DriverHandle::new(requests_tx, status_rx, parts.store.clone(), parts.net.meter());
        let driver = Self {
            parts,
            hubs,
            requests,
            status,
            calls: HashMap::new(),
            blob_asks: HashMap::new(),
            indexers: Vec::new(),
            reported: BTreeSet::new(),
            next_call: 0,
            sides: HashMap::new(),
            wakes: BTreeSet::new(),
            put_off: PutOff::default(),
            turns: Turns::default(),
            network: NetworkWatch::new(),
            last_now: now,
        };
        Ok((driver, handle))
    }

    /// Runs until it is told to stop, or nobody is left who could ask.
    pub(crate) async fn run(mut self) {
        self.turn(Vec::new());
        let mut is_stopped = false;
        while !is_stopped {
            let mut batch = Batch::default();
            match self.wait().await {
                Wakeup::Stop => break,
                wakeup => self.take(wakeup, &mut batch),
            }
            is_stopped = self.take_waiting(&mut batch);
            self.take_due(&mut batch);
            self.turn(batch.into_inputs());
        }
        self.calls.clear();
        self.blob_asks.clear();
        self.indexers.clear();
        self.end_sessions();
        self.parts.net.shutdown(CloseCode::SHUTDOWN, "the daemon stops", SHUTDOWN_PATIENCE).await;
    }

    async fn wait(&mut self) -> Wakeup {
        if !self.put_off.is_empty() {
            // Yields once, so that everything that waits goes first.
            tokio::task::yield_now().await;
        }
        let pause = if self.put_off.is_empty() { self.time_to_wake() } else { Duration::ZERO };
        tokio::select! {
            biased;
            // The rarer comes first: a crowd of peers has something to say without a pause.
            () = self.network.changed() => Wakeup::NetworkChanged,
            request = self.requests.recv() => match request {
                Some(Request::Stop) | None => Wakeup::Stop,
                Some(request) => Wakeup::Request(request),
            },
            event = self.parts.events.recv() => event.map_or(Wakeup::Stop, Wakeup::Net),
            () = tokio::time::sleep(pause) => Wakeup::Time,
        }
    }

    /// Takes what else waits, so that one commit serves many. Tells whether this turn is the last.
    fn take_waiting(&mut self, batch: &mut Batch) -> bool {
        while !batch.is_full() {
            match self.turns.take(&mut self.parts.events, &mut self.requests) {
                Some(Either::First(event)) => self.take(Wakeup::Net(event), batch),
                Some(Either::Second(Request::Stop)) => return true,
                Some(Either::Second(request)) => self.take(Wakeup::Request(request), batch),
                None => return false,
            }
        }
        false
    }

    fn take(&mut self, wakeup: Wakeup, batch: &mut Batch) {
        match wakeup {
            Wakeup::Net(event) => batch.extend(self.input_of(event)),
            Wakeup::Request(request) => batch.extend(self.accept(request)),
            Wakeup::NetworkChanged => {
                self.parts.net.network_changed();
                batch.push(Input::Device(DeviceInput::NetworkChanged));
            }
            // What is due goes with every turn.
            Wakeup::Time | Wakeup::Stop => {}
        }
    }

    fn take_due(&mut self, batch: &mut Batch) {
        for role in self.put_off.due(batch.is_empty()) {
            batch.push(match role {
                Role::Device => Input::Device(DeviceInput::Continue),
                Role::Server => Input::Server(ServerInput::Continue),
            });
        }
        let now = self.now();
        while let Some((at, role)) = self.wakes.first().copied()
            && at <= now
        {
            self.wakes.remove(&(at, role));
            batch.push(match role {
                Role::Device => Input::Device(DeviceInput::Wake),
                Role::Server => Input::Server(ServerInput::Wake),
            });
        }
    }

    fn accept(&mut self, request: Request) -> Option<Input> {
        self.next_call += 1;
        let call = CallId(self.next_call);
        match request {
            Request::Command { command, answer } => {
                self.calls.insert(call, Answer::Command(answer));
                Some(Input::Device(DeviceInput::Command { call, command: *command }))
            }
            Request::Admin { command, answer } => {
                self.calls.insert(call, Answer::Admin(answer));
                Some(Input::Server(ServerInput::Admin { call, command }))
            }
            Request::TransferEnded { transfer, outcome } => {
                Some(Input::Device(DeviceInput::TransferEnded { transfer, outcome }))
            }
            Request::Indexed { state, taken, answer } => {
                self.indexers.push(answer);
                Some(Input::Indexed { state, taken })
            }
            Request::BlobAsk { peer, ask, answer } => {
                self.blob_asks.insert(call, answer);
                Some(Input::Server(ServerInput::BlobAsked { call, peer, ask }))
            }
            Request::HealthTold { link, ask, health } => {
                Some(Input::Server(ServerInput::HealthTold { link, ask, health }))
            }
            Request::HostsChanged { hosts } => {
                self.parts.hosts.clone_from(&hosts);
                Some(Input::Server(ServerInput::HostsChanged { hosts }))
            }
            Request::DiskMeasured(space) => {
                self.parts.disk_space = Some(space);
                Some(Input::Server(ServerInput::DiskMeasured(space)))
            }
            Request::Damaged { project, doc } => {
                self.reported.insert((project, doc));
                None
            }
            Request::Alive { answer } => {
                answer.send(()).ok(); // Whoever asked may have gone.
                None
            }
            Request::Stop => None,
        }
    }

    fn input_of(&mut self, event: NetEvent<Incoming>) -> Option<Input> {
        match event {
            NetEvent::Opened { link, peer, side, address } => {
                tracing::debug!(link = link.0, %peer, %address, ?side, "link opened");
                self.sides.insert(link, side);
                Some(match side {
                    LinkSide::Inbound => Input::Server(ServerInput::Opened { link, peer }),
                    LinkSide::Outbound { dial } => Input::Device(DeviceInput::Opened { dial, link, peer }),
                })
            }
            NetEvent::Frame { link, frame: Ok(message) } => Some(match self.sides.get(&link)? {
                LinkSide::Inbound => Input::Server(ServerInput::Received { link, message }),
                LinkSide::Outbound { .. } => Input::Device(DeviceInput::Received { link, message }),
            }),
            NetEvent::Frame { link, frame: Err(error) } => {
                tracing::warn!(link = link.0, error = %Chain(&error), "a peer sent what is no message");
                self.parts.net.close(link, CloseCode::BAD_FRAME, "that was no message");
                self.closed(link, "the peer sent what is no message".into())
            }
            NetEvent::Sent { link, bytes } => matches!(self.sides.get(&link)?, LinkSide::Inbound)
                .then_some(Input::Server(ServerInput::Sent { link, size_bytes: bytes })),
            NetEvent::Closed { link, reason } => {
                tracing::debug!(link = link.0, %reason, "link closed");
                self.closed(link, reason.to_string())
            }
            NetEvent::DialFailed { dial, error } => {
                Some(Input::Device(DeviceInput::DialFailed { dial, reason: error.to_string() }))
            }
        }
    }

    fn closed(&mut self, link: LinkId, reason: String) -> Option<Input> {
        Some(match self.sides.remove(&link)? {
            LinkSide::Inbound => Input::Server(ServerInput::Closed { link }),
            LinkSide::Outbound { .. } => Input::Device(DeviceInput::Closed { link, reason }),
        })
    }

    /// The server hears of the end of its sessions before they end: what it notes of them is then durable.
    fn end_sessions(&mut self) {
        let inbound = self.sides.iter().filter(|(_, side)| matches!(side, LinkSide::Inbound));
        let inputs: Vec<Input> =
            inbound.map(|(link, _)| Input::Server(ServerInput::Closed { link: *link })).collect();
        if !inputs.is_empty() {
            self.turn(inputs);
        }
    }

    fn turn(&mut self, inputs: Vec<Input>) {
        let now = self.now();
        if let Some(error) = self.mend_reported() {
            self.void(now, &error);
            return;
        }
        if let Err(error) = self.store_turn(now, inputs) {
            mend(&self.parts.store, &error);
            self.void(now, &error);
            return;
        }
        // Whoever is answered or told of news finds the status as new as the store.
        self.tell_status();
        let mut notices = Vec::new();
        for (role, action) in self.hubs.take_actions() {
            self.carry_out(role, action, &mut notices);
        }
        publish(notices, &self.parts.store, &self.parts.feed);
        for indexer in self.indexers.drain(..) {
            indexer.send(()).ok(); // Fails only if it has ended meanwhile.
        }
        self.parts.poker.poke();
    }

    /// Mends the documents that somebody could not read, where they cannot be read indeed; gives what the last one
    /// failed with. What the hubs hold of them is not to be believed then.
    fn mend_reported(&mut self) -> Option<StoreError> {
        let read = |(project, doc): (Option<ProjectId>, DocId)| {
            let turn = self.parts.store.begin_turn()?;
            match project {
                Some(project) => read_doc(project, doc, &turn),
                None => turn.server_doc_records(doc).map(drop),
            }
        };
        let mut last = None;
        for reported in std::mem::take(&mut self.reported) {
            if let Err(error) = read(reported) {
                mend(&self.parts.store, &error);
                last = Some(error);
            }
        }
        last
    }

    /// Says how the hubs stand after another turn.
    fn tell_status(&self) {
        let status = self.hubs.status(self.status.borrow().turn + 1);
        let disk = status.server.unwrap_or_default().disk;
        let before = self.status.send_replace(status).server.unwrap_or_default().disk.state;
        disk::log(before, disk);
    }

    fn store_turn(&mut self, now: UnixMillis, inputs: Vec<Input>) -> StoreResult<()> {
        let mut turn = self.parts.store.begin_turn()?;
        match self.hubs.handle(now, inputs, &mut turn)? {
            Durability::Now => turn.commit(),
            Durability::Later => turn.commit_lazily(),
        }
    }

    fn carry_out(&mut self, role: Role, action: Action, notices: &mut Vec<Notice>) {
        match action {
            Action::Send { link, frame } => self.parts.net.send(link, frame),
            Action::Close { link, reason } => {
                self.sides.remove(&link);
                self.parts.net.close(link, CloseCode::DONE, reason);
            }
            Action::Dial { dial, hosts } => self.parts.net.dial(dial, hosts),
            Action::CancelDial { dial } => self.parts.net.cancel_dial(dial),
            Action::Reply { call, outcome } => {
                if let Some(Answer::Command(answer)) = self.calls.remove(&call) {
                    answer.send(Ok(outcome)).ok(); // Whoever asked may have gone.
                }
            }
            Action::AdminReply { call, outcome } => {
                if let Some(Answer::Admin(answer)) = self.calls.remove(&call) {
                    answer.send(Ok(outcome)).ok(); // Whoever asked may have gone.
                }
            }
            Action::Transfer { transfer, link, order } => {
                let opener = self.parts.net.stream_opener(link);
                self.parts.blobs.begin(Order { transfer, order, opener });
            }
            Action::BlobAnswer { call, answer } => {
                if let Some(asker) = self.blob_asks.remove(&call) {
                    asker.send(answer).ok(); // Whoever asked may have gone.
                }
            }
            Action::TellHealth { link, ask } => self.parts.health.find_out(link, ask),
            Action::SweepBlobs => self.parts.blobs.sweep(),
            Action::Mail(mail) => self.parts.mail.send(&mail),
            Action::Notify(notice) => {
                if !notices.contains(&notice) {
                    notices.push(notice);
                }
            }
            Action::WakeAt(at) => {
                self.wakes.insert((at, role));
            }
            Action::Continue => {
                self.put_off.insert(role);
            }
        }
    }

    /// The store did not take the turn: nothing of it happened. Nothing in memory is believed any more.
    fn void(&mut self, now: UnixMillis, error: &StoreError) {
        let fault = Fault::new(error);
        tracing::error!(error = %Chain(error), "a turn could not be stored; all links are closed and opened again");
        for (_, answer) in self.calls.drain() {
            answer.fail(fault.clone());
        }
        self.blob_asks.clear();
        self.indexers.clear();
        for (link, _) in self.sides.drain() {
            self.parts.net.close(link, CloseCode::INTERNAL, "the store cannot be used now");
        }
        self.wakes.clear();
        self.put_off.clear();
        if fault.is_disk_full
            && let Some(space) = &mut self.parts.disk_space
        {
            // Whatever the system said of it: nothing new is let in before it was looked again.
            space.free_bytes = 0;
        }
        // Nothing was sent in the void turn, so no incarnation has to rise, and opening writes nothing.
        match Hubs::open_mended(now, &self.parts, true) {
            Ok(hubs) => self.hubs = hubs,
            Err(error) => tracing::error!(error = %Chain(&error), "the store cannot be read either"),
        }
        self.wakes.insert((UnixMillis(now.0 + VOID_PAUSE_MILLIS), Role::Device));
    }

    fn time_to_wake(&mut self) -> Duration {
        let now = self.now();
        match self.wakes.first() {
            Some((at, _)) => Duration::from_millis(at.0.saturating_sub(now.0)),
            None => IDLE_WAIT,
        }
    }

    /// The present time. Never goes back while the daemon runs, whatever is done to the system's clock.
    fn now(&mut self) -> UnixMillis {
        self.last_now = self.last_now.max(read_clock());
        self.last_now
    }
}

/// Sets aside the document that an error is about, so that nothing but itself suffers from it. Returns whether that
/// may help.
fn mend(store: &Store, error: &StoreError) -> bool {
    let StoreError::DamagedDoc { project, doc, .. } = error else { return false };
    let mended = store.begin_turn().and_then(|mut turn| {
        let lost = match project {
            Some(project) => drop_damaged(*project, *doc, &mut turn).map(|()| None)?,
            None => Some(set_aside(*doc, &mut turn)?),
        };
        turn.commit().map(|()| lost)
    });
    match mended {
        Ok(Some(0)) => return false,
        Ok(Some(changes)) => {
            tracing::error!(
                ?doc,
                changes,
                "a damaged document was set aside: devices that have it are asked for it"
            );
        }
        Ok(None) => tracing::error!(?doc, "a damaged document was dropped: its server is asked for it again"),
        Err(error) => {
            tracing::error!(error = %Chain(&error), ?doc, "a damaged document cannot be set aside");
            return false;
        }
    }
    true
}

impl Hubs {
    /// The same, also where a document that they read is damaged.
    fn open_mended(now: UnixMillis, parts: &DriverParts, was_clean: bool) -> StoreResult<Self> {
        let mut tries = OPEN_TRIES_MAX;
        loop {
            match Self::open(now, parts, was_clean) {
                Err(error) if tries > 0 && mend(&parts.store, &error) => tries -= 1,
                opened => return opened,
            }
        }
    }

    fn open(now: UnixMillis, parts: &DriverParts, was_clean: bool) -> StoreResult<Self> {
        let mut turn = parts.store.begin_turn()?;
        let device_key = parts.device_key.signing_key().clone();
        let device = DeviceHub::open(now, device_key, seed(), was_clean, &mut turn)?
            .with_fetch_unasked_bytes_max(parts.fetch_unasked_bytes_max);
        let server = match &parts.node_key {
            Some(key) => ServerHub::open(key.signing_key().clone(), seed(), &turn)?.map(|hub| {
                let hub = match parts.digests {
                    Some(rules) => hub.with_digests(rules),
                    None => hub,
                };
                hub.with_mail(parts.mail.has_route())
                    .with_blob_bytes_max(parts.blob_bytes_max)
                    .with_disk(parts.disk_reserves, parts.disk_space)
                    .with_hosts(now, &parts.hosts)
            }),
            None => None,
        };
        turn.commit()?;
        Ok(Self { device, server })
    }

    fn handle(&mut self, now: UnixMillis, inputs: Vec<Input>, turn: &mut Turn) -> StoreResult<Durability> {
        let mut indexed = Durability::Later;
        for input in inputs {
            match (input, &mut self.server) {
                (Input::Indexed { state, taken }, _) => {
                    turn.put_indexed(state, &taken)?;
                    // Not told again by anybody.
                    indexed = Durability::Now;
                }
                (Input::Device(input), _) => self.device.handle(now, input, turn)?,
                (Input::Server(input), Some(server)) => server.handle(now, input, turn)?,
                (Input::Server(_), None) => {}
            }
        }
        let durability = self.device.finish_turn(turn)?.max(indexed);
        match &mut self.server {
            Some(server) => Ok(server.finish_turn(turn)?.max(durability)),
            None => Ok(durability),
        }
    }

    fn take_actions(&mut self) -> Vec<(Role, Action)> {
        let device = self.device.take_actions().into_iter().map(|action| (Role::Device, action));
        let server = self.server.as_mut().map(ServerHub::take_actions).unwrap_or_default();
        // The server's first: its peers wait for the network, the device's front ends sit beside us.
        server.into_iter().map(|action| (Role::Server, action)).chain(device).collect()
    }

    fn status(&self, turn: u64) -> Driven {
        let projects: BTreeMap<ProjectId, _> = self.device.statuses().collect();
        Driven { turn, projects, server: self.server.as_ref().map(ServerHub::status) }
    }
}

/// The prepare step of the transport: decoding and all signatures, beside the driver's thread.
pub(crate) fn prepare(frame: Bytes) -> Incoming {
    wire::receive(&frame).map(Box::new)
}

/// An error with its causes in one line, for the log.
pub(crate) struct Chain<'a>(pub(crate) &'a (dyn std::error::Error + 'a));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

/// The time of day, by this machine.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
pub fn read_clock() -> UnixMillis {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    UnixMillis(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
}

fn seed() -> [u8; 32] {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).expect("a system without random numbers cannot make keys either");
    seed
}

/// Where a server can be reached, as far as it knows: what it listens on, with every address of the machine for
/// "all of them".
pub fn reachable_addresses(listening: SocketAddr) -> Vec<SocketAddr> {
    if !listening.ip().is_unspecified() {
        return vec![listening];
    }
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let fits = |ip: &std::net::IpAddr| listening.is_ipv6() || ip.is_ipv4();
    let is_link_local =
        |ip: &std::net::IpAddr| matches!(ip, std::net::IpAddr::V6(ip) if ip.is_unicast_link_local());
    let mut addresses: Vec<SocketAddr> = interfaces
        .iter()
        .map(if_addrs::Interface::ip)
        .filter(|ip| fits(ip) && !is_link_local(ip))
        .map(|ip| SocketAddr::new(ip, listening.port()))
        .collect();
    // Loopback last: it serves only who sits on the machine.
    addresses.sort_by_key(|address| address.ip().is_loopback());
    addresses
}

/// Requests of front ends that wait; more wait at the socket.
const REQUESTS_MAX: usize = 1_024;
/// How long links may take to say goodbye.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(2);
/// Documents that are set aside until the hubs open: they read few.
const OPEN_TRIES_MAX: usize = 64;
/// After a turn that could not be stored, before dialling again.
const VOID_PAUSE_MILLIS: u64 = 1_000;
/// With nothing to wake for.
const IDLE_WAIT: Duration = Duration::from_secs(3_600);
