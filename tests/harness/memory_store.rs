//! Storage in memory with the exact semantics of [`ServerStore`](assist_proto::store::ServerStore) and
//! [`DeviceStore`](assist_proto::store::DeviceStore).
//!
//! A clone costs a few dozen reference counts, because every table is copied only when it is next written: keep a
//! clone at the start of a turn and put it back to void the turn, or keep the clone of the last durable turn and
//! put it back to crash. Never draws randomness, reads a clock or does IO; order is that of keys.

mod device;
mod server;
mod table;

use assist_proto::store::StoreError;

use device::DeviceTables;
use server::ServerTables;

/// All that one daemon stores, in either role or both.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MemoryStore {
    server: ServerTables,
    device: DeviceTables,
}

/// A call that breaks the contract of the traits: the redb store would find the same.
fn damaged(what: impl Into<String>) -> StoreError {
    StoreError::Damaged { what: what.into() }
}

#[cfg(test)]
mod tests;
