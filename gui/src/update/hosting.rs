//! What a host application asks for: to keep to one project, and to begin a ticket.

use std::sync::Arc;

use super::{attaching, go};
use crate::files::{Slot, Source};
use crate::host::{DIAGNOSTICS, Prefill, bounded, text_of};
use crate::link::Request;
use crate::route::Route;
use crate::state::{Scope, State};

/// Shows this project only, by its id and address.
pub fn keep_to(state: &mut State, project: String, address: String) {
    state.join.address.clone_from(&address);
    state.inbox.project = Some(project.clone());
    state.route = Route::Inbox { project: Some(project.clone()), view: crate::route::View::Active };
    state.scope = Some(Scope { project, address });
}

/// Begins a ticket. What the person has begun themselves stays; only what is not there yet is filled in.
pub fn begin_ticket(state: &mut State, prefill: Prefill) -> Vec<Request> {
    let Prefill { project, title, body, diagnostics, files } = prefill;
    let form = &mut state.new_ticket;
    let mut requests = Vec::new();
    if form.is_sending {
        go(state, Route::NewTicket);
        return requests;
    }
    form.project = project.or(form.project.take());
    if form.title.trim().is_empty() {
        form.title = title;
    }
    if form.body.trim().is_empty() {
        form.body = body;
    }
    form.error = None;
    let diagnostics = bounded(diagnostics);
    if !diagnostics.is_empty() {
        // Those of an earlier moment would only mislead.
        form.files.retain(|file| file.name != DIAGNOSTICS);
        let bytes: Arc<[u8]> = text_of(&diagnostics).into_bytes().into();
        form.diagnostics = diagnostics;
        let source = Source::Bytes(DIAGNOSTICS.to_owned(), bytes);
        attaching::attach(state, &Slot::NewTicket, source, &mut requests);
    }
    for path in files {
        attaching::attach(state, &Slot::NewTicket, Source::Path(path), &mut requests);
    }
    state.is_memory_stale = true;
    go(state, Route::NewTicket);
    requests
}
