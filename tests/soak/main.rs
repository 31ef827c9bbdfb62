//! A server and its devices for as long as one likes: people file, answer, attach, read, leave and come back, and now
//! and then a device is killed. Memory and disk of the server are watched against what is forecast; in the end nothing
//! may be lost.
//!
//! ```text
//! cargo build --release --workspace --bins
//! cargo run --release -p assist-tests --bin soak -- --minutes 30
//! ```
//!
//! `--devices` (200), `--per-second` (20) and `--seed` (1) say how much and what. All are real programs over loopback.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it found out is what it is for")]
#![expect(clippy::disallowed_methods, reason = "it runs for a time")]

mod crowd;
mod watch;

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use assist_tests::process::DaemonProcess;

use crate::crowd::{Crowd, Tally};
use crate::watch::Watch;

/// How much, and for how long.
#[derive(Debug, Clone, Copy)]
struct Plan {
    minutes: u64,
    devices: usize,
    per_second: u64,
    seed: u64,
}

impl Plan {
    fn parse(mut words: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let mut plan = Self { minutes: 30, devices: 200, per_second: 20, seed: 1 };
        while let Some(word) = words.next() {
            let value = words.next().with_context(|| format!("{word} wants a number"))?;
            let number: u64 = value.parse().with_context(|| format!("{word} {value}"))?;
            match word.as_str() {
                "--minutes" => plan.minutes = number,
                "--devices" => plan.devices = usize::try_from(number)?,
                "--per-second" => plan.per_second = number,
                "--seed" => plan.seed = number,
                _ => bail!("{word} is unknown: --minutes, --devices, --per-second, --seed"),
            }
        }
        ensure!(plan.devices >= 2 && plan.per_second >= 1, "it takes two devices, and something to do");
        Ok(plan)
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("soak: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let plan = Plan::parse(std::env::args().skip(1))?;
    let server = DaemonProcess::server("soak");
    println!("{plan:?}: joining ...");
    let mut crowds = Crowd::join_all(&server, plan);
    let mut watch = Watch::new(&server);
    let (until, is_over) = (Instant::now() + Duration::from_secs(plan.minutes * 60), AtomicBool::new(false));
    let tally = thread::scope(|scope| {
        let working: Vec<_> = crowds.iter_mut().map(|crowd| scope.spawn(|| crowd.work(&is_over))).collect();
        while Instant::now() < until {
            thread::sleep(watch::PAUSE.min(until.saturating_duration_since(Instant::now())));
            watch.look()?;
        }
        is_over.store(true, Ordering::Relaxed);
        let mut tally = Tally::default();
        for worker in working {
            tally.add(&worker.join().map_err(|_| anyhow::anyhow!("somebody could not go on: see above"))?);
        }
        anyhow::Ok(tally)
    })?;
    println!("{tally}");
    crowd::all_is_there(&server, &mut crowds)?;
    watch.look()?;
    watch.judge(&tally)
}
