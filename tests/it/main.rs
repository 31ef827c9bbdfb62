//! All scenarios in one binary; one file per promise.

mod simulation;
mod simulation_rejection;
mod simulation_restore;
mod simulation_trust;
mod simulation_volume;
