//! `assist`: the command line. It asks the daemon on this device over its local socket, and prints what it says.
//!
//! It holds no tickets, opens no store and no network. [`args`] says what can be asked for, [`commands`] has a file
//! for each noun, [`output`] how it is printed, [`error`] how it fails.

mod args;
mod attach;
mod body;
mod commands;
mod complete;
mod connection;
mod daemon_process;
mod desktop;
mod error;
#[cfg(test)]
mod fake_daemon;
mod invocation;
mod output;
mod wait;

use std::process::ExitCode;

use clap::Parser as _;
use clap_complete::CompleteEnv;

use crate::args::{Cli, with_queries_apart};
use crate::error::CliError;
use crate::invocation::{Invocation, format, talk};
use crate::output::Output;

fn main() -> ExitCode {
    // A shell that asks for completions is answered, and nothing else happens.
    CompleteEnv::with_factory(complete::command).var(commands::completions::VARIABLE).complete();
    let cli = Cli::parse_from(with_queries_apart(std::env::args_os()));
    let mut invocation = match Invocation::of_process(&cli.globals) {
        Ok(invocation) => invocation,
        Err(error) => {
            return failed(&mut Output::of_process(format(&cli.globals), talk(&cli.globals)), &error);
        }
    };
    let outcome = commands::run(cli.noun, &mut invocation);
    // What was printed before a failure is data all the same.
    let flushed = invocation.output.flush();
    match outcome.and(flushed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&mut invocation.output, &error),
    }
}

fn failed(output: &mut Output, error: &CliError) -> ExitCode {
    output.error(error);
    ExitCode::from(error.kind().exit_code())
}
