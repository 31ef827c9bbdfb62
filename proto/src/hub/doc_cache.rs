//! Documents in memory, the least recently used given up first.

use std::hash::Hash;

use assist_crdt_model::Doc;
use lru::LruCache;

/// Grows within a turn, because a turn may touch many documents, and is trimmed at its end.
pub(super) struct DocCache<K: Hash + Eq> {
    docs: LruCache<K, Doc>,
    docs_max: usize,
}

impl<K: Hash + Eq> DocCache<K> {
    pub(super) fn new(docs_max: usize) -> Self {
        Self { docs: LruCache::unbounded(), docs_max }
    }

    pub(super) fn get(&mut self, key: &K) -> Option<&mut Doc> {
        self.docs.get_mut(key)
    }

    pub(super) fn contains(&self, key: &K) -> bool {
        self.docs.contains(key)
    }

    pub(super) fn put(&mut self, key: K, doc: Doc) {
        self.docs.put(key, doc);
    }

    pub(super) fn remove(&mut self, key: &K) {
        self.docs.pop(key);
    }

    pub(super) fn clear(&mut self) {
        self.docs.clear();
    }

    pub(super) fn trim(&mut self) {
        while self.docs.len() > self.docs_max {
            self.docs.pop_lru();
        }
    }
}
