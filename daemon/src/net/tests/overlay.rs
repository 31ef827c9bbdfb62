//! Listening for the overlay alone, and elsewhere than before.

use super::*;

/// A packet of a version that nobody speaks: QUIC answers it, whoever sent it.
fn strange_packet() -> Vec<u8> {
    let mut packet = vec![0xc0, 0x1a, 0x2a, 0x3a, 0x4a, 8];
    packet.extend([7; 8]);
    packet.push(8);
    packet.extend([9; 8]);
    packet.resize(1200, 0);
    packet
}

/// Sends that packet, and tells whether anything comes back within `patience`.
fn is_answered(address: SocketAddr, patience: Duration) -> bool {
    let socket = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).unwrap();
    socket.set_read_timeout(Some(patience)).unwrap();
    socket.send_to(&strange_packet(), address).unwrap();
    socket.recv(&mut [0; 1500]).is_ok()
}

/// Waits until a condition holds.
async fn until(mut condition: impl FnMut() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, wait).await.expect("in time");
}

fn server_on(on: ListenOn) -> Peer {
    let key = DeviceKey::from_secret(&[1; 32]);
    let (events_tx, events) = mpsc::channel(64);
    let config = NetConfig { bind: Some(on), ..NetConfig::default() };
    let net = Net::bind(&config, &key, Arc::new(|frame| frame), events_tx).unwrap();
    Peer { net, events, id: key.device_id() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn who_does_not_come_over_the_overlay_gets_no_answer_at_all() {
    let loopback = SocketAddrV6::new(Ipv6Addr::LOCALHOST, 0, 0, 0);
    let open = server_on(ListenOn::Literal(loopback.into()));
    assert!(is_answered(open.address(), PATIENCE), "the same packet is answered by an open server");
    let server = server_on(ListenOn::Overlay(loopback));
    let listener = server.net.listener();
    assert!(!is_answered(server.address(), Duration::from_millis(200)));
    until(|| listener.ignored_packets() == 1).await;
    let limits = NetLimits { connect_timeout: Duration::from_millis(500), ..NetLimits::default() };
    let mut device = Peer::new(2, None, limits);
    device.net.dial(DialId(1), vec![server.address()]);
    let NetEvent::DialFailed { error, .. } = device.next().await else { panic!("it was let in") };
    assert!(matches!(error.failures[..], [DialFailure::TimedOut { .. }]), "{error}");
    assert!(listener.ignored_packets() > 1);
    assert_eq!(open.net.listener().ignored_packets(), 0);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_overlay_address_is_listened_at_before_it_is_there() {
    let address: Ipv6Addr = "54f:b680:ba6e:7ced:355f:346f:d97b:eecb".parse().unwrap();
    let server = server_on(ListenOn::Overlay(SocketAddrV6::new(address, 0, 0, 0)));
    assert_eq!(server.address().ip(), address);
}

#[tokio::test]
async fn a_server_moves_and_who_is_connected_stays() {
    let mut server = Peer::server();
    let mut early = Peer::device();
    let link = early.join(&server, b"hello").await;
    server.opened().await;
    server.frame().await;
    let (before, listener) = (server.address(), server.net.listener());
    listener.listen(ListenOn::Literal(LOOPBACK));
    until(|| listener.listening() != Some(before)).await;
    early.net.send(link, Bytes::from_static(b"still here"));
    assert_eq!(server.frame().await, "still here");
    let mut late = Peer::new(3, None, NetLimits::default());
    late.join(&server, b"over here").await;
    server.opened().await;
    assert_eq!(server.frame().await, "over here");
    let limits = NetLimits { connect_timeout: Duration::from_millis(300), ..NetLimits::default() };
    let lost = Peer::new(4, None, limits);
    lost.net.dial(DialId(1), vec![before]);
    let mut lost = lost;
    assert!(matches!(lost.next().await, NetEvent::DialFailed { .. }), "nobody new is taken up there");
}

#[tokio::test]
async fn a_place_that_cannot_be_had_leaves_all_as_it_was() {
    let mut server = Peer::server();
    let taken = UdpSocket::bind(LOOPBACK).unwrap();
    let (before, listener) = (server.address(), server.net.listener());
    listener.listen(ListenOn::Literal(taken.local_addr().unwrap()));
    Peer::device().join(&server, b"hello").await;
    server.opened().await;
    assert_eq!(server.frame().await, "hello");
    assert_eq!(listener.listening(), Some(before));
}

#[tokio::test]
async fn what_has_no_way_is_not_dialled_and_says_why() {
    let key = DeviceKey::from_secret(&[2; 32]);
    let (events_tx, events) = mpsc::channel(64);
    let ways = Ways::new(|address| address.is_ipv6().then(|| "no node runs here".to_owned()));
    let config = NetConfig { ways, ..NetConfig::default() };
    let net = Net::bind(&config, &key, Arc::new(|frame| frame), events_tx).unwrap();
    let mut device = Peer { net, events, id: key.device_id() };
    let overlay: SocketAddr = "[54f::1]:9470".parse().unwrap();
    device.net.dial(DialId(7), vec![overlay]);
    let NetEvent::DialFailed { error, .. } = device.next().await else { panic!("it was dialled") };
    assert_eq!(error.to_string(), "there is no way to [54f::1]:9470: no node runs here");
    // Another host of the same server is reached at once.
    let server = Peer::server();
    device.net.dial(DialId(8), vec![overlay, server.address()]);
    assert_eq!(device.opened().await.1, server.id);
}

#[tokio::test]
async fn a_link_says_where_it_leads_and_what_it_carried() {
    let mut server = Peer::server();
    let mut device = Peer::device();
    let link = device.join(&server, b"hello").await;
    server.opened().await;
    server.frame().await;
    let traffic = device.net.meter().traffic(link).unwrap();
    assert_eq!(traffic.peer, server.address());
    assert!(traffic.sent_bytes > 1200 && traffic.received_bytes > 0 && !traffic.round_trip.is_zero());
    assert!(device.net.meter().traffic(LinkId(99)).is_none());
}

#[tokio::test]
async fn a_link_whose_way_has_changed_is_closed_at_once() {
    let mut server = Peer::server();
    let mut device = Peer::device();
    let link = device.join(&server, b"hello").await;
    server.opened().await;
    server.frame().await;
    device.net.network_changed();
    device.net.send(link, Bytes::from_static(b"nothing changed"));
    assert_eq!(server.frame().await, "nothing changed");
    device.net.shared.links.close_rerouted(|_| Err(std::io::ErrorKind::OutOfMemory.into()));
    device.net.send(link, Bytes::from_static(b"nor is this a change"));
    assert_eq!(server.frame().await, "nor is this a change");
    let changes = [Ok(Ipv6Addr::LOCALHOST.into()), Err(std::io::ErrorKind::NetworkUnreachable)];
    for (number, change) in (2..).zip(changes) {
        device.net.shared.links.close_rerouted(|peer| {
            assert_eq!(peer, server.address());
            change.map_err(Into::into)
        });
        assert_eq!(device.closed().await, CloseReason::NetworkChanged);
        device.net.dial(DialId(number), vec![server.address()]);
        device.opened().await;
    }
}
