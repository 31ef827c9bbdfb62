//! What the daemon answers on its local API: one handler for each method, a file for each noun.
//!
//! Reads look at a snapshot of the store and never wait for a writer. Writes are commands to the driver, which
//! answers once they are durable. Texts of callers become the model's types here and nowhere else.
//!
//! **Invariant:** nothing is decided about tickets here; what may be done is the hub's to say.

mod admissions;
mod attachment;
mod authorship;
mod canned;
mod comment;
mod connection;
mod daemon;
mod device;
mod document;
mod draft;
mod edits;
mod errors;
mod label;
mod link;
mod member;
mod note;
mod pending;
mod presence;
mod project;
mod query;
mod reference;
mod rows;
mod search;
mod server;
mod sync;
mod ticket;
mod user;
mod view;

use std::panic::resume_unwind;
use std::sync::Arc;

use assist_crdt_model::{ChangeHash, CommentId, DocId, EditError, ProjectId};
use assist_proto::api::Done;
use assist_proto::hub::{Command, CommandError, Reply};
use assist_proto::wire::ask::{Request, Response};

use crate::blobs::BlobsHandle;
use crate::daemon::DaemonInfo;
use crate::driver::DriverHandle;
use crate::mail::MailerHandle;
use crate::pictures::Thumbnails;
use crate::search::Search;
use crate::store::Reader;
use errors::{Answer, Failure};

/// Answers the methods of the local API.
#[derive(Clone)]
pub struct LocalBackend {
    driver: DriverHandle,
    info: Arc<DaemonInfo>,
    mailer: MailerHandle,
    blobs: BlobsHandle,
    thumbnails: Thumbnails,
    search: Search,
}

/// What a command wrote.
#[derive(Debug, Clone, Copy)]
struct Written {
    project: ProjectId,
    doc: DocId,
    /// `None` when everything was as asked already.
    change: Option<ChangeHash>,
    comment: Option<CommentId>,
}

impl LocalBackend {
    /// Makes the backend of a running driver.
    pub(crate) fn new(
        driver: DriverHandle,
        info: Arc<DaemonInfo>,
        mailer: MailerHandle,
        blobs: BlobsHandle,
        thumbnails: Thumbnails,
        search: Search,
    ) -> Self {
        Self { driver, info, mailer, blobs, thumbnails, search }
    }

    /// What makes thumbnails.
    pub(crate) fn thumbnails(&self) -> &Thumbnails {
        &self.thumbnails
    }

    /// A snapshot, for reads that are done in microseconds.
    fn reader(&self) -> Answer<Reader> {
        Ok(self.driver.store().read()?)
    }

    /// Runs a read that may take longer, beside those who only pass by.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Reader) -> Answer<T> + Send + 'static,
    ) -> Answer<T> {
        let store = self.driver.store().clone();
        let reading = tokio::task::spawn_blocking(move || read(&store.read()?));
        let answer = reading.await.unwrap_or_else(|error| match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_) => Err(Failure::stopping()),
        });
        if let Err(failure) = &answer
            && let Some((project, doc)) = failure.damaged()
        {
            self.driver.found_damaged(project, doc).await;
        }
        answer
    }

    async fn command(&self, command: Command) -> Answer<Reply> {
        Ok(self.driver.command(command).await??)
    }

    /// Asks a project's server; fails at once where there is no session with it.
    async fn ask(&self, project: ProjectId, request: Request) -> Answer<Response> {
        match self.command(Command::Ask { project, request }).await? {
            Reply::Given(response) => Ok(response),
            _ => Err(Failure::unforeseen("an ask was answered with no answer")),
        }
    }

    /// Asks for something to be done.
    async fn ask_done(&self, project: ProjectId, request: Request) -> Answer<Done> {
        match self.ask(project, request).await? {
            Response::Done => Ok(Done {}),
            _ => Err(Failure::unforeseen("a wish was answered with something else")),
        }
    }

    /// Has something written to a document that is there.
    async fn write(&self, project: ProjectId, doc: DocId, command: Command) -> Answer<Written> {
        Written::of_outcome(project, doc, self.driver.command(command).await?)
    }
}

impl Written {
    /// What became of a write to a document that is there.
    fn of_outcome(project: ProjectId, doc: DocId, outcome: Result<Reply, CommandError>) -> Answer<Self> {
        match outcome {
            Ok(reply) => Self::of(reply),
            Err(CommandError::Edit(EditError::NothingToDo)) => {
                Ok(Self { project, doc, change: None, comment: None })
            }
            Err(error) => Err(error.into()),
        }
    }

    fn of(reply: Reply) -> Answer<Self> {
        match reply {
            Reply::Written { project, doc, change, comment } => {
                Ok(Self { project, doc, change: Some(change), comment })
            }
            _ => Err(Failure::unforeseen("a write was answered with no change")),
        }
    }

    fn change(&self) -> Option<String> {
        self.change.map(|change| change.to_string())
    }
}

#[cfg(test)]
mod tests;
