//! All scenarios in one binary; one file per promise.

mod simulation;
