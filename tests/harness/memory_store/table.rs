//! A sorted table that is cheap to clone.

use std::collections::BTreeMap;
use std::ops::{Deref, RangeBounds};
use std::sync::Arc;

/// Shares its rows with its clones until one of them is written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Table<K, V>(Arc<BTreeMap<K, Arc<V>>>);

impl<K: Ord + Clone, V: Clone> Table<K, V> {
    pub(super) fn row(&self, key: &K) -> Option<V> {
        self.0.get(key).map(|row| V::clone(row))
    }

    pub(super) fn put(&mut self, key: K, row: V) {
        Arc::make_mut(&mut self.0).insert(key, Arc::new(row));
    }

    /// Changes a row in place, or a default one that was not there.
    pub(super) fn change<R>(&mut self, key: K, change: impl FnOnce(&mut V) -> R) -> R
    where
        V: Default,
    {
        change(Arc::make_mut(Arc::make_mut(&mut self.0).entry(key).or_default()))
    }

    /// Drops a row; tells whether it was there. A row that is not there costs no copy of the table.
    pub(super) fn drop_row(&mut self, key: &K) -> bool {
        self.0.contains_key(key) && Arc::make_mut(&mut self.0).remove(key).is_some()
    }

    /// Keeps the rows that are wanted. If all are, it costs no copy of the table.
    pub(super) fn retain(&mut self, is_wanted: impl Fn(&K, &V) -> bool) {
        if !self.0.iter().all(|(key, row)| is_wanted(key, row)) {
            Arc::make_mut(&mut self.0).retain(|key, row| is_wanted(key, row));
        }
    }

    /// Clones of some rows with their keys.
    pub(super) fn rows(&self, keys: impl RangeBounds<K>) -> impl DoubleEndedIterator<Item = (K, V)> {
        self.0.range(keys).map(|(key, row)| (key.clone(), V::clone(row)))
    }

    /// Clones of all rows.
    pub(super) fn all(&self) -> Vec<V> {
        self.0.values().map(|row| V::clone(row)).collect()
    }
}

/// Reading goes to the map itself.
impl<K, V> Deref for Table<K, V> {
    type Target = BTreeMap<K, Arc<V>>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<K, V> Clone for Table<K, V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self(Arc::default())
    }
}
