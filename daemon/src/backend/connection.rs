//! How a project is connected, in plain words, with what to do if something is to be done.

use assist_crdt_model::UnixMillis;
use assist_proto::api::sync::{Connection, ConnectionState, HeldUp, HeldUpReason};
use assist_proto::hub::{self, ProjectStatus};
use assist_proto::wire::{HoldCause, RefusedCode};

/// Tells how a project is connected. Without a status, it was joined a moment ago.
pub(super) fn describe(status: Option<&ProjectStatus>, now: UnixMillis) -> Connection {
    let Some(status) = status else {
        let detail = "about to connect".to_owned();
        return Connection { state: ConnectionState::Connecting, since_millis: now.0, detail, held_up: None };
    };
    let lasting = words(now.0.saturating_sub(status.since.0));
    let (state, detail) = match &status.connection {
        hub::Connection::Online { .. } => {
            (ConnectionState::Online, format!("connected for {lasting}{}", while_held_up(status, now)))
        }
        hub::Connection::Connecting { tries: 0, .. } => {
            (ConnectionState::Connecting, "connecting".to_owned())
        }
        hub::Connection::Connecting { reason, .. } => {
            (ConnectionState::Connecting, format!("offline for {lasting}: {reason}; trying again now"))
        }
        hub::Connection::Greeting { .. } => {
            (ConnectionState::Connecting, "the server answers; waiting for its welcome".to_owned())
        }
        hub::Connection::Offline { until, reason, .. } => {
            (ConnectionState::Offline, format!("offline for {lasting}: {reason}; {}", next_try(*until, now)))
        }
        hub::Connection::Refused { code, reason, until } => {
            let detail = format!("refused for {lasting}: {reason}; {}", after_refusal(*code, *until, now));
            (ConnectionState::Refused, detail)
        }
        hub::Connection::Paused => {
            (ConnectionState::Paused, format!("paused for {lasting}: `assist sync resume` connects again"))
        }
    };
    Connection { state, since_millis: status.since.0, detail, held_up: held_up(Some(status)) }
}

/// Why the server takes nothing new, if it does not.
pub(super) fn held_up(status: Option<&ProjectStatus>) -> Option<HeldUp> {
    let hub::HeldUp { cause, again_at } = status?.held_up?;
    let (reason, detail) = match cause {
        HoldCause::DiskFull => (HeldUpReason::ServerDiskFull, "the server's disk is nearly full"),
        HoldCause::Quota => (HeldUpReason::Quota, "too much was written in a short time"),
        HoldCause::Other(_) => (HeldUpReason::Other, "the server takes nothing new for now"),
    };
    Some(HeldUp { reason, detail: detail.to_owned(), again_at_millis: again_at.map(|at| at.0) })
}

fn while_held_up(status: &ProjectStatus, now: UnixMillis) -> String {
    let Some(HeldUp { detail, again_at_millis, .. }) = held_up(Some(status)) else { return String::new() };
    let again = next_try(UnixMillis(again_at_millis.unwrap_or_default()), now);
    format!("; {detail}: what is not sent stays here and goes by itself; {again}")
}

fn next_try(until: UnixMillis, now: UnixMillis) -> String {
    match until.0.saturating_sub(now.0) {
        0 => "trying again now".to_owned(),
        millis => format!("trying again in {}", short_words(millis)),
    }
}

fn after_refusal(code: RefusedCode, until: UnixMillis, now: UnixMillis) -> String {
    match code {
        RefusedCode::Device => "ask the operator to let this device in again".to_owned(),
        RefusedCode::Version => format!("update the older side; {}", next_try(until, now)),
        RefusedCode::Project => {
            "ask the operator where the project is now; `assist project relocate <address>` takes it"
                .to_owned()
        }
        _ => next_try(until, now),
    }
}

/// A span of time as people say it.
fn words(millis: u64) -> String {
    let seconds = millis / 1_000;
    let (count, unit) = match seconds {
        ..60 => (seconds, "second"),
        60..3_600 => (seconds / 60, "minute"),
        3_600..86_400 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

/// A short span of time, rounded up: nobody waits longer than they were told.
fn short_words(millis: u64) -> String {
    match millis.div_ceil(1_000) {
        seconds @ ..120 => format!("{seconds} s"),
        seconds => format!("{} min", seconds.div_ceil(60)),
    }
}

#[cfg(test)]
mod tests;
