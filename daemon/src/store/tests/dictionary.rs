//! The dictionary of packs: made once of what every ticket has, and never again.

use std::fs;
use std::path::Path;

use assist_crdt_model::{
    Actor, Author, Body, CommentId, DeviceId, Doc, DocId, Edit, Label, Priority, Role, Status, TicketId,
    Title, UnixMillis, UserId,
};
use assist_proto::envelope::Envelope;
use assist_proto::store::{Record, Seq};
use assist_proto::wire::codec;

use crate::store::packs::{DICTIONARY, Pack};

/// Written with `WRITE_FIXTURE=1` before the first release, never again.
#[test]
fn the_dictionary_is_what_it_was() {
    let made = records().iter().flat_map(codec::encode).collect::<Vec<u8>>();
    if std::env::var_os("WRITE_FIXTURE").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/dictionary-1.bin");
        fs::write(path, &made).unwrap();
    }
    assert_eq!(blake3::hash(DICTIONARY).to_hex().as_str(), HASH, "every stored pack hangs on it");
    assert_eq!(made, DICTIONARY);
}

#[test]
fn a_small_ticket_takes_much_less_room_with_it() {
    let mut pack = Pack::default();
    for record in records() {
        pack.push(&Record { seq: Seq(record.seq.0 + 900), ..record });
    }
    let size_with = |dictionary: &[u8]| {
        let mut compressor = zstd::bulk::Compressor::with_dictionary(1, dictionary).unwrap();
        pack.deflate(&mut compressor).len()
    };
    assert!(size_with(DICTIONARY) * 2 < size_with(&[]));
}

/// A ticket's life, the rarest first: the end of a dictionary is found most cheaply.
fn records() -> Vec<Record> {
    let doc_id = DocId::Ticket(TicketId::from_bytes([0x11; 16]));
    let device = DeviceId::from_bytes([0x22; 32]);
    let user = UserId::from_bytes([0x33; 16]);
    let author = Author { user, role: Role::Agent, actor: Actor::derive(&device, 0) };
    let mut doc = Doc::new(doc_id);
    let create = Edit::CreateTicket {
        requester: user,
        title: Title::parse("It does not work").unwrap(),
        body: Body::parse("Since the update it does not start.\n").unwrap(),
    };
    let comment = |number: u8| Edit::AddComment {
        id: CommentId::new(UnixMillis(1_700_000_000_000), [number; 10]),
        body: Body::parse("Thank you.\n").unwrap(),
        reply_to: None,
        attachments: Vec::new(),
    };
    let edits = [
        create,
        Edit::SetSnoozedUntil(Some(UnixMillis(1_700_000_000_000))),
        Edit::AddLabel(Label::parse("label").unwrap()),
        Edit::SetPriority(Some(Priority::High)),
        Edit::SetAssignee(Some(user)),
        Edit::SetStatus(Status::Pending),
        comment(1),
        comment(2),
    ];
    let mut records = Vec::new();
    for (seq, edit) in (1..).zip(edits) {
        let change = doc.apply(&author, UnixMillis(1_700_000_000_000), &[edit]).unwrap().bytes;
        let envelope = Envelope { doc: doc_id, device, incarnation: 0, epoch: 0, change, signature: [0; 64] };
        let admitted_at = UnixMillis(1_700_000_000_000);
        let number = (seq == 1).then_some(1);
        records.push(Record { seq: Seq(seq), admitted_at, serial: 1, number, envelope });
    }
    // The creation is in every ticket and holds most names: it comes again at the end.
    let creation = records[0].clone();
    records.push(creation);
    records
}

const HASH: &str = "bd0121867a7e4374e865b4d9b8ce1f060b02b2e0669515d4f4127ba36403c36d";
