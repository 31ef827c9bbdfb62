//! `user.*`: the people of a project, as this device knows them.

use assist_proto::api::user::{
    Configure, DesktopShown, GetSettings, List, Rename, User, UserSettings, Users,
};
use assist_proto::api::{ApiError, Done};
use assist_proto::hub::Command;
use assist_proto::store::{Desktop, Kept, KeptMails, Mails, Membership, ParseQuietHoursError};
use assist_proto::wire::Member;
use assist_proto::wire::ask::Request;

use super::errors::{Answer, Failure, invalid};
use super::{LocalBackend, reference};
use crate::api_server::Handle;
use crate::store::{DeviceReads as _, Reader};

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
        let reader = self.reader()?;
        let own = reference::project(&reader, params.project.as_deref())?;
        Ok(settings(&reader, &own)?)
    }
}

impl Handle<Configure> for LocalBackend {
    async fn handle(&self, params: Configure) -> Result<UserSettings, ApiError> {
        let before = reference::project(&self.reader()?, params.project.as_deref())?;
        let project = before.project;
        // What cannot be done is refused before anything is.
        let is_of_desktop = params.desktop.is_some() || params.quiet_hours.is_some();
        let desktop = desktop(before.desktop, params.desktop, params.quiet_hours.as_deref())?;
        if let Some(is_on) = params.send_read_marks {
            self.command(Command::SendReadMarks { project, is_on }).await?;
        }
        if let Some(is_on) = params.mails {
            let mails = (!is_on).then_some(Mails::Off);
            self.command(Command::Keep { project, kept: Kept::Mails(KeptMails { mails }) }).await?;
        }
        if is_of_desktop {
            self.command(Command::SetDesktop { project, desktop }).await?;
        }
        let reader = self.reader()?;
        let own = reference::project(&reader, Some(&project.to_string()))?;
        Ok(settings(&reader, &own)?)
    }
}

pub(super) fn settings(reader: &Reader, own: &Membership) -> Answer<UserSettings> {
    let kept = reader.own_kept(&own.project)?;
    Ok(UserSettings {
        project: own.project.to_string(),
        send_read_marks: !own.reads_are_private,
        mails: kept.wants_mails(),
        desktop: own.desktop.shown.into(),
        quiet_hours: own.desktop.quiet.map(|quiet| quiet.to_string()),
    })
}

fn desktop(before: Desktop, shown: Option<DesktopShown>, quiet_hours: Option<&str>) -> Answer<Desktop> {
    let quiet = match quiet_hours {
        None => before.quiet,
        Some(text) if text.trim().eq_ignore_ascii_case("none") => None,
        Some(text) => {
            let hours = text.parse().map_err(|error: ParseQuietHoursError| {
                invalid("bad_quiet_hours", "quiet_hours", format!("{error}, or none"))
            });
            Some(hours?)
        }
    };
    Ok(Desktop { shown: shown.map_or(before.shown, Into::into), quiet })
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
