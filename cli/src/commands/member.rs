//! `member`: who is in a project and who is to be, as its server has it.

use assist_proto::api::limits;
use assist_proto::api::member::{
    Edit, Invite, List, ListInvitations, OpenInvitation, Remove, RosterMember, Uninvite,
};
use assist_proto::api::server::Invitation;

use super::server::invitation_lines;
use super::word;
use crate::args::MemberVerb;
use crate::error::CliError;
use crate::invocation::Invocation;
use crate::output::{Cell, Row, Times, Tone, exact};

/// Does what was asked for.
pub(crate) fn run(verb: MemberVerb, invocation: &mut Invocation) -> Result<(), CliError> {
    let project = invocation.project.clone();
    match verb {
        MemberVerb::List => list(invocation),
        MemberVerb::Invite { email, role, name } => {
            invocation.output.check_fields::<Invitation>()?;
            let is_named = name.is_some();
            let invitation = invocation.call(&Invite { project, role, email, name })?;
            invocation.output.document(&invitation, |it, audience| invitation_lines(it, is_named, audience))
        }
        MemberVerb::Invitations => {
            invocation.output.check_fields::<OpenInvitation>()?;
            let invitations = invocation.call(&ListInvitations { project })?.invitations;
            invocation.output.rows(&invitations)
        }
        MemberVerb::Uninvite { email } => invocation.carry_out(&Uninvite { project, email }, "taken back"),
        MemberVerb::SetRole { member, role } => {
            let said = format!("{member} is {} from now on", word(&role));
            invocation.carry_out(&Edit { project, member, role }, &said)
        }
        MemberVerb::Remove { member } => {
            let said = format!("{member} is out; what they wrote stays");
            invocation.carry_out(&Remove { project, member }, &said)
        }
    }
}

fn list(invocation: &mut Invocation) -> Result<(), CliError> {
    invocation.output.check_fields::<RosterMember>()?;
    let mut members: Vec<RosterMember> = Vec::new();
    let mut cursor = None;
    loop {
        let project = invocation.project.clone();
        let page = invocation.call(&List { project, cursor, limit: Some(limits::PAGE_ROWS_MAX) })?;
        members.extend(page.members);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    members.sort_by(|left, right| (&left.name, &left.id).cmp(&(&right.name, &right.id)));
    invocation.output.rows(&members)
}

impl Row for RosterMember {
    const HEADS: &'static [&'static str] = &["name", "email", "role", "joined", "devices", "waiting", "id"];
    const FLEXIBLE: usize = 0;

    fn cells(&self, times: &Times) -> Vec<Cell> {
        let name = if self.is_self { format!("{} (you)", self.name) } else { self.name.clone() };
        let waiting = if self.waiting_count > 0 { self.waiting_count.to_string() } else { String::new() };
        vec![
            Cell::new(name, Tone::Strong),
            Cell::plain(self.email.as_deref().unwrap_or_default()),
            Cell::plain(word(&self.role)),
            Cell::plain(times.relative(self.joined_at_millis)),
            Cell::plain(self.device_count.to_string()),
            Cell::new(waiting, Tone::Notable),
            Cell::dim(&self.id),
        ]
    }

    fn values(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.name.clone(),
            self.email.clone().unwrap_or_default(),
            word(&self.role),
            exact(self.joined_at_millis),
            self.device_count.to_string(),
            self.waiting_count.to_string(),
            self.is_self.to_string(),
        ]
    }
}

impl Row for OpenInvitation {
    const HEADS: &'static [&'static str] = &["for", "name", "role", "until"];
    const FLEXIBLE: usize = 0;

    fn cells(&self, times: &Times) -> Vec<Cell> {
        vec![
            Cell::new(self.email.as_deref().unwrap_or("anybody"), Tone::Strong),
            Cell::plain(self.name.as_deref().unwrap_or_default()),
            Cell::plain(word(&self.role)),
            Cell::plain(times.both(self.expires_at_millis)),
        ]
    }

    fn values(&self) -> Vec<String> {
        let (email, name) = (self.email.clone(), self.name.clone());
        vec![
            email.unwrap_or_default(),
            name.unwrap_or_default(),
            word(&self.role),
            exact(self.expires_at_millis),
        ]
    }
}
