//! What may come in over the network: other versions, other projects, strangers, and what is no message at all.

use std::net::SocketAddr;

use assist_crdt_model::ProjectId;
use assist_daemon::net::{CloseCode, GREETING_BYTES_MAX};
use assist_proto::address::Address;
use assist_proto::api::{server, sync, ticket, user};
use assist_proto::limits::FRAME_BYTES_MAX;
use assist_proto::store::Seq;
use assist_proto::wire::{Enroll, Hello, PROTOCOL_VERSION, PeerMessage, RefusedCode, Seen, Welcome};
use assist_tests::greeting::newcomer;
use assist_tests::process::DaemonProcess;
use assist_tests::stranger::Stranger;

fn port_of(server: &DaemonProcess) -> SocketAddr {
    server.call(&server::GetStatus {}).listening_on[0].parse().unwrap()
}

fn project_of(server: &DaemonProcess) -> ProjectId {
    server.ready_line().parse::<Address>().unwrap().project().unwrap()
}

fn enroll(code: &str) -> Enroll {
    Enroll {
        version: PROTOCOL_VERSION,
        project: None,
        code: code.into(),
        name: "Mallory".into(),
        email: None,
        device_name: "hand-made".into(),
    }
}

/// Connects, says one thing, and returns the code of the refusal.
fn refusal_of(server: &DaemonProcess, message: &PeerMessage) -> RefusedCode {
    let mut stranger = Stranger::connect(port_of(server), 7);
    stranger.tell(message);
    let Some(PeerMessage::Refused(refused)) = stranger.hear() else { panic!("{message:?} is not refused") };
    assert!(!refused.reason.is_empty());
    assert_eq!(stranger.hear(), None, "nothing follows a refusal");
    assert_eq!(stranger.close_code(), u64::from(CloseCode::DONE.0));
    refused.code
}

/// A stranger who has become a member by a code.
fn member(server: &DaemonProcess) -> Stranger {
    let mut stranger = Stranger::connect(port_of(server), 9);
    stranger.tell(&PeerMessage::Enroll(enroll(&server.invite(user::Role::Customer).code)));
    let enrolled = stranger.hear();
    assert!(matches!(enrolled, Some(PeerMessage::Enrolled(_))), "{enrolled:?}");
    stranger.tell(&PeerMessage::Hello(newcomer(project_of(server))));
    let welcomed = stranger.hear();
    assert!(matches!(welcomed, Some(PeerMessage::Welcome(_))), "{welcomed:?}");
    stranger
}

/// Somebody can still join and be served.
fn assert_serves(server: &DaemonProcess) {
    let device = DaemonProcess::device();
    device.join(server, user::Role::Customer, "Carla");
    device.assist_ok(["ticket", "new", "-t", "Still here", "-b", "", "--wait=server"]);
}

#[test]
fn greeting_of_another_version_project_or_device_is_refused_with_its_code() {
    let server = DaemonProcess::server("hero");
    let project = project_of(&server);
    let newer = PROTOCOL_VERSION + 1;
    let other = ProjectId::from_bytes([3; 32]);
    for (message, code) in [
        (PeerMessage::Hello(Hello { version: newer, ..newcomer(project) }), RefusedCode::Version),
        (PeerMessage::Hello(Hello { version: 0, ..newcomer(project) }), RefusedCode::Version),
        (PeerMessage::Enroll(Enroll { version: newer, ..enroll("AAAA-AAAA") }), RefusedCode::Version),
        (PeerMessage::Hello(newcomer(other)), RefusedCode::Project),
        (PeerMessage::Enroll(Enroll { project: Some(other), ..enroll("AAAA-AAAA") }), RefusedCode::Project),
        (PeerMessage::Hello(newcomer(project)), RefusedCode::Device),
        (PeerMessage::Enroll(enroll("AAAA-AAAA")), RefusedCode::Code),
        (PeerMessage::Seen(Seen { cursor: Seq::ZERO }), RefusedCode::Protocol),
    ] {
        assert_eq!(refusal_of(&server, &message), code, "{message:?}");
    }
    let status = server.call(&server::GetStatus {});
    assert_eq!((status.head, status.member_count), (1, 1), "nothing came of it");
    assert_serves(&server);
}

#[test]
fn frames_that_are_too_large_or_no_messages_end_the_link_and_nothing_else() {
    let server = DaemonProcess::server("hero");
    let bad_frame = u64::from(CloseCode::BAD_FRAME.0);
    let header = |size: usize| u32::try_from(size).unwrap().to_be_bytes();
    let first_frames: [&[u8]; 3] =
        [&header(GREETING_BYTES_MAX + 1), &header(usize::try_from(u32::MAX).unwrap()), b"\0\0\0\x05hello"];
    for bytes in first_frames {
        let mut stranger = Stranger::connect(port_of(&server), 7);
        stranger.send(bytes);
        assert_eq!(stranger.hear(), None, "{bytes:?}");
        assert_eq!(stranger.close_code(), bad_frame, "{bytes:?}");
    }
    // A member may say more, and is believed no more.
    let mut too_large = member(&server);
    too_large.send(&header(FRAME_BYTES_MAX + 1));
    assert_eq!(too_large.close_code(), bad_frame);
    let mut garbage = member(&server);
    garbage.send_frame(&[0xff; 100]);
    assert_eq!(garbage.close_code(), bad_frame);
    let mut out_of_place = member(&server);
    out_of_place.tell(&PeerMessage::Welcome(Welcome {
        version: PROTOCOL_VERSION,
        log: [0; 16],
        head: Seq::MAX,
        node: None,
        certificate: None,
        now: assist_crdt_model::UnixMillis(0),
        blob_bytes_max: None,
        hosts: None,
        wanted: Vec::new(),
    }));
    let code = std::iter::from_fn(|| out_of_place.hear()).find_map(|message| match message {
        PeerMessage::Refused(refused) => Some(refused.code),
        _ => None,
    });
    assert_eq!(code, Some(RefusedCode::Protocol));
    assert_serves(&server);
}

#[test]
fn server_of_another_project_at_the_same_place_gets_nothing_and_the_right_one_gets_all() {
    let mut hero = DaemonProcess::server("hero");
    let carla = DaemonProcess::device();
    carla.join(&hero, user::Role::Customer, "Carla");
    carla.until_connection(sync::ConnectionState::Online);
    let port = port_of(&hero).to_string();
    hero.stop();
    let mut impostor = DaemonProcess::server_at("hero", &port);
    let filed = carla.assist_ok(["ticket", "new", "-t", "For hero alone", "-b", ""]);
    carla.call(&sync::Resume::default());
    carla.until_connection(sync::ConnectionState::Refused);
    let status = carla.call(&sync::GetStatus::default());
    assert_eq!(status.projects[0].outbox_count, 1, "it is kept");
    let there = impostor.call(&server::GetStatus {});
    assert_eq!((there.head, there.ticket_count), (1, 0), "it was not given away");

    impostor.stop();
    hero.start();
    carla.call(&sync::Resume::default());
    carla.until_sent();
    let ticket = carla.call(&ticket::Get { ticket: filed.trim().into(), ..ticket::Get::default() });
    assert_eq!(ticket.row.number, Some(1));
}
