//! Starting the daemon: in the background with its own process group, or in place of this process.
//!
//! Waiting is always for something: the socket, the lock that a daemon holds as long as it runs, or its death.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::{Client, ClientError, Home};

/// Why the daemon could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Its folder or a file in it cannot be made.
    #[error("cannot prepare {path} for the daemon")]
    Folder {
        /// What we tried to make.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no such program, or it cannot be run.
    #[error("cannot run the daemon's program {program}")]
    Program {
        /// What we tried to run.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It ended before it answered.
    #[error("the daemon ended at once with {status}{}", said(.log_tail))]
    Died {
        /// How it ended.
        status: ExitStatus,
        /// The last it said.
        log_tail: String,
    },
    /// It runs, but does not answer.
    #[error("the daemon was started but does not answer after {} s", ANSWER_MAX.as_secs())]
    Silent,
    /// One holds the folder, but does not answer.
    #[error("a daemon holds the folder but does not answer, and did not go within {} s", ANSWER_MAX.as_secs())]
    Lingers,
    /// There is one, and no way to it.
    #[error(transparent)]
    Barred(#[from] ClientError),
}

/// The way to a daemon, and whether it had to be started.
#[derive(Debug)]
pub struct Reached {
    /// A connection to it.
    pub client: Client,
    /// Its process, if it was started now.
    pub started_pid: Option<u32>,
}

/// Finds the daemon of a home, or starts it in the background and waits until it answers.
///
/// # Errors
/// When there is no program to start, or it does not answer.
pub fn start(home: &Home) -> Result<Reached, StartError> {
    // One starter at a time; whoever waited finds the daemon of the one before.
    let starters = prepare_folder(home)?;
    starters.lock().map_err(|source| folder_error(&home.run_folder(), source))?;
    if let Some(client) = wait_for_holder(home)? {
        return Ok(Reached { client, started_pid: None });
    }
    let (mut log, log_start) = open_log(&home.log_file())?;
    let child = spawn(home, &log)?;
    let pid = child.id();
    let client = wait_until_it_answers(home, child).map_err(|error| match error {
        Unanswered::Died(status) => StartError::Died { status, log_tail: log_tail(&mut log, log_start) },
        Unanswered::Silent => StartError::Silent,
        Unanswered::Barred(error) => error.into(),
    })?;
    Ok(Reached { client, started_pid: Some(pid) })
}

/// Runs the daemon in place of this process. Returns only if that fails.
pub fn run_in_place(home: &Home) -> StartError {
    let program = program();
    let source = Command::new(&program).arg("run").arg("--home").arg(home.folder()).exec();
    StartError::Program { program, source }
}

/// Waits for a daemon that holds the folder but does not answer: it may be coming up, or going down. Returns the
/// way to the one, nothing after the other.
///
/// # Errors
/// When it neither answers nor goes.
pub fn wait_for_holder(home: &Home) -> Result<Option<Client>, StartError> {
    for _ in 0..LOOKS_MAX {
        match Client::connect(home.socket()) {
            Err(ClientError::NotRunning { .. }) => {}
            connected => return Ok(Some(connected?)),
        }
        if !is_held(home)? {
            return Ok(None);
        }
        pause();
    }
    Err(StartError::Lingers)
}

/// Waits until no daemon holds the folder of a home any more.
///
/// # Errors
/// When it neither answers nor goes.
pub fn wait_until_gone(home: &Home) -> Result<(), StartError> {
    for _ in 0..LOOKS_MAX {
        if !is_held(home)? {
            return Ok(());
        }
        pause();
    }
    Err(StartError::Lingers)
}

/// Lets a moment pass before the next look at a socket that nothing else announces.
#[expect(clippy::disallowed_methods, reason = "between two looks at the condition, which are bounded")]
pub fn pause() {
    thread::sleep(LOOK_EVERY);
}

/// Tells whether a daemon holds the folder. The lock that asks is gone at once.
fn is_held(home: &Home) -> Result<bool, StartError> {
    let path = home.lock_file();
    let file = match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        opened => opened.map_err(|source| folder_error(&path, source))?,
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(source)) => Err(folder_error(&path, source)),
    }
}

enum Unanswered {
    Died(ExitStatus),
    Silent,
    Barred(ClientError),
}

