//! `user.*`: the people of a project, as this device knows them.

use assist_proto::api::ApiError;
use assist_proto::api::user::{List, User, Users};
use assist_proto::store::Membership;
use assist_proto::wire::Member;

use super::errors::Failure;
use super::{LocalBackend, reference};
use crate::api_server::Handle;
use crate::store::DeviceReads as _;

impl Handle<List> for LocalBackend {
    async fn handle(&self, params: List) -> Result<Users, ApiError> {
        let reader = self.reader()?;
        let own = reference::project(&reader, params.project.as_deref())?;
        let members = reader.members(&own.project).map_err(Failure::from)?;
        let mut users: Vec<User> = members.into_iter().map(|member| user(&own, member)).collect();
        users.sort_by(|left, right| (&left.name, &left.id).cmp(&(&right.name, &right.id)));
        Ok(Users { users })
    }
}

fn user(own: &Membership, member: Member) -> User {
    User {
        id: member.user.to_string(),
        name: member.name,
        email: member.email,
        role: member.role.into(),
        is_self: member.user == own.user,
    }
}
