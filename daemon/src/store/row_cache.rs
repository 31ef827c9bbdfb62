//! The rows of all projects in memory, unsealed, for lists that look at each: as the engine's file has them.
//!
//! It is made by the first list that needs it and follows the file from checkpoint to checkpoint. Each state of the
//! file's rows has a number, written in the transaction that made it: a reader uses what has the number that its own
//! snapshot shows, and nothing else. What is pending in the journal lies over it, as over the file.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use assist_proto::store::StoreResult;

use super::overlay::Changes;
use super::tables::Span;
use super::view::{Order, Visit};

/// The newest state that is known, for all readers.
#[derive(Default)]
pub(crate) struct RowCache {
    newest: Mutex<Newest>,
}

#[derive(Default)]
struct Newest {
    /// The number of the state that the file has.
    number: u64,
    /// Its rows, once somebody needed them.
    rows: Option<Arc<Rows>>,
}

/// The rows of one state.
#[derive(Clone, Default)]
pub(crate) struct Rows {
    base: Arc<Packed>,
    /// What became of them since they were read.
    later: Changes,
}

/// Entries in the order of their keys, one behind the other.
#[derive(Default)]
struct Packed {
    /// Where each ends: its key, its value.
    ends: Vec<(usize, usize)>,
    bytes: Vec<u8>,
}

impl RowCache {
    /// Of a file whose rows have this number.
    pub(crate) fn new(number: u64) -> Self {
        Self { newest: Mutex::new(Newest { number, rows: None }) }
    }

    /// The number of the next state.
    pub(crate) fn next_number(&self) -> u64 {
        self.newest().number + 1
    }

    /// Takes over what a transaction made of the rows, once it is in the file.
    pub(crate) fn follow(&self, number: u64, changes: &Changes) {
        let mut newest = self.newest();
        newest.number = number;
        if let Some(rows) = &mut newest.rows {
            Arc::make_mut(rows).later.absorb(changes.clone());
        }
    }

    /// Forgets the rows: it is not known whether the file has those of this number.
    pub(crate) fn forget(&self, number: u64) {
        *self.newest() = Newest { number, rows: None };
    }

    /// The rows of a state, read by `load` if nobody has them.
    pub(crate) fn rows(
        &self,
        number: u64,
        load: impl FnOnce(&mut Visit<'_>) -> StoreResult<()>,
    ) -> StoreResult<Arc<Rows>> {
        let known = {
            let newest = self.newest();
            newest.rows.clone().filter(|_| newest.number == number)
        };
        let rows = match known {
            Some(rows) if rows.later.entries.len() <= LATER_MAX && rows.later.cleared.is_empty() => {
                return Ok(rows);
            }
            Some(rows) => {
                Rows::packed(|visit| rows.scan(&Span::prefix(Vec::new()), Order::Ascending, visit))?
            }
            None => Rows::packed(load)?,
        };
        let rows = Arc::new(rows);
        let mut newest = self.newest();
        if newest.number == number {
            newest.rows = Some(Arc::clone(&rows));
        }
        Ok(rows)
    }

    fn newest(&self) -> MutexGuard<'_, Newest> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rows {
    fn packed(load: impl FnOnce(&mut Visit<'_>) -> StoreResult<()>) -> StoreResult<Self> {
        let mut packed = Packed::default();
        load(&mut |key, value| {
            packed.bytes.extend_from_slice(key);
            let key_end = packed.bytes.len();
            packed.bytes.extend_from_slice(value);
            packed.ends.push((key_end, packed.bytes.len()));
            Ok(ControlFlow::Continue(()))
        })?;
        packed.bytes.shrink_to_fit();
        packed.ends.shrink_to_fit();
        Ok(Self { base: Arc::new(packed), later: Changes::default() })
    }

    /// Goes over the entries of a span.
    pub(crate) fn scan(&self, span: &Span, order: Order, visit: &mut Visit<'_>) -> StoreResult<()> {
        self.later.scan(span, order, visit, |visit| self.base.scan(span, order, visit))
    }
}

impl Packed {
    fn entry(&self, index: usize) -> (&[u8], &[u8]) {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before].1);
        let (key_end, end) = self.ends[index];
        (&self.bytes[start..key_end], &self.bytes[key_end..end])
    }

