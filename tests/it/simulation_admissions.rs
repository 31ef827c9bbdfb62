//! What a server writes into its admission log: every verdict, with the role of that moment, and nothing of what was said.

use assist_crdt_model::{
    Actor, Author, DeviceId, Doc, DocId, Edit, ProjectName, RejectCode, Role, Status, TicketId, Title,
    UnixMillis, UserId,
};
use assist_proto::admission::{Entry, Event, Proof};
use assist_proto::certificate::DeviceCertificate;
use assist_proto::envelope::Envelope;
use assist_proto::hub::{
    Action, AdminCommand, AdminReply, CallId, LinkId, ServerHub, ServerInput, initialise_server,
};
use assist_proto::limits;
use assist_proto::store::{Seq, ServerStore as _};
use assist_proto::wire::ask::{Request, SetRole, Who};
use assist_proto::wire::{self, Enroll, PeerMessage, Push, codec};
use assist_tests::greeting::newcomer;
use assist_tests::memory_store::MemoryStore;
use assist_tests::world::{DAVE, Desk, ERIN};
use ed25519_dalek::SigningKey;

#[test]
fn an_entry_has_the_role_of_its_moment() {
    let mut desk = Desk::open(1);
    let erin = desk.sit_down(ERIN, "laptop");
    desk.world.settle();
    let (alice, carol) = (desk.alice, desk.carol);
    let ticket = desk.world.file(alice, "It hangs", "On start.");
    desk.world.settle();
    desk.world.comment(carol, ticket, "Since when?");
    desk.world.settle();
    let carols = desk.world.user_of(carol).unwrap();
    let demote = SetRole { who: Who::User(carols), role: Role::Customer };
    desk.world.ask_for(erin, Request::SetRole(demote));
    desk.world.settle();
    let own = desk.world.file(carol, "I have a problem too", "");
    desk.world.edit(carol, own, Edit::SetStatus(Status::Closed));
    desk.world.settle();
    desk.world.check();

    let log = desk.world.admissions(0);
    let of_carol = log.iter().filter(|entry| {
        entry.event.is_verdict() && entry.by.and_then(|by| by.member).is_some_and(|(user, _)| user == carols)
    });
    let roles: Vec<Role> = of_carol.map(|entry| entry.by.unwrap().member.unwrap().1).collect();
    assert_eq!(roles, [Role::Agent, Role::Customer, Role::Customer]);
    let erins = desk.world.user_of(erin).unwrap();
    let given =
        log.iter().find(|entry| entry.event == Event::RoleGiven { user: carols, role: Role::Customer });
    assert_eq!(given.unwrap().by.unwrap().member, Some((erins, Role::Admin)));
}

#[test]
fn every_act_of_an_admin_is_an_entry() {
    let mut desk = Desk::open(2);
    let erin = desk.sit_down(ERIN, "laptop");
    let dave = desk.sit_down(DAVE, "phone");
    desk.world.settle();
    let before = desk.world.admissions(0).len();
    let device = desk.world.net.peer(dave.device).device();
    let (bobs, daves) = (desk.world.user_of(desk.bob).unwrap(), desk.world.user_of(dave).unwrap());
    let invite =
        wire::ask::MakeInvitation { role: Role::Agent, email: Some("amir@example.org".into()), name: None };
    for request in [
        Request::Invite(invite),
        Request::Uninvite("amir@example.org".into()),
        Request::SetRole(SetRole { who: Who::User(daves), role: Role::Customer }),
        // It is so already, and is not done again.
        Request::SetRole(SetRole { who: Who::User(daves), role: Role::Customer }),
        Request::RevokeDevice(device),
        Request::RemoveMember(Who::User(bobs)),
    ] {
        desk.world.ask_for(erin, request);
        desk.world.run_for(20_000);
    }
    let bobs_device = desk.world.net.peer(desk.bob.device).device();
    let log = desk.world.admissions(0);
    let acts: Vec<Event> = log[before..].iter().map(|entry| entry.event).collect();
    let expected = [
        Event::Invited { role: Role::Agent },
        Event::Uninvited { count: 1 },
        Event::RoleGiven { user: daves, role: Role::Customer },
        Event::ShutOut { device, user: daves },
        Event::ShutOut { device: bobs_device, user: bobs },
        Event::Removed { user: bobs },
    ];
    assert_eq!(acts, expected);
    let erins = desk.world.user_of(erin).unwrap();
    assert!(log[before..].iter().all(|entry| entry.by.unwrap().member == Some((erins, Role::Admin))));
}

