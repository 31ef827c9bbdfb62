//! The server's machine: admits changes into one log and hands the log to whoever may see it.
//!
//! | phase of a link | takes | leaves by |
//! |---|---|---|
//! | `Greeting` | `Hello`, `Enroll`, `RequestCode`, `Confirm` | `Hello` of a device on the roster: to `Ready`; anything else, or silence: closed |
//! | `Ready` | `Push`, `GiveBack`, `Seen`, `Read`, `Fetch`, `Ask`, `Present` | `Closed`, a newer link of the same device, revocation, a broken rule |
//!
//! It never sends a record that the store's log does not have, and never one to somebody who may not see it: both
//! are read from the log by audience, in [`fanout`].

mod admission;
mod admissions;
mod asks;
mod blobs;
mod delivery;
mod devices;
mod digests;
mod disk;
mod enrolment;
mod fanout;
mod give_back;
mod kept;
mod lost;
mod mailed;
mod people;
mod presence;
mod quotas;
mod reads;
mod roster;
mod sharing;

use std::collections::{BTreeMap, BTreeSet};

use assist_crdt_model::{ChangeHash, DeviceId, DocId, Rejection, UnixMillis, UserId};
use bytes::Bytes;
use ed25519_dalek::SigningKey;

use self::fanout::{RecentRecords, Session};
use super::action::{Action, BlobAsk, CallId, Durability, LinkId};
use super::dice::Dice;
use super::doc_cache::DocCache;
use crate::address::Host;
use crate::certificate::{ServerHosts, Signed};
use crate::limits;
use crate::store::{Audience, Seq, ServerProject, ServerStore, StoreError, StoreResult};
use crate::wire::health::Health;
use crate::wire::{self, Hello, PROTOCOL_VERSION, PeerMessage, Received, Refused, RefusedCode, Welcome};

pub use self::admissions::note_act;
pub use self::digests::DigestRules;
pub use self::disk::{DiskReserves, DiskSpace, DiskStanding, DiskState, Reserve};
pub use self::enrolment::{begin_log_anew, initialise_server, recover_server, spelled};
pub use self::lost::set_aside;
pub use self::roster::{AdminCommand, AdminError, AdminReply};

/// All that can happen to a server.
#[derive(Debug, Clone, PartialEq)]
pub enum ServerInput {
    /// A device connected; the transport has proven its key.
    Opened {
        /// The new link.
        link: LinkId,
        /// The proven key.
        peer: DeviceId,
    },
    /// A frame came and was checked as far as that needs no state.
    Received {
        /// From whom.
        link: LinkId,
        /// What.
        message: Box<Received>,
    },
    /// Frames left for the peer.
    Sent {
        /// Whose.
        link: LinkId,
        /// How many bytes of frames.
        size_bytes: usize,
    },
    /// A link ended.
    Closed {
        /// Which.
        link: LinkId,
    },
    /// The operator asks for something.
    Admin {
        /// Whom to answer.
        call: CallId,
        /// What.
        command: AdminCommand,
    },
    /// A device opened a stream for a blob.
    BlobAsked {
        /// Whom to answer.
        call: CallId,
        /// The proven key.
        peer: DeviceId,
        /// What it wants, or has brought.
        ask: BlobAsk,
    },
    /// It is reached elsewhere from now on.
    HostsChanged {
        /// Where.
        hosts: Vec<Host>,
    },
    /// Somebody has looked at the disk.
    DiskMeasured(DiskSpace),
    /// How the server fares, as [`Action::TellHealth`] wanted it.
    HealthTold {
        /// Whom to answer.
        link: LinkId,
        /// The ask's id.
        ask: u32,
        /// How; nothing if it cannot be found out now.
        health: Option<Box<Health>>,
    },
    /// The time of a `WakeAt` has come.
    Wake,
    /// Nothing else waits: go on with what was put off.
    Continue,
}

/// Numbers for the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ServerStatus {
    /// Devices in step or getting there.
    pub sessions: usize,
    /// Links that have not said who they are for.
    pub greetings: usize,
    /// Changes admitted since the start.
    pub admitted: u64,
    /// Changes refused since the start.
    pub rejected: u64,
    /// How its disk stands.
    pub disk: DiskStanding,
}

