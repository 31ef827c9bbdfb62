//! How documents are cut into pages, and how long recent records stay at hand.

use assist_crdt_model::{TicketId, UnixMillis};

use super::*;
use crate::envelope::Envelope;

#[test]
fn small_documents_share_a_page() {
    let docs = [(doc(1), records(doc(1), 3, 100)), (doc(2), records(doc(2), 1, 100)), (doc(3), Vec::new())];
    let pages = pages_of(&docs);
    assert_eq!(pages.len(), 1);
    assert_eq!(put_together(&pages), docs);
}

#[test]
fn large_document_goes_on_in_the_next_page_and_no_page_is_larger_than_a_frame() {
    let largest = assist_crdt_model::limits::CHANGE_BYTES_MAX;
    let docs = [
        (doc(1), records(doc(1), 2, 1_000)),
        (doc(2), records(doc(2), 20, largest)),
        (doc(3), records(doc(3), 1, largest)),
    ];
    let pages = pages_of(&docs);
    assert!(pages.len() >= 4, "{} pages", pages.len());
    for page in &pages {
        let size_bytes = codec::encode(page).len();
        assert!(size_bytes <= limits::FRAME_BYTES_MAX, "{size_bytes} bytes before compression");
    }
    assert_eq!(put_together(&pages), docs);
}

#[test]
fn nothing_is_one_empty_page() {
    assert_eq!(pages_of(&[]), [Vec::new()]);
}

#[test]
fn recent_records_are_found_by_place_until_others_push_them_out() {
    let mut recent = RecentRecords::default();
    assert_eq!(recent.get(Seq(1)), None);
    let places = limits::RECENT_RECORDS_MAX as u64 + 10;
    for seq in 5..5 + places {
        recent.push(record(doc(1), seq, 10));
    }
    assert_eq!(recent.get(Seq(5)), None);
    assert_eq!(recent.get(Seq(14)), None);
    assert_eq!(recent.get(Seq(15)).map(|record| record.seq), Some(Seq(15)));
    assert_eq!(recent.get(Seq(4 + places)).map(|record| record.seq), Some(Seq(4 + places)));
    assert_eq!(recent.get(Seq(5 + places)), None);
}

#[test]
fn recent_records_stay_within_their_bytes() {
    let mut recent = RecentRecords::default();
    let size_bytes = limits::RECENT_BYTES_MAX / 3;
    for seq in 1..=5 {
        recent.push(record(doc(1), seq, size_bytes));
    }
    assert_eq!(recent.get(Seq(2)), None);
    assert!(recent.get(Seq(3)).is_some());
}

/// What a device makes of pages.
fn put_together(pages: &[Vec<PagedDoc>]) -> Vec<(DocId, Vec<Record>)> {
    let mut docs: Vec<(DocId, Vec<Record>)> = Vec::new();
    for part in pages.iter().flatten() {
        let records: Vec<Record> = codec::decode("document", &part.records).unwrap();
        match docs.last_mut() {
            Some((doc, before)) if *doc == part.doc => before.extend(records),
            _ => docs.push((part.doc, records)),
        }
    }
    docs
}

fn doc(number: u8) -> DocId {
    DocId::Ticket(TicketId::from_bytes([number; 16]))
}

fn records(doc: DocId, count: u64, size_bytes: usize) -> Vec<Record> {
    (1..=count).map(|seq| record(doc, seq, size_bytes)).collect()
}

fn record(doc: DocId, seq: u64, size_bytes: usize) -> Record {
    let envelope = Envelope {
        doc,
        device: DeviceId::from_bytes([1; 32]),
        incarnation: 0,
        epoch: 0,
        change: vec![7; size_bytes],
        signature: [2; 64],
    };
    Record { seq: Seq(seq), admitted_at: UnixMillis(seq), serial: 1, number: None, envelope }
}
