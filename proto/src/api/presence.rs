//! `presence.*`: who is there, looks at what, and writes just now. Of this moment only: nothing of it is stored.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ticket::{Patch, TicketRef};
use super::user::UserName;

/// Parameters of `presence.set`. What a front end shows holds for 8 seconds: it says so again every three.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Set {
    /// The project: its id, its name, or an unambiguous beginning of either. All unless told, or that of the ticket.
    pub project: Option<String>,
    /// The ticket that is shown: its id, an unambiguous beginning of it, or `#number`.
    pub ticket: Option<String>,
    /// What the user does: at the ticket `viewing` unless told; without a ticket `here` or `gone`.
    pub doing: Option<SetDoing>,
    /// What the user says of themselves: one line of at most 80 characters, for the team alone, until null takes it
    /// back or the daemon ends.
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub status: Patch<String>,
}

/// What a front end says that its user does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SetDoing {
    /// They are at a front end.
    Here,
    /// They look at the ticket.
    Viewing,
    /// They write a comment.
    Typing,
    /// They write a note: customers see that they look at the ticket.
    TypingNote,
    /// They have left the ticket, or every front end.
    Gone,
}

/// Parameters of `presence.list`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct List {
    /// Only of this project: its id, its name, or an unambiguous beginning of either.
    pub project: Option<String>,
    /// Only at this ticket: its id, an unambiguous beginning of it, or `#number`.
    pub ticket: Option<String>,
}

/// Answer of `presence.list`. The user of this device is left out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct PresenceList {
    /// By name.
    pub projects: Vec<ProjectPresence>,
    /// Tickets where somebody is.
    pub tickets: Vec<TicketPresence>,
}

/// Who is there in a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProjectPresence {
    /// The project's id, 52 characters.
    pub project: String,
    /// What people call it.
    pub name: String,
    /// Whether the server is in reach: else nothing is known.
    pub is_known: bool,
    /// What the user of this device says of themselves.
    pub own_status: Option<String>,
    /// How many of the team are there or left word; for the team.
    pub count: u64,
    /// The first of them.
    pub people: Vec<PresentPerson>,
}

/// Who is at a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TicketPresence {
    /// Which.
    pub ticket: TicketRef,
    /// How many they are, with those that are not named.
    pub count: u64,
    /// The first of them: who writes before who looks, the team before others.
    pub people: Vec<PresentPerson>,
}

/// Somebody who is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PresentPerson {
    /// Who.
    pub user: UserName,
    /// What they do.
    pub doing: Doing,
    /// What they say of themselves; for the team.
    pub status: Option<String>,
}

/// What somebody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Doing {
    /// At no front end; they left word.
    Away,
    /// At a front end.
    Online,
    /// Looks at the ticket.
    Viewing,
    /// Writes a note.
    TypingNote,
    /// Writes a comment.
    Typing,
    /// Something of a newer daemon.
    #[serde(other)]
    #[schemars(skip)]
    Unknown,
}
