//! `sync`: how far this device and the servers agree, and the switch for working offline.

use assist_proto::api::sync::{ConnectionState, GetStatus, Pause, ProjectSync, Resume};

use super::attachment::size_words;
use super::{connection_tone, optional, word};
use crate::args::SyncVerb;
use crate::error::CliError;
use crate::invocation::Invocation;
use crate::output::{Cell, Row, Times, Tone, exact, neutral};

/// Does what was asked for; each verb prints how things stand then.
pub(crate) fn run(verb: &SyncVerb, invocation: &mut Invocation) -> Result<(), CliError> {
    invocation.output.check_fields::<ProjectSync>()?;
    let project = invocation.project.clone();
    let status = match verb {
        SyncVerb::Status => invocation.call(&GetStatus { project })?,
        SyncVerb::Pause => invocation.call(&Pause { project })?,
        SyncVerb::Resume => invocation.call(&Resume { project })?,
    };
    if status.projects.is_empty() {
        invocation.output.say("no project yet: join one with `assist project join <address> --code <code>`");
    }
    let paused = |project: &ProjectSync| project.connection.state == ConnectionState::Paused;
    if *verb == SyncVerb::Pause && status.projects.iter().any(paused) {
        invocation.output.say("working offline until `assist sync resume`");
    }
    for project in &status.projects {
        if let Some(held_up) = &project.connection.held_up {
            let said = format!(
                "{}: {}: what is not sent waits here, and goes by itself",
                project.name, held_up.detail
            );
            invocation.output.say(&neutral::line(&said));
        }
    }
    invocation.output.rows(&status.projects)
}

impl Row for ProjectSync {
    const HEADS: &'static [&'static str] = &["project", "server", "unsent", "last in step", "detail"];
    const FLEXIBLE: usize = 4;

    fn cells(&self, times: &Times) -> Vec<Cell> {
        let unsent = match (self.outbox_count, self.oldest_unsent_at_millis) {
            (0, _) => Cell::dim("none"),
            (count, Some(oldest)) => {
                Cell::new(format!("{count}, oldest {}", times.relative(oldest)), Tone::Notable)
            }
            (count, None) => Cell::new(count.to_string(), Tone::Notable),
        };
        vec![
            Cell::new(&self.name, Tone::Strong),
            Cell::new(word(&self.connection.state), connection_tone(self.connection.state)),
            unsent,
            Cell::plain(self.last_sync_at_millis.map_or_else(|| "never".to_owned(), |at| times.relative(at))),
            Cell::plain(detail(self)),
        ]
    }

    fn values(&self) -> Vec<String> {
        vec![
            self.project.clone(),
            self.name.clone(),
            word(&self.connection.state),
            self.outbox_count.to_string(),
            self.cursor.to_string(),
            optional(self.head),
            self.last_sync_at_millis.map(exact).unwrap_or_default(),
            self.documents.to_string(),
            self.unverified.to_string(),
            self.connection.detail.clone(),
            self.traffic.as_ref().map(|traffic| traffic.host.clone()).unwrap_or_default(),
            optional(self.traffic.as_ref().map(|traffic| traffic.round_trip_micros)),
            optional(self.traffic.as_ref().map(|traffic| traffic.sent_bytes)),
            optional(self.traffic.as_ref().map(|traffic| traffic.received_bytes)),
            self.connection.held_up.as_ref().map(|held_up| word(&held_up.reason)).unwrap_or_default(),
        ]
    }
}

fn detail(sync: &ProjectSync) -> String {
    let mut detail = sync.connection.detail.clone();
    if let Some(traffic) = &sync.traffic {
        let (micros, sent) = (traffic.round_trip_micros, size_words(traffic.sent_bytes));
        let (millis, tenths) = (micros / 1_000, micros / 100 % 10);
        let received = size_words(traffic.received_bytes);
        detail.push_str(&format!("; round trip {millis}.{tenths} ms, sent {sent}, received {received}"));
    }
    if sync.unverified > 0 {
        detail.push_str(&format!("; checking {} tickets", sync.unverified));
    }
    detail
}
