//! The daemon: all IO of the product. It decides nothing about tickets; that is the model's and the hub's work.

#![warn(missing_docs)]

pub mod admissions;
pub mod api_server;
pub mod backend;
pub mod backup;
pub mod blobs;
pub mod compaction;
pub mod config;
mod daemon;
mod desktop;
pub mod device_key;
mod disk;
pub mod driver;
pub mod home;
mod housekeeping;
pub mod mail;
pub mod monitor;
pub mod net;
pub mod overlay;
pub mod pictures;
mod scrub;
mod search;
pub mod store;
pub mod supervisor;

pub use daemon::{Daemon, DaemonConfig, DaemonInfo, ServerInfo, init_server, recover_server_from_keys};
