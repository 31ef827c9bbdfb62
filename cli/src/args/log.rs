//! The admission log of a server: what it shows, and whether it is what was written.

use clap::Args;

/// Arguments of `server log`.
#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    /// How many entries at most: the newest, or with --after the next
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 50)]
    pub(crate) limit: u32,
    /// Only entries behind this number
    #[arg(long, value_name = "NUMBER")]
    pub(crate) after: Option<u64>,
    /// Only entries before this number
    #[arg(long, value_name = "NUMBER", conflicts_with = "after")]
    pub(crate) before: Option<u64>,
    /// Only what was refused; with --admin, that too
    #[arg(long)]
    pub(crate) refused: bool,
    /// Only who was let in, shut out or given a role, and what the operator did; with --refused, that too
    #[arg(long)]
    pub(crate) admin: bool,
    /// Only what this device did, or what was done to it: its whole id
    #[arg(long, value_name = "DEVICE")]
    pub(crate) device: Option<String>,
    /// Only what this person did, or what was done to them: an id, or an email address
    #[arg(long, value_name = "USER")]
    pub(crate) user: Option<String>,
}

/// Arguments of `server verify-log`.
#[derive(Debug, Args)]
pub(crate) struct VerifyLogArgs {
    /// An end of the log that was written down elsewhere, as this command prints it: the log must still have it
    #[arg(long, value_name = "NUMBER:HASH")]
    pub(crate) witness: Option<String>,
}
