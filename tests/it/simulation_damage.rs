//! Disks that forget what was written: a damaged document is set aside, and comes back from whoever has it.
//!
//! `DAMAGE_SEEDS=1000` runs more worlds than usual, `DAMAGE_SEED=17` runs one and prints what happened.

use assist_crdt_model::DocId;
use assist_proto::store::{DeviceStore as _, ServerStore};
use assist_tests::network::{Faults, Trace};
use assist_tests::world::{ALICE, BOB, CAROL, DAVE, Seat, World};

use crate::simulation_rollback::{act, leave_or_come};
use crate::worlds::run_worlds;

#[test]
fn damaged_documents_come_back_from_whoever_has_them() {
    run_worlds("DAMAGE", SEEDS, live);
}

/// Eight devices of four people who come and go; now and then a document of the server cannot be read, or one of a
/// device. Never the last copy: nobody could bring that back.
fn live(seed: u64, trace: Trace) {
    let mut world = World::new(seed, trace);
    let project = world.add_project("hero");
    for number in 0..8 {
        let person = [ALICE, BOB, CAROL, DAVE][number % 4];
        let device = world.add_device(person, "device");
        world.join(Seat { device, person, project });
        act(&mut world);
    }
    if world.net.dice.one_in(2) {
        world.net.faults = Faults { cut: 30, commit_failure: 60, ..Faults::default() };
    }
    for _ in 0..world.net.dice.between(8, 24) {
        leave_or_come(&mut world);
        act(&mut world);
        if world.net.dice.one_in(3) {
            damage(&mut world, project);
        }
    }
    world.heal();
    world.check();
    let server = &world.net.peer(world.projects[project].server).store;
    assert!(server.mending().unwrap().values().all(Option::is_some), "something is still lost");
}

fn damage(world: &mut World, project: usize) {
    let id = world.projects[project].id;
    let server = world.projects[project].server;
    let Some(seat) = world.net.dice.pick(&world.seats) else { return };
    if world.net.dice.one_in(2) {
        let is_lacking = |seat: &Seat| {
            let sync = world.net.peer(seat.device).store.sync_state(&id).unwrap();
            !sync.lacking.is_empty()
        };
        let docs: Vec<DocId> = world.docs_on_server(project);
        if world.seats.iter().any(is_lacking) {
            return;
        }
        let Some(doc) = world.net.dice.pick(&docs) else { return };
        let records = ServerStore::doc_records(&world.net.peer(server).store, doc).unwrap();
        let count = records.len() as u64;
        let from = u32::try_from(world.net.dice.between(0, count)).unwrap();
        world.damage_on_server(project, doc, from);
    } else if world.net.peer(server).store.mending().unwrap().values().all(Option::is_some) {
        let docs: Vec<DocId> = world.net.peer(seat.device).store.docs(&id).unwrap().into_iter().collect();
        let Some(doc) = world.net.dice.pick(&docs) else { return };
        world.damage_on_device(seat, doc);
    }
}

const SEEDS: u64 = 200;
