//! What the server takes of its machine, against what is forecast.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use assist_proto::api::server;
use assist_tests::memory::Memory;
use assist_tests::process::DaemonProcess;

use crate::crowd::Tally;

/// Samples of a server, from its start on.
pub(crate) struct Watch<'a> {
    server: &'a DaemonProcess,
    began: Instant,
    samples: Vec<Sample>,
}

/// One of them.
#[derive(Debug, Clone, Copy)]
struct Sample {
    memory_bytes: u64,
    store_bytes: u64,
    blob_bytes: u64,
    admitted: u64,
}

impl<'a> Watch<'a> {
    /// Begins.
    pub(crate) fn new(server: &'a DaemonProcess) -> Self {
        Self { server, began: Instant::now(), samples: Vec::new() }
    }

    /// Takes a sample and shows it.
    pub(crate) fn look(&mut self) -> anyhow::Result<()> {
        let began = Instant::now();
        let stats = self.server.call(&server::GetStats::default());
        let answered = began.elapsed();
        let sample = Sample {
            memory_bytes: Memory::of(self.server.pid())?.anonymous_bytes,
            store_bytes: stats.store_bytes,
            blob_bytes: size_of(&self.server.home().join("blobs"))?,
            admitted: stats.admitted_count,
        };
        println!(
            "{:>5} s  {:>3} connected  {:>6} tickets  {:>7} admitted  {:>6.1} MiB memory  {:>6.1} MiB store  {:>6.1} MiB \
             files  answered in {:.1} ms",
            self.began.elapsed().as_secs(),
            stats.connected_count,
            stats.ticket_count,
            sample.admitted,
            mib(sample.memory_bytes),
            mib(sample.store_bytes),
            mib(sample.blob_bytes),
            answered.as_secs_f64() * 1e3,
        );
        ensure!(stats.refused_count == 0, "{} changes of honest people were refused", stats.refused_count);
        self.samples.push(sample);
        Ok(())
    }

    /// Says whether memory stayed flat and the disk within its forecast.
    pub(crate) fn judge(&self, tally: &Tally) -> anyhow::Result<()> {
        let last = self.samples.last().context("nothing was seen")?;
        let quarter = self.samples.len() / 4;
        let (early, late) = (
            median(&self.samples[quarter..=(2 * quarter).min(self.samples.len() - 1)]),
            median(&self.samples[3 * quarter..]),
        );
        let allowed = early + early / 4 + MEMORY_SLACK_BYTES;
        println!(
            "memory: {:.1} MiB in the second quarter, {:.1} MiB in the last, at most {:.1} MiB forecast",
            mib(early),
            mib(late),
            mib(allowed)
        );
        let store = STORE_BASE_BYTES + STORE_BYTES_PER_CHANGE * last.admitted;
        println!("store: {:.1} MiB, at most {:.1} MiB forecast", mib(last.store_bytes), mib(store));
        let files = tally.file_bytes + tally.files * FILE_SLACK_BYTES;
        println!("files: {:.1} MiB, at most {:.1} MiB forecast", mib(last.blob_bytes), mib(files));
        ensure!(
            last.admitted >= tally.written(),
            "{} changes were written, {} admitted",
            tally.written(),
            last.admitted
        );
        ensure!(late <= allowed, "the server's memory grows");
        ensure!(last.store_bytes <= store && last.blob_bytes <= files, "the disk fills faster than forecast");
        Ok(())
    }
}

fn median(samples: &[Sample]) -> u64 {
    let mut bytes: Vec<u64> = samples.iter().map(|sample| sample.memory_bytes).collect();
    bytes.sort_unstable();
    bytes.get(bytes.len() / 2).copied().unwrap_or_default()
}

/// All files below a folder.
fn size_of(folder: &Path) -> anyhow::Result<u64> {
    let (mut total, mut folders) = (0, vec![PathBuf::from(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            // A file that was on its way may have its name by now.
            let Ok(metadata) = entry.metadata() else { continue };
            match metadata.is_dir() {
                true => folders.push(entry.path()),
                false => total += metadata.len(),
            }
        }
    }
    Ok(total)
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}

/// Between two samples.
pub(crate) const PAUSE: Duration = Duration::from_secs(10);
/// Less than this is the allocator's.
const MEMORY_SLACK_BYTES: u64 = 8 * 1024 * 1024;
/// An empty store, and the pages that the engine keeps ready.
const STORE_BASE_BYTES: u64 = 8 * 1024 * 1024;
/// A ticket of four changes takes 5,406 bytes on a server (docs/performance.md), and the engine doubles its file's parts.
const STORE_BYTES_PER_CHANGE: u64 = 2 * 5_406 / 4;
/// What stands beside the bytes of a file.
const FILE_SLACK_BYTES: u64 = 4 * 1024;
