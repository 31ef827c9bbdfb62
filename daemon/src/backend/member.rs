//! `member.*`: who is in a project and who is to be, as its server has it at this moment.

use assist_crdt_model::UserId;
use assist_proto::api::member::{
    Edit, Invitations, Invite, List, ListInvitations, OpenInvitation, Remove, RosterMember, RosterPage,
    Uninvite,
};
use assist_proto::api::server::Invitation;
use assist_proto::api::{ApiError, Done};
use assist_proto::limits;
use assist_proto::store::Membership;
use assist_proto::wire::ask::{self, ListMembers, MakeInvitation, Request, Response, SetRole, Who};

use super::errors::{Answer, Failure, of_id};
use super::project::given;
use super::ticket::page_limit;
use super::{LocalBackend, reference};
use crate::api_server::Handle;
use crate::store::Reader;

impl Handle<List> for LocalBackend {
    async fn handle(&self, params: List) -> Result<RosterPage, ApiError> {
        let own = reference::project(&self.reader()?, params.project.as_deref())?;
        let after = params.cursor.map(|cursor| cursor.parse()).transpose().map_err(of_id("cursor"))?;
        let request = Request::Members(ListMembers { after, limit: window(params.limit)? });
        let Response::Members(window) = self.ask(own.project, request).await? else {
            return Err(other_answer().into());
        };
        let next_cursor = window.members.last().filter(|_| window.has_more);
        let next_cursor = next_cursor.map(|last| last.member.user.to_string());
        let members = window.members.into_iter().map(|member| roster_member(own.user, member)).collect();
        Ok(RosterPage { members, next_cursor })
    }
}

impl Handle<Invite> for LocalBackend {
    async fn handle(&self, params: Invite) -> Result<Invitation, ApiError> {
        let Invite { project, role, email, name } = params;
        let own = reference::project(&self.reader()?, project.as_deref())?;
        let invitation = MakeInvitation { role: role.into(), email: given(email), name: given(name) };
        let Response::Invited(invited) = self.ask(own.project, Request::Invite(invitation)).await? else {
            return Err(other_answer().into());
        };
        let expires_at_millis = invited.expires_at.0;
        Ok(Invitation { code: invited.code, address: own.address, role, expires_at_millis })
    }
}

impl Handle<ListInvitations> for LocalBackend {
    async fn handle(&self, params: ListInvitations) -> Result<Invitations, ApiError> {
        let own = reference::project(&self.reader()?, params.project.as_deref())?;
        let Response::Invitations(open) = self.ask(own.project, Request::Invitations).await? else {
            return Err(other_answer().into());
        };
        let open = open.into_iter().map(|invitation| OpenInvitation {
            role: invitation.role.into(),
            email: invitation.email,
            name: invitation.name,
            expires_at_millis: invitation.expires_at.0,
        });
        Ok(Invitations { invitations: open.collect() })
    }
}

impl Handle<Uninvite> for LocalBackend {
    async fn handle(&self, params: Uninvite) -> Result<Done, ApiError> {
        let own = reference::project(&self.reader()?, params.project.as_deref())?;
        Ok(self.ask_done(own.project, Request::Uninvite(params.email)).await?)
    }
}

impl Handle<Edit> for LocalBackend {
    async fn handle(&self, params: Edit) -> Result<Done, ApiError> {
        let (own, who) = self.person(params.project.as_deref(), &params.member)?;
        let set = SetRole { who, role: params.role.into() };
        Ok(self.ask_done(own.project, Request::SetRole(set)).await?)
    }
}

impl Handle<Remove> for LocalBackend {
    async fn handle(&self, params: Remove) -> Result<Done, ApiError> {
        let (own, who) = self.person(params.project.as_deref(), &params.member)?;
        Ok(self.ask_done(own.project, Request::RemoveMember(who)).await?)
    }
}

impl LocalBackend {
    fn person(&self, project: Option<&str>, member: &str) -> Answer<(Membership, Who)> {
        let reader = self.reader()?;
        let own = reference::project(&reader, project)?;
        let who = who(&reader, &own, member)?;
        Ok((own, who))
    }
}

/// A person as the server is asked for them: it may know of somebody whom this device was not told of.
pub(super) fn who(reader: &Reader, own: &Membership, text: &str) -> Answer<Who> {
    let text = text.trim();
    if text.contains('@') {
        return Ok(Who::Email(text.to_owned()));
    }
    reference::user(reader, own, text, "member").map(Who::User)
}

/// How many rows of the roster are asked for.
pub(super) fn window(asked: Option<u32>) -> Answer<u32> {
    let limit = page_limit(asked, assist_proto::api::limits::PAGE_ROWS_DEFAULT)?;
    Ok(u32::try_from(limit.min(limits::ROSTER_WINDOW_MAX)).unwrap_or(u32::MAX))
}

/// A server that speaks of something else than it was asked for.
pub(super) fn other_answer() -> Failure {
    Failure::unforeseen("the server answered something else than was asked")
}

fn roster_member(own: UserId, member: ask::RosterMember) -> RosterMember {
    let ask::RosterMember { member, joined_at, devices, waiting } = member;
    RosterMember {
        id: member.user.to_string(),
        name: member.name,
        email: member.email,
        role: member.role.into(),
        joined_at_millis: joined_at.0,
        device_count: devices,
        waiting_count: waiting,
        is_self: member.user == own,
    }
}
