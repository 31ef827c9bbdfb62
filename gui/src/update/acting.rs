//! What a person does.

use assist_proto::api::canned::{Places, fill};
use assist_proto::api::link::Open;
use assist_proto::api::project::{Confirm, Join, Leave, Relocate, Request as RequestCode};
use assist_proto::api::ticket::{Create, Edit, Patch};
use assist_proto::api::{comment, note};

use super::{arrive, attaching, choosing, go, list_anew, managing, rewriting, viewing, write};
use crate::files::NewFile;
use crate::intent::{Change, Field, Intent, Step};
use crate::limits;
use crate::link::{Request, Write};
use crate::route::{Route, TicketKey};
use crate::state::{Composer, JoinForm, Leaving, Palette, Relocating, State, are_stored};

/// Carries out what a person did, and returns what to ask of the daemon.
pub fn act(state: &mut State, intent: Intent) -> Vec<Request> {
    let mut requests = Vec::new();
    match intent {
        Intent::Go(route) => go(state, route),
        Intent::Back => travel(state, true),
        Intent::Forward => travel(state, false),
        Intent::Step(step) => step_through(state, step),
        Intent::ShowRows(rows) => state.inbox.shown = rows,
        Intent::Sort(sort) => {
            state.inbox.sort = sort;
            list_anew(state);
        }
        Intent::Type(field, text) => type_into(state, field, text),
        Intent::WriteNote(_) | Intent::ReplyTo(_) | Intent::Preview(_) => compose(state, intent),
        Intent::Send => send(state, &mut requests),
        Intent::View(viewing) => viewing::act(state, viewing, &mut requests),
        Intent::Rewrite(rewrite) => rewriting::act(state, rewrite, &mut requests),
        Intent::TakeBack(comment) => {
            take_back(state, comment, &mut requests);
        }
        Intent::Attach(..)
        | Intent::PickFiles(_)
        | Intent::Detach(..)
        | Intent::FetchFile(_)
        | Intent::SaveFile { .. }
        | Intent::ShowPicture(_)
        | Intent::StepPicture(_)
        | Intent::ZoomPicture(_) => attaching::act(state, intent, &mut requests),
        Intent::ChooseProject(project) => state.new_ticket.project = Some(project),
        Intent::File => file(state, &mut requests),
        Intent::HaveCode(_) | Intent::RequestCode | Intent::Confirm | Intent::GoOnJoining(_) => {
            join(state, intent, &mut requests);
        }
        Intent::OpenLink(link) => state.link = Some(link),
        Intent::AnswerLink(is_own) => answer_link(state, is_own, &mut requests),
        Intent::Change(change) => change_ticket(state, change, &mut requests),
        Intent::Pause { project, is_paused } => {
            write(&mut requests, Write::Pause { project, is_paused });
        }
        Intent::Configure(configure) => write(&mut requests, Write::Configure(configure)),
        Intent::AskToRelocate(_) | Intent::Relocate | Intent::AskToLeave(_) | Intent::Leave { .. } => {
            relocate_or_leave(state, intent, &mut requests);
        }
        Intent::SeeEnd(_)
        | Intent::Focused
        | Intent::GoToEnd
        | Intent::ShowPalette(_)
        | Intent::ChooseCommand(_)
        | Intent::ShowShortcuts(_)
        | Intent::ShowConnections(_)
        | Intent::Dismiss(_) => look(state, intent),
        Intent::Select(key, selecting) => choosing::select(state, key, selecting),
        Intent::SelectNone => state.inbox.chosen.clear(),
        Intent::ChangeChosen(change) => choosing::change(state, &change, &mut requests),
        Intent::UseCanned(name) => use_canned(state, &name),
        Intent::ShowHistory(is_shown) => show_history(state, is_shown, &mut requests),
        Intent::ShowPast(change) => show_past(state, change, &mut requests),
        Intent::RetryDraft(draft) => write(&mut requests, Write::RetryDraft(draft)),
        Intent::DiscardDraft(draft) => write(&mut requests, Write::DiscardDraft(draft)),
        Intent::Manage(managing) => managing::act(state, managing, &mut requests),
        Intent::Theme(_) | Intent::Zoom(_) | Intent::ReduceMotion(_) | Intent::ShowPart(..) => {
            dress(state, intent);
        }
    }
    requests
}

