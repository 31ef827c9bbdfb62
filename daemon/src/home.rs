//! The folder that holds everything of one daemon: keys, store, socket. One process at a time.
//!
//! | path | what |
//! |---|---|
//! | `device.key` | this installation's key; the store's seal is derived from it |
//! | `node.key` | a server's own key |
//! | `root.key` | the project's root, until the operator takes it offline |
//! | `blobs/` | what attachments are made of, by hash (`blobs.rs`) |
//! | `store.redb` | everything else (`docs/storage.md`) |
//! | `last-scrub` | what was found when everything was last read (`scrub.rs`) |
//! | `last-backup` | when the newest backup was made |
//! | `retired` | there once a server was moved away from here |
//! | `config.toml` | what the operator sets, if there is such a file (`config.rs`) |
//! | `overlay.address` | the overlay address that a server had last (`overlay/known.rs`) |
//! | `overlay/` | the key of the overlay's node, if this daemon runs it (`overlay/managed.rs`) |
//! | `lock` | held while a daemon runs |
//! | `clean` | there while no daemon runs and the last one ended properly |
//! | `run/assistd.sock` | the local API |

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// A folder that this process owns until it is dropped.
#[derive(Debug)]
pub struct Home {
    path: PathBuf,
    was_clean: bool,
    /// Held, never read.
    _lock: File,
}

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// Others could read it.
    #[error("{} can be read by other users (mode {mode:o}): run `chmod 700 {}`", path.display(), path.display())]
    TooOpen {
        /// The folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Somebody runs in it.
    #[error("a daemon is already running in {}: stop it with `assist daemon stop`, or choose another folder with --home", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The system said no.
    #[error("cannot use {}", path.display())]
    Io {
        /// What was touched.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

impl Home {
    /// Takes the folder, making it if it is not there.
    ///
    /// # Errors
    /// When others could read it, a daemon runs in it, or the system says no.
    pub fn open(path: &Path) -> Result<Self, HomeError> {
        let io_error = |source| HomeError::Io { path: path.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io_error)?;
        let mode = fs::metadata(path).map_err(io_error)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(HomeError::TooOpen { path: path.to_owned(), mode });
        }
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path.join("lock"))
            .map_err(io_error)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(HomeError::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(io_error(source)),
        }
        let is_new = !path.join(STORE).exists();
        let home =
            Self { path: path.to_owned(), was_clean: is_new || path.join(CLEAN).exists(), _lock: lock };
        home.mark_running().map_err(io_error)?;
        Ok(home)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Tells whether the last daemon here ended properly, or there was none.
    pub fn was_clean(&self) -> bool {
        self.was_clean
    }

    /// This installation's key.
    pub fn device_key(&self) -> PathBuf {
        self.path.join(DEVICE_KEY)
    }

    /// A server's own key.
    pub fn node_key(&self) -> PathBuf {
        self.path.join(NODE_KEY)
    }

    /// The project's root key, which a running server does not need.
    pub fn root_key(&self) -> PathBuf {
        self.path.join(ROOT_KEY)
    }

    /// The store.
    pub fn store(&self) -> PathBuf {
        self.path.join(STORE)
    }

    /// The search index; it can be made anew at any time.
    pub fn search(&self) -> PathBuf {
        self.path.join("search")
    }

    /// The blobs.
    pub fn blobs(&self) -> PathBuf {
        self.path.join(BLOBS)
    }

    /// What says that this server was moved, and serves no more.
    pub fn retired(&self) -> PathBuf {
        self.path.join("retired")
    }

    /// The key of the overlay's node, if this daemon runs it.
    pub fn overlay_keys(&self) -> PathBuf {
        self.path.join("overlay")
    }

    /// The overlay address that a server had last.
    pub fn overlay_address(&self) -> PathBuf {
        self.path.join("overlay.address")
    }

    /// Says durably that this server serves no more: before its last backup has its name, so that no crash leaves two
    /// servers that go on with one log.
    ///
    /// # Errors
    /// When the system says no.
    pub fn retire(&self) -> io::Result<()> {
        File::create(self.retired())?.sync_all()?;
        File::open(&self.path)?.sync_all()
    }

    /// Says that it serves on: its last backup did not come about.
    ///
    /// # Errors
    /// When the system says no.
    pub fn unretire(&self) -> io::Result<()> {
        fs::remove_file(self.retired())?;
        File::open(&self.path)?.sync_all()
    }

    /// The socket of the local API.
    pub fn socket(&self) -> PathBuf {
        self.path.join("run").join("assistd.sock")
    }

    /// Says that everything was put away.
    ///
    /// # Errors
    /// When the system says no; the next start is then merely more careful.
    pub fn mark_clean(&self) -> io::Result<()> {
        File::create(self.path.join(CLEAN))?.sync_all()?;
        File::open(&self.path)?.sync_all()
    }

    fn mark_running(&self) -> io::Result<()> {
        match fs::remove_file(self.path.join(CLEAN)) {
            Ok(()) => File::open(&self.path)?.sync_all(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// The store's file.
pub(crate) const STORE: &str = "store.redb";
/// The file of this installation's key.
pub(crate) const DEVICE_KEY: &str = "device.key";
/// That of a server's own key.
pub(crate) const NODE_KEY: &str = "node.key";
/// That of the project's root.
pub(crate) const ROOT_KEY: &str = "root.key";
/// The folder of blobs.
pub(crate) const BLOBS: &str = "blobs";
const CLEAN: &str = "clean";
