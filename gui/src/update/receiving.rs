//! What the daemon tells.

use assist_proto::api::draft::Draft;
use assist_proto::api::events::{Cause, News, Reason};
use assist_proto::api::link::{LinkOutcome, Open, Opened};
use assist_proto::api::project::Confirmed;
use assist_proto::api::sync::ConnectionState;
use assist_proto::api::ticket::{Ticket, TicketPage, TicketRef};

use super::{attaching, choosing, go, list_anew, managing, rewriting, toast, viewing};
use crate::files::Source;
use crate::host::HostEvent;
use crate::link::{Done, Failure, Overview, Reply, Request, Whole, Write};
use crate::route::{Route, TicketKey, View};
use crate::state::{
    Composer, DaemonState, JoinForm, LinkCheck, NewTicket, Past, Relocating, Scope, State, ToastTone,
};

/// Takes in what the daemon told, and returns what to ask of it.
pub fn receive(state: &mut State, reply: Reply, now_millis: u64) -> Vec<Request> {
    let mut requests = Vec::new();
    match reply {
        Reply::Daemon(daemon) => {
            state.daemon = daemon;
            if state.daemon == DaemonState::Ready {
                look_again_at_all(state);
            }
        }
        Reply::News(news) => hear(state, *news, now_millis),
        Reply::Overview(outcome) => {
            state.stale.is_overview_awaited = false;
            if let Ok(overview) = outcome {
                take_overview(state, overview);
            }
        }
        Reply::People { project, outcome } => {
            if let Ok((users, details)) = outcome {
                let people = state.people.entry(project).or_default();
                people.users = users;
                people.details = Some(*details);
            }
        }
        Reply::Roster { project, outcome } => managing::take_roster(state, &project, outcome),
        Reply::Health { project, outcome } => managing::take_health(state, &project, outcome),
        Reply::Log { project, part, outcome } => managing::take_log(state, &project, part, outcome),
        Reply::Drafts(outcome) => {
            if let Ok(drafts) = outcome {
                take_drafts(state, drafts);
            }
        }
        Reply::Rows { serial, page, outcome } => take_rows(state, serial, page, outcome),
        Reply::Counts { project, outcome } => {
            if project == state.inbox.project {
                state.inbox.are_counts_awaited = false;
                state.inbox.counts = outcome.map(|counts| counts.into_iter().collect()).unwrap_or_default();
            }
        }
        Reply::Ticket { key, outcome } => take_ticket(state, &key, outcome, &mut requests),
        Reply::History { key, outcome } => {
            if let Some(open) = state.open.as_mut().filter(|open| open.key == key) {
                open.history = outcome.ok();
            }
        }
        Reply::Past { key, change, outcome } => take_past(state, &key, &change, outcome, now_millis),
        Reply::Presence { key, outcome } => {
            if let Some(open) = state.open.as_mut().filter(|open| open.key == key) {
                // Of a daemon that is not there nothing is known.
                open.present = outcome.unwrap_or_default();
            }
        }
        Reply::NotRead(key) => {
            if let Some(open) = state.open.as_mut().filter(|open| open.key == key) {
                open.read_through = None;
            }
        }
        Reply::Stored { slot, id, outcome } => attaching::stored(state, &slot, id, outcome),
        Reply::Picked(slot, paths) => {
            for path in paths {
                attaching::attach(state, &slot, Source::Path(path), &mut requests);
            }
        }
        Reply::Saved(outcome) => attaching::saved(state, outcome, now_millis),
        // Kept where it is drawn from, not here.
        Reply::Picture { .. } => {}
        Reply::Written { write, outcome: Ok(done) } => take_done(state, *write, done, now_millis),
        Reply::Written { write, outcome: Err(failure) } => take_failure(state, *write, failure, now_millis),
        Reply::NotRemembered(why) => {
            let text = format!("What is not sent yet cannot be kept for the next start: {why}");
            toast(state, now_millis, ToastTone::Bad, text, None);
        }
    }
    requests
}

fn take_drafts(state: &mut State, mut drafts: Vec<Draft>) {
    if let Some(scope) = &state.scope {
        drafts.retain(|draft| draft.project == scope.project);
    }
    state.drafts = drafts;
}

