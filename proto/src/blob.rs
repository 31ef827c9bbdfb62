//! Blobs in pieces: what is hashed is the BLAKE3 tree itself, so that every piece is checked as it comes.
//!
//! A blob's hash is the plain BLAKE3 hash of its bytes. Whoever sends one shows the hashes of its pieces first: they
//! are inner nodes of the same tree, so they either add up to the blob's hash or are a lie. Each piece is then
//! checked on its own, before a byte of it is kept. Knows no file and no stream.

mod label;

use std::ops::Range;

use assist_crdt_model::BlobHash;
use blake3::hazmat::{ChainingValue, HasherExt as _, Mode, merge_subtrees_non_root, merge_subtrees_root};
use blake3::{Hash, Hasher};

use crate::limits::{BLOB_BYTES_MAX, PIECE_BYTES};

pub use label::{file_name, media_type, numbered, picture_type};

/// The hashes of a blob's pieces, known to add up to its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pieces {
    blob: BlobHash,
    size_bytes: u64,
    /// One for each piece; for a blob of one piece or none the blob's own hash.
    hashes: Vec<[u8; 32]>,
}

/// Why what came is not the blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BlobError {
    /// More than any blob has.
    #[error("a blob has at most {BLOB_BYTES_MAX} bytes")]
    TooLarge,
    /// The list has the wrong length, or does not add up.
    #[error("the hashes of the pieces do not add up to the blob's")]
    WrongList,
    /// A piece has the wrong length or other bytes.
    #[error("piece {index} is not the one that was expected")]
    WrongPiece {
        /// Which, from 0.
        index: u32,
    },
}

impl Pieces {
    /// Takes a list of hashes as somebody sent it.
    ///
    /// # Errors
    /// When it is not the list of this blob with this size.
    pub fn from_list(blob: BlobHash, size_bytes: u64, list: &[u8]) -> Result<Self, BlobError> {
        if size_bytes > BLOB_BYTES_MAX {
            return Err(BlobError::TooLarge);
        }
        let (hashes, rest) = list.as_chunks::<32>();
        if !rest.is_empty() || hashes.len() != piece_count(size_bytes) as usize {
            return Err(BlobError::WrongList);
        }
        if root_of(hashes) != *blob.as_bytes() {
            return Err(BlobError::WrongList);
        }
        Ok(Self { blob, size_bytes, hashes: hashes.to_vec() })
    }

    /// Which blob.
    pub const fn blob(&self) -> BlobHash {
        self.blob
    }

    /// Its size.
    pub const fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// How many pieces it has: one at least.
    pub fn count(&self) -> u32 {
        piece_count(self.size_bytes)
    }

    /// The list as it is sent and stored.
    pub fn list(&self) -> Vec<u8> {
        self.hashes.concat()
    }

    /// Where a piece stands in the blob.
    ///
    /// # Panics
    /// For a piece that it does not have.
    pub fn range(&self, index: u32) -> Range<u64> {
        assert!(index < self.count(), "piece {index} of {}", self.count());
        let start = u64::from(index) * PIECE_BYTES as u64;
        start..self.size_bytes.min(start + PIECE_BYTES as u64)
    }

    /// Checks the bytes of one piece.
    ///
    /// # Errors
    /// When they are others.
    pub fn check(&self, index: u32, bytes: &[u8]) -> Result<(), BlobError> {
        let wrong = BlobError::WrongPiece { index };
        let Some(expected) = self.hashes.get(index as usize) else { return Err(wrong) };
        let range = self.range(index);
        if bytes.len() as u64 != range.end - range.start {
            return Err(wrong);
        }
        let found = if self.hashes.len() == 1 {
            *blake3::hash(bytes).as_bytes()
        } else {
            piece_hash(range.start, bytes)
        };
        if found == *expected { Ok(()) } else { Err(wrong) }
    }
}

/// Takes the bytes of a blob one after the other and tells what it is in the end.
#[derive(Debug, Default)]
pub struct PiecesMaker {
    /// Of the pieces that are whole.
    hashes: Vec<[u8; 32]>,
    current: Hasher,
    current_bytes: usize,
    size_bytes: u64,
}

impl PiecesMaker {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// How much it has taken.
    pub const fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Takes the bytes that follow.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.current_bytes == PIECE_BYTES {
                // Only now, with a byte behind it, is it known not to be the only one.
                self.close_piece();
            }
            let (now, later) = bytes.split_at(bytes.len().min(PIECE_BYTES - self.current_bytes));
            self.current.update(now);
            self.current_bytes += now.len();
            self.size_bytes += now.len() as u64;
            bytes = later;
        }
    }

    /// Tells what it was.
    ///
    /// # Errors
    /// When it was more than a blob may be.
    pub fn finish(mut self) -> Result<Pieces, BlobError> {
        if self.size_bytes > BLOB_BYTES_MAX {
            return Err(BlobError::TooLarge);
        }
        if self.hashes.is_empty() {
            self.hashes.push(*self.current.finalize().as_bytes());
        } else {
            self.close_piece();
        }
        let blob = BlobHash::from_bytes(root_of(&self.hashes));
        Ok(Pieces { blob, size_bytes: self.size_bytes, hashes: self.hashes })
    }

    fn close_piece(&mut self) {
        self.hashes.push(self.current.finalize_non_root());
        let mut next = Hasher::new();
        next.set_input_offset(self.hashes.len() as u64 * PIECE_BYTES as u64);
        self.current = next;
        self.current_bytes = 0;
    }
}

/// How many pieces a blob of this size has: an empty one has an empty one.
pub const fn piece_count(size_bytes: u64) -> u32 {
    let count = size_bytes.div_ceil(PIECE_BYTES as u64);
    // The bound on sizes keeps it far below.
    if count == 0 { 1 } else { count as u32 }
}

fn piece_hash(offset: u64, bytes: &[u8]) -> ChainingValue {
    let mut hasher = Hasher::new();
    hasher.set_input_offset(offset);
    hasher.update(bytes);
    hasher.finalize_non_root()
}

/// The hash at the top of the tree over these pieces.
fn root_of(hashes: &[ChainingValue]) -> [u8; 32] {
    match hashes {
        [] => *Hash::from_bytes([0; 32]).as_bytes(),
        [only] => *only,
        several => {
            let (left, right) = several.split_at(left_count(several.len()));
            *merge_subtrees_root(&inner(left), &inner(right), Mode::Hash).as_bytes()
        }
    }
}

fn inner(hashes: &[ChainingValue]) -> ChainingValue {
    match hashes {
        [only] => *only,
        several => {
            let (left, right) = several.split_at(left_count(several.len()));
            merge_subtrees_non_root(&inner(left), &inner(right), Mode::Hash)
        }
    }
}

/// The left side of the tree has the largest power of two that leaves something for the right one.
const fn left_count(count: usize) -> usize {
    count.next_power_of_two() / 2
}

#[cfg(test)]
mod tests;
