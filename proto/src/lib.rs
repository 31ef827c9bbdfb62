//! How peers talk, and how front ends talk to the daemon.
//!
//! The [`hub`] holds the sync machines: inputs and a store in, actions out, no sockets, files or clocks.
//! [`wire`] is what goes between peers; [`api`] is what goes between a front end and its daemon.

#![warn(missing_docs)]

pub mod api;
#[cfg(feature = "client")]
pub mod client;
