//! `ticket.verify`, `ticket.export` and `ticket.import`: who provably wrote what.
//!
//! The check itself is [`crate::authorship`]; here is what it came to, in words. The same words tell of a ticket that
//! a daemon holds and of a bundle that anybody holds.

use assist_crdt_model::UserId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{HistoryEdit, TicketRef, describe};
use crate::api::user::{Role, UserName};
use crate::authorship::{Fault, Finding, Report};
use crate::hub::WireEdit;

/// Parameters of `ticket.verify`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verify {
    /// The project: its id, its name, or an unambiguous beginning of either.
    #[serde(default)]
    pub project: Option<String>,
    /// The id, an unambiguous beginning of it, or `#number`.
    pub ticket: String,
}

/// Parameters of `ticket.export`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Export {
    /// The project: its id, its name, or an unambiguous beginning of either.
    #[serde(default)]
    pub project: Option<String>,
    /// The id, an unambiguous beginning of it, or `#number`.
    pub ticket: String,
    /// The team's notes under it, instead of the ticket itself.
    #[serde(default)]
    pub notes: bool,
}

/// Answer of `ticket.export`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TicketBundle {
    /// Which ticket.
    pub ticket: TicketRef,
    /// What to write to the file, to the byte: `docs/bundle.md` is the format.
    pub bundle: String,
}

/// Parameters of `ticket.import`: one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Import {
    /// The text of the bundle, as `ticket.export` gave it.
    #[serde(default)]
    pub bundle: Option<String>,
    /// The hash of one that is too large for a request: its bytes were given to `/blobs` before.
    #[serde(default)]
    pub blob: Option<String>,
}

/// Answer of `ticket.import`, in changes: what is here is on this device durably, and goes to the server if it lacks it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TicketImported {
    /// Which ticket.
    pub ticket: TicketRef,
    /// Whether it was the team's notes under it.
    pub is_notes: bool,
    /// Were not on this device, and are now.
    pub added: u64,
    /// Were here already.
    pub known: u64,
    /// Do not fit what is here.
    pub refused: u64,
}

/// Answer of `ticket.verify`: all changes of a ticket, each with what is proven of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verification {
    /// Which ticket of which project. Everything below is checked against this project's id.
    pub ticket: TicketRef,
    /// What the project is called; proven by nothing.
    pub project_name: String,
    /// Whether every change is provably its author's.
    pub is_proven: bool,
    /// Each after those that it follows.
    pub changes: Vec<VerifiedChange>,
    /// How many of them are not proven.
    pub not_proven: u64,
    /// Certificates that prove nothing. One that a change needs is told with the change too.
    pub stray_certificates: u64,
    /// Changes that the server admitted and this device's own check refused: the ticket does not show them.
    pub set_aside: u64,
    /// When the bundle was made, if this is of one, by the clock of whoever made it.
    #[serde(default)]
    pub made_at_millis: Option<u64>,
}

/// A change with what is proven of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VerifiedChange {
    /// Its hash, 52 characters; null where its bytes are no change.
    pub change: Option<String>,
    /// The id of the device that signed it, 52 characters.
    pub device: String,
    /// What its owner calls it, if that is known; proven by nothing.
    #[serde(default)]
    pub device_name: Option<String>,
    /// Which certificate of the device says whose it is.
    pub serial: u32,
    /// Whose device that is. The id is proven, the name is not; null where nothing proves it.
    pub author: Option<UserName>,
    /// What they might do then.
    pub role: Option<Role>,
    /// By the author's clock; null where the change is not proven.
    pub at_millis: Option<u64>,
    /// Its place in the server's log, as the server says; null while it waits at its author's device.
    pub seq: Option<u64>,
    /// When the server admitted it, as the server says.
    pub admitted_at_millis: Option<u64>,
    /// What it did, in order; empty where it is not proven.
    pub edits: Vec<HistoryEdit>,
    /// Null if it is provably its author's, else why not.
    pub fault: Option<NotProven>,
}

/// Why a change is not provably its author's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotProven {
    /// A stable word: `other_doc`, `twice`, `no_certificate`, `foreign_certificate`, or a verdict of the gate such as
    /// `bad_signature`. More may come.
    pub reason: String,
    /// For people.
    pub message: String,
}

impl Verification {
    /// Tells a report in words. `name` says what a user is called.
    ///
    /// # Errors
    /// Whatever `name` fails with.
    pub fn new<E>(
        ticket: TicketRef,
        project_name: String,
        report: Report,
        mut name: impl FnMut(UserId) -> Result<String, E>,
    ) -> Result<Self, E> {
        let (is_proven, not_proven) = (report.is_whole(), report.fault_count() as u64);
        let changes = report.findings.into_iter().map(|finding| VerifiedChange::new(finding, &mut name));
        Ok(Self {
            ticket,
            project_name,
            is_proven,
            changes: changes.collect::<Result<_, E>>()?,
            not_proven,
            stray_certificates: report.stray_certificates as u64,
            set_aside: 0,
            made_at_millis: None,
        })
    }
}

impl VerifiedChange {
    fn new<E>(finding: Finding, name: &mut impl FnMut(UserId) -> Result<String, E>) -> Result<Self, E> {
        let at_millis = finding.entry.as_ref().map(|entry| entry.at.0);
        let mut edits = Vec::new();
        for (edit, before) in finding.entry.into_iter().flat_map(|entry| entry.edits) {
            edits.extend(describe(WireEdit::from(&edit), before, &mut *name)?);
        }
        let author = finding.author.map(|(user, _)| Ok(UserName { id: user.to_string(), name: name(user)? }));
        Ok(Self {
            change: finding.change.map(|change| change.to_string()),
            device: finding.device.to_string(),
            device_name: None,
            serial: finding.serial,
            author: author.transpose()?,
            role: finding.author.map(|(_, role)| role.into()),
            at_millis,
            seq: finding.place.map(|place| place.seq.0),
            admitted_at_millis: finding.place.map(|place| place.admitted_at.0),
            edits,
            fault: finding.fault.as_ref().map(NotProven::from),
        })
    }
}

impl From<&Fault> for NotProven {
    fn from(fault: &Fault) -> Self {
        let reason = match fault {
            Fault::Change(rejection) | Fault::Gate(rejection) => rejection.code.as_str(),
            Fault::OtherDoc => "other_doc",
            Fault::Twice => "twice",
            Fault::NoCertificate { .. } => "no_certificate",
            Fault::ForeignCertificate { .. } => "foreign_certificate",
        };
        Self { reason: reason.to_owned(), message: fault.to_string() }
    }
}
