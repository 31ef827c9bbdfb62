//! The daemon: all IO of the product. It decides nothing about tickets; that is the model's and the hub's work.

#![warn(missing_docs)]

pub mod api_server;
pub mod device_key;
pub mod net;
pub mod store;