fn look_again_at_all(state: &mut State) {
    state.stale.overview = true;
    state.stale.is_overview_awaited = false;
    state.stale.inbox = true;
    state.stale.drafts = true;
    state.stale.people.extend(state.people.keys().cloned());
    state.stale.manage = true;
    state.inbox.are_counts_awaited = false;
    state.inbox.awaited.clear();
    if let Some(open) = &mut state.open {
        open.is_awaited = false;
        state.stale.open = true;
        state.stale.presence = true;
    }
}

/// What a toast says of something that is for the user.
fn notification(reason: Reason, actor: Option<&str>, title: &str) -> String {
    let actor = actor.unwrap_or("Somebody");
    let ticket = format!("\u{201c}{title}\u{201d}");
    match reason {
        Reason::Assigned => format!("{actor} handed you {ticket}"),
        Reason::Mentioned => format!("{actor} mentions you in {ticket}"),
        Reason::Reply | Reason::Unknown => format!("{actor} wrote in {ticket}"),
        Reason::Resurfaced => format!("{ticket} is back from its sleep"),
    }
}

fn hear(state: &mut State, news: News, now_millis: u64) {
    if state.scope.as_ref().is_some_and(|scope| project_of(&news).is_some_and(|it| *it != scope.project)) {
        return;
    }
    match news {
        News::TicketChanged { ticket, cause, .. } => {
            state.stale.inbox |= cause != Cause::Delivery || is_listed(state, &ticket);
            state.stale.open |= is_open(state, &ticket);
            // Counts of unread tickets, and of what waits to be sent.
            state.stale.overview = true;
        }
        News::TicketRead { ticket, .. }
        | News::NoteAdded { ticket, .. }
        | News::AttachmentChanged { ticket, .. } => {
            state.stale.open |= is_open(state, &ticket);
        }
        News::NotificationAdded { ticket, reason, actor, .. } => {
            if !is_open(state, &ticket) {
                let text = notification(reason, actor.as_deref(), &ticket.title);
                let key = TicketKey { project: ticket.project, ticket: ticket.id };
                toast(state, now_millis, ToastTone::News, text, Some(Route::Ticket(key)));
            }
        }
        News::SyncChanged { .. } => {
            state.stale.overview = true;
            // A server that could not be asked may be there now.
            state.stale.manage |= state.manage.as_ref().is_some_and(|manage| manage.error.is_some());
        }
        News::OverlayChanged {} => state.stale.overview = true,
        News::PresenceChanged { ticket, .. } => {
            let open = state.open.as_ref().map(|open| &open.key.ticket);
            state.stale.presence |= ticket.is_some() && ticket.as_ref() == open;
        }
        News::ProjectChanged { project, .. } => {
            state.stale.overview = true;
            state.stale.inbox = true;
            state.stale.manage = true;
            if state.people.contains_key(&project) {
                state.stale.people.insert(project);
            }
        }
        News::DraftAdded { message, .. } => {
            state.stale.drafts = true;
            let text = format!("Something you wrote was refused, and kept: {message}");
            toast(state, now_millis, ToastTone::Bad, text, Some(Route::Settings));
        }
        News::DraftRemoved { .. } => state.stale.drafts = true,
        News::Reset {} => look_again_at_all(state),
        News::DeviceAdded { .. } => state.stale.manage = true,
        News::CommentAdded { .. } | News::Unknown => {}
    }
}

/// Returns the project that something happened in, where it is told.
fn project_of(news: &News) -> Option<&String> {
    match news {
        News::TicketChanged { ticket, .. }
        | News::TicketRead { ticket, .. }
        | News::NoteAdded { ticket, .. }
        | News::AttachmentChanged { ticket, .. }
        | News::NotificationAdded { ticket, .. }
        | News::CommentAdded { ticket, .. } => Some(&ticket.project),
        News::ProjectChanged { project, .. } => Some(project),
        _ => None,
    }
}

fn is_open(state: &State, ticket: &TicketRef) -> bool {
    state.open.as_ref().is_some_and(|open| open.key.ticket == ticket.id)
}