/// Asks where a project's server is now, or whether to leave it, and does what was said.
fn relocate_or_leave(state: &mut State, intent: Intent, requests: &mut Vec<Request>) {
    match intent {
        Intent::AskToRelocate(project) => {
            state.wants_focus = project.is_some();
            state.relocating =
                project.map(|project| Relocating { project, address: String::new(), error: None });
        }
        Intent::Relocate => {
            if let Some(Relocating { project, address, .. }) = &state.relocating {
                let relocate = Relocate { address: address.clone(), project: Some(project.clone()) };
                write(requests, Write::Relocate(relocate));
            }
        }
        Intent::AskToLeave(project) => {
            state.leaving = project.map(|project| Leaving { project, objection: None });
        }
        Intent::Leave { is_forced } => {
            if let Some(leaving) = &state.leaving {
                let leave = Leave { project: leaving.project.clone(), force: is_forced };
                write(requests, Write::Leave(leave));
            }
        }
        _ => {}
    }
}

/// Changes what is on the screen, and nothing else.
fn look(state: &mut State, intent: Intent) {
    match intent {
        Intent::SeeEnd(is_at_end) => {
            if let Some(open) = &mut state.open {
                open.is_at_end = is_at_end;
                open.seen_count = if is_at_end { open.thread().len() } else { open.seen_count };
            }
        }
        Intent::GoToEnd => {
            if let Some(open) = &mut state.open {
                open.jumps += 1;
            }
        }
        Intent::Focused => state.wants_focus = false,
        Intent::ShowPalette(is_open) => state.palette = is_open.then(Palette::default),
        Intent::ChooseCommand(index) => {
            if let Some(palette) = &mut state.palette {
                palette.chosen = index;
            }
        }
        Intent::ShowShortcuts(are_open) => state.are_shortcuts_open = are_open,
        Intent::ShowConnections(are_shown) => state.are_connections_open = are_shown,
        Intent::Dismiss(index) if index < state.toasts.len() => {
            state.toasts.remove(index);
        }
        _ => {}
    }
}

fn dress(state: &mut State, intent: Intent) {
    match intent {
        Intent::Theme(theme) => state.looks.theme = theme,
        Intent::Zoom(percent) => state.looks.zoom_percent = percent,
        Intent::ShowPart(part, is_shown) => state.looks.left_out.show(part, is_shown),
        Intent::ReduceMotion(is_reduced) => state.looks.has_reduced_motion = is_reduced,
        _ => {}
    }
    state.is_memory_stale = true;
}

fn travel(state: &mut State, is_back: bool) {
    let (from, to) = match is_back {
        true => (&mut state.back, &mut state.forward),
        false => (&mut state.forward, &mut state.back),
    };
    let Some(route) = from.pop() else { return };
    to.push(std::mem::replace(&mut state.route, route));
    arrive(state);
}

/// Goes to the neighbour in the list of the ticket that is shown, or to the first.
fn step_through(state: &mut State, step: Step) {
    let shown = open_key(state);
    let place = state.inbox.pages.iter().find_map(|(page, rows)| {
        let index = rows.iter().position(|row| shown.as_ref().is_some_and(|key| key.ticket == row.id))?;
        Some(page * limits::PAGE_ROWS + index as u64)
    });
    let next = match (place, step) {
        (None, _) => Some(0),
        (Some(place), Step::Next) => place.checked_add(1),
        (Some(place), Step::Previous) => place.checked_sub(1),
    };
    let row = next.and_then(|index| state.inbox.row(index));
    if let Some(key) = row.map(|row| TicketKey { project: row.project.clone(), ticket: row.id.clone() }) {
        go(state, Route::Ticket(key));
    }
}

fn type_into(state: &mut State, field: Field, text: String) {
    match field {
        Field::Query => {
            state.inbox.query = text;
            list_anew(state);
        }
        Field::Composer => {
            if let Some(key) = open_key(state) {
                let composer = state.composers.entry(key).or_default();
                composer.text = text;
                composer.error = None;
                state.is_memory_stale = true;
                state.has_typed = true;
            }
        }
        Field::ViewName => state.inbox.saving = Some(text),
        Field::Rewriting => rewriting::type_into(state, text),
        Field::Title => {
            if let Some(open) = &mut state.open {
                open.title = Some(text);
            }
        }
        Field::Label => {
            if let Some(open) = &mut state.open {
                open.label = text;
            }
        }
        Field::Palette => {
            state.palette = Some(Palette { text, chosen: 0 });
        }
        Field::ChosenLabel => state.inbox.label = text,
        Field::NewTitle => {
            state.new_ticket.title = text;
            state.new_ticket.error = None;
            state.is_memory_stale = true;
        }
        Field::NewBody => {
            state.new_ticket.body = text;
            state.is_memory_stale = true;
        }
        Field::JoinAddress => state.join.address = text,
        Field::JoinEmail => state.join.email = text,
        Field::JoinName => state.join.name = text,
        Field::ServerAddress => {
            if let Some(relocating) = &mut state.relocating {
                (relocating.address, relocating.error) = (text, None);
            }
        }
        Field::JoinCode => state.join.code = text,
        Field::JoinCheck => {
            if let Some(check) = &mut state.join.check {
                check.check = text;
            }
        }
        Field::InviteEmail
        | Field::InviteName
        | Field::LabelName
        | Field::LabelText
        | Field::CannedName
        | Field::CannedText => managing::type_into(state, field, text),
    }
}

