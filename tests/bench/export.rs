//! An export of everything that a device holds, with signatures, beside the bare reading of the same records.

use std::path::Path;
use std::time::Duration;

use anyhow::ensure;
use assist_proto::store::DeviceStore;

use crate::Bench;
use crate::measure::timed;
use crate::node::{Node, scratch};
use crate::prepared::Prepared;
use crate::program::{Process, command, run as run_program};
use crate::report::{Goal, Row, Unit, millis};

/// Measures.
pub(crate) fn run(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let tickets = bench.scale.of(10_000);
    let prepared = Prepared::with(bench, tickets)?;
    let folder = scratch()?;
    let home = folder.path().join("a");
    prepared.copy_agent(&home)?;
    let (read, bytes) = read_all(bench, &home)?;
    let process = Process::device(&home)?;
    let export = run_program(command("assist", &home)?.arg("export").arg(folder.path().join("export")))?;
    process.stop()?;
    let floor = millis(read);
    let rate = |time: Duration| bytes as f64 / 1e6 / time.as_secs_f64();
    Ok(vec![
        Row::time(NAME, format!("{tickets} tickets with signatures (goal: at most 5x)"), export)
            .over(floor)
            .goal(Goal::AtMost(5.0 * floor)),
        Row::time(NAME, "  floor: all records read from the store", read),
        Row::one(NAME, "changes exported, MB in a second", Unit::Mb, rate(export)),
        Row::one(NAME, "  the same, read", Unit::Mb, rate(read)),
    ])
}

/// Reads every record of every document, as an export does, and gives the bytes of their changes.
fn read_all(bench: &Bench, home: &Path) -> anyhow::Result<(Duration, u64)> {
    let node = Node::device(&bench.runtime, home)?;
    let project = node.project()?;
    let read = timed(|| {
        let turn = node.store().begin_turn()?;
        let store: &dyn DeviceStore = &turn;
        let mut bytes = 0;
        for doc in store.docs(&project)? {
            let records = store.doc_records(&project, doc)?;
            bytes += records.iter().map(|record| record.envelope.change.len() as u64).sum::<u64>();
        }
        Ok(bytes)
    })?;
    ensure!(read.1 > 0, "there is nothing to export");
    node.stop()?;
    Ok(read)
}

const NAME: &str = "export";
