//! Hostile peers over real QUIC against a real server: each thing they say is refused with its own code, honest people
//! beside them are served, and what all of it costs the server is bounded.
//!
//! What a change can be made of is the model's to test (`crdt-model/src/gate/tests`), what a frame can be the wire's
//! (`proto/src/wire/tests/hostile.rs`), what a connection can be the transport's (`daemon/src/net/tests/hostile.rs`).
//! Here it is shown that the parts stand behind each other in the process that people run.

mod changes;

use std::env;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, Scope, ScopedJoinHandle};

use assist_crdt_model::{Doc, DocId, RejectCode, Role, TicketId};
use assist_forge::{Dice, damage, forge};
use assist_proto::api::sync::ConnectionState;
use assist_proto::api::ticket::{List, Verify};
use assist_proto::api::{server, user};
use assist_proto::envelope::Envelope;
use assist_proto::limits::{FETCH_DOCS_MAX, FRAME_BYTES_MAX, PUSH_ENVELOPES_MAX, QUOTA_CHANGES_PER_MINUTE};
use assist_proto::wire::{self, Fetch, PeerMessage, Push};
use assist_tests::process::DaemonProcess;
use assist_tests::rogue::{Crowd, INCARNATION, Memory, NOW, Rogue, comment, port_of};
use assist_tests::stranger::Stranger;

/// Changes that follow nothing, as many as are asked for: a frame of them at a time.
fn orphans(rogue: &Rogue, ticket: &Doc, first: u64) -> Vec<Envelope> {
    let author = rogue.author(INCARNATION, Role::Customer);
    let honest = ticket.clone().apply(&author, NOW, &[comment(1, "Orphan")]).unwrap();
    let orphan = |number: u64| {
        let mut missing = [0xee; 32];
        missing[..8].copy_from_slice(&(first + number).to_be_bytes());
        let bytes = forge(&honest.bytes, |change| change.deps = vec![automerge::ChangeHash(missing)]);
        rogue.sign_bytes(ticket.id(), bytes)
    };
    (0..PUSH_ENVELOPES_MAX as u64).map(orphan).collect()
}

#[test]
fn change_that_follows_nothing_is_refused_and_costs_nothing() {
    let count = env::var("HOSTILE_ORPHANS").map_or(20_000, |count| count.parse().unwrap());
    let server = DaemonProcess::server("hero");
    let mut rogue = Rogue::join(&server, 9);
    let (ticket, filed) = rogue.ticket(1);
    assert_eq!(rogue.push(vec![filed]).acks.len(), 1);
    let memory = Memory::of(&server);
    let head = server.call(&server::GetStatus {}).head;
    let (mut judged, mut held_back) = (0, 0);
    while judged + held_back < count {
        let verdicts = rogue.push(orphans(&rogue, &ticket, judged + held_back));
        assert_eq!((verdicts.acks.len(), verdicts.rejected.len()), (0, PUSH_ENVELOPES_MAX));
        for rejected in verdicts.rejected {
            match RejectCode::from_number(rejected.code) {
                Some(RejectCode::MissingDep) => judged += 1,
                // More than a device may push in a minute is not even looked at.
                Some(RejectCode::OverQuota) => held_back += 1,
                _ => panic!("{rejected:?}"),
            }
        }
    }
    assert!(judged >= QUOTA_CHANGES_PER_MINUTE - 1, "{judged} of {count} were judged");
    let grown = memory.peak_growth_mib();
    let measured =
        format!("{judged} orphans judged and {held_back} held back: the server's memory grew by {grown} MiB");
    tell(&measured);
    assert!(grown < ORPHANS_MIB_MAX, "{measured}");
    assert_eq!(server.call(&server::GetStatus {}).head, head, "nothing came of them");
    assert_serves(&server);
}

