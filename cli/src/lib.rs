//! What of the command line others may use: how text of others is made harmless for a terminal. `assist` itself is
//! in `main.rs`.

pub use assist_proto::neutral;
