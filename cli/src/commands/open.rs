//! `open`: what a link leads to, and the entry by which desktops open links with this program.

use std::io::{self, BufRead as _, IsTerminal as _};

use assist_proto::api::link::{LinkOutcome, Open, Opened};
use assist_proto::client::ClientError;

use super::project::{joined_words, waiting_lines};
use super::word;
use crate::args::{OpenArgs, TicketVerb};
use crate::body::read_text_within;
use crate::desktop;
use crate::error::{CliError, ErrorKind};
use crate::invocation::Invocation;
use crate::output::{Audience, neutral, tab_separated};

/// Does what was asked for.
pub(crate) fn run(args: OpenArgs, invocation: &mut Invocation) -> Result<(), CliError> {
    let OpenArgs { link, check, install, hold } = args;
    if install {
        return desktop::install(&mut invocation.output);
    }
    let outcome = match link {
        Some(link) => open(link, check, invocation),
        None => Err(CliError::message(ErrorKind::Usage, "no link was given")),
    };
    if hold { held(&outcome, invocation) } else { outcome }
}

/// Prints what came of it and the project's id.
fn open(link: String, check: Option<String>, invocation: &mut Invocation) -> Result<(), CliError> {
    let link =
        if link == "-" { read_text_within(LINK_BYTES_MAX, "stdin", io::stdin().lock())? } else { link };
    if let Some((project, ticket)) = ticket_of(&link) {
        invocation.project = Some(project);
        return super::ticket::run(TicketVerb::View { ticket, at: None }, invocation);
    }
    invocation.output.check_fields::<Opened>()?;
    let opened = match invocation.client()?.call(&Open { link: link.clone(), check }) {
        Err(ClientError::Api(error)) if error.data.reason == "check_needed" => {
            let Some(check) = ask_for_check(invocation) else {
                return Err(CliError::from(error).hint("`--check <characters>` takes them"));
            };
            invocation.call(&Open { link, check: Some(check) })?
        }
        opened => opened?,
    };
    invocation.output.document(&opened, lines)
}

/// The project and the ticket that a link in a mail or a notification leads to: `assist://<project>/ticket/<ticket>`.
fn ticket_of(link: &str) -> Option<(String, String)> {
    let (project, ticket) = link.trim().strip_prefix("assist://")?.split_once("/ticket/")?;
    let is_id = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric());
    (is_id(project) && is_id(ticket)).then(|| (project.to_owned(), ticket.to_owned()))
}

/// Asks a person for what the other device shows; nobody is asked where nobody sits.
fn ask_for_check(invocation: &mut Invocation) -> Option<String> {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        return None;
    }
    invocation.output.say(
        "Another device had this mail sent. If that is yours, type the four characters that it shows to let it in:",
    );
    let mut line = String::new();
    stdin.lock().read_line(&mut line).ok()?;
    Some(line.trim().to_owned()).filter(|check| !check.is_empty())
}

/// Shows the outcome until somebody has read it: the window of a desktop's terminal goes with the program.
fn held(outcome: &Result<(), CliError>, invocation: &mut Invocation) -> Result<(), CliError> {
    if let Err(error) = outcome {
        invocation.output.error(error);
    }
    invocation.output.flush()?;
    invocation.output.say("Press Enter to close.");
    // Whatever is typed, or nobody who could: it ends.
    io::stdin().lock().read_line(&mut String::new()).ok();
    Ok(())
}

fn lines(opened: &Opened, audience: Audience) -> Vec<String> {
    if matches!(audience, Audience::Script) {
        let project = opened.project.clone().unwrap_or_default();
        return vec![tab_separated(&[word(&opened.outcome), project])];
    }
    let name = neutral::line(opened.name.as_deref().unwrap_or("the project"));
    match (opened.outcome, &opened.joined, &opened.waiting) {
        (LinkOutcome::Joined, Some(project), _) => vec![joined_words(project)],
        (LinkOutcome::Waiting, _, Some(pending)) => waiting_lines(pending),
        (LinkOutcome::AlreadyJoined, ..) if opened.is_elsewhere => vec![
            format!(
                "{name} is joined already; the link has an address of its server that is not known here."
            ),
            "If whoever runs it gave you the link:".to_owned(),
            format!("  assist project relocate '{}'", neutral::line(&opened.address)),
        ],
        (LinkOutcome::AlreadyJoined, ..) => vec![format!("{name} is joined already")],
        (LinkOutcome::OtherJoined, ..) => vec![format!("the other device is in {name} now")],
        (LinkOutcome::OtherWaiting, ..) => vec![
            format!("{name} knows the address already: the other device waits to be let in."),
            "On a device that is in (or an admin on theirs):".to_owned(),
            "  assist device list".to_owned(),
        ],
        (LinkOutcome::NotJoined, ..) => vec![
            "This device has not joined that project. To join it:".to_owned(),
            format!("  assist project join '{}' --email <your address>", neutral::line(&opened.address)),
        ],
        _ => vec!["the daemon did something that this version does not know".to_owned()],
    }
}

/// A link is a line.
const LINK_BYTES_MAX: usize = 4096;

#[cfg(test)]
mod tests;
