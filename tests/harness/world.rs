//! People with devices in projects, who do what people do while the network does its worst.
//!
//! What they were promised is written down as it happens and checked when all is healed ([`checks`]). Every text
//! that is written says whose ticket it belongs to, so that a leak shows in the bytes.

mod admissions;
mod authority;
mod canaries;
mod checks;
mod deeds;
mod desk;
mod mentions;

use std::collections::{BTreeMap, BTreeSet};

use assist_crdt_model::{
    Body, ChangeHash, CommentId, DocId, Edit, ProjectId, ProjectName, Role, TicketId, Title, UnixMillis,
    UserId,
};
use assist_proto::address::{Address, Host};
use assist_proto::hub::{
    AdminCommand, AdminReply, CallId, Command, CommandError, Notice, Reply, begin_log_anew, drop_damaged,
    recover_server, set_aside,
};
use assist_proto::store::{DeviceStore as _, Seq, ServerStore};
use assist_proto::wire::presence::PresenceNews;

use crate::memory_store::MemoryStore;
use crate::network::{DISK_BYTES, Faults, Network, Trace};
use crate::peer::{Input, PeerId};

pub use self::desk::Desk;

/// Somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person {
    /// What they are called.
    pub name: &'static str,
    /// What they are in every project.
    pub role: Role,
}

/// A device's place in a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seat {
    /// Which device.
    pub device: PeerId,
    /// Whose: index into the people.
    pub person: usize,
    /// Where: index into the projects.
    pub project: usize,
}

/// A project and its server.
#[derive(Debug, Clone, Copy)]
pub struct ProjectPlace {
    /// Its id.
    pub id: ProjectId,
    /// Who serves it.
    pub server: PeerId,
}

/// A change that somebody was told is durable on their device.
#[derive(Debug, Clone)]
pub(crate) struct Promise {
    pub(crate) seat: Seat,
    pub(crate) doc: DocId,
    pub(crate) change: ChangeHash,
    /// What the change wrote, if it was a text that stands for itself.
    pub(crate) token: Option<String>,
}

/// What a device was asked to write.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) seat: Seat,
    /// See [`Promise::token`].
    pub(crate) token: Option<String>,
    /// The numbers of the texts in it.
    pub(crate) texts: std::ops::RangeInclusive<u64>,
}

/// All of it.
pub struct World {
    /// The machines and what is between them.
    pub net: Network,
    /// Where people meet.
    pub projects: Vec<ProjectPlace>,
    /// Who they are.
    pub people: Vec<Person>,
    /// Who sits where, with what.
    pub seats: Vec<Seat>,
    /// Seats that were taken in the middle of things, and may not be a member yet.
    late: Vec<Seat>,
    promises: Vec<Promise>,
    asked: BTreeMap<CallId, Asked>,
    /// In which document each text was written, by project and number.
    written_in: BTreeMap<(usize, u64), DocId>,
    /// Where the servers said that they put a change.
    acks: BTreeMap<(usize, ChangeHash), Seq>,
    /// Records that some device of a side held, and may hold no more: project, whether the team, place.
    once_held: BTreeSet<(usize, bool, Seq)>,
    /// Tickets that the user of a device might see at some time.
    once_seen: BTreeSet<(PeerId, TicketId)>,
    /// On which side the user of a device was when it was last looked at.
    sides: BTreeMap<(PeerId, usize), bool>,
    /// Devices that went back in time.
    restored: BTreeSet<PeerId>,
    /// What somebody is known to have read, and may have lost since.
    once_read: BTreeSet<(TicketId, UserId, Seq)>,
    /// What front ends were told that is for their user.
    notifications: Vec<(PeerId, Notice)>,
    /// The comments among it.
    told_comments: BTreeSet<(PeerId, CommentId)>,
    /// What devices were told of who is there.
    presence_told: Vec<(PeerId, PresenceNews)>,
    /// Mails that were looked at.
    mails_seen: usize,
    frames_seen: usize,
    texts_seen: u64,
    texts_made: u64,
}

impl World {
    /// An empty world.
    pub fn new(seed: u64, trace: Trace) -> Self {
        Self {
            net: Network::new(seed, trace),
            projects: Vec::new(),
            people: PEOPLE.to_vec(),
            seats: Vec::new(),
            late: Vec::new(),
            promises: Vec::new(),
            asked: BTreeMap::new(),
            written_in: BTreeMap::new(),
            acks: BTreeMap::new(),
            once_held: BTreeSet::new(),
            once_seen: BTreeSet::new(),
            sides: BTreeMap::new(),
            restored: BTreeSet::new(),
            once_read: BTreeSet::new(),
            notifications: Vec::new(),
            told_comments: BTreeSet::new(),
            presence_told: Vec::new(),
            mails_seen: 0,
            frames_seen: 0,
            texts_seen: 0,
            texts_made: 0,
        }
    }

