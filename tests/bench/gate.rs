//! What judging a foreign change costs a server: signature and gate, of honest changes and of hostile ones.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use assist_crdt_model::{Doc, Edit, Status};
use assist_forge::meter::{Meter, peak_bytes};
use assist_proto::envelope::Envelope;
use assist_tests::hostile::{Bed, SHAPES, comment};
use tikv_jemallocator::Jemalloc;

use crate::Bench;
use crate::measure::{Spread, thread_cpu};
use crate::report::{Goal, Row, Unit, millis};

/// The daemon's own allocator below: its parts run in this process too.
#[global_allocator]
static METER: Meter<Jemalloc> = Meter(Jemalloc);

const SCENARIO: &str = "gate";

/// Measures.
pub(crate) fn run(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let bed = Bed::new();
    let rounds = bench.scale.of(2_000);
    let note = bed.sign(&bed.agent, bed.next(&bed.agent, comment(90, 200)).bytes);
    let status = bed.sign(&bed.agent, bed.next(&bed.agent, Edit::SetStatus(Status::Closed)).bytes);
    let mut rows = Vec::new();
    for (what, envelope) in [("a comment", &note), ("a status", &status)] {
        let cached = spread(rounds, || judged(&bed, bed.doc.clone(), envelope))?;
        let cold = spread(rounds, || judged_cold(&bed, envelope))?;
        let name = |when: &str| format!("signature and gate, {what} on the reference ticket, {when}");
        rows.push(Row::spread(SCENARIO, name("cached"), &cached).goal(Goal::AtMost(0.3)));
        rows.push(Row::spread(SCENARIO, name("loaded first"), &cold).goal(Goal::AtMost(1.0)));
    }
    rows.extend(hostile(&bed, bench.scale.of(200))?);
    Ok(rows)
}

fn spread(rounds: u64, round: impl Fn() -> anyhow::Result<Duration>) -> anyhow::Result<Spread> {
    let times: Vec<Duration> = (0..rounds).map(|_| round()).collect::<anyhow::Result<_>>()?;
    Ok(Spread::of(times))
}

/// Time on a core, from the envelope's bytes to the document that holds the change.
fn judged(bed: &Bed, mut doc: Doc, envelope: &Envelope) -> anyhow::Result<Duration> {
    let envelope = envelope.clone();
    let began = thread_cpu();
    bed.judge(&mut doc, envelope)?;
    Ok(thread_cpu() - began)
}

/// The same when the document is not in memory yet.
fn judged_cold(bed: &Bed, envelope: &Envelope) -> anyhow::Result<Duration> {
    let envelope = envelope.clone();
    let began = thread_cpu();
    let mut doc = Doc::load(bed.doc.id(), bed.stored.iter().map(Vec::as_slice))?;
    bed.judge(&mut doc, envelope)?;
    Ok(thread_cpu() - began)
}

/// The dearest of all hostile shapes in time, and the one in memory.
fn hostile(bed: &Bed, rounds: u64) -> anyhow::Result<Vec<Row>> {
    let mut slowest = (Duration::ZERO, "");
    let mut largest = (0, "");
    for shape in SHAPES {
        for envelope in (shape.make)(bed) {
            let mut times = Vec::new();
            for _ in 0..rounds {
                let (mut doc, envelope) = (bed.doc.clone(), envelope.clone());
                let began = thread_cpu();
                let verdict = bed.judge(&mut doc, envelope);
                times.push(thread_cpu() - began);
                ensure!(verdict.is_err_and(|it| it.code == shape.code), "{} is not refused", shape.name);
            }
            slowest = slowest.max((Spread::of(times).p50, shape.name));
            let mut doc = bed.doc.clone();
            let (peak, _) = peak_bytes(|| bed.judge(&mut doc, envelope));
            largest = largest.max((peak, shape.name));
        }
    }
    let kib = u32::try_from(largest.0 / 1024).context("terabytes")?;
    let count = SHAPES.len();
    let time = format!("slowest of {count} hostile shapes ({})", slowest.1);
    let memory = format!("memory of the largest of {count} hostile shapes ({})", largest.1);
    Ok(vec![
        Row::one(SCENARIO, time, Unit::Millis, millis(slowest.0)).goal(Goal::AtMost(50.0)),
        Row::one(SCENARIO, memory, Unit::Kib, f64::from(kib)).goal(Goal::AtMost(16.0 * 1024.0)),
    ])
}
