//! A ticket that comes from a bundle: what somebody kept elsewhere is here again.
//!
//! It is what this device would hold of a log that the server has no more ([`super::former`]): shown as saved here, and
//! given to the server, which takes what it lacks by its own rules. So an export is a backup that any member can bring
//! back, and importing what is there already changes nothing.
//!
//! The file may be hostile: signatures, certificates and the gate decide here as for everything that a server sends,
//! and what it says of places and times decides nothing.

use assist_crdt_model::{DocId, ProjectId, Role, UserId};

use super::super::action::Cause;
use super::incoming::{place_of, record_of};
use super::{CommandError, DeviceHub, Reply};
use crate::authorship::{Claim, Evidence, Vouched};
use crate::bundle::{Bundle, Said};
use crate::certificate::{DeviceCertificate, NodeCertificate};
use crate::limits;
use crate::store::{DeviceStore, Seq, StoreResult};
use crate::wire::{Ack, Member, codec};

/// What an import came to, in changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Imported {
    /// Were not here, and are now.
    pub added: u64,
    /// Were here already.
    pub known: u64,
    /// Are not provably their authors', or do not fit what is here.
    pub refused: u64,
}

enum Outcome {
    Added,
    Known,
    Refused,
}

impl DeviceHub {
    pub(super) fn import(
        &mut self,
        bundle: &Bundle,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<Result<Reply, CommandError>> {
        let Evidence { project: id, doc, .. } = bundle.evidence;
        if !self.projects.contains_key(&id) {
            return Ok(Err(CommandError::NotJoined));
        }
        if !self.may_import(&bundle.evidence, store)? {
            return Ok(Err(CommandError::NotForThem));
        }
        self.verify_doc(id, doc, store)?;
        Self::take_vouchers(&bundle.evidence, store)?;
        let mut imported = Imported::default();
        // Behind all that is here: nothing signed says in which order the server had them.
        let records = store.doc_records(&id, doc)?;
        let mut last = records.iter().map(|record| record.seq.in_its_log()).max().unwrap_or(Seq::ZERO);
        for (index, claim) in bundle.evidence.claims.iter().enumerate() {
            let number = bundle.said.number.filter(|_| index == 0 && matches!(doc, DocId::Ticket(_)));
            match self.import_change(claim, &bundle.said, number, &mut last, (id, doc), store)? {
                Outcome::Added => imported.added += 1,
                Outcome::Known => imported.known += 1,
                Outcome::Refused => imported.refused += 1,
            }
        }
        if imported.added > 0 {
            Self::take_names(id, &bundle.evidence, &bundle.said, store)?;
            self.learn_new_names(id, store)?;
            self.give_anew(id, store)?;
            self.notify_ticket(id, doc, Cause::Remote, None);
        }
        Ok(Ok(Reply::Imported(imported)))
    }

    /// A customer has their own tickets and those that the server shows them, and never the team's notes.
    fn may_import(&self, evidence: &Evidence, store: &dyn DeviceStore) -> StoreResult<bool> {
        let Some(project) = self.projects.get(&evidence.project) else { return Ok(false) };
        if project.membership.role.is_team() {
            return Ok(true);
        }
        let DocId::Ticket(ticket) = evidence.doc else { return Ok(false) };
        if store.row(&evidence.project, ticket)?.is_some() {
            return Ok(true);
        }
        let summary = evidence.check().doc.summary();
        Ok(summary.is_some_and(|summary| summary.requester == project.membership.user))
    }

    fn import_change(
        &mut self,
        claim: &Claim,
        said: &Said,
        number: Option<u32>,
        last: &mut Seq,
        (id, doc): (ProjectId, DocId),
        store: &mut dyn DeviceStore,
    ) -> StoreResult<Outcome> {
        let verified = match claim.envelope.clone().verify(&id) {
            Ok(verified) if verified.envelope().doc == doc => verified,
            _ => return Ok(Outcome::Refused),
        };
        let Some(author) = self.author(id, &verified, claim.serial, store)? else {
            return Ok(Outcome::Refused);
        };
        let loaded = self.load_doc(id, doc, store)?;
        if loaded.contains(&verified.hash()) {
            return Ok(Outcome::Known);
        }
        if loaded.admit(verified.change(), &author).is_err() {
            return Ok(Outcome::Refused);
        }
        let claimed = claim.place.map_or(Seq::ZERO, |place| place.seq.in_its_log().min(CLAIMED_SEQ_MAX));
        *last = claimed.max(last.next());
        let place = Ack {
            change: verified.hash(),
            doc,
            seq: last.former(),
            admitted_at: claim.place.map_or(said.made_at, |place| place.admitted_at).min(self.now),
            serial: claim.serial,
            number,
        };
        let record = record_of(&place, verified.into_envelope());
        store.append_record(&id, &record)?;
        self.touch_admitted(id, &place_of(place.change, &record), author.user);
        self.hear_anew(id, doc);
        Ok(Outcome::Added)
    }

    /// Keeps certificates that lead to the project's root, where there is none yet.
    fn take_vouchers(evidence: &Evidence, store: &mut dyn DeviceStore) -> StoreResult<()> {
        let id = evidence.project;
        let mut nodes = Vec::new();
        for signed in store.nodes(&id)? {
            nodes.extend(NodeCertificate::verify(&signed, &id).map(|known| known.node));
        }
        for signed in &evidence.nodes {
            let Ok(certificate) = NodeCertificate::verify(signed, &id) else { continue };
            if !nodes.contains(&certificate.node) {
                nodes.push(certificate.node);
                store.put_node(&id, &certificate.node, signed)?;
            }
        }
        let vouched = Vouched::new(&id, &evidence.nodes, &evidence.certificates);
        for signed in &evidence.certificates {
            let Ok(claimed) = codec::decode::<DeviceCertificate>("device certificate", &signed.payload)
            else {
                continue;
            };
            let is_vouched = vouched.device(&claimed.device, claimed.serial).is_ok_and(|it| *it == claimed);
            if is_vouched && store.certificate(&id, &claimed.device, claimed.serial)?.is_none() {
                store.put_certificate(&id, &claimed.device, claimed.serial, signed)?;
            }
        }
        Ok(())
    }

    /// People of whom this device knows nothing are called what the bundle calls them, until the server says more.
    fn take_names(
        id: ProjectId,
        evidence: &Evidence,
        said: &Said,
        store: &mut dyn DeviceStore,
    ) -> StoreResult<()> {
        let vouched = Vouched::new(&id, &evidence.nodes, &evidence.certificates);
        let certified = evidence.claims.iter().map(|claim| (claim.envelope.device, claim.serial));
        let authors = certified.filter_map(|(device, serial)| vouched.device(&device, serial).ok());
        let authors: Vec<(UserId, Role)> = authors.map(|author| (author.user, author.role)).collect();
        for (user, name) in &said.people {
            if store.member(&id, *user)?.is_none() {
                let role = authors.iter().rev().find(|(author, _)| author == user);
                let role = role.map_or(Role::Customer, |(_, role)| *role);
                let name =
                    name.chars().filter(|char| !char.is_control()).take(limits::NAME_CHARS_MAX).collect();
                store.put_member(&id, &Member { user: *user, name, role, email: None })?;
            }
        }
        Ok(())
    }
}

/// No log comes that far. More is claimed only by who wants to be behind everything.
const CLAIMED_SEQ_MAX: Seq = Seq(1 << 62);
