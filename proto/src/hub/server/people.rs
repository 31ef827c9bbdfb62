//! What members ask about people: who is in the project, who is to be, in which role, and who is no longer.
//!
//! **Invariant:** a project that a person administers never ends up with none: the last admin stays one. The server
//! itself is an admin too, but asks of nobody and is changed by nobody.

use assist_crdt_model::{Role, UnixMillis};

use super::asks::{Asked, Asker, window};
use super::devices::Departure;
use super::enrolment::{fold_email, is_name};
use super::roster::member_for;
use super::{AdminError, ServerHub, server_user};
use crate::admission::{By, Event};
use crate::limits;
use crate::store::{Device, Invite, ServerStore, StoreResult, User};
use crate::wire::ask::{
    AskCode, AskRefused, ListMembers, MakeInvitation, MemberWindow, OpenInvitation, Response, RosterMember,
    SetRole, Who,
};

impl ServerHub {
    pub(super) fn list_members(asker: &Asker, list: &ListMembers, store: &dyn ServerStore) -> Asked {
        if !asker.is_team() {
            return Ok(Err(AskRefused::new(AskCode::NotAllowed, "only the team sees who is in the project")));
        }
        let limit = window(list.limit);
        let users = store.users()?.into_iter();
        let mut users: Vec<User> =
            users.filter(|user| user.is_member() && Some(user.user) > list.after).take(limit + 1).collect();
        let has_more = users.len() > limit;
        users.truncate(limit);
        let devices = store.devices()?;
        let waiting = store.waiting_devices()?;
        let waits = |user: &User| waiting.iter().filter(|waiting| waiting.user == user.user).count();
        let count = |user: &User| devices.iter().filter(|device| is_let_in(device, user)).count();
        let members = users.iter().map(|user| RosterMember {
            member: member_for(user, asker.audience(), user.user == asker.user.user),
            joined_at: user.joined_at,
            devices: u32::try_from(count(user)).unwrap_or(u32::MAX),
            waiting: u32::try_from(waits(user)).unwrap_or(u32::MAX),
        });
        Ok(Ok(Response::Members(MemberWindow { members: members.collect(), has_more })))
    }

    pub(super) fn list_invitations(now: UnixMillis, asker: &Asker, store: &dyn ServerStore) -> Asked {
        if !asker.is_admin() {
            return Ok(Err(for_admins()));
        }
        let open = store.invites()?.into_iter().filter(|invite| now < invite.expires_at);
        let open = open.take(limits::INVITATIONS_OPEN_MAX).map(|invite| OpenInvitation {
            role: invite.role,
            email: invite.email,
            name: invite.name,
            expires_at: invite.expires_at,
        });
        Ok(Ok(Response::Invitations(open.collect())))
    }

    pub(super) fn make_invitation(
        &mut self,
        now: UnixMillis,
        asker: &Asker,
        invitation: MakeInvitation,
        store: &mut dyn ServerStore,
    ) -> Asked {
        if !asker.is_admin() {
            return Ok(Err(for_admins()));
        }
        let MakeInvitation { role, email, name } = invitation;
        let invited = self.invite(now, role, email, name, store)?;
        if invited.is_ok() {
            self.note(Event::Invited { role }, Some(By::asker(asker)));
        }
        Ok(invited
            .map(Response::Invited)
            .map_err(|error| AskRefused::new(code_of(&error), error.to_string())))
    }

    pub(super) fn take_back_invitations(
        &mut self,
        asker: &Asker,
        email: &str,
        store: &mut dyn ServerStore,
    ) -> Asked {
        if !asker.is_admin() {
            return Ok(Err(for_admins()));
        }
        let email = fold_email(email);
        let meant = |invite: &Invite| email.is_some() && invite.email == email;
        let open: Vec<Invite> = store.invites()?.into_iter().filter(meant).collect();
        if open.is_empty() {
            return Ok(Err(AskRefused::new(AskCode::NotFound, "no invitation is open for that address")));
        }
        for invite in &open {
            store.remove_invite(&invite.code_hash)?;
        }
        self.note(Event::Uninvited { count: open.len() as u64 }, Some(By::asker(asker)));
        Ok(Ok(Response::Done))
    }

    pub(super) fn set_role(&mut self, asker: &Asker, set: &SetRole, store: &mut dyn ServerStore) -> Asked {
        let user = match self.to_be_changed(asker, &set.who, store)? {
            Ok(user) => user,
            Err(refused) => return Ok(Err(refused)),
        };
        if user.role == set.role {
            return Ok(Ok(Response::Done));
        }
        if self.is_last_admin(&user, store)? {
            return Ok(Err(last_admin()));
        }
        let user = User { role: set.role, ..user };
        self.put_user(&user, store)?;
        self.note_role(&user);
        self.introduce_role(&user);
        self.note(Event::RoleGiven { user: user.user, role: user.role }, Some(By::asker(asker)));
        // A session knows what its user was: the next one knows better, and brings the new certificate.
        for device in devices_of(&user, store)? {
            self.departures.push((device.device, Departure::OtherRole));
        }
        Ok(Ok(Response::Done))
    }

