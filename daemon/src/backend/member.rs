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
use assist_proto::wire::ask::{
    self, ListMembers, MakeInvitation, MemberWindow, Request, Response, SetRole, Who,
};

use super::errors::{Answer, Failure, of_id};
use super::project::given;
use super::ticket::page_limit;
use super::{LocalBackend, reference};
use crate::api_server::Handle;

impl Handle<List> for LocalBackend {
    async fn handle(&self, params: List) -> Result<RosterPage, ApiError> {
        let own = reference::project(&self.reader()?, params.project.as_deref())?;
        let after = params.cursor.map(|cursor| cursor.parse()).transpose().map_err(of_id("cursor"))?;
        let window = self.roster(&own, ListMembers { after, limit: window(params.limit)? }).await?;
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
        let (own, who) = self.person(params.project.as_deref(), &params.member).await?;
        let set = SetRole { who, role: params.role.into() };
        Ok(self.ask_done(own.project, Request::SetRole(set)).await?)
    }
}

impl Handle<Remove> for LocalBackend {
    async fn handle(&self, params: Remove) -> Result<Done, ApiError> {
        let (own, who) = self.person(params.project.as_deref(), &params.member).await?;
        Ok(self.ask_done(own.project, Request::RemoveMember(who)).await?)
    }
}

impl LocalBackend {
    async fn person(&self, project: Option<&str>, member: &str) -> Answer<(Membership, Who)> {
        let own = reference::project(&self.reader()?, project)?;
        let who = self.who(&own, member).await?;
        Ok((own, who))
    }

    /// Finds the person that is meant: `me`, an id, an email address, or a name that only one has. Ids and addresses
    /// are left to the server, which alone knows everybody.
    pub(super) async fn who(&self, own: &Membership, text: &str) -> Answer<Who> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("me") {
            return Ok(Who::User(own.user));
        }
        if let Ok(user) = text.parse() {
            return Ok(Who::User(user));
        }
        if text.contains('@') {
            return Ok(Who::Email(text.to_owned()));
        }
        let named = self.named(own, &text.to_lowercase()).await?;
        match named.as_slice() {
            [only] => Ok(Who::User(*only)),
            [] => {
                let message =
                    format!("nobody in {} is called {text:?}: `assist member list` shows them", own.name);
                Err(ApiError::not_found("no_such_user", message).with_field("member").into())
            }
            several => {
                let message =
                    format!("{text:?} is the name of {} people: give an email address or id", several.len());
                let nearest = several.iter().map(ToString::to_string).collect();
                let error = ApiError::conflict("ambiguous_user", message);
                Err(error.with_field("member").with_nearest(nearest).into())
            }
        }
    }

    /// Those on the roster who have a name.
    async fn named(&self, own: &Membership, folded: &str) -> Answer<Vec<UserId>> {
        let (mut found, mut after) = (Vec::new(), None);
        for _ in 0..WINDOWS_MAX {
            let limit = limits::ROSTER_WINDOW_MAX as u32;
            let window = self.roster(own, ListMembers { after, limit }).await?;
            after = window.members.last().map(|last| last.member.user).filter(|_| window.has_more);
            let named = window.members.into_iter().map(|it| it.member);
            found.extend(named.filter(|it| it.name.to_lowercase() == folded).map(|it| it.user));
            if after.is_none() {
                break;
            }
        }
        Ok(found)
    }

    async fn roster(&self, own: &Membership, list: ListMembers) -> Answer<MemberWindow> {
        match self.ask(own.project, Request::Members(list)).await? {
            Response::Members(window) => Ok(window),
            _ => Err(other_answer()),
        }
    }
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

/// Windows that are looked through for a name: 20,000 people, beyond any project, whatever a server says.
const WINDOWS_MAX: usize = 100;
