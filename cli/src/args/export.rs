//! What is written out to be kept elsewhere, and how it is checked there.

use std::path::PathBuf;

use assist_crdt_model::ProjectId;
use clap::Args;

use crate::commands::verify::project_id;

/// Arguments of `ticket export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The ticket's id, the beginning of it, or its number
    pub(crate) ticket: String,
    /// The file to write; `assist verify` checks it anywhere
    #[arg(long, value_name = "FILE")]
    pub(crate) bundle: PathBuf,
    /// Write over a file that is there
    #[arg(long)]
    pub(crate) force: bool,
}

/// Arguments of `ticket print`.
#[derive(Debug, Args)]
pub(crate) struct PrintArgs {
    /// The ticket's id, the beginning of it, or its number
    pub(crate) ticket: String,
    /// The file to make [default: stdout]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// With the team's notes
    #[arg(long)]
    pub(crate) notes: bool,
}

/// Arguments of `export`.
#[derive(Debug, Args)]
pub(crate) struct ExportAllArgs {
    /// The folder to make; `assist verify` checks it anywhere
    pub(crate) folder: PathBuf,
    /// Only the tickets that this finds, as `is:closed updated:<2026`
    #[arg(long, value_name = "QUERY")]
    pub(crate) query: Option<String>,
}

/// Arguments of `import`.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// What `assist export` or `assist ticket export` wrote; `-` reads a bundle from stdin
    pub(crate) path: PathBuf,
}

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// What `assist ticket export` or `assist export` wrote; `-` reads a bundle from stdin
    pub(crate) bundle: PathBuf,
    /// The project that it has to be signed for: its whole id
    #[arg(long, value_name = "ID", value_parser = project_id)]
    pub(crate) project_id: Option<ProjectId>,
}
