//! `server top`: who is connected and how much is done, again and again.

use std::thread;
use std::time::Duration;

use assist_proto::api::limits;
use assist_proto::api::server::{DiskState, GetStats, Member, Members, ServerStats};

use super::super::word;
use crate::error::{CliError, ErrorKind};
use crate::invocation::Invocation;
use crate::output::{Format, neutral, tab_separated};

/// Shows it until so many times are over, or for ever.
pub(super) fn run(
    interval: Duration,
    count: Option<u64>,
    invocation: &mut Invocation,
) -> Result<(), CliError> {
    if matches!(invocation.output.format(), Format::Json(_)) {
        return Err(CliError::message(ErrorKind::Usage, "what never ends is no one JSON document")
            .hint("use `--jsonl`: a line of JSON each time; or `assist server stats --json`"));
    }
    invocation.output.check_fields::<ServerStats>()?;
    let interval = interval.max(INTERVAL_MIN);
    let mut before: Option<ServerStats> = None;
    let mut left = count.unwrap_or(u64::MAX);
    loop {
        let stats = invocation.call(&GetStats::default())?;
        match invocation.output.format() {
            Format::Human => show(&stats, before.as_ref(), invocation)?,
            _ => line(&stats, before.as_ref(), invocation)?,
        }
        invocation.output.flush()?;
        before = Some(stats);
        left -= 1;
        if left == 0 {
            return Ok(());
        }
        pause(interval);
    }
}

#[expect(clippy::disallowed_methods, reason = "what is shown again and again has a time in between")]
fn pause(interval: Duration) {
    thread::sleep(interval);
}

/// A page for people, over the one before.
fn show(
    stats: &ServerStats,
    before: Option<&ServerStats>,
    invocation: &mut Invocation,
) -> Result<(), CliError> {
    let connected = connected(invocation)?;
    let (admitted, refused) = rates(stats, before);
    let mut lines = vec![
        format!(
            "{CLEAR}up {} s   {} connected   {admitted:.1} changes/s   {refused:.1} refused/s   head {}",
            stats.uptime_millis / 1_000,
            stats.connected_count,
            stats.head
        ),
        format!(
            "{} tickets   {} members   {} devices   store {} MiB   {} MiB free   {} mails wait",
            stats.ticket_count,
            stats.member_count,
            stats.device_count,
            stats.store_bytes / MIB,
            stats.disk_free_bytes / MIB,
            stats.mail.waiting_count
        ),
        match stats.disk.state {
            DiskState::Ample => String::new(),
            _ => format!("disk {}: {}", word(&stats.disk.state), neutral::line(&stats.disk.detail)),
        },
    ];
    for (member, device) in &connected {
        let (name, role) = (neutral::line(&member.name), word(&member.role));
        lines.push(format!("{name:<24.24}  {role:<9}  {}", neutral::line(device)));
    }
    lines.iter().try_for_each(|line| invocation.output.line(line))
}

/// A line for scripts.
fn line(
    stats: &ServerStats,
    before: Option<&ServerStats>,
    invocation: &mut Invocation,
) -> Result<(), CliError> {
    if matches!(invocation.output.format(), Format::JsonLines(_)) {
        return invocation.output.json(stats);
    }
    let (admitted, refused) = rates(stats, before);
    invocation.output.line(&tab_separated(&[
        stats.connected_count.to_string(),
        format!("{admitted:.1}"),
        format!("{refused:.1}"),
        stats.head.to_string(),
        stats.disk_free_bytes.to_string(),
    ]))
}

/// Changes that were admitted and refused, each second since the time before, by the server's clock.
fn rates(stats: &ServerStats, before: Option<&ServerStats>) -> (f64, f64) {
    let Some(before) = before else { return (0.0, 0.0) };
    let seconds = stats.uptime_millis.saturating_sub(before.uptime_millis).max(1) as f64 / 1_000.0;
    let rate = |now: u64, then: u64| now.saturating_sub(then) as f64 / seconds;
    (rate(stats.admitted_count, before.admitted_count), rate(stats.refused_count, before.refused_count))
}

/// The devices that are connected, each with whose it is.
fn connected(invocation: &mut Invocation) -> Result<Vec<(Member, String)>, CliError> {
    let page = invocation.call(&Members { offset: 0, limit: Some(limits::PAGE_ROWS_MAX) })?;
    let mut connected = Vec::new();
    for member in page.members {
        let devices = member.devices.iter().filter(|device| device.is_connected);
        connected.extend(devices.map(|device| (member.clone(), device.name.clone())));
    }
    connected.truncate(ROWS_MAX);
    Ok(connected)
}

/// As many fit on a screen.
const ROWS_MAX: usize = 40;
/// Quicker than anybody reads, and no load.
const INTERVAL_MIN: Duration = Duration::from_millis(200);
/// Home, and everything behind it away.
const CLEAR: &str = "\x1b[H\x1b[2J";
const MIB: u64 = 1024 * 1024;

#[cfg(test)]
mod tests {
    use assist_proto::api::server::ServerStats;

    use super::rates;

    #[test]
    fn rates_are_of_the_time_since_the_one_before() {
        let before = ServerStats { uptime_millis: 1_000, admitted_count: 10, ..ServerStats::default() };
        let now = ServerStats {
            uptime_millis: 3_000,
            admitted_count: 30,
            refused_count: 1,
            ..ServerStats::default()
        };
        assert_eq!(rates(&now, Some(&before)), (10.0, 0.5));
        assert_eq!(rates(&now, None), (0.0, 0.0));
        assert_eq!(rates(&before, Some(&now)), (0.0, 0.0), "a server that was started anew");
    }
}
