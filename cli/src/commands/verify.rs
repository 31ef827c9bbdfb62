//! `verify`: who provably wrote each change of a ticket, of a bundle as of a ticket that is here.
//!
//! A bundle is checked in this process alone: no daemon is asked, no network is used, nothing in the file is believed
//! that is not signed. Names are shown as they were said.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use assist_crdt_model::{ProjectId, UserId};
use assist_proto::api::ticket::{TicketRef, Verification, VerifiedChange};
use assist_proto::bundle::Bundle;
use assist_proto::limits::BUNDLE_BYTES_MAX;

use super::ticket::{edit_words, name_of};
use super::{optional, word};
use crate::args::VerifyArgs;
use crate::error::{CliError, ErrorKind};
use crate::invocation::Invocation;
use crate::output::{Audience, Cell, Row, Times, Tone, columns, exact, tab_separated};

/// Checks a bundle, or an export.
pub(crate) fn run(args: &VerifyArgs, invocation: &mut Invocation) -> Result<(), CliError> {
    if args.bundle.is_dir() {
        return super::export::verify(&args.bundle, args.project_id.as_ref(), invocation);
    }
    invocation.output.check_fields::<Verification>()?;
    let bytes = read(&args.bundle)?;
    let verification = check(&bytes, &args.bundle)?;
    let project = &verification.ticket.project;
    if let Some(expected) = args.project_id.filter(|expected| expected.to_string() != *project) {
        let text = format!("it is signed for the project {project}, not for {expected}");
        return Err(CliError::message(ErrorKind::NotProven, text)
            .hint("whoever made it may have signed it with keys of their own"));
    }
    if args.project_id.is_none() {
        invocation.output.say(&format!(
            "everything is checked against the project {project}: compare that with the id that you know, or name it \
             with `--project-id`"
        ));
    }
    print(&verification, invocation)
}

/// Checks the bytes of a bundle, and tells it in the API's words.
pub(crate) fn check(bytes: &[u8], path: &Path) -> Result<Verification, CliError> {
    let bundle = Bundle::read(bytes).map_err(|error| {
        let error = anyhow::Error::new(error).context(format!("{} proves nothing", path.display()));
        CliError::new(ErrorKind::NotProven, error)
    })?;
    let report = bundle.evidence.check();
    let people: BTreeMap<UserId, String> = bundle.said.people.into_iter().collect();
    let ticket = bundle.evidence.doc.ticket().expect("a bundle is of a ticket");
    let named = TicketRef {
        project: bundle.evidence.project.to_string(),
        id: ticket.to_string(),
        short_id: ticket.short(),
        number: bundle.said.number.map(u64::from),
        title: report.doc.ticket().map(|ticket| ticket.title).unwrap_or_default(),
    };
    let name = |user: UserId| -> Result<String, Infallible> {
        let said = people.get(&user).filter(|name| !name.is_empty());
        Ok(said.cloned().unwrap_or_else(|| beginning(&user.to_string())))
    };
    let Ok(verification) = Verification::new(named, bundle.said.project_name, report, name);
    Ok(Verification { made_at_millis: Some(bundle.said.made_at.0), ..verification })
}

/// Prints what a check came to; fails if anything is not proven.
pub(crate) fn print(verification: &Verification, invocation: &mut Invocation) -> Result<(), CliError> {
    let output = &mut invocation.output;
    output.document(verification, |verification, audience| lines(verification, &audience))?;
    if verification.set_aside > 0 {
        output.say(&format!(
            "{} more were admitted by the server and refused by this device's own check: the ticket does not show them",
            verification.set_aside
        ));
    }
    let (total, not_proven) = (verification.changes.len(), verification.not_proven);
    match (verification.is_proven, not_proven) {
        (true, _) => {
            output.say(&format!("proven: each of the {total} changes is its author's"));
            Ok(())
        }
        (false, 0) => Err(CliError::message(
            ErrorKind::NotProven,
            "there are certificates that the project did not sign, or nothing that they could prove",
        )),
        (false, _) => Err(CliError::message(
            ErrorKind::NotProven,
            format!("{not_proven} of {total} changes are not provably their authors'"),
        )),
    }
}

