//! The daemon's side of thumbnails: whole blobs in, small PNGs out; kept beside the blobs for as long as there is room.
//!
//! The cache may be deleted at any time, by anybody. What lies in it is believed only with its own hash in front.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::num::NonZeroUsize;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use assist_crdt_model::BlobHash;
use assist_proto::api::ApiError;
use bytes::Bytes;
use lru::LruCache;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::helper::{COMMAND, SCREEN, reason_of};
use super::limits::{
    FAILURES_KEPT_MAX, HELPER_TIME_MAX, PICTURE_BYTES_MAX, THUMBNAIL_BYTES_MAX, THUMBNAILS_KEPT_BYTES_MAX,
};
use super::shrink::{PictureSize, ShrinkError};
use crate::blobs::{BlobFault, BlobFolder, Reading};

/// Makes and keeps thumbnails. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Thumbnails {
    folder: BlobFolder,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    program: PathBuf,
    /// One picture at a time: a second one would double the memory that a hostile one can have.
    turn: Semaphore,
    /// Why those failed that were tried.
    failures: Mutex<LruCache<BlobHash, ThumbnailFault>>,
}

/// Why there is no thumbnail.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ThumbnailFault {
    /// It is not here, or damaged.
    #[error(transparent)]
    Blob(Arc<BlobFault>),
    /// What it is.
    #[error(transparent)]
    Picture(#[from] ShrinkError),
    /// The helper took more than it may have, or fell over it.
    #[error("the picture could not be decoded within its bounds")]
    Refused,
    /// There was no helper.
    #[error("the program that makes pictures small does not run")]
    Helper(#[source] Arc<io::Error>),
}

impl From<BlobFault> for ThumbnailFault {
    fn from(fault: BlobFault) -> Self {
        Self::Blob(Arc::new(fault))
    }
}

impl From<io::Error> for ThumbnailFault {
    fn from(error: io::Error) -> Self {
        Self::Helper(Arc::new(error))
    }
}

impl ThumbnailFault {
    /// In the words of the local API.
    pub fn as_api_error(&self) -> ApiError {
        match self {
            Self::Blob(fault) => fault.as_api_error(),
            Self::Picture(ShrinkError::NoPicture) => ApiError::not_found("no_picture", self.to_string()),
            Self::Picture(ShrinkError::TooLarge) => ApiError::limit("picture_too_large", self.to_string()),
            Self::Picture(ShrinkError::Damaged) | Self::Refused => {
                ApiError::not_found("picture_damaged", self.to_string())
            }
            Self::Helper(_) => {
                ApiError::internal("no_picture_helper", crate::driver::Chain(self).to_string())
            }
        }
    }

    /// Whether it would be the same the next time: only what the bytes themselves are to blame for.
    const fn is_final(&self) -> bool {
        matches!(self, Self::Picture(_) | Self::Refused)
    }
}

impl Thumbnails {
    /// Makes them of the blobs in a folder, with this very program as the helper.
    pub fn new(folder: BlobFolder) -> Self {
        let program = match cfg!(target_os = "linux") {
            true => PathBuf::from(THIS_PROGRAM),
            false => std::env::current_exe().unwrap_or_default(),
        };
        Self::with_program(folder, program)
    }

    /// The same with another program.
    pub fn with_program(folder: BlobFolder, program: PathBuf) -> Self {
        let kept = NonZeroUsize::new(FAILURES_KEPT_MAX).expect("the constant is above zero");
        let failures = Mutex::new(LruCache::new(kept));
        Self { folder, shared: Arc::new(Shared { program, turn: Semaphore::new(1), failures }) }
    }

    /// The PNG of a blob that is here.
    ///
    /// # Errors
    /// When it is not here, is no picture that is shown, or could not be decoded.
    pub async fn of(&self, blob: BlobHash) -> Result<Bytes, ThumbnailFault> {
        if let Some(known) = self.known(blob).await {
            return known;
        }
        let Ok(_turn) = self.shared.turn.acquire().await else { unreachable!("it is never closed") };
        // Whoever was before us may have wanted the same.
        if let Some(known) = self.known(blob).await {
            return known;
        }
        let made = self.make(blob, PictureSize::Thumbnail).await;
        match &made {
            Ok(png) => {
                let (path, png) = (self.folder.thumbnail_path(blob), png.clone());
                // A cache that cannot be written costs time, no more.
                if let Ok(Err(error)) = spawn_blocking(move || keep(&path, &png)).await {
                    tracing::debug!(%error, "a thumbnail was not kept");
                }
            }
            Err(fault) => self.remember(blob, fault),
        }
        made
    }

    /// The PNG of a blob that is here, large enough to be read. It is not kept: somebody looks at one at a time.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub async fn to_read(&self, blob: BlobHash) -> Result<Bytes, ThumbnailFault> {
        let Ok(_turn) = self.shared.turn.acquire().await else { unreachable!("it is never closed") };
        // What its bytes are to blame for is the same in every size.
        if let Some(Err(fault)) = self.known(blob).await {
            return Err(fault);
        }
        let made = self.make(blob, PictureSize::Screen).await;
        if let Err(fault) = &made {
            self.remember(blob, fault);
        }
        made
    }

    fn remember(&self, blob: BlobHash, fault: &ThumbnailFault) {
        if fault.is_final() {
            self.failures().put(blob, fault.clone());
        }
    }

    /// What is known of it without decoding.
    async fn known(&self, blob: BlobHash) -> Option<Result<Bytes, ThumbnailFault>> {
        let folder = self.folder.clone();
        // A thumbnail of what is gone is gone as well, even if its file was left behind.
        let found = spawn_blocking(move || match folder.size_of(blob) {
            Ok(Some(_)) => Ok(kept(&folder.thumbnail_path(blob))),
            Ok(None) => Err(BlobFault::Missing),
            Err(fault) => Err(fault),
        });
        match found.await {
            Ok(Ok(Some(png))) => Some(Ok(png)),
            Ok(Ok(None)) => self.failures().get(&blob).cloned().map(Err),
            Ok(Err(fault)) => Some(Err(fault.into())),
            Err(error) => Some(Err(io::Error::other(error).into())),
        }
    }

    async fn make(&self, blob: BlobHash, size: PictureSize) -> Result<Bytes, ThumbnailFault> {
        let folder = self.folder.clone();
        let reading = spawn_blocking(move || folder.read(blob)).await.map_err(io::Error::other)??;
        if reading.pieces().size_bytes() > PICTURE_BYTES_MAX {
            return Err(ShrinkError::TooLarge.into());
        }
        let mut helper = Command::new(&self.shared.program)
            .arg(COMMAND)
            .args((size == PictureSize::Screen).then_some(SCREEN))
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // Whoever waits may go away; then it goes as well.
            .kill_on_drop(true)
            .spawn()?;
        let ended = timeout(HELPER_TIME_MAX, converse(&mut helper, reading, size.bytes_max())).await;
        // Dead already, or out of time: in no case does it outlive this.
        helper.start_kill().ok();
        let (png, code) = match ended {
            Ok(ended) => ended?,
            Err(_) => {
                tracing::warn!(%blob, "a picture took too long to be made small");
                return Err(ThumbnailFault::Refused);
            }
        };
        match code {
            Some(0) if is_png(&png) => Ok(png.into()),
            code => match reason_of(code) {
                Some(reason) => Err(reason.into()),
                None => {
                    tracing::warn!(%blob, ?code, "the helper that makes pictures small was stopped by one");
                    Err(ThumbnailFault::Refused)
                }
            },
        }
    }

    fn failures(&self) -> MutexGuard<'_, LruCache<BlobHash, ThumbnailFault>> {
        // Nothing that can panic half way runs under this lock.
        self.shared.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives the helper the blob, piece by checked piece, and takes its answer.
async fn converse(
    helper: &mut Child,
    reading: Reading,
    bytes_max: u64,
) -> Result<(Vec<u8>, Option<i32>), ThumbnailFault> {
    let mut stdin = helper.stdin.take().ok_or_else(|| io::Error::other("no pipe to it"))?;
    let mut stdout = helper.stdout.take().ok_or_else(|| io::Error::other("no pipe from it"))?;
    let (to_helper, mut from_disk) = mpsc::channel(1);
    let reader = spawn_blocking(move || {
        for index in 0..reading.pieces().count() {
            let piece = reading.piece(index)?;
            if to_helper.blocking_send(piece).is_err() {
                break; // It has heard enough.
            }
        }
        Ok::<(), BlobFault>(())
    });
    let telling = async move {
        while let Some(piece) = from_disk.recv().await {
            if stdin.write_all(&piece).await.is_err() {
                break; // It says why by how it ends.
            }
        }
    };
    let hearing = async {
        let mut png = Vec::new();
        let mut bounded = (&mut stdout).take(bytes_max + 1);
        bounded.read_to_end(&mut png).await.map(|_| png)
    };
    let ((), png) = tokio::join!(telling, hearing);
    let png = png?;
    reader.await.map_err(io::Error::other)??;
    if png.len() as u64 > bytes_max {
        return Err(ThumbnailFault::Refused);
    }
    drop(stdout);
    Ok((png, helper.wait().await?.code()))
}

fn is_png(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x89PNG\r\n\x1a\n")
}

/// A thumbnail that was kept, if it is still what was written.
fn kept(path: &Path) -> Option<Bytes> {
    let size = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file)?.len();
    if size > THUMBNAIL_BYTES_MAX + HASH_BYTES as u64 {
        return None;
    }
    let bytes = Bytes::from(fs::read(path).ok()?);
    let (hash, png) = bytes.split_at_checked(HASH_BYTES)?;
    (blake3::hash(png).as_bytes() == hash).then(|| bytes.slice(HASH_BYTES..))
}

