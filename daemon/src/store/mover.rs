//! Moves what is durable in the journal to the engine's file, beside the turns: they wait for it only when they fill
//! the journal's other half before it is done.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use super::engine_file::EngineFile;
use super::overlay::Overlay;
use super::pending::Pending;

/// At most one move at a time.
#[derive(Default)]
pub(crate) struct Mover {
    under_way: Option<JoinHandle<()>>,
}

impl Mover {
    /// Begins a move of what has set out in `pending`: all changes up to that frame of the journal. If it fails, they
    /// stay there; whoever needs them in the file tries again and learns why.
    pub(crate) fn start(
        &mut self,
        file: Arc<EngineFile>,
        pending: Arc<Mutex<Pending>>,
        (moving, applied): (Arc<Overlay>, u64),
    ) {
        debug_assert!(self.under_way.is_none(), "one at a time");
        let run = move || match file.put(&moving, applied) {
            Ok(()) => pending.lock().unwrap_or_else(PoisonError::into_inner).arrive(),
            Err(error) => {
                tracing::warn!(%error, "the journal was not moved to the store; the next turns try again")
            }
        };
        match thread::Builder::new().name("store-mover".to_owned()).spawn(run) {
            Ok(handle) => self.under_way = Some(handle),
            Err(error) => tracing::warn!(%error, "no thread to move the journal to the store"),
        }
    }

    /// Waits for the move under way, however it ends.
    pub(crate) fn wait(&mut self) {
        if let Some(handle) = self.under_way.take()
            && handle.join().is_err()
        {
            tracing::error!("moving the journal to the store panicked");
        }
    }
}
