//! The daemon's store keeps the contract that the store of the simulation keeps.

use assist_daemon::store::Store;
use assist_tests::store_contract::{DEVICE, SERVER};

#[test]
fn it_keeps_the_contract_of_a_servers_store() {
    for (promise, check) in SERVER {
        println!("{promise}");
        check(&mut Store::open_in_memory().unwrap().begin_turn().unwrap());
    }
}

#[test]
fn it_keeps_the_contract_of_a_devices_store() {
    for (promise, check) in DEVICE {
        println!("{promise}");
        check(&mut Store::open_in_memory().unwrap().begin_turn().unwrap());
    }
}
