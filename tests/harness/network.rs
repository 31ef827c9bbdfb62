//! A seeded network of peers: time, links, and everything that goes wrong between and in machines.
//!
//! Within one link frames arrive in order or not at all, as QUIC gives; between links there is no order. Frames on
//! their way when a link ends are lost. Frames are really encoded and really taken apart. There is no clock here but
//! a number that jumps to the next event, and no chance but the seed.

mod link;
mod trace;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};

use assist_crdt_model::ProjectName;
use assist_proto::hub::{
    Action, AdminCommand, AdminError, AdminReply, BlobAnswer, BlobAsk, CallId, Command, CommandError, DialId,
    DiskSpace, LinkId, Notice, Reply, TransferId, TransferOrder, initialise_server,
};
use assist_proto::limits;
use assist_proto::mail::Mail;
use bytes::Bytes;
use ed25519_dalek::SigningKey;

use self::link::{Link, Side};
pub use self::trace::Trace;
use crate::dice::Dice;
use crate::peer::{Fate, Input, Peer, PeerId, PeerKind};

/// How often things go wrong: once in so many times, 0 for never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Faults {
    /// A turn ends in a crash, before or after its commit.
    pub crash: u64,
    /// A turn cannot be committed.
    pub commit_failure: u64,
    /// A link breaks under a frame.
    pub cut: u64,
    /// A dial reaches nobody.
    pub dial_failure: u64,
    /// A frame to a server arrives twice.
    pub duplicate: u64,
}

/// A frame that left a peer.
#[derive(Debug, Clone)]
pub struct SentFrame {
    /// Who sent it.
    pub from: PeerId,
    /// To whom.
    pub to: PeerId,
    /// The payload.
    pub frame: Bytes,
}

/// An answer to a front end.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Who answered.
    pub peer: PeerId,
    /// Which call.
    pub call: CallId,
    /// With what.
    pub outcome: Result<Reply, CommandError>,
}

/// The network.
pub struct Network {
    /// Chance, for the network and for those who play in it.
    pub dice: Dice,
    /// What goes wrong.
    pub faults: Faults,
    /// What was said, for those who want to read it.
    pub trace: Trace,
    /// Frames that were sent, until somebody takes them.
    pub sent: Vec<SentFrame>,
    /// Answers that were given, until somebody takes them.
    pub answers: Vec<Answer>,
    /// News for front ends, until somebody takes them.
    pub notices: Vec<(PeerId, Notice)>,
    /// Mails that servers sent, until somebody takes them.
    pub mails: Vec<(PeerId, Mail)>,
    /// How long frames of servers stay in the queues of machines after they were sent.
    pub drain_millis: u64,
    /// The most bytes that ever stayed there for one peer.
    pub undrained_bytes_max: usize,
    now: u64,
    peers: Vec<Peer>,
    links: BTreeMap<LinkId, Link>,
    queue: BTreeMap<(u64, u64), Event>,
    events_made: u64,
    links_made: u64,
    calls_made: u64,
    /// Peers with a turn on the way.
    due: BTreeSet<PeerId>,
    /// Pairs that cannot reach each other.
    apart: BTreeSet<(PeerId, PeerId)>,
    /// Devices that only so many more frames come to.
    frames_left: BTreeMap<PeerId, usize>,
    hosts: BTreeMap<SocketAddr, PeerId>,
    roots: BTreeMap<PeerId, SigningKey>,
    admin_answers: BTreeMap<CallId, Result<AdminReply, AdminError>>,
    blob_answers: BTreeMap<CallId, BlobAnswer>,
    /// Transfers that devices began. Nothing carries them out: a test says what becomes of each.
    pub transfers: Vec<(PeerId, TransferId, TransferOrder)>,
}

enum Event {
    Turn(PeerId),
    Wake(PeerId, u64),
    Start(PeerId, u64),
    Dialled { device: PeerId, run: u64, dial: DialId, server: Option<PeerId> },
    Deliver { link: LinkId, to: Side, frame: Bytes },
    Drained { link: LinkId, from: Side, size_bytes: usize },
    Ended { link: LinkId, to: Side },
}

