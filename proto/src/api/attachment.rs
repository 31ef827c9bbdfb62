//! `attachment.*`: files under comments and notes. Their bytes go over `/blobs` beside the calls, never inside them.
//!
//! `PUT /blobs` takes bytes and answers with a [`StoredBlob`]; its hash is then named in `comment.add`, `note.add` or
//! `ticket.create`. `GET /blobs/<hash>` gives the bytes of a blob that is on this device,
//! `GET /blobs/<hash>/thumbnail` a small picture of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::comment::Author;

/// A file that a new comment or note brings along.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Attach {
    /// The hash that `PUT /blobs` answered with, 52 characters.
    pub blob: String,
    /// A label of 1 to 200 characters, never a path.
    pub name: String,
    /// A MIME type of at most 100 characters; guessed from the bytes and the name unless given.
    #[serde(default)]
    pub media_type: Option<String>,
}

/// The answer of `PUT /blobs`: the bytes are durable on this device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StoredBlob {
    /// The BLAKE3 hash of the bytes, 52 characters.
    pub blob: String,
    /// How many there were.
    pub size_bytes: u64,
}

/// Parameters of `attachment.list`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// The project: its id, its name, or an unambiguous beginning of either.
    #[serde(default)]
    pub project: Option<String>,
    /// The id, an unambiguous beginning of it, or `#number`.
    pub ticket: String,
}

/// Answer of `attachment.list`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Attachments {
    /// Those of comments, then those of notes, each in the order in which they were written.
    pub attachments: Vec<AttachmentState>,
}

/// An attachment, and where its bytes are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AttachmentState {
    /// The comment or note that names it, 26 characters.
    pub comment: String,
    /// Whether that is a note.
    pub is_note: bool,
    /// Who attached it.
    pub author: Author,
    /// The hash of the bytes, 52 characters.
    pub blob: String,
    /// A label, never a path.
    pub name: String,
    /// As the author measured it.
    pub size_bytes: u64,
    /// A MIME type, as the author guessed it.
    pub media_type: String,
    /// Where the bytes are, seen from this device.
    pub state: BlobState,
    /// While they are fetched: how many have come.
    pub fetched_bytes: Option<u64>,
    /// Why they do not come at this moment, if it is for this device: they are tried again by themselves.
    #[serde(default)]
    pub trouble: Option<String>,
    /// On their way to the server, if they are on one; null once it has them.
    pub upload: Option<Upload>,
}

/// Where an attachment's bytes are, seen from this device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BlobState {
    /// On this device.
    Here,
    /// On their way here.
    Fetching,
    /// To be fetched once there is a connection and what is more urgent is here.
    Waiting,
    /// With the server, as far as is known: `attachment.fetch` brings them.
    OnServer,
    /// The server did not have them when it was last asked: they come when their author's device was online.
    Missing,
    /// A state of a newer daemon.
    #[serde(other)]
    #[schemars(skip)]
    Unknown,
}

/// An attachment's way to the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Upload {
    /// How many bytes the server has, while they are sent.
    pub sent_bytes: Option<u64>,
    /// Why the server did not take it the last time; it is tried again.
    pub refused: Option<String>,
}

/// Parameters of `attachment.fetch`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fetch {
    /// The project: its id, its name, or an unambiguous beginning of either.
    #[serde(default)]
    pub project: Option<String>,
    /// The id, an unambiguous beginning of it, or `#number`.
    pub ticket: String,
    /// The blob's hash, 52 characters.
    pub blob: String,
}

/// Parameters of `attachment.thumbnail`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetThumbnail {
    /// The project: its id, its name, or an unambiguous beginning of either.
    #[serde(default)]
    pub project: Option<String>,
    /// The id, an unambiguous beginning of it, or `#number`.
    pub ticket: String,
    /// The blob's hash, 52 characters. Its bytes must be on this device.
    pub blob: String,
}

/// Answer of `attachment.thumbnail`: a small picture is there, and `GET /blobs/<hash>/thumbnail` gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Thumbnail {
    /// A MIME type: `image/png`.
    pub media_type: String,
    /// How many bytes it has.
    pub size_bytes: u64,
}
