//! The way in for strangers: who connects has to prove a key and send a first frame, in bounded time and memory.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use assist_proto::limits::FRAME_BYTES_MAX;
use bytes::Bytes;
use quinn::{Connection, ConnectionError, Incoming, RecvStream, SendStream};
use tokio::time::{Instant, timeout_at};

use super::LinkSide;
use super::close::{CloseCode, explain};
use super::endpoint::{Attempt, Shared, peer_of};
use super::frame::{FrameError, FrameReader, GREETING_BYTES_MAX};
use super::link::NewLink;
use super::transport::NetLimits;

/// Decides which connections are taken up, and counts those that have not greeted.
#[derive(Debug)]
pub(super) struct Door {
    greetings: Arc<Mutex<Greetings>>,
    greetings_max: usize,
    links_max: usize,
}

impl Door {
    pub(super) fn new(limits: &NetLimits) -> Self {
        let NetLimits { greetings_max, links_max, .. } = *limits;
        Self { greetings: Arc::default(), greetings_max, links_max }
    }

    /// Takes a connection up, or turns it away. `links` is how many there are.
    pub(super) fn admit(&self, incoming: Incoming, links: usize) -> Option<(Incoming, Permit)> {
        let source = source_of(incoming.remote_address().ip());
        let (all, of_source) = lock(&self.greetings).count(source);
        let is_crowded = all >= self.greetings_max / 2;
        // When it gets crowded, nobody may take more than a share of what is left.
        let is_greedy = is_crowded && of_source >= (self.greetings_max / 8).max(1);
        if links >= self.links_max || all >= self.greetings_max || is_greedy {
            incoming.refuse();
            return None;
        }
        // And those with forged addresses are sorted out before they cost a signature.
        if is_crowded && incoming.may_retry() && !incoming.remote_address_validated() {
            if let Err(error) = incoming.retry() {
                tracing::debug!(%error, "a connection could not be asked to come again");
            }
            return None;
        }
        Some((incoming, Permit::take(&self.greetings, source)))
    }
}

/// A place among those that greet; given back when dropped.
#[derive(Debug)]
pub(super) struct Permit {
    greetings: Arc<Mutex<Greetings>>,
    source: IpAddr,
}

impl Permit {
    fn take(greetings: &Arc<Mutex<Greetings>>, source: IpAddr) -> Self {
        lock(greetings).add(source);
        Self { greetings: Arc::clone(greetings), source }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        lock(&self.greetings).remove(self.source);
    }
}

#[derive(Debug, Default)]
struct Greetings {
    all: usize,
    by_source: HashMap<IpAddr, usize>,
}

impl Greetings {
    fn count(&self, source: IpAddr) -> (usize, usize) {
        (self.all, self.by_source.get(&source).copied().unwrap_or(0))
    }

    fn add(&mut self, source: IpAddr) {
        self.all += 1;
        *self.by_source.entry(source).or_default() += 1;
    }

    fn remove(&mut self, source: IpAddr) {
        self.all -= 1;
        if let Entry::Occupied(mut count) = self.by_source.entry(source) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

fn lock(greetings: &Mutex<Greetings>) -> MutexGuard<'_, Greetings> {
    // Counting cannot panic half way.
    greetings.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns what counts as one source: an IPv4 address, or the /64 that any IPv6 machine and overlay node has.
fn source_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address => address,
    }
}

/// Waits for the proof and the first frame; holds the permit until then.
pub(super) async fn greet<T>(shared: Arc<Shared<T>>, incoming: Incoming, permit: Permit) -> Attempt {
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

#[cfg(test)]
mod tests;