    pub(super) fn remove_member(
        &mut self,
        now: UnixMillis,
        asker: &Asker,
        who: &Who,
        store: &mut dyn ServerStore,
    ) -> Asked {
        let user = match self.to_be_changed(asker, who, store)? {
            Ok(user) => user,
            Err(refused) => return Ok(Err(refused)),
        };
        if self.is_last_admin(&user, store)? {
            return Ok(Err(last_admin()));
        }
        for device in devices_of(&user, store)? {
            self.shut_out(By::asker(asker), device, store)?;
        }
        for waiting in store.waiting_devices()?.into_iter().filter(|waiting| waiting.user == user.user) {
            store.remove_waiting_device(&waiting.device)?;
        }
        if let Some(email) = &user.email {
            for invite in store.invites()?.into_iter().filter(|invite| invite.email.as_ref() == Some(email)) {
                store.remove_invite(&invite.code_hash)?;
            }
        }
        self.end_shares_of(user.user, store)?;
        store.remove_all_kept(user.user)?;
        store.remove_away(user.user)?;
        let removed_at_millis = Some(now.0);
        self.note(Event::Removed { user: user.user }, Some(By::asker(asker)));
        let user = User { email: None, role: Role::Customer, removed_at_millis, ..user };
        self.put_user(&user, store)?;
        Ok(Ok(Response::Done))
    }

    pub(super) fn rename(&mut self, asker: &Asker, name: &str, store: &mut dyn ServerStore) -> Asked {
        let name = name.trim();
        if !is_name(name) {
            return Ok(Err(AskRefused::new(AskCode::BadValue, AdminError::BadName.to_string())));
        }
        let user = User { name: name.to_owned(), ..asker.user.clone() };
        self.put_user(&user, store)?;
        self.introduce_again(&user);
        Ok(Ok(Response::Done))
    }

    /// Tells whether nobody else could administer the project if this person did not: an admin without a device
    /// that is let in could not.
    pub(super) fn is_last_admin(&self, user: &User, store: &dyn ServerStore) -> StoreResult<bool> {
        if user.role != Role::Admin {
            return Ok(false);
        }
        let node = server_user(&self.node());
        let devices = store.devices()?;
        let is_able = |other: &User| {
            let is_other = other.user != user.user && other.user != node;
            is_other && other.role == Role::Admin && devices.iter().any(|device| is_let_in(device, other))
        };
        Ok(!store.users()?.iter().any(is_able))
    }

    /// The person whom an admin is about to change.
    fn to_be_changed(
        &self,
        asker: &Asker,
        who: &Who,
        store: &dyn ServerStore,
    ) -> StoreResult<Result<User, AskRefused>> {
        if !asker.is_admin() {
            return Ok(Err(for_admins()));
        }
        Ok(match user_of(who, store)? {
            Some(user) if user.user == server_user(&self.node()) => {
                Err(AskRefused::new(AskCode::Conflict, "the server itself stays an admin of its project"))
            }
            Some(user) => Ok(user),
            None => Err(no_such_person()),
        })
    }
}

/// The person that an asker means, if they are in the project.
pub(super) fn user_of(who: &Who, store: &dyn ServerStore) -> StoreResult<Option<User>> {
    let user = match who {
        Who::User(user) => store.user(*user)?,
        Who::Email(email) => match fold_email(email) {
            Some(email) => store.user_by_email(&email)?,
            None => None,
        },
    };
    Ok(user.filter(User::is_member))
}

pub(super) fn is_let_in(device: &Device, user: &User) -> bool {
    device.user == user.user && !device.is_revoked
}

fn devices_of(user: &User, store: &dyn ServerStore) -> StoreResult<Vec<Device>> {
    Ok(store.devices()?.into_iter().filter(|device| is_let_in(device, user)).collect())
}

pub(super) fn no_such_person() -> AskRefused {
    AskRefused::new(AskCode::NotFound, "there is no such person in the project")
}

fn for_admins() -> AskRefused {
    AskRefused::new(AskCode::NotAllowed, "only an admin may do that")
}

pub(super) fn last_admin() -> AskRefused {
    let reason = "nobody else could administer the project: make somebody an admin first";
    AskRefused::new(AskCode::Conflict, reason)
}

const fn code_of(error: &AdminError) -> AskCode {
    match error {
        AdminError::BadEmail(_) | AdminError::BadName => AskCode::BadValue,
        AdminError::OtherRole { .. } => AskCode::Conflict,
        AdminError::TooManyInvitations => AskCode::Limit,
    }
}
