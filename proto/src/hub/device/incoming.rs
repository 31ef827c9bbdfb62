//! What a server sends: believed only as far as signatures, certificates and the gate go.

use assist_crdt_model::{Actor, Author, ChangeHash, DeviceId, DocId, ProjectId, Role, UnixMillis, UserId};

use super::super::action::{Action, Cause, Notice};
use super::DeviceHub;
use crate::certificate::DeviceCertificate;
use crate::envelope::{Envelope, VerifiedEnvelope};
use crate::store::{self, DeviceStore, Mark, Record, Seq, StoreResult, TicketRow};
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
            Received::Rows(rows) => Self::handle_rows(id, &rows, store).map(|()| self.notify_sync(id)),
            Received::Docs { docs, before, is_last } => {
                self.handle_docs(now, id, docs, before, is_last, store)
            }
            Received::Message(PeerMessage::Verdicts(verdicts)) => {
                self.handle_verdicts(now, id, verdicts, store)
            }
            Received::Message(PeerMessage::Introduce(introduce)) => {
                self.handle_introduce(id, introduce, store)
            }
            Received::Message(PeerMessage::ColdStart(cold)) => self.handle_cold_start(id, cold, store),
            Received::Message(PeerMessage::Marks(marks)) => self.handle_marks(id, marks, store),
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
        let mut cursor = self.projects.get(&id).map_or(Seq::ZERO, |project| project.sync.cursor);
        for item in items {
            let seq = match &item {
                ReceivedItem::Record { place, .. } | ReceivedItem::Own(place) => place.seq,
                ReceivedItem::Through(seq) => *seq,
            };
            if seq <= cursor {
                continue;
            }
            match item {
                ReceivedItem::Through(_) => {}
                ReceivedItem::Own(ack) => self.handle_own(id, &ack, store)?,
                ReceivedItem::Record { place, envelope } => match *envelope {
                    Ok(verified) => self.admit_record(id, &place, verified, store)?,
                    Err(refused) => {
                        let (code, detail) = (refused.rejection.code.number(), refused.rejection.detail);
                        let record = record_of(&place, refused.envelope);
                        store.put_quarantined(&id, &record, code, &detail)?;
                    }
                },
            }
            cursor = seq;
        }
        self.advance(now, id, cursor, store)
    }

    /// Remembers how far the device has come, and reports it: the report leaves only once that is durable.
    fn advance(
        &mut self,
        now: UnixMillis,
        id: ProjectId,
        cursor: Seq,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        let Some(project) = self.projects.get_mut(&id) else { return Ok(()) };
        if cursor <= project.sync.cursor {
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
        Ok(())
    }

    /// The stream passes an own change. If nothing here knows of it, this device's folder went back in time.
    fn handle_own(&mut self, id: ProjectId, ack: &Ack, store: &mut dyn DeviceStore) -> StoreResult<()> {
        if self.settle(id, ack, store)? || store.own_change(&id, &ack.change)?.is_some() {
            return Ok(());
        }
        self.rise(id, store)?;
        let Some(project) = self.projects.get_mut(&id) else { return Ok(()) };
        if let Some(link) = project.link()
            && project.repaired.insert(ack.doc)
        {
            self.send(link, &PeerMessage::Fetch(Fetch { docs: vec![ack.doc] }));
        }
        Ok(())
    }

    /// A new incarnation: the old actor may have written what this device no longer knows.
    fn rise(&mut self, id: ProjectId, store: &mut dyn DeviceStore) -> StoreResult<()> {
        let Some(project) = self.projects.get_mut(&id) else { return Ok(()) };
        project.membership.incarnation += 1;
        store.put_membership(&project.membership)
    }

    /// Lets an admitted change of somebody else in, through the same gate that the server has.
    pub(super) fn admit_record(
        &mut self,
        id: ProjectId,
        place: &Ack,
        verified: VerifiedEnvelope,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        if self.settle(id, place, store)? {
            return Ok(());
        }
        let doc = verified.envelope().doc;
        self.verify_doc_before(id, doc, store)?;
        if self.load_doc(id, doc, store)?.contains(&verified.hash()) {
            return Ok(());
        }
        let author = self.author(id, &verified, place.serial, store)?;
        let loaded = self.load_doc(id, doc, store)?;
        let verdict = match author {
            Some(author) => loaded.admit(verified.change(), &author).map(|edits| (author.user, edits)),
            None => Err(unknown_author()),
        };
        let record = record_of(place, verified.into_envelope());
        match verdict {
            Ok((user, edits)) => {
                store.append_record(&id, &record)?;
                self.touch(id, doc, place.admitted_at, Some((place.seq, place.number)));
                self.notify_edits(id, doc, &edits, Cause::Remote, user);
                if doc == DocId::Project {
                    self.rename_project(id, store)?;
                }
                Ok(())
            }
            Err(rejection) => store.put_quarantined(&id, &record, rejection.code.number(), &rejection.detail),
        }
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

    fn author_of_device(
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
        for member in &introduce.members {
            if store.member(&id, member.user)?.as_ref() != Some(member) {
                store.put_member(&id, member)?;
                self.actions.push(Action::Notify(Notice::ProjectChanged { project: id }));
            }
        }
        Ok(())
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
        store.put_sync_state(&id, &project.sync)
    }

    /// Rows are the server's word, good enough until the document is here; what is here is better.
    fn handle_rows(id: ProjectId, rows: &[TicketRow], store: &mut dyn DeviceStore) -> StoreResult<()> {
        for row in rows {
            if store.row(&id, row.ticket)?.is_none() {
                store.put_row(&id, row)?;
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
        for paged in docs {
            self.put_unverified(id, paged, store)?;
        }
        let Some(project) = self.projects.get_mut(&id) else { return Ok(()) };
        project.has_unverified = true;
        let (Some(before), Some(cold)) = (before, project.sync.cold.as_mut()) else { return Ok(()) };
        cold.position.before = before;
        let at = cold.position.at;
        if is_last {
            project.sync.cold = None;
        }
        store.put_sync_state(&id, &project.sync)?;
        self.notify_sync(id);
        if is_last { self.advance(now, id, at, store) } else { Ok(()) }
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
        Ok(())
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

pub(super) fn unknown_author() -> assist_crdt_model::Rejection {
    assist_crdt_model::Rejection {
        code: assist_crdt_model::RejectCode::UnknownDevice,
        detail: "no certificate of the author's device is known".into(),
    }
}
