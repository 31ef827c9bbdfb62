//! Where a text comes from: the command line, a file, stdin, or the user's editor on a terminal.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, IsTerminal as _, Read, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{self, Command, ExitStatus};

use assist_crdt_model::limits;
use clap::Args;

use crate::error::{CliError, ErrorKind};

/// How a text is given. Neither: by the editor, on a terminal alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub(crate) struct BodyArgs {
    /// The text
    #[arg(short, long, value_name = "TEXT", conflicts_with = "file")]
    pub(crate) body: Option<String>,
    /// A file with the text; `-` is stdin
    #[arg(short = 'F', long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}

/// Why there is no text. Nothing was sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// The file or stdin cannot be read.
    #[error("cannot read {origin}")]
    Unreadable {
        /// What we read.
        origin: String,
        /// What the system said.
        source: io::Error,
    },
    /// The bytes are no text.
    #[error("{origin} is not UTF-8 text: byte {offset} does not belong there")]
    NotUtf8 {
        /// What we read.
        origin: String,
        /// The first wrong byte, counted from 0.
        offset: usize,
    },
    /// Over what a ticket takes.
    #[error("{origin} is over {} KiB, the most that it may have", .bytes_max / 1024)]
    TooLarge {
        /// What we read.
        origin: String,
        /// The most.
        bytes_max: usize,
    },
    /// Nobody to ask.
    #[error("no text was given")]
    NotGiven,
    /// Neither variable is set.
    #[error("neither VISUAL nor EDITOR is set")]
    NoEditor,
    /// The editor's file cannot be made or read.
    #[error("cannot exchange the text with the editor through {path}")]
    EditorFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It could not be started.
    #[error("cannot run the editor")]
    EditorNotRun(#[source] io::Error),
    /// It said no.
    #[error("the editor ended with {status}")]
    EditorFailed {
        /// How it ended.
        status: ExitStatus,
    },
    /// The user wrote nothing.
    #[error("nothing was written")]
    Empty,
}

/// A text, and the file that keeps it until it is safe elsewhere.
#[derive(Debug, Default)]
pub(crate) struct Text {
    /// To the byte.
    pub(crate) text: String,
    kept_in: Option<PathBuf>,
}

impl Text {
    /// One that is in no file.
    pub(crate) const fn new(text: String) -> Self {
        Self { text, kept_in: None }
    }
}

impl BodyArgs {
    /// Tells whether the command line says where the text is.
    pub(crate) const fn is_given(&self) -> bool {
        self.body.is_some() || self.file.is_some()
    }

    /// Reads the text from where the command line says; `None` if it does not say.
    pub(crate) fn read(&self) -> Result<Option<Text>, BodyError> {
        let text = match (&self.body, &self.file) {
            (Some(body), _) if body.len() > limits::BODY_BYTES_MAX => {
                let bytes_max = limits::BODY_BYTES_MAX;
                return Err(BodyError::TooLarge { origin: "the text".to_owned(), bytes_max });
            }
            (Some(body), _) => body.clone(),
            (None, Some(path)) if path == Path::new("-") => read_text("stdin", io::stdin().lock())?,
            (None, Some(path)) => {
                let origin = path.display().to_string();
                let file = File::open(path)
                    .map_err(|source| BodyError::Unreadable { origin: origin.clone(), source })?;
                read_text(&origin, file)?
            }
            (None, None) => return Ok(None),
        };
        Ok(Some(Text { text, kept_in: None }))
    }

    /// Reads the text from where the command line says, else lets the user write it, beginning with `draft`.
    pub(crate) fn read_or_edit(&self, draft: &str) -> Result<Text, BodyError> {
        match self.read()? {
            Some(text) => Ok(text),
            None if !is_on_terminal() => Err(BodyError::NotGiven),
            None => edit(draft),
        }
    }
}

