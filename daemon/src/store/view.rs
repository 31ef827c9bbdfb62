//! Reading, the same way from a snapshot and from a turn that has not ended.

use std::ops::ControlFlow;

use assist_crdt_model::{DocId, ProjectId};
use assist_proto::store::{StoreError, StoreResult};
use assist_proto::wire::codec;
use serde::de::DeserializeOwned;

use super::packs::Tail;
use super::seal::Seal;
use super::tables::{Counter, Scope, Span, Table, key};

/// What a scan does with each entry: takes its key and its value, says whether to go on.
pub(crate) type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> StoreResult<ControlFlow<()>> + 'a;

/// In which order a scan goes over the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Ascending,
    Descending,
}

impl Order {
    /// Whether a scan comes to `a` before it comes to `b`.
    pub(crate) fn is_before(self, a: &[u8], b: &[u8]) -> bool {
        match self {
            Self::Ascending => a < b,
            Self::Descending => a > b,
        }
    }
}

/// A state of the store, all of one moment.
pub(crate) trait View {
    /// The value of a key.
    fn get(&self, table: Table, key: &[u8]) -> StoreResult<Option<Vec<u8>>>;

    /// Goes over the entries of a span until there are no more or `visit` breaks.
    fn scan(&self, table: Table, span: &Span, order: Order, visit: &mut Visit<'_>) -> StoreResult<()>;

    /// The same for keys alone: the values that `visit` is given mean nothing, and their seals are not looked at.
    fn scan_keys(&self, table: Table, span: &Span, order: Order, visit: &mut Visit<'_>) -> StoreResult<()>;

    /// The last pack of a document, if the turn has it open.
    fn tail(&self, scope: Scope, doc: DocId) -> Option<&Tail>;

    /// What seals values.
    fn seal(&self) -> &Seal;

    /// The number of a project; `None` if nothing of it was ever stored.
    fn scope(&self, project: &ProjectId) -> StoreResult<Option<Scope>>;

    /// A CBOR value.
    fn get_cbor<T: DeserializeOwned>(&self, table: Table, key: &[u8]) -> StoreResult<Option<T>> {
        self.get(table, key)?.map(|bytes| cbor(table, &bytes)).transpose()
    }

    /// A counter; 0 if it was never written.
    fn counter(&self, scope: Scope, counter: Counter) -> StoreResult<u64> {
        self.counter_at(&key!(scope, counter))
    }

    /// A counter by its key.
    fn counter_at(&self, key: &[u8]) -> StoreResult<u64> {
        let bytes = self.get(Table::Counters, key)?;
        bytes.map_or(Ok(0), |bytes| Ok(u64::from_be_bytes(exact(Table::Counters, &bytes)?)))
    }

    /// Whether there is a key.
    fn contains(&self, table: Table, key: &[u8]) -> StoreResult<bool> {
        Ok(self.get(table, key)?.is_some())
    }

    /// Collects what `map` makes of the entries of a span in ascending order, at most `limit`.
    fn collect<T>(
        &self,
        table: Table,
        span: &Span,
        limit: usize,
        mut map: impl FnMut(&[u8], &[u8]) -> StoreResult<T>,
    ) -> StoreResult<Vec<T>>
    where
        Self: Sized,
    {
        let mut all = Vec::new();
        if limit == 0 {
            return Ok(all);
        }
        self.scan(table, span, Order::Ascending, &mut |key, value| {
            all.push(map(key, value)?);
            Ok(if all.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })?;
        Ok(all)
    }

    /// All values of a span as CBOR.
    fn collect_cbor<T: DeserializeOwned>(&self, table: Table, span: &Span) -> StoreResult<Vec<T>>
    where
        Self: Sized,
    {
        self.collect(table, span, usize::MAX, |_, value| cbor(table, value))
    }

    /// The entry with the greatest key of a span.
    fn last(&self, table: Table, span: &Span) -> StoreResult<Option<(Vec<u8>, Vec<u8>)>> {
        let mut last = None;
        self.scan(table, span, Order::Descending, &mut |key, value| {
            last = Some((key.to_vec(), value.to_vec()));
            Ok(ControlFlow::Break(()))
        })?;
        Ok(last)
    }
}

/// Says that what a table holds is not what was written.
pub(crate) fn damaged(table: Table) -> StoreError {
    StoreError::Damaged { what: table.what().to_owned() }
}

/// Reads a CBOR value of a table.
pub(crate) fn cbor<T: DeserializeOwned>(table: Table, bytes: &[u8]) -> StoreResult<T> {
    codec::decode(table.what(), bytes).map_err(|_| damaged(table))
}

/// Reads a value of fixed size.
pub(crate) fn exact<const N: usize>(table: Table, bytes: &[u8]) -> StoreResult<[u8; N]> {
    bytes.try_into().map_err(|_| damaged(table))
}

/// Reads the last `N` bytes of a key: its last part.
pub(crate) fn key_end<const N: usize>(table: Table, key: &[u8]) -> StoreResult<[u8; N]> {
    key.last_chunk().copied().ok_or_else(|| damaged(table))
}

impl Scope {
    /// Reads a value of [`Table::Scopes`].
    pub(crate) fn decode(bytes: &[u8]) -> StoreResult<Self> {
        Ok(Self(u16::from_be_bytes(exact(Table::Scopes, bytes)?)))
    }
}
