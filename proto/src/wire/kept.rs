//! What a user keeps with a server for themselves, on its way to it and to their other devices.

use serde::{Deserialize, Serialize};

use super::list;
use crate::limits;
use crate::store::Kept;

/// A device's word on what its user wants kept. It is said again in the next session, until it comes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keep {
    /// At most [`limits::KEPT_PER_FRAME_MAX`].
    #[serde(rename = "k", deserialize_with = "list::at_most::<{ limits::KEPT_PER_FRAME_MAX }, _, _>")]
    pub kept: Vec<Kept>,
}

/// What the server keeps for the device's user, and for nobody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptNews {
    /// Rises with every change: the device says in its next greeting which one it has.
    #[serde(rename = "v")]
    pub version: u64,
    /// Whether it is all there is; else it is what has changed.
    #[serde(rename = "w", default, skip_serializing_if = "std::ops::Not::not")]
    pub is_whole: bool,
    /// At most [`limits::KEPT_PER_FRAME_MAX`].
    #[serde(rename = "k", deserialize_with = "list::at_most::<{ limits::KEPT_PER_FRAME_MAX }, _, _>")]
    pub kept: Vec<Kept>,
}