impl Text {
    /// Drops the first line that holds something, which is the title, and the empty lines around it.
    pub(crate) fn drop_first_line(&mut self) {
        let rest = self.text.trim_start().split_once('\n').map_or("", |(_, rest)| rest);
        self.text = rest.trim_start_matches(['\r', '\n']).to_owned();
    }

    /// Removes the file that kept the text: it is safe elsewhere now.
    pub(crate) fn forget_file(self) {
        if let Some(path) = self.kept_in {
            // A leftover in the temporary folder does no harm.
            fs::remove_file(path).ok();
        }
    }

    /// Tells where the text is kept when it could not be sent.
    pub(crate) fn mention(&self, error: CliError) -> CliError {
        match &self.kept_in {
            Some(path) => error.hint(format!("your text is kept in {}", path.display())),
            None => error,
        }
    }
}

/// Tells whether somebody sits at both ends: only then is anything asked.
pub(crate) fn is_on_terminal() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

fn read_text(origin: &str, reader: impl Read) -> Result<String, BodyError> {
    read_text_within(limits::BODY_BYTES_MAX, origin, reader)
}

/// Reads a text of at most so many bytes, never more than that.
pub(crate) fn read_text_within(
    bytes_max: usize,
    origin: &str,
    reader: impl Read,
) -> Result<String, BodyError> {
    let origin = origin.to_owned();
    let mut bytes = Vec::new();
    // One byte more tells that it is over.
    if let Err(source) = reader.take(bytes_max as u64 + 1).read_to_end(&mut bytes) {
        return Err(BodyError::Unreadable { origin, source });
    }
    if bytes.len() > bytes_max {
        return Err(BodyError::TooLarge { origin, bytes_max });
    }
    String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        BodyError::NotUtf8 { origin, offset }
    })
}

fn edit(draft: &str) -> Result<Text, BodyError> {
    let editor = editor().ok_or(BodyError::NoEditor)?;
    let path = env::temp_dir().join(format!("assist-{}.md", process::id()));
    let file_error = |source| BodyError::EditorFile { path: path.clone(), source };
    // Never an existing file: others may write to the temporary folder too.
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(file_error)?;
    file.write_all(draft.as_bytes()).map_err(file_error)?;
    drop(file);
    // Through a shell, as the variable may hold arguments.
    let mut command = Command::new("sh");
    command.arg("-c").arg(r#"eval "$0 \"\$1\"""#).arg(editor).arg(&path);
    let status = command.status().map_err(BodyError::EditorNotRun)?;
    if !status.success() {
        return Err(BodyError::EditorFailed { status });
    }
    let text = read_text("what the editor left", File::open(&path).map_err(file_error)?)?;
    let text = text.trim_end().to_owned();
    if text.trim().is_empty() {
        fs::remove_file(&path).map_err(file_error)?;
        return Err(BodyError::Empty);
    }
    Ok(Text { text, kept_in: Some(path) })
}

fn editor() -> Option<OsString> {
    ["VISUAL", "EDITOR"].into_iter().filter_map(env::var_os).find(|editor| !editor.is_empty())
}

impl From<BodyError> for CliError {
    fn from(error: BodyError) -> Self {
        let (kind, hint) = match &error {
            BodyError::NotUtf8 { .. } => (
                ErrorKind::Failed,
                Some("nothing was sent; convert it first, as with `iconv -f latin1 -t utf-8`"),
            ),
            BodyError::TooLarge { .. } => {
                (ErrorKind::Failed, Some("nothing was sent; shorten it, or split it into comments"))
            }
            BodyError::NotGiven => {
                (ErrorKind::Usage, Some("give it with `-b <text>`, `-F <file>`, or `-F -` to read stdin"))
            }
            BodyError::NoEditor => (
                ErrorKind::Usage,
                Some("set EDITOR, or give the text with `-b <text>`, `-F <file>` or `-F -`"),
            ),
            BodyError::Unreadable { .. } => (ErrorKind::Failed, Some("nothing was sent")),
            _ => (ErrorKind::Failed, None),
        };
        let error = Self::new(kind, error);
        match hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

#[cfg(test)]
mod tests;
