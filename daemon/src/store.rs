//! The embedded store: all that a device and a server keep, in one redb file with a journal beside it.
//!
//! A [`Store`] gives [`Turn`]s and [`Reader`]s. A turn implements both of the sync machine's traits
//! ([`assist_proto::store::ServerStore`], [`assist_proto::store::DeviceStore`]); a reader has their read halves
//! ([`ServerReads`], [`DeviceReads`]) and the queries of lists.
//!
//! What is promised: a committed turn is durable and whole; what is read is what was written, or an error says
//! that it is damaged; a full disk loses nothing and the store works on when there is room again; a file is
//! refused untouched when it is not one that this version can use.
//!
//! The layout of every table stands in `tables.rs`, how it hangs together in `docs/storage.md`.

mod admissions;
mod compact;
mod copy;
mod device;
mod engine;
mod engine_file;
mod entry;
mod groups;
mod journal;
mod kept;
mod list;
mod log;
mod lost;
mod memo;
mod mover;
mod open;
mod overlay;
mod packs;
mod pending;
mod quarantine;
mod reader;
mod reads;
mod row_cache;
mod row_codec;
mod seal;
mod server;
mod shared;
mod tables;
#[cfg(test)]
pub(crate) mod tests;
mod turn;
mod unindexed;
mod verdicts;
mod view;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use assist_proto::store::StoreResult;
use redb::backends::InMemoryBackend;
use redb::{Builder, Database, StorageBackend};

use engine::Engine;
use engine_file::{EngineFile, Opener};
use journal::{JOURNAL_BYTES, Journal, JournalFile};
use shared::Shared;

pub use compact::{StoreSizes, compact};
pub use device::{Contents, DeviceReads};
pub use groups::{GroupBy, GroupKey};
pub use list::{
    Assignee, Direction, Found, RowCursor, RowFilter, RowKey, RowOrder, RowPage, RowWindow, WindowStart,
};
pub use open::{FORMAT_VERSION, OpenStoreError};
pub use quarantine::Quarantined;
pub use reader::Reader;
pub use seal::StoreKey;
pub use server::ServerReads;
pub use turn::Turn;
pub(crate) use unindexed::{IndexState, TextKey, Unindexed};
pub(crate) use verdicts::change_hash;

/// A store. Clones are handles of the same one.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store(..)")
    }
}

/// What a store costs.
#[derive(Debug, Clone, Copy)]
pub struct StoreOptions {
    /// Memory for pages.
    pub cache_bytes: usize,
    /// Size of the journal, at most [`JOURNAL_BYTES`]: half of it is what a commit of the engine is given at once.
    pub(crate) journal_bytes: usize,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { cache_bytes: 32 * 1024 * 1024, journal_bytes: JOURNAL_BYTES }
    }
}

impl Store {
    /// Opens the store at `path`, or makes it.
    ///
    /// # Errors
    /// See [`OpenStoreError`]; the file is as it was then.
    pub fn open(path: &Path, key: &StoreKey, options: StoreOptions) -> Result<Self, OpenStoreError> {
        Self::open_with(path, key, options, open::MIGRATIONS)
    }

    /// The same with other steps to the present format.
    pub(crate) fn open_with(
        path: &Path,
        key: &StoreKey,
        options: StoreOptions,
        migrations: &[open::Migration],
    ) -> Result<Self, OpenStoreError> {
        let seal = seal::Seal::new(key);
        open::create_if_absent(path, &builder(options), &seal)?;
        open::inspect(path, &builder(options))?;
        let file = path.to_owned();
        let opener: Opener = Box::new(move || builder(options).open(&file));
        let engine = open::open_engine(path, &opener)?;
        let found = open::check(path, &engine, &seal, migrations)?;
        if migrations.iter().any(|migration| migration.to > found) {
            open::keep_old(path, found)?;
        }
        let journal = || open::open_journal(path, options.journal_bytes);
        Self::with_engine(path, options, seal, (opener, engine), (found, migrations), journal)
    }

    /// Opens a store on storage of the caller's: for tests of crashes and full disks. Called again, after trouble,
    /// `storage` has to give the same bytes. The journal is empty or was written with this very storage.
    ///
    /// # Errors
    /// See [`OpenStoreError`].
    pub fn open_on<B: StorageBackend>(
        storage: impl Fn() -> B + Send + Sync + 'static,
        journal: impl StorageBackend,
        key: &StoreKey,
        options: StoreOptions,
    ) -> Result<Self, OpenStoreError> {
        let path = Path::new("(memory)");
        let is_new = storage().len().map_err(|error| open::io_error(path, error))? == 0;
        let seal = seal::Seal::new(key);
        let opener: Opener = Box::new(move || builder(options).create_with_backend(storage()));
        let engine = open::open_engine(path, &opener)?;
        if is_new {
            open::initialise(&engine, &seal).map_err(|error| open::store_error(path, error))?;
        }
        let found = open::check(path, &engine, &seal, open::MIGRATIONS)?;
        let journal = || -> Result<JournalFile, OpenStoreError> { Ok(Box::new(journal)) };
        Self::with_engine(path, options, seal, (opener, engine), (found, open::MIGRATIONS), journal)
    }

    /// Makes a store that is gone with the process.
    ///
    /// # Errors
    /// When there is no randomness for its key.
    pub fn open_in_memory() -> Result<Self, OpenStoreError> {
        let mut key = [0; 32];
        let path = PathBuf::from("(memory)");
        getrandom::fill(&mut key).map_err(|error| OpenStoreError::Io { path, source: error.into() })?;
        let key = StoreKey::from_bytes(key);
        let options = StoreOptions { journal_bytes: MEMORY_JOURNAL_BYTES, ..StoreOptions::default() };
        Self::open_on(InMemoryBackend::new, InMemoryBackend::new(), &key, options)
    }

    fn with_engine(
        path: &Path,
        options: StoreOptions,
        seal: seal::Seal,
        (opener, engine): (Opener, Engine),
        found: (u32, &[open::Migration]),
        journal: impl FnOnce() -> Result<JournalFile, OpenStoreError>,
    ) -> Result<Self, OpenStoreError> {
        let failed = |error| open::store_error(path, error);
        let applied = open::number(&engine, &seal, tables::APPLIED_KEY).map_err(failed)?;
        let journal = Journal::open(journal()?, &seal, applied, options.journal_bytes).map_err(failed)?;
        let file = EngineFile::new(opener, engine, seal).map_err(failed)?;
        let shared = Shared::new(file, journal, found).map_err(failed)?;
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Begins a turn. Waits until the one under way has ended: a thread that holds a turn must not begin another.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn begin_turn(&self) -> StoreResult<Turn> {
        Turn::begin(Arc::clone(&self.shared))
    }

    /// Moves what only the journal has into the engine's file. It happens by itself when the journal is full and when
    /// the store is closed; until then it costs nothing but memory, and a start after a crash some milliseconds.
    ///
    /// # Errors
    /// As [`Turn::commit`]; nothing is lost.
    pub fn checkpoint(&self) -> StoreResult<()> {
        self.begin_turn()?.checkpoint()
    }

    /// A snapshot of what is committed, for any thread.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn read(&self) -> StoreResult<Reader> {
        self.shared.read()
    }

    /// Closes the file, after the turn under way. All handles are of no use then. A store that is just dropped is
    /// closed with its last handle.
    pub fn close(&self) {
        self.shared.close();
    }
}

/// In memory nothing is gained by a large one, and many stores are open at once where they are used.
const MEMORY_JOURNAL_BYTES: usize = 256 * 1024;

fn builder(options: StoreOptions) -> Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(options.cache_bytes);
    builder
}
