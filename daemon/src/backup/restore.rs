//! From a backup to a server: checked before anything is written, and over nothing.

use std::fs;
use std::path::{Path, PathBuf};

use assist_crdt_model::BlobHash;
use assist_proto::admission::Event;
use assist_proto::hub::{begin_log_anew, note_act};

use super::manifest::{FILE_NAME, Manifest};
use super::{
    BackupError, copy_blob, copy_file, generations, hash_of, io_error, make_folder, put_in_place, store_key,
};
use crate::blobs::BlobFolder;
use crate::config;
use crate::device_key::DeviceKey;
use crate::home::{self, Home};
use crate::store::{Store, StoreOptions};

/// A server that was restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The generation that it was restored from.
    pub generation: PathBuf,
    /// What its project was called.
    pub name: String,
    /// The last place of the log that came back.
    pub head: u64,
    /// Tickets that came back.
    pub tickets: u64,
    /// Whether it goes on with the log of the server that was backed up, because that one serves no more. Else it has
    /// a new one, and devices bring back what came after the backup.
    pub is_moved: bool,
}

/// Makes a server of a backup in a folder that holds none: of the newest generation in `from`, or of the one that
/// `from` is.
///
/// # Errors
/// See [`BackupError`]. No store is there then: it can be tried again.
pub fn restore(from: &Path, to: &Path) -> Result<Restored, BackupError> {
    let generation = generation_of(from)?;
    let folder = generation.parent().unwrap_or(from).to_owned();
    let manifest = Manifest::read(&generation)?;
    check_files(&generation, &manifest)?;
    let blobs = BlobFolder::open(&folder.join(home::BLOBS))?;
    let hashes = check_blobs(&folder, &blobs, &manifest)?;
    if to.join(home::STORE).exists() {
        return Err(BackupError::InTheWay(to.join(home::STORE)));
    }
    let home = Home::open(to)?;
    bring_keys(&generation, &home, &manifest)?;
    let target = BlobFolder::open(&home.blobs())?;
    for (blob, size_bytes) in hashes {
        copy_blob(&blobs, &target, blob, size_bytes)?;
    }
    bring_store(&generation, &home, manifest.is_last)?;
    // Not marked as clean: the next start takes nothing for granted, and writes under new actors.
    Ok(Restored {
        generation,
        name: manifest.name,
        head: manifest.head,
        tickets: manifest.tickets,
        is_moved: manifest.is_last,
    })
}

/// The generation that is meant: the folder itself, or the newest in it.
pub(super) fn generation_of(from: &Path) -> Result<PathBuf, BackupError> {
    if !from.is_dir() {
        return Err(BackupError::NoBackup(from.to_owned()));
    }
    if from.join(FILE_NAME).is_file() {
        return fs::canonicalize(from).map_err(io_error(from));
    }
    generations(from)?.pop().ok_or_else(|| BackupError::NoBackup(from.to_owned()))
}

/// Looks whether every file is what it was.
pub(super) fn check_files(generation: &Path, manifest: &Manifest) -> Result<(), BackupError> {
    for file in &manifest.files {
        let path = generation.join(&file.name);
        if Path::new(&file.name).file_name() != Some(file.name.as_ref()) {
            return Err(BackupError::Damaged { path, what: "is no name of a file" });
        }
        if !path.is_file() {
            return Err(BackupError::Damaged { path, what: "is missing" });
        }
        if hash_of(&path)? != (file.size_bytes, file.blake3.clone()) {
            return Err(BackupError::Damaged { path, what: "is not what it was" });
        }
    }
    Ok(())
}

/// Looks whether every attachment is there; what it holds is checked when it is copied.
pub(super) fn check_blobs(
    folder: &Path,
    blobs: &BlobFolder,
    manifest: &Manifest,
) -> Result<Vec<(BlobHash, u64)>, BackupError> {
    let mut hashes = Vec::with_capacity(manifest.blobs.len());
    for file in &manifest.blobs {
        let damaged = |what| BackupError::Damaged { path: folder.join(home::BLOBS).join(&file.hash), what };
        let blob: BlobHash = file.hash.parse().map_err(|_| damaged("is no name of an attachment"))?;
        match blobs.size_of(blob)? {
            Some(size_bytes) if size_bytes == file.size_bytes => hashes.push((blob, size_bytes)),
            Some(_) => return Err(damaged("is not what it was")),
            None => return Err(damaged("is missing")),
        }
    }
    Ok(hashes)
}

/// Keys that are there already stay, if they are the same.
fn bring_keys(generation: &Path, home: &Home, manifest: &Manifest) -> Result<(), BackupError> {
    for file in &manifest.files {
        if file.name == home::STORE {
            continue;
        }
        let place = home.path().join(&file.name);
        match place.exists() {
            false => copy_file(&generation.join(&file.name), &place)?,
            // Settings may have been written for the new machine.
            true if file.name == config::FILE_NAME => {}
            true if hash_of(&place)?.1 == file.blake3 => {}
            true => return Err(BackupError::InTheWay(place)),
        }
    }
    for key in [home.device_key(), home.node_key()] {
        if !key.exists() {
            return Err(BackupError::NoKeys(key));
        }
    }
    Ok(())
}

/// The store last, and whole or not at all: without it the folder serves nothing.
fn bring_store(generation: &Path, home: &Home, is_moved: bool) -> Result<(), BackupError> {
    let unfinished = home.path().join("restoring");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(io_error(&unfinished))?;
    }
    make_folder(&unfinished)?;
    let path = unfinished.join(home::STORE);
    copy_file(&generation.join(home::STORE), &path)?;
    let key = store_key(&DeviceKey::load(&home.device_key())?);
    let store = Store::open(&path, &key, StoreOptions::default())?;
    let node_key = DeviceKey::load(&home.node_key())?;
    let (node_key, now) = (node_key.signing_key(), crate::driver::read_clock());
    let mut turn = store.begin_turn()?;
    if is_moved {
        note_act(now, node_key, Event::Moved, &mut turn)?;
    } else {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| io_error(&path)(error.into()))?;
        begin_log_anew(now, node_key, seed, &mut turn)?
            .ok_or_else(|| BackupError::NoServer(generation.to_owned()))?;
    }
    turn.commit()?;
    store.checkpoint()?;
    store.close();
    drop(store);
    let journal = unfinished.join(format!("{}.journal", home::STORE));
    fs::remove_file(&journal).map_err(io_error(&journal))?;
    put_in_place(&path, &home.store())?;
    fs::remove_dir(&unfinished).map_err(io_error(&unfinished))
}
