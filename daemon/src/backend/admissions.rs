//! `server.log` and `server.verifylog`: the admission log in the words of the local API.

use std::collections::BTreeMap;

use assist_crdt_model::{DeviceId, RejectCode, Role, UserId};
use assist_proto::admission::{Checked, Entry, Event, FaultKind, Head, Proof};
use assist_proto::api::ApiError;
use assist_proto::api::limits;
use assist_proto::api::server::log::{
    GetLog, LogActor, LogEntry, LogPage, LogProblem, LogProblemKind, LogProof, LogVerified, LogWord,
    VerifyLog,
};
use assist_proto::hub::{AdminCommand, AdminReply};
use assist_proto::wire::admission::{LogLine, LogWindow, ReadLog};
use assist_proto::wire::ask::{Request, Response, Who};
use tokio::task::spawn_blocking;

use super::LocalBackend;
use super::errors::{Answer, Failure, of_id};
use super::member::other_answer;
use super::server::{Asked, far, of_backup};
use crate::admissions::{self, LogChecked, LogFault, head_from_text, head_text};
use crate::api_server::Handle;

impl Handle<GetLog> for LocalBackend {
    async fn handle(&self, params: GetLog) -> Result<LogPage, ApiError> {
        let asked = self.asked_server(params.project.as_deref())?;
        let read = read_log(params)?;
        let window = match asked {
            Asked::Here => {
                let reply = self.driver.admin(AdminCommand::ReadLog(read)).await.map_err(Failure::from)?;
                match reply.map_err(Failure::from)? {
                    AdminReply::Log(window) => window,
                    _ => return Err(other_answer().into()),
                }
            }
            Asked::There(project) => match self.ask(project, Request::ReadLog(read)).await.map_err(far)? {
                Response::Log(window) => window,
                _ => return Err(other_answer().into()),
            },
        };
        Ok(page(*window)?)
    }
}

impl Handle<VerifyLog> for LocalBackend {
    async fn handle(&self, params: VerifyLog) -> Result<LogVerified, ApiError> {
        self.server()?;
        let witness = params.witness.map(|text| {
            head_from_text(&text).ok_or_else(|| {
                ApiError::invalid_params("bad_witness", "a witness is <number>:<hash>, as `head` of the log")
                    .with_field("witness")
            })
        });
        let witness = witness.transpose()?;
        let (home, store) = (self.info.home.clone(), self.driver.store().clone());
        let checking = spawn_blocking(move || admissions::check(&home, &store.read()?, witness)).await;
        Ok(verified(checking.map_err(|_| Failure::stopping())?.map_err(of_backup)?))
    }
}

/// What is asked, in the words of the wire.
fn read_log(params: GetLog) -> Result<ReadLog, ApiError> {
    let GetLog { project: _, after, before, limit, refused, acts, device, user } = params;
    let limit = limit.unwrap_or(limits::LOG_ENTRIES_DEFAULT);
    if !(1..=limits::LOG_ENTRIES_MAX).contains(&limit) {
        let message = format!("a page has 1 to {} entries", limits::LOG_ENTRIES_MAX);
        return Err(ApiError::invalid_params("bad_limit", message).with_field("limit"));
    }
    let device = device.map(|id| id.trim().parse()).transpose().map_err(of_id("device"))?;
    let who = user.map(|text| who(text.trim())).transpose()?;
    Ok(ReadLog { before, after, limit, refused, acts, device, who })
}

fn who(text: &str) -> Result<Who, ApiError> {
    if text.contains('@') {
        return Ok(Who::Email(text.to_owned()));
    }
    Ok(Who::User(text.parse().map_err(of_id("user"))?))
}

/// A part of a log, with the names that came with it.
fn page(window: LogWindow) -> Answer<LogPage> {
    let names = Names {
        people: window.people.into_iter().map(|named| (named.user, named.name)).collect(),
        devices: window.devices.into_iter().map(|named| (named.device, named.name)).collect(),
    };
    let head = match &window.head {
        Some(signed) => Some(head_text(Head::of(signed).map_err(|_| unreadable())?)),
        None => None,
    };
    let entries = window.lines.into_iter().map(|line| names.entry(line));
    Ok(LogPage { entries: entries.collect::<Answer<_>>()?, next: window.next, head })
}

/// What those are called of whom entries tell.
struct Names {
    people: BTreeMap<UserId, String>,
    devices: BTreeMap<DeviceId, String>,
}

