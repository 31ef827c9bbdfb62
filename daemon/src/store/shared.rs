//! The engine's file and the journal behind all turns and readers of one store, written by one turn at a time.
//!
//! A turn is durable with its frame in the journal, and pending: readers find it in memory, over the engine's file.
//! When one half of the journal is full, a [`Mover`] gives the file what it holds, in one transaction, while turns go
//! on in the other half. [`Shared::checkpoint`] does the same for everything, and waits for it.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use assist_proto::store::{StoreError, StoreResult};
use zstd::bulk::Compressor;

use super::engine_file::EngineFile;
use super::journal::{JOURNALED_BYTES_MAX, Journal};
use super::memo::Memo;
use super::mover::Mover;
use super::open::Migration;
use super::overlay::Overlay;
use super::packs::{self, JOURNAL_LEVEL, PACK_LEVEL};
use super::pending::Pending;
use super::reader::Reader;
use super::seal::{Nonces, Seal};

/// What all handles of a store share.
pub(crate) struct Shared {
    file: Arc<EngineFile>,
    pending: Arc<Mutex<Pending>>,
    /// Lies here while no turn is under way.
    writer: Mutex<Option<Writer>>,
    writer_is_back: Condvar,
}

/// What only the turn under way may use.
pub(crate) struct Writer {
    nonces: Nonces,
    /// For values that a turn deflates.
    pub(crate) compressor: Compressor<'static>,
    /// For packs on their way through the journal.
    pub(crate) quick_compressor: Compressor<'static>,
    pub(crate) memo: Memo,
    journal: Journal,
    mover: Mover,
    /// What is visible and not durable yet: goes into the next frame.
    owed: Overlay,
}

impl Writer {
    fn new(journal: Journal) -> StoreResult<Self> {
        Ok(Self {
            nonces: Nonces::new().map_err(|error| StoreError::Io(error.into()))?,
            compressor: packs::compressor(PACK_LEVEL)?,
            quick_compressor: packs::compressor(JOURNAL_LEVEL)?,
            memo: Memo::new(),
            journal,
            mover: Mover::default(),
            owed: Overlay::default(),
        })
    }

    /// Whether a turn of this size, with what is owed before it, fits behind the last frame.
    fn has_room(&self, size: usize) -> bool {
        size <= JOURNALED_BYTES_MAX && self.journal.has_room(self.owed.encoded_size() + size)
    }
}

impl Shared {
    /// Takes over a file and its journal, first gives the file what only the journal had, and brings both up to date.
    pub(crate) fn new(
        file: EngineFile,
        (journal, unapplied): (Journal, Overlay),
        (found, migrations): (u32, &[Migration]),
    ) -> StoreResult<Self> {
        let mut writer = Writer::new(journal)?;
        let shared = Self {
            file: Arc::new(file),
            pending: Arc::new(Mutex::new(Pending::new(unapplied))),
            writer: Mutex::new(None),
            writer_is_back: Condvar::new(),
        };
        let caught_up = shared.catch_up(&mut writer, found, migrations);
        // Also of one that did not: who drops it takes the writer.
        shared.give_back(writer);
        caught_up.map(|()| shared)
    }

    fn catch_up(&self, writer: &mut Writer, found: u32, migrations: &[Migration]) -> StoreResult<()> {
        self.checkpoint(writer)?;
        // Behind the journal's changes, which are of the format that wrote them.
        self.file.migrate(found, migrations)?;
        writer.journal.bring_up_to_date()
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
        self.file.seal()
    }

    pub(crate) fn file(&self) -> &EngineFile {
        &self.file
    }

    /// A snapshot of what is committed.
    pub(crate) fn read(self: &Arc<Self>) -> StoreResult<Reader> {
        // Both of one moment: a transaction is in the file before what it moved is taken away here.
        let pending = self.pending();
        let transaction = self.file.read()?;
        Ok(Reader::new(transaction, pending.clone(), Arc::clone(self)))
    }

    /// Commits the changes of a turn, and of lazy ones before it.
    pub(crate) fn write(&self, writer: &mut Writer, overlay: Overlay) -> StoreResult<()> {
        if writer.owed.is_empty() && overlay.is_empty() {
            return Ok(());
        }
        let size = overlay.encoded_size();
        if size <= JOURNALED_BYTES_MAX && !writer.has_room(size) {
            self.turn_over(writer);
        }
        if !writer.has_room(size) {
            self.checkpoint(writer)?;
        }
        if !writer.has_room(size) {
            return self.put(writer, &overlay);
        }
        let Writer { journal, nonces, owed, .. } = writer;
        journal.append(self.seal(), nonces, [&*owed, &overlay])?;
        *owed = Overlay::default();
        self.pending().absorb(overlay);
        Ok(())
    }

    /// Makes the changes of a turn visible. They are durable with the next [`Shared::write`] or checkpoint.
    pub(crate) fn write_lazily(&self, writer: &mut Writer, overlay: Overlay) -> StoreResult<()> {
        let owed = writer.owed.encoded_size() + overlay.encoded_size();
        if owed > JOURNALED_BYTES_MAX {
            return self.write(writer, overlay);
        }
        writer.owed.absorb(overlay.clone());
        self.pending().absorb(overlay);
        Ok(())
    }

    /// Lets what the written half of the journal holds be moved, and goes on in the other one; not while what that
    /// holds did not arrive, nor behind a write that failed.
    fn turn_over(&self, writer: &mut Writer) {
        writer.mover.wait();
        let mut pending = self.pending();
        if pending.is_empty() || pending.is_moving() || writer.journal.is_suspect() {
            return;
        }
        // What is owed moves too, but is owed on: nobody waits for the move.
        let moving = pending.set_out();
        drop(pending);
        let applied = writer.journal.turn_over();
        writer.mover.start(Arc::clone(&self.file), Arc::clone(&self.pending), (moving, applied));
    }

    /// Gives the file everything that is pending, so that the journal can begin again.
    pub(crate) fn checkpoint(&self, writer: &mut Writer) -> StoreResult<()> {
        writer.mover.wait();
        let pending = self.pending().all();
        if !pending.is_empty() {
            self.put(writer, &pending)?;
            *self.pending() = Pending::default();
        }
        writer.owed = Overlay::default();
        Ok(())
    }

    /// Gives the file changes behind which the journal holds nothing new.
    fn put(&self, writer: &mut Writer, overlay: &Overlay) -> StoreResult<()> {
        self.file.put(overlay, writer.journal.last())?;
        writer.journal.begin_again();
        Ok(())
    }

    /// What is not in the file yet.
    pub(super) fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the engine's file for good. Waits for the turn under way.
    pub(crate) fn close(&self) {
        let mut writer = self.take_writer();
        self.checkpoint_at_end(&mut writer);
        self.file.close();
        self.give_back(writer);
    }

    /// What cannot be moved now is moved when the store is opened next.
    fn checkpoint_at_end(&self, writer: &mut Writer) {
        if !self.file.is_closed()
            && let Err(error) = self.checkpoint(writer)
        {
            tracing::warn!(%error, "the journal was not emptied at the end; the next start does it");
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let mut writer = self.take_writer();
        self.checkpoint_at_end(&mut writer);
    }
}
