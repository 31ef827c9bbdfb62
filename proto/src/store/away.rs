//! Members of whom no device is there: what a server has to remember to mail them once of what is new.

use assist_crdt_model::{UnixMillis, UserId};
use serde::{Deserialize, Serialize};

use super::Seq;
use crate::certificate::millis;
use crate::wire::id;

/// A member of whom no device is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Away {
    /// Who.
    #[serde(rename = "u", with = "id")]
    pub user: UserId,
    /// Since when.
    #[serde(rename = "s", with = "millis")]
    pub since: UnixMillis,
    /// What stands in the log behind this place may be news to them: their devices have all before it, or a mail told it.
    #[serde(rename = "q")]
    pub news_after: Seq,
    /// How many mails told them of news since they went.
    #[serde(rename = "n")]
    pub mailed: u32,
    /// When the last one did, in milliseconds.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub mailed_at_millis: Option<u64>,
}
