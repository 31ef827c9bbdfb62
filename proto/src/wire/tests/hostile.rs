//! Bytes of an attacker: refused, within bounds of memory, and never a panic.

use std::alloc::System;

use assist_forge::meter::{Meter, peak_bytes};
use proptest::prelude::*;

use super::super::presence::{Doing, People, PresentPerson, TicketPresence, View};
use super::super::*;
use super::golden::messages;
use crate::samples::*;
use crate::store::{Kept, KeptFollow};

#[global_allocator]
static METER: Meter<System> = Meter(System);

/// What a refusal may cost on top of the frame: a copy of a small page, the decoder's scratch and the error.
const REFUSAL_BYTES_MAX: usize = 128 * 1024;

fn refused_cheaply(frame: &[u8]) -> DecodeError {
    assert!(frame.len() <= limits::FRAME_BYTES_MAX, "{} bytes are no frame", frame.len());
    let (peak, received) = peak_bytes(|| receive(frame));
    assert!(peak <= REFUSAL_BYTES_MAX, "took {peak} bytes");
    received.unwrap_err()
}

fn rows(page: Vec<u8>) -> Vec<u8> {
    encode(&PeerMessage::Rows(Rows { page }))
}

/// A zstd frame of zeros in blocks of 128 KiB, which take 4 bytes each. Its header says what it is told to say.
fn page_of_zeros(declared_bytes: Option<u64>, blocks: u32) -> Vec<u8> {
    const WINDOW_OF_128_KIB: u8 = 7 << 3;
    let descriptor = if declared_bytes.is_some() { 0b1100_0000 } else { 0 };
    let mut page = vec![0x28, 0xb5, 0x2f, 0xfd, descriptor, WINDOW_OF_128_KIB];
    page.extend(declared_bytes.iter().flat_map(|size| size.to_le_bytes()));
    for block in 0..blocks {
        let is_last = u32::from(block == blocks - 1);
        let header = is_last | 1 << 1 | BLOCK_BYTES << 3;
        page.extend_from_slice(&header.to_le_bytes()[..3]);
        page.push(0);
    }
    page
}

const BLOCK_BYTES: u32 = 128 * 1024;
const BLOCKS_OF_1_GIB: u32 = 8 * 1024;

#[test]
fn an_honest_page_of_zeros_inflates_and_is_no_rows() {
    let page = page_of_zeros(Some(BLOCK_BYTES.into()), 1);
    assert_eq!(zstd::bulk::decompress(&page, BLOCK_BYTES as usize).unwrap(), vec![0; BLOCK_BYTES as usize]);
    let refused = receive(&rows(page)).unwrap_err();
    assert!(matches!(refused, DecodeError::Shape { .. }), "{refused}");
}

#[test]
fn a_page_of_a_gigabyte_is_refused_by_what_it_says() {
    let refused = refused_cheaply(&rows(page_of_zeros(Some(1 << 30), BLOCKS_OF_1_GIB)));
    assert!(matches!(refused, DecodeError::PageSize { .. }), "{refused}");
}

#[test]
fn a_page_that_does_not_say_its_size_is_refused() {
    let refused = refused_cheaply(&rows(page_of_zeros(None, BLOCKS_OF_1_GIB)));
    assert!(matches!(refused, DecodeError::PageSize { .. }), "{refused}");
}

#[test]
fn a_page_is_held_to_what_it_says() {
    let too_much = refused_cheaply(&rows(page_of_zeros(Some(1_000), BLOCKS_OF_1_GIB)));
    assert!(matches!(too_much, DecodeError::Page { .. }), "{too_much}");
    let too_little = receive(&rows(page_of_zeros(Some(1 << 20), 1))).unwrap_err();
    assert!(matches!(too_little, DecodeError::Page { .. }), "{too_little}");
    let mut two_frames = page_of_zeros(Some(BLOCK_BYTES.into()), 1);
    two_frames.extend(page_of_zeros(Some(1 << 30), BLOCKS_OF_1_GIB));
    let refused = receive(&rows(two_frames)).unwrap_err();
    assert!(matches!(refused, DecodeError::Page { .. }), "{refused}");
}

#[test]
fn a_page_of_empty_labels_stops_at_the_limit() {
    let mut row = b"\xa1\x61l\x9a\x00\x7f\xff\x00".to_vec();
    row.resize(limits::PAGE_INFLATED_BYTES_MAX - 1, 0x60);
    let bytes = [[0x81].as_slice(), &row].concat();
    let frame = rows(zstd::bulk::compress(&bytes, 3).unwrap());
    let (peak, received) = peak_bytes(|| receive(&frame));
    assert!(received.unwrap_err().to_string().contains("page of rows"));
    assert!(peak <= limits::PAGE_INFLATED_BYTES_MAX + REFUSAL_BYTES_MAX, "took {peak} bytes");
}

