//! The two sync machines: [`DeviceHub`] on every device, [`ServerHub`] where a project lives.
//!
//! Neither touches a socket, a file or a clock. The driver runs them in *turns*:
//!
//! 1. `handle` one or more inputs, each with the present time and the store's open turn;
//! 2. `finish_turn`, which writes list rows and fills the peers' windows;
//! 3. commit the store's turn;
//! 4. `take_actions`, and carry them out.
//!
//! **Invariant:** actions leave a hub only after the commit, so whatever a peer or a front end hears of is durable.
//! If the commit fails the turn never happened: the driver drops the hub, closes all links and opens a new hub
//! on the store.
//!
//! Same inputs, same store, same seed: same actions.

mod action;
mod device;
mod dice;
mod doc_cache;
mod edit_codec;
mod server;

pub use action::{Action, CallId, Cause, DialId, LinkId, Notice};
pub use device::{Command, CommandError, Connection, DeviceHub, DeviceInput, ProjectStatus, Reply};
pub use edit_codec::WireEdit;
pub use server::{
    AdminCommand, AdminError, AdminReply, ServerHub, ServerInput, ServerStatus, initialise_server,
};
