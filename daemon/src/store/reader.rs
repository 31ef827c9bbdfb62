//! A snapshot of the store: reads only, on any thread, never waits for a writer.

use std::collections::BTreeSet;
use std::ops::{Bound, ControlFlow};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use assist_crdt_model::{DocId, ProjectId};
use assist_proto::store::{StoreError, StoreResult};
use redb::{ReadOnlyTable, ReadTransaction, ReadableTableMetadata as _};

use super::copy::{BATCH_BYTES, Copy};
use super::engine::guarded;
use super::lost;
use super::overlay::Known;
use super::packs::Tail;
use super::pending::Pending;
use super::seal::Seal;
use super::shared::Shared;
use super::tables::{PIECE_NUMBER_SIZE, ROWS_KEY, Scope, Span, Table, key};
use super::view::{Order, View, Visit, damaged, exact};

type OpenTable = ReadOnlyTable<&'static [u8], &'static [u8]>;

/// A state of the store, all of one moment. It keeps the space of what was deleted since: hold it briefly.
pub struct Reader {
    tables: Vec<OnceLock<OpenTable>>,
    transaction: ReadTransaction,
    /// What is not in the transaction's file yet.
    pending: Pending,
    /// The number of the project that was asked for last: nearly every call asks.
    last_scope: Mutex<Option<(ProjectId, Scope)>>,
    /// Keeps the store open.
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reader(..)")
    }
}

impl Reader {
    pub(crate) fn new(transaction: ReadTransaction, pending: Pending, shared: Arc<Shared>) -> Self {
        let tables = Table::ALL.iter().map(|_| OnceLock::new()).collect();
        Self { tables, transaction, pending, last_scope: Mutex::new(None), shared }
    }

    /// Reads everything: every seal has to hold, every entry to be found by its key, and every table to have as many
    /// entries as the engine counted. So it also finds what single reads cannot see: that something is missing. Takes
    /// seconds for 300 MB and holds nobody up.
    ///
    /// # Errors
    /// The first damage that was found.
    pub fn verify(&self) -> StoreResult<()> {
        let all = Span::prefix(Vec::new());
        for &table in Table::ALL {
            let open = self.table(table)?;
            let expected = self.run(table, || open.len())?;
            let mut found = 0;
            self.scan_stored(table, &all, Order::Ascending, &mut |key, _| {
                found += 1;
                // A damaged signpost above the entries leads a reader astray who looks for one of them.
                let is_found = self.run(table, || open.get(key).map(|value| value.is_some()))?;
                if is_found { Ok(ControlFlow::Continue(())) } else { Err(damaged(table)) }
            })?;
            self.unseal_all(table)?;
            if found != expected {
                return Err(damaged(table));
            }
        }
        Ok(())
    }