    /// Adds a project with its server.
    ///
    /// # Panics
    /// If the new server does not run.
    pub fn add_project(&mut self, name: &str) -> usize {
        let server = self.net.add_server(name);
        let id = self.net.peer(server).server_hub().expect("it was just started").project().project;
        self.projects.push(ProjectPlace { id, server });
        self.projects.len() - 1
    }

    /// Gives a person a device that has joined nothing.
    pub fn add_device(&mut self, person: usize, what: &str) -> PeerId {
        self.net.add_device(&format!("{}'s {what}", self.people[person].name))
    }

    /// Makes the device a member, by an invitation that is bound to the person.
    ///
    /// # Panics
    /// If it is refused.
    pub fn join(&mut self, seat: Seat) {
        loop {
            let command = self.invitation(seat);
            match self.net.command(seat.device, command) {
                Ok(Reply::Joined(_)) | Err(CommandError::AlreadyJoined) => break,
                Err(CommandError::Unreachable(_)) => self.observe(),
                other => panic!("joining ended in {other:?}"),
            }
        }
        self.observe();
        self.seats.push(seat);
    }

    /// The same in the middle of things: what comes of it is seen to when all is healed.
    pub fn join_sometime(&mut self, seat: Seat) {
        let command = self.invitation(seat);
        self.net.ask(seat.device, command);
        self.late.push(seat);
    }

    fn invitation(&mut self, seat: Seat) -> Command {
        let person = self.people[seat.person];
        let place = self.projects[seat.project];
        let address = format!("{}@example.org", person.name.to_lowercase());
        let name = Some(person.name.to_owned());
        // Who is in the project is invited as what they are by now.
        let known = self.net.peer(place.server).store.user_by_email(&address).expect("memory is read");
        let role = known.map_or(person.role, |user| user.role);
        let email = Some(address);
        let invite = AdminCommand::Invite { role, email: email.clone(), name };
        let invited = self.net.admin(place.server, invite).expect("the invitation is in order");
        let AdminReply::Invited { code, .. } = invited else { panic!("not invited: {invited:?}") };
        Command::Join {
            address: self.address(place),
            code,
            name: person.name.to_owned(),
            email,
            device_name: self.net.peer(seat.device).name.clone(),
        }
    }

    /// What people paste to join a project.
    pub fn address(&self, place: ProjectPlace) -> Address {
        let host: Host = self.net.host(place.server).to_string().parse().expect("an address is a host");
        Address::new(place.id, vec![host]).expect("one host is enough")
    }

    /// The id that the server gave the person of a seat.
    pub fn user_of(&self, seat: Seat) -> Option<UserId> {
        let memberships = self.net.peer(seat.device).store.memberships().ok()?;
        let project = self.projects[seat.project].id;
        memberships.into_iter().find(|membership| membership.project == project).map(|it| it.user)
    }

    /// Whether the device of a seat is a member.
    pub fn is_member(&self, seat: Seat) -> bool {
        self.user_of(seat).is_some()
    }

    /// Puts an older copy of its folder under a device and starts it. What was neither in the copy nor acknowledged
    /// is lost, and nobody promised otherwise.
    pub fn restore(&mut self, device: PeerId, copy: MemoryStore, was_clean: bool) {
        self.net.trace.note(self.net.now(), || format!("{} is restored", self.net.peer(device).name));
        self.net.stop(device);
        self.observe();
        self.remember_held(device);
        self.restored.insert(device);
        self.asked.retain(|_, asked| asked.seat.device != device);
        self.net.peer_mut(device).put_store(copy);
        let promises = std::mem::take(&mut self.promises);
        self.promises =
            promises.into_iter().filter(|promise| self.outlives_restore(promise, device)).collect();
        self.net.start(device, was_clean);
    }

    /// Stops a server and starts it on what is left of its store: an older copy, or nothing but its keys. What it had
    /// acknowledged since, somebody holds.
    ///
    /// # Panics
    /// If memory is not written.
    pub fn restore_server(&mut self, project: usize, copy: Option<MemoryStore>) {
        let server = self.projects[project].server;
        self.net.trace.note(self.net.now(), || format!("server {project} is restored"));
        self.net.stop(server);
        self.observe();
        for device in self.net.peer_ids() {
            self.remember_held(device);
        }
        self.acks.retain(|(of, _), _| *of != project);
        let (seed, root) = (self.net.dice.bytes(), self.net.root_of(server).clone());
        let peer = self.net.peer_mut(server);
        let key = peer.key().clone();
        let lost = std::mem::take(&mut peer.store);
        // All that was certified before was certified by now.
        let now = UnixMillis(lost.newest_time().0.max(1));
        let own = ServerStore::project(&lost).expect("memory is read").expect("it serves a project");
        let store = match copy {
            Some(mut copy) => {
                begin_log_anew(now, &key, seed, &mut copy).expect("memory takes it");
                copy
            }
            None => {
                let name = ProjectName::parse(&own.name).expect("its own name");
                let mut empty = MemoryStore::default();
                recover_server(now, &root, &key, &name, seed, &mut empty).expect("memory takes it");
                empty
            }
        };
        self.net.peer_mut(server).put_store(store);
        self.net.start(server, false);
    }

