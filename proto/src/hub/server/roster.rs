//! Who is in the project: what the operator asks, certificates, and introducing people to peers.

use std::collections::BTreeSet;

use assist_crdt_model::{DeviceId, Role, UnixMillis, UserId};

use super::admissions;
use super::enrolment::{code_hash, fold_email, is_name};
use super::{ServerHub, server_user};
use crate::admission::Event;
use crate::certificate::{DeviceCertificate, Signed};
use crate::hub::action::LinkId;
use crate::limits;
use crate::store::{Audience, Device, Invite, Seq, ServerStore, StoreResult, User};
use crate::wire::admission::{LogWindow, ReadLog};
use crate::wire::ask::Invited;
use crate::wire::{Introduce, Member, PeerMessage, codec};

/// What an operator or admin asks of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminCommand {
    /// Make a one-time code.
    Invite {
        /// As what.
        role: Role,
        /// Only for this person; an existing user gets a further device.
        email: Option<String>,
        /// What they will be called.
        name: Option<String>,
    },
    /// Tell which devices are connected now.
    Sessions,
    /// Show a part of the admission log.
    ReadLog(ReadLog),
    /// Write down that a backup was made.
    BackedUp {
        /// The newest place of the log in it.
        head: Seq,
    },
}

/// What it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminReply {
    /// The code, shown once and stored nowhere.
    Invited {
        /// Eight characters, in two groups.
        code: String,
        /// After this it is worth nothing.
        expires_at: UnixMillis,
    },
    /// Who is connected.
    Sessions {
        /// The moment of which this is true.
        now: UnixMillis,
        /// The devices.
        devices: BTreeSet<DeviceId>,
    },
    /// A part of the admission log.
    Log(Box<LogWindow>),
    /// It is written down.
    Noted,
}

/// Why it does not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdminError {
    /// Not an email address.
    #[error("{0:?} is not an email address")]
    BadEmail(String),
    /// Not a name.
    #[error("a name has 1 to {} characters and no control characters", limits::NAME_CHARS_MAX)]
    BadName,
    /// As many invitations are open as may be.
    #[error(
        "{} invitations are open already: take some back, or wait until they are used",
        limits::INVITATIONS_OPEN_MAX
    )]
    TooManyInvitations,
    /// The person is in the project in another role.
    #[error("{email} is in the project already, as {role}")]
    OtherRole {
        /// The person.
        email: String,
        /// Their role.
        role: Role,
    },
}

impl ServerHub {
    pub(super) fn handle_admin(
        &mut self,
        now: UnixMillis,
        command: AdminCommand,
        store: &mut dyn ServerStore,
    ) -> StoreResult<Result<AdminReply, AdminError>> {
        match command {
            AdminCommand::Invite { role, email, name } => {
                let invited = self.invite(now, role, email, name, store)?;
                if invited.is_ok() {
                    self.note(Event::Invited { role }, None);
                }
                Ok(invited.map(|Invited { code, expires_at }| AdminReply::Invited { code, expires_at }))
            }
            AdminCommand::Sessions => {
                Ok(Ok(AdminReply::Sessions { now, devices: self.by_device.keys().copied().collect() }))
            }
            AdminCommand::ReadLog(read) => {
                Ok(Ok(AdminReply::Log(Box::new(admissions::window(&read, store)?))))
            }
            AdminCommand::BackedUp { head } => {
                self.note(Event::BackedUp { head }, None);
                Ok(Ok(AdminReply::Noted))
            }
        }
    }

    pub(super) fn invite(
        &mut self,
        now: UnixMillis,
        role: Role,
        email: Option<String>,
        name: Option<String>,
        store: &mut dyn ServerStore,
    ) -> StoreResult<Result<Invited, AdminError>> {
        if name.as_deref().is_some_and(|name| !is_name(name)) {
            return Ok(Err(AdminError::BadName));
        }
        let email = match email.map(|email| fold_email(&email).ok_or(AdminError::BadEmail(email))).transpose()
        {
            Ok(email) => email,
            Err(error) => return Ok(Err(error)),
        };
        if let Some(email) = &email
            && let Some(user) = store.user_by_email(email)?
            && user.role != role
        {
            return Ok(Err(AdminError::OtherRole { email: email.clone(), role: user.role }));
        }
        if self.open_invitations(now, store)? >= limits::INVITATIONS_OPEN_MAX {
            return Ok(Err(AdminError::TooManyInvitations));
        }
        let code = assist_crdt_model::base32().encode(&self.dice.bytes::<5>());
        let expires_at = UnixMillis(now.0 + limits::INVITE_LIFETIME_MILLIS);
        let code_hash = code_hash(&self.project.project, &code);
        store.put_invite(&Invite { code_hash, role, email, name, expires_at })?;
        let (left, right) = code.split_at(limits::CODE_CHARS / 2);
        Ok(Ok(Invited { code: format!("{left}-{right}"), expires_at }))
    }

    /// Counts the open invitations, and forgets those that nobody used in time.
    fn open_invitations(&self, now: UnixMillis, store: &mut dyn ServerStore) -> StoreResult<usize> {
        let (open, late): (Vec<Invite>, Vec<Invite>) =
            store.invites()?.into_iter().partition(|invite| now < invite.expires_at);
        for invite in late {
            store.remove_invite(&invite.code_hash)?;
        }
        Ok(open.len())
    }

