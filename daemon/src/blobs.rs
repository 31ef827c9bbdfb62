//! Blobs: files in the daemon's folder, and the streams on which they go from device to device.
//!
//! | file | what |
//! |---|---|
//! | [`folder`] | where blobs lie: whole ones by hash, unfinished ones beside them |
//! | [`exchange`] | the words on one stream, for both sides |
//! | [`mod@sweep`] | the removal of what nothing names any more |
//! | [`service`] | the tasks that run them, and what front ends are told of their progress |
//!
//! Which blob is sent, fetched or given is the hubs' to say; this module moves bytes and checks every piece of them.
//!
//! **Invariant:** a byte that came from outside is kept only after its piece was checked, and a blob is known by its
//! hash only once it is durable.

mod exchange;
mod folder;
mod service;
mod sweep;

pub use folder::{BlobFault, BlobFolder, Intake, Listing, Reading};
pub(crate) use service::{BlobService, BlobsHandle, Order, Parts};
pub use sweep::{Keeper, SweepFault, Swept, list, sweep};
