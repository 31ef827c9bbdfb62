//! What a member asks of the server: answered once, at once or not at all, by the roster of that moment.

use assist_crdt_model::{DeviceId, Role, UserId};
use assist_proto::admission::{Entry, Event, Head};
use assist_proto::hub::{Command, CommandError, Connection, Reply};
use assist_proto::limits;
use assist_proto::store::{DeviceStore as _, ServerStore as _};
use assist_proto::wire::RefusedCode;
use assist_proto::wire::admission::ReadLog;
use assist_proto::wire::ask::{
    AskCode, AskRefused, DeviceState, DeviceWindow, Invited, ListDevices, ListMembers, MakeInvitation,
    MemberWindow, RenameDevice, Request, Response, RosterDevice, SetRole, Who,
};
use assist_tests::world::{ALICE, BOB, DAVE, Desk, ERIN, Seat};

fn ask(desk: &mut Desk, seat: Seat, request: Request) -> Result<Response, CommandError> {
    let project = desk.world.projects[seat.project].id;
    match desk.world.net.command(seat.device, Command::Ask { project, request })? {
        Reply::Given(response) => Ok(response),
        other => panic!("an ask is answered with an answer: {other:?}"),
    }
}

/// Asks for what is not given.
fn refusal(desk: &mut Desk, seat: Seat, request: Request) -> AskRefused {
    match ask(desk, seat, request.clone()) {
        Err(CommandError::AskRefused(refused)) => refused,
        other => panic!("{request:?} is answered with {other:?}"),
    }
}

/// Sits down and is connected.
fn sit_down(desk: &mut Desk, person: usize, what: &str) -> Seat {
    let seat = desk.sit_down(person, what);
    desk.world.settle();
    seat
}

/// Asks for what is done, and lets it come to those whom it concerns. A device that is turned away tries again for
/// ever: there is no rest to wait for.
fn done(desk: &mut Desk, seat: Seat, request: Request) {
    assert_eq!(ask(desk, seat, request), Ok(Response::Done));
    desk.world.run_for(20_000);
}

fn members(limit: u32) -> Request {
    Request::Members(ListMembers { after: None, limit })
}

fn devices(desk: &mut Desk, seat: Seat, of: Option<Who>) -> Vec<RosterDevice> {
    match ask(desk, seat, Request::Devices(ListDevices { of, after: None, limit: 100 })) {
        Ok(Response::Devices(DeviceWindow { devices, has_more: false })) => devices,
        other => panic!("{other:?}"),
    }
}

fn invitation(role: Role, email: &str) -> Request {
    Request::Invite(MakeInvitation { role, email: Some(email.to_owned()), name: None })
}

fn user(desk: &Desk, seat: Seat) -> UserId {
    desk.world.user_of(seat).unwrap()
}

fn device(desk: &Desk, seat: Seat) -> DeviceId {
    DeviceId::from_bytes(desk.key(seat).verifying_key().to_bytes())
}

fn who(desk: &Desk, seat: Seat) -> Who {
    Who::User(user(desk, seat))
}

fn role_at(desk: &Desk, seat: Seat) -> Role {
    let memberships = desk.world.net.peer(seat.device).store.memberships().unwrap();
    memberships[0].role
}

fn is_turned_away(desk: &Desk, seat: Seat) -> bool {
    matches!(desk.status(seat).connection, Connection::Refused { code: RefusedCode::Device, .. })
}

#[test]
fn team_is_told_who_is_in_the_project_and_a_customer_is_not() {
    let mut desk = Desk::open(1);
    let carol = desk.carol;
    let Ok(Response::Members(MemberWindow { members: told, has_more: false })) =
        ask(&mut desk, carol, members(50))
    else {
        panic!("an agent sees the roster");
    };
    assert_eq!(told.len(), 4, "the server and three people: {told:?}");
    assert!(told.iter().all(|member| member.devices == 1));
    let alice = desk.alice;
    assert_eq!(refusal(&mut desk, alice, members(50)).code, AskCode::NotAllowed);
}

