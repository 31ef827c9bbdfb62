//! What a server says that it decided is what it decided: the admission log is whole, and lets in what is there.

use std::collections::BTreeMap;

use assist_crdt_model::{ChangeHash, DocId, Role, ScannedChange};
use assist_proto::admission::{Check, Entry, Event};
use assist_proto::store::{Record, Seq, ServerStore as _};
use assist_proto::wire::ask::{Answer, Outcome, Response};

use super::World;
use crate::peer::PeerId;

impl World {
    /// The admission log of a project's server.
    ///
    /// # Panics
    /// If something in it is no entry.
    pub fn admissions(&self, project: usize) -> Vec<Entry> {
        let entries = self.server_store(project).admissions(1, usize::MAX).expect("memory is read");
        entries.iter().map(|bytes| Entry::decode(bytes).expect("an entry")).collect()
    }

    /// What a server decided, and how it fares, is told to admins alone.
    pub(super) fn check_answer(&self, answer: &Answer, project: usize, to: PeerId) {
        if let Outcome::Given(Response::Log(_) | Response::Health(_)) = &answer.outcome {
            let is_admin = self.member(to, project).is_some_and(|user| user.role == Role::Admin);
            assert!(is_admin, "{} was told what is for admins", self.net.peer(to).name);
        }
    }

    /// The chain holds to the end that the server signed, and each change in the log was let in once, at its place.
    pub(super) fn check_admissions(&self, project: usize, log: &BTreeMap<DocId, Vec<Record>>) {
        let place = self.projects[project];
        let (store, node) = (self.server_store(project), self.net.peer(place.server).device());
        let mut chain = Check::default();
        for bytes in store.admissions(1, usize::MAX).expect("memory is read") {
            chain.take(&bytes);
        }
        let signed = store.admission_head().expect("memory is read");
        if let Err(fault) = chain.finish(signed.as_ref(), &place.id, &node) {
            panic!("the admission log: {fault}");
        }
        let mut let_in: BTreeMap<ChangeHash, Seq> = BTreeMap::new();
        for entry in self.admissions(project) {
            if let Event::Admitted { change, seq } = entry.event {
                assert_eq!(let_in.insert(change, seq), None, "{change} was let in twice");
            }
        }
        for record in log.values().flatten() {
            let change =
                ScannedChange::scan(&record.envelope.change).expect("the log has only changes").hash();
            assert_eq!(let_in.remove(&change), Some(record.seq), "{change} was never let in");
        }
        assert!(let_in.is_empty(), "let in, and not there: {let_in:?}");
    }
}
