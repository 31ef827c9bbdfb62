//! Becoming a member by email: a code goes to an address, and whoever shows it on the device that asked is let in.
//!
//! **Invariant:** until a code is shown, nothing is done that depends on whose the address is: nobody is looked up, so
//! neither the bytes of an answer nor the time that it takes can tell.
//! **Invariant:** an email proves an address, never a role: what an agent or admin may do is given by an admin, or by
//! a device that has it already.

use std::collections::{BTreeMap, VecDeque};

use assist_crdt_model::{DeviceId, ProjectId, Role, UnixMillis, UserId, base32};
use subtle::ConstantTimeEq as _;

use super::ServerHub;
use super::devices::waiting_device;
use super::enrolment::{fold_email, is_name, spelled};
use crate::admission::{By, Proof};
use crate::hub::action::{Action, LinkId};
use crate::limits;
use crate::mail::{Letter, Mail};
use crate::store::{Device, Invite, MailedCode, ServerStore, StoreResult, User, WaitingDevice};
use crate::wire::join::{CodeSent, Confirm, Confirmed, OtherDevice, RequestCode, Waiting};
use crate::wire::{PeerMessage, RefusedCode};

/// What was mailed within the last day: memory alone, because nobody but the operator can make a server forget it.
/// Bounded by what a server mails in a day.
#[derive(Default)]
pub(super) struct MailedLately {
    by_address: BTreeMap<String, VecDeque<UnixMillis>>,
    by_device: BTreeMap<DeviceId, VecDeque<UnixMillis>>,
    all: VecDeque<UnixMillis>,
    swept_at: UnixMillis,
}

impl MailedLately {
    /// Takes one mail of what may be mailed, if that much is left; else says why not.
    pub(super) fn take(
        &mut self,
        now: UnixMillis,
        device: DeviceId,
        email: &str,
    ) -> Result<(), &'static str> {
        self.sweep(now);
        let lately = |times: Option<&VecDeque<UnixMillis>>, span: u64| {
            times.map_or(0, |times| times.iter().filter(|at| now.0 < at.0.saturating_add(span)).count())
        };
        let to_address = self.by_address.get(email);
        if lately(Some(&self.all), MINUTE_MILLIS) >= limits::MAILED_CODES_PER_MINUTE_MAX {
            return Err("the server mails as many codes as it may: try again in a minute");
        }
        if lately(self.by_device.get(&device), HOUR_MILLIS) >= limits::MAILED_CODES_PER_DEVICE_MAX {
            return Err("too many codes were mailed for this device: wait an hour");
        }
        if lately(to_address, limits::MAILED_CODE_LIFETIME_MILLIS) >= limits::MAILED_CODES_PER_ADDRESS_MAX {
            return Err("too many codes were mailed to that address: wait ten minutes");
        }
        if lately(to_address, DAY_MILLIS) >= limits::MAILED_CODES_PER_ADDRESS_A_DAY_MAX {
            return Err("too many codes were mailed to that address: wait a day");
        }
        self.by_address.entry(email.to_owned()).or_default().push_back(now);
        self.by_device.entry(device).or_default().push_back(now);
        self.all.push_back(now);
        Ok(())
    }

    /// Forgets, once a minute, what counts no longer.
    fn sweep(&mut self, now: UnixMillis) {
        if now.0 < self.swept_at.0.saturating_add(MINUTE_MILLIS) {
            return;
        }
        self.swept_at = now;
        let keep = |times: &mut VecDeque<UnixMillis>, span: u64| {
            times.retain(|at| now.0 < at.0.saturating_add(span));
            !times.is_empty()
        };
        self.by_address.retain(|_, times| keep(times, DAY_MILLIS));
        self.by_device.retain(|_, times| keep(times, HOUR_MILLIS));
        keep(&mut self.all, MINUTE_MILLIS);
    }
}

/// How far a device with a right code has come.
enum Standing {
    In(Box<(Device, User)>),
    Waits,
}

