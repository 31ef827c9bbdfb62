//! What the engine does on a bad day, put into the store's words: its errors, and its panics.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use assist_proto::store::{StoreError, StoreResult};
use redb::Database;

/// An open file. Closing one that is damaged or whose disk is full goes wrong quietly: nothing that was
/// acknowledged hangs on it, the next opening repairs.
pub(crate) struct Engine {
    /// Taken by the drop only.
    database: Option<Database>,
}

impl From<Database> for Engine {
    fn from(database: Database) -> Self {
        Self { database: Some(database) }
    }
}

impl std::ops::Deref for Engine {
    type Target = Database;

    fn deref(&self) -> &Database {
        self.database.as_ref().expect("only the drop takes it")
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let Some(database) = self.database.take() else { return };
        if let Err(error) = guarded("file", || database.close()) {
            tracing::warn!(%error, "the store was not closed cleanly");
        }
    }
}

/// Runs a piece of the engine. A panic in it is what it makes of a damaged page.
pub(crate) fn guarded<T, E: Into<redb::Error>>(
    what: &'static str,
    run: impl FnOnce() -> Result<T, E>,
) -> StoreResult<T> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(classify(what, error.into())),
        Err(_) => Err(StoreError::Damaged { what: what.to_owned() }),
    }
}

/// Tells a full disk from a damaged file from any other trouble.
fn classify(what: &'static str, error: redb::Error) -> StoreError {
    match error {
        redb::Error::Io(error) if is_full(&error) => StoreError::Full(error.into()),
        // A damaged page number leads behind the end of the file.
        redb::Error::Io(error) if is_misread(&error) => StoreError::Damaged { what: what.to_owned() },
        redb::Error::Corrupted(_)
        | redb::Error::TableDoesNotExist(_)
        | redb::Error::TableTypeMismatch { .. }
        | redb::Error::TableIsMultimap(_)
        | redb::Error::TypeDefinitionChanged { .. } => StoreError::Damaged { what: what.to_owned() },
        other => StoreError::Io(other.into()),
    }
}

/// Whether the cause is that there is no room.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}

fn is_misread(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData
    )
}