impl Network {
    /// Starts an empty network.
    pub fn new(seed: u64, trace: Trace) -> Self {
        Self {
            dice: Dice::new(seed),
            faults: Faults::default(),
            trace,
            sent: Vec::new(),
            answers: Vec::new(),
            notices: Vec::new(),
            mails: Vec::new(),
            drain_millis: 0,
            undrained_bytes_max: 0,
            now: EPOCH_MILLIS,
            peers: Vec::new(),
            links: BTreeMap::new(),
            queue: BTreeMap::new(),
            events_made: 0,
            links_made: 0,
            calls_made: 0,
            due: BTreeSet::new(),
            apart: BTreeSet::new(),
            frames_left: BTreeMap::new(),
            hosts: BTreeMap::new(),
            roots: BTreeMap::new(),
            admin_answers: BTreeMap::new(),
            blob_answers: BTreeMap::new(),
            transfers: Vec::new(),
        }
    }

    /// Adds a running server with a project of its own.
    ///
    /// # Panics
    /// If the name is none for a project.
    pub fn add_server(&mut self, name: &str) -> PeerId {
        let root = SigningKey::from_bytes(&self.dice.bytes());
        let key = SigningKey::from_bytes(&self.dice.bytes());
        let id = self.add_peer(name, PeerKind::Server, key);
        let seed = self.dice.bytes();
        let name = ProjectName::parse(name).expect("a name of a scenario is a project's");
        let peer = &mut self.peers[id.0];
        let (clock, key) = (peer.clock(self.now), peer.key().clone());
        initialise_server(clock, &root, &key, &name, seed, &mut peer.store).expect("memory takes it");
        self.hosts.insert(host_of(id), id);
        self.roots.insert(id, root);
        self.start(id, true);
        id
    }

    /// The root key of a server's project, which its operator keeps.
    ///
    /// # Panics
    /// If the peer is no server that was added with a project.
    pub fn root_of(&self, server: PeerId) -> &SigningKey {
        &self.roots[&server]
    }

    /// Adds a running device that has joined nothing.
    pub fn add_device(&mut self, name: &str) -> PeerId {
        let key = SigningKey::from_bytes(&self.dice.bytes());
        let id = self.add_peer(name, PeerKind::Device, key);
        self.start(id, true);
        id
    }

    fn add_peer(&mut self, name: &str, kind: PeerKind, key: SigningKey) -> PeerId {
        let id = PeerId(self.peers.len());
        let skew_millis = self.draw_skew();
        self.peers.push(Peer::new(name, kind, key, skew_millis));
        id
    }

    /// How wrong a clock is: a little mostly, and by ten years either way now and then.
    pub fn draw_skew(&mut self) -> i64 {
        match self.dice.between(0, 9) {
            0 => TEN_YEARS_MILLIS,
            1 => -TEN_YEARS_MILLIS,
            _ => self.dice.between(0, SKEW_MILLIS_MAX).cast_signed(),
        }
    }

    /// The time, which no peer knows.
    pub fn now(&self) -> u64 {
        self.now
    }

    /// A peer.
    pub fn peer(&self, id: PeerId) -> &Peer {
        &self.peers[id.0]
    }

    /// A peer, to meddle with.
    pub fn peer_mut(&mut self, id: PeerId) -> &mut Peer {
        &mut self.peers[id.0]
    }

    /// All peers.
    pub fn peer_ids(&self) -> Vec<PeerId> {
        (0..self.peers.len()).map(PeerId).collect()
    }

    /// Where a server listens.
    pub fn host(&self, server: PeerId) -> SocketAddr {
        let listening = self.hosts.iter().find(|(_, there)| **there == server);
        listening.map_or_else(|| host_of(server), |(host, _)| *host)
    }

    /// Puts another server in a server's place: who dials the one reaches the other.
    pub fn redirect(&mut self, server: PeerId, to: PeerId) {
        self.hosts.insert(host_of(server), to);
    }

    /// Moves a server to another address: nobody listens at the former one.
    pub fn relocate(&mut self, server: PeerId, host: SocketAddr) {
        self.hosts.retain(|_, there| *there != server);
        self.hosts.insert(host, server);
    }

    /// How many links a peer has open.
    pub fn link_count(&self, id: PeerId) -> usize {
        self.links.values().filter(|link| link.side_of(id).is_some()).count()
    }

