//! The folder of an export: new files only, each hashed as it is written, and the list of them at the end.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use assist_proto::blob::{file_name, numbered};
use assist_proto::manifest::{ExportedFile, Manifest, MissingFile};
use jiff::Timestamp;
use serde::Serialize;

use crate::error::{CliError, ErrorKind};

/// The list of what an export holds, in its folder.
pub(super) const LIST: &str = "manifest.jsonl";
/// Small exports are done before; in large ones each round writes some thousand files.
const FLUSH_EVERY: Duration = Duration::from_millis(300);

/// An export that is being written.
pub(super) struct Folder {
    root: Root,
    manifest: Manifest,
    flusher: Flusher,
}

/// Has what was written so far on the disk from time to time, while the rest is written: so little is left to wait for
/// at the end.
struct Flusher {
    folder: Arc<File>,
    /// Ends the thread when it is dropped.
    end: Sender<()>,
    thread: JoinHandle<io::Result<()>>,
}

/// Where an export is written to, for as many threads as write it.
#[derive(Clone)]
pub(super) struct Root(PathBuf);

/// Files that were written whole, and those that could not be had; in order.
#[derive(Default)]
pub(super) struct Written {
    files: Vec<ExportedFile>,
    missing: Vec<MissingFile>,
}

/// A folder of an export that one thread fills.
pub(super) struct TicketFolder<'a> {
    root: &'a Root,
    place: String,
    written: &'a mut Written,
}

/// A file that is being written.
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
        let manifest = Manifest { made_at_millis, ..Manifest::default() };
        let flusher = Flusher::start(root).map_err(|error| cannot_write(root, error))?;
        Ok(Self { root: Root(root.to_owned()), manifest, flusher })
    }

    /// Where it is.
    pub(super) const fn root(&self) -> &Root {
        &self.root
    }

    /// Takes files into the list.
    pub(super) fn add(&mut self, written: Written) {
        self.manifest.files.extend(written.files);
        self.manifest.missing.extend(written.missing);
    }

    /// Ends a file: it stands in the list from now on.
    pub(super) fn add_file(&mut self, file: NewFile) -> Result<(), CliError> {
        self.manifest.files.push(file.close()?);
        Ok(())
    }

    /// Writes a text file whole.
    pub(super) fn text(&mut self, path: &str, text: &str) -> Result<(), CliError> {
        self.manifest.files.push(self.root.file(path.to_owned(), text.as_bytes())?);
        Ok(())
    }

    /// Writes a value in the words of the local API.
    pub(super) fn json(&mut self, path: &str, value: &impl Serialize) -> Result<(), CliError> {
        self.manifest.files.push(self.root.file(path.to_owned(), &json_bytes(value)?)?);
        Ok(())
    }

    /// Has everything on the disk, then writes the list: an export that has one is whole after a loss of power, too.
    pub(super) fn finish(self) -> Result<Manifest, CliError> {
        let Self { root: Root(root), manifest, flusher } = self;
        flusher.finish().map_err(|error| cannot_write(&root, error))?;
        let path = root.join(LIST);
        let written = new_file(&path);
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

impl Flusher {
    fn start(root: &Path) -> io::Result<Self> {
        // The system tells of a write that failed once for each time that a file was opened: this is opened before the
        // first of them.
        let folder = Arc::new(File::open(root)?);
        let (end, ends) = channel();
        let flushed = Arc::clone(&folder);
        let thread = thread::Builder::new().name("flush".to_owned()).spawn(move || {
            while ends.recv_timeout(FLUSH_EVERY) == Err(RecvTimeoutError::Timeout) {
                rustix::fs::syncfs(&flushed)?;
            }
            Ok(())
        })?;
        Ok(Self { folder, end, thread })
    }

    /// Once for all files: one by one would cost a turn of the disk for each.
    fn finish(self) -> io::Result<()> {
        let Self { folder, end, thread } = self;
        drop(end);
        thread.join().unwrap_or_else(|panic| resume_unwind(panic))?;
        Ok(rustix::fs::syncfs(&folder)?)
    }
}

impl Root {
    /// Makes a folder in it under a harmless name made of a label; gives the path to it.
    pub(super) fn new_folder(&self, within: &str, label: &str) -> Result<String, CliError> {
        let name = file_name(label);
        let mut count = 1;
        loop {
            let path = if count == 1 { name.clone() } else { numbered(&name, count) };
            let path = if within.is_empty() { path } else { format!("{within}/{path}") };
            match make(&self.0.join(&path)) {
                Ok(()) => return Ok(path),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => count += 1,
                Err(error) => return Err(cannot_write(&self.0.join(&path), error)),
            }
        }
    }

    /// The folder of a ticket, which is there; `written` gets what is written to it.
    pub(super) const fn ticket_folder<'a>(
        &'a self,
        place: String,
        written: &'a mut Written,
    ) -> TicketFolder<'a> {
        TicketFolder { root: self, place, written }
    }

    /// Begins a file in a folder that is there.
    pub(super) fn create_file(&self, path: &str) -> Result<NewFile, CliError> {
        let whole = self.0.join(path);
        let file = new_file(&whole).map_err(|error| cannot_write(&whole, error))?;
        let (path, hasher) = (path.to_owned(), blake3::Hasher::new());
        Ok(NewFile { path, file: io::BufWriter::new(file), hasher, size_bytes: 0 })
    }

    /// Writes a file whole: three turns of the system, and no buffer between.
    fn file(&self, path: String, bytes: &[u8]) -> Result<ExportedFile, CliError> {
        let whole = self.0.join(&path);
        let written = new_file(&whole).and_then(|mut file| file.write_all(bytes));
        written.map_err(|error| cannot_write(&whole, error))?;
        let blake3 = blake3::hash(bytes).to_hex().to_string();
        Ok(ExportedFile { path, size_bytes: bytes.len() as u64, blake3 })
    }
}

