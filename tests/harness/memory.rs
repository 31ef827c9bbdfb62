//! What a process holds in memory, as the system counts it.

use std::fs;

use anyhow::Context as _;

/// What a process holds in memory.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    /// Resident now.
    pub resident_bytes: u64,
    /// Of that, what is its own and not pages of a file.
    pub anonymous_bytes: u64,
}

impl Memory {
    /// Asks the system about a process.
    ///
    /// # Errors
    /// If there is no such process, or the system says it in another way.
    pub fn of(pid: u32) -> anyhow::Result<Self> {
        let path = format!("/proc/{pid}/status");
        let status = fs::read_to_string(&path).with_context(|| path.clone())?;
        let field = |name: &str| -> anyhow::Result<u64> {
            let line =
                status.lines().find_map(|line| line.strip_prefix(name)).with_context(|| path.clone())?;
            let kib = line.trim_start_matches(':').trim().trim_end_matches("kB").trim();
            Ok(kib.parse::<u64>()? * 1024)
        };
        Ok(Self { resident_bytes: field("VmRSS")?, anonymous_bytes: field("RssAnon")? })
    }
}
