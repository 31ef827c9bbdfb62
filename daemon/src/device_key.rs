//! A long-lived ed25519 key in a file: a device's, a server node's, or a project's root.
//!
//! The file is made once and never rewritten: what cannot be read as a whole key is refused and left as it is,
//! because the key is an identity and a new one in its place would silently be somebody else.
//! The secret is held once in memory, wiped when the last holder drops it, and never shown.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use assist_crdt_model::{DeviceId, base32};
use ed25519_dalek::{SECRET_KEY_LENGTH, SigningKey};
use zeroize::Zeroizing;

/// An ed25519 key that lives in a file. Clones share one copy of the secret.
#[derive(Clone)]
pub struct DeviceKey(Arc<SigningKey>);

impl DeviceKey {
    /// Wraps a secret that the caller has: for tests and benchmarks.
    pub fn from_secret(secret: &[u8; SECRET_KEY_LENGTH]) -> Self {
        Self(Arc::new(SigningKey::from_bytes(secret)))
    }

    /// Reads the key at `path`, or makes a new one there (with its folder) if there is none.
    pub fn load_or_create(path: &Path) -> Result<Self, KeyFileError> {
        match Self::load(path) {
            Err(KeyFileError::Missing { .. }) => match Self::create(path) {
                // Another process was quicker: its key is the one.
                Err(KeyFileError::Exists { .. }) => Self::load(path),
                created => created,
            },
            loaded => loaded,
        }
    }

    /// Reads the key at `path`.
    pub fn load(path: &Path) -> Result<Self, KeyFileError> {
        let file = match OpenOptions::new().read(true).custom_flags(NO_FOLLOW).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(KeyFileError::Missing { path: path.to_owned() });
            }
            opened => opened.map_err(|source| KeyFileError::io("open", path, source))?,
        };
        check_mode(&file, path, FILE_MODE)?;
        open_folder(folder_of(path))?;
        let mut text = Zeroizing::new(String::with_capacity(FILE_BYTES_MAX as usize));
        match file.take(FILE_BYTES_MAX).read_to_string(&mut text) {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Err(KeyFileError::Garbled { path: path.to_owned() });
            }
            read => read.map_err(|source| KeyFileError::io("read", path, source))?,
        };
        Self::from_text(&text).ok_or_else(|| KeyFileError::Garbled { path: path.to_owned() })
    }

    /// Makes a new key at `path`, where no file may be yet; makes the folder too if there is none.
    ///
    /// When this returns the key is durable. After a crash in the middle there is either no key file or a whole one.
    pub fn create(path: &Path) -> Result<Self, KeyFileError> {
        let folder_path = folder_of(path);
        DirBuilder::new()
            .recursive(true)
            .mode(FOLDER_MODE)
            .create(folder_path)
            .map_err(|source| KeyFileError::io("create", folder_path, source))?;
        let folder = open_folder(folder_path)?;
        // The lock makes "there is none" and "now there is mine" one step; the system drops it if we die.
        match folder.try_lock() {
            Err(TryLockError::WouldBlock) => {
                return Err(KeyFileError::Busy { folder: folder_path.to_owned() });
            }
            locked => locked.map_err(|error| KeyFileError::io("lock", folder_path, error.into()))?,
        }
        if path.symlink_metadata().is_ok() {
            return Err(KeyFileError::Exists { path: path.to_owned() });
        }
        let key = Self::generate()?;
        let temporary = path.with_extension("new");
        key.write_new(&temporary).map_err(|source| KeyFileError::io("write", &temporary, source))?;
        fs::rename(&temporary, path).map_err(|source| KeyFileError::io("rename into", path, source))?;
        folder.sync_all().map_err(|source| KeyFileError::io("sync", folder_path, source))?;
        Ok(key)
    }

    /// Returns the public key as the id of a device.
    pub fn device_id(&self) -> DeviceId {
        DeviceId::from_bytes(self.0.verifying_key().to_bytes())
    }

    /// Returns the key that signs.
    pub fn signing_key(&self) -> &SigningKey {
        &self.0
    }

    fn generate() -> Result<Self, KeyFileError> {
        let mut secret = Zeroizing::new([0; SECRET_KEY_LENGTH]);
        getrandom::fill(&mut *secret).map_err(|source| KeyFileError::Random { source })?;
        Ok(Self::from_secret(&secret))
    }

    /// Writes the file and makes its bytes durable.
    fn write_new(&self, temporary: &Path) -> io::Result<()> {
        // A left-over of a crash: it never got its name, so nobody has seen its public half.
        match fs::remove_file(temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(temporary)?;
        file.write_all(self.to_text().as_bytes())?;
        file.sync_all()
    }

    fn to_text(&self) -> Zeroizing<String> {
        let secret = Zeroizing::new(base32().encode(self.0.as_bytes()));
        Zeroizing::new(format!("{HEADER} {} {}\n", *secret, self.device_id()))
    }

    /// Reads the file's text; `None` unless it is exactly what [`DeviceKey::to_text`] makes. The public half is
    /// there as a check: any 32 bytes are a secret key, so a flipped bit would otherwise be a new identity.
    fn from_text(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(HEADER)?.strip_prefix(' ')?;
        let (secret, _) = rest.split_once(' ')?;
        let secret = Zeroizing::new(base32().decode(secret.as_bytes()).ok()?);
        let key = Self::from_secret(secret.as_slice().try_into().ok()?);
        (*key.to_text() == text).then_some(key)
    }
}

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DeviceKey").field(&self.device_id()).finish()
    }
}

