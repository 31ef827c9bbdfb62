//! Bundles that are brought back: what a device lacks, from whomever, and whatever they say that nobody signed.

use assist_crdt_model::{Body, DocId, TicketId, UnixMillis};
use assist_proto::authorship::{Claim, Evidence, Place};
use assist_proto::bundle::{Bundle, Said};
use assist_proto::hub::{Command, CommandError, Imported};
use assist_proto::store::{DeviceStore as _, Seq};
use assist_tests::world::{Desk, ERIN, Seat};

/// What a device can prove of a document, with what waits on it.
fn bundle(desk: &Desk, seat: Seat, doc: DocId) -> Bundle {
    let (project, store) = (desk.world.projects[0].id, &desk.world.net.peer(seat.device).store);
    let own = store.memberships().unwrap().remove(0);
    let admitted = store.doc_records(&project, doc).unwrap().into_iter().map(|record| Claim {
        serial: record.serial,
        place: Some(Place { seq: record.seq, admitted_at: record.admitted_at }),
        envelope: record.envelope,
    });
    let waiting = store.outbox_of_doc(&project, doc).unwrap().into_iter().map(|(_, entry)| Claim {
        serial: own.serial,
        place: None,
        envelope: entry.envelope,
    });
    let claims: Vec<Claim> = admitted.chain(waiting).collect();
    let certificate =
        |claim: &Claim| store.certificate(&project, &claim.envelope.device, claim.serial).unwrap();
    let mut certificates: Vec<_> = claims.iter().filter_map(certificate).collect();
    certificates.dedup();
    let nodes = store.nodes(&project).unwrap();
    Bundle { evidence: Evidence { project, doc, nodes, certificates, claims }, said: Said::default() }
}

fn import(desk: &mut Desk, seat: Seat, bundle: Bundle) -> Result<Imported, CommandError> {
    desk.world.net.command(seat.device, Command::Import(Box::new(bundle))).map(|reply| match reply {
        assist_proto::hub::Reply::Imported(imported) => imported,
        reply => panic!("{reply:?}"),
    })
}

fn comment(desk: &Desk, seat: Seat, ticket: TicketId, text: &str) -> Command {
    let (project, body) = (desk.world.projects[seat.project].id, Body::parse(text).unwrap());
    Command::Comment { project, ticket, body, reply_to: None, attachments: Vec::new(), hold_millis: 0 }
}

#[test]
fn what_waits_on_one_device_gets_to_the_server_by_another_and_once() {
    let mut desk = Desk::open(1);
    let (alice, carol) = (desk.alice, desk.carol);
    let ticket = desk.world.file(alice, "It hangs", "On start.");
    desk.world.settle();
    let erin = desk.sit_down(ERIN, "desktop");
    desk.world.settle();
    desk.set_online(carol, false);
    for text in ["Since when?", "And how often?"] {
        let command = comment(&desk, carol, ticket, text);
        desk.world.net.command(carol.device, command).unwrap();
    }
    desk.world.run_for(60_000);
    let carried = bundle(&desk, carol, DocId::Ticket(ticket));
    let imported = import(&mut desk, erin, carried.clone()).unwrap();
    assert_eq!((imported.added, imported.refused), (2, 0));
    desk.world.run_for(60_000);
    let wanted = ["Since when?", "And how often?"];
    assert_eq!(desk.world.comments_at(alice, ticket), wanted, "the server has them");
    desk.set_online(carol, true);
    desk.world.settle();
    assert_eq!(desk.world.comments_at(carol, ticket), wanted);
    assert_eq!(desk.drafts(carol), []);
    let again = import(&mut desk, erin, carried).unwrap();
    assert_eq!((again.added, again.refused), (0, 0));
    desk.world.check();
}

#[test]
fn nothing_unsigned_in_a_bundle_puts_a_document_out_of_order() {
    for (seed, lie) in [(2, Seq::MAX), (3, Seq(u64::MAX / 2)), (4, Seq::ZERO)] {
        let mut desk = Desk::open(seed);
        let (alice, bob, carol) = (desk.alice, desk.bob, desk.carol);
        let ticket = desk.world.file(alice, "It hangs", "On start.");
        desk.world.settle();
        for text in ["One.", "Two.", "Three."] {
            let command = comment(&desk, carol, ticket, text);
            desk.ask(carol, command);
        }
        let mut lying = bundle(&desk, carol, DocId::Ticket(ticket));
        for claim in &mut lying.evidence.claims {
            claim.place = Some(Place { seq: lie, admitted_at: UnixMillis(u64::MAX) });
        }
        assert_eq!(import(&mut desk, bob, lying.clone()), Err(CommandError::NotForThem));
        desk.world.restore_server(0, None);
        for seat in [alice, carol] {
            desk.set_online(seat, false);
        }
        let erin = desk.sit_down(ERIN, "desktop");
        desk.world.run_for(60_000);
        let imported = import(&mut desk, erin, lying).unwrap();
        assert_eq!((imported.added, imported.refused), (4, 0));
        desk.world.run_for(60_000);
        for seat in [alice, carol] {
            desk.set_online(seat, true);
        }
        desk.world.settle();
        for seat in [alice, carol, erin] {
            assert_eq!(desk.world.comments_at(seat, ticket), ["One.", "Two.", "Three."], "seed {seed}");
        }
    }
}

#[test]
fn foreign_changes_and_certificates_are_refused() {
    let mut desk = Desk::open(5);
    let (alice, carol) = (desk.alice, desk.carol);
    let ticket = desk.world.file(alice, "It hangs", "On start.");
    desk.world.settle();
    let other = desk.world.file(alice, "It hums", "All day.");
    desk.world.settle();
    let erin = desk.sit_down(ERIN, "desktop");
    desk.world.settle();
    desk.set_online(carol, false);
    let command = comment(&desk, carol, ticket, "Since when?");
    desk.world.net.command(carol.device, command).unwrap();
    let honest = bundle(&desk, carol, DocId::Ticket(ticket));
    let unproven = {
        let mut bundle = honest.clone();
        bundle.evidence.claims.last_mut().unwrap().serial = 77;
        bundle
    };
    let forged = {
        let mut bundle = honest.clone();
        bundle.evidence.claims.last_mut().unwrap().envelope.signature[5] ^= 1;
        bundle
    };
    let moved = {
        let mut bundle = honest.clone();
        bundle.evidence.doc = DocId::Ticket(other);
        bundle
    };
    for (bundle, refused) in [(unproven, 1), (forged, 1), (moved, 2)] {
        let imported = import(&mut desk, erin, bundle).unwrap();
        assert_eq!((imported.added, imported.refused), (0, refused));
    }
    assert_eq!(desk.world.comments_at(erin, ticket), [""; 0]);
    assert_eq!(import(&mut desk, erin, honest).unwrap().added, 1);
}
