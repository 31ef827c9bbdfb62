//! Seals: every value is encrypted and authenticated (ChaCha20-Poly1305), bound to its table and its key.
//!
//! A sealed value is nonce (12), ciphertext, tag (16): 28 bytes more than the value.
//!
//! The key is derived from a secret that the caller keeps beside the store. The nonce is 8 random bytes, drawn
//! anew at every opening and after every 2^32 values, and a counter of 4 bytes. Nothing about nonces is stored,
//! so a store that is copied, or put back from a backup, cannot be led to use one twice; the chance that two of
//! a million openings draw the same 8 bytes is 2^-25.
//!
//! What a seal does not show: that a value is missing, or that it is an older one of the same key. The engine's
//! own checksums are for that ([`super::Reader::verify`]).

use blake3::derive_key;
use chacha20poly1305::aead::AeadInOut as _;
use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit as _};
use zeroize::Zeroizing;

use super::tables::Table;

/// The secret that seals a store. Whoever has it can read the store; without it nobody can.
#[derive(Clone)]
pub struct StoreKey(Zeroizing<[u8; 32]>);

impl StoreKey {
    /// Wraps 32 bytes from a good source of randomness.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl std::fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoreKey(..)")
    }
}

/// Opens seals, and makes them with nonces from a [`Nonces`].
pub(crate) struct Seal {
    cipher: ChaCha20Poly1305,
    email_key: Zeroizing<[u8; 32]>,
}

/// The seal does not hold: other bytes, another key, another table, another secret.
#[derive(Debug)]
pub(crate) struct Broken;

impl Seal {
    /// Derives the keys.
    pub(crate) fn new(secret: &StoreKey) -> Self {
        let value_key = Zeroizing::new(derive_key(VALUE_CONTEXT, secret.0.as_slice()));
        let email_key = Zeroizing::new(derive_key(EMAIL_CONTEXT, secret.0.as_slice()));
        Self { cipher: ChaCha20Poly1305::new((&*value_key).into()), email_key }
    }

    /// Seals a value into `sealed`, which is cleared first.
    pub(crate) fn close(
        &self,
        nonce: [u8; NONCE_SIZE],
        table: Table,
        key: &[u8],
        value: &[u8],
        sealed: &mut Vec<u8>,
    ) {
        self.close_as(nonce, &bound_to(table, key), value, sealed);
    }

    /// The same for what is no value of a table: `bound` says what it is, and no table's values are bound so.
    pub(crate) fn close_as(&self, nonce: [u8; NONCE_SIZE], bound: &[u8], value: &[u8], sealed: &mut Vec<u8>) {
        sealed.clear();
        sealed.reserve(SEAL_SIZE + value.len());
        self.close_behind(nonce, bound, sealed, |sealed| sealed.extend_from_slice(value));
    }

    /// Seals what `write` appends where it stands, behind what is there already.
    pub(crate) fn close_behind(
        &self,
        nonce: [u8; NONCE_SIZE],
        bound: &[u8],
        sealed: &mut Vec<u8>,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        sealed.extend_from_slice(&nonce);
        let start = sealed.len();
        write(sealed);
        let tag = self
            .cipher
            .encrypt_inout_detached(&nonce.into(), bound, InOutBuf::from(&mut sealed[start..]))
            .expect("a value is far shorter than the cipher's limit of 256 GiB");
        sealed.extend_from_slice(&tag);
    }

    /// Opens a sealed value into `value`, which is cleared first.
    pub(crate) fn open(
        &self,
        table: Table,
        key: &[u8],
        sealed: &[u8],
        value: &mut Vec<u8>,
    ) -> Result<(), Broken> {
        self.open_as(&bound_to(table, key), sealed, value)
    }

    /// Opens what [`Seal::close_as`] sealed.
    pub(crate) fn open_as(&self, bound: &[u8], sealed: &[u8], value: &mut Vec<u8>) -> Result<(), Broken> {
        value.clear();
        let (nonce, rest) = sealed.split_first_chunk::<NONCE_SIZE>().ok_or(Broken)?;
        let (ciphertext, tag) = rest.split_last_chunk::<TAG_SIZE>().ok_or(Broken)?;
        value.extend_from_slice(ciphertext);
        self.cipher
            .decrypt_inout_detached(
                &(*nonce).into(),
                bound,
                InOutBuf::from(value.as_mut_slice()),
                &(*tag).into(),
            )
            .map_err(|_| Broken)
    }

    /// What stands for an email in a key: without the secret nobody can tell whose it is.
    pub(crate) fn email_token(&self, email: &str) -> [u8; 16] {
        let hash = blake3::keyed_hash(&self.email_key, email.as_bytes());
        *hash.as_bytes().first_chunk().expect("a hash has 32 bytes")
    }
}

/// Gives every nonce once.
#[derive(Debug)]
pub(crate) struct Nonces {
    prefix: [u8; 8],
    counter: u32,
}

impl Nonces {
    /// Draws the first prefix.
    pub(crate) fn new() -> Result<Self, getrandom::Error> {
        Ok(Self { prefix: draw_prefix()?, counter: 0 })
    }

    /// The next nonce.
    pub(crate) fn next(&mut self) -> Result<[u8; NONCE_SIZE], getrandom::Error> {
        let mut nonce = [0; NONCE_SIZE];
        nonce[..8].copy_from_slice(&self.prefix);
        nonce[8..].copy_from_slice(&self.counter.to_be_bytes());
        match self.counter.checked_add(1) {
            Some(counter) => self.counter = counter,
            None => *self = Self::new()?,
        }
        Ok(nonce)
    }
}

fn draw_prefix() -> Result<[u8; 8], getrandom::Error> {
    let mut prefix = [0; 8];
    getrandom::fill(&mut prefix)?;
    Ok(prefix)
}

/// The associated data: the table's name ends with a zero, so no table and key read like another's.
fn bound_to(table: Table, key: &[u8]) -> Vec<u8> {
    let name = table.name().as_bytes();
    let mut data = Vec::with_capacity(name.len() + 1 + key.len());
    data.extend_from_slice(name);
    data.push(0);
    data.extend_from_slice(key);
    data
}

const NONCE_SIZE: usize = 12;
const TAG_SIZE: usize = 16;
/// How much longer a sealed value is.
pub(crate) const SEAL_SIZE: usize = NONCE_SIZE + TAG_SIZE;

const VALUE_CONTEXT: &str = "assist 2026-11 store values v1";
const EMAIL_CONTEXT: &str = "assist 2026-11 store emails v1";