    /// Signs the claim that a device is a user's, in the user's present role.
    pub(super) fn certify(&self, now: UnixMillis, device: DeviceId, user: &User, serial: u32) -> Signed {
        let certificate = DeviceCertificate {
            project: self.project.project,
            user: user.user,
            role: user.role,
            device,
            serial,
            issued_at: now,
            not_after: UnixMillis(now.0 + limits::CERTIFICATE_LIFETIME_MILLIS),
        };
        Signed::sign(&self.key, &certificate)
    }

    /// The device with a certificate that holds for at least half of a lifetime, and for the user's present role.
    pub(super) fn renewed(
        &self,
        now: UnixMillis,
        device: Device,
        user: &User,
        store: &mut dyn ServerStore,
    ) -> StoreResult<Device> {
        let is_fresh = now.0 < device.issued_at.0 + limits::CERTIFICATE_LIFETIME_MILLIS / 2;
        let claim: Result<DeviceCertificate, _> =
            codec::decode("device certificate", &device.certificate.payload);
        if is_fresh && claim.is_ok_and(|claim| claim.role == user.role) {
            return Ok(device);
        }
        let serial = device.serial + 1;
        let certificate = self.certify(now, device.device, user, serial);
        // Two certificates under one serial would be two answers to who wrote something.
        let restored_serial = self.recovering_since(now).map(|_| device.first_lost_serial());
        let restored_serial = restored_serial.or(device.restored_serial);
        let device = Device { serial, certificate, issued_at: now, restored_serial, ..device };
        store.put_device(&device)?;
        Ok(device)
    }

    /// Tells a name that is another now to everybody who was told the one before.
    pub(super) fn introduce_again(&mut self, user: &User) {
        self.introduce_again_to(self.by_device.values().copied().collect(), user);
    }

    /// Tells the team of a role that is another now. Whose role it is learns it from their next session.
    pub(super) fn introduce_role(&mut self, user: &User) {
        let mut links = self.links_to(Audience::Team);
        links.retain(|link| self.session(*link).is_some_and(|session| session.user != user.user));
        self.introduce_again_to(links, user);
    }

    fn introduce_again_to(&mut self, links: Vec<LinkId>, user: &User) {
        for link in links {
            let Some(session) = self.session(link) else { continue };
            if !session.introduced_users.contains(&user.user) {
                continue;
            }
            let is_self = session.audience == Audience::Customer(user.user);
            let members = vec![member_for(user, session.audience, is_self)];
            self.send(link, &PeerMessage::Introduce(Introduce { members, ..Introduce::default() }));
        }
    }

    /// Notes on the roster that devices were there now.
    pub(super) fn write_last_seen(&mut self, store: &mut dyn ServerStore) -> StoreResult<()> {
        for device in std::mem::take(&mut self.seen) {
            if let Some(device) = store.device(&device)?.filter(|it| it.last_seen_at < Some(self.now)) {
                store.put_device(&Device { last_seen_at: Some(self.now), ..device })?;
            }
        }
        Ok(())
    }

    /// Tells a device who it is, and the team who is in it, whether they ever wrote something or not: work is given to
    /// people. Whoever of them is here is told of the newcomer.
    pub(super) fn introduce_newcomer(
        &mut self,
        link: LinkId,
        user: &User,
        store: &dyn ServerStore,
    ) -> StoreResult<()> {
        let Some(session) = self.session(link) else { return Ok(()) };
        session.introduced_users.insert(user.user);
        let audience = session.audience;
        let mut members = vec![member_for(user, audience, true)];
        if audience == Audience::Team {
            let mut others = self.team(store)?.clone();
            let Some(session) = self.session(link) else { return Ok(()) };
            others.retain(|other| session.introduced_users.insert(*other));
            for other in others {
                members.extend(store.user(other)?.map(|other| member_for(&other, audience, false)));
            }
        }
        for members in members.chunks(limits::INTRODUCED_MAX) {
            let members = members.to_vec();
            self.send(link, &PeerMessage::Introduce(Introduce { members, ..Introduce::default() }));
        }
        if audience == Audience::Team {
            for link in self.links_to(audience) {
                self.introduce_users(link, audience, BTreeSet::from([user.user]), store)?;
            }
        }
        Ok(())
    }

    /// The people of the team; the server itself is none.
    fn team(&mut self, store: &dyn ServerStore) -> StoreResult<&BTreeSet<UserId>> {
        let team = match self.team.take() {
            Some(team) => team,
            None => {
                store.users()?.iter().filter(|user| self.is_of_team(user)).map(|user| user.user).collect()
            }
        };
        Ok(self.team.insert(team))
    }

    fn is_of_team(&self, user: &User) -> bool {
        user.is_member() && user.role.is_team() && user.user != server_user(&self.node())
    }

    /// Puts somebody on the roster, or what is another now.
    pub(super) fn put_user(&mut self, user: &User, store: &mut dyn ServerStore) -> StoreResult<()> {
        let is_of_team = self.is_of_team(user);
        if let Some(team) = &mut self.team {
            match is_of_team {
                true => team.insert(user.user),
                false => team.remove(&user.user),
            };
        }
        store.put_user(user)
    }

    /// The sessions of an audience.
    pub(super) fn links_to(&self, audience: Audience) -> Vec<LinkId> {
        let sessions = (audience, LinkId(0))..=(audience, LinkId(u64::MAX));
        self.by_audience.range(sessions).map(|(_, link)| *link).collect()
    }
}

/// A person as the audience may know them: emails are for the team and the person.
pub(super) fn member_for(user: &User, audience: Audience, is_self: bool) -> Member {
    let email = if audience == Audience::Team || is_self { user.email.clone() } else { None };
    Member { user: user.user, name: user.name.clone(), role: user.role, email }
}