    /// Gives a peer an input. One that is down never hears of it.
    pub fn give(&mut self, id: PeerId, input: Input) {
        let peer = &mut self.peers[id.0];
        if peer.is_up() {
            peer.inbox.push_back(input);
            self.make_due(id);
        }
    }

    /// Asks a device for something; the answer comes to [`Network::answers`].
    pub fn ask(&mut self, device: PeerId, command: Command) -> CallId {
        let call = self.next_call();
        self.give(device, Input::Command { call, command: Box::new(command) });
        call
    }

    /// Asks a device for something and runs until it answers.
    ///
    /// # Panics
    /// If it never does.
    pub fn command(&mut self, device: PeerId, command: Command) -> Result<Reply, CommandError> {
        let call = self.ask(device, command);
        for _ in 0..EVENTS_MAX {
            if let Some(at) = self.answers.iter().position(|answer| answer.call == call) {
                return self.answers.remove(at).outcome;
            }
            assert!(self.step(), "no answer, and nothing left to happen");
        }
        panic!("no answer in {EVENTS_MAX} events");
    }

    /// Asks a server for something as its operator and runs until it answers.
    ///
    /// # Panics
    /// If it never does.
    pub fn admin(&mut self, server: PeerId, command: AdminCommand) -> Result<AdminReply, AdminError> {
        loop {
            // The operator tries again if the server falls over in the meantime.
            let call = self.next_call();
            let run = self.peers[server.0].run;
            self.give(server, Input::Admin { call, command: command.clone() });
            while self.peers[server.0].is_up() && self.peers[server.0].run == run {
                if let Some(outcome) = self.admin_answers.remove(&call) {
                    return outcome;
                }
                assert!(self.step(), "no answer, and nothing left to happen");
            }
            while !self.peers[server.0].is_up() {
                assert!(self.step(), "the server stays down");
            }
        }
    }

    /// Asks a server's hub as a stream of the device does.
    ///
    /// # Panics
    /// If there is no answer.
    pub fn ask_for_blob(&mut self, server: PeerId, device: PeerId, ask: BlobAsk) -> BlobAnswer {
        let (call, peer) = (self.next_call(), self.peers[device.0].device());
        self.give(server, Input::BlobAsked { call, peer, ask });
        loop {
            if let Some(answer) = self.blob_answers.remove(&call) {
                return answer;
            }
            assert!(self.step(), "no answer, and nothing left to happen");
        }
    }

    /// Fills a server's disk but for so many bytes, or frees it.
    pub fn set_disk_free(&mut self, server: PeerId, free_bytes: u64) {
        self.trace.note(self.now, || format!("{} has {free_bytes} bytes free", self.peers[server.0].name));
        let space = DiskSpace { size_bytes: DISK_BYTES, free_bytes };
        self.peers[server.0].put_disk(space);
        self.give(server, Input::DiskMeasured(space));
    }

    /// Lets a device and a server reach each other, or not. What is open between them ends.
    pub fn set_reachable(&mut self, device: PeerId, server: PeerId, is_reachable: bool) {
        if is_reachable {
            self.apart.remove(&(device, server));
            return;
        }
        self.apart.insert((device, server));
        self.cut_between(device, server);
    }

    /// Lets everybody reach everybody.
    pub fn reconnect_all(&mut self) {
        self.apart.clear();
    }

    /// Lets so many more frames come to a device; then its links break and it reaches nobody.
    pub fn cut_off_after(&mut self, device: PeerId, frames: usize) {
        self.frames_left.insert(device, frames);
    }

    /// Ends the links between two peers, with all that is on its way.
    pub fn cut_between(&mut self, device: PeerId, server: PeerId) {
        let links: Vec<LinkId> = self
            .links
            .iter()
            .filter(|(_, link)| link.side_of(device).is_some() && link.side_of(server).is_some())
            .map(|(id, _)| *id)
            .collect();
        for link in links {
            self.cut(link);
        }
    }

    /// Starts a peer that is down.
    pub fn start(&mut self, id: PeerId, was_clean: bool) {
        self.trace.note(self.now, || format!("{} starts", self.peers[id.0].name));
        let seed = self.dice.bytes();
        let actions = self.peers[id.0].start(self.now, seed, was_clean);
        self.carry_out(id, actions);
    }

