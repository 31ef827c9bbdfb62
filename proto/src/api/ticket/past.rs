//! `ticket.undo`: taking a change back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Parameters of `ticket.undo`. What the change wrote is written back as it was before, as a change of one's own;
/// refused if somebody has gone on from it, or if there is no way back.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Undo {
    /// The project: its id, its name, or an unambiguous beginning of either.
    #[serde(default)]
    pub project: Option<String>,
    /// The id, an unambiguous beginning of it, or `#number`.
    pub ticket: String,
    /// The change, as `ticket.history` names it, or an unambiguous beginning of it (4 characters or more).
    pub change: String,
}
