//! `presence.*`: who is there. All of it is in the memory of the driver's hub.

use assist_crdt_model::TicketId;
use assist_proto::api::presence::{
    Doing, List, PresenceList, PresentPerson, ProjectPresence, Set, SetDoing, TicketPresence,
};
use assist_proto::api::ticket::Patch;
use assist_proto::api::{ApiError, Done};
use assist_proto::hub::{Command, PresenceView, PresenceWord, Reply};
use assist_proto::limits::STATUS_CHARS_MAX;
use assist_proto::store::Membership;
use assist_proto::wire::presence::{self as wire, People, status_line};

use super::errors::{Answer, Failure, invalid};
use super::rows::Names;
use super::{LocalBackend, reference};
use crate::api_server::Handle;
use crate::store::Reader;

impl Handle<Set> for LocalBackend {
    async fn handle(&self, params: Set) -> Result<Done, ApiError> {
        for (project, word) in words(&self.reader()?, &params)? {
            self.command(Command::SetPresence { project, word }).await?;
        }
        Ok(Done {})
    }
}

impl Handle<List> for LocalBackend {
    async fn handle(&self, params: List) -> Result<PresenceList, ApiError> {
        let reader = self.reader()?;
        let (projects, only) = meant(&reader, &params)?;
        drop(reader);
        let mut list = PresenceList::default();
        for own in projects {
            let Reply::Presence(view) = self.command(Command::Presence { project: own.project }).await?
            else {
                return Err(Failure::unforeseen("presence was asked for and is not what came").into());
            };
            show(&self.reader()?, &own, view, only, &mut list)?;
        }
        list.projects.sort_by(|left, right| (&left.name, &left.project).cmp(&(&right.name, &right.project)));
        Ok(list)
    }
}

type Word = (assist_crdt_model::ProjectId, PresenceWord);

/// What is to be said where.
fn words(reader: &Reader, params: &Set) -> Answer<Vec<Word>> {
    let mut words = Vec::new();
    let projects = match &params.ticket {
        Some(ticket) => {
            let (own, ticket) = reference::ticket(reader, params.project.as_deref(), ticket, "ticket")?;
            words.push((own.project, PresenceWord::At { ticket, doing: doing_at(params.doing)? }));
            vec![own]
        }
        None => reference::projects(reader, params.project.as_deref())?,
    };
    let status = match &params.status {
        Patch::Keep => None,
        Patch::Clear => Some(None),
        Patch::Set(text) => Some(Some(status(text)?)),
    };
    for own in projects {
        if let Some(status) = &status {
            words.push((own.project, PresenceWord::Status(status.clone())));
        }
        if params.ticket.is_none() {
            match params.doing {
                Some(SetDoing::Here) => words.push((own.project, PresenceWord::Here)),
                Some(SetDoing::Gone) => words.push((own.project, PresenceWord::Gone)),
                Some(_) => {
                    return Err(invalid(
                        "ticket_missing",
                        "ticket",
                        "say at which ticket the user does that",
                    ));
                }
                None => {}
            }
        }
    }
    Ok(words)
}

fn doing_at(doing: Option<SetDoing>) -> Answer<Option<wire::Doing>> {
    Ok(match doing {
        None | Some(SetDoing::Viewing) => Some(wire::Doing::Viewing),
        Some(SetDoing::Typing) => Some(wire::Doing::Typing),
        Some(SetDoing::TypingNote) => Some(wire::Doing::TypingNote),
        Some(SetDoing::Gone) => None,
        Some(SetDoing::Here) => {
            return Err(invalid(
                "not_at_a_ticket",
                "doing",
                "at a ticket the user is viewing, typing or gone",
            ));
        }
    })
}

fn status(text: &str) -> Answer<String> {
    if text.chars().any(char::is_control) || text.trim().chars().count() > STATUS_CHARS_MAX {
        let message = format!("a status is one line of at most {STATUS_CHARS_MAX} characters");
        return Err(invalid("bad_status", "status", message));
    }
    status_line(text)
        .ok_or_else(|| invalid("text_empty", "status", "the status is empty: null takes it back"))
}

/// Of which projects, and of which ticket alone.
fn meant(reader: &Reader, params: &List) -> Answer<(Vec<Membership>, Option<TicketId>)> {
    match &params.ticket {
        Some(ticket) => {
            let (own, ticket) = reference::ticket(reader, params.project.as_deref(), ticket, "ticket")?;
            Ok((vec![own], Some(ticket)))
        }
        None => Ok((reference::projects(reader, params.project.as_deref())?, None)),
    }
}

fn show(
    reader: &Reader,
    own: &Membership,
    view: PresenceView,
    only: Option<TicketId>,
    list: &mut PresenceList,
) -> Answer<()> {
    let mut names = Names::new(reader);
    for told in view.tickets.into_iter().filter(|told| only.is_none_or(|ticket| ticket == told.ticket)) {
        let is_there = view.own.iter().any(|own| own.ticket == told.ticket);
        let (count, people) = others(&mut names, own, told.people, is_there)?;
        if count > 0 {
            let ticket = names.ticket(own.project, told.ticket)?;
            list.tickets.push(TicketPresence { ticket, count, people });
        }
    }
    let (count, people) = others(&mut names, own, view.team, false)?;
    let (project, name) = (own.project.to_string(), own.name.clone());
    let (is_known, own_status) = (view.is_known, view.own_status);
    list.projects.push(ProjectPresence { project, name, is_known, own_status, count, people });
    Ok(())
}

/// All but the user of this device.
fn others(
    names: &mut Names<'_>,
    own: &Membership,
    people: People,
    is_there: bool,
) -> Answer<(u64, Vec<PresentPerson>)> {
    let is_self = |person: &wire::PresentPerson| person.user == own.user;
    let is_counted = is_there || people.named.iter().any(is_self);
    let count = u64::from(people.count).saturating_sub(u64::from(is_counted));
    let others = people.named.into_iter().filter(|person| !is_self(person));
    let show = |person: wire::PresentPerson| {
        Ok(PresentPerson {
            user: names.user(own.project, person.user)?,
            doing: match person.doing {
                wire::Doing::Away => Doing::Away,
                wire::Doing::Online => Doing::Online,
                wire::Doing::Viewing => Doing::Viewing,
                wire::Doing::TypingNote => Doing::TypingNote,
                wire::Doing::Typing => Doing::Typing,
            },
            // A server may send what it likes.
            status: person.status.as_deref().and_then(status_line),
        })
    };
    Ok((count, others.map(show).collect::<Answer<_>>()?))
}