    /// From one of its records on, a document of a server cannot be read any more: it is set aside, as its daemon does.
    ///
    /// # Panics
    /// If memory is not written.
    pub fn damage_on_server(&mut self, project: usize, doc: DocId, from: u32) {
        let server = self.projects[project].server;
        self.net
            .trace
            .note(self.net.now(), || format!("server {project}: {doc:?} is damaged from {from} on"));
        let is_up = self.net.peer(server).is_up();
        if is_up {
            self.net.stop(server);
        }
        self.observe();
        let mut store = self.net.peer(server).store.clone();
        store.damage(doc, from);
        set_aside(doc, &mut store).expect("memory takes it");
        self.net.peer_mut(server).put_store(store);
        if is_up {
            self.net.start(server, false);
        }
    }

    /// A document of a device cannot be read any more: it is dropped, as its daemon does.
    ///
    /// # Panics
    /// If memory is not written.
    pub fn damage_on_device(&mut self, seat: Seat, doc: DocId) {
        let name = self.net.peer(seat.device).name.clone();
        self.net.trace.note(self.net.now(), || format!("{name}: {doc:?} is damaged"));
        let is_up = self.net.peer(seat.device).is_up();
        if is_up {
            self.net.stop(seat.device);
        }
        self.observe();
        self.remember_held(seat.device);
        let project = self.projects[seat.project].id;
        let mut store = self.net.peer(seat.device).store.clone();
        drop_damaged(project, doc, &mut store).expect("memory takes it");
        self.net.peer_mut(seat.device).put_store(store);
        if is_up {
            self.net.start(seat.device, false);
        }
    }

    fn outlives_restore(&self, promise: &Promise, device: PeerId) -> bool {
        let place = self.projects[promise.seat.project];
        let is_acked = self.acks.contains_key(&(promise.seat.project, promise.change));
        let own = self.net.peer(device).store.outbox_of_doc(&place.id, promise.doc).unwrap_or_default();
        promise.seat.device != device || is_acked || own.iter().any(|(_, own)| own.change == promise.change)
    }

    /// Asks the device of a seat to write something, and notes that it was promised to be kept.
    ///
    /// # Panics
    /// If it is not written.
    pub fn write(&mut self, seat: Seat, command: Command) -> (DocId, ChangeHash) {
        let reply = self.net.command(seat.device, command);
        self.observe();
        let Ok(Reply::Written { doc, change, .. }) = reply else { panic!("not written: {reply:?}") };
        self.promises.push(Promise { seat, doc, change, token: None });
        (doc, change)
    }

    /// Asks a device for something and runs until it answers, looking at everything that happens.
    ///
    /// # Panics
    /// If it never answers.
    pub fn command(&mut self, seat: Seat, command: Command) -> Result<Reply, CommandError> {
        let call = self.net.ask(seat.device, command);
        loop {
            let answer = self.net.answers.iter().position(|answer| answer.call == call);
            if let Some(at) = answer {
                return self.net.answers.remove(at).outcome;
            }
            assert!(self.net.step(), "no answer, and nothing left to happen");
            let answers = std::mem::take(&mut self.net.answers);
            let (own, others) = answers.into_iter().partition(|answer| answer.call == call);
            self.net.answers = others;
            self.observe();
            self.net.answers = own;
        }
    }

    /// The device of a seat leaves the project. What was not acknowledged, nobody has to keep.
    ///
    /// # Panics
    /// If it may not.
    pub fn leave(&mut self, seat: Seat) {
        self.remember_held(seat.device);
        let project = self.projects[seat.project].id;
        self.net
            .command(seat.device, Command::Leave { project, discard_unsent: true })
            .expect("it may leave");
        self.observe();
        self.seats.retain(|other| *other != seat);
        let acks = &self.acks;
        self.promises.retain(|promise| {
            promise.seat != seat || acks.contains_key(&(promise.seat.project, promise.change))
        });
    }

    /// Files a ticket.
    ///
    /// # Panics
    /// If it is not written.
    pub fn file(&mut self, seat: Seat, title: &str, body: &str) -> TicketId {
        let command = Command::CreateTicket {
            project: self.projects[seat.project].id,
            requester: None,
            title: Title::parse(title).expect("a title of a scenario is one"),
            body: Body::parse(body).expect("a text of a scenario is one"),
            edits: Vec::new(),
            attachments: Vec::new(),
        };
        let (doc, _) = self.write(seat, command);
        doc.ticket().expect("a ticket was filed")
    }

