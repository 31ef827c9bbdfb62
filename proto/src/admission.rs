//! The admission log of a server: every verdict on a change and every act that decides who may do what, each with the
//! hash of the one before, the end signed by the server's node.
//!
//! An entry says what, when, and by whom, in fields of fixed size: nothing that a person wrote is in it, and nobody's
//! address. What was decided stays as it was, even where the roster has forgotten whom it was about.
//!
//! [`Head::add`] writes, [`Check`] reads: it finds what was dropped, flipped, moved, doubled or cut, and says where.
//! [`mod@page`] and [`crate::wire::admission::LogWindow`] are how people read it. All pure: the bytes are kept by a
//! [`crate::store::ServerStore`].

mod check;
mod page;

use assist_crdt_model::{ChangeHash, DeviceId, ProjectId, RejectCode, Role, UnixMillis, UserId};
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};

use crate::certificate::{CertificateError, Signed, Statement, millis, role};
use crate::store::Seq;
use crate::wire::codec::{self, DecodeError};
use crate::wire::{LogId, id};

pub use check::{Check, Checked, Fault, FaultKind};
pub use page::{Filter, Page, Span, page};

/// What an entry's bytes are known by. The first entry has [`NO_HASH`] before it.
pub type EntryHash = [u8; 32];

/// Before the first entry.
pub const NO_HASH: EntryHash = [0; 32];

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// 1, 2, 3 ..., without gaps.
    pub number: u64,
    /// When, by the server's clock.
    pub at: UnixMillis,
    /// What.
    pub event: Event,
    /// By whom; nobody for what the operator did at the server itself.
    pub by: Option<By>,
    /// The hash of the entry before.
    pub before: EntryHash,
}

/// Whose doing it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct By {
    /// Who signed the change, or asked. Where no signature holds: whoever brought it.
    pub device: DeviceId,
    /// Whose device that was, in which role; nothing for one that was not on the roster.
    pub member: Option<(UserId, Role)>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A change was let in.
    Admitted {
        /// Which.
        change: ChangeHash,
        /// Its place in the log of changes.
        seq: Seq,
    },
    /// A change was refused.
    Refused {
        /// Which, where its bytes gave a hash.
        change: Option<ChangeHash>,
        /// [`RejectCode::number`].
        code: u16,
    },
    /// More were refused than are written one by one.
    RefusedMore {
        /// How many.
        count: u64,
    },
    /// The project was made.
    Made {
        /// The log of changes.
        log: LogId,
    },
    /// A server of before there was an admission log goes on with one.
    TakenUp {
        /// The log of changes.
        log: LogId,
        /// Its newest place: nothing is said here of what came until then.
        head: Seq,
    },
    /// The server began again with nothing but its keys.
    Recovered {
        /// The new log of changes.
        log: LogId,
    },
    /// The server was restored from a backup: what was written here after that backup is lost.
    Restored {
        /// The new log of changes.
        log: LogId,
    },
    /// A backup was made.
    BackedUp {
        /// The newest place of the log of changes in it.
        head: Seq,
    },
    /// The last backup was begun: the server moves to another machine.
    Retired,
    /// It goes on where the retired one ended.
    Moved,
    /// An invitation was made.
    Invited {
        /// As what.
        role: Role,
    },
    /// Invitations were taken back.
    Uninvited {
        /// How many.
        count: u64,
    },
    /// A device came onto the roster.
    Enrolled {
        /// Which.
        device: DeviceId,
        /// Whose.
        user: UserId,
        /// In which role.
        role: Role,
        /// On the strength of what.
        how: Proof,
    },
    /// A device that waited was turned away.
    TurnedAway {
        /// Which.
        device: DeviceId,
        /// Whose it would have been.
        user: UserId,
    },
    /// A device was taken off the roster.
    ShutOut {
        /// Which.
        device: DeviceId,
        /// Whose.
        user: UserId,
    },
    /// Somebody has another role.
    RoleGiven {
        /// Who.
        user: UserId,
        /// Which.
        role: Role,
    },
    /// Somebody was taken out of the project.
    Removed {
        /// Who.
        user: UserId,
    },
    /// What a later version writes.
    Other {
        /// Its number.
        kind: u8,
    },
}

/// What a device showed when it came onto the roster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// Nothing: it is the server's own.
    Own,
    /// The code of an invitation.
    Code,
    /// That mail to the address reaches it.
    Mail,
    /// A device of the same person, or an admin, let it in.
    Approval,
    /// After a restoration: its certificate of before.
    Certificate,
}

impl Event {
    /// Whether it is a verdict on a change, and not an act.
    pub const fn is_verdict(&self) -> bool {
        matches!(self, Self::Admitted { .. } | Self::Refused { .. } | Self::RefusedMore { .. })
    }

