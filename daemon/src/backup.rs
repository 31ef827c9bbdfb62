//! Backups of a server: made while it runs, of one moment, read back before they count; and what is made of them.
//!
//! | path in the folder | what |
//! |---|---|
//! | `blobs/` | attachments by hash, once for all generations, laid out as in a daemon's folder |
//! | `20261126T201500Z/` | a generation: one moment of the server |
//! | `.../manifest.json` | what it is of, and the hash of everything in it; written last |
//! | `.../store.redb` | the store, sealed as it was |
//! | `.../device.key`, `node.key`, `root.key` | the keys, unless they were left out; the root's if it is there |
//! | `.../config.toml` | the settings, if there are any |
//!
//! **Invariant:** a generation has its name only once everything in it is durable and was read back.

mod check;
mod manifest;
mod restore;

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use assist_crdt_model::{BlobHash, UnixMillis};
use assist_proto::admission::Head;
use assist_proto::store::{Audience, StoreError};

pub use check::{Checked, Problem, check, check_backup};
use manifest::{BlobFile, KeptFile, Manifest};
pub use restore::{Restored, restore};

use crate::admissions::{head_from_text, head_text};
use crate::blobs::{BlobFault, BlobFolder};
use crate::config;
use crate::device_key::{DeviceKey, KeyFileError};
use crate::home::{self, HomeError};
use crate::store::{OpenStoreError, Reader, ServerReads as _, Store, StoreKey, StoreOptions};

/// What a backup is to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupOptions {
    /// Whether the keys go along. Without them nobody can read it, and nobody can restore it who has not got them
    /// from elsewhere.
    pub has_keys: bool,
    /// Whether it is the last one of this server: the next to serve goes on where it ended.
    pub is_last: bool,
    /// How many generations are kept, this one with them; all without.
    pub keep: Option<usize>,
}

/// A backup that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The generation's folder.
    pub generation: PathBuf,
    /// The last place of the log that is in it.
    pub head: u64,
    /// Tickets in it.
    pub tickets: u64,
    /// Attachments in it.
    pub blobs: u64,
    /// Those of them that were not there from an earlier one.
    pub new_blobs: u64,
    /// What was written.
    pub written_bytes: u64,
    /// Generations that were too many, and were removed.
    pub removed: usize,
}

