//! What changes the state: what a person does, and what the daemon tells. Pure: the moment is an argument, and what is
//! to be asked of the daemon comes out.

mod acting;
mod attaching;
mod choosing;
mod hosting;
mod managing;
mod receiving;
mod rewriting;
mod viewing;

use assist_proto::api::link::Open;
use assist_proto::api::presence::SetDoing;
use assist_proto::api::user::Role;

pub use acting::act;
pub use hosting::{begin_ticket, keep_to};
pub use receiving::receive;

use crate::limits;
use crate::link::{Request, Shown, Write};
use crate::route::{Route, TicketKey, View};
use crate::state::{DaemonState, OpenTicket, State, Toast, ToastTone};

/// Returns what has become due: what is stale is asked for again, once at a time.
pub fn settle(state: &mut State, now_millis: u64) -> Vec<Request> {
    state.toasts.retain(|toast| now_millis < toast.at_millis + limits::TOAST_MILLIS);
    let mut requests = Vec::new();
    if std::mem::take(&mut state.is_memory_stale) {
        requests.push(Request::Remember(Box::new(state.memory())));
    }
    if state.daemon != DaemonState::Ready {
        return requests;
    }
    if state.stale.overview && !state.stale.is_overview_awaited {
        state.stale.overview = false;
        state.stale.is_overview_awaited = true;
        requests.push(Request::Overview);
    }
    if let Some(link) = state.link.take() {
        state.join.is_asking = true;
        write(&mut requests, Write::OpenLink(Open { link, check: None }));
    }
    if std::mem::take(&mut state.stale.drafts) {
        requests.push(Request::Drafts);
    }
    let people = std::mem::take(&mut state.stale.people);
    requests.extend(people.into_iter().map(|project| Request::People { project }));
    settle_presence(state, &mut requests);
    managing::settle(state, &mut requests, now_millis);
    // Before the projects are known, nothing can be listed.
    if state.projects.is_some() {
        settle_inbox(state, &mut requests);
        settle_open(state, &mut requests);
    }
    requests
}

fn settle_inbox(state: &mut State, requests: &mut Vec<Request>) {
    let views = state.views();
    let inbox = &mut state.inbox;
    if std::mem::take(&mut state.stale.inbox) {
        inbox.stale.extend(inbox.pages.keys().copied());
        inbox.stale.insert(0);
        if !inbox.are_counts_awaited {
            inbox.are_counts_awaited = true;
            requests.push(Request::Counts { project: inbox.project.clone(), views });
        }
    }
    let (first, last) = (inbox.shown.start / limits::PAGE_ROWS, inbox.shown.end / limits::PAGE_ROWS);
    for page in first..=last {
        let is_there = page * limits::PAGE_ROWS < inbox.total.unwrap_or(1).max(1);
        let is_wanted = !inbox.pages.contains_key(&page) || inbox.stale.contains(&page);
        if is_there && is_wanted && inbox.awaited.insert(page) {
            inbox.stale.remove(&page);
            let list = Box::new(inbox.request(page));
            requests.push(Request::Rows { serial: inbox.serial, page, list });
        }
    }
    // What is old and off the screen is asked for when it is scrolled to.
    let is_shown = |page: &u64| (first..=last).contains(page);
    let inbox_stale = &inbox.stale;
    inbox.pages.retain(|page, _| is_shown(page) || !inbox_stale.contains(page));
    while inbox.pages.len() > limits::PAGES_MAX {
        let farthest = inbox.pages.keys().max_by_key(|page| page.abs_diff(first)).copied();
        farthest.map(|page| inbox.pages.remove(&page));
    }
    inbox.stale.retain(|page| is_shown(page));
}

/// Tells others where the person is, when that has changed or they go on typing.
fn settle_presence(state: &mut State, requests: &mut Vec<Request>) {
    let has_typed = std::mem::take(&mut state.has_typed);
    let shown = shown(state, has_typed);
    if has_typed || state.told.as_ref() != Some(&shown) {
        state.told = Some(shown.clone());
        requests.push(Request::Show(shown));
    }
    if std::mem::take(&mut state.stale.presence)
        && let Some(open) = &state.open
    {
        requests.push(Request::Presence(open.key.clone()));
    }
}

