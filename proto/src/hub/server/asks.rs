//! What members ask of the server: who is in the project, and who is to be.
//!
//! **Invariant:** every ask reads the asker's place on the roster anew; what a session was allowed at its beginning
//! counts for nothing. What the asker may not know of is answered as what is not there.

use assist_crdt_model::{DeviceId, Role, UnixMillis};

use super::{ServerHub, admissions};
use crate::hub::action::{Action, LinkId};
use crate::limits;
use crate::store::{Audience, ServerStore, StoreResult, User};
use crate::wire::ask::{Answer, Ask, AskCode, AskRefused, Outcome, Request, Response};
use crate::wire::health::Health;
use crate::wire::{PeerMessage, RefusedCode};

/// Who asks, as the roster has them at this moment.
pub(super) struct Asker {
    pub(super) device: DeviceId,
    pub(super) user: User,
}

/// What came of an ask, unless the store failed.
pub(super) type Asked = StoreResult<Result<Response, AskRefused>>;

impl ServerHub {
    pub(super) fn handle_ask(
        &mut self,
        now: UnixMillis,
        link: LinkId,
        ask: Ask,
        store: &mut dyn ServerStore,
    ) -> StoreResult<()> {
        let Some(session) = self.session(link) else { return Ok(()) };
        if !session.has_room() {
            self.refuse(link, RefusedCode::Protocol, "whoever asks must read the answers");
            return Ok(());
        }
        let (device, user) = (session.device, session.user);
        let Some(asker) = asker(device, store)? else {
            self.refuse(link, RefusedCode::Device, "this device is no member: join with a new code");
            return Ok(());
        };
        let outcome = match self.quotas.spend_ask(now, (device, user)) {
            // What the hub cannot know is found out first.
            Ok(()) if matches!(ask.request, Request::Health) && asker.is_admin() => {
                self.actions.push(Action::TellHealth { link, ask: ask.id });
                return Ok(());
            }
            Ok(()) => self.carry_out_ask(now, &asker, ask.request, store)?.into(),
            Err(wait_millis) => Outcome::Refused(too_many(wait_millis)),
        };
        self.send(link, &PeerMessage::Answer(Answer { id: ask.id, outcome }));
        self.end_departed(link);
        Ok(())
    }

    /// Answers an admin who asked how the server fares, if they still are one.
    pub(super) fn answer_health(
        &mut self,
        link: LinkId,
        id: u32,
        health: Option<Box<Health>>,
        store: &dyn ServerStore,
    ) -> StoreResult<()> {
        let Some(device) = self.session(link).map(|session| session.device) else { return Ok(()) };
        let is_admin = asker(device, store)?.is_some_and(|asker| asker.is_admin());
        let answer = match health {
            _ if !is_admin => Err(no_such_thing()),
            Some(health) => Ok(Response::Health(health)),
            None => Err(AskRefused::new(AskCode::Unavailable, "the server cannot say that now: ask again")),
        };
        self.send(link, &PeerMessage::Answer(Answer { id, outcome: answer.into() }));
        Ok(())
    }

    fn carry_out_ask(
        &mut self,
        now: UnixMillis,
        asker: &Asker,
        request: Request,
        store: &mut dyn ServerStore,
    ) -> Asked {
        match request {
            Request::Members(list) => Self::list_members(asker, &list, store),
            Request::Devices(list) => self.list_devices(now, asker, &list, store),
            Request::Invitations => Self::list_invitations(now, asker, store),
            Request::Invite(invitation) => self.make_invitation(now, asker, invitation, store),
            Request::Uninvite(email) => self.take_back_invitations(asker, &email, store),
            Request::SetRole(set) => self.set_role(asker, &set, store),
            Request::RemoveMember(who) => self.remove_member(now, asker, &who, store),
            Request::Rename(name) => self.rename(asker, &name, store),
            Request::RenameDevice(rename) => Self::rename_device(asker, &rename, store),
            Request::RevokeDevice(device) => self.revoke_device(asker, device, store),
            Request::ApproveDevice(device) => self.approve_device(now, asker, device, store),
            Request::RejectDevice(device) => self.reject_device(now, asker, device, store),
            Request::TicketMembers(ticket) => Self::list_ticket_members(asker, ticket, store),
            Request::ShareTicket(share) => self.share_ticket(now, asker, share, store),
            Request::UnshareTicket(share) => self.unshare_ticket(asker, &share, store),
            Request::ReadLog(read) if asker.is_admin() => {
                Ok(Ok(Response::Log(Box::new(admissions::window(&read, store)?))))
            }
            Request::ReadLog(_) | Request::Health => Ok(Err(no_such_thing())),
        }
    }
}

impl Asker {
    pub(super) const fn is_admin(&self) -> bool {
        matches!(self.user.role, Role::Admin)
    }

    pub(super) const fn is_team(&self) -> bool {
        self.user.role.is_team()
    }

    pub(super) const fn audience(&self) -> Audience {
        Audience::new(self.user.user, self.user.role)
    }
}

/// The roster's word on a device, `None` if it is not let in.
pub(super) fn asker(device: DeviceId, store: &dyn ServerStore) -> StoreResult<Option<Asker>> {
    let Some(known) = store.device(&device)?.filter(|device| !device.is_revoked) else { return Ok(None) };
    Ok(store.user(known.user)?.filter(User::is_member).map(|user| Asker { device, user }))
}

/// The same for what is not there and for what is an admin's.
fn no_such_thing() -> AskRefused {
    AskRefused::new(AskCode::NotFound, "there is no such thing, or it is for admins alone")
}

fn too_many(wait_millis: u64) -> AskRefused {
    let reason =
        format!("too much was asked in a short time: ask again in {} s", wait_millis.div_ceil(1_000));
    AskRefused::new(AskCode::Limit, reason)
}

/// How many entries an answer may have.
pub(super) fn window(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX).clamp(1, limits::ROSTER_WINDOW_MAX)
}
