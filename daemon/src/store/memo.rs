//! What turns read again and again, decoded: each change is judged by the device and the user that signed it.
//!
//! Only turns use it, one at a time. What a turn writes is forgotten at once, and read from the turn itself until that
//! is committed: whatever becomes of the turn, nothing is found that the store has not.

use std::cell::RefCell;
use std::num::NonZeroUsize;

use assist_proto::store::{Device, User};
use lru::LruCache;

use super::tables::Table;

/// The roster's rows that were read last.
pub(crate) struct Memo {
    pub(crate) users: Rows<User>,
    pub(crate) devices: Rows<Device>,
}

/// Rows of one table by their keys.
pub(crate) struct Rows<T>(RefCell<LruCache<Vec<u8>, T>>);

impl Memo {
    pub(crate) fn new() -> Self {
        Self { users: Rows::new(), devices: Rows::new() }
    }

    /// A row is about to be another one.
    pub(crate) fn forget(&self, table: Table, key: &[u8]) {
        match table {
            Table::Users => drop(self.users.0.borrow_mut().pop(key)),
            Table::Devices => drop(self.devices.0.borrow_mut().pop(key)),
            _ => {}
        }
    }

    /// Many rows are.
    pub(crate) fn forget_all(&self) {
        self.users.0.borrow_mut().clear();
        self.devices.0.borrow_mut().clear();
    }
}

impl<T: Clone> Rows<T> {
    fn new() -> Self {
        Self(RefCell::new(LruCache::new(ROWS_MAX)))
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<T> {
        self.0.borrow_mut().get(key).cloned()
    }

    pub(crate) fn put(&self, key: Vec<u8>, row: T) {
        self.0.borrow_mut().put(key, row);
    }
}

/// As many people as write within some seconds; at most 1 KB each, name and certificate included.
const ROWS_MAX: NonZeroUsize = NonZeroUsize::new(1_024).expect("not 0");
