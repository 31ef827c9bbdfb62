//! `server.*`: what only a daemon in the server role answers. Others refuse with -32002 and say how to get there.

pub mod log;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::user::Role;
use crate::neutral;

/// Parameters of `server.status`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetStatus {}

/// Answer of `server.status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServerStatus {
    /// The project's id, 52 characters.
    pub project: String,
    /// What people call it.
    pub name: String,
    /// What to give to those who are to join.
    pub address: String,
    /// Where it listens now.
    pub listening_on: Vec<String>,
    /// Names this server's log; new after a restore.
    pub log_id: String,
    /// The last record of the log.
    pub head: u64,
    /// Tickets in the project.
    pub ticket_count: u64,
    /// People on the roster.
    pub member_count: u64,
    /// Devices on the roster.
    pub device_count: u64,
    /// Devices that are connected now.
    pub connected_count: u64,
    /// How mail fares, since the server was started.
    #[serde(default)]
    pub mail: MailStatus,
    /// How its disk stands.
    #[serde(default)]
    pub disk: DiskStatus,
}

/// How a server's disk stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct DiskStatus {
    /// In one word.
    pub state: DiskState,
    /// In plain words, with what to do if something is to be done.
    pub detail: String,
    /// Room on the disk.
    pub free_bytes: u64,
    /// With less room than this it is low.
    pub warn_bytes: u64,
    /// With less room than this it is full.
    pub stop_bytes: u64,
}

/// How a server's disk stands, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DiskState {
    /// There is room.
    #[default]
    Ample,
    /// It gets full: somebody is to look after it.
    Low,
    /// No changes and no attachments are taken; devices keep theirs until there is room.
    Full,
    /// A state of a newer server: see the detail.
    #[serde(other)]
    #[schemars(skip)]
    Unknown,
}

/// Parameters of `server.stats`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GetStats {
    /// A project whose server is asked, over the network if that is another machine (admins): its id, its name, or an
    /// unambiguous beginning of either. This daemon's own server unless given.
    pub project: Option<String>,
}

/// Answer of `server.stats`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ServerStats {
    /// Since the server was started.
    pub uptime_millis: u64,
    /// Turns of the driver since then; each is one commit.
    pub turn_count: u64,
    /// Changes admitted since then.
    pub admitted_count: u64,
    /// Changes refused since then.
    pub refused_count: u64,
    /// Devices that are connected.
    pub connected_count: u64,
    /// Connections that have not said who they are for.
    pub greeting_count: u64,
    /// The last record of the log.
    pub head: u64,
    /// Tickets in the project.
    pub ticket_count: u64,
    /// People on the roster.
    pub member_count: u64,
    /// Devices on the roster.
    pub device_count: u64,
    /// Packets since the start that did not come over the overlay, and were ignored; null where everybody is heard.
    pub ignored_packet_count: Option<u64>,
    /// Size of the store's file.
    pub store_bytes: u64,
    /// Room on its disk.
    pub disk_free_bytes: u64,
    /// When the newest backup was made that was whole; null if none ever was.
    pub backed_up_at_millis: Option<u64>,
    /// How mail fares.
    pub mail: MailStatus,
    /// How the disk stands.
    #[serde(default)]
    pub disk: DiskStatus,
    /// The version of the server's program.
    #[serde(default)]
    pub version: String,
}

/// How mail fares on a server.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct MailStatus {
    /// How mail leaves the server.
    pub route: MailRoute,
    /// Mails that wait or are under way.
    pub waiting_count: u64,
    /// Mails that the relay took, or that were written.
    pub sent_count: u64,
    /// Attempts that failed and were made again.
    pub retried_count: u64,
    /// Mails that were refused for good or given up.
    pub failed_count: u64,
    /// What the last failed attempt ran into, in the relay's words.
    pub last_failure: Option<String>,
}

/// How mail leaves a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MailRoute {
    /// It does not: nobody can join by email.
    #[default]
    None,
    /// Into a folder, for trials.
    Folder,
    /// Through an SMTP relay.
    Relay,
}

/// Parameters of `server.mail`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// The address that the trial mail goes to.
    pub to: String,
}

/// Answer of `server.mail`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MailTried {
    /// How it left.
    pub route: MailRoute,
    /// What the relay said if it did not take the mail at the first attempt; null if it did.
    pub failure: Option<String>,
}

