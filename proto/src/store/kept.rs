//! What a user keeps with a project's server for themselves: which tickets they follow or have muted, their saved
//! views, and whether they want mails. Nobody else is told; all their devices are.

use std::collections::BTreeMap;

use assist_crdt_model::TicketId;
use serde::{Deserialize, Serialize};

use crate::limits;
use crate::wire::id;

/// One thing that is kept. The newest that the server took counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kept {
    /// What the user wants to hear of a ticket.
    #[serde(rename = "f")]
    Follow(KeptFollow),
    /// A query under a name.
    #[serde(rename = "v")]
    View(KeptView),
    /// Whether the server mails the user what is new while they are away.
    #[serde(rename = "m")]
    Mails(KeptMails),
}

/// What the user wants to hear of a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptFollow {
    /// Which.
    #[serde(rename = "i", with = "id")]
    pub ticket: TicketId,
    /// Absent where nothing was said, or no longer.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub follow: Option<Follow>,
}

/// A query under a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptView {
    /// What the user calls it.
    #[serde(rename = "n")]
    pub name: String,
    /// Absent where it was removed.
    #[serde(rename = "q", default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
}

/// Whether the server mails the user what is new while they are away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptMails {
    /// Absent where nothing was said: it does.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub mails: Option<Mails>,
}

/// What a user said of mails. Numbers are wire and storage format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "u16", from = "u16")]
pub enum Mails {
    /// They want none.
    Off,
    /// Of a later version: as if nothing was said, and kept.
    Other(u16),
}

impl From<Mails> for u16 {
    fn from(mails: Mails) -> Self {
        match mails {
            Mails::Off => 1,
            Mails::Other(number) => number,
        }
    }
}

impl From<u16> for Mails {
    fn from(number: u16) -> Self {
        match number {
            1 => Self::Off,
            other => Self::Other(other),
        }
    }
}

/// Whether a user follows a ticket, if they said so. Numbers are wire and storage format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "u16", from = "u16")]
pub enum Follow {
    /// They do, whoever works on it.
    Following,
    /// They want to hear nothing of it.
    Muted,
    /// Of a later version: as if nothing was said, and kept.
    Other(u16),
}

impl From<Follow> for u16 {
    fn from(follow: Follow) -> Self {
        match follow {
            Follow::Following => 1,
            Follow::Muted => 2,
            Follow::Other(number) => number,
        }
    }
}

impl From<u16> for Follow {
    fn from(number: u16) -> Self {
        match number {
            1 => Self::Following,
            2 => Self::Muted,
            other => Self::Other(other),
        }
    }
}

/// What something kept is about: there is one thing under each key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeptKey {
    /// A ticket.
    Follow(TicketId),
    /// A view's name.
    View(String),
    /// Mails.
    Mails,
}

impl Kept {
    /// What it is about.
    pub fn key(&self) -> KeptKey {
        match self {
            Self::Follow(follow) => KeptKey::Follow(follow.ticket),
            Self::View(view) => KeptKey::View(view.name.clone()),
            Self::Mails(_) => KeptKey::Mails,
        }
    }

    /// Whether it says that there is nothing under its key.
    pub const fn is_removal(&self) -> bool {
        match self {
            Self::Follow(follow) => follow.follow.is_none(),
            Self::View(view) => view.query.is_none(),
            Self::Mails(mails) => mails.mails.is_none(),
        }
    }

    /// Whether its texts are within their limits.
    pub fn is_bounded(&self) -> bool {
        let Self::View(KeptView { name, query }) = self else { return true };
        let query_size = query.as_ref().map_or(0, String::len);
        is_view_name(name) && query_size <= limits::VIEW_QUERY_BYTES_MAX
    }
}

/// Whether a view can be called so: what a query takes as one word.
pub fn is_view_name(name: &str) -> bool {
    let is_plain = |char: char| char.is_alphanumeric() || "-_.".contains(char);
    !name.is_empty() && name.len() <= limits::VIEW_NAME_BYTES_MAX && name.chars().all(is_plain)
}

/// All that a user keeps, by key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeptAll {
    all: BTreeMap<KeptKey, Kept>,
}

impl KeptAll {
    /// What is under a key.
    pub fn get(&self, key: &KeptKey) -> Option<&Kept> {
        self.all.get(key)
    }

    /// Puts one in; a removal takes out what is there.
    pub fn put(&mut self, kept: Kept) {
        if kept.is_removal() {
            self.all.remove(&kept.key());
        } else {
            self.all.insert(kept.key(), kept);
        }
    }

    /// Whether there is room for this one: it takes the place of another, or takes one out, or is one more of not too
    /// many.
    pub fn has_room(&self, kept: &Kept) -> bool {
        let count = |is_of_kind: fn(&&KeptKey) -> bool| self.all.keys().filter(is_of_kind).count();
        let is_within = match kept {
            Kept::Follow(_) => count(|key| matches!(key, KeptKey::Follow(_))) < limits::FOLLOWS_MAX,
            Kept::View(_) => count(|key| matches!(key, KeptKey::View(_))) < limits::VIEWS_MAX,
            Kept::Mails(_) => true,
        };
        is_within || kept.is_removal() || self.all.contains_key(&kept.key())
    }

    /// Whether this says what is there already.
    pub fn says(&self, kept: &Kept) -> bool {
        match self.get(&kept.key()) {
            Some(there) => there == kept,
            None => kept.is_removal(),
        }
    }

    /// What the user said of a ticket.
    pub fn follow_of(&self, ticket: TicketId) -> Option<Follow> {
        match self.get(&KeptKey::Follow(ticket)) {
            Some(Kept::Follow(kept)) => kept.follow,
            _ => None,
        }
    }

    /// Whether they are mailed what is new while they are away.
    pub fn wants_mails(&self) -> bool {
        !matches!(self.get(&KeptKey::Mails), Some(Kept::Mails(KeptMails { mails: Some(Mails::Off) })))
    }

    /// In the order of keys.
    pub fn iter(&self) -> impl Iterator<Item = &Kept> {
        self.all.values()
    }
}

impl FromIterator<Kept> for KeptAll {
    fn from_iter<I: IntoIterator<Item = Kept>>(all: I) -> Self {
        let mut kept = Self::default();
        all.into_iter().for_each(|one| kept.put(one));
        kept
    }
}
