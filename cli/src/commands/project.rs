//! `project`: joining, listing and leaving projects.

use std::io;

use assist_proto::api::project::{
    Confirm, Confirmed, Join, Leave, List, ListPending, PendingJoin, ProjectInfo, Relocate, Request,
};

use super::{cold_start_words, connection_tone, optional, word};
use crate::args::{JoinArgs, ProjectVerb};
use crate::body::read_text_within;
use crate::error::{CliError, ErrorKind};
use crate::invocation::Invocation;
use crate::output::{Audience, Cell, Row, Times, Tone, exact, neutral, tab_separated};

/// Does what was asked for.
pub(crate) fn run(verb: ProjectVerb, invocation: &mut Invocation) -> Result<(), CliError> {
    match verb {
        ProjectVerb::Join(args) => join(args, invocation),
        ProjectVerb::Confirm { code } => confirm(code, invocation),
        ProjectVerb::Pending => {
            invocation.output.check_fields::<PendingJoin>()?;
            let joins = invocation.call(&ListPending {})?.joins;
            invocation.output.rows(&joins)
        }
        ProjectVerb::List => {
            invocation.output.check_fields::<ProjectInfo>()?;
            let projects = invocation.call(&List {})?.projects;
            if projects.is_empty() {
                invocation.output.say(
                    "no project yet: join one with `assist project join <address> --email <your address>`",
                );
            }
            invocation.output.rows(&projects)
        }
        ProjectVerb::Relocate { address } => relocate(address, invocation),
        ProjectVerb::Leave { name, force } => leave(name, force, invocation),
    }
}

/// Prints the project's id, or for people who one is there now or what to do next.
fn join(args: JoinArgs, invocation: &mut Invocation) -> Result<(), CliError> {
    let JoinArgs { address, code, name, email, device_name } = args;
    let Some(code) = code else {
        let request = Request { address, email: email.unwrap_or_default(), name, device_name };
        return request_code(&request, invocation);
    };
    invocation.output.check_fields::<ProjectInfo>()?;
    let code = read_code(code)?;
    invocation.output.say(ASKING);
    let project = invocation.call(&Join { address, code, name, email, device_name })?;
    invocation.output.document(&project, |project, audience| match audience {
        Audience::Script => vec![project.id.clone()],
        Audience::People(_) => vec![joined_words(project)],
    })
}

/// Prints the project's id, or for people where the code went to and what to do with it.
fn request_code(request: &Request, invocation: &mut Invocation) -> Result<(), CliError> {
    invocation.output.check_fields::<PendingJoin>()?;
    invocation.output.say(ASKING);
    let pending = invocation.call(request)?;
    invocation.output.document(&pending, |pending, audience| match audience {
        Audience::Script => vec![pending.project.clone()],
        Audience::People(_) => vec![
            format!("A code is on its way to {}. Then:", neutral::line(&pending.email)),
            "  assist project confirm <code>".to_owned(),
            format!(
                "Whoever opens the link in the mail on another device types there: {}",
                neutral::line(&pending.check)
            ),
        ],
    })
}

/// Prints the project's id and how this device stands with it.
fn confirm(code: Option<String>, invocation: &mut Invocation) -> Result<(), CliError> {
    invocation.output.check_fields::<Confirmed>()?;
    let code = code.map(read_code).transpose()?;
    invocation.output.say(ASKING);
    let confirmed = invocation.call(&Confirm { project: invocation.project.clone(), code })?;
    invocation.output.document(&confirmed, confirmed_lines)
}

fn confirmed_lines(confirmed: &Confirmed, audience: Audience) -> Vec<String> {
    let is_script = matches!(audience, Audience::Script);
    match (&confirmed.joined, &confirmed.waiting) {
        (Some(project), _) if is_script => vec![tab_separated(&[project.id.clone(), "joined".to_owned()])],
        (Some(project), _) => vec![joined_words(project)],
        (None, Some(pending)) if is_script => {
            vec![tab_separated(&[pending.project.clone(), "waiting".to_owned()])]
        }
        (None, Some(pending)) => waiting_lines(pending),
        (None, None) => Vec::new(),
    }
}

/// What a person does who has proven their address and waits.
pub(super) fn waiting_lines(pending: &PendingJoin) -> Vec<String> {
    let device = pending.device.get(..ID_CHARS_SHOWN).unwrap_or_default();
    vec![
        format!("{} knows you already: this device waits to be let in.", neutral::line(&pending.name)),
        "On a device that you have (or an admin on theirs):".to_owned(),
        format!("  assist device approve {}", neutral::line(device)),
        "Then here:".to_owned(),
        "  assist project confirm".to_owned(),
    ]
}

