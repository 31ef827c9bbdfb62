//! What goes over a blob's own stream, and the news of blobs on the sync stream.
//!
//! A device opens one bidirectional stream for each transfer. Both sides begin with one frame; pieces follow bare,
//! one behind the other, as their sizes follow from the blob's:
//!
//! ```text
//! fetch:  device  BlobRequest::Fetch      server  BlobReply::Pieces, piece, piece ...   (or Refused)
//! store:  device  BlobRequest::Store      server  BlobReply::Send { from }              (or Stored, or Refused)
//!         device  piece, piece ...        server  BlobReply::Stored                     (or Refused)
//! ```

use assist_crdt_model::{BlobHash, DocId, ProjectId};
use serde::{Deserialize, Serialize};

use super::{id, limits};

/// First frame of a device on a new stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum BlobRequest {
    /// Send me a blob.
    #[serde(rename = "fetch")]
    Fetch(FetchBlob),
    /// Keep a blob that an admitted change of mine names.
    #[serde(rename = "store")]
    Store(StoreBlob),
}

/// Where a blob is named. The server reads nothing else to decide who may have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BlobPlace {
    /// The document that names it.
    #[serde(rename = "d", with = "id")]
    pub doc: DocId,
    /// Which.
    #[serde(rename = "b", with = "id")]
    pub blob: BlobHash,
}

/// A device asks for a blob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchBlob {
    /// The project.
    #[serde(rename = "p", with = "id")]
    pub project: ProjectId,
    /// Which blob, through which document.
    #[serde(rename = "w")]
    pub place: BlobPlace,
    /// The first piece that is wanted: those before it are here from an earlier try.
    #[serde(rename = "f")]
    pub from: u32,
}

/// A device has a blob for the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreBlob {
    /// The project.
    #[serde(rename = "p", with = "id")]
    pub project: ProjectId,
    /// Which blob, through which document.
    #[serde(rename = "w")]
    pub place: BlobPlace,
    /// Its size.
    #[serde(rename = "s")]
    pub size_bytes: u64,
    /// The hashes of its pieces, 32 bytes each.
    #[serde(rename = "h", with = "serde_bytes")]
    pub list: Vec<u8>,
}

/// A frame of the server on a blob's stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum BlobReply {
    /// To a fetch: the pieces from the asked one on follow.
    #[serde(rename = "pieces")]
    Pieces(PieceList),
    /// To a store: send the pieces from this one on.
    #[serde(rename = "send")]
    Send(SendFrom),
    /// To a store: it is durable here.
    #[serde(rename = "stored")]
    Stored,
    /// No, and why. The stream ends.
    #[serde(rename = "refused")]
    Refused(BlobRefused),
}

/// A blob's shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PieceList {
    /// Its size.
    #[serde(rename = "s")]
    pub size_bytes: u64,
    /// The hashes of its pieces, 32 bytes each.
    #[serde(rename = "h", with = "serde_bytes")]
    pub list: Vec<u8>,
}

/// How far the server has come in an earlier try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendFrom {
    /// The first piece that is wanted.
    #[serde(rename = "f")]
    pub from: u32,
}

/// Why a transfer does not come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobRefused {
    /// For machines.
    #[serde(rename = "c")]
    pub code: BlobCode,
    /// After how long it may be tried again, where that is known.
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    pub wait_millis: Option<u64>,
}

/// Why not. Numbers are wire format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "u16", from = "u16")]
pub enum BlobCode {
    /// It is not here, nobody named it, or the asker may not see who named it: one answer for all.
    Absent,
    /// Larger than this server takes, or than it was said to be.
    TooLarge,
    /// Too much in a short time.
    Quota,
    /// No room left on the server.
    Full,
    /// Somebody is sending it at this moment, or too many transfers run.
    Busy,
    /// The peer broke the rules of the stream.
    Protocol,
    /// A code of a later version.
    Other(u16),
}

impl From<BlobCode> for u16 {
    fn from(code: BlobCode) -> Self {
        match code {
            BlobCode::Absent => 1,
            BlobCode::TooLarge => 2,
            BlobCode::Quota => 3,
            BlobCode::Full => 4,
            BlobCode::Busy => 5,
            BlobCode::Protocol => 6,
            BlobCode::Other(number) => number,
        }
    }
}

impl From<u16> for BlobCode {
    fn from(number: u16) -> Self {
        match number {
            1 => Self::Absent,
            2 => Self::TooLarge,
            3 => Self::Quota,
            4 => Self::Full,
            5 => Self::Busy,
            6 => Self::Protocol,
            other => Self::Other(other),
        }
    }
}

impl BlobRefused {
    /// A refusal that time does not change.
    pub const fn new(code: BlobCode) -> Self {
        Self { code, wait_millis: None }
    }
}

/// On the sync stream: these blobs have come to the server. To whoever may see the document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobsHere {
    /// The document that names them.
    #[serde(rename = "d", with = "id")]
    pub doc: DocId,
    /// At most [`limits::BLOBS_PER_FRAME_MAX`].
    #[serde(
        rename = "b",
        serialize_with = "id::list::serialize",
        deserialize_with = "id::list::at_most::<{ limits::BLOBS_PER_FRAME_MAX }, _, _>"
    )]
    pub blobs: Vec<BlobHash>,
}
