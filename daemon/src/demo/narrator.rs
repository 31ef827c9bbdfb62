//! What the demonstration prints: chapters, steps, and how long each took.

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

/// Writes to standard output.
pub(super) struct Narrator {
    out: io::Stdout,
}

impl Narrator {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { out: io::stdout() })
    }

    pub(super) fn line(&mut self, text: &str) -> anyhow::Result<()> {
        writeln!(self.out, "{text}")?;
        Ok(self.out.flush()?)
    }

    pub(super) fn chapter(&mut self, title: &str) -> anyhow::Result<()> {
        self.line(&format!("\n== {title}"))
    }

    /// Something that is so now.
    pub(super) fn step(&mut self, text: &str) -> anyhow::Result<()> {
        self.line(&format!("{:>11}  {text}", ""))
    }

    /// Does something, then says what and how long it took.
    pub(super) fn timed<T>(
        &mut self,
        label: &str,
        act: impl FnOnce() -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let started = now();
        let done = act()?;
        self.line(&format!("{:>11}  {label}", millis(started.elapsed())))?;
        Ok(done)
    }
}

fn millis(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1_000.0)
}

#[expect(clippy::disallowed_methods, reason = "a story told to a person, with the time that each step took")]
pub(super) fn now() -> Instant {
    Instant::now()
}
