//! How a server fares, in figures. For admins.

use serde::{Deserialize, Serialize};

/// How a server fares at one moment. A later version may say more.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Health {
    /// The version of its program.
    #[serde(rename = "v")]
    pub version: String,
    /// Since it was started, in milliseconds.
    #[serde(rename = "u")]
    pub uptime_millis: u64,
    /// Turns since then.
    #[serde(rename = "tu")]
    pub turns: u64,
    /// Changes admitted since then.
    #[serde(rename = "ad")]
    pub admitted: u64,
    /// Changes refused since then.
    #[serde(rename = "re")]
    pub refused: u64,
    /// Devices that are connected.
    #[serde(rename = "co")]
    pub connected: u64,
    /// Connections that have not said who they are for.
    #[serde(rename = "gr")]
    pub greeting: u64,
    /// The newest place of the log.
    #[serde(rename = "he")]
    pub head: u64,
    /// Tickets in the project.
    #[serde(rename = "ti")]
    pub tickets: u64,
    /// People on the roster.
    #[serde(rename = "me")]
    pub members: u64,
    /// Devices on the roster.
    #[serde(rename = "de")]
    pub devices: u64,
    /// Packets that were ignored; nothing where everybody is heard.
    #[serde(rename = "ig", default, skip_serializing_if = "Option::is_none")]
    pub ignored_packets: Option<u64>,
    /// Size of the store's file.
    #[serde(rename = "sb")]
    pub store_bytes: u64,
    /// Room on its disk.
    #[serde(rename = "fb")]
    pub disk_free_bytes: u64,
    /// How the disk stands.
    #[serde(rename = "ds")]
    pub disk: DiskState,
    /// With less room than this it is low.
    #[serde(rename = "dw")]
    pub disk_warn_bytes: u64,
    /// With less room than this nothing new is taken.
    #[serde(rename = "dp")]
    pub disk_stop_bytes: u64,
    /// When the newest backup was made that was whole, in milliseconds; nothing if none ever was.
    #[serde(rename = "bu", default, skip_serializing_if = "Option::is_none")]
    pub backed_up_at_millis: Option<u64>,
    /// How mail leaves it.
    #[serde(rename = "mr")]
    pub mail_route: MailRoute,
    /// Mails that wait.
    #[serde(rename = "mw")]
    pub mail_waiting: u64,
    /// Mails that left.
    #[serde(rename = "ms")]
    pub mail_sent: u64,
    /// Attempts that were made again.
    #[serde(rename = "mt")]
    pub mail_retried: u64,
    /// Mails that were given up.
    #[serde(rename = "mf")]
    pub mail_failed: u64,
}

/// How a server's disk stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum DiskState {
    /// There is room.
    #[default]
    #[serde(rename = "ample")]
    Ample,
    /// Somebody is to look after it.
    #[serde(rename = "low")]
    Low,
    /// Nothing new is taken.
    #[serde(rename = "full")]
    Full,
}

/// How mail leaves a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum MailRoute {
    /// It does not.
    #[default]
    #[serde(rename = "none")]
    None,
    /// Into a folder, for trials.
    #[serde(rename = "folder")]
    Folder,
    /// Through a relay.
    #[serde(rename = "relay")]
    Relay,
}
