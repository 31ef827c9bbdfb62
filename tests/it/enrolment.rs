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
use assist_proto::wire::{self, Enroll, PeerMessage, RefusedCode, codec};
use assist_tests::counting::CountingServer;
use assist_tests::greeting::newcomer;
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
        self.receive(link, &PeerMessage::Hello(newcomer(self.project())));
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

/// Somebody on the roster, without a device.
fn put_user(door: &mut Door, role: Role, email: Option<&str>) {
    let user = User {
        user: assist_crdt_model::UserId::from_bytes([8; 16]),
        name: "Amir".to_owned(),
        email: email.map(str::to_owned),
        role,
        joined_at: UnixMillis(START),
        removed_at_millis: None,
    };
    door.store.put_user(&user).unwrap();
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

/// Somebody who knows the asking device's key and guesses for it with fresh keys of their own gets no further.
#[test]
fn fresh_keys_do_not_help_a_guesser_and_their_owner_has_another_code_mailed() {
    let mut door = Door::open(18);
    let (code, check) = door.request(device(1), "amir@example.org");
    let guess = |door: &mut Door, number: u32, code: &str, check: &str| {
        let other = Some(OtherDevice { device: device(1), check: check.to_owned() });
        let confirm = Confirm { other, ..confirmation(door.project(), Some(code)) };
        door.say(device(number), &PeerMessage::Confirm(confirm))
    };
    for number in 0..200 {
        // The right code with a wrong check is a wrong guess like any other, and the other way round.
        let (code, check) = if number % 2 == 0 { (code.as_str(), "0") } else { ("00000000", check.as_str()) };
        assert_eq!(refusal(&guess(&mut door, 1_000 + number, code, check)), RefusedCode::Code);
    }
    assert_eq!(refusal(&guess(&mut door, 2_000, &code, &check)), RefusedCode::Code, "used up by the guesses");
    assert!(!door.is_in(device(1)));
    assert!(matches!(door.join(device(1), "amir@example.org"), PeerMessage::Enrolled(_)));
}

/// Guesses at every code that may be open at once, from as many keys as one likes: none of some thousand is looked at
/// more often than [`limits::CODE_TRIES_MAX`] times.
#[test]
fn brute_force_over_every_open_code_finds_none() {
    let mut door = Door::open(19);
    let (mut asked, mut looked_at) = (0, 0);
    for minute in 0..10 {
        door.now = START + minute * 60_000;
        for number in 0..limits::MAILED_CODES_PER_MINUTE_MAX {
            let number = u32::try_from(minute).unwrap() * 1_000 + u32::try_from(number).unwrap();
            door.request(device(number), &format!("{number}@example.org"));
            asked += 1;
            for guess in 0..20 {
                let tries = |door: &Door| door.store.mailed_code(&device(number)).unwrap().map(|it| it.tries);
                let before = tries(&door);
                let answer = door.confirm(device(number), Some(&format!("{guess:08}")));
                assert_eq!(refusal(&answer), RefusedCode::Code);
                looked_at += u32::from(before != tries(&door));
            }
            assert!(!door.is_in(device(number)));
        }
    }
    assert_eq!((asked, looked_at), (1_000, 1_000 * limits::CODE_TRIES_MAX));
    assert_eq!(door.store.mailed_codes().unwrap(), []);
}

/// What was captured on the wire is worth nothing from another key, in another project, or a second time.
#[test]
fn captured_messages_said_again_let_nobody_in() {
    let (mut door, mut elsewhere) = (Door::open(20), Door::open(21));
    let invitation = door.invite(Role::Admin, Some("erin@example.org"));
    let enroll = |project: Option<ProjectId>| {
        let (name, device_name) = ("Erin".to_owned(), "laptop".to_owned());
        PeerMessage::Enroll(Enroll {
            version: 1,
            project,
            code: invitation.clone(),
            name,
            email: None,
            device_name,
        })
    };
    let named = enroll(Some(door.project()));
    assert_eq!(refusal(&elsewhere.say(device(1), &named)), RefusedCode::Project);
    assert_eq!(refusal(&elsewhere.say(device(1), &enroll(None))), RefusedCode::Code);
    assert!(matches!(door.say(device(1), &named), PeerMessage::Enrolled(_)));
    assert_eq!(refusal(&door.say(device(2), &named)), RefusedCode::Code);

    let (code, _) = door.request(device(3), "amir@example.org");
    let confirm = PeerMessage::Confirm(confirmation(door.project(), Some(&code)));
    assert!(matches!(door.say(device(3), &confirm), PeerMessage::Enrolled(_)));
    for number in 4..8 {
        assert_eq!(refusal(&door.say(device(number), &confirm)), RefusedCode::Code);
    }
    assert_eq!(refusal(&elsewhere.say(device(3), &confirm)), RefusedCode::Project);
    // Shut out, the device cannot come back by saying again what once let it in.
    let erin = door.come_in(device(1));
    assert_eq!(door.ask(erin, Request::RevokeDevice(device(3))), Outcome::Given(Response::Done));
    assert_eq!(refusal(&door.say(device(3), &confirm)), RefusedCode::Code);
    assert!(!door.is_in(device(3)));
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
            put_user(&mut door, role, is_known.then_some("amir@example.org"));
            let answer = wire::encode(&door.say(device(1), &request("amir@example.org")));
            let wrong = wire::encode(&door.confirm(device(1), Some("00000000")));
            answers.push((answer, wrong, door.mails.clone(), door.store.mailed_codes().unwrap()));
        }
        assert_eq!(answers[0], answers[1]);
    }
}

