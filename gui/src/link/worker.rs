//! A thread that asks the daemon one thing after the other.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};

use assist_proto::api::project::Confirmed;
use assist_proto::api::ticket;
use assist_proto::api::{attachment, comment, draft, note, presence, project, sync, user, view};
use assist_proto::client::{Client, ClientError, Home};

use super::{Done, Failure, Overview, Reply, Request, Wake, Whole, Write, files};
use crate::limits;
use crate::memory::Keeper;
use crate::route::{TicketKey, View};
use crate::state::Rewriting;

pub(super) struct Worker {
    home: Home,
    keeper: Arc<Keeper>,
    requests: Receiver<Request>,
    replies: SyncSender<Reply>,
    wake: Wake,
    client: Option<Client>,
}

impl Worker {
    pub(super) fn new(
        home: Home,
        keeper: Arc<Keeper>,
        requests: Receiver<Request>,
        replies: SyncSender<Reply>,
        wake: Wake,
    ) -> Self {
        Self { home, keeper, requests, replies, wake, client: None }
    }

    pub(super) fn run(mut self) {
        while let Ok(request) = self.requests.recv() {
            let Some(reply) = self.answer(request) else { continue };
            if self.replies.send(reply).is_err() {
                return;
            }
            (self.wake)();
        }
    }

    fn answer(&mut self, request: Request) -> Option<Reply> {
        Some(match request {
            Request::Overview => Reply::Overview(self.overview()),
            Request::People { project } => Reply::People { outcome: self.people(&project), project },
            Request::Roster { project } => Reply::Roster { outcome: self.roster(&project), project },
            Request::Health { project } => Reply::Health { outcome: self.health(&project), project },
            Request::Log { project, part } => Reply::Log { outcome: self.log(&project, part), project, part },
            Request::Drafts => Reply::Drafts(self.call(&draft::List::default()).map(|drafts| drafts.drafts)),
            Request::Rows { serial, page, list } => Reply::Rows { serial, page, outcome: self.call(&*list) },
            Request::Counts { project, views } => {
                Reply::Counts { outcome: self.counts(project.as_deref(), views), project }
            }
            Request::Ticket { key, has_notes } => {
                Reply::Ticket { outcome: self.ticket(&key, has_notes), key }
            }
            Request::History(key) => Reply::History { outcome: self.history(&key), key },
            Request::Past { key, change } => Reply::Past { outcome: self.past(&key, &change), key, change },
            Request::MarkRead { key, through } => {
                let read = ticket::MarkRead {
                    project: Some(key.project.clone()),
                    ticket: key.ticket.clone(),
                    through: Some(through),
                };
                self.call(&read).err().map(|_| Reply::NotRead(key))?
            }
            Request::Store { slot, id, source } => {
                Reply::Stored { outcome: files::store(&self.home, &source), slot, id }
            }
            Request::Save { blob, name, folder } => {
                Reply::Saved(files::save(&self.home, &blob, &name, &folder))
            }
            Request::Picture(picture) => {
                Reply::Picture { outcome: files::picture(&self.home, &picture), picture }
            }
            Request::Presence(key) => Reply::Presence { outcome: self.presence(&key), key },
            // Threads of their own do these.
            Request::Pick(_) | Request::Show(_) => return None,
            Request::Write(write) => Reply::Written { outcome: self.write(&write), write },
            Request::Remember(memory) => {
                self.keeper.keep(*memory).err().map(|error| Reply::NotRemembered(error.to_string()))?
            }
        })
    }

    fn overview(&mut self) -> Result<Overview, Failure> {
        Ok(Overview {
            projects: self.call(&project::List {})?.projects,
            pending: self.call(&project::ListPending {})?.joins,
            syncs: self.call(&sync::GetStatus::default())?.projects,
            views: self.call(&view::List::default())?.views,
        })
    }

