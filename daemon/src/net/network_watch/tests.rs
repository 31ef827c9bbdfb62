//! The watch on a made-up machine, in paused time.

use std::sync::{Arc, Mutex};

use tokio::time::{Instant, timeout};

use super::*;

#[derive(Clone, Default)]
struct Machine(Arc<Mutex<Option<BTreeSet<IpAddr>>>>);

impl Machine {
    fn set(&self, addresses: Option<&[&str]>) {
        let parsed = addresses.map(|list| list.iter().map(|text| text.parse().unwrap()).collect());
        *self.0.lock().unwrap() = parsed;
    }

    fn watch(&self) -> NetworkWatch {
        let machine = self.clone();
        NetworkWatch::with_source(Box::new(move || {
            machine.0.lock().unwrap().clone().ok_or_else(|| io::Error::other("not now"))
        }))
    }
}

const LONG: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn a_new_address_is_noticed_within_one_round() {
    let machine = Machine::default();
    machine.set(Some(&["192.0.2.1"]));
    let mut watch = machine.watch();
    timeout(LONG, watch.changed()).await.unwrap_err();
    machine.set(Some(&["192.0.2.1", "400::1"]));
    let start = Instant::now();
    watch.changed().await;
    assert!(start.elapsed() <= POLL_EVERY);
    timeout(LONG, watch.changed()).await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn a_lost_address_is_noticed_and_a_failed_look_is_not_a_change() {
    let machine = Machine::default();
    machine.set(Some(&["192.0.2.1"]));
    let mut watch = machine.watch();
    machine.set(None);
    timeout(LONG, watch.changed()).await.unwrap_err();
    machine.set(Some(&["192.0.2.1"]));
    timeout(LONG, watch.changed()).await.unwrap_err();
    machine.set(Some(&[]));
    watch.changed().await;
}

#[test]
fn this_machine_can_be_asked() {
    machine_addresses().unwrap();
}