fn keep(path: &Path, png: &[u8]) -> io::Result<()> {
    let Some(folder) = path.parent() else { return Ok(()) };
    make_room(folder, png.len() as u64)?;
    let unfinished = path.with_extension(UNFINISHED);
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = file.custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed()).open(&unfinished)?;
    let written = file.write_all(blake3::hash(png).as_bytes()).and_then(|()| file.write_all(png));
    let named = written.and_then(|()| fs::rename(&unfinished, path));
    if named.is_err() {
        fs::remove_file(&unfinished).ok(); // The first error is the one to tell.
    }
    named
}

/// Removes the oldest until there is room for so much more.
fn make_room(folder: &Path, size_bytes: u64) -> io::Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        files.push((metadata.modified()?, metadata.len(), entry.path()));
    }
    let mut sum: u64 = files.iter().map(|(_, size, _)| size).sum();
    files.sort_unstable();
    for (_, size, path) in files {
        if sum + size_bytes <= THUMBNAILS_KEPT_BYTES_MAX {
            break;
        }
        fs::remove_file(path)?;
        sum -= size;
    }
    Ok(())
}

/// In front of each thumbnail.
const HASH_BYTES: usize = 32;
const UNFINISHED: &str = "new";
/// The program that runs, even if its file was replaced by a newer one meanwhile.
const THIS_PROGRAM: &str = "/proc/self/exe";

#[cfg(test)]
mod tests;
