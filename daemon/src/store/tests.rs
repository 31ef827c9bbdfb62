//! What the store itself promises. What any store promises is checked in the `tests` crate.

mod dictionary;
mod disk;
mod document;
mod faults;
mod lists;
mod lost;
mod opening;
pub(crate) mod samples;
mod turns;