#[test]
fn ticket_with_hundreds_of_heads_can_be_worked_with_all_the_same() {
    let count = env::var("HOSTILE_HEADS").map_or(300, |count| count.parse().unwrap());
    let (server, _carla, amir) = people();
    let mut rogue = Rogue::join(&server, 9);
    let (ticket, filed) = rogue.ticket(1);
    rogue.push(vec![filed]);
    // Nobody may have two writers for one actor, so each head is of an incarnation of its own.
    let head = |number: u32| {
        let author = rogue.author(1_000 + number, Role::Customer);
        let change = ticket.clone().apply(&author, NOW, &[comment(number.into(), "Head")]).unwrap();
        Envelope::sign(&rogue.key, &rogue.project, ticket.id(), 1_000 + number, change)
    };
    let heads: Vec<Envelope> = (0..count).map(head).collect();
    for some in heads.chunks(PUSH_ENVELOPES_MAX) {
        let verdicts = rogue.push(some.to_vec());
        assert_eq!((verdicts.acks.len(), verdicts.rejected.len()), (some.len(), 0), "{verdicts:?}");
    }
    amir.until("all heads", |client| {
        let tickets = client.call(&List::default()).unwrap().tickets;
        tickets.iter().any(|row| row.comment_count == u64::from(count)).then_some(())
    });
    let id = TicketId::from_bytes([1; 16]).to_string();
    for verb in [&["comment", &id, "-b", "Please stop."][..], &["label", &id, "noise"], &["close", &id]] {
        let done = amir.assist(["ticket"].iter().chain(verb).chain(&["--wait=server"]));
        assert_eq!(done.code, Some(0), "{verb:?}: {done:?}");
    }
    let verified = amir.call(&Verify { ticket: id, ..Verify::default() });
    assert!(verified.is_proven, "{} of {} are not proven", verified.not_proven, verified.changes.len());
}

#[test]
fn crowd_of_silent_connections_leaves_room_for_others_and_is_sent_away() {
    let server = DaemonProcess::server("hero");
    let memory = Memory::of(&server);
    let crowd = Crowd::gather(port_of(&server), CROWD);
    assert!(
        crowd.turned_away > 0,
        "one address does not get all the places: {} stand there",
        crowd.standing()
    );
    assert_serves(&server);
    crowd.until_sent_away();
    let grown = memory.peak_growth_mib();
    let let_in = CROWD - crowd.turned_away;
    let measured = format!("{let_in} of {CROWD} let in: the server's memory grew by {grown} MiB");
    tell(&measured);
    assert!(grown < CROWD_MIB_MAX, "{measured}");
    assert_serves(&server);
}

#[test]
fn frames_that_are_damaged_anyhow_end_their_link_and_nothing_else() {
    let server = DaemonProcess::server("hero");
    let rogue = Rogue::join(&server, 9);
    let (_, filed) = rogue.ticket(1);
    let genuine = wire::encode(&PeerMessage::Push(Push { project: rogue.project, envelopes: vec![filed] }));
    let mut dice = Dice::new(5);
    for number in 0..DAMAGED_FRAMES {
        let mut frame = genuine.clone();
        for _ in 0..=dice.below(4) {
            damage(&mut frame, &mut dice);
        }
        let mut stranger = Stranger::connect(port_of(&server), 7);
        stranger.send_frame(&frame);
        // No member: whatever is understood of it, it is refused, and the connection ends.
        while let Some(answer) = stranger.hear() {
            assert!(matches!(answer, PeerMessage::Refused(_)), "frame {number}: {answer:?}");
        }
        stranger.close_code();
    }
    assert_serves(&server);
}

#[test]
fn honest_people_are_served_while_hostile_ones_do_all_they_can() {
    let (mut server, carla, amir) = people();
    let (pid, memory) = (server.pid(), Memory::of(&server));
    let attack = Attack::default();
    thread::scope(|scope| {
        let crowd = attack.begin(scope, &server);
        for number in 0..HONEST_TICKETS {
            let title = format!("Honest {number}");
            carla.assist_ok(["ticket", "new", "-t", &title, "-b", "It flaps.", "--wait=delivered"]);
        }
        attack.is_over.store(true, Ordering::Relaxed);
        assert!(crowd.join().unwrap().turned_away > 0, "the crowd was one");
    });
    assert_eq!(server.pid(), pid, "it is the same process");
    let grown = memory.peak_growth_mib();
    let (orphans, garbage) = (attack.orphans.into_inner(), attack.garbage.into_inner());
    let measured =
        format!("{orphans} orphans, {garbage} times garbage: the server's memory grew by {grown} MiB");
    tell(&measured);
    assert!(orphans > 0 && garbage > 0 && grown < ALL_MIB_MAX, "{measured}");

    // Everything loads: there, and on a device that gets it all for the first time.
    server.stop();
    server.start();
    let newcomer = DaemonProcess::device();
    newcomer.join(&server, user::Role::Agent, "Erin");
    let wanted = amir.call(&List::default()).total;
    assert_eq!(wanted, HONEST_TICKETS + 1, "theirs, and the one of those who flood");
    let rows = newcomer.until("all tickets", |client| {
        let page = client.call(&List::default()).unwrap();
        (page.total == wanted && page.tickets.iter().all(|row| row.is_loaded)).then_some(page.tickets)
    });
    for row in rows {
        let verified = newcomer.call(&Verify { ticket: row.id, ..Verify::default() });
        assert!(verified.is_proven && verified.set_aside == 0, "{verified:?}");
    }
}