    /// Whether something was refused.
    pub const fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::RefusedMore { .. })
    }

    /// The device that it is about, beside the one whose doing it was.
    pub const fn device(&self) -> Option<DeviceId> {
        match self {
            Self::Enrolled { device, .. }
            | Self::TurnedAway { device, .. }
            | Self::ShutOut { device, .. } => Some(*device),
            _ => None,
        }
    }

    /// The person whom it is about, beside the one whose doing it was.
    pub const fn user(&self) -> Option<UserId> {
        match self {
            Self::Enrolled { user, .. }
            | Self::TurnedAway { user, .. }
            | Self::ShutOut { user, .. }
            | Self::RoleGiven { user, .. }
            | Self::Removed { user } => Some(*user),
            _ => None,
        }
    }

    /// The role that it gave.
    pub const fn role(&self) -> Option<Role> {
        match self {
            Self::Invited { role } | Self::Enrolled { role, .. } | Self::RoleGiven { role, .. } => {
                Some(*role)
            }
            _ => None,
        }
    }

    /// The change that it is the verdict on.
    pub const fn change(&self) -> Option<ChangeHash> {
        match self {
            Self::Admitted { change, .. } => Some(*change),
            Self::Refused { change, .. } => *change,
            _ => None,
        }
    }

    /// Why a change was refused, if this version knows the reason.
    pub fn code(&self) -> Option<RejectCode> {
        match self {
            Self::Refused { code, .. } => RejectCode::from_number(*code),
            _ => None,
        }
    }
}

impl Entry {
    /// Reads the bytes of one.
    ///
    /// # Errors
    /// When they are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        codec::decode::<Written>("admission log entry", bytes).map(Self::from)
    }

    fn encode(&self) -> Vec<u8> {
        codec::encode(&Written::from(self))
    }
}

/// What entries are known by.
pub fn hash_of(bytes: &[u8]) -> EntryHash {
    *blake3::Hasher::new_derive_key(HASH_CONTEXT).update(bytes).finalize().as_bytes()
}

/// Where the log ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Head {
    /// Of the newest entry; 0 where there is none.
    pub number: u64,
    /// Its hash.
    pub hash: EntryHash,
}

impl Head {
    /// Writes the next entry, and is the end behind it.
    pub fn add(&mut self, at: UnixMillis, event: Event, by: Option<By>) -> Vec<u8> {
        let entry = Entry { number: self.number + 1, at, event, by, before: self.hash };
        let bytes = entry.encode();
        *self = Self { number: entry.number, hash: hash_of(&bytes) };
        bytes
    }

    /// Signs that the log ends here.
    pub fn sign(&self, key: &SigningKey, project: ProjectId, at: UnixMillis) -> Signed {
        Signed::sign(key, &HeadClaim { project, number: self.number, hash: self.hash, at })
    }

    /// Reads where a node of the project said that the log ends.
    ///
    /// # Errors
    /// When it did not say that.
    pub fn verify(
        signed: &Signed,
        project: &ProjectId,
        node: &DeviceId,
    ) -> Result<(Self, UnixMillis), CertificateError> {
        let claim: HeadClaim = signed.verify(node.as_bytes())?;
        if claim.project != *project {
            return Err(CertificateError::OtherProject(HeadClaim::WHAT));
        }
        Ok((Self { number: claim.number, hash: claim.hash }, claim.at))
    }

    /// The same without a look at the signature, for who keeps it himself.
    ///
    /// # Errors
    /// When the statement cannot be read.
    pub fn of(signed: &Signed) -> Result<Self, DecodeError> {
        let claim: HeadClaim = codec::decode(HeadClaim::WHAT, &signed.payload)?;
        Ok(Self { number: claim.number, hash: claim.hash })
    }
}

/// By a node: its admission log ended there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct HeadClaim {
    #[serde(rename = "p", with = "id")]
    project: ProjectId,
    #[serde(rename = "n")]
    number: u64,
    #[serde(rename = "h", with = "id")]
    hash: EntryHash,
    #[serde(rename = "t", with = "millis")]
    at: UnixMillis,
}

impl Statement for HeadClaim {
    const CONTEXT: &'static [u8] = b"assist/admission-head/v1\0";
    const WHAT: &'static str = "end of the admission log";
}

