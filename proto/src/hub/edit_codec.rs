//! Edits at rest: how a draft keeps what a person wrote.

use serde::{Deserialize, Serialize};

/// An edit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireEdit {}
