//! What members ask of the server: who is in the project, and who is to be.
//!
//! **Invariant:** every ask reads the asker's place on the roster anew; what a session was allowed at its beginning
//! counts for nothing. What the asker may not know of is answered as what is not there.

use assist_crdt_model::{Role, UnixMillis};

use super::ServerHub;
use super::roster::member_for;
use crate::hub::action::LinkId;
use crate::limits;
use crate::store::{Audience, Device, ServerStore, StoreResult, User};
use crate::wire::ask::{
    Answer, Ask, AskCode, AskRefused, ListMembers, MemberWindow, Request, Response, RosterMember, Who,
};
use crate::wire::{PeerMessage, RefusedCode};

/// Who asks, as the roster has them at this moment.
pub(super) struct Asker {
    #[expect(dead_code, reason = "asks about one's own devices come next")]
    pub(super) device: Device,
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
        let device = session.device;
        let Some(asker) = asker(device, store)? else {
            self.refuse(link, RefusedCode::Device, "this device is no member: join with a new code");
            return Ok(());
        };
        let outcome = self.carry_out_ask(now, &asker, ask.request, store)?.into();
        self.send(link, &PeerMessage::Answer(Answer { id: ask.id, outcome }));
        Ok(())
    }

    fn carry_out_ask(
        &mut self,
        _now: UnixMillis,
        asker: &Asker,
        request: Request,
        store: &mut dyn ServerStore,
    ) -> Asked {
        match request {
            Request::Members(list) => list_members(asker, &list, store),
            _ => Ok(Err(AskRefused::new(AskCode::Unavailable, "this server cannot do that yet: update it"))),
        }
    }
}

impl Asker {
    #[expect(dead_code, reason = "the asks of admins come next")]
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
fn asker(device: assist_crdt_model::DeviceId, store: &dyn ServerStore) -> StoreResult<Option<Asker>> {
    let Some(device) = store.device(&device)?.filter(|device| !device.is_revoked) else { return Ok(None) };
    Ok(store.user(device.user)?.map(|user| Asker { device, user }))
}

/// The person that an asker means, if the roster has them.
#[expect(dead_code, reason = "the asks about one person come next")]
pub(super) fn user_of(who: &Who, store: &dyn ServerStore) -> StoreResult<Option<User>> {
    match who {
        Who::User(user) => store.user(*user),
        Who::Email(email) => match super::enrolment::fold_email(email) {
            Some(email) => store.user_by_email(&email),
            None => Ok(None),
        },
    }
}

fn list_members(asker: &Asker, list: &ListMembers, store: &dyn ServerStore) -> Asked {
    if !asker.is_team() {
        return Ok(Err(AskRefused::new(AskCode::NotAllowed, "only the team sees who is in the project")));
    }
    let limit = window(list.limit);
    let users: Vec<User> =
        store.users()?.into_iter().filter(|user| Some(user.user) > list.after).take(limit + 1).collect();
    let has_more = users.len() > limit;
    let mut members = Vec::new();
    for user in users.into_iter().take(limit) {
        let devices = store.devices()?;
        let devices = devices.iter().filter(|device| device.user == user.user && !device.is_revoked).count();
        members.push(RosterMember {
            member: member_for(&user, asker.audience(), user.user == asker.user.user),
            joined_at: user.joined_at,
            devices: u32::try_from(devices).unwrap_or(u32::MAX),
            waiting: 0,
        });
    }
    Ok(Ok(Response::Members(MemberWindow { members, has_more })))
}

/// How many entries an answer may have.
fn window(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX).clamp(1, limits::ROSTER_WINDOW_MAX)
}
