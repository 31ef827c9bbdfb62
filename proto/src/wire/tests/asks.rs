//! Samples of every ask and answer, for the golden bytes and as seeds of what the other tests mutate.

use assist_crdt_model::{ChangeHash, Role};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::super::admission::{LogLine, LogWindow, NamedUser, ReadLog};
use super::super::ask::*;
use super::super::health::{DiskState, Health, MailRoute};
use super::super::*;
use super::golden;
use crate::admission::{By, Event, Head};
use crate::samples::*;

/// One message of each kind, with the name of its fixture.
pub(super) fn samples() -> Vec<(&'static str, PeerMessage)> {
    let asks = requests().into_iter().map(|(name, request)| (name, PeerMessage::Ask(Ask { id: 3, request })));
    let answers =
        outcomes().into_iter().map(|(name, outcome)| (name, PeerMessage::Answer(Answer { id: 3, outcome })));
    asks.chain(answers).collect()
}

fn requests() -> Vec<(&'static str, Request)> {
    let email = || "jose@example.com".to_owned();
    let device = device_id(&device_key());
    let who = || Who::User(user());
    vec![
        ("ask-members", Request::Members(ListMembers { after: Some(user()), limit: 50 })),
        ("ask-members-first", Request::Members(ListMembers { after: None, limit: 50 })),
        ("ask-devices", Request::Devices(list_devices())),
        ("ask-devices-all", Request::Devices(ListDevices { of: None, after: None, limit: 50 })),
        ("ask-invitations", Request::Invitations),
        ("ask-invite", Request::Invite(make_invitation())),
        (
            "ask-invite-anybody",
            Request::Invite(MakeInvitation { role: Role::Customer, email: None, name: None }),
        ),
        ("ask-uninvite", Request::Uninvite(email())),
        ("ask-set-role", Request::SetRole(set_role())),
        ("ask-remove", Request::RemoveMember(who())),
        ("ask-rename", Request::Rename("Jos\u{e9}".into())),
        ("ask-rename-device", Request::RenameDevice(rename_device())),
        ("ask-revoke", Request::RevokeDevice(device)),
        ("ask-approve", Request::ApproveDevice(device)),
        ("ask-reject", Request::RejectDevice(device)),
        ("ask-ticket-members", Request::TicketMembers(ticket())),
        ("ask-share", Request::ShareTicket(ticket_share())),
        ("ask-log", Request::ReadLog(read_log())),
        ("ask-log-first", Request::ReadLog(ReadLog { limit: 50, ..ReadLog::default() })),
        ("ask-health", Request::Health),
        ("ask-unshare", Request::UnshareTicket(TicketShare { who: who(), ..ticket_share() })),
    ]
}

fn outcomes() -> Vec<(&'static str, Outcome)> {
    let members = MemberWindow { members: vec![roster_member()], has_more: true };
    let states = [DeviceState::Online, DeviceState::Offline, DeviceState::Waiting, DeviceState::Revoked];
    let devices = states.map(|state| RosterDevice { state, ..roster_device() }).to_vec();
    let invited = Invited { code: "7K3M-9PQ2".into(), expires_at: NOW };
    let given = Outcome::Given;
    vec![
        ("answer-done", given(Response::Done)),
        ("answer-members", given(Response::Members(members))),
        ("answer-devices", given(Response::Devices(DeviceWindow { devices, has_more: false }))),
        ("answer-invitations", given(Response::Invitations(vec![open_invitation()]))),
        ("answer-invited", given(Response::Invited(invited))),
        ("answer-ticket-members", given(Response::TicketMembers(ticket_members()))),
        ("answer-log", given(Response::Log(Box::new(log_window())))),
        ("answer-health", given(Response::Health(Box::new(health())))),
        ("answer-refused", Outcome::Refused(AskRefused::new(AskCode::NotFound, "there is no such device"))),
    ]
}

