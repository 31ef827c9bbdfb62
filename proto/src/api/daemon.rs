//! `daemon.*`: the process behind the socket.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Parameters of `daemon.status`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetStatus {}

/// Answer of `daemon.status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DaemonStatus {
    /// Of the program.
    pub version: String,
    /// Of this API.
    pub api_version: String,
    /// The process.
    pub pid: u32,
    /// The folder that holds everything.
    pub home: String,
    /// What it does.
    pub roles: Vec<DaemonRole>,
    /// This installation's public key, 52 characters.
    pub device_id: String,
    /// When the process started.
    pub started_at_millis: u64,
    /// How long it has been running.
    pub uptime_millis: u64,
    /// The store on the disk.
    pub store_size_bytes: u64,
}

/// What a daemon does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DaemonRole {
    /// Works for the user of this machine.
    Device,
    /// Serves a project.
    Server,
    /// A role of a newer daemon.
    #[serde(other)]
    #[schemars(skip)]
    Unknown,
}

/// Parameters of `daemon.stop`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stop {}
