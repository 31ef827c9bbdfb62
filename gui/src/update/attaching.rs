//! Files: attached, brought here, saved, looked at.

use assist_proto::api::attachment::{Fetch, StoredBlob};

use super::{toast, write};
use crate::files::{NewFile, NewFileState, Slot, Source, name_of};
use crate::intent::{Intent, Step};
use crate::limits;
use crate::link::{Failure, Request, Write};
use crate::state::{LargePicture, State, ToastTone};

/// Carries out what a person does with files.
pub(super) fn act(state: &mut State, intent: Intent, requests: &mut Vec<Request>) {
    match intent {
        Intent::Attach(slot, source) => attach(state, &slot, source, requests),
        Intent::PickFiles(slot) => requests.push(Request::Pick(slot)),
        Intent::Detach(slot, id) => {
            state.gathered_mut(&slot).retain(|file| file.id != id);
            state.is_memory_stale = true;
        }
        Intent::FetchFile(blob) => {
            if let Some(open) = &state.open {
                let project = Some(open.key.project.clone());
                let fetch = Fetch { project, ticket: open.key.ticket.clone(), blob };
                write(requests, Write::Fetch(fetch));
            }
        }
        Intent::SaveFile { blob, name } => {
            requests.push(Request::Save { blob, name, folder: state.downloads.clone() });
        }
        Intent::ShowPicture(blob) => {
            state.large = blob.map(|blob| LargePicture { blob, zoom_percent: None });
        }
        Intent::ZoomPicture(percent) => {
            if let Some(large) = &mut state.large {
                large.zoom_percent = percent;
            }
        }
        Intent::StepPicture(step) => step_picture(state, step),
        _ => {}
    }
}

/// Attaches files: their bytes go to the daemon at once, so that sending has nothing to wait for.
pub(super) fn attach(state: &mut State, slot: &Slot, source: Source, requests: &mut Vec<Request>) {
    state.last_serial += 1;
    let id = state.last_serial;
    if !is_open_to_files(state, slot) {
        return;
    }
    let gathered = state.gathered_mut(slot);
    let name = name_of(&source, gathered);
    // One more says why the rest is not there.
    if gathered.len() > limits::FILES_MAX {
        return;
    }
    if gathered.len() == limits::FILES_MAX {
        let why = format!("{} files go along at the most: write another comment.", limits::FILES_MAX);
        gathered.push(NewFile { id, name, state: NewFileState::Failed(why) });
        return;
    }
    gathered.push(NewFile { id, name, state: NewFileState::Storing });
    requests.push(Request::Store { slot: slot.clone(), id, source });
}

/// What is on its way takes nothing on any more.
fn is_open_to_files(state: &State, slot: &Slot) -> bool {
    match slot {
        Slot::NewTicket => !state.new_ticket.is_sending,
        Slot::Ticket(key) => state.composers.get(key).is_none_or(|composer| !composer.is_sending),
    }
}

/// Takes in what the daemon keeps.
pub(super) fn stored(state: &mut State, slot: &Slot, id: u64, outcome: Result<StoredBlob, Failure>) {
    // Nothing, if it was taken away meanwhile.
    if let Some(file) = state.gathered_mut(slot).iter_mut().find(|file| file.id == id) {
        file.state = match outcome {
            Ok(stored) => NewFileState::Stored { blob: stored.blob, size_bytes: stored.size_bytes },
            Err(failure) => NewFileState::Failed(failure.message),
        };
    }
    state.is_memory_stale = true;
}

/// Says where a file was saved, or why not.
pub(super) fn saved(state: &mut State, outcome: Result<std::path::PathBuf, Failure>, now_millis: u64) {
    match outcome {
        Ok(path) => {
            toast(state, now_millis, ToastTone::Good, format!("Saved as {}", path.display()), None);
        }
        Err(failure) => toast(state, now_millis, ToastTone::Bad, failure.message, None),
    }
}

fn step_picture(state: &mut State, step: Step) {
    let (Some(large), Some(open)) = (&state.large, &state.open) else { return };
    let pictures = open.pictures();
    let place = pictures.iter().position(|picture| picture.blob == large.blob);
    let next = place.and_then(|place| match step {
        Step::Next => place.checked_add(1),
        Step::Previous => place.checked_sub(1),
    });
    if let Some(picture) = next.and_then(|next| pictures.get(next)) {
        state.large = Some(LargePicture { blob: picture.blob.clone(), zoom_percent: None });
    }
}