/// The machine.
pub struct ServerHub {
    key: SigningKey,
    project: ServerProject,
    dice: Dice,
    docs: DocCache<DocId>,
    links: BTreeMap<LinkId, Link>,
    by_device: BTreeMap<DeviceId, LinkId>,
    /// Sessions by who reads there.
    by_audience: BTreeSet<(Audience, LinkId)>,
    /// Links that have not said who they are for, by the end of their time.
    greetings: BTreeSet<(UnixMillis, LinkId)>,
    recent: RecentRecords,
    /// Documents that this turn wrote to: their rows are written at its end.
    touched: BTreeMap<DocId, Touched>,
    /// Documents that were ever damaged, as [`ServerStore::mending`] has them.
    mending: BTreeMap<DocId, Option<Seq>>,
    /// Documents of which this turn put something back.
    mended: BTreeSet<DocId>,
    /// Whose sessions have something to read since the last turn's end.
    woken: BTreeSet<Audience>,
    /// Links whose window was full and has room again, or that ask for more.
    runnable: BTreeSet<LinkId>,
    /// Sides whose marks lag behind what they have seen.
    unmarked: BTreeSet<Audience>,
    /// Devices whose time on the roster is written at the turn's end.
    seen: BTreeSet<DeviceId>,
    /// The time of the newest input.
    now: UnixMillis,
    code_tries: enrolment::CodeTries,
    mailed: mailed::MailedLately,
    quotas: quotas::Quotas,
    disk: disk::Disk,
    admissions: admissions::Admissions,
    presences: presence::Presences,
    digests: digests::Digests,
    /// Whether mail leaves this server.
    has_mail: bool,
    /// The largest blob that it takes.
    blob_bytes_max: u64,
    /// Where it is reached, as it tells its devices.
    hosts: Option<Signed>,
    /// Whose sessions end once the present ask is answered.
    departures: Vec<(DeviceId, devices::Departure)>,
    /// Who is of the team, once somebody asked: not looked for among all people each time that one of them comes.
    team: Option<BTreeSet<UserId>>,
    /// Of the turn under way.
    durability: Durability,
    actions: Vec<Action>,
    status: ServerStatus,
}

struct Link {
    peer: DeviceId,
    phase: Phase,
}

enum Phase {
    Greeting { until: UnixMillis },
    Ready(Box<Session>),
}

struct Touched {
    number: Option<u32>,
    last_seq: Seq,
    updated_at: UnixMillis,
}

impl ServerHub {
    /// Opens the machine on an initialised store; `None` if the store has no project.
    ///
    /// # Errors
    /// The store's.
    pub fn open(key: SigningKey, seed: [u8; 32], store: &dyn ServerStore) -> StoreResult<Option<Self>> {
        let Some(project) = store.project()? else { return Ok(None) };
        let beginning = admissions::beginning(store)?;
        let mut hub = Self {
            key,
            project,
            dice: Dice::new(seed),
            docs: DocCache::new(limits::CACHED_DOCS_MAX),
            links: BTreeMap::new(),
            by_device: BTreeMap::new(),
            by_audience: BTreeSet::new(),
            greetings: BTreeSet::new(),
            recent: RecentRecords::default(),
            touched: BTreeMap::new(),
            mending: store.mending()?,
            mended: BTreeSet::new(),
            woken: BTreeSet::new(),
            runnable: BTreeSet::new(),
            unmarked: BTreeSet::from([Audience::Team]),
            seen: BTreeSet::new(),
            now: UnixMillis::default(),
            code_tries: enrolment::CodeTries::default(),
            mailed: mailed::MailedLately::default(),
            quotas: quotas::Quotas::default(),
            disk: disk::Disk::default(),
            admissions: admissions::Admissions::default(),
            presences: presence::Presences::default(),
            digests: digests::Digests::default(),
            has_mail: false,
            blob_bytes_max: limits::BLOB_BYTES_MAX_DEFAULT,
            hosts: None,
            departures: Vec::new(),
            team: None,
            durability: Durability::Later,
            actions: Vec::new(),
            status: ServerStatus::default(),
        };
        if let Some(event) = beginning {
            hub.note(event, None);
        }
        Ok(Some(hub))
    }

    /// Says whether mail leaves this server: without it nobody can join by email, and is told so.
    #[must_use]
    pub fn with_mail(self, has_mail: bool) -> Self {
        Self { has_mail, ..self }
    }

    /// Says how large a blob may be; never more than [`limits::BLOB_BYTES_MAX`].
    #[must_use]
    pub fn with_blob_bytes_max(self, blob_bytes_max: u64) -> Self {
        Self { blob_bytes_max: blob_bytes_max.min(limits::BLOB_BYTES_MAX), ..self }
    }

