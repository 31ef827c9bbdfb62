//! `--attach`: files that go along. Their bytes are with the daemon before anything names them.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use assist_crdt_model::limits::{ATTACHMENT_NAME_CHARS_MAX, ATTACHMENTS_PER_COMMENT_MAX};
use assist_proto::api::attachment::Attach;
use assist_proto::client::TransferError;
use clap::Args;

use crate::body::{BodyArgs, Text};
use crate::error::{CliError, ErrorKind};
use crate::invocation::Invocation;

/// Files to attach.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub(crate) struct AttachArgs {
    /// A file to attach; `-` is stdin; may be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) attach: Vec<PathBuf>,
    /// What to call the attachment from stdin
    #[arg(long, value_name = "NAME", requires = "attach")]
    pub(crate) name: Option<String>,
}

impl AttachArgs {
    /// Tells whether there are any.
    pub(crate) const fn is_given(&self) -> bool {
        !self.attach.is_empty()
    }

    /// Reads the text that goes with them. Where none is given, files are enough.
    pub(crate) fn read_text_beside(&self, body: &BodyArgs) -> Result<Text, CliError> {
        if self.is_given() && !body.is_given() {
            return Ok(Text::default());
        }
        Ok(body.read_or_edit("")?)
    }

    /// Hands all files to the daemon, and returns what to name.
    pub(crate) fn hand_over(&self, invocation: &mut Invocation) -> Result<Vec<Attach>, CliError> {
        if self.attach.len() > ATTACHMENTS_PER_COMMENT_MAX {
            let text = format!("{ATTACHMENTS_PER_COMMENT_MAX} files go along at the most");
            return Err(CliError::message(ErrorKind::Usage, text).hint("write several comments"));
        }
        // All that can be wrong with the command line is found before anything is read.
        let named: Vec<(&PathBuf, String)> = self
            .attach
            .iter()
            .map(|path| Ok((path, self.label_of(path)?)))
            .collect::<Result<_, CliError>>()?;
        let mut attached = Vec::new();
        for (path, name) in named {
            let blob = hand_over(path, invocation)?;
            attached.push(Attach { blob, name, media_type: None });
        }
        Ok(attached)
    }

    fn label_of(&self, path: &Path) -> Result<String, CliError> {
        if path == Path::new(STDIN) {
            let name = self.name.clone().ok_or_else(|| {
                CliError::message(ErrorKind::Usage, "what comes from stdin has no name")
                    .hint("give one with `--name <name>`")
            })?;
            return Ok(label(&name));
        }
        let name = path.file_name().map(OsStr::to_string_lossy);
        name.map(|name| label(&name))
            .ok_or_else(|| CliError::message(ErrorKind::Usage, format!("{} is no file", path.display())))
    }
}

/// A name as the ticket takes it: no path, no control characters.
fn label(name: &str) -> String {
    let is_wrong = |c: char| c == '/' || c == '\\' || c.is_control();
    let name: String = name.chars().map(|c| if is_wrong(c) { '_' } else { c }).collect();
    let name: String = name.chars().take(ATTACHMENT_NAME_CHARS_MAX).collect();
    if name.is_empty() { "file".to_owned() } else { name }
}

fn hand_over(path: &Path, invocation: &mut Invocation) -> Result<String, CliError> {
    let unreadable = |error: io::Error| {
        let what = format!("cannot read {}", path.display());
        CliError::new(ErrorKind::Failed, anyhow::Error::new(error).context(what)).hint("nothing was sent")
    };
    let client = invocation.client()?;
    let stored = if path == Path::new(STDIN) {
        client.put_blob(io::stdin().lock())
    } else {
        let file = File::open(path).map_err(unreadable)?;
        if file.metadata().map_err(unreadable)?.is_dir() {
            let text = format!("{} is a folder", path.display());
            return Err(CliError::message(ErrorKind::Usage, text).hint("pack it first, as with `tar`"));
        }
        client.put_blob(file)
    };
    match stored {
        Ok(stored) => Ok(stored.blob),
        Err(TransferError::Client(error)) => Err(error.into()),
        Err(TransferError::File(error)) => Err(unreadable(error)),
    }
}

/// How a command line says stdin.
const STDIN: &str = "-";
