//! `--wait`: until a change has come as far as asked.

use std::time::Duration;

use assist_proto::api::sync::{Wait, WaitUntil};
use assist_proto::api::{ErrorCode, limits};
use assist_proto::client::ClientError;

use crate::args::WaitArgs;
use crate::error::{CliError, ErrorKind};
use crate::invocation::Invocation;

/// Waits for a change of ours if that was asked for. The change is safe on this device already.
pub(crate) fn wait_for(
    invocation: &mut Invocation,
    project: &str,
    change: Option<&str>,
    wait: &WaitArgs,
) -> Result<(), CliError> {
    let (Some(until), Some(change)) = (wait.wait, change) else {
        return Ok(());
    };
    // What was printed must be out before we keep others waiting.
    invocation.output.flush()?;
    let mut left = wait.timeout;
    loop {
        let now = left.min(limits::WAIT_MAX);
        left -= now;
        let params = Wait {
            project: Some(project.to_owned()),
            changes: vec![change.to_owned()],
            until,
            timeout_millis: Some(u64::try_from(now.as_millis()).unwrap_or(u64::MAX)),
        };
        match invocation.client()?.call(&params) {
            Err(ClientError::Api(error)) if error.code == ErrorCode::TimedOut && left.is_zero() => {
                return Err(ran_out(until, wait.timeout));
            }
            Err(ClientError::Api(error)) if error.code == ErrorCode::TimedOut => {}
            reached => return Ok(reached.map(|_| ())?),
        }
    }
}

fn ran_out(until: WaitUntil, timeout: Duration) -> CliError {
    let place = match until {
        WaitUntil::Server => "on the server",
        WaitUntil::Delivered => "delivered",
        WaitUntil::Read => "read",
    };
    let text = format!("it is saved here, but not {place} after {} s", timeout.as_secs_f64());
    CliError::message(ErrorKind::WaitRanOut, text)
        .hint("it goes out by itself; `assist sync status` says how the connection stands")
}
