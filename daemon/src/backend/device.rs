//! `device.*`: the installations of a project's members, as its server has them at this moment.

use assist_crdt_model::{DeviceId, ProjectId};
use assist_proto::api::device::{Approve, Device, DevicePage, DeviceState, List, Reject, Rename, Revoke};
use assist_proto::api::{ApiError, Done};
use assist_proto::limits;
use assist_proto::store::Membership;
use assist_proto::wire::ask::{self, ListDevices, RenameDevice, Request, Response, RosterDevice, Who};

use super::errors::{Answer, invalid, of_id};
use super::member::{other_answer, window};
use super::reference::spell;
use super::rows::Names;
use super::{LocalBackend, reference};
use crate::api_server::Handle;

impl Handle<List> for LocalBackend {
    async fn handle(&self, params: List) -> Result<DevicePage, ApiError> {
        let own = reference::project(&self.reader()?, params.project.as_deref())?;
        let of = match &params.member {
            Some(member) => Some(self.who(&own, member).await?),
            None => None,
        };
        let after = params.cursor.map(|cursor| cursor.parse()).transpose().map_err(of_id("cursor"))?;
        let list = ListDevices { of, after, limit: window(params.limit)? };
        let window = self.devices(own.project, list).await?;
        let next_cursor = window.devices.last().filter(|_| window.has_more);
        let next_cursor = next_cursor.map(|last| last.device.to_string());
        Ok(DevicePage { devices: self.show(&own, window.devices)?, next_cursor })
    }
}

impl Handle<Rename> for LocalBackend {
    async fn handle(&self, params: Rename) -> Result<Done, ApiError> {
        let own = reference::project(&self.reader()?, params.project.as_deref())?;
        let device = match &params.device {
            None => self.info.device,
            Some(text) => {
                let is_meant = |it: &RosterDevice| it.user == own.user && is_let_in(it.state);
                self.device(&own, Some(Who::User(own.user)), text, is_meant).await?
            }
        };
        let rename = RenameDevice { device, name: params.name };
        Ok(self.ask_done(own.project, Request::RenameDevice(rename)).await?)
    }
}

impl Handle<Revoke> for LocalBackend {
    async fn handle(&self, params: Revoke) -> Result<Done, ApiError> {
        let own = reference::project(&self.reader()?, params.project.as_deref())?;
        let device = self.device(&own, None, &params.device, |it| is_let_in(it.state)).await?;
        Ok(self.ask_done(own.project, Request::RevokeDevice(device)).await?)
    }
}

impl Handle<Approve> for LocalBackend {
    async fn handle(&self, params: Approve) -> Result<Done, ApiError> {
        let own = reference::project(&self.reader()?, params.project.as_deref())?;
        let device = self.device(&own, None, &params.device, waits).await?;
        Ok(self.ask_done(own.project, Request::ApproveDevice(device)).await?)
    }
}

impl Handle<Reject> for LocalBackend {
    async fn handle(&self, params: Reject) -> Result<Done, ApiError> {
        let own = reference::project(&self.reader()?, params.project.as_deref())?;
        let device = self.device(&own, None, &params.device, waits).await?;
        Ok(self.ask_done(own.project, Request::RejectDevice(device)).await?)
    }
}

impl LocalBackend {
    async fn devices(&self, project: ProjectId, list: ListDevices) -> Answer<ask::DeviceWindow> {
        match self.ask(project, Request::Devices(list)).await? {
            Response::Devices(window) => Ok(window),
            _ => Err(other_answer()),
        }
    }

    /// The one device that a text means, of those that come into question. A whole id is left to the server.
    async fn device(
        &self,
        own: &Membership,
        of: Option<Who>,
        text: &str,
        is_meant: impl Fn(&RosterDevice) -> bool,
    ) -> Answer<DeviceId> {
        let text = text.trim();
        if let Ok(device) = text.parse() {
            return Ok(device);
        }
        if text.is_empty() {
            return Err(invalid(
                "bad_id",
                "device",
                "expected a device's id, the beginning of one, or its name",
            ));
        }
        let (mut found, mut after) = (Vec::new(), None);
        for _ in 0..WINDOWS_MAX {
            let limit = limits::ROSTER_WINDOW_MAX as u32;
            let window = self.devices(own.project, ListDevices { of: of.clone(), after, limit }).await?;
            after = window.devices.last().map(|last| last.device).filter(|_| window.has_more);
            found.extend(window.devices.into_iter().filter(|device| is_meant(device)));
            if after.is_none() {
                return one_of(text, found);
            }
        }
        Err(ApiError::limit(
            "too_many_devices",
            "there are too many devices to look through: give the whole id",
        )
        .into())
    }

    fn show(&self, own: &Membership, devices: Vec<RosterDevice>) -> Answer<Vec<Device>> {
        let reader = self.reader()?;
        let mut names = Names::new(&reader);
        let show = |it: RosterDevice| {
            let user = names.user(own.project, it.user)?;
            Ok(Device {
                id: it.device.to_string(),
                name: it.name,
                user_id: user.id,
                user_name: user.name,
                state: state(it.state),
                since_millis: it.since.0,
                is_self: it.device == self.info.device,
            })
        };
        devices.into_iter().map(show).collect()
    }
}

/// The best kind of match that there is: the whole name before a beginning of an id.
fn one_of(text: &str, devices: Vec<RosterDevice>) -> Answer<DeviceId> {
    let (folded, beginning) = (text.to_lowercase(), spell(text));
    let kinds: [&dyn Fn(&RosterDevice) -> bool; 3] =
        [&|device| device.name == text, &|device| device.name.to_lowercase() == folded, &|device| {
            device.device.to_string().starts_with(&beginning)
        }];
    let found = kinds.iter().map(|fits| devices.iter().filter(|it| fits(it)).collect::<Vec<_>>());
    match found.into_iter().find(|found| !found.is_empty()).as_deref() {
        Some([only]) => Ok(only.device),
        Some(several) => {
            let message = format!("{text:?} could be any of {} devices: give more of the id", several.len());
            let nearest = several.iter().map(|it| format!("{} {}", it.device, it.name)).collect();
            let error = ApiError::conflict("ambiguous_device", message);
            Err(error.with_field("device").with_nearest(nearest).into())
        }
        None => {
            let message =
                format!("no such device is there as {text:?}: `assist device list` shows those there are");
            Err(ApiError::not_found("no_such_device", message).with_field("device").into())
        }
    }
}

fn waits(device: &RosterDevice) -> bool {
    device.state == ask::DeviceState::Waiting
}

const fn is_let_in(state: ask::DeviceState) -> bool {
    matches!(state, ask::DeviceState::Online | ask::DeviceState::Offline)
}

const fn state(state: ask::DeviceState) -> DeviceState {
    match state {
        ask::DeviceState::Online => DeviceState::Online,
        ask::DeviceState::Offline => DeviceState::Offline,
        ask::DeviceState::Waiting => DeviceState::Waiting,
        ask::DeviceState::Revoked => DeviceState::Revoked,
    }
}

/// Windows that are looked through for a device: 20,000 devices, beyond any project, whatever a server says.
const WINDOWS_MAX: usize = 100;