fn prepare_folder(home: &Home) -> Result<File, StartError> {
    let run_folder = home.run_folder();
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&run_folder)
        .map_err(|source| folder_error(&run_folder, source))?;
    let path = run_folder.join("start.lock");
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(|source| folder_error(&path, source))
}

/// Opens the log and returns its end, where what the new daemon says will begin.
fn open_log(path: &Path) -> Result<(File, u64), StartError> {
    if fs::metadata(path).is_ok_and(|log| log.len() > LOG_BYTES_MAX) {
        fs::rename(path, path.with_extension("log.1")).map_err(|source| folder_error(path, source))?;
    }
    let opened = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path);
    let mut log = opened.map_err(|source| folder_error(path, source))?;
    let end = log.seek(SeekFrom::End(0)).map_err(|source| folder_error(path, source))?;
    Ok((log, end))
}

fn spawn(home: &Home, log: &File) -> Result<Child, StartError> {
    let program = program();
    let error = |source| StartError::Program { program: program.clone(), source };
    Command::new(&program)
        .arg("run")
        .arg("--home")
        .arg(home.folder())
        .current_dir(home.folder())
        .stdin(Stdio::null())
        .stdout(log.try_clone().map_err(error)?)
        .stderr(log.try_clone().map_err(error)?)
        // Out of reach of Ctrl-C in this terminal.
        .process_group(0)
        .spawn()
        .map_err(error)
}

/// Returns the daemon's program: beside our own, else wherever the system finds it.
fn program() -> PathBuf {
    let own = std::env::current_exe().unwrap_or_default();
    let beside = own.with_file_name(PROGRAM);
    if beside.is_file() { beside } else { PathBuf::from(PROGRAM) }
}

fn wait_until_it_answers(home: &Home, child: Child) -> Result<Client, Unanswered> {
    let death = announce_death(child);
    for _ in 0..LOOKS_MAX {
        match Client::connect(home.socket()) {
            Err(ClientError::NotRunning { .. }) => {}
            connected => return connected.map_err(Unanswered::Barred),
        }
        match death.recv_timeout(LOOK_EVERY) {
            Ok(status) => return Err(Unanswered::Died(status)),
            Err(RecvTimeoutError::Timeout) => {}
            // Whoever waited for the child failed: the socket alone is left to go by.
            Err(RecvTimeoutError::Disconnected) => pause(),
        }
    }
    Err(Unanswered::Silent)
}

/// Waits for the child on a thread of its own, which ends with this process if the daemon lives on.
fn announce_death(mut child: Child) -> Receiver<ExitStatus> {
    let (death_tx, death_rx) = mpsc::channel();
    thread::spawn(move || {
        if let Ok(status) = child.wait() {
            // Nobody listens any more once the daemon answered.
            death_tx.send(status).ok();
        }
    });
    death_rx
}

/// Returns the last lines that the daemon wrote.
fn log_tail(log: &mut File, start: u64) -> String {
    let mut bytes = Vec::new();
    let end = log.seek(SeekFrom::End(0)).unwrap_or(start);
    let from = start.max(end.saturating_sub(LOG_TAIL_BYTES_MAX));
    let read = log.seek(SeekFrom::Start(from)).and_then(|_| log.read_to_end(&mut bytes));
    match read {
        Ok(_) => String::from_utf8_lossy(&bytes).trim().to_owned(),
        Err(error) => format!("its log cannot be read: {error}"),
    }
}

fn said(log_tail: &str) -> String {
    if log_tail.is_empty() { String::new() } else { format!(", saying:\n{log_tail}") }
}

fn folder_error(path: &Path, source: io::Error) -> StartError {
    StartError::Folder { path: path.to_owned(), source }
}

/// The daemon's program.
const PROGRAM: &str = "assistd";

/// How long a daemon may take until it answers: one that was killed first mends its store.
const ANSWER_MAX: Duration = Duration::from_secs(20);

/// How often we look.
const LOOK_EVERY: Duration = Duration::from_millis(10);

const LOOKS_MAX: u128 = ANSWER_MAX.as_millis() / LOOK_EVERY.as_millis();

/// A log over this size is put aside before the next start.
const LOG_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// How much of the log an error quotes.
const LOG_TAIL_BYTES_MAX: u64 = 2_000;

#[cfg(test)]
mod tests;
