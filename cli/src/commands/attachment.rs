//! `attachment`: the files under a ticket.
//!
//! **Invariant:** what others called a file is a label. A saved file has a harmless name, lies in the folder that was
//! asked for, and takes the place of nothing; nothing that could run is ever opened.

mod opening;
mod saving;

use std::path::{Path, PathBuf};
use std::time::Duration;

use assist_proto::api::attachment::{AttachmentState, BlobState, Fetch, GetThumbnail, List};
use assist_proto::client::TransferError;

use super::ticket::reference;
use super::word;
use crate::args::{AttachmentVerb, SaveArgs, ThumbnailArgs};
use crate::error::{CliError, ErrorKind};
use crate::invocation::Invocation;
use crate::output::{Cell, Row, Times, Tone};

/// Does what was asked for.
pub(crate) fn run(verb: AttachmentVerb, invocation: &mut Invocation) -> Result<(), CliError> {
    match verb {
        AttachmentVerb::List { ticket } => {
            invocation.output.check_fields::<AttachmentState>()?;
            let attachments = all(&reference(ticket), invocation)?;
            if attachments.is_empty() {
                invocation.output.say("no attachments");
            }
            invocation.output.rows(&attachments)
        }
        AttachmentVerb::Save(args) => save(args, invocation),
        AttachmentVerb::Thumbnail(args) => thumbnail(args, invocation),
        AttachmentVerb::Open { ticket, file, timeout } => {
            let ticket = reference(ticket);
            let attachment = named(&ticket, &file, invocation)?;
            opening::check(&attachment.name)?;
            bring(&ticket, &attachment, timeout, invocation)?;
            let path = opening::open(&attachment, invocation)?;
            invocation.output.line(&path.to_string_lossy())
        }
    }
}

fn save(args: SaveArgs, invocation: &mut Invocation) -> Result<(), CliError> {
    let ticket = reference(args.ticket);
    let wanted = match &args.file {
        Some(file) => vec![named(&ticket, file, invocation)?],
        None => all(&ticket, invocation)?,
    };
    let is_to_stdout = args.output == Path::new("-");
    if is_to_stdout && wanted.len() != 1 {
        let text = "stdout takes one file";
        return Err(CliError::message(ErrorKind::Usage, text).hint("name a folder with `-o <folder>`"));
    }
    for attachment in wanted {
        bring(&ticket, &attachment, args.timeout, invocation)?;
        if is_to_stdout {
            let client = invocation.client()?;
            client.get_blob(&attachment.blob, std::io::stdout().lock()).map_err(saving_error)?;
            continue;
        }
        let path = saving::save(invocation.client()?, &attachment, &args.output)?;
        invocation.output.line(&printable(&path))?;
    }
    Ok(())
}

fn thumbnail(args: ThumbnailArgs, invocation: &mut Invocation) -> Result<(), CliError> {
    let ticket = reference(args.ticket);
    let attachment = match &args.file {
        Some(file) => named(&ticket, file, invocation)?,
        None => only_picture(&ticket, invocation)?,
    };
    bring(&ticket, &attachment, args.timeout, invocation)?;
    let (project, blob) = (invocation.project.clone(), attachment.blob.clone());
    // Says what is wrong with it before a file is made.
    invocation.call(&GetThumbnail { project, ticket, blob })?;
    let client = invocation.client()?;
    if args.output == Path::new("-") {
        client.get_thumbnail(&attachment.blob, std::io::stdout().lock()).map_err(saving_error)?;
        return Ok(());
    }
    saving::save_thumbnail(client, &attachment.blob, &args.output)?;
    invocation.output.line(&printable(&args.output))
}

/// The one picture under a ticket, if there is one alone.
fn only_picture(ticket: &str, invocation: &mut Invocation) -> Result<AttachmentState, CliError> {
    let mut pictures = all(ticket, invocation)?;
    pictures.retain(|it| it.media_type.starts_with("image/"));
    pictures.dedup_by(|one, other| one.blob == other.blob);
    match pictures.len() {
        1 => Ok(pictures.remove(0)),
        0 => Err(CliError::message(ErrorKind::NotFound, "the ticket has no picture")
            .hint("`assist attachment list` shows its files; any of them can be tried by its name")),
        _ => Err(CliError::message(ErrorKind::Ambiguous, "the ticket has several pictures")
            .with_candidates(pictures.iter().map(|it| format!("{}  {}", it.blob, it.name)).collect())
            .hint("give a name, or the beginning of a hash")),
    }
}

fn all(ticket: &str, invocation: &mut Invocation) -> Result<Vec<AttachmentState>, CliError> {
    let project = invocation.project.clone();
    Ok(invocation.call(&List { project, ticket: ticket.to_owned() })?.attachments)
}

/// The one attachment that is meant: by its whole name, or by the beginning of its hash.
fn named(ticket: &str, given: &str, invocation: &mut Invocation) -> Result<AttachmentState, CliError> {
    let mut fitting = all(ticket, invocation)?;
    let beginning = given.to_lowercase();
    fitting
        .retain(|it| it.name == given || (given.len() >= HASH_CHARS_MIN && it.blob.starts_with(&beginning)));
    // The same bytes under two comments are the same file.
    fitting.dedup_by(|one, other| one.blob == other.blob && one.name == other.name);
    match fitting.len() {
        1 => Ok(fitting.remove(0)),
        0 => Err(CliError::message(ErrorKind::NotFound, format!("no attachment is called {given}"))
            .hint("`assist attachment list` shows those there are, with their hashes")),
        _ => {
            let lines = fitting.iter().map(|it| format!("{}  {}", it.blob, it.name)).collect();
            Err(CliError::message(ErrorKind::Ambiguous, format!("several attachments fit {given}"))
                .with_candidates(lines)
                .hint("give the beginning of the hash"))
        }
    }
}

