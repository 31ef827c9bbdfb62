//! Opening a store: made whole or not at all, refused with a reason and untouched, brought up to date step by step.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use assist_proto::store::{StoreError, StoreResult};
use redb::backends::FileBackend;
use redb::{Builder, Database, DatabaseError, Durability, ReadableDatabase, TableHandle as _};

use super::engine::{Engine, guarded, is_full};
use super::journal::{Journal, JournalFile};
use super::seal::{Nonces, Seal};
use super::tables::{FORMAT, FORMAT_KEY, STORE_ID_KEY, Table};
use super::view::damaged;

/// The format that this version writes.
pub const FORMAT_VERSION: u32 = 2;

/// A step from one format version to the next. Applied steps are never edited.
pub(crate) struct Migration {
    /// The version that it leads to.
    pub(crate) to: u32,
    /// What it does, in the transaction that also raises the version.
    pub(crate) run: fn(&redb::WriteTransaction, &Seal) -> Result<(), redb::Error>,
}

/// All steps since version 1, in order.
pub(crate) const MIGRATIONS: &[Migration] = &[
    // The journal has two halves, of which version 1 would read only one: it is laid out anew behind this step.
    Migration { to: 2, run: |_, _| Ok(()) },
];

/// Why a store was not opened. Whatever is there was left as it is.
#[derive(Debug, thiserror::Error)]
pub enum OpenStoreError {
    /// The file is something else, or a part of a store.
    #[error("{} is not a store, or only a part of one: put it aside, or bring a backup back", .path.display())]
    NotAStore {
        /// Which file.
        path: PathBuf,
    },
    /// A later version of the program wrote it.
    #[error(
        "{} has format {found}, this version reads up to {supported}: use the version that wrote it or a later one",
        .path.display()
    )]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The latest that is understood.
        supported: u32,
    },
    /// Others may read it.
    #[error("{} has mode {mode:04o}, others must not read it: chmod 600 it", .path.display())]
    Permissions {
        /// Which file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Another process has it open.
    #[error("{} is in use by another process", .path.display())]
    AlreadyOpen {
        /// Which file.
        path: PathBuf,
    },
    /// It is sealed with another key.
    #[error("{} is sealed with another key: bring the device folder back as a whole", .path.display())]
    WrongKey {
        /// Which file.
        path: PathBuf,
    },
    /// What is read is not what was written.
    #[error("{} is damaged ({what}): bring a backup back", .path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What of it.
        what: String,
    },
    /// No room.
    #[error("there is no room to open {}: free some space", .path.display())]
    Full {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Anything else.
    #[error("cannot open {}", .path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Makes the file if it is not there: under another name first, so that a crash leaves no half of a store.
pub(crate) fn create_if_absent(path: &Path, builder: &Builder, seal: &Seal) -> Result<(), OpenStoreError> {
    let in_the_way = |source| io_error(path, source);
    if path.try_exists().map_err(in_the_way)? {
        return Ok(());
    }
    let unfinished = with_suffix(path, ".unfinished");
    remove_if_there(&unfinished).map_err(in_the_way)?;
    // A journal without its store is of no use, and must not be taken for the new one's.
    remove_if_there(&with_suffix(path, ".journal")).map_err(in_the_way)?;
    let file = create_private(&unfinished).map_err(in_the_way)?;
    let engine = open_engine(path, || builder.create(&unfinished))?;
    initialise(&engine, seal).map_err(|error| store_error(path, error))?;
    drop(engine);
    file.sync_all().map_err(in_the_way)?;
    put_in_place(&unfinished, path).map_err(in_the_way)
}

/// Makes a new file for a copy, for its owner alone.
pub(crate) fn create_engine(path: &Path) -> StoreResult<Engine> {
    create_private(path).map_err(|error| StoreError::Io(error.into()))?;
    guarded("copy", || Database::builder().create(path)).map(Engine::from)
}

/// Looks at the file without opening it for writing: a refusal must not change it.
pub(crate) fn inspect(path: &Path, builder: &Builder) -> Result<(), OpenStoreError> {
    let not_a_store = || OpenStoreError::NotAStore { path: path.to_owned() };
    let mut file = File::open(path).map_err(|source| io_error(path, source))?;
    let metadata = file.metadata().map_err(|source| io_error(path, source))?;
    if !metadata.is_file() {
        return Err(not_a_store());
    }
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(OpenStoreError::Permissions { path: path.to_owned(), mode });
    }
    let mut magic = [0; MAGIC.len()];
    match file.read_exact(&mut magic) {
        Ok(()) if magic == *MAGIC => {}
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(io_error(path, error)),
        _ => return Err(not_a_store()),
    }
    // After a crash this cannot be looked at before the repair; `check` says the same then.
    match guarded("file", || builder.open_read_only(path)) {
        Ok(database) => check_format(path, &database, FORMAT_VERSION).map(|_| ()),
        Err(_) => Ok(()),
    }
}

