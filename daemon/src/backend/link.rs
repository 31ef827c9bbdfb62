//! `link.open`: what a link offers, and confirming a device by the one in a mail.
//!
//! Whoever opens a link did not write it: it can use up a code that was mailed, and nothing else. **Invariant:** a link
//! never makes this device join a project that its person has not asked to join on it.

use assist_crdt_model::DeviceId;
use assist_proto::address::Address;
use assist_proto::api::ApiError;
use assist_proto::api::link::{LinkOutcome, Open, Opened};
use assist_proto::api::project::Confirmed;
use assist_proto::hub::{Command, Reply};
use assist_proto::link::Link;

use super::LocalBackend;
use super::errors::{Answer, Failure, invalid};
use super::project::given;
use crate::api_server::Handle;
use crate::driver::Chain;
use crate::store::DeviceReads as _;

impl Handle<Open> for LocalBackend {
    async fn handle(&self, params: Open) -> Result<Opened, ApiError> {
        let link: Link = params.link.parse().map_err(|error| invalid("bad_link", "link", Chain(&error)))?;
        Ok(match link {
            Link::Project(address) => self.open_project(&address)?,
            Link::Confirm { address, device, code } if device == self.info.device => {
                self.open_own(address, code).await?
            }
            Link::Confirm { address, device, code } => {
                self.open_other(address, device, code, given(params.check)).await?
            }
        })
    }
}

impl LocalBackend {
    fn open_project(&self, address: &Address) -> Answer<Opened> {
        let reader = self.reader()?;
        let joined = match address.project() {
            Some(project) if reader.membership(&project)?.is_some() => Some(self.joined(project)?),
            _ => None,
        };
        let outcome = if joined.is_some() { LinkOutcome::AlreadyJoined } else { LinkOutcome::NotJoined };
        let name = joined.as_ref().map(|project| project.name.clone());
        let is_elsewhere = joined.as_ref().is_some_and(|joined| {
            address.hosts().iter().any(|host| !joined.addresses.contains(&host.to_string()))
        });
        Ok(Opened { joined, name, is_elsewhere, ..opened(outcome, address) })
    }

    /// The mail was asked for on this device: where, is known from then and not from the link.
    async fn open_own(&self, address: Address, code: String) -> Answer<Opened> {
        let project = address.project().ok_or_else(no_project)?;
        let confirm = Command::Confirm { project, code: Some(code) };
        let Confirmed { joined, waiting } = self.confirmed(self.command(confirm).await?)?;
        let outcome = if joined.is_some() { LinkOutcome::Joined } else { LinkOutcome::Waiting };
        let names = (joined.as_ref().map(|it| it.name.clone()), waiting.as_ref().map(|it| it.name.clone()));
        Ok(Opened { name: names.0.or(names.1), joined, waiting, ..opened(outcome, &address) })
    }

    async fn open_other(
        &self,
        address: Address,
        device: DeviceId,
        code: String,
        check: Option<String>,
    ) -> Answer<Opened> {
        let check = check.ok_or_else(check_needed)?;
        let confirm = Command::ConfirmOther { address: address.clone(), device, code, check };
        let Reply::Confirmed(confirmed) = self.command(confirm).await? else {
            return Err(Failure::unforeseen("a code for another device was answered with something else"));
        };
        let outcome = if confirmed.is_waiting { LinkOutcome::OtherWaiting } else { LinkOutcome::OtherJoined };
        Ok(Opened { name: Some(confirmed.project_name), ..opened(outcome, &address) })
    }
}

fn opened(outcome: LinkOutcome, address: &Address) -> Opened {
    let project = address.project().map(|project| project.to_string());
    let address = address.to_string();
    Opened { outcome, project, name: None, address, joined: None, waiting: None, is_elsewhere: false }
}

fn no_project() -> Failure {
    invalid("bad_link", "link", "the link names no project")
}

fn check_needed() -> Failure {
    let message =
        "another device had this mail sent: type the four characters that it shows, to let that device in";
    ApiError::invalid_params("check_needed", message).with_field("check").into()
}
