//! One machine of a scenario: a hub, its store and its clock, driven in turns as the daemon drives them.
//!
//! A peer never does anything by itself: the network hands it inputs, says what becomes of the turn, and carries out
//! what the hub asks for.

use std::collections::{BTreeSet, VecDeque};

use assist_crdt_model::{DeviceId, UnixMillis};
use assist_proto::hub::{
    Action, AdminCommand, BlobAsk, CallId, Command, DeviceHub, DeviceInput, DialId, DigestRules,
    DiskReserves, DiskSpace, Durability, LinkId, ServerHub, ServerInput, TransferId, TransferOutcome,
};
use assist_proto::store::StoreError;
use assist_proto::wire::Received;
use ed25519_dalek::SigningKey;

use crate::memory_store::MemoryStore;

/// How the servers of scenarios mail members who are away: soon.
pub const DIGESTS: DigestRules = DigestRules { after_millis: 60_000, has_excerpts: true };

/// Which peer of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub usize);

/// What a peer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerKind {
    /// Runs a [`DeviceHub`].
    Device,
    /// Runs a [`ServerHub`].
    Server,
}

/// What can happen to a peer: both hubs' inputs as one enum.
#[derive(Debug, Clone)]
pub enum Input {
    /// A link is open; `dial` is a device's attempt.
    Opened { dial: DialId, link: LinkId, peer: DeviceId },
    /// A dial reached nobody.
    DialFailed { dial: DialId },
    /// A frame came.
    Received { link: LinkId, message: Box<Received> },
    /// Frames left.
    Sent { link: LinkId, size_bytes: usize },
    /// A link ended.
    Closed { link: LinkId },
    /// A person wants something.
    Command { call: CallId, command: Box<Command> },
    /// The operator wants something.
    Admin { call: CallId, command: AdminCommand },
    /// A device opened a stream for a blob.
    BlobAsked { call: CallId, peer: DeviceId, ask: BlobAsk },
    /// How a server fares, which nobody looks at here.
    HealthTold { link: LinkId, ask: u32 },
    /// A transfer is over.
    TransferEnded { transfer: TransferId, outcome: TransferOutcome },
    /// Somebody looked at the disk.
    DiskMeasured(DiskSpace),
    /// The machine's addresses changed.
    NetworkChanged,
    /// The time has come.
    Wake,
    /// Nothing else waits.
    Continue,
}

/// What becomes of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Durable, and its actions are carried out.
    Commits,
    /// The disk refuses: nothing is written, the process lives on with a new hub.
    CommitFails,
    /// The process dies with the writes in memory.
    CrashesBefore,
    /// The process dies when all is durable and nothing is sent yet.
    CrashesAfter,
}

/// A machine.
pub struct Peer {
    /// For people: "Alice's laptop".
    pub name: String,
    /// What it is for.
    pub kind: PeerKind,
    /// What can be read. Change it by [`Peer::put_store`].
    pub store: MemoryStore,
    /// What a crash leaves, where that is less.
    durable: Option<MemoryStore>,
    /// Inputs that wait for a turn.
    pub inbox: VecDeque<Input>,
    /// When the hub wishes to be woken, in the time of the network.
    pub wakes: BTreeSet<u64>,
    /// The hub has put something off.
    pub wants_continue: bool,
    /// Counts the starts, so that what was meant for an earlier run does not reach this one.
    pub run: u64,
    key: SigningKey,
    skew_millis: i64,
    disk: Option<DiskSpace>,
    hub: Hub,
}

enum Hub {
    Down,
    Device(Box<DeviceHub>),
    Server(Box<ServerHub>),
}

