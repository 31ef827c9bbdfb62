//! A copy of a store, as a file of its own: values stay sealed, nothing is read into memory but what is on its way.

use std::path::Path;

use assist_proto::store::StoreResult;
use redb::{Database, Durability, ReadTransaction, WriteTransaction};

use super::engine::{Engine, guarded};
use super::open;
use super::tables::{FORMAT, FORMAT_KEY, Table};

/// A new store that is being filled.
pub(super) struct Copy {
    engine: Engine,
}

impl Copy {
    /// Makes the file, which must not be there.
    pub(super) fn create(path: &Path) -> StoreResult<Self> {
        Ok(Self { engine: open::create_engine(path)? })
    }

    /// Writes the format version as the original has it.
    pub(super) fn put_format(&self, original: &ReadTransaction) -> StoreResult<()> {
        guarded("copy", || {
            let version = original.open_table(FORMAT)?.get(FORMAT_KEY)?.map(|value| value.value().to_vec());
            let transaction = self.engine.begin_write()?;
            if let Some(version) = version {
                transaction.open_table(FORMAT)?.insert(FORMAT_KEY, version.as_slice())?;
            }
            Ok::<_, redb::Error>(transaction.commit()?)
        })
    }

    /// Writes entries into a table, as sealed as they come.
    pub(super) fn put(&self, table: Table, entries: &[(Vec<u8>, Vec<u8>)]) -> StoreResult<()> {
        guarded("copy", || {
            let mut transaction = begin(&self.engine)?;
            // All of it is synced at the end; half a copy is never used.
            transaction.set_durability(Durability::None)?;
            {
                let mut open = transaction.open_table(table.definition())?;
                for (key, sealed) in entries {
                    open.insert(key.as_slice(), sealed.as_slice())?;
                }
            }
            Ok::<_, redb::Error>(transaction.commit()?)
        })
    }

    /// Makes all of it durable.
    pub(super) fn finish(self) -> StoreResult<()> {
        guarded("copy", || {
            let mut transaction = begin(&self.engine)?;
            transaction.set_durability(Durability::Immediate)?;
            Ok::<_, redb::Error>(transaction.commit()?)
        })
    }
}

fn begin(database: &Database) -> Result<WriteTransaction, redb::Error> {
    Ok(database.begin_write()?)
}

/// Bytes that are gathered before they are written: a transaction costs some pages.
pub(super) const BATCH_BYTES: usize = 8 * 1024 * 1024;
