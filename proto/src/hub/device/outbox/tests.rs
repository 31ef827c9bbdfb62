//! How what waits is cut into frames, and of which documents something waits.

use assist_crdt_model::{DeviceId, TicketId};

use super::*;

const DOC: DocId = DocId::Ticket(TicketId::from_bytes([1; 16]));

#[test]
fn batches_keep_the_order_and_fit_frames() {
    let largest = assist_crdt_model::limits::CHANGE_BYTES_MAX;
    let sizes: Vec<usize> = std::iter::repeat_n(largest, 5).chain(std::iter::repeat_n(10, 600)).collect();
    let batches = batches_of(sizes.iter().map(|size_bytes| envelope(*size_bytes)));
    let found: Vec<usize> = batches.iter().flatten().map(|envelope| envelope.change.len()).collect();
    assert_eq!(found, sizes);
    for batch in batches {
        assert!(batch.len() <= limits::PUSH_ENVELOPES_MAX);
        let project = ProjectId::from_bytes([1; 32]);
        let frame = crate::wire::encode(&PeerMessage::Push(Push { project, envelopes: batch }));
        assert!(frame.len() <= limits::FRAME_BYTES_MAX, "{} bytes", frame.len());
    }
}

#[test]
fn outbox_knows_of_which_documents_something_waits() {
    let (first, second) = (hash(1), hash(2));
    let mut outbox = Outbox::default();
    assert!(!outbox.has_of(DOC));
    outbox.add(1, &entry(1, DOC, None));
    outbox.add(2, &entry(2, DOC, None));
    assert_eq!(outbox.forget(&first), Some(1));
    assert!(outbox.has_of(DOC));
    outbox.rewind();
    assert_eq!(outbox.position(&second), Some(2));
    assert_eq!(outbox.forget(&second), Some(2));
    assert!(!outbox.has_of(DOC));
    assert_eq!(outbox.forget(&second), None);
}

#[test]
fn what_is_held_holds_back_what_follows_it_in_its_document_alone() {
    let other = DocId::Ticket(TicketId::from_bytes([2; 16]));
    let (now, later) = (UnixMillis(10), UnixMillis(20));
    let mut outbox = Outbox::default();
    outbox.add(1, &entry(1, DOC, None));
    outbox.add(2, &entry(2, DOC, Some(later)));
    outbox.add(3, &entry(3, DOC, None));
    outbox.add(4, &entry(4, other, Some(now)));
    let is_back = |outbox: &Outbox, position, now| outbox.is_held_back(DOC, position, now);
    assert!(!is_back(&outbox, 1, now) && is_back(&outbox, 2, now) && is_back(&outbox, 3, now));
    assert!(!outbox.is_held_back(other, 4, now));
    assert!(!is_back(&outbox, 3, later));
    assert_eq!(outbox.next_release(), Some(now));
    assert_eq!(outbox.held(), [(4, other), (2, DOC)]);
    outbox.rewind();
    assert_eq!(outbox.held().len(), 2, "a new session changes nothing");
    assert!(outbox.release(DOC, 2) && !outbox.release(DOC, 2) && !outbox.release(DOC, 1));
    assert!(!is_back(&outbox, 3, now));
    outbox.forget(&hash(4));
    assert_eq!(outbox.held(), []);
}

#[test]
fn clock_that_was_far_ahead_does_not_hold_for_as_long_as_it_was() {
    let mut outbox = Outbox::default();
    let far = UnixMillis(1_000_000);
    let made = OutboxEntry { made_at: far, ..entry(1, DOC, Some(UnixMillis(far.0 + 5))) };
    outbox.add(1, &made);
    assert!(outbox.is_held_back(DOC, 1, far));
    assert!(!outbox.is_held_back(DOC, 1, UnixMillis(far.0 + 5)));
    assert!(!outbox.is_held_back(DOC, 1, UnixMillis(far.0 - 1)), "the clock was set");
}

fn hash(number: u8) -> ChangeHash {
    ChangeHash::from_bytes([number; 32])
}

fn entry(number: u8, doc: DocId, held_until: Option<UnixMillis>) -> OutboxEntry {
    let envelope = Envelope { doc, ..envelope(10) };
    OutboxEntry { change: hash(number), made_at: UnixMillis(1), envelope, held_until }
}

fn envelope(size_bytes: usize) -> Envelope {
    Envelope {
        doc: DOC,
        device: DeviceId::from_bytes([1; 32]),
        incarnation: u32::MAX,
        epoch: 0,
        change: vec![7; size_bytes],
        signature: [2; 64],
    }
}
