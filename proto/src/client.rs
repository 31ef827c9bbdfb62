//! The blocking client of the local API.
