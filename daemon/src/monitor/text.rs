//! Figures as OpenMetrics text, as Prometheus reads it. Names are promises: they only ever get company.

use std::fmt;

use assist_proto::hub::DiskState;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _, text};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use super::Figures;
use super::figures::ServerFigures;

/// As the format's specification names it.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Writes them.
pub(super) fn of(figures: &Figures) -> String {
    let mut registry = Registry::with_prefix("assist");
    registry.register_collector(Box::new(Told(figures.clone())));
    let mut written = String::new();
    // A text takes whatever is written.
    text::encode(&mut written, &registry).ok();
    written
}

#[derive(Debug)]
struct Told(Figures);

impl Collector for Told {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let figures = &self.0;
        let mut teller = Teller { encoder: &mut encoder };
        teller.gauge("build", "The version that runs, as digits.", None, version())?;
        let started = figures.started_at_millis / 1_000;
        teller.gauge("start_time", "When the daemon started, since 1970.", Some(Unit::Seconds), started)?;
        teller.counter("turns", "Turns of the driver: each is one commit.", figures.turns)?;
        teller.gauge("store", "Size of the store's file.", Some(Unit::Bytes), figures.store_bytes)?;
        teller.gauge("disk_free", "Room on the store's disk.", Some(Unit::Bytes), figures.disk_free_bytes)?;
        teller.gauge("unsent_changes", "Own changes that wait for a server.", None, figures.unsent)?;
        if let Some(scrubbed) = &figures.scrubbed {
            let about = "When all that is kept was last read, since 1970.";
            teller.gauge("last_scrub_time", about, Some(Unit::Seconds), scrubbed.at_millis / 1_000)?;
            let about = "What was found then that is not what was written.";
            teller.gauge("scrub_problems", about, None, scrubbed.problem_count)?;
        }
        figures.server.as_ref().map_or(Ok(()), |server| teller.server(server))
    }
}

struct Teller<'a, 'b> {
    encoder: &'a mut DescriptorEncoder<'b>,
}

impl Teller<'_, '_> {
    fn server(&mut self, server: &ServerFigures) -> fmt::Result {
        let is_listening = u64::from(server.is_listening);
        self.gauge("listening", "1 if the server listens.", None, is_listening)?;
        let (state, about) = (server.disk.state, "1 if the disk gets full, or is.");
        self.gauge("disk_low", about, None, u64::from(state >= DiskState::Low))?;
        let about = "1 if changes and attachments are taken, 0 while the disk is full.";
        self.gauge("accepting", about, None, u64::from(state != DiskState::Full))?;
        self.gauge("log_head", "The last place of the log.", None, server.head)?;
        self.gauge("tickets", "Tickets in the project.", None, server.tickets)?;
        self.gauge("members", "People on the roster.", None, server.members)?;
        self.gauge("devices", "Devices on the roster.", None, server.devices)?;
        self.gauge("sessions", "Devices that are connected.", None, server.sessions)?;
        let about = "Connections that have not said who they are for.";
        self.gauge("greetings", about, None, server.greetings)?;
        self.counter("changes_admitted", "Changes that were admitted.", server.admitted)?;
        self.counter("changes_refused", "Changes that were refused.", server.refused)?;
        if let Some(ignored) = server.ignored_packets {
            let about = "Packets that did not come over the overlay, and were ignored.";
            self.counter("packets_ignored", about, ignored)?;
        }
        self.gauge("mails_waiting", "Mails that wait or are under way.", None, server.mail.waiting_count)?;
        self.counter("mails_sent", "Mails that the relay took.", server.mail.sent_count)?;
        self.counter(
            "mails_retried",
            "Attempts that failed and were made again.",
            server.mail.retried_count,
        )?;
        self.counter("mails_failed", "Mails that were given up.", server.mail.failed_count)?;
        if let Some(at) = server.backed_up_at_millis {
            let about = "When the newest whole backup was made, since 1970.";
            self.gauge("last_backup_time", about, Some(Unit::Seconds), at / 1_000)?;
        }
        Ok(())
    }

    fn gauge(&mut self, name: &str, about: &str, unit: Option<Unit>, value: u64) -> fmt::Result {
        let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
        let encoder = self.encoder.encode_descriptor(name, about, unit.as_ref(), gauge.metric_type())?;
        gauge.encode(encoder)
    }

    fn counter(&mut self, name: &str, about: &str, value: u64) -> fmt::Result {
        let counter = ConstCounter::new(value);
        let encoder = self.encoder.encode_descriptor(name, about, None, counter.metric_type())?;
        counter.encode(encoder)
    }
}

/// 0.1.2 as 1002, so that it can be compared.
fn version() -> u64 {
    let parts = env!("CARGO_PKG_VERSION").split(['.', '-']).take(3);
    parts.fold(0, |sum, part| sum * 1_000 + part.parse::<u64>().unwrap_or(0))
}