fn compose(state: &mut State, intent: Intent) {
    let Some(key) = open_key(state) else { return };
    let composer = state.composers.entry(key).or_default();
    match intent {
        Intent::WriteNote(is_note) => {
            // A comment and a note answer texts of different documents.
            composer.reply_to = composer.reply_to.take().filter(|_| composer.is_note == is_note);
            composer.is_note = is_note;
        }
        Intent::ReplyTo(comment) => composer.reply_to = comment,
        Intent::Preview(is_preview) => composer.is_preview = is_preview,
        _ => {}
    }
    state.is_memory_stale = true;
}

/// Puts a canned reply behind what was written, with its places filled in.
fn use_canned(state: &mut State, name: &str) {
    let Some(open) = &state.open else { return };
    let (Some(ticket), Some(project)) = (open.ticket.as_deref(), state.project(&open.key.project)) else {
        return;
    };
    let details = state.people.get(&open.key.project).and_then(|people| people.details.as_ref());
    let canned = details.and_then(|details| details.canned_replies.iter().find(|canned| canned.name == name));
    let Some(canned) = canned else { return };
    let row = &ticket.row;
    let number = row.number.map_or_else(|| row.short_id.clone(), |number| format!("#{number}"));
    let places = Places {
        customer: &row.requester.name,
        number: &number,
        agent: &project.user_name,
        project: &project.name,
    };
    let text = fill(&canned.body, &places);
    let composer = state.composers.entry(open.key.clone()).or_default();
    composer.text = match composer.text.trim().is_empty() {
        true => text,
        false => format!("{}\n\n{text}", composer.text.trim_end()),
    };
    composer.error = None;
    state.is_memory_stale = true;
}

fn send(state: &mut State, requests: &mut Vec<Request>) {
    let Some(key) = open_key(state) else { return };
    let is_team = state.is_team(&key.project);
    let Some(composer) = state.composers.get_mut(&key) else { return };
    if !composer.is_ready() {
        return;
    }
    composer.is_sending = true;
    composer.error = None;
    let Composer { text: body, is_note, reply_to, files, .. } = composer.clone();
    let attachments = files.iter().filter_map(NewFile::attach).collect();
    let (project, ticket) = (Some(key.project.clone()), key.ticket.clone());
    let written = match is_note && is_team {
        true => {
            let hold_millis = None;
            Write::Note(key, note::Add { project, ticket, body, reply_to, attachments, hold_millis })
        }
        false => {
            let hold_millis = None;
            Write::Comment(key, comment::Add { project, ticket, body, reply_to, attachments, hold_millis })
        }
    };
    write(requests, written);
}

/// Takes back what has not left: its text and its files go back to where they came from.
fn take_back(state: &mut State, comment: String, requests: &mut Vec<Request>) {
    let Some(open) = &state.open else { return };
    let key = open.key.clone();
    let written = open.thread().into_iter().find(|entry| entry.comment.id == comment);
    let attachments = written.map(|entry| entry.comment.attachments.clone()).unwrap_or_default();
    let files = attachments.into_iter().map(|file| {
        state.last_serial += 1;
        NewFile::stored(state.last_serial, file.name, file.blob, file.size_bytes)
    });
    let files = files.collect();
    let undo = comment::Undo { project: Some(key.project.clone()), comment: Some(comment) };
    write(requests, Write::TakeBack(key, undo, files));
}

