//! The times that a row shows.

use super::*;

#[test]
fn row_shows_the_servers_time_once_nothing_waits() {
    let touched = Touched { admitted: Some((Seq(7), UnixMillis(70))), ..Touched::default() };
    let ahead = row(6, 9_000);
    assert_eq!(touched.updated_at(Some(&ahead), false), Some(UnixMillis(70)));
    assert_eq!(touched.updated_at(None, false), Some(UnixMillis(70)));
}

#[test]
fn row_shows_the_newest_time_while_something_waits() {
    let touched = Touched {
        admitted: Some((Seq(7), UnixMillis(70))),
        written_at: Some(UnixMillis(80)),
        ..Touched::default()
    };
    assert_eq!(touched.updated_at(Some(&row(6, 60)), true), Some(UnixMillis(80)));
    assert_eq!(touched.updated_at(Some(&row(6, 9_000)), true), Some(UnixMillis(9_000)));
}

#[test]
fn older_record_leaves_the_time_to_the_log() {
    let touched = Touched { admitted: Some((Seq(5), UnixMillis(50))), ..Touched::default() };
    assert_eq!(touched.updated_at(Some(&row(6, 60)), false), None);
}

fn row(last_seq: u64, updated_at: u64) -> TicketRow {
    TicketRow { updated_at: UnixMillis(updated_at), last_seq: Seq(last_seq), ..TicketRow::sample() }
}
