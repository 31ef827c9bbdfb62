//! Own changes on their way to the server: held back for as long as their author wants, pushed within a window, settled
//! by acks.
//!
//! What is held back holds back what was written to the same document after it, and nothing else: a change names what
//! its author saw, so it cannot go first. Before a held change leaves, its entry says no more that it is held; so what
//! is still marked can be taken back, whatever happened in between.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use assist_crdt_model::{ChangeHash, DocId, ProjectId, RejectCode, UnixMillis};

use super::super::action::{Cause, Durability};
use super::incoming::record_of;
use super::{DeviceHub, HeldUp, Project, Session};
use crate::envelope::Envelope;
use crate::limits;
use crate::store::{DeviceStore, OutboxEntry, StoreResult};
use crate::wire::{Ack, HoldCause, PeerMessage, Push, RejectedChange, Verdicts};

/// Which own changes wait, and how far they were pushed in this session.
#[derive(Default)]
pub(super) struct Outbox {
    positions: HashMap<ChangeHash, (u64, DocId)>,
    /// How many wait for each document that has any.
    by_doc: HashMap<DocId, usize>,
    /// Those that have certainly not left yet, by document and position, and when they are held.
    held: HashMap<DocId, BTreeMap<u64, Hold>>,
    /// The hold that ends first of those that are on, or one that is over.
    next_release: Option<Hold>,
    /// Everything before this position was pushed in this session, but for what is in `passed_over`.
    next_push: u64,
    /// What waits behind a hold, or for its document to be here again.
    passed_over: BTreeMap<u64, DocId>,
    /// Sizes in bytes of what was pushed and not answered.
    in_flight: BTreeMap<u64, usize>,
    in_flight_bytes: usize,
    /// Frames pushed in this session, and how many of them were answered: answers come in the order of the frames.
    pub(super) frames_pushed: u64,
    pub(super) frames_answered: u64,
    /// Documents that were pushed whole in this session, each once, and how many frames had gone before.
    pushed_whole: HashMap<DocId, u64>,
}

/// When a change is held: from when it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Hold {
    until: UnixMillis,
    from: UnixMillis,
}

impl Hold {
    /// A clock that went back to before the beginning ends it: it must not hold for as long as the clock was wrong.
    fn is_on(self, now: UnixMillis) -> bool {
        (self.from..self.until).contains(&now)
    }
}

impl Outbox {
    pub(super) fn load(project: &ProjectId, store: &dyn DeviceStore) -> StoreResult<Self> {
        let mut outbox = Self::default();
        let mut from = 0;
        loop {
            let entries = store.outbox(project, from, limits::PUSH_ENVELOPES_MAX)?;
            let Some((last, _)) = entries.last() else { return Ok(outbox) };
            from = last + 1;
            for (position, entry) in &entries {
                outbox.add(*position, entry);
            }
        }
    }

    /// Starts over with a new session: nothing was pushed in it.
    pub(super) fn rewind(&mut self) {
        let (positions, by_doc) = (std::mem::take(&mut self.positions), std::mem::take(&mut self.by_doc));
        let (held, next_release) = (std::mem::take(&mut self.held), self.next_release);
        *self = Self { positions, by_doc, held, next_release, ..Self::default() };
    }

    pub(super) fn add(&mut self, position: u64, entry: &OutboxEntry) {
        let doc = entry.envelope.doc;
        if self.positions.insert(entry.change, (position, doc)).is_none() {
            *self.by_doc.entry(doc).or_default() += 1;
        }
        if let Some(until) = entry.held_until {
            let hold = Hold { from: entry.made_at, until };
            self.held.entry(doc).or_default().insert(position, hold);
            self.next_release = Some(self.next_release.map_or(hold, |next| next.min(hold)));
        }
    }

    /// Whether the change at a position waits, for itself or behind an earlier one of its document.
    fn is_held_back(&self, doc: DocId, position: u64, now: UnixMillis) -> bool {
        self.held.get(&doc).is_some_and(|held| held.range(..=position).any(|(_, hold)| hold.is_on(now)))
    }

    /// The change at a position is about to leave; tells whether it was marked as held.
    fn release(&mut self, doc: DocId, position: u64) -> bool {
        let Some(held) = self.held.get_mut(&doc) else { return false };
        let was_held = held.remove(&position).is_some();
        if held.is_empty() {
            self.held.remove(&doc);
        }
        was_held
    }

