//! The store in memory holds the contract of the traits.

use super::*;
use crate::store_contract;

#[test]
fn it_keeps_the_contract_of_a_servers_store() {
    for (promise, check) in store_contract::SERVER {
        println!("{promise}");
        check(&mut MemoryStore::default());
    }
}

#[test]
fn it_keeps_the_contract_of_a_devices_store() {
    for (promise, check) in store_contract::DEVICE {
        println!("{promise}");
        check(&mut MemoryStore::default());
    }
}

#[test]
fn a_clone_put_back_undoes_every_write_since() {
    for (promise, check) in store_contract::SERVER {
        println!("{promise}");
        let mut store = MemoryStore::default();
        let before = store.clone();
        check(&mut store);
        assert_eq!(before, MemoryStore::default());
    }
    for (promise, check) in store_contract::DEVICE {
        println!("{promise}");
        let mut store = MemoryStore::default();
        let before = store.clone();
        check(&mut store);
        assert_eq!(before, MemoryStore::default());
    }
}
