//! Which blob is sent or fetched next. Says what to do; the bytes are the driver's.
//!
//! What a person attached is sent once the server has the change that names it; what others attached is fetched when
//! a person asks, or unasked as far as the policy goes. A transfer that breaks, or that the server cannot serve yet,
//! rests and is begun again: nothing is given up but what no document names any more.

use std::collections::{BTreeMap, BTreeSet};

use assist_crdt_model::{Attachment, DocId, Edit, ProjectId, Status, UnixMillis};

use super::super::action::{Action, Notice, TransferId, TransferOrder, TransferOutcome};
use super::outbox::Outbox;
use super::{CommandError, Connection, DeviceHub, Reply};
use crate::limits;
use crate::store::{DeviceStore, Direction, StoreResult, Transfer, TransferCause};
use crate::wire::blob::{BlobCode, BlobPlace, BlobRefused, BlobsHere};

/// Names a transfer of one project.
type Key = (Direction, BlobPlace);

/// The transfers of one project: those that can be begun, in order, those that rest, and those under way.
#[derive(Default)]
pub(super) struct Transfers {
    all: BTreeMap<Key, State>,
    ready: BTreeSet<(Direction, TransferCause, BlobPlace)>,
    resting: BTreeSet<(UnixMillis, Direction, BlobPlace)>,
    running: BTreeMap<TransferId, Key>,
}

struct State {
    cause: TransferCause,
    size_bytes: u64,
    /// Tries in a row that came to nothing.
    tries: u32,
    /// Set while it rests.
    rests_until: Option<UnixMillis>,
    /// Set where the server told of it while it was under way: what it ends with may be older than that.
    has_news: bool,
}

impl Transfers {
    pub(super) fn load(project: &ProjectId, store: &dyn DeviceStore) -> StoreResult<Self> {
        let mut transfers = Self::default();
        for transfer in store.transfers(project)? {
            transfers.add(&transfer);
        }
        Ok(transfers)
    }

    /// Takes a transfer in; one that is known becomes as urgent as the more urgent of both, and rests no longer.
    fn add(&mut self, transfer: &Transfer) {
        let key = (transfer.direction, transfer.place);
        let known = self.all.get(&key).map_or(transfer.cause, |state| state.cause);
        if self.running.values().any(|running| *running == key) {
            return;
        }
        self.remove(key);
        let cause = known.min(transfer.cause);
        let size_bytes = transfer.size_bytes;
        let state = State { cause, size_bytes, tries: 0, rests_until: None, has_news: false };
        self.all.insert(key, state);
        self.ready.insert((key.0, cause, key.1));
    }

    fn remove(&mut self, key: Key) -> Option<State> {
        let state = self.all.remove(&key)?;
        self.ready.remove(&(key.0, state.cause, key.1));
        if let Some(until) = state.rests_until {
            self.resting.remove(&(until, key.0, key.1));
        }
        Some(state)
    }

    /// Puts a transfer aside until then, unless there was news of it meanwhile.
    fn rest(&mut self, key: Key, until: UnixMillis, tries: u32) {
        let Some(state) = self.remove(key) else { return };
        let rests_until = (!state.has_news).then_some(until);
        match rests_until {
            Some(until) => self.resting.insert((until, key.0, key.1)),
            None => self.ready.insert((key.0, state.cause, key.1)),
        };
        self.all.insert(key, State { tries, rests_until, has_news: false, ..state });
    }

    /// What a transfer asks for has come to the server: it rests no longer, nor once it ends.
    fn take_news(&mut self, key: Key) {
        let is_running = self.running.values().any(|running| *running == key);
        match self.all.get_mut(&key) {
            Some(state) if is_running => state.has_news = true,
            _ => self.wake(key),
        }
    }

    /// A transfer rests no longer.
    fn wake(&mut self, key: Key) {
        if self.all.get(&key).is_some_and(|state| state.rests_until.is_some())
            && let Some(state) = self.remove(key)
        {
            self.ready.insert((key.0, state.cause, key.1));
            self.all.insert(key, State { rests_until: None, ..state });
        }
    }

