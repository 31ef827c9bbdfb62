//! What a command says: data on stdout, talk on stderr.
//!
//! On a terminal people get tables, colours and times as they tell them. Anywhere else the output is stable and
//! can be parsed: tabs between whole values, exact times. JSON is the same everywhere. Nothing that others wrote
//! reaches a terminal with a control character in it.

mod fields;
mod json;
pub(crate) use assist_cli::neutral;
mod table;
mod times;
mod wrap;

use std::io::{self, BufWriter, IsTerminal as _, Write};

use clap::builder::styling::{AnsiColor, Style};
use schemars::JsonSchema;
use serde::Serialize;

use crate::error::{CliError, ErrorKind};
pub(crate) use fields::Fields;
pub(crate) use table::{Cell, Row, Tone, columns, tab_separated};
pub(crate) use times::{Times, exact, span};
pub(crate) use wrap::wrap;

/// In which form data is printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Format {
    /// One JSON document.
    Json(Fields),
    /// A line of JSON for each row.
    JsonLines(Fields),
    /// For scripts.
    Plain,
    /// For people.
    Human,
}

/// How much is said beside the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Talk {
    /// What helps a person.
    Usual,
    /// Errors alone.
    Quiet,
}

/// Where a command writes to.
pub(crate) struct Output {
    stdout: Box<dyn Write>,
    stderr: Box<dyn Write>,
    format: Format,
    talk: Talk,
    width: u16,
}

/// A fact of a document: its name and its value for people, or for scripts.
pub(crate) type Fact = (&'static str, String);

impl Output {
    /// Writes to this process's own streams. `format` is what was asked for; unless told, it is for people on
    /// a terminal and for scripts elsewhere.
    pub(crate) fn of_process(format: Option<Format>, talk: Talk) -> Self {
        let is_terminal = io::stdout().is_terminal();
        let format = format.unwrap_or(if is_terminal { Format::Human } else { Format::Plain });
        let width = match format {
            Format::Human => terminal_size::terminal_size().map_or(WIDTH_DEFAULT, |(width, _)| width.0),
            _ => WIDTH_DEFAULT,
        };
        let stdout: Box<dyn Write> = match format {
            // Colours come with tables alone: nothing else needs to be looked through for them.
            Format::Human => Box::new(BufWriter::new(anstream::stdout())),
            _ => Box::new(BufWriter::new(io::stdout())),
        };
        Self::new(stdout, Box::new(anstream::stderr()), format, talk, width)
    }

    /// Writes to any streams.
    pub(crate) fn new(
        stdout: Box<dyn Write>,
        stderr: Box<dyn Write>,
        format: Format,
        talk: Talk,
        width: u16,
    ) -> Self {
        Self { stdout, stderr, format, talk, width: width.max(WIDTH_MIN) }
    }

    /// Returns in which form data is printed.
    pub(crate) const fn format(&self) -> &Format {
        &self.format
    }

    /// Refuses wanted fields that a `T` cannot have. Comes before the work, so that nothing is half done.
    pub(crate) fn check_fields<T: JsonSchema>(&self) -> Result<(), CliError> {
        match &self.format {
            Format::Json(fields) | Format::JsonLines(fields) => fields.check::<T>(),
            Format::Plain | Format::Human => Ok(()),
        }
    }

    /// Prints a list: a JSON array, a JSON line each, tab-separated values, or columns.
    pub(crate) fn rows<R: Row>(&mut self, rows: &[R]) -> Result<(), CliError> {
        match &self.format {
            Format::Json(fields) if fields.are_all() => self.json(&rows),
            Format::Json(_) => self.json(&as_value(&rows)?),
            Format::JsonLines(_) => rows.iter().try_for_each(|row| self.json(row)),
            Format::Plain => rows.iter().try_for_each(|row| self.line(&tab_separated(&row.values()))),
            Format::Human if rows.is_empty() => Ok(()),
            Format::Human => self.line(&columns(rows, &Times::of_this_machine(), self.width)),
        }
    }

    /// Prints one thing: as JSON if that was asked for, else what `lines` makes of it.
    pub(crate) fn document<T: Serialize>(
        &mut self,
        document: &T,
        lines: impl FnOnce(&T, Audience) -> Vec<String>,
    ) -> Result<(), CliError> {
        let lines = match &self.format {
            Format::Json(_) | Format::JsonLines(_) => return self.json(document),
            Format::Plain => lines(document, Audience::Script),
            Format::Human => {
                let people = People { times: Times::of_this_machine(), width: usize::from(self.width) };
                lines(document, Audience::People(people))
            }
        };
        lines.iter().try_for_each(|line| self.line(line))
    }

    /// Prints a value as JSON in the form that was asked for.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), CliError> {
        let written = match &self.format {
            Format::JsonLines(fields) if fields.are_all() => json::write_line(&mut self.stdout, value),
            Format::JsonLines(fields) => {
                json::write_line(&mut self.stdout, &fields.select(&as_value(value)?))
            }
            Format::Json(fields) if !fields.are_all() => {
                json::write_pretty(&mut self.stdout, &fields.select(&as_value(value)?))
            }
            _ => json::write_pretty(&mut self.stdout, value),
        };
        written.map_err(stdout_error)
    }

    /// Prints a line of data, which must be harmless already.
    pub(crate) fn line(&mut self, line: &str) -> Result<(), CliError> {
        writeln!(self.stdout, "{line}").map_err(stdout_error)
    }

    /// Says something to a person, on stderr.
    pub(crate) fn say(&mut self, text: &str) {
        if self.talk == Talk::Usual {
            // Nobody listens: that is no reason to fail.
            self.stderr.write_all(format!("{}\n", neutral::block(text)).as_bytes()).ok();
        }
    }

    /// Tells of a failure, on stderr.
    pub(crate) fn error(&mut self, error: &CliError) {
        // Nobody listens: the exit code remains.
        error.print(&mut self.stderr).ok();
    }

    /// Hands over what was printed so far.
    pub(crate) fn flush(&mut self) -> Result<(), CliError> {
        self.stdout.flush().map_err(stdout_error)
    }
}

