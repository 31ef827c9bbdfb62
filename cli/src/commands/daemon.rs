//! `daemon`: the process that holds the tickets.

use assist_proto::api::Done;
use assist_proto::api::daemon::{DaemonStatus, GetStatus, OverlayStatus, Stop};
use assist_proto::client::{Client, ClientError};

use super::word;
use crate::args::DaemonVerb;
use crate::daemon_process;
use crate::error::CliError;
use crate::invocation::Invocation;
use crate::output::{neutral, span};

/// Does what was asked for.
pub(crate) fn run(verb: &DaemonVerb, invocation: &mut Invocation) -> Result<(), CliError> {
    match verb {
        DaemonVerb::Run => Err(daemon_process::run_in_place(&invocation.home)),
        DaemonVerb::Start => start(invocation),
        DaemonVerb::Stop => stop(invocation),
        DaemonVerb::Status => {
            invocation.output.check_fields::<DaemonStatus>()?;
            let status = Client::connect(invocation.home.socket())?.call(&GetStatus {})?;
            print_status(&status, invocation)
        }
    }
}

fn start(invocation: &mut Invocation) -> Result<(), CliError> {
    invocation.output.check_fields::<DaemonStatus>()?;
    let mut client = match Client::connect(invocation.home.socket()) {
        Err(ClientError::NotRunning { .. }) => {
            daemon_process::start(&invocation.home, &mut invocation.output)?
        }
        connected => {
            let client = connected?;
            invocation.output.say("the daemon was running already");
            client
        }
    };
    let status = client.call(&GetStatus {})?;
    print_status(&status, invocation)
}

/// Succeeds when no daemon runs in the end, even if none ran before.
fn stop(invocation: &mut Invocation) -> Result<(), CliError> {
    invocation.output.check_fields::<Done>()?;
    match daemon_process::wait_for_holder(&invocation.home)? {
        None => invocation.output.say("no daemon was running"),
        Some(mut client) => {
            client.call(&Stop {})?;
            daemon_process::wait_until_gone(&invocation.home)?;
            invocation.output.say("stopped the daemon");
        }
    }
    invocation.output.document(&Done {}, |_, _| Vec::new())
}

fn print_status(status: &DaemonStatus, invocation: &mut Invocation) -> Result<(), CliError> {
    invocation.output.document(status, |status, audience| {
        let roles: Vec<String> = status.roles.iter().map(word).collect();
        let mut facts = vec![
            ("version", status.version.clone()),
            ("api_version", status.api_version.clone()),
            ("pid", status.pid.to_string()),
            ("home", status.home.clone()),
            ("roles", roles.join(",")),
            ("device_id", status.device_id.clone()),
            ("started_at", audience.time(status.started_at_millis)),
            ("uptime", audience.either(status.uptime_millis.to_string(), span(status.uptime_millis / 1000))),
            ("store_size_bytes", status.store_size_bytes.to_string()),
        ];
        facts.extend(status.overlay.iter().flat_map(overlay_facts));
        if let Some(scrub) = &status.scrub {
            facts.push(("scrubbed", audience.time(scrub.at_millis)));
            facts.push(("scrub_problems", scrub.problem_count.to_string()));
            facts.extend(
                scrub
                    .first_problem
                    .iter()
                    .map(|first| ("scrub_first_problem", neutral::line(first).into_owned())),
            );
        }
        audience.facts(&facts)
    })
}

/// What a daemon that knows of the overlay says of it.
fn overlay_facts(overlay: &OverlayStatus) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("overlay", word(&overlay.state)),
        ("overlay_mode", overlay.mode.clone()),
        ("overlay_address", overlay.address.clone().unwrap_or_default()),
        ("overlay_detail", overlay.detail.clone()),
        ("overlay_help", overlay.help.clone().unwrap_or_default()),
    ];
    facts.extend(overlay.ignored_packets.map(|count| ("ignored_packets", count.to_string())));
    facts
}
