//! `sync.*`: how far this device and the servers of its projects agree, and the switch for working offline.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far a change of one's own has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Durable on this device.
    SavedHere,
    /// Durable on the server.
    OnServer,
    /// On a device of somebody else who may see it.
    Delivered,
    /// Shown to somebody of the other side.
    Read,
    /// A state of a newer daemon, further than these.
    #[serde(other)]
    #[schemars(skip)]
    Further,
}

/// Whether a project's server is in reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Connection {
    /// In one word.
    pub state: ConnectionState,
    /// Since when.
    pub since_millis: u64,
    /// In plain words, with what to do if something is to be done.
    pub detail: String,
    /// Set while the server takes nothing new: what is written stays here, and goes there by itself.
    #[serde(default)]
    pub held_up: Option<HeldUp>,
}

/// Why a server that is in reach takes nothing new for now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HeldUp {
    /// In one word.
    pub reason: HeldUpReason,
    /// In plain words.
    pub detail: String,
    /// When it is tried again; null while that is under way.
    pub again_at_millis: Option<u64>,
}

/// Why a server takes nothing new, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HeldUpReason {
    /// More was written in a short time than one person's share.
    Quota,
    /// The server's disk is nearly full.
    ServerDiskFull,
    /// A reason of a newer daemon or server: see the detail.
    #[serde(other)]
    Other,
}

/// Whether a project's server is in reach, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionState {
    /// Connected; changes go out at once.
    Online,
    /// Trying.
    Connecting,
    /// Not in reach; tries again by itself.
    Offline,
    /// Working offline because the user said so.
    Paused,
    /// The server does not let this device in; trying again does not help.
    Refused,
    /// A state of a newer daemon: see the detail.
    #[serde(other)]
    #[schemars(skip)]
    Unknown,
}

/// Parameters of `sync.status`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GetStatus {
    /// Only this project: its id, its name, or an unambiguous beginning of either. All unless told.
    pub project: Option<String>,
}

/// Parameters of `sync.pause`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Pause {
    /// Only this project: its id, its name, or an unambiguous beginning of either. All unless told.
    pub project: Option<String>,
}

/// Parameters of `sync.resume`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Resume {
    /// Only this project: its id, its name, or an unambiguous beginning of either. All unless told.
    pub project: Option<String>,
}

/// Answer of `sync.status`, `sync.pause` and `sync.resume`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct SyncStatus {
    /// By name.
    pub projects: Vec<ProjectSync>,
}

/// How far this device and one server agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProjectSync {
    /// The project's id, 52 characters.
    pub project: String,
    /// What people call it.
    pub name: String,
    /// Whether the server is in reach.
    pub connection: Connection,
    /// Own changes that the server has not confirmed.
    pub outbox_count: u64,
    /// When the oldest of them was made.
    pub oldest_unsent_at_millis: Option<u64>,
    /// The last record of the server's log that is stored here.
    pub cursor: u64,
    /// The last record of the server's log, as it last said.
    pub head: Option<u64>,
    /// When this device last had all the news.
    pub last_sync_at_millis: Option<u64>,
    /// Documents stored here.
    pub documents: u64,
    /// Documents stored here whose changes are not all checked yet.
    pub unverified: u64,
    /// What the present connection is like; null while there is none.
    #[serde(default)]
    pub traffic: Option<Traffic>,
}

/// What a connection to a server is like and has carried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Traffic {
    /// Which of the server's hosts it leads to.
    pub host: String,
    /// How long a packet and its answer take, smoothed.
    pub round_trip_micros: u64,
    /// Bytes sent since it was made, with all that the transport adds.
    pub sent_bytes: u64,
    /// The same for those that came.
    pub received_bytes: u64,
}

/// Parameters of `sync.wait`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wait {
    /// The project: its id, its name, or an unambiguous beginning of either. May be left out.
    #[serde(default)]
    pub project: Option<String>,
    /// Hashes of changes, as the calls that made them answered. At most 10,000.
    pub changes: Vec<String>,
    /// How far they are to come.
    pub until: WaitUntil,
    /// How long to wait: 30,000 unless told, at most 600,000. Then error -32007 names those still missing.
    #[serde(default)]
    pub timeout_millis: Option<u64>,
}

/// How far changes are to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WaitUntil {
    /// Durable on the server.
    Server,
    /// On a device of somebody else who may see them.
    Delivered,
    /// Shown to somebody of the other side.
    Read,
}

/// Answer of `sync.wait`: all changes have come at least this far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reached {
    /// The least far of them.
    pub state: DeliveryState,
}
