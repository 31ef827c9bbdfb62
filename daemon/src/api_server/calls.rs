//! Calls that change something run to their end, whatever their client does meanwhile.

use std::mem;
use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// The calls that are running. Owns their tasks: dropping it ends them.
#[derive(Default)]
pub(crate) struct RunningCalls {
    tasks: Mutex<JoinSet<()>>,
}

/// The call ended without an answer: it panicked, or the daemon is going down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CallDied;

impl RunningCalls {
    /// Runs a call and waits for its answer. Dropping the wait does not drop the call.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        call: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, CallDied> {
        let (answer_tx, answer_rx) = oneshot::channel();
        self.with_tasks(|tasks| {
            while tasks.try_join_next().is_some() {}
            tasks.spawn(async move {
                // Whoever asked may have gone: then nobody wants the answer.
                answer_tx.send(call.await).ok();
            });
        });
        answer_rx.await.map_err(|_| CallDied)
    }

    /// Waits for all calls that are running now.
    pub(crate) async fn drain(&self) {
        let mut tasks = self.with_tasks(mem::take);
        while tasks.join_next().await.is_some() {}
    }

    fn with_tasks<T>(&self, act: impl FnOnce(&mut JoinSet<()>) -> T) -> T {
        act(&mut self.tasks.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
