//! The engine and the journal behind all turns and readers of one store: written by one at a time, the engine
//! opened again after trouble.
//!
//! A turn is durable with its frame in the journal, and pending: readers find it in memory, over the engine's file.
//! When the journal is full, everything pending goes to the engine in one transaction ([`Shared::checkpoint`]).

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};

use assist_proto::store::{StoreError, StoreResult};
use redb::{Database, DatabaseError, ReadableDatabase as _, WriteTransaction};
use zstd::bulk::Compressor;

use super::engine::{Engine, guarded};
use super::journal::{JOURNALED_BYTES_MAX, Journal};
use super::memo::Memo;
use super::open::{self, Migration};
use super::overlay::{Changes, Overlay};
use super::packs::{DICTIONARY, JOURNAL_LEVEL, PACK_LEVEL, whole};
use super::reader::Reader;
use super::row_cache::RowCache;
use super::seal::{Nonces, Seal};
use super::tables::{APPLIED_KEY, PIECE_SIZE, ROWS_KEY, Table, piece_key};

/// Opens the engine's file, the first time and after trouble.
pub(crate) type Opener = Box<dyn Fn() -> Result<Database, DatabaseError> + Send + Sync>;

/// What all handles of a store share.
pub(crate) struct Shared {
    opener: Opener,
    /// `None` after trouble, until it is open again.
    engine: RwLock<Option<Engine>>,
    /// The engine refuses all work after a failed write until it is opened again.
    is_in_trouble: AtomicBool,
    is_closed: AtomicBool,
    seal: Seal,
    /// What is durable in the journal and not in the engine's file.
    pending: Mutex<Arc<Overlay>>,
    /// Lies here while no turn is under way.
    writer: Mutex<Option<Writer>>,
    writer_is_back: Condvar,
    /// The engine's rows in memory.
    rows: RowCache,
}

/// What only the turn under way may use.
pub(crate) struct Writer {
    pub(crate) nonces: Nonces,
    /// For what goes to the engine's file.
    pub(crate) compressor: Compressor<'static>,
    /// For packs on their way through the journal.
    pub(crate) quick_compressor: Compressor<'static>,
    pub(crate) journal: Journal,
    pub(crate) memo: Memo,
    /// What is visible and not durable yet: goes into the next frame.
    owed: Overlay,
}

impl Writer {
    fn new(journal: Journal) -> StoreResult<Self> {
        let nonces = Nonces::new().map_err(|error| StoreError::Io(error.into()))?;
        let at_level = |level| {
            Compressor::with_dictionary(level, DICTIONARY).map_err(|error| StoreError::Io(error.into()))
        };
        Ok(Self {
            nonces,
            compressor: at_level(PACK_LEVEL)?,
            quick_compressor: at_level(JOURNAL_LEVEL)?,
            journal,
            memo: Memo::new(),
            owed: Overlay::default(),
        })
    }
}

impl Shared {
    /// Takes over an engine and its journal, and first gives the engine what only the journal had.
    pub(crate) fn new(
        opener: Opener,
        engine: Engine,
        seal: Seal,
        journal: Journal,
        unapplied: Overlay,
    ) -> StoreResult<Self> {
        let mut writer = Writer::new(journal)?;
        let rows = RowCache::new(open::number(&engine, &seal, ROWS_KEY)?);
        let shared = Self {
            opener,
            engine: RwLock::new(Some(engine)),
            is_in_trouble: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
            seal,
            pending: Mutex::new(Arc::new(unapplied)),
            writer: Mutex::new(None),
            writer_is_back: Condvar::new(),
            rows,
        };
        shared.checkpoint(&mut writer)?;
        shared.give_back(writer);
        Ok(shared)
    }

