//! Completions that know what is here: tickets, labels, people, projects. The shell asks this program while one types.
//!
//! It asks a daemon that runs and starts none; where it cannot be asked, there is nothing to propose.

use std::ffi::OsStr;

use assist_proto::api::ticket::{List, TicketRow};
use assist_proto::api::{Method, limits, project, user};
use assist_proto::client::{Client, Home};
use clap::{Command, CommandFactory as _};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};

use crate::args::Cli;
use crate::output::neutral;

/// The command line, with what completes its values.
pub(crate) fn command() -> Command {
    with_values(Cli::command())
}

fn with_values(command: Command) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|inner| inner.get_name().to_owned()).collect();
    let command = names.into_iter().fold(command, |command, name| command.mut_subcommand(name, with_values));
    command.mut_args(|arg| match arg.get_id().as_str() {
        "ticket" | "tickets" | "other" | "into" => arg.add(ArgValueCompleter::new(tickets)),
        "labels" | "label" | "add" | "remove" => arg.add(ArgValueCompleter::new(labels)),
        "assignee" | "requester" | "who" | "user" => arg.add(ArgValueCompleter::new(people)),
        "project" => arg.add(ArgValueCompleter::new(projects)),
        _ => arg,
    })
}

fn ask<M: Method>(params: &M) -> Option<M::Result> {
    let home = Home::locate(None).ok()?;
    Client::connect(home.socket()).ok()?.call(params).ok()
}

fn newest_tickets() -> Vec<TicketRow> {
    let list = List { limit: Some(limits::PAGE_ROWS_MAX), ..List::default() };
    ask(&list).map(|found| found.tickets).unwrap_or_default()
}

/// By number, or by the beginning of the id: whichever was begun. The newest first.
fn tickets(begun: &OsStr) -> Vec<CompletionCandidate> {
    let begun = begun.to_string_lossy();
    let named = |row: TicketRow| {
        let title = neutral::line(&row.title).into_owned();
        let number = row.number.map(|number| number.to_string()).filter(|number| number.starts_with(&*begun));
        let id = row.id.starts_with(&*begun).then_some(row.short_id);
        Some(CompletionCandidate::new(number.or(id)?).help(Some(title.into())))
    };
    newest_tickets().into_iter().filter_map(named).collect()
}

/// Those of the catalogues and of the newest tickets.
fn labels(begun: &OsStr) -> Vec<CompletionCandidate> {
    let catalogues = ask(&project::List {}).map(|found| found.projects).unwrap_or_default();
    let catalogues = catalogues.into_iter().filter_map(|it| ask(&project::Get { project: Some(it.id) }));
    let known = catalogues.flat_map(|it| it.labels).map(|it| it.label);
    fitting(known.chain(newest_tickets().into_iter().flat_map(|row| row.labels)), begun)
}

fn people(begun: &OsStr) -> Vec<CompletionCandidate> {
    let projects = ask(&project::List {}).map(|found| found.projects).unwrap_or_default();
    let users = projects.into_iter().filter_map(|it| ask(&user::List { project: Some(it.id) }));
    let emails = users.flat_map(|found| found.users).filter_map(|user| user.email);
    fitting(std::iter::once("me".to_owned()).chain(emails), begun)
}

fn projects(begun: &OsStr) -> Vec<CompletionCandidate> {
    let projects = ask(&project::List {}).map(|found| found.projects).unwrap_or_default();
    fitting(projects.into_iter().map(|project| project.name), begun)
}

/// Each once, in order. What a shell could take for more than a word is left out: others wrote it.
fn fitting(known: impl Iterator<Item = String>, begun: &OsStr) -> Vec<CompletionCandidate> {
    let begun = begun.to_string_lossy();
    let is_word = |text: &String| {
        text.chars().all(|char| char.is_alphanumeric() || "-_.@+".contains(char)) && text.starts_with(&*begun)
    };
    let mut words: Vec<String> = known.filter(is_word).collect();
    words.sort_unstable();
    words.dedup();
    words.into_iter().map(CompletionCandidate::new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(known: &[&str], begun: &str) -> Vec<String> {
        let known = known.iter().map(|word| (*word).to_owned());
        let found = fitting(known, OsStr::new(begun));
        found.iter().map(|it| it.get_value().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn words_that_fit_are_proposed_once_and_nothing_that_a_shell_would_run() {
        assert_eq!(words(&["ui", "crash", "crypto", "ui"], "cr"), ["crash", "crypto"]);
        assert_eq!(words(&["$(reboot)", "`x`", "a b", "a;b", "\u{fc}ber"], ""), ["\u{fc}ber"]);
    }

    #[test]
    fn the_command_line_is_the_same_with_values() {
        command().debug_assert();
    }
}
