//! The overlay: finding this machine's mycelium node, and following what becomes of it.
//!
//! The node is asked over its local REST API; what it says is believed only if it fits its own key and an address of
//! this machine's interfaces. What one look means is pure ([`OverlayState::after`]); [`Follower`] looks.
//!
//! **Invariant:** nothing here opens a way around the overlay: without a node, there is a state that says so.

mod api;
#[cfg(test)]
mod fake_node;
mod follow;
mod known;
pub mod limits;
pub mod managed;
mod node;
mod state;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use assist_proto::address::is_overlay;
use serde::Deserialize;

pub use api::{AskError, ask};
pub use follow::Follower;
pub use known::{KnownAddress, KnownAddressError};
pub use managed::{ManagedConfig, PeerEndpoint};
pub use node::{NodeInfo, NodeInfoError};
pub use state::{Look, Node, OverlayState, Program};

/// Whose business the node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OverlayMode {
    /// A node that somebody else runs is asked and followed.
    #[default]
    External,
    /// This daemon runs the node itself.
    Managed,
    /// Nobody is asked: this daemon has nothing to do with the overlay.
    None,
}

/// How the overlay is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverlayConfig {
    /// Whose business the node is.
    pub mode: OverlayMode,
    /// Where the node's REST API listens.
    pub api: SocketAddr,
    /// The program that is run if the node is this daemon's business.
    pub program: PathBuf,
    /// Where its key lies, if not in the daemon's folder.
    pub key_folder: Option<PathBuf>,
    /// Whom it connects to.
    pub peers: Vec<PeerEndpoint>,
}

impl Default for OverlayConfig {
    fn default() -> Self {
        Self {
            mode: OverlayMode::default(),
            api: API_DEFAULT,
            program: follow::PROGRAM.into(),
            key_folder: None,
            peers: vec![state::PUBLIC_PEER.parse().expect("the constant names a peer")],
        }
    }
}

impl OverlayMode {
    /// As in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::External => "external",
            Self::Managed => "managed",
            Self::None => "none",
        }
    }
}

/// A word that is no mode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no way to use the overlay: \"external\" follows a mycelium node that runs, \"managed\" runs one, \"none\" \
     leaves the overlay alone"
)]
pub struct ParseModeError(String);

impl FromStr for OverlayMode {
    type Err = ParseModeError;

    fn from_str(text: &str) -> Result<Self, ParseModeError> {
        match text {
            "external" => Ok(Self::External),
            "managed" => Ok(Self::Managed),
            "none" => Ok(Self::None),
            other => Err(ParseModeError(other.chars().take(limits::WORD_CHARS_MAX).collect())),
        }
    }
}

/// Says why there is no way to an address that the overlay alone leads to; `None` where there may be one, or where the
/// overlay is not this daemon's business.
///
/// It looks at the interfaces themselves: they are never out of date, and a node whose API is off carries all the same.
pub fn hindrance(address: IpAddr, state: &OverlayState) -> Option<String> {
    if !is_overlay(address) || *state == OverlayState::Off {
        return None;
    }
    match follow::overlay_addresses() {
        Ok(own) if own.is_empty() => Some(state.hindrance()),
        // Not knowing is no reason not to try.
        _ => None,
    }
}

/// Where mycelium's REST API listens unless it is told otherwise.
pub const API_DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8989);
