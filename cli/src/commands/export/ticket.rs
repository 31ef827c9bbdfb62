//! A ticket in a folder of its own.

use assist_proto::api::attachment::{AttachmentState, BlobState};
use assist_proto::api::ticket::CollectedTicket;
use assist_proto::blob::{file_name, numbered};
use assist_proto::bundle::changes;
use assist_proto::client::Client;

use super::super::attachment::saving_error;
use super::folder::TicketFolder;
use super::markdown;
use crate::error::{CliError, ErrorKind};

/// An attachment and where it stands in the ticket's folder.
pub(super) struct Saved {
    /// The comment or note that names it.
    pub(super) comment: String,
    pub(super) name: String,
    pub(super) path: String,
    pub(super) size_bytes: u64,
    pub(super) is_here: bool,
}

/// Writes it.
///
/// # Errors
/// When a file cannot be written, or an attachment not be had.
pub(super) fn write(
    mut folder: TicketFolder<'_>,
    fetched: &CollectedTicket,
    client: &mut Client,
) -> Result<(), CliError> {
    let CollectedTicket { ticket, notes, .. } = fetched;
    folder.json("ticket.json", ticket)?;
    folder.json("history.json", &fetched.history)?;
    let saved = save_attachments(&fetched.attachments, &mut folder, client)?;
    folder.text("ticket.md", &markdown::ticket(ticket, &saved))?;
    if let Some(bundle) = &fetched.bundle {
        raw("ticket", bundle, &mut folder)?;
    }
    if !notes.is_empty() {
        folder.json("notes.json", notes)?;
        folder.text("notes.md", &markdown::notes(ticket, notes, &saved))?;
        if let Some(bundle) = &fetched.notes_bundle {
            raw("notes", bundle, &mut folder)?;
        }
    }
    Ok(())
}

/// The changes with what proves them, and the same as a plain Automerge document.
fn raw(stem: &str, bundle: &str, folder: &mut TicketFolder<'_>) -> Result<(), CliError> {
    folder.text(&format!("{stem}.bundle"), bundle)?;
    let changes = changes(bundle).map_err(|error| {
        let error = anyhow::Error::new(error).context("the daemon gave a bundle that is none");
        CliError::new(ErrorKind::Failed, error)
    })?;
    folder.bytes(&format!("{stem}.automerge"), &changes)
}

/// Saves those whose bytes are on this device. Their names are labels: two of one name both find a place.
fn save_attachments(
    attachments: &[AttachmentState],
    folder: &mut TicketFolder<'_>,
    client: &mut Client,
) -> Result<Vec<Saved>, CliError> {
    let mut saved: Vec<Saved> = Vec::new();
    if attachments.iter().any(is_here) {
        folder.new_folder("attachments")?;
    }
    for attachment in attachments {
        let name = file_name(&attachment.name);
        let is_taken = |path: &str| saved.iter().any(|it| it.path.eq_ignore_ascii_case(path));
        let paths = std::iter::once(name.clone()).chain((2..).map(|count| numbered(&name, count)));
        let path = paths.map(|name| format!("attachments/{name}")).find(|path| !is_taken(path));
        let path = path.expect("numbers do not end");
        let is_here = is_here(attachment);
        if is_here {
            let mut file = folder.create_file(&path)?;
            client.get_blob(&attachment.blob, &mut file).map_err(saving_error)?;
            folder.add_file(file)?;
        } else {
            folder.miss(&path, attachment.size_bytes, attachment.blob.clone());
        }
        saved.push(Saved {
            comment: attachment.comment.clone(),
            name: attachment.name.clone(),
            path,
            size_bytes: attachment.size_bytes,
            is_here,
        });
    }
    Ok(saved)
}

fn is_here(attachment: &AttachmentState) -> bool {
    attachment.state == BlobState::Here
}
