//! Queries that are saved under a name: shown, saved, removed.

use assist_proto::api::view;

use super::{go, list_anew, write};
use crate::intent::Viewing;
use crate::link::{Request, Write};
use crate::route::{Route, View};
use crate::state::State;

/// Carries out what somebody does with saved views.
pub(super) fn act(state: &mut State, viewing: Viewing, requests: &mut Vec<Request>) {
    match viewing {
        Viewing::Show(name) => {
            let project = state.inbox.project.clone();
            go(state, Route::Inbox { project, view: View::All });
            look_for(state, format!("view:{name}"));
        }
        Viewing::Begin => state.inbox.saving = state.inbox.savable_query().map(|_| String::new()),
        Viewing::Leave => state.inbox.saving = None,
        Viewing::Keep => save(state, requests),
        Viewing::Remove { project, name } => {
            write(requests, Write::RemoveView(view::Remove { project: Some(project), name }));
        }
    }
}

/// Saves what is looked for. It is kept by the server of the project that is shown, or of the first one.
fn save(state: &State, requests: &mut Vec<Request>) {
    let name = state.inbox.saving.as_deref().unwrap_or_default().trim().to_owned();
    let project =
        state.inbox.project.as_ref().or_else(|| state.projects().first().map(|project| &project.id));
    let (Some(query), Some(project)) = (state.inbox.savable_query(), project.cloned()) else { return };
    if !name.is_empty() {
        write(requests, Write::SaveView(view::Save { project: Some(project), name, query }));
    }
}

/// One was saved, and is shown from now on, or removed, and is not.
pub(super) fn done(state: &mut State) {
    let saved = state.inbox.saving.take();
    state.stale.overview = true;
    if let Route::Inbox { project, .. } = state.route.clone() {
        go(state, Route::Inbox { project, view: View::All });
    }
    // Beside a ticket the list alone is another one.
    state.inbox.view = Some(View::All);
    look_for(state, saved.map_or_else(String::new, |name| format!("view:{}", name.trim())));
}

fn look_for(state: &mut State, query: String) {
    state.inbox.query = query;
    list_anew(state);
}
