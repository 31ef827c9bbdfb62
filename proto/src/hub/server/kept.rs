//! What users keep for themselves: taken from one of their devices, told to all of them, and to nobody else.

use assist_crdt_model::{UnixMillis, UserId};

use super::{Phase, ServerHub};
use crate::hub::action::LinkId;
use crate::store::{Kept, KeptAll, ServerStore, StoreResult};
use crate::wire::kept::KeptNews;
use crate::wire::{Hello, PeerMessage};

impl ServerHub {
    /// A device says what is to be kept. What is too much is passed over: it is said again.
    pub(super) fn handle_keep(
        &mut self,
        now: UnixMillis,
        link: LinkId,
        wished: Vec<Kept>,
        store: &mut dyn ServerStore,
    ) -> StoreResult<()> {
        let Some(session) = self.session(link) else { return Ok(()) };
        let (device, user) = (session.device, session.user);
        let (mut version, mut all) = store.kept(user)?;
        let (mut taken, mut changed) = (Vec::new(), Vec::new());
        for kept in wished {
            if !kept.is_bounded() || !all.has_room(&kept) {
                continue;
            }
            if self.quotas.spend_read(now, (device, user)).is_err() {
                break;
            }
            if !all.says(&kept) {
                version += 1;
                store.put_kept(user, version, &kept)?;
                all.put(kept.clone());
                changed.push(kept.clone());
            }
            taken.push(kept);
        }
        for other in self.links_of(user) {
            let kept = if other == link { taken.clone() } else { changed.clone() };
            if !kept.is_empty() {
                self.send(other, &PeerMessage::Kept(KeptNews { version, is_whole: false, kept }));
            }
        }
        Ok(())
    }

    /// Brings a device that has just greeted up to date, unless it is.
    pub(super) fn tell_kept(
        &mut self,
        link: LinkId,
        user: UserId,
        hello: &Hello,
        store: &dyn ServerStore,
    ) -> StoreResult<()> {
        let known = if hello.log == Some(self.project.log) { hello.kept_version } else { 0 };
        let (version, all): (u64, KeptAll) = store.kept(user)?;
        if version != known {
            let kept = all.iter().cloned().collect();
            self.send(link, &PeerMessage::Kept(KeptNews { version, is_whole: true, kept }));
        }
        Ok(())
    }

    fn links_of(&self, user: UserId) -> Vec<LinkId> {
        let is_theirs = |phase: &Phase| matches!(phase, Phase::Ready(session) if session.user == user);
        let theirs = self.links.iter().filter(|(_, link)| is_theirs(&link.phase));
        theirs.map(|(id, _)| *id).collect()
    }
}
