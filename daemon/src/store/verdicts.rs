//! The bytes of a verdict: 1 and the seq (8), or 2, the code (2) and the detail in UTF-8.
//!
//! Its key is the first half of the change's SHA-256: two changes of one key cannot be found with less than 2^64
//! hashes, and whoever found them could only confuse the verdicts on his own.

use assist_crdt_model::{ChangeHash, ScannedChange};
use assist_proto::store::{Seq, StoreError, StoreResult};

use super::tables::Table;
use super::view::damaged;

/// A verdict as it is stored: the place in the log says the rest.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Admitted(Seq),
    Rejected { code: u16, detail: String },
}

impl Verdict {
    /// Makes the value.
    pub(crate) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Admitted(seq) => [[ADMITTED].as_slice(), &seq.0.to_be_bytes()].concat(),
            Self::Rejected { code, detail } => {
                [[REJECTED].as_slice(), &code.to_be_bytes(), detail.as_bytes()].concat()
            }
        }
    }

    /// Reads the value.
    pub(crate) fn decode(value: &[u8]) -> StoreResult<Self> {
        Self::parse(value).ok_or_else(|| damaged(Table::Verdicts))
    }

    fn parse(value: &[u8]) -> Option<Self> {
        let (kind, rest) = value.split_first()?;
        match *kind {
            ADMITTED => Some(Self::Admitted(Seq(u64::from_be_bytes(rest.try_into().ok()?)))),
            REJECTED => {
                let (code, detail) = rest.split_first_chunk()?;
                let detail = std::str::from_utf8(detail).ok()?.to_owned();
                Some(Self::Rejected { code: u16::from_be_bytes(*code), detail })
            }
            _ => None,
        }
    }
}

/// The key of the verdict on a change.
pub(crate) fn verdict_key(change: &ChangeHash) -> Vec<u8> {
    change.as_bytes()[..KEY_SIZE].to_vec()
}

/// The hash of an admitted change.
pub(crate) fn change_hash(change: &[u8]) -> StoreResult<ChangeHash> {
    ScannedChange::hash_of(change)
        .map_err(|_| StoreError::Damaged { what: "change that was admitted".to_owned() })
}

const KEY_SIZE: usize = 16;
const ADMITTED: u8 = 1;
const REJECTED: u8 = 2;