/// The structs inside asks and answers, each with all its fields, by the names that `docs/wire.md` gives them.
pub(super) fn examples() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("list-members", codec::encode(&ListMembers { after: Some(user()), limit: 50 })),
        ("list-devices", codec::encode(&list_devices())),
        ("invitation", codec::encode(&make_invitation())),
        ("new-role", codec::encode(&set_role())),
        ("device-name", codec::encode(&rename_device())),
        ("member-window", codec::encode(&MemberWindow { members: Vec::new(), has_more: true })),
        ("roster-member", codec::encode(&roster_member())),
        ("device-window", codec::encode(&DeviceWindow { devices: Vec::new(), has_more: true })),
        ("roster-device", codec::encode(&roster_device())),
        ("open-invitation", codec::encode(&open_invitation())),
        ("invited", codec::encode(&Invited { code: "7K3M-9PQ2".into(), expires_at: NOW })),
        ("ticket-share", codec::encode(&ticket_share())),
        ("ticket-member", codec::encode(&ticket_members()[0])),
        ("read-log", codec::encode(&read_log())),
        ("log-window", codec::encode(&LogWindow { lines: Vec::new(), ..log_window() })),
        ("log-line", codec::encode(&log_window().lines[0])),
        ("named-user", codec::encode(&log_window().people[0])),
        ("health", codec::encode(&health())),
        ("ask-refused", codec::encode(&AskRefused::new(AskCode::NotFound, "there is no such device"))),
    ]
}

/// Any ask and any answer.
pub(super) fn any_message() -> impl Strategy<Value = PeerMessage> {
    let samples: Vec<PeerMessage> = samples().into_iter().map(|(_, message)| message).collect();
    prop_oneof![
        (select(samples), any::<u32>()).prop_map(|(message, id)| match message {
            PeerMessage::Ask(ask) => PeerMessage::Ask(Ask { id, ..ask }),
            PeerMessage::Answer(answer) => PeerMessage::Answer(Answer { id, ..answer }),
            other => other,
        }),
        (any::<u32>(), select(Role::ALL), option::of(any::<String>()), option::of(any::<String>())).prop_map(
            |(id, role, email, name)| {
                PeerMessage::Ask(Ask { id, request: Request::Invite(MakeInvitation { role, email, name }) })
            }
        ),
        (any::<u32>(), any::<u16>(), any::<String>()).prop_map(|(id, code, reason)| {
            let refused = AskRefused::new(AskCode::from(code), reason);
            PeerMessage::Answer(Answer { id, outcome: Outcome::Refused(refused) })
        }),
    ]
}

#[test]
fn codes_of_refused_asks_keep_their_numbers() {
    use AskCode::{BadValue, Conflict, Limit, NotAllowed, NotFound, Other, Unavailable};
    let known = [NotAllowed, NotFound, Conflict, BadValue, Limit, Unavailable, Other(7)];
    for (number, code) in (1..).zip(known) {
        assert_eq!((u16::from(code), AskCode::from(number)), (number, code));
    }
}

/// The largest answer that a server may give fits a frame.
#[test]
fn a_full_window_fits_a_frame() {
    let long = || "\u{1f980}".repeat(limits::NAME_CHARS_MAX);
    let member =
        Member { name: long(), email: Some("e".repeat(limits::EMAIL_BYTES_MAX)), ..golden::member() };
    let members = vec![RosterMember { member, ..roster_member() }; limits::ROSTER_WINDOW_MAX];
    let devices = vec![RosterDevice { name: long(), ..roster_device() }; limits::ROSTER_WINDOW_MAX];
    let invitation = OpenInvitation {
        email: Some("e".repeat(limits::EMAIL_BYTES_MAX)),
        name: Some(long()),
        ..open_invitation()
    };
    let ticket_member = TicketMember {
        name: Some(long()),
        email: Some("e".repeat(limits::EMAIL_BYTES_MAX)),
        ..ticket_members().remove(0)
    };
    let responses = [
        Response::Members(MemberWindow { members, has_more: true }),
        Response::Devices(DeviceWindow { devices, has_more: true }),
        Response::Invitations(vec![invitation; limits::INVITATIONS_OPEN_MAX]),
        Response::TicketMembers(vec![ticket_member; limits::TICKET_MEMBERS_MAX]),
        Response::Log(Box::new(full_log_window())),
    ];
    for response in responses {
        let frame = encode(&PeerMessage::Answer(Answer { id: 1, outcome: Outcome::Given(response) }));
        assert!(frame.len() <= limits::FRAME_BYTES_MAX / 2, "{} bytes", frame.len());
        assert!(receive(&frame).is_ok());
    }
}

