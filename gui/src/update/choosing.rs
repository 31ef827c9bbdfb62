//! Several tickets at once: choosing them, and changing them all.

use std::collections::BTreeMap;

use assist_proto::api::ticket::{Bulk, BulkDone, BulkOutcome, Patch};

use super::{toast, write};
use crate::intent::{Change, Selecting};
use crate::limits;
use crate::link::{Request, Write};
use crate::route::TicketKey;
use crate::state::{State, ToastTone};

/// Chooses a ticket, or a run of them.
pub(super) fn select(state: &mut State, key: TicketKey, selecting: Selecting) {
    let inbox = &mut state.inbox;
    let run = match (selecting, inbox.anchor.clone()) {
        (Selecting::Through, Some(anchor)) => run(&inbox.keys().collect::<Vec<_>>(), &anchor, &key),
        _ => None,
    };
    match run {
        Some(run) => {
            let room = limits::CHOSEN_MAX.saturating_sub(inbox.chosen.len());
            inbox.chosen.extend(run.into_iter().take(room));
        }
        None => {
            if !inbox.chosen.remove(&key) && inbox.chosen.len() < limits::CHOSEN_MAX {
                inbox.chosen.insert(key.clone());
            }
            inbox.anchor = Some(key);
        }
    }
}

/// Returns all from one to the other, whichever comes first; nothing if one of them is not here.
fn run(keys: &[TicketKey], one: &TicketKey, other: &TicketKey) -> Option<Vec<TicketKey>> {
    let place = |wanted: &TicketKey| keys.iter().position(|key| key == wanted);
    let (one, other) = (place(one)?, place(other)?);
    Some(keys[one.min(other)..=one.max(other)].to_vec())
}

/// Changes all that were chosen: a call for each project.
pub(super) fn change(state: &mut State, change: &Change, requests: &mut Vec<Request>) {
    let mut by_project: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for key in &state.inbox.chosen {
        by_project.entry(key.project.clone()).or_default().push(key.ticket.clone());
    }
    for (project, tickets) in by_project {
        let mut bulk = Bulk { project: Some(project), tickets, ..Bulk::default() };
        match change.clone() {
            Change::Status(status) => bulk.set.status = Some(status),
            Change::Priority(priority) => bulk.set.priority = priority.map_or(Patch::Clear, Patch::Set),
            Change::Assignee(user) => bulk.set.assignee = user.map_or(Patch::Clear, Patch::Set),
            Change::Snooze(until) => bulk.set.snoozed_until_millis = until.map_or(Patch::Clear, Patch::Set),
            Change::AddLabel(label) => bulk.add_labels = vec![label],
            Change::RemoveLabel(label) => bulk.remove_labels = vec![label],
            // Of one ticket alone.
            Change::BeginTitle | Change::KeepTitle | Change::LeaveTitle | Change::Settle { .. } => return,
        }
        write(requests, Write::Bulk(bulk));
    }
    state.inbox.label.clear();
}

/// Says what became of them. Those that could not be changed stay chosen.
pub(super) fn changed(state: &mut State, done: &BulkDone, now_millis: u64) {
    let failed = done.tickets.iter().find(|ticket| ticket.outcome == BulkOutcome::Failed);
    for ticket in done.tickets.iter().filter(|ticket| ticket.outcome != BulkOutcome::Failed) {
        let key = TicketKey { project: ticket.ticket.project.clone(), ticket: ticket.ticket.id.clone() };
        state.inbox.chosen.remove(&key);
    }
    state.stale.inbox = true;
    state.stale.open = state.open.is_some();
    let plural = if done.changed == 1 { "" } else { "s" };
    let mut text = format!("{} ticket{plural} changed.", done.changed);
    if let Some(failed) = failed {
        let why = failed.message.as_deref().unwrap_or_default();
        text.push_str(&format!(" {} could not be: {why}", done.failed));
    }
    let tone = if failed.is_some() { ToastTone::Bad } else { ToastTone::Good };
    toast(state, now_millis, tone, text, None);
}
