//! The smallest whole case: one project, two customers and an agent, all in step.

use assist_proto::hub::{Command, ProjectStatus};
use assist_proto::store::{DeviceStore as _, Draft, DraftId};
use ed25519_dalek::SigningKey;

use super::{ALICE, BOB, CAROL, Seat, World};
use crate::network::Trace;
use crate::peer::PeerId;

/// A project with its people.
pub struct Desk {
    /// Where they are.
    pub world: World,
    /// The server.
    pub server: PeerId,
    /// A customer.
    pub alice: Seat,
    /// Another, who must not see what the first one writes.
    pub bob: Seat,
    /// The agent.
    pub carol: Seat,
}

impl Desk {
    /// Opens it; everybody is connected.
    pub fn open(seed: u64) -> Self {
        let mut world = World::new(seed, Trace::OFF);
        let project = world.add_project("hero");
        let server = world.projects[project].server;
        let mut sit = |person, what| {
            let device = world.add_device(person, what);
            let seat = Seat { device, person, project };
            world.join(seat);
            seat
        };
        let alice = sit(ALICE, "laptop");
        let bob = sit(BOB, "laptop");
        let carol = sit(CAROL, "desktop");
        world.settle();
        Self { world, server, alice, bob, carol }
    }

    /// Takes a device off the network, or lets it back.
    pub fn set_online(&mut self, seat: Seat, is_online: bool) {
        self.world.net.set_reachable(seat.device, self.server, is_online);
        if is_online {
            self.world.net.give(seat.device, crate::peer::Input::NetworkChanged);
        }
    }

    /// Somebody sits down with a further device.
    pub fn sit_down(&mut self, person: usize, what: &str) -> Seat {
        let device = self.world.add_device(person, what);
        let seat = Seat { device, person, project: 0 };
        self.world.join(seat);
        seat
    }

    /// What was refused to a device.
    ///
    /// # Panics
    /// Never: memory is always read.
    pub fn drafts(&self, seat: Seat) -> Vec<(DraftId, Draft)> {
        self.world.net.peer(seat.device).store.drafts().expect("memory is read")
    }

    /// How a device is connected.
    ///
    /// # Panics
    /// If it does not run or is no member.
    pub fn status(&self, seat: Seat) -> ProjectStatus {
        let hub = self.world.net.peer(seat.device).device_hub().expect("it runs");
        hub.status(&self.world.projects[0].id).expect("it is a member")
    }

    /// The key of a device.
    pub fn key(&self, seat: Seat) -> SigningKey {
        self.world.net.peer(seat.device).key().clone()
    }

    /// Asks a device for something, and lets all come to rest.
    ///
    /// # Panics
    /// If it is not done.
    pub fn ask(&mut self, seat: Seat, command: Command) {
        self.world.net.command(seat.device, command).expect("it is done");
        self.world.settle();
    }
}