    /// Says from where on its disk counts as low and as full, and what is known of it.
    #[must_use]
    pub fn with_disk(self, reserves: DiskReserves, space: Option<DiskSpace>) -> Self {
        Self { disk: disk::Disk::new(reserves, space), ..self }
    }

    /// Says where it is reached: devices are told in each session that begins from now on.
    #[must_use]
    pub fn with_hosts(mut self, now: UnixMillis, hosts: &[Host]) -> Self {
        self.set_hosts(now, hosts);
        self
    }

    fn set_hosts(&mut self, now: UnixMillis, hosts: &[Host]) {
        let said = ServerHosts {
            project: self.project.project,
            node: self.node(),
            issued_at: now,
            hosts: hosts.iter().take(limits::ADDRESS_HOSTS_MAX).map(ToString::to_string).collect(),
        };
        self.hosts = (!hosts.is_empty()).then(|| Signed::sign(&self.key, &said));
    }

    /// Which project this is.
    pub fn project(&self) -> &ServerProject {
        &self.project
    }

    /// This server as a device of its project.
    fn node(&self) -> DeviceId {
        DeviceId::from_bytes(self.key.verifying_key().to_bytes())
    }

    /// Numbers for the operator.
    pub fn status(&self) -> ServerStatus {
        let greetings = self.greetings.len();
        let (sessions, disk) = (self.links.len() - greetings, self.disk.standing());
        ServerStatus { sessions, greetings, disk, ..self.status }
    }

    /// Takes one input.
    ///
    /// # Errors
    /// The store's: the turn is void, and so is this hub.
    pub fn handle(
        &mut self,
        now: UnixMillis,
        input: ServerInput,
        store: &mut dyn ServerStore,
    ) -> StoreResult<()> {
        self.durability = self.durability.max(durability_of(&input));
        self.now = now;
        match input {
            ServerInput::Opened { link, peer } => {
                let until = UnixMillis(now.0 + limits::GREETING_TIMEOUT_MILLIS);
                self.links.insert(link, Link { peer, phase: Phase::Greeting { until } });
                self.greetings.insert((until, link));
                Ok(())
            }
            ServerInput::Received { link, message } => self.handle_message(now, link, *message, store),
            ServerInput::Sent { link, size_bytes } => {
                if let Some(session) = self.session(link) {
                    session.queued_bytes = session.queued_bytes.saturating_sub(size_bytes);
                }
                self.go_on_if_room(link);
                Ok(())
            }
            ServerInput::Closed { link } => {
                self.forget(link);
                Ok(())
            }
            ServerInput::Admin { call, command } => {
                let outcome = self.handle_admin(now, command, store)?;
                self.actions.push(Action::AdminReply { call, outcome });
                Ok(())
            }
            ServerInput::BlobAsked { call, peer, ask } => self.handle_blob_ask(now, call, peer, ask, store),
            ServerInput::HostsChanged { hosts } => {
                self.set_hosts(now, &hosts);
                Ok(())
            }
            ServerInput::DiskMeasured(space) => {
                self.disk.measured(space);
                Ok(())
            }
            ServerInput::HealthTold { link, ask, health } => self.answer_health(link, ask, health, store),
            ServerInput::Wake => {
                self.close_silent_links(now);
                Ok(())
            }
            ServerInput::Continue => Ok(()),
        }
    }

    /// Ends a turn: rows of changed tickets, marks of what was delivered, mails to those who are away, the admission
    /// log, and as much of the log for each peer as its window takes. Says how durable the turn has to be before its
    /// actions are carried out.
    ///
    /// # Errors
    /// The store's: the turn is void, and so is this hub.
    pub fn finish_turn(&mut self, store: &mut dyn ServerStore) -> StoreResult<Durability> {
        self.note_whole(store)?;
        self.write_rows(store)?;
        self.advance_marks(store)?;
        self.run_digests(store)?;
        self.fill_windows(store)?;
        self.run_presence(store)?;
        self.write_last_seen(store)?;
        self.write_admissions(store)?;
        self.docs.trim();
        if !self.unmarked.is_empty() {
            self.actions.push(Action::Continue);
        }
        if let Some((until, _)) = self.greetings.first() {
            self.actions.push(Action::WakeAt(*until));
        }
        Ok(std::mem::replace(&mut self.durability, Durability::Later))
    }

    /// Hands over what the committed turns ask for.
    pub fn take_actions(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }

