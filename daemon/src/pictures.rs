//! Pictures that others sent, made small for lists: decoded in a process of its own, never in the daemon.
//!
//! | file | what |
//! |---|---|
//! | [`shrink`] | bytes of a picture to a small PNG |
//! | [`helper`] | the process around it: what it may use, what it says |
//! | [`thumbnails`] | the daemon's side: one helper at a time, a wall clock, a cache |
//!
//! **Invariant:** no byte of a foreign picture is decoded in the daemon's process. A decoder that is led astray has the
//! memory, the time and the pipe that the helper was given, and nothing else.

mod helper;
pub mod limits;
mod shrink;
mod thumbnails;

pub use helper::{COMMAND, run};
pub use shrink::{PictureSize, ShrinkError};
pub use thumbnails::{ThumbnailFault, Thumbnails};
