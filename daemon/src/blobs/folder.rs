//! The folder of blobs: `ab/<hash>` for whole ones, `partial/` for those that are on their way.
//!
//! A whole blob is written under another name in the same file system, made durable, and only then gets its name.
//! Nothing is believed because it lies here: every piece is checked against the hash when it is read. Names of files
//! are hashes; nothing that a person wrote is ever one.
//!
//! Blocks on the disk: called from threads that may.

use std::collections::HashSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use assist_crdt_model::BlobHash;
use assist_proto::api::ApiError;
use assist_proto::blob::{BlobError, Pieces, PiecesMaker};
use assist_proto::limits::{BLOB_BYTES_MAX, PIECE_BYTES};
use assist_proto::wire::blob::BlobPlace;

use crate::driver::Chain;

/// A folder of blobs. Clones are the same one.
#[derive(Debug, Clone)]
pub struct BlobFolder {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    /// Files under `partial/` that somebody writes to at this moment.
    open: Mutex<HashSet<PathBuf>>,
    /// For names of files that are new.
    next: AtomicU64,
    /// Blobs that got their name since the last sweep began: it does not touch them, whatever it found.
    settled: Mutex<HashSet<BlobHash>>,
}

/// What a sweep looks at.
#[derive(Debug, Default)]
pub struct Listing {
    /// Whole ones.
    pub(super) blobs: Vec<BlobHash>,
    /// Unfinished ones that nobody writes to.
    pub(super) partials: Vec<PartialFile>,
}

/// An unfinished blob.
#[derive(Debug)]
pub(super) struct PartialFile {
    pub(super) name: String,
    modified_at: SystemTime,
}

impl PartialFile {
    pub(super) fn is_older(&self, now: SystemTime, age: Duration) -> bool {
        now.duration_since(self.modified_at).is_ok_and(|its| its > age)
    }
}

/// Why the folder did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum BlobFault {
    /// There is no such blob here.
    #[error("the file is not on this device")]
    Missing,
    /// What lies here is not what its name says.
    #[error("the file is damaged on this device's disk")]
    Damaged,
    /// What came is not what was announced.
    #[error("what came is not the file that was announced")]
    Wrong(#[from] BlobError),
    /// Somebody else writes it at this moment.
    #[error("the file is being written already")]
    Busy,
    /// More than it may have.
    #[error("a file may have at most {} MiB", .bytes_max / (1024 * 1024))]
    TooLarge {
        /// The most.
        bytes_max: u64,
    },
    /// No room.
    #[error("the disk is full: free some space, then try again")]
    Full(#[source] io::Error),
    /// Anything else.
    #[error("the folder of files cannot be used")]
    Io(#[source] io::Error),
}

impl From<io::Error> for BlobFault {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind::{FileTooLarge, NotFound, QuotaExceeded, StorageFull};
        match error.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => Self::Full(error),
            NotFound => Self::Missing,
            _ => Self::Io(error),
        }
    }
}

impl BlobFault {
    /// In the words of the local API.
    pub fn as_api_error(&self) -> ApiError {
        let message = Chain(self).to_string();
        match self {
            Self::Missing => ApiError::not_found("no_such_blob", message),
            Self::TooLarge { .. } => ApiError::limit("blob_too_large", message),
            Self::Full(_) => ApiError::limit("disk_full", message),
            Self::Busy => ApiError::conflict("blob_busy", message),
            Self::Damaged | Self::Wrong(_) => ApiError::internal("blob_damaged", message),
            Self::Io(_) => ApiError::internal("blobs_failed", message),
        }
    }
}