#[test]
fn team_knows_its_team_before_anybody_wrote() {
    let mut desk = Desk::open(32);
    let known = |desk: &Desk, seat: Seat| {
        let members = desk.world.net.peer(seat.device).store.members(&desk.world.projects[0].id).unwrap();
        members.into_iter().map(|member| (member.user, member.role)).collect::<Vec<_>>()
    };
    let (alice, carol) = (desk.alice, desk.carol);
    let erin = sit_down(&mut desk, ERIN, "laptop");
    let (carols, erins) = (user(&desk, carol), user(&desk, erin));
    assert!(known(&desk, carol).contains(&(erins, Role::Admin)), "who was there hears of the newcomer");
    assert!(known(&desk, erin).contains(&(carols, Role::Agent)), "a newcomer of who is there");
    assert!(known(&desk, alice).iter().all(|(user, _)| *user != erins), "a customer of nobody who is silent");
    let bob = desk.bob;
    let bobs = who(&desk, bob);
    done(&mut desk, erin, Request::SetRole(SetRole { who: bobs, role: Role::Agent }));
    let bobs = user(&desk, bob);
    assert!(known(&desk, carol).contains(&(bobs, Role::Agent)), "of whoever becomes one of them");
    done(&mut desk, erin, Request::SetRole(SetRole { who: Who::User(bobs), role: Role::Customer }));
    assert!(known(&desk, carol).contains(&(bobs, Role::Customer)), "and of whoever is none any more");
}

#[test]
fn roster_is_told_in_windows() {
    let mut desk = Desk::open(2);
    let (carol, mut after, mut told) = (desk.carol, None, Vec::new());
    loop {
        let window = ask(&mut desk, carol, Request::Members(ListMembers { after, limit: 3 }));
        let Ok(Response::Members(MemberWindow { members, has_more })) = window else { panic!("{window:?}") };
        told.extend(members.iter().map(|member| member.member.user));
        after = told.last().copied();
        if !has_more {
            break;
        }
        assert_eq!(members.len(), 3);
    }
    let on_roster = desk.world.net.peer(desk.server).store.users().unwrap();
    assert_eq!(told, on_roster.into_iter().map(|user| user.user).collect::<Vec<_>>());
}

#[test]
fn ask_without_a_session_fails_at_once() {
    let mut desk = Desk::open(3);
    let carol = desk.carol;
    desk.set_online(carol, false);
    desk.ask(carol, Command::Pause(None));
    assert_eq!(ask(&mut desk, carol, members(50)), Err(CommandError::Offline));
}

#[test]
fn ask_whose_session_ends_is_answered_that_nobody_knows() {
    let mut desk = Desk::open(4);
    let carol = desk.carol;
    desk.set_online(carol, false);
    assert_eq!(ask(&mut desk, carol, members(50)), Err(CommandError::NoAnswer));
}

/// Who may ask what: a row for each kind of ask, with what customers, agents and admins are answered.
#[test]
fn what_may_be_asked_follows_the_role() {
    let mut desk = Desk::open(5);
    let erin = sit_down(&mut desk, ERIN, "laptop");
    let (alice, bob, carol) = (desk.alice, desk.bob, desk.carol);
    let bobs = who(&desk, bob);
    let bobs_device = device(&desk, bob);
    let denied = Some(AskCode::NotAllowed);
    let absent = Some(AskCode::NotFound);
    let list = Request::Devices(ListDevices { of: Some(bobs.clone()), after: None, limit: 9 });
    let own_list = Request::Devices(ListDevices { of: None, after: None, limit: 9 });
    let rename_device = Request::RenameDevice(RenameDevice { device: bobs_device, name: "other".into() });
    let rows = [
        (members(9), [denied, None, None]),
        (own_list, [None, None, None]),
        (list, [absent, absent, None]),
        (Request::Invitations, [denied, denied, None]),
        (invitation(Role::Agent, "amir@example.org"), [denied, denied, None]),
        (Request::Uninvite("amir@example.org".into()), [denied, denied, None]),
        (Request::SetRole(SetRole { who: bobs.clone(), role: Role::Agent }), [denied, denied, None]),
        (rename_device, [absent, absent, absent]),
        (Request::Rename("Another".into()), [None, None, None]),
        (Request::ApproveDevice(bobs_device), [absent, absent, absent]),
        (Request::RejectDevice(bobs_device), [absent, absent, absent]),
        (Request::ReadLog(ReadLog { limit: 9, ..ReadLog::default() }), [absent, absent, None]),
        (Request::Health, [absent, absent, None]),
        (Request::RevokeDevice(bobs_device), [absent, absent, None]),
        (Request::RemoveMember(bobs), [denied, denied, None]),
    ];
    for (request, expected) in rows {
        for (seat, expected) in [alice, carol, erin].into_iter().zip(expected) {
            let code = match ask(&mut desk, seat, request.clone()) {
                Ok(_) => None,
                Err(CommandError::AskRefused(refused)) => Some(refused.code),
                Err(other) => panic!("{request:?}: {other}"),
            };
            assert_eq!(code, expected, "{request:?} by {}", desk.world.people[seat.person].name);
        }
    }
}

