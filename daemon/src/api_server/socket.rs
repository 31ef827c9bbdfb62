//! The Unix socket: where it may stand, and who may speak to it.
//!
//! **Invariant:** only the user who runs the daemon gets through: the folder is 0700, the socket 0600, and the
//! kernel is asked who is at the other end. There is no listener but this one.

use std::fs::{self, DirBuilder, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

/// Why the socket cannot be opened. Each says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// Somebody answers there.
    #[error("another daemon already answers at {path}: use it, or stop it first")]
    InUse {
        /// Where.
        path: PathBuf,
    },
    /// There is something that we did not make.
    #[error("{path} is not a socket: move it away, or choose another folder")]
    NotASocket {
        /// Where.
        path: PathBuf,
    },
    /// Others could get at the socket.
    #[error(
        "{folder} is open to other users (mode {mode:o}): run `chmod 700` on it, or choose another folder"
    )]
    FolderOpenToOthers {
        /// The folder of the socket.
        folder: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Others could replace the socket.
    #[error("{folder} does not belong to the user who runs the daemon: choose another folder")]
    FolderOfAnotherUser {
        /// The folder of the socket.
        folder: PathBuf,
    },
    /// The system allows no such path.
    #[error(
        "{path} has {size_bytes} bytes, a socket's path at most {PATH_BYTES_MAX}: choose a shorter folder"
    )]
    PathTooLong {
        /// Where.
        path: PathBuf,
        /// How long it is.
        size_bytes: usize,
    },
    /// The system said no.
    #[error("cannot {attempt} {path}")]
    Io {
        /// What we tried.
        attempt: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// An open socket. Its file goes when it is dropped.
pub(crate) struct LocalSocket {
    listener: UnixListener,
    path: PathBuf,
    /// Which file is ours, so that another's is not removed.
    file: (u64, u64),
    owner_uid: u32,
}

impl LocalSocket {
    /// Opens the socket, making its folder if need be and clearing away one that died.
    pub(crate) fn bind(path: &Path) -> Result<Self, BindError> {
        let owner_uid = rustix::process::geteuid().as_raw();
        check_length(path)?;
        prepare_folder(path, owner_uid)?;
        clear_dead_socket(path)?;
        let listener = UnixListener::bind(path).map_err(|source| io_error("open", path, source))?;
        fs::set_permissions(path, Permissions::from_mode(0o600))
            .map_err(|source| io_error("protect", path, source))?;
        let file = identity(&fs::symlink_metadata(path).map_err(|source| io_error("read", path, source))?);
        Ok(Self { listener, path: path.to_owned(), file, owner_uid })
    }

    /// Waits for the next connection of our own user; others are dropped unheard.
    ///
    /// # Errors
    /// When the system has no more room, for a while.
    pub(crate) async fn accept(&self) -> io::Result<UnixStream> {
        loop {
            let (stream, _) = self.listener.accept().await?;
            match stream.peer_cred() {
                Ok(peer) if peer.uid() == self.owner_uid => return Ok(stream),
                Ok(peer) => tracing::warn!(uid = peer.uid(), "another user tried the local socket"),
                Err(error) => tracing::debug!(%error, "a caller was gone before it could be asked who it is"),
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn pretend_owner(&mut self, uid: u32) {
        self.owner_uid = uid;
    }
}

impl Drop for LocalSocket {
    fn drop(&mut self) {
        let is_ours = fs::symlink_metadata(&self.path).is_ok_and(|metadata| identity(&metadata) == self.file);
        if is_ours && let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "the socket file stays behind");
        }
    }
}

fn check_length(path: &Path) -> Result<(), BindError> {
    let size_bytes = path.as_os_str().len();
    if size_bytes > PATH_BYTES_MAX {
        return Err(BindError::PathTooLong { path: path.to_owned(), size_bytes });
    }
    Ok(())
}

fn prepare_folder(path: &Path, owner_uid: u32) -> Result<(), BindError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|source| io_error("make the folder", folder, source))?;
    let metadata = fs::metadata(folder).map_err(|source| io_error("read", folder, source))?;
    if metadata.uid() != owner_uid {
        return Err(BindError::FolderOfAnotherUser { folder: folder.to_owned() });
    }
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(BindError::FolderOpenToOthers { folder: folder.to_owned(), mode });
    }
    Ok(())
}

/// Removes a socket file that nobody answers at. Two daemons cannot do so to each other: the lock on the
/// home folder comes first.
fn clear_dead_socket(path: &Path) -> Result<(), BindError> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(io_error("read", path, source)),
    };
    if !metadata.file_type().is_socket() {
        return Err(BindError::NotASocket { path: path.to_owned() });
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => Err(BindError::InUse { path: path.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(|source| io_error("remove the dead socket", path, source))
        }
        // A full queue, say: somebody lives there.
        Err(source) => Err(io_error("find out who answers at", path, source)),
    }
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

fn io_error(attempt: &'static str, path: &Path, source: io::Error) -> BindError {
    BindError::Io { attempt, path: path.to_owned(), source }
}

/// `sun_path` holds 108 bytes on Linux and 104 on macOS, with the zero at the end.
const PATH_BYTES_MAX: usize = 103;

#[cfg(test)]
mod tests;