    /// Opens every seal of a table, but those of packs that were set aside: they are known to be damaged.
    fn unseal_all(&self, table: Table) -> StoreResult<()> {
        let all = Span::prefix(Vec::new());
        let aside = if table == Table::Packs { lost::packs_aside(self)? } else { BTreeSet::new() };
        if aside.is_empty() {
            return self
                .scan_unsealed(table, &all, Order::Ascending, &mut |_, _| Ok(ControlFlow::Continue(())));
        }
        self.scan_keys(table, &all, Order::Ascending, &mut |key, _| {
            if !aside.contains(key) {
                self.get(table, key)?;
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    /// Copies what the engine's file has at this moment into a new file, sealed as it is: all that was durable at the
    /// last checkpoint, and nothing else. The new store has no journal, and opens with the same key.
    ///
    /// # Errors
    /// When this store cannot be read, or the file not be made.
    pub fn copy_to(&self, path: &Path) -> StoreResult<()> {
        let copy = Copy::create(path)?;
        copy.put_format(&self.transaction)?;
        let all = Span::prefix(Vec::new());
        for &table in Table::ALL {
            let (mut batch, mut size) = (Vec::new(), 0);
            self.scan_stored(table, &all, Order::Ascending, &mut |key, sealed| {
                size += key.len() + sealed.len();
                batch.push((key.to_vec(), sealed.to_vec()));
                if size >= BATCH_BYTES {
                    copy.put(table, &batch)?;
                    batch.clear();
                    size = 0;
                }
                Ok(ControlFlow::Continue(()))
            })?;
            // Also where there is nothing: the table itself has to be there.
            copy.put(table, &batch)?;
        }
        copy.finish()
    }

    /// Goes over all rows of a span, from memory where they are there.
    pub(super) fn scan_rows(&self, span: &Span, order: Order, visit: &mut Visit<'_>) -> StoreResult<()> {
        let number = self.get_unsealed(Table::Meta, ROWS_KEY)?;
        let number = number.map_or(Ok(0), |bytes| Ok(u64::from_be_bytes(exact(Table::Meta, &bytes)?)))?;
        let all = Span::prefix(Vec::new());
        let load = |visit: &mut Visit<'_>| self.scan_unsealed(Table::Rows, &all, Order::Ascending, visit);
        let rows = self.shared.file().rows().rows(number, load)?;
        self.pending.scan(Table::Rows, span, order, visit, |visit| rows.scan(span, order, visit))
    }

    fn run<T, E: Into<redb::Error>>(
        &self,
        table: Table,
        run: impl FnOnce() -> Result<T, E>,
    ) -> StoreResult<T> {
        guarded(table.what(), run).inspect_err(|error| {
            if matches!(error, StoreError::Io(_)) {
                self.shared.file().report_trouble();
            }
        })
    }

    fn table(&self, table: Table) -> StoreResult<&OpenTable> {
        let slot = &self.tables[table as usize];
        if let Some(open) = slot.get() {
            return Ok(open);
        }
        let open = self.run(table, || self.transaction.open_table(table.definition()))?;
        Ok(slot.get_or_init(|| open))
    }

    /// Goes over what stands in the file, values still sealed.
    fn scan_stored(&self, table: Table, span: &Span, order: Order, visit: &mut Visit<'_>) -> StoreResult<()> {
        if span.end.as_ref().is_some_and(|end| *end <= span.start) {
            return Ok(());
        }
        let open = self.table(table)?;
        let end = span.end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let mut range =
            self.run(table, || open.range::<&[u8]>((Bound::Included(span.start.as_slice()), end)))?;
        let (mut key, mut sealed) = (Vec::new(), Vec::new());
        loop {
            let is_over = self.run(table, || {
                let next = match order {
                    Order::Ascending => range.next(),
                    Order::Descending => range.next_back(),
                };
                let Some((found, value)) = next.transpose()? else { return Ok(true) };
                key.clear();
                key.extend_from_slice(found.value());
                sealed.clear();
                sealed.extend_from_slice(value.value());
                Ok::<_, redb::Error>(false)
            })?;
            if is_over {
                return Ok(());
            }
            // A damaged branch may lead to keys that do not belong here.
            if !span.contains(&key) {
                return Err(damaged(table));
            }
            if visit(&key, &sealed)?.is_break() {
                return Ok(());
            }
        }
    }

    /// A sealed value from its pieces.
    fn get_pieces(&self, table: Table, key: &[u8]) -> StoreResult<Option<Vec<u8>>> {
        let mut sealed: Option<Vec<u8>> = None;
        self.scan_stored(table, &Span::prefix(key.to_vec()), Order::Ascending, &mut |_, piece| {
            sealed.get_or_insert_default().extend_from_slice(piece);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(sealed)
    }

    fn unseal(&self, table: Table, key: &[u8], sealed: &[u8], value: &mut Vec<u8>) -> StoreResult<()> {
        self.seal().open(table, key, sealed, value).map_err(|_| damaged(table))
    }

    /// What the engine's file has under a key.
    fn get_unsealed(&self, table: Table, key: &[u8]) -> StoreResult<Option<Vec<u8>>> {
        let mut value = Vec::new();
        if table.is_in_pieces() {
            let Some(sealed) = self.get_pieces(table, key)? else { return Ok(None) };
            self.unseal(table, key, &sealed, &mut value)?;
            return Ok(Some(value));
        }
        let open = self.table(table)?;
        let found = self.run(table, || {
            let Some(sealed) = open.get(key)? else { return Ok(None) };
            Ok::<_, redb::Error>(Some(self.unseal(table, key, sealed.value(), &mut value)))
        })?;
        found.transpose().map(|found| found.map(|()| value))
    }

    /// Goes over what the engine's file has.
    fn scan_unsealed(
        &self,
        table: Table,
        span: &Span,
        order: Order,
        visit: &mut Visit<'_>,
    ) -> StoreResult<()> {
        let mut value = Vec::new();
        if !table.is_in_pieces() {
            return self.scan_stored(table, span, order, &mut |key, sealed| {
                self.unseal(table, key, sealed, &mut value)?;
                visit(key, &value)
            });
        }
        let mut last = Vec::new();
        self.scan_stored(table, span, order, &mut |key, _| {
            let (key, _) = key.split_last_chunk::<PIECE_NUMBER_SIZE>().ok_or_else(|| damaged(table))?;
            if key == last {
                return Ok(ControlFlow::Continue(()));
            }
            last.clear();
            last.extend_from_slice(key);
            let value = self.get_unsealed(table, key)?.ok_or_else(|| damaged(table))?;
            visit(key, &value)
        })
    }
}

impl View for Reader {
    fn get(&self, table: Table, key: &[u8]) -> StoreResult<Option<Vec<u8>>> {
        match self.pending.get(table, key) {
            Known::Written(value) => Ok(value.cloned()),
            Known::Untouched => self.get_unsealed(table, key),
        }
    }

    fn scan(&self, table: Table, span: &Span, order: Order, visit: &mut Visit<'_>) -> StoreResult<()> {
        self.pending.scan(table, span, order, visit, |visit| self.scan_unsealed(table, span, order, visit))
    }

    fn scan_keys(&self, table: Table, span: &Span, order: Order, visit: &mut Visit<'_>) -> StoreResult<()> {
        let mut last = Vec::new();
        let below = |visit: &mut Visit<'_>| {
            self.scan_stored(table, span, order, &mut |key, _| {
                if !table.is_in_pieces() {
                    return visit(key, &[]);
                }
                let (key, _) = key.split_last_chunk::<PIECE_NUMBER_SIZE>().ok_or_else(|| damaged(table))?;
                if key == last {
                    return Ok(ControlFlow::Continue(()));
                }
                last.clear();
                last.extend_from_slice(key);
                visit(key, &[])
            })
        };
        self.pending.scan(table, span, order, visit, below)
    }

    fn scope(&self, project: &ProjectId) -> StoreResult<Option<Scope>> {
        let mut last = self.last_scope.lock().unwrap_or_else(PoisonError::into_inner);
        match *last {
            Some((known, scope)) if known == *project => Ok(Some(scope)),
            _ => {
                let bytes = self.get(Table::Scopes, &key!(*project))?;
                let scope = bytes.map(|bytes| Scope::decode(&bytes)).transpose()?;
                *last = scope.map(|scope| (*project, scope));
                Ok(scope)
            }
        }
    }

    fn tail(&self, _scope: Scope, _doc: DocId) -> Option<&Tail> {
        None
    }

    fn seal(&self) -> &Seal {
        self.shared.seal()
    }
}
