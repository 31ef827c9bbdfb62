//! `server log`, `server verify-log`: what the server decided, and whether that is still what it wrote.

use assist_proto::api::limits;
use assist_proto::api::server::log::{GetLog, LogActor, LogEntry, LogProof, LogVerified, LogWord, VerifyLog};

use super::super::word;
use crate::args::log::{LogArgs, VerifyLogArgs};
use crate::error::{CliError, ErrorKind};
use crate::invocation::Invocation;
use crate::output::{Cell, Row, Times, Tone, exact, neutral};

/// Prints entries, oldest first.
pub(super) fn show(args: LogArgs, invocation: &mut Invocation) -> Result<(), CliError> {
    invocation.output.check_fields::<LogEntry>()?;
    let LogArgs { limit, after, before, refused, admin, device, user } = args;
    let project = invocation.project.clone();
    let mut ask = GetLog { project, after, before, limit: None, refused, acts: admin, device, user };
    let mut entries: Vec<LogEntry> = Vec::new();
    let mut left = limit;
    while left > 0 {
        ask.limit = Some(left.min(limits::LOG_ENTRIES_MAX));
        let page = invocation.call(&ask)?;
        left = left.saturating_sub(u32::try_from(page.entries.len()).unwrap_or(u32::MAX));
        if after.is_some() {
            entries.extend(page.entries);
            ask.after = page.next;
        } else {
            entries.splice(..0, page.entries);
            ask.before = page.next;
        }
        if page.next.is_none() {
            break;
        }
    }
    invocation.output.rows(&entries)
}

/// Prints the log's end; what is wrong is an error.
pub(super) fn verify(args: VerifyLogArgs, invocation: &mut Invocation) -> Result<(), CliError> {
    invocation.output.check_fields::<LogVerified>()?;
    let verified = invocation.call(&VerifyLog { witness: args.witness })?;
    if let Some(problem) = &verified.problem {
        let message =
            format!("the admission log is not what was written: {}", neutral::line(&problem.message));
        return Err(CliError::message(ErrorKind::Failed, message)
            .hint("keep the folder as it is, and compare with the newest backup in which it is whole"));
    }
    invocation.output.document(&verified, |verified, audience| {
        audience.facts(&[
            ("entries", verified.entry_count.to_string()),
            ("head", verified.head.clone().unwrap_or_default()),
            ("signed", verified.signed_at_millis.map(|at| audience.time(at)).unwrap_or_default()),
        ])
    })
}

impl Row for LogEntry {
    const HEADS: &'static [&'static str] = &["nr", "when", "what", "who", "about"];
    const FLEXIBLE: usize = 4;

    fn cells(&self, times: &Times) -> Vec<Cell> {
        let tone = match self.what {
            LogWord::Refused | LogWord::RefusedMore => Tone::Bad,
            LogWord::Admitted => Tone::Plain,
            _ => Tone::Notable,
        };
        vec![
            Cell::dim(self.number.to_string()),
            Cell::plain(times.relative(self.at_millis)),
            Cell::new(word(&self.what).replace('_', " "), tone),
            Cell::new(self.by.as_ref().map_or_else(|| "the operator".to_owned(), named), Tone::Strong),
            Cell::plain(about(self)),
        ]
    }

    fn values(&self) -> Vec<String> {
        let by = self.by.clone().unwrap_or_default();
        let of = self.of.clone().unwrap_or_default();
        vec![
            self.number.to_string(),
            exact(self.at_millis),
            word(&self.what),
            by.user.unwrap_or_default(),
            by.device.unwrap_or_default(),
            by.role.as_ref().map(word).unwrap_or_default(),
            of.user.unwrap_or_default(),
            of.device.unwrap_or_default(),
            self.role.as_ref().map(word).unwrap_or_default(),
            self.change.clone().unwrap_or_default(),
            self.ticket.clone().unwrap_or_default(),
            self.code.clone().or_else(|| self.count.map(|count| count.to_string())).unwrap_or_default(),
        ]
    }
}

/// A person, by name if that is known, else by what is.
fn named(actor: &LogActor) -> String {
    let device =
        || actor.device.as_ref().and_then(|id| id.get(..ID_CHARS_SHOWN)).unwrap_or_default().to_owned();
    let person = actor.user_name.clone().or_else(|| actor.user.clone());
    match (person, &actor.device_name) {
        (Some(person), Some(device)) => format!("{person} ({device})"),
        (Some(person), None) => person,
        (None, Some(device)) => device.clone(),
        (None, None) => format!("device {}", device()),
    }
}

/// What else there is to say.
fn about(entry: &LogEntry) -> String {
    let of = entry.of.as_ref().or(entry.by.as_ref()).map(named).unwrap_or_default();
    let role = entry.role.as_ref().map(word).unwrap_or_default();
    let count = entry.count.unwrap_or_default();
    match entry.what {
        LogWord::Admitted => match entry.ticket_number {
            Some(number) => format!("#{number}"),
            None if entry.ticket.is_some() => "a ticket".to_owned(),
            None => "the project".to_owned(),
        },
        LogWord::Refused => entry.code.as_deref().unwrap_or_default().replace('_', " "),
        LogWord::RefusedMore => format!("{count} more"),
        LogWord::BackedUp => format!("up to place {}", entry.place.unwrap_or_default()),
        LogWord::TakenUp => format!("behind place {}", entry.place.unwrap_or_default()),
        LogWord::Invited => format!("as {role}"),
        LogWord::Uninvited if count == 1 => "one invitation".to_owned(),
        LogWord::Uninvited => format!("{count} invitations"),
        LogWord::Enrolled => {
            let whom = entry.of.as_ref().map(|of| named(of) + " ").unwrap_or_default();
            let proof = entry.proof.map(by_proof).unwrap_or_default();
            format!("{whom}as {role}, {proof}")
        }
        LogWord::TurnedAway | LogWord::ShutOut | LogWord::Removed => of,
        LogWord::RoleGiven => format!("{of} is {role}"),
        LogWord::Made
        | LogWord::Recovered
        | LogWord::Restored
        | LogWord::Retired
        | LogWord::Moved
        | LogWord::Other => String::new(),
    }
}

const fn by_proof(proof: LogProof) -> &'static str {
    match proof {
        LogProof::Own => "the server's own",
        LogProof::Code => "by a code",
        LogProof::Mail => "by mail",
        LogProof::Approval => "by approval",
        LogProof::Certificate => "by its certificate",
    }
}

/// Enough of a device's id to name it.
const ID_CHARS_SHOWN: usize = 8;
