//! What can be asked of people: oneself, who is there, members and their devices.

use assist_proto::api::presence::SetDoing;
use assist_proto::api::user::{DesktopShown, Role};
use clap::Subcommand;

use super::{ROLES, SHOWN, word};

/// Verbs of `user`.
#[derive(Debug, Subcommand)]
pub(crate) enum UserVerb {
    /// List the members of a project that this device knows
    List,
    /// Change what others call you
    Rename {
        /// From now on
        name: String,
    },
    /// Show what this device tells of you, or change it
    Settings {
        /// Whether others are told what you read on this device; your own devices always are
        #[arg(long, value_name = "on|off")]
        read_marks: Option<Switch>,
        /// Whether the project's server mails you what is new while none of your devices is connected
        #[arg(long, value_name = "on|off")]
        mails: Option<Switch>,
        /// What this device shows on its desktop of what is for you
        #[arg(long, value_name = "WHAT", value_parser = word::<DesktopShown>(SHOWN))]
        desktop: Option<DesktopShown>,
        /// When it shows nothing: `22:00-07:00`, or `none`
        #[arg(long, value_name = "HOURS")]
        quiet_hours: Option<String>,
    },
}

/// Verbs of `presence`. What they tell is of this moment, and kept by nobody.
#[derive(Debug, Subcommand)]
pub(crate) enum PresenceVerb {
    /// List who else is there
    List {
        /// Only at this ticket: its id, the beginning of it, or its number
        ticket: Option<String>,
        /// Print who comes, does something else, and goes
        #[arg(long)]
        watch: bool,
        /// With --watch: end after so many lines
        #[arg(short = 'n', long, requires = "watch")]
        count: Option<u64>,
    },
    /// Say what you do, for some seconds, or a line for the team, until you take it back
    Set {
        /// The ticket: its id, the beginning of it, or its number
        ticket: Option<String>,
        /// What you do: at a ticket `viewing` unless told
        #[arg(long, value_parser = word::<SetDoing>(&["here", "viewing", "typing", "typing_note", "gone"]))]
        doing: Option<SetDoing>,
        /// A line for the team: where you are, when you are back
        #[arg(long)]
        status: Option<String>,
        /// Take that line back
        #[arg(long, conflicts_with = "status")]
        no_status: bool,
    },
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Switch {
    /// Yes.
    On,
    /// No.
    Off,
}

/// Verbs of `member`. They ask the project's server, which must be in reach.
#[derive(Debug, Subcommand)]
pub(crate) enum MemberVerb {
    /// List who is in the project (the team)
    List,
    /// Make a one-time code for somebody; prints the code (admins)
    Invite {
        /// Their email address: with it they may also join by email
        email: Option<String>,
        /// What they may do
        #[arg(long, value_parser = word::<Role>(ROLES))]
        role: Role,
        /// What to call them
        #[arg(long)]
        name: Option<String>,
    },
    /// List the invitations that nobody has used yet (admins)
    Invitations,
    /// Take back what is open for an email address (admins)
    Uninvite {
        /// The email address
        email: String,
    },
    /// Change what somebody may do (admins)
    SetRole {
        /// Their email address, name or user id
        member: String,
        /// From now on
        #[arg(value_parser = word::<Role>(ROLES))]
        role: Role,
    },
    /// Take somebody out of the project, with all their devices (admins)
    Remove {
        /// Their email address, name or user id
        member: String,
    },
}

/// Verbs of `device`. They ask the project's server, which must be in reach. A device is named by its id, the
/// beginning of it, or its name.
#[derive(Debug, Subcommand)]
pub(crate) enum DeviceVerb {
    /// List your devices, and those that wait to be let in as yours
    List {
        /// Those of everybody (admins)
        #[arg(long, conflicts_with = "member")]
        all: bool,
        /// Those of this person: an email address, a name or a user id (admins)
        #[arg(long, value_name = "USER")]
        member: Option<String>,
    },
    /// Call a device of yours something else
    Rename {
        /// From now on
        name: String,
        /// Which [default: this one]
        #[arg(long)]
        device: Option<String>,
    },
    /// Shut a device out for good: yours, or as an admin anybody's
    Revoke {
        /// Which
        device: String,
    },
    /// Let a device in that waits for it
    Approve {
        /// Which
        device: String,
    },
    /// Turn a device away that waits
    Reject {
        /// Which
        device: String,
    },
}
