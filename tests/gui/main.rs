//! The client without a window: its looks as pictures, and what people do in it against real daemons.

#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

mod files;
mod flows;
mod hosting;
mod live;
mod managing;
mod people;
mod pictured;
mod pictures;
mod pressing;
mod work;