    /// The place of the first entry whose key is not before this one.
    fn place(&self, key: &[u8]) -> usize {
        let (mut low, mut high) = (0, self.ends.len());
        while low < high {
            let middle = low.midpoint(high);
            if self.entry(middle).0 < key { low = middle + 1 } else { high = middle }
        }
        low
    }

    fn scan(&self, span: &Span, order: Order, visit: &mut Visit<'_>) -> StoreResult<()> {
        let from = self.place(&span.start);
        let to = span.end.as_ref().map_or(self.ends.len(), |end| self.place(end)).max(from);
        let mut see = |index| {
            let (key, value) = self.entry(index);
            visit(key, value)
        };
        match order {
            Order::Ascending => {
                for index in from..to {
                    if see(index)?.is_break() {
                        return Ok(());
                    }
                }
            }
            Order::Descending => {
                for index in (from..to).rev() {
                    if see(index)?.is_break() {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }
}

/// So many changes are merged into each list; more are packed with the rest by the next one.
const LATER_MAX: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    fn all(rows: &Rows, span: &Span, order: Order) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut found = Vec::new();
        rows.scan(span, order, &mut |key, value| {
            found.push((key.to_vec(), value.to_vec()));
            Ok(ControlFlow::Continue(()))
        })
        .unwrap();
        found
    }

    fn entry(key: u8, value: u8) -> (Vec<u8>, Vec<u8>) {
        (vec![key / 10, key], vec![value; usize::from(value)])
    }

    fn load(entries: &[(Vec<u8>, Vec<u8>)]) -> impl FnOnce(&mut Visit<'_>) -> StoreResult<()> {
        move |visit| entries.iter().try_for_each(|(key, value)| visit(key, value).map(|_| ()))
    }

    fn changes(entries: &[(u8, Option<u8>)]) -> Changes {
        let entries =
            entries.iter().map(|(key, value)| (entry(*key, 0).0, value.map(|it| entry(*key, it).1)));
        Changes { cleared: Vec::new(), entries: entries.collect() }
    }

    #[test]
    fn rows_follow_the_file_and_a_reader_of_an_earlier_state_reads_for_itself() {
        let cache = RowCache::new(7);
        let before = [entry(1, 1), entry(11, 2), entry(12, 3), entry(21, 4)];
        let rows = cache.rows(7, load(&before)).unwrap();
        assert_eq!(all(&rows, &Span::prefix(Vec::new()), Order::Ascending), before);
        assert_eq!(all(&rows, &Span::prefix(vec![1]), Order::Descending), [entry(12, 3), entry(11, 2)]);
        assert_eq!(cache.next_number(), 8);
        cache.follow(8, &changes(&[(1, None), (12, Some(9)), (13, Some(5))]));
        let unread = |_: &mut Visit<'_>| -> StoreResult<()> { panic!("they are here") };
        let after = [entry(11, 2), entry(12, 9), entry(13, 5), entry(21, 4)];
        let rows = cache.rows(8, unread).unwrap();
        assert_eq!(all(&rows, &Span::prefix(Vec::new()), Order::Ascending), after);
        // Whoever still reads the state before is neither given this one nor gives the own one to others.
        let old = cache.rows(7, load(&before)).unwrap();
        assert_eq!(all(&old, &Span::prefix(Vec::new()), Order::Ascending), before);
        assert_eq!(all(&cache.rows(8, unread).unwrap(), &Span::prefix(Vec::new()), Order::Ascending), after);
    }

    #[test]
    fn many_changes_and_cleared_projects_are_packed() {
        let cache = RowCache::new(0);
        cache.rows(0, load(&[entry(1, 1), entry(11, 2), entry(21, 3)])).unwrap();
        let cleared = Changes { cleared: vec![Span::prefix(vec![1])], ..changes(&[(12, Some(4))]) };
        cache.follow(1, &cleared);
        let rows = cache.rows(1, |_| panic!("they are here")).unwrap();
        assert!(rows.later.entries.is_empty() && rows.later.cleared.is_empty());
        let expected = [entry(1, 1), entry(12, 4), entry(21, 3)];
        assert_eq!(all(&rows, &Span::prefix(Vec::new()), Order::Ascending), expected);
        cache.forget(2);
        assert_eq!(cache.next_number(), 3);
        let read = cache.rows(1, load(&[entry(5, 5)])).unwrap();
        assert_eq!(all(&read, &Span::prefix(Vec::new()), Order::Ascending), [entry(5, 5)]);
    }
}
