//! `completions`: for the user's shell to load. What is loaded asks this program for each word.

use clap_complete::Shell;
use clap_complete::env::Shells;

use crate::error::{CliError, ErrorKind};
use crate::invocation::Invocation;

/// The variable by which a shell asks for completions.
pub(crate) const VARIABLE: &str = "ASSIST_COMPLETE";

/// Prints the completions of a shell.
pub(crate) fn run(shell: Shell, invocation: &mut Invocation) -> Result<(), CliError> {
    let shells = Shells::builtins();
    let name = shell.to_string();
    let completer = shells
        .completer(&name)
        .ok_or_else(|| CliError::message(ErrorKind::Usage, format!("there are no completions for {name}")))?;
    let mut script = Vec::new();
    completer
        .write_registration(VARIABLE, "assist", "assist", "assist", &mut script)
        .map_err(|error| CliError::new(ErrorKind::Failed, error))?;
    invocation.output.line(String::from_utf8_lossy(&script).trim_end())
}