#[test]
fn a_server_of_before_begins_its_log_where_it_is() {
    let mut door = Door::open();
    let (mut old, head) = (MemoryStore::default(), door.store.head().unwrap());
    old.put_project(&door.store.project().unwrap().unwrap()).unwrap();
    let place = door.store.log_after(assist_proto::store::Audience::Team, Seq::ZERO, 1).unwrap()[0];
    old.append(&door.store.record(&place).unwrap(), &[]).unwrap();
    door.store = old;
    door.hub = ServerHub::open(door.key.clone(), [9; 32], &door.store).unwrap().unwrap();
    // Before there is a time, nothing is written; then it is, whatever comes first.
    door.hub.finish_turn(&mut door.store).unwrap();
    assert_eq!(door.log(), []);
    door.give(ServerInput::Continue);
    door.finish_turn();
    let log = door.hub.project().log;
    assert_eq!(door.events(), [Event::TakenUp { log, head }]);
    door.hub = ServerHub::open(door.key.clone(), [9; 32], &door.store).unwrap().unwrap();
    door.give(ServerInput::Continue);
    door.finish_turn();
    assert_eq!(door.events().len(), 1, "it has begun");
}

#[test]
fn rubbish_is_counted_and_leaves_nothing_of_its_own_in_the_log() {
    let mut door = Door::open();
    let rogue = door.join(7);
    let link = door.come_in(&rogue);
    let before = door.log().len();
    let most = limits::ADMISSION_REFUSALS_PER_DEVICE_MAX as usize;
    let text = "All your disk are belong to us";
    let rubbish = |number: usize| {
        let mut change = format!("{text} {number}").into_bytes();
        change.resize(200, 0);
        Envelope { change, ..rogue.file(1) }
    };
    for frame in 0..3 {
        let envelopes = (0..most).map(|number| rubbish(frame * most + number)).collect();
        door.receive(link, &PeerMessage::Push(Push { project: door.project(), envelopes }));
        door.finish_turn();
    }
    let written = &door.log()[before..];
    assert_eq!(written.len(), most);
    let refused = Event::Refused { change: None, code: RejectCode::Malformed.number() };
    assert!(written.iter().all(|entry| entry.event == refused && entry.by.unwrap().device == rogue.device()));
    assert!(written.iter().all(|entry| entry.by.unwrap().member == Some((rogue.user, Role::Customer))));
    // Its honest changes are let in, and written, all the same.
    door.receive(link, &PeerMessage::Push(Push { project: door.project(), envelopes: vec![rogue.file(1)] }));
    door.finish_turn();
    assert!(matches!(door.events().last(), Some(Event::Admitted { .. })));
    // An hour later what was too much is one entry, by itself.
    let wake = door.wake.expect("the hub wants to be woken");
    door.now = wake;
    door.give(ServerInput::Wake);
    door.finish_turn();
    assert_eq!(door.events().last(), Some(&Event::RefusedMore { count: 2 * most as u64 }));
    let bytes = door.store.admissions(1, usize::MAX).unwrap();
    assert!(
        bytes.iter().all(|entry| entry.len() <= 200 && !entry.windows(8).any(|part| part == b"All your"))
    );
}

#[test]
fn what_is_sent_again_is_judged_and_written_once() {
    let mut door = Door::open();
    let member = door.join(8);
    let link = door.come_in(&member);
    let before = door.log().len();
    let lie = member.lie(2);
    for _ in 0..3 {
        let envelopes = vec![member.file(1), lie.clone()];
        door.receive(link, &PeerMessage::Push(Push { project: door.project(), envelopes }));
        door.finish_turn();
    }
    let events = &door.events()[before..];
    assert!(matches!(events, [Event::Admitted { .. }, Event::Refused { .. }]), "{events:?}");
    assert_eq!(
        door.log()[1].event,
        Event::Enrolled {
            device: door.node(),
            user: door.log()[2].by.unwrap().member.unwrap().0,
            role: Role::Admin,
            how: Proof::Own,
        }
    );
}

/// A server in our hands.
struct Door {
    hub: ServerHub,
    store: MemoryStore,
    key: SigningKey,
    now: u64,
    links: u64,
    wake: Option<u64>,
    sent: Vec<PeerMessage>,
    codes: Vec<String>,
}

/// A member whose device says what a test wants said.
struct Hand {
    key: SigningKey,
    project: assist_crdt_model::ProjectId,
    user: UserId,
}

impl Hand {
    fn device(&self) -> DeviceId {
        DeviceId::from_bytes(self.key.verifying_key().to_bytes())
    }

    fn author(&self, role: Role) -> Author {
        Author { user: self.user, role, actor: Actor::derive(&self.device(), 1) }
    }

