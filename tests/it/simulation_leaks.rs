//! Twenty people in three projects, and everything that is sent between them looked into.
//!
//! Every text says where it was written; the world holds each frame and each notice against what its reader may see at
//! that moment ([`World::observe`]).

use assist_crdt_model::Role;
use assist_tests::network::{Faults, Trace};
use assist_tests::world::{Person, Seat, World};

#[test]
fn nobody_is_sent_what_is_not_for_them_in_three_projects_of_twenty_people() {
    let mut world = World::new(20, Trace::OFF);
    world.people = (1..=20).map(person).collect();
    for project in ["hero", "mycelium", "garden"] {
        world.add_project(project);
    }
    for person in 0..world.people.len() {
        let device = world.add_device(person, "laptop");
        for project in 0..world.projects.len() {
            world.join(Seat { device, person, project });
        }
    }
    world.net.faults = Faults { cut: 400, crash: 600, commit_failure: 800, ..Faults::default() };
    for _ in 0..ACTS {
        world.act();
        if world.net.dice.one_in(8) {
            world.govern();
        }
        world.run_for(40);
    }
    world.heal();
    world.check();
    let texts = world.texts_seen();
    assert!(texts > 5_000, "{texts} texts were looked at");
}

/// Twelve customers, six agents, two admins.
fn person(number: usize) -> Person {
    let role = match number {
        1..=12 => Role::Customer,
        13..=18 => Role::Agent,
        _ => Role::Admin,
    };
    Person { name: format!("Person{number}").leak(), role }
}

const ACTS: usize = 1_500;
