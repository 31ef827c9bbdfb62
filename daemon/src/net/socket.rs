//! UDP sockets with room for bursts, and the one that hears the overlay alone.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use assist_proto::address::is_overlay;
use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, Runtime as _, TokioRuntime, UdpPoller};
use rustix::net::{AddressFamily, SocketType, sockopt};

/// Opens a socket at an address.
pub(super) fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(address)?;
    raise_buffers(&socket);
    Ok(socket)
}

/// Opens a socket for dialling: one for both families where the machine has IPv6, else for IPv4 alone.
pub(super) fn bind_any() -> io::Result<UdpSocket> {
    bind(ANY).or_else(|_| bind((Ipv4Addr::UNSPECIFIED, 0).into()))
}

/// By which address of this machine packets would leave for a peer now; sends none.
pub(super) fn source_for(peer: SocketAddr) -> io::Result<IpAddr> {
    let any = if peer.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { IpAddr::from(Ipv6Addr::UNSPECIFIED) };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(peer)?;
    Ok(socket.local_addr()?.ip())
}

/// Opens a socket at an overlay address, whether or not the node is up: a bound socket survives that the node goes and
/// comes back. Where the system binds only what is there, it is every IPv6 address of the machine, and no IPv4 one.
pub(super) fn bind_overlay(address: SocketAddrV6) -> io::Result<UdpSocket> {
    let socket = overlay_socket()?;
    let bound = match rustix::net::bind(&socket, &address) {
        Err(rustix::io::Errno::ADDRNOTAVAIL) => {
            tracing::warn!(%address, "the overlay's address is not there yet: listening on all, and hearing the overlay alone");
            rustix::net::bind(&socket, &SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, address.port(), 0, 0))
        }
        bound => bound,
    };
    bound?;
    raise_buffers(&socket);
    Ok(socket)
}

/// An IPv6 socket that takes no IPv4, bound nowhere yet.
fn overlay_socket() -> io::Result<UdpSocket> {
    #[cfg(target_os = "linux")]
    let socket = rustix::net::socket_with(
        AddressFamily::INET6,
        SocketType::DGRAM,
        rustix::net::SocketFlags::CLOEXEC,
        None,
    )?;
    #[cfg(not(target_os = "linux"))]
    let socket = rustix::net::socket(AddressFamily::INET6, SocketType::DGRAM, None)?;
    sockopt::set_ipv6_v6only(&socket, true)?;
    #[cfg(target_os = "linux")]
    sockopt::set_ipv6_freebind(&socket, true)?;
    Ok(socket.into())
}

/// A socket that lets through only what comes over the overlay: from an address in 400::/7 to an address in 400::/7.
/// The rest is dropped before QUIC looks at it, so that it is not even answered, and counted.
#[derive(Debug)]
pub(super) struct OverlayOnly {
    inner: Arc<dyn AsyncUdpSocket>,
    /// Where it is bound: what the packets are for, where the system does not say.
    bound: IpAddr,
    ignored: Arc<AtomicU64>,
}

impl OverlayOnly {
    pub(super) fn new(socket: UdpSocket, ignored: Arc<AtomicU64>) -> io::Result<Arc<Self>> {
        let bound = socket.local_addr()?.ip();
        Ok(Arc::new(Self { inner: TokioRuntime.wrap_udp_socket(socket)?, bound, ignored }))
    }

    fn comes_over_overlay(&self, meta: &RecvMeta) -> bool {
        is_overlay(meta.addr.ip()) && is_overlay(meta.dst_ip.unwrap_or(self.bound))
    }
}

impl AsyncUdpSocket for OverlayOnly {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Arc::clone(&self.inner).create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit) -> io::Result<()> {
        self.inner.try_send(transmit)
    }

    fn poll_recv(
        &self,
        cx: &mut Context,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let received = self.inner.poll_recv(cx, bufs, meta);
        if let Poll::Ready(Ok(count)) = received {
            for meta in meta.iter_mut().take(count).filter(|meta| !self.comes_over_overlay(meta)) {
                // Several packets of one sender may come as one; QUIC makes nothing of an empty one.
                self.ignored
                    .fetch_add(meta.len.div_ceil(meta.stride.max(1)).max(1) as u64, Ordering::Relaxed);
                meta.len = 0;
            }
        }
        received
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        self.inner.max_transmit_segments()
    }

    fn max_receive_segments(&self) -> usize {
        self.inner.max_receive_segments()
    }

    fn may_fragment(&self) -> bool {
        self.inner.may_fragment()
    }
}

/// Asks for large kernel buffers. The usual 208 KiB lose packets in a burst of handshakes: 50 at once then go
/// through at 170-200 a second instead of 1,400. What the system allows is enough, so a refusal is no error.
fn raise_buffers(socket: &UdpSocket) {
    // Beyond the system's limit where we have the privilege, else up to it.
    #[cfg(target_os = "linux")]
    let forced = sockopt::set_socket_recv_buffer_size_force(socket, BUFFER_BYTES).is_ok()
        && sockopt::set_socket_send_buffer_size_force(socket, BUFFER_BYTES).is_ok();
    #[cfg(not(target_os = "linux"))]
    let forced = false;
    if !forced {
        sockopt::set_socket_recv_buffer_size(socket, BUFFER_BYTES).ok();
        sockopt::set_socket_send_buffer_size(socket, BUFFER_BYTES).ok();
    }
    let received = sockopt::socket_recv_buffer_size(socket).unwrap_or(0);
    tracing::debug!(received, "size of the UDP receive buffer in bytes");
}

/// Any port on all addresses: of both families, where the system has both.
pub(super) const ANY: SocketAddr = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 0);
/// Per direction; used only while packets wait.
const BUFFER_BYTES: usize = 8 * 1024 * 1024;

#[cfg(test)]
mod tests;
