//! What the sync machines ask of their storage, in domain terms.
//!
//! Everything that a machine does in one *turn* goes through one of these traits, reads what the turn wrote, and
//! becomes durable together at its end or not at all. What a turn sends is released only after that.
//! The daemon keeps the tables in redb; the simulation keeps them in memory; both pass the same tests.

mod away;
mod desktop;
mod device;
mod kept;
mod mentions;
mod read;
mod server;

use std::error::Error;

use assist_crdt_model::{
    DocId, Label, Priority, ProjectId, Role, Status, TicketId, TicketSummary, UnixMillis, UserId,
};
use serde::{Deserialize, Serialize};

use crate::certificate::millis;
use crate::envelope::Envelope;
use crate::limits;
use crate::wire::{id, list};

pub use away::Away;
pub use desktop::{Desktop, ParseQuietHoursError, QuietHours, Shown};
pub use device::{
    ColdStart, DeviceStore, Direction, Draft, DraftId, Membership, OutboxEntry, PendingJoin, Quarantine,
    SyncState, Transfer, TransferCause,
};
pub use kept::{Follow, Kept, KeptAll, KeptFollow, KeptKey, KeptMails, KeptView, Mails, is_view_name};
pub use mentions::Mentions;
pub use read::{PendingRead, ReadMark};
pub use server::{
    Audience, Device, EntryKind, Invite, LogEntry, MailedCode, ServerProject, ServerStore, Share, ShareWith,
    StoredVerdict, User, Visibility, WaitingDevice, Watermarks,
};

/// A place in the server's log: the first record has 1; 0 is before everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(pub u64);

impl Seq {
    /// Before everything.
    pub const ZERO: Self = Self(0);
    /// After everything.
    pub const MAX: Self = Self(u64::MAX);

    /// The place behind this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The same place as one of a log that there is no more: behind all that a log has, in the old order.
    #[must_use]
    pub const fn former(self) -> Self {
        Self(self.0 | FORMER)
    }

    /// The place in the log that it is of, be that the present one or one that there is no more.
    #[must_use]
    pub const fn in_its_log(self) -> Self {
        Self(self.0 & !FORMER)
    }

    /// Whether it is a place of a log that there is no more.
    pub const fn is_former(self) -> bool {
        self.0 & FORMER != 0 && self.0 != Self::MAX.0
    }
}

/// Far behind any place that a log comes to. Never on the wire as a place of the present log.
const FORMER: u64 = 1 << 63;

/// An admitted envelope with its place in the server's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Its place.
    #[serde(rename = "q")]
    pub seq: Seq,
    /// When, by the server's clock.
    #[serde(rename = "t", with = "millis")]
    pub admitted_at: UnixMillis,
    /// The certificate of the author's device then.
    #[serde(rename = "k")]
    pub serial: u32,
    /// The ticket's number, if the change filed it.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u32>,
    /// What the author signed.
    #[serde(rename = "e")]
    pub envelope: Envelope,
}

/// What a list shows of a ticket, kept at write time: listing opens no document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketRow {
    /// Which ticket.
    #[serde(rename = "i", with = "id")]
    pub ticket: TicketId,
    /// Allotted by the server.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u32>,
    /// Whose problem it is.
    #[serde(rename = "r", with = "id")]
    pub requester: UserId,
    /// One line.
    #[serde(rename = "t")]
    pub title: String,
    /// Where it is in its life.
    #[serde(rename = "s", with = "status")]
    pub status: Status,
    /// Who works on it.
    #[serde(rename = "a", with = "id::opt", default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<UserId>,
    /// How urgent.
    #[serde(rename = "p", with = "priority", default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// Hidden until then, in milliseconds.
    #[serde(rename = "z", default, skip_serializing_if = "Option::is_none")]
    pub snoozed_until_millis: Option<u64>,
    /// The ticket that it goes on in.
    #[serde(rename = "g", with = "id::opt", default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<TicketId>,
    /// In order; the first [`limits::LABELS_PER_ROW_MAX`].
    #[serde(
        rename = "l",
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "list::at_most::<{ limits::LABELS_PER_ROW_MAX }, _, _>"
    )]
    pub labels: Vec<String>,
    /// By the author's clock, clamped to what the server saw.
    #[serde(rename = "c", with = "millis")]
    pub created_at: UnixMillis,
    /// When the newest change was admitted, or written here.
    #[serde(rename = "u", with = "millis")]
    pub updated_at: UnixMillis,
    /// With tombstones.
    #[serde(rename = "m")]
    pub comment_count: u32,
    /// Whether any field has several concurrent values.
    #[serde(rename = "x", default)]
    pub has_conflict: bool,
    /// Place of the newest admitted record.
    #[serde(rename = "q")]
    pub last_seq: Seq,
}