    fn rewrite(&mut self, key: &TicketKey, rewriting: &Rewriting) -> Result<Done, Failure> {
        let (project, ticket) = (Some(key.project.clone()), key.ticket.clone());
        let Rewriting { comment, is_note, text, .. } = rewriting.clone();
        match (text, is_note) {
            (Some(body), false) => {
                self.call(&comment::Edit { project, ticket, comment, body }).map(|_| Done::Plain)
            }
            (Some(body), true) => {
                self.call(&note::Edit { project, ticket, note: comment, body }).map(|_| Done::Plain)
            }
            (None, false) => self.call(&comment::Delete { project, ticket, comment }).map(|_| Done::Plain),
            (None, true) => self.call(&note::Delete { project, ticket, note: comment }).map(|_| Done::Plain),
        }
    }

    fn people(&mut self, id: &str) -> Result<(Vec<user::User>, Box<project::ProjectDetails>), Failure> {
        let users = self.call(&user::List { project: Some(id.to_owned()) })?.users;
        let details = self.call(&project::Get { project: Some(id.to_owned()) })?;
        Ok((users, Box::new(details)))
    }

    fn counts(&mut self, project: Option<&str>, views: &[View]) -> Result<Vec<(View, u64)>, Failure> {
        let mut counts = Vec::with_capacity(views.len());
        for view in views {
            let list = ticket::List {
                project: project.map(str::to_owned),
                query: (!view.query().is_empty()).then(|| view.query().to_owned()),
                limit: Some(1),
                ..ticket::List::default()
            };
            counts.push((*view, self.call(&list)?.total));
        }
        Ok(counts)
    }

    fn ticket(&mut self, key: &TicketKey, has_notes: bool) -> Result<Box<Whole>, Failure> {
        let get = ticket::Get {
            project: Some(key.project.clone()),
            ticket: key.ticket.clone(),
            ..ticket::Get::default()
        };
        let ticket = self.call(&get)?;
        let mut notes = Vec::new();
        if has_notes && ticket.note_count > 0 {
            let list = note::List {
                project: Some(key.project.clone()),
                ticket: key.ticket.clone(),
                // The newest are what counts, should there be more.
                offset: ticket.note_count.saturating_sub(u64::from(limits::NOTES_MAX)),
                limit: Some(limits::NOTES_MAX),
            };
            notes = self.call(&list)?.notes;
        }
        let mut files = Vec::new();
        if ticket.comments.iter().chain(&notes).any(|text| !text.attachments.is_empty()) {
            let list = attachment::List { project: Some(key.project.clone()), ticket: key.ticket.clone() };
            files = self.call(&list)?.attachments;
        }
        Ok(Box::new(Whole { ticket, notes, files }))
    }

    fn past(&mut self, key: &TicketKey, change: &str) -> Result<Box<ticket::Ticket>, Failure> {
        let get = ticket::Get {
            project: Some(key.project.clone()),
            ticket: key.ticket.clone(),
            at_change: Some(change.to_owned()),
            ..ticket::Get::default()
        };
        Ok(Box::new(self.call(&get)?))
    }

    /// Writes a field once more as this change wrote it: what its author had then is read from the past.
    fn settle(&mut self, key: &TicketKey, field: &str, change: &str) -> Result<Done, Failure> {
        let then = self.past(key, change)?;
        let (project, row) = (Some(key.project.clone()), then.row);
        let mut edit = ticket::Edit { project, ticket: key.ticket.clone(), ..ticket::Edit::default() };
        match field {
            "title" => edit.set.title = Some(row.title),
            "body" => edit.set.body = Some(then.body),
            "status" => edit.set.status = Some(row.status),
            "priority" => edit.set.priority = patch(row.priority),
            "assignee" => edit.set.assignee = patch(row.assignee.map(|user| user.id)),
            "snoozed_until_millis" => edit.set.snoozed_until_millis = patch(row.snoozed_until_millis),
            "close_reason" => edit.set.close_reason = patch(then.close_reason),
            "merged_into" => return self.merge(key, row.merged_into.map(|into| into.id)),
            _ => {
                let message = "This client does not know that field: a newer one settles it.".to_owned();
                return Err(Failure { message, reason: "unknown_field".to_owned() });
            }
        }
        Ok(Done::Ticket(self.call(&edit)?.ticket))
    }

    fn merge(&mut self, key: &TicketKey, into: Option<String>) -> Result<Done, Failure> {
        let (project, ticket) = (Some(key.project.clone()), key.ticket.clone());
        Ok(match into {
            Some(into) => Done::Ticket(self.call(&ticket::Merge { project, ticket, into })?.ticket),
            None => Done::Ticket(self.call(&ticket::Unmerge { project, ticket })?.ticket),
        })
    }

