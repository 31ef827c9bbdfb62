//! Where a daemon keeps everything: the one rule that the daemon and its front ends share.

use std::env;
use std::io;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;

/// Why there is no home.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HomeError {
    /// Neither we nor the system know the user's own folder.
    #[error("cannot tell where to keep the data: set {} or HOME", Home::VARIABLE)]
    NoUserFolder(#[source] etcetera::HomeDirError),
    /// The folder is relative, and the current one is gone.
    #[error("cannot tell where {path} is")]
    NoCurrentFolder {
        /// As it was given.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A daemon's folder. It need not exist yet; nothing here touches it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    folder: PathBuf,
}

impl Home {
    /// The environment variable that names the folder.
    pub const VARIABLE: &'static str = "ASSIST_HOME";

    /// Finds the folder: the one given, else the one in [`Home::VARIABLE`], else the product's own among the
    /// user's data (`$XDG_DATA_HOME` or `~/.local/share`). A relative one counts from the current folder.
    ///
    /// # Errors
    /// When the system knows too little.
    pub fn locate(given: Option<PathBuf>) -> Result<Self, HomeError> {
        let named = given.or_else(|| env::var_os(Self::VARIABLE).map(PathBuf::from));
        let folder = match named.filter(|folder| !folder.as_os_str().is_empty()) {
            Some(folder) => folder,
            None => user_data_folder()?.join(PRODUCT),
        };
        let folder = std::path::absolute(&folder)
            .map_err(|source| HomeError::NoCurrentFolder { path: folder, source })?;
        Ok(Self { folder })
    }

    /// Returns the folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the folder of what lives only while a daemon runs. For the user alone: mode 0700.
    pub fn run_folder(&self) -> PathBuf {
        self.folder.join("run")
    }

    /// Returns where the daemon's socket is.
    pub fn socket(&self) -> PathBuf {
        self.run_folder().join("assistd.sock")
    }

    /// Returns the file that a daemon holds a lock on for as long as it runs, from before its socket is there
    /// until everything is put away.
    pub fn lock_file(&self) -> PathBuf {
        self.folder.join("lock")
    }

    /// Returns where a daemon writes what it has to say when no terminal listens.
    pub fn log_file(&self) -> PathBuf {
        self.folder.join("assistd.log")
    }
}

fn user_data_folder() -> Result<PathBuf, HomeError> {
    Ok(etcetera::choose_base_strategy().map_err(HomeError::NoUserFolder)?.data_dir())
}

/// The product's folder among the user's data.
const PRODUCT: &str = "hero-assistance";

#[cfg(test)]
mod tests;
