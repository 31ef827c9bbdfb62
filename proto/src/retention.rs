//! What a server does not keep for ever. Decided here; done by the daemon, while it serves nobody.

use assist_crdt_model::{Status, UnixMillis};

use crate::store::TicketRow;

/// How long a server keeps what. The default keeps everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention {
    /// The attachments of a ticket go when it was closed and nobody has written in it for so long.
    pub delete_attachments_after_millis: Option<u64>,
}

impl Retention {
    /// Whether the attachments of a ticket go. Time is the server's own: what devices say counts for nothing.
    pub fn ends_attachments(self, row: &TicketRow, now: UnixMillis) -> bool {
        let is_over = |after: u64| now.0.saturating_sub(row.updated_at.0) >= after;
        row.status == Status::Closed && self.delete_attachments_after_millis.is_some_and(is_over)
    }
}

#[cfg(test)]
mod tests {
    use assist_crdt_model::{Status, UnixMillis};

    use super::Retention;
    use crate::store::TicketRow;

    fn row(status: Status) -> TicketRow {
        TicketRow { status, updated_at: UnixMillis(1_000), ..TicketRow::sample() }
    }

    #[test]
    fn attachments_go_only_where_it_is_said_and_only_of_what_was_closed_for_so_long() {
        let retention = Retention { delete_attachments_after_millis: Some(500) };
        for (status, now, goes) in [
            (Status::Closed, 1_499, false),
            (Status::Closed, 1_500, true),
            (Status::Closed, 0, false),
            (Status::Open, 9_999, false),
            (Status::Pending, 9_999, false),
            (Status::Resolved, 9_999, false),
        ] {
            assert_eq!(
                retention.ends_attachments(&row(status), UnixMillis(now)),
                goes,
                "{status:?} at {now}"
            );
            assert!(!Retention::default().ends_attachments(&row(status), UnixMillis(now)));
        }
    }
}