#[test]
fn what_is_not_there_and_what_may_not_be_known_of_are_answered_alike() {
    let mut desk = Desk::open(6);
    let (alice, carol) = (desk.alice, desk.carol);
    let (hers, nobodys) = (device(&desk, carol), DeviceId::from_bytes([9; 32]));
    let rename = |device| Request::RenameDevice(RenameDevice { device, name: "mine".into() });
    let list = |of| Request::Devices(ListDevices { of: Some(of), after: None, limit: 9 });
    let pairs = [
        (Request::RevokeDevice(hers), Request::RevokeDevice(nobodys)),
        (Request::ApproveDevice(hers), Request::ApproveDevice(nobodys)),
        (rename(hers), rename(nobodys)),
        (list(who(&desk, carol)), list(Who::User(UserId::from_bytes([9; 16])))),
        (list(Who::Email("carol@example.org".into())), list(Who::Email("nobody@example.org".into()))),
    ];
    for (forbidden, absent) in pairs {
        assert_eq!(refusal(&mut desk, alice, forbidden), refusal(&mut desk, alice, absent));
    }
}

#[test]
fn invitation_made_by_an_admin_is_listed_used_once_and_taken_back() {
    let mut desk = Desk::open(7);
    let erin = sit_down(&mut desk, ERIN, "laptop");
    let invited = ask(&mut desk, erin, invitation(Role::Agent, "Dave@Example.org"));
    let Ok(Response::Invited(Invited { code, .. })) = invited else { panic!("{invited:?}") };
    assert!(ask(&mut desk, erin, invitation(Role::Customer, "amir@example.org")).is_ok());
    let Ok(Response::Invitations(open)) = ask(&mut desk, erin, Request::Invitations) else {
        panic!("an admin sees the invitations");
    };
    let mut emails: Vec<_> = open.iter().filter_map(|open| open.email.as_deref()).collect();
    emails.sort_unstable();
    assert_eq!(emails, ["amir@example.org", "dave@example.org"]);

    let phone = desk.world.add_device(DAVE, "phone");
    let join = Command::Join {
        address: desk.world.address(desk.world.projects[0]),
        code: code.clone(),
        name: "Dave".into(),
        email: None,
        device_name: "phone".into(),
    };
    assert!(matches!(desk.world.net.command(phone, join), Ok(Reply::Joined(_))));
    done(&mut desk, erin, Request::Uninvite("AMIR@example.org".into()));
    assert_eq!(ask(&mut desk, erin, Request::Invitations), Ok(Response::Invitations(Vec::new())));
    let again = refusal(&mut desk, erin, Request::Uninvite("amir@example.org".into()));
    assert_eq!(again.code, AskCode::NotFound);
    // A member's address is invited in the role that they have.
    let other = refusal(&mut desk, erin, invitation(Role::Admin, "dave@example.org"));
    assert_eq!(other.code, AskCode::Conflict);
    let none = refusal(&mut desk, erin, invitation(Role::Agent, "no address"));
    assert_eq!(none.code, AskCode::BadValue);
}

#[test]
fn no_more_invitations_are_open_than_an_answer_lists() {
    let mut desk = Desk::open(8);
    let erin = sit_down(&mut desk, ERIN, "laptop");
    let anybody = Request::Invite(MakeInvitation { role: Role::Customer, email: None, name: None });
    for _ in 0..limits::INVITATIONS_OPEN_MAX {
        assert!(ask(&mut desk, erin, anybody.clone()).is_ok());
        // No faster than a member may ask.
        desk.world.run_for(60_000 / limits::QUOTA_ASKS_PER_MINUTE);
    }
    assert_eq!(refusal(&mut desk, erin, anybody).code, AskCode::Limit);
}