fn file(state: &mut State, requests: &mut Vec<Request>) {
    let form = &mut state.new_ticket;
    if form.is_sending {
        return;
    }
    if form.title.trim().is_empty() {
        form.error = Some("Give it a title: one line that says what is wrong.".to_owned());
        return;
    }
    if form.project.is_none() {
        form.error = Some("Choose the project that it is for.".to_owned());
        return;
    }
    if !are_stored(&form.files) {
        form.error = Some("A file is not ready: wait for it, or take it away.".to_owned());
        return;
    }
    form.is_sending = true;
    form.error = None;
    let create = Create {
        project: form.project.clone(),
        title: form.title.trim().to_owned(),
        body: form.body.clone(),
        attachments: form.files.iter().filter_map(NewFile::attach).collect(),
        ..Create::default()
    };
    write(requests, Write::Create(create));
}

fn join(state: &mut State, intent: Intent, requests: &mut Vec<Request>) {
    let scope = state.scope.as_ref().map(|scope| scope.address.clone());
    let form = &mut state.join;
    let optional = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let asked = match intent {
        Intent::HaveCode(has_code) => {
            form.has_code = has_code;
            form.error = None;
            state.wants_focus = true;
            return;
        }
        Intent::GoOnJoining(pending) => {
            *form = JoinForm { pending, address: scope.unwrap_or_default(), ..JoinForm::default() };
            return;
        }
        _ if form.is_asking => return,
        Intent::RequestCode => Write::RequestCode(RequestCode {
            address: form.address.trim().to_owned(),
            email: form.email.trim().to_owned(),
            name: optional(&form.name),
            device_name: None,
        }),
        _ if form.pending.is_none() => Write::Join(Join {
            address: form.address.trim().to_owned(),
            code: form.code.trim().to_owned(),
            name: optional(&form.name),
            email: optional(&form.email),
            device_name: None,
        }),
        _ => Write::Confirm(Confirm { project: form.pending.clone(), code: optional(&form.code) }),
    };
    form.is_asking = true;
    form.error = None;
    write(requests, asked);
}

/// Lets the other device in that had a mail sent, whose link was opened here.
fn answer_link(state: &mut State, is_own: bool, requests: &mut Vec<Request>) {
    let form = &mut state.join;
    let Some(check) = form.check.clone().filter(|_| !form.is_asking) else { return };
    if !is_own {
        form.check = None;
        form.error = None;
        return;
    }
    form.is_asking = true;
    form.error = None;
    let open = Open { link: check.link, check: Some(check.check.trim().to_owned()) };
    write(requests, Write::OpenLink(open));
}

fn change_ticket(state: &mut State, change: Change, requests: &mut Vec<Request>) {
    let Some(open) = &mut state.open else { return };
    let key = open.key.clone();
    let mut edit = Edit { project: Some(key.project.clone()), ticket: key.ticket.clone(), ..Edit::default() };
    match change {
        Change::BeginTitle => {
            open.title = open.ticket.as_ref().map(|ticket| ticket.row.title.clone());
            return;
        }
        Change::LeaveTitle => {
            open.title = None;
            return;
        }
        Change::KeepTitle => {
            let current = open.ticket.as_ref().map(|ticket| ticket.row.title.as_str());
            let typed = open.title.take().map(|title| title.trim().to_owned());
            let title = typed.filter(|title| !title.is_empty() && Some(title.as_str()) != current);
            if title.is_none() {
                return;
            }
            edit.set.title = title;
        }
        Change::Status(status) => edit.set.status = Some(status),
        Change::Priority(priority) => edit.set.priority = priority.map_or(Patch::Clear, Patch::Set),
        Change::Assignee(user) => edit.set.assignee = user.map_or(Patch::Clear, Patch::Set),
        Change::Snooze(until) => edit.set.snoozed_until_millis = until.map_or(Patch::Clear, Patch::Set),
        Change::AddLabel(label) => {
            open.label.clear();
            edit.add_labels = vec![label];
        }
        Change::RemoveLabel(label) => edit.remove_labels = vec![label],
        Change::Settle { field, change } => {
            return write(requests, Write::Settle { key, field, change });
        }
    }
    write(requests, Write::Edit(key, edit));
}

fn show_history(state: &mut State, is_shown: bool, requests: &mut Vec<Request>) {
    let Some(open) = &mut state.open else { return };
    open.is_history_open = is_shown;
    if is_shown {
        requests.push(Request::History(open.key.clone()));
    }
}

fn show_past(state: &mut State, change: Option<String>, requests: &mut Vec<Request>) {
    let Some(open) = &mut state.open else { return };
    match change {
        Some(change) => requests.push(Request::Past { key: open.key.clone(), change }),
        None => open.past = None,
    }
}

pub(super) fn open_key(state: &State) -> Option<TicketKey> {
    state.open.as_ref().map(|open| open.key.clone())
}