impl Peer {
    /// Makes a machine that is switched off. Its clock is `skew_millis` ahead of the network's, or behind.
    pub fn new(name: &str, kind: PeerKind, key: SigningKey, skew_millis: i64) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            store: MemoryStore::default(),
            durable: None,
            inbox: VecDeque::new(),
            wakes: BTreeSet::new(),
            wants_continue: false,
            run: 0,
            key,
            skew_millis,
            disk: None,
            hub: Hub::Down,
        }
    }

    /// The key that its links prove.
    pub fn device(&self) -> DeviceId {
        DeviceId::from_bytes(self.key.verifying_key().to_bytes())
    }

    /// That key's secret half.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// Whether the process runs.
    pub fn is_up(&self) -> bool {
        !matches!(self.hub, Hub::Down)
    }

    /// Sets its clock so far ahead of the network's, or behind.
    pub fn set_skew(&mut self, skew_millis: i64) {
        self.skew_millis = skew_millis;
    }

    /// What is seen of its disk from its next start on.
    pub fn put_disk(&mut self, space: DiskSpace) {
        self.disk = Some(space);
    }

    /// What its clock shows.
    pub fn clock(&self, now: u64) -> UnixMillis {
        UnixMillis(now.saturating_add_signed(self.skew_millis))
    }

    /// When a time of its clock is, in the time of the network.
    pub fn network_time(&self, at: UnixMillis) -> u64 {
        at.0.saturating_sub_signed(self.skew_millis)
    }

    /// The device's hub, if this is one and it runs.
    pub fn device_hub(&self) -> Option<&DeviceHub> {
        match &self.hub {
            Hub::Device(hub) => Some(hub),
            _ => None,
        }
    }

    /// The server's hub, if this is one and it runs.
    pub fn server_hub(&self) -> Option<&ServerHub> {
        match &self.hub {
            Hub::Server(hub) => Some(hub),
            _ => None,
        }
    }

    /// Starts the process on what is stored; gives what the hub asks for at once.
    ///
    /// # Panics
    /// If the store is damaged, or a server was not initialised.
    pub fn start(&mut self, now: u64, seed: [u8; 32], was_clean: bool) -> Vec<Action> {
        self.run += 1;
        match self.durable.take() {
            Some(durable) if !was_clean => self.store = durable,
            _ => {}
        }
        match self.kind {
            PeerKind::Device => {
                let clock = self.clock(now);
                let opened = DeviceHub::open(clock, self.key.clone(), seed, was_clean, &mut self.store);
                self.hub = Hub::Device(Box::new(opened.expect("the store opens")));
            }
            PeerKind::Server => {
                let opened = ServerHub::open(self.key.clone(), seed, &self.store);
                let hub = opened.expect("the store opens").expect("the server was initialised");
                let hub = hub.with_mail(true).with_digests(DIGESTS);
                self.hub = Hub::Server(Box::new(hub.with_disk(DiskReserves::default(), self.disk)));
            }
        }
        self.turn(now, Vec::new(), Fate::Commits)
    }

    /// The process is gone, with all that waited in its memory.
    pub fn stop(&mut self) {
        self.hub = Hub::Down;
        self.inbox.clear();
        self.wakes.clear();
        self.wants_continue = false;
    }

    /// Runs one turn. After any fate but [`Fate::Commits`] the hub is gone and nothing is to be carried out.
    ///
    /// # Panics
    /// If the hub finds its store damaged.
    pub fn turn(&mut self, now: u64, inputs: Vec<Input>, fate: Fate) -> Vec<Action> {
        let before = self.store.clone();
        self.wants_continue = false;
        let clock = self.clock(now);
        let handled = self.handle_all(clock, inputs);
        let (actions, durability) = handled.unwrap_or_else(|error| panic!("{}: {error:?}", self.name));
        match (fate, durability) {
            (Fate::Commits, Durability::Later) => drop(self.durable.get_or_insert(before)),
            (Fate::Commits | Fate::CrashesAfter, Durability::Now) => self.durable = None,
            (Fate::CommitFails, _) => self.store = before,
            (Fate::CrashesBefore, _) | (Fate::CrashesAfter, Durability::Later) => {
                self.store = self.durable.take().unwrap_or(before);
            }
        }
        if fate == Fate::Commits {
            return actions;
        }
        self.stop();
        Vec::new()
    }

    /// Puts another state in the place of what is stored.
    pub fn put_store(&mut self, store: MemoryStore) {
        self.store = store;
        self.durable = None;
    }

    fn handle_all(
        &mut self,
        clock: UnixMillis,
        inputs: Vec<Input>,
    ) -> Result<(Vec<Action>, Durability), StoreError> {
        match &mut self.hub {
            Hub::Down => Ok((Vec::new(), Durability::Later)),
            Hub::Device(hub) => {
                for input in inputs.into_iter().filter_map(device_input) {
                    hub.handle(clock, input, &mut self.store)?;
                }
                let durability = hub.finish_turn(&mut self.store)?;
                Ok((hub.take_actions(), durability))
            }
            Hub::Server(hub) => {
                for input in inputs.into_iter().filter_map(server_input) {
                    hub.handle(clock, input, &mut self.store)?;
                }
                let durability = hub.finish_turn(&mut self.store)?;
                Ok((hub.take_actions(), durability))
            }
        }
    }
}

fn device_input(input: Input) -> Option<DeviceInput> {
    Some(match input {
        Input::Opened { dial, link, peer } => DeviceInput::Opened { dial, link, peer },
        Input::DialFailed { dial } => DeviceInput::DialFailed { dial, reason: "nobody answers".into() },
        Input::Received { link, message } => DeviceInput::Received { link, message },
        Input::Closed { link } => DeviceInput::Closed { link, reason: "the link ended".into() },
        Input::Command { call, command } => DeviceInput::Command { call, command: *command },
        Input::TransferEnded { transfer, outcome } => DeviceInput::TransferEnded { transfer, outcome },
        Input::NetworkChanged => DeviceInput::NetworkChanged,
        Input::Wake => DeviceInput::Wake,
        Input::Continue => DeviceInput::Continue,
        Input::Sent { .. }
        | Input::Admin { .. }
        | Input::BlobAsked { .. }
        | Input::DiskMeasured(_)
        | Input::HealthTold { .. } => return None,
    })
}

fn server_input(input: Input) -> Option<ServerInput> {
    Some(match input {
        Input::Opened { link, peer, .. } => ServerInput::Opened { link, peer },
        Input::Received { link, message } => ServerInput::Received { link, message },
        Input::Sent { link, size_bytes } => ServerInput::Sent { link, size_bytes },
        Input::Closed { link } => ServerInput::Closed { link },
        Input::Admin { call, command } => ServerInput::Admin { call, command },
        Input::BlobAsked { call, peer, ask } => ServerInput::BlobAsked { call, peer, ask },
        Input::DiskMeasured(space) => ServerInput::DiskMeasured(space),
        Input::HealthTold { link, ask } => {
            ServerInput::HealthTold { link, ask, health: Some(Box::default()) }
        }
        Input::Wake => ServerInput::Wake,
        Input::Continue => ServerInput::Continue,
        Input::DialFailed { .. }
        | Input::Command { .. }
        | Input::TransferEnded { .. }
        | Input::NetworkChanged => return None,
    })
}