    /// What has certainly not left, newest first.
    pub(super) fn held(&self) -> Vec<(u64, DocId)> {
        let held = self.held.iter().flat_map(|(doc, held)| held.keys().map(|position| (*position, *doc)));
        let mut all: Vec<_> = held.collect();
        all.sort_unstable_by_key(|(position, _)| std::cmp::Reverse(*position));
        all
    }

    /// When to look at what is held again.
    pub(super) fn next_release(&self) -> Option<UnixMillis> {
        self.next_release.map(|hold| hold.until)
    }

    /// What is pushed next: what waited behind a hold that is over, then what comes in turn.
    fn next_batch(
        &mut self,
        id: &ProjectId,
        now: UnixMillis,
        lacking: &[DocId],
        store: &dyn DeviceStore,
    ) -> StoreResult<Vec<(u64, OutboxEntry)>> {
        let is_back = |outbox: &Self, doc: DocId, position: u64| {
            lacking.contains(&doc) || outbox.is_held_back(doc, position, now)
        };
        let is_free = |(position, doc): (&u64, &DocId)| !is_back(self, *doc, *position);
        let free = self.passed_over.iter().filter(|entry| is_free(*entry)).map(|(position, _)| *position);
        let free: Vec<u64> = free.take(limits::PUSH_ENVELOPES_MAX).collect();
        if !free.is_empty() {
            let mut batch = Vec::with_capacity(free.len());
            for position in free {
                self.passed_over.remove(&position);
                batch.extend(outbox_entry(id, position, store)?.map(|entry| (position, entry)));
            }
            return Ok(batch);
        }
        loop {
            let mut batch = store.outbox(id, self.next_push, limits::PUSH_ENVELOPES_MAX)?;
            let Some((last, _)) = batch.last() else { return Ok(batch) };
            let last = *last;
            batch.retain(|(position, entry)| {
                let is_back = is_back(self, entry.envelope.doc, *position);
                if is_back {
                    self.passed_over.insert(*position, entry.envelope.doc);
                }
                !is_back
            });
            self.next_push = last + 1;
            if !batch.is_empty() {
                return Ok(batch);
            }
        }
    }

    /// Whether a change of the document waits.
    pub(super) fn has_of(&self, doc: DocId) -> bool {
        self.by_doc.contains_key(&doc)
    }

    pub(super) fn position(&self, change: &ChangeHash) -> Option<u64> {
        self.positions.get(change).map(|(position, _)| *position)
    }

    pub(super) fn forget(&mut self, change: &ChangeHash) -> Option<u64> {
        let (position, doc) = self.positions.remove(change)?;
        self.release(doc, position);
        self.passed_over.remove(&position);
        if let Some(size_bytes) = self.in_flight.remove(&position) {
            self.in_flight_bytes -= size_bytes;
        }
        if let Some(count) = self.by_doc.get_mut(&doc) {
            *count -= 1;
            if *count == 0 {
                self.by_doc.remove(&doc);
            }
        }
        Some(position)
    }
}

impl Session {
    /// When what the server would not take is tried again.
    pub(super) fn pushes_again_at(&self) -> Option<UnixMillis> {
        self.held_up?.again_at
    }

    /// Whether nothing says to wait.
    pub(super) fn may_push(&self) -> bool {
        self.pushes_again_at().is_none()
    }

    /// Bytes of changes that may be under way: where the server took nothing, one frame finds out whether it does now.
    fn push_window_bytes(&self) -> usize {
        if self.held_up.is_some() { 1 } else { limits::PUSH_WINDOW_BYTES }
    }
}

impl DeviceHub {
    /// Pushes what was not pushed yet, as far as the window goes.
    pub(super) fn push_outbox(&mut self, id: ProjectId, store: &mut dyn DeviceStore) -> StoreResult<()> {
        let now = self.now;
        loop {
            let Some(project) = self.projects.get_mut(&id) else { return Ok(()) };
            let Some(link) = project.trusted_link() else { return Ok(()) };
            // What builds on what the server lost goes behind that.
            if !project.session.may_push() || project.has_to_give_back() {
                return Ok(());
            }
            let window_bytes = project.session.push_window_bytes();
            let outbox = &mut project.outbox;
            if outbox.in_flight_bytes >= window_bytes || outbox.positions.is_empty() {
                return Ok(());
            }
            let entries = outbox.next_batch(&id, now, &project.sync.lacking, store)?;
            let mut envelopes = Vec::with_capacity(entries.len());
            let mut batch_bytes = 0;
            for (position, mut entry) in entries {
                if batch_bytes >= limits::BATCH_BYTES {
                    // The first of the next frame.
                    outbox.passed_over.insert(position, entry.envelope.doc);
                    continue;
                }
                let size_bytes = entry.envelope.change.len();
                outbox.in_flight.insert(position, size_bytes);
                outbox.in_flight_bytes += size_bytes;
                batch_bytes += size_bytes;
                if outbox.release(entry.envelope.doc, position) {
                    entry.held_until = None;
                    store.put_outbox(&id, position, &entry)?;
                    // It must not be forgotten that it has left.
                    self.durability = Durability::Now;
                }
                envelopes.push(entry.envelope);
            }
            if envelopes.is_empty() {
                return Ok(());
            }
            outbox.frames_pushed += 1;
            self.send(link, &PeerMessage::Push(Push { project: id, envelopes }));
        }
    }

