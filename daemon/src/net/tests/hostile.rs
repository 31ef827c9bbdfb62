//! What others may throw at the port: each is refused, and the endpoint lives on.

use quinn::crypto::rustls::QuicClientConfig;

use super::*;

fn header(size_bytes: usize) -> [u8; 4] {
    u32::try_from(size_bytes).unwrap().to_be_bytes()
}

fn impatient() -> Peer {
    let limits = NetLimits { greeting_timeout: Duration::from_millis(300), ..NetLimits::default() };
    Peer::new(1, Some(LOOPBACK), limits)
}

#[tokio::test]
async fn another_protocol_is_refused() {
    let mut server = Peer::server();
    let key = DeviceKey::from_secret(&[2; 32]);
    for protocols in [vec![b"assist/2".to_vec()], vec![b"h3".to_vec()], Vec::new()] {
        let mut tls = tls::client_config(&key).unwrap();
        tls.alpn_protocols = protocols;
        let config = ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).unwrap()));
        Stranger::with_config(config).connect(&server).await.unwrap_err();
    }
    assert_alive(&mut server).await;
}

#[tokio::test]
async fn a_client_without_a_key_is_refused() {
    let mut server = Peer::server();
    let mut tls = tls::client_config(&DeviceKey::from_secret(&[2; 32])).unwrap();
    tls.client_auth_cert_resolver = Arc::new(NoKey);
    let config = ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).unwrap()));
    let stranger = Stranger::with_config(config);
    // The server's verdict comes after the client's own handshake is over.
    if let Ok(connection) = stranger.connect(&server).await {
        let closed = close_of(&connection).await;
        assert!(matches!(closed, CloseReason::Lost(ConnectionError::ConnectionClosed(_))), "{closed:?}");
    }
    assert_alive(&mut server).await;
}

#[tokio::test]
async fn a_weak_key_is_refused() {
    let mut server = Peer::server();
    let mut tls = tls::client_config(&DeviceKey::from_secret(&[2; 32])).unwrap();
    tls.client_auth_cert_resolver = tls::tests::weak_key();
    let config = ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).unwrap()));
    let stranger = Stranger::with_config(config);
    if let Ok(connection) = stranger.connect(&server).await {
        let closed = close_of(&connection).await;
        assert!(matches!(closed, CloseReason::Lost(ConnectionError::ConnectionClosed(_))), "{closed:?}");
    }
    assert_alive(&mut server).await;
}

#[tokio::test]
async fn garbage_datagrams_change_nothing() {
    let mut server = Peer::server();
    let socket = UdpSocket::bind(LOOPBACK).unwrap();
    let mut state = 1u32;
    for size in (0..=1472).step_by(7) {
        let mut datagram: Vec<u8> = (0..size)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect();
        // Every other one looks like the first packet of a connection.
        if let (Some(first), true) = (datagram.first_mut(), size % 2 == 0) {
            *first |= 0xc0;
        }
        socket.send_to(&datagram, server.address()).unwrap();
    }
    assert_alive(&mut server).await;
}

#[tokio::test]
async fn a_frame_over_the_limit_ends_the_link() {
    let mut server = Peer::server();
    let stranger = Stranger::new(2);
    let mut bytes = [&header(2)[..], b"hi"].concat();
    bytes.extend(header(FRAME_BYTES_MAX + 1));
    let (connection, ..) = stranger.say(&server, &bytes).await;
    server.opened().await;
    assert_eq!(server.frame().await, "hi");
    let too_long = FrameError::TooLong { size_bytes: FRAME_BYTES_MAX + 1, frame_bytes_max: FRAME_BYTES_MAX };
    assert_eq!(server.closed().await, CloseReason::BadFrame(too_long));
    let closed = close_of(&connection).await;
    assert!(was_told(&closed, CloseCode::BAD_FRAME), "{closed:?}");
    assert_alive(&mut server).await;
}

#[tokio::test]
async fn a_first_frame_is_held_to_a_tighter_limit_and_is_never_heard_of() {
    let mut server = Peer::server();
    let (connection, ..) = Stranger::new(2).say(&server, &header(GREETING_BYTES_MAX + 1)).await;
    let closed = close_of(&connection).await;
    assert!(was_told(&closed, CloseCode::BAD_FRAME), "{closed:?}");
    assert_alive(&mut server).await;
}

#[tokio::test]
async fn a_stream_that_ends_within_a_frame_is_reported_as_such() {
    let mut server = Peer::server();
    let bytes = [&header(2)[..], b"hi", &header(10), b"half"].concat();
    let (_connection, mut send, _receive) = Stranger::new(2).say(&server, &bytes).await;
    send.finish().unwrap();
    server.opened().await;
    assert_eq!(server.frame().await, "hi");
    assert_eq!(server.closed().await, CloseReason::BadFrame(FrameError::Truncated));
    assert_alive(&mut server).await;
}

#[tokio::test]
async fn a_stream_that_is_reset_ends_the_link() {
    let mut server = Peer::server();
    let bytes = [&header(2)[..], b"hi"].concat();
    let (_connection, mut send, _receive) = Stranger::new(2).say(&server, &bytes).await;
    server.opened().await;
    assert_eq!(server.frame().await, "hi");
    send.reset(5u32.into()).unwrap();
    assert_eq!(server.closed().await, CloseReason::StreamEnded);
    assert_alive(&mut server).await;
}

