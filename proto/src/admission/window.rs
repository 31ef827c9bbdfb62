//! What is asked of an admission log, and a part of it with the names that people know.

use assist_crdt_model::{DeviceId, TicketId, UserId};

use crate::certificate::Signed;
use crate::wire::NamedDevice;
use crate::wire::ask::Who;

/// A window of the admission log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReadLog {
    /// The newest entries with numbers below this; without it and `after`, the newest of all.
    pub before: Option<u64>,
    /// The oldest entries with numbers above this.
    pub after: Option<u64>,
    /// At most so many; the server gives no more than [`crate::limits::ADMISSIONS_WINDOW_MAX`].
    pub limit: u32,
    /// What was refused; with `acts`, that too.
    pub refused: bool,
    /// What is no verdict on a change; with `refused`, that too.
    pub acts: bool,
    /// What a device did, or what was done to it.
    pub device: Option<DeviceId>,
    /// What a person did, or what was done to them.
    pub who: Option<Who>,
}

/// Some of the admission log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogWindow {
    /// In the order of the log, at most [`crate::limits::ADMISSIONS_WINDOW_MAX`].
    pub lines: Vec<LogLine>,
    /// Where to go on in the same direction: as `before`, or as `after` where that was asked for. Nothing at the end.
    pub next: Option<u64>,
    /// The log's end, as the server's node signed it.
    pub head: Option<Signed>,
    /// What the people are called that the entries name.
    pub people: Vec<NamedUser>,
    /// What the devices are called.
    pub devices: Vec<NamedDevice>,
}

/// An entry, and what its change was for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// The bytes of a [`crate::admission::Entry`], as they are hashed.
    pub entry: Vec<u8>,
    /// The ticket that an admitted change is of.
    pub ticket: Option<TicketId>,
    /// Its number.
    pub number: Option<u32>,
}

/// What somebody is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedUser {
    /// Who.
    pub user: UserId,
    /// Their name.
    pub name: String,
}
