//! What this device's user keeps for themselves: remembered here at once, told to the server when it can be, and heard
//! of the user's other devices.

use assist_crdt_model::{DocId, ProjectId};

use super::super::action::{Action, Cause, Notice};
use super::{CommandError, DeviceHub, Reply};
use crate::limits;
use crate::store::{DeviceStore, Kept, KeptAll, StoreResult};
use crate::wire::PeerMessage;
use crate::wire::kept::{Keep, KeptNews};

impl DeviceHub {
    /// The user wants something kept, or no longer.
    pub(super) fn keep(
        &mut self,
        id: ProjectId,
        wished: Kept,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<Result<Reply, CommandError>> {
        if !self.projects.contains_key(&id) {
            return Ok(Err(CommandError::NotJoined));
        }
        if let Kept::Follow(follow) = &wished
            && store.row(&id, follow.ticket)?.is_none()
        {
            return Ok(Err(CommandError::NoSuchTicket));
        }
        let here: KeptAll = store.kept(&id)?.into_iter().chain(store.pending_kept(&id)?).collect();
        if here.says(&wished) {
            return Ok(Ok(Reply::Done));
        }
        if !wished.is_bounded() || !here.has_room(&wished) {
            return Ok(Err(CommandError::TooMuchKept));
        }
        store.put_pending_kept(&id, &wished)?;
        self.notify_kept(id, &wished, Cause::Local);
        if self.is_online(&id) {
            self.tell_wishes(id, vec![wished]);
        }
        Ok(Ok(Reply::Done))
    }

    /// Tells the server all that it has not confirmed; once in a session, for the rest goes as it comes.
    pub(super) fn tell_pending_kept(&mut self, id: ProjectId, store: &dyn DeviceStore) -> StoreResult<()> {
        let pending = store.pending_kept(&id)?;
        self.tell_wishes(id, pending);
        Ok(())
    }

    fn tell_wishes(&mut self, id: ProjectId, wished: Vec<Kept>) {
        let Some(link) = self.projects.get(&id).and_then(|project| project.link()) else { return };
        for kept in wished.chunks(limits::KEPT_PER_FRAME_MAX) {
            self.send(link, &PeerMessage::Keep(Keep { kept: kept.to_vec() }));
        }
    }

    /// The server has started another log: it may have lost what it had confirmed. It is told again.
    pub(super) fn doubt_kept(&mut self, id: ProjectId, store: &mut dyn DeviceStore) -> StoreResult<()> {
        let pending = store.pending_kept(&id)?;
        for kept in store.kept(&id)? {
            if !pending.iter().any(|newer| newer.key() == kept.key()) {
                store.put_pending_kept(&id, &kept)?;
            }
        }
        Ok(())
    }

    /// The server tells what it keeps for this user.
    pub(super) fn handle_kept(
        &mut self,
        id: ProjectId,
        news: KeptNews,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        let Some(project) = self.projects.get_mut(&id) else { return Ok(()) };
        project.sync.kept_version = news.version;
        store.put_sync_state(&id, &project.sync)?;
        if news.is_whole {
            for kept in store.kept(&id)? {
                store.remove_kept(&id, &kept.key())?;
            }
        }
        let pending = store.pending_kept(&id)?;
        for kept in news.kept.into_iter().filter(Kept::is_bounded) {
            if kept.is_removal() {
                store.remove_kept(&id, &kept.key())?;
            } else {
                store.put_kept(&id, &kept)?;
            }
            if !news.is_whole && pending.contains(&kept) {
                store.remove_pending_kept(&id, &kept.key())?;
            }
            self.notify_kept(id, &kept, Cause::Remote);
        }
        Ok(())
    }

    fn notify_kept(&mut self, id: ProjectId, kept: &Kept, cause: Cause) {
        match kept {
            Kept::Follow(follow) => self.notify_ticket(id, DocId::Ticket(follow.ticket), cause, None),
            Kept::View(_) | Kept::Mails(_) => {
                self.actions.push(Action::Notify(Notice::ProjectChanged { project: id }))
            }
        }
    }
}