    /// Stops a peer; its links end. What it was given and has not handled is lost.
    pub fn stop(&mut self, id: PeerId) {
        self.trace.note(self.now, || format!("{} stops", self.peers[id.0].name));
        self.peers[id.0].stop();
        self.end_links_of(id);
    }

    /// Makes the next thing happen; false if nothing is left.
    pub fn step(&mut self) -> bool {
        let Some(((at, _), event)) = self.queue.pop_first() else { return false };
        self.now = at;
        match event {
            Event::Turn(id) => self.run_turn(id),
            Event::Wake(id, run) => self.wake(id, run),
            Event::Start(id, run) => {
                if self.peers[id.0].run == run && !self.peers[id.0].is_up() {
                    let was_clean = self.dice.one_in(4);
                    self.start(id, was_clean);
                }
            }
            Event::Dialled { device, run, dial, server } => self.finish_dial(device, run, dial, server),
            Event::Deliver { link, to, frame } => self.deliver(link, to, &frame),
            Event::Drained { link, from, size_bytes } => self.drain(link, from, size_bytes),
            Event::Ended { link, to } => self.end(link, to),
        }
        true
    }

    /// When the next thing happens.
    pub fn next_at(&self) -> Option<u64> {
        self.queue.first_key_value().map(|((at, _), _)| *at)
    }

    /// Runs until nothing is left to happen; gives the number of frames that were sent.
    ///
    /// # Panics
    /// If it goes round for ever.
    pub fn run_until_quiet(&mut self) -> usize {
        let before = self.sent.len();
        for _ in 0..EVENTS_MAX {
            if !self.step() {
                return self.sent.len() - before;
            }
        }
        panic!("not quiet after {EVENTS_MAX} events");
    }

    /// Runs for some time.
    pub fn run_for(&mut self, millis: u64) {
        let until = self.now + millis;
        while self.next_at().is_some_and(|at| at <= until) {
            self.step();
        }
        self.now = until;
    }

    fn run_turn(&mut self, id: PeerId) {
        self.due.remove(&id);
        let peer = &mut self.peers[id.0];
        if !peer.is_up() {
            return;
        }
        let batch = usize::try_from(self.dice.between(1, TURN_INPUTS_MAX)).unwrap_or(1).min(peer.inbox.len());
        let mut inputs: Vec<Input> = peer.inbox.drain(..batch).collect();
        if inputs.is_empty() && peer.wants_continue {
            inputs.push(Input::Continue);
        }
        if inputs.is_empty() {
            return;
        }
        let fate = self.draw_fate();
        let actions = self.peers[id.0].turn(self.now, inputs, fate);
        if fate != Fate::Commits {
            self.fall(id, fate);
            return;
        }
        self.carry_out(id, actions);
    }

    fn draw_fate(&mut self) -> Fate {
        if self.dice.one_in(self.faults.commit_failure) {
            return Fate::CommitFails;
        }
        if self.dice.one_in(self.faults.crash) {
            return if self.dice.one_in(2) { Fate::CrashesBefore } else { Fate::CrashesAfter };
        }
        Fate::Commits
    }

    fn fall(&mut self, id: PeerId, fate: Fate) {
        self.trace.note(self.now, || format!("{}: {fate:?}", self.peers[id.0].name));
        self.end_links_of(id);
        if fate == Fate::CommitFails {
            self.start(id, true);
            return;
        }
        let run = self.peers[id.0].run;
        let delay = self.dice.between(1, DOWN_MILLIS_MAX);
        self.schedule(delay, Event::Start(id, run));
    }

    fn wake(&mut self, id: PeerId, run: u64) {
        let peer = &mut self.peers[id.0];
        if peer.run == run && peer.wakes.remove(&self.now) {
            self.give(id, Input::Wake);
        }
    }

