//! `ticket.claim`, `ticket.link`, `ticket.merge`: whose a ticket is, and which others it belongs to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Parameters of `ticket.claim`. Refused (`taken`) if somebody works on it, as far as this device knows; two who claim
/// it while apart are shown as a conflict.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The project: its id, its name, or an unambiguous beginning of either.
    #[serde(default)]
    pub project: Option<String>,
    /// The id, an unambiguous beginning of it, or `#number`.
    pub ticket: String,
}

/// Parameters of `ticket.link`. Each of the two then names the other; whoever sees only one of them learns nothing of
/// the other but that there is one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The project: its id, its name, or an unambiguous beginning of either.
    #[serde(default)]
    pub project: Option<String>,
    /// The id, an unambiguous beginning of it, or `#number`.
    pub ticket: String,
    /// The other ticket, of the same project.
    pub other: String,
}

/// Parameters of `ticket.unlink`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unlink {
    /// The project: its id, its name, or an unambiguous beginning of either.
    #[serde(default)]
    pub project: Option<String>,
    /// The id, an unambiguous beginning of it, or `#number`.
    pub ticket: String,
    /// The other ticket: also one that is not here, by its whole id.
    pub other: String,
}

/// Parameters of `ticket.merge`. Both tickets keep all that was written in them, and those who see them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Merge {
    /// The project: its id, its name, or an unambiguous beginning of either.
    #[serde(default)]
    pub project: Option<String>,
    /// The duplicate: it is closed. The id, an unambiguous beginning of it, or `#number`.
    pub ticket: String,
    /// The ticket that it goes on in, of the same project.
    pub into: String,
}

/// Parameters of `ticket.unmerge`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unmerge {
    /// The project: its id, its name, or an unambiguous beginning of either.
    #[serde(default)]
    pub project: Option<String>,
    /// The ticket that was merged into another one.
    pub ticket: String,
}
