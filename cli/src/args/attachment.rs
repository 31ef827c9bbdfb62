//! What can be asked of files.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::seconds;

/// Verbs of `attachment`.
#[derive(Debug, Subcommand)]
pub(crate) enum AttachmentVerb {
    /// List the files under a ticket, and where the bytes of each are
    List {
        /// The ticket's id, the beginning of it, or its number
        ticket: String,
    },
    /// Save a file; prints where it went. Nothing that is there is ever overwritten
    Save(SaveArgs),
    /// Write a small copy of a picture (PNG, JPEG, WebP or GIF) into a new file
    Thumbnail(ThumbnailArgs),
    /// Open a copy of a file with the desktop's program for it; never a program
    Open {
        /// The ticket's id, the beginning of it, or its number
        ticket: String,
        /// Its name, or the beginning of its hash
        file: String,
        /// How long to wait for its bytes to come, in seconds
        #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
        timeout: Duration,
    },
}

/// Arguments of `attachment thumbnail`.
#[derive(Debug, Args)]
pub(crate) struct ThumbnailArgs {
    /// The ticket's id, the beginning of it, or its number
    pub(crate) ticket: String,
    /// Its name, or the beginning of its hash; not needed where the ticket has one picture
    pub(crate) file: Option<String>,
    /// The file to write, a PNG; `-` writes to stdout
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// How long to wait for the bytes to come, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub(crate) timeout: Duration,
}

/// Arguments of `attachment save`.
#[derive(Debug, Args)]
pub(crate) struct SaveArgs {
    /// The ticket's id, the beginning of it, or its number
    pub(crate) ticket: String,
    /// Its name, or the beginning of its hash
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub(crate) file: Option<String>,
    /// Save all files of the ticket
    #[arg(long)]
    pub(crate) all: bool,
    /// The folder to save into; `-` writes the bytes of one file to stdout
    #[arg(short, long, value_name = "FOLDER", default_value = ".")]
    pub(crate) output: PathBuf,
    /// How long to wait for the bytes to come, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub(crate) timeout: Duration,
}
