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
    let (first, second) = (ChangeHash::from_bytes([1; 32]), ChangeHash::from_bytes([2; 32]));
    let mut outbox = Outbox::default();
    assert!(!outbox.has_of(DOC));
    outbox.add(first, DOC, 1);
    outbox.add(second, DOC, 2);
    assert_eq!(outbox.forget(&first), Some(1));
    assert!(outbox.has_of(DOC));
    outbox.rewind();
    assert_eq!(outbox.position(&second), Some(2));
    assert_eq!(outbox.forget(&second), Some(2));
    assert!(!outbox.has_of(DOC));
    assert_eq!(outbox.forget(&second), None);
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
