//! Clocks, memory and files, as the system counts them.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context as _;
use rustix::time::{ClockId, clock_gettime};

/// Many times of the same thing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread {
    /// The median.
    pub(crate) p50: Duration,
    /// Only one in a hundred takes longer.
    pub(crate) p99: Duration,
    /// How many.
    pub(crate) count: usize,
}

impl Spread {
    /// Sums up times; there must be one.
    pub(crate) fn of(mut times: Vec<Duration>) -> Self {
        assert!(!times.is_empty(), "nothing was measured");
        times.sort_unstable();
        let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
        Self { p50: at(50), p99: at(99), count: times.len() }
    }
}

/// Runs something and says how long it took.
pub(crate) fn timed<T>(run: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<(Duration, T)> {
    let began = Instant::now();
    let value = run()?;
    Ok((began.elapsed(), value))
}

/// Time that this thread has spent on a core.
pub(crate) fn thread_cpu() -> Duration {
    duration(clock_gettime(ClockId::ThreadCPUTime))
}

/// Time that all threads of this process have spent on cores.
pub(crate) fn process_cpu() -> Duration {
    duration(clock_gettime(ClockId::ProcessCPUTime))
}

/// Time that all threads of another process have spent on cores, to a hundredth of a second.
pub(crate) fn cpu_of(pid: u32) -> anyhow::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name of the program may hold spaces; behind it they separate.
    let (_, fields) = stat.rsplit_once(')').context("a name in parentheses")?;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
    let ticks = ticks.sum::<Result<u64, _>>()?;
    // The kernel tells other programs in hundredths of a second, whatever its own clock is.
    Ok(Duration::from_millis(ticks * 10))
}

fn duration(time: rustix::time::Timespec) -> Duration {
    Duration::try_from(time).unwrap_or_default()
}

/// Milliseconds since 1970.
pub(crate) fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The load average, as the system says it.
pub(crate) fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// What a file takes of its disk: the store's grows ahead of what it holds, and takes nothing for that.
pub(crate) fn disk_bytes(path: &Path) -> anyhow::Result<u64> {
    Ok(fs::metadata(path).with_context(|| path.display().to_string())?.blocks() * BLOCK_BYTES)
}

/// As stat(2) counts, whatever the file system's own blocks are.
const BLOCK_BYTES: u64 = 512;