fn lines(verification: &Verification, audience: &Audience) -> Vec<String> {
    let Audience::People(people) = audience else {
        return verification.changes.iter().map(|change| tab_separated(&change.values())).collect();
    };
    let ticket = &verification.ticket;
    let mut lines = audience.facts(&[
        ("project", ticket.project.clone()),
        ("called", verification.project_name.clone()),
        ("ticket", format!("{} {}", name_of(ticket.number, &ticket.short_id), ticket.title)),
        ("made", verification.made_at_millis.map(|at| audience.time(at)).unwrap_or_default()),
    ]);
    lines.push(String::new());
    let width = u16::try_from(people.width).unwrap_or(u16::MAX);
    lines.push(columns(&verification.changes, &people.times, width));
    lines
}

impl Row for VerifiedChange {
    const HEADS: &'static [&'static str] = &["when", "who", "role", "device", "what", "proven"];
    const FLEXIBLE: usize = 4;

    fn cells(&self, times: &Times) -> Vec<Cell> {
        let device = self.device_name.clone().unwrap_or_else(|| beginning(&self.device));
        let (verdict, tone) = match &self.fault {
            None => ("yes", Tone::Good),
            Some(fault) => (fault.reason.as_str(), Tone::Bad),
        };
        let what = self.fault.as_ref().map_or_else(|| what(self), |fault| fault.message.clone());
        vec![
            Cell::dim(self.at_millis.map(|at| times.absolute(at)).unwrap_or_default()),
            Cell::new(
                self.author.as_ref().map(|author| author.name.as_str()).unwrap_or("unknown"),
                Tone::Strong,
            ),
            Cell::plain(self.role.as_ref().map(word).unwrap_or_default()),
            Cell::plain(device),
            Cell::plain(what),
            Cell::new(verdict, tone),
        ]
    }

    fn values(&self) -> Vec<String> {
        let (id, name) = self.author.clone().map(|author| (author.id, author.name)).unwrap_or_default();
        vec![
            self.change.clone().unwrap_or_default(),
            self.at_millis.map(exact).unwrap_or_default(),
            id,
            name,
            self.role.as_ref().map(word).unwrap_or_default(),
            self.device.clone(),
            self.device_name.clone().unwrap_or_default(),
            optional(self.seq),
            self.admitted_at_millis.map(exact).unwrap_or_default(),
            self.fault.as_ref().map_or_else(|| "ok".to_owned(), |fault| fault.reason.clone()),
            self.fault.as_ref().map_or_else(|| what(self), |fault| fault.message.clone()),
        ]
    }
}

fn what(change: &VerifiedChange) -> String {
    change.edits.iter().map(edit_words).collect::<Vec<_>>().join(", ")
}

/// Reads a file, or stdin for `-`: never more than a bundle can have, and one byte that tells that it is over.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    let mut read = |reader: &mut dyn Read| reader.take(BUNDLE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes);
    let outcome = match path == Path::new("-") {
        true => read(&mut io::stdin().lock()),
        false => File::open(path).and_then(|mut file| read(&mut file)),
    };
    outcome.map_err(|error| {
        let kind =
            if error.kind() == io::ErrorKind::NotFound { ErrorKind::NotFound } else { ErrorKind::Failed };
        CliError::new(kind, anyhow::Error::new(error).context(format!("cannot read {}", path.display())))
    })?;
    Ok(bytes)
}

fn beginning(id: &str) -> String {
    id.chars().take(ID_CHARS_SHOWN).collect()
}

/// Reads a project's id as it is printed.
pub(crate) fn project_id(text: &str) -> Result<ProjectId, String> {
    text.trim().parse().map_err(|error: assist_crdt_model::ParseIdError| error.to_string())
}

/// Enough of an id to tell devices and people of a ticket apart.
const ID_CHARS_SHOWN: usize = 8;

#[cfg(test)]
mod tests;
