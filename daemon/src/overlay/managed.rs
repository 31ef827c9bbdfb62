//! The node as this daemon's own business: a `mycelium` program is started, its lines come into our log, and one that
//! ends is started again, more patiently each time.
//!
//! What an end means ([`Failure::of`]) and how long to wait ([`pause`]) is pure. A node that runs already is left alone
//! and followed like any other. The program ends with this daemon.

mod failure;

use std::collections::BTreeMap;
use std::fs::DirBuilder;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use assist_proto::neutral;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::api::ask;
use super::limits::{
    ASK_TIMEOUT, LINE_BYTES_MAX, LINES_KEPT_MAX, PAUSE_MAX, PAUSE_MIN, STABLE_AFTER, SURE_AFTER,
};
pub use failure::Failure;

/// How the program is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedConfig {
    /// The program: a path, or a name that is looked for on the PATH.
    pub program: PathBuf,
    /// Where its key lies; made if it is not there.
    pub key_folder: PathBuf,
    /// Whom it connects to.
    pub peers: Vec<PeerEndpoint>,
}

/// A node that ours connects to: `tcp://<address>:<port>` or `quic://<address>:<port>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerEndpoint(String);

/// A text that names no such node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no peer of a node: it is \"tcp://192.0.2.7:9651\", or with \"quic://\" before the same")]
pub struct ParsePeerError(String);

impl std::str::FromStr for PeerEndpoint {
    type Err = ParsePeerError;

    fn from_str(text: &str) -> Result<Self, ParsePeerError> {
        let text = text.trim();
        let address = text.strip_prefix("tcp://").or_else(|| text.strip_prefix("quic://"));
        match address.map(str::parse::<SocketAddr>) {
            Some(Ok(address)) if address.port() != 0 => Ok(Self(text.to_owned())),
            _ => Err(ParsePeerError(text.chars().take(super::limits::WORD_CHARS_MAX).collect())),
        }
    }
}

/// How the program fares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProgramState {
    /// It runs, or is about to.
    Running,
    /// It ended, or could not be started, and is tried again later.
    Failed(Failure),
}

/// Runs the program again and again.
pub(crate) struct Supervisor {
    config: ManagedConfig,
    api: SocketAddr,
    state: watch::Sender<ProgramState>,
}

impl Supervisor {
    pub(crate) fn new(config: ManagedConfig, api: SocketAddr) -> (Self, watch::Receiver<ProgramState>) {
        let (state, receiver) = watch::channel(ProgramState::Running);
        (Self { config, api, state }, receiver)
    }

    pub(crate) async fn run(self) {
        let mut failures = 0;
        loop {
            if ask(self.api, ASK_TIMEOUT).await.is_ok() {
                // Somebody else's, or ours of a life before: two would be in each other's way.
                self.set(ProgramState::Running);
                sleep(STABLE_AFTER).await;
                continue;
            }
            let started = Instant::now();
            let failure = self.run_once().await;
            failures = if started.elapsed() >= STABLE_AFTER { 1 } else { failures + 1 };
            let pause = pause(failures);
            tracing::warn!(help = failure.help(), wait = ?pause, "{failure}");
            self.set(ProgramState::Failed(failure));
            sleep(pause).await;
        }
    }

    /// Runs the program until it ends, and says what that means.
    async fn run_once(&self) -> Failure {
        let program = &self.config.program;
        if let Err(error) = make_folder(&self.config.key_folder) {
            return Failure::Folder {
                path: self.config.key_folder.clone(),
                problem: error.kind().to_string(),
            };
        }
        let mut child = match self.command().spawn() {
            Ok(child) => child,
            Err(error) => return Failure::of_start(program, &error),
        };
        tracing::info!(program = %program.display(), pid = child.id(), "started the overlay's node");
        let mut readers = JoinSet::new();
        if let Some(stdout) = child.stdout.take() {
            readers.spawn(async { (Stream::Output, log_lines(stdout).await) });
        }
        if let Some(stderr) = child.stderr.take() {
            readers.spawn(async { (Stream::Errors, log_lines(stderr).await) });
        }
        let ended = self.watch(&mut child).await;
        // Whoever inherited its output may hold it open: what it said by now is enough.
        let mut said = BTreeMap::new();
        while let Ok(Some(read)) = timeout(SURE_AFTER, readers.join_next()).await {
            said.extend(read);
        }
        let lines: Vec<String> = said.into_values().flatten().collect();
        Failure::of(program, ended, &lines)
    }

    /// Waits for its end; one that lives for a while is said to run.
    async fn watch(&self, child: &mut Child) -> io::Result<ExitStatus> {
        match timeout(SURE_AFTER, child.wait()).await {
            Ok(ended) => ended,
            Err(_elapsed) => {
                self.set(ProgramState::Running);
                child.wait().await
            }
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.config.program);
        command
            .arg("--key-file")
            .arg(self.config.key_folder.join(KEY_FILE))
            .args(["--api-addr", &self.api.to_string()])
            // A port of this API that is taken would end it, and nobody here asks it.
            .args(["--jsonrpc-addr", "127.0.0.1:0"])
            .arg("--peers")
            .args(self.config.peers.iter().map(|peer| &peer.0))
            // What it says is read in logs and in the status, not on a terminal.
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    fn set(&self, state: ProgramState) {
        self.state.send_if_modified(|known| {
            let is_new = *known != state;
            *known = state;
            is_new
        });
    }
}

/// Where a program says things, the least telling first: what it ends with, it says among the errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stream {
    Output,
    Errors,
}

/// How long to wait after so many failures in a row.
fn pause(failures: u32) -> Duration {
    PAUSE_MIN.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(PAUSE_MAX)
}

/// Puts each line into our log, and returns the last ones. Lines are cut where they are too long.
async fn log_lines(mut output: impl AsyncRead + Unpin) -> Vec<String> {
    let (mut lines, mut line) = (Vec::new(), Vec::new());
    let mut bytes = [0; 4096];
    loop {
        // An error is an end too.
        let size = output.read(&mut bytes).await.unwrap_or(0);
        for byte in &bytes[..size] {
            match byte {
                b'\n' => keep_line(&mut lines, &mut line),
                byte if line.len() < LINE_BYTES_MAX => line.push(*byte),
                _ => {}
            }
        }
        if size == 0 {
            keep_line(&mut lines, &mut line);
            return lines;
        }
    }
}

fn keep_line(lines: &mut Vec<String>, line: &mut Vec<u8>) {
    let text = String::from_utf8_lossy(line);
    let text = neutral::line(text.trim()).into_owned();
    line.clear();
    if text.is_empty() {
        return;
    }
    tracing::info!(target: "mycelium", "{text}");
    if lines.len() == LINES_KEPT_MAX {
        lines.remove(0);
    }
    lines.push(text);
}

fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

const KEY_FILE: &str = "node.key";

#[cfg(test)]
mod tests;