#[test]
fn a_frame_of_empty_ids_is_refused_at_the_first() {
    let mut frame = b"\xa1\x65fetch\xa1\x61d\x9a\x00\x0f\x00\x00".to_vec();
    frame.resize(limits::FRAME_BYTES_MAX, 0x40);
    assert!(matches!(refused_cheaply(&frame), DecodeError::Shape { .. }));
}

#[test]
fn what_a_sender_claims_about_a_length_takes_no_memory() {
    let claims: [&[u8]; 5] = [
        b"\xa1\x64push\xa1\x61e\x9b\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"\xa1\x69introduce\xa1\x61k\x9b\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"\xa1\x64rows\xa1\x61z\x5b\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"\xa1\x67refused\xa1\x61r\x7b\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"\xbb\x7f\xff\xff\xff\xff\xff\xff\xff\x64push",
    ];
    for frame in claims {
        let (peak, received) = peak_bytes(|| receive(frame));
        assert!(received.is_err());
        assert!(peak <= 2 * 1024 * 1024, "{frame:02x?} took {peak} bytes");
    }
}

#[test]
fn nesting_beyond_any_message_is_refused() {
    // An unknown field is skipped whatever is in it: arrays, maps, tags, each around the next.
    for opening in [b"\x81".as_slice(), b"\xa1\x61x", b"\xc6", b"\x9f"] {
        let mut frame = b"\xa1\x64seen\xa1\x67unknown".to_vec();
        while frame.len() < 200_000 {
            frame.extend_from_slice(opening);
        }
        let refused = refused_cheaply(&frame);
        assert!(matches!(refused, DecodeError::Shape { .. }), "{opening:02x?}: {refused}");
    }
}

#[test]
fn nothing_may_follow_a_message() {
    for message in messages() {
        let mut frame = encode(&message);
        frame.push(0xf6);
        let refused = receive(&frame).unwrap_err();
        assert!(matches!(refused, DecodeError::Trailing { trailing_bytes: 1, .. }), "{refused}");
    }
}

#[test]
fn a_message_that_breaks_off_is_refused() {
    for message in messages() {
        let frame = encode(&message);
        for end in 0..frame.len() {
            assert!(receive(&frame[..end]).is_err(), "{message:?} cut at {end}");
        }
    }
}

#[test]
fn a_message_of_a_later_version_is_refused_as_unknown() {
    let frame = codec::encode(&std::collections::BTreeMap::from([("telepathy", 1)]));
    let refused = receive(&frame).unwrap_err();
    assert_eq!(refused.to_string(), "not a valid message");
}

#[test]
fn lists_end_at_their_limits() {
    let push =
        |count| encode(&PeerMessage::Push(Push { project: project(), envelopes: vec![envelope(); count] }));
    assert!(receive(&push(limits::PUSH_ENVELOPES_MAX)).is_ok());
    assert!(receive(&push(limits::PUSH_ENVELOPES_MAX + 1)).is_err());
    let fetch = |count| encode(&PeerMessage::Fetch(Fetch { docs: vec![doc(); count] }));
    assert!(receive(&fetch(limits::FETCH_DOCS_MAX)).is_ok());
    assert!(receive(&fetch(limits::FETCH_DOCS_MAX + 1)).is_err());
    let follow = Kept::Follow(KeptFollow { ticket: ticket(), follow: None });
    let keep = |count| encode(&PeerMessage::Keep(Keep { kept: vec![follow.clone(); count] }));
    assert!(receive(&keep(limits::KEPT_PER_FRAME_MAX)).is_ok());
    assert!(receive(&keep(limits::KEPT_PER_FRAME_MAX + 1)).is_err());
    let mark = Mark::new(ticket());
    let marks = |count| {
        encode(&PeerMessage::Marks(Marks { mark_cursor: 1, marks: vec![mark; count], reads: Vec::new() }))
    };
    let read = PendingRead { ticket: ticket(), through: Seq(1), at: NOW, is_private: false };
    let reads = |count| encode(&PeerMessage::Read(Read { reads: vec![read; count] }));
    assert!(receive(&reads(limits::READS_PER_FRAME_MAX)).is_ok());
    assert!(receive(&reads(limits::READS_PER_FRAME_MAX + 1)).is_err());
    let PendingRead { through, at, .. } = read;
    let read =
        ReadMark { ticket: ticket(), user: user(), through, at, is_team: false, private_through: None };
    let read_marks = |count| {
        encode(&PeerMessage::Marks(Marks { mark_cursor: 1, marks: Vec::new(), reads: vec![read; count] }))
    };
    assert!(receive(&read_marks(limits::MARKS_PER_FRAME_MAX)).is_ok());
    assert!(receive(&read_marks(limits::MARKS_PER_FRAME_MAX + 1)).is_err());
    assert!(receive(&marks(limits::MARKS_PER_FRAME_MAX)).is_ok());
    assert!(receive(&marks(limits::MARKS_PER_FRAME_MAX + 1)).is_err());
    let view = View { ticket: ticket(), doing: Doing::Viewing };
    let present =
        |count| encode(&PeerMessage::Present(Present { views: vec![view; count], ..Present::default() }));
    assert!(receive(&present(limits::PRESENT_VIEWS_MAX)).is_ok());
    assert!(receive(&present(limits::PRESENT_VIEWS_MAX + 1)).is_err());
    let presence = |tickets, names| {
        let person = PresentPerson { user: user(), doing: Doing::Viewing, status: None };
        let people = People { count: 1, named: vec![person; names] };
        let tickets = vec![TicketPresence { ticket: ticket(), people }; tickets];
        encode(&PeerMessage::PresenceNews(PresenceNews { tickets, ..PresenceNews::default() }))
    };
    assert!(receive(&presence(limits::PRESENCE_TICKETS_PER_FRAME_MAX, limits::PRESENCE_NAMES_MAX)).is_ok());
    assert!(receive(&presence(limits::PRESENCE_TICKETS_PER_FRAME_MAX + 1, 1)).is_err());
    assert!(receive(&presence(1, limits::PRESENCE_NAMES_MAX + 1)).is_err());
    let records = |count| {
        let items = vec![Item::Through(Seq(1)); count];
        encode(&PeerMessage::Records(Records { project: project(), items }))
    };
    assert!(receive(&records(limits::RECORDS_PER_FRAME_MAX)).is_ok());
    assert!(receive(&records(limits::RECORDS_PER_FRAME_MAX + 1)).is_err());
}

