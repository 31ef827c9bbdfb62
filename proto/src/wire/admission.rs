//! What is asked of a server's admission log, and a part of it. For admins.

use assist_crdt_model::{DeviceId, TicketId, UserId};
use serde::{Deserialize, Serialize};

use super::ask::Who;
use super::{NamedDevice, id, list};
use crate::certificate::Signed;
use crate::limits;

/// A window of the admission log.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ReadLog {
    /// The newest entries with numbers below this; without it and `after`, the newest of all.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
    /// The oldest entries with numbers above this.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// At most so many; the server gives no more than [`limits::ADMISSIONS_WINDOW_MAX`].
    #[serde(rename = "n")]
    pub limit: u32,
    /// What was refused; with `acts`, that too.
    #[serde(rename = "r", default, skip_serializing_if = "is_false")]
    pub refused: bool,
    /// What is no verdict on a change; with `refused`, that too.
    #[serde(rename = "x", default, skip_serializing_if = "is_false")]
    pub acts: bool,
    /// What a device did, or what was done to it.
    #[serde(rename = "k", with = "id::opt", default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    /// What a person did, or what was done to them.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub who: Option<Who>,
}

/// Some of the admission log.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LogWindow {
    /// In the order of the log, at most [`limits::ADMISSIONS_WINDOW_MAX`].
    #[serde(rename = "e", deserialize_with = "list::at_most::<{ limits::ADMISSIONS_WINDOW_MAX }, _, _>")]
    pub lines: Vec<LogLine>,
    /// Where to go on in the same direction: as `before`, or as `after` where that was asked for. Nothing at the end.
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
    /// The log's end, as the server's node signed it.
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Signed>,
    /// What the people are called that the entries name.
    #[serde(rename = "u", deserialize_with = "list::at_most::<{ limits::ADMISSIONS_WINDOW_MAX * 2 }, _, _>")]
    pub people: Vec<NamedUser>,
    /// What the devices are called.
    #[serde(rename = "k", deserialize_with = "list::at_most::<{ limits::ADMISSIONS_WINDOW_MAX * 2 }, _, _>")]
    pub devices: Vec<NamedDevice>,
}

/// An entry, and what its change was for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// The bytes of a [`crate::admission::Entry`], as they are hashed.
    #[serde(rename = "b", with = "serde_bytes")]
    pub entry: Vec<u8>,
    /// The ticket that an admitted change is of.
    #[serde(rename = "i", with = "id::opt", default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<TicketId>,
    /// Its number.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u32>,
}

/// What somebody is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedUser {
    /// Who.
    #[serde(rename = "u", with = "id")]
    pub user: UserId,
    /// Their name.
    #[serde(rename = "n")]
    pub name: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}
