//! Further streams of a link, for what must not hold up its frames. Knows no more of them than who opened them.

use std::fmt;

use assist_crdt_model::DeviceId;
use assist_proto::hub::LinkId;
use quinn::{Connection, RecvStream, SendStream};
use tokio::sync::mpsc;

/// A stream that a peer opened beside its first.
#[derive(Debug)]
pub struct PeerStream {
    /// On which link.
    pub link: LinkId,
    /// The key that the peer has proven to hold.
    pub peer: DeviceId,
    /// To the peer.
    pub send: SendStream,
    /// From it.
    pub recv: RecvStream,
}

/// Opens streams on one link.
#[derive(Clone)]
pub struct StreamOpener {
    connection: Connection,
}

impl StreamOpener {
    pub(super) fn new(connection: Connection) -> Self {
        Self { connection }
    }

    /// Opens one that gives way to the frames of the link; `None` if the link is gone.
    pub async fn open(&self) -> Option<(SendStream, RecvStream)> {
        let (send, recv) = self.connection.open_bi().await.ok()?;
        send.set_priority(BEHIND_FRAMES).ok(); // Fails only on a stream that is gone.
        Some((send, recv))
    }
}

impl fmt::Debug for StreamOpener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamOpener").finish_non_exhaustive()
    }
}

/// Hands on what the peer opens, when there is room. QUIC bounds how many it may open.
pub(super) async fn take_streams(
    connection: Connection,
    link: LinkId,
    peer: DeviceId,
    streams: mpsc::Sender<PeerStream>,
) {
    while let Ok((send, recv)) = connection.accept_bi().await {
        send.set_priority(BEHIND_FRAMES).ok(); // Fails only on a stream that is gone.
        if streams.send(PeerStream { link, peer, send, recv }).await.is_err() {
            return; // Nobody takes them any more.
        }
    }
}

/// Frames have 0: whatever waits of them goes first.
const BEHIND_FRAMES: i32 = -1;
