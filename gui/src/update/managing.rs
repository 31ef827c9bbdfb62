//! What an admin does with a project, and what comes of it.

use assist_proto::api::server::log::LogPage;
use assist_proto::api::{canned, device, label, member};

use super::{toast, write};
use crate::intent::Field;
use crate::limits;
use crate::link::{Done, Failure, ManageWrite, Request, Write};
use crate::manage::{
    InviteForm, Irreversible, LogPart, LogView, Manage, Managing, Part, Roster, ServerHealth, WordForm,
};
use crate::route::Route;
use crate::state::{State, ToastTone};

/// Begins with a project, or goes on with it.
pub(super) fn arrive(state: &mut State, project: String) {
    if !state.people.contains_key(&project) {
        state.stale.people.insert(project.clone());
    }
    if state.manage.as_ref().is_none_or(|manage| manage.project != project) {
        state.manage = Some(Manage::new(project));
    }
    state.stale.manage = true;
}

/// Asks again for what may have changed, once at a time, while it is shown.
pub(super) fn settle(state: &mut State, requests: &mut Vec<Request>, now_millis: u64) {
    let Route::Manage(project) = &state.route else { return };
    let is_admin = state.is_admin(project);
    let Some(manage) = state.manage.as_mut().filter(|_| is_admin) else { return };
    settle_server(manage, requests, now_millis);
    if !manage.is_awaited && std::mem::take(&mut state.stale.manage) {
        manage.is_awaited = true;
        requests.push(Request::Roster { project: manage.project.clone() });
    }
}

/// Asks how the server fares, again and again while somebody looks, and what it decided, once.
fn settle_server(manage: &mut Manage, requests: &mut Vec<Request>, now_millis: u64) {
    let (project, server) = (manage.project.clone(), &mut manage.server);
    match manage.part {
        Part::Health if !server.is_health_awaited && now_millis >= server.health_due_at_millis => {
            server.is_health_awaited = true;
            server.health_due_at_millis = now_millis + limits::HEALTH_MILLIS;
            requests.push(Request::Health { project });
        }
        Part::Log if !server.log.is_awaited && !server.log.is_asked => {
            server.log.is_awaited = true;
            server.log.is_asked = true;
            let part = LogPart { before: None, is_refused_only: server.log.is_refused_only };
            requests.push(Request::Log { project, part });
        }
        _ => {}
    }
}

/// Takes in how a server fares.
pub(super) fn take_health(state: &mut State, project: &str, outcome: Result<Box<ServerHealth>, Failure>) {
    let Some(manage) = state.manage.as_mut().filter(|manage| manage.project == project) else { return };
    manage.server.is_health_awaited = false;
    match outcome {
        Ok(health) => {
            manage.server.health = Some(*health);
            manage.server.error = None;
        }
        Err(failure) => manage.server.error = Some(failure.message),
    }
}

/// Takes in what a server decided, unless something else is wanted by now.
pub(super) fn take_log(
    state: &mut State,
    project: &str,
    part: LogPart,
    outcome: Result<Box<LogPage>, Failure>,
) {
    let Some(manage) = state.manage.as_mut().filter(|manage| manage.project == project) else { return };
    let log = &mut manage.server.log;
    if part.is_refused_only != log.is_refused_only || part.before.is_some_and(|it| log.next != Some(it)) {
        return;
    }
    log.is_awaited = false;
    match outcome {
        Ok(page) => {
            if part.before.is_none() {
                log.entries.clear();
            }
            log.entries.extend(page.entries.into_iter().rev());
            log.next = page.next;
            manage.server.error = None;
        }
        Err(failure) => manage.server.error = Some(failure.message),
    }
}

