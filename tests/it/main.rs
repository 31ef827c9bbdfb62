//! All scenarios in one binary; one file per promise.

#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

mod attachments;
mod authorship;
mod backup;
mod bad_input;
mod blob_removal;
mod cli;
mod documented;
mod enrolment;
mod export;
mod fuzz;
mod hostile_peer;
mod join_by_email;
mod joining;
mod kept;
mod mail;
mod merging;
mod overlay;
mod presence;
mod processes;
mod search;
mod service;
mod simulation;
mod simulation_asks;
mod simulation_blobs;
mod simulation_boundaries;
mod simulation_hold;
mod simulation_leaks;
mod simulation_live;
mod simulation_notes;
mod simulation_presence;
mod simulation_quota;
mod simulation_reads;
mod simulation_rejection;
mod simulation_restore;
mod simulation_rogue;
mod simulation_sharing;
mod simulation_trust;
mod simulation_volume;
mod simulation_work;
mod states;
mod store;
mod thumbnails;
mod ticket_members;
mod tidy;
