//! Notifications on the desktop: what is for this device's user, where a session bus exists and they want it shown.
//!
//! What is read within a moment, because a window shows it anyway, is not shown; a ticket has one notification, which
//! newer ones take the place of; it goes when the ticket is read. A click opens the ticket. All of it is a hint: without a
//! bus nothing is lost, for lists and counts say the same.

mod bus;
mod limits;
mod words;

use std::collections::HashMap;
use std::io;
use std::process::{ExitStatus, Stdio};

use assist_crdt_model::{ProjectId, TicketId};
use assist_proto::api::events::{News, Reason};
use assist_proto::api::ticket::TicketRef;
use assist_proto::store::StoreResult;
use jiff::Zoned;
use tokio::process::Command;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::store::{DeviceReads as _, Reader, Store};
use bus::Bus;
pub(crate) use words::Shown;

/// Which ticket.
type Key = (ProjectId, TicketId);

/// Something that is for the user, and may be shown in a moment.
struct Waiting {
    key: Key,
    reason: Reason,
    shown: Shown,
}

/// What is on the desktop, and what will be.
struct Desktop {
    store: Store,
    bus: Bus,
    waiting: Vec<Waiting>,
    /// When what waits is shown.
    due: Instant,
    /// The notification of each ticket that has one, by the bus's number.
    on_screen: HashMap<Key, u32>,
    /// What was asked to open tickets.
    openers: JoinSet<io::Result<ExitStatus>>,
}

/// Shows what is for the user until the feed ends.
pub(crate) async fn run(store: Store, mut news: Receiver<News>) {
    let mut desktop = Desktop {
        store,
        bus: Bus::of_session(),
        waiting: Vec::new(),
        due: Instant::now(),
        on_screen: HashMap::new(),
        openers: JoinSet::new(),
    };
    loop {
        tokio::select! {
            news = news.recv() => match news {
                Ok(news) => desktop.hear(news).await,
                // So much at once is no news that somebody wants to see one by one.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            },
            () = sleep_until(desktop.due), if !desktop.waiting.is_empty() => desktop.show_waiting().await,
            number = desktop.bus.clicked() => desktop.open(number),
        }
    }
}

impl Desktop {
    async fn hear(&mut self, news: News) {
        match news {
            News::NotificationAdded { ticket, reason, is_note, excerpt, actor, .. } => {
                let Some(key) = key_of(&ticket) else { return };
                if self.waiting.is_empty() {
                    self.due = Instant::now() + limits::SHOWN_AFTER;
                }
                self.waiting.retain(|waiting| waiting.key != key);
                if self.waiting.len() < limits::WAITING_MAX {
                    let shown = words::of(&ticket, reason, is_note, actor.as_deref(), excerpt.as_deref());
                    self.waiting.push(Waiting { key, reason, shown });
                }
            }
            News::TicketChanged { ticket, .. } => {
                let Some(key) = key_of(&ticket).filter(|key| self.on_screen.contains_key(key)) else {
                    return;
                };
                if matches!(self.is_unread(key), Ok(false))
                    && let Some(number) = self.on_screen.remove(&key)
                {
                    self.bus.close(number).await;
                }
            }
            _ => {}
        }
    }

    async fn show_waiting(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        let wanted: Vec<Waiting> =
            waiting.into_iter().filter(|waiting| matches!(self.is_wanted(waiting), Ok(true))).collect();
        if wanted.len() > limits::SHOWN_AT_ONCE_MAX {
            self.bus.show(None, &words::of_many(wanted.len())).await;
            return;
        }
        for Waiting { key, shown, .. } in wanted {
            let Some(number) = self.bus.show(self.on_screen.get(&key).copied(), &shown).await else { return };
            if self.on_screen.len() >= limits::ON_SCREEN_MAX {
                self.on_screen.clear();
            }
            self.on_screen.insert(key, number);
        }
    }

    fn is_wanted(&self, waiting: &Waiting) -> StoreResult<bool> {
        let reader = self.store.read()?;
        let own = reader.memberships()?.into_iter().find(|own| own.project == waiting.key.0);
        let is_wanted = own.is_some_and(|own| own.desktop.shows(waiting.reason, minute_of_day()));
        // What comes back from its sleep brings nothing to read.
        Ok(is_wanted && (waiting.reason == Reason::Resurfaced || is_unread(&reader, waiting.key)?))
    }

    fn is_unread(&self, key: Key) -> StoreResult<bool> {
        is_unread(&self.store.read()?, key)
    }

    /// Opens the ticket that a notification is about, with whatever the desktop opens such links with.
    fn open(&mut self, number: u32) {
        let Some((project, ticket)) =
            self.on_screen.iter().find(|(_, shown)| **shown == number).map(|(key, _)| *key)
        else {
            return;
        };
        let link = format!("assist://{project}/ticket/{ticket}");
        let mut opener = Command::new("xdg-open");
        opener.arg(link).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // Those that have ended are waited for by now.
        while self.openers.try_join_next().is_some() {}
        match opener.spawn() {
            Ok(mut opener) => drop(self.openers.spawn(async move { opener.wait().await })),
            Err(error) => tracing::warn!(%error, "xdg-open could not be asked to open a ticket"),
        }
    }
}

fn is_unread(reader: &Reader, (project, ticket): Key) -> StoreResult<bool> {
    Ok(reader.beside_row(&project, ticket)?.is_unread)
}

fn key_of(ticket: &TicketRef) -> Option<Key> {
    Some((ticket.project.parse().ok()?, ticket.id.parse().ok()?))
}

/// By the clock and the zone of this machine.
fn minute_of_day() -> u16 {
    let now = Zoned::now();
    u16::from(now.hour().unsigned_abs()) * 60 + u16::from(now.minute().unsigned_abs())
}

#[cfg(test)]
mod tests;
