//! Becoming a member by email, at a server's door: who gets in, as what, and who does not.

use assist_crdt_model::{DeviceId, ProjectId, ProjectName, Role, UnixMillis};
use assist_proto::hub::{
    Action, AdminCommand, AdminReply, CallId, LinkId, ServerHub, ServerInput, initialise_server,
};
use assist_proto::limits;
use assist_proto::mail::{Letter, Mail};
use assist_proto::store::{ServerStore as _, User};
use assist_proto::wire::ask::{Answer, Ask, DeviceState, Outcome, Request, Response};
use assist_proto::wire::join::{Confirm, Confirmed, OtherDevice, RequestCode};
use assist_proto::wire::{self, Enroll, Hello, PeerMessage, RefusedCode, codec};
use assist_tests::memory_store::MemoryStore;
use ed25519_dalek::SigningKey;

/// A server, with its clock and its store in our hands.
struct Door {
    hub: ServerHub,
    store: MemoryStore,
    key: SigningKey,
    now: u64,
    links: u64,
    /// What was mailed.
    mails: Vec<Mail>,
    /// What was sent, since it was last looked at.
    sent: Vec<(LinkId, PeerMessage)>,
}

impl Door {
    fn open(seed: u8) -> Self {
        let (root, key) = (SigningKey::from_bytes(&[seed; 32]), SigningKey::from_bytes(&[seed + 100; 32]));
        let mut store = MemoryStore::default();
        let name = ProjectName::parse("hero").unwrap();
        initialise_server(UnixMillis(START), &root, &key, &name, [seed; 32], &mut store).unwrap();
        let hub = ServerHub::open(key.clone(), [seed; 32], &store).unwrap().unwrap().with_mail(true);
        Self { hub, store, key, now: START, links: 0, mails: Vec::new(), sent: Vec::new() }
    }

    fn project(&self) -> ProjectId {
        self.hub.project().project
    }

    fn restart(&mut self, has_mail: bool) {
        let hub = ServerHub::open(self.key.clone(), [77; 32], &self.store).unwrap().unwrap();
        self.hub = hub.with_mail(has_mail);
    }

    fn give(&mut self, input: ServerInput) {
        self.hub.handle(UnixMillis(self.now), input, &mut self.store).unwrap();
    }

    fn finish_turn(&mut self) {
        self.hub.finish_turn(&mut self.store).unwrap();
        for action in self.hub.take_actions() {
            match action {
                Action::Send { link, frame } => {
                    self.sent.push((link, codec::decode("message", &frame).unwrap()));
                }
                Action::Mail(mail) => self.mails.push(mail),
                _ => {}
            }
        }
    }

    fn dial(&mut self, device: DeviceId) -> LinkId {
        self.links += 1;
        let link = LinkId(self.links);
        self.give(ServerInput::Opened { link, peer: device });
        link
    }

    fn receive(&mut self, link: LinkId, message: &PeerMessage) {
        let message = Box::new(wire::receive(&wire::encode(message)).unwrap());
        self.give(ServerInput::Received { link, message });
    }

    /// What a device that connects is answered; the connection ends then.
    fn say(&mut self, device: DeviceId, message: &PeerMessage) -> PeerMessage {
        let link = self.dial(device);
        self.receive(link, message);
        self.give(ServerInput::Closed { link });
        self.finish_turn();
        let mut answers = self.take_sent(link);
        assert_eq!(answers.len(), 1, "{answers:?}");
        answers.remove(0)
    }

    fn take_sent(&mut self, link: LinkId) -> Vec<PeerMessage> {
        let (taken, rest) = std::mem::take(&mut self.sent).into_iter().partition(|(to, _)| *to == link);
        self.sent = rest;
        Vec::into_iter(taken).map(|(_, message)| message).collect()
    }

    /// Has a code mailed; gives it with the check text.
    fn request(&mut self, device: DeviceId, email: &str) -> (String, String) {
        let PeerMessage::CodeSent(sent) = self.say(device, &request(email)) else { panic!("a code is sent") };
        let Some(Mail { to, letter: Letter::Code { code, .. }, .. }) = self.mails.last() else {
            panic!("the code is mailed");
        };
        assert_eq!(*to, email.to_lowercase());
        (code.clone(), sent.check)
    }

    fn confirm(&mut self, device: DeviceId, code: Option<&str>) -> PeerMessage {
        let confirm = confirmation(self.project(), code);
        self.say(device, &PeerMessage::Confirm(confirm))
    }

    /// Has a code mailed and shows it.
    fn join(&mut self, device: DeviceId, email: &str) -> PeerMessage {
        let (code, _) = self.request(device, email);
        self.confirm(device, Some(&code))
    }

