//! Changes over a snapshot, plain values in memory: of a turn that is not committed, and of turns that are durable
//! in the journal but not in the engine's file yet.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};

use assist_proto::store::StoreResult;

use super::tables::{Span, Table};
use super::view::{Order, Visit};

/// Changes of all tables.
#[derive(Debug, Clone, Default)]
pub(crate) struct Overlay {
    tables: BTreeMap<Table, Changes>,
}

/// Changes of one table.
#[derive(Debug, Clone, Default)]
pub(crate) struct Changes {
    /// Spans of which nothing below is left.
    pub(crate) cleared: Vec<Span>,
    /// New values; `None` for a key that is gone.
    pub(crate) entries: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

/// What an overlay knows of a key.
pub(crate) enum Known<'a> {
    /// It was written, or taken away.
    Written(Option<&'a Vec<u8>>),
    /// It was not touched.
    Untouched,
}

impl Overlay {
    pub(crate) fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    pub(crate) fn put(&mut self, table: Table, key: Vec<u8>, value: Vec<u8>) {
        self.tables.entry(table).or_default().entries.insert(key, Some(value));
    }

    pub(crate) fn remove(&mut self, table: Table, key: Vec<u8>) {
        self.tables.entry(table).or_default().entries.insert(key, None);
    }

    /// Takes everything of a span away.
    pub(crate) fn clear(&mut self, table: Table, span: Span) {
        self.tables.entry(table).or_default().clear(span);
    }

    pub(crate) fn get(&self, table: Table, key: &[u8]) -> Known<'_> {
        let Some(changes) = self.tables.get(&table) else { return Known::Untouched };
        match changes.entries.get(key) {
            Some(value) => Known::Written(value.as_ref()),
            None if changes.is_cleared(key) => Known::Written(None),
            None => Known::Untouched,
        }
    }

    /// Takes over the changes of a later turn.
    pub(crate) fn absorb(&mut self, later: Self) {
        for (table, changes) in later.tables {
            self.tables.entry(table).or_default().absorb(changes);
        }
    }

    /// What became of a table, if anything did.
    pub(crate) fn of(&self, table: Table) -> Option<&Changes> {
        self.tables.get(&table)
    }

    /// The changes, table by table.
    pub(crate) fn tables(&self) -> impl Iterator<Item = (Table, &Changes)> {
        self.tables.iter().map(|(table, changes)| (*table, changes))
    }

    /// Scans what lies below as it will be with the changes.
    pub(crate) fn scan(
        &self,
        table: Table,
        span: &Span,
        order: Order,
        visit: &mut Visit<'_>,
        below: impl FnOnce(&mut Visit<'_>) -> StoreResult<()>,
    ) -> StoreResult<()> {
        match self.tables.get(&table) {
            None => below(visit),
            Some(changes) => changes.scan(span, order, visit, below),
        }
    }
}

impl Changes {
    fn clear(&mut self, span: Span) {
        self.entries.retain(|key, _| !span.contains(key));
        self.cleared.push(span);
    }

    /// Takes over later ones.
    pub(crate) fn absorb(&mut self, later: Self) {
        for span in later.cleared {
            self.clear(span);
        }
        self.entries.extend(later.entries);
    }

    fn is_cleared(&self, key: &[u8]) -> bool {
        self.cleared.iter().any(|span| span.contains(key))
    }

    /// Merges two ordered sequences. Where both have a key, the change counts.
    pub(crate) fn scan(
        &self,
        span: &Span,
        order: Order,
        visit: &mut Visit<'_>,
        below: impl FnOnce(&mut Visit<'_>) -> StoreResult<()>,
    ) -> StoreResult<()> {
        if span.end.as_ref().is_some_and(|end| *end <= span.start) {
            return Ok(());
        }
        let end = span.end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let mut range = self.entries.range::<[u8], _>((Bound::Included(span.start.as_slice()), end));
        let mut next = || match order {
            Order::Ascending => range.next(),
            Order::Descending => range.next_back(),
        };
        let mut pending = next();
        let mut flow = ControlFlow::Continue(());
        below(&mut |key, value| {
            while let Some((changed, new)) = pending
                && order.is_before(changed, key)
                && flow.is_continue()
            {
                pending = next();
                if let Some(new) = new {
                    flow = visit(changed, new)?;
                }
            }
            if flow.is_break() {
                return Ok(flow);
            }
            if let Some((changed, new)) = pending
                && changed.as_slice() == key
            {
                pending = next();
                if let Some(new) = new {
                    flow = visit(changed, new)?;
                }
            } else if !self.is_cleared(key) {
                flow = visit(key, value)?;
            }
            Ok(flow)
        })?;
        while let Some((changed, new)) = pending
            && flow.is_continue()
        {
            pending = next();
            if let Some(new) = new {
                flow = visit(changed, new)?;
            }
        }
        Ok(())
    }
}
