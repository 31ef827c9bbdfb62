//! Random changes against an independent reference: the gate admits what the reference admits, refuses what it
//! refuses for the same reason, and the ticket is what the reference says.
//!
//! ```text
//! REFERENCE_CHANGES=1000000 cargo test --release -p assist-crdt-model --test reference -- --nocapture
//! REFERENCE_SEED=42 ...                              # another run
//! ```

#![expect(clippy::print_stdout, reason = "a long run says what it found")]
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

mod encode;
mod model;
mod pen;
mod play;
mod snapshot;

use std::thread;

use assist_crdt_model::RejectCode;

use crate::play::{Play, Tally};

/// Each has seeds of its own, so that a run is the same on any number of cores.
const SHARDS: u64 = 4;
const CHANGES_PER_PLAY: usize = 120;

#[test]
fn gate_and_reference_agree_on_every_change() {
    let total = number_from("REFERENCE_CHANGES", 100_000) as usize;
    let seed = number_from("REFERENCE_SEED", 1);
    let shard =
        |shard: u64| move || run_shard(seed.wrapping_mul(1 << 32) + (shard << 24), total / SHARDS as usize);
    let workers: Vec<_> = (0..SHARDS).map(|number| thread::spawn(shard(number))).collect();
    let mut tally = Tally::new();
    for worker in workers {
        for (verdict, count) in worker.join().expect("the reference and the gate disagree, see above") {
            *tally.entry(verdict).or_default() += count;
        }
    }
    print_tally(&tally);
    assert!(tally.values().sum::<usize>() >= total / 100 * 99);
    check_variety(&tally, total);
}

fn run_shard(seed: u64, changes: usize) -> Tally {
    let mut tally = Tally::new();
    let mut done = 0;
    let mut number = 0;
    while done < changes {
        number += 1;
        let play_seed = seed + number;
        let played = std::panic::catch_unwind(|| {
            let mut tally = Tally::new();
            let count = Play::new(play_seed).run(CHANGES_PER_PLAY.min(changes - done), &mut tally);
            (count, tally)
        });
        let (count, played) = played.unwrap_or_else(|_| panic!("in the play of seed {play_seed}"));
        done += count;
        for (verdict, count) in played {
            *tally.entry(verdict).or_default() += count;
        }
    }
    tally
}

/// A run in which some verdict never came up would not say much.
fn check_variety(tally: &Tally, total: usize) {
    let expected = [
        None,
        Some(RejectCode::TooLarge),
        Some(RejectCode::Malformed),
        Some(RejectCode::WrongActor),
        Some(RejectCode::WrongSeq),
        Some(RejectCode::MissingDep),
        Some(RejectCode::WrongStartOp),
        Some(RejectCode::WrongDeps),
        Some(RejectCode::WrongPred),
        Some(RejectCode::NotAnEdit),
        Some(RejectCode::NotAllowed),
        Some(RejectCode::BadValue),
        Some(RejectCode::NoSuchTarget),
        Some(RejectCode::AlreadyThere),
    ];
    for verdict in expected {
        let count = tally.get(&verdict).copied().unwrap_or(0);
        assert!(count >= total / 1_000, "{verdict:?} came up {count} times only");
    }
    let admitted = tally.get(&None).copied().unwrap_or(0);
    assert!(admitted >= total / 5, "{admitted} of {total} were admitted");
}

fn print_tally(tally: &Tally) {
    for (verdict, count) in tally {
        let name = verdict.map_or("admitted", RejectCode::as_str);
        println!("{count:>9} {name}");
    }
}

fn number_from(variable: &str, default: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text:?}")),
        Err(_) => default,
    }
}