impl ServerHub {
    pub(super) fn request_code(
        &mut self,
        now: UnixMillis,
        link: LinkId,
        request: &RequestCode,
        store: &mut dyn ServerStore,
    ) -> StoreResult<()> {
        if !self.is_served(link, request.version, request.project) {
            return Ok(());
        }
        if !self.has_mail {
            let reason = "this server sends no mail: ask its operator for an invitation code";
            self.refuse(link, RefusedCode::Unavailable, reason);
            return Ok(());
        }
        let Some(email) = fold_email(&request.email) else {
            self.refuse(link, RefusedCode::Identity, "that is not an email address");
            return Ok(());
        };
        let device = self.links[&link].peer;
        if let Err(reason) = self.mailed.take(now, device, &email) {
            self.refuse(link, RefusedCode::TooMany, reason);
            return Ok(());
        }
        forget_expired(now, store)?;
        let code = base32().encode(&self.dice.bytes::<5>());
        let check: String =
            base32().encode(&self.dice.bytes::<5>()).chars().take(limits::CHECK_CHARS).collect();
        let expires_at = UnixMillis(now.0 + limits::MAILED_CODE_LIFETIME_MILLIS);
        let device_name = device_name(&request.device_name);
        store.put_mailed_code(&MailedCode {
            device,
            email: email.clone(),
            name: request.name.as_deref().map(str::trim).filter(|name| is_name(name)).map(str::to_owned),
            device_name: device_name.clone(),
            code_hash: hash(CODE_CONTEXT, &self.project.project, &device, &code),
            check_hash: hash(CHECK_CONTEXT, &self.project.project, &device, &check),
            tries: 0,
            expires_at,
        })?;
        let letter = Letter::Code { device, device_name, code, expires_at };
        self.mail(now, email, letter);
        let project_name = self.project.name.clone();
        let sent = CodeSent { project: self.project.project, project_name, check, expires_at };
        self.send(link, &PeerMessage::CodeSent(sent));
        Ok(())
    }

    pub(super) fn confirm(
        &mut self,
        now: UnixMillis,
        link: LinkId,
        confirm: &Confirm,
        store: &mut dyn ServerStore,
    ) -> StoreResult<()> {
        if !self.is_served(link, confirm.version, Some(confirm.project)) {
            return Ok(());
        }
        // Wrong codes are counted with the code that they are tried on, in the store: who has none mailed has nothing to
        // guess at, and uses up nobody else's tries.
        let peer = self.links[&link].peer;
        match confirm.other.as_ref().filter(|other| other.device != peer) {
            Some(other) => self.confirm_other(now, link, other, confirm.code.as_deref(), store),
            None => self.confirm_own(now, link, confirm.code.as_deref(), store),
        }
    }

    fn confirm_own(
        &mut self,
        now: UnixMillis,
        link: LinkId,
        code: Option<&str>,
        store: &mut dyn ServerStore,
    ) -> StoreResult<()> {
        let peer = self.links[&link].peer;
        // The answer may have been lost after the code was used: the same device may simply ask again.
        if let Some(device) = store.device(&peer)?.filter(|device| !device.is_revoked)
            && let Some(user) = store.user(device.user)?
        {
            self.welcome_member(link, &device, &user);
            return Ok(());
        }
        let proven = match code {
            Some(code) => self.prove(now, peer, code, None, store)?,
            None => None,
        };
        let standing = match proven {
            Some(mailed) => self.let_in(now, &mailed, store)?,
            None if self.waiting_now(now, store)?.iter().any(|waiting| waiting.device == peer) => {
                Standing::Waits
            }
            None => {
                self.refuse_code(link);
                return Ok(());
            }
        };
        match standing {
            Standing::In(member) => self.welcome_member(link, &member.0, &member.1),
            Standing::Waits => {
                let project_name = self.project.name.clone();
                self.send(link, &PeerMessage::Waiting(Waiting { project_name }));
            }
        }
        Ok(())
    }

