//! The entry by which a desktop opens `assist://` links with this program.

use assist_proto::client::DesktopEntry;

use crate::error::{CliError, ErrorKind};
use crate::output::Output;

/// Writes the entry and makes it the one for our links. Prints where it is.
pub(crate) fn install(output: &mut Output) -> Result<(), CliError> {
    let installed = ENTRY.install().map_err(|error| CliError::new(ErrorKind::Failed, error))?;
    if !installed.is_default {
        output.say(
            "xdg-mime could not be asked to open assist:// with it: choose it when a link is opened first",
        );
    }
    output.line(&installed.entry.to_string_lossy())
}

const ENTRY: DesktopEntry<'_> = DesktopEntry {
    // Another one than the desktop client's: neither takes the other's place among the programs.
    file_name: "hero-assistance-links.desktop",
    name: "Hero Assistance (links)",
    comment: "Opens assist:// links in a terminal",
    arguments: "open --hold %u",
    icon: None,
};