    fn carry_out(&mut self, id: PeerId, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Send { link, frame } => self.send(id, link, frame),
                Action::Close { link, reason } => self.close(id, link, reason),
                Action::Dial { dial, hosts } => self.dial(id, dial, &hosts),
                // An attempt that comes through all the same is the hub's to turn away.
                Action::CancelDial { .. } => {}
                Action::Reply { call, outcome } => {
                    self.trace.note(self.now, || format!("{} answers {outcome:?}", self.peers[id.0].name));
                    self.answers.push(Answer { peer: id, call, outcome });
                }
                Action::AdminReply { call, outcome } => {
                    self.admin_answers.insert(call, outcome);
                }
                Action::Transfer { transfer, order, .. } => self.transfers.push((id, transfer, order)),
                Action::BlobAnswer { call, answer } => {
                    self.blob_answers.insert(call, answer);
                }
                Action::Mail(mail) => self.mails.push((id, mail)),
                Action::TellHealth { link, ask } => self.give(id, Input::HealthTold { link, ask }),
                // Simulated peers keep no bytes.
                Action::SweepBlobs => {}
                Action::Notify(notice) => self.notices.push((id, notice)),
                Action::WakeAt(at) => {
                    let at = self.peers[id.0].network_time(at).max(self.now);
                    let run = self.peers[id.0].run;
                    if self.peers[id.0].wakes.insert(at) {
                        self.schedule(at.saturating_sub(self.now), Event::Wake(id, run));
                    }
                }
                Action::Continue => self.peers[id.0].wants_continue = true,
            }
        }
        if self.peers[id.0].wants_continue || !self.peers[id.0].inbox.is_empty() {
            self.make_due(id);
        }
    }

    fn dial(&mut self, device: PeerId, dial: DialId, hosts: &[SocketAddr]) {
        let reached = hosts.iter().find_map(|host| self.hosts.get(host).copied());
        let server = reached.filter(|_| !self.dice.one_in(self.faults.dial_failure));
        let run = self.peers[device.0].run;
        let delay = self.dice.between(1, DIAL_MILLIS_MAX);
        self.schedule(delay, Event::Dialled { device, run, dial, server });
    }

    fn finish_dial(&mut self, device: PeerId, run: u64, dial: DialId, server: Option<PeerId>) {
        if self.peers[device.0].run != run || !self.peers[device.0].is_up() {
            return;
        }
        let server =
            server.filter(|server| self.peers[server.0].is_up() && !self.apart.contains(&(device, *server)));
        let Some(server) = server else {
            self.give(device, Input::DialFailed { dial });
            return;
        };
        self.links_made += 1;
        let link = LinkId(self.links_made);
        let latency_millis = self.dice.between(1, LATENCY_MILLIS_MAX);
        self.links.insert(link, Link::new(device, server, latency_millis));
        let (client, node) = (self.peers[device.0].device(), self.peers[server.0].device());
        self.give(server, Input::Opened { dial, link, peer: client });
        self.give(device, Input::Opened { dial, link, peer: node });
    }

    fn make_due(&mut self, id: PeerId) {
        if self.due.insert(id) {
            let delay = self.dice.between(0, 1);
            self.schedule(delay, Event::Turn(id));
        }
    }

    fn schedule(&mut self, delay_millis: u64, event: Event) {
        self.events_made += 1;
        self.queue.insert((self.now + delay_millis, self.events_made), event);
    }

    fn next_call(&mut self) -> CallId {
        self.calls_made += 1;
        CallId(self.calls_made)
    }
}

fn host_of(server: PeerId) -> SocketAddr {
    let number = u8::try_from(server.0).expect("a scenario has few peers");
    SocketAddr::from((Ipv4Addr::new(10, 0, 0, number), limits::DEFAULT_PORT))
}

/// A server's disk: the usual reserves are 5 GiB and 1 GiB.
pub const DISK_BYTES: u64 = 1 << 40;
/// When scenarios begin.
const EPOCH_MILLIS: u64 = 1_800_000_000_000;
/// A battery is empty, or somebody mistyped the year.
const TEN_YEARS_MILLIS: i64 = 10 * 365 * 24 * 3_600_000;
/// Clocks differ by up to this: more than most wrong clocks.
const SKEW_MILLIS_MAX: u64 = 10 * 60_000;
/// Inputs that one turn takes at most.
const TURN_INPUTS_MAX: u64 = 8;
const LATENCY_MILLIS_MAX: u64 = 80;
const DIAL_MILLIS_MAX: u64 = 200;
const DOWN_MILLIS_MAX: u64 = 3_000;
/// More than any scenario needs.
const EVENTS_MAX: usize = 2_000_000;