    fn presence(&mut self, key: &TicketKey) -> Result<Vec<presence::PresentPerson>, Failure> {
        let list = presence::List { project: Some(key.project.clone()), ticket: Some(key.ticket.clone()) };
        let tickets = self.call(&list)?.tickets;
        Ok(tickets.into_iter().filter(|at| at.ticket.id == key.ticket).flat_map(|at| at.people).collect())
    }

    fn history(&mut self, key: &TicketKey) -> Result<Vec<ticket::HistoryChange>, Failure> {
        let history = ticket::History {
            project: Some(key.project.clone()),
            ticket: key.ticket.clone(),
            offset: 0,
            limit: Some(limits::HISTORY_MAX),
        };
        Ok(self.call(&history)?.changes)
    }

    fn write(&mut self, write: &Write) -> Result<Done, Failure> {
        Ok(match write {
            Write::Create(create) => Done::Ticket(self.call(create)?.ticket),
            Write::Comment(_, add) => Done::Ticket(self.call(add)?.ticket),
            Write::Note(_, add) => Done::Ticket(self.call(add)?.ticket),
            Write::Edit(_, edit) => Done::Ticket(self.call(edit)?.ticket),
            Write::Settle { key, field, change } => self.settle(key, field, change)?,
            Write::Manage(_, write) => self.manage(write)?,
            Write::SaveView(save) => self.call(save).map(|_| Done::Plain)?,
            Write::RemoveView(remove) => self.call(remove).map(|_| Done::Plain)?,
            Write::Rewrite(key, rewriting) => self.rewrite(key, rewriting)?,
            Write::Bulk(bulk) => Done::Bulk(Box::new(self.call(bulk)?)),
            Write::Fetch(fetch) => self.call(fetch).map(|_| Done::Plain)?,
            Write::TakeBack(_, undo, _) => {
                let undone = self.call(undo)?;
                // The words go back to where they were typed: a second copy of them would only be in the way.
                self.call(&draft::Discard { draft: undone.draft.clone() }).ok();
                Done::TakenBack(Box::new(undone))
            }
            Write::RequestCode(request) => Done::CodeMailed(Box::new(self.call(request)?)),
            Write::Confirm(confirm) => Done::Joined(Box::new(self.call(confirm)?)),
            Write::Join(join) => {
                let joined = Some(self.call(join)?);
                Done::Joined(Box::new(Confirmed { joined, waiting: None }))
            }
            Write::OpenLink(open) => Done::Opened(Box::new(self.call(open)?)),
            Write::Relocate(relocate) => self.call(relocate).map(|_| Done::Plain)?,
            Write::Leave(leave) => self.call(leave).map(|_| Done::Plain)?,
            Write::Pause { project, is_paused } => {
                let project = project.clone();
                match is_paused {
                    true => self.call(&sync::Pause { project })?,
                    false => self.call(&sync::Resume { project })?,
                };
                Done::Plain
            }
            Write::Configure(configure) => self.call(&**configure).map(|_| Done::Plain)?,
            Write::RetryDraft(draft) => {
                Done::Ticket(self.call(&draft::Retry { draft: draft.clone() })?.ticket)
            }
            Write::DiscardDraft(draft) => {
                self.call(&draft::Discard { draft: draft.clone() }).map(|_| Done::Plain)?
            }
        })
    }

    /// Calls, over the connection that there is or a new one.
    pub(super) fn call<M: assist_proto::api::Method>(&mut self, params: &M) -> Result<M::Result, Failure> {
        let mut client = match self.client.take() {
            Some(client) => client,
            None => Client::connect(self.home.socket())?,
        };
        let outcome = client.call(params);
        // One that failed to answer is not asked again.
        let is_sound = matches!(outcome, Ok(_) | Err(ClientError::Api(_)));
        self.client = is_sound.then_some(client);
        Ok(outcome?)
    }
}

fn patch<T>(value: Option<T>) -> ticket::Patch<T> {
    value.map_or(ticket::Patch::Clear, ticket::Patch::Set)
}
