//! A project's own document as people see it: name, label catalogue, canned replies. Admins write it.

use std::collections::BTreeMap;

use crate::edit::Label;

/// A snapshot of the project document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// What people call it.
    pub name: String,
    /// What each label is for.
    pub labels: BTreeMap<Label, String>,
    /// Texts by name.
    pub canned_replies: BTreeMap<Label, String>,
    /// The names that were given while apart, the winner first; empty without a conflict.
    pub conflicting_names: Vec<String>,
}
