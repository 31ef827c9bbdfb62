//! Who is there, looks at what, and writes just now: told while it is so, and never kept.
//!
//! A device that shows presence to somebody says so every few seconds, and is told what is new of others while it
//! does. Who falls silent is forgotten.

use assist_crdt_model::{TicketId, UserId};
use serde::{Deserialize, Serialize};

use super::{id, list};
use crate::limits;

/// A device's word on its user, whole each time: what it does not name is over. Said again every
/// [`limits::PRESENCE_RENEW_MILLIS`]; answered by a [`PresenceNews`] that is an answer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Present {
    /// The person is at a front end.
    #[serde(rename = "h", default, skip_serializing_if = "std::ops::Not::not")]
    pub is_here: bool,
    /// At most [`limits::PRESENT_VIEWS_MAX`].
    #[serde(
        rename = "v",
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "list::at_most::<{ limits::PRESENT_VIEWS_MAX }, _, _>"
    )]
    pub views: Vec<View>,
    /// What the person says of themselves: one line for the team.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
}

/// A ticket that the person looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Which.
    #[serde(rename = "i", with = "id")]
    pub ticket: TicketId,
    /// What they do there.
    #[serde(rename = "d")]
    pub doing: Doing,
}

/// What a person does. Numbers are wire format. The more there is to tell, the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "u16", from = "u16")]
pub enum Doing {
    /// At no front end; they left word.
    Away,
    /// At a front end.
    Online,
    /// Looks at the ticket.
    Viewing,
    /// Writes a note: customers see that they look at the ticket.
    TypingNote,
    /// Writes a comment.
    Typing,
}

impl From<Doing> for u16 {
    fn from(doing: Doing) -> Self {
        match doing {
            Doing::Away => 0,
            Doing::Online => 1,
            Doing::Viewing => 2,
            Doing::TypingNote => 3,
            Doing::Typing => 4,
        }
    }
}

impl From<u16> for Doing {
    /// Whatever a later version does at a ticket, it looks at it.
    fn from(number: u16) -> Self {
        match number {
            0 => Self::Away,
            1 => Self::Online,
            3 => Self::TypingNote,
            4 => Self::Typing,
            _ => Self::Viewing,
        }
    }
}

/// News of others. What is told of a ticket or of the team takes the place of what was told before.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PresenceNews {
    /// At most [`limits::PRESENCE_TICKETS_PER_FRAME_MAX`].
    #[serde(
        rename = "t",
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "list::at_most::<{ limits::PRESENCE_TICKETS_PER_FRAME_MAX }, _, _>"
    )]
    pub tickets: Vec<TicketPresence>,
    /// To the team: who of it is there.
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    pub team: Option<People>,
    /// Answers a [`Present`]: all that there is to know has been told.
    #[serde(rename = "a", default, skip_serializing_if = "std::ops::Not::not")]
    pub is_answer: bool,
}

/// Who is at a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketPresence {
    /// Which.
    #[serde(rename = "i", with = "id")]
    pub ticket: TicketId,
    /// Who; nobody when the last one has left.
    #[serde(rename = "w")]
    pub people: People,
}

/// Some people, and how many there are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct People {
    /// With those that are not named.
    #[serde(rename = "n")]
    pub count: u32,
    /// The first of them: who writes before who looks, the team before others. At most
    /// [`limits::PRESENCE_NAMES_MAX`].
    #[serde(rename = "p", deserialize_with = "list::at_most::<{ limits::PRESENCE_NAMES_MAX }, _, _>")]
    pub named: Vec<PresentPerson>,
}

/// Somebody who is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresentPerson {
    /// Who.
    #[serde(rename = "u", with = "id")]
    pub user: UserId,
    /// What they do.
    #[serde(rename = "d")]
    pub doing: Doing,
    /// What they say of themselves: to the team alone.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
}

/// A status text as it may be shown: one line, no longer than [`limits::STATUS_CHARS_MAX`]; `None` if nothing is left.
pub fn status_line(text: &str) -> Option<String> {
    let line: String =
        text.trim().chars().filter(|c| !c.is_control()).take(limits::STATUS_CHARS_MAX).collect();
    (!line.trim().is_empty()).then_some(line)
}