/// Has the bytes brought to this device, and waits for them as long as they move.
fn bring(
    ticket: &str,
    attachment: &AttachmentState,
    timeout: Duration,
    invocation: &mut Invocation,
) -> Result<(), CliError> {
    if attachment.state == BlobState::Here {
        return Ok(());
    }
    // Before the wish, so that no news of it is missed.
    let mut events = invocation.client()?.events(None)?;
    let (project, blob) = (invocation.project.clone(), attachment.blob.clone());
    invocation.call(&Fetch { project, ticket: ticket.to_owned(), blob })?;
    invocation.output.flush()?;
    let mut before = None;
    loop {
        let now = all(ticket, invocation)?.into_iter().find(|it| it.blob == attachment.blob);
        let Some(now) = now else {
            return Err(CliError::message(ErrorKind::NotFound, "the attachment is no longer there"));
        };
        if now.state == BlobState::Here {
            return Ok(());
        }
        if let Some(trouble) = now.trouble {
            return Err(CliError::message(ErrorKind::Failed, trouble));
        }
        let seen = (now.state, now.fetched_bytes);
        let is_silent = events.next_within(timeout)?.is_none();
        if is_silent && before == Some(seen) {
            return Err(not_come(now.state, timeout));
        }
        before = Some(seen);
    }
}

fn not_come(state: BlobState, timeout: Duration) -> CliError {
    let text = match state {
        BlobState::Missing => "the server does not have it yet: it comes when its author's device is online",
        BlobState::Fetching => "its bytes stopped coming",
        _ => "its bytes have not come",
    };
    let text = format!("{text} (waited {} s)", timeout.as_secs_f64());
    CliError::message(ErrorKind::WaitRanOut, text)
        .hint("it comes by itself once it can; `assist sync status` says how the connection stands")
}

pub(super) fn saving_error(error: TransferError) -> CliError {
    match error {
        TransferError::Client(error) => error.into(),
        TransferError::File(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            CliError::new(ErrorKind::ReaderGone, error)
        }
        error @ TransferError::File(_) => CliError::new(ErrorKind::Failed, error),
    }
}

/// A path without anything that a terminal might take for a command.
fn printable(path: &Path) -> String {
    crate::output::neutral::line(&path.to_string_lossy()).into_owned()
}

impl Row for AttachmentState {
    const HEADS: &'static [&'static str] = &["name", "size", "who", "state", "hash"];
    const FLEXIBLE: usize = 0;

    fn cells(&self, _times: &Times) -> Vec<Cell> {
        let tone = match self.state {
            BlobState::Here => Tone::Good,
            BlobState::Missing => Tone::Bad,
            _ => Tone::Plain,
        };
        vec![
            Cell::new(&self.name, Tone::Strong),
            Cell::plain(size_words(self.size_bytes)),
            Cell::plain(&self.author.name),
            Cell::new(state_words(self), tone),
            Cell::dim(&self.blob[..HASH_CHARS_SHOWN.min(self.blob.len())]),
        ]
    }

    fn values(&self) -> Vec<String> {
        vec![
            self.blob.clone(),
            self.name.clone(),
            self.media_type.clone(),
            self.size_bytes.to_string(),
            word(&self.state),
            self.fetched_bytes.map(|bytes| bytes.to_string()).unwrap_or_default(),
            if self.upload.is_some() { "to_be_sent" } else { "" }.to_owned(),
            self.comment.clone(),
            if self.is_note { "note" } else { "comment" }.to_owned(),
        ]
    }
}

fn state_words(attachment: &AttachmentState) -> String {
    let part = |done: u64| format!("{} of {}", size_words(done), size_words(attachment.size_bytes));
    if let Some(upload) = &attachment.upload {
        return match (&upload.refused, upload.sent_bytes) {
            (_, Some(sent)) => format!("sending {}", part(sent)),
            (Some(reason), None) => format!("not sent: {reason}"),
            (None, None) => "here, to be sent".to_owned(),
        };
    }
    if attachment.trouble.is_some() {
        return "no room here".to_owned();
    }
    match (attachment.state, attachment.fetched_bytes) {
        (BlobState::Here, _) => "here".to_owned(),
        (BlobState::Fetching, Some(done)) => format!("fetching {}", part(done)),
        (BlobState::Fetching | BlobState::Waiting, _) => "to be fetched".to_owned(),
        (BlobState::OnServer, _) => "on server".to_owned(),
        (BlobState::Missing, _) => "not on the server yet".to_owned(),
        (BlobState::Unknown, _) => "unknown".to_owned(),
    }
}

/// A size as people tell it.
pub(super) fn size_words(bytes: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match UNITS.iter().find(|(_, size)| bytes >= *size) {
        Some((unit, size)) => {
            let tenths = bytes.saturating_mul(10) / size;
            format!("{}.{} {unit}", tenths / 10, tenths % 10)
        }
        None => format!("{bytes} B"),
    }
}

/// Characters of a hash that are enough to tell it from the others of a ticket.
const HASH_CHARS_MIN: usize = 4;
/// As many as people are shown.
const HASH_CHARS_SHOWN: usize = 12;

/// Where a file was saved.
type Saved = PathBuf;

#[cfg(test)]
mod tests;
