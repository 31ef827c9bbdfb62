//! What two ends that keep to the rules can rely on.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

#[tokio::test]
async fn frames_go_both_ways_in_order_and_the_peers_are_their_keys() {
    let (mut server, mut device) = (Peer::server(), Peer::device());
    device.net.dial(DialId(7), vec![server.address()]);
    let (up, peer, side) = device.opened().await;
    assert_eq!((peer, side), (server.id, LinkSide::Outbound { dial: DialId(7) }));
    let sizes = [5, 0, 100, 4096, 5000, FRAME_BYTES_MAX, 1, 300_000];
    for size in sizes {
        device.net.send(up, Bytes::from(vec![size as u8; size]));
    }
    let (down, peer, side) = server.opened().await;
    assert_eq!((peer, side), (device.id, LinkSide::Inbound));
    for size in sizes {
        let frame = server.frame().await;
        assert_eq!(frame, vec![size as u8; size]);
        server.net.send(down, frame);
    }
    for size in sizes {
        assert_eq!(device.frame().await, vec![size as u8; size]);
    }
}

#[tokio::test]
async fn every_connection_proves_the_key_anew() {
    let mut server = Peer::server();
    let stranger = Stranger::new(2);
    for _ in 0..3 {
        let connecting = stranger.endpoint.connect(server.address(), "anything").unwrap();
        // There is nothing to resume from, so there is no 0-RTT either.
        let connection = connecting.into_0rtt().map(|_| ()).unwrap_err().await.unwrap();
        let (mut send, _receive) = connection.open_bi().await.unwrap();
        send.write_all(&[0, 0, 0, 2, b'h', b'i']).await.unwrap();
        let (link, peer, _) = server.opened().await;
        assert_eq!(peer, DeviceKey::from_secret(&[2; 32]).device_id());
        assert_eq!(server.frame().await, "hi");
        server.net.close(link, ANSWER, "again");
        assert!(matches!(server.closed().await, CloseReason::Here { .. }));
    }
}

#[tokio::test]
async fn a_close_delivers_what_is_queued_and_its_reason_to_the_other_side() {
    let (mut server, mut device) = (Peer::server(), Peer::device());
    device.join(&server, b"hello").await;
    let (link, ..) = server.opened().await;
    server.frame().await;
    server.net.send(link, Bytes::from(vec![1; FRAME_BYTES_MAX]));
    server.net.send(link, Bytes::from_static(b"last words"));
    server.net.close(link, ANSWER, "not on the roster");
    server.net.send(link, Bytes::from_static(b"too late"));
    assert_eq!(device.frame().await.len(), FRAME_BYTES_MAX);
    assert_eq!(device.frame().await, "last words");
    let reason = "not on the roster".to_owned();
    assert_eq!(device.closed().await, CloseReason::ByPeer { code: ANSWER, reason: reason.clone() });
    assert_eq!(server.closed().await, CloseReason::Here { code: ANSWER, reason });
}

#[tokio::test]
async fn a_dead_address_does_not_keep_a_live_one_waiting() {
    let (server, mut device) = (Peer::server(), Peer::device());
    // Bound, and never answered: packets to it vanish.
    let dead = UdpSocket::bind(LOOPBACK).unwrap();
    device.net.dial(DialId(1), vec![dead.local_addr().unwrap(), server.address()]);
    let (_, peer, _) = device.opened().await;
    assert_eq!(peer, server.id);
}

