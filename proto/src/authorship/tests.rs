//! Honest evidence holds, and every lie in it is found where it stands.

use assist_crdt_model::{Body, Doc, Edit, RejectCode, Status, TicketId, Title, UnixMillis};
use ed25519_dalek::SigningKey;

use super::*;
use crate::samples::*;

const AGENT_KEY: [u8; 32] = [5; 32];

fn agent_key() -> SigningKey {
    SigningKey::from_bytes(&AGENT_KEY)
}

fn certificate(key: &SigningKey, user: u8, role: Role, serial: u32) -> DeviceCertificate {
    DeviceCertificate {
        user: UserId::from_bytes([user; 16]),
        role,
        device: device_id(key),
        serial,
        ..device_certificate()
    }
}

/// A ticket of a customer, answered and closed by an agent.
pub(crate) fn evidence() -> Evidence {
    let customer = Author {
        user: UserId::from_bytes([7; 16]),
        role: Role::Customer,
        actor: Actor::derive(&device_id(&device_key()), INCARNATION),
    };
    let agent = Author {
        user: UserId::from_bytes([8; 16]),
        role: Role::Agent,
        actor: Actor::derive(&device_id(&agent_key()), 1),
    };
    let mut document = Doc::new(doc());
    let file = Edit::CreateTicket {
        requester: customer.user,
        title: Title::parse("Node does not start").unwrap(),
        body: Body::parse("It stops.").unwrap(),
    };
    let retitle = Edit::SetTitle(Title::parse("Node stops at start").unwrap());
    let signed = [
        (device_key(), INCARNATION, document.apply(&customer, NOW, &[file]).unwrap()),
        (agent_key(), 1, document.apply(&agent, UnixMillis(NOW.0 + 1), &[retitle]).unwrap()),
        (
            agent_key(),
            1,
            document.apply(&agent, UnixMillis(NOW.0 + 2), &[Edit::SetStatus(Status::Closed)]).unwrap(),
        ),
    ];
    let claims = signed.into_iter().zip(1..).map(|((key, incarnation, change), seq)| Claim {
        envelope: Envelope::sign(&key, &project(), doc(), incarnation, change),
        serial: 1,
        place: Some(Place { seq: Seq(seq), admitted_at: UnixMillis(NOW.0 + seq) }),
    });
    Evidence {
        project: project(),
        doc: doc(),
        nodes: vec![signed_node()],
        certificates: vec![
            Signed::sign(&node_key(), &certificate(&device_key(), 7, Role::Customer, 1)),
            Signed::sign(&node_key(), &certificate(&agent_key(), 8, Role::Agent, 1)),
        ],
        claims: claims.collect(),
    }
}

fn faults(evidence: &Evidence) -> Vec<Option<Fault>> {
    evidence.check().findings.into_iter().map(|finding| finding.fault).collect()
}

#[test]
fn an_honest_ticket_is_its_authors() {
    let report = evidence().check();
    assert!(report.is_whole(), "{report:?}");
    assert_eq!(report.doc.ticket().unwrap().title, "Node stops at start");
    let authors: Vec<_> = report.findings.iter().map(|finding| finding.author.unwrap()).collect();
    let (customer, agent) = (UserId::from_bytes([7; 16]), UserId::from_bytes([8; 16]));
    assert_eq!(authors, [(customer, Role::Customer), (agent, Role::Agent), (agent, Role::Agent)]);
    let retitled = report.findings[1].entry.as_ref().unwrap();
    assert_eq!(retitled.edits[0].1.as_deref(), Some("Node does not start"), "the value before");
    assert_eq!(report.findings[2].place.unwrap().seq, Seq(3));
}

#[test]
fn a_change_under_another_name_is_found_and_so_is_what_follows_it() {
    let mut forged = evidence();
    forged.claims[1].envelope.device = device_id(&device_key());
    let faults = faults(&forged);
    assert_eq!(faults[0], None);
    assert!(
        matches!(&faults[1], Some(Fault::Change(it)) if it.code == RejectCode::BadSignature),
        "{faults:?}"
    );
    assert!(matches!(&faults[2], Some(Fault::Gate(it)) if it.code == RejectCode::MissingDep), "{faults:?}");
}

#[test]
fn a_device_that_nobody_of_the_project_vouches_for_proves_nothing() {
    let agent = certificate(&agent_key(), 8, Role::Agent, 1);
    let mut forged = evidence();
    forged.certificates[1] = Signed::sign(&stranger_key(), &agent);
    let report = forged.check();
    assert_eq!(report.stray_certificates, 1);
    assert_eq!(report.findings[1].fault, Some(Fault::ForeignCertificate { serial: 1 }));
    assert_eq!((report.findings[1].author, report.findings[1].entry.clone()), (None, None));
    forged.certificates.pop();
    assert_eq!(faults(&forged)[1], Some(Fault::NoCertificate { serial: 1 }));
    forged.nodes.clear();
    assert_eq!(faults(&forged)[0], Some(Fault::ForeignCertificate { serial: 1 }), "no node, no chain");
}

#[test]
fn a_node_that_the_root_did_not_sign_proves_nothing() {
    let mut forged = evidence();
    forged.nodes = vec![Signed::sign(&stranger_key(), &node_certificate())];
    let report = forged.check();
    assert_eq!(report.fault_count(), 3);
    assert_eq!(report.stray_certificates, 3, "the node's and both devices'");
}

#[test]
fn the_role_of_the_certificate_that_is_named_counts() {
    let mut demoted = evidence();
    let customer = certificate(&agent_key(), 8, Role::Customer, 2);
    demoted.certificates.push(Signed::sign(&node_key(), &customer));
    assert!(demoted.check().is_whole(), "an older certificate still proves what was done under it");
    demoted.claims[1].serial = 2;
    let faults = faults(&demoted);
    assert!(matches!(faults[1], Some(Fault::Gate(_))), "no customer retitles another's ticket: {faults:?}");
}

#[test]
fn what_belongs_elsewhere_or_stands_twice_is_found() {
    let mut other_doc = evidence();
    other_doc.doc = DocId::Ticket(TicketId::from_bytes([9; 16]));
    assert_eq!(faults(&other_doc), vec![Some(Fault::OtherDoc); 3]);
    let mut other_project = evidence();
    other_project.project = ProjectId::from_bytes(stranger_key().verifying_key().to_bytes());
    assert_eq!(other_project.check().fault_count(), 3);
    let mut twice = evidence();
    twice.claims.push(twice.claims[0].clone());
    assert_eq!(faults(&twice)[3], Some(Fault::Twice));
    let mut reordered = evidence();
    reordered.claims.swap(0, 1);
    assert!(!reordered.check().is_whole(), "a change stands behind those it follows");
    let mut headless = evidence();
    headless.claims.remove(0);
    assert_eq!(headless.check().fault_count(), 2);
    let nothing = Evidence { claims: Vec::new(), ..evidence() };
    assert!(!nothing.check().is_whole(), "nothing proves nothing");
}

#[test]
fn two_certificates_for_one_serial_are_told() {
    let mut doubled = evidence();
    doubled.certificates.push(doubled.certificates[0].clone());
    assert_eq!(doubled.check().stray_certificates, 1);
}
