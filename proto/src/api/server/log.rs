//! `server.log` and `server.verifylog`: the admission log of a server.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::user::Role;

/// Parameters of `server.log`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GetLog {
    /// A project whose server is asked, over the network if that is another machine (admins): its id, its name, or an
    /// unambiguous beginning of either. This daemon's own server unless given.
    pub project: Option<String>,
    /// The oldest entries with numbers above this.
    pub after: Option<u64>,
    /// The newest entries with numbers below this; without it and `after`, the newest of all.
    pub before: Option<u64>,
    /// How many entries to return: 50 unless told, at most 200.
    pub limit: Option<u32>,
    /// What was refused; with `acts`, that too.
    pub refused: bool,
    /// What is no verdict on a change: who was let in, shut out, given a role, and what the operator did. With `refused`,
    /// that too.
    pub acts: bool,
    /// What a device did, or what was done to it: its id, 52 characters.
    pub device: Option<String>,
    /// What a person did, or what was done to them: an id, 26 characters, or an email address.
    pub user: Option<String>,
}

/// Answer of `server.log`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct LogPage {
    /// Oldest first.
    pub entries: Vec<LogEntry>,
    /// Where to go on in the same direction: as `before`, or as `after` where that was given; null at the log's end. There
    /// may be more although few entries came: only so many are looked through at once.
    pub next: Option<u64>,
    /// Where the log ends, as `<number>:<hash>`; null where it has nothing. Written down elsewhere, it shows later
    /// whether the log was rewritten: see `server.verifylog`.
    pub head: Option<String>,
}

/// One verdict, or one act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogEntry {
    /// 1, 2, 3 ..., without gaps.
    pub number: u64,
    /// When, by the server's clock.
    pub at_millis: u64,
    /// What.
    pub what: LogWord,
    /// Whose doing it was; null for what the operator did at the server itself.
    pub by: Option<LogActor>,
    /// Whom or what it was done to, beside the one who did it.
    pub of: Option<LogActor>,
    /// Of a change: its hash, 52 characters.
    pub change: Option<String>,
    /// Of an admitted change: its ticket's id; null for one that is of no ticket.
    pub ticket: Option<String>,
    /// Of an admitted change: its ticket's number.
    pub ticket_number: Option<u32>,
    /// Of an admitted change, a backup, or a log that was taken up: a place in the log of changes.
    pub place: Option<u64>,
    /// Of a refused change: why, as in `sync.status`.
    pub code: Option<String>,
    /// How many were refused, or taken back.
    pub count: Option<u64>,
    /// The role that was given.
    pub role: Option<Role>,
    /// Of a device that came onto the roster: on the strength of what.
    pub proof: Option<LogProof>,
}

/// A device and its user.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct LogActor {
    /// The user's id; null for a device that was nobody's, or where only the device is known.
    pub user: Option<String>,
    /// What they are called now.
    pub user_name: Option<String>,
    /// Their role at that moment.
    pub role: Option<Role>,
    /// The device's id; null where only the person is meant.
    pub device: Option<String>,
    /// What it is called now.
    pub device_name: Option<String>,
}

/// What an entry of the admission log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogWord {
    /// A change was let in.
    Admitted,
    /// A change was refused.
    Refused,
    /// More changes were refused than are written one by one.
    RefusedMore,
    /// The project was made.
    Made,
    /// The server has an admission log from here on: it served before there was such a thing.
    TakenUp,
    /// The server began again with nothing but its keys.
    Recovered,
    /// The server was restored from a backup.
    Restored,
    /// A backup was made.
    BackedUp,
    /// The last backup was begun, to move the server.
    Retired,
    /// The server goes on where the retired one ended.
    Moved,
    /// An invitation was made.
    Invited,
    /// Invitations were taken back.
    Uninvited,
    /// A device came onto the roster.
    Enrolled,
    /// A device that waited was turned away.
    TurnedAway,
    /// A device was shut out.
    ShutOut,
    /// Somebody was given another role.
    RoleGiven,
    /// Somebody was removed.
    Removed,
    /// Something that only a later version has a word for.
    Other,
}

/// On the strength of what a device came onto the roster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogProof {
    /// It is the server's own.
    Own,
    /// An invitation's code.
    Code,
    /// A code mailed to its person's address.
    Mail,
    /// Another device of the person, or an admin.
    Approval,
    /// Its certificate of before the server was restored.
    Certificate,
}

/// Parameters of `server.verifylog`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct VerifyLog {
    /// An end that somebody wrote down, as `<number>:<hash>`: the log must have that very entry.
    pub witness: Option<String>,
}

/// Answer of `server.verifylog`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct LogVerified {
    /// Entries that were read.
    pub entry_count: u64,
    /// Where the log ends, as `<number>:<hash>`; null if something is wrong.
    pub head: Option<String>,
    /// When the server signed that; null if something is wrong.
    pub signed_at_millis: Option<u64>,
    /// What is wrong; null if all is well.
    pub problem: Option<LogProblem>,
}

/// What is wrong with an admission log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogProblem {
    /// The first entry that is not as it was; null if it is no single one.
    pub number: Option<u64>,
    /// What kind of thing.
    pub kind: LogProblemKind,
    /// The same for people.
    pub message: String,
}

/// What can be wrong with an admission log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogProblemKind {
    /// An entry is not there, and others behind it are.
    Missing,
    /// An entry is not in its place.
    Moved,
    /// An entry is there more than once.
    Twice,
    /// An entry is not what was written.
    Changed,
    /// An entry cannot be read.
    Unreadable,
    /// An entry is not there, nor is anything behind it.
    Cut,
    /// An entry stands behind the end that the server signed.
    Unsigned,
    /// An entry is not the one that was witnessed.
    Rewritten,
    /// The server's signature does not say where it ends.
    NoHead,
    /// A change that was let in is not in the log of changes.
    NotThere,
    /// A change in the log of changes was never let in.
    NotLetIn,
}
