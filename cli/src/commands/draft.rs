//! `draft`: edits of one's own that were refused. What a person wrote is kept with the reason.

use assist_proto::api::draft::{Discard, Draft, Get, List, Retry};
use assist_proto::api::ticket::{TicketRef, TicketWritten};

use super::ticket::{name_of, print_written};
use crate::args::{DraftVerb, WaitArgs};
use crate::error::CliError;
use crate::invocation::Invocation;
use crate::output::{Audience, Cell, Row, Times, Tone, exact, neutral};

/// Does what was asked for.
pub(crate) fn run(verb: DraftVerb, invocation: &mut Invocation) -> Result<(), CliError> {
    match verb {
        DraftVerb::List => {
            invocation.output.check_fields::<Draft>()?;
            let drafts = invocation.call(&List { project: invocation.project.clone() })?.drafts;
            if drafts.is_empty() {
                invocation.output.say("nothing that you wrote was refused");
            }
            invocation.output.rows(&drafts)
        }
        DraftVerb::Show { draft } => {
            invocation.output.check_fields::<Draft>()?;
            let draft = invocation.call(&Get { draft })?;
            invocation.output.document(&draft, |draft, audience| lines(draft, &audience))
        }
        DraftVerb::Discard { draft } => invocation.carry_out(&Discard { draft }, "thrown away"),
        DraftVerb::Retry { draft, wait } => retry(draft, &wait, invocation),
    }
}

fn retry(draft: String, wait: &WaitArgs, invocation: &mut Invocation) -> Result<(), CliError> {
    invocation.output.check_fields::<TicketWritten>()?;
    let written = invocation.call(&Retry { draft })?;
    print_written("made again on", &written, wait, invocation)
}

fn lines(draft: &Draft, audience: &Audience) -> Vec<String> {
    let ticket = draft.ticket.as_ref();
    let mut lines = audience.facts(&[
        ("id", draft.id.clone()),
        ("project", draft.project.clone()),
        (
            "ticket",
            ticket.map(|ticket| audience.either(ticket.id.clone(), titled(ticket))).unwrap_or_default(),
        ),
        ("created_at", audience.time(draft.created_at_millis)),
        ("refused_at", audience.time(draft.refused_at_millis)),
        ("reason", draft.reason.clone()),
        ("message", draft.message.clone()),
    ]);
    for edit in &draft.edits {
        lines.push(String::new());
        lines.push(format!("{}:", neutral::line(&edit.action.replace('_', " "))));
        let text = edit.after.as_deref().or(edit.before.as_deref()).unwrap_or_default();
        lines.extend(neutral::block(text).lines().map(|line| format!("    {line}")));
    }
    lines
}

fn titled(ticket: &TicketRef) -> String {
    format!("{} {}", name_of(ticket.number, &ticket.short_id), ticket.title)
}

impl Row for Draft {
    const HEADS: &'static [&'static str] = &["draft", "ticket", "refused", "why"];
    const FLEXIBLE: usize = 3;

    fn cells(&self, times: &Times) -> Vec<Cell> {
        let ticket = self.ticket.as_ref();
        vec![
            Cell::new(self.id.get(..ID_CHARS_SHOWN).unwrap_or(&self.id), Tone::Strong),
            Cell::plain(ticket.map(|ticket| name_of(ticket.number, &ticket.short_id)).unwrap_or_default()),
            Cell::plain(times.relative(self.refused_at_millis)),
            Cell::new(&self.message, Tone::Notable),
        ]
    }

    fn values(&self) -> Vec<String> {
        let ticket = self.ticket.as_ref();
        vec![
            self.id.clone(),
            self.project.clone(),
            ticket.map(|ticket| ticket.id.clone()).unwrap_or_default(),
            exact(self.created_at_millis),
            exact(self.refused_at_millis),
            self.reason.clone(),
            self.message.clone(),
        ]
    }
}

/// Enough of a draft's id to name it.
const ID_CHARS_SHOWN: usize = 10;
