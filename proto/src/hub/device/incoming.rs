//! What a server sends: believed only as far as signatures, certificates and the gate go.

use std::collections::BTreeSet;

use assist_crdt_model::{
    Actor, Author, ChangeHash, DeviceId, DocId, ProjectId, RejectCode, Rejection, Role, UnixMillis, UserId,
};

use super::super::action::{Action, Cause, Notice};
use super::DeviceHub;
use super::transfers::attachments_of;
use crate::certificate::DeviceCertificate;
use crate::envelope::{Envelope, VerifiedEnvelope};
use crate::limits;
use crate::store::{self, DeviceStore, Mark, Quarantine, Record, Seq, StoreResult, TicketRow, Visibility};
use crate::wire::ask::{DeviceState, RosterDevice};
use crate::wire::{
    Ack, ColdPosition, ColdStart, Fetch, Introduce, Marks, PagedDoc, PeerMessage, Received, ReceivedItem,
    Seen, codec,
};

impl DeviceHub {
    pub(super) fn handle_news(
        &mut self,
        now: UnixMillis,
        id: ProjectId,
        message: Received,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        match message {
            Received::Records { project, items } if project == id => {
                self.handle_records(now, id, items, store)
            }
            Received::Rows(rows) => self.handle_rows(id, rows, store).map(|()| self.notify_sync(id)),
            Received::Docs { docs, before, is_last } => {
                self.handle_docs(now, id, docs, before, is_last, store)
            }
            Received::Message(PeerMessage::Verdicts(verdicts)) => self.handle_verdicts(id, verdicts, store),
            Received::Message(PeerMessage::Introduce(introduce)) => {
                self.handle_introduce(id, introduce, store)
            }
            Received::Message(PeerMessage::ColdStart(cold)) => self.handle_cold_start(id, cold, store),
            Received::Message(PeerMessage::Marks(marks)) => self.handle_marks(id, marks, store),
            Received::Message(PeerMessage::PresenceNews(news)) => {
                self.handle_presence(now, id, news);
                Ok(())
            }
            Received::Message(PeerMessage::DeviceNews(news)) => {
                for RosterDevice { device, name, state, .. } in news.devices {
                    let is_waiting = state == DeviceState::Waiting;
                    let name = name.chars().take(limits::NAME_CHARS_MAX).collect();
                    self.actions.push(Action::Notify(Notice::DeviceNews {
                        project: id,
                        device,
                        name,
                        is_waiting,
                    }));
                }
                Ok(())
            }
            Received::Message(PeerMessage::Kept(news)) => self.handle_kept(id, news, store),
            Received::Message(PeerMessage::BlobsHere(news)) => {
                self.handle_blobs_here(id, news);
                Ok(())
            }
            Received::Message(PeerMessage::Answer(answer)) => self.handle_answer(id, answer, store),
            _ => {
                self.drop_link(now, id, "the server broke the protocol");
                Ok(())
            }
        }
    }

    fn handle_records(
        &mut self,
        now: UnixMillis,
        id: ProjectId,
        items: Vec<ReceivedItem>,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        let Some(project) = self.projects.get(&id) else { return Ok(()) };
        let mut reached = project.session.reached;
        let mut wanted = BTreeSet::new();
        let mut granted = BTreeSet::new();
        for item in items {
            let seq = item.seq();
            if seq <= reached {
                continue;
            }
            reached = seq;
            match item {
                ReceivedItem::Through(_) => {}
                ReceivedItem::Visibility { place, change } => {
                    wanted.remove(&place.doc);
                    match change {
                        Visibility::Granted => granted.insert(place.doc),
                        Visibility::Revoked => granted.remove(&place.doc),
                    };
                    self.handle_visibility(id, place.doc, change, store)?;
                }
                ReceivedItem::Own(ack) => {
                    if !self.knows_own(id, &ack, store)? {
                        wanted.insert(ack.doc);
                    }
                }
                // A document on its way brings what was admitted before it was sent, and this was.
                ReceivedItem::Record { place, envelope }
                    if envelope.is_ok()
                        && (granted.contains(&place.doc) || self.is_fetching(id, place.doc)) => {}
                ReceivedItem::Record { place, envelope } => match *envelope {
                    Ok(verified) => {
                        let Some(rejection) = self.admit_record(id, &place, &verified, store)? else {
                            continue;
                        };
                        if rejection.code == RejectCode::MissingDep && self.may_fetch(id, place.doc) {
                            wanted.insert(place.doc);
                            continue;
                        }
                        self.quarantine(id, &place, verified.into_envelope(), &rejection, store)?;
                    }
                    Err(refused) => {
                        self.quarantine(id, &place, refused.envelope, &refused.rejection, store)?;
                    }
                },
            }
        }
        if let Some(project) = self.projects.get_mut(&id) {
            project.session.reached = reached;
        }
        self.fetch(id, &wanted);
        self.ask_whole(id, granted);
        self.advance(now, id, store)
    }