impl TicketFolder<'_> {
    /// Makes a folder in it, under a name of ours.
    pub(super) fn new_folder(&self, name: &str) -> Result<(), CliError> {
        let whole = self.root.0.join(self.path(name));
        make(&whole).map_err(|error| cannot_write(&whole, error))
    }

    /// Begins a file in it.
    pub(super) fn create_file(&self, path: &str) -> Result<NewFile, CliError> {
        self.root.create_file(&self.path(path))
    }

    /// Ends a file: it will stand in the list.
    pub(super) fn add_file(&mut self, file: NewFile) -> Result<(), CliError> {
        self.written.files.push(file.close()?);
        Ok(())
    }

    /// Writes a file whole.
    pub(super) fn bytes(&mut self, path: &str, bytes: &[u8]) -> Result<(), CliError> {
        self.written.files.push(self.root.file(self.path(path), bytes)?);
        Ok(())
    }

    /// Writes a text file whole.
    pub(super) fn text(&mut self, path: &str, text: &str) -> Result<(), CliError> {
        self.bytes(path, text.as_bytes())
    }

    /// Writes a value in the words of the local API.
    pub(super) fn json(&mut self, path: &str, value: &impl Serialize) -> Result<(), CliError> {
        self.bytes(path, &json_bytes(value)?)
    }

    /// Remembers an attachment that cannot be written.
    pub(super) fn miss(&mut self, path: &str, size_bytes: u64, blob: String) {
        self.written.missing.push(MissingFile { path: self.path(path), size_bytes, blob });
    }

    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.place)
    }
}

impl NewFile {
    fn close(self) -> Result<ExportedFile, CliError> {
        let Self { path, file, hasher, size_bytes } = self;
        let written = file.into_inner().map_err(io::IntoInnerError::into_error).map(drop);
        written.map_err(|error| cannot_write(Path::new(&path), error))?;
        Ok(ExportedFile { path, size_bytes, blake3: hasher.finalize().to_hex().to_string() })
    }

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

/// Pretty, and ended by a line feed: people look at it, too.
fn json_bytes(value: &impl Serialize) -> Result<Vec<u8>, CliError> {
    let mut bytes =
        serde_json::to_vec_pretty(value).map_err(|error| CliError::new(ErrorKind::Failed, error))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// For its owner alone, where nothing is yet.
fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn make(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

fn cannot_write(path: &Path, error: io::Error) -> CliError {
    let error = anyhow::Error::new(error).context(format!("cannot write {}", path.display()));
    CliError::new(ErrorKind::Failed, error)
}
