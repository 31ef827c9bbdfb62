//! The local API: typed methods between a front end and its daemon.