/// Parameters of `server.backup`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    /// The folder that backups are kept in, by its whole path; made if it is not there.
    pub folder: String,
    /// Leave the keys out: then nobody can read or restore it who has not got `device.key` and `node.key` from
    /// elsewhere.
    #[serde(default)]
    pub without_keys: bool,
    /// Keep so many generations, this one with them; all unless told.
    #[serde(default)]
    pub keep: Option<u32>,
}

/// Answer of `server.backup`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct BackupMade {
    /// Where it is.
    pub generation: String,
    /// The last record of the log that is in it.
    pub head: u64,
    /// Tickets in it.
    pub ticket_count: u64,
    /// Attachments in it.
    pub blob_count: u64,
    /// Those of them that no earlier backup in the folder had.
    pub new_blob_count: u64,
    /// What was written.
    pub written_bytes: u64,
    /// Earlier generations that were too many, and were removed.
    pub removed_count: u64,
}

/// Parameters of `server.verify`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verify {}

/// Answer of `server.verify`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Verified {
    /// Places of the log that were read.
    pub place_count: u64,
    /// Changes whose signature, certificate and right were proven.
    pub change_count: u64,
    /// Documents that they make.
    pub document_count: u64,
    /// Attachments that were read to their end.
    pub blob_count: u64,
    /// Entries of the admission log that were read.
    #[serde(default)]
    pub admission_count: u64,
    /// What is wrong; empty if all is well.
    pub problems: Vec<VerifyProblem>,
}

/// Something that is wrong with what a server keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VerifyProblem {
    /// Where.
    pub place: String,
    /// What.
    pub what: String,
    /// What to do about it.
    pub advice: String,
}

/// Parameters of `server.invite`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Invite {
    /// What the invited person may do.
    pub role: Role,
    /// Their email address; a member's address invites a further device of theirs.
    #[serde(default)]
    pub email: Option<String>,
    /// What to call them.
    #[serde(default)]
    pub name: Option<String>,
}

/// Answer of `server.invite`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Invitation {
    /// What `project.join` asks for. Works once.
    pub code: String,
    /// What `project.join` asks for too.
    pub address: String,
    /// What the invited person may do.
    pub role: Role,
    /// When the code ends to work.
    pub expires_at_millis: u64,
}

impl Invitation {
    /// What the invited person types. Somebody whom nobody named has to say what they are called.
    pub fn join_command(&self, is_named: bool) -> String {
        let (address, code) = (neutral::line(&self.address), neutral::line(&self.code));
        let name = if is_named { "" } else { " --name '<your name>'" };
        format!("assist project join '{address}' --code {code}{name}")
    }
}

impl std::fmt::Debug for Invitation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The code is a secret until it is used: it must not get into logs.
        f.debug_struct("Invitation").field("role", &self.role).finish_non_exhaustive()
    }
}

/// Parameters of `server.members`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Members {
    /// How many members to skip.
    pub offset: u64,
    /// How many members to return: 50 unless told, at most 500.
    pub limit: Option<u32>,
}

/// Answer of `server.members`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct MemberList {
    /// By name.
    pub members: Vec<Member>,
    /// How many there are in all.
    pub total: u64,
}

/// A person on the roster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Member {
    /// The user's id, 26 characters.
    pub id: String,
    /// What people call them.
    pub name: String,
    /// Unique in the project.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// Their installations.
    pub devices: Vec<MemberDevice>,
}

/// One installation of a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemberDevice {
    /// Its public key, 52 characters.
    pub id: String,
    /// What its user calls it.
    pub name: String,
    /// When it was enrolled.
    pub enrolled_at_millis: u64,
    /// When it was last connected; null before the first time.
    pub last_seen_at_millis: Option<u64>,
    /// Whether it is connected now.
    pub is_connected: bool,
    /// Whether it was shut out.
    pub is_revoked: bool,
}

#[cfg(test)]
mod tests {
    use super::{Invitation, Role};

    #[test]
    fn who_is_not_named_is_asked_what_they_are_called() {
        let (code, address) = ("ab2c-de3f".to_owned(), "assist://key@::1,127.0.0.1".to_owned());
        let invitation = Invitation { code, address, role: Role::Agent, expires_at_millis: 0 };
        let command = "assist project join 'assist://key@::1,127.0.0.1' --code ab2c-de3f";
        assert_eq!(invitation.join_command(true), command);
        assert_eq!(invitation.join_command(false), format!("{command} --name '<your name>'"));
    }
}
