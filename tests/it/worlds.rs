//! Runs many random worlds, each from its seed: what fails is told with how to see that world again.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use assist_tests::network::Trace;

/// Runs the worlds of the seeds below `usual`, or of more with `<name>_SEEDS=1000`; with `<name>_SEED=17` that one
/// alone, and prints what happened.
#[expect(clippy::print_stdout, reason = "what happened in a world is asked for by its number")]
pub(crate) fn run_worlds(name: &str, usual: u64, live: impl Fn(u64, Trace) + Sync) {
    let run = |seed, trace| {
        // Whatever a world that failed holds is dropped with it.
        catch_unwind(AssertUnwindSafe(|| live(seed, trace))).map_err(reason_of)
    };
    if let Some(seed) = number_from_env(&format!("{name}_SEED")) {
        let trace = Trace::on();
        let outcome = run(seed, trace.clone());
        println!("{}", trace.text());
        outcome.unwrap();
        return;
    }
    let seeds = number_from_env(&format!("{name}_SEEDS")).unwrap_or(usual);
    let next = AtomicU64::new(0);
    let failures = Mutex::new(Vec::new());
    let work = || {
        while let Some(seed) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|seed| *seed < seeds) {
            if let Err(reason) = run(seed, Trace::OFF) {
                failures.lock().unwrap().push((seed, reason));
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(work);
        }
    });
    let failures = failures.into_inner().unwrap();
    let told =
        failures.iter().take(10).map(|(seed, reason)| format!("\n{name}_SEED={seed} shows this: {reason}"));
    assert!(failures.is_empty(), "{} of {seeds} worlds failed:{}", failures.len(), told.collect::<String>());
}

fn reason_of(panic: Box<dyn Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic.downcast::<&str>().map_or_else(|_| "a panic".into(), |text| text.to_string()),
    }
}

fn number_from_env(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

const THREADS: usize = 2;