    pub(super) fn handle_verdicts(
        &mut self,
        id: ProjectId,
        verdicts: Verdicts,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        if let Some(project) = self.projects.get_mut(&id) {
            project.outbox.frames_answered += 1;
        }
        let mut wanted = BTreeSet::new();
        for ack in &verdicts.acks {
            self.note_place(id, ack);
            if !self.settle(id, ack, store)? && !self.knows_settled(id, ack, store)? {
                wanted.insert(ack.doc);
            }
        }
        self.fetch(id, &wanted);
        for rejected in verdicts.rejected {
            if !self.is_to_come_again(id, &rejected) {
                self.handle_rejected(id, rejected, store)?;
            }
        }
        if let Some(project) = self.projects.get_mut(&id)
            && project.session.may_push()
        {
            // What was tried again was answered, and not put off again.
            project.session.held_up = None;
        }
        self.notify_sync(id);
        self.push_outbox(id, store)
    }

    /// Whether a change was refused only because the server takes nothing new for now, or because what it builds on was:
    /// it stays where it is.
    fn is_to_come_again(&mut self, id: ProjectId, rejected: &RejectedChange) -> bool {
        let Some(project) = self.projects.get_mut(&id) else { return false };
        let session = &mut project.session;
        if rejected.code != RejectCode::OverQuota.number() {
            return rejected.code == RejectCode::MissingDep.number() && !session.may_push();
        }
        let wait_millis = rejected.wait_millis.unwrap_or(limits::QUOTA_WAIT_DEFAULT_MILLIS);
        let wait_millis = wait_millis.clamp(limits::QUOTA_WAIT_MIN_MILLIS, limits::QUOTA_WAIT_MAX_MILLIS);
        let again_at = UnixMillis(self.now.0.saturating_add(wait_millis));
        let again_at = session.pushes_again_at().max(Some(again_at));
        session.held_up = Some(HeldUp { cause: rejected.cause.unwrap_or(HoldCause::Quota), again_at });
        session.giving.note_held_up();
        true
    }

