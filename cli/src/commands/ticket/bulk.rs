//! `ticket bulk`: the same change to many tickets.

use assist_proto::api::ticket::{Bulk, BulkOutcome, BulkTicket, FieldValues, Patch, Status};
use jiff::Zoned;

use super::super::{optional, word};
use super::work::wake_time;
use super::{check_query, name_of, or_clear, reference};
use crate::args::{BulkVerb, Chosen, NONE};
use crate::error::{CliError, ErrorKind};
use crate::invocation::Invocation;
use crate::output::{Cell, Row, Times, Tone};

/// Does what was asked for; fails in the end if some of it could not be done.
pub(super) fn run(verb: BulkVerb, invocation: &mut Invocation) -> Result<(), CliError> {
    invocation.output.check_fields::<BulkTicket>()?;
    let (bulk, chosen) = asked(verb)?;
    if let Some(query) = &chosen.query {
        check_query(query)?;
    }
    let bulk = Bulk {
        project: invocation.project.clone(),
        query: chosen.query,
        tickets: chosen.tickets.into_iter().map(reference).collect(),
        is_dry_run: chosen.dry_run,
        ..bulk
    };
    let done = invocation.call(&bulk)?;
    invocation.output.rows(&done.tickets)?;
    let all = done.tickets.len() as u64;
    if bulk.is_dry_run {
        invocation.output.say(&format!("{all} would be changed; nothing was"));
    } else {
        invocation.output.say(&format!("{} of {all} changed", done.changed));
    }
    match done.failed {
        0 => Ok(()),
        failed => {
            Err(CliError::message(ErrorKind::Failed, format!("{failed} of {all} could not be changed")))
        }
    }
}

/// What is to be written, and to which.
fn asked(verb: BulkVerb) -> Result<(Bulk, Chosen), CliError> {
    let set = |set: FieldValues| Bulk { set, ..Bulk::default() };
    let status = |status| set(FieldValues { status: Some(status), ..FieldValues::default() });
    Ok(match verb {
        BulkVerb::Close { reason, chosen } => {
            let mut bulk = status(Status::Closed);
            bulk.set.close_reason = reason.map_or(Patch::Keep, Patch::Set);
            (bulk, chosen)
        }
        BulkVerb::Reopen { chosen } => (status(Status::Open), chosen),
        BulkVerb::Pending { chosen } => (status(Status::Pending), chosen),
        BulkVerb::Resolve { chosen } => (status(Status::Resolved), chosen),
        BulkVerb::Assign { agent, chosen } => {
            (set(FieldValues { assignee: or_clear(agent), ..FieldValues::default() }), chosen)
        }
        BulkVerb::Label { add, remove, chosen } => {
            (Bulk { add_labels: add, remove_labels: remove, ..Bulk::default() }, chosen)
        }
        BulkVerb::Priority { priority, chosen } => {
            (set(FieldValues { priority, ..FieldValues::default() }), chosen)
        }
        BulkVerb::Snooze { until, chosen } => {
            let until = match until.as_str() {
                NONE => Patch::Clear,
                time => Patch::Set(wake_time(time, &Zoned::now())?),
            };
            (set(FieldValues { snoozed_until_millis: until, ..FieldValues::default() }), chosen)
        }
    })
}

impl Row for BulkTicket {
    const HEADS: &'static [&'static str] = &["ticket", "title", "outcome", "what"];
    const FLEXIBLE: usize = 1;

    fn cells(&self, _times: &Times) -> Vec<Cell> {
        let tone = match self.outcome {
            BulkOutcome::Changed => Tone::Good,
            BulkOutcome::Planned => Tone::Notable,
            BulkOutcome::Unchanged => Tone::Dim,
            BulkOutcome::Failed => Tone::Bad,
        };
        let what = self.message.clone().unwrap_or_else(|| self.edits.join(", "));
        vec![
            Cell::new(name_of(self.ticket.number, &self.ticket.short_id), Tone::Strong),
            Cell::plain(&self.ticket.title),
            Cell::new(word(&self.outcome), tone),
            Cell::plain(what),
        ]
    }

    fn values(&self) -> Vec<String> {
        vec![
            self.ticket.id.clone(),
            optional(self.ticket.number),
            word(&self.outcome),
            self.change.clone().unwrap_or_default(),
            self.edits.join(", "),
            self.message.clone().unwrap_or_default(),
        ]
    }
}
