//! `completions`: for the user's shell to load.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::args::Cli;
use crate::error::CliError;
use crate::invocation::Invocation;

/// Prints the completions of a shell.
pub(crate) fn run(shell: Shell, invocation: &mut Invocation) -> Result<(), CliError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "assist", &mut script);
    invocation.output.line(String::from_utf8_lossy(&script).trim_end())
}
