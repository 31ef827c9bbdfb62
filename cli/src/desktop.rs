//! The entry by which a desktop opens `assist://` links with this program, as freedesktop.org has it. Writes that one
//! file of the user's own, and asks the desktop to take note of it.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::{CliError, ErrorKind};
use crate::output::Output;

/// Writes the entry and makes it the one for our scheme. Prints where it is.
pub(crate) fn install(output: &mut Output) -> Result<(), CliError> {
    let folder = applications_folder(|name| env::var_os(name).map(PathBuf::from)).ok_or_else(|| {
        CliError::message(ErrorKind::Failed, "cannot tell where the desktop looks for applications")
            .hint("set XDG_DATA_HOME or HOME")
    })?;
    let program = env::current_exe().map_err(|error| CliError::new(ErrorKind::Failed, error))?;
    let path = folder.join(FILE_NAME);
    write(&folder, &path, &entry(&program)?).map_err(|error| {
        let what = format!("cannot write {}", path.display());
        CliError::new(ErrorKind::Failed, anyhow::Error::new(error).context(what))
    })?;
    let is_default = run("xdg-mime", &["default", FILE_NAME, SCHEME]);
    // Desktops read the folder themselves; this only makes them notice sooner.
    run("update-desktop-database", &[&folder.to_string_lossy()]);
    if !is_default {
        output.say(&format!(
            "xdg-mime could not be asked to open {SCHEME} with it: choose it when a link is opened first"
        ));
    }
    output.line(&path.to_string_lossy())
}

/// Where a user's own applications stand.
fn applications_folder(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    // By the specification a relative path there counts as none.
    let data = variable("XDG_DATA_HOME").filter(|path| path.is_absolute());
    let data = data.or_else(|| variable("HOME").map(|home| home.join(".local/share")))?;
    Some(data.join("applications"))
}

fn entry(program: &Path) -> Result<String, CliError> {
    let program = program.to_str().filter(|path| !path.contains(char::is_control)).ok_or_else(|| {
        CliError::message(
            ErrorKind::Failed,
            "the path of this program cannot be written into a desktop entry",
        )
    })?;
    Ok(format!(
        "[Desktop Entry]\nType=Application\nName=Hero Assistance\nComment=Opens assist:// links\n\
         Exec={} open --hold %u\nTerminal=true\nNoDisplay=true\nMimeType={SCHEME};\n",
        quoted(program)
    ))
}

/// A path as the value of `Exec` has it: quoted, then escaped once more as any value is.
fn quoted(path: &str) -> String {
    let mut text = String::from("\"");
    for c in path.chars() {
        match c {
            '"' | '`' | '$' => text.extend(['\\', '\\', c]),
            '\\' => text.push_str(r"\\\\"),
            '%' => text.push_str("%%"),
            other => text.push(other),
        }
    }
    text.push('"');
    text
}

fn write(folder: &Path, path: &Path, entry: &str) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let new = folder.join(format!(".{FILE_NAME}.new"));
    fs::write(&new, entry)?;
    fs::rename(new, path)
}

fn run(program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

const FILE_NAME: &str = "hero-assistance.desktop";
const SCHEME: &str = "x-scheme-handler/assist";

#[cfg(test)]
mod tests;