/// Tells whether a ticket is among the rows that are here.
fn is_listed(state: &State, ticket: &TicketRef) -> bool {
    state.inbox.pages.values().flatten().any(|row| row.id == ticket.id)
}

fn take_overview(state: &mut State, mut overview: Overview) {
    if let Some(Scope { project, .. }) = &state.scope {
        overview.projects.retain(|it| it.id == *project);
        overview.pending.retain(|it| it.project == *project);
        overview.syncs.retain(|it| it.project == *project);
        overview.views.retain(|it| it.project == *project);
    }
    let is_first = state.projects.is_none();
    let had_none = state.projects().is_empty();
    state.pending = overview.pending;
    for sync in &overview.syncs {
        match sync.connection.state {
            ConnectionState::Connecting => {}
            ConnectionState::Offline => drop(state.offline.insert(sync.project.clone())),
            _ => drop(state.offline.remove(&sync.project)),
        }
    }
    state.syncs = overview.syncs;
    state.saved_views = overview.views;
    state.projects = Some(overview.projects);
    if state.projects().is_empty() {
        state.open = None;
        state.wants_focus |= state.route != Route::Join;
        state.route = Route::Join;
        if is_first && state.join.pending.is_none() {
            state.join.pending = state.pending.first().map(|pending| pending.project.clone());
        }
        return;
    }
    if had_none {
        if state.route == Route::Join {
            state.route = Route::START;
        }
        state.stale.inbox = true;
    }
    // A project that was left takes its tickets along.
    let open = state.open.as_ref().map(|open| open.key.project.clone());
    let is_gone = |project: Option<String>| project.is_some_and(|project| state.project(&project).is_none());
    if is_gone(open) || is_gone(state.inbox.project.clone()) {
        state.open = None;
        state.back.clear();
        state.forward.clear();
        go(state, Route::START);
    }
}

fn take_rows(state: &mut State, serial: u64, page: u64, outcome: Result<TicketPage, Failure>) {
    let inbox = &mut state.inbox;
    if inbox.serial != serial {
        return;
    }
    inbox.awaited.remove(&page);
    match outcome {
        Ok(rows) => {
            inbox.error = None;
            inbox.total = Some(rows.total);
            inbox.pages.insert(page, rows.tickets);
        }
        // The daemon went away: it is asked again when it is back.
        Err(failure) if failure.reason.is_empty() => {}
        Err(failure) => {
            inbox.error = Some(failure.message);
            inbox.total = Some(0);
            inbox.pages.clear();
            inbox.pages.insert(0, Vec::new());
        }
    }
}

fn take_ticket(
    state: &mut State,
    key: &TicketKey,
    outcome: Result<Box<Whole>, Failure>,
    requests: &mut Vec<Request>,
) {
    let Some(open) = state.open.as_mut().filter(|open| open.key == *key) else { return };
    open.is_awaited = false;
    match outcome {
        Ok(whole) => {
            let Whole { ticket, notes, files } = *whole;
            open.error = None;
            let is_read_further = open.read_through.is_none_or(|place| place < ticket.place);
            if is_read_further && (ticket.row.is_unread || open.read_through.is_some()) {
                open.read_through = Some(ticket.place);
                requests.push(Request::MarkRead { key: key.clone(), through: ticket.place });
            }
            open.ticket = Some(Box::new(ticket));
            open.notes = notes;
            open.files = files;
        }
        // The daemon went away: it is asked again when it is back.
        Err(failure) if failure.reason.is_empty() => {}
        Err(failure) => open.error = Some(failure.message),
    }
}

fn take_past(
    state: &mut State,
    key: &TicketKey,
    change: &str,
    outcome: Result<Box<Ticket>, Failure>,
    now_millis: u64,
) {
    let Some(open) = state.open.as_mut().filter(|open| open.key == *key) else { return };
    match outcome {
        Ok(ticket) => {
            let made = open.history.iter().flatten().find(|made| made.change == change);
            open.past = Some(Past { at_millis: made.map(|made| made.at_millis), ticket });
        }
        Err(failure) => toast(state, now_millis, ToastTone::Bad, failure.message, None),
    }
}