#[test]
fn another_role_holds_from_the_next_session_on_which_begins_at_once() {
    let mut desk = Desk::open(9);
    let erin = sit_down(&mut desk, ERIN, "laptop");
    let carol = desk.carol;
    let to_admin = SetRole { who: Who::Email("Carol@example.org".into()), role: Role::Admin };
    done(&mut desk, erin, Request::SetRole(to_admin));
    assert_eq!(role_at(&desk, carol), Role::Admin);
    assert!(matches!(desk.status(carol).connection, Connection::Online { .. }));
    let erins = who(&desk, erin);
    done(&mut desk, carol, Request::SetRole(SetRole { who: erins, role: Role::Agent }));
    assert_eq!(role_at(&desk, erin), Role::Agent);
    assert_eq!(refusal(&mut desk, erin, Request::Invitations).code, AskCode::NotAllowed);
    for request in [Request::ReadLog(ReadLog { limit: 9, ..ReadLog::default() }), Request::Health] {
        assert_eq!(refusal(&mut desk, erin, request.clone()).code, AskCode::NotFound, "no admin any more");
        assert!(ask(&mut desk, carol, request).is_ok());
    }
}

#[test]
fn an_admin_is_shown_the_log_as_it_is_and_with_names() {
    let mut desk = Desk::open(31);
    let erin = sit_down(&mut desk, ERIN, "laptop");
    let alice = desk.alice;
    let ticket = desk.world.file(alice, "It hangs", "On start.");
    desk.world.settle();
    let read = ReadLog { limit: 500, who: Some(who(&desk, alice)), ..ReadLog::default() };
    let Ok(Response::Log(window)) = ask(&mut desk, erin, Request::ReadLog(read)) else { panic!("an admin") };
    let entries: Vec<Entry> = window.lines.iter().map(|line| Entry::decode(&line.entry).unwrap()).collect();
    assert!(matches!(entries[0].event, Event::Enrolled { .. }), "{entries:?}");
    assert!(matches!(entries[1].event, Event::Admitted { .. }), "{entries:?}");
    assert_eq!((window.lines[1].ticket, window.lines[1].number), (Some(ticket), Some(1)));
    let alices = user(&desk, alice);
    let name = window.people.iter().find(|named| named.user == alices).map(|named| named.name.clone());
    assert_eq!(name.as_deref(), Some(desk.world.people[ALICE].name));
    assert_eq!((window.people.len(), window.devices.len()), (1, 1), "of nobody else");
    // What it was shown, the admin can hold the server to.
    let node = desk.world.net.peer(desk.server).device();
    let (head, _) = Head::verify(&window.head.unwrap(), &desk.world.projects[0].id, &node).unwrap();
    assert_eq!(head.number, desk.world.admissions(0).len() as u64);
    // An address that is nobody's has done nothing.
    let nobody = Some(Who::Email("nobody@example.org".into()));
    let read = ReadLog { limit: 9, who: nobody, ..ReadLog::default() };
    let Ok(Response::Log(window)) = ask(&mut desk, erin, Request::ReadLog(read)) else { panic!("an admin") };
    assert_eq!((window.lines, window.next), (Vec::new(), None));
}

