//! Frames on their way from peer to peer.

use assist_proto::hub::LinkId;
use assist_proto::wire::PeerMessage;
use assist_proto::{limits, wire};
use bytes::Bytes;

use super::trace::describe;
use super::{Event, Network, SentFrame};
use crate::peer::{Input, PeerId};

/// One of the two ends of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Device,
    Server,
}

/// A connection between a device and a server.
pub(super) struct Link {
    device: End,
    server: End,
    latency_millis: u64,
    /// Bytes that the server sent and that have not left.
    undrained_bytes: usize,
    /// Nothing that is on its way arrives any more.
    is_cut: bool,
}

struct End {
    peer: PeerId,
    is_open: bool,
    /// When the last frame to here arrives: the next one does not overtake it.
    last_at: u64,
}

impl End {
    const fn new(peer: PeerId) -> Self {
        Self { peer, is_open: true, last_at: 0 }
    }
}

impl Link {
    pub(super) const fn new(device: PeerId, server: PeerId, latency_millis: u64) -> Self {
        Self {
            device: End::new(device),
            server: End::new(server),
            latency_millis,
            undrained_bytes: 0,
            is_cut: false,
        }
    }

    /// The peer's end, while it holds it open.
    pub(super) fn side_of(&self, peer: PeerId) -> Option<Side> {
        let is_end = |end: &End| end.peer == peer && end.is_open;
        if is_end(&self.device) {
            return Some(Side::Device);
        }
        is_end(&self.server).then_some(Side::Server)
    }

    const fn end(&mut self, side: Side) -> &mut End {
        match side {
            Side::Device => &mut self.device,
            Side::Server => &mut self.server,
        }
    }
}

impl Side {
    const fn other(self) -> Self {
        match self {
            Self::Device => Self::Server,
            Self::Server => Self::Device,
        }
    }
}

impl Network {
    /// Puts a frame on its way.
    ///
    /// # Panics
    /// If it is larger than a frame may be.
    pub(super) fn send(&mut self, from: PeerId, id: LinkId, frame: Bytes) {
        assert!(frame.len() <= limits::FRAME_BYTES_MAX, "a frame of {} bytes", frame.len());
        let size_bytes = frame.len();
        let is_cut = self.dice.one_in(self.faults.cut);
        let is_twice = self.dice.one_in(self.faults.duplicate);
        let jitter = self.dice.between(0, 5);
        let now = self.now;
        let Some(link) = self.links.get_mut(&id) else { return };
        let Some(side) = link.side_of(from) else { return };
        let to = side.other();
        let at = (now + link.latency_millis + jitter).max(link.end(to).last_at);
        link.end(to).last_at = at;
        let to_peer = link.end(to).peer;
        let delay = at - now;
        self.sent.push(SentFrame { from, to: to_peer, frame: frame.clone() });
        if is_twice && to == Side::Server && is_push(&frame) {
            self.schedule(delay, Event::Deliver { link: id, to, frame: frame.clone() });
        }
        self.schedule(delay, Event::Deliver { link: id, to, frame });
        if side == Side::Server {
            let link = self.links.get_mut(&id).expect("it was there above");
            link.undrained_bytes += size_bytes;
            self.undrained_bytes_max = self.undrained_bytes_max.max(link.undrained_bytes);
            let delay = delay + self.drain_millis;
            self.schedule(delay, Event::Drained { link: id, from: side, size_bytes });
        }
        if is_cut {
            self.cut(id);
        }
    }

    /// Puts a message on its way over a device's open link that the device's hub knows nothing of: what a member
    /// can do who wrote a program of their own.
    ///
    /// # Panics
    /// If the device has no link.
    pub fn say(&mut self, device: PeerId, message: &PeerMessage) {
        let open = self.links.iter().find(|(_, link)| link.side_of(device) == Some(Side::Device));
        let id = *open.expect("the device has a link").0;
        self.send(device, id, Bytes::from(wire::encode(message)));
    }

