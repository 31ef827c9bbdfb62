//! `device.*`: the installations of a project's members. Asked of its server, so only while it is in reach.
//!
//! A device is named by its id, an unambiguous beginning of it, or its name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Parameters of `device.list`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct List {
    /// The project: its id, its name, or an unambiguous beginning of either. May be left out if only one is joined.
    pub project: Option<String>,
    /// Whose: `me`, a user id, an email address, or a name that only one has. All that one may see unless told.
    pub member: Option<String>,
    /// Where the window before this one ended.
    pub cursor: Option<String>,
    /// How many devices to return: 50 unless told, at most 200.
    pub limit: Option<u32>,
}

/// Answer of `device.list`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct DevicePage {
    /// By id.
    pub devices: Vec<Device>,
    /// Where to go on; null at the end.
    pub next_cursor: Option<String>,
}

/// An installation of a member, or one that would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Device {
    /// Its public key, 52 characters.
    pub id: String,
    /// What its user calls it.
    pub name: String,
    /// Whose it is, or would be, 26 characters.
    pub user_id: String,
    /// What people call them; the start of the id while the name is not known here.
    pub user_name: String,
    /// How it stands.
    pub state: DeviceState,
    /// When it was enrolled, or asked to be.
    pub since_millis: u64,
    /// Whether it is this very device.
    pub is_self: bool,
}

/// How a device stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeviceState {
    /// Let in, and connected now.
    Online,
    /// Let in, and not connected.
    Offline,
    /// Somebody must let it in: `device.approve`.
    Waiting,
    /// Shut out.
    Revoked,
    /// A state of a newer daemon.
    #[serde(other)]
    #[schemars(skip)]
    Unknown,
}

/// Parameters of `device.rename`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rename {
    /// The project: its id, its name, or an unambiguous beginning of either. May be left out if only one is joined.
    #[serde(default)]
    pub project: Option<String>,
    /// The device; this one unless told.
    #[serde(default)]
    pub device: Option<String>,
    /// What to call it.
    pub name: String,
}

/// Parameters of `device.revoke`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Revoke {
    /// The project: its id, its name, or an unambiguous beginning of either. May be left out if only one is joined.
    #[serde(default)]
    pub project: Option<String>,
    /// The device.
    pub device: String,
}

/// Parameters of `device.approve`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Approve {
    /// The project: its id, its name, or an unambiguous beginning of either. May be left out if only one is joined.
    #[serde(default)]
    pub project: Option<String>,
    /// The device that waits.
    pub device: String,
}

/// Parameters of `device.reject`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reject {
    /// The project: its id, its name, or an unambiguous beginning of either. May be left out if only one is joined.
    #[serde(default)]
    pub project: Option<String>,
    /// The device that waits.
    pub device: String,
}
