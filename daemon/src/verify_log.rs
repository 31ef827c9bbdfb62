//! `assistd server verify-log`: through the server if it runs, else on its folder.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use assist_daemon::admissions::{self, head_from_text, head_text};
use assist_daemon::backup;
use assist_proto::admission::Head;
use assist_proto::api::server::log::VerifyLog;
use clap::Args;

use crate::backups::{at_rest, running};
use crate::say;

/// Arguments of `server verify-log`.
#[derive(Args)]
pub(crate) struct VerifyLogArgs {
    /// An end of the log that was written down elsewhere, as this command prints it: the log must still have it.
    #[arg(long, value_name = "NUMBER:HASH", value_parser = parse_head)]
    witness: Option<Head>,
    /// The log must still have what it had when this backup was made: the newest in the folder, or the generation that
    /// it is.
    #[arg(long, value_name = "FOLDER", conflicts_with = "witness")]
    backup: Option<PathBuf>,
}

pub(crate) fn verify(home: &Path, args: &VerifyLogArgs) -> anyhow::Result<()> {
    let witness = match &args.backup {
        Some(folder) => {
            Some(backup::witness(folder)?.context("that backup was made before there was a log")?)
        }
        None => args.witness,
    };
    let (entries, outcome) = match running(home)? {
        Some(mut client) => {
            let verified = client.call(&VerifyLog { witness: witness.map(head_text) })?;
            let problem = verified.problem.map(|problem| problem.message);
            (verified.entry_count, problem.map_or_else(|| Ok(verified.head.unwrap_or_default()), Err))
        }
        None => {
            let checked = at_rest(home, |_, store| Ok(admissions::check(home, &store.read()?, witness)?))?;
            let outcome = checked.outcome.map(|whole| head_text(whole.head));
            (checked.entries, outcome.map_err(|fault| fault.to_string()))
        }
    };
    say(&format!("entries\t{entries}\n"))?;
    match outcome {
        Ok(head) => say(&format!("head\t{head}\n")),
        Err(problem) => bail!("the admission log is not what was written: {problem}"),
    }
}

fn parse_head(text: &str) -> Result<Head, String> {
    head_from_text(text).ok_or_else(|| "give it as it was printed, <number>:<hash>".to_owned())
}
