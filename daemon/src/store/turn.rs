//! A turn: reads and writes that become durable together or not at all.
//!
//! Writes stay in memory ([`Overlay`]) until the commit puts them into the journal as one frame. So a value that a
//! turn writes ten times is written once, a turn that writes nothing costs nothing, and neither does a dropped one.

use std::collections::BTreeMap;
use std::sync::Arc;

use assist_crdt_model::{DocId, ProjectId};
use assist_proto::store::{Record, Seq, StoreError, StoreResult};
use assist_proto::wire::codec;
use serde::Serialize;

use super::memo::{Memo, Rows};
use super::overlay::{Known, Overlay};
use super::packs::{Places, Tail, stored_tail};
use super::reader::Reader;
use super::seal::Seal;
use super::shared::{Shared, Writer};
use super::tables::{Counter, Scope, Span, Table, key};
use super::view::{Order, View, Visit};

/// The one turn that may write now. Dropped without a commit, it never happened.
pub struct Turn {
    snapshot: Reader,
    overlay: Overlay,
    tails: BTreeMap<(Scope, DocId), Tail>,
    /// Head of the server's log, once the turn has added to it.
    pub(crate) head: Option<Seq>,
    writer: WriterGuard,
}

/// Gives the writer back when the turn ends, however it ends.
struct WriterGuard {
    shared: Arc<Shared>,
    writer: Option<Writer>,
}

impl Drop for WriterGuard {
    fn drop(&mut self) {
        if let Some(writer) = self.writer.take() {
            self.shared.give_back(writer);
        }
    }
}

impl WriterGuard {
    fn writer(&mut self) -> &mut Writer {
        self.writer.as_mut().expect("only the drop takes the writer away")
    }

    fn memo(&self) -> &Memo {
        &self.writer.as_ref().expect("only the drop takes the writer away").memo
    }
}

impl std::fmt::Debug for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Turn(..)")
    }
}

impl Turn {
    pub(crate) fn begin(shared: Arc<Shared>) -> StoreResult<Self> {
        let writer = shared.take_writer();
        let writer = WriterGuard { shared, writer: Some(writer) };
        let snapshot = writer.shared.read()?;
        Ok(Self { snapshot, overlay: Overlay::default(), tails: BTreeMap::new(), head: None, writer })
    }

    /// Makes everything that the turn wrote durable, and all lazy turns before it: on return it survives a loss of
    /// power.
    ///
    /// # Errors
    /// Nothing of the turn is in the store then, and the store can be used on.
    pub fn commit(self) -> StoreResult<()> {
        self.finish(Shared::write)
    }

    /// Makes the writes visible, and durable with the next [`Turn::commit`]: for what comes again if it is lost.
    ///
    /// # Errors
    /// As [`Turn::commit`].
    pub fn commit_lazily(self) -> StoreResult<()> {
        self.finish(Shared::write_lazily)
    }

    fn finish(
        mut self,
        write: impl FnOnce(&Shared, &mut Writer, Overlay) -> StoreResult<()>,
    ) -> StoreResult<()> {
        self.close_tails();
        let Self { snapshot, overlay, mut writer, .. } = self;
        // The engine cannot use the space of what this very turn replaces while its snapshot lives, and what is
        // pending is not copied if nobody else looks at it.
        drop(snapshot);
        let shared = Arc::clone(&writer.shared);
        write(&shared, writer.writer(), overlay)
    }

    /// Moves what is durable in the journal to the engine's file; what this turn wrote is dropped.
    pub(crate) fn checkpoint(self) -> StoreResult<()> {
        let Self { snapshot, mut writer, .. } = self;
        drop(snapshot);
        let shared = Arc::clone(&writer.shared);
        shared.checkpoint(writer.writer())
    }

    fn close_tails(&mut self) {
        for ((scope, _), tail) in std::mem::take(&mut self.tails) {
            self.put_pack(scope, tail);
        }
    }

    fn put_pack(&mut self, scope: Scope, tail: Tail) {
        if let Some((number, value)) = tail.close(&mut self.writer.writer().quick_compressor) {
            self.overlay.put(Table::Packs, key!(scope, number), value);
        }
    }

    /// Begins a pack behind those that a document has.
    fn begin_pack(&mut self, scope: Scope, doc: DocId, first: u32) -> StoreResult<Tail> {
        let number = self.count_up(key!(scope, Counter::Packs))?;
        let number = u32::try_from(number).map_err(|_| super::view::damaged(Table::Counters))?;
        let mut places = Places::load(self, scope, doc)?;
        places.push(number, first);
        self.put(Table::Docs, key!(scope, doc), places.encode());
        Ok(Tail::begin(number, first))
    }

    /// Adds a record to a document and returns its index.
    pub(crate) fn push_record(&mut self, scope: Scope, record: &Record) -> StoreResult<u32> {
        let doc = record.envelope.doc;
        let mut tail = match self.tails.remove(&(scope, doc)) {
            Some(tail) => tail,
            None => stored_tail(self, scope, doc)?,
        };
        let index = tail.next_index();
        if tail.is_full() {
            self.put_pack(scope, tail);
            tail = self.begin_pack(scope, doc, index)?;
        }
        if index == 0 {
            self.count_up(key!(scope, Counter::Documents))?;
        }
        tail.push(record);
        self.tails.insert((scope, doc), tail);
        Ok(index)
    }