    fn invite(&mut self, role: Role, email: Option<&str>) -> String {
        let command = AdminCommand::Invite { role, email: email.map(str::to_owned), name: None };
        self.give(ServerInput::Admin { call: CallId(0), command });
        self.hub.finish_turn(&mut self.store).unwrap();
        for action in self.hub.take_actions() {
            if let Action::AdminReply { outcome: Ok(AdminReply::Invited { code, .. }), .. } = action {
                return code;
            }
        }
        panic!("the invitation is in order");
    }

    /// Greets as a member; the session stays.
    fn come_in(&mut self, device: DeviceId) -> LinkId {
        let link = self.dial(device);
        let hello = Hello {
            version: 1,
            project: self.project(),
            log: None,
            cursor: assist_proto::store::Seq::ZERO,
            mark_cursor: 0,
            cold: None,
            node_serial: 0,
            serial: 0,
        };
        self.receive(link, &PeerMessage::Hello(hello));
        self.finish_turn();
        link
    }

    fn ask(&mut self, link: LinkId, request: Request) -> Outcome {
        self.receive(link, &PeerMessage::Ask(Ask { id: 1, request }));
        self.finish_turn();
        let mut answers = self.take_sent(link).into_iter().filter_map(|message| match message {
            PeerMessage::Answer(Answer { outcome, .. }) => Some(outcome),
            _ => None,
        });
        answers.next_back().expect("an ask is answered")
    }

    fn user(&self, email: &str) -> User {
        self.store.user_by_email(email).unwrap().unwrap()
    }

    fn is_in(&self, device: DeviceId) -> bool {
        self.store.device(&device).unwrap().is_some_and(|device| !device.is_revoked)
    }
}

fn device(number: u32) -> DeviceId {
    let mut seed = [9; 32];
    seed[..4].copy_from_slice(&number.to_be_bytes());
    DeviceId::from_bytes(SigningKey::from_bytes(&seed).verifying_key().to_bytes())
}

fn request(email: &str) -> PeerMessage {
    PeerMessage::RequestCode(RequestCode {
        version: 1,
        project: None,
        email: email.to_owned(),
        name: Some("Amir".to_owned()),
        device_name: "laptop".to_owned(),
    })
}

fn confirmation(project: ProjectId, code: Option<&str>) -> Confirm {
    Confirm { version: 1, project, code: code.map(str::to_owned), other: None }
}

