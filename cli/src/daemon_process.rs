//! Starting the daemon, as the command line tells of it.

use assist_proto::client::launch::{self, StartError};
use assist_proto::client::{Client, Home};

pub(crate) use assist_proto::client::launch::pause;

use crate::error::{CliError, ErrorKind};
use crate::output::Output;

/// Starts the daemon of a home in the background, waits until it answers, and says so.
pub(crate) fn start(home: &Home, output: &mut Output) -> Result<Client, CliError> {
    let reached = launch::start(home).map_err(|error| start_error(error, home))?;
    if let Some(pid) = reached.started_pid {
        let log = home.log_file();
        output.say(&format!("started the daemon (process {pid}, its log is {})", log.display()));
    }
    Ok(reached.client)
}

/// Runs the daemon in place of this process. Returns only if that fails.
pub(crate) fn run_in_place(home: &Home) -> CliError {
    start_error(launch::run_in_place(home), home)
}

/// Waits for a daemon that holds the folder but does not answer: it may be coming up, or going down. Returns the
/// way to the one, nothing after the other.
pub(crate) fn wait_for_holder(home: &Home) -> Result<Option<Client>, CliError> {
    launch::wait_for_holder(home).map_err(|error| start_error(error, home))
}

/// Waits until no daemon holds the folder of a home any more.
pub(crate) fn wait_until_gone(home: &Home) -> Result<(), CliError> {
    launch::wait_until_gone(home).map_err(|error| start_error(error, home))
}

fn start_error(error: StartError, home: &Home) -> CliError {
    let hint = match error {
        StartError::Barred(error) => return error.into(),
        StartError::Program { .. } => "install `assistd` beside `assist`, or on the PATH".to_owned(),
        StartError::Folder { .. } => "choose another folder with `--home`, or mend this one".to_owned(),
        _ => {
            format!("its log is {}; `assist daemon run` runs it before your eyes", home.log_file().display())
        }
    };
    CliError::new(ErrorKind::Unreachable, error).hint(hint)
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::PathBuf;

    use assist_proto::client::Home;

    use super::{StartError, start_error};
    use crate::error::ErrorKind;

    #[test]
    fn a_missing_program_is_named() {
        let home = Home::locate(Some(PathBuf::from("/srv/assist"))).unwrap();
        let source = io::Error::from(io::ErrorKind::NotFound);
        let error = start_error(StartError::Program { program: PathBuf::from("assistd"), source }, &home);
        assert_eq!(error.kind(), ErrorKind::Unreachable);
        let mut printed = Vec::new();
        error.print(&mut printed).unwrap();
        let printed = String::from_utf8(printed).unwrap();
        assert!(printed.contains("cannot run the daemon's program assistd"), "{printed}");
        assert!(printed.contains("hint: install `assistd` beside `assist`"), "{printed}");
    }
}
