//! The folder of an export: new files only, each hashed as it is written, and the list of them at the end.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use assist_proto::blob::{file_name, numbered};
use assist_proto::manifest::{ExportedFile, Manifest, MissingFile};
use jiff::Timestamp;
use serde::Serialize;

use crate::error::{CliError, ErrorKind};

/// The list of what an export holds, in its folder.
pub(super) const LIST: &str = "manifest.jsonl";

/// An export that is being written.
pub(super) struct Folder {
    root: PathBuf,
    manifest: Manifest,
}

/// A file of it that is being written.
pub(super) struct NewFile {
    path: String,
    file: io::BufWriter<File>,
    hasher: blake3::Hasher,
    size_bytes: u64,
}

impl Folder {
    /// Makes the folder, for its owner alone. It must not be there, or be empty.
    pub(super) fn create(root: &Path) -> Result<Self, CliError> {
        let is_empty = fs::read_dir(root).is_ok_and(|mut entries| entries.next().is_none());
        if !is_empty {
            make(root).map_err(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => {
                    let text = format!("{} is there already, and not empty", root.display());
                    CliError::message(ErrorKind::Usage, text).hint("name a folder that is not there yet")
                }
                _ => cannot_write(root, error),
            })?;
        }
        let made_at_millis = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default();
        Ok(Self { root: root.to_owned(), manifest: Manifest { made_at_millis, ..Manifest::default() } })
    }

    /// Makes a folder in it under a harmless name made of a label; gives the path to it.
    pub(super) fn new_folder(&self, within: &str, label: &str) -> Result<String, CliError> {
        let name = file_name(label);
        let mut count = 1;
        loop {
            let path = if count == 1 { name.clone() } else { numbered(&name, count) };
            let path = if within.is_empty() { path } else { format!("{within}/{path}") };
            match make(&self.root.join(&path)) {
                Ok(()) => return Ok(path),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => count += 1,
                Err(error) => return Err(cannot_write(&self.root.join(&path), error)),
            }
        }
    }

    /// Begins a file, with the folders that it stands in.
    pub(super) fn create_file(&self, path: &str) -> Result<NewFile, CliError> {
        let whole = self.root.join(path);
        let opened = whole
            .parent()
            .map_or(Ok(()), |parent| DirBuilder::new().recursive(true).mode(0o700).create(parent))
            .and_then(|()| OpenOptions::new().write(true).create_new(true).mode(0o600).open(&whole));
        let file = opened.map_err(|error| cannot_write(&whole, error))?;
        let (path, hasher) = (path.to_owned(), blake3::Hasher::new());
        Ok(NewFile { path, file: io::BufWriter::new(file), hasher, size_bytes: 0 })
    }

    /// Ends a file: it stands in the list from now on.
    pub(super) fn close(&mut self, file: NewFile) -> Result<(), CliError> {
        let NewFile { path, file, hasher, size_bytes } = file;
        let written = file.into_inner().map_err(io::IntoInnerError::into_error).map(drop);
        written.map_err(|error| cannot_write(&self.root.join(&path), error))?;
        let blake3 = hasher.finalize().to_hex().to_string();
        self.manifest.files.push(ExportedFile { path, size_bytes, blake3 });
        Ok(())
    }

    /// Writes a file whole.
    pub(super) fn bytes(&mut self, path: &str, bytes: &[u8]) -> Result<(), CliError> {
        let mut file = self.create_file(path)?;
        file.write_all(bytes).map_err(|error| cannot_write(&self.root.join(path), error))?;
        self.close(file)
    }

    /// Writes a text file whole.
    pub(super) fn text(&mut self, path: &str, text: &str) -> Result<(), CliError> {
        self.bytes(path, text.as_bytes())
    }

    /// Writes a value in the words of the local API.
    pub(super) fn json(&mut self, path: &str, value: &impl Serialize) -> Result<(), CliError> {
        let mut bytes =
            serde_json::to_vec_pretty(value).map_err(|error| CliError::new(ErrorKind::Failed, error))?;
        bytes.push(b'\n');
        self.bytes(path, &bytes)
    }

    /// Remembers what cannot be written.
    pub(super) fn miss(&mut self, missing: MissingFile) {
        self.manifest.missing.push(missing);
    }

    /// Has everything on the disk, then writes the list: an export that has one is whole after a loss of power, too.
    pub(super) fn finish(self) -> Result<Manifest, CliError> {
        let Self { root, manifest } = self;
        // Once for all files: one by one would cost a turn of the disk for each.
        let synced = File::open(&root).and_then(|folder| Ok(rustix::fs::syncfs(&folder)?));
        synced.map_err(|error| cannot_write(&root, error))?;
        let path = root.join(LIST);
        let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        written
            .and_then(|mut file| {
                file.write_all(&manifest.to_bytes())?;
                file.sync_all()?;
                File::open(&root)?.sync_all()
            })
            .map_err(|error| cannot_write(&path, error))?;
        Ok(manifest)
    }
}

impl NewFile {
    /// Writes on.
    pub(super) fn text(&mut self, text: &str) -> Result<(), CliError> {
        self.write_all(text.as_bytes()).map_err(|error| cannot_write(Path::new(&self.path), error))
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        self.size_bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn make(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

fn cannot_write(path: &Path, error: io::Error) -> CliError {
    let error = anyhow::Error::new(error).context(format!("cannot write {}", path.display()));
    CliError::new(ErrorKind::Failed, error)
}