    /// Takes all records of a document away.
    pub(crate) fn remove_records(&mut self, scope: Scope, doc: DocId) -> StoreResult<()> {
        self.tails.remove(&(scope, doc));
        let places = match Places::load(self, scope, doc) {
            Ok(places) if places.is_empty() => return Ok(()),
            Ok(places) => places,
            // Its packs stay behind, and nobody comes by there.
            Err(StoreError::Damaged { .. }) => Places::default(),
            Err(error) => return Err(error),
        };
        for number in places.numbers() {
            self.remove(Table::Packs, key!(scope, number));
        }
        self.remove(Table::Docs, key!(scope, doc));
        self.count_down(key!(scope, Counter::Documents))
    }

    /// Bytes deflated with the turn's compressor.
    pub(crate) fn deflate(&mut self, bytes: &[u8]) -> Vec<u8> {
        super::packs::deflate_bytes(&mut self.writer.writer().compressor, bytes)
    }

    pub(crate) fn put(&mut self, table: Table, key: Vec<u8>, value: Vec<u8>) {
        self.writer.memo().forget(table, &key);
        self.overlay.put(table, key, value);
    }

    pub(crate) fn put_cbor<T: Serialize>(&mut self, table: Table, key: Vec<u8>, value: &T) {
        self.put(table, key, codec::encode(value));
    }

    pub(crate) fn remove(&mut self, table: Table, key: Vec<u8>) {
        self.writer.memo().forget(table, &key);
        self.overlay.remove(table, key);
    }

    /// A row that turns read again and again.
    pub(crate) fn recall<T: Clone>(
        &self,
        (table, key): (Table, Vec<u8>),
        rows: impl FnOnce(&Memo) -> &Rows<T>,
        read: impl FnOnce() -> StoreResult<Option<T>>,
    ) -> StoreResult<Option<T>> {
        if matches!(self.overlay.get(table, &key), Known::Written(_)) {
            return read();
        }
        let rows = rows(self.writer.memo());
        if let Some(row) = rows.get(&key) {
            return Ok(Some(row));
        }
        let row = read()?;
        if let Some(row) = &row {
            rows.put(key, row.clone());
        }
        Ok(row)
    }

    /// Takes everything of a span away, and what the turn itself put there.
    pub(crate) fn clear(&mut self, table: Table, span: Span) {
        if table == Table::Docs {
            self.tails.retain(|(scope, doc), _| !span.contains(&key!(*scope, *doc)));
        }
        self.writer.memo().forget_all();
        self.overlay.clear(table, span);
    }

    pub(crate) fn put_counter(&mut self, key: Vec<u8>, value: u64) {
        self.overlay.put(Table::Counters, key, value.to_be_bytes().to_vec());
    }

    /// Adds one to a counter and returns what it was.
    pub(crate) fn count_up(&mut self, key: Vec<u8>) -> StoreResult<u64> {
        let before = self.counter_at(&key)?;
        self.put_counter(key, before + 1);
        Ok(before)
    }

    /// Takes one from a counter that is not 0.
    pub(crate) fn count_down(&mut self, key: Vec<u8>) -> StoreResult<()> {
        let before = self.counter_at(&key)?;
        self.put_counter(key, before.saturating_sub(1));
        Ok(())
    }

    /// The number of a project, allotted now if it has none.
    pub(crate) fn scope_mut(&mut self, project: &ProjectId) -> StoreResult<Scope> {
        if let Some(scope) = self.scope(project)? {
            return Ok(scope);
        }
        let number = self.count_up(key!(Scope::SERVER, Counter::NextScope))? + 1;
        let number = u16::try_from(number).map_err(|_| super::view::damaged(Table::Scopes))?;
        self.put(Table::Scopes, key!(*project), number.to_be_bytes().to_vec());
        Ok(Scope(number))
    }
}

impl View for Turn {
    fn get(&self, table: Table, key: &[u8]) -> StoreResult<Option<Vec<u8>>> {
        match self.overlay.get(table, key) {
            Known::Written(value) => Ok(value.cloned()),
            Known::Untouched => self.snapshot.get(table, key),
        }
    }

    fn scan(&self, table: Table, span: &Span, order: Order, visit: &mut Visit<'_>) -> StoreResult<()> {
        self.overlay.scan(table, span, order, visit, |visit| self.snapshot.scan(table, span, order, visit))
    }

    fn scan_keys(&self, table: Table, span: &Span, order: Order, visit: &mut Visit<'_>) -> StoreResult<()> {
        let below = |visit: &mut Visit<'_>| self.snapshot.scan_keys(table, span, order, visit);
        self.overlay.scan(table, span, order, visit, below)
    }

    fn scope(&self, project: &ProjectId) -> StoreResult<Option<Scope>> {
        match self.overlay.get(Table::Scopes, &key!(*project)) {
            Known::Written(Some(number)) => Scope::decode(number).map(Some),
            Known::Written(None) => Ok(None),
            Known::Untouched => self.snapshot.scope(project),
        }
    }

    fn tail(&self, scope: Scope, doc: DocId) -> Option<&Tail> {
        self.tails.get(&(scope, doc))
    }

    fn seal(&self) -> &Seal {
        self.snapshot.seal()
    }
}
