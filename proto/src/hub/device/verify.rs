//! Documents that came whole: stored at once as they came, verified when there is time or somebody looks.

use assist_crdt_model::{Author, Doc, DocId, ProjectId};

use super::incoming::{place_of, record_of};
use super::{CommandError, DeviceHub, Reply};
use crate::envelope::VerifiedEnvelope;
use crate::limits;
use crate::store::{DeviceStore, Record, StoreResult};
use crate::wire::{PagedDoc, codec};

impl DeviceHub {
    /// Stores a document as it came. One that comes in parts is put together.
    pub(super) fn put_unverified(
        &mut self,
        id: ProjectId,
        paged: PagedDoc,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        let Some(first) = store.unverified(&id, paged.doc)? else {
            return store.put_unverified(&id, paged.doc, &paged.records);
        };
        let mut records = read_records(&first);
        records.extend(read_records(&paged.records));
        store.put_unverified(&id, paged.doc, &codec::encode(&records))
    }

    /// Verifies a few documents, so that people's edits never wait behind many.
    pub(super) fn verify_some(&mut self, store: &mut dyn DeviceStore) -> StoreResult<()> {
        let Some(id) = self.projects.iter().find(|(_, project)| project.has_unverified).map(|(id, _)| *id)
        else {
            return Ok(());
        };
        let docs = store.next_unverified(&id, limits::VERIFY_DOCS_PER_TURN)?;
        if docs.len() < limits::VERIFY_DOCS_PER_TURN
            && let Some(project) = self.projects.get_mut(&id)
        {
            project.has_unverified = false;
        }
        for doc in docs {
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
        let mut verified = Vec::new();
        for record in read_records(&bytes).into_iter().filter(|record| record.envelope.doc == doc) {
            let place = record.clone();
            match record.envelope.verify(&id) {
                Ok(envelope) => verified.push((place_of(envelope.hash(), &place), envelope)),
                Err(refused) => {
                    let rejection = refused.rejection;
                    store.put_quarantined(&id, &place, rejection.code.number(), &rejection.detail)?;
                }
            }
        }
        if let Some(loaded) = self.verify_fresh(id, doc, &verified, store)? {
            for (place, envelope) in verified {
                store.append_record(&id, &record_of(&place, envelope.into_envelope()))?;
                self.touch(id, doc, place.admitted_at, Some((place.seq, place.number)));
            }
            self.docs.put((id, doc), loaded);
            return Ok(());
        }
        for (place, envelope) in verified {
            self.admit_record(id, &place, envelope, store)?;
        }
        Ok(())
    }

    /// The whole document in one go, if nothing of it was here before and nothing of it is refused.
    fn verify_fresh(
        &mut self,
        id: ProjectId,
        doc: DocId,
        verified: &[(crate::wire::Ack, VerifiedEnvelope)],
        store: &dyn DeviceStore,
    ) -> StoreResult<Option<Doc>> {
        if !self.load_doc(id, doc, store)?.heads().is_empty() {
            return Ok(None);
        }
        let mut authored: Vec<(&assist_crdt_model::ScannedChange, Author)> =
            Vec::with_capacity(verified.len());
        for (place, envelope) in verified {
            let Some(author) = self.author(id, envelope, place.serial, store)? else { return Ok(None) };
            authored.push((envelope.change(), author));
        }
        Ok(Doc::verify(doc, authored).ok())
    }
}

/// The records of a document as they came; nothing for bytes that are none. What is lost so is asked for again
/// by no one: a server that sends rubbish is not trusted with more.
fn read_records(bytes: &[u8]) -> Vec<Record> {
    codec::decode("document", bytes).unwrap_or_default()
}
