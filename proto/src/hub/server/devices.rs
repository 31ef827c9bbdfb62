//! What members ask about devices: which there are, what they are called, and which may no longer come in.
//!
//! One's own are one's own to rule; an admin rules everybody's. Whose device somebody else's is, nobody is told.

use assist_crdt_model::{DeviceId, UnixMillis, UserId};

use super::ServerHub;
use super::asks::{Asked, Asker, window};
use super::enrolment::is_name;
use super::people::{is_let_in, last_admin, user_of};
use crate::admission::{By, Event, Proof};
use crate::certificate::DeviceCertificate;
use crate::hub::action::{Action, LinkId};
use crate::limits;
use crate::store::{Device, ServerStore, StoreResult, User, WaitingDevice};
use crate::wire::ask::{
    AskCode, AskRefused, DeviceState, DeviceWindow, ListDevices, RenameDevice, Response, RosterDevice,
};
use crate::wire::join::DeviceNews;
use crate::wire::{PeerMessage, RefusedCode, codec};

/// Why a device's session ends.
#[derive(Debug, Clone, Copy)]
pub(super) enum Departure {
    /// It is a member's no longer.
    ShutOut,
    /// Its user has another role.
    OtherRole,
}

impl ServerHub {
    pub(super) fn list_devices(
        &self,
        now: UnixMillis,
        asker: &Asker,
        list: &ListDevices,
        store: &dyn ServerStore,
    ) -> Asked {
        let of = match &list.of {
            None if asker.is_admin() => None,
            None => Some(asker.user.user),
            Some(who) => match user_of(who, store)? {
                Some(user) if asker.is_admin() || user.user == asker.user.user => Some(user.user),
                _ => return Ok(Err(super::people::no_such_person())),
            },
        };
        let limit = window(list.limit);
        let is_shown = |device: DeviceId, owner: UserId| {
            of.is_none_or(|user| owner == user) && Some(device) > list.after
        };
        let let_in = store.devices()?.into_iter().filter(|device| is_shown(device.device, device.user));
        let let_in = let_in.take(limit + 1).map(|device| self.roster_device(device, store));
        let mut devices = let_in.collect::<StoreResult<Vec<_>>>()?;
        let waiting = self.waiting_now(now, store)?.into_iter();
        let waiting = waiting.filter(|waiting| is_shown(waiting.device, waiting.user)).map(waiting_device);
        // One that was shut out and waits to come back is shown as it is now.
        for waiting in waiting {
            devices.retain(|device| device.device != waiting.device);
            devices.push(waiting);
        }
        devices.sort_by_key(|device| device.device);
        let has_more = devices.len() > limit;
        devices.truncate(limit);
        Ok(Ok(Response::Devices(DeviceWindow { devices, has_more })))
    }

    pub(super) fn rename_device(asker: &Asker, rename: &RenameDevice, store: &mut dyn ServerStore) -> Asked {
        // A name is a person's word for their own thing: not even an admin has another for it.
        let device = store.device(&rename.device)?.filter(|device| is_let_in(device, &asker.user));
        let Some(device) = device else { return Ok(Err(no_such_device())) };
        let name = rename.name.trim();
        if !is_name(name) {
            let reason = super::AdminError::BadName.to_string();
            return Ok(Err(AskRefused::new(AskCode::BadValue, reason)));
        }
        store.put_device(&Device { name: name.to_owned(), ..device })?;
        Ok(Ok(Response::Done))
    }

    pub(super) fn revoke_device(
        &mut self,
        asker: &Asker,
        device: DeviceId,
        store: &mut dyn ServerStore,
    ) -> Asked {
        let Some(device) = store.device(&device)?.filter(|device| may_rule(asker, device)) else {
            return Ok(Err(no_such_device()));
        };
        if device.device == self.node() {
            return Ok(Err(AskRefused::new(AskCode::Conflict, "the server itself cannot be shut out")));
        }
        if device.is_revoked {
            return Ok(Ok(Response::Done));
        }
        if let Some(user) = store.user(device.user)?
            && store.devices()?.iter().filter(|other| is_let_in(other, &user)).count() == 1
            && self.is_last_admin(&user, store)?
        {
            return Ok(Err(last_admin()));
        }
        self.shut_out(By::asker(asker), device, store)?;
        Ok(Ok(Response::Done))
    }

    pub(super) fn approve_device(
        &mut self,
        now: UnixMillis,
        asker: &Asker,
        device: DeviceId,
        store: &mut dyn ServerStore,
    ) -> Asked {
        let Some(waiting) = self.waiting_for(now, asker, device, store)? else {
            return Ok(Err(no_such_waiting()));
        };
        store.remove_waiting_device(&device)?;
        let Some(user) = store.user(waiting.user)?.filter(User::is_member) else {
            return Ok(Err(no_such_waiting()));
        };
        let device = self.put_device(now, device, &user, &waiting.name, store)?;
        self.note_enrolled(&device, &user, Proof::Approval, By::asker(asker));
        let news = self.roster_device(device, store)?;
        self.tell_own_devices(&user, news, store)?;
        Ok(Ok(Response::Done))
    }

    pub(super) fn reject_device(
        &mut self,
        now: UnixMillis,
        asker: &Asker,
        device: DeviceId,
        store: &mut dyn ServerStore,
    ) -> Asked {
        let Some(waiting) = self.waiting_for(now, asker, device, store)? else {
            return Ok(Err(no_such_waiting()));
        };
        store.remove_waiting_device(&device)?;
        self.note(Event::TurnedAway { device, user: waiting.user }, Some(By::asker(asker)));
        Ok(Ok(Response::Done))
    }

