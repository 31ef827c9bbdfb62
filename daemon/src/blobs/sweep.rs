//! Removal of what nobody names any more: blobs of tickets that were taken away, of projects that were left, uploads
//! that came to nothing, and parts of transfers that were given up.
//!
//! Whether a blob is still named is read off the stored bytes of everything that could name it: a change holds the hash
//! as text, a draft as text or bytes. That loads no document, and finds too much rather than too little: what is struck
//! or waits to be verified still names its blobs.
//!
//! **Invariant:** a file goes only if, after it was listed, the store was read whole and nothing in it named the file.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::{Duration, SystemTime};

use assist_crdt_model::BlobHash;
use assist_proto::store::{Direction, StoreResult};
use assist_proto::wire::codec;

use super::folder::{BlobFault, BlobFolder, Listing};
use crate::store::{DeviceReads as _, Reader, ServerReads as _, Store};

/// What a sweep removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Whole blobs.
    pub blobs: usize,
    /// Unfinished ones.
    pub partials: usize,
}

/// Why a sweep broke off. What it had removed by then was removed rightly; the next one does the rest.
#[derive(Debug, thiserror::Error)]
pub enum SweepFault {
    /// The folder.
    #[error(transparent)]
    Folder(#[from] BlobFault),
    /// The store.
    #[error(transparent)]
    Store(#[from] assist_proto::store::StoreError),
}

/// Whose folder it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeper {
    /// A device's: what it lacks comes again from the server.
    Device,
    /// A server's. Nobody else may have its blobs, so they are swept only before it serves anybody.
    Server,
}

/// Lists what there is. Whatever gets its name later is not looked at.
///
/// # Errors
/// The folder's.
pub fn list(folder: &BlobFolder) -> Result<Listing, SweepFault> {
    Ok(folder.begin_sweep()?)
}

/// Removes of what was listed that which nothing in the store names. Reads the whole store: for threads that may.
///
/// # Errors
/// The folder's, or the store's.
pub fn sweep(
    folder: &BlobFolder,
    listing: Listing,
    store: &Store,
    keeper: Keeper,
    now: SystemTime,
) -> Result<Swept, SweepFault> {
    let mut swept = Swept::default();
    let Listing { blobs, partials } = listing;
    let mut unnamed = BTreeSet::new();
    for blob in blobs {
        if !folder.is_fresh_upload(blob, now, UPLOAD_KEPT) {
            unnamed.insert(blob);
        }
    }
    // Only now: the mark of an upload goes after what names it is there to be read.
    let reader = store.read()?;
    if keeper == Keeper::Server {
        for blob in unnamed.clone() {
            if reader.is_blob_named(&blob)? {
                unnamed.remove(&blob);
            }
        }
    }
    if !unnamed.is_empty() {
        let mut names = Names::of(&unnamed);
        strike_named(&reader, &mut names)?;
        for blob in names.left() {
            swept.blobs += usize::from(folder.remove_listed(blob)?);
        }
    }
    let expected = expected_partials(folder, &reader)?;
    for partial in partials {
        let is_kept = match keeper {
            Keeper::Device => expected.contains(&partial.name),
            // What devices were sending is known by its age alone.
            Keeper::Server => expected.contains(&partial.name) || !partial.is_older(now, PARTIAL_KEPT),
        };
        if !is_kept {
            swept.partials += usize::from(folder.remove_partial(&partial.name)?);
        }
    }
    Ok(swept)
}

/// Goes over everything of this device that can name a blob.
fn strike_named(reader: &Reader, names: &mut Names) -> StoreResult<()> {
    for membership in reader.memberships()? {
        let project = membership.project;
        for doc in reader.docs(&project)? {
            for record in reader.doc_records(&project, doc)? {
                names.strike(&codec::encode(&record));
            }
            if let Some(records) = reader.unverified(&project, doc)? {
                names.strike(&records);
            }
        }
        for (_, entry) in reader.outbox(&project, 0, usize::MAX)? {
            names.strike(&codec::encode(&entry));
        }
        for transfer in reader.transfers(&project)? {
            names.found(transfer.place.blob);
        }
    }
    for (_, draft) in reader.drafts()? {
        names.strike(&codec::encode(&draft));
    }
    Ok(())
}

/// Names of the files of transfers that this device goes on with.
fn expected_partials(folder: &BlobFolder, reader: &Reader) -> StoreResult<HashSet<String>> {
    let mut expected = HashSet::new();
    for membership in reader.memberships()? {
        let fetches = reader.transfers(&membership.project)?.into_iter();
        let fetches = fetches.filter(|transfer| transfer.direction == Direction::Fetch);
        expected.extend(fetches.map(|transfer| folder.partial_name(transfer.place)));
    }
    Ok(expected)
}

/// Hashes that are looked for in bytes.
struct Names {
    /// By the first eight bytes of either form: so many are looked up at every place.
    by_beginning: HashMap<[u8; 8], Vec<(Vec<u8>, BlobHash)>>,
    left: BTreeSet<BlobHash>,
}

impl Names {
    fn of(blobs: &BTreeSet<BlobHash>) -> Self {
        let mut by_beginning: HashMap<[u8; 8], Vec<_>> = HashMap::new();
        for blob in blobs {
            for form in [blob.as_bytes().to_vec(), blob.to_string().into_bytes()] {
                if let Some(beginning) = form.first_chunk() {
                    by_beginning.entry(*beginning).or_default().push((form, *blob));
                }
            }
        }
        Self { by_beginning, left: blobs.clone() }
    }

    fn strike(&mut self, bytes: &[u8]) {
        for (at, window) in bytes.windows(8).enumerate() {
            let Some(forms) = window.first_chunk().and_then(|beginning| self.by_beginning.get(beginning))
            else {
                continue;
            };
            for (form, blob) in forms {
                if bytes[at..].starts_with(form) {
                    self.left.remove(blob);
                }
            }
        }
    }

    fn found(&mut self, blob: BlobHash) {
        self.left.remove(&blob);
    }

    fn left(self) -> BTreeSet<BlobHash> {
        self.left
    }
}

/// How long an upload is kept that nothing names: somebody may still be writing the comment.
const UPLOAD_KEPT: Duration = Duration::from_secs(24 * 3_600);
/// How long a server keeps a part of a blob whose device does not come back with the rest.
const PARTIAL_KEPT: Duration = Duration::from_secs(7 * 24 * 3_600);

#[cfg(test)]
mod tests;
