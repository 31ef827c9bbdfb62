//! How the server fares, for admins who ask from their own devices: found out beside the driver, which waits for nobody.

use assist_proto::api::server::{MailRoute, MailStatus, ServerStats};
use assist_proto::hub::{DiskStanding, DiskState, LinkId};
use assist_proto::wire::health::{self, Health};
use tokio::sync::mpsc;

use super::{Figures, Watched, disk_status};
use crate::driver::read_clock;

/// The driver's end.
#[derive(Debug)]
pub(crate) struct HealthOut(mpsc::Sender<(LinkId, u32)>);

/// The other end.
#[derive(Debug)]
pub(crate) struct HealthAsks(mpsc::Receiver<(LinkId, u32)>);

impl HealthOut {
    /// Makes both ends.
    pub(crate) fn new() -> (Self, HealthAsks) {
        let (sender, receiver) = mpsc::channel(ASKS_MAX);
        (Self(sender), HealthAsks(receiver))
    }

    /// Has it found out and told. More than wait here no quota lets through: whoever is one too many is not answered.
    pub(crate) fn find_out(&self, link: LinkId, ask: u32) {
        if self.0.try_send((link, ask)).is_err() {
            tracing::debug!(link = link.0, "too many ask how the server fares");
        }
    }
}

impl HealthAsks {
    /// Answers, one after the other, as long as the driver asks.
    pub(crate) async fn run(mut self, watched: Watched) {
        while let Some((link, ask)) = self.0.recv().await {
            let figures = watched.figures().await;
            let figures = figures.inspect_err(|error| tracing::warn!(%error, "the figures cannot be had"));
            let health = figures.ok().and_then(|figures| told(&figures, read_clock().0));
            watched.driver.health_told(link, ask, health).await;
        }
    }
}

/// What an admin's device is told; nothing by a daemon that serves nobody.
fn told(figures: &Figures, now_millis: u64) -> Option<Health> {
    let disk = figures.server.as_ref()?.disk;
    let stats = figures.clone().stats(now_millis)?;
    Some(Health {
        version: stats.version,
        uptime_millis: stats.uptime_millis,
        turns: stats.turn_count,
        admitted: stats.admitted_count,
        refused: stats.refused_count,
        connected: stats.connected_count,
        greeting: stats.greeting_count,
        head: stats.head,
        tickets: stats.ticket_count,
        members: stats.member_count,
        devices: stats.device_count,
        ignored_packets: stats.ignored_packet_count,
        store_bytes: stats.store_bytes,
        disk_free_bytes: stats.disk_free_bytes,
        disk: match disk.state {
            DiskState::Ample => health::DiskState::Ample,
            DiskState::Low => health::DiskState::Low,
            DiskState::Full => health::DiskState::Full,
        },
        disk_warn_bytes: disk.warn_bytes,
        disk_stop_bytes: disk.stop_bytes,
        backed_up_at_millis: stats.backed_up_at_millis,
        mail_route: match stats.mail.route {
            MailRoute::None => health::MailRoute::None,
            MailRoute::Folder => health::MailRoute::Folder,
            MailRoute::Relay => health::MailRoute::Relay,
        },
        mail_waiting: stats.mail.waiting_count,
        mail_sent: stats.mail.sent_count,
        mail_retried: stats.mail.retried_count,
        mail_failed: stats.mail.failed_count,
    })
}

/// The same for front ends. Why the last mail failed is not told from afar: the relay's words may name people.
pub(crate) fn stats_of(health: Health) -> ServerStats {
    let disk = DiskStanding {
        state: match health.disk {
            health::DiskState::Ample => DiskState::Ample,
            health::DiskState::Low => DiskState::Low,
            health::DiskState::Full => DiskState::Full,
        },
        warn_bytes: health.disk_warn_bytes,
        stop_bytes: health.disk_stop_bytes,
    };
    let mail = MailStatus {
        route: match health.mail_route {
            health::MailRoute::None => MailRoute::None,
            health::MailRoute::Folder => MailRoute::Folder,
            health::MailRoute::Relay => MailRoute::Relay,
        },
        waiting_count: health.mail_waiting,
        sent_count: health.mail_sent,
        retried_count: health.mail_retried,
        failed_count: health.mail_failed,
        last_failure: None,
    };
    ServerStats {
        uptime_millis: health.uptime_millis,
        turn_count: health.turns,
        admitted_count: health.admitted,
        refused_count: health.refused,
        connected_count: health.connected,
        greeting_count: health.greeting,
        head: health.head,
        ticket_count: health.tickets,
        member_count: health.members,
        device_count: health.devices,
        ignored_packet_count: health.ignored_packets,
        store_bytes: health.store_bytes,
        disk_free_bytes: health.disk_free_bytes,
        backed_up_at_millis: health.backed_up_at_millis,
        mail,
        disk: disk_status(disk, health.disk_free_bytes),
        version: health.version,
    }
}

/// Asks that wait, of some bytes each: more than all admins may ask in the time that an answer takes.
const ASKS_MAX: usize = 1_024;