/// Opens the engine's file.
pub(crate) fn open_engine(
    path: &Path,
    open: impl FnOnce() -> Result<Database, DatabaseError>,
) -> Result<Engine, OpenStoreError> {
    let mut is_already_open = false;
    let opened = guarded("file", || {
        open().inspect_err(|error| is_already_open = matches!(error, DatabaseError::DatabaseAlreadyOpen))
    });
    match opened {
        Ok(database) => Ok(database.into()),
        Err(_) if is_already_open => Err(OpenStoreError::AlreadyOpen { path: path.to_owned() }),
        Err(error) => Err(store_error(path, error)),
    }
}

/// Makes all tables and writes the version and the store's id.
pub(crate) fn initialise(database: &Database, seal: &Seal) -> StoreResult<()> {
    let mut store_id = [0; 16];
    getrandom::fill(&mut store_id).map_err(|error| StoreError::Io(error.into()))?;
    let nonce = Nonces::new().and_then(|mut nonces| nonces.next());
    let nonce = nonce.map_err(|error| StoreError::Io(error.into()))?;
    let mut sealed = Vec::new();
    seal.close(nonce, Table::Meta, STORE_ID_KEY, &store_id, &mut sealed);
    guarded("file", || {
        let transaction = database.begin_write()?;
        for table in Table::ALL {
            transaction.open_table(table.definition())?;
        }
        transaction.open_table(Table::Meta.definition())?.insert(STORE_ID_KEY, sealed.as_slice())?;
        transaction.open_table(FORMAT)?.insert(FORMAT_KEY, FORMAT_VERSION.to_be_bytes().as_slice())?;
        transaction.commit()?;
        Ok::<_, redb::Error>(())
    })
}

/// Checks that the store is one that this version can use with this key, and returns its format.
pub(crate) fn check(
    path: &Path,
    database: &Database,
    seal: &Seal,
    migrations: &[Migration],
) -> Result<u32, OpenStoreError> {
    let supported = migrations.last().map_or(FORMAT_VERSION, |migration| migration.to);
    let found = check_format(path, database, supported)?;
    check_key(path, database, seal)?;
    Ok(found)
}

/// Copies a store as it is, journal and all, before anything brings it up to date: whoever goes back to the version
/// before finds what that version left. An earlier copy of the same format is replaced; it was never changed since.
pub(crate) fn keep_old(path: &Path, format: u32) -> Result<(), OpenStoreError> {
    let kept = with_suffix(path, &format!(".format-{format}"));
    // The store's own copy comes last, so that whoever finds it finds all.
    for suffix in [".journal", ""] {
        let (from, to) = (with_suffix(path, suffix), with_suffix(&kept, suffix));
        copy_private(&from, &to).map_err(|source| io_error(&to, source))?;
    }
    tracing::info!(kept = %kept.display(), format, "the store is brought to a new format; a copy of the old one is kept");
    Ok(())
}

/// Copies a file durably, if it is there, under another name first.
fn copy_private(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = match File::open(from) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let unfinished = with_suffix(to, ".unfinished");
    remove_if_there(&unfinished)?;
    let mut copy = create_private(&unfinished)?;
    io::copy(&mut source, &mut copy)?;
    copy.sync_all()?;
    put_in_place(&unfinished, to)
}

/// Brings a store up to date, one step a transaction.
pub(crate) fn migrate(
    database: &Database,
    seal: &Seal,
    found: u32,
    migrations: &[Migration],
) -> StoreResult<()> {
    for migration in migrations.iter().filter(|migration| migration.to > found) {
        guarded("file", || run_migration(database, seal, migration))?;
    }
    let missing = guarded("file", || missing_tables(database))?;
    // An empty one in its place would hide that it was lost.
    if let Some(lost) = missing.iter().find(|table| !table.may_be_missing()) {
        return Err(damaged(*lost));
    }
    if missing.is_empty() { Ok(()) } else { guarded("file", || make_tables(database)) }
}

fn missing_tables(database: &Database) -> Result<Vec<Table>, redb::Error> {
    let there: BTreeSet<String> =
        database.begin_read()?.list_tables()?.map(|table| table.name().to_owned()).collect();
    Ok(Table::ALL.iter().copied().filter(|table| !there.contains(table.name())).collect())
}

/// Makes the tables that came with a later version of the same format.
fn make_tables(database: &Database) -> Result<(), redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    for table in Table::ALL {
        transaction.open_table(table.definition())?;
    }
    Ok(transaction.commit()?)
}

fn run_migration(database: &Database, seal: &Seal, migration: &Migration) -> Result<(), redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    (migration.run)(&transaction, seal)?;
    transaction.open_table(FORMAT)?.insert(FORMAT_KEY, migration.to.to_be_bytes().as_slice())?;
    Ok(transaction.commit()?)
}