    /// Whether a document can still be asked for whole: not if that has been done in this session and was no help.
    fn may_fetch(&self, id: ProjectId, doc: DocId) -> bool {
        let fetches = self.projects.get(&id).map(|project| &project.session.fetches);
        fetches.is_some_and(|fetches| !fetches.get(&doc).is_some_and(|fetching| fetching.has_arrived))
    }

    /// Whether a document was asked for whole and has not come yet.
    fn is_fetching(&self, id: ProjectId, doc: DocId) -> bool {
        let fetches = self.projects.get(&id).map(|project| &project.session.fetches);
        fetches.is_some_and(|fetches| fetches.get(&doc).is_some_and(|fetching| fetching.under_way > 0))
    }

    /// Asks for documents whole that were not asked for without help.
    pub(super) fn fetch(&mut self, id: ProjectId, wanted: &BTreeSet<DocId>) {
        let is_new = |doc: &DocId| self.may_fetch(id, *doc) && !self.is_fetching(id, *doc);
        let docs = wanted.iter().copied().filter(is_new).collect();
        self.ask_whole(id, docs);
    }

    /// Asks for documents whole. Until they are here, the cursor stays before what showed that they are needed: if
    /// the session ends first, the next one comes by there again.
    fn ask_whole(&mut self, id: ProjectId, docs: BTreeSet<DocId>) {
        let Some(project) = self.projects.get_mut(&id) else { return };
        let Some(link) = project.link() else { return };
        for doc in &docs {
            project.session.fetches.entry(*doc).or_default().under_way += 1;
        }
        let docs: Vec<DocId> = docs.into_iter().collect();
        for docs in docs.chunks(limits::FETCH_DOCS_MAX) {
            self.send(link, &PeerMessage::Fetch(Fetch { docs: docs.to_vec() }));
        }
    }

    /// Remembers how far the device has come, and reports it: the report leaves only once that is durable.
    fn advance(&mut self, now: UnixMillis, id: ProjectId, store: &mut dyn DeviceStore) -> StoreResult<()> {
        let Some(project) = self.projects.get_mut(&id) else { return Ok(()) };
        let cursor = project.session.reached;
        let is_fetching = project.session.fetches.values().any(|fetching| fetching.under_way > 0);
        if is_fetching || cursor <= project.sync.cursor {
            return Ok(());
        }
        project.sync.cursor = cursor;
        project.sync.synced_at_millis = Some(now.0);
        project.head = project.head.max(Some(cursor));
        store.put_sync_state(&id, &project.sync)?;
        if let Some(link) = project.link() {
            self.send(link, &PeerMessage::Seen(Seen { cursor }));
        }
        self.notify_sync(id);
        self.tell_reads(id, store)
    }

    /// The stream passes an own change. If nothing here knows of it, this device's folder went back in time: the
    /// old actor has written what is not here.
    fn knows_own(&mut self, id: ProjectId, ack: &Ack, store: &mut dyn DeviceStore) -> StoreResult<bool> {
        if self.settle(id, ack, store)? {
            return Ok(true);
        }
        self.note_place(id, ack);
        if store.own_change(&id, &ack.change)?.is_some() {
            return Ok(self.holds(id, ack, store)? || !self.may_fetch(id, ack.doc));
        }
        let Some(project) = self.projects.get_mut(&id) else { return Ok(true) };
        if !std::mem::replace(&mut project.session.has_risen, true) {
            self.rise(id, store)?;
        }
        Ok(!self.may_fetch(id, ack.doc))
    }

