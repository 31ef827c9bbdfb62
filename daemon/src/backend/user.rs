//! `user.*`: the people of a project, as this device knows them.

use assist_proto::api::user::{Configure, GetSettings, List, Rename, User, UserSettings, Users};
use assist_proto::api::{ApiError, Done};
use assist_proto::hub::Command;
use assist_proto::store::Membership;
use assist_proto::wire::Member;
use assist_proto::wire::ask::Request;

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

impl Handle<Rename> for LocalBackend {
    async fn handle(&self, params: Rename) -> Result<Done, ApiError> {
        let own = reference::project(&self.reader()?, params.project.as_deref())?;
        Ok(self.ask_done(own.project, Request::Rename(params.name)).await?)
    }
}

impl Handle<GetSettings> for LocalBackend {
    async fn handle(&self, params: GetSettings) -> Result<UserSettings, ApiError> {
        Ok(settings(&reference::project(&self.reader()?, params.project.as_deref())?))
    }
}

impl Handle<Configure> for LocalBackend {
    async fn handle(&self, params: Configure) -> Result<UserSettings, ApiError> {
        let project = reference::project(&self.reader()?, params.project.as_deref())?.project;
        if let Some(is_on) = params.send_read_marks {
            self.command(Command::SendReadMarks { project, is_on }).await?;
        }
        Ok(settings(&reference::project(&self.reader()?, Some(&project.to_string()))?))
    }
}

fn settings(own: &Membership) -> UserSettings {
    UserSettings { project: own.project.to_string(), send_read_marks: !own.reads_are_private }
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