    fn wake_due(&mut self, now: UnixMillis) {
        while let Some((until, direction, place)) = self.resting.first().copied()
            && until <= now
        {
            self.wake((direction, place));
        }
    }

    /// The session ended: what was under way is begun again in the next, and so is what rested.
    pub(super) fn rewind(&mut self) {
        for key in std::mem::take(&mut self.running).into_values() {
            if let Some(state) = self.all.get(&key) {
                self.ready.insert((key.0, state.cause, key.1));
            }
        }
        while let Some((_, direction, place)) = self.resting.first().copied() {
            self.wake((direction, place));
        }
    }

    /// When the next one has rested enough.
    pub(super) fn until(&self) -> Option<UnixMillis> {
        self.resting.first().map(|(until, ..)| *until)
    }

    /// Whether there is room for what nobody asked for.
    pub(super) fn takes_unasked(&self) -> bool {
        self.all.len() < limits::TRANSFERS_MAX
    }

    fn has_room(&self, direction: Direction) -> bool {
        let most = match direction {
            Direction::Send => limits::BLOB_SENDS_MAX,
            Direction::Fetch => limits::BLOB_FETCHES_MAX,
        };
        self.running.values().filter(|(running, _)| *running == direction).count() < most
    }

    /// Takes the most urgent one. What is sent comes after the words that name it.
    fn take_next(&mut self, direction: Direction, outbox: &Outbox) -> Option<(Key, u64)> {
        let next = self.ready.iter().find(|(its, _, place)| {
            *its == direction && (direction == Direction::Fetch || !outbox.has_of(place.doc))
        });
        let next = *next?;
        self.ready.remove(&next);
        let key = (next.0, next.2);
        Some((key, self.all.get(&key)?.size_bytes))
    }
}

impl DeviceHub {
    /// Says how large a blob may be that is fetched although nobody asked for it.
    #[must_use]
    pub fn with_fetch_unasked_bytes_max(self, fetch_unasked_bytes_max: u64) -> Self {
        Self { fetch_unasked_bytes_max, ..self }
    }

    /// What was written here names blobs: they go to the server behind it.
    pub(super) fn send_attachments(
        &mut self,
        id: ProjectId,
        doc: DocId,
        edits: &[Edit],
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        for attachment in attachments_of(edits) {
            self.add_transfer(id, doc, attachment, Direction::Send, TransferCause::Asked, store)?;
        }
        Ok(())
    }

    /// Whether the server will take everything that the edits name, as far as is known here.
    pub(super) fn check_attachments(&self, id: ProjectId, edits: &[Edit]) -> Result<(), CommandError> {
        let said = self.projects.get(&id).and_then(|project| project.sync.blob_bytes_max);
        let bytes_max = said.unwrap_or(limits::BLOB_BYTES_MAX_DEFAULT);
        match attachments_of(edits).find(|attachment| attachment.size_bytes > bytes_max) {
            Some(attachment) => {
                Err(CommandError::AttachmentTooLarge { name: attachment.name.clone(), bytes_max })
            }
            None => Ok(()),
        }
    }

    /// What others wrote names blobs: the policy says which of them come unasked.
    pub(super) fn fetch_unasked(
        &mut self,
        id: ProjectId,
        doc: DocId,
        attachments: &[Attachment],
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        if attachments.is_empty() || !self.is_worked_on(id, doc, store)? {
            return Ok(());
        }
        for attachment in attachments {
            let has_room = self.projects.get(&id).is_some_and(|it| it.transfers.takes_unasked());
            if has_room && attachment.size_bytes <= self.fetch_unasked_bytes_max {
                let is_picture = attachment.media_type.starts_with("image/");
                let cause = if is_picture { TransferCause::Picture } else { TransferCause::Other };
                self.add_transfer(id, doc, attachment, Direction::Fetch, cause, store)?;
            }
        }
        Ok(())
    }