#[tokio::test]
async fn a_dial_that_reaches_nobody_fails_with_a_cause_for_each_address() {
    let limits = NetLimits {
        connect_timeout: Duration::from_millis(200),
        head_start: Duration::ZERO,
        ..NetLimits::default()
    };
    let mut device = Peer::new(2, None, limits);
    let dead = UdpSocket::bind(LOOPBACK).unwrap().local_addr().unwrap();
    device.net.dial(DialId(3), vec![dead, SocketAddr::new(dead.ip(), 0)]);
    let NetEvent::DialFailed { dial, error } = device.next().await else { panic!("it was dead") };
    assert_eq!(dial, DialId(3));
    assert!(
        matches!(error.failures[..], [DialFailure::Unusable { .. }, DialFailure::TimedOut { .. }]),
        "{error:?}"
    );
    let shown = error.to_string();
    assert!(shown.contains(&format!("; {dead} did not answer in time")), "{shown}");
    device.net.dial(DialId(4), Vec::new());
    let NetEvent::DialFailed { error, .. } = device.next().await else { panic!("there was no address") };
    assert_eq!(error.to_string(), "there is no address to dial");
}

#[tokio::test]
async fn nothing_comes_of_a_dial_that_was_given_up() {
    let (mut server, mut device) = (Peer::server(), Peer::device());
    device.net.dial(DialId(1), vec![UdpSocket::bind(LOOPBACK).unwrap().local_addr().unwrap()]);
    device.net.cancel_dial(DialId(1));
    device.net.cancel_dial(DialId(2));
    device.net.dial(DialId(3), vec![server.address()]);
    let (link, _, side) = device.opened().await;
    assert_eq!(side, LinkSide::Outbound { dial: DialId(3) });
    device.net.send(link, Bytes::from_static(b"hello"));
    server.opened().await;
}

#[tokio::test]
async fn one_device_reaches_servers_of_both_families() {
    let mut device = Peer::device();
    let servers = ["127.0.0.1:0", "[::1]:0"]
        .map(|bind| Peer::new(1, Some(bind.parse().unwrap()), NetLimits::default()));
    for server in &servers {
        device.join(server, b"hello").await;
    }
}

#[tokio::test]
async fn a_sender_is_told_what_has_been_handed_on() {
    let (mut server, mut device) = (Peer::server(), Peer::device());
    let link = device.join(&server, b"hello").await;
    server.opened().await;
    server.frame().await;
    let sizes = [SENT_STEP_BYTES, 1000, 2 * SENT_STEP_BYTES];
    for size in sizes {
        device.net.send(link, Bytes::from(vec![0; size]));
    }
    let mut told = 0;
    while told < sizes.iter().sum() {
        match timeout(PATIENCE, device.events.recv()).await.unwrap().unwrap() {
            NetEvent::Sent { bytes, .. } => told += bytes,
            event => panic!("not sent: {event:?}"),
        }
    }
    assert_eq!(told, sizes.iter().sum::<usize>() + b"hello".len());
}

