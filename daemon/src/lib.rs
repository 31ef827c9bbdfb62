//! The daemon.

pub mod api_server;