    /// The device that waits, if the asker may let it in.
    fn waiting_for(
        &self,
        now: UnixMillis,
        asker: &Asker,
        device: DeviceId,
        store: &dyn ServerStore,
    ) -> StoreResult<Option<WaitingDevice>> {
        let waiting = store.waiting_device(&device)?.filter(|waiting| is_waiting(now, waiting));
        Ok(waiting.filter(|waiting| asker.is_admin() || waiting.user == asker.user.user))
    }

    /// The devices that wait and may still be let in.
    pub(super) fn waiting_now(
        &self,
        now: UnixMillis,
        store: &dyn ServerStore,
    ) -> StoreResult<Vec<WaitingDevice>> {
        Ok(store.waiting_devices()?.into_iter().filter(|waiting| is_waiting(now, waiting)).collect())
    }

    /// Tells the person's other devices of one that is new or waits.
    pub(super) fn tell_own_devices(
        &mut self,
        user: &User,
        news: RosterDevice,
        store: &dyn ServerStore,
    ) -> StoreResult<()> {
        let own = store.devices()?.into_iter().filter(|device| is_let_in(device, user));
        for device in own.filter(|device| device.device != news.device) {
            if let Some(link) = self.by_device.get(&device.device).copied() {
                self.send(link, &PeerMessage::DeviceNews(DeviceNews { devices: vec![news.clone()] }));
            }
        }
        Ok(())
    }

    /// Tells a device that has just come which others of its person wait.
    pub(super) fn tell_who_waits(
        &mut self,
        now: UnixMillis,
        link: LinkId,
        user: &User,
        store: &dyn ServerStore,
    ) -> StoreResult<()> {
        let waiting = self.waiting_now(now, store)?.into_iter().filter(|waiting| waiting.user == user.user);
        let devices: Vec<RosterDevice> = waiting.map(waiting_device).collect();
        if !devices.is_empty() {
            self.send(link, &PeerMessage::DeviceNews(DeviceNews { devices }));
        }
        Ok(())
    }

    /// Takes a device off the roster, for good: its key comes back only by enrolling again.
    pub(super) fn shut_out(
        &mut self,
        by: By,
        device: Device,
        store: &mut dyn ServerStore,
    ) -> StoreResult<()> {
        self.note(Event::ShutOut { device: device.device, user: device.user }, Some(by));
        self.departures.push((device.device, Departure::ShutOut));
        store.put_device(&Device { is_revoked: true, ..device })
    }

    /// Ends the sessions of those whose place on the roster is another now. Whoever asked for it was answered last.
    pub(super) fn end_departed(&mut self, asker: LinkId) {
        for (device, departure) in std::mem::take(&mut self.departures) {
            let Some(link) = self.by_device.get(&device).copied() else { continue };
            match departure {
                Departure::ShutOut => {
                    self.take_back_sends(link, link == asker);
                    self.refuse(link, RefusedCode::Device, "this device was removed from the project");
                }
                Departure::OtherRole => self.close(link, "the role changed: a new session knows it"),
            }
        }
    }

    /// Tells a device that is shut out nothing of what the same turn had for it before; its own answer excepted.
    fn take_back_sends(&mut self, link: LinkId, is_asker: bool) {
        let is_to_it = |action: &Action| matches!(action, Action::Send { link: to, .. } if *to == link);
        let answer = self.actions.iter().rposition(is_to_it).filter(|_| is_asker);
        let mut at = 0;
        self.actions.retain(|action| {
            let is_kept = !is_to_it(action) || answer == Some(at);
            at += 1;
            is_kept
        });
    }

    pub(super) fn roster_device(&self, device: Device, store: &dyn ServerStore) -> StoreResult<RosterDevice> {
        // Certificates are renewed; the first one was issued at the enrolment.
        let first = store.certificate(&device.device, 1)?;
        let first: Option<DeviceCertificate> =
            first.and_then(|signed| codec::decode("device certificate", &signed.payload).ok());
        let state = match (device.is_revoked, self.by_device.contains_key(&device.device)) {
            (true, _) => DeviceState::Revoked,
            (false, true) => DeviceState::Online,
            (false, false) => DeviceState::Offline,
        };
        Ok(RosterDevice {
            device: device.device,
            user: device.user,
            name: device.name,
            since: first.map_or(device.issued_at, |first| first.issued_at),
            state,
        })
    }
}

fn may_rule(asker: &Asker, device: &Device) -> bool {
    asker.is_admin() || device.user == asker.user.user
}

const fn is_waiting(now: UnixMillis, waiting: &WaitingDevice) -> bool {
    now.0 < waiting.since.0.saturating_add(limits::WAITING_LIFETIME_MILLIS)
}

pub(super) fn waiting_device(waiting: WaitingDevice) -> RosterDevice {
    let WaitingDevice { device, user, name, since } = waiting;
    RosterDevice { device, user, name, since, state: DeviceState::Waiting }
}

fn no_such_waiting() -> AskRefused {
    AskRefused::new(AskCode::NotFound, "no such device waits to be let in")
}

/// One answer for a device that is not there and for one that is not the asker's.
pub(super) fn no_such_device() -> AskRefused {
    AskRefused::new(AskCode::NotFound, "there is no such device")
}
