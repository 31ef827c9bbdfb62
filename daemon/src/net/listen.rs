//! The way in for strangers: who connects has to prove a key and send a first frame, in bounded time and memory.

use std::sync::Arc;

use assist_proto::limits::FRAME_BYTES_MAX;
use bytes::Bytes;
use quinn::{Connection, ConnectionError, Incoming, RecvStream, SendStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::LinkSide;
use super::close::{CloseCode, explain};
use super::endpoint::{Attempt, Shared, peer_of};
use super::frame::{FrameError, FrameReader, GREETING_BYTES_MAX};
use super::link::NewLink;
use super::transport::NetLimits;

/// Decides which connections are taken up.
#[derive(Debug)]
pub(super) struct Door {
    greetings: Arc<Semaphore>,
    greetings_max: usize,
    links_max: usize,
}

impl Door {
    pub(super) fn new(limits: &NetLimits) -> Self {
        Self {
            greetings: Arc::new(Semaphore::new(limits.greetings_max)),
            greetings_max: limits.greetings_max,
            links_max: limits.links_max,
        }
    }

    /// Takes a connection up, or turns it away. The permit is given back when the greeting is over.
    pub(super) fn admit(&self, incoming: Incoming, links: usize) -> Option<(Incoming, OwnedSemaphorePermit)> {
        let free = self.greetings.available_permits();
        if links >= self.links_max || free == 0 {
            incoming.refuse();
            return None;
        }
        // When it gets crowded, those with forged addresses are sorted out before they cost a signature.
        if free < self.greetings_max / 2 && !incoming.remote_address_validated() && incoming.may_retry() {
            if let Err(error) = incoming.retry() {
                tracing::debug!(%error, "a connection could not be asked to come again");
            }
            return None;
        }
        let permit = Arc::clone(&self.greetings).try_acquire_owned().ok()?;
        Some((incoming, permit))
    }
}

/// Waits for the proof and the first frame; holds the permit until then.
pub(super) async fn greet<T>(
    shared: Arc<Shared<T>>,
    incoming: Incoming,
    permit: OwnedSemaphorePermit,
) -> Attempt {
    let address = incoming.remote_address();
    let greeted = new_link(incoming, &shared.limits).await;
    drop(permit);
    let link = greeted
        .inspect_err(
            |error| tracing::debug!(%address, error = explain(error), "no link came of a connection"),
        )
        .ok();
    Attempt { dial: None, link }
}

async fn new_link(incoming: Incoming, limits: &NetLimits) -> Result<NewLink, GreetError> {
    let deadline = Instant::now() + limits.greeting_timeout;
    let address = incoming.remote_address();
    let connection = match timeout_at(deadline, incoming.accept()?).await {
        Ok(connected) => connected?,
        Err(_elapsed) => return Err(GreetError::TimedOut),
    };
    let greeted = match timeout_at(deadline, first_frame(&connection)).await {
        Ok(greeted) => {
            greeted.and_then(|greeted| Ok((peer_of(&connection).ok_or(GreetError::NoKey)?, greeted)))
        }
        Err(_elapsed) => Err(GreetError::TimedOut),
    };
    match greeted {
        Ok((peer, (send, frames, greeting))) => {
            let greeting = Some(greeting);
            Ok(NewLink { connection, peer, address, side: LinkSide::Inbound, send, frames, greeting })
        }
        Err(error) => {
            connection.close(error.code().into(), error.to_string().as_bytes());
            Err(error)
        }
    }
}

async fn first_frame(connection: &Connection) -> Result<(SendStream, FrameReader, Bytes), GreetError> {
    let (send, receive): (SendStream, RecvStream) = connection.accept_bi().await?;
    let mut frames = FrameReader::new(receive, GREETING_BYTES_MAX);
    let greeting = frames.next().await?.ok_or(GreetError::NothingSaid)?;
    frames.set_frame_bytes_max(FRAME_BYTES_MAX);
    Ok((send, frames, greeting))
}

/// Why a connection did not become a link.
#[derive(Debug, thiserror::Error)]
enum GreetError {
    #[error("no first frame in time")]
    TimedOut,
    #[error("the stream ended before the first frame")]
    NothingSaid,
    #[error("no key was proven")]
    NoKey,
    #[error("the first frame is not one")]
    Frame(#[from] FrameError),
    #[error("the connection was lost")]
    Connection(#[from] ConnectionError),
}

impl GreetError {
    fn code(&self) -> CloseCode {
        match self {
            Self::TimedOut | Self::NothingSaid => CloseCode::NO_GREETING,
            Self::NoKey | Self::Frame(_) | Self::Connection(_) => CloseCode::BAD_FRAME,
        }
    }
}
