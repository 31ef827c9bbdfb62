//! The events that front ends follow: one ring in memory, from which every subscriber reads at its own pace.
//!
//! A subscriber is a place in the ring, not a queue: however slow, it costs nothing. Whoever falls behind the
//! ring, or resumes from an id that it no longer holds, is told to list again (`reset`) and goes on from there.
//! Events are never stored: after a restart every id of the run before is unknown.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use assist_proto::api::events::{Event, News};
use assist_proto::api::limits;
use axum::body::Bytes;
use tokio::sync::{broadcast, watch};
use tokio::time::timeout;

/// Takes events in and hands them out. Clones share one ring.
#[derive(Clone)]
pub struct EventFeed {
    shared: Arc<Shared>,
}

struct Shared {
    /// Names this run of the daemon, so that ids of another run are not mistaken for ours.
    boot: String,
    ring: Mutex<Ring>,
    progress: watch::Sender<Progress>,
    /// For whoever follows within this process.
    taps: broadcast::Sender<News>,
}

/// Ready-made frames of the newest events. The last one is event number `next - 1`.
struct Ring {
    frames: VecDeque<Bytes>,
    capacity: usize,
    next: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Progress {
    next: u64,
    is_closed: bool,
}

impl EventFeed {
    /// Makes an empty feed. `boot` must differ from run to run and hold no `-`.
    pub fn new(boot: impl Into<String>) -> Self {
        Self::with_capacity(boot, limits::EVENTS_KEPT_MAX)
    }

    pub(crate) fn with_capacity(boot: impl Into<String>, capacity: usize) -> Self {
        let ring = Ring { frames: VecDeque::new(), capacity, next: 1 };
        let (progress, _) = watch::channel(Progress { next: 1, is_closed: false });
        let (taps, _) = broadcast::channel(limits::EVENTS_TAPPED_MAX);
        Self { shared: Arc::new(Shared { boot: boot.into(), ring: Mutex::new(ring), progress, taps }) }
    }

    /// Tells all who follow. Never waits.
    pub fn publish(&self, news: News) {
        // Fails only if nobody in this process follows.
        self.shared.taps.send(news.clone()).ok();
        let mut ring = self.shared.ring();
        let name = news.name();
        let event = Event { id: self.shared.id(ring.next), news };
        ring.push(frame(&event.id, Some((name, &event))));
        // Under the lock, so that progress never runs backwards.
        let next = ring.next;
        self.shared.progress.send_modify(|progress| progress.next = next);
    }

    /// Follows from now on, within this process; whoever is slow misses some.
    pub(crate) fn tap(&self) -> broadcast::Receiver<News> {
        self.shared.taps.subscribe()
    }

    /// Ends all subscriptions.
    pub(crate) fn close(&self) {
        self.shared.progress.send_modify(|progress| progress.is_closed = true);
    }

    /// Follows from behind `last_id`, or from now on.
    pub(crate) fn subscribe(&self, last_id: Option<&str>) -> Subscription {
        let ring = self.shared.ring();
        let resumed = last_id.map(|id| self.shared.number(id).filter(|number| ring.holds_all_after(*number)));
        let (position, greeting) = match resumed {
            // An id alone: from here on a client knows where to resume, even before the first event.
            None => (ring.next, Some(frame(&self.shared.id(ring.next - 1), None))),
            Some(Some(number)) => (number + 1, Some(frame(&self.shared.id(number), None))),
            Some(None) => (ring.next, Some(self.shared.reset(ring.next - 1))),
        };
        drop(ring);
        let progress = self.shared.progress.subscribe();
        Subscription { shared: Arc::clone(&self.shared), progress, position, greeting }
    }

    pub(crate) fn boot(&self) -> &str {
        &self.shared.boot
    }
}

/// One reader of the feed.
pub(crate) struct Subscription {
    shared: Arc<Shared>,
    progress: watch::Receiver<Progress>,
    /// The number of the next event to hand out.
    position: u64,
    greeting: Option<Bytes>,
}

impl Subscription {
    /// Waits for the next bytes of the stream: events, or a sign of life. `None` once the feed is closed.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        if let Some(greeting) = self.greeting.take() {
            return Some(greeting);
        }
        loop {
            let progress = *self.progress.borrow_and_update();
            if progress.is_closed {
                return None;
            }
            if progress.next > self.position {
                return Some(self.take());
            }
            match timeout(limits::EVENT_KEEP_ALIVE, self.progress.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return None,
                Err(_) => return Some(Bytes::from_static(SIGN_OF_LIFE)),
            }
        }
    }

    /// Takes what there is, as much as fits one write.
    fn take(&mut self) -> Bytes {
        let ring = self.shared.ring();
        if !ring.holds_all_after(self.position - 1) {
            self.position = ring.next;
            return self.shared.reset(ring.next - 1);
        }
        let known = usize::try_from(self.position - ring.oldest()).unwrap_or(usize::MAX);
        let mut bytes = Vec::new();
        for frame in ring.frames.iter().skip(known) {
            bytes.extend_from_slice(frame);
            self.position += 1;
            if bytes.len() >= WRITE_BYTES {
                break;
            }
        }
        bytes.into()
    }
}

impl Shared {
    fn ring(&self) -> MutexGuard<'_, Ring> {
        // A panic elsewhere cannot leave the ring half changed: `push` does nothing that panics in between.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn id(&self, number: u64) -> String {
        format!("{}-{number}", self.boot)
    }

    fn number(&self, id: &str) -> Option<u64> {
        let (boot, number) = id.split_once('-')?;
        (boot == self.boot).then(|| number.parse().ok())?
    }

    fn reset(&self, number: u64) -> Bytes {
        let event = Event { id: self.id(number), news: News::Reset {} };
        frame(&event.id, Some((event.news.name(), &event)))
    }
}

impl Ring {
    fn push(&mut self, frame: Bytes) {
        if self.frames.len() == self.capacity {
            self.frames.pop_front();
        }
        self.frames.push_back(frame);
        self.next += 1;
    }

    fn oldest(&self) -> u64 {
        self.next - self.frames.len() as u64
    }

    /// Tells whether nothing after event `number` was forgotten, and `number` is not in the future.
    fn holds_all_after(&self, number: u64) -> bool {
        (self.oldest()..=self.next).contains(&number.saturating_add(1))
    }
}

/// Makes a block of `text/event-stream`. JSON holds no raw line breaks, so one `data` line always does.
fn frame(id: &str, event: Option<(&str, &Event)>) -> Bytes {
    let mut block = format!("id: {id}\n");
    if let Some((name, event)) = event {
        let data =
            serde_json::to_string(event).expect("events have text keys and nothing that fails to serialize");
        block.push_str(&format!("event: {name}\ndata: {data}\n"));
    }
    block.push('\n');
    block.into()
}

/// A comment: keeps both ends from taking silence for death.
const SIGN_OF_LIFE: &[u8] = b":\n\n";

/// How many bytes of pending events go out at once: enough to make system calls rare.
const WRITE_BYTES: usize = 32 * 1024;

#[cfg(test)]
mod tests;