/// Everything at once, until it is over.
#[derive(Default)]
struct Attack {
    is_over: AtomicBool,
    orphans: AtomicUsize,
    garbage: AtomicUsize,
}

impl Attack {
    fn begin<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        server: &DaemonProcess,
    ) -> ScopedJoinHandle<'scope, Crowd> {
        let address = port_of(server);
        let [floods, dribbles, hoards] = [10, 11, 12].map(|seed| Rogue::join(server, seed));
        scope.spawn(move || self.flood(floods));
        scope.spawn(move || self.dribble(dribbles));
        scope.spawn(move || hoard(hoards));
        scope.spawn(move || self.babble(address));
        scope.spawn(move || Crowd::gather(address, CROWD))
    }

    fn goes_on(&self) -> bool {
        !self.is_over.load(Ordering::Relaxed)
    }

    /// A member who pushes what follows nothing.
    fn flood(&self, mut rogue: Rogue) {
        let (ticket, filed) = rogue.ticket(1);
        rogue.push(vec![filed]);
        while self.goes_on() {
            let first = self.orphans.fetch_add(PUSH_ENVELOPES_MAX, Ordering::Relaxed);
            rogue.push(orphans(&rogue, &ticket, first as u64));
        }
    }

    /// A member who sends the largest frame there may be, a byte at a time.
    fn dribble(&self, mut rogue: Rogue) {
        rogue.stranger.send(&u32::try_from(FRAME_BYTES_MAX).unwrap().to_be_bytes());
        while self.goes_on() {
            rogue.stranger.send(&[0]);
            thread::yield_now();
        }
    }

    /// Strangers who say what is no message.
    fn babble(&self, address: SocketAddr) {
        let mut dice = Dice::new(6);
        while self.goes_on() {
            let mut garbage = vec![0; 1 + dice.below(2_000)];
            garbage.iter_mut().for_each(|byte| *byte = dice.below(256) as u8);
            Stranger::connect(address, 7).send(&garbage);
            self.garbage.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A member who asks for much and takes nothing of it.
fn hoard(mut rogue: Rogue) {
    let fetch = wire::encode(&PeerMessage::Fetch(Fetch { docs: vec![DocId::Project; FETCH_DOCS_MAX] }));
    for _ in 0..200 {
        rogue.stranger.send_frame(&fetch);
    }
}

/// A server with a customer and an agent, both connected.
fn people() -> (DaemonProcess, DaemonProcess, DaemonProcess) {
    let server = DaemonProcess::server("hero");
    let (carla, amir) = (DaemonProcess::device(), DaemonProcess::device());
    carla.join(&server, user::Role::Customer, "Carla");
    amir.join(&server, user::Role::Agent, "Amir");
    carla.until_connection(ConnectionState::Online);
    amir.until_connection(ConnectionState::Online);
    (server, carla, amir)
}

/// Says what was measured, for those who look with `--nocapture`.
#[expect(clippy::print_stdout, reason = "a measurement is for whoever runs the test")]
fn tell(text: &str) {
    println!("{text}");
}

/// Somebody can join and be served.
fn assert_serves(server: &DaemonProcess) {
    let device = DaemonProcess::device();
    device.join(server, user::Role::Customer, "Carla");
    device.assist_ok(["ticket", "new", "-t", "Still here", "-b", "", "--wait=server"]);
}

/// Connections of one crowd: more than half of the places that there are for those who greet.
const CROWD: usize = 700;
/// Frames of the length of a push, each damaged in another way.
const DAMAGED_FRAMES: usize = 60;
/// Enough to be there the whole time that the hostile ones are.
const HONEST_TICKETS: u64 = 20;
/// Nothing is kept of an orphan; a frame of them and its verdicts are under way at a time.
const ORPHANS_MIB_MAX: u64 = 16;
/// A connection that greets costs some 30 KiB, and there are 512 places for a crowd from one address.
const CROWD_MIB_MAX: u64 = 64;
/// All of it together: the two above, a frame or two for each member, and the stores' own caches.
const ALL_MIB_MAX: u64 = 96;
