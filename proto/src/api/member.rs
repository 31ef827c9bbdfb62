//! `member.*`: who is in a project, and who is to be. Asked of its server, so only while it is in reach.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::user::Role;

/// Parameters of `member.list`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct List {
    /// The project: its id, its name, or an unambiguous beginning of either. May be left out if only one is joined.
    pub project: Option<String>,
    /// Where the window before this one ended.
    pub cursor: Option<String>,
    /// How many members to return: 50 unless told, at most 200.
    pub limit: Option<u32>,
}

/// Answer of `member.list`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct RosterPage {
    /// By id.
    pub members: Vec<RosterMember>,
    /// Where to go on; null at the end.
    pub next_cursor: Option<String>,
}

/// A person on the roster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RosterMember {
    /// The user's id, 26 characters.
    pub id: String,
    /// What people call them.
    pub name: String,
    /// Unique in the project; null if none is known.
    pub email: Option<String>,
    /// What they may do.
    pub role: Role,
    /// When they joined.
    pub joined_at_millis: u64,
    /// How many devices of theirs are let in.
    pub device_count: u32,
    /// How many devices wait to be let in as theirs.
    pub waiting_count: u32,
    /// Whether it is the user of this device.
    pub is_self: bool,
}

/// Parameters of `member.invite`. The answer is the one of `server.invite`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Invite {
    /// The project: its id, its name, or an unambiguous beginning of either. May be left out if only one is joined.
    #[serde(default)]
    pub project: Option<String>,
    /// What the invited person may do.
    pub role: Role,
    /// Their email address. With it they may join by `project.request` too; a member's address invites a further
    /// device of theirs.
    #[serde(default)]
    pub email: Option<String>,
    /// What to call them.
    #[serde(default)]
    pub name: Option<String>,
}

/// Parameters of `member.invitations`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ListInvitations {
    /// The project: its id, its name, or an unambiguous beginning of either. May be left out if only one is joined.
    pub project: Option<String>,
}

/// Answer of `member.invitations`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Invitations {
    /// All that are open.
    pub invitations: Vec<OpenInvitation>,
}

/// An invitation that nobody has used yet. Its code was told once, to whoever made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpenInvitation {
    /// What the invited person may do.
    pub role: Role,
    /// Whom it is for; null if anybody may use it.
    pub email: Option<String>,
    /// What they will be called; null if they choose.
    pub name: Option<String>,
    /// When it ends to work.
    pub expires_at_millis: u64,
}

/// Parameters of `member.uninvite`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Uninvite {
    /// The project: its id, its name, or an unambiguous beginning of either. May be left out if only one is joined.
    #[serde(default)]
    pub project: Option<String>,
    /// All that is open for this email address is taken back.
    pub email: String,
}

/// Parameters of `member.edit`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// The project: its id, its name, or an unambiguous beginning of either. May be left out if only one is joined.
    #[serde(default)]
    pub project: Option<String>,
    /// Who: a user id, an email address, or a name that only one has.
    pub member: String,
    /// What they may do from now on.
    pub role: Role,
}

/// Parameters of `member.remove`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Remove {
    /// The project: its id, its name, or an unambiguous beginning of either. May be left out if only one is joined.
    #[serde(default)]
    pub project: Option<String>,
    /// Who: a user id, an email address, or a name that only one has.
    pub member: String,
}
