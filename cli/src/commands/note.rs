//! `note`: what the team says among itself under a ticket.

use assist_proto::api::comment::Comment;
use assist_proto::api::limits;
use assist_proto::api::note::{Add, Delete, Edit, List, NoteWritten};
use assist_proto::api::sync::WaitUntil;
use assist_proto::client::Client;

use super::ticket::{comment_words, name_of, named_comment, reference};
use super::word;
use crate::args::{NoteAddArgs, NoteDeleteArgs, NoteEditArgs, NoteVerb, WaitArgs};
use crate::error::{CliError, ErrorKind};
use crate::invocation::Invocation;
use crate::output::{Audience, Cell, Format, Row, Times, Tone, exact, neutral};
use crate::wait::wait_for;

/// Does what was asked for.
pub(crate) fn run(verb: NoteVerb, invocation: &mut Invocation) -> Result<(), CliError> {
    match verb {
        NoteVerb::Add(args) => add(args, invocation),
        NoteVerb::List { ticket } => list(ticket, invocation),
        NoteVerb::Edit(args) => edit(args, invocation),
        NoteVerb::Delete(args) => delete(args, invocation),
    }
}

fn add(args: NoteAddArgs, invocation: &mut Invocation) -> Result<(), CliError> {
    check(&args.wait, invocation)?;
    let ticket = reference(args.ticket);
    let reply_to = args.reply_to.map(|answered| note_id(&ticket, answered, invocation)).transpose()?;
    let text = args.attach.read_text_beside(&args.body)?;
    let attachments = args.attach.hand_over(invocation).map_err(|error| text.mention(error))?;
    let project = invocation.project.clone();
    let written = invocation
        .call(&Add {
            project,
            ticket,
            body: text.text.clone(),
            reply_to,
            attachments,
            hold_millis: args.hold.millis(),
        })
        .map_err(|error| text.mention(error))?;
    text.forget_file();
    print(&written, &args.wait, invocation)
}

fn edit(args: NoteEditArgs, invocation: &mut Invocation) -> Result<(), CliError> {
    check(&args.wait, invocation)?;
    let ticket = reference(args.ticket);
    let note = note_id(&ticket, args.note, invocation)?;
    let text = args.body.read_or_edit("")?;
    let project = invocation.project.clone();
    let written = invocation
        .call(&Edit { project, ticket, note, body: text.text.clone() })
        .map_err(|error| text.mention(error))?;
    text.forget_file();
    print(&written, &args.wait, invocation)
}

fn delete(args: NoteDeleteArgs, invocation: &mut Invocation) -> Result<(), CliError> {
    check(&args.wait, invocation)?;
    let ticket = reference(args.ticket);
    let note = note_id(&ticket, args.note, invocation)?;
    let project = invocation.project.clone();
    let written = invocation.call(&Delete { project, ticket, note })?;
    print(&written, &args.wait, invocation)
}

/// Refuses what cannot be before anything is written.
fn check(wait: &WaitArgs, invocation: &Invocation) -> Result<(), CliError> {
    if wait.wait == Some(WaitUntil::Delivered) {
        let text = "notes have no other side to be delivered to";
        return Err(CliError::message(ErrorKind::Usage, text).hint("wait with `--wait=server`"));
    }
    invocation.output.check_fields::<NoteWritten>()
}

/// Prints all notes: whole for people, a line each for scripts.
fn list(ticket: String, invocation: &mut Invocation) -> Result<(), CliError> {
    invocation.output.check_fields::<Comment>()?;
    let notes = notes_of(&reference(ticket), invocation)?;
    if !matches!(invocation.output.format(), Format::Human) {
        return invocation.output.rows(&notes);
    }
    if notes.is_empty() {
        invocation.output.say("no notes");
        return Ok(());
    }
    invocation.output.document(&notes, |notes, audience| comment_words(notes, &audience))
}

/// Every note under a ticket, oldest first.
pub(super) fn all_notes(
    project: Option<&str>,
    ticket: &str,
    client: &mut Client,
) -> Result<Vec<Comment>, CliError> {
    let mut notes: Vec<Comment> = Vec::new();
    loop {
        let page = client.call(&List {
            project: project.map(str::to_owned),
            ticket: ticket.to_owned(),
            offset: notes.len() as u64,
            limit: Some(limits::PAGE_ROWS_MAX),
        })?;
        let is_last = page.notes.is_empty();
        notes.extend(page.notes);
        if is_last || notes.len() as u64 >= page.total {
            return Ok(notes);
        }
    }
}

fn notes_of(ticket: &str, invocation: &mut Invocation) -> Result<Vec<Comment>, CliError> {
    let project = invocation.project.clone();
    all_notes(project.as_deref(), ticket, invocation.client()?)
}

/// Completes the beginning of a note's id.
fn note_id(ticket: &str, given: String, invocation: &mut Invocation) -> Result<String, CliError> {
    let notes = |invocation: &mut Invocation| notes_of(ticket, invocation);
    named_comment("note", "`assist note list`", given, notes, invocation)
}

fn print(written: &NoteWritten, wait: &WaitArgs, invocation: &mut Invocation) -> Result<(), CliError> {
    if written.change.is_none() {
        invocation.output.say("nothing to change: it was so already");
    }
    invocation.output.document(written, |written, audience| match audience {
        Audience::Script => vec![written.note.clone()],
        Audience::People(_) => {
            let ticket = name_of(written.ticket.number, &written.ticket.short_id);
            vec![format!("note {} on {ticket} {}", written.note, neutral::line(&written.ticket.title))]
        }
    })?;
    wait_for(invocation, &written.ticket.project, written.change.as_deref(), wait)
}

impl Row for Comment {
    const HEADS: &'static [&'static str] = &["who", "when", "text", "id"];
    const FLEXIBLE: usize = 2;

    fn cells(&self, times: &Times) -> Vec<Cell> {
        vec![
            Cell::new(&self.author.name, Tone::Strong),
            Cell::dim(times.absolute(self.created_at_millis)),
            Cell::plain(&self.body),
            Cell::dim(&self.id),
        ]
    }

    fn values(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.author.id.clone(),
            self.author.name.clone(),
            exact(self.created_at_millis),
            self.state.as_ref().map(word).unwrap_or_default(),
            self.reply_to.clone().unwrap_or_default(),
            self.edited_at_millis.map(exact).unwrap_or_default(),
            if self.is_deleted { "struck" } else { "" }.to_owned(),
            self.body.clone(),
        ]
    }
}

#[cfg(test)]
mod tests;
