//! Mails as files in a folder, for trials and tests: each appears whole or not at all.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lettre::message::Message;

use super::worker::{Post, PostError};

/// Writes `<number>.eml`, so that the order of names is the order of mails.
pub(super) struct FolderPost {
    path: PathBuf,
    next: AtomicU64,
}

/// Why a folder takes no mail.
#[derive(Debug, thiserror::Error)]
pub(super) enum FolderError {
    /// Mails hold codes.
    #[error("{} can be read by other users (mode {mode:o}): run `chmod 700 {}`", path.display(), path.display())]
    TooOpen {
        /// The folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The system said no.
    #[error("cannot use {} for mails", path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

impl FolderPost {
    /// Takes the folder, making it if it is not there.
    pub(super) fn open(path: &Path) -> Result<Self, FolderError> {
        let io_error = |source| FolderError::Io { path: path.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io_error)?;
        let mode = fs::metadata(path).map_err(io_error)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(FolderError::TooOpen { path: path.to_owned(), mode });
        }
        let next = newest(path).map_err(io_error)? + 1;
        Ok(Self { path: path.to_owned(), next: AtomicU64::new(next) })
    }
}

impl Post for FolderPost {
    async fn post(&self, message: Arc<Message>) -> Result<(), PostError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let folder = self.path.clone();
        let written = tokio::task::spawn_blocking(move || write(&folder, number, &message)).await;
        match written {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(PostError::Later(format!("{}: {error}", self.path.display()))),
            Err(error) => Err(PostError::Later(error.to_string())),
        }
    }
}

fn write(folder: &Path, number: u64, message: &Message) -> io::Result<()> {
    let name = format!("{number:08}.eml");
    let temporary = folder.join(format!(".{name}.new"));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(&message.formatted())?;
    file.sync_all()?;
    fs::rename(&temporary, folder.join(name))?;
    File::open(folder)?.sync_all()
}

/// The highest number that a mail there has.
fn newest(folder: &Path) -> io::Result<u64> {
    let mut newest = 0;
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".eml")?.parse().ok());
        newest = newest.max(number.unwrap_or(0));
    }
    Ok(newest)
}
