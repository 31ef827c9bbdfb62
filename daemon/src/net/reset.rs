//! Stateless resets that outlive the process: how peers learn at once that we were killed and are back.
//!
//! A restarted endpoint gets packets of connections that it knows nothing of. QUIC lets it answer with a token that
//! only it can make; the peer then drops the connection and dials anew, instead of waiting for the idle timeout.
//! So the tokens come from the device key, and any connection id may be one of ours: a process that has just started
//! cannot know. Noise is answered too, then, with less than it sent and within a bound.

use std::time::Duration;

use quinn::crypto::{CryptoError, HmacKey};
use quinn::{ConnectionId, ConnectionIdGenerator};

use crate::device_key::DeviceKey;

/// Makes the reset tokens of one device.
pub(super) struct ResetKey([u8; 32]);

impl ResetKey {
    pub(super) fn derive(key: &DeviceKey) -> Self {
        Self(blake3::derive_key("assist 2026-11 QUIC stateless reset", key.signing_key().as_bytes()))
    }
}

impl HmacKey for ResetKey {
    fn sign(&self, data: &[u8], signature_out: &mut [u8]) {
        signature_out.copy_from_slice(blake3::keyed_hash(&self.0, data).as_bytes());
    }

    fn signature_len(&self) -> usize {
        blake3::OUT_LEN
    }

    fn verify(&self, data: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        let signature = blake3::Hash::from_slice(signature).map_err(|_| CryptoError)?;
        // Compares in constant time.
        if blake3::keyed_hash(&self.0, data) == signature { Ok(()) } else { Err(CryptoError) }
    }
}

/// Makes connection ids that are nothing but random, and takes any for ours.
pub(super) struct RandomIds;

impl ConnectionIdGenerator for RandomIds {
    fn generate_cid(&mut self) -> ConnectionId {
        let mut id = [0; ID_BYTES];
        getrandom::fill(&mut id).expect("TLS would not have come this far without random bytes");
        ConnectionId::new(&id)
    }

    fn cid_len(&self) -> usize {
        ID_BYTES
    }

    fn cid_lifetime(&self) -> Option<Duration> {
        None
    }
}

/// Stands in every packet; enough that two connections never share one.
const ID_BYTES: usize = 8;
