//! A node that comes, answers wrongly, changes its key and goes, on a machine whose interfaces are made up.

use std::sync::{Arc, Mutex};

use super::super::fake_node::{ADDRESS, FakeNode, KEY, OTHER_ADDRESS, OTHER_KEY, node_answer};
use super::*;

#[derive(Clone, Default)]
struct Machine(Arc<Mutex<Option<BTreeSet<Ipv6Addr>>>>);

impl Machine {
    fn set(&self, addresses: Option<&[&str]>) {
        let parsed = addresses.map(|list| list.iter().map(|text| text.parse().unwrap()).collect());
        *self.0.lock().unwrap() = parsed;
    }

    fn follow(&self, api: std::net::SocketAddr) -> (Follower, watch::Receiver<OverlayState>) {
        let machine = self.clone();
        let config = OverlayConfig { api, ..OverlayConfig::default() };
        let source = move || machine.0.lock().unwrap().clone().ok_or_else(|| io::Error::other("not now"));
        Follower::with_source(config, LOOK_EVERY, Box::new(source))
    }
}

fn address(text: &str) -> Option<Ipv6Addr> {
    Some(text.parse().unwrap())
}

#[tokio::test]
async fn a_node_is_followed_through_all_that_becomes_of_it() {
    let (node, machine) = (FakeNode::saying(node_answer(KEY, ADDRESS)).await, Machine::default());
    machine.set(Some(&[]));
    let (mut follower, state) = machine.follow(node.api);
    assert_eq!(*state.borrow(), OverlayState::Unknown);
    follower.look().await;
    assert!(matches!(*state.borrow(), OverlayState::NoInterface(_)));
    machine.set(Some(&[ADDRESS]));
    follower.look().await;
    assert_eq!(state.borrow().address(), address(ADDRESS));
    // A look that cannot be had changes nothing.
    machine.set(None);
    follower.look().await;
    assert_eq!(state.borrow().address(), address(ADDRESS));
    // Restarted with a new key: the interface tells at once, although the old one was found.
    node.say(node_answer(OTHER_KEY, OTHER_ADDRESS));
    machine.set(Some(&[OTHER_ADDRESS]));
    follower.look().await;
    assert_eq!(state.borrow().address(), address(OTHER_ADDRESS));
    // Something else takes its port: seen by the next question, which comes after a few quiet looks.
    node.say("HTTP/1.1 404 Not Found\r\n\r\n");
    for _ in 0..=QUIET_LOOKS {
        follower.look().await;
    }
    assert!(matches!(*state.borrow(), OverlayState::Wrong { .. }));
    node.say("");
    machine.set(Some(&[]));
    follower.look().await;
    assert!(matches!(*state.borrow(), OverlayState::Wrong { .. }));
    node.stop().await;
    follower.look().await;
    assert!(matches!(*state.borrow(), OverlayState::Absent { .. }));
}

#[tokio::test]
async fn whoever_leaves_the_overlay_alone_never_looks() {
    let source = Box::new(|| panic!("nobody looks"));
    let config = OverlayConfig { mode: OverlayMode::None, ..OverlayConfig::default() };
    let (follower, state) = Follower::with_source(config, LOOK_EVERY, source);
    follower.run().await;
    assert_eq!(*state.borrow(), OverlayState::Off);
}

#[test]
fn this_machine_can_be_asked() {
    overlay_addresses().unwrap();
}