/// An entry as its bytes have it: flat, so that a later version may add a kind or a field, and this one still follows
/// the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Written {
    /// The version of this form.
    #[serde(rename = "v")]
    version: u8,
    #[serde(rename = "n")]
    number: u64,
    #[serde(rename = "t", with = "millis")]
    at: UnixMillis,
    /// What happened; the numbers are format.
    #[serde(rename = "e")]
    kind: u8,
    /// Whose doing it was.
    #[serde(rename = "d", with = "id::opt", default, skip_serializing_if = "Option::is_none")]
    device: Option<DeviceId>,
    #[serde(rename = "u", with = "id::opt", default, skip_serializing_if = "Option::is_none")]
    user: Option<UserId>,
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    role: Option<RoleName>,
    #[serde(rename = "c", with = "id::opt", default, skip_serializing_if = "Option::is_none")]
    change: Option<ChangeHash>,
    /// A place of the log of changes.
    #[serde(rename = "q", default, skip_serializing_if = "Option::is_none")]
    seq: Option<Seq>,
    /// A code, a count, or a proof.
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    detail: Option<u64>,
    /// Whom it is about.
    #[serde(rename = "o", with = "id::opt", default, skip_serializing_if = "Option::is_none")]
    of_device: Option<DeviceId>,
    #[serde(rename = "w", with = "id::opt", default, skip_serializing_if = "Option::is_none")]
    of_user: Option<UserId>,
    #[serde(rename = "g", default, skip_serializing_if = "Option::is_none")]
    given: Option<RoleName>,
    #[serde(rename = "l", with = "id::opt", default, skip_serializing_if = "Option::is_none")]
    log: Option<LogId>,
    #[serde(rename = "p", with = "id")]
    before: EntryHash,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct RoleName(#[serde(with = "role")] Role);

impl From<&Entry> for Written {
    fn from(entry: &Entry) -> Self {
        let by = entry.by.as_ref();
        let member = by.and_then(|by| by.member);
        let event = entry.event;
        let (kind, seq, detail, log) = match event {
            Event::Admitted { seq, .. } => (1, Some(seq), None, None),
            Event::Refused { code, .. } => (2, None, Some(code.into()), None),
            Event::RefusedMore { count } => (3, None, Some(count), None),
            Event::Made { log } => (10, None, None, Some(log)),
            Event::TakenUp { log, head } => (11, Some(head), None, Some(log)),
            Event::Recovered { log } => (12, None, None, Some(log)),
            Event::Restored { log } => (13, None, None, Some(log)),
            Event::BackedUp { head } => (14, Some(head), None, None),
            Event::Retired => (15, None, None, None),
            Event::Moved => (16, None, None, None),
            Event::Invited { .. } => (20, None, None, None),
            Event::Uninvited { count } => (21, None, Some(count), None),
            Event::Enrolled { how, .. } => (22, None, Some(how.number()), None),
            Event::TurnedAway { .. } => (23, None, None, None),
            Event::ShutOut { .. } => (24, None, None, None),
            Event::RoleGiven { .. } => (25, None, None, None),
            Event::Removed { .. } => (26, None, None, None),
            Event::Other { kind } => (kind, None, None, None),
        };
        Self {
            version: VERSION,
            number: entry.number,
            at: entry.at,
            kind,
            device: by.map(|by| by.device),
            user: member.map(|(user, _)| user),
            role: member.map(|(_, role)| RoleName(role)),
            change: event.change(),
            seq,
            detail,
            of_device: event.device(),
            of_user: event.user(),
            given: event.role().map(RoleName),
            log,
            before: entry.before,
        }
    }
}

impl From<Written> for Entry {
    fn from(written: Written) -> Self {
        let event = written.event().unwrap_or(Event::Other { kind: written.kind });
        let member = written.user.zip(written.role.map(|role| role.0));
        let by = written.device.map(|device| By { device, member });
        Self { number: written.number, at: written.at, event, by, before: written.before }
    }
}

impl Written {
    /// What happened; `None` if this version has no word for it.
    fn event(&self) -> Option<Event> {
        let (seq, log, device, user) = (self.seq, self.log, self.of_device, self.of_user);
        let given = self.given.map(|role| role.0);
        Some(match self.kind {
            1 => Event::Admitted { change: self.change?, seq: seq? },
            2 => Event::Refused { change: self.change, code: u16::try_from(self.detail?).ok()? },
            3 => Event::RefusedMore { count: self.detail? },
            10 => Event::Made { log: log? },
            11 => Event::TakenUp { log: log?, head: seq? },
            12 => Event::Recovered { log: log? },
            13 => Event::Restored { log: log? },
            14 => Event::BackedUp { head: seq? },
            15 => Event::Retired,
            16 => Event::Moved,
            20 => Event::Invited { role: given? },
            21 => Event::Uninvited { count: self.detail? },
            22 => {
                let how = Proof::from_number(self.detail?)?;
                Event::Enrolled { device: device?, user: user?, role: given?, how }
            }
            23 => Event::TurnedAway { device: device?, user: user? },
            24 => Event::ShutOut { device: device?, user: user? },
            25 => Event::RoleGiven { user: user?, role: given? },
            26 => Event::Removed { user: user? },
            _ => return None,
        })
    }
}

impl Proof {
    const fn number(self) -> u64 {
        match self {
            Self::Own => 0,
            Self::Code => 1,
            Self::Mail => 2,
            Self::Approval => 3,
            Self::Certificate => 4,
        }
    }

    const fn from_number(number: u64) -> Option<Self> {
        Some(match number {
            0 => Self::Own,
            1 => Self::Code,
            2 => Self::Mail,
            3 => Self::Approval,
            4 => Self::Certificate,
            _ => return None,
        })
    }
}

/// The form of [`Written`].
const VERSION: u8 = 1;
/// Keeps these hashes apart from all others.
const HASH_CONTEXT: &str = "assist 2026 admission log v1";

#[cfg(test)]
mod tests;
