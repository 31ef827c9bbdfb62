//! How a device becomes a member by email: it has a code mailed, and shows it. And how one's other devices hear of it.
//!
//! A server answers every request for a code alike, whether it knows the address or not.

use assist_crdt_model::{DeviceId, ProjectId, UnixMillis};
use serde::{Deserialize, Serialize};

use super::ask::RosterDevice;
use super::{id, list};
use crate::certificate::millis;
use crate::limits;

/// A device that is no member yet has a code mailed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestCode {
    /// [`super::PROTOCOL_VERSION`].
    #[serde(rename = "v")]
    pub version: u16,
    /// The project that the address named; absent for a bare overlay address.
    #[serde(rename = "p", with = "id::opt", default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectId>,
    /// Where to.
    #[serde(rename = "e")]
    pub email: String,
    /// What the person is called, if they are new.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the person calls the device.
    #[serde(rename = "d")]
    pub device_name: String,
}

/// The one answer to every request for a code that is not too much.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeSent {
    /// The project; not proven yet.
    #[serde(rename = "p", with = "id")]
    pub project: ProjectId,
    /// What it is called.
    #[serde(rename = "n")]
    pub project_name: String,
    /// For the device to show: whoever opens the mailed link on another device types it there.
    #[serde(rename = "x")]
    pub check: String,
    /// How long the code holds, by the server's clock.
    #[serde(rename = "t", with = "millis")]
    pub expires_at: UnixMillis,
}

/// Shows a mailed code.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirm {
    /// [`super::PROTOCOL_VERSION`].
    #[serde(rename = "v")]
    pub version: u16,
    /// Which project.
    #[serde(rename = "p", with = "id")]
    pub project: ProjectId,
    /// The code as it was typed; absent to ask whether the device was let in meanwhile.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The device that had the code mailed, if it is another one.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub other: Option<OtherDevice>,
}

/// A device that a code is shown for by another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherDevice {
    /// Its key.
    #[serde(rename = "k", with = "id")]
    pub device: DeviceId,
    /// What it shows.
    #[serde(rename = "x")]
    pub check: String,
}

impl std::fmt::Debug for Confirm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The code is a secret until it is used: it must not get into logs.
        f.debug_struct("Confirm").field("project", &self.project).finish_non_exhaustive()
    }
}

/// The address is proven, and somebody must let the device in: another device of the person, or an admin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// What the project is called.
    #[serde(rename = "n")]
    pub project_name: String,
}

/// The answer to whoever showed a code for another device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmed {
    /// What the project is called.
    #[serde(rename = "n")]
    pub project_name: String,
    /// Whether somebody must let that device in first.
    #[serde(rename = "w")]
    pub is_waiting: bool,
}

/// Devices of the reader's own user that are new, or wait to be let in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceNews {
    /// At most [`limits::ROSTER_WINDOW_MAX`].
    #[serde(rename = "d", deserialize_with = "list::at_most::<{ limits::ROSTER_WINDOW_MAX }, _, _>")]
    pub devices: Vec<RosterDevice>,
}
