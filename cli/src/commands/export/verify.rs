//! `verify` of an export: every file against the list, every bundle against its signatures. No daemon, no network.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use assist_crdt_model::ProjectId;
use assist_proto::limits::MANIFEST_BYTES_MAX;
use assist_proto::manifest::{ExportedFile, Manifest};
use schemars::JsonSchema;
use serde::Serialize;

use super::super::verify::check as check_bundle;
use super::folder::LIST;
use crate::error::{CliError, ErrorKind};
use crate::invocation::Invocation;
use crate::output::{Audience, exact, tab_separated};

/// What the check came to.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(in crate::commands) struct VerifiedExport {
    /// When the export was made, in milliseconds since 1970.
    made_at_millis: u64,
    /// Files that are as they were written.
    files: u64,
    /// Bundles among them.
    bundles: u64,
    /// Changes in those that are provably their authors'.
    proven: u64,
    /// Changes in those that are not.
    not_proven: u64,
    /// Attachments that the export lacks, and says so.
    missing: u64,
    /// Files in the folder that the list does not know.
    unlisted: u64,
}

/// Checks the export in a folder.
pub(in crate::commands) fn run(
    folder: &Path,
    expected: Option<&ProjectId>,
    invocation: &mut Invocation,
) -> Result<(), CliError> {
    invocation.output.check_fields::<VerifiedExport>()?;
    let manifest = read_checked_list(folder)?;
    let mut verified = VerifiedExport {
        made_at_millis: manifest.made_at_millis,
        missing: manifest.missing.len() as u64,
        ..VerifiedExport::default()
    };
    for file in &manifest.files {
        let path = folder.join(&file.path);
        verified.files += 1;
        if is_bundle(&file.path) {
            let bytes = fs::read(&path).map_err(|error| damaged(&path, &error.to_string()))?;
            let verification = check_bundle(&bytes, &path)?;
            let project = &verification.ticket.project;
            if let Some(expected) = expected.filter(|expected| expected.to_string() != *project) {
                let text =
                    format!("{} is signed for the project {project}, not for {expected}", path.display());
                return Err(CliError::message(ErrorKind::NotProven, text));
            }
            verified.bundles += 1;
            verified.not_proven += verification.not_proven;
            verified.proven += verification.changes.len() as u64 - verification.not_proven;
        }
    }
    let listed: BTreeSet<PathBuf> = manifest.files.iter().map(|file| folder.join(&file.path)).collect();
    verified.unlisted =
        count_unlisted(folder, &listed).map_err(|error| damaged(folder, &error.to_string()))?;
    print(&verified, invocation)?;
    match verified.not_proven {
        0 => Ok(()),
        count => {
            let text = format!("{count} changes are not provably their authors'");
            Err(CliError::message(ErrorKind::NotProven, text).hint("`assist verify <bundle>` tells which"))
        }
    }
}

fn print(verified: &VerifiedExport, invocation: &mut Invocation) -> Result<(), CliError> {
    invocation.output.document(verified, |verified, audience| match audience {
        Audience::Script => vec![tab_separated(&[
            exact(verified.made_at_millis),
            verified.files.to_string(),
            verified.bundles.to_string(),
            verified.proven.to_string(),
            verified.not_proven.to_string(),
            verified.missing.to_string(),
            verified.unlisted.to_string(),
        ])],
        Audience::People(people) => vec![
            format!("an export, made {}", people.times.both(verified.made_at_millis)),
            format!("{} files are as they were written", verified.files),
            format!(
                "{} changes in {} bundles are provably their authors'",
                verified.proven, verified.bundles
            ),
            format!(
                "{} attachments are not in it, {} files do not belong to it",
                verified.missing, verified.unlisted
            ),
        ],
    })
}

/// Reads the list of an export all of whose files are as they were written.
pub(in crate::commands) fn read_checked_list(folder: &Path) -> Result<Manifest, CliError> {
    let manifest = read_list(folder)?;
    for file in &manifest.files {
        check_file(&folder.join(&file.path), file)?;
    }
    Ok(manifest)
}

fn read_list(folder: &Path) -> Result<Manifest, CliError> {
    let path = folder.join(LIST);
    let mut bytes = Vec::new();
    let read =
        File::open(&path).and_then(|file| file.take(MANIFEST_BYTES_MAX as u64 + 1).read_to_end(&mut bytes));
    read.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            let text = format!("{} is no export, or one that was not finished", folder.display());
            CliError::message(ErrorKind::NotProven, text).hint(format!("a whole one has a file {LIST}"))
        }
        _ => damaged(&path, &error.to_string()),
    })?;
    Manifest::read(&bytes).map_err(|error| damaged(&path, &error.to_string()))
}

/// Checks the size before the bytes are read, and follows no link.
fn check_file(path: &Path, file: &ExportedFile) -> Result<(), CliError> {
    let found = fs::symlink_metadata(path).map_err(|error| damaged(path, &error.to_string()))?;
    if !found.is_file() {
        return Err(damaged(path, "it is no file"));
    }
    if found.len() != file.size_bytes {
        let text = format!("it has {} bytes, {} were written", found.len(), file.size_bytes);
        return Err(damaged(path, &text));
    }
    let mut hasher = blake3::Hasher::new();
    let read = File::open(path).and_then(|opened| io::copy(&mut opened.take(file.size_bytes), &mut hasher));
    read.map_err(|error| damaged(path, &error.to_string()))?;
    match hasher.finalize().to_hex().as_str() == file.blake3 {
        true => Ok(()),
        false => Err(damaged(path, "its bytes are not those that were written")),
    }
}

/// What somebody attached is not read as one of our own files, whatever it is called.
pub(in crate::commands) fn is_attachment(path: &str) -> bool {
    path.split('/').any(|name| name == "attachments")
}

/// Whether a file of an export is the bundle of a ticket, or of its notes.
pub(in crate::commands) fn is_bundle(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "bundle") && !is_attachment(path)
}

fn count_unlisted(folder: &Path, listed: &BTreeSet<PathBuf>) -> io::Result<u64> {
    let mut count = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if fs::symlink_metadata(&path)?.is_dir() {
            count += count_unlisted(&path, listed)?;
        } else if !listed.contains(&path) && path.file_name().is_none_or(|name| name != LIST) {
            count += 1;
        }
    }
    Ok(count)
}

fn damaged(path: &Path, problem: &str) -> CliError {
    CliError::message(ErrorKind::NotProven, format!("{} is damaged: {problem}", path.display()))
}