    /// Somebody opened the mailed link on another device, and typed what the asking one shows.
    fn confirm_other(
        &mut self,
        now: UnixMillis,
        link: LinkId,
        other: &OtherDevice,
        code: Option<&str>,
        store: &mut dyn ServerStore,
    ) -> StoreResult<()> {
        let code = code.unwrap_or_default();
        match self.prove(now, other.device, code, Some(&other.check), store)? {
            Some(mailed) => {
                let is_waiting = matches!(self.let_in(now, &mailed, store)?, Standing::Waits);
                let project_name = self.project.name.clone();
                self.send(link, &PeerMessage::Confirmed(Confirmed { project_name, is_waiting }));
            }
            None => self.refuse_code(link),
        }
        Ok(())
    }

    fn refuse_code(&mut self, link: LinkId) {
        self.refuse(link, RefusedCode::Code, "the code is wrong, used or expired: have a new one mailed");
    }

    /// Uses the code of a device up if it is this one. What is compared is compared in the same time wherever it
    /// differs, and a wrong check costs a try like a wrong code.
    fn prove(
        &self,
        now: UnixMillis,
        device: DeviceId,
        code: &str,
        check: Option<&str>,
        store: &mut dyn ServerStore,
    ) -> StoreResult<Option<MailedCode>> {
        let project = &self.project.project;
        let Some(mailed) = store.mailed_code(&device)?.filter(|mailed| now < mailed.expires_at) else {
            return Ok(None);
        };
        let is_code = mailed.code_hash.ct_eq(&hash(CODE_CONTEXT, project, &device, code));
        let is_check = match check {
            Some(check) => mailed.check_hash.ct_eq(&hash(CHECK_CONTEXT, project, &device, check)),
            None => 1.into(),
        };
        if bool::from(is_code & is_check) {
            store.remove_mailed_code(&device)?;
            return Ok(Some(mailed));
        }
        let tries = mailed.tries + 1;
        if tries < limits::CODE_TRIES_MAX {
            store.put_mailed_code(&MailedCode { tries, ..mailed })?;
        } else {
            store.remove_mailed_code(&device)?;
        }
        Ok(None)
    }

    /// The address is proven: finds whose it is, and whether that is enough.
    fn let_in(
        &mut self,
        now: UnixMillis,
        mailed: &MailedCode,
        store: &mut dyn ServerStore,
    ) -> StoreResult<Standing> {
        let invite = open_invitation(now, &mailed.email, store)?;
        let user = match store.user_by_email(&mailed.email)? {
            Some(user) => {
                // An invitation of another time says nothing of the role that the person has now.
                let is_invited = invite.as_ref().is_some_and(|invite| invite.role == user.role);
                if user.role.is_team() && !is_invited {
                    self.let_wait(now, mailed, &user, store)?;
                    return Ok(Standing::Waits);
                }
                user
            }
            None => self.newcomer(now, mailed, invite.as_ref()),
        };
        if let Some(invite) = invite {
            store.remove_invite(&invite.code_hash)?;
        }
        let is_new = store.user(user.user)?.is_none();
        if is_new {
            self.put_user(&user, store)?;
            self.grant_waiting(&user, store)?;
        }
        let device = self.put_device(now, mailed.device, &user, &mailed.device_name, store)?;
        let by = By::member(mailed.device, user.user, user.role);
        self.note_enrolled(&device, &user, Proof::Mail, by);
        store.remove_waiting_device(&mailed.device)?;
        if !is_new {
            let news = self.roster_device(device.clone(), store)?;
            self.tell_own_devices(&user, news, store)?;
            self.mail_news(now, &user, &mailed.device_name, false);
        }
        Ok(Standing::In(Box::new((device, user))))
    }

