//! The benchmarks of the goals in `docs/performance.md`.
//!
//! ```text
//! cargo build --release --workspace --bins
//! cargo run --release -p assist-tests --bin bench [-- <scenario>... --json <file> --scale small|full]
//! ```
//!
//! Each scenario is a file of its name. It measures what the goal names and, in the same run, the least that it
//! could be; other jobs may share the machine, so only ratios of one run are safe.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a table is what it is for")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

mod accept;
mod blobs;
mod cli;
mod cold;
mod export;
mod fanout;
mod floor;
mod gate;
mod gui;
mod idle;
mod live;
mod measure;
mod node;
mod peer;
mod people;
mod prepared;
mod presence;
mod program;
mod quiet;
mod reconnect;
mod relay;
mod report;
mod search;
mod start;
mod work;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use tokio::runtime::Runtime;

use crate::report::{Machine, Report, Row, Scale};

/// What scenarios share.
pub(crate) struct Bench {
    /// For the daemons within this process.
    pub(crate) runtime: Runtime,
    /// How much work.
    pub(crate) scale: Scale,
}

type Scenario = fn(&Bench) -> anyhow::Result<Vec<Row>>;

const SCENARIOS: &[(&str, Scenario)] = &[
    ("floor", floor::run),
    ("live", live::run),
    ("blobs", blobs::run),
    ("presence", presence::run),
    ("reconnect", reconnect::run),
    ("cold", cold::run),
    ("cli", cli::run),
    ("start", start::run),
    ("accept", accept::run),
    ("idle", idle::run),
    ("fanout", fanout::run),
    ("gate", gate::run),
    ("search", search::run),
    ("export", export::run),
    ("gui", gui::run),
];

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: impl Iterator<Item = String>) -> anyhow::Result<()> {
    let args = Args::parse(args)?;
    let bench = Bench { runtime: Runtime::new()?, scale: args.scale };
    if args.serves_bare {
        return idle::serve_bare(&bench);
    }
    let machine = Machine {
        cores: std::thread::available_parallelism()?.get(),
        load_at_start: measure::load_average(),
        load_at_end: String::new(),
        scale: args.scale,
        started_at_millis: measure::unix_millis(),
    };
    println!("{} cores, load average {}, scale {:?}", machine.cores, machine.load_at_start, machine.scale);
    let mut report = Report { machine, rows: Vec::new() };
    let mut failed = Vec::new();
    for (name, scenario) in SCENARIOS {
        if !args.names.is_empty() && !args.names.iter().any(|wanted| wanted == name) {
            continue;
        }
        eprintln!("{name} ...");
        match scenario(&bench) {
            Ok(rows) => report.rows.extend(rows),
            Err(error) => {
                eprintln!("{name} failed: {error:#}");
                failed.push(*name);
            }
        }
    }
    report.machine.load_at_end = measure::load_average();
    println!("{report}");
    println!("{} goals missed; load average at the end {}", report.misses(), report.machine.load_at_end);
    if let Some(path) = args.json {
        report.write_json(&path)?;
    }
    if failed.is_empty() { Ok(()) } else { bail!("could not be measured: {}", failed.join(", ")) }
}

struct Args {
    names: Vec<String>,
    json: Option<PathBuf>,
    scale: Scale,
    serves_bare: bool,
}

impl Args {
    fn parse(mut args: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let mut parsed = Self { names: Vec::new(), json: None, scale: Scale::Full, serves_bare: false };
        while let Some(arg) = args.next() {
            let mut value = || args.next().with_context(|| format!("{arg} needs a value"));
            match arg.as_str() {
                idle::BARE_SERVER => parsed.serves_bare = true,
                "--json" => parsed.json = Some(PathBuf::from(value()?)),
                "--scale" => {
                    parsed.scale = match value()?.as_str() {
                        "small" => Scale::Small,
                        "full" => Scale::Full,
                        other => bail!("--scale is small or full, not {other}"),
                    };
                }
                name if SCENARIOS.iter().any(|(known, _)| *known == name) => parsed.names.push(arg),
                _ => {
                    let known: Vec<&str> = SCENARIOS.iter().map(|(name, _)| *name).collect();
                    bail!(
                        "what is {arg}? Scenarios: {}; options: --json <file>, --scale small|full",
                        known.join(" ")
                    );
                }
            }
        }
        Ok(parsed)
    }
}

/// The first rows of a list.
pub(crate) fn first_rows(limit: usize) -> assist_daemon::store::RowWindow {
    assist_daemon::store::RowWindow { start: assist_daemon::store::WindowStart::Offset(0), limit }
}
