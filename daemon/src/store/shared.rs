//! The engine behind all turns and readers of one store: opened again after trouble, written by one at a time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};

use assist_proto::store::{StoreError, StoreResult};
use redb::{Database, DatabaseError, ReadableDatabase as _, WriteTransaction};
use zstd::bulk::Compressor;

use super::engine::{Engine, guarded};
use super::overlay::{Changes, Overlay};
use super::packs::PACK_LEVEL;
use super::reader::Reader;
use super::seal::{Nonces, Seal};
use super::tables::{PIECE_SIZE, Table, piece_key};

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
    quick_repair: bool,
    /// Lies here while no turn is under way.
    writer: Mutex<Option<Writer>>,
    writer_is_back: Condvar,
}

/// What a commit promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// To survive a loss of power.
    Now,
    /// To do so with the next commit that promises it.
    Later,
    /// As [`Durability::Now`], and to write down which pages are free: a start after a crash need not find out.
    Settled,
}

/// What only the turn under way may use.
pub(crate) struct Writer {
    pub(crate) nonces: Nonces,
    pub(crate) compressor: Compressor<'static>,
    /// Whether something was committed that is not durable yet.
    pub(crate) owes_durability: bool,
    /// Whether the newest commit was a [`Durability::Settled`] one.
    pub(crate) is_settled: bool,
}

impl Writer {
    pub(crate) fn new() -> StoreResult<Self> {
        let nonces = Nonces::new().map_err(|error| StoreError::Io(error.into()))?;
        let compressor = Compressor::new(PACK_LEVEL).map_err(|error| StoreError::Io(error.into()))?;
        Ok(Self { nonces, compressor, owes_durability: false, is_settled: false })
    }
}

impl Shared {
    pub(crate) fn new(opener: Opener, engine: Engine, seal: Seal, quick_repair: bool) -> StoreResult<Self> {
        Ok(Self {
            opener,
            engine: RwLock::new(Some(engine)),
            is_in_trouble: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
            seal,
            quick_repair,
            writer: Mutex::new(Some(Writer::new()?)),
            writer_is_back: Condvar::new(),
        })
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

    /// The engine refuses to work on: it is opened again before the next use.
    pub(crate) fn report_trouble(&self) {
        self.is_in_trouble.store(true, Ordering::Release);
    }

    /// A snapshot of what is committed.
    pub(crate) fn read(self: &Arc<Self>) -> StoreResult<Reader> {
        let begin = || self.with_database(|database| guarded("page", || database.begin_read()));
        let transaction = begin().or_else(|_| {
            self.report_trouble();
            begin()
        })?;
        Ok(Reader::new(transaction, Arc::clone(self)))
    }

    /// Commits the changes of a turn in one transaction.
    pub(crate) fn write(
        &self,
        writer: &mut Writer,
        overlay: Overlay,
        durability: Durability,
    ) -> StoreResult<()> {
        let result = self.with_database(|database| {
            guarded("page", || self.commit(database, &mut writer.nonces, overlay, durability))
        });
        match &result {
            Ok(()) => {
                writer.owes_durability = durability == Durability::Later;
                writer.is_settled = durability == Durability::Settled;
            }
            Err(_) => self.report_trouble(),
        }
        result
    }

    fn commit(
        &self,
        database: &Database,
        nonces: &mut Nonces,
        overlay: Overlay,
        durability: Durability,
    ) -> Result<(), redb::Error> {
        let mut transaction = database.begin_write()?;
        match durability {
            Durability::Now => transaction.set_quick_repair(self.quick_repair),
            Durability::Settled => transaction.set_quick_repair(true),
            Durability::Later => transaction.set_durability(redb::Durability::None)?,
        }
        for (table, changes) in overlay.into_tables() {
            apply(&transaction, &self.seal, nonces, table, changes)?;
        }
        Ok(transaction.commit()?)
    }

    /// Closes the engine's file for good. Waits for the turn under way.
    pub(crate) fn close(&self) {
        let writer = self.take_writer();
        self.is_closed.store(true, Ordering::Release);
        self.put_away();
        self.give_back(writer);
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

fn apply(
    transaction: &WriteTransaction,
    seal: &Seal,
    nonces: &mut Nonces,
    table: Table,
    changes: Changes,
) -> Result<(), redb::Error> {
    let mut open = transaction.open_table(table.definition())?;
    for span in &changes.cleared {
        let start = std::ops::Bound::Included(span.start.as_slice());
        let end = span.end.as_deref().map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        open.retain_in::<&[u8], _>((start, end), |_, _| false)?;
    }
    let mut sealed = Vec::new();
    for (key, value) in changes.entries {
        match value {
            None if table.is_in_pieces() => remove_pieces(&mut open, &key, 0)?,
            None => {
                open.remove(key.as_slice())?;
            }
            Some(value) => {
                let nonce = nonces.next().map_err(|error| redb::Error::Io(std::io::Error::other(error)))?;
                seal.close(nonce, table, &key, &value, &mut sealed);
                if table.is_in_pieces() {
                    insert_pieces(&mut open, &key, &sealed)?;
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
