//! What can be asked of the team's notes.

use clap::{Args, Subcommand};

use super::{HoldArgs, WaitArgs};
use crate::attach::AttachArgs;
use crate::body::BodyArgs;

/// Verbs of `note`.
#[derive(Debug, Subcommand)]
pub(crate) enum NoteVerb {
    /// Write a note under a ticket; prints the note's id
    Add(NoteAddArgs),
    /// Show the notes of a ticket, oldest first
    List {
        /// The ticket's id, the beginning of it, or its number
        ticket: String,
    },
    /// Rewrite a note of yours
    Edit(NoteEditArgs),
    /// Strike a note of yours; that there was one stays visible
    Delete(NoteDeleteArgs),
}

/// Arguments of `note add`.
#[derive(Debug, Args)]
pub(crate) struct NoteAddArgs {
    /// The ticket's id, the beginning of it, or its number
    pub(crate) ticket: String,
    #[command(flatten)]
    pub(crate) body: BodyArgs,
    /// The note that this one answers
    #[arg(long, value_name = "NOTE")]
    pub(crate) reply_to: Option<String>,
    #[command(flatten)]
    pub(crate) attach: AttachArgs,
    #[command(flatten)]
    pub(crate) hold: HoldArgs,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}

/// Arguments of `note edit`.
#[derive(Debug, Args)]
pub(crate) struct NoteEditArgs {
    /// The ticket's id, the beginning of it, or its number
    pub(crate) ticket: String,
    /// The note's id or the beginning of it
    pub(crate) note: String,
    #[command(flatten)]
    pub(crate) body: BodyArgs,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}

/// Arguments of `note delete`.
#[derive(Debug, Args)]
pub(crate) struct NoteDeleteArgs {
    /// The ticket's id, the beginning of it, or its number
    pub(crate) ticket: String,
    /// The note's id or the beginning of it
    pub(crate) note: String,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}