    fn file(&self, number: u8) -> Envelope {
        let doc = DocId::Ticket(TicketId::from_bytes([number; 16]));
        let title = Title::parse("It hums").unwrap();
        let create = Edit::CreateTicket { requester: self.user, title, body: Default::default() };
        let change = Doc::new(doc).apply(&self.author(Role::Customer), UnixMillis(START), &[create]).unwrap();
        Envelope::sign(&self.key, &self.project, doc, 1, change)
    }

    /// Files a ticket for somebody else, as only the team may.
    fn lie(&self, number: u8) -> Envelope {
        let doc = DocId::Ticket(TicketId::from_bytes([number; 16]));
        let title = Title::parse("It hums").unwrap();
        let requester = UserId::from_bytes([9; 16]);
        let create = Edit::CreateTicket { requester, title, body: Default::default() };
        let author = Author { actor: Actor::derive(&self.device(), 2), ..self.author(Role::Agent) };
        let change = Doc::new(doc).apply(&author, UnixMillis(START), &[create]).unwrap();
        Envelope::sign(&self.key, &self.project, doc, 2, change)
    }
}

impl Door {
    fn open() -> Self {
        let (root, key) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
        let mut store = MemoryStore::default();
        let name = ProjectName::parse("hero").unwrap();
        initialise_server(UnixMillis(START), &root, &key, &name, [3; 32], &mut store).unwrap();
        let hub = ServerHub::open(key.clone(), [4; 32], &store).unwrap().unwrap();
        let (sent, codes) = (Vec::new(), Vec::new());
        Self { hub, store, key, now: START, links: 0, wake: None, sent, codes }
    }

    fn project(&self) -> assist_crdt_model::ProjectId {
        self.hub.project().project
    }

    fn node(&self) -> DeviceId {
        DeviceId::from_bytes(self.key.verifying_key().to_bytes())
    }

    fn log(&self) -> Vec<Entry> {
        let entries = self.store.admissions(1, usize::MAX).unwrap();
        entries.iter().map(|bytes| Entry::decode(bytes).unwrap()).collect()
    }

    fn events(&self) -> Vec<Event> {
        self.log().into_iter().map(|entry| entry.event).collect()
    }

    fn give(&mut self, input: ServerInput) {
        self.hub.handle(UnixMillis(self.now), input, &mut self.store).unwrap();
    }

    fn finish_turn(&mut self) {
        self.hub.finish_turn(&mut self.store).unwrap();
        for action in self.hub.take_actions() {
            match action {
                Action::Send { frame, .. } => self.sent.push(codec::decode("message", &frame).unwrap()),
                Action::AdminReply { outcome: Ok(AdminReply::Invited { code, .. }), .. } => {
                    self.codes.push(code);
                }
                Action::WakeAt(at) => self.wake = self.wake.max(Some(at.0)),
                _ => {}
            }
        }
    }

    fn dial(&mut self, peer: DeviceId) -> LinkId {
        self.links += 1;
        let link = LinkId(self.links);
        self.give(ServerInput::Opened { link, peer });
        link
    }

    fn receive(&mut self, link: LinkId, message: &PeerMessage) {
        let message = Box::new(wire::receive(&wire::encode(message)).unwrap());
        self.give(ServerInput::Received { link, message });
    }

    /// Lets a customer in with the key of a seed.
    fn join(&mut self, seed: u8) -> Hand {
        let command = AdminCommand::Invite { role: Role::Customer, email: None, name: None };
        self.give(ServerInput::Admin { call: CallId(1), command });
        self.finish_turn();
        let key = SigningKey::from_bytes(&[seed; 32]);
        let link = self.dial(DeviceId::from_bytes(key.verifying_key().to_bytes()));
        let enroll = Enroll {
            version: 1,
            project: Some(self.project()),
            code: self.codes.pop().unwrap(),
            name: "Mallory".into(),
            email: None,
            device_name: "hand-made".into(),
        };
        self.receive(link, &PeerMessage::Enroll(enroll));
        self.finish_turn();
        let Some(PeerMessage::Enrolled(enrolled)) = self.sent.pop() else { panic!("it is enrolled") };
        let certificate: DeviceCertificate =
            codec::decode("device certificate", &enrolled.certificate.payload).unwrap();
        Hand { key, project: self.project(), user: certificate.user }
    }

    fn come_in(&mut self, hand: &Hand) -> LinkId {
        let link = self.dial(hand.device());
        self.receive(link, &PeerMessage::Hello(newcomer(self.project())));
        self.finish_turn();
        self.wake = None;
        link
    }
}

const START: u64 = 1_790_000_000_000;