/// A number of [`Table::Meta`]; 0 if it was never written.
pub(crate) fn number(database: &Database, seal: &Seal, key: &[u8]) -> StoreResult<u64> {
    let Some(sealed) = meta(database, key)? else { return Ok(0) };
    let mut number = Vec::new();
    let opened = seal.open(Table::Meta, key, &sealed, &mut number).ok();
    let number = opened.and_then(|()| number.as_slice().try_into().ok());
    number.map(u64::from_be_bytes).ok_or_else(|| damaged(Table::Meta))
}

/// Opens the journal of the store at `path`, or makes it: under another name first, with all its room.
pub(crate) fn open_journal(path: &Path, size: usize) -> Result<JournalFile, OpenStoreError> {
    let path = &with_suffix(path, ".journal");
    let in_the_way = |source| io_error(path, source);
    if !path.try_exists().map_err(in_the_way)? {
        let unfinished = with_suffix(path, ".unfinished");
        remove_if_there(&unfinished).map_err(in_the_way)?;
        let backend = backend_of(create_private(&unfinished).map_err(in_the_way)?, path)?;
        Journal::lay_out(&backend, size).map_err(in_the_way)?;
        drop(backend);
        put_in_place(&unfinished, path).map_err(in_the_way)?;
    }
    let file = OpenOptions::new().read(true).write(true).open(path).map_err(in_the_way)?;
    Ok(Box::new(backend_of(file, path)?))
}

fn backend_of(file: File, path: &Path) -> Result<FileBackend, OpenStoreError> {
    FileBackend::new(file).map_err(|_| OpenStoreError::AlreadyOpen { path: path.to_owned() })
}

pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

pub(super) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
}

/// Gives a file that is whole and synced its name, durably.
pub(super) fn put_in_place(unfinished: &Path, path: &Path) -> io::Result<()> {
    fs::rename(unfinished, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// Reads the version and refuses one that is not understood.
fn check_format(
    path: &Path,
    database: &impl ReadableDatabase,
    supported: u32,
) -> Result<u32, OpenStoreError> {
    match format_version(path, database)? {
        None => Err(OpenStoreError::NotAStore { path: path.to_owned() }),
        Some(found) if found > supported => {
            Err(OpenStoreError::Newer { path: path.to_owned(), found, supported })
        }
        Some(found) => Ok(found),
    }
}

/// The version that is written in the file; `None` if it is no store of ours.
fn format_version(path: &Path, database: &impl ReadableDatabase) -> Result<Option<u32>, OpenStoreError> {
    let bytes = guarded("file", || {
        let transaction = database.begin_read()?;
        let table = match transaction.open_table(FORMAT) {
            Ok(table) => table,
            Err(redb::TableError::TableDoesNotExist(_) | redb::TableError::TableTypeMismatch { .. }) => {
                return Ok(None);
            }
            Err(error) => return Err(redb::Error::from(error)),
        };
        Ok(table.get(FORMAT_KEY)?.map(|value| value.value().to_vec()))
    })
    .map_err(|error| store_error(path, error))?;
    Ok(bytes.and_then(|bytes| Some(u32::from_be_bytes(bytes.as_slice().try_into().ok()?))))
}

fn check_key(path: &Path, database: &Database, seal: &Seal) -> Result<(), OpenStoreError> {
    let sealed = meta(database, STORE_ID_KEY).map_err(|error| store_error(path, error))?;
    let Some(sealed) = sealed else { return Err(OpenStoreError::NotAStore { path: path.to_owned() }) };
    seal.open(Table::Meta, STORE_ID_KEY, &sealed, &mut Vec::new())
        .map_err(|_| OpenStoreError::WrongKey { path: path.to_owned() })
}

/// A sealed value of [`Table::Meta`].
fn meta(database: &Database, key: &[u8]) -> StoreResult<Option<Vec<u8>>> {
    guarded("file", || {
        let transaction = database.begin_read()?;
        let table = transaction.open_table(Table::Meta.definition())?;
        Ok::<_, redb::Error>(table.get(key)?.map(|value| value.value().to_vec()))
    })
}

pub(crate) fn io_error(path: &Path, source: io::Error) -> OpenStoreError {
    let path = path.to_owned();
    if is_full(&source) {
        OpenStoreError::Full { path, source }
    } else {
        OpenStoreError::Io { path, source: source.into() }
    }
}

pub(crate) fn store_error(path: &Path, error: StoreError) -> OpenStoreError {
    let path = path.to_owned();
    match error {
        StoreError::Full(source) => OpenStoreError::Full { path, source: io::Error::other(source) },
        StoreError::Damaged { what } | StoreError::DamagedDoc { what, .. } => {
            OpenStoreError::Damaged { path, what }
        }
        StoreError::Io(source) => OpenStoreError::Io { path, source },
    }
}

/// How every file of the engine begins.
const MAGIC: &[u8; 9] = b"redb\x1A\x0A\xA9\x0D\x0A";