    /// Writes a comment.
    ///
    /// # Panics
    /// If it is not written.
    pub fn comment(&mut self, seat: Seat, ticket: TicketId, body: &str) -> ChangeHash {
        let body = Body::parse(body).expect("a text of a scenario is one");
        let project = self.projects[seat.project].id;
        let attachments = Vec::new();
        let command = Command::Comment { project, ticket, body, reply_to: None, attachments, hold_millis: 0 };
        self.write(seat, command).1
    }

    /// Changes a ticket.
    ///
    /// # Panics
    /// If it is not written.
    pub fn edit(&mut self, seat: Seat, ticket: TicketId, edit: Edit) -> ChangeHash {
        let project = self.projects[seat.project].id;
        self.write(seat, Command::Edit { project, doc: DocId::Ticket(ticket), edits: vec![edit] }).1
    }

    /// The texts of a ticket's comments, as the device of a seat has it.
    pub fn comments_at(&self, seat: Seat, ticket: TicketId) -> Vec<String> {
        let comments = self.ticket_at(seat, ticket).map(|ticket| ticket.comments).unwrap_or_default();
        comments.into_iter().map(|comment| comment.body).collect()
    }

    /// What a device was told of who is there, so far.
    pub fn presence_told(&self, device: PeerId) -> impl Iterator<Item = &PresenceNews> {
        self.presence_told.iter().filter(move |(to, _)| *to == device).map(|(_, news)| news)
    }

    /// How many texts servers sent so far, each time one was.
    pub fn texts_seen(&self) -> u64 {
        self.texts_seen
    }

    /// Makes the next thing happen, and looks at it.
    pub fn step(&mut self) -> bool {
        let has_happened = self.net.step();
        self.observe();
        has_happened
    }

    /// Runs for some time.
    pub fn run_for(&mut self, millis: u64) {
        let until = self.net.now() + millis;
        while self.net.next_at().is_some_and(|at| at <= until) {
            self.step();
        }
        // The time passes although nothing happens.
        self.net.run_for(until - self.net.now());
    }

    /// Ends all faults, starts and resumes everybody, and runs until nothing moves.
    ///
    /// # Panics
    /// If it goes round for ever.
    pub fn heal(&mut self) {
        self.net.trace.note(self.net.now(), || "--- all is healed".to_owned());
        self.net.faults = Faults::default();
        self.net.reconnect_all();
        for project in 0..self.projects.len() {
            self.net.set_disk_free(self.projects[project].server, DISK_BYTES);
        }
        for peer in self.net.peer_ids() {
            if !self.net.peer(peer).is_up() {
                self.net.start(peer, false);
            }
            self.net.ask(peer, Command::Resume(None));
            self.net.give(peer, Input::NetworkChanged);
        }
        self.settle();
        for seat in std::mem::take(&mut self.late) {
            if self.is_member(seat) {
                self.seats.push(seat);
            } else if !self.is_shut_out(seat) {
                self.join(seat);
            }
        }
        self.settle();
    }

    /// Runs until nothing moves. Who was shut out knocks again for ever, though seldom: a while is enough then.
    ///
    /// # Panics
    /// If it goes round for ever.
    pub fn settle(&mut self) {
        let frames_before = self.frames_seen;
        let began_at = self.net.now();
        for _ in 0..QUIET_EVENTS_MAX {
            let is_over = self.net.now() > began_at + WHILE_MILLIS
                && self.seats.iter().chain(&self.late).any(|seat| self.is_shut_out(*seat));
            if is_over || !self.step() {
                return;
            }
        }
        panic!("not quiet: {} frames since the end of all faults", self.frames_seen - frames_before);
    }
}

/// Everybody there is. Not all of them are in every scenario.
const PEOPLE: [Person; 5] = [
    Person { name: "Alice", role: Role::Customer },
    Person { name: "Bob", role: Role::Customer },
    Person { name: "Carol", role: Role::Agent },
    Person { name: "Dave", role: Role::Agent },
    Person { name: "Erin", role: Role::Admin },
];
/// Indexes into the people.
pub const ALICE: usize = 0;
/// See [`ALICE`].
pub const BOB: usize = 1;
/// See [`ALICE`].
pub const CAROL: usize = 2;
/// See [`ALICE`].
pub const DAVE: usize = 3;
/// See [`ALICE`].
pub const ERIN: usize = 4;

/// Longer than anything in a healed world waits.
const WHILE_MILLIS: u64 = 1_200_000;
/// Far more than a healed world of a few devices needs.
const QUIET_EVENTS_MAX: usize = 20_000;
