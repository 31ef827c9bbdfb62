//! What a generation of a backup says of itself: `manifest.json`.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{BackupError, FORMAT, io_error};

/// Everything that is needed to see whether a generation is whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// The format of all this.
    pub(super) format: u32,
    /// The version that made it.
    pub(super) program: String,
    /// When.
    pub(super) made_at_millis: u64,
    /// Of which project, 52 characters.
    pub(super) project: String,
    /// What it was called.
    pub(super) name: String,
    /// The last place of its log.
    pub(super) head: u64,
    /// How many tickets.
    pub(super) tickets: u64,
    /// Where its admission log ends, as `<number>:<hash>`; nothing in a backup of before there was such a log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) admission_head: Option<String>,
    /// Whether the keys are in it.
    pub(super) has_keys: bool,
    /// Whether the server that it is of serves no more.
    pub(super) is_last: bool,
    /// The files beside this one, by name.
    pub(super) files: Vec<KeptFile>,
    /// The attachments that belong to it, by hash.
    pub(super) blobs: Vec<BlobFile>,
}

/// A file of a generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeptFile {
    pub(super) name: String,
    pub(super) size_bytes: u64,
    /// BLAKE3, in hexadecimal.
    pub(super) blake3: String,
}

/// An attachment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct BlobFile {
    /// As it is named everywhere.
    pub(super) hash: String,
    pub(super) size_bytes: u64,
}

impl Manifest {
    /// Writes it into a generation, durably.
    pub(super) fn write(&self, generation: &Path) -> Result<(), BackupError> {
        let path = generation.join(FILE_NAME);
        let attempt = || {
            let mut file = File::create(&path)?;
            file.write_all(&serde_json::to_vec_pretty(self)?)?;
            file.sync_all()
        };
        attempt().map_err(io_error(&path))
    }

    /// Reads that of a generation.
    pub(super) fn read(generation: &Path) -> Result<Self, BackupError> {
        let path = generation.join(FILE_NAME);
        let bytes = fs::read(&path).map_err(io_error(&path))?;
        let damaged = |_| BackupError::Damaged { path: path.clone(), what: "cannot be read" };
        let version: Version = serde_json::from_slice(&bytes).map_err(damaged)?;
        if version.format > FORMAT {
            return Err(BackupError::Newer { found: version.format });
        }
        serde_json::from_slice(&bytes).map_err(damaged)
    }
}

/// All that is read of a manifest before it is known whether the rest is understood.
#[derive(Deserialize)]
struct Version {
    format: u32,
}

pub(super) const FILE_NAME: &str = "manifest.json";
