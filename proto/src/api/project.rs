//! `project.*`: joining, leaving and describing projects.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::sync::Connection;
use super::user::{Role, UserSettings};

/// Parameters of `project.join`.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Join {
    /// What the operator gave: `assist://<project id>@<host>[:port][,<host>...]`, or a bare overlay address.
    pub address: String,
    /// The one-time code of the invitation.
    pub code: String,
    /// One's name, as others see it. Needed unless the invitation has one.
    #[serde(default)]
    pub name: Option<String>,
    /// One's email address. Needed unless the invitation has one.
    #[serde(default)]
    pub email: Option<String>,
    /// What to call this device; the machine's name unless told.
    #[serde(default)]
    pub device_name: Option<String>,
}

impl std::fmt::Debug for Join {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The code is a secret until it is used: it must not get into logs.
        f.debug_struct("Join").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Parameters of `project.request`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// What the operator gave: `assist://<project id>@<host>[:port][,<host>...]`, or a bare overlay address.
    pub address: String,
    /// Where the code is mailed to. A member's address makes this a further device of theirs.
    pub email: String,
    /// One's name, as others see it, if one is new there; the address's first part unless told.
    #[serde(default)]
    pub name: Option<String>,
    /// What to call this device; the machine's name unless told.
    #[serde(default)]
    pub device_name: Option<String>,
}

/// A project that this device has asked to join by email, and is not in yet. Nothing of it is proven but the address.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct PendingJoin {
    /// The project's id, 52 characters.
    pub project: String,
    /// What it calls itself.
    pub name: String,
    /// Where the code was mailed to.
    pub email: String,
    /// This device, 52 characters.
    pub device: String,
    /// What this device is to be called.
    pub device_name: String,
    /// What whoever opens the mailed link on another device types there.
    pub check: String,
    /// When the code was asked for.
    pub asked_at_millis: u64,
    /// Whether the address is proven and somebody must let this device in: another device of the same person by
    /// `device.approve`, or an admin. After that `project.confirm` needs no code.
    pub is_waiting: bool,
}

/// Parameters of `project.pending`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListPending {}

/// Answer of `project.pending`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct PendingJoins {
    /// By the project's id.
    pub joins: Vec<PendingJoin>,
}

/// Parameters of `project.confirm`.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Confirm {
    /// The project: its id, its name, or an unambiguous beginning of either. May be left out if only one is pending.
    pub project: Option<String>,
    /// The mailed code; left out to ask whether this device was let in meanwhile.
    pub code: Option<String>,
}

impl std::fmt::Debug for Confirm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The code is a secret until it is used: it must not get into logs.
        f.debug_struct("Confirm").field("project", &self.project).finish_non_exhaustive()
    }
}

/// Answer of `project.confirm`: one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Confirmed {
    /// The project that this device has joined; null if it waits to be let in.
    pub joined: Option<ProjectInfo>,
    /// What waits; null once it is in.
    pub waiting: Option<PendingJoin>,
}

/// Parameters of `project.list`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct List {}

/// Answer of `project.list`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Projects {
    /// By name.
    pub projects: Vec<ProjectInfo>,
}

/// A project that this device has joined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProjectInfo {
    /// 52 characters.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Where its server was and may be reached.
    pub addresses: Vec<String>,
    /// What this device's user may do in it.
    pub role: Role,
    /// This device's user there, 26 characters.
    pub user_id: String,
    /// What others call this user.
    pub user_name: String,
    /// What this device is called there.
    pub device_name: String,
    /// Tickets of which others wrote more than its user has read, on whichever device. Never null.
    pub unread_count: Option<u64>,
    /// Tickets in which its user is mentioned where they have not read.
    #[serde(default)]
    pub mentioned_count: u64,
    /// Whether the server is in reach.
    pub connection: Connection,
    /// How far the first load has come; null once it is complete.
    pub cold_start: Option<ColdStart>,
    /// What its user has chosen for it: what this device tells and shows. Never null.
    #[serde(default)]
    pub settings: Option<UserSettings>,
}

/// How far the first load of a project has come. The list is usable once the rows are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ColdStart {
    /// List rows stored.
    pub rows_loaded: u64,
    /// List rows that there are.
    pub rows_total: u64,
    /// Documents stored.
    pub documents_loaded: u64,
    /// Documents that there are.
    pub documents_total: u64,
}

/// Parameters of `project.leave`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Leave {
    /// The project: its id, its name, or an unambiguous beginning of either.
    pub project: String,
    /// Leave even if that loses work that the server has not got yet.
    #[serde(default)]
    pub force: bool,
}

/// Parameters of `project.relocate`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Relocate {
    /// What the operator gave: `assist://<project id>@<host>[:port][,<host>...]`, or a bare overlay address.
    pub address: String,
    /// The project: its id, its name, or an unambiguous beginning of either. May be left out if the address names it, or
    /// if only one is joined.
    #[serde(default)]
    pub project: Option<String>,
}

/// Parameters of `project.get`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Get {
    /// The project: its id, its name, or an unambiguous beginning of either. May be left out if only one is joined.
    pub project: Option<String>,
}

/// Answer of `project.get`: the project and what its admins set up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProjectDetails {
    /// What a list shows.
    #[serde(flatten)]
    pub info: ProjectInfo,
    /// The label catalogue, by label.
    pub labels: Vec<LabelInfo>,
    /// Texts for common answers, by name.
    pub canned_replies: Vec<CannedReply>,
}

/// A label of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LabelInfo {
    /// The label.
    pub label: String,
    /// What it is for.
    pub description: String,
}

/// A text for a common answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CannedReply {
    /// What an agent types.
    pub name: String,
    /// The text.
    pub body: String,
}
