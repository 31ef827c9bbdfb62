//! What front ends ask the server: sent at once or refused at once, answered once, and never sent again by itself.
//!
//! An ask is not kept: whoever asked is there to be told that it did not work. What must survive being offline is an
//! edit of a document, and those go through the outbox.

use std::collections::BTreeMap;

use assist_crdt_model::{ProjectId, UnixMillis};

use super::super::action::{Action, CallId, Notice};
use super::{CommandError, Connection, DeviceHub, Reply};
use crate::limits;
use crate::store::{DeviceStore, StoreResult};
use crate::wire::PeerMessage;
use crate::wire::ask::{Answer, Ask, Outcome, Request, Response};

/// Asks of one session that wait for their answer.
#[derive(Default)]
pub(super) struct Asks {
    waiting: BTreeMap<u32, Waiting>,
    last_id: u32,
}

struct Waiting {
    call: CallId,
    until: UnixMillis,
    /// What this very device is called once the server has agreed.
    new_name: Option<String>,
}

impl Asks {
    /// When the first of them has waited long enough. They are sent in the order of their ids.
    pub(super) fn until(&self) -> Option<UnixMillis> {
        self.waiting.first_key_value().map(|(_, waiting)| waiting.until)
    }
}

impl DeviceHub {
    pub(super) fn ask(&mut self, now: UnixMillis, call: CallId, id: ProjectId, request: Request) {
        let Some(project) = self.projects.get_mut(&id) else {
            return self.answer(call, Err(CommandError::NotJoined));
        };
        let Connection::Online { link } = project.connection else {
            return self.answer(call, Err(CommandError::Offline));
        };
        let asks = &mut project.session.asks;
        if asks.waiting.len() >= limits::ASKS_WAITING_MAX {
            return self.answer(call, Err(CommandError::TooManyAsks));
        }
        asks.last_id += 1;
        let new_name = match &request {
            Request::RenameDevice(rename) if rename.device == self.device => Some(rename.name.clone()),
            _ => None,
        };
        let ask = Ask { id: asks.last_id, request };
        let until = UnixMillis(now.0 + limits::ASK_TIMEOUT_MILLIS);
        asks.waiting.insert(ask.id, Waiting { call, until, new_name });
        self.send(link, &PeerMessage::Ask(ask));
    }

    /// Hands an answer to whoever asked. One that nobody waits for came too late.
    pub(super) fn handle_answer(
        &mut self,
        id: ProjectId,
        answer: Answer,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        let Some(project) = self.projects.get_mut(&id) else { return Ok(()) };
        let Some(waiting) = project.session.asks.waiting.remove(&answer.id) else { return Ok(()) };
        if let (Some(name), Outcome::Given(Response::Done)) = (waiting.new_name, &answer.outcome) {
            name.trim().clone_into(&mut project.membership.device_name);
            store.put_membership(&project.membership)?;
            self.actions.push(Action::Notify(Notice::ProjectChanged { project: id }));
        }
        let outcome = match answer.outcome {
            Outcome::Given(response) => Ok(Reply::Given(response)),
            Outcome::Refused(refused) => Err(CommandError::AskRefused(refused)),
        };
        self.answer(waiting.call, outcome);
        Ok(())
    }

    /// The session is over: nobody will be answered any more.
    pub(super) fn fail_asks(&mut self, id: ProjectId) {
        let Some(project) = self.projects.get_mut(&id) else { return };
        for waiting in std::mem::take(&mut project.session.asks).waiting.into_values() {
            self.answer(waiting.call, Err(CommandError::NoAnswer));
        }
    }

    pub(super) fn give_up_asks(&mut self, now: UnixMillis) {
        let mut late = Vec::new();
        for project in self.projects.values_mut() {
            let waiting = &mut project.session.asks.waiting;
            while let Some(first) = waiting.first_entry().filter(|first| first.get().until <= now) {
                late.push(first.remove().call);
            }
        }
        for call in late {
            self.answer(call, Err(CommandError::NoAnswer));
        }
    }

    pub(super) fn answer(&mut self, call: CallId, outcome: Result<Reply, CommandError>) {
        self.actions.push(Action::Reply { call, outcome });
    }
}
