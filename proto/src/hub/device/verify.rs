//! Documents that came whole: stored at once as they came, verified when there is time or somebody looks.

use assist_crdt_model::{Author, ChangeHash, Doc, DocId, ProjectId, RejectCode, UserId};

use super::incoming::{place_of, record_of};
use super::{CommandError, DeviceHub, Reply};
use crate::envelope::VerifiedEnvelope;
use crate::limits;
use crate::store::{DeviceStore, Record, StoreResult};
use crate::wire::{Ack, PagedDoc, codec};

impl DeviceHub {
    /// Stores a document as it came. One that comes in parts is put together.
    pub(super) fn put_unverified(
        id: ProjectId,
        paged: PagedDoc,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        let mut records = store.unverified(&id, paged.doc)?.unwrap_or_default();
        records.extend(paged.records);
        store.put_unverified(&id, paged.doc, &records)
    }

    /// Verifies a few documents, so that people's edits never wait behind many. One of which more is on its way
    /// waits: its arrival asks again.
    pub(super) fn verify_some(&mut self, store: &mut dyn DeviceStore) -> StoreResult<()> {
        let Some((id, project)) = self.projects.iter_mut().find(|(_, project)| project.has_unverified) else {
            return Ok(());
        };
        let id = *id;
        let docs = store.next_unverified(&id, limits::VERIFY_DOCS_PER_TURN)?;
        project.has_unverified = docs.len() == limits::VERIFY_DOCS_PER_TURN;
        let arriving = project.session.arriving;
        for doc in docs.into_iter().filter(|doc| Some(*doc) != arriving) {
            self.verify_doc(id, doc, store)?;
        }
        self.notify_sync(id);
        Ok(())
    }

    pub(super) fn ensure_verified(
        &mut self,
        id: ProjectId,
        doc: DocId,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<Result<Reply, CommandError>> {
        if !self.projects.contains_key(&id) {
            return Ok(Err(CommandError::NotJoined));
        }
        self.verify_doc(id, doc, store)?;
        Ok(Ok(Reply::Done))
    }

    /// A change for a document that is still unverified: the document comes first.
    pub(super) fn verify_doc_before(
        &mut self,
        id: ProjectId,
        doc: DocId,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        let has_unverified = self.projects.get(&id).is_some_and(|project| project.has_unverified);
        if has_unverified { self.verify_doc(id, doc, store) } else { Ok(()) }
    }

    /// Puts a document that came whole through the gate; a no-op for any other.
    pub(super) fn verify_doc(
        &mut self,
        id: ProjectId,
        doc: DocId,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        let Some(bytes) = store.unverified(&id, doc)? else { return Ok(()) };
        store.remove_unverified(&id, doc)?;
        self.admit_unverified(id, doc, &bytes, store)?;
        self.note_arrived(id, doc, store)
    }

    fn admit_unverified(
        &mut self,
        id: ProjectId,
        doc: DocId,
        bytes: &[u8],
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        let mut verified = Vec::new();
        for record in read_records(bytes).into_iter().filter(|record| record.envelope.doc == doc) {
            let place = record.clone();
            match record.envelope.verify(&id) {
                Ok(envelope) => verified.push((place_of(envelope.hash(), &place), envelope)),
                Err(refused) => {
                    let at = place_of(ChangeHash::from_bytes([0; ChangeHash::SIZE]), &place);
                    self.quarantine(id, &at, place.envelope, &refused.rejection, store)?;
                }
            }
        }
        if let Some((loaded, authors)) = self.verify_fresh(id, doc, &verified, store)? {
            for ((place, envelope), author) in verified.into_iter().zip(authors) {
                store.append_record(&id, &record_of(&place, envelope.into_envelope()))?;
                self.touch_admitted(id, &place, author);
            }
            self.hear_anew(id, doc);
            let attachments = loaded.attachments();
            self.docs.put((id, doc), loaded);
            return self.fetch_unasked(id, doc, &attachments, store);
        }
        self.admit_whole(id, doc, verified, store)
    }

    /// Adds to a document what is new in a copy that came whole.
    fn admit_whole(
        &mut self,
        id: ProjectId,
        doc: DocId,
        verified: Vec<(Ack, VerifiedEnvelope)>,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        let mut withdrawn = Vec::new();
        for (place, envelope) in verified {
            let mut refused = self.admit_record(id, &place, &envelope, store)?;
            let is_own = envelope.envelope().device == self.device;
            if is_own && refused.as_ref().is_some_and(|it| it.code == RejectCode::WrongSeq) {
                // A former life of this device wrote it. What this life wrote as the same actor gives way.
                withdrawn.extend(self.withdraw(id, doc, 0, store)?);
                refused = self.admit_record(id, &place, &envelope, store)?;
            }
            if let Some(rejection) = refused {
                self.quarantine(id, &place, envelope.into_envelope(), &rejection, store)?;
            }
        }
        self.write_again(id, doc, withdrawn, "another life of this device wrote first", store)
    }

    /// The whole document in one go, with the author of each change, if nothing of it was here before and nothing of
    /// it is refused.
    fn verify_fresh(
        &mut self,
        id: ProjectId,
        doc: DocId,
        verified: &[(Ack, VerifiedEnvelope)],
        store: &dyn DeviceStore,
    ) -> StoreResult<Option<(Doc, Vec<UserId>)>> {
        if !self.load_doc(id, doc, store)?.heads().is_empty() {
            return Ok(None);
        }
        let mut authored: Vec<(&assist_crdt_model::ScannedChange, Author)> =
            Vec::with_capacity(verified.len());
        for (place, envelope) in verified {
            let Some(author) = self.author(id, envelope, place.serial, store)? else { return Ok(None) };
            authored.push((envelope.change(), author));
        }
        let authors = authored.iter().map(|(_, author)| author.user).collect();
        Ok(Doc::verify(doc, authored).ok().map(|loaded| (loaded, authors)))
    }
}

/// The records of a document as they came, in one part or several; those before the first that is none. What is lost
/// so is asked for again by no one: a server that sends rubbish is not trusted with more.
fn read_records(mut bytes: &[u8]) -> Vec<Record> {
    let mut records = Vec::new();
    while let Ok(part) = codec::decode_next::<Vec<Record>>("document", &mut bytes) {
        records.extend(part);
    }
    records
}