#[tokio::test]
async fn who_opens_no_stream_or_says_half_a_greeting_is_sent_away_unheard() {
    let mut server = impatient();
    let stranger = Stranger::new(2);
    let mute = stranger.connect(&server).await.unwrap();
    let (slow, _send, _receive) = stranger.say(&server, &[&header(10)[..], b"half"].concat()).await;
    for connection in [mute, slow] {
        let closed = close_of(&connection).await;
        assert!(was_told(&closed, CloseCode::NO_GREETING), "{closed:?}");
    }
    assert_alive(&mut server).await;
}

#[tokio::test]
async fn a_stranger_cannot_make_us_hold_more_than_its_window_before_it_is_answered() {
    let mut server = Peer::with_capacity(1, Some(LOOPBACK), NetLimits::default(), 1);
    let stranger = Stranger::new(2);
    let (_connection, mut send, _receive) = stranger.say(&server, &[&header(2)[..], b"hi"].concat()).await;
    // `Opened` fills the channel, so nothing is read: what the stranger can still send is the window.
    let megabyte = vec![0; FRAME_BYTES_MAX];
    let mut taken = 0;
    while let Ok(written) = timeout(Duration::from_millis(300), send.write(&megabyte)).await {
        taken += written.unwrap();
    }
    // The window, and once more for what was read along with the greeting.
    assert!(taken <= 2 * GREETING_BYTES_MAX, "{taken} bytes were taken");
    let (link, ..) = server.opened().await;
    assert_eq!(server.frame().await, "hi");
    server.net.send(link, Bytes::from_static(b"welcome"));
    timeout(PATIENCE, send.write_all(&megabyte)).await.expect("the window opens").unwrap();
}

#[tokio::test]
async fn a_crowd_of_half_open_connections_is_bounded_leaves_room_for_others_and_passes() {
    let limits =
        NetLimits { greetings_max: 8, greeting_timeout: Duration::from_millis(1500), ..NetLimits::default() };
    let mut server = Peer::new(1, Some("[::]:0".parse().unwrap()), limits);
    let port = server.address().port();
    let stranger = Stranger::new(2);
    let mut connected = Vec::new();
    let mut refused = 0;
    for _ in 0..8 {
        match stranger.connect_to((Ipv4Addr::LOCALHOST, port).into()).await {
            Ok(connection) => connected.push(connection),
            Err(ConnectionError::ConnectionClosed(_)) => refused += 1,
            Err(error) => panic!("neither taken nor refused: {error}"),
        }
    }
    assert_eq!((connected.len(), refused), (4, 4));

    // From elsewhere there is room, for those who prove that they are there.
    let mut device = Peer::device();
    device.net.dial(DialId(1), vec![(Ipv6Addr::LOCALHOST, port).into()]);
    let (link, ..) = device.opened().await;
    device.net.send(link, Bytes::from_static(b"hello"));
    server.opened().await;
    assert_eq!(server.frame().await, "hello");

    for connection in connected {
        close_of(&connection).await;
    }
    stranger.connect_to((Ipv4Addr::LOCALHOST, port).into()).await.unwrap();
}

#[tokio::test]
async fn links_beyond_the_limit_are_refused() {
    let mut server = Peer::new(1, Some(LOOPBACK), NetLimits { links_max: 1, ..NetLimits::default() });
    let mut device = Peer::device();
    device.join(&server, b"first").await;
    server.opened().await;
    server.frame().await;
    let refused = Stranger::new(3).connect(&server).await.unwrap_err();
    assert!(matches!(refused, ConnectionError::ConnectionClosed(_)), "{refused:?}");
}

#[tokio::test]
async fn a_server_that_shows_no_usable_key_is_not_dialled_successfully() {
    let mut config = tls::server_config(&DeviceKey::from_secret(&[1; 32])).unwrap();
    config.cert_resolver = tls::tests::weak_key();
    let crypto = quinn::crypto::rustls::QuicServerConfig::try_from(config).unwrap();
    let server = Endpoint::server(quinn::ServerConfig::with_crypto(Arc::new(crypto)), LOOPBACK).unwrap();
    let mut device = Peer::device();
    device.net.dial(DialId(1), vec![server.local_addr().unwrap()]);
    let accept = async {
        while let Some(incoming) = server.accept().await {
            incoming.await.unwrap_err();
        }
    };
    tokio::select! {
        () = accept => panic!("the endpoint ended"),
        event = device.next() => {
            let NetEvent::DialFailed { error, .. } = event else { panic!("a weak key was taken: {event:?}") };
            assert!(matches!(error.failures[..], [DialFailure::Failed { .. }]), "{error:?}");
        }
    }
}

/// Shows no key at all.
#[derive(Debug)]
struct NoKey;

impl rustls::client::ResolvesClientCert for NoKey {
    fn resolve(
        &self,
        _root_hint_subjects: &[&[u8]],
        _sigschemes: &[rustls::SignatureScheme],
    ) -> Option<Arc<rustls::sign::CertifiedKey>> {
        None
    }

    fn only_raw_public_keys(&self) -> bool {
        true
    }

    fn has_certs(&self) -> bool {
        false
    }
}
