//! The way to the daemon.

use assist_proto::client::{Client, ClientError, Home};

use crate::daemon_process;
use crate::error::CliError;
use crate::output::Output;

/// Whether a daemon that does not run is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StartPolicy {
    /// Started, and said so.
    IfNeeded,
    /// Reported as not running.
    Never,
}

/// Connects to the daemon of a home.
pub(crate) fn connect(home: &Home, start: StartPolicy, output: &mut Output) -> Result<Client, CliError> {
    match Client::connect(home.socket()) {
        Err(ClientError::NotRunning { .. }) if start == StartPolicy::IfNeeded => {
            daemon_process::start(home, output)
        }
        connected => Ok(connected?),
    }
}
