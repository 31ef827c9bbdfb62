//! Who may have a blob, and who may bring one. Never touches its bytes.
//!
//! **Invariant:** a blob is read through a document that the asker may see, that names it, and through which its whole
//! content once came. To know a hash is not to have the right: who names a hash of somebody else's blob still has to
//! bring the bytes. What is absent and what is forbidden are answered alike.

use assist_crdt_model::{DeviceId, DocId, ProjectId, UnixMillis, UserId};

use super::ServerHub;
use super::asks::{Asker, asker};
use crate::hub::action::{Action, BlobAnswer, BlobAsk, CallId};
use crate::limits;
use crate::store::{ServerStore, StoreResult};
use crate::wire::PeerMessage;
use crate::wire::blob::{BlobCode, BlobPlace, BlobRefused, BlobsHere};

impl ServerHub {
    pub(super) fn handle_blob_ask(
        &mut self,
        now: UnixMillis,
        call: CallId,
        peer: DeviceId,
        ask: BlobAsk,
        store: &mut dyn ServerStore,
    ) -> StoreResult<()> {
        let answer = match (asker(peer, store)?, ask) {
            (None, _) => BlobAnswer::Refused(BlobRefused::new(BlobCode::Absent)),
            (Some(asker), BlobAsk::Fetch { project, place }) => {
                self.answer_fetch(project, place, &asker, store)?
            }
            (Some(asker), BlobAsk::Store { project, place, size_bytes, missing_bytes }) => {
                if !self.is_named_for(project, place, Some(size_bytes), &asker, store)? {
                    BlobAnswer::Refused(BlobRefused::new(BlobCode::Absent))
                } else if size_bytes > self.blob_bytes_max {
                    BlobAnswer::Refused(BlobRefused::new(BlobCode::TooLarge))
                } else if self.holds_for(place, &asker, store)? {
                    self.note_blob(place, store)?;
                    BlobAnswer::Held
                } else {
                    self.meter_blob(now, (peer, asker.user.user), missing_bytes)
                }
            }
            (Some(asker), BlobAsk::Stored { project, place }) => {
                if self.is_named_for(project, place, None, &asker, store)? {
                    self.note_blob(place, store)?;
                    BlobAnswer::Held
                } else {
                    BlobAnswer::Refused(BlobRefused::new(BlobCode::Absent))
                }
            }
        };
        self.actions.push(Action::BlobAnswer { call, answer });
        Ok(())
    }

    fn answer_fetch(
        &mut self,
        project: ProjectId,
        place: BlobPlace,
        asker: &Asker,
        store: &dyn ServerStore,
    ) -> StoreResult<BlobAnswer> {
        let is_there = self.is_named_for(project, place, None, asker, store)? && store.has_blob(place)?;
        let absent = BlobAnswer::Refused(BlobRefused::new(BlobCode::Absent));
        Ok(if is_there { BlobAnswer::Granted } else { absent })
    }

    /// Whether the document names the blob, with this size if one is given, and the asker may see the document.
    fn is_named_for(
        &mut self,
        project: ProjectId,
        place: BlobPlace,
        size_bytes: Option<u64>,
        asker: &Asker,
        store: &dyn ServerStore,
    ) -> StoreResult<bool> {
        if project != self.project.project
            || place.doc == DocId::Project
            || !self.may_see(place.doc, asker.audience(), store)?
        {
            return Ok(false);
        }
        let named = self.load_doc(place.doc, store)?.attachments();
        let fits = |size: u64| size_bytes.is_none_or(|said| said == size);
        Ok(named.iter().any(|it| it.blob == place.blob && fits(it.size_bytes)))
    }

    /// Whether the asker can read the blob already, through this document or another: then it need not come again.
    fn holds_for(&mut self, place: BlobPlace, asker: &Asker, store: &dyn ServerStore) -> StoreResult<bool> {
        if store.has_blob(place)? {
            return Ok(true);
        }
        for doc in store.docs_of_blob(&place.blob, limits::BLOB_DOCS_MAX)? {
            if self.is_named_for(self.project.project, BlobPlace { doc, ..place }, None, asker, store)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn meter_blob(&mut self, now: UnixMillis, who: (DeviceId, UserId), missing_bytes: u64) -> BlobAnswer {
        if !self.disk.has_room_for(missing_bytes) {
            let wait_millis = Some(limits::DISK_FULL_WAIT_MILLIS);
            return BlobAnswer::Refused(BlobRefused { code: BlobCode::Full, wait_millis });
        }
        match self.quotas.spend_blob(now, who, missing_bytes) {
            Ok(()) => {
                self.disk.let_in(missing_bytes);
                BlobAnswer::Granted
            }
            Err(wait_millis) => {
                BlobAnswer::Refused(BlobRefused { code: BlobCode::Quota, wait_millis: Some(wait_millis) })
            }
        }
    }

    /// The content came through this document: from now on whoever may see it may have it, and is told.
    fn note_blob(&mut self, place: BlobPlace, store: &mut dyn ServerStore) -> StoreResult<()> {
        if store.has_blob(place)? {
            return Ok(());
        }
        store.put_blob(place)?;
        let news = PeerMessage::BlobsHere(BlobsHere { doc: place.doc, blobs: vec![place.blob] });
        let sessions: Vec<_> = self.by_audience.iter().copied().collect();
        for (audience, link) in sessions {
            let is_reading = self.session(link).is_some_and(|session| session.has_room());
            if is_reading && self.may_see(place.doc, audience, store)? {
                self.send(link, &news);
            }
        }
        Ok(())
    }
}
