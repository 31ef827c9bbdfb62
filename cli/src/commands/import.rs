//! `import`: what an export or a bundle has and this device has not.
//!
//! Files go first: a device offers its project's server the files of a ticket when the ticket comes, and not later.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use assist_crdt_model::ProjectId;
use assist_proto::api::ticket::{Import, TicketImported};
use assist_proto::api::{limits, project};
use assist_proto::bundle::Bundle;
use schemars::JsonSchema;
use serde::Serialize;

use super::attachment::saving_error;
use super::export::{is_attachment, is_bundle, read_checked_list};
use crate::args::ImportArgs;
use crate::error::{CliError, ErrorKind};
use crate::invocation::Invocation;
use crate::output::{Audience, tab_separated};

/// What was imported.
#[derive(Debug, Default, Serialize, JsonSchema)]
struct Done {
    /// Tickets that were looked at, and their notes, each counted for itself.
    bundles: u64,
    /// Changes that were not on this device, and are now.
    added: u64,
    /// Changes that were here already.
    known: u64,
    /// Changes that do not fit what is here.
    refused: u64,
    /// Files that this device has now.
    attachments: u64,
    /// Bundles of projects that this device has not joined: left alone.
    skipped: u64,
}

/// A bundle, as it stands in its file.
struct Packed {
    path: PathBuf,
    text: String,
    project: ProjectId,
}

/// Imports a bundle, or an export.
pub(crate) fn run(args: &ImportArgs, invocation: &mut Invocation) -> Result<(), CliError> {
    invocation.output.check_fields::<Done>()?;
    let joined = joined(invocation)?;
    let mut done = Done::default();
    if args.path.is_dir() {
        import_export(&args.path, &joined, &mut done, invocation)?;
    } else {
        let packed = read_bundle(&args.path)?;
        import_bundle(&packed, &joined, &mut done, invocation)?;
    }
    if done.bundles == 0 && done.skipped > 0 {
        let text = format!("{} is of a project that this device has not joined", args.path.display());
        return Err(CliError::message(ErrorKind::NotAllowed, text).hint(
            "join it first: `assist project join` with the address and the code that its operator gives",
        ));
    }
    if done.skipped > 0 {
        let count = done.skipped;
        invocation
            .output
            .say(&format!("{count} bundles of projects that this device has not joined were left alone"));
    }
    invocation.output.document(&done, |done, audience| match audience {
        Audience::Script => vec![tab_separated(&[
            done.bundles.to_string(),
            done.added.to_string(),
            done.known.to_string(),
            done.refused.to_string(),
            done.attachments.to_string(),
            done.skipped.to_string(),
        ])],
        Audience::People(_) => people_lines(done),
    })
}

fn people_lines(done: &Done) -> Vec<String> {
    let mut lines = vec![format!(
        "{} changes were not here and are now, {} were here already, in {} tickets and notes",
        done.added, done.known, done.bundles
    )];
    if done.attachments > 0 {
        lines.push(format!("{} files are on this device now", done.attachments));
    }
    if done.refused > 0 {
        lines.push(format!("{} changes do not fit what is here, and were left out", done.refused));
    }
    if done.added > 0 {
        lines.push("what the project's server lacks goes to it by itself: `assist sync status`".to_owned());
    }
    lines
}

/// The projects that may take something in: all, or the one that was named.
fn joined(invocation: &mut Invocation) -> Result<Vec<String>, CliError> {
    Ok(match invocation.project.clone() {
        Some(project) => vec![invocation.call(&project::Get { project: Some(project) })?.info.id],
        None => invocation.call(&project::List {})?.projects.into_iter().map(|project| project.id).collect(),
    })
}

/// Everything is checked against the list before anything of it is given to the daemon.
fn import_export(
    root: &Path,
    joined: &[String],
    done: &mut Done,
    invocation: &mut Invocation,
) -> Result<(), CliError> {
    let manifest = read_checked_list(root)?;
    let (files, rest): (Vec<_>, Vec<_>) =
        manifest.files.iter().map(|file| file.path.as_str()).partition(|path| is_attachment(path));
    let (tickets, notes): (Vec<_>, Vec<_>) =
        rest.into_iter().filter(|path| is_bundle(path)).partition(|path| !path.ends_with(NOTES));
    // Each project has a folder of its own.
    let mut folders: BTreeMap<&str, bool> = BTreeMap::new();
    for path in &tickets {
        if !folders.contains_key(folder_of(path)) {
            let packed = read_bundle(&root.join(path))?;
            folders.insert(folder_of(path), joined.contains(&packed.project.to_string()));
        }
    }
    let is_joined = |path: &str| folders.get(folder_of(path)).copied().unwrap_or_default();
    for path in files.into_iter().filter(|path| is_joined(path)) {
        let path = root.join(path);
        let opened = File::open(&path).map_err(|error| cannot_read(&path, error))?;
        invocation.client()?.put_blob(opened).map_err(saving_error)?;
        done.attachments += 1;
    }
    for path in tickets.into_iter().chain(notes) {
        if is_joined(path) {
            import_bundle(&read_bundle(&root.join(path))?, joined, done, invocation)?;
        } else {
            done.skipped += 1;
        }
    }
    Ok(())
}

fn folder_of(path: &str) -> &str {
    path.split('/').next().unwrap_or_default()
}

fn import_bundle(
    packed: &Packed,
    joined: &[String],
    done: &mut Done,
    invocation: &mut Invocation,
) -> Result<(), CliError> {
    if !joined.contains(&packed.project.to_string()) {
        done.skipped += 1;
        return Ok(());
    }
    let mut import = Import::default();
    if packed.text.len() < BUNDLE_IN_REQUEST_BYTES_MAX {
        import.bundle = Some(packed.text.clone());
    } else {
        let stored = invocation.client()?.put_blob(packed.text.as_bytes()).map_err(saving_error)?;
        import.blob = Some(stored.blob);
    }
    let TicketImported { added, known, refused, .. } = invocation.call(&import).map_err(|error| {
        error.hint(format!("it was {} that could not be imported", packed.path.display()))
    })?;
    done.bundles += 1;
    done.added += added;
    done.known += known;
    done.refused += refused;
    Ok(())
}

fn read_bundle(path: &Path) -> Result<Packed, CliError> {
    let bytes = super::verify::read(path)?;
    let bundle = Bundle::read(&bytes).map_err(|error| {
        let error = anyhow::Error::new(error).context(format!("{} cannot be imported", path.display()));
        CliError::new(ErrorKind::NotProven, error)
    })?;
    let text = String::from_utf8(bytes).map_err(|error| cannot_read(path, std::io::Error::other(error)))?;
    Ok(Packed { path: path.to_owned(), text, project: bundle.evidence.project })
}

fn cannot_read(path: &Path, error: std::io::Error) -> CliError {
    CliError::new(
        ErrorKind::Failed,
        anyhow::Error::new(error).context(format!("cannot read {}", path.display())),
    )
}

/// What the notes under a ticket are in, in the ticket's folder.
const NOTES: &str = "/notes.bundle";
/// Quotes and line feeds are escaped in a request: one that is nearly all quotes still fits.
const BUNDLE_IN_REQUEST_BYTES_MAX: usize = limits::REQUEST_BYTES_MAX / 2 - 1_024;
