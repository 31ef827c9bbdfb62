//! `label.*`: the project's catalogue of labels, which agents are offered. Any other label can be put on a ticket too.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::project::LabelInfo;

/// Parameters of `label.list`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// The project: its id, its name, or an unambiguous beginning of either. May be left out if only one is joined.
    #[serde(default)]
    pub project: Option<String>,
}

/// Answer of `label.list`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Labels {
    /// By label.
    pub labels: Vec<LabelInfo>,
}

/// Parameters of `label.set`. For admins.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Set {
    /// The project: its id, its name, or an unambiguous beginning of either. May be left out if only one is joined.
    #[serde(default)]
    pub project: Option<String>,
    /// The label: 1 to 40 characters.
    pub label: String,
    /// What it is for, up to 64 KiB; may be left empty.
    #[serde(default)]
    pub description: String,
}

/// Parameters of `label.remove`. For admins. Tickets keep it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Remove {
    /// The project: its id, its name, or an unambiguous beginning of either. May be left out if only one is joined.
    #[serde(default)]
    pub project: Option<String>,
    /// The label.
    pub label: String,
}
