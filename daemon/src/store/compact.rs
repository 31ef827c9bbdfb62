//! A store written anew, without the room that removed entries left in it. For a store that nobody has open.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::open::{self, OpenStoreError};
use super::{Store, StoreKey, StoreOptions};

/// How large a store was, and is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreSizes {
    /// Bytes of its file before.
    pub before: u64,
    /// And after.
    pub after: u64,
}

/// Writes the store at `path` into a new file, reads that back, and puts it in the old one's place. Needs as much room as
/// the new file takes. One that would not be smaller stays as it is.
///
/// # Errors
/// See [`OpenStoreError`]: also when anything in it is damaged. The store is as it was then.
pub fn compact(path: &Path, key: &StoreKey, options: StoreOptions) -> Result<StoreSizes, OpenStoreError> {
    let new = open::with_suffix(path, ".compacted");
    let outcome = replace(path, &new, key, options);
    // Left by an attempt that failed, now or before.
    for left in [&new, &open::with_suffix(&new, ".journal")] {
        open::remove_if_there(left).map_err(|source| open::io_error(left, source))?;
    }
    outcome
}

fn replace(
    path: &Path,
    new: &Path,
    key: &StoreKey,
    options: StoreOptions,
) -> Result<StoreSizes, OpenStoreError> {
    let failed = |error| open::store_error(path, error);
    let size =
        |of: &Path| fs::metadata(of).map(|file| file.len()).map_err(|source| open::io_error(of, source));
    open::remove_if_there(new).map_err(|source| open::io_error(new, source))?;
    let store = Store::open(path, key, options)?;
    // Behind this everything is in the file, which says how far the journal is: in the copy, that is as true.
    store.checkpoint().map_err(failed)?;
    let reader = store.read().map_err(failed)?;
    // What is damaged is not copied: the copy would look whole.
    reader.verify().map_err(failed)?;
    reader.copy_to(new).map_err(failed)?;
    drop(reader);
    store.close();
    drop(store);
    read_back(new, key, options)?;
    let sizes = StoreSizes { before: size(path)?, after: size(new)? };
    if sizes.after >= sizes.before {
        return Ok(StoreSizes { after: sizes.before, ..sizes });
    }
    let put = || -> io::Result<()> {
        File::open(new)?.sync_all()?;
        open::put_in_place(new, path)
    };
    put().map_err(|source| open::io_error(path, source))?;
    Ok(sizes)
}

/// Reads all of the new file, as a daemon would.
fn read_back(new: &Path, key: &StoreKey, options: StoreOptions) -> Result<(), OpenStoreError> {
    let store = Store::open(new, key, options)?;
    let read = store.read().and_then(|reader| reader.verify());
    store.close();
    read.map_err(|error| open::store_error(new, error))
}
