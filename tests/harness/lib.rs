//! What the scenarios are made of. Never depended upon by the product.

pub mod counting;
pub mod dice;
pub mod fake_node;
pub mod fuzz_targets;
pub mod greeting;
pub mod hostile;
pub mod memory;
pub mod memory_store;
pub mod network;
pub mod peer;
pub mod process;
pub mod raster;
pub mod rogue;
pub mod smtp;
pub mod store_contract;
pub mod stranger;
pub mod udp_relay;
pub mod world;