fn list_devices() -> ListDevices {
    ListDevices {
        of: Some(Who::Email("jose@example.com".into())),
        after: Some(device_id(&device_key())),
        limit: 50,
    }
}

fn make_invitation() -> MakeInvitation {
    MakeInvitation {
        role: Role::Agent,
        email: Some("jose@example.com".into()),
        name: Some("Jos\u{e9}".into()),
    }
}

fn set_role() -> SetRole {
    SetRole { who: Who::User(user()), role: Role::Admin }
}

fn rename_device() -> RenameDevice {
    RenameDevice { device: device_id(&device_key()), name: "laptop".into() }
}

fn roster_member() -> RosterMember {
    RosterMember { member: golden::member(), joined_at: NOW, devices: 2, waiting: 1 }
}

pub(super) fn roster_device() -> RosterDevice {
    RosterDevice {
        device: device_id(&device_key()),
        user: user(),
        name: "laptop".into(),
        since: NOW,
        state: DeviceState::Waiting,
    }
}

fn read_log() -> ReadLog {
    ReadLog {
        before: Some(4_711),
        after: Some(142),
        limit: 50,
        refused: true,
        acts: true,
        device: Some(device_id(&device_key())),
        who: Some(Who::User(user())),
    }
}

fn log_window() -> LogWindow {
    let by = Some(By { device: device_id(&device_key()), member: Some((user(), Role::Agent)) });
    let event = Event::Admitted { change: ChangeHash::from_bytes([0xc4; 32]), seq: Seq(143) };
    let mut head = Head::default();
    let entry = head.add(NOW, event, by);
    LogWindow {
        lines: vec![LogLine { entry, ticket: Some(ticket()), number: Some(142) }],
        next: Some(1),
        head: Some(head.sign(&node_key(), project(), NOW)),
        people: vec![NamedUser { user: user(), name: "Jos\u{e9}".into() }],
        devices: vec![NamedDevice { device: device_id(&device_key()), name: "laptop".into() }],
    }
}

fn full_log_window() -> LogWindow {
    let long = || "\u{1f980}".repeat(limits::NAME_CHARS_MAX);
    let mut window = log_window();
    window.lines = vec![window.lines.remove(0); limits::ADMISSIONS_WINDOW_MAX];
    window.people = vec![NamedUser { user: user(), name: long() }; 2 * limits::ADMISSIONS_WINDOW_MAX];
    let named = NamedDevice { device: device_id(&device_key()), name: long() };
    window.devices = vec![named; 2 * limits::ADMISSIONS_WINDOW_MAX];
    window
}

fn health() -> Health {
    Health {
        version: "1.2.3".into(),
        uptime_millis: 86_400_000,
        turns: 4_711,
        admitted: 1_000,
        refused: 3,
        connected: 12,
        greeting: 1,
        head: 1_042,
        tickets: 142,
        members: 9,
        devices: 17,
        ignored_packets: Some(5),
        store_bytes: 3_000_000,
        disk_free_bytes: 40_000_000_000,
        disk: DiskState::Low,
        disk_warn_bytes: 50_000_000_000,
        disk_stop_bytes: 10_000_000_000,
        backed_up_at_millis: Some(NOW.0),
        mail_route: MailRoute::Relay,
        mail_waiting: 1,
        mail_sent: 20,
        mail_retried: 2,
        mail_failed: 0,
    }
}

fn ticket_share() -> TicketShare {
    TicketShare { ticket: ticket(), who: Who::Email("jose@example.com".into()) }
}

fn ticket_members() -> Vec<TicketMember> {
    let (name, email) = (Some("Jos\u{e9}".to_owned()), Some("jose@example.com".to_owned()));
    vec![
        TicketMember { state: TicketMemberState::Requester, user: Some(user()), name, email: email.clone() },
        TicketMember { state: TicketMemberState::Member, user: Some(user()), name: None, email: None },
        TicketMember { state: TicketMemberState::Invited, user: None, name: None, email },
    ]
}

fn open_invitation() -> OpenInvitation {
    OpenInvitation {
        role: Role::Agent,
        email: Some("jose@example.com".into()),
        name: Some("Jos\u{e9}".into()),
        expires_at: NOW,
    }
}