fn take_done(state: &mut State, write: Write, done: Done, now_millis: u64) {
    match (write, done) {
        (Write::Create(_), Done::Ticket(ticket)) => {
            state.new_ticket = NewTicket::default();
            state.is_memory_stale = true;
            state.stale.inbox = true;
            let key = TicketKey { project: ticket.project, ticket: ticket.id };
            state.host.tell(HostEvent::TicketFiled(key.clone()));
            go(state, Route::Ticket(key));
            toast(state, now_millis, ToastTone::Good, "Filed. It is sent by itself.", None);
        }
        (Write::Comment(key, _) | Write::Note(key, _), _) => {
            // Nothing was typed or attached meanwhile: the field is closed while its text is on the way.
            let before = state.composers.remove(&key).unwrap_or_default();
            if let Some(open) = state.open.as_mut().filter(|open| open.key == key) {
                open.jumps += 1;
                state.stale.open = true;
            }
            let Composer { is_note, rewriting, .. } = before;
            state.composers.insert(key, Composer { is_note, rewriting, ..Composer::default() });
            state.is_memory_stale = true;
        }
        (Write::SaveView(_) | Write::RemoveView(_), _) => viewing::done(state),
        (Write::Rewrite(key, rewriting), _) => rewriting::done(state, &key, &rewriting),
        (Write::TakeBack(key, _, files), Done::TakenBack(undone)) => {
            let composer = state.composers.entry(key).or_default();
            composer.is_note = undone.is_note;
            composer.files.extend(files);
            composer.text = match composer.text.trim().is_empty() {
                true => undone.body,
                false => format!("{}\n\n{}", undone.body, composer.text),
            };
            state.is_memory_stale = true;
            toast(state, now_millis, ToastTone::Good, "Taken back: it has not left this device.", None);
        }
        (Write::RequestCode(_), Done::CodeMailed(pending)) => {
            state.join.is_asking = false;
            state.join.code.clear();
            state.wants_focus = true;
            state.join.pending = Some(pending.project.clone());
            state.pending.retain(|known| known.project != pending.project);
            state.pending.push(*pending);
        }
        (Write::Confirm(_) | Write::Join(_), Done::Joined(confirmed)) => {
            joined(state, *confirmed, now_millis);
        }
        (Write::OpenLink(_), Done::Opened(opened)) => opened_link(state, *opened, now_millis),
        (Write::Relocate(_), _) => {
            state.stale.overview = true;
            state.relocating = None;
            toast(state, now_millis, ToastTone::Good, "The server is looked for there now.", None);
        }
        (Write::Leave(leave), _) => {
            state.leaving = None;
            state.join.address = state.scope.as_ref().map(|scope| scope.address.clone()).unwrap_or_default();
            state.stale.overview = true;
            state.people.remove(&leave.project);
            list_anew(state);
            toast(state, now_millis, ToastTone::Good, "You have left the project.", None);
        }
        (Write::RetryDraft(_) | Write::DiscardDraft(_), _) => state.stale.drafts = true,
        (Write::Edit(key, _) | Write::Settle { key, .. }, _) => {
            state.stale.open |= state.open.as_ref().is_some_and(|open| open.key == key);
        }
        (Write::Bulk(_), Done::Bulk(done)) => choosing::changed(state, &done, now_millis),
        (Write::Manage(project, write), done) => managing::done(state, &project, *write, done, now_millis),
        (Write::Pause { .. } | Write::Configure(_), _) => state.stale.overview = true,
        (Write::Fetch(_), _) => state.stale.open = true,
        // An answer of another kind than was asked for does not come.
        (Write::Create(_) | Write::TakeBack(..) | Write::RequestCode(_) | Write::Bulk(_), _) => {}
        (Write::OpenLink(_), _) => {}
        (Write::Confirm(_) | Write::Join(_), _) => {}
    }
}

fn joined(state: &mut State, confirmed: Confirmed, now_millis: u64) {
    state.join.is_asking = false;
    state.stale.overview = true;
    if let Some(waiting) = confirmed.waiting {
        state.join.code.clear();
        state.join.pending = Some(waiting.project.clone());
        state.pending.retain(|known| known.project != waiting.project);
        state.pending.push(waiting);
    }
    if let Some(project) = confirmed.joined {
        state.join = JoinForm::default();
        state.host.tell(HostEvent::ProjectJoined(project.id.clone()));
        let text = format!("You have joined {} as {}.", project.name, project.user_name);
        toast(state, now_millis, ToastTone::Good, text, None);
        list_anew(state);
        if !state.projects().is_empty() {
            go(state, Route::START);
        }
    }
}

