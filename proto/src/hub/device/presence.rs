//! Who is there: what front ends of this device say of its user, and what the server says of others.
//!
//! All of it is of this moment: nothing is stored, and what is not said again runs out. A device speaks and listens
//! only while somebody shows or looks.

use std::collections::BTreeMap;

use assist_crdt_model::{DocId, ProjectId, TicketId, UnixMillis};

use super::super::action::{Action, CallId, Notice};
use super::{CommandError, DeviceHub, Reply};
use crate::limits;
use crate::wire::PeerMessage;
use crate::wire::presence::{Doing, People, PresenceNews, Present, TicketPresence, View, status_line};

/// What a front end says of the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PresenceWord {
    /// They are at a front end.
    Here,
    /// They are at a front end, and this is what they do at a ticket; `None` when they have left it.
    At {
        /// Which.
        ticket: TicketId,
        /// What they do there.
        doing: Option<Doing>,
    },
    /// What they say of themselves, until they take it back or the daemon ends.
    Status(Option<String>),
    /// They have gone from this front end.
    Gone,
}

/// Who is there in a project, as far as this device is told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PresenceView {
    /// Whether the server's word on it is fresh; without it nothing is known.
    pub is_known: bool,
    /// By ticket, those where somebody is. The user of this device is among them.
    pub tickets: Vec<TicketPresence>,
    /// Who of the team is there: known to the team.
    pub team: People,
    /// The tickets that front ends of this device show.
    pub own: Vec<View>,
    /// What the user says of themselves on this device.
    pub own_status: Option<String>,
}

/// What is known of one project.
#[derive(Default)]
pub(super) struct Presence {
    here_until: Option<UnixMillis>,
    views: BTreeMap<TicketId, (Doing, UnixMillis)>,
    status: Option<String>,
    /// Until then somebody looks who is there.
    watched_until: Option<UnixMillis>,
    /// What was said last in this session, and when.
    said: Option<(Present, UnixMillis)>,
    /// When the server last answered: what it told holds as long as its word is fresh.
    heard_at: Option<UnixMillis>,
    tickets: BTreeMap<TicketId, People>,
    team: People,
    /// Front ends that wait for the first answer.
    waiting: Vec<CallId>,
}

impl Presence {
    /// What there is to say; `None` where nobody shows or looks.
    fn word(&self, now: UnixMillis) -> Option<Present> {
        let is_here = self.here_until.is_some_and(|until| until > now);
        let views = self.views.iter().filter(|(_, (_, until))| *until > now);
        let views: Vec<View> =
            views.map(|(ticket, (doing, _))| View { ticket: *ticket, doing: *doing }).collect();
        let is_watching = self.watched_until.is_some_and(|until| until > now);
        let is_anything = is_here || is_watching || !views.is_empty() || self.status.is_some();
        is_anything.then(|| Present { is_here, views, status: self.status.clone() })
    }

    fn is_fresh(&self, now: UnixMillis) -> bool {
        self.heard_at.is_some_and(|at| now.0 < at.0 + limits::PRESENCE_LIFETIME_MILLIS)
    }

    fn view(&self, now: UnixMillis) -> PresenceView {
        let is_known = self.is_fresh(now);
        let word = self.word(now).unwrap_or_default();
        let tickets = self.tickets.iter().filter(|_| is_known);
        let tickets =
            tickets.map(|(ticket, people)| TicketPresence { ticket: *ticket, people: people.clone() });
        PresenceView {
            is_known,
            tickets: tickets.collect(),
            team: if is_known { self.team.clone() } else { People::default() },
            own: word.views,
            own_status: word.status,
        }
    }

    /// When something has to be said again, runs out, or can be said.
    pub(super) fn next_at(&self, now: UnixMillis, is_online: bool) -> Option<UnixMillis> {
        let ends = [self.here_until, self.watched_until].into_iter().flatten();
        let ends = ends.chain(self.views.values().map(|(_, until)| *until)).filter(|until| *until > now);
        let says = self.said.as_ref().filter(|_| is_online).and_then(|(said, at)| {
            let word = self.word(now);
            let pause = match &word {
                Some(word) if word == said => limits::PRESENCE_RENEW_MILLIS,
                None if *said == Present::default() => return None,
                _ => limits::PRESENT_STEP_MILLIS,
            };
            Some(UnixMillis(at.0 + pause))
        });
        let stale = self.heard_at.map(|at| UnixMillis(at.0 + limits::PRESENCE_LIFETIME_MILLIS));
        ends.chain(says).chain(stale).min()
    }
}

impl DeviceHub {
    /// A front end says something of the user.
    pub(super) fn set_presence(
        &mut self,
        now: UnixMillis,
        id: ProjectId,
        word: PresenceWord,
    ) -> Result<Reply, CommandError> {
        let project = self.projects.get_mut(&id).ok_or(CommandError::NotJoined)?;
        let presence = &mut project.presence;
        let until = UnixMillis(now.0 + limits::PRESENCE_LIFETIME_MILLIS);
        match word {
            PresenceWord::Here => presence.here_until = Some(until),
            PresenceWord::At { ticket, doing: Some(doing) } => {
                presence.here_until = Some(until);
                presence.views.retain(|_, (_, until)| *until > now);
                if presence.views.len() >= limits::PRESENT_VIEWS_MAX
                    && !presence.views.contains_key(&ticket)
                    && let Some(oldest) = oldest(&presence.views)
                {
                    presence.views.remove(&oldest);
                }
                presence.views.insert(ticket, (doing, until));
            }
            PresenceWord::At { ticket, doing: None } => {
                presence.views.remove(&ticket);
            }
            PresenceWord::Status(status) => presence.status = status.as_deref().and_then(status_line),
            PresenceWord::Gone => {
                presence.here_until = None;
                presence.views.clear();
            }
        }
        Ok(Reply::Done)
    }