fn refusal(message: &PeerMessage) -> RefusedCode {
    match message {
        PeerMessage::Refused(refused) => refused.code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn unknown_address_becomes_a_customer_on_the_device_that_asked() {
    let mut door = Door::open(1);
    let (laptop, email) = (device(1), "Amir@Example.org");
    let (code, _) = door.request(laptop, email);
    let PeerMessage::Enrolled(enrolled) = door.confirm(laptop, Some(&code)) else {
        panic!("the code is right")
    };
    assert_eq!((enrolled.member.name.as_str(), enrolled.member.role), ("Amir", Role::Customer));
    assert_eq!(door.user("amir@example.org").user, enrolled.member.user);
    // The answer may be lost: the same device asks again and is the same member.
    let PeerMessage::Enrolled(again) = door.confirm(laptop, Some(&code)) else { panic!("it is in") };
    assert_eq!(again.member.user, enrolled.member.user);
    assert_eq!(door.store.devices().unwrap().len(), 2, "the server and the laptop");
    assert_eq!(door.mails.len(), 1, "nobody else is told of a first device");
}

#[test]
fn code_is_worth_nothing_to_another_device_nor_in_another_project() {
    let mut door = Door::open(2);
    let mut other_door = Door::open(3);
    let (code, _) = door.request(device(1), "amir@example.org");
    assert_eq!(refusal(&door.confirm(device(2), Some(&code))), RefusedCode::Code);
    // The captured messages, said again elsewhere.
    let captured = PeerMessage::Confirm(confirmation(door.project(), Some(&code)));
    assert_eq!(refusal(&other_door.say(device(1), &captured)), RefusedCode::Project);
    other_door.request(device(1), "amir@example.org");
    assert_eq!(refusal(&other_door.confirm(device(1), Some(&code))), RefusedCode::Code);
    assert!(!door.is_in(device(2)) && !other_door.is_in(device(1)));
    assert!(matches!(door.confirm(device(1), Some(&code)), PeerMessage::Enrolled(_)));
}

#[test]
fn guesser_has_five_tries_and_a_restart_gives_no_more() {
    let mut door = Door::open(4);
    let (code, _) = door.request(device(1), "amir@example.org");
    for number in 0..limits::CODE_TRIES_MAX {
        // Nothing that the process remembers is in the way: it is the stored count that holds.
        door.restart(true);
        assert_eq!(refusal(&door.confirm(device(1), Some(&format!("0000000{number}")))), RefusedCode::Code);
    }
    door.restart(true);
    assert_eq!(refusal(&door.confirm(device(1), Some(&code))), RefusedCode::Code);
    assert_eq!(door.store.mailed_codes().unwrap(), []);
}

#[test]
fn code_survives_a_restart_and_ends_after_ten_minutes() {
    let mut door = Door::open(5);
    let (code, _) = door.request(device(1), "amir@example.org");
    let (late, _) = door.request(device(2), "carla@example.org");
    door.restart(true);
    door.now = START + limits::MAILED_CODE_LIFETIME_MILLIS - 1;
    assert!(matches!(door.confirm(device(1), Some(&code)), PeerMessage::Enrolled(_)));
    door.now += 1;
    assert_eq!(refusal(&door.confirm(device(2), Some(&late))), RefusedCode::Code);
}

#[test]
fn newer_code_takes_the_place_of_the_one_before() {
    let mut door = Door::open(6);
    let (first, _) = door.request(device(1), "amir@example.org");
    let (second, _) = door.request(device(1), "amir@example.org");
    assert_eq!(refusal(&door.confirm(device(1), Some(&first))), RefusedCode::Code);
    assert!(matches!(door.confirm(device(1), Some(&second)), PeerMessage::Enrolled(_)));
}

/// Two servers alike but for one person on the roster: what they say and keep is the same to the byte.
#[test]
fn nobody_learns_whether_an_address_is_known() {
    for role in [Role::Customer, Role::Agent, Role::Admin] {
        let mut answers = Vec::new();
        for is_known in [false, true] {
            let mut door = Door::open(7);
            let user = User {
                user: assist_crdt_model::UserId::from_bytes([8; 16]),
                name: "Amir".to_owned(),
                email: is_known.then(|| "amir@example.org".to_owned()),
                role,
                joined_at: UnixMillis(START),
                removed_at_millis: None,
            };
            door.store.put_user(&user).unwrap();
            let answer = wire::encode(&door.say(device(1), &request("amir@example.org")));
            let wrong = wire::encode(&door.confirm(device(1), Some("00000000")));
            answers.push((answer, wrong, door.mails.clone(), door.store.mailed_codes().unwrap()));
        }
        assert_eq!(answers[0], answers[1]);
    }
}

#[test]
fn further_device_of_a_customer_is_let_in_and_the_others_are_told() {
    let mut door = Door::open(8);
    assert!(matches!(door.join(device(1), "amir@example.org"), PeerMessage::Enrolled(_)));
    let laptop = door.come_in(device(1));
    door.take_sent(laptop);
    assert!(matches!(door.join(device(2), "amir@example.org"), PeerMessage::Enrolled(_)));
    let news = door.take_sent(laptop);
    let [PeerMessage::DeviceNews(news)] = news.as_slice() else { panic!("{news:?}") };
    assert_eq!((news.devices[0].device, news.devices[0].state), (device(2), DeviceState::Offline));
    let Some(Mail { to, letter: Letter::NewDevice { is_waiting: false, .. }, .. }) = door.mails.last() else {
        panic!("{:?}", door.mails);
    };
    assert_eq!(to, "amir@example.org");
}

#[test]
fn address_of_the_team_lets_nobody_in_before_a_device_of_theirs_approves() {
    let mut door = Door::open(9);
    door.invite(Role::Agent, Some("carol@example.org"));
    assert!(matches!(door.join(device(1), "carol@example.org"), PeerMessage::Enrolled(_)));
    assert_eq!(door.user("carol@example.org").role, Role::Agent);
    assert!(matches!(door.join(device(9), "amir@example.org"), PeerMessage::Enrolled(_)));
    let (laptop, amirs) = (door.come_in(device(1)), door.come_in(device(9)));
    door.sent.clear();
    let phone = device(2);
    assert!(matches!(door.join(phone, "carol@example.org"), PeerMessage::Waiting(_)));
    assert!(!door.is_in(phone));
    let told = door.take_sent(laptop);
    assert!(
        matches!(told.as_slice(), [PeerMessage::DeviceNews(news)] if news.devices[0].state == DeviceState::Waiting)
    );
    assert_eq!(door.take_sent(amirs), []);
    assert!(matches!(
        door.mails.last().map(|mail| &mail.letter),
        Some(Letter::NewDevice { is_waiting: true, .. })
    ));
    // It waits, also over a restart of the server, and tells a device that comes later.
    assert!(matches!(door.confirm(phone, None), PeerMessage::Waiting(_)));
    door.restart(true);
    let (laptop, amirs) = (door.come_in(device(1)), door.come_in(device(9)));
    assert!(door.take_sent(laptop).iter().any(|message| matches!(message, PeerMessage::DeviceNews(_))));
    assert!(matches!(door.ask(amirs, Request::ApproveDevice(phone)), Outcome::Refused(_)));
    assert_eq!(door.ask(laptop, Request::ApproveDevice(phone)), Outcome::Given(Response::Done));
    assert!(matches!(door.confirm(phone, None), PeerMessage::Enrolled(_)));
    assert!(matches!(door.ask(laptop, Request::ApproveDevice(phone)), Outcome::Refused(_)));
}

#[test]
fn rejected_device_is_turned_away_and_one_that_nobody_looks_at_waits_a_week() {
    let mut door = Door::open(10);
    door.invite(Role::Agent, Some("carol@example.org"));
    door.join(device(1), "carol@example.org");
    let laptop = door.come_in(device(1));
    door.join(device(2), "carol@example.org");
    assert_eq!(door.ask(laptop, Request::RejectDevice(device(2))), Outcome::Given(Response::Done));
    assert_eq!(refusal(&door.confirm(device(2), None)), RefusedCode::Code);
    door.join(device(3), "carol@example.org");
    door.now += limits::WAITING_LIFETIME_MILLIS;
    assert_eq!(refusal(&door.confirm(device(3), None)), RefusedCode::Code);
    assert!(matches!(door.ask(laptop, Request::ApproveDevice(device(3))), Outcome::Refused(_)));
}

#[test]
fn few_devices_wait_for_one_person_and_the_oldest_makes_room() {
    let mut door = Door::open(11);
    door.invite(Role::Admin, Some("erin@example.org"));
    door.join(device(0), "erin@example.org");
    for number in 1..=8 {
        door.now += 4 * 3_600_000;
        assert!(matches!(door.join(device(number), "erin@example.org"), PeerMessage::Waiting(_)));
    }
    let mut waiting: Vec<_> = door.store.waiting_devices().unwrap();
    waiting.sort_by_key(|waiting| waiting.since);
    let kept: Vec<_> = waiting.iter().map(|waiting| waiting.device).collect();
    assert_eq!(kept, [4, 5, 6, 7, 8].map(device));
}

/// What an address and an invitation together give: a row for each case.
#[test]
fn role_comes_from_an_invitation_or_from_the_roster_never_from_an_address() {
    let cases = [
        // On the roster as, invited as; then: enrolled as, or waiting.
        (None, None, Some(Role::Customer)),
        (None, Some(Role::Customer), Some(Role::Customer)),
        (None, Some(Role::Agent), Some(Role::Agent)),
        (None, Some(Role::Admin), Some(Role::Admin)),
        (Some(Role::Customer), None, Some(Role::Customer)),
        (Some(Role::Agent), None, None),
        (Some(Role::Admin), None, None),
        (Some(Role::Agent), Some(Role::Agent), Some(Role::Agent)),
        (Some(Role::Admin), Some(Role::Admin), Some(Role::Admin)),
    ];
    for (known, invited, expected) in cases {
        let mut door = Door::open(12);
        if let Some(role) = known {
            door.invite(role, Some("amir@example.org"));
            door.join(device(1), "amir@example.org");
        }
        if let Some(role) = invited {
            door.invite(role, Some("amir@example.org"));
        }
        let role = match door.join(device(2), "amir@example.org") {
            PeerMessage::Enrolled(enrolled) => Some(enrolled.member.role),
            PeerMessage::Waiting(_) => None,
            other => panic!("{other:?}"),
        };
        assert_eq!(role, expected, "known as {known:?}, invited as {invited:?}");
        assert_eq!(door.store.invites().unwrap(), [], "an invitation is used once");
    }
}

#[test]
fn link_opened_elsewhere_needs_what_the_asking_device_shows() {
    let mut door = Door::open(13);
    let (asking, phone) = (device(1), device(2));
    let (code, check) = door.request(asking, "amir@example.org");
    let confirm = |door: &mut Door, check: &str| {
        let other = Some(OtherDevice { device: asking, check: check.to_owned() });
        let confirm = Confirm { other, ..confirmation(door.project(), Some(&code)) };
        door.say(phone, &PeerMessage::Confirm(confirm))
    };
    assert_eq!(refusal(&confirm(&mut door, "")), RefusedCode::Code);
    assert!(!door.is_in(asking) && !door.is_in(phone));
    let confirmed = confirm(&mut door, &check.to_uppercase());
    assert!(
        matches!(confirmed, PeerMessage::Confirmed(Confirmed { is_waiting: false, .. })),
        "{confirmed:?}"
    );
    assert!(door.is_in(asking) && !door.is_in(phone), "the one that asked is in, not the one that clicked");
    assert!(matches!(door.confirm(asking, None), PeerMessage::Enrolled(_)));
}

#[test]
fn limits_hold_for_address_device_and_server_and_bound_what_is_kept() {
    let mut door = Door::open(14);
    let too_many = |door: &mut Door, number: u32, email: &str| match door.say(device(number), &request(email))
    {
        PeerMessage::CodeSent(_) => false,
        refused => refusal(&refused) == RefusedCode::TooMany,
    };
    let of_address: Vec<bool> =
        (0..4).map(|number| too_many(&mut door, number, "amir@example.org")).collect();
    assert_eq!(of_address, [false, false, false, true]);
    let of_device: Vec<bool> =
        (0..6).map(|number| too_many(&mut door, 50, &format!("{number}@example.org"))).collect();
    assert_eq!(of_device, [false, false, false, false, false, true]);
    let sent =
        (100..300).filter(|number| !too_many(&mut door, *number, &format!("{number}@example.com"))).count();
    assert_eq!(sent, limits::MAILED_CODES_PER_MINUTE_MAX - 8);
    for minute in 1..30 {
        door.now = START + minute * 60_000;
        for number in 0..120 {
            let number = u32::try_from(minute).unwrap() * 1_000 + number;
            too_many(&mut door, number, &format!("{number}@example.net"));
        }
        let kept = door.store.mailed_codes().unwrap().len();
        assert!(kept <= limits::MAILED_CODES_PER_MINUTE_MAX * 11, "{kept} in minute {minute}");
    }
}

#[test]
fn server_without_mail_says_so() {
    let mut door = Door::open(15);
    door.restart(false);
    let PeerMessage::Refused(refused) = door.say(device(1), &request("amir@example.org")) else {
        panic!("it cannot");
    };
    assert_eq!(refused.code, RefusedCode::Unavailable);
    assert!(refused.reason.contains("operator"), "{}", refused.reason);
    assert_eq!(door.mails, []);
}

#[test]
fn what_is_no_address_is_mailed_nothing() {
    let mut door = Door::open(16);
    assert_eq!(refusal(&door.say(device(1), &request("amir"))), RefusedCode::Identity);
    assert_eq!(door.mails, []);
}

/// Every code is shown twice in one turn, by two devices or over two links: exactly one of each pair gets in.
#[test]
fn of_ten_thousand_codes_shown_twice_at_once_each_lets_one_in() {
    let mut door = Door::open(17);
    let mut pairs = Vec::new();
    for number in 0..PAIRS {
        if number % 400 == 0 {
            // So many may be open at once.
            redeem(&mut door, &std::mem::take(&mut pairs));
        }
        pairs.push((number, door.invite(Role::Customer, None)));
    }
    redeem(&mut door, &pairs);
    let people = door.store.users().unwrap();
    assert_eq!(people.len(), usize::try_from(PAIRS).unwrap() + 1, "and the server");
    assert_eq!(door.store.invites().unwrap(), []);
}

fn redeem(door: &mut Door, pairs: &[(u32, String)]) {
    let key = |number: u32, side: u8| {
        let mut key = [side; 32];
        key[..4].copy_from_slice(&number.to_be_bytes());
        DeviceId::from_bytes(key)
    };
    let mut links = Vec::new();
    for side in [1, 2] {
        for (number, code) in pairs {
            let link = door.dial(key(*number, side));
            let enroll = Enroll {
                version: 1,
                project: None,
                code: code.clone(),
                name: "Amir".to_owned(),
                email: None,
                device_name: "laptop".to_owned(),
            };
            door.receive(link, &PeerMessage::Enroll(enroll));
            links.push(link);
        }
    }
    door.finish_turn();
    let sent = std::mem::take(&mut door.sent);
    let is_in = |link: &&LinkId| {
        sent.iter().any(|(to, message)| to == *link && matches!(message, PeerMessage::Enrolled(_)))
    };
    assert!(links.iter().filter(is_in).count() == pairs.len(), "one of each pair");
    for link in links {
        door.give(ServerInput::Closed { link });
    }
    // The counts of wrong codes end.
    door.now += limits::CODE_BLOCK_MILLIS;
}

const START: u64 = 1_790_000_000_000;
const PAIRS: u32 = 10_000;
