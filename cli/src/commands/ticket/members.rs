//! `ticket member`: who sees a ticket beside the team, as its server has it.

use assist_proto::api::ticket::{ListMembers, Share, TicketMember, TicketMemberState, Unshare};

use super::super::word;
use super::reference;
use crate::args::TicketMemberVerb;
use crate::error::CliError;
use crate::invocation::Invocation;
use crate::output::{Cell, Row, Times, Tone};

/// Does what was asked for.
pub(super) fn run(verb: TicketMemberVerb, invocation: &mut Invocation) -> Result<(), CliError> {
    let project = invocation.project.clone();
    match verb {
        TicketMemberVerb::List { ticket } => {
            invocation.output.check_fields::<TicketMember>()?;
            let members = invocation.call(&ListMembers { project, ticket: reference(ticket) })?.members;
            invocation.output.rows(&members)
        }
        TicketMemberVerb::Add { ticket, member } => {
            let said = format!("shared with {member}");
            invocation.carry_out(&Share { project, ticket: reference(ticket), member }, &said)
        }
        TicketMemberVerb::Remove { ticket, member } => {
            let said = format!("no longer shared with {member}");
            invocation.carry_out(&Unshare { project, ticket: reference(ticket), member }, &said)
        }
    }
}

impl Row for TicketMember {
    const HEADS: &'static [&'static str] = &["name", "email", "as", "id"];
    const FLEXIBLE: usize = 0;

    fn cells(&self, _times: &Times) -> Vec<Cell> {
        let name = self.name.clone().unwrap_or_default();
        let name = if self.is_self { format!("{name} (you)") } else { name };
        let tone = match self.state {
            TicketMemberState::Invited => Tone::Notable,
            TicketMemberState::Requester | TicketMemberState::Member => Tone::Plain,
        };
        vec![
            Cell::new(name, Tone::Strong),
            Cell::plain(self.email.as_deref().unwrap_or_default()),
            Cell::new(word(&self.state), tone),
            Cell::dim(self.id.as_deref().unwrap_or_default()),
        ]
    }

    fn values(&self) -> Vec<String> {
        let (id, name, email) = (self.id.clone(), self.name.clone(), self.email.clone());
        vec![
            id.unwrap_or_default(),
            name.unwrap_or_default(),
            email.unwrap_or_default(),
            word(&self.state),
            self.is_self.to_string(),
        ]
    }
}