    pub(super) fn deliver(&mut self, id: LinkId, to: Side, frame: &Bytes) {
        let Some(link) = self.links.get_mut(&id) else { return };
        if link.is_cut || !link.end(to).is_open {
            return;
        }
        let (peer, from) = (link.end(to).peer, link.end(to.other()).peer);
        match wire::receive(frame) {
            Ok(message) => {
                self.trace.note(self.now, || {
                    let (from, to) = (&self.peers[from.0].name, &self.peers[peer.0].name);
                    format!("{from} -> {to} ({}): {}", id.0, describe(&message))
                });
                self.give(peer, Input::Received { link: id, message: Box::new(message) });
                self.count_down(peer, from);
            }
            // The daemon closes a link on which comes what is no message.
            Err(_) => self.cut(id),
        }
    }

    fn count_down(&mut self, peer: PeerId, from: PeerId) {
        let Some(left) = self.frames_left.get_mut(&peer) else { return };
        *left = left.saturating_sub(1);
        if *left == 0 {
            self.set_reachable(peer, from, false);
        }
    }

    pub(super) fn drain(&mut self, id: LinkId, from: Side, size_bytes: usize) {
        let Some(link) = self.links.get_mut(&id) else { return };
        link.undrained_bytes -= size_bytes;
        let end = link.end(from);
        if end.is_open {
            let peer = end.peer;
            self.give(peer, Input::Sent { link: id, size_bytes });
        }
    }

    /// The link has ended for one side: it hears of it.
    pub(super) fn end(&mut self, id: LinkId, to: Side) {
        let Some(link) = self.links.get_mut(&id) else { return };
        let end = link.end(to);
        if end.is_open {
            end.is_open = false;
            let peer = end.peer;
            self.give(peer, Input::Closed { link: id });
        }
        self.forget_if_ended(id);
    }

    /// A peer closes a link: what it sent before still arrives.
    pub(super) fn close(&mut self, by: PeerId, id: LinkId, reason: &str) {
        self.trace.note(self.now, || format!("{} closes {}: {reason}", self.peers[by.0].name, id.0));
        let now = self.now;
        let Some(link) = self.links.get_mut(&id) else { return };
        let Some(side) = link.side_of(by) else { return };
        link.end(side).is_open = false;
        let to = side.other();
        let delay = (now + link.latency_millis).max(link.end(to).last_at) - now;
        self.schedule(delay, Event::Ended { link: id, to });
        self.forget_if_ended(id);
    }

    /// A link breaks: nothing arrives any more, and each side notices in its time.
    pub(super) fn cut(&mut self, id: LinkId) {
        let Some(link) = self.links.get_mut(&id) else { return };
        if std::mem::replace(&mut link.is_cut, true) {
            return;
        }
        self.trace.note(self.now, || format!("link {} breaks", id.0));
        for to in [Side::Device, Side::Server] {
            let delay = self.dice.between(0, NOTICE_MILLIS_MAX);
            self.schedule(delay, Event::Ended { link: id, to });
        }
    }

    /// A peer is gone: its links end. What it sent is lost with it, or arrives.
    pub(super) fn end_links_of(&mut self, id: PeerId) {
        let links: Vec<LinkId> =
            self.links.iter().filter(|(_, link)| link.side_of(id).is_some()).map(|(id, _)| *id).collect();
        for link in links {
            if self.dice.one_in(2) {
                self.close(id, link, "it is gone");
                continue;
            }
            self.cut(link);
            if let Some(entry) = self.links.get_mut(&link)
                && let Some(side) = entry.side_of(id)
            {
                entry.end(side).is_open = false;
            }
        }
    }

    fn forget_if_ended(&mut self, id: LinkId) {
        if self.links.get(&id).is_some_and(|link| !link.device.is_open && !link.server.is_open) {
            self.links.remove(&id);
        }
    }
}

fn is_push(frame: &Bytes) -> bool {
    matches!(wire::codec::decode("message", frame), Ok(PeerMessage::Push(_)))
}

/// A peer notices within this that a link is gone.
const NOTICE_MILLIS_MAX: u64 = 4_000;
