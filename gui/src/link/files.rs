//! The thread's part that moves files: from a disk or a clipboard to the daemon, and from the daemon to a folder.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use assist_proto::api::attachment::StoredBlob;
use assist_proto::blob::{file_name, numbered};
use assist_proto::client::{Client, Home};
use egui::ColorImage;

use super::Failure;
use crate::files::Source;
use crate::limits;
use crate::pictures::{BoundedBytes, Wanted, image_from_png, png_from_image};

/// Gives the daemon the bytes of a file that is about to be sent.
pub(super) fn store(home: &Home, source: &Source) -> Result<StoredBlob, Failure> {
    let client = Client::connect(home.socket())?;
    match source {
        Source::Path(path) => {
            let unreadable = |error: io::Error| failure(format!("It cannot be read: {error}."));
            let file = File::open(path).map_err(unreadable)?;
            if !file.metadata().map_err(unreadable)?.is_file() {
                return Err(failure("It is no file: pack a folder first.".to_owned()));
            }
            Ok(client.put_blob(file)?)
        }
        Source::Pixels(image) => {
            let png =
                png_from_image(image).map_err(|error| failure(format!("It is no picture: {error}.")))?;
            Ok(client.put_blob(&png[..])?)
        }
        Source::Bytes(_, bytes) => Ok(client.put_blob(&bytes[..])?),
    }
}

/// Saves a file that is on this device: whole or not at all, over nothing, under a harmless name.
pub(super) fn save(home: &Home, blob: &str, name: &str, folder: &Path) -> Result<PathBuf, Failure> {
    let client = Client::connect(home.socket())?;
    let refused =
        |error: io::Error| failure(format!("No file can be made in {}: {error}.", folder.display()));
    fs::create_dir_all(folder).map_err(refused)?;
    let (path, file) = new_file(folder, name).map_err(refused)?;
    match client.get_blob(blob, file) {
        Ok(_) => Ok(path),
        Err(error) => {
            // Half a file is worse than none; if even that fails, what is told stays the first reason.
            fs::remove_file(&path).ok();
            Err(error.into())
        }
    }
}

/// Has the daemon make a picture that can be shown, and reads it.
pub(super) fn picture(home: &Home, picture: &Wanted) -> Result<ColorImage, Failure> {
    let mut png = BoundedBytes::default();
    let client = Client::connect(home.socket())?;
    match picture.is_large {
        true => client.get_picture(&picture.blob, &mut png)?,
        false => client.get_thumbnail(&picture.blob, &mut png)?,
    };
    image_from_png(&png.0).ok_or_else(|| failure("The picture cannot be read.".to_owned()))
}

/// Makes a file that was not there. A link in its place counts as there.
fn new_file(folder: &Path, label: &str) -> io::Result<(PathBuf, File)> {
    let name = file_name(label);
    for count in 1..=limits::SAME_NAMES_MAX {
        let path = folder.join(if count == 1 { name.clone() } else { numbered(&name, count) });
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map(|file| (path, file)),
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, "there are too many files of that name"))
}

fn failure(message: String) -> Failure {
    Failure { message, reason: "file".to_owned() }
}
