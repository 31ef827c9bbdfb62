//! What is done to a server while it serves nobody: what its retention ends is removed, and its store is written anew
//! without the room that was left in it.
//!
//! **Invariant:** only what came through documents whose time is over goes, and a file goes only if no other document
//! brought it (see [`crate::blobs`]). A break in between costs nothing: the next time does the rest.

use std::collections::BTreeSet;
use std::io;
use std::time::{Duration, SystemTime};

use assist_crdt_model::{BlobHash, UnixMillis};
use assist_proto::retention::Retention;
use assist_proto::store::StoreError;
use assist_proto::wire::blob::BlobPlace;

use crate::backup;
use crate::blobs::{self, BlobFault, BlobFolder, Keeper, SweepFault};
use crate::device_key::{DeviceKey, KeyFileError};
use crate::disk;
use crate::home::Home;
use crate::store::{self, OpenStoreError, ServerReads as _, Store, StoreOptions, StoreSizes};

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compacted {
    /// Attachments whose time was over: files that are gone.
    pub attachments: u64,
    /// Their bytes.
    pub attachment_bytes: u64,
    /// The store's file.
    pub store: StoreSizes,
}

/// Why it was not done to its end.
#[derive(Debug, thiserror::Error)]
pub enum CompactionError {
    /// There is no server in the folder.
    #[error("there is no server in this folder")]
    NoServer,
    /// The new file of the store would not fit beside the old one.
    #[error(
        "the store is written anew beside the old one: that may take {} MiB, and {} MiB are free",
        .needed_bytes / MIB,
        .free_bytes / MIB
    )]
    NoRoom {
        /// What it may take.
        needed_bytes: u64,
        /// What there is.
        free_bytes: u64,
    },
    /// The disk does not say how much room it has.
    #[error("how much room the disk has cannot be seen")]
    Disk(#[source] io::Error),
    /// The device's key cannot be read.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// The store does not open.
    #[error(transparent)]
    Open(#[from] OpenStoreError),
    /// The store cannot be read or written.
    #[error("the store cannot be used")]
    Store(#[from] StoreError),
    /// The folder of attachments.
    #[error(transparent)]
    Blobs(#[from] BlobFault),
    /// Files cannot be removed.
    #[error(transparent)]
    Sweep(#[from] SweepFault),
}

/// Does it to the server of a folder that no daemon runs in.
///
/// # Errors
/// See [`CompactionError`].
pub fn run(home: &Home, retention: Retention, now: UnixMillis) -> Result<Compacted, CompactionError> {
    let key = backup::store_key(&DeviceKey::load(&home.device_key())?);
    let options = StoreOptions::default();
    let (attachments, attachment_bytes) = {
        let store = Store::open(&home.store(), &key, options)?;
        let ended = end_attachments(home, &store, retention, now);
        store.close();
        ended?
    };
    let needed_bytes = std::fs::metadata(home.store()).map_or(0, |file| file.len());
    let free_bytes = disk::space(home.path()).map_err(CompactionError::Disk)?.free_bytes;
    if free_bytes < needed_bytes {
        return Err(CompactionError::NoRoom { needed_bytes, free_bytes });
    }
    Ok(Compacted { attachments, attachment_bytes, store: store::compact(&home.store(), &key, options)? })
}

/// Removes the attachments whose time is over: how many files went, and how large they were.
fn end_attachments(
    home: &Home,
    store: &Store,
    retention: Retention,
    now: UnixMillis,
) -> Result<(u64, u64), CompactionError> {
    let folder = BlobFolder::open(&home.blobs())?;
    let mut turn = store.begin_turn()?;
    if turn.project()?.is_none() {
        return Err(CompactionError::NoServer);
    }
    let mut ended: BTreeSet<BlobHash> = BTreeSet::new();
    for place @ BlobPlace { doc, blob } in turn.blob_places()? {
        let row = doc.ticket().map(|ticket| turn.ticket(ticket)).transpose()?.flatten();
        if row.is_some_and(|row| retention.ends_attachments(&row, now)) {
            turn.remove_blob(place);
            ended.insert(blob);
        }
    }
    turn.commit()?;
    let sizes = ended.iter().map(|blob| folder.size_of(*blob)).collect::<Result<Vec<_>, _>>()?;
    let time = SystemTime::UNIX_EPOCH + Duration::from_millis(now.0);
    // Also what an earlier time removed from the store alone, when it broke off.
    blobs::sweep(&folder, blobs::list(&folder)?, store, Keeper::Server, time)?;
    let (mut count, mut bytes) = (0, 0);
    for (blob, size) in ended.iter().zip(sizes) {
        if let (Some(size), None) = (size, folder.size_of(*blob)?) {
            count += 1;
            bytes += size;
        }
    }
    Ok((count, bytes))
}

const MIB: u64 = 1024 * 1024;

#[cfg(test)]
mod tests;