/// Carries out what an admin did.
pub(super) fn act(state: &mut State, managing: Managing, requests: &mut Vec<Request>) {
    let Some(manage) = &mut state.manage else { return };
    let project = Some(manage.project.clone());
    let wanted = match managing {
        Managing::LookAgain => {
            state.stale.manage = true;
            manage.server.health_due_at_millis = 0;
            manage.server.log.is_asked = false;
            return;
        }
        Managing::Show(part) => {
            manage.part = part;
            manage.server.log.is_asked = false;
            return;
        }
        Managing::RefusedOnly(is_refused_only) => {
            manage.server.log = LogView { is_refused_only, ..LogView::default() };
            return;
        }
        Managing::ShowOlder => {
            let log = &mut manage.server.log;
            if log.is_awaited || log.next.is_none() {
                return;
            }
            log.is_awaited = true;
            let part = LogPart { before: log.next, is_refused_only: log.is_refused_only };
            return requests.push(Request::Log { project: manage.project.clone(), part });
        }
        Managing::InviteAs(role) => return manage.invite.role = role,
        Managing::ForgetInvitation => return manage.invite = InviteForm::new(),
        Managing::Ask(asked) => return manage.asked = asked,
        Managing::EditLabel(form) => return manage.label = form,
        Managing::EditCanned(form) => return manage.canned = form,
        Managing::Invite if manage.invite.is_asking => return,
        Managing::Invite => {
            let form = &mut manage.invite;
            form.is_asking = true;
            form.error = None;
            let (email, name) = (given(&form.email), given(&form.name));
            ManageWrite::Invite(member::Invite { project, role: form.role, email, name })
        }
        Managing::Uninvite(email) => ManageWrite::Uninvite(member::Uninvite { project, email }),
        Managing::SetRole { member, role } => ManageWrite::SetRole(member::Edit { project, member, role }),
        Managing::Approve(device) => ManageWrite::Approve(device::Approve { project, device }),
        Managing::Reject(device) => ManageWrite::Reject(device::Reject { project, device }),
        Managing::CarryOut => match manage.asked.take() {
            None => return,
            Some(Irreversible::RemoveMember(member, _)) => {
                ManageWrite::RemoveMember(member::Remove { project, member })
            }
            Some(Irreversible::RevokeDevice(device, _)) => {
                ManageWrite::Revoke(device::Revoke { project, device })
            }
        },
        Managing::SaveLabel => {
            let WordForm { name, text } = manage.label.clone();
            ManageWrite::SetLabel(label::Set { project, label: name, description: text })
        }
        Managing::RemoveLabel(label) => ManageWrite::RemoveLabel(label::Remove { project, label }),
        Managing::SaveCanned => {
            let WordForm { name, text } = manage.canned.clone();
            ManageWrite::SetCanned(canned::Set { project, name, body: text })
        }
        Managing::RemoveCanned(name) => ManageWrite::RemoveCanned(canned::Remove { project, name }),
    };
    write(requests, Write::Manage(manage.project.clone(), Box::new(wanted)));
}

/// Types into one of the page's fields.
pub(super) fn type_into(state: &mut State, field: Field, text: String) {
    let Some(manage) = &mut state.manage else { return };
    match field {
        Field::InviteEmail => manage.invite.email = text,
        Field::InviteName => manage.invite.name = text,
        Field::LabelName => manage.label.name = text,
        Field::LabelText => manage.label.text = text,
        Field::CannedName => manage.canned.name = text,
        Field::CannedText => manage.canned.text = text,
        _ => {}
    }
}

/// Takes in who is in a project.
pub(super) fn take_roster(state: &mut State, project: &str, outcome: Result<Box<Roster>, Failure>) {
    let Some(manage) = state.manage.as_mut().filter(|manage| manage.project == project) else { return };
    manage.is_awaited = false;
    match outcome {
        Ok(roster) => {
            manage.roster = Some(*roster);
            manage.error = None;
        }
        // What was known stays in sight.
        Err(failure) => manage.error = Some(failure.message),
    }
}

/// Takes in that something was done.
pub(super) fn done(state: &mut State, project: &str, write: ManageWrite, done: Done, now_millis: u64) {
    state.stale.manage = true;
    state.stale.people.insert(project.to_owned());
    let words = match &write {
        ManageWrite::Invite(_) => "The invitation is made.",
        ManageWrite::Uninvite(_) => "The invitation is taken back.",
        ManageWrite::SetRole(_) => "The role is changed.",
        ManageWrite::RemoveMember(_) => "They are off the roster.",
        ManageWrite::Approve(_) => "The device is let in.",
        ManageWrite::Reject(_) => "The device is turned away.",
        ManageWrite::Revoke(_) => "The device is shut out.",
        ManageWrite::SetLabel(_) => "The label is kept.",
        ManageWrite::RemoveLabel(_) => "The label is offered no more.",
        ManageWrite::SetCanned(_) => "The canned reply is kept.",
        ManageWrite::RemoveCanned(_) => "The canned reply is dropped.",
    };
    toast(state, now_millis, ToastTone::Good, words, None);
    let Some(manage) = state.manage.as_mut().filter(|manage| manage.project == project) else { return };
    match (write, done) {
        (ManageWrite::Invite(_), Done::Invited(made)) => {
            manage.invite = InviteForm { made: Some(*made), ..InviteForm::new() };
        }
        // What was typed meanwhile stays.
        (ManageWrite::SetLabel(set), _) if manage.label.name == set.label => {
            manage.label = WordForm::default();
        }
        (ManageWrite::SetCanned(set), _) if manage.canned.name == set.name => {
            manage.canned = WordForm::default();
        }
        _ => {}
    }
}

/// Says why something could not be done. What was typed stays.
pub(super) fn failed(
    state: &mut State,
    project: &str,
    write: &ManageWrite,
    message: String,
    now_millis: u64,
) {
    let manage = state.manage.as_mut().filter(|manage| manage.project == project);
    match (write, manage) {
        (ManageWrite::Invite(_), Some(manage)) => {
            manage.invite.is_asking = false;
            manage.invite.error = Some(message);
        }
        _ => toast(state, now_millis, ToastTone::Bad, message, None),
    }
    state.stale.manage = true;
}

fn given(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}
