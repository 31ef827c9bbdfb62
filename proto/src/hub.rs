//! The two sync machines: [`DeviceHub`] on every device, [`ServerHub`] where a project lives.
//!
//! Neither touches a socket, a file or a clock. The driver runs them in *turns*:
//!
//! 1. `handle` one or more inputs, each with the present time and the store's open turn;
//! 2. `finish_turn`, which writes list rows, fills the peers' windows, and says how durable the turn has to be;
//! 3. commit the store's turn accordingly;
//! 4. `take_actions`, and carry them out.
//!
//! **Invariant:** actions leave a hub only after the commit, so whatever a peer or a front end is promised is durable.
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

pub use action::{
    Action, BlobAnswer, BlobAsk, CallId, Cause, DialId, Durability, LinkId, Notice, Notification,
    NotifiedText, Reason, TransferId, TransferOrder, TransferOutcome,
};
pub use device::{
    Command, CommandError, Connection, DeviceHub, DeviceInput, HeldUp, Imported, PresenceView, PresenceWord,
    ProjectStatus, Reply, Write, drop_damaged, read_doc,
};
pub use edit_codec::{WireAttachment, WireEdit};
pub use server::{
    AdminCommand, AdminError, AdminReply, DigestRules, DiskReserves, DiskSpace, DiskStanding, DiskState,
    Reserve, ServerHub, ServerInput, ServerStatus, begin_log_anew, initialise_server, note_act,
    recover_server, set_aside, spelled,
};
