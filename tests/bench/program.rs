//! The real programs of this build, each a process of its own: what one of them costs can be told apart.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use assist_proto::api::{Method, daemon};
use assist_proto::client::{Client, Home};
use assist_tests::memory::Memory;

/// A daemon that runs as a process. Killed when dropped.
pub(crate) struct Process {
    home: PathBuf,
    child: Child,
    /// What it printed when it was ready.
    pub(crate) ready_line: String,
}

impl Process {
    /// Starts a device's daemon; returns when it says that it is ready.
    pub(crate) fn device(home: &Path) -> anyhow::Result<Self> {
        Self::start(home, &["run"])
    }

    /// Serves the project of a folder.
    pub(crate) fn server(home: &Path) -> anyhow::Result<Self> {
        Self::start(home, &["server", "run", "--bind", "127.0.0.1:0"])
    }

    fn start(home: &Path, args: &[&str]) -> anyhow::Result<Self> {
        let mut command = command("assistd", home)?;
        command.args(args).args(["--log", "error"]);
        let (child, ready_line) = ready(command)?;
        Ok(Self { home: home.to_owned(), child, ready_line })
    }

    /// A connection to its local API.
    pub(crate) fn client(&self) -> anyhow::Result<Client> {
        Ok(Client::connect(Home::locate(Some(self.home.clone()))?.socket())?)
    }

    /// Calls a method.
    pub(crate) fn call<M: Method>(&self, params: &M) -> anyhow::Result<M::Result> {
        Ok(self.client()?.call(params)?)
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it holds now.
    pub(crate) fn memory(&self) -> anyhow::Result<Memory> {
        Memory::of(self.child.id())
    }

    /// Ends it as a loss of power would.
    pub(crate) fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Ends it properly.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        self.call(&daemon::Stop {})?;
        let status = self.child.wait()?;
        ensure!(status.success(), "assistd ended with {status}");
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Ends a child, if it has not ended by itself.
pub(crate) fn end(child: &mut Child) {
    child.kill().ok(); // Fails only if it has ended, which is what is wanted.
    child.wait().ok();
}

/// Starts a program that prints one line when it is ready.
pub(crate) fn ready(mut command: Command) -> anyhow::Result<(Child, String)> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let stdout = child.stdout.take().context("its standard output is a pipe")?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    if line.is_empty() {
        end(&mut child);
        anyhow::bail!("{command:?} did not start");
    }
    Ok((child, line.trim().to_owned()))
}

/// Runs a program to its end, which must be a good one, and says how long that took.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<Duration> {
    let began = Instant::now();
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status()?;
    let time = began.elapsed();
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(time)
}

/// A program of this build on a folder, with nothing of the caller's environment.
pub(crate) fn command(name: &str, home: &Path) -> anyhow::Result<Command> {
    let bench = std::env::current_exe()?;
    let path = bench.parent().context("programs lie in a folder")?.join(name);
    ensure!(
        path.exists(),
        "{} is not built: run `cargo build --release --workspace --bins` first",
        path.display()
    );
    let mut command = Command::new(path);
    command
        .env_clear()
        .env("HOME", home)
        .env("ASSIST_HOME", home)
        .env("PATH", "/usr/bin:/bin")
        .env("TZ", "UTC");
    Ok(command)
}