    /// Offers the server whatever the document names: it may have lost it. What is not here is not sent.
    pub(super) fn offer_attachments(
        &mut self,
        id: ProjectId,
        doc: DocId,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        self.verify_doc(id, doc, store)?;
        for attachment in self.load_doc(id, doc, store)?.attachments() {
            self.add_transfer(id, doc, &attachment, Direction::Send, TransferCause::Lost, store)?;
        }
        Ok(())
    }

    /// Whether the ticket is one that people look at these days.
    fn is_worked_on(&mut self, id: ProjectId, doc: DocId, store: &dyn DeviceStore) -> StoreResult<bool> {
        let Some(ticket) = doc.ticket() else { return Ok(false) };
        let summary = self.load_doc(id, DocId::Ticket(ticket), store)?.summary();
        let status = match summary {
            Some(summary) => Some(summary.status),
            None => store.row(&id, ticket)?.map(|row| row.status),
        };
        Ok(matches!(status, Some(Status::Open | Status::Pending)))
    }

    /// A person wants to have a blob here.
    pub(super) fn fetch_blob(
        &mut self,
        id: ProjectId,
        place: BlobPlace,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<Result<Reply, CommandError>> {
        if !self.projects.contains_key(&id) {
            return Ok(Err(CommandError::NotJoined));
        }
        self.verify_doc(id, place.doc, store)?;
        let named = self.load_doc(id, place.doc, store)?.attachments();
        let Some(attachment) = named.iter().find(|attachment| attachment.blob == place.blob) else {
            return Ok(Err(CommandError::NoSuchAttachment));
        };
        self.add_transfer(id, place.doc, attachment, Direction::Fetch, TransferCause::Asked, store)?;
        Ok(Ok(Reply::Done))
    }

    fn add_transfer(
        &mut self,
        id: ProjectId,
        doc: DocId,
        attachment: &Attachment,
        direction: Direction,
        cause: TransferCause,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        let Some(project) = self.projects.get_mut(&id) else { return Ok(()) };
        let place = BlobPlace { doc, blob: attachment.blob };
        let transfer = Transfer { direction, place, size_bytes: attachment.size_bytes, cause, refused: None };
        store.put_transfer(&id, &transfer)?;
        project.transfers.add(&transfer);
        Ok(())
    }

    /// Begins what can be begun now. At the end of every turn.
    pub(super) fn begin_transfers(&mut self) {
        let now = self.now;
        for (id, project) in &mut self.projects {
            project.transfers.wake_due(now);
            let Connection::Online { link } = project.connection else { continue };
            for direction in [Direction::Send, Direction::Fetch] {
                while project.transfers.has_room(direction)
                    && let Some((key, size_bytes)) = project.transfers.take_next(direction, &project.outbox)
                {
                    self.next_transfer += 1;
                    let transfer = TransferId(self.next_transfer);
                    project.transfers.running.insert(transfer, key);
                    let order = TransferOrder { project: *id, direction, place: key.1, size_bytes };
                    self.actions.push(Action::Transfer { transfer, link, order });
                }
            }
        }
    }

    /// A transfer is over. One of an earlier session counts for nothing: it was begun again.
    pub(super) fn handle_transfer_ended(
        &mut self,
        now: UnixMillis,
        transfer: TransferId,
        outcome: TransferOutcome,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        let found = self
            .projects
            .iter_mut()
            .find_map(|(id, project)| project.transfers.running.remove(&transfer).map(|key| (*id, key)));
        let Some((id, key)) = found else {
            // It went on beyond its session or its project: what it brought may be nobody's.
            if matches!(outcome, TransferOutcome::Done) {
                self.actions.push(Action::SweepBlobs);
            }
            return Ok(());
        };
        let is_named = match outcome {
            TransferOutcome::Refused(BlobRefused { code: BlobCode::Absent, .. }) => {
                let named = self.load_doc(id, key.1.doc, store)?.attachments();
                named.iter().any(|attachment| attachment.blob == key.1.blob)
            }
            _ => true,
        };
        let Some(project) = self.projects.get_mut(&id) else { return Ok(()) };
        let Some(state) = project.transfers.all.get(&key) else {
            // Its document went while it ran: what it brought goes as well.
            self.actions.push(Action::SweepBlobs);
            return Ok(());
        };
        let tries = state.tries.saturating_add(1);
        let pause = pause_after(tries, outcome);
        match outcome {
            TransferOutcome::Done | TransferOutcome::Gone => {
                project.transfers.remove(key);
                store.remove_transfer(&id, key.0, key.1)?;
            }
            // What names it was refused or struck.
            TransferOutcome::Refused(_) if !is_named => {
                project.transfers.remove(key);
                store.remove_transfer(&id, key.0, key.1)?;
            }
            TransferOutcome::Refused(BlobRefused { code, .. }) => {
                let (cause, size_bytes) = (state.cause, state.size_bytes);
                let (direction, place) = key;
                let refused = Some(code);
                store.put_transfer(&id, &Transfer { direction, place, size_bytes, cause, refused })?;
                project.transfers.rest(key, UnixMillis(now.0.saturating_add(pause)), tries);
            }
            TransferOutcome::Broken | TransferOutcome::NoRoom => {
                project.transfers.rest(key, UnixMillis(now.0.saturating_add(pause)), tries);
            }
        }
        if let Some(ticket) = key.1.doc.ticket() {
            let blob = key.1.blob;
            self.actions.push(Action::Notify(Notice::AttachmentChanged { project: id, ticket, blob }));
        }
        Ok(())
    }

    /// The server has blobs now that it may not have had when they were asked for.
    pub(super) fn handle_blobs_here(&mut self, id: ProjectId, news: BlobsHere) {
        let Some(project) = self.projects.get_mut(&id) else { return };
        for blob in news.blobs {
            let place = BlobPlace { doc: news.doc, blob };
            project.transfers.take_news((Direction::Fetch, place));
            if let Some(ticket) = place.doc.ticket() {
                let notice = Notice::AttachmentChanged { project: id, ticket, blob };
                self.actions.push(Action::Notify(notice));
            }
        }
    }

    /// A document goes from this device: nothing of it is fetched or sent any more.
    pub(super) fn drop_transfers(
        &mut self,
        id: ProjectId,
        doc: DocId,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        let Some(project) = self.projects.get_mut(&id) else { return Ok(()) };
        let keys: Vec<Key> =
            project.transfers.all.keys().filter(|(_, place)| place.doc == doc).copied().collect();
        for key in keys {
            project.transfers.remove(key);
            store.remove_transfer(&id, key.0, key.1)?;
        }
        Ok(())
    }
}

/// All attachments that the edits bring.
pub(super) fn attachments_of(edits: &[Edit]) -> impl Iterator<Item = &Attachment> {
    edits.iter().flat_map(|edit| match edit {
        Edit::AddComment { attachments, .. } | Edit::AddNote { attachments, .. } => attachments.as_slice(),
        _ => &[],
    })
}

/// How long a transfer rests, in milliseconds. The next session does not wait for it.
fn pause_after(tries: u32, outcome: TransferOutcome) -> u64 {
    let doubled = limits::TRANSFER_PAUSE_MIN_MILLIS << (tries - 1).min(16);
    match outcome {
        TransferOutcome::Refused(BlobRefused { wait_millis: Some(wait), .. }) => {
            wait.clamp(limits::QUOTA_WAIT_MIN_MILLIS, limits::QUOTA_WAIT_MAX_MILLIS)
        }
        TransferOutcome::Refused(BlobRefused { code: BlobCode::Absent | BlobCode::TooLarge, .. }) => {
            limits::TRANSFER_PAUSE_MAX_MILLIS
        }
        _ => doubled.min(limits::TRANSFER_PAUSE_MAX_MILLIS),
    }
}