#[cfg(test)]
impl TicketRow {
    /// A ticket of which nothing is known but that it is there.
    pub(crate) fn sample() -> Self {
        Self {
            ticket: TicketId::from_bytes([1; 16]),
            number: None,
            requester: UserId::from_bytes([2; 16]),
            title: String::new(),
            status: Status::Open,
            assignee: None,
            priority: None,
            snoozed_until_millis: None,
            merged_into: None,
            labels: Vec::new(),
            created_at: UnixMillis(0),
            updated_at: UnixMillis(0),
            comment_count: 0,
            has_conflict: false,
            last_seq: Seq(1),
        }
    }
}

impl TicketRow {
    /// Whether it is hidden from its assignee's list now.
    pub fn is_snoozed(&self, now: UnixMillis) -> bool {
        self.snoozed_until_millis.is_some_and(|until| until > now.0)
    }

    /// The row of a ticket whose snooze has ended by `now`, if it has: it is not snoozed any more, and what happened
    /// last is that it came back. The same on every device, but for when its clock says so.
    #[must_use]
    pub fn awake(mut self, now: UnixMillis) -> Self {
        if let Some(until) = self.snoozed_until_millis.take_if(|until| *until <= now.0) {
            self.updated_at = self.updated_at.max(UnixMillis(until));
        }
        self
    }

    /// Makes the row of a ticket from its document's summary and what only the log knows.
    pub fn new(
        ticket: TicketId,
        summary: TicketSummary,
        number: Option<u32>,
        updated_at: UnixMillis,
        last_seq: Seq,
    ) -> Self {
        Self {
            ticket,
            number,
            requester: summary.requester,
            title: summary.title,
            status: summary.status,
            assignee: summary.assignee,
            priority: summary.priority,
            snoozed_until_millis: summary.snoozed_until.map(|time| time.0),
            merged_into: summary.merged_into,
            labels: summary.labels.iter().take(limits::LABELS_PER_ROW_MAX).map(Label::to_string).collect(),
            created_at: summary.created_at.min(updated_at),
            updated_at,
            comment_count: u32::try_from(summary.comment_count).unwrap_or(u32::MAX),
            has_conflict: summary.has_conflict,
            last_seq,
        }
    }
}

/// How far a ticket has been delivered to each side: everything up to there is durable on a device of theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Which ticket.
    #[serde(rename = "i", with = "id")]
    pub ticket: TicketId,
    /// The newest record that a device of the team holds.
    #[serde(rename = "t")]
    pub team: Seq,
    /// The newest record that a device of a customer of the ticket holds.
    #[serde(rename = "c")]
    pub customers: Seq,
}

impl Mark {
    /// Nothing delivered yet.
    pub const fn new(ticket: TicketId) -> Self {
        Self { ticket, team: Seq::ZERO, customers: Seq::ZERO }
    }

    /// How far the side that an author of this role writes *to* has come.
    pub const fn other_side(&self, author: Role) -> Seq {
        if author.is_team() { self.customers } else { self.team }
    }
}

/// Why storage did not do what it was asked. The turn is void; nothing of it was sent.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No room.
    #[error("the disk is full: free some space, nothing that was acknowledged is lost")]
    Full(#[source] Box<dyn Error + Send + Sync>),
    /// What was read is not what was written.
    #[error("stored {what} is damaged")]
    Damaged {
        /// What.
        what: String,
    },
    /// A document's records are not what was written. Everything else may be whole.
    #[error("stored {what} is damaged")]
    DamagedDoc {
        /// The project that a device holds it of; `None` for one of the server's own.
        project: Option<ProjectId>,
        /// Which.
        doc: DocId,
        /// What of it.
        what: String,
    },
    /// Anything else.
    #[error("the store cannot be used")]
    Io(#[source] Box<dyn Error + Send + Sync>),
}

impl StoreError {
    /// The same, where what is damaged is of a document.
    #[must_use]
    pub fn of_doc(self, project: Option<ProjectId>, doc: DocId) -> Self {
        match self {
            Self::Damaged { what } => Self::DamagedDoc { project, doc, what },
            other => other,
        }
    }
}

/// What every call of a store gives.
pub type StoreResult<T> = Result<T, StoreError>;

/// Statuses by their stable names.
mod status {
    use assist_crdt_model::Status;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    pub(super) fn serialize<S: Serializer>(status: &Status, serializer: S) -> Result<S::Ok, S::Error> {
        status.as_str().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Status, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Priorities by their stable names.
mod priority {
    use assist_crdt_model::Priority;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    pub(super) fn serialize<S: Serializer>(
        priority: &Option<Priority>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        priority.map(Priority::as_str).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Priority>, D::Error> {
        let name = Option::<String>::deserialize(deserializer)?;
        name.map(|name| name.parse().map_err(D::Error::custom)).transpose()
    }
}
