//! Where a server listens, as people write it: `auto:9470`, `[::]:9470`, `192.0.2.7:9470`. Pure.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use assist_proto::limits::DEFAULT_PORT;
use serde::Deserialize;

/// Where a server listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Bind {
    /// At the overlay address of this machine, wherever its node has it, and to who comes over the overlay alone.
    Auto {
        /// The UDP port.
        port: u16,
    },
    /// Exactly there, to everybody.
    Literal(SocketAddr),
}

/// Why a text does not say where to listen. Each says what would.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseBindError {
    /// Nothing.
    #[error("nothing says where to listen; {EXPECTED}")]
    Empty,
    /// `auto` and no port, or none that can be kept.
    #[error("\"auto\" needs a port from 1 to 65535 behind a colon, as in \"auto:{DEFAULT_PORT}\"")]
    AutoPort,
    /// A port alone.
    #[error("{0:?} is a port without an address; {EXPECTED}")]
    NoAddress(String),
    /// An address alone.
    #[error("{address} needs a port, as in \"{with_port}\"", with_port = SocketAddr::new(*address, DEFAULT_PORT))]
    NoPort {
        /// The address.
        address: IpAddr,
    },
    /// IPv6 and a port that run into each other.
    #[error("{0:?} needs the IPv6 address in brackets before the port, as in \"[::]:{DEFAULT_PORT}\"")]
    Brackets(String),
    /// A name.
    #[error("{0:?} is a name, and only IP addresses can be listened at; {EXPECTED}")]
    Name(String),
    /// A group of machines.
    #[error("{0} is an address of many machines, not one of this one; {EXPECTED}")]
    Multicast(IpAddr),
    /// Anything else.
    #[error("{0:?} is no address with a port; {EXPECTED}")]
    Invalid(String),
}

impl FromStr for Bind {
    type Err = ParseBindError;

    fn from_str(text: &str) -> Result<Self, ParseBindError> {
        let text = text.trim();
        if let Some(port) = auto_port(text) {
            // Another port at each start would be no place to come back to.
            return match port.parse() {
                Ok(port) if port != 0 => Ok(Self::Auto { port }),
                _ => Err(ParseBindError::AutoPort),
            };
        }
        match text.parse::<SocketAddr>() {
            Ok(address) if is_of_many(address.ip()) => Err(ParseBindError::Multicast(address.ip())),
            Ok(address) => Ok(Self::Literal(address)),
            Err(_) => Err(explain(text)),
        }
    }
}

impl TryFrom<String> for Bind {
    type Error = ParseBindError;

    fn try_from(text: String) -> Result<Self, ParseBindError> {
        text.parse()
    }
}

impl fmt::Display for Bind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto { port } => write!(f, "{AUTO}:{port}"),
            Self::Literal(address) => write!(f, "{address}"),
        }
    }
}

/// What stands behind `auto`, where a text begins with that word.
fn auto_port(text: &str) -> Option<&str> {
    let (word, port) = text.split_once(':').unwrap_or((text, ""));
    word.eq_ignore_ascii_case(AUTO).then_some(port)
}

/// Says what is wrong with a text that is no address with a port.
fn explain(text: &str) -> ParseBindError {
    let shown = || text.chars().take(SHOWN_CHARS_MAX).collect::<String>();
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    if text.is_empty() {
        return ParseBindError::Empty;
    }
    if let Ok(address) = inner.parse::<IpAddr>() {
        // "::1:9470" is an address to the letter, and hardly ever meant as one.
        let has_port_inside = inner == text && ends_in_port(text);
        return if has_port_inside {
            ParseBindError::Brackets(shown())
        } else {
            ParseBindError::NoPort { address }
        };
    }
    let (host, port) = text.rsplit_once(':').unwrap_or((text, ""));
    let is_port = |text: &str| text.parse::<u16>().is_ok();
    if is_port(text) || (host.is_empty() && is_port(port)) {
        return ParseBindError::NoAddress(shown());
    }
    if host.parse::<Ipv6Addr>().is_ok() {
        return ParseBindError::Brackets(shown());
    }
    let is_name = host.contains(|c: char| c.is_ascii_alphabetic()) && !host.contains([':', '[', '/', ' ']);
    if is_name { ParseBindError::Name(shown()) } else { ParseBindError::Invalid(shown()) }
}

/// Whether an IPv6 address ends in four decimal digits behind a port's usual place, after `::`.
fn ends_in_port(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, last)| {
        last.len() >= 4 && last.bytes().all(|byte| byte.is_ascii_digit()) && host.parse::<Ipv6Addr>().is_ok()
    })
}

fn is_of_many(address: IpAddr) -> bool {
    address.is_multicast() || matches!(address, IpAddr::V4(v4) if v4.is_broadcast())
}

const AUTO: &str = "auto";
const EXPECTED: &str =
    "as \"auto:9470\" for this machine's overlay address, \"[::]:9470\" for all of its addresses";
/// Of what is told back.
const SHOWN_CHARS_MAX: usize = 80;

#[cfg(test)]
mod tests;
