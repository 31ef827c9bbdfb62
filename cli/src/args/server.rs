//! What can be asked of a server.

use std::time::Duration;

use assist_proto::api::user::Role;
use clap::{Args, Subcommand};

use super::{ROLES, log, seconds, word};

/// Verbs of `server`. They need a daemon in the server role: name its folder with --home.
#[derive(Debug, Subcommand)]
pub(crate) enum ServerVerb {
    /// Say what the server serves, where, and to how many
    Status,
    /// Say how the server fares, in figures
    Stats,
    /// Show who is connected and how much is done, again and again
    Top {
        /// How long to wait in between
        #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = seconds)]
        interval: Duration,
        /// End after so many times
        #[arg(long, value_name = "COUNT")]
        count: Option<u64>,
    },
    /// Make a one-time code that enrols one device of one person; prints the code
    Invite(InviteArgs),
    /// Send a trial mail, and say what the relay answered
    Mail {
        /// The address that it goes to
        to: String,
    },
    /// List the members with their devices
    Members,
    /// Show what the server decided: changes let in and refused, people let in, shut out or given a role
    Log(log::LogArgs),
    /// Read the whole admission log, and say whether it is what the server wrote
    VerifyLog(log::VerifyLogArgs),
}

/// Arguments of `server invite`.
#[derive(Debug, Args)]
pub(crate) struct InviteArgs {
    /// What the person may do
    #[arg(long, value_parser = word::<Role>(ROLES))]
    pub(crate) role: Role,
    /// Their email address; a member's address invites a further device of theirs
    #[arg(long)]
    pub(crate) email: Option<String>,
    /// What to call them
    #[arg(long)]
    pub(crate) name: Option<String>,
}