    /// Pushes from the beginning what the server would not take before, once its time has come and all that was
    /// pushed is answered.
    pub(super) fn push_again(&mut self, now: UnixMillis, store: &mut dyn DeviceStore) -> StoreResult<()> {
        let due: Vec<ProjectId> = self
            .projects
            .iter()
            .filter(|(_, project)| project.session.pushes_again_at().is_some_and(|again_at| again_at <= now))
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            let Some(project) = self.projects.get_mut(&id) else { continue };
            let Some(held_up) = &mut project.session.held_up else { continue };
            if project.outbox.frames_answered < project.outbox.frames_pushed {
                held_up.again_at = Some(UnixMillis(now.0.saturating_add(limits::QUOTA_WAIT_MIN_MILLIS)));
                continue;
            }
            held_up.again_at = None;
            project.outbox.rewind();
            project.session.giving.begin_again();
            self.notify_sync(id);
            self.push_outbox(id, store)?;
        }
        Ok(())
    }

    /// Pushes what was held back until now.
    pub(super) fn release_held(&mut self, now: UnixMillis, store: &mut dyn DeviceStore) -> StoreResult<()> {
        let is_due = |outbox: &Outbox| outbox.next_release.is_some_and(|hold| !hold.is_on(now));
        let due = self.projects.iter().filter(|(_, project)| is_due(&project.outbox));
        let due: Vec<ProjectId> = due.map(|(id, _)| *id).collect();
        for id in due {
            if let Some(Project { outbox, .. }) = self.projects.get_mut(&id) {
                let holds = outbox.held.values().flat_map(BTreeMap::values).copied();
                outbox.next_release = holds.filter(|hold| hold.is_on(now)).min();
            }
            self.push_outbox(id, store)?;
        }
        Ok(())
    }

    /// Whether something that is written to a document now leaves at once.
    pub(super) fn would_leave_now(&self, id: &ProjectId, doc: DocId) -> bool {
        self.projects.get(id).is_some_and(|project| {
            let outbox = &project.outbox;
            project.trusted_link().is_some()
                && project.session.may_push()
                && !project.has_to_give_back()
                && outbox.in_flight_bytes < project.session.push_window_bytes()
                && !outbox.is_held_back(doc, u64::MAX, self.now)
        })
    }

    /// An own change is durable on the server: it moves from the outbox to the records. Returns whether it waited.
    pub(super) fn settle(
        &mut self,
        id: ProjectId,
        ack: &Ack,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<bool> {
        let Some(project) = self.projects.get_mut(&id) else { return Ok(false) };
        let Some(position) = project.outbox.forget(&ack.change) else { return Ok(false) };
        let user = project.membership.user;
        let Some(entry) = outbox_entry(&id, position, store)? else { return Ok(false) };
        let place = Ack { doc: entry.envelope.doc, ..ack.clone() };
        let is_lacking = project.sync.lacking.contains(&place.doc);
        store.remove_outbox(&id, position)?;
        if is_lacking {
            // It was sent before the document was damaged here, and comes with it.
            return Ok(true);
        }
        store.append_record(&id, &record_of(&place, entry.envelope))?;
        self.touch_admitted(id, &place, user);
        self.notify_ticket(id, place.doc, Cause::Local, None);
        Ok(true)
    }

    /// The server admitted an own change that does not wait any more: it was acknowledged before, or its document went
    /// from here while it was on its way. Then the draft of it has served its purpose, and the document may have come
    /// back without the change. Tells whether nothing is amiss.
    fn knows_settled(&mut self, id: ProjectId, ack: &Ack, store: &mut dyn DeviceStore) -> StoreResult<bool> {
        if store.own_change(&id, &ack.change)?.is_none() || self.holds(id, ack, store)? {
            return Ok(true);
        }
        for (draft, kept) in store.drafts()? {
            if kept.project == id && kept.change == ack.change {
                store.remove_draft(draft)?;
            }
        }
        Ok(false)
    }

    /// The server lacks what an own change builds on: it lost something that this device has. Whoever wrote it, it
    /// is signed, so it goes there again, and the own changes after it. Returns whether that is under way: then
    /// the last word is not spoken yet. Done once in a session for a document.
    pub(super) fn repair_server(
        &mut self,
        id: ProjectId,
        doc: DocId,
        store: &dyn DeviceStore,
    ) -> StoreResult<bool> {
        let Some(project) = self.projects.get_mut(&id) else { return Ok(false) };
        let Some(link) = project.trusted_link() else { return Ok(false) };
        let outbox = &mut project.outbox;
        if let Some(pushed_before) = outbox.pushed_whole.get(&doc) {
            // What was pushed before the whole document is answered before it.
            return Ok(outbox.frames_answered <= *pushed_before);
        }
        outbox.pushed_whole.insert(doc, outbox.frames_pushed);
        let records = store.doc_records(&id, doc)?.into_iter().map(|record| record.envelope);
        // What has not left yet leaves in its turn, and what follows it too.
        let own = store.outbox_of_doc(&id, doc)?.into_iter().map(|(_, entry)| entry);
        let own = own.take_while(|entry| entry.held_until.is_none()).map(|entry| entry.envelope);
        let batches = batches_of(records.chain(own));
        outbox.frames_pushed += batches.len() as u64;
        for envelopes in batches {
            self.send(link, &PeerMessage::Push(Push { project: id, envelopes }));
        }
        Ok(true)
    }
}

/// An own change that waits.
pub(super) fn outbox_entry(
    project: &ProjectId,
    position: u64,
    store: &dyn DeviceStore,
) -> StoreResult<Option<OutboxEntry>> {
    let found = store.outbox(project, position, 1)?.into_iter().find(|(at, _)| *at == position);
    Ok(found.map(|(_, entry)| entry))
}

/// Envelopes as they fit frames.
fn batches_of(envelopes: impl Iterator<Item = Envelope>) -> Vec<Vec<Envelope>> {
    let mut batches: Vec<Vec<Envelope>> = Vec::new();
    let mut batch_bytes = 0;
    for envelope in envelopes {
        let size_bytes = envelope.change.len();
        match batches.last_mut() {
            Some(batch) if batch_bytes < limits::BATCH_BYTES && batch.len() < limits::PUSH_ENVELOPES_MAX => {
                batch_bytes += size_bytes;
                batch.push(envelope);
            }
            _ => {
                batch_bytes = size_bytes;
                batches.push(vec![envelope]);
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests;
