//! What can be asked of projects: joining, leaving, links to them.

use clap::{Args, Subcommand};

/// Verbs of `project`.
#[derive(Debug, Subcommand)]
pub(crate) enum ProjectVerb {
    /// Enrol this device at a project's server: with an invitation's code, or by email
    Join(JoinArgs),
    /// Show the mailed code, or ask whether this device was let in
    Confirm {
        /// The code; `-` reads it from stdin. Left out once the device waits to be let in
        code: Option<String>,
    },
    /// List the projects that this device has asked to join by email
    Pending,
    /// List the projects that this device has joined
    List,
    /// Tell this device where a joined project's server is now
    Relocate {
        /// What the operator gave: `assist://<project id>@<host>[:port]`, or a bare overlay address (with -P if several
        /// projects are joined)
        address: String,
    },
    /// Remove a project and its tickets from this device
    Leave {
        /// The project, if not named with -P
        #[arg(value_name = "PROJECT")]
        name: Option<String>,
        /// Leave even if that loses work that the server has not got yet
        #[arg(long)]
        force: bool,
    },
}

/// Arguments of `project join`.
#[derive(Debug, Args)]
pub(crate) struct JoinArgs {
    /// What the operator gave: `assist://<project id>@<host>[:port]`, or a bare overlay address
    pub(crate) address: String,
    /// The one-time code of the invitation; `-` reads it from stdin. Without it a code is mailed to --email
    #[arg(long, required_unless_present = "email")]
    pub(crate) code: Option<String>,
    /// Your name, as others see it [default: that of the invitation]
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Your email address; without --code, where a code is mailed to [default: that of the invitation]
    #[arg(long)]
    pub(crate) email: Option<String>,
    /// What to call this device [default: the machine's name]
    #[arg(long)]
    pub(crate) device_name: Option<String>,
}

/// Arguments of `open`.
#[derive(Debug, Args)]
pub(crate) struct OpenArgs {
    /// `assist://...`; `-` reads it from stdin
    #[arg(required_unless_present = "install")]
    pub(crate) link: Option<String>,
    /// What the device shows that had the mail sent, if it is another one
    #[arg(long, value_name = "CHARACTERS")]
    pub(crate) check: Option<String>,
    /// Have the desktop open such links with this program; prints the file that says so
    #[arg(long, conflicts_with_all = ["link", "check"])]
    pub(crate) install: bool,
    /// Wait for Enter in the end, so that a window stays until it was read
    #[arg(long, hide = true)]
    pub(crate) hold: bool,
}