    /// Waits until no turn is under way.
    pub(crate) fn take_writer(&self) -> Writer {
        let mut slot = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match slot.take() {
                Some(writer) => return writer,
                None => slot = self.writer_is_back.wait(slot).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    pub(crate) fn give_back(&self, writer: Writer) {
        *self.writer.lock().unwrap_or_else(PoisonError::into_inner) = Some(writer);
        self.writer_is_back.notify_one();
    }

    pub(crate) fn seal(&self) -> &Seal {
        &self.seal
    }

    /// The engine's rows in memory.
    pub(crate) const fn rows(&self) -> &RowCache {
        &self.rows
    }

    /// The engine refuses to work on: it is opened again before the next use.
    pub(crate) fn report_trouble(&self) {
        self.is_in_trouble.store(true, Ordering::Release);
    }

    /// A snapshot of what is committed.
    pub(crate) fn read(self: &Arc<Self>) -> StoreResult<Reader> {
        // Both of one moment: a checkpoint puts its transaction in before it takes what is pending away.
        let pending = self.pending();
        let begin = || self.with_database(|database| guarded("page", || database.begin_read()));
        let transaction = begin().or_else(|_| {
            self.report_trouble();
            begin()
        })?;
        Ok(Reader::new(transaction, Arc::clone(&pending), Arc::clone(self)))
    }

    /// Commits the changes of a turn, and of lazy ones before it.
    pub(crate) fn write(&self, writer: &mut Writer, overlay: Overlay) -> StoreResult<()> {
        if writer.owed.is_empty() && overlay.is_empty() {
            return Ok(());
        }
        let size = overlay.encoded_size();
        let is_large = size > JOURNALED_BYTES_MAX;
        if is_large || !writer.journal.has_room(writer.owed.encoded_size() + size) {
            self.checkpoint(writer)?;
        }
        // Still none after a checkpoint that had nothing to do: then this transaction is one.
        if is_large || !writer.journal.has_room(size) {
            return self.write_to_engine(writer, &overlay);
        }
        let Writer { journal, nonces, owed, .. } = writer;
        journal.append(&self.seal, nonces, [&*owed, &overlay])?;
        *owed = Overlay::default();
        Arc::make_mut(&mut self.pending()).absorb(overlay);
        Ok(())
    }

    /// Makes the changes of a turn visible. They are durable with the next [`Shared::write`] or checkpoint.
    pub(crate) fn write_lazily(&self, writer: &mut Writer, overlay: Overlay) -> StoreResult<()> {
        let owed = writer.owed.encoded_size() + overlay.encoded_size();
        if owed > JOURNALED_BYTES_MAX {
            return self.write(writer, overlay);
        }
        writer.owed.absorb(overlay.clone());
        Arc::make_mut(&mut self.pending()).absorb(overlay);
        Ok(())
    }

    /// Gives the engine everything that is pending, so that the journal can begin again.
    pub(crate) fn checkpoint(&self, writer: &mut Writer) -> StoreResult<()> {
        let pending = Arc::clone(&self.pending());
        if pending.is_empty() {
            return Ok(());
        }
        self.write_to_engine(writer, &pending)?;
        writer.owed = Overlay::default();
        *self.pending() = Arc::default();
        Ok(())
    }

    /// Commits changes in one transaction that also says that the journal holds nothing new.
    fn write_to_engine(&self, writer: &mut Writer, overlay: &Overlay) -> StoreResult<()> {
        let Writer { nonces, journal, compressor, .. } = writer;
        let rows = overlay.of(Table::Rows).map(|changes| (self.rows.next_number(), changes));
        let number = rows.map(|(number, _)| number);
        let written = self.with_database(|database| {
            guarded("page", || self.commit(database, (nonces, compressor), overlay, (journal.last(), number)))
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
        journal.begin_again();
        Ok(())
    }

    fn commit(
        &self,
        database: &Database,
        (nonces, compressor): (&mut Nonces, &mut Compressor<'static>),
        overlay: &Overlay,
        (applied, rows): (u64, Option<u64>),
    ) -> Result<(), redb::Error> {
        let mut transaction = database.begin_write()?;
        // Writes down which pages are free, so that a start after a crash need not find out.
        transaction.set_quick_repair(true);
        for (table, changes) in overlay.tables() {
            apply(&transaction, &self.seal, (nonces, compressor), table, changes)?;
        }
        let mut numbers = Changes::default();
        for (key, number) in [(APPLIED_KEY, Some(applied)), (ROWS_KEY, rows)] {
            if let Some(number) = number {
                numbers.entries.insert(key.to_vec(), Some(number.to_be_bytes().to_vec()));
            }
        }
        apply(&transaction, &self.seal, (nonces, compressor), Table::Meta, &numbers)?;
        Ok(transaction.commit()?)
    }

    /// Brings the engine's file up to date; see [`open::migrate`].
    pub(crate) fn migrate(&self, found: u32, migrations: &[Migration]) -> StoreResult<()> {
        self.with_database(|database| open::migrate(database, &self.seal, found, migrations))
    }

    fn pending(&self) -> MutexGuard<'_, Arc<Overlay>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the engine's file for good. Waits for the turn under way.
    pub(crate) fn close(&self) {
        let mut writer = self.take_writer();
        self.checkpoint_at_end(&mut writer);
        self.is_closed.store(true, Ordering::Release);
        self.put_away();
        self.give_back(writer);
    }

    /// What cannot be moved now is moved when the store is opened next.
    fn checkpoint_at_end(&self, writer: &mut Writer) {
        if !self.is_closed.load(Ordering::Acquire)
            && let Err(error) = self.checkpoint(writer)
        {
            tracing::warn!(%error, "the journal was not emptied at the end; the next start does it");
        }
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
        if slot.is_none() && !self.is_closed.load(Ordering::Acquire) {
            *slot = Some(guarded("file", || (self.opener)())?.into());
        }
        self.is_in_trouble.store(false, Ordering::Release);
        Ok(())
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let mut writer = self.take_writer();
        self.checkpoint_at_end(&mut writer);
    }
}

fn apply(
    transaction: &WriteTransaction,
    seal: &Seal,
    (nonces, compressor): (&mut Nonces, &mut Compressor<'static>),
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