    /// Lets an admitted change of somebody else in, through the same gate that the server has. Gives why not.
    pub(super) fn admit_record(
        &mut self,
        id: ProjectId,
        place: &Ack,
        verified: &VerifiedEnvelope,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<Option<Rejection>> {
        if self.settle(id, place, store)? {
            return Ok(None);
        }
        let doc = place.doc;
        self.verify_doc_before(id, doc, store)?;
        let author = self.author(id, verified, place.serial, store)?;
        let loaded = self.load_doc(id, doc, store)?;
        if loaded.contains(&verified.hash()) {
            self.note_place(id, place);
            return Ok(None);
        }
        let Some(author) = author else { return Ok(Some(unknown_author())) };
        let edits = match loaded.admit(verified.change(), &author) {
            Ok(edits) => edits,
            Err(rejection) => return Ok(Some(rejection)),
        };
        store.append_record(&id, &record_of(place, verified.envelope().clone()))?;
        self.touch_admitted(id, place, author.user);
        self.hear(id, place, &edits, author.user);
        self.notify_edits(id, doc, &edits, Cause::Remote, author.user);
        let attachments: Vec<_> = attachments_of(&edits).cloned().collect();
        self.fetch_unasked(id, doc, &attachments, store)?;
        if doc == DocId::Project {
            self.rename_project(id, store)?;
        }
        Ok(None)
    }

    /// Who wrote, as the node certified it when the change was admitted.
    pub(super) fn author(
        &mut self,
        id: ProjectId,
        verified: &VerifiedEnvelope,
        serial: u32,
        store: &dyn DeviceStore,
    ) -> StoreResult<Option<Author>> {
        let envelope = verified.envelope();
        let known = self.author_of_device(id, envelope.device, serial, store)?;
        let actor = Actor::derive(&envelope.device, envelope.incarnation);
        Ok(known.map(|(user, role)| Author { user, role, actor }))
    }

    pub(super) fn author_of_device(
        &mut self,
        id: ProjectId,
        device: DeviceId,
        serial: u32,
        store: &dyn DeviceStore,
    ) -> StoreResult<Option<(UserId, Role)>> {
        let Some(project) = self.projects.get_mut(&id) else { return Ok(None) };
        if let Some(known) = project.authors.get(&(device, serial)) {
            return Ok(Some(*known));
        }
        let Some(signed) = store.certificate(&id, &device, serial)? else { return Ok(None) };
        // Its signature was checked before it was stored.
        let Ok(certificate) = codec::decode::<DeviceCertificate>("device certificate", &signed.payload)
        else {
            return Ok(None);
        };
        project.authors.insert((device, serial), (certificate.user, certificate.role));
        Ok(Some((certificate.user, certificate.role)))
    }

    fn handle_introduce(
        &mut self,
        id: ProjectId,
        introduce: Introduce,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        let Some(project) = self.projects.get_mut(&id) else { return Ok(()) };
        for signed in &introduce.certificates {
            let Ok(certificate) = DeviceCertificate::verify(signed, &id, &project.membership.node) else {
                continue;
            };
            let author = (certificate.device, certificate.serial);
            project.authors.insert(author, (certificate.user, certificate.role));
            store.put_certificate(&id, &author.0, author.1, signed)?;
        }
        for named in &introduce.devices {
            let name: String = named.name.chars().take(limits::NAME_CHARS_MAX).collect();
            if store.device_name(&id, &named.device)?.as_ref() != Some(&name) {
                store.put_device_name(&id, &named.device, &name)?;
            }
        }
        let mut has_changed = false;
        for member in &introduce.members {
            if store.member(&id, member.user)?.as_ref() != Some(member) {
                store.put_member(&id, member)?;
                has_changed = true;
                self.actions.push(Action::Notify(Notice::ProjectChanged { project: id }));
            }
        }
        if has_changed { self.learn_new_names(id, store) } else { Ok(()) }
    }

    fn handle_cold_start(
        &mut self,
        id: ProjectId,
        cold: ColdStart,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        let Some(project) = self.projects.get_mut(&id) else { return Ok(()) };
        let position = ColdPosition { at: cold.at, before: Seq::MAX };
        project.sync.cold = Some(store::ColdStart { position, tickets: cold.tickets });
        store.put_sync_state(&id, &project.sync)?;
        self.drop_bare_rows(id, store)
    }

    /// Rows are the server's word, good enough until the document is here; what is here is better.
    fn handle_rows(
        &mut self,
        id: ProjectId,
        rows: Vec<TicketRow>,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        for row in rows {
            if store.row(&id, row.ticket)?.is_none() {
                self.put_row(id, row, store)?;
            }
        }
        Ok(())
    }

    fn handle_docs(
        &mut self,
        now: UnixMillis,
        id: ProjectId,
        docs: Vec<PagedDoc>,
        before: Option<Seq>,
        is_last: bool,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        let Some(project) = self.projects.get_mut(&id) else { return Ok(()) };
        project.has_unverified = true;
        let last = docs.last().map(|paged| paged.doc);
        project.session.arriving = last.filter(|_| before.is_none() && !is_last);
        if before.is_none()
            && is_last
            && let Some(doc) = last
        {
            let fetching = project.session.fetches.entry(doc).or_default();
            fetching.under_way = fetching.under_way.saturating_sub(1);
            fetching.has_arrived |= fetching.under_way == 0;
        }
        for paged in docs {
            Self::put_unverified(id, paged, store)?;
        }
        if let Some(before) = before {
            self.handle_cold_page(id, before, is_last, store)?;
        }
        self.advance(now, id, store)
    }

    /// A page of a cold start is stored, and the way to the next is remembered.
    fn handle_cold_page(
        &mut self,
        id: ProjectId,
        before: Seq,
        is_last: bool,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        let Some(project) = self.projects.get_mut(&id) else { return Ok(()) };
        let Some(cold) = project.sync.cold.as_mut() else { return Ok(()) };
        cold.position.before = before;
        if is_last {
            project.session.reached = project.session.reached.max(cold.position.at);
            project.sync.cold = None;
        }
        store.put_sync_state(&id, &project.sync)?;
        self.notify_sync(id);
        Ok(())
    }

    fn handle_marks(&mut self, id: ProjectId, marks: Marks, store: &mut dyn DeviceStore) -> StoreResult<()> {
        let Some(project) = self.projects.get_mut(&id) else { return Ok(()) };
        project.sync.mark_cursor = marks.mark_cursor;
        store.put_sync_state(&id, &project.sync)?;
        for mark in marks.marks {
            let old = store.mark(&id, mark.ticket)?.unwrap_or(Mark::new(mark.ticket));
            let mark =
                Mark { team: old.team.max(mark.team), customers: old.customers.max(mark.customers), ..mark };
            if mark != old {
                store.put_mark(&id, &mark)?;
                self.notify_ticket(id, DocId::Ticket(mark.ticket), Cause::Remote, None);
            }
        }
        for mark in marks.reads {
            self.handle_read_mark(id, mark, store)?;
        }
        Ok(())
    }

    /// Puts a record aside that the gate refused although the server had admitted it. There is only so much room for
    /// that: the oldest goes.
    pub(super) fn quarantine(
        &self,
        id: ProjectId,
        place: &Ack,
        envelope: Envelope,
        rejection: &Rejection,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        let record = record_of(place, envelope);
        store.put_quarantined(&id, &record, rejection.code.number(), &rejection.detail, self.now)?;
        self.trim_quarantine(id, store)
    }

    /// Forgets what was put aside long ago, and what is too much.
    pub(super) fn trim_quarantine(&self, id: ProjectId, store: &mut dyn DeviceStore) -> StoreResult<()> {
        let most =
            Quarantine { count: limits::QUARANTINE_RECORDS_MAX, size_bytes: limits::QUARANTINE_BYTES_MAX };
        let since = UnixMillis(self.now.0.saturating_sub(limits::QUARANTINE_LIFETIME_MILLIS));
        store.trim_quarantine(&id, most, since)
    }

    fn rename_project(&mut self, id: ProjectId, store: &mut dyn DeviceStore) -> StoreResult<()> {
        let Some(snapshot) = self.load_doc(id, DocId::Project, store)?.project() else { return Ok(()) };
        let Some(project) = self.projects.get_mut(&id) else { return Ok(()) };
        if project.membership.name != snapshot.name {
            project.membership.name = snapshot.name;
            store.put_membership(&project.membership)?;
        }
        Ok(())
    }
}

pub(super) fn record_of(place: &Ack, envelope: Envelope) -> Record {
    let Ack { seq, admitted_at, serial, number, .. } = *place;
    Record { seq, admitted_at, serial, number, envelope }
}

pub(super) fn place_of(change: ChangeHash, record: &Record) -> Ack {
    let Record { seq, admitted_at, serial, number, ref envelope } = *record;
    Ack { change, doc: envelope.doc, seq, admitted_at, serial, number }
}

fn unknown_author() -> Rejection {
    Rejection {
        code: RejectCode::UnknownDevice,
        detail: "no certificate of the author's device is known".into(),
    }
}
