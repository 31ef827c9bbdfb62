//! The daemon in both roles: everything of the product that does IO.

pub mod store;
