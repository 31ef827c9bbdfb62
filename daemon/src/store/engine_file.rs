//! The engine's file: read by many, given changes by one at a time, opened again after trouble.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};

use assist_proto::store::{StoreError, StoreResult};
use redb::{Database, DatabaseError, ReadTransaction, ReadableDatabase as _, WriteTransaction};
use zstd::bulk::Compressor;

use super::engine::{Engine, guarded};
use super::open::{self, Migration};
use super::overlay::{Changes, Overlay};
use super::packs::{self, PACK_LEVEL, whole};
use super::row_cache::RowCache;
use super::seal::{Nonces, Seal};
use super::tables::{APPLIED_KEY, PIECE_SIZE, ROWS_KEY, Table, piece_key};

/// Opens the engine's file, the first time and after trouble.
pub(crate) type Opener = Box<dyn Fn() -> Result<Database, DatabaseError> + Send + Sync>;

/// The file, and what is known of it.
pub(crate) struct EngineFile {
    opener: Opener,
    /// `None` after trouble, until it is open again.
    engine: RwLock<Option<Engine>>,
    /// The engine refuses all work after a failed write until it is opened again.
    is_in_trouble: AtomicBool,
    is_closed: AtomicBool,
    seal: Seal,
    /// The rows of the file in memory.
    rows: RowCache,
    /// Held by the one who gives the file changes.
    packer: Mutex<Packer>,
}

/// What values are made ready with.
struct Packer {
    nonces: Nonces,
    compressor: Compressor<'static>,
}

impl EngineFile {
    pub(crate) fn new(opener: Opener, engine: Engine, seal: Seal) -> StoreResult<Self> {
        let nonces = Nonces::new().map_err(|error| StoreError::Io(error.into()))?;
        let packer = Mutex::new(Packer { nonces, compressor: packs::compressor(PACK_LEVEL)? });
        let rows = RowCache::new(open::number(&engine, &seal, ROWS_KEY)?);
        Ok(Self {
            opener,
            engine: RwLock::new(Some(engine)),
            is_in_trouble: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
            seal,
            rows,
            packer,
        })
    }

    pub(crate) fn seal(&self) -> &Seal {
        &self.seal
    }

    pub(crate) const fn rows(&self) -> &RowCache {
        &self.rows
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// The engine refuses to work on: it is opened again before the next use.
    pub(crate) fn report_trouble(&self) {
        self.is_in_trouble.store(true, Ordering::Release);
    }

    /// A snapshot of what was given last.
    pub(crate) fn read(&self) -> StoreResult<ReadTransaction> {
        let begin = || self.with_database(|database| guarded("page", || database.begin_read()));
        begin().or_else(|_| {
            self.report_trouble();
            begin()
        })
    }

    /// Commits changes in one transaction that also tells up to which frame of the journal the file has them all.
    pub(crate) fn put(&self, overlay: &Overlay, applied: u64) -> StoreResult<()> {
        let mut packer = self.packer.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = overlay.of(Table::Rows).map(|changes| (self.rows.next_number(), changes));
        let number = rows.map(|(number, _)| number);
        let written = self.with_database(|database| {
            guarded("page", || self.commit(database, &mut packer, overlay, (applied, number)))
        });
        if let Err(error) = written {
            self.report_trouble();
            // Whether the file has them now is not known: that number is not used again.
            number.inspect(|number| self.rows.forget(*number));
            return Err(error);
        }
        if let Some((number, changes)) = rows {
            self.rows.follow(number, changes);
        }
        Ok(())
    }

    fn commit(
        &self,
        database: &Database,
        packer: &mut Packer,
        overlay: &Overlay,
        (applied, rows): (u64, Option<u64>),
    ) -> Result<(), redb::Error> {
        let mut transaction = database.begin_write()?;
        // Writes down which pages are free, so that a start after a crash need not find out.
        transaction.set_quick_repair(true);
        for (table, changes) in overlay.tables() {
            apply(&transaction, &self.seal, packer, table, changes)?;
        }
        let mut numbers = Changes::default();
        for (key, number) in [(APPLIED_KEY, Some(applied)), (ROWS_KEY, rows)] {
            if let Some(number) = number {
                numbers.entries.insert(key.to_vec(), Some(number.to_be_bytes().to_vec()));
            }
        }
        apply(&transaction, &self.seal, packer, Table::Meta, &numbers)?;
        Ok(transaction.commit()?)
    }

    /// Brings the file up to date; see [`open::migrate`].
    pub(crate) fn migrate(&self, found: u32, migrations: &[Migration]) -> StoreResult<()> {
        self.with_database(|database| open::migrate(database, &self.seal, found, migrations))
    }

    /// Closes the file for good.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.put_away();
    }