#[tokio::test]
async fn a_peer_whose_frames_are_not_taken_is_held_back() {
    let mut server = Peer::with_capacity(1, Some(LOOPBACK), NetLimits::default(), 1);
    let limits = NetLimits { queue_bytes_max: usize::MAX, ..NetLimits::default() };
    let mut device = Peer::new(2, None, limits);
    let link = device.join(&server, b"hello").await;
    let (down, ..) = server.opened().await;
    server.net.send(down, Bytes::from_static(b"welcome"));
    device.frame().await;

    // More than all windows together: the sender must come to a halt with most of it still in its hands.
    let count = 64;
    for _ in 0..count {
        device.net.send(link, Bytes::from(vec![0; FRAME_BYTES_MAX]));
    }
    let mut sent = 0;
    while let Ok(event) = timeout(Duration::from_millis(500), device.events.recv()).await {
        match event.unwrap() {
            NetEvent::Sent { bytes, .. } => sent += bytes,
            event => panic!("not sent: {event:?}"),
        }
    }
    assert!(sent < 16 * FRAME_BYTES_MAX, "{sent} bytes went out to a peer that takes none");

    assert_eq!(server.frame().await, "hello");
    for _ in 0..count {
        assert_eq!(server.frame().await.len(), FRAME_BYTES_MAX);
    }
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_given_up_when_its_queue_is_full() {
    let limits = NetLimits { queue_bytes_max: 8 * FRAME_BYTES_MAX, ..NetLimits::default() };
    let mut server = Peer::new(1, Some(LOOPBACK), limits);
    let stranger = Stranger::new(2);
    let (connection, _send, _receive) = stranger.say(&server, &[0, 0, 0, 1, b'x']).await;
    let (link, ..) = server.opened().await;
    server.frame().await;
    for _ in 0..64 {
        server.net.send(link, Bytes::from(vec![0; FRAME_BYTES_MAX]));
    }
    assert_eq!(server.closed().await, CloseReason::NotReading);
    let closed = close_of(&connection).await;
    assert!(was_told(&closed, CloseCode::NOT_READING), "{closed:?}");
    assert_alive(&mut server).await;
}

#[tokio::test]
async fn a_shutdown_delivers_what_is_queued_and_says_so() {
    let (mut server, mut device) = (Peer::server(), Peer::device());
    device.join(&server, b"hello").await;
    let (link, ..) = server.opened().await;
    let megabyte = Bytes::from(vec![0; FRAME_BYTES_MAX]);
    server.net.send(link, megabyte.clone());
    server.net.send(link, Bytes::from_static(b"bye"));
    drop(server.events);
    server.net.shutdown(CloseCode::SHUTDOWN, "upgrade", PATIENCE).await;
    assert_eq!(device.frame().await, megabyte);
    assert_eq!(device.frame().await, "bye");
    let closed = device.closed().await;
    assert_eq!(closed, CloseReason::ByPeer { code: CloseCode::SHUTDOWN, reason: "upgrade".to_owned() });
}

#[tokio::test]
async fn a_shutdown_without_patience_ends_all_tasks_at_once() {
    let mut server = Peer::with_capacity(1, Some(LOOPBACK), NetLimits::default(), 1);
    let mut device = Peer::device();
    device.join(&server, b"hello").await;
    server.opened().await;
    // A dial under way, and a reader that nobody takes frames from, are not waited for.
    server.net.dial(DialId(1), vec![UdpSocket::bind(LOOPBACK).unwrap().local_addr().unwrap()]);
    server.net.shutdown(CloseCode::SHUTDOWN, "", Duration::ZERO).await;
    // The events end, because no task is left that could send one.
    while server.events.recv().await.is_some() {}
    assert!(matches!(device.closed().await, CloseReason::ByPeer { .. }));
}

#[tokio::test]
async fn a_silent_link_lives_as_long_as_the_dialling_side_keeps_it() {
    let short = Duration::from_millis(300);
    let limits = NetLimits { idle_timeout: short, keep_alive: short / 5, ..NetLimits::default() };
    let mut server = Peer::new(1, Some(LOOPBACK), limits.clone());
    let mut kept = Peer::new(2, None, limits.clone());
    let mut silent = Peer::new(3, None, NetLimits { keep_alive: PATIENCE, ..limits });
    let kept_link = kept.join(&server, b"kept").await;
    server.opened().await;
    server.frame().await;
    silent.join(&server, b"silent").await;
    server.opened().await;
    server.frame().await;
    assert_eq!(server.closed().await, CloseReason::TimedOut);
    kept.net.send(kept_link, Bytes::from_static(b"still here"));
    assert_eq!(server.frame().await, "still here");
}

#[tokio::test]
async fn the_step_on_a_frame_runs_before_the_driver_and_its_fault_ends_only_the_link() {
    let (events_tx, mut events) = mpsc::channel(8);
    let prepare: Prepare<usize> = Arc::new(|frame| {
        assert!(frame != "poison", "poison");
        frame.len()
    });
    let config = NetConfig { bind: Some(ListenOn::Literal(LOOPBACK)), ..NetConfig::default() };
    let server = Net::bind(&config, &DeviceKey::from_secret(&[1; 32]), prepare, events_tx).unwrap();
    for (word, is_poison) in [("poison", true), ("bread", false)] {
        let mut device = Peer::device();
        device.net.dial(DialId(1), vec![server.listen_address().unwrap()]);
        let (link, ..) = device.opened().await;
        device.net.send(link, Bytes::from(word));
        assert!(matches!(events.recv().await, Some(NetEvent::Opened { .. })));
        match events.recv().await.unwrap() {
            NetEvent::Closed { reason, .. } => assert!(is_poison && reason == CloseReason::Internal),
            NetEvent::Frame { frame, .. } => assert!(!is_poison && frame == word.len()),
            event => panic!("unexpected: {event:?}"),
        }
    }
}

#[tokio::test]
async fn a_close_does_not_wait_for_a_peer_that_does_not_read() {
    let limits = NetLimits { linger: Duration::from_millis(200), ..NetLimits::default() };
    let mut server = Peer::new(1, Some(LOOPBACK), limits);
    let (connection, _send, _receive) = Stranger::new(2).say(&server, &[0, 0, 0, 1, b'x']).await;
    let (link, ..) = server.opened().await;
    server.frame().await;
    for _ in 0..16 {
        server.net.send(link, Bytes::from(vec![0; FRAME_BYTES_MAX]));
    }
    server.net.close(link, ANSWER, "enough");
    assert!(matches!(server.closed().await, CloseReason::Here { code: ANSWER, .. }));
    let closed = close_of(&connection).await;
    assert!(was_told(&closed, ANSWER), "{closed:?}");
}

#[tokio::test]
async fn what_a_peer_says_after_we_close_is_not_looked_at() {
    let (events_tx, mut events) = mpsc::channel(8);
    let looked_at = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&looked_at);
    let prepare: Prepare<()> = Arc::new(move |_frame| {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    let limits = NetLimits { linger: Duration::from_millis(300), ..NetLimits::default() };
    let config = NetConfig { bind: Some(ListenOn::Literal(LOOPBACK)), limits, ..NetConfig::default() };
    let server = Net::bind(&config, &DeviceKey::from_secret(&[1; 32]), prepare, events_tx).unwrap();
    let stranger = Stranger::new(2);
    let connection = stranger.connect_to(server.listen_address().unwrap()).await.unwrap();
    let (mut send, _receive) = connection.open_bi().await.unwrap();
    send.write_all(&[0, 0, 0, 1, b'x']).await.unwrap();
    let Some(NetEvent::Opened { link, .. }) = events.recv().await else { panic!("not opened") };
    assert!(matches!(events.recv().await, Some(NetEvent::Frame { .. })));

    // More than the stranger takes, so that the close lingers while the stranger talks on.
    for _ in 0..16 {
        server.send(link, Bytes::from(vec![0; FRAME_BYTES_MAX]));
    }
    server.close(link, ANSWER, "enough");
    send.write_all(&[0, 0, 0, 1, b'y']).await.unwrap();
    while !matches!(events.recv().await.unwrap(), NetEvent::Closed { .. }) {}
    assert_eq!(looked_at.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_device_notices_at_its_next_frame_that_the_server_was_killed_and_is_back() {
    // On a runtime of its own, which ends without a word to anybody, as a killed process does.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut server = {
        let _entered = runtime.enter();
        Peer::server()
    };
    let mut device = Peer::device();
    let link = device.join(&server, b"hello").await;
    server.opened().await;
    server.frame().await;
    let address = server.address();
    tokio::task::spawn_blocking(move || runtime.shutdown_timeout(PATIENCE)).await.unwrap();
    drop(server);

    let mut server = Peer::new(1, Some(address), NetLimits::default());
    device.net.send(link, Bytes::from_static(b"are you there?"));
    assert_eq!(device.closed().await, CloseReason::Lost(ConnectionError::Reset));
    device.join(&server, b"hello again").await;
    server.opened().await;
    assert_eq!(server.frame().await, "hello again");
}
