//! What a mycelium node says of itself, read strictly. Pure.
//!
//! An answer that does not fit itself is no node's: the address is of the subnet, and where an older node names none,
//! it follows from the key.

use std::net::{IpAddr, Ipv6Addr};

use assist_proto::address::is_overlay;
use serde::Deserialize;

/// A node, as its REST API describes it (`GET /api/v1/admin`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeInfo {
    /// Its public key.
    pub key: [u8; 32],
    /// Its own address.
    pub address: Ipv6Addr,
}

/// Why an answer is not a node's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NodeInfoError {
    /// Not JSON, or without what a node says.
    #[error("the answer is not what a mycelium node says of itself: {0}")]
    Json(String),
    /// The key is not 64 hexadecimal digits.
    #[error("the node's public key is not 64 hexadecimal digits")]
    Key,
    /// The subnet is not a /64 within the overlay.
    #[error("the node's subnet is not a /64 within 400::/7")]
    Subnet,
    /// The address is not of the subnet, or the subnet not of the key.
    #[error("the node's address, subnet and public key do not belong together")]
    Mismatch,
}

/// As it stands in the answer. What a later version adds is no harm.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    node_subnet: String,
    node_pubkey: String,
    /// Since version 0.7.8.
    node_ip: Option<String>,
}

impl NodeInfo {
    /// Reads the body of an answer.
    ///
    /// # Errors
    /// When it is not a node's.
    pub fn parse(body: &[u8]) -> Result<Self, NodeInfoError> {
        // The place alone: what stands there is somebody else's text.
        let answer: Answer = serde_json::from_slice(body).map_err(|error| {
            NodeInfoError::Json(format!("line {}, column {}", error.line(), error.column()))
        })?;
        let key = parse_key(&answer.node_pubkey).ok_or(NodeInfoError::Key)?;
        let (subnet, length) = answer.node_subnet.split_once('/').ok_or(NodeInfoError::Subnet)?;
        let subnet: Ipv6Addr = subnet.parse().map_err(|_| NodeInfoError::Subnet)?;
        if length != SUBNET_BITS || !is_overlay(IpAddr::V6(subnet)) {
            return Err(NodeInfoError::Subnet);
        }
        let address = match answer.node_ip {
            Some(ip) => ip.parse().map_err(|_| NodeInfoError::Mismatch)?,
            None => address_of(&key),
        };
        let own = Self { key, address };
        if own.has(subnet) { Ok(own) } else { Err(NodeInfoError::Mismatch) }
    }

    /// Tells whether an address is of this node's subnet.
    pub fn has(&self, address: Ipv6Addr) -> bool {
        address.segments()[..4] == self.address.segments()[..4]
    }
}

/// The address of a key: its BLAKE3 hash, with the first byte made 04 or 05 by the parity of what it was.
fn address_of(key: &[u8; 32]) -> Ipv6Addr {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&blake3::hash(key).as_bytes()[..16]);
    let is_odd = bytes[0].count_ones() % 2 == 1;
    bytes[0] = 0x04 | u8::from(is_odd);
    Ipv6Addr::from(bytes)
}

fn parse_key(text: &str) -> Option<[u8; 32]> {
    let mut key = [0; 32];
    if text.len() != 2 * key.len() || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, digits) in key.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(key)
}

/// What every node owns.
const SUBNET_BITS: &str = "64";

#[cfg(test)]
mod tests;
