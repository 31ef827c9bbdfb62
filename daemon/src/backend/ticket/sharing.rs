//! Who sees a ticket beside the team, as its server has it at this moment.

use assist_crdt_model::{TicketId, UserId};
use assist_proto::api::ticket::{
    ListMembers, Share, TicketMember, TicketMemberState, TicketMembers, Unshare,
};
use assist_proto::api::{ApiError, Done};
use assist_proto::store::Membership;
use assist_proto::wire::ask::{self, Request, Response, TicketShare};

use super::super::errors::Answer;
use super::super::member::other_answer;
use super::super::{LocalBackend, reference};
use crate::api_server::Handle;

impl Handle<ListMembers> for LocalBackend {
    async fn handle(&self, params: ListMembers) -> Result<TicketMembers, ApiError> {
        let (own, ticket) = self.shown(params.project.as_deref(), &params.ticket)?;
        let Response::TicketMembers(members) = self.ask(own.project, Request::TicketMembers(ticket)).await?
        else {
            return Err(other_answer().into());
        };
        let members = members.into_iter().map(|member| ticket_member(own.user, member)).collect();
        Ok(TicketMembers { members })
    }
}

impl Handle<Share> for LocalBackend {
    async fn handle(&self, params: Share) -> Result<Done, ApiError> {
        let (own, ticket) = self.shown(params.project.as_deref(), &params.ticket)?;
        let who = self.who(&own, &params.member).await?;
        Ok(self.ask_done(own.project, Request::ShareTicket(TicketShare { ticket, who })).await?)
    }
}

impl Handle<Unshare> for LocalBackend {
    async fn handle(&self, params: Unshare) -> Result<Done, ApiError> {
        let (own, ticket) = self.shown(params.project.as_deref(), &params.ticket)?;
        let who = self.who(&own, &params.member).await?;
        Ok(self.ask_done(own.project, Request::UnshareTicket(TicketShare { ticket, who })).await?)
    }
}

impl LocalBackend {
    fn shown(&self, project: Option<&str>, ticket: &str) -> Answer<(Membership, TicketId)> {
        reference::ticket(&self.reader()?, project, ticket, "ticket")
    }
}

fn ticket_member(own: UserId, member: ask::TicketMember) -> TicketMember {
    let ask::TicketMember { state, user, name, email } = member;
    TicketMember {
        id: user.map(|user| user.to_string()),
        name,
        email,
        state: match state {
            ask::TicketMemberState::Requester => TicketMemberState::Requester,
            ask::TicketMemberState::Member => TicketMemberState::Member,
            ask::TicketMemberState::Invited => TicketMemberState::Invited,
        },
        is_self: user == Some(own),
    }
}
