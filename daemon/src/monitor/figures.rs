//! How a daemon fares, in figures: gathered when somebody asks.

use std::fs;
use std::sync::Arc;

use assist_proto::api::server::{self, DiskStatus, MailStatus, ServerStats};
use assist_proto::hub::{DiskStanding, DiskState};
use assist_proto::store::{Audience, StoreResult, User};
use tokio::task::spawn_blocking;

use crate::backup;
use crate::daemon::DaemonInfo;
use crate::disk;
use crate::driver::{Driven, DriverHandle};
use crate::home;
use crate::mail::MailerHandle;
use crate::scrub::{self, Scrubbed};
use crate::store::{DeviceReads as _, Reader, ServerReads as _};

/// What is asked for the figures.
#[derive(Clone)]
pub(crate) struct Watched {
    pub(crate) driver: DriverHandle,
    pub(crate) info: Arc<DaemonInfo>,
    pub(crate) mailer: MailerHandle,
}

/// How a daemon fares at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) started_at_millis: u64,
    /// Turns since then.
    pub(crate) turns: u64,
    /// The store's file.
    pub(crate) store_bytes: u64,
    /// Room on its disk for this user.
    pub(crate) disk_free_bytes: u64,
    /// Own changes that wait to be sent, over all joined projects.
    pub(crate) unsent: u64,
    /// What was found when everything was last read.
    pub(crate) scrubbed: Option<Scrubbed>,
    /// Of the server role, if there is one.
    pub(crate) server: Option<ServerFigures>,
}

/// How a server fares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerFigures {
    pub(crate) is_listening: bool,
    pub(crate) head: u64,
    pub(crate) tickets: u64,
    pub(crate) members: u64,
    pub(crate) devices: u64,
    pub(crate) sessions: u64,
    pub(crate) greetings: u64,
    /// Since the start.
    pub(crate) admitted: u64,
    /// Since the start.
    pub(crate) refused: u64,
    /// Since the start; nothing where it hears everybody.
    pub(crate) ignored_packets: Option<u64>,
    pub(crate) mail: MailStatus,
    /// When the newest backup was made that was whole.
    pub(crate) backed_up_at_millis: Option<u64>,
    pub(crate) disk: DiskStanding,
}

impl Watched {
    /// Gathers them. Reads a few entries of the store, on a thread that may.
    pub(crate) async fn figures(&self) -> StoreResult<Figures> {
        let watched = self.clone();
        let driven = self.driver.status().borrow().clone();
        let gathering = spawn_blocking(move || watched.gather(&driven));
        gathering.await.unwrap_or_else(|error| Err(assist_proto::store::StoreError::Io(error.into())))
    }

    fn gather(&self, driven: &Driven) -> StoreResult<Figures> {
        let reader = self.driver.store().read()?;
        let home = &self.info.home;
        Ok(Figures {
            started_at_millis: self.info.started_at.0,
            turns: driven.turn,
            store_bytes: fs::metadata(home.join(home::STORE)).map_or(0, |file| file.len()),
            disk_free_bytes: disk::space(home).map_or(0, |space| space.free_bytes),
            unsent: unsent(&reader)?,
            scrubbed: scrub::last(home),
            server: self.server(driven, &reader)?,
        })
    }

    fn server(&self, driven: &Driven, reader: &Reader) -> StoreResult<Option<ServerFigures>> {
        let Some(server) = &self.info.server else { return Ok(None) };
        let status = driven.server.unwrap_or_default();
        Ok(Some(ServerFigures {
            is_listening: server.listening().is_some(),
            head: reader.head()?.0,
            tickets: reader.ticket_count(Audience::Team)?,
            members: reader.users()?.iter().filter(|user| User::is_member(user)).count() as u64,
            devices: reader.devices()?.len() as u64,
            sessions: status.sessions as u64,
            greetings: status.greetings as u64,
            admitted: status.admitted,
            refused: status.rejected,
            ignored_packets: server.ignored_packets(),
            mail: self.mailer.status(),
            backed_up_at_millis: backup::last_at(&self.info.home),
            disk: status.disk,
        }))
    }
}

