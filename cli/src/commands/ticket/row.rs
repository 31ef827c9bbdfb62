//! A ticket in a list.

use assist_proto::api::ticket::{Priority, Status, TicketRow};

use super::super::{optional, word};
use super::name_of;
use crate::output::{Cell, Row, Times, Tone, exact};

impl Row for TicketRow {
    const HEADS: &'static [&'static str] = &["ticket", "title", "status", "priority", "assignee", "updated"];
    const FLEXIBLE: usize = 1;

    fn cells(&self, times: &Times) -> Vec<Cell> {
        vec![
            Cell::new(name_of(self.number, &self.short_id), Tone::Strong),
            Cell::plain(title(self)),
            Cell::new(word(&self.status), status_tone(self.status)),
            Cell::new(self.priority.as_ref().map(word).unwrap_or_default(), priority_tone(self.priority)),
            Cell::plain(self.assignee.as_ref().map(|user| user.name.as_str()).unwrap_or_default()),
            Cell::dim(times.relative(self.updated_at_millis)),
        ]
    }

    fn values(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            optional(self.number),
            word(&self.status),
            self.priority.as_ref().map(word).unwrap_or_default(),
            self.assignee.as_ref().map(|user| user.name.clone()).unwrap_or_default(),
            self.requester.name.clone(),
            self.labels.join(","),
            exact(self.created_at_millis),
            exact(self.updated_at_millis),
            self.comment_count.to_string(),
            self.state.as_ref().map(word).unwrap_or_default(),
            self.project.clone(),
            self.title.clone(),
            self.is_unread.to_string(),
            self.is_newly_mentioned.to_string(),
        ]
    }
}

/// Returns the title behind what a person should look at first.
fn title(row: &TicketRow) -> String {
    let labels: String = row.labels.iter().map(|label| format!(" [{label}]")).collect();
    let unread = match row {
        _ if row.is_newly_mentioned => "(@you) ",
        _ if row.is_unread => "(new) ",
        _ => "",
    };
    let mark = if row.has_conflict { "(conflict) " } else { "" };
    let merged = row.merged_into.as_ref();
    let merged = merged.map(|into| format!(" (goes on in {})", name_of(into.number, &into.short_id)));
    format!("{unread}{mark}{}{labels}{}", row.title, merged.unwrap_or_default())
}

/// Returns how a status looks.
pub(crate) const fn status_tone(status: Status) -> Tone {
    match status {
        Status::Open => Tone::Good,
        Status::Pending => Tone::Notable,
        Status::Resolved | Status::Closed => Tone::Dim,
    }
}

/// Returns how an urgency looks.
pub(crate) const fn priority_tone(priority: Option<Priority>) -> Tone {
    match priority {
        Some(Priority::Urgent) => Tone::Bad,
        Some(Priority::High) => Tone::Notable,
        Some(Priority::Normal | Priority::Low) | None => Tone::Plain,
    }
}
