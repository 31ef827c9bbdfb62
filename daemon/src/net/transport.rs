//! QUIC's settings: every bound of the transport, with its reason.

use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::{NoInitialCipherSuite, QuicClientConfig, QuicServerConfig};
use quinn::{
    ClientConfig, EndpointConfig, IdleTimeout, NoneTokenStore, ServerConfig, TransportConfig, VarInt,
};

use super::reset::{RandomIds, ResetKey};
use super::tls;
use crate::device_key::DeviceKey;

/// The bounds of a [`super::Net`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetLimits {
    /// Inbound links at a time. One costs about 30 KiB while idle.
    pub links_max: usize,
    /// Inbound connections that have not sent their first frame, at a time.
    pub greetings_max: usize,
    /// How long an inbound connection may take for handshake and first frame.
    pub greeting_timeout: Duration,
    /// How long a dial may take. A restarted overlay node is back after up to 7 s, with outliers of 15.
    pub connect_timeout: Duration,
    /// How long one address of a dial has before the next is tried beside it.
    pub head_start: Duration,
    /// How long a connection may be silent before it is given up. Longer than the overlay's outages.
    pub idle_timeout: Duration,
    /// How often the dialling side breaks the silence: a third of the timeout, so that two may get lost.
    pub keep_alive: Duration,
    /// Bytes of frames that may wait for a link that does not take them.
    pub queue_bytes_max: usize,
    /// How long a closing link may take to deliver what is queued.
    pub linger: Duration,
}

impl Default for NetLimits {
    fn default() -> Self {
        Self {
            links_max: 16_384,
            greetings_max: 1_024,
            greeting_timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(20),
            head_start: Duration::from_millis(250),
            idle_timeout: Duration::from_secs(60),
            keep_alive: Duration::from_secs(20),
            queue_bytes_max: 32 * 1024 * 1024,
            linger: Duration::from_secs(2),
        }
    }
}

/// Returns the settings of an endpoint on either side.
pub fn endpoint_config(key: &DeviceKey) -> EndpointConfig {
    let mut config = EndpointConfig::new(Arc::new(ResetKey::derive(key)));
    config
        .cid_generator(|| Box::new(RandomIds))
        // One for each packet of a forgotten connection, within a bound: a reset is smaller than what it answers.
        .min_reset_interval(Duration::from_millis(1))
        .max_udp_payload_size(MTU_BYTES)
        .expect("1200 is the least that QUIC allows");
    config
}

/// Makes the settings of the accepting side.
pub fn server_config(key: &DeviceKey, limits: &NetLimits) -> Result<ServerConfig, ConfigError> {
    let crypto = QuicServerConfig::try_from(tls::server_config(key)?)?;
    let mut transport = transport_config(limits);
    // The connection's window holds in what a stranger can make us keep; `open_window` lifts it.
    transport.receive_window(STRANGER_WINDOW_BYTES);
    let mut config = ServerConfig::with_crypto(Arc::new(crypto));
    config
        .transport_config(Arc::new(transport))
        // The overlay's addresses prove nothing, so a connection does not follow a new one.
        .migration(false)
        // Each is taken at once; these bound what arrives before that.
        .max_incoming(limits.greetings_max)
        .incoming_buffer_size(INCOMING_BYTES)
        .incoming_buffer_size_total(INCOMING_BYTES_TOTAL);
    Ok(config)
}

/// Makes the settings of the dialling side.
pub fn client_config(key: &DeviceKey, limits: &NetLimits) -> Result<ClientConfig, ConfigError> {
    let crypto = QuicClientConfig::try_from(tls::client_config(key)?)?;
    let mut transport = transport_config(limits);
    transport.keep_alive_interval(Some(limits.keep_alive));
    // Streams are opened by the side that dials.
    transport.max_concurrent_bidi_streams(VarInt::from_u32(0));
    let mut config = ClientConfig::new(Arc::new(crypto));
    // No server gives us tokens to come back with: nothing is remembered between two connections.
    config.transport_config(Arc::new(transport)).token_store(Arc::new(NoneTokenStore));
    Ok(config)
}

/// Lets a peer that we have answered send at full speed.
pub(super) fn open_window(connection: &quinn::Connection) {
    connection.set_receive_window(RECEIVE_WINDOW_BYTES);
}

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// TLS refused.
    #[error("TLS refuses the settings")]
    Tls(#[from] rustls::Error),
    /// QUIC misses the cipher of its first packets.
    #[error("QUIC misses the cipher of its first packets")]
    Cipher(#[from] NoInitialCipherSuite),
}

fn transport_config(limits: &NetLimits) -> TransportConfig {
    let idle_timeout = VarInt::try_from(limits.idle_timeout.as_millis()).unwrap_or(VarInt::MAX);
    let mut config = TransportConfig::default();
    config
        // A packet that is too large for an overlay link over QUIC tears that whole link down, so we never probe.
        .mtu_discovery_config(None)
        .initial_mtu(MTU_BYTES)
        .min_mtu(MTU_BYTES)
        .max_idle_timeout(Some(IdleTimeout::from(idle_timeout)))
        // QUIC allocates for every stream that it allows: 30 KiB an idle connection with these, 111 with 1,024 + 100.
        .max_concurrent_bidi_streams(VarInt::from_u32(16))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None)
        .stream_receive_window(STREAM_WINDOW_BYTES)
        .receive_window(RECEIVE_WINDOW_BYTES)
        .send_window(SEND_WINDOW_BYTES);
    config
}

/// Of a UDP payload: the least that QUIC demands, and within what every overlay link carries.
const MTU_BYTES: u16 = 1200;
/// What may be under way on one stream: 40 ms at 100 MB/s.
const STREAM_WINDOW_BYTES: VarInt = VarInt::from_u32(4 * 1024 * 1024);
/// What may be under way on all streams of a connection: frames, and two blobs that a slow disk holds up.
const RECEIVE_WINDOW_BYTES: VarInt = VarInt::from_u32(12 * 1024 * 1024);
/// The same until we have answered. A new connection sends about 14 KiB in its first round trip and doubles, so a
/// welcome peer is answered before it feels this.
const STRANGER_WINDOW_BYTES: VarInt = VarInt::from_u32(64 * 1024);
/// What a connection may keep for sending again: two blobs fill their streams' windows, and frames still go out.
const SEND_WINDOW_BYTES: u64 = 12 * 1024 * 1024;
/// Of packets that arrive for a connection before it is taken up.
const INCOMING_BYTES: u64 = 16 * 1024;
/// The same for all of them.
const INCOMING_BYTES_TOTAL: u64 = 4 * 1024 * 1024;
