//! Who changed what of a ticket.

use assist_proto::api::limits;
use assist_proto::api::ticket::{History, HistoryChange, HistoryEdit};

use super::super::{state_words, word};
use crate::error::CliError;
use crate::invocation::Invocation;
use crate::output::{Cell, Row, Times, Tone, exact};

/// Prints all changes, oldest first.
pub(crate) fn print(ticket: &str, invocation: &mut Invocation) -> Result<(), CliError> {
    let mut changes: Vec<HistoryChange> = Vec::new();
    loop {
        let page = invocation.call(&History {
            project: invocation.project.clone(),
            ticket: ticket.to_owned(),
            offset: changes.len() as u64,
            limit: Some(limits::PAGE_ROWS_MAX),
        })?;
        let is_last = page.changes.is_empty();
        changes.extend(page.changes);
        if is_last || changes.len() as u64 >= page.total {
            return invocation.output.rows(&changes);
        }
    }
}

impl Row for HistoryChange {
    const HEADS: &'static [&'static str] = &["when", "who", "device", "what", "state"];
    const FLEXIBLE: usize = 3;

    fn cells(&self, times: &Times) -> Vec<Cell> {
        let edits: Vec<String> = self.edits.iter().map(edit_words).collect();
        vec![
            Cell::dim(times.absolute(self.at_millis)),
            Cell::new(&self.author.name, Tone::Strong),
            Cell::dim(device_words(self)),
            Cell::plain(edits.join(", ")),
            Cell::dim(self.state.map(state_words).unwrap_or_default()),
        ]
    }

    fn values(&self) -> Vec<String> {
        let edits: Vec<String> = self.edits.iter().map(edit_words).collect();
        vec![
            self.change.clone(),
            exact(self.at_millis),
            self.author.id.clone(),
            self.author.name.clone(),
            self.device.clone().unwrap_or_default(),
            self.state.as_ref().map(word).unwrap_or_default(),
            edits.join(", "),
            self.device_name.clone().unwrap_or_default(),
        ]
    }
}

/// What a person knows the device by: its name, or the beginning of its id.
fn device_words(change: &HistoryChange) -> String {
    let beginning = |id: &String| id.chars().take(ID_CHARS_SHOWN).collect();
    change.device_name.clone().or_else(|| change.device.as_ref().map(beginning)).unwrap_or_default()
}

/// Says what one edit did. Long texts are for `--json`.
pub(crate) fn edit_words(edit: &HistoryEdit) -> String {
    let action = edit.action.replace('_', " ");
    match (&edit.before, &edit.after) {
        (None, None) => action,
        (_, Some(after)) if after.len() > VALUE_BYTES_SHOWN || after.contains('\n') => action,
        (Some(before), Some(after)) if before.len() <= VALUE_BYTES_SHOWN && !before.is_empty() => {
            format!("{action} {before} -> {after}")
        }
        (_, Some(after)) => format!("{action} {after}"),
        (Some(before), None) if before.len() <= VALUE_BYTES_SHOWN => format!("{action} {before}"),
        (Some(_), None) => action,
    }
}

/// Enough of a device's id to tell the devices of a ticket apart.
const ID_CHARS_SHOWN: usize = 8;
/// What fits a line: a title does.
const VALUE_BYTES_SHOWN: usize = 120;
