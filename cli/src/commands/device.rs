//! `device`: one's own installations and those that would be; for admins everybody's.

use assist_proto::api::device::{Approve, Device, DeviceState, List, Reject, Rename, Revoke};
use assist_proto::api::limits;

use super::word;
use crate::args::DeviceVerb;
use crate::error::CliError;
use crate::invocation::Invocation;
use crate::output::{Cell, Row, Times, Tone, exact};

/// Does what was asked for.
pub(crate) fn run(verb: DeviceVerb, invocation: &mut Invocation) -> Result<(), CliError> {
    let project = invocation.project.clone();
    match verb {
        DeviceVerb::List { all, member } => {
            let own = || Some("me".to_owned());
            list(if all { None } else { member.or_else(own) }, invocation)
        }
        DeviceVerb::Rename { name, device } => {
            invocation.carry_out(&Rename { project, device, name }, "renamed")
        }
        DeviceVerb::Revoke { device } => {
            invocation.carry_out(&Revoke { project, device }, "shut out; what was written on it stays")
        }
        DeviceVerb::Approve { device } => invocation
            .carry_out(&Approve { project, device }, "let in: `assist project confirm` there ends it"),
        DeviceVerb::Reject { device } => invocation.carry_out(&Reject { project, device }, "turned away"),
    }
}

fn list(member: Option<String>, invocation: &mut Invocation) -> Result<(), CliError> {
    invocation.output.check_fields::<Device>()?;
    let mut devices: Vec<Device> = Vec::new();
    let mut cursor = None;
    loop {
        let (project, member) = (invocation.project.clone(), member.clone());
        let page = invocation.call(&List { project, member, cursor, limit: Some(limits::PAGE_ROWS_MAX) })?;
        devices.extend(page.devices);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    // What waits for somebody comes first.
    let key = |device: &Device| {
        let waits = device.state == DeviceState::Waiting;
        (!waits, device.user_name.clone(), device.name.clone(), device.id.clone())
    };
    devices.sort_by_key(key);
    invocation.output.rows(&devices)
}

impl Row for Device {
    const HEADS: &'static [&'static str] = &["device", "name", "of", "state", "since"];
    const FLEXIBLE: usize = 1;

    fn cells(&self, times: &Times) -> Vec<Cell> {
        let name = if self.is_self { format!("{} (this one)", self.name) } else { self.name.clone() };
        let tone = match self.state {
            DeviceState::Online => Tone::Good,
            DeviceState::Waiting => Tone::Notable,
            DeviceState::Revoked => Tone::Bad,
            DeviceState::Offline | DeviceState::Unknown => Tone::Plain,
        };
        vec![
            Cell::dim(self.id.get(..ID_CHARS_SHOWN).unwrap_or(&self.id)),
            Cell::new(name, Tone::Strong),
            Cell::plain(&self.user_name),
            Cell::new(word(&self.state), tone),
            Cell::plain(times.relative(self.since_millis)),
        ]
    }

    fn values(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.name.clone(),
            self.user_id.clone(),
            self.user_name.clone(),
            word(&self.state),
            exact(self.since_millis),
            self.is_self.to_string(),
        ]
    }
}

/// Enough of a device's id to name it.
const ID_CHARS_SHOWN: usize = 8;