    fn handle_message(
        &mut self,
        now: UnixMillis,
        link: LinkId,
        message: Received,
        store: &mut dyn ServerStore,
    ) -> StoreResult<()> {
        let Some(entry) = self.links.get_mut(&link) else { return Ok(()) };
        if let Phase::Ready(session) = &mut entry.phase
            && now.0 >= session.noted_at.0 + limits::LAST_SEEN_STEP_MILLIS
        {
            session.noted_at = now;
            self.seen.insert(entry.peer);
        }
        match (&entry.phase, message) {
            (Phase::Greeting { .. }, Received::Message(PeerMessage::Hello(hello))) => {
                self.greet(now, link, &hello, store)
            }
            (Phase::Greeting { .. }, Received::Message(PeerMessage::Enroll(enroll))) => {
                self.enroll(now, link, &enroll, store)
            }
            (Phase::Greeting { .. }, Received::Message(PeerMessage::RequestCode(request))) => {
                self.request_code(now, link, &request, store)
            }
            (Phase::Greeting { .. }, Received::Message(PeerMessage::Confirm(confirm))) => {
                self.confirm(now, link, &confirm, store)
            }
            (Phase::Ready(_), Received::Push { project, envelopes }) if project == self.project.project => {
                self.handle_push(now, link, envelopes, store)
            }
            (Phase::Ready(_), Received::GiveBack { project, vouchers, items })
                if project == self.project.project =>
            {
                self.handle_give_back(now, link, &vouchers, items, store)
            }
            (Phase::Ready(_), Received::Message(PeerMessage::Seen(seen))) => {
                self.handle_seen(link, seen.cursor, store)
            }
            (Phase::Ready(_), Received::Message(PeerMessage::Read(read))) => {
                self.handle_reads(now, link, &read.reads, store)
            }
            (Phase::Ready(_), Received::Message(PeerMessage::Keep(keep))) => {
                self.handle_keep(now, link, keep.kept, store)
            }
            (Phase::Ready(_), Received::Message(PeerMessage::Present(present))) => {
                self.handle_present(now, link, present, store)
            }
            (Phase::Ready(_), Received::Message(PeerMessage::Fetch(fetch))) => {
                self.handle_fetch(link, &fetch.docs);
                Ok(())
            }
            (Phase::Ready(_), Received::Message(PeerMessage::Ask(ask))) => {
                self.handle_ask(now, link, ask, store)
            }
            _ => {
                self.refuse(link, RefusedCode::Protocol, "this message was not expected here");
                Ok(())
            }
        }
    }

    fn greet(
        &mut self,
        now: UnixMillis,
        link: LinkId,
        hello: &Hello,
        store: &mut dyn ServerStore,
    ) -> StoreResult<()> {
        if !self.is_served(link, hello.version, Some(hello.project)) {
            return Ok(());
        }
        let peer = self.links[&link].peer;
        self.put_back(now, peer, hello, store)?;
        let member = store.device(&peer)?.filter(|device| !device.is_revoked);
        let member = match member {
            Some(device) => store.user(device.user)?.map(|user| (device, user)),
            None => None,
        };
        let Some((device, user)) = member else {
            self.refuse(link, RefusedCode::Device, "this device is no member: join with a new code");
            return Ok(());
        };
        if !self.by_device.contains_key(&peer) && self.sessions_of(user.user) >= limits::SESSIONS_PER_USER_MAX
        {
            self.refuse(link, RefusedCode::TooMany, "too many devices of this person are connected");
            return Ok(());
        }
        let device = self.renewed(now, device, &user, store)?;
        if let Some(old) = self.by_device.get(&peer).copied() {
            self.close(old, "a newer session of this device took over");
        }
        let session = Session::new(hello, &self.project, &device, &user, store)?;
        let welcome = Welcome {
            version: PROTOCOL_VERSION,
            log: self.project.log,
            head: store.head()?,
            node: (hello.node_serial != self.project.node_serial).then(|| self.project.node.clone()),
            certificate: (hello.serial != device.serial).then(|| device.certificate.clone()),
            now,
            blob_bytes_max: Some(self.blob_bytes_max),
            hosts: self.hosts.clone(),
            wanted: self.wanted_of(session.audience, store)?,
        };
        // What was seen in an earlier run may not have been marked to its end.
        self.unmarked.insert(session.audience);
        self.forget(link);
        self.note_arrival(user.user);
        self.by_device.insert(peer, link);
        self.by_audience.insert((session.audience, link));
        self.links.insert(link, Link { peer, phase: Phase::Ready(Box::new(session)) });
        self.send(link, &PeerMessage::Welcome(welcome));
        self.introduce_newcomer(link, &user, store)?;
        self.tell_kept(link, user.user, hello, store)?;
        self.tell_who_waits(now, link, &user, store)?;
        self.runnable.insert(link);
        Ok(())
    }

