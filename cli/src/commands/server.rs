//! `server`: what only a daemon in the server role answers.

mod log;
mod top;

use assist_proto::api::limits;
use assist_proto::api::server::{
    DiskStatus, GetStats, GetStatus, Invitation, Invite, Mail, MailTried, Member, Members, ServerStats,
    ServerStatus,
};

use super::word;
use crate::args::{InviteArgs, ServerVerb};
use crate::error::{CliError, ErrorKind};
use crate::invocation::Invocation;
use crate::output::{Audience, Cell, Row, Times, Tone, neutral};

/// Does what was asked for.
pub(crate) fn run(verb: ServerVerb, invocation: &mut Invocation) -> Result<(), CliError> {
    let is_from_afar = matches!(verb, ServerVerb::Stats | ServerVerb::Log(_)) && invocation.project.is_some();
    if !is_from_afar {
        // A server is started on purpose, with the address it listens on: never by the way.
        invocation.forbid_start();
        if let Err(error) = invocation.client() {
            return Err(error.hint("a server runs by `assistd server run`; name its folder with `--home`"));
        }
    }
    match verb {
        ServerVerb::Status => status(invocation),
        ServerVerb::Stats => stats(invocation),
        ServerVerb::Top { interval, count } => top::run(interval, count, invocation),
        ServerVerb::Invite(args) => invite(args, invocation),
        ServerVerb::Mail { to } => mail(to, invocation),
        ServerVerb::Members => members(invocation),
        ServerVerb::Log(args) => log::show(args, invocation),
        ServerVerb::VerifyLog(args) => log::verify(args, invocation),
    }
}

fn status(invocation: &mut Invocation) -> Result<(), CliError> {
    invocation.output.check_fields::<ServerStatus>()?;
    let status = invocation.call(&GetStatus {})?;
    invocation.output.document(&status, |status, audience| {
        audience.facts(&[
            ("project", status.project.clone()),
            ("name", status.name.clone()),
            ("address", status.address.clone()),
            ("listening_on", status.listening_on.join(",")),
            ("log_id", status.log_id.clone()),
            ("head", status.head.to_string()),
            ("tickets", status.ticket_count.to_string()),
            ("members", status.member_count.to_string()),
            ("devices", status.device_count.to_string()),
            ("connected", status.connected_count.to_string()),
            ("mail_route", word(&status.mail.route)),
            ("mail_waiting", status.mail.waiting_count.to_string()),
            ("mail_sent", status.mail.sent_count.to_string()),
            ("mail_retried", status.mail.retried_count.to_string()),
            ("mail_failed", status.mail.failed_count.to_string()),
            ("mail_last_failure", status.mail.last_failure.clone().unwrap_or_default()),
            ("disk", disk_words(&status.disk, &audience)),
        ])
    })
}

fn stats(invocation: &mut Invocation) -> Result<(), CliError> {
    invocation.output.check_fields::<ServerStats>()?;
    let stats = invocation.call(&GetStats { project: invocation.project.clone() })?;
    invocation.output.document(&stats, |stats, audience| {
        let optional = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
        let backed_up = stats.backed_up_at_millis;
        audience.facts(&[
            ("uptime_seconds", (stats.uptime_millis / 1_000).to_string()),
            ("turns", stats.turn_count.to_string()),
            ("admitted", stats.admitted_count.to_string()),
            ("refused", stats.refused_count.to_string()),
            ("connected", stats.connected_count.to_string()),
            ("greeting", stats.greeting_count.to_string()),
            ("head", stats.head.to_string()),
            ("tickets", stats.ticket_count.to_string()),
            ("members", stats.member_count.to_string()),
            ("devices", stats.device_count.to_string()),
            ("ignored_packets", optional(stats.ignored_packet_count)),
            ("store_bytes", stats.store_bytes.to_string()),
            ("disk_free_bytes", stats.disk_free_bytes.to_string()),
            ("backed_up", backed_up.map(|at| audience.time(at)).unwrap_or_default()),
            ("mail_waiting", stats.mail.waiting_count.to_string()),
            ("mail_failed", stats.mail.failed_count.to_string()),
            ("disk", disk_words(&stats.disk, &audience)),
            ("disk_warn_bytes", stats.disk.warn_bytes.to_string()),
            ("disk_stop_bytes", stats.disk.stop_bytes.to_string()),
            ("version", stats.version.clone()),
        ])
    })
}

/// One word for scripts; for people what it means, too.
fn disk_words(disk: &DiskStatus, audience: &Audience) -> String {
    let state = word(&disk.state);
    audience.either(state.clone(), format!("{state}: {}", disk.detail))
}

/// Prints the code, or for people all that the invited person needs.
fn invite(args: InviteArgs, invocation: &mut Invocation) -> Result<(), CliError> {
    invocation.output.check_fields::<Invitation>()?;
    let InviteArgs { role, email, name } = args;
    let is_named = name.is_some();
    let invitation = invocation.call(&Invite { role, email, name })?;
    invocation.output.document(&invitation, |it, audience| invitation_lines(it, is_named, audience))
}

/// The code, or for people all that the invited person needs.
pub(super) fn invitation_lines(invitation: &Invitation, is_named: bool, audience: Audience) -> Vec<String> {
    match &audience {
        Audience::Script => vec![invitation.code.clone()],
        Audience::People(_) => vec![
            format!(
                "For one {} device, once, until {}:",
                word(&invitation.role),
                audience.time(invitation.expires_at_millis)
            ),
            format!("  {}", invitation.join_command(is_named)),
        ],
    }
}

/// Prints how it left; what the relay said otherwise is an error.
fn mail(to: String, invocation: &mut Invocation) -> Result<(), CliError> {
    invocation.output.check_fields::<MailTried>()?;
    let tried = invocation.call(&Mail { to })?;
    if let Some(failure) = &tried.failure {
        let message = format!("the mail was not taken at the first attempt: {}", neutral::line(failure));
        return Err(CliError::message(ErrorKind::Failed, message).hint(
            "a relay that is busy is asked again for ten minutes: `assist server status` shows how it goes",
        ));
    }
    invocation.output.document(&tried, |tried, _| vec![word(&tried.route)])
}

fn members(invocation: &mut Invocation) -> Result<(), CliError> {
    invocation.output.check_fields::<Member>()?;
    let mut members: Vec<Member> = Vec::new();
    loop {
        let offset = members.len() as u64;
        let page = invocation.call(&Members { offset, limit: Some(limits::PAGE_ROWS_MAX) })?;
        let is_last = page.members.is_empty();
        members.extend(page.members);
        if is_last || members.len() as u64 >= page.total {
            return invocation.output.rows(&members);
        }
    }
}

impl Row for Member {
    const HEADS: &'static [&'static str] = &["name", "email", "role", "devices", "connected", "id"];
    const FLEXIBLE: usize = 0;

    fn cells(&self, _times: &Times) -> Vec<Cell> {
        let connected = self.devices.iter().filter(|device| device.is_connected).count();
        let tone = if connected > 0 { Tone::Good } else { Tone::Dim };
        vec![
            Cell::new(&self.name, Tone::Strong),
            Cell::plain(&self.email),
            Cell::plain(word(&self.role)),
            Cell::plain(self.devices.len().to_string()),
            Cell::new(connected.to_string(), tone),
            Cell::dim(&self.id),
        ]
    }

    fn values(&self) -> Vec<String> {
        let connected = self.devices.iter().filter(|device| device.is_connected).count();
        vec![
            self.id.clone(),
            self.name.clone(),
            self.email.clone(),
            word(&self.role),
            self.devices.len().to_string(),
            connected.to_string(),
        ]
    }
}
