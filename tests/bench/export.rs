//! An export of everything that a device holds, with signatures, beside the bare reading of the same records; and what
//! of the rest no export can leave out whose format is a file for each thing: every document opened once, every file
//! made once.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use assist_proto::store::DeviceStore;
use automerge::Automerge;

use crate::Bench;
use crate::measure::{cpu_of, timed};
use crate::node::{Node, scratch};
use crate::prepared::Prepared;
use crate::program::{Process, command, run as run_program};
use crate::report::{Goal, Row, Unit, millis};
use crate::search::until_complete;

/// Measures.
pub(crate) fn run(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let tickets = bench.scale.of(10_000);
    let prepared = Prepared::with(bench, tickets)?;
    let folder = scratch()?;
    let home = folder.path().join("a");
    prepared.copy_agent(&home)?;
    let (read, docs) = read_all(bench, &home)?;
    let bytes: usize = docs.iter().flatten().map(Vec::len).sum();
    ensure!(bytes > 0, "there is nothing to export");
    let opened = open_all(&docs)?;
    drop(docs);
    let process = Process::device(&home)?;
    // A device in use has its index of texts already: what making it costs is told by `search`.
    until_complete(&process)?;
    let before = cpu_of(process.id())?;
    let export = folder.path().join("export");
    let time = run_program(command("assist", &home)?.arg("export").arg(&export))?;
    let daemon_cpu = cpu_of(process.id())?.saturating_sub(before);
    let memory = process.memory()?;
    process.stop()?;
    let written = rewrite(&export, &folder.path().join("bare"))?;
    let floor = millis(read);
    let rate = |time: Duration| bytes as f64 / 1e6 / time.as_secs_f64();
    Ok(vec![
        Row::time(NAME, format!("{tickets} tickets with signatures (goal: at most 5x)"), time)
            .over(floor)
            .goal(Goal::AtMost(5.0 * floor)),
        Row::time(NAME, "  floor: all records read from the store", read),
        Row::time(NAME, "the same over what its format cannot do without", time)
            .over(millis(opened + written)),
        Row::time(NAME, "  documents opened once by Automerge, all cores", opened),
        Row::time(NAME, "  folders and files made and synced, all cores", written),
        Row::time(NAME, "  of the export: CPU of the daemon, all threads", daemon_cpu),
        Row::one(NAME, "  memory of the daemon behind it", Unit::Mb, memory.resident_bytes as f64 / 1e6),
        Row::one(NAME, "changes exported, MB in a second", Unit::Mb, rate(time)),
        Row::one(NAME, "  the same, read", Unit::Mb, rate(read)),
    ])
}

/// The changes of one document.
type DocChanges = Vec<Vec<u8>>;

/// Reads every record of every document, as an export does, and does nothing with them; then gives the changes.
fn read_all(bench: &Bench, home: &Path) -> anyhow::Result<(Duration, Vec<DocChanges>)> {
    let node = Node::device(&bench.runtime, home)?;
    let project = node.project()?;
    let turn = node.store().begin_turn()?;
    let store: &dyn DeviceStore = &turn;
    let (time, ()) = timed(|| {
        let all = store.docs(&project)?;
        Ok(all.into_iter().try_for_each(|doc| store.doc_records(&project, doc).map(drop))?)
    })?;
    let changes = |doc| -> anyhow::Result<DocChanges> {
        let records = store.doc_records(&project, doc)?;
        Ok(records.into_iter().map(|record| record.envelope.change).collect())
    };
    let docs = store.docs(&project)?.into_iter().map(changes).collect::<anyhow::Result<_>>()?;
    drop(turn);
    node.stop()?;
    Ok((time, docs))
}

/// Opens every document once, from the same bytes that an export holds of it, and does nothing with it.
fn open_all(docs: &[DocChanges]) -> anyhow::Result<Duration> {
    on_all_cores(docs, |changes| {
        let doc = Automerge::load(&changes.concat())?;
        ensure!(!doc.get_heads().is_empty(), "a document is empty");
        Ok(())
    })
}

/// Makes the same folders and files once more, as large as they are, and has them on the disk as an export has.
fn rewrite(export: &Path, to: &Path) -> anyhow::Result<Duration> {
    let (mut folders, mut files) = (vec![PathBuf::new()], Vec::new());
    let mut at = 0;
    while let Some(folder) = folders.get(at).cloned() {
        at += 1;
        for entry in fs::read_dir(export.join(&folder))? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            match entry.file_type()?.is_dir() {
                true => folders.push(path),
                false => files.push((path, usize::try_from(entry.metadata()?.len())?)),
            }
        }
    }
    let largest = files.iter().map(|(_, size)| *size).max().context("an export has files")?;
    let bytes = vec![b'x'; largest];
    let (making, ()) = timed(|| {
        folders.iter().try_for_each(|folder| Ok(DirBuilder::new().mode(0o700).create(to.join(folder))?))
    })?;
    let writing = on_all_cores(&files, |(path, size)| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to.join(path))?;
        Ok(file.write_all(&bytes[..*size])?)
    })?;
    let (syncing, ()) = timed(|| Ok(rustix::fs::syncfs(File::open(to)?)?))?;
    Ok(making + writing + syncing)
}

/// Does the same with every item, with as many threads as there are cores, and says how long that took.
fn on_all_cores<T: Sync>(
    items: &[T],
    act: impl Fn(&T) -> anyhow::Result<()> + Sync,
) -> anyhow::Result<Duration> {
    let cores = thread::available_parallelism()?.get();
    let share = items.len().div_ceil(cores).max(1);
    let (time, ()) = timed(|| {
        thread::scope(|scope| {
            let work = |items: &[T]| items.iter().try_for_each(&act);
            let threads: Vec<_> = items.chunks(share).map(|items| scope.spawn(move || work(items))).collect();
            threads
                .into_iter()
                .try_for_each(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
        })
    })?;
    Ok(time)
}

const NAME: &str = "export";