impl BlobFolder {
    /// Takes the folder, making it if it is not there. Of what was on its way when the last daemon ended, transfers
    /// are kept and go on; uploads of front ends are gone, as their callers are.
    ///
    /// # Errors
    /// The system's.
    pub fn open(path: &Path) -> Result<Self, BlobFault> {
        make_folder(path)?;
        let partial = path.join(PARTIAL);
        make_folder(&partial)?;
        make_folder(&path.join(THUMBNAILS))?;
        make_folder(&path.join(UPLOADS))?;
        for entry in fs::read_dir(&partial)? {
            let entry = entry?;
            if entry.file_name().as_encoded_bytes().starts_with(INTAKE.as_bytes()) {
                fs::remove_file(entry.path())?;
            }
        }
        let shared = Shared {
            path: path.to_owned(),
            open: Mutex::default(),
            next: AtomicU64::new(1),
            settled: Mutex::default(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Whether the blob is here whole, and how large it is.
    ///
    /// # Errors
    /// The system's.
    pub fn size_of(&self, blob: BlobHash) -> Result<Option<u64>, BlobFault> {
        match fs::symlink_metadata(self.path_of(blob)) {
            Ok(metadata) if metadata.is_file() => Ok(Some(metadata.len())),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens a blob for reading: what is read of it is checked piece by piece.
    ///
    /// # Errors
    /// [`BlobFault::Missing`], [`BlobFault::Damaged`], or the system's.
    pub fn read(&self, blob: BlobHash) -> Result<Reading, BlobFault> {
        let path = self.path_of(blob);
        let file = OpenOptions::new().read(true).custom_flags(NO_FOLLOW).open(&path)?;
        let size_bytes = file.metadata()?.len();
        if size_bytes > BLOB_BYTES_MAX {
            return Err(BlobFault::Damaged);
        }
        if let Ok(list) = fs::read(list_path(&path))
            && let Ok(pieces) = Pieces::from_list(blob, size_bytes, &list)
        {
            return Ok(Reading { file, pieces });
        }
        let pieces = pieces_of(&file)?;
        if pieces.blob() != blob {
            return Err(BlobFault::Damaged);
        }
        // Only saves time: it is checked when it is read.
        if let Err(error) = write_list(&path, &pieces) {
            tracing::debug!(%error, "a list of pieces was not kept");
        }
        Ok(Reading { file, pieces })
    }

    /// Begins to take bytes of which only the end tells what they are.
    ///
    /// # Errors
    /// The system's.
    pub fn take_in(&self, bytes_max: u64) -> Result<Intake, BlobFault> {
        let number = self.shared.next.fetch_add(1, Ordering::Relaxed);
        let path = self.shared.path.join(PARTIAL).join(format!("{INTAKE}{number}"));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(Intake { folder: self.clone(), path, file, maker: PiecesMaker::new(), bytes_max })
    }

    /// How many whole pieces of a blob are here from an earlier try. They are checked once more is known.
    pub fn held(&self, place: BlobPlace) -> u32 {
        let size = fs::metadata(self.partial_path(place)).map_or(0, |metadata| metadata.len());
        u32::try_from(size / PIECE_BYTES as u64).unwrap_or(0)
    }

    /// Goes on with a blob that comes piece by piece. What is here of it already is checked, and dropped from the
    /// first wrong byte on.
    ///
    /// # Errors
    /// [`BlobFault::Busy`], or the system's.
    pub fn resume(&self, place: BlobPlace, pieces: Pieces) -> Result<Partial, BlobFault> {
        let path = self.partial_path(place);
        if !self.open_files().insert(path.clone()) {
            return Err(BlobFault::Busy);
        }
        let lock = OpenFile { folder: self.clone(), path: path.clone() };
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(NO_FOLLOW)
            .open(&path)?;
        let mut next = 0;
        let mut piece = vec![0; PIECE_BYTES];
        while next < pieces.count() {
            let size = size_of_piece(&pieces, next);
            match file.read_exact(&mut piece[..size]) {
                Ok(()) if pieces.check(next, &piece[..size]).is_ok() => next += 1,
                Ok(()) => break,
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
                Err(error) => return Err(error.into()),
            }
        }
        let end = if next < pieces.count() { pieces.range(next).start } else { pieces.size_bytes() };
        file.set_len(end)?;
        file.seek(SeekFrom::Start(end))?;
        Ok(Partial { lock, file, pieces, next })
    }

    /// Forgets what is here of a blob, whole or not.
    ///
    /// # Errors
    /// The system's.
    pub fn remove(&self, blob: BlobHash) -> Result<(), BlobFault> {
        let path = self.path_of(blob);
        // The bytes last: of what is there whole, nothing else is left behind by a crash.
        for path in [self.upload_path(blob), self.thumbnail_path(blob), list_path(&path), path] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        Ok(())
    }

    /// Notes that a front end sent it just now, and may be about to name it.
    fn mark_upload(&self, blob: BlobHash) -> Result<(), BlobFault> {
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.custom_flags(NO_FOLLOW).open(self.upload_path(blob))?;
        // A byte, so that one of yesterday gets the time of now as well.
        file.write_all(b".")?;
        file.sync_all()?;
        File::open(self.shared.path.join(UPLOADS))?.sync_all()?;
        Ok(())
    }

    /// An upload is named by something that is durable: it is no longer kept for its own sake.
    pub fn uploads_are_named(&self, blobs: impl IntoIterator<Item = BlobHash>) {
        for blob in blobs {
            // Left behind, it keeps the blob for a day longer than it must.
            fs::remove_file(self.upload_path(blob)).ok();
        }
    }

    /// Whether a front end sent it so lately that it may still name it.
    pub(super) fn is_fresh_upload(&self, blob: BlobHash, now: SystemTime, age: Duration) -> bool {
        let path = self.upload_path(blob);
        let Ok(sent_at) = fs::symlink_metadata(&path).and_then(|metadata| metadata.modified()) else {
            return false;
        };
        // A clock that was put back makes it younger than new.
        let is_fresh = now.duration_since(sent_at).map_or(true, |its| its <= age);
        if !is_fresh {
            fs::remove_file(path).ok(); // The next sweep tries again.
        }
        is_fresh
    }

    /// Lists the whole blobs.
    ///
    /// # Errors
    /// The system's.
    pub fn whole(&self) -> Result<Vec<BlobHash>, BlobFault> {
        let mut blobs = Vec::new();
        for folder in fs::read_dir(&self.shared.path)? {
            let folder = folder?;
            if folder.file_name().len() != FOLDER_CHARS || !folder.file_type()?.is_dir() {
                continue;
            }
            for file in fs::read_dir(folder.path())? {
                let name = file?.file_name();
                let blob = name.to_str().and_then(|name| name.parse::<BlobHash>().ok());
                blobs.extend(blob.filter(|blob| name == blob.to_string().as_str()));
            }
        }
        Ok(blobs)
    }

    /// Lists all that lies here. From now on, what gets its name is safe from the removal of this sweep.
    pub(super) fn begin_sweep(&self) -> Result<Listing, BlobFault> {
        self.settled().clear();
        let mut listing = Listing { blobs: self.whole()?, ..Listing::default() };
        for file in fs::read_dir(self.shared.path.join(PARTIAL))? {
            let file = file?;
            let name = file.file_name().to_string_lossy().into_owned();
            if !name.starts_with(INTAKE) {
                listing.partials.push(PartialFile { name, modified_at: file.metadata()?.modified()? });
            }
        }
        Ok(listing)
    }

    /// Removes a blob that was listed, unless it came anew since. Says whether it did.
    pub(super) fn remove_listed(&self, blob: BlobHash) -> Result<bool, BlobFault> {
        // Held until it is gone: whoever settles it meanwhile does so after that.
        let settled = self.settled();
        if settled.contains(&blob) {
            return Ok(false);
        }
        self.remove(blob)?;
        Ok(true)
    }

    /// Removes an unfinished blob, unless somebody writes to it. Says whether it did.
    pub(super) fn remove_partial(&self, name: &str) -> Result<bool, BlobFault> {
        let path = self.shared.path.join(PARTIAL).join(name);
        let open = self.open_files();
        if open.contains(&path) {
            return Ok(false);
        }
        match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            removed => Ok(removed.map(|()| true)?),
        }
    }

    /// What an unfinished blob's file is called.
    pub(super) fn partial_name(&self, place: BlobPlace) -> String {
        let path = self.partial_path(place);
        path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// Gives a file that is complete and closed for writing its name.
    fn settle(&self, from: &Path, file: &File, pieces: &Pieces) -> Result<(), BlobFault> {
        let path = self.path_of(pieces.blob());
        let parent = path.parent().unwrap_or(&self.shared.path);
        if !parent.is_dir() {
            make_folder(parent)?;
            File::open(&self.shared.path)?.sync_all()?;
        }
        file.sync_all()?;
        {
            let mut settled = self.settled();
            settled.insert(pieces.blob());
            write_list(&path, pieces)?;
            fs::rename(from, &path)?;
        }
        File::open(parent)?.sync_all()?;
        Ok(())
    }

    fn path_of(&self, blob: BlobHash) -> PathBuf {
        let name = blob.to_string();
        self.shared.path.join(&name[..2]).join(name)
    }

    /// Where a small picture of it is kept, if there is one.
    pub(crate) fn thumbnail_path(&self, blob: BlobHash) -> PathBuf {
        self.shared.path.join(THUMBNAILS).join(blob.to_string())
    }

    /// Of the blob through this document: what one brings is not told to another who brings the same.
    pub(super) fn partial_path(&self, place: BlobPlace) -> PathBuf {
        let mut hasher = blake3::Hasher::new_derive_key("assist 2026 unfinished blob v1");
        hasher.update(place.blob.as_bytes()).update(&place.doc.to_bytes());
        let name = BlobHash::from_bytes(*hasher.finalize().as_bytes());
        self.shared.path.join(PARTIAL).join(name.to_string())
    }

    fn upload_path(&self, blob: BlobHash) -> PathBuf {
        self.shared.path.join(UPLOADS).join(blob.to_string())
    }

    fn settled(&self) -> MutexGuard<'_, HashSet<BlobHash>> {
        // Nothing that can panic half way runs under this lock.
        self.shared.settled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open_files(&self) -> MutexGuard<'_, HashSet<PathBuf>> {
        // Nothing that can panic half way runs under this lock.
        self.shared.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A blob that is read.
#[derive(Debug)]
pub struct Reading {
    file: File,
    pieces: Pieces,
}

impl Reading {
    /// Its shape.
    pub fn pieces(&self) -> &Pieces {
        &self.pieces
    }

    /// Reads a piece and checks it.
    ///
    /// # Errors
    /// [`BlobFault::Damaged`], or the system's.
    pub fn piece(&self, index: u32) -> Result<Vec<u8>, BlobFault> {
        let mut bytes = vec![0; size_of_piece(&self.pieces, index)];
        match self.file.read_exact_at(&mut bytes, self.pieces.range(index).start) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(BlobFault::Damaged),
            other => other?,
        }
        self.pieces.check(index, &bytes).map_err(|_| BlobFault::Damaged)?;
        Ok(bytes)
    }
}

/// Bytes of which only the end tells what they are. Dropped before its end, it leaves nothing.
#[derive(Debug)]
pub struct Intake {
    folder: BlobFolder,
    path: PathBuf,
    file: File,
    maker: PiecesMaker,
    bytes_max: u64,
}

impl Intake {
    /// Takes the bytes that follow.
    ///
    /// # Errors
    /// [`BlobFault::TooLarge`], [`BlobFault::Full`], or the system's.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), BlobFault> {
        if self.maker.size_bytes() + bytes.len() as u64 > self.bytes_max {
            return Err(BlobFault::TooLarge { bytes_max: self.bytes_max });
        }
        self.file.write_all(bytes)?;
        self.maker.update(bytes);
        Ok(())
    }

    /// That was all: it is durable from now on, once however often it comes.
    ///
    /// # Errors
    /// The system's.
    pub fn finish(mut self) -> Result<Pieces, BlobFault> {
        let pieces = std::mem::take(&mut self.maker).finish()?;
        // Before it is there, so that no sweep finds it without.
        self.folder.mark_upload(pieces.blob())?;
        // If it is here already, it stays; if a sweep has just removed it, it is written again.
        self.folder.settled().insert(pieces.blob());
        if self.folder.size_of(pieces.blob())? == Some(pieces.size_bytes()) {
            return Ok(pieces);
        }
        self.folder.settle(&self.path, &self.file, &pieces)?;
        Ok(pieces)
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        // Gone already if it got its name.
        fs::remove_file(&self.path).ok();
    }
}

/// A blob that comes piece by piece, from the first that is missing on.
#[derive(Debug)]
pub struct Partial {
    lock: OpenFile,
    file: File,
    pieces: Pieces,
    next: u32,
}

impl Partial {
    /// Its shape.
    pub fn pieces(&self) -> &Pieces {
        &self.pieces
    }

    /// The first piece that is missing.
    pub fn next(&self) -> u32 {
        self.next
    }

    /// Whether nothing is missing.
    pub fn is_whole(&self) -> bool {
        self.next == self.pieces.count()
    }

    /// Checks the next piece and keeps it.
    ///
    /// # Errors
    /// [`BlobFault::Wrong`], [`BlobFault::Full`], or the system's. What was kept before stays.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), BlobFault> {
        self.pieces.check(self.next, bytes)?;
        self.file.write_all(bytes)?;
        self.next += 1;
        Ok(())
    }

    /// Nothing is missing: it gets its name and is durable.
    ///
    /// # Errors
    /// The system's.
    pub fn finish(self) -> Result<(), BlobFault> {
        debug_assert!(self.is_whole(), "finished before its end");
        self.lock.folder.settle(&self.lock.path, &self.file, &self.pieces)
    }
}

/// Keeps others from writing to the same file.
#[derive(Debug)]
struct OpenFile {
    folder: BlobFolder,
    path: PathBuf,
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        self.folder.open_files().remove(&self.path);
    }
}

fn size_of_piece(pieces: &Pieces, index: u32) -> usize {
    let range = pieces.range(index);
    usize::try_from(range.end - range.start).expect("a piece fits memory")
}

fn pieces_of(mut file: &File) -> Result<Pieces, BlobFault> {
    let mut maker = PiecesMaker::new();
    let mut bytes = vec![0; PIECE_BYTES];
    file.rewind()?;
    loop {
        match file.read(&mut bytes) {
            Ok(0) => return Ok(maker.finish()?),
            Ok(count) => maker.update(&bytes[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Keeps the list of pieces beside a blob of several, so that it need not be hashed again to be sent.
fn write_list(path: &Path, pieces: &Pieces) -> io::Result<()> {
    if pieces.count() == 1 {
        return Ok(());
    }
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .custom_flags(NO_FOLLOW)
        .open(list_path(path))?;
    file.write_all(&pieces.list())
}

fn list_path(path: &Path) -> PathBuf {
    path.with_extension(LIST)
}

fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

const PARTIAL: &str = "partial";
/// What names of files begin with that front ends are still sending. No hash begins so.
const INTAKE: &str = "new-";
/// Marks of uploads, files of the time at which they came.
const UPLOADS: &str = "uploads";
/// Of the name of a folder of blobs.
const FOLDER_CHARS: usize = 2;
/// What can be made again from the blobs at any time. No folder of blobs is called so: they have two characters.
const THUMBNAILS: &str = "thumbnails";
const LIST: &str = "pieces";
/// Links are not ours: nobody is led elsewhere by one.
const NO_FOLLOW: i32 = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();

#[cfg(test)]
mod tests;
