//! `link.*`: links that were clicked or pasted, `assist://...`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::project::{PendingJoin, ProjectInfo};

/// Parameters of `link.open`.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Open {
    /// `assist://<project id>@<host>...`, or the link in a mail.
    pub link: String,
    /// What the device shows that had the mail sent, if it is another one than this; the error `check_needed` says so.
    #[serde(default)]
    pub check: Option<String>,
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The link in a mail holds a code, a secret until it is used: it must not get into logs.
        f.debug_struct("Open").finish_non_exhaustive()
    }
}

/// Answer of `link.open`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Opened {
    /// What it came to.
    pub outcome: LinkOutcome,
    /// The project's id; null for a bare overlay address.
    pub project: Option<String>,
    /// What the project is called, where that is known.
    pub name: Option<String>,
    /// What `project.request` and `project.join` take.
    pub address: String,
    /// The project on this device, if it is joined.
    pub joined: Option<ProjectInfo>,
    /// What waits, if this device must be let in.
    pub waiting: Option<PendingJoin>,
    /// Whether the project is joined, and the link has an address of its server that this device does not know. Nothing
    /// follows from that by itself: whoever has it from somebody they trust gives it to `project.relocate`.
    #[serde(default)]
    pub is_elsewhere: bool,
}

/// What opening a link came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LinkOutcome {
    /// A project that this device has not joined: nothing was done.
    NotJoined,
    /// A project that this device has joined before: nothing was done.
    AlreadyJoined,
    /// This device has joined the project now.
    Joined,
    /// The address is proven, and somebody must let this device in.
    Waiting,
    /// The other device is in now.
    OtherJoined,
    /// The address is proven, and somebody must let the other device in.
    OtherWaiting,
    /// An outcome of a newer daemon.
    #[serde(other)]
    #[schemars(skip)]
    Unknown,
}