/// Neither is anybody looked up for it, so that there is nothing whose time could tell.
#[test]
fn request_for_a_code_looks_nobody_up() {
    let mut door = Door::open(23);
    put_user(&mut door, Role::Admin, Some("erin@example.org"));
    door.invite(Role::Agent, Some("carol@example.org"));
    for (number, email) in ["erin", "carol", "nobody"].into_iter().enumerate() {
        let link = door.dial(device(u32::try_from(number).unwrap()));
        let asked = wire::receive(&wire::encode(&request(&format!("{email}@example.org")))).unwrap();
        let mut store = CountingServer::new(&mut door.store);
        let input = ServerInput::Received { link, message: Box::new(asked) };
        door.hub.handle(UnixMillis(door.now), input, &mut store).unwrap();
        assert_eq!((store.looked_up.get(), store.opened.get()), (0, 0), "{email}");
        door.finish_turn();
        assert!(matches!(door.take_sent(link).as_slice(), [PeerMessage::CodeSent(_)]));
    }
    // The count does count.
    let confirm = PeerMessage::Confirm(confirmation(door.project(), Some("00000000")));
    let link = door.dial(device(0));
    let mut store = CountingServer::new(&mut door.store);
    let message = Box::new(wire::receive(&wire::encode(&confirm)).unwrap());
    door.hub.handle(UnixMillis(door.now), ServerInput::Received { link, message }, &mut store).unwrap();
    assert!(store.looked_up.get() > 0);
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

/// What an address and an invitation together give: a row for each role on the roster, a column for each that an
/// invitation says. `None` waits for somebody to let the device in.
#[test]
fn role_comes_from_an_invitation_or_from_the_roster_never_from_an_address() {
    use Role::{Admin, Agent, Customer};
    let invited = [None, Some(Customer), Some(Agent), Some(Admin)];
    let cases = [
        (None, [Some(Customer), Some(Customer), Some(Agent), Some(Admin)]),
        (Some(Customer), [Some(Customer); 4]),
        // One of another time says nothing of the role that the person has now.
        (Some(Agent), [None, None, Some(Agent), None]),
        (Some(Admin), [None, None, None, Some(Admin)]),
    ];
    for (known, expected) in cases {
        for (invited, expected) in invited.into_iter().zip(expected) {
            let mut door = Door::open(12);
            if let Some(role) = invited {
                // Made while nobody of that address was there.
                door.invite(role, Some("amir@example.org"));
            }
            if let Some(role) = known {
                put_user(&mut door, role, Some("amir@example.org"));
            }
            let role = match door.join(device(2), "amir@example.org") {
                PeerMessage::Enrolled(enrolled) => Some(enrolled.member.role),
                PeerMessage::Waiting(_) => None,
                other => panic!("{other:?}"),
            };
            assert_eq!(role, expected, "known as {known:?}, invited as {invited:?}");
            let is_used = door.store.invites().unwrap().is_empty();
            assert_eq!(is_used, invited.is_none() || expected.is_some(), "an invitation is used once");
            assert_eq!(door.is_in(device(2)), expected.is_some());
            if let Some(role) = known {
                assert_eq!(door.user("amir@example.org").role, role, "nobody's role changes by joining");
            }
        }
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

/// Every mailed code is shown four times in one turn: twice by the device that asked, once for it by another one that
/// opened the link, and once by a thief for themselves. The one that asked is in, once; nobody else is.
#[test]
fn of_mailed_codes_shown_at_once_each_lets_its_own_device_in_once() {
    let mut door = Door::open(22);
    for round in 0..MAIL_ROUNDS {
        door.now = START + u64::from(round) * 60_000;
        let mut links = Vec::new();
        let mut asking = Vec::new();
        for number in 0..u32::try_from(limits::MAILED_CODES_PER_MINUTE_MAX).unwrap() {
            let number = round * 1_000 + number;
            let own = device(number);
            let (code, check) = door.request(own, &format!("{number}@example.org"));
            asking.push((own, code, check));
        }
        for (position, (own, code, check)) in asking.iter().enumerate() {
            let thief = device(1_000_000 + u32::try_from(position).unwrap());
            let plain = confirmation(door.project(), Some(code));
            let other = OtherDevice { device: *own, check: check.clone() };
            let for_other = Confirm { other: Some(other), ..plain.clone() };
            let said = [(thief, &plain), (*own, &plain), (thief, &for_other), (*own, &plain)];
            for (peer, confirm) in said {
                let link = door.dial(peer);
                door.receive(link, &PeerMessage::Confirm(confirm.clone()));
                links.push(link);
            }
            assert!(door.is_in(*own) && !door.is_in(thief));
        }
        door.finish_turn();
        door.sent.clear();
        for link in links {
            door.give(ServerInput::Closed { link });
        }
    }
    let joined = usize::try_from(MAIL_ROUNDS).unwrap() * limits::MAILED_CODES_PER_MINUTE_MAX;
    assert_eq!(door.store.users().unwrap().len(), joined + 1, "and the server");
    assert_eq!(door.store.devices().unwrap().len(), joined + 1);
    assert_eq!(door.store.mailed_codes().unwrap(), []);
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
/// A hundred codes each, what a server mails in a minute.
const MAIL_ROUNDS: u32 = 20;
