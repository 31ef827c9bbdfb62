//! Who provably wrote what: the chain from a project's root down to each change of one document.
//!
//! The project's id is its root's key. The root signs nodes, a node signs devices (each with a user and a role), a
//! device signs its changes, a change names those it follows by hash, and the gate tells whether its author might do
//! that. What holds here holds whoever handed the evidence over.
//!
//! It does not tell whether there is more: evidence can be held back. Places in the server's log and the server's
//! times are signed by nobody; they are handed through as claims. Pure: no IO, no clock, every input may be hostile.

use std::collections::{BTreeMap, BTreeSet};

use assist_crdt_model::{
    Actor, Author, ChangeHash, DeviceId, Doc, DocId, HistoryEntry, ProjectId, Rejection, Role, ScannedChange,
    UnixMillis, UserId,
};

use crate::certificate::{CertificateError, DeviceCertificate, NodeCertificate, Signed};
use crate::envelope::{Envelope, VerifiedEnvelope};
use crate::store::Seq;
use crate::wire::codec;

/// All there is to check one document of a project with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Whose root everything has to come from.
    pub project: ProjectId,
    /// The document.
    pub doc: DocId,
    /// Node certificates.
    pub nodes: Vec<Signed>,
    /// Device certificates.
    pub certificates: Vec<Signed>,
    /// Changes, each after those it follows.
    pub claims: Vec<Claim>,
}

/// A change as it was handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The change with its signature.
    pub envelope: Envelope,
    /// The certificate of its device in force when it was admitted, or made if it was not yet.
    pub serial: u32,
    /// Where the server is said to have put it; `None` if it waits at its author's device.
    pub place: Option<Place>,
}

/// Where and when the server is said to have admitted a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its place in the server's log.
    pub seq: Seq,
    /// By the server's clock.
    pub admitted_at: UnixMillis,
}

/// What the check of some evidence came to.
#[derive(Debug, Clone)]
pub struct Report {
    /// One for each claim, in order.
    pub findings: Vec<Finding>,
    /// Certificates that prove nothing, beside those that some finding tells of.
    pub stray_certificates: usize,
    /// The document of all changes that hold.
    pub doc: Doc,
}

/// What the check of one change came to.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The change's hash, where its bytes give one.
    pub change: Option<ChangeHash>,
    /// The device that it is said to be of.
    pub device: DeviceId,
    /// Which certificate of it.
    pub serial: u32,
    /// Whose device that provably is, and what they might do.
    pub author: Option<(UserId, Role)>,
    /// Where the server is said to have put it.
    pub place: Option<Place>,
    /// What it says; `None` if it does not hold.
    pub entry: Option<HistoryEntry>,
    /// What is wrong.
    pub fault: Option<Fault>,
}

/// Why a change is not provably its author's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The bytes are no change, or the device did not sign them.
    #[error("{}", .0.detail)]
    Change(Rejection),
    /// It was signed for another document.
    #[error("it belongs to another document")]
    OtherDoc,
    /// The same change again.
    #[error("it stands here twice")]
    Twice,
    /// Nobody vouches for the device.
    #[error("there is no certificate {serial} of its device")]
    NoCertificate {
        /// Which was named.
        serial: u32,
    },
    /// Somebody does, but nobody of the project.
    #[error("the certificate {serial} of its device is not signed by a node of the project")]
    ForeignCertificate {
        /// Which.
        serial: u32,
    },
    /// The author might not do that, or it does not fit what it follows.
    #[error("the gate refuses it ({}): {}", .0.code, .0.detail)]
    Gate(Rejection),
}

/// The keys that a project vouches for, as far as certificates prove it.
#[derive(Debug, Clone, Default)]
pub struct Vouched {
    devices: BTreeMap<(DeviceId, u32), DeviceCertificate>,
    /// Claimed by certificates that no node of the project signed.
    foreign: BTreeSet<(DeviceId, u32)>,
    stray: usize,
}

impl Evidence {
    /// Checks everything.
    pub fn check(&self) -> Report {
        let vouched = Vouched::new(&self.project, &self.nodes, &self.certificates);
        let mut seen = BTreeSet::new();
        let signed: Vec<Result<Signatory, Box<Finding>>> =
            self.claims.iter().map(|claim| self.check_signature(claim, &vouched, &mut seen)).collect();
        let (doc, refused) = self.check_gate(&signed);
        let mut entries: BTreeMap<ChangeHash, HistoryEntry> =
            doc.history().into_iter().map(|entry| (entry.change, entry)).collect();
        let findings = signed.into_iter().zip(&self.claims).zip(refused).map(|((signed, claim), refused)| {
            let signatory = match signed {
                Ok(signatory) => signatory,
                Err(finding) => return *finding,
            };
            let hash = signatory.envelope.hash();
            Finding {
                change: Some(hash),
                author: Some((signatory.author.user, signatory.author.role)),
                entry: entries.remove(&hash),
                fault: refused.map(Fault::Gate),
                ..Finding::of(claim)
            }
        });
        Report { findings: findings.collect(), stray_certificates: vouched.stray, doc }
    }