    /// A front end asks who is there. It is answered at once if that is known, or cannot be.
    pub(super) fn ask_presence(&mut self, now: UnixMillis, call: CallId, id: ProjectId) {
        let is_online = self.is_online(&id);
        let Some(project) = self.projects.get_mut(&id) else {
            let outcome = Err(CommandError::NotJoined);
            return self.actions.push(Action::Reply { call, outcome });
        };
        let presence = &mut project.presence;
        presence.watched_until = Some(UnixMillis(now.0 + limits::PRESENCE_LIFETIME_MILLIS));
        if presence.is_fresh(now) || !is_online || presence.waiting.len() >= limits::ASKS_WAITING_MAX {
            let outcome = Ok(Reply::Presence(presence.view(now)));
            return self.actions.push(Action::Reply { call, outcome });
        }
        presence.waiting.push(call);
    }

    /// Says what is new or due, and forgets what has run out.
    pub(super) fn run_presence(&mut self, now: UnixMillis) {
        let ids: Vec<ProjectId> = self.projects.keys().copied().collect();
        for id in ids {
            let is_online = self.is_online(&id);
            let is_stale = |project: &super::Project| {
                project.presence.heard_at.is_some() && !project.presence.is_fresh(now)
            };
            if self.projects.get(&id).is_some_and(is_stale) {
                self.forget_presence(id);
            }
            let Some(project) = self.projects.get_mut(&id) else { continue };
            let link = project.link().filter(|_| is_online);
            let presence = &mut project.presence;
            presence.views.retain(|_, (_, until)| *until > now);
            let Some(link) = link else { continue };
            let word = presence.word(now);
            let is_due = match (&presence.said, &word) {
                (None, word) => word.is_some(),
                (Some((said, _)), None) => *said != Present::default(),
                (Some((said, at)), Some(word)) => {
                    let is_same = said == word;
                    let pause =
                        if is_same { limits::PRESENCE_RENEW_MILLIS } else { limits::PRESENT_STEP_MILLIS };
                    now.0 >= at.0 + pause
                }
            };
            if is_due {
                let word = word.unwrap_or_default();
                presence.said = Some((word.clone(), now));
                self.send(link, &PeerMessage::Present(word));
            }
        }
    }

    /// The server says who is there.
    pub(super) fn handle_presence(&mut self, now: UnixMillis, id: ProjectId, news: PresenceNews) {
        let Some(project) = self.projects.get_mut(&id) else { return };
        let presence = &mut project.presence;
        let mut changed = Vec::new();
        for TicketPresence { ticket, people } in news.tickets {
            let is_known = presence.tickets.contains_key(&ticket);
            if people.count == 0 {
                presence.tickets.remove(&ticket);
            } else if is_known || presence.tickets.len() < limits::PRESENCE_TICKETS_MAX {
                presence.tickets.insert(ticket, people);
            }
            changed.push(Some(ticket));
        }
        if let Some(team) = news.team {
            presence.team = team;
            changed.push(None);
        }
        if news.is_answer {
            presence.heard_at = Some(now);
            let view = presence.view(now);
            for call in std::mem::take(&mut presence.waiting) {
                let outcome = Ok(Reply::Presence(view.clone()));
                self.actions.push(Action::Reply { call, outcome });
            }
        }
        for ticket in changed {
            self.actions.push(Action::Notify(Notice::PresenceChanged { project: id, ticket }));
        }
    }

    /// The session ended, or its server fell silent: nothing is known of others any more.
    pub(super) fn forget_presence(&mut self, id: ProjectId) {
        let Some(project) = self.projects.get_mut(&id) else { return };
        let presence = &mut project.presence;
        presence.said = None;
        presence.heard_at = None;
        presence.team = People::default();
        let was_there = !presence.tickets.is_empty();
        presence.tickets.clear();
        for call in std::mem::take(&mut presence.waiting) {
            let outcome = Ok(Reply::Presence(presence.view(UnixMillis::default())));
            self.actions.push(Action::Reply { call, outcome });
        }
        if was_there {
            self.actions.push(Action::Notify(Notice::PresenceChanged { project: id, ticket: None }));
        }
    }

    /// A ticket went from this device: who is there is no longer its business.
    pub(super) fn forget_presence_at(&mut self, id: ProjectId, doc: DocId) {
        let Some(project) = self.projects.get_mut(&id) else { return };
        if let DocId::Ticket(ticket) = doc {
            project.presence.views.remove(&ticket);
            if project.presence.tickets.remove(&ticket).is_some() {
                let ticket = Some(ticket);
                self.actions.push(Action::Notify(Notice::PresenceChanged { project: id, ticket }));
            }
        }
    }
}

/// The view that runs out first.
fn oldest(views: &BTreeMap<TicketId, (Doing, UnixMillis)>) -> Option<TicketId> {
    views.iter().min_by_key(|(_, (_, until))| *until).map(|(ticket, _)| *ticket)
}
