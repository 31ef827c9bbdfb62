//! Random worlds: whatever goes wrong, in the end everybody has what they may see, and nothing acknowledged is lost.
//!
//! `SIM_SEEDS=100000` runs more worlds than usual, `SIM_SEED=17` runs one and prints what happened.

use assist_tests::memory_store::MemoryStore;
use assist_tests::network::{DISK_BYTES, Faults, Trace};
use assist_tests::peer::PeerId;
use assist_tests::world::{ALICE, BOB, CAROL, DAVE, ERIN, Seat, World};

use crate::worlds::run_worlds;

#[test]
fn every_world_converges_and_loses_nothing() {
    run_worlds("SIM", SEEDS, live);
}

fn live(seed: u64, trace: Trace) {
    let mut world = World::new(seed, trace);
    let (hero, mycelium) = (world.add_project("hero"), world.add_project("mycelium"));
    let laptop = world.add_device(ALICE, "laptop");
    let bobs = world.add_device(BOB, "laptop");
    let carols = world.add_device(CAROL, "desktop");
    for (device, person, project) in [
        (laptop, ALICE, hero),
        (laptop, ALICE, mycelium),
        (bobs, BOB, hero),
        (carols, CAROL, hero),
        (carols, CAROL, mycelium),
    ] {
        world.join(Seat { device, person, project });
    }
    let is_governed = world.net.dice.one_in(2);
    if is_governed {
        let device = world.add_device(ERIN, "laptop");
        world.join(Seat { device, person: ERIN, project: hero });
    }
    world.net.faults = draw_faults(&mut world);
    let steps = world.net.dice.between(8, 24);
    let mut backup = Backup::default();
    let late_at = world.net.dice.between(0, steps * 2);
    for step in 0..steps {
        if step == late_at {
            let person = world.net.dice.pick(&[ALICE, DAVE, ERIN]).unwrap();
            let device = world.add_device(person, "phone");
            world.join_sometime(Seat { device, person, project: hero });
        }
        world.act();
        if is_governed && world.net.dice.one_in(2) {
            world.govern();
        }
        disturb(&mut world);
        back_up_or_restore(&mut world, &mut backup);
        let pause = world.net.dice.pick(&[1, 20, 200, 3_000]).unwrap();
        world.run_for(pause);
    }
    world.heal();
    world.check();
}

/// Every world has its own weather; some have none.
fn draw_faults(world: &mut World) -> Faults {
    let mut rarity = |choices: &[u64]| world.net.dice.pick(choices).unwrap();
    Faults {
        crash: rarity(&[0, 0, 20, 60]),
        commit_failure: rarity(&[0, 0, 30, 80]),
        cut: rarity(&[0, 10, 40]),
        dial_failure: rarity(&[0, 3]),
        duplicate: rarity(&[0, 4]),
    }
}

/// People pull plugs and push buttons.
fn disturb(world: &mut World) {
    use assist_proto::hub::Command;
    let Some(seat) = world.net.dice.pick(&world.seats) else { return };
    let place = world.projects[seat.project];
    match world.net.dice.between(0, 13) {
        0 | 1 => world.net.set_reachable(seat.device, place.server, false),
        2 | 3 => world.net.set_reachable(seat.device, place.server, true),
        4 => {
            world.net.ask(seat.device, Command::Pause(Some(place.id)));
        }
        5 => {
            world.net.ask(seat.device, Command::Resume(None));
        }
        6 => restart(world, seat.device),
        7 if world.net.dice.one_in(3) => restart(world, place.server),
        12 => world.net.set_disk_free(place.server, 0),
        13 => world.net.set_disk_free(place.server, DISK_BYTES),
        _ => {}
    }
}

/// A copy of a device's folder.
type Backup = Option<(PeerId, MemoryStore)>;

/// Now and then somebody copies a folder, and somebody puts the copy back.
fn back_up_or_restore(world: &mut World, backup: &mut Backup) {
    match backup.take() {
        Some((device, copy)) if world.net.dice.one_in(6) => {
            let was_clean = world.net.dice.one_in(2);
            world.restore(device, copy, was_clean);
        }
        None if world.net.dice.one_in(8) => {
            let seat = world.net.dice.pick(&world.seats);
            *backup = seat.map(|seat| (seat.device, world.net.peer(seat.device).store.clone()));
        }
        kept => *backup = kept,
    }
}

fn restart(world: &mut World, peer: PeerId) {
    if world.net.peer(peer).is_up() {
        world.net.stop(peer);
    }
    if world.net.dice.one_in(3) {
        let skew_millis = world.net.draw_skew();
        world.net.peer_mut(peer).set_skew(skew_millis);
    }
    let was_clean = world.net.dice.one_in(2);
    world.net.start(peer, was_clean);
}

const SEEDS: u64 = 2_000;