/// Why a backup was not made, checked, or restored. Whatever was there is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// There is nothing to be backed up.
    #[error("{} serves no project: a backup is made of a server", .0.display())]
    NoServer(PathBuf),
    /// It would grow by itself.
    #[error("{} is within the folder that is to be backed up: choose another place, best on another disk", .0.display())]
    Inside(PathBuf),
    /// Somebody makes one.
    #[error("another backup into {} is under way", .0.display())]
    Busy(PathBuf),
    /// What was written is not what is read.
    #[error("the backup did not read back ({0}): it was not kept; try another disk")]
    NotReadBack(String),
    /// No generation there.
    #[error("there is no backup in {}", .0.display())]
    NoBackup(PathBuf),
    /// Something in it is missing or not what it was.
    #[error("the backup is damaged: {path} {what}; another generation may be whole", path = .path.display())]
    Damaged {
        /// Which part.
        path: PathBuf,
        /// What of it.
        what: &'static str,
    },
    /// A later version made it.
    #[error("the backup has format {found}, this version reads up to {FORMAT}: use a later version")]
    Newer {
        /// Its format.
        found: u32,
    },
    /// Somebody's home is there.
    #[error("{} is there already, and nothing is ever overwritten: choose an empty folder with --home", .0.display())]
    InTheWay(PathBuf),
    /// The keys were left out, and are not there.
    #[error("the backup holds no keys: put {} there first, then restore again", .0.display())]
    NoKeys(PathBuf),
    /// The home's folder.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// A key.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// The store does not open.
    #[error(transparent)]
    Open(#[from] OpenStoreError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An attachment.
    #[error("the attachment {blob} cannot be copied")]
    Blob {
        /// Which.
        blob: BlobHash,
        /// Why.
        #[source]
        fault: BlobFault,
    },
    /// The folder of attachments.
    #[error(transparent)]
    Blobs(#[from] BlobFault),
    /// Anything else.
    #[error("cannot use {}", .path.display())]
    Io {
        /// What was touched.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// Makes a backup of the server in `home`, whose store is open. Takes as long as copying takes: for threads that may.
///
/// # Errors
/// See [`BackupError`]; earlier generations are untouched then.
pub fn make(
    home: &Path,
    store: &Store,
    folder: &Path,
    options: BackupOptions,
    now: UnixMillis,
) -> Result<Made, BackupError> {
    make_folder(folder)?;
    refuse_inside(home, folder)?;
    let _lock = lock(folder)?;
    remove_unfinished(folder)?;
    // From here on everything that was acknowledged until now is in the engine's file, and a snapshot has it.
    store.checkpoint()?;
    let reader = store.read()?;
    let project = reader.project()?.ok_or_else(|| BackupError::NoServer(home.to_owned()))?;
    // Names have seconds: a second backup within one is called by the next.
    let names = (0..).map(|later| name_of(UnixMillis(now.0 + later * 1_000)));
    let name = names.into_iter().find(|name| !folder.join(name).exists()).expect("seconds do not end");
    let (generation, unfinished) = (folder.join(&name), folder.join(format!("{name}{UNFINISHED}")));
    make_folder(&unfinished)?;
    // Behind the store's snapshot: what it names is there, and more does no harm.
    let (blobs, copied) = copy_blobs(home, folder)?;
    reader.copy_to(&unfinished.join(home::STORE))?;
    let head = reader.head()?.0;
    let tickets = reader.ticket_count(Audience::Team)?;
    let admission_head = admission_head(&reader)?;
    drop(reader);
    for file in SMALL_FILES {
        let is_key = file != config::FILE_NAME;
        if (options.has_keys || !is_key) && home.join(file).is_file() {
            copy_file(&home.join(file), &unfinished.join(file))?;
        }
    }
    read_back(home, &unfinished, head)?;
    // Only now: a store that was opened is another file, with the same in it.
    let files = kept_files(&unfinished)?;
    let manifest = Manifest {
        format: FORMAT,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        made_at_millis: now.0,
        project: project.project.to_string(),
        name: project.name,
        head,
        tickets,
        admission_head,
        has_keys: options.has_keys,
        is_last: options.is_last,
        files,
        blobs,
    };
    manifest.write(&unfinished)?;
    put_in_place(&unfinished, &generation)?;
    remember(home, now)?;
    let removed = options.keep.map_or(Ok(0), |keep| prune(folder, keep))?;
    let written_bytes = manifest.files.iter().map(|file| file.size_bytes).sum::<u64>() + copied.bytes;
    let blobs = manifest.blobs.len() as u64;
    Ok(Made { generation, head, tickets, blobs, new_blobs: copied.count, written_bytes, removed })
}

/// Where the admission log ended when a backup was made: of the newest in a folder, or of the generation that it is.
/// `None` for one of before there was such a log.
///
/// # Errors
/// When there is no backup, or it says something else.
pub fn witness(from: &Path) -> Result<Option<Head>, BackupError> {
    let generation = restore::generation_of(from)?;
    let Some(text) = Manifest::read(&generation)?.admission_head else { return Ok(None) };
    let damaged =
        || BackupError::Damaged { path: generation.join(manifest::FILE_NAME), what: "cannot be read" };
    head_from_text(&text).map(Some).ok_or_else(damaged)
}

/// Where the admission log ends.
fn admission_head(reader: &Reader) -> Result<Option<String>, BackupError> {
    let Some(signed) = reader.admission_head()? else { return Ok(None) };
    let damaged = |_| StoreError::Damaged { what: "end of the admission log".to_owned() };
    Ok(Some(head_text(Head::of(&signed).map_err(damaged)?)))
}

/// When the newest backup of a folder was made that was whole.
pub(crate) fn last_at(home: &Path) -> Option<u64> {
    fs::read_to_string(home.join(LAST)).ok()?.trim().parse().ok()
}

/// Notes in the server's folder that there is a backup, for those who watch that.
fn remember(home: &Path, now: UnixMillis) -> Result<(), BackupError> {
    let (path, new) = (home.join(LAST), home.join(format!("{LAST}.new")));
    fs::write(&new, format!("{}\n", now.0)).map_err(io_error(&new))?;
    fs::rename(&new, &path).map_err(io_error(&path))
}

/// Opens the store of a folder that no daemon runs in.
///
/// # Errors
/// When its key is not there, or it does not open.
pub fn open_store(home: &Path) -> Result<Store, BackupError> {
    let key = DeviceKey::load(&home.join(home::DEVICE_KEY))?;
    Ok(Store::open(&home.join(home::STORE), &store_key(&key), StoreOptions::default())?)
}

/// The key that a daemon's store is sealed with.
pub(crate) fn store_key(device_key: &DeviceKey) -> StoreKey {
    StoreKey::from_bytes(blake3::derive_key(
        "assist 2026 store seal v1",
        &device_key.signing_key().to_bytes(),
    ))
}

/// What was copied.
#[derive(Debug, Default)]
struct Copied {
    count: u64,
    bytes: u64,
}

/// Brings every whole attachment over that is not there yet, and reads it back.
fn copy_blobs(home: &Path, folder: &Path) -> Result<(Vec<BlobFile>, Copied), BackupError> {
    let from = BlobFolder::open(&home.join(home::BLOBS))?;
    let to = BlobFolder::open(&folder.join(home::BLOBS))?;
    let (mut files, mut copied) = (Vec::new(), Copied::default());
    for blob in from.whole()? {
        // Gone since it was listed: then nothing in the snapshot named it.
        let Some(size_bytes) = from.size_of(blob)? else { continue };
        if copy_blob(&from, &to, blob, size_bytes)? {
            copied.count += 1;
            copied.bytes += size_bytes;
        }
        files.push(BlobFile { hash: blob.to_string(), size_bytes });
    }
    files.sort_by(|one, other| one.hash.cmp(&other.hash));
    Ok((files, copied))
}

/// Brings one over, unless it is there. Tells whether it was not.
fn copy_blob(
    from: &BlobFolder,
    to: &BlobFolder,
    blob: BlobHash,
    size_bytes: u64,
) -> Result<bool, BackupError> {
    let fault = |fault| BackupError::Blob { blob, fault };
    if to.size_of(blob).map_err(fault)? == Some(size_bytes) {
        return Ok(false);
    }
    let reading = from.read(blob).map_err(fault)?;
    let mut intake = to.take_in(size_bytes).map_err(fault)?;
    for index in 0..reading.pieces().count() {
        intake.write(&reading.piece(index).map_err(fault)?).map_err(fault)?;
    }
    intake.finish().map_err(fault)?;
    check_blob(to, blob).map_err(fault)?;
    Ok(true)
}

/// Reads an attachment to its end: every piece has to be what its hash says.
fn check_blob(folder: &BlobFolder, blob: BlobHash) -> Result<(), BlobFault> {
    let reading = folder.read(blob)?;
    (0..reading.pieces().count()).try_for_each(|index| reading.piece(index).map(drop))
}

/// Opens the copy as a server would, and reads all of it.
fn read_back(home: &Path, unfinished: &Path, head: u64) -> Result<(), BackupError> {
    let key = DeviceKey::load(&home.join(home::DEVICE_KEY))?;
    let path = unfinished.join(home::STORE);
    let copy = Store::open(&path, &store_key(&key), StoreOptions::default())?;
    let reader = copy.read()?;
    reader.verify()?;
    let is_same = reader.head()?.0 == head;
    drop(reader);
    copy.close();
    drop(copy);
    // Opening made it; it holds nothing.
    let journal = unfinished.join(format!("{}.journal", home::STORE));
    fs::remove_file(&journal).map_err(io_error(&journal))?;
    File::open(&path).and_then(|file| file.sync_all()).map_err(io_error(&path))?;
    if is_same { Ok(()) } else { Err(BackupError::NotReadBack("its log ends elsewhere".to_owned())) }
}

/// Removes what is older than the newest so many, and attachments that no generation has any more.
fn prune(folder: &Path, keep: usize) -> Result<usize, BackupError> {
    let mut generations = generations(folder)?;
    let surplus = generations.len().saturating_sub(keep.max(1));
    for old in generations.drain(..surplus) {
        // Under another name first: half a generation must not look like one.
        let doomed = PathBuf::from(format!("{}{UNFINISHED}", old.display()));
        fs::rename(&old, &doomed).map_err(io_error(&old))?;
        fs::remove_dir_all(&doomed).map_err(io_error(&doomed))?;
    }
    if surplus > 0 {
        let mut named = std::collections::HashSet::new();
        for generation in &generations {
            named.extend(Manifest::read(generation)?.blobs.into_iter().map(|blob| blob.hash));
        }
        let blobs = BlobFolder::open(&folder.join(home::BLOBS))?;
        for blob in blobs.whole()? {
            if !named.contains(&blob.to_string()) {
                blobs.remove(blob)?;
            }
        }
    }
    Ok(surplus)
}

/// The generations of a folder, oldest first.
fn generations(folder: &Path) -> Result<Vec<PathBuf>, BackupError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(io_error(folder))? {
        let path = entry.map_err(io_error(folder))?.path();
        let is_whole = path.extension().is_none() && path.join(manifest::FILE_NAME).is_file();
        found.extend(is_whole.then_some(path));
    }
    found.sort();
    Ok(found)
}

fn remove_unfinished(folder: &Path) -> Result<(), BackupError> {
    for entry in fs::read_dir(folder).map_err(io_error(folder))? {
        let path = entry.map_err(io_error(folder))?.path();
        if path.to_string_lossy().ends_with(UNFINISHED) {
            fs::remove_dir_all(&path).map_err(io_error(&path))?;
        }
    }
    Ok(())
}

fn refuse_inside(home: &Path, folder: &Path) -> Result<(), BackupError> {
    let real = |path: &Path| fs::canonicalize(path).map_err(io_error(path));
    if real(folder)?.starts_with(real(home)?) {
        return Err(BackupError::Inside(folder.to_owned()));
    }
    Ok(())
}

fn lock(folder: &Path) -> Result<File, BackupError> {
    let path = folder.join("lock");
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
    let file = file.map_err(io_error(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(BackupError::Busy(folder.to_owned())),
        Err(TryLockError::Error(source)) => Err(BackupError::Io { path, source }),
    }
}

/// Everything in an unfinished generation, with what it has to read back as.
fn kept_files(unfinished: &Path) -> Result<Vec<KeptFile>, BackupError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(unfinished).map_err(io_error(unfinished))? {
        let path = entry.map_err(io_error(unfinished))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (size_bytes, blake3) = hash_of(&path)?;
        files.push(KeptFile { name, size_bytes, blake3 });
    }
    files.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(files)
}

fn hash_of(path: &Path) -> Result<(u64, String), BackupError> {
    let mut file = File::open(path).map_err(io_error(path))?;
    let (mut hasher, mut size_bytes, mut part) = (blake3::Hasher::new(), 0, vec![0; COPY_BYTES]);
    loop {
        match file.read(&mut part).map_err(io_error(path))? {
            0 => return Ok((size_bytes, hasher.finalize().to_hex().to_string())),
            count => {
                hasher.update(&part[..count]);
                size_bytes += count as u64;
            }
        }
    }
}

/// Copies a file that is not there yet, durably and for its owner alone.
fn copy_file(from: &Path, to: &Path) -> Result<(), BackupError> {
    let mut source = File::open(from).map_err(io_error(from))?;
    let mut target =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(io_error(to))?;
    io::copy(&mut source, &mut target).map_err(io_error(to))?;
    target.flush().and_then(|()| target.sync_all()).map_err(io_error(to))
}

/// Gives a folder its name once all in it is durable.
fn put_in_place(unfinished: &Path, place: &Path) -> Result<(), BackupError> {
    let sync = |path: &Path| File::open(path).and_then(|folder| folder.sync_all()).map_err(io_error(path));
    sync(unfinished)?;
    fs::rename(unfinished, place).map_err(io_error(place))?;
    place.parent().map_or(Ok(()), sync)
}

fn make_folder(path: &Path) -> Result<(), BackupError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io_error(path))
}

fn name_of(now: UnixMillis) -> String {
    let time =
        jiff::Timestamp::from_millisecond(i64::try_from(now.0).unwrap_or(i64::MAX)).unwrap_or_default();
    time.strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.to_owned();
    move |source| BackupError::Io { path, source }
}

/// The format that this version writes.
const FORMAT: u32 = 1;
/// In a server's folder: when its newest backup was made, in milliseconds since 1970.
const LAST: &str = "last-backup";
/// What is not whole yet, or no more.
const UNFINISHED: &str = ".unfinished";
/// What goes along beside the store, if it is there.
const SMALL_FILES: [&str; 4] = [home::DEVICE_KEY, home::NODE_KEY, home::ROOT_KEY, config::FILE_NAME];
/// Read at once: keeps a disk busy.
const COPY_BYTES: usize = 1024 * 1024;

#[cfg(test)]
mod tests;
