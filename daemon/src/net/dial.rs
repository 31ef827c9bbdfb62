//! Dialling: the addresses of one peer are raced, each with a head start over the next.

use std::net::SocketAddr;
use std::sync::Arc;

use assist_proto::hub::DialId;
use assist_proto::limits::{ADDRESS_HOSTS_MAX, FRAME_BYTES_MAX};
use quinn::Endpoint;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::close::{DialError, DialFailure};
use super::endpoint::{Attempt, Shared, peer_of};
use super::frame::FrameReader;
use super::link::NewLink;
use super::{LinkSide, NetEvent, Ways};

/// Dials, and tells the driver if nothing comes of it.
pub(super) async fn dial<T>(
    shared: Arc<Shared<T>>,
    endpoint: Endpoint,
    dial: DialId,
    addresses: Vec<SocketAddr>,
) -> Attempt {
    let link = match race(endpoint, dial, addresses, &shared).await {
        Ok(new_link) => Some(new_link),
        Err(error) => {
            tracing::debug!(?dial, %error, "nobody was reached");
            shared.tell(NetEvent::DialFailed { dial, error }).await;
            None
        }
    };
    Attempt { dial: Some(dial), link }
}

/// Returns the first link that comes about; the attempts that lost are dropped with their connections.
async fn race<T>(
    endpoint: Endpoint,
    dial: DialId,
    addresses: Vec<SocketAddr>,
    shared: &Shared<T>,
) -> Result<NewLink, DialError> {
    let limits = &shared.limits;
    let mut attempts = JoinSet::new();
    let (addresses, mut failures) = split_off_hopeless(addresses, &shared.ways);
    let mut addresses = addresses.into_iter().peekable();
    loop {
        if let Some(address) = addresses.next() {
            let attempt = connect(endpoint.clone(), dial, address);
            let connect_timeout = limits.connect_timeout;
            attempts.spawn(async move {
                timeout(connect_timeout, attempt).await.unwrap_or(Err(DialFailure::TimedOut { address }))
            });
        }
        tokio::select! {
            Some(attempt) = attempts.join_next() => match attempt {
                Ok(Ok(new_link)) => return Ok(new_link),
                // The next address need not wait for its turn.
                Ok(Err(failure)) => failures.push(failure),
                Err(error) => tracing::error!(%error, "an attempt to connect failed"),
            },
            () = sleep(limits.head_start), if addresses.peek().is_some() => {}
            else => return Err(DialError { failures }),
        }
    }
}

/// Parts the addresses that there is a way to from those that there is none to.
fn split_off_hopeless(addresses: Vec<SocketAddr>, ways: &Ways) -> (Vec<SocketAddr>, Vec<DialFailure>) {
    let (mut usable, mut failures) = (Vec::new(), Vec::new());
    for address in addresses.into_iter().take(ADDRESSES_MAX) {
        match ways.hindrance(address) {
            None => usable.push(address),
            Some(reason) => failures.push(DialFailure::NoWay { address, reason }),
        }
    }
    (usable, failures)
}

async fn connect(endpoint: Endpoint, dial: DialId, address: SocketAddr) -> Result<NewLink, DialFailure> {
    let failed = |source| DialFailure::Failed { address, source };
    let connecting =
        endpoint.connect(address, SERVER_NAME).map_err(|source| DialFailure::Unusable { address, source })?;
    let connection = connecting.await.map_err(failed)?;
    let peer = peer_of(&connection).ok_or(DialFailure::NoKey { address })?;
    let (send, receive) = connection.open_bi().await.map_err(failed)?;
    let frames = FrameReader::new(receive, FRAME_BYTES_MAX);
    Ok(NewLink { connection, peer, address, side: LinkSide::Outbound { dial }, send, frames, greeting: None })
}

/// QUIC wants a name; it is not sent, and says nothing: keys do.
const SERVER_NAME: &str = "assist";
/// Both families for each host that an address can name; keeps a pasted list from becoming a scan.
const ADDRESSES_MAX: usize = 2 * ADDRESS_HOSTS_MAX;