    fn put_away(&self) {
        *self.engine.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Runs something with the engine, after opening it again if it is in trouble.
    fn with_database<T>(&self, run: impl FnOnce(&Database) -> StoreResult<T>) -> StoreResult<T> {
        if self.is_in_trouble.load(Ordering::Acquire) {
            self.reopen()?;
        }
        let slot = self.engine.read().unwrap_or_else(PoisonError::into_inner);
        match slot.as_ref() {
            Some(engine) => run(engine),
            None => Err(StoreError::Io("the store is closed".into())),
        }
    }

    fn reopen(&self) -> StoreResult<()> {
        self.put_away();
        let mut slot = self.engine.write().unwrap_or_else(PoisonError::into_inner);
        if slot.is_none() && !self.is_closed() {
            *slot = Some(guarded("file", || (self.opener)())?.into());
        }
        self.is_in_trouble.store(false, Ordering::Release);
        Ok(())
    }
}

fn apply(
    transaction: &WriteTransaction,
    seal: &Seal,
    Packer { nonces, compressor }: &mut Packer,
    table: Table,
    changes: &Changes,
) -> Result<(), redb::Error> {
    let mut open = transaction.open_table(table.definition())?;
    for span in &changes.cleared {
        let start = std::ops::Bound::Included(span.start.as_slice());
        let end = span.end.as_deref().map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        open.retain_in::<&[u8], _>((start, end), |_, _| false)?;
    }
    let mut sealed = Vec::new();
    for (key, value) in &changes.entries {
        match value {
            None if table.is_in_pieces() => remove_pieces(&mut open, key, 0)?,
            None => {
                open.remove(key.as_slice())?;
            }
            Some(value) => {
                let nonce = nonces.next().map_err(|error| redb::Error::Io(std::io::Error::other(error)))?;
                let value = match table {
                    Table::Packs => whole(value, compressor),
                    _ => Cow::Borrowed(value.as_slice()),
                };
                seal.close(nonce, table, key, &value, &mut sealed);
                if table.is_in_pieces() {
                    insert_pieces(&mut open, key, &sealed)?;
                } else {
                    open.insert(key.as_slice(), sealed.as_slice())?;
                }
            }
        }
    }
    Ok(())
}

type OpenTable<'a> = redb::Table<'a, &'static [u8], &'static [u8]>;

fn insert_pieces(open: &mut OpenTable<'_>, key: &[u8], sealed: &[u8]) -> Result<(), redb::Error> {
    for (number, piece) in sealed.chunks(PIECE_SIZE).enumerate() {
        open.insert(piece_key(key, number).as_slice(), piece)?;
    }
    remove_pieces(open, key, sealed.len().div_ceil(PIECE_SIZE))
}

/// Removes the pieces of a value from a number on.
fn remove_pieces(open: &mut OpenTable<'_>, key: &[u8], from: usize) -> Result<(), redb::Error> {
    for number in from.. {
        if open.remove(piece_key(key, number).as_slice())?.is_none() {
            break;
        }
    }
    Ok(())
}
