//! UDP sockets with room for bursts.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use rustix::net::sockopt;

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