fn shown(state: &State, has_typed: bool) -> Option<Shown> {
    let open = state.open.as_ref().filter(|open| open.ticket.is_some() && state.is_focused)?;
    let composer = state.composers.get(&open.key);
    let writes = composer.is_some_and(|composer| !composer.text.is_empty() && !composer.is_sending);
    let told = state.told.as_ref().and_then(Option::as_ref).filter(|told| told.key == open.key);
    let doing = match (writes, has_typed) {
        (true, true) if composer.is_some_and(|composer| composer.is_note) => SetDoing::TypingNote,
        (true, true) => SetDoing::Typing,
        (true, false) => told.map_or(SetDoing::Viewing, |told| told.doing),
        (false, _) => SetDoing::Viewing,
    };
    Some(Shown { key: open.key.clone(), doing })
}

fn settle_open(state: &mut State, requests: &mut Vec<Request>) {
    let Some(open) = &mut state.open else { return };
    if !state.stale.open || open.is_awaited {
        return;
    }
    state.stale.open = false;
    open.is_awaited = true;
    let key = open.key.clone();
    let projects = state.projects.as_deref().unwrap_or_default();
    let role = projects.iter().find(|project| project.id == key.project).map(|project| project.role);
    let has_notes = role.is_some_and(|role| role != Role::Customer);
    if open.is_history_open {
        requests.push(Request::History(key.clone()));
    }
    requests.push(Request::Ticket { key, has_notes });
}

/// Goes somewhere, and remembers where one was.
fn go(state: &mut State, route: Route) {
    if matches!(route, Route::Inbox { .. }) {
        leave_saved_view(state);
    }
    if state.route == route {
        return;
    }
    let from = std::mem::replace(&mut state.route, route);
    state.back.push(from);
    if state.back.len() > limits::ROUTES_MAX {
        state.back.remove(0);
    }
    state.forward.clear();
    arrive(state);
}

/// What a saved view looks for does not go along to another one.
fn leave_saved_view(state: &mut State) {
    state.inbox.saving = None;
    if state.inbox.saved_view().is_some() {
        state.inbox.query.clear();
        list_anew(state);
    }
}

/// Makes what the route shows be there.
fn arrive(state: &mut State) {
    state.large = None;
    state.wants_focus = matches!(state.route, Route::NewTicket | Route::Join);
    match state.route.clone() {
        Route::Inbox { project, view } => {
            let project = project.or_else(|| state.scope.as_ref().map(|scope| scope.project.clone()));
            state.open = None;
            if view != View::All {
                leave_saved_view(state);
            }
            if state.inbox.project != project || state.inbox.view != Some(view) {
                state.inbox.project = project;
                state.inbox.view = Some(view);
                state.inbox.chosen.clear();
                list_anew(state);
            }
        }
        Route::Ticket(key) => open(state, key),
        Route::NewTicket => {
            let only = (state.projects().len() == 1).then(|| state.projects()[0].id.clone());
            let chosen = state.inbox.project.clone().or(only);
            state.new_ticket.project = state.new_ticket.project.take().or(chosen);
        }
        Route::Manage(project) => managing::arrive(state, project),
        Route::Join | Route::Settings => {}
    }
}

fn open(state: &mut State, key: TicketKey) {
    if state.open.as_ref().is_none_or(|open| open.key != key) {
        if !state.people.contains_key(&key.project) {
            state.stale.people.insert(key.project.clone());
        }
        state.open = Some(OpenTicket::new(key));
        state.stale.open = true;
        state.stale.presence = true;
    }
}

/// Forgets the rows: they are of another list now.
fn list_anew(state: &mut State) {
    state.last_serial += 1;
    let inbox = &mut state.inbox;
    inbox.serial = state.last_serial;
    inbox.pages.clear();
    inbox.awaited.clear();
    inbox.stale.clear();
    inbox.total = None;
    inbox.error = None;
    inbox.shown = 0..1;
    inbox.are_counts_awaited = false;
    state.stale.inbox = true;
}

fn write(requests: &mut Vec<Request>, write: Write) {
    requests.push(Request::Write(Box::new(write)));
}

fn toast(state: &mut State, now_millis: u64, tone: ToastTone, text: impl Into<String>, route: Option<Route>) {
    if state.toasts.len() == limits::TOASTS_MAX {
        state.toasts.remove(0);
    }
    state.toasts.push(Toast { text: text.into(), tone, at_millis: now_millis, route });
}

#[cfg(test)]
mod tests;
