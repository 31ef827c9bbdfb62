//! Documents of a server that cannot be read to their end.

use assist_crdt_model::{DocId, UnixMillis};
use assist_proto::store::{Audience, EntryKind, Record, Seq, ServerStore, StoreError, StoredVerdict};

use super::samples::{change_hash_of, memory_store, record, ticket, user};
use crate::store::packs::{PACK_BYTES, Places};
use crate::store::tables::{Scope, Table, key};
use crate::store::{ServerReads as _, Store};

const COUNT: u64 = 40;

fn text(seq: u64) -> String {
    format!("{seq} {}", "word ".repeat(PACK_BYTES / 40))
}

fn doc() -> DocId {
    DocId::Ticket(ticket(1))
}

fn records() -> Vec<Record> {
    (1..=COUNT).map(|seq| record(seq, doc(), &text(seq))).collect()
}

/// A document of several packs, one of which cannot be read, and another document.
fn damaged_store(pack: usize) -> Store {
    let store = memory_store();
    let mut turn = store.begin_turn().unwrap();
    for record in records() {
        ServerStore::append(&mut turn, &record, &[user(1)]).unwrap();
    }
    let other = record(COUNT + 1, DocId::Ticket(ticket(2)), "other");
    ServerStore::append(&mut turn, &other, &[]).unwrap();
    turn.commit().unwrap();
    let mut turn = store.begin_turn().unwrap();
    let numbers: Vec<u32> = Places::load(&turn, Scope::SERVER, doc()).unwrap().numbers().collect();
    assert!(numbers.len() > 3, "{numbers:?}");
    turn.put(Table::Packs, key!(Scope::SERVER, numbers[pack]), b"none of ours".to_vec());
    turn.commit().unwrap();
    store
}

#[test]
fn what_cannot_be_read_is_set_aside_with_what_stands_behind_it_and_nothing_else() {
    let store = damaged_store(1);
    let error = store.read().unwrap().server_doc_records(doc()).unwrap_err();
    assert!(
        matches!(error, StoreError::DamagedDoc { project: None, doc: of, .. } if of == doc()),
        "{error:?}"
    );

    let mut turn = store.begin_turn().unwrap();
    assert_eq!(turn.set_aside(DocId::Ticket(ticket(2))).unwrap(), [], "that one can be read");
    let places = turn.set_aside(doc()).unwrap();
    assert_eq!(places.last(), Some(&Seq(COUNT)));
    let first = places[0];
    assert!(first > Seq(1), "what stands before it stays");
    for seq in &places {
        turn.put_lost(doc(), *seq, UnixMillis(seq.0 * 10)).unwrap();
    }
    turn.commit().unwrap();

    let mut turn = store.begin_turn().unwrap();
    assert_eq!(turn.set_aside(doc()).unwrap(), [], "it is done once");
    let before: Vec<Record> = records().into_iter().filter(|record| record.seq < first).collect();
    assert_eq!(ServerStore::doc_records(&turn, doc()).unwrap(), before);
    assert_eq!(ServerStore::lost_at(&turn, doc(), first).unwrap(), Some(UnixMillis(first.0 * 10)));
    assert_eq!(ServerStore::lost_at(&turn, doc(), Seq(1)).unwrap(), None);
    assert!(ServerStore::is_lost(&turn, doc()).unwrap());
    assert_eq!(ServerStore::mending(&turn).unwrap(), [(doc(), None)].into());
    let log = ServerStore::log_after(&turn, Audience::Customer(user(1)), Seq::ZERO, 100).unwrap();
    let lost: Vec<Seq> = log.iter().filter(|it| it.kind == EntryKind::Lost).map(|it| it.seq).collect();
    assert_eq!((lost, log.len() as u64), (places, COUNT));
    // The log goes on, and a store with something set aside is whole as far as it can be.
    ServerStore::append(&mut turn, &record(COUNT + 2, DocId::Ticket(ticket(2)), "on"), &[]).unwrap();
    turn.commit().unwrap();
    store.read().unwrap().verify().unwrap();
}

#[test]
fn what_comes_back_stands_where_it_stood() {
    let store = damaged_store(0);
    let mut turn = store.begin_turn().unwrap();
    let places = turn.set_aside(doc()).unwrap();
    assert_eq!(places.len() as u64, COUNT);
    for seq in places {
        turn.put_lost(doc(), seq, UnixMillis(1)).unwrap();
    }
    turn.commit().unwrap();
    let verdict = |seq: u64| store.read().unwrap().verdict(&change_hash_of(doc(), &text(seq))).unwrap();
    assert!(matches!(verdict(3), Some(StoredVerdict::Admitted(it)) if it.kind == EntryKind::Lost));

    let mut turn = store.begin_turn().unwrap();
    for record in records() {
        turn.put_back(&record).unwrap();
    }
    assert!(turn.put_back(&records()[0]).is_err(), "nothing is lost there any more");
    assert!(!ServerStore::is_lost(&turn, doc()).unwrap());
    let whole_at = turn.append_whole(doc(), &[user(1)]).unwrap();
    turn.commit().unwrap();

    let reader = store.read().unwrap();
    assert_eq!(reader.server_doc_records(doc()).unwrap(), records());
    assert!(matches!(verdict(3), Some(StoredVerdict::Admitted(it)) if it.seq == Seq(3)));
    for entry in reader.log_after(Audience::Customer(user(1)), Seq::ZERO, 100).unwrap() {
        match entry.kind {
            EntryKind::Whole => assert_eq!(entry.seq, whole_at),
            _ => assert_eq!(reader.record(&entry).unwrap(), record(entry.seq.0, doc(), &text(entry.seq.0))),
        }
    }
    assert_eq!(reader.mending().unwrap(), [(doc(), Some(whole_at))].into());
    reader.verify().unwrap();
    drop(reader);
    // What was set aside is gone: the document has as many packs as before.
    let turn = store.begin_turn().unwrap();
    assert_eq!(crate::store::lost::packs_aside(&turn).unwrap(), [].into());
}
