//! A snapshot of the store: reads only, on any thread, never waits for a writer.

use std::ops::Bound;
use std::sync::{Arc, OnceLock};

use assist_crdt_model::DocId;
use assist_proto::store::{StoreError, StoreResult};
use redb::{ReadOnlyTable, ReadTransaction};

use super::engine::guarded;
use super::packs::Tail;
use super::seal::Seal;
use super::shared::Shared;
use super::tables::{Scope, Span, Table};
use super::view::{Order, View, Visit, damaged};

type OpenTable = ReadOnlyTable<&'static [u8], &'static [u8]>;

/// A state of the store, all of one moment. It keeps the space of what was deleted since: hold it briefly.
pub struct Reader {
    tables: Vec<OnceLock<OpenTable>>,
    transaction: ReadTransaction,
    /// Keeps the store open.
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reader(..)")
    }
}

impl Reader {
    pub(crate) fn new(transaction: ReadTransaction, shared: Arc<Shared>) -> Self {
        Self { tables: Table::ALL.iter().map(|_| OnceLock::new()).collect(), transaction, shared }
    }

    fn run<T, E: Into<redb::Error>>(
        &self,
        table: Table,
        run: impl FnOnce() -> Result<T, E>,
    ) -> StoreResult<T> {
        guarded(table.what(), run).inspect_err(|error| {
            if matches!(error, StoreError::Io(_)) {
                self.shared.report_trouble();
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
}

impl View for Reader {
    fn get(&self, table: Table, key: &[u8]) -> StoreResult<Option<Vec<u8>>> {
        let open = self.table(table)?;
        let mut value = Vec::new();
        let found = self.run(table, || {
            let Some(sealed) = open.get(key)? else { return Ok(None) };
            Ok::<_, redb::Error>(Some(self.seal().open(table, key, sealed.value(), &mut value)))
        })?;
        match found {
            None => Ok(None),
            Some(Ok(())) => Ok(Some(value)),
            Some(Err(_)) => Err(damaged(table)),
        }
    }

    fn scan(&self, table: Table, span: &Span, order: Order, visit: &mut Visit<'_>) -> StoreResult<()> {
        if span.end.as_ref().is_some_and(|end| *end <= span.start) {
            return Ok(());
        }
        let open = self.table(table)?;
        let end = span.end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let mut range =
            self.run(table, || open.range::<&[u8]>((Bound::Included(span.start.as_slice()), end)))?;
        let (mut key, mut value) = (Vec::new(), Vec::new());
        loop {
            let step = self.run(table, || {
                let next = match order {
                    Order::Ascending => range.next(),
                    Order::Descending => range.next_back(),
                };
                let Some((found, sealed)) = next.transpose()? else { return Ok(None) };
                key.clear();
                key.extend_from_slice(found.value());
                Ok::<_, redb::Error>(Some(self.seal().open(table, &key, sealed.value(), &mut value)))
            })?;
            match step {
                None => return Ok(()),
                Some(Err(_)) => return Err(damaged(table)),
                Some(Ok(())) => {}
            }
            // A damaged branch may lead to keys that do not belong here.
            if !span.contains(&key) {
                return Err(damaged(table));
            }
            if visit(&key, &value)?.is_break() {
                return Ok(());
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