impl Figures {
    /// What the daemon lacks to do its work.
    pub(crate) fn missing(&self) -> Option<&'static str> {
        if self.server.as_ref().is_some_and(|server| !server.is_listening) {
            return Some("it does not listen: its overlay address is not known");
        }
        let is_full = match &self.server {
            Some(server) => server.disk.state == DiskState::Full,
            None => self.disk_free_bytes < DISK_FREE_MIN_BYTES,
        };
        is_full.then_some("the disk is nearly full")
    }

    /// The same in the words of the local API.
    pub(crate) fn stats(self, now_millis: u64) -> Option<ServerStats> {
        let server = self.server?;
        Some(ServerStats {
            uptime_millis: now_millis.saturating_sub(self.started_at_millis),
            turn_count: self.turns,
            admitted_count: server.admitted,
            refused_count: server.refused,
            connected_count: server.sessions,
            greeting_count: server.greetings,
            head: server.head,
            ticket_count: server.tickets,
            member_count: server.members,
            device_count: server.devices,
            ignored_packet_count: server.ignored_packets,
            store_bytes: self.store_bytes,
            disk_free_bytes: self.disk_free_bytes,
            backed_up_at_millis: server.backed_up_at_millis,
            mail: server.mail,
            disk: disk_status(server.disk, self.disk_free_bytes),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        })
    }
}

/// Own changes that wait to be sent, over all projects.
fn unsent(reader: &Reader) -> StoreResult<u64> {
    let projects = reader.memberships()?;
    projects.iter().map(|own| reader.outbox_count(&own.project)).sum()
}

/// How a server's disk stands, in the words of the local API.
pub(crate) fn disk_status(standing: DiskStanding, free_bytes: u64) -> DiskStatus {
    let DiskStanding { state, warn_bytes, stop_bytes } = standing;
    let mib = |bytes: u64| bytes / MIB;
    let (state, detail) = match state {
        DiskState::Ample => (server::DiskState::Ample, format!("{} MiB are free", mib(free_bytes))),
        DiskState::Low => {
            let detail = format!(
                "{} MiB are free: free some space before it is less than {} MiB, when nothing new is taken",
                mib(free_bytes),
                mib(stop_bytes)
            );
            (server::DiskState::Low, detail)
        }
        DiskState::Full => {
            let detail = format!(
                "{} MiB are free: no change and no attachment is taken, and devices keep theirs; it goes on by itself \
                 with some more than {} MiB",
                mib(free_bytes),
                mib(stop_bytes)
            );
            (server::DiskState::Full, detail)
        }
    };
    DiskStatus { state, detail, free_bytes, warn_bytes, stop_bytes }
}

/// In which sizes are told.
const MIB: u64 = 1024 * 1024;
/// With less than this on a device's disk a large attachment or the next transaction of the store may not fit.
const DISK_FREE_MIN_BYTES: u64 = 256 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use assist_proto::api::server;
    use assist_proto::hub::{DiskStanding, DiskState};

    use super::{Figures, MIB, disk_status};

    #[test]
    fn a_full_disk_is_not_ready() {
        let figures = Figures {
            started_at_millis: 0,
            turns: 1,
            store_bytes: 1,
            disk_free_bytes: u64::MAX,
            unsent: 0,
            scrubbed: None,
            server: None,
        };
        assert_eq!(figures.missing(), None);
        let full = Figures { disk_free_bytes: 1, ..figures };
        assert_eq!(full.missing(), Some("the disk is nearly full"));
    }

    #[test]
    fn a_servers_disk_is_told_in_words() {
        let standing = |state| {
            disk_status(DiskStanding { state, warn_bytes: 800 * MIB, stop_bytes: 300 * MIB }, 299 * MIB)
        };
        let full = standing(DiskState::Full);
        assert_eq!(full.state, server::DiskState::Full);
        assert!(full.detail.contains("299 MiB") && full.detail.contains("300 MiB"), "{full:?}");
        assert!(standing(DiskState::Low).detail.contains("free some space"));
        assert_eq!(standing(DiskState::Ample).detail, "299 MiB are free");
    }
}
