//! `project`: joining, listing and leaving projects.

use std::io;

use assist_proto::api::Done;
use assist_proto::api::project::{Join, Leave, List, ProjectInfo};

use super::{cold_start_words, connection_tone, optional, word};
use crate::args::{JoinArgs, ProjectVerb};
use crate::body::read_text_within;
use crate::error::{CliError, ErrorKind};
use crate::invocation::Invocation;
use crate::output::{Audience, Cell, Row, Times, Tone, neutral};

/// Does what was asked for.
pub(crate) fn run(verb: ProjectVerb, invocation: &mut Invocation) -> Result<(), CliError> {
    match verb {
        ProjectVerb::Join(args) => join(args, invocation),
        ProjectVerb::List => {
            invocation.output.check_fields::<ProjectInfo>()?;
            let projects = invocation.call(&List {})?.projects;
            if projects.is_empty() {
                invocation
                    .output
                    .say("no project yet: join one with `assist project join <address> --code <code>`");
            }
            invocation.output.rows(&projects)
        }
        ProjectVerb::Leave { name, force } => leave(name, force, invocation),
    }
}

/// Prints the project's id, or for people who one is there now.
fn join(args: JoinArgs, invocation: &mut Invocation) -> Result<(), CliError> {
    invocation.output.check_fields::<ProjectInfo>()?;
    let code = match args.code.as_str() {
        // Kept out of the list of processes that all users see.
        "-" => read_text_within(CODE_BYTES_MAX, "stdin", io::stdin().lock())?.trim().to_owned(),
        _ => args.code,
    };
    let JoinArgs { address, name, email, device_name, .. } = args;
    invocation.output.say("asking the project's server; over the overlay this may take a while");
    let project = invocation.call(&Join { address, code, name, email, device_name })?;
    invocation.output.document(&project, |project, audience| match audience {
        Audience::Script => vec![project.id.clone()],
        Audience::People(_) => vec![format!(
            "joined {} as {} ({})",
            neutral::line(&project.name),
            neutral::line(&project.user_name),
            word(&project.role)
        )],
    })
}

fn leave(name: Option<String>, force: bool, invocation: &mut Invocation) -> Result<(), CliError> {
    invocation.output.check_fields::<Done>()?;
    let project = name.or_else(|| invocation.project.clone()).ok_or_else(|| {
        CliError::message(ErrorKind::Usage, "which project to leave was not said")
            .hint("`assist project list` lists those you have joined")
    })?;
    let done = invocation.call(&Leave { project: project.clone(), force })?;
    invocation.output.say(&format!("left {project}; its tickets are gone from this device"));
    invocation.output.document(&done, |_, _| Vec::new())
}

impl Row for ProjectInfo {
    const HEADS: &'static [&'static str] = &["name", "you are", "as", "unread", "server", "id"];
    const FLEXIBLE: usize = 4;

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
        ]
    }
}

/// Enough of a project's id to name it with `-P`.
const ID_CHARS_SHOWN: usize = 8;

/// A code is a line.
const CODE_BYTES_MAX: usize = 1024;