/// Why a key file could not be read or made.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// There is no such file.
    #[error("there is no key file at {}", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// There is a file already, and a key is never overwritten.
    #[error("a key file exists at {}", path.display())]
    Exists {
        /// Where.
        path: PathBuf,
    },
    /// Others than the owner may read or change it.
    #[error("others can get at {}: run `chmod {mode:o} {}` and try again", path.display(), path.display())]
    TooOpen {
        /// The file or the folder.
        path: PathBuf,
        /// The mode it has to have.
        mode: u32,
    },
    /// It is not a whole key. It is left as it is.
    #[error("{} does not hold a whole key: restore it from a backup, or move it away to get a new identity", path.display())]
    Garbled {
        /// The file.
        path: PathBuf,
    },
    /// Another process makes a key there at this moment.
    #[error("another process is making a key in {}", folder.display())]
    Busy {
        /// The folder that is locked.
        folder: PathBuf,
    },
    /// The system gave no random bytes.
    #[error("no random bytes for a new key")]
    Random {
        /// The cause.
        source: getrandom::Error,
    },
    /// The system refused.
    #[error("cannot {what} {}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

impl KeyFileError {
    fn io(what: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { what, path: path.to_owned(), source }
    }
}

/// Returns the folder that the file is in.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// Opens the folder, and refuses one that others can enter.
fn open_folder(folder_path: &Path) -> Result<File, KeyFileError> {
    let folder = File::open(folder_path).map_err(|source| KeyFileError::io("open", folder_path, source))?;
    check_mode(&folder, folder_path, FOLDER_MODE)?;
    Ok(folder)
}

/// Refuses what has any permission beyond `mode`. Asks the open handle, so that the answer is about what is read.
fn check_mode(file: &File, path: &Path, mode: u32) -> Result<(), KeyFileError> {
    let metadata = file.metadata().map_err(|source| KeyFileError::io("look at", path, source))?;
    if metadata.mode() & PERMISSIONS & !mode == 0 {
        Ok(())
    } else {
        Err(KeyFileError::TooOpen { path: path.to_owned(), mode })
    }
}

/// First word of the file: what it is, and the version of its form.
const HEADER: &str = "assist-key-v1";
/// The whole file has 120 characters; whatever is longer is not one.
const FILE_BYTES_MAX: u64 = 256;
const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;
const PERMISSIONS: u32 = 0o777;
/// A link in the key's place may point where others write.
const NO_FOLLOW: i32 = rustix::fs::OFlags::NOFOLLOW.bits() as i32;

#[cfg(test)]
mod tests;
