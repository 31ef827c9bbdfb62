//! Opening: a copy that cannot be changed, with the desktop's program for its kind. Never what could run.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::PathBuf;
use std::process::{self, Command, Stdio};

use assist_proto::api::attachment::AttachmentState;
use assist_proto::blob::file_name;

use super::{Saved, saving};
use crate::error::{CliError, ErrorKind};
use crate::invocation::Invocation;

/// Refuses what a desktop might run, by its name.
pub(super) fn check(label: &str) -> Result<(), CliError> {
    let name = file_name(label).to_lowercase();
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    if RUNNABLE.contains(&ending) { Err(refused()) } else { Ok(()) }
}

/// Saves a copy of its own and has the desktop open it. Returns where the copy is.
pub(super) fn open(attachment: &AttachmentState, invocation: &mut Invocation) -> Result<Saved, CliError> {
    let failed = |error: io::Error| CliError::new(ErrorKind::Failed, error);
    let folder = new_folder().map_err(failed)?;
    let path = saving::save(invocation.client()?, attachment, &folder)?;
    let beginning = fs::read(&path).map_err(failed)?;
    if is_program(&beginning) {
        fs::remove_dir_all(&folder).ok();
        return Err(refused());
    }
    fs::set_permissions(&path, Permissions::from_mode(0o400)).map_err(failed)?;
    let mut command = Command::new("xdg-open");
    command.arg(&path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match command.status() {
        Ok(status) if status.success() => Ok(path),
        _ => Err(CliError::message(ErrorKind::Failed, "the desktop has no program to open it with")
            .hint(format!("a copy is at {}", path.display()))),
    }
}

/// A folder that only this user can look into, and that was not there before.
fn new_folder() -> io::Result<PathBuf> {
    for number in 0..FOLDERS_MAX {
        let path = std::env::temp_dir().join(format!("assist-open-{}-{number}", process::id()));
        match DirBuilder::new().mode(0o700).create(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map(|()| path),
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, "the temporary folder is full of our copies"))
}

/// Whether the bytes are a program or a script, whatever the name says.
fn is_program(bytes: &[u8]) -> bool {
    const BEGINNINGS: [&[u8]; 8] = [
        b"\x7fELF",
        b"MZ",
        b"#!",
        b"\xfe\xed\xfa\xce",
        b"\xfe\xed\xfa\xcf",
        b"\xcf\xfa\xed\xfe",
        b"\xca\xfe\xba\xbe",
        b"[Desktop Entry]",
    ];
    BEGINNINGS.iter().any(|beginning| bytes.starts_with(beginning))
}

fn refused() -> CliError {
    CliError::message(ErrorKind::NotAllowed, "it could run as a program, and is not opened")
        .hint("`assist attachment save` saves it; look at it before you do anything with it")
}

/// Endings of what desktops run, or show with the rights of a page of this machine.
const RUNNABLE: [&str; 44] = [
    "appimage",
    "apk",
    "app",
    "application",
    "bash",
    "bat",
    "bin",
    "cmd",
    "com",
    "command",
    "cpl",
    "csh",
    "deb",
    "desktop",
    "dll",
    "elf",
    "exe",
    "flatpakref",
    "gadget",
    "hta",
    "htm",
    "html",
    "jar",
    "js",
    "jse",
    "lnk",
    "msi",
    "msp",
    "pif",
    "pl",
    "ps1",
    "py",
    "rb",
    "reg",
    "rpm",
    "run",
    "scr",
    "sh",
    "so",
    "svg",
    "url",
    "vbs",
    "wsf",
    "xhtml",
];

/// Copies of one run of this program.
const FOLDERS_MAX: u32 = 100;

#[cfg(test)]
mod tests;
