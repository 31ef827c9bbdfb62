//! What the overlay's socket lets through, of packets that are made up.

use std::sync::Mutex;
use std::task::Waker;

use super::*;

/// A socket that has received packets of these senders to these addresses.
#[derive(Debug)]
struct Received(Mutex<Vec<(&'static str, Option<&'static str>)>>);

impl AsyncUdpSocket for Received {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        unreachable!("nothing is sent")
    }

    fn try_send(&self, _: &Transmit) -> io::Result<()> {
        unreachable!("nothing is sent")
    }

    fn poll_recv(
        &self,
        _: &mut Context,
        _: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let received = std::mem::take(&mut *self.0.lock().unwrap());
        for (meta, (from, to)) in metas.iter_mut().zip(&received) {
            let addr = SocketAddr::new(from.parse().unwrap(), 1);
            let dst_ip = to.map(|to| to.parse().unwrap());
            *meta = RecvMeta { addr, len: 100, stride: 100, ecn: None, dst_ip };
        }
        Poll::Ready(Ok(received.len()))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(ANY)
    }
}

/// Which of the packets go through a socket that is bound there, and how many were counted as ignored.
fn through(bound: &str, packets: Vec<(&'static str, Option<&'static str>)>) -> (Vec<bool>, u64) {
    let count = packets.len();
    let ignored = Arc::new(AtomicU64::new(0));
    let inner = Arc::new(Received(Mutex::new(packets)));
    let socket = OverlayOnly { inner, bound: bound.parse().unwrap(), ignored: Arc::clone(&ignored) };
    let mut metas = [RecvMeta { addr: ANY, len: 0, stride: 0, ecn: None, dst_ip: None }; 8];
    let mut context = Context::from_waker(Waker::noop());
    let polled = socket.poll_recv(&mut context, &mut [], &mut metas);
    assert!(matches!(polled, Poll::Ready(Ok(received)) if received == count));
    (metas[..count].iter().map(|meta| meta.len > 0).collect(), ignored.load(Ordering::Relaxed))
}

#[test]
fn both_ends_of_a_packet_have_to_be_of_the_overlay() {
    let (passed, ignored) = through(
        "::",
        vec![
            ("54f::2", Some("54f::1")),
            // From the local network, to the overlay's address of this machine, and the other way round.
            ("2001:db8::2", Some("54f::1")),
            ("fe80::2", Some("54f::1")),
            ("54f::2", Some("2001:db8::1")),
            ("54f::2", Some("::1")),
            ("192.0.2.7", Some("54f::1")),
            ("::ffff:192.0.2.7", Some("54f::1")),
            // The system does not say where it was for, and it may have been for anything.
            ("54f::2", None),
        ],
    );
    assert_eq!((passed, ignored), (vec![true, false, false, false, false, false, false, false], 7));
}

#[test]
fn a_socket_at_one_address_knows_where_its_packets_were_for() {
    let (passed, ignored) = through("54f::1", vec![("5ff::2", None), ("600::2", None), ("3ff::2", None)]);
    assert_eq!((passed, ignored), (vec![true, false, false], 2));
}