impl Names {
    fn entry(&self, line: LogLine) -> Answer<LogEntry> {
        let entry = Entry::decode(&line.entry).map_err(|_| unreadable())?;
        let event = &entry.event;
        let by = entry
            .by
            .map(|by| self.actor(by.member.map(|it| it.0), by.member.map(|it| it.1), Some(by.device)));
        let is_self = event.device().is_some() && event.device() == entry.by.map(|by| by.device);
        let of = (event.device().is_some() || event.user().is_some()) && !is_self;
        let of = of.then(|| self.actor(event.user(), None, event.device()));
        let (place, count) = match *event {
            Event::Admitted { seq, .. }
            | Event::TakenUp { head: seq, .. }
            | Event::BackedUp { head: seq } => (Some(seq.0), None),
            Event::RefusedMore { count } | Event::Uninvited { count } => (None, Some(count)),
            _ => (None, None),
        };
        Ok(LogEntry {
            number: entry.number,
            at_millis: entry.at.0,
            what: word(event),
            by,
            of,
            change: event.change().map(|change| change.to_string()),
            ticket: line.ticket.map(|ticket| ticket.to_string()),
            ticket_number: line.number,
            place,
            code: code(event),
            count,
            role: event.role().map(Into::into),
            proof: proof(event),
        })
    }

    fn actor(&self, user: Option<UserId>, role: Option<Role>, device: Option<DeviceId>) -> LogActor {
        LogActor {
            user: user.map(|user| user.to_string()),
            user_name: user.and_then(|user| self.people.get(&user).cloned()),
            role: role.map(Into::into),
            device: device.map(|device| device.to_string()),
            device_name: device.and_then(|device| self.devices.get(&device).cloned()),
        }
    }
}

const fn word(event: &Event) -> LogWord {
    match event {
        Event::Admitted { .. } => LogWord::Admitted,
        Event::Refused { .. } => LogWord::Refused,
        Event::RefusedMore { .. } => LogWord::RefusedMore,
        Event::Made { .. } => LogWord::Made,
        Event::TakenUp { .. } => LogWord::TakenUp,
        Event::Recovered { .. } => LogWord::Recovered,
        Event::Restored { .. } => LogWord::Restored,
        Event::BackedUp { .. } => LogWord::BackedUp,
        Event::Retired => LogWord::Retired,
        Event::Moved => LogWord::Moved,
        Event::Invited { .. } => LogWord::Invited,
        Event::Uninvited { .. } => LogWord::Uninvited,
        Event::Enrolled { .. } => LogWord::Enrolled,
        Event::TurnedAway { .. } => LogWord::TurnedAway,
        Event::ShutOut { .. } => LogWord::ShutOut,
        Event::RoleGiven { .. } => LogWord::RoleGiven,
        Event::Removed { .. } => LogWord::Removed,
        Event::Other { .. } => LogWord::Other,
    }
}

fn code(event: &Event) -> Option<String> {
    let Event::Refused { code, .. } = event else { return None };
    Some(RejectCode::from_number(*code).map_or_else(|| code.to_string(), |code| code.as_str().to_owned()))
}

const fn proof(event: &Event) -> Option<LogProof> {
    let Event::Enrolled { how, .. } = event else { return None };
    Some(match how {
        Proof::Own => LogProof::Own,
        Proof::Code => LogProof::Code,
        Proof::Mail => LogProof::Mail,
        Proof::Approval => LogProof::Approval,
        Proof::Certificate => LogProof::Certificate,
    })
}

/// What a check came to, in the words of the local API.
fn verified(checked: LogChecked) -> LogVerified {
    let entry_count = checked.entries;
    match checked.outcome {
        Ok(Checked { head, signed_at }) => LogVerified {
            entry_count,
            head: Some(head_text(head)),
            signed_at_millis: Some(signed_at.0),
            problem: None,
        },
        Err(fault) => {
            let problem =
                LogProblem { number: fault.number(), kind: kind(&fault), message: fault.to_string() };
            LogVerified { entry_count, problem: Some(problem), ..LogVerified::default() }
        }
    }
}

const fn kind(fault: &LogFault) -> LogProblemKind {
    match fault {
        LogFault::Chain(fault) => match fault.kind {
            FaultKind::Missing => LogProblemKind::Missing,
            FaultKind::Moved => LogProblemKind::Moved,
            FaultKind::Twice => LogProblemKind::Twice,
            FaultKind::Changed => LogProblemKind::Changed,
            FaultKind::Unreadable => LogProblemKind::Unreadable,
            FaultKind::Cut => LogProblemKind::Cut,
            FaultKind::Unsigned => LogProblemKind::Unsigned,
            FaultKind::Rewritten => LogProblemKind::Rewritten,
            FaultKind::NoHead => LogProblemKind::NoHead,
        },
        LogFault::NotThere { .. } => LogProblemKind::NotThere,
        LogFault::NotLetIn(_) => LogProblemKind::NotLetIn,
    }
}

fn unreadable() -> Failure {
    Failure::unforeseen("an entry of the admission log cannot be read")
}
