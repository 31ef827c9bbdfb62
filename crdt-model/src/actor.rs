//! Who writes: a device in one incarnation is one Automerge actor; behind it stands a user with a role.

use sha2::{Digest as _, Sha256};

use crate::ids::{DeviceId, UserId};
use crate::ticket::Role;

/// An Automerge actor. One actor never has two writers: the incarnation rises on restore, on doubt after a
/// crash, and after any rejection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Actor([u8; Self::SIZE]);

impl Actor {
    /// Size in bytes.
    pub const SIZE: usize = 16;

    /// Derives the actor of a device in an incarnation:
    /// `SHA-256("actor-v1" || device || incarnation as u32 big endian)[..16]`.
    pub fn derive(device: &DeviceId, incarnation: u32) -> Self {
        let digest = Sha256::new()
            .chain_update(b"actor-v1")
            .chain_update(device.as_bytes())
            .chain_update(incarnation.to_be_bytes())
            .finalize();
        let mut bytes = [0; Self::SIZE];
        bytes.copy_from_slice(&digest[..Self::SIZE]);
        Self(bytes)
    }

    /// Wraps the actor of a change; `None` for any other size.
    pub(crate) fn from_slice(slice: &[u8]) -> Option<Self> {
        slice.try_into().ok().map(Self)
    }

    /// Returns the bytes.
    pub const fn as_bytes(&self) -> &[u8; Self::SIZE] {
        &self.0
    }
}

/// Who makes a change: proven by the envelope's signature and the roster before the model hears of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Author {
    /// The person.
    pub user: UserId,
    /// What they may do, at the moment of admission.
    pub role: Role,
    /// The device's actor.
    pub actor: Actor,
}