pub(super) fn joined_words(project: &ProjectInfo) -> String {
    format!(
        "joined {} as {} ({})",
        neutral::line(&project.name),
        neutral::line(&project.user_name),
        word(&project.role)
    )
}

/// Takes a code as it was given, or from stdin: kept out of the list of processes that all users see.
fn read_code(code: String) -> Result<String, CliError> {
    match code.as_str() {
        "-" => Ok(read_text_within(CODE_BYTES_MAX, "stdin", io::stdin().lock())?.trim().to_owned()),
        _ => Ok(code),
    }
}

/// Prints the project's id, or for people where its server is looked for now.
fn relocate(address: String, invocation: &mut Invocation) -> Result<(), CliError> {
    invocation.output.check_fields::<ProjectInfo>()?;
    let project = invocation.call(&Relocate { address, project: invocation.project.clone() })?;
    invocation.output.document(&project, |project, audience| match audience {
        Audience::Script => vec![project.id.clone()],
        Audience::People(_) => vec![format!(
            "the server of {} is looked for at {}",
            neutral::line(&project.name),
            neutral::line(&project.addresses.join(", then "))
        )],
    })
}

fn leave(name: Option<String>, force: bool, invocation: &mut Invocation) -> Result<(), CliError> {
    let project = name.or_else(|| invocation.project.clone()).ok_or_else(|| {
        CliError::message(ErrorKind::Usage, "which project to leave was not said")
            .hint("`assist project list` lists those you have joined")
    })?;
    let said = format!("left {project}; its tickets are gone from this device");
    invocation.carry_out(&Leave { project, force }, &said)
}

impl Row for ProjectInfo {
    const HEADS: &'static [&'static str] = &["name", "you are", "as", "unread", "mentioned", "server", "id"];
    const FLEXIBLE: usize = 5;

    fn cells(&self, _times: &Times) -> Vec<Cell> {
        let connection = match self.cold_start {
            Some(progress) => format!("{}, {}", word(&self.connection.state), cold_start_words(progress)),
            None => format!("{}: {}", word(&self.connection.state), self.connection.detail),
        };
        vec![
            Cell::new(&self.name, Tone::Strong),
            Cell::plain(&self.user_name),
            Cell::plain(word(&self.role)),
            Cell::plain(optional(self.unread_count)),
            Cell::plain(self.mentioned_count.to_string()),
            Cell::new(connection, connection_tone(self.connection.state)),
            Cell::dim(self.id.get(..ID_CHARS_SHOWN).unwrap_or(&self.id)),
        ]
    }

    fn values(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.name.clone(),
            word(&self.role),
            self.user_id.clone(),
            self.user_name.clone(),
            self.device_name.clone(),
            word(&self.connection.state),
            optional(self.unread_count),
            self.mentioned_count.to_string(),
        ]
    }
}

impl Row for PendingJoin {
    const HEADS: &'static [&'static str] = &["project", "email", "asked", "state", "check", "id"];
    const FLEXIBLE: usize = 0;

    fn cells(&self, times: &Times) -> Vec<Cell> {
        let (state, tone) = match self.is_waiting {
            true => ("waits to be let in", Tone::Notable),
            false => ("wants the mailed code", Tone::Plain),
        };
        vec![
            Cell::new(&self.name, Tone::Strong),
            Cell::plain(&self.email),
            Cell::plain(times.relative(self.asked_at_millis)),
            Cell::new(state, tone),
            Cell::plain(&self.check),
            Cell::dim(self.project.get(..ID_CHARS_SHOWN).unwrap_or(&self.project)),
        ]
    }

    fn values(&self) -> Vec<String> {
        vec![
            self.project.clone(),
            self.name.clone(),
            self.email.clone(),
            self.device.clone(),
            self.device_name.clone(),
            self.check.clone(),
            exact(self.asked_at_millis),
            self.is_waiting.to_string(),
        ]
    }
}

/// Said before what may take some seconds.
const ASKING: &str = "asking the project's server; over the overlay this may take a while";

/// Enough of a project's or device's id to name it.
const ID_CHARS_SHOWN: usize = 8;

/// A code is a line.
const CODE_BYTES_MAX: usize = 1024;

#[cfg(test)]
mod tests;
