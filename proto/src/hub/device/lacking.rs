//! Documents that cannot be read on this device any more are dropped, and asked of the server again; and the other way
//! round: what the server cannot read any more is pushed to it whole.

use assist_crdt_model::{Doc, DocId, LoadDocError, ProjectId};

use super::DeviceHub;
use crate::limits;
use crate::store::{DeviceStore, Seq, StoreError, StoreResult};

/// Drops what is here of a document that cannot be read, and remembers that the server is to be asked for it. Own
/// changes that wait to be sent stay.
///
/// # Errors
/// The store's.
pub fn drop_damaged(id: ProjectId, doc: DocId, store: &mut dyn DeviceStore) -> StoreResult<()> {
    store.remove_records(&id, doc)?;
    store.remove_unverified(&id, doc)?;
    let mut sync = store.sync_state(&id)?;
    if !sync.lacking.contains(&doc) {
        sync.lacking.push(doc);
    }
    if sync.lacking.len() > limits::LACKING_DOCS_MAX {
        sync.lacking.clear();
        (sync.cursor, sync.cold) = (Seq::ZERO, None);
    }
    store.put_sync_state(&id, &sync)
}

/// Reads a document as a hub would.
///
/// # Errors
/// The store's; also if it does not give a document.
pub fn read_doc(id: ProjectId, doc: DocId, store: &dyn DeviceStore) -> StoreResult<()> {
    store.unverified(&id, doc)?;
    let records = store.doc_records(&id, doc)?;
    let loaded = Doc::load(doc, records.iter().map(|record| record.envelope.change.as_slice()));
    let damaged = |error: LoadDocError| StoreError::Damaged { what: error.to_string() };
    loaded.map_err(|error| damaged(error).of_doc(Some(id), doc)).map(drop)
}

impl DeviceHub {
    /// A session has begun: asks for what is lacking here, and brings what is lacking there.
    pub(super) fn mend_docs(
        &mut self,
        id: ProjectId,
        wanted: &[DocId],
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        let Some(project) = self.projects.get(&id) else { return Ok(()) };
        let lacking = project.sync.lacking.iter().copied().collect();
        self.fetch(id, &lacking);
        for doc in wanted {
            self.verify_doc(id, *doc, store)?;
            if !store.doc_records(&id, *doc)?.is_empty() {
                self.repair_server(id, *doc, store)?;
            }
        }
        Ok(())
    }

    /// A document has come whole, and passed the gate: what was written to it here may follow.
    pub(super) fn note_arrived(
        &mut self,
        id: ProjectId,
        doc: DocId,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        let Some(project) = self.projects.get_mut(&id) else { return Ok(()) };
        let Some(index) = project.sync.lacking.iter().position(|lacking| *lacking == doc) else {
            return Ok(());
        };
        project.sync.lacking.remove(index);
        store.put_sync_state(&id, &project.sync)?;
        self.docs.remove(&(id, doc));
        self.push_outbox(id, store)
    }
}