#[test]
fn last_admin_stays_one() {
    let mut desk = Desk::open(10);
    let erin = sit_down(&mut desk, ERIN, "laptop");
    let (erins, laptop, carol) = (who(&desk, erin), device(&desk, erin), desk.carol);
    let demote = Request::SetRole(SetRole { who: erins.clone(), role: Role::Agent });
    for request in [demote.clone(), Request::RemoveMember(erins.clone()), Request::RevokeDevice(laptop)] {
        assert_eq!(refusal(&mut desk, erin, request).code, AskCode::Conflict);
    }
    // Of two devices one may go.
    let phone = sit_down(&mut desk, ERIN, "phone");
    let phone_id = device(&desk, phone);
    done(&mut desk, erin, Request::RevokeDevice(phone_id));
    assert!(is_turned_away(&desk, phone));
    assert_eq!(refusal(&mut desk, erin, Request::RevokeDevice(laptop)).code, AskCode::Conflict);
    // An admin without a device could do nothing: they do not count.
    let carols = who(&desk, carol);
    done(&mut desk, erin, Request::SetRole(SetRole { who: carols, role: Role::Admin }));
    let carols_device = device(&desk, carol);
    done(&mut desk, erin, Request::RevokeDevice(carols_device));
    assert_eq!(refusal(&mut desk, erin, demote).code, AskCode::Conflict);
    // The server is an admin whom nobody changes.
    let users = desk.world.net.peer(desk.server).store.users().unwrap();
    let server = users.into_iter().find(|user| user.email.is_none()).unwrap();
    let server = Who::User(server.user);
    assert_eq!(refusal(&mut desk, erin, Request::RemoveMember(server)).code, AskCode::Conflict);
}

#[test]
fn removed_member_is_shut_out_and_what_they_wrote_stays_under_their_name() {
    let mut desk = Desk::open(11);
    let erin = sit_down(&mut desk, ERIN, "laptop");
    let (alice, bob, carol) = (desk.alice, desk.bob, desk.carol);
    let ticket = desk.world.file(bob, "It hangs", "On start.");
    desk.world.settle();
    let bobs = user(&desk, bob);
    done(&mut desk, erin, Request::RemoveMember(Who::Email("bob@example.org".into())));
    assert!(is_turned_away(&desk, bob));
    assert!(!is_turned_away(&desk, alice));
    assert_eq!(desk.world.ticket_at(carol, ticket).unwrap().requester, bobs);
    let store = &desk.world.net.peer(carol.device).store;
    let name = store.member(&desk.world.projects[0].id, bobs).unwrap().unwrap().name;
    assert_eq!(name, "Bob");
    // For all who ask he is not there.
    let gone = refusal(&mut desk, erin, Request::RemoveMember(Who::User(bobs)));
    let never_there = refusal(&mut desk, erin, Request::RemoveMember(Who::User(UserId::from_bytes([9; 16]))));
    assert_eq!(gone, never_there);
    let Ok(Response::Members(told)) = ask(&mut desk, carol, members(50)) else { panic!("she is an agent") };
    assert!(told.members.iter().all(|member| member.member.user != bobs));
    // The address is free: whoever is invited with it is somebody new.
    let again = desk.sit_down(BOB, "phone");
    assert_ne!(user(&desk, again), bobs);
}

#[test]
fn own_device_is_named_listed_and_shut_out() {
    let mut desk = Desk::open(12);
    let alice = desk.alice;
    let phone = sit_down(&mut desk, ALICE, "phone");
    let phone_id = device(&desk, phone);
    let rename = RenameDevice { device: phone_id, name: "  the old phone ".into() };
    done(&mut desk, alice, Request::RenameDevice(rename));
    let of = |devices: &[RosterDevice]| {
        let of = devices.iter().find(|other| other.device == phone_id).unwrap();
        (of.name.clone(), of.state)
    };
    let all = devices(&mut desk, alice, None);
    assert_eq!(all.len(), 2, "her own alone");
    assert_eq!(of(&all), ("the old phone".to_owned(), DeviceState::Online));
    // It may shut itself out, and is told that it did.
    done(&mut desk, phone, Request::RevokeDevice(phone_id));
    assert!(is_turned_away(&desk, phone));
    assert_eq!(of(&devices(&mut desk, alice, None)).1, DeviceState::Revoked);
    done(&mut desk, alice, Request::RevokeDevice(phone_id));
}

#[test]
fn new_name_reaches_those_who_know_the_old_one() {
    let mut desk = Desk::open(13);
    let (alice, carol) = (desk.alice, desk.carol);
    desk.world.file(alice, "It hangs", "On start.");
    desk.world.settle();
    done(&mut desk, alice, Request::Rename(" Alice B. ".into()));
    let store = &desk.world.net.peer(carol.device).store;
    let told = store.member(&desk.world.projects[0].id, user(&desk, alice)).unwrap().unwrap();
    assert_eq!(told.name, "Alice B.");
    assert_eq!(refusal(&mut desk, alice, Request::Rename("two\nlines".into())).code, AskCode::BadValue);
}
