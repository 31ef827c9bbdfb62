//! What people have read: one mark for each ticket and person, and what a device has still to tell of its own.

use assist_crdt_model::{TicketId, UnixMillis, UserId};
use serde::{Deserialize, Serialize};

use super::Seq;
use crate::certificate::millis;
use crate::wire::id;

/// How far somebody has read a ticket: everything up to there was shown to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadMark {
    /// Which ticket.
    #[serde(rename = "i", with = "id")]
    pub ticket: TicketId,
    /// Who.
    #[serde(rename = "u", with = "id")]
    pub user: UserId,
    /// The newest record of the ticket that was shown to them, as they let others know; 0 for none.
    #[serde(rename = "q")]
    pub through: Seq,
    /// When that was, by the reader's clock, clamped by the server.
    #[serde(rename = "t", with = "millis")]
    pub at: UnixMillis,
    /// Whether they were of the team then: decides to whom it says that the other side has read.
    #[serde(rename = "s", default, skip_serializing_if = "std::ops::Not::not")]
    pub is_team: bool,
    /// How far they have read while they did not send read marks: for their own devices alone.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub private_through: Option<Seq>,
}

impl ReadMark {
    /// What others are told; nothing of what is private.
    pub fn for_others(self) -> Option<Self> {
        (self.through > Seq::ZERO).then_some(Self { private_through: None, ..self })
    }

    /// How far the reader has read, whoever may know.
    pub fn own_through(&self) -> Seq {
        self.through.max(self.private_through.unwrap_or_default())
    }
}

/// What this device's user has read and the server has not confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingRead {
    /// Which ticket.
    #[serde(rename = "i", with = "id")]
    pub ticket: TicketId,
    /// The newest record of it that was shown.
    #[serde(rename = "q")]
    pub through: Seq,
    /// When that was, by this device's clock.
    #[serde(rename = "t", with = "millis")]
    pub at: UnixMillis,
    /// For the user's own devices alone.
    #[serde(rename = "p", default, skip_serializing_if = "std::ops::Not::not")]
    pub is_private: bool,
}
