//! `view.*`: queries that the user has saved under a name, on all their devices and for nobody else.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Parameters of `view.save`. A view of the same name in the same project is replaced.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Save {
    /// Whose server keeps it: a project's id, its name, or an unambiguous beginning of either. May be left out if only
    /// one is joined. The view finds tickets of all projects, unless its query says `project:`.
    #[serde(default)]
    pub project: Option<String>,
    /// Letters, digits, `-`, `_` and `.`, up to 64 bytes: as it is written behind `view:` in a query.
    pub name: String,
    /// What it stands for: a query, as for `ticket.list`, without `view:`.
    pub query: String,
}

/// Parameters of `view.list`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// Only those that this project's server keeps.
    #[serde(default)]
    pub project: Option<String>,
}

/// Answer of `view.list`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Views {
    /// By project, then by name.
    pub views: Vec<View>,
}

/// Parameters of `view.get`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Get {
    /// Only of those that this project's server keeps.
    #[serde(default)]
    pub project: Option<String>,
    /// Its name.
    pub name: String,
}

/// Parameters of `view.remove`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Remove {
    /// Only of those that this project's server keeps.
    #[serde(default)]
    pub project: Option<String>,
    /// Its name.
    pub name: String,
}

/// A saved view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct View {
    /// What the user calls it.
    pub name: String,
    /// What it stands for.
    pub query: String,
    /// The project whose server keeps it, 52 characters.
    pub project: String,
    /// Whether the server has it: until then it is on this device alone.
    pub is_on_server: bool,
}