    fn sessions_of(&self, user: UserId) -> usize {
        let is_theirs = |link: &&Link| matches!(&link.phase, Phase::Ready(session) if session.user == user);
        self.links.values().filter(is_theirs).count()
    }

    fn close_silent_links(&mut self, now: UnixMillis) {
        while let Some((until, link)) = self.greetings.first().copied()
            && until <= now
        {
            self.close(link, "no greeting came");
        }
    }

    fn session(&mut self, link: LinkId) -> Option<&mut Session> {
        match &mut self.links.get_mut(&link)?.phase {
            Phase::Ready(session) => Some(session),
            Phase::Greeting { .. } => None,
        }
    }

    fn send(&mut self, link: LinkId, message: &PeerMessage) {
        self.send_frame(link, Bytes::from(wire::encode(message)));
    }

    fn send_frame(&mut self, link: LinkId, frame: Bytes) {
        if let Some(session) = self.session(link) {
            session.queued_bytes += frame.len();
        }
        self.actions.push(Action::Send { link, frame });
    }

    fn refuse(&mut self, link: LinkId, code: RefusedCode, reason: &'static str) {
        self.send(link, &PeerMessage::Refused(Refused { code, reason: reason.into() }));
        self.close(link, reason);
    }

    fn close(&mut self, link: LinkId, reason: &'static str) {
        self.forget(link);
        self.actions.push(Action::Close { link, reason });
    }

    fn forget(&mut self, link: LinkId) {
        self.runnable.remove(&link);
        self.forget_presence(link);
        let Some(entry) = self.links.remove(&link) else { return };
        match entry.phase {
            Phase::Greeting { until } => self.greetings.remove(&(until, link)),
            Phase::Ready(session) => {
                self.seen.insert(entry.peer);
                self.note_departure(&session);
                self.by_audience.remove(&(session.audience, link))
            }
        };
        if self.by_device.get(&entry.peer) == Some(&link) {
            self.by_device.remove(&entry.peer);
        }
    }

    /// Tells whether a user in this role may see the document now.
    fn may_see(&self, doc: DocId, audience: Audience, store: &dyn ServerStore) -> StoreResult<bool> {
        match (doc, audience) {
            (DocId::Project, _) | (_, Audience::Team) => Ok(true),
            (DocId::Notes(_), Audience::Customer(_)) => Ok(false),
            (DocId::Ticket(ticket), Audience::Customer(user)) => {
                Ok(store.members_of(ticket)?.contains(&user))
            }
        }
    }
}

/// What devices send is acknowledged, or told to others. Who is there is of this moment: nothing of it is kept.
fn durability_of(input: &ServerInput) -> Durability {
    match input {
        ServerInput::Received { message, .. }
            if matches!(**message, Received::Message(PeerMessage::Present(_))) =>
        {
            Durability::Later
        }
        ServerInput::Received { .. }
        | ServerInput::Admin { .. }
        | ServerInput::BlobAsked { ask: BlobAsk::Store { .. } | BlobAsk::Stored { .. }, .. } => {
            Durability::Now
        }
        ServerInput::Opened { .. }
        | ServerInput::Sent { .. }
        | ServerInput::Closed { .. }
        | ServerInput::BlobAsked { ask: BlobAsk::Fetch { .. }, .. }
        | ServerInput::HostsChanged { .. }
        | ServerInput::DiskMeasured(_)
        | ServerInput::HealthTold { .. }
        | ServerInput::Wake
        | ServerInput::Continue => Durability::Later,
    }
}

/// What is damaged when stored records do not give a document.
fn damaged_doc(error: &assist_crdt_model::LoadDocError) -> StoreError {
    StoreError::Damaged { what: error.to_string() }
}

fn damaged_scan(seq: Seq, rejection: &Rejection) -> StoreError {
    StoreError::Damaged { what: format!("record {}: {rejection}", seq.0) }
}

/// A change's hash for an envelope that gave none.
const NO_HASH: ChangeHash = ChangeHash::from_bytes([0; 32]);

/// The user that a server's own changes are by.
pub(crate) fn server_user(node: &DeviceId) -> UserId {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&node.as_bytes()[..16]);
    UserId::from_bytes(bytes)
}