/// Shows what a link leads to.
fn opened_link(state: &mut State, opened: Opened, now_millis: u64) {
    state.join.is_asking = false;
    state.join.check = None;
    let name = opened.name.clone().unwrap_or_else(|| "the project".to_owned());
    match opened.outcome {
        LinkOutcome::Joined | LinkOutcome::Waiting => {
            joined(state, Confirmed { joined: opened.joined, waiting: opened.waiting }, now_millis);
            if state.join.pending.is_some() {
                go(state, Route::Join);
            }
        }
        LinkOutcome::NotJoined => {
            state.join = JoinForm { address: opened.address, ..JoinForm::default() };
            go(state, Route::Join);
        }
        LinkOutcome::AlreadyJoined if opened.is_elsewhere => {
            let Some(project) = opened.project else { return };
            state.relocating = Some(Relocating { project, address: opened.address, error: None });
            go(state, Route::Settings);
        }
        LinkOutcome::AlreadyJoined => go(state, Route::Inbox { project: opened.project, view: View::Active }),
        LinkOutcome::OtherJoined => {
            toast(state, now_millis, ToastTone::Good, format!("Your other device is in {name} now."), None);
        }
        LinkOutcome::OtherWaiting => {
            let text = format!("{name} knows you already: your other device waits to be let in.");
            toast(state, now_millis, ToastTone::News, text, None);
        }
        LinkOutcome::Unknown => {
            let text = "The daemon did something that this client does not know: a newer one does.";
            toast(state, now_millis, ToastTone::News, text, None);
        }
    }
}

/// Says why a link does not open. The one of a mail that another device had sent asks for what that shows.
fn failed_link(state: &mut State, open: Open, failure: Failure, now_millis: u64) {
    state.join.is_asking = false;
    if failure.reason == "check_needed" {
        state.join.check = Some(LinkCheck { link: open.link, check: String::new() });
        go(state, Route::Join);
    } else if state.join.check.is_some() {
        state.join.error = Some(failure.message);
    } else {
        toast(state, now_millis, ToastTone::Bad, failure.message, None);
    }
}

fn take_failure(state: &mut State, write: Write, failure: Failure, now_millis: u64) {
    let write = match write {
        Write::OpenLink(open) => return failed_link(state, open, failure, now_millis),
        write => write,
    };
    let message = failure.message;
    match write {
        Write::Create(_) => {
            state.new_ticket.is_sending = false;
            state.new_ticket.error = Some(message);
        }
        Write::Comment(key, _) | Write::Note(key, _) => {
            let composer = state.composers.entry(key).or_default();
            composer.is_sending = false;
            composer.error = Some(message);
        }
        Write::RequestCode(_) | Write::Confirm(_) | Write::Join(_) => {
            state.join.is_asking = false;
            state.join.error = Some(message);
        }
        Write::Rewrite(key, _) => {
            rewriting::failed(state, &key);
            toast(state, now_millis, ToastTone::Bad, message, None);
        }
        Write::Manage(project, write) => managing::failed(state, &project, &write, message, now_millis),
        Write::Relocate(_) => {
            if let Some(relocating) = &mut state.relocating {
                relocating.error = Some(message);
            }
        }
        Write::Leave(_) => {
            if let Some(leaving) = &mut state.leaving {
                leaving.objection = Some(message);
            }
        }
        Write::TakeBack(..)
        | Write::Fetch(_)
        | Write::Edit(..)
        | Write::Settle { .. }
        | Write::Bulk(_)
        | Write::SaveView(_)
        | Write::RemoveView(_)
        | Write::Pause { .. }
        | Write::Configure(_)
        | Write::RetryDraft(_)
        | Write::OpenLink(_)
        | Write::DiscardDraft(_) => {
            state.stale.open = state.open.is_some();
            toast(state, now_millis, ToastTone::Bad, message, None);
        }
    }
}
