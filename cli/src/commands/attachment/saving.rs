//! Saving: a new file in the folder that was asked for, or none.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use assist_proto::api::attachment::AttachmentState;
use assist_proto::blob::{file_name, numbered};
use assist_proto::client::Client;

use super::{Saved, saving_error};
use crate::error::{CliError, ErrorKind};

/// Saves an attachment whose bytes are on this device.
pub(super) fn save(client: &Client, attachment: &AttachmentState, folder: &Path) -> Result<Saved, CliError> {
    let (path, file) = new_file(folder, &attachment.name).map_err(|error| {
        let what = format!("cannot make a file in {}", folder.display());
        CliError::new(ErrorKind::Failed, anyhow::Error::new(error).context(what))
    })?;
    match client.get_blob(&attachment.blob, file) {
        Ok(size_bytes) if size_bytes == attachment.size_bytes => Ok(path),
        outcome => {
            // Half a file is worse than none.
            fs::remove_file(&path).ok();
            match outcome {
                Err(error) => Err(saving_error(error)),
                Ok(_) => {
                    Err(CliError::message(ErrorKind::Failed, "the file is not as long as it was said to be"))
                }
            }
        }
    }
}

/// Writes the small picture of a blob into a new file of exactly this name.
pub(super) fn save_thumbnail(client: &Client, blob: &str, path: &Path) -> Result<(), CliError> {
    let file = OpenOptions::new().write(true).create_new(true).open(path).map_err(|error| {
        let what = format!("cannot make {}", path.display());
        CliError::new(ErrorKind::Failed, anyhow::Error::new(error).context(what))
            .hint("nothing is overwritten: name a file that is not there")
    })?;
    client.get_thumbnail(blob, file).map(drop).map_err(|error| {
        // Half a file is worse than none.
        fs::remove_file(path).ok();
        saving_error(error)
    })
}

/// Makes a file that was not there, under a harmless name made of the label. A link in its place counts as there.
pub(super) fn new_file(folder: &Path, label: &str) -> io::Result<(Saved, File)> {
    let name = file_name(label);
    for count in 1..=SAME_NAMES_MAX {
        let name = if count == 1 { name.clone() } else { numbered(&name, count) };
        let path = folder.join(name);
        // `create_new` follows no link, and fails if anything is there.
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map(|file| (path, file)),
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, "there are too many files of that name"))
}

/// Files of one name in one folder.
const SAME_NAMES_MAX: u32 = 1_000;
