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
    /// The mycelium overlay, as far as this daemon knows of it.
    #[serde(default)]
    pub overlay: Option<OverlayStatus>,
    /// What was found when everything that is kept was last read; null if it never was.
    #[serde(default)]
    pub scrub: Option<ScrubStatus>,
}

/// What was found when everything that a daemon keeps was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScrubStatus {
    /// When.
    pub at_millis: u64,
    /// How many things are not what was written.
    pub problem_count: u64,
    /// The first of them, with what to do.
    pub first_problem: Option<String>,
}

/// How the overlay fares on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OverlayStatus {
    /// Whose business the node is: `external`, `managed` or `none`.
    pub mode: String,
    /// In one word.
    pub state: OverlayState,
    /// This machine's overlay address, as far as its node vouches for it.
    pub address: Option<String>,
    /// The node's public key: 64 hexadecimal digits.
    pub node_key: Option<String>,
    /// In plain words.
    pub detail: String,
    /// The one command that helps, if something is to be done.
    pub help: Option<String>,
    /// On a server that hears the overlay alone: packets that it dropped because they did not come over it, since it
    /// was started.
    pub ignored_packets: Option<u64>,
}

/// How the overlay fares, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OverlayState {
    /// Left alone, as the configuration says.
    Off,
    /// Nobody has looked yet.
    Looking,
    /// A node answers, and its address is this machine's.
    Found,
    /// The node answers no more, but its address is still there.
    Silent,
    /// A node answers, but its address is on no interface of this machine.
    NoInterface,
    /// An interface has an overlay address, but no node answers for it.
    Unconfirmed,
    /// What answers is no node.
    Wrong,
    /// There is no node.
    Absent,
    /// This daemon runs a node, which does not answer yet.
    Starting,
    /// This daemon is to run a node, and cannot.
    NotRunning,
    /// A state of a newer daemon: see the detail.
    #[serde(other)]
    #[schemars(skip)]
    Unknown,
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
