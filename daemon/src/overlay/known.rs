//! The overlay address that this daemon had last, in a file: a server binds it before its node is up.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv6Addr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use assist_proto::address::is_overlay;

use super::limits::KNOWN_BYTES_MAX;

/// Where the last address is kept.
#[derive(Debug, Clone)]
pub struct KnownAddress {
    path: PathBuf,
}

/// Why it could not be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum KnownAddressError {
    /// The system said no.
    #[error("cannot use {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It holds something else.
    #[error("{} holds no overlay address", path.display())]
    NoAddress {
        /// The file.
        path: PathBuf,
    },
}

impl KnownAddress {
    /// Kept in this file.
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Reads it; `None` if there was none yet.
    ///
    /// # Errors
    /// When the file is there and holds something else, or cannot be read.
    pub fn load(&self) -> Result<Option<Ipv6Addr>, KnownAddressError> {
        let mut text = String::new();
        let read =
            File::open(&self.path).and_then(|file| file.take(KNOWN_BYTES_MAX).read_to_string(&mut text));
        match read {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(self.no_address()),
            Err(source) => return Err(self.io_error(source)),
        }
        let address: Ipv6Addr = text.trim().parse().map_err(|_| self.no_address())?;
        if is_overlay(IpAddr::V6(address)) { Ok(Some(address)) } else { Err(self.no_address()) }
    }

    /// Keeps it, whole or not at all.
    ///
    /// # Errors
    /// When the system says no.
    pub fn save(&self, address: Ipv6Addr) -> Result<(), KnownAddressError> {
        let temporary = self.path.with_extension("new");
        let write = || {
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(true).mode(0o600);
            let mut file = options.open(&temporary)?;
            file.write_all(format!("{address}\n").as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&temporary, &self.path)
        };
        write().map_err(|source| self.io_error(source))
    }

    fn io_error(&self, source: io::Error) -> KnownAddressError {
        KnownAddressError::Io { path: self.path.clone(), source }
    }

    fn no_address(&self) -> KnownAddressError {
        KnownAddressError::NoAddress { path: self.path.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_known_again_and_anything_else_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("overlay.address");
        let known = KnownAddress::at(path.clone());
        assert_eq!(known.load().unwrap(), None);
        let address: Ipv6Addr = "54f:b680:ba6e:7ced::1".parse().unwrap();
        known.save("400::1".parse().unwrap()).unwrap();
        known.save(address).unwrap();
        assert_eq!(known.load().unwrap(), Some(address));
        for other in ["", "::1\n", "2001:db8::1", "127.0.0.1", &"4".repeat(100), "400::1\u{0}"] {
            std::fs::write(&path, other).unwrap();
            assert!(matches!(known.load(), Err(KnownAddressError::NoAddress { .. })), "{other:?}");
        }
        std::fs::write(&path, b"\xff\xfe").unwrap();
        assert!(matches!(known.load(), Err(KnownAddressError::NoAddress { .. })));
    }
}
