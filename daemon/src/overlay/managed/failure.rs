//! Why the overlay's program does not run, in plain words, with what helps. Pure.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

/// Why it does not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// There is no such program.
    Missing {
        /// Which.
        program: PathBuf,
    },
    /// It is there and cannot be started.
    NotStarted {
        /// Which.
        program: PathBuf,
        /// Why not.
        problem: String,
    },
    /// There is no place for its key.
    Folder {
        /// Where it should be.
        path: PathBuf,
        /// Why it is not.
        problem: String,
    },
    /// It may not make a network interface.
    NoPrivilege {
        /// Which.
        program: PathBuf,
    },
    /// This system has no TUN device.
    NoTun,
    /// A port or an interface of its is taken: another node runs.
    Taken,
    /// It ended for a reason of its own.
    Ended {
        /// How.
        how: String,
        /// What it said last.
        last_words: Option<String>,
    },
}

impl Failure {
    /// What it means that the program could not be started.
    pub(super) fn of_start(program: &Path, error: &io::Error) -> Self {
        let program = program.to_owned();
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing { program },
            kind => Self::NotStarted { program, problem: kind.to_string() },
        }
    }

    /// What it means that the program ended, after it said these lines.
    pub(super) fn of(program: &Path, ended: io::Result<ExitStatus>, lines: &[String]) -> Self {
        let said = |words: &[&str]| {
            lines.iter().any(|line| {
                let line = line.to_lowercase();
                words.iter().any(|word| line.contains(word))
            })
        };
        // The narrower ones first: who may open no TUN device names it, too.
        let is_denied =
            |line: &String| line.to_lowercase().contains("permission denied") && line.contains("tun");
        if said(&["operation not permitted", "eperm"]) || lines.iter().any(is_denied) {
            return Self::NoPrivilege { program: program.to_owned() };
        }
        if said(&["/dev/net/tun", "no such device"]) {
            return Self::NoTun;
        }
        if said(&["address already in use", "address in use", "resource busy"]) {
            return Self::Taken;
        }
        if said(&["could not create tun device", "sufficient privileges"]) {
            return Self::NoPrivilege { program: program.to_owned() };
        }
        let how = ended.map_or_else(|error| error.kind().to_string(), |status| status.to_string());
        Self::Ended { how, last_words: lines.last().cloned() }
    }

    /// The one command that helps.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Missing { .. } => {
                Some(format!("put the program on the PATH (from {})", super::super::state::DOWNLOADS))
            }
            Self::NotStarted { program, .. } => Some(format!("chmod +x {}", program.display())),
            Self::Folder { .. } | Self::Ended { .. } => None,
            Self::NoPrivilege { program } => {
                Some(format!("sudo setcap cap_net_admin+ep $(command -v {})", program.display()))
            }
            Self::NoTun => Some("sudo modprobe tun".to_owned()),
            Self::Taken => Some("assistd run --overlay external".to_owned()),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { program } => {
                write!(f, "there is no program {:?} to run as the overlay's node", program)
            }
            Self::NotStarted { program, problem } => {
                write!(f, "{} cannot be started: {problem}", program.display())
            }
            Self::Folder { path, problem } => {
                write!(f, "there is no folder {} for the node's key: {problem}", path.display())
            }
            Self::NoPrivilege { program } => {
                write!(
                    f,
                    "{} may not make a network interface, for want of the right CAP_NET_ADMIN",
                    program.display()
                )
            }
            Self::NoTun => {
                f.write_str("this system has no device /dev/net/tun, over which a node carries packets")
            }
            Self::Taken => f.write_str(
                "another mycelium node runs on this machine: the managed one finds its place taken",
            ),
            Self::Ended { how, last_words: Some(words) } => {
                write!(f, "the mycelium node ended ({how}) and said last: {words}")
            }
            Self::Ended { how, last_words: None } => {
                write!(f, "the mycelium node ended ({how}) without a word")
            }
        }
    }
}
