//! Servers that went back in time, and servers that have nothing but their keys: what the devices hold comes back.
//!
//! `ROLLBACK_SEEDS=1000` runs more worlds than usual, `ROLLBACK_SEED=17` runs one and prints what happened.

use assist_tests::memory_store::MemoryStore;
use assist_tests::network::{DISK_BYTES, Trace};
use assist_tests::world::{ALICE, BOB, CAROL, DAVE, ERIN, Seat, World};

use crate::worlds::run_worlds;

#[test]
fn whatever_a_server_forgot_its_devices_give_back() {
    run_worlds("ROLLBACK", SEEDS, live);
}

/// Twenty devices of five people; the server is restored at a moment from a copy of another, or is empty. Some
/// devices are away meanwhile.
fn live(seed: u64, trace: Trace) {
    let mut world = World::new(seed, trace);
    let project = world.add_project("hero");
    let server = world.projects[project].server;
    let mut copy: Option<MemoryStore> = None;
    let is_emptied = seed % 4 == 3;
    let joined_at_copy = world.net.dice.between(5, DEVICES);
    for number in 0..DEVICES {
        let person = [ALICE, BOB, CAROL, DAVE, ERIN][usize::try_from(number % 5).unwrap()];
        let device = world.add_device(person, "device");
        world.join(Seat { device, person, project });
        if number + 1 == joined_at_copy && world.net.dice.one_in(2) {
            copy = Some(world.net.peer(server).store.clone());
        }
        if number >= 4 {
            act(&mut world);
        }
    }
    let steps = world.net.dice.between(4, 20);
    let copied_at = world.net.dice.between(0, steps - 1);
    for step in 0..steps {
        if step == copied_at && copy.is_none() {
            copy = Some(world.net.peer(server).store.clone());
        }
        leave_or_come(&mut world);
        act(&mut world);
    }
    world.restore_server(project, if is_emptied { None } else { copy });
    for _ in 0..world.net.dice.between(0, 8) {
        leave_or_come(&mut world);
        fill_or_free(&mut world, project);
        act(&mut world);
    }
    world.heal();
    world.check();
}

pub(crate) fn act(world: &mut World) {
    world.act();
    let pause = world.net.dice.pick(&[1, 20, 200, 3_000]).unwrap();
    world.run_for(pause);
}

pub(crate) fn leave_or_come(world: &mut World) {
    let Some(seat) = world.net.dice.pick(&world.seats) else { return };
    let is_reachable = world.net.dice.one_in(2);
    let server = world.projects[seat.project].server;
    world.net.set_reachable(seat.device, server, is_reachable);
}

/// What is given back needs room like everything else.
fn fill_or_free(world: &mut World, project: usize) {
    let server = world.projects[project].server;
    match world.net.dice.between(0, 5) {
        0 => world.net.set_disk_free(server, 0),
        1 => world.net.set_disk_free(server, DISK_BYTES),
        _ => {}
    }
}

const SEEDS: u64 = 100;
const DEVICES: u64 = 20;
