//! The thread's part that manages projects: what their servers are asked, and told.

use assist_proto::api::server::GetStats;
use assist_proto::api::server::log::{GetLog, LogPage};
use assist_proto::api::{canned, device, label, member};

use super::worker::Worker;
use super::{Done, Failure};
use crate::limits;
use crate::manage::{LogPart, Roster, ServerHealth};

/// What an admin does with a project. Each names the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ManageWrite {
    /// To invite somebody.
    Invite(member::Invite),
    /// To take an invitation back.
    Uninvite(member::Uninvite),
    /// To say what a member may do.
    SetRole(member::Edit),
    /// To take a member off the roster.
    RemoveMember(member::Remove),
    /// To let a device in.
    Approve(device::Approve),
    /// To turn a device away.
    Reject(device::Reject),
    /// To shut a device out.
    Revoke(device::Revoke),
    /// To offer a label.
    SetLabel(label::Set),
    /// To offer it no more.
    RemoveLabel(label::Remove),
    /// To keep a canned reply.
    SetCanned(canned::Set),
    /// To drop it.
    RemoveCanned(canned::Remove),
}

impl Worker {
    pub(super) fn manage(&mut self, write: &ManageWrite) -> Result<Done, Failure> {
        let done = match write {
            ManageWrite::Invite(invite) => return Ok(Done::Invited(Box::new(self.call(invite)?))),
            ManageWrite::Uninvite(uninvite) => self.call(uninvite),
            ManageWrite::SetRole(edit) => self.call(edit),
            ManageWrite::RemoveMember(remove) => self.call(remove),
            ManageWrite::Approve(approve) => self.call(approve),
            ManageWrite::Reject(reject) => self.call(reject),
            ManageWrite::Revoke(revoke) => self.call(revoke),
            ManageWrite::SetLabel(set) => self.call(set),
            ManageWrite::RemoveLabel(remove) => self.call(remove),
            ManageWrite::SetCanned(set) => self.call(set),
            ManageWrite::RemoveCanned(remove) => self.call(remove),
        };
        done.map(|_| Done::Plain)
    }

    /// Asks the server how it fares, and when it refused something lately.
    pub(super) fn health(&mut self, project: &str) -> Result<Box<ServerHealth>, Failure> {
        let project = Some(project.to_owned());
        let stats = self.call(&GetStats { project: project.clone() })?;
        let limit = Some(limits::LOG_PAGE);
        let page = self.call(&GetLog { project, limit, refused: true, ..GetLog::default() })?;
        let refused_at = page.entries.iter().rev().map(|entry| entry.at_millis).collect();
        Ok(Box::new(ServerHealth { stats, refused_at, has_more_refused: page.next.is_some() }))
    }

    /// Asks the server for a part of its admission log.
    pub(super) fn log(&mut self, project: &str, part: LogPart) -> Result<Box<LogPage>, Failure> {
        let (project, limit) = (Some(project.to_owned()), Some(limits::LOG_PAGE));
        let (before, refused) = (part.before, part.is_refused_only);
        let ask = GetLog { project, before, limit, refused, ..GetLog::default() };
        self.call(&ask).map(Box::new)
    }

    /// Asks the server for all of them, as far as anybody reads.
    pub(super) fn roster(&mut self, project: &str) -> Result<Box<Roster>, Failure> {
        let mut roster = Roster::default();
        let mut cursor = None;
        loop {
            let (project, limit) = (Some(project.to_owned()), Some(limits::ROSTER_PAGE));
            let page = self.call(&member::List { project, cursor, limit })?;
            roster.members.extend(page.members);
            cursor = page.next_cursor;
            roster.has_more_members = cursor.is_some();
            if cursor.is_none() || roster.members.len() >= limits::ROSTER_MAX {
                break;
            }
        }
        cursor = None;
        loop {
            let (project, limit) = (Some(project.to_owned()), Some(limits::ROSTER_PAGE));
            let page = self.call(&device::List { project, member: None, cursor, limit })?;
            roster.devices.extend(page.devices);
            cursor = page.next_cursor;
            roster.has_more_devices = cursor.is_some();
            if cursor.is_none() || roster.devices.len() >= limits::ROSTER_MAX {
                break;
            }
        }
        let open = member::ListInvitations { project: Some(project.to_owned()) };
        roster.invitations = self.call(&open)?.invitations;
        Ok(Box::new(roster.sorted()))
    }
}
