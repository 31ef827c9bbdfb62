//! A ticket as people see it: a plain snapshot of its document.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::comment::Comment;
use crate::edit::{Label, Reason};
use crate::ids::{TicketId, UnixMillis, UserId};

/// A snapshot. Where two people wrote one field while apart, the field shows the winner and `conflicts` both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// Random, chosen by the device that filed it.
    pub id: TicketId,
    /// Whose problem it is.
    pub requester: UserId,
    /// By the author's clock.
    pub created_at: UnixMillis,
    /// One line.
    pub title: String,
    /// The report.
    pub body: String,
    /// Where it is in its life.
    pub status: Status,
    /// The agent who works on it.
    pub assignee: Option<UserId>,
    /// How urgent.
    pub priority: Option<Priority>,
    /// Hidden from lists until then. `None` once the requester wrote something that whoever snoozed it had not seen.
    pub snoozed_until: Option<UnixMillis>,
    /// Why it was closed, while it is.
    pub close_reason: Option<Reason>,
    /// The ticket that it goes on in.
    pub merged_into: Option<TicketId>,
    /// Other tickets that have to do with it.
    pub links: BTreeSet<TicketId>,
    /// In order.
    pub labels: BTreeSet<Label>,
    /// In causal order: by the Lamport counter of the change that brought each, then by its actor.
    pub comments: Vec<Comment>,
    /// Fields with more than one concurrent value.
    pub conflicts: Vec<Conflict>,
}

/// One field, written by several while apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Which.
    pub field: Field,
    /// All values, the winner (the one that the snapshot shows) first. At least two.
    pub values: Vec<ConflictValue>,
}

/// One of the values that were written while apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConflictValue {
    /// The value as text: a title, a status name, a user id, milliseconds, or empty for "none".
    pub text: String,
    /// The change that wrote it.
    pub change: crate::ids::ChangeHash,
}

/// A field of a ticket that can be written more than once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// `title`
    Title,
    /// `body`
    Body,
    /// `status`
    Status,
    /// `assignee`
    Assignee,
    /// `priority`
    Priority,
    /// `snoozed_until`
    SnoozedUntil,
    /// `close_reason`
    CloseReason,
    /// `merged_into`
    MergedInto,
}

macro_rules! named_enum {
    ($(#[$doc:meta])* $name:ident, $kind:literal { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// All of them, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the stable name: in documents, on the wire, in the API.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownName;

            fn from_str(text: &str) -> Result<Self, UnknownName> {
                Self::ALL.iter().copied().find(|known| known.as_str() == text).ok_or_else(|| UnknownName {
                    kind: $kind,
                    name: text.chars().take(40).collect(),
                    known: Self::ALL.iter().map(|known| known.as_str()).collect::<Vec<_>>().join(", "),
                })
            }
        }
    };
}

/// A name that is none of those known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {kind} {name:?}, known are: {known}")]
pub struct UnknownName {
    /// Of what.
    pub kind: &'static str,
    /// What was given, cut to 40 characters.
    pub name: String,
    /// What could have been given.
    pub known: String,
}

named_enum!(
    /// Where a ticket is in its life.
    Status, "status" {
        /// Waits for the team.
        Open = "open",
        /// Waits for the customer.
        Pending = "pending",
        /// The team thinks it is done.
        Resolved = "resolved",
        /// Done.
        Closed = "closed",
    }
);

named_enum!(
    /// How urgent.
    Priority, "priority" {
        /// When there is time.
        Low = "low",
        /// In turn.
        Normal = "normal",
        /// Before others.
        High = "high",
        /// Now.
        Urgent = "urgent",
    }
);

named_enum!(
    /// What a user may do in a project. The server's roster decides it; the gate's role rules read it.
    Role, "role" {
        /// Files tickets and sees those they are members of.
        Customer = "customer",
        /// Works all tickets of the project.
        Agent = "agent",
        /// An agent who also invites, removes and configures.
        Admin = "admin",
    }
);

impl Role {
    /// Tells whether the role belongs to the team.
    pub const fn is_team(self) -> bool {
        matches!(self, Self::Agent | Self::Admin)
    }
}

impl Status {
    /// Tells whether somebody still has to act.
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Open | Self::Pending)
    }
}

impl Field {
    /// Returns the key in the document, which is also the name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Body => "body",
            Self::Status => "status",
            Self::Assignee => "assignee",
            Self::Priority => "priority",
            Self::SnoozedUntil => "snoozed_until",
            Self::CloseReason => "close_reason",
            Self::MergedInto => "merged_into",
        }
    }
}
