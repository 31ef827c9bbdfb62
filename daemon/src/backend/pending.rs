//! Joining by email: `project.request`, `project.pending`, `project.confirm`.

use assist_crdt_model::DeviceId;
use assist_proto::address::Address;
use assist_proto::api::ApiError;
use assist_proto::api::project::{Confirm, Confirmed, ListPending, PendingJoin, PendingJoins, Request};
use assist_proto::hub::{Command, Reply};
use assist_proto::store;

use super::LocalBackend;
use super::errors::{Answer, Failure, invalid, of_address};
use super::project::{given, machine_name};
use super::reference::{self, spell};
use crate::api_server::Handle;
use crate::store::{DeviceReads as _, Reader};

impl Handle<Request> for LocalBackend {
    async fn handle(&self, params: Request) -> Result<PendingJoin, ApiError> {
        match self.command(request_command(params)?).await? {
            Reply::CodeSent(pending) => Ok(show(self.info.device, pending)),
            _ => Err(Failure::unforeseen("a request for a code was answered with something else").into()),
        }
    }
}

impl Handle<ListPending> for LocalBackend {
    async fn handle(&self, _params: ListPending) -> Result<PendingJoins, ApiError> {
        let pending = self.reader()?.pending_joins().map_err(Failure::from)?;
        Ok(PendingJoins { joins: pending.into_iter().map(|join| show(self.info.device, join)).collect() })
    }
}

impl Handle<Confirm> for LocalBackend {
    async fn handle(&self, params: Confirm) -> Result<Confirmed, ApiError> {
        let project = find(&self.reader()?, params.project.as_deref())?.project;
        let command = Command::Confirm { project, code: given(params.code) };
        Ok(self.confirmed(self.command(command).await?)?)
    }
}

impl LocalBackend {
    /// What came of a code that was shown for this device.
    pub(super) fn confirmed(&self, reply: Reply) -> Answer<Confirmed> {
        match reply {
            Reply::Joined(project) => Ok(Confirmed { joined: Some(self.joined(project)?), waiting: None }),
            Reply::Waiting(pending) => {
                Ok(Confirmed { joined: None, waiting: Some(show(self.info.device, pending)) })
            }
            _ => Err(Failure::unforeseen("a code was answered with something else")),
        }
    }
}

/// Finds the pending join that is meant; without a reference, the only one there is.
pub(super) fn find(reader: &Reader, reference: Option<&str>) -> Answer<store::PendingJoin> {
    let mut pending = reader.pending_joins()?;
    if let Some(reference) = reference.map(str::trim) {
        let (folded, beginning) = (reference.to_lowercase(), spell(reference));
        let is_whole = |join: &store::PendingJoin| {
            join.project.to_string() == beginning || join.name.to_lowercase() == folded
        };
        let begins = |join: &store::PendingJoin| {
            join.project.to_string().starts_with(&beginning) || join.name.to_lowercase().starts_with(&folded)
        };
        let has_whole = pending.iter().any(is_whole);
        pending.retain(|join| !reference.is_empty() && if has_whole { is_whole(join) } else { begins(join) });
    }
    match (pending.pop(), pending.is_empty()) {
        (Some(only), true) => Ok(only),
        (None, _) => {
            let message = match reference {
                // What is joined already needs no code: whoever confirms twice is told so.
                Some(_) if reference::project(reader, reference).is_ok() => {
                    return Err(ApiError::conflict("already_joined", "that project is joined already").into());
                }
                _ => {
                    "no code was asked for: `assist project join <address> --email <address>` has one mailed"
                }
            };
            Err(ApiError::not_found("no_pending_join", message).with_field("project").into())
        }
        (Some(last), false) => {
            pending.push(last);
            let message = format!("codes were asked for in {} projects: say which is meant", pending.len());
            let label = |join: &store::PendingJoin| {
                let id = join.project.to_string();
                format!("{} ({})", join.name, &id[..reference::SHORT_CHARS])
            };
            let error = ApiError::conflict("ambiguous_project", message);
            Err(error.with_field("project").with_nearest(pending.iter().map(label).collect()).into())
        }
    }
}

fn request_command(params: Request) -> Answer<Command> {
    let address: Address = params.address.parse().map_err(of_address)?;
    let Some(email) = given(Some(params.email)) else {
        return Err(invalid("text_empty", "email", "the email address is empty"));
    };
    Ok(Command::RequestCode {
        address,
        email,
        name: given(params.name),
        device_name: given(params.device_name).unwrap_or_else(machine_name),
    })
}

fn show(device: DeviceId, pending: store::PendingJoin) -> PendingJoin {
    PendingJoin {
        project: pending.project.to_string(),
        name: pending.name,
        email: pending.email,
        device: device.to_string(),
        device_name: pending.device_name,
        check: pending.check,
        asked_at_millis: pending.asked_at.0,
        is_waiting: pending.is_waiting,
    }
}
