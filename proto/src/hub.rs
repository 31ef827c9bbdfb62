//! The sync machines.
mod edit_codec;
pub use edit_codec::WireEdit;
