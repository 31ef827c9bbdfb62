//! What the store itself promises. What any store promises is checked in the `tests` crate.

mod lists;
mod samples;
mod turns;