    fn newcomer(&mut self, now: UnixMillis, mailed: &MailedCode, invite: Option<&Invite>) -> User {
        let invited_name = invite.and_then(|invite| invite.name.clone());
        let own_name = || {
            let local: String = mailed.email.chars().take_while(|c| *c != '@').collect();
            local.chars().take(limits::NAME_CHARS_MAX).collect()
        };
        User {
            user: UserId::from_bytes(self.dice.bytes()),
            name: invited_name.or_else(|| mailed.name.clone()).unwrap_or_else(own_name),
            email: Some(mailed.email.clone()),
            role: invite.map_or(Role::Customer, |invite| invite.role),
            joined_at: now,
            removed_at_millis: None,
        }
    }

    fn let_wait(
        &mut self,
        now: UnixMillis,
        mailed: &MailedCode,
        user: &User,
        store: &mut dyn ServerStore,
    ) -> StoreResult<()> {
        let mut before = store.waiting_devices()?;
        before.retain(|waiting| waiting.user == user.user && waiting.device != mailed.device);
        before.sort_by_key(|waiting| waiting.since);
        let excess = (before.len() + 1).saturating_sub(limits::WAITING_DEVICES_PER_USER_MAX);
        for oldest in before.iter().take(excess) {
            store.remove_waiting_device(&oldest.device)?;
        }
        let name = mailed.device_name.clone();
        let waiting = WaitingDevice { device: mailed.device, user: user.user, name, since: now };
        store.put_waiting_device(&waiting)?;
        self.tell_own_devices(user, waiting_device(waiting), store)?;
        self.mail_news(now, user, &mailed.device_name, true);
        Ok(())
    }

    fn mail_news(&mut self, now: UnixMillis, user: &User, device_name: &str, is_waiting: bool) {
        if let Some(email) = &user.email {
            let letter = Letter::NewDevice { device_name: device_name.to_owned(), is_waiting };
            self.mail(now, email.clone(), letter);
        }
    }

    fn mail(&mut self, now: UnixMillis, to: String, letter: Letter) {
        if self.has_mail {
            let (project, project_name) = (self.project.project, self.project.name.clone());
            self.actions.push(Action::Mail(Mail { to, project, project_name, written_at: now, letter }));
        }
    }
}

/// The open invitation that is bound to an address.
fn open_invitation(now: UnixMillis, email: &str, store: &dyn ServerStore) -> StoreResult<Option<Invite>> {
    let is_open = |invite: &Invite| invite.email.as_deref() == Some(email) && now < invite.expires_at;
    Ok(store.invites()?.into_iter().find(is_open))
}

/// Forgets codes that nobody used in time. There are never more than a server mails in their time.
fn forget_expired(now: UnixMillis, store: &mut dyn ServerStore) -> StoreResult<()> {
    for late in store.mailed_codes()?.into_iter().filter(|mailed| mailed.expires_at <= now) {
        store.remove_mailed_code(&late.device)?;
    }
    Ok(())
}

/// What a device is called that calls itself so.
fn device_name(name: &str) -> String {
    let name = name.trim();
    if is_name(name) { name.to_owned() } else { "device".to_owned() }
}

/// How a code or a check is stored: bound to the project and the device that asked, so that it is worth nothing
/// anywhere else.
fn hash(context: &str, project: &ProjectId, device: &DeviceId, text: &str) -> [u8; 32] {
    let key = blake3::derive_key(context, project.as_bytes());
    let input = [device.as_bytes(), spelled(text).as_bytes()].concat();
    *blake3::keyed_hash(&key, &input).as_bytes()
}

const CODE_CONTEXT: &str = "assist 2026 mailed code v1";
const CHECK_CONTEXT: &str = "assist 2026 mailed code check v1";
const MINUTE_MILLIS: u64 = 60_000;
const HOUR_MILLIS: u64 = 60 * MINUTE_MILLIS;
const DAY_MILLIS: u64 = 24 * HOUR_MILLIS;

#[cfg(test)]
mod tests;
