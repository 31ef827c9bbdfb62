//! The hubs' notices as the events that front ends follow, with the names and numbers that people know.

use std::collections::BTreeMap;

use assist_crdt_model::{ProjectId, TicketId, UserId};
use assist_proto::api::events::{self, News};
use assist_proto::api::ticket::TicketRef;
use assist_proto::hub::{Cause, Notice, Notification};
use assist_proto::store::{DraftId, StoreResult};

use super::Chain;
use crate::api_server::EventFeed;
use crate::store::{DeviceReads as _, Reader, Store};

/// Publishes what a committed turn brought. What cannot be read is told with less: an event is only a hint.
pub(crate) fn publish(notices: Vec<Notice>, store: &Store, feed: &EventFeed) {
    if notices.is_empty() {
        return;
    }
    let reader = match store.read() {
        Ok(reader) => reader,
        Err(error) => {
            tracing::error!(error = %Chain(&error), "events are lost: the store cannot be read");
            return feed.publish(News::Reset {});
        }
    };
    let mut names = Names { reader, tickets: BTreeMap::new() };
    for notice in notices {
        match names.news_of(notice) {
            Ok(Some(news)) => feed.publish(news),
            Ok(None) => {}
            Err(error) => tracing::error!(error = %Chain(&error), "an event is lost"),
        }
    }
}

struct Names {
    reader: Reader,
    /// One turn often speaks of one ticket several times.
    tickets: BTreeMap<(ProjectId, TicketId), TicketRef>,
}

impl Names {
    fn news_of(&mut self, notice: Notice) -> StoreResult<Option<News>> {
        Ok(Some(match notice {
            Notice::TicketChanged { project, ticket, cause, by } => News::TicketChanged {
                ticket: self.ticket(project, ticket)?,
                cause: cause_of(cause, by),
                actor: self.actor(project, by)?,
            },
            Notice::CommentAdded { project, ticket, comment, cause, by } => News::CommentAdded {
                ticket: self.ticket(project, ticket)?,
                comment: comment.to_string(),
                cause: cause_of(cause, Some(by)),
                actor: self.actor(project, Some(by))?,
            },
            Notice::NoteAdded { project, ticket, note, cause, by } => News::NoteAdded {
                ticket: self.ticket(project, ticket)?,
                note: note.to_string(),
                cause: cause_of(cause, Some(by)),
                actor: self.actor(project, Some(by))?,
            },
            Notice::Notification(notification) => self.notification(notification)?,
            Notice::AttachmentChanged { project, ticket, blob } => {
                News::AttachmentChanged { ticket: self.ticket(project, ticket)?, blob: blob.to_string() }
            }
            Notice::TicketRead { project, ticket, by, at } => News::TicketRead {
                ticket: self.ticket(project, ticket)?,
                actor: self.actor(project, Some(by))?,
                at_millis: at.0,
            },
            Notice::PresenceChanged { project, ticket } => News::PresenceChanged {
                project: project.to_string(),
                ticket: ticket.map(|ticket| ticket.to_string()),
            },
            Notice::SyncChanged { project } => News::SyncChanged { project: project.to_string() },
            Notice::ProjectChanged { project } => News::ProjectChanged {
                project: project.to_string(),
                cause: events::Cause::Remote,
                actor: None,
            },
            Notice::DeviceNews { project, device, name, is_waiting } => News::DeviceAdded {
                project: project.to_string(),
                device: device.to_string(),
                name,
                is_waiting,
            },
            Notice::DraftRemoved { project, change } => {
                News::DraftRemoved { project: project.to_string(), draft: change.to_string() }
            }
            Notice::DraftAdded { project, draft } => return self.draft(project, draft),
        }))
    }

    fn notification(&mut self, notification: Notification) -> StoreResult<News> {
        let Notification { project, ticket, reason, comment, by, at } = notification;
        Ok(News::NotificationAdded {
            ticket: self.ticket(project, ticket)?,
            reason: reason.into(),
            is_note: comment.as_ref().is_some_and(|text| text.is_note),
            comment: comment.as_ref().map(|text| text.comment.to_string()),
            excerpt: comment.map(|text| text.excerpt),
            actor: self.actor(project, by)?,
            at_millis: at.0,
        })
    }

    fn draft(&mut self, project: ProjectId, id: DraftId) -> StoreResult<Option<News>> {
        let Some(draft) = self.reader.draft(id)? else { return Ok(None) };
        let ticket = match draft.doc.ticket() {
            Some(ticket) => Some(self.ticket(project, ticket)?),
            None => None,
        };
        let (project, message) = (project.to_string(), draft.reason);
        Ok(Some(News::DraftAdded { project, draft: draft.change.to_string(), ticket, message }))
    }

    fn ticket(&mut self, project: ProjectId, ticket: TicketId) -> StoreResult<TicketRef> {
        if let Some(known) = self.tickets.get(&(project, ticket)) {
            return Ok(known.clone());
        }
        let row = self.reader.row(&project, ticket)?;
        let known = TicketRef {
            project: project.to_string(),
            id: ticket.to_string(),
            short_id: ticket.short(),
            number: row.as_ref().and_then(|row| row.number).map(u64::from),
            title: row.map(|row| row.title).unwrap_or_default(),
        };
        self.tickets.insert((project, ticket), known.clone());
        Ok(known)
    }

    fn actor(&self, project: ProjectId, by: Option<UserId>) -> StoreResult<Option<String>> {
        let Some(user) = by else { return Ok(None) };
        Ok(self.reader.member(&project, user)?.map(|member| member.name))
    }
}

/// A change of nobody is one of how far things have come.
const fn cause_of(cause: Cause, by: Option<UserId>) -> events::Cause {
    match (by, cause) {
        (_, Cause::Resurfaced) => events::Cause::Resurfaced,
        (None, _) => events::Cause::Delivery,
        (Some(_), Cause::Local) => events::Cause::Local,
        (Some(_), Cause::Remote) => events::Cause::Remote,
    }
}
