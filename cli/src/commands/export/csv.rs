//! Rows as RFC 4180 has them, for spreadsheets.

use std::borrow::Cow;

use assist_proto::api::ticket::TicketRow;

use super::super::{optional, word};
use crate::output::exact;

/// The names of the columns.
pub(in crate::commands) const HEAD: &str = "id,number,project,title,status,priority,assignee,requester,labels,\
                                            created_at,updated_at,comments\r\n";

/// A row with its end of line.
pub(in crate::commands) fn line(row: &TicketRow) -> String {
    let cells = [
        row.id.clone(),
        optional(row.number),
        row.project.clone(),
        row.title.clone(),
        word(&row.status),
        row.priority.as_ref().map(word).unwrap_or_default(),
        row.assignee.as_ref().map(|user| user.name.clone()).unwrap_or_default(),
        row.requester.name.clone(),
        row.labels.join(" "),
        exact(row.created_at_millis),
        exact(row.updated_at_millis),
        row.comment_count.to_string(),
    ];
    let cells: Vec<Cow<'_, str>> = cells.iter().map(|cell| quoted(cell)).collect();
    format!("{}\r\n", cells.join(","))
}

/// A cell. What a spreadsheet would take for a formula gets an apostrophe: others wrote it.
fn quoted(cell: &str) -> Cow<'_, str> {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if !is_formula && !cell.contains(['"', ',', '\n', '\r']) {
        return Cow::Borrowed(cell);
    }
    let mark = if is_formula { "'" } else { "" };
    Cow::Owned(format!("\"{mark}{}\"", cell.replace('"', "\"\"")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_daemon::ticket_row;

    #[test]
    fn cells_are_quoted_where_they_must_be_and_no_formula_runs() {
        for (cell, written) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"no\"", "\"say \"\"no\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=1+1", "\"'=1+1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("", ""),
        ] {
            assert_eq!(quoted(cell), written);
        }
    }

    #[test]
    fn rows_have_the_columns_of_the_head() {
        let row =
            serde_json::from_value(ticket_row("abcdefghjkmnpqrstvwxyz0123", Some(142), "burns")).unwrap();
        assert_eq!(line(&row).split(',').count(), HEAD.split(',').count());
        assert!(line(&row).ends_with("\r\n") && HEAD.ends_with("comments\r\n"));
    }
}