/// For whom a document is laid out.
#[derive(Debug, Clone)]
pub(crate) enum Audience {
    /// Whole ids, exact times.
    Script,
    /// Short ids, times as people tell them, colours.
    People(People),
}

/// What a layout for people goes by.
#[derive(Debug, Clone)]
pub(crate) struct People {
    /// For telling times.
    pub(crate) times: Times,
    /// Of the terminal, in columns.
    pub(crate) width: usize,
}

impl Audience {
    /// Returns a time for this audience.
    pub(crate) fn time(&self, millis: u64) -> String {
        match self {
            Self::Script => exact(millis),
            Self::People(people) => people.times.both(millis),
        }
    }

    /// Returns what is for this audience.
    pub(crate) fn either(&self, script: String, people: String) -> String {
        match self {
            Self::Script => script,
            Self::People(_) => people,
        }
    }

    /// Lays facts out: names with tabs behind for scripts, in columns for people.
    pub(crate) fn facts(&self, facts: &[Fact]) -> Vec<String> {
        match self {
            Self::Script => {
                facts.iter().map(|(name, value)| format!("{name}\t{}", neutral::line(value))).collect()
            }
            Self::People(_) => {
                let told: Vec<&Fact> = facts.iter().filter(|(_, value)| !value.is_empty()).collect();
                let width = told.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
                let line = |(name, value): &&Fact| {
                    let head = paint(&format!("{:width$}", name.replace('_', " ")), Tone::Dim);
                    format!("{head}  {}", neutral::line(value))
                };
                told.iter().map(line).collect()
            }
        }
    }
}

/// Paints a harmless text for a terminal. Where colours are not wanted, they are taken out again.
pub(crate) fn paint(text: &str, tone: Tone) -> String {
    let style = match tone {
        Tone::Plain => return text.to_owned(),
        Tone::Dim => Style::new().dimmed(),
        Tone::Strong => Style::new().bold(),
        Tone::Good => AnsiColor::Green.on_default(),
        Tone::Notable => AnsiColor::Yellow.on_default(),
        Tone::Bad => AnsiColor::Red.on_default(),
    };
    format!("{style}{text}{style:#}")
}

fn as_value(value: &impl Serialize) -> Result<serde_json::Value, CliError> {
    serde_json::to_value(value).map_err(|error| CliError::new(ErrorKind::Failed, error))
}

fn stdout_error(error: io::Error) -> CliError {
    match error.kind() {
        io::ErrorKind::BrokenPipe => CliError::new(ErrorKind::ReaderGone, error),
        _ => CliError::new(ErrorKind::Failed, anyhow::Error::new(error).context("cannot write the output")),
    }
}

/// Where the terminal does not say.
const WIDTH_DEFAULT: u16 = 80;

/// Below this, columns are no use: the terminal may wrap them.
const WIDTH_MIN: u16 = 40;

#[cfg(test)]
mod tests;
