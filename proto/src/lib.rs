//! How peers talk, and how front ends talk to the daemon.
//!
//! The [`hub`] holds the two sync machines, one for each role: inputs and a store in, actions out, no sockets,
//! files or clocks. [`wire`] is what goes between peers, [`api`] what goes between a front end and its daemon,
//! [`store`] what a machine asks of its storage, [`mention`] who is meant by a text. [`authorship`] proves who wrote
//! what, [`bundle`] is the file that carries the proof, [`admission`] the log of what a server decided, [`retention`]
//! what it does not keep for ever, [`housekeeping`] what a member's device closes because nobody answered, [`neutral`]
//! makes text of others harmless for eyes. Every bound stands in [`limits`].

#![warn(missing_docs)]

pub mod address;
pub mod admission;
pub mod api;
pub mod authorship;
pub mod blob;
pub mod bundle;
pub mod certificate;
#[cfg(feature = "client")]
pub mod client;
pub mod envelope;
pub mod housekeeping;
pub mod hub;
pub mod limits;
pub mod link;
pub mod mail;
pub mod manifest;
pub mod mention;
pub mod neutral;
pub mod query;
pub mod retention;
#[cfg(test)]
mod samples;
pub mod search;
pub mod store;
pub mod wire;