    /// The part that needs no document: bytes, signature, certificate.
    fn check_signature(
        &self,
        claim: &Claim,
        vouched: &Vouched,
        seen: &mut BTreeSet<ChangeHash>,
    ) -> Result<Signatory, Box<Finding>> {
        let finding = Finding::of(claim);
        let fail = |change, fault| Err(Box::new(Finding { change, fault: Some(fault), ..finding.clone() }));
        let envelope = match claim.envelope.clone().verify(&self.project) {
            Ok(envelope) => envelope,
            Err(refused) => return fail(refused.hash, Fault::Change(refused.rejection)),
        };
        let hash = envelope.hash();
        if claim.envelope.doc != self.doc {
            return fail(Some(hash), Fault::OtherDoc);
        }
        if !seen.insert(hash) {
            return fail(Some(hash), Fault::Twice);
        }
        let device = claim.envelope.device;
        let certificate = match vouched.device(&device, claim.serial) {
            Ok(certificate) => certificate,
            Err(fault) => return fail(Some(hash), fault),
        };
        let actor = Actor::derive(&device, claim.envelope.incarnation);
        let author = Author { user: certificate.user, role: certificate.role, actor };
        Ok(Signatory { envelope, author })
    }

    /// Puts what is signed through the gate: the document of what it lets in, and for each claim its refusal.
    fn check_gate(&self, signed: &[Result<Signatory, Box<Finding>>]) -> (Doc, Vec<Option<Rejection>>) {
        // All at once is quicker by far, and the usual case.
        let whole: Option<Vec<(&ScannedChange, Author)>> =
            signed.iter().map(|it| it.as_ref().ok().map(|it| (it.envelope.change(), it.author))).collect();
        if let Some(doc) = whole.and_then(|whole| Doc::verify(self.doc, whole).ok()) {
            return (doc, vec![None; signed.len()]);
        }
        let mut doc = Doc::new(self.doc);
        let refused = signed.iter().map(|signed| match signed {
            Ok(it) => doc.admit(it.envelope.change(), &it.author).err(),
            Err(_) => None,
        });
        let refused = refused.collect();
        (doc, refused)
    }
}

impl Report {
    /// Tells whether every change is provably its author's and nothing else is amiss.
    pub fn is_whole(&self) -> bool {
        self.fault_count() == 0 && self.stray_certificates == 0 && !self.findings.is_empty()
    }

    /// How many changes do not hold.
    pub fn fault_count(&self) -> usize {
        self.findings.iter().filter(|finding| finding.fault.is_some()).count()
    }
}

impl Finding {
    fn of(claim: &Claim) -> Self {
        Self {
            change: None,
            device: claim.envelope.device,
            serial: claim.serial,
            author: None,
            place: claim.place,
            entry: None,
            fault: None,
        }
    }
}

impl Vouched {
    /// Follows the certificates from the root down.
    pub fn new(project: &ProjectId, nodes: &[Signed], certificates: &[Signed]) -> Self {
        let mut vouched = Self::default();
        let mut keys = BTreeSet::new();
        for signed in nodes {
            match NodeCertificate::verify(signed, project) {
                Ok(node) => drop(keys.insert(node.node)),
                Err(_) => vouched.stray += 1,
            }
        }
        for signed in certificates {
            vouched.add(project, &keys, signed);
        }
        vouched
    }

    /// The certificate of a device that the project vouches for.
    ///
    /// # Errors
    /// When there is none, or none that holds.
    pub fn device(&self, device: &DeviceId, serial: u32) -> Result<&DeviceCertificate, Fault> {
        let key = (*device, serial);
        self.devices.get(&key).ok_or(match self.foreign.contains(&key) {
            true => Fault::ForeignCertificate { serial },
            false => Fault::NoCertificate { serial },
        })
    }

    fn add(&mut self, project: &ProjectId, nodes: &BTreeSet<DeviceId>, signed: &Signed) {
        let by_node = |node| DeviceCertificate::verify(signed, project, node);
        let found: Option<Result<DeviceCertificate, CertificateError>> =
            nodes.iter().map(by_node).find(Result::is_ok);
        if let Some(Ok(certificate)) = found {
            let key = (certificate.device, certificate.serial);
            if self.devices.insert(key, certificate).is_some() {
                self.stray += 1; // Two for one serial: nothing honest hands both over.
            }
            return;
        }
        self.stray += 1;
        // Not believed, but good enough to say what is wrong.
        if let Ok(claimed) = codec::decode::<DeviceCertificate>("device certificate", &signed.payload) {
            self.foreign.insert((claimed.device, claimed.serial));
        }
    }
}

/// A change that its device signed, and whose device the project vouches for.
struct Signatory {
    envelope: VerifiedEnvelope,
    author: Author,
}

#[cfg(test)]
pub(crate) mod tests;