#[test]
fn pages_end_at_their_limits() {
    let docs = |count| {
        let page = codec::encode_page(&vec![PagedDoc { doc: doc(), records: Vec::new() }; count]);
        encode(&PeerMessage::Docs(Docs { page, before: None, is_last: false }))
    };
    assert!(receive(&docs(limits::DOCS_PER_PAGE_MAX)).is_ok());
    assert!(receive(&docs(limits::DOCS_PER_PAGE_MAX + 1)).is_err());
}

#[test]
fn one_bad_envelope_leaves_the_others_of_its_frame() {
    let bad = Envelope { epoch: 9, ..envelope() };
    let push = Push { project: project(), envelopes: vec![envelope(), bad.clone(), envelope()] };
    let Received::Push { envelopes, .. } = receive(&encode(&PeerMessage::Push(push))).unwrap() else {
        panic!("a push was sent");
    };
    let outcomes: Vec<bool> = envelopes.iter().map(Result::is_ok).collect();
    assert_eq!(outcomes, [true, false, true]);
    assert_eq!(envelopes[1].as_ref().unwrap_err().envelope, bad);
}

#[test]
fn a_record_keeps_its_place_even_if_its_envelope_is_not_believed() {
    let unreadable = Envelope { change: b"no change".to_vec(), ..envelope() };
    let record = Record { seq: Seq(8), admitted_at: NOW, serial: 2, number: Some(5), envelope: unreadable };
    let records = Records { project: project(), items: vec![Item::Record(record)] };
    let Received::Records { items, .. } = receive(&encode(&PeerMessage::Records(records))).unwrap() else {
        panic!("records were sent");
    };
    let [ReceivedItem::Record { place, envelope }] = items.as_slice() else { panic!("one record was sent") };
    assert!(envelope.is_err());
    assert_eq!((place.seq, place.doc, place.serial, place.number), (Seq(8), doc(), 2, Some(5)));
    assert_eq!(place.change, ChangeHash::from_bytes([0; 32]));
}

proptest! {
    #[test]
    fn any_bytes_are_a_message_or_an_error(frame in proptest::collection::vec(any::<u8>(), 0..600)) {
        let (peak, _) = peak_bytes(|| receive(&frame).ok());
        prop_assert!(peak <= 2 * 1024 * 1024, "took {peak} bytes");
    }

    #[test]
    fn any_page_is_rows_and_documents_or_an_error(page in proptest::collection::vec(any::<u8>(), 0..600)) {
        codec::decode_page::<Vec<TicketRow>>("page", &page).ok();
        codec::decode::<Vec<TicketRow>>("rows", &page).ok();
        codec::decode::<Vec<Record>>("records", &page).ok();
        receive(&rows(zstd::bulk::compress(&page, 3).unwrap())).ok();
    }

    #[test]
    fn a_damaged_message_is_a_message_or_an_error(
        choice in any::<prop::sample::Index>(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut frame = encode(choice.get(&messages()));
        for (index, byte) in damage {
            let index = index.index(frame.len());
            frame[index] = byte;
        }
        let (peak, _) = peak_bytes(|| receive(&frame).ok());
        prop_assert!(peak <= limits::PAGE_INFLATED_BYTES_MAX + 2 * 1024 * 1024, "took {peak} bytes");
    }
}
