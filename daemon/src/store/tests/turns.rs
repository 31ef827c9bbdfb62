//! Turns: what they see, what they leave behind.

use assist_crdt_model::{DocId, Role, UnixMillis};
use assist_proto::store::{Audience, DeviceStore, EntryKind, LogEntry, Seq, ServerStore, User};

use super::disk::Disk;
use super::samples::{self, change_hash_of, memory_store, outbox_entry, project, record, row, ticket, user};
use crate::store::packs::PACK_BYTES;
use crate::store::tables::{Scope, Table, key};
use crate::store::view::View as _;
use crate::store::{Contents, DeviceReads as _, Reader, ServerReads as _, Store, StoreOptions, Turn};

#[test]
fn committed_turn_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let doc = DocId::Ticket(ticket(1));
    {
        let store = Store::open(&path, &samples::key(), StoreOptions::default()).unwrap();
        let mut turn = store.begin_turn().unwrap();
        ServerStore::append(&mut turn, &record(1, doc, "first"), &[user(1)]).unwrap();
        DeviceStore::put_row(&mut turn, &project(1), &row(1)).unwrap();
        turn.commit().unwrap();
    }
    let store = Store::open(&path, &samples::key(), StoreOptions::default()).unwrap();
    let reader = store.read().unwrap();
    assert_eq!(reader.head().unwrap(), Seq(1));
    assert_eq!(reader.server_doc_records(doc).unwrap(), vec![record(1, doc, "first")]);
    assert_eq!(reader.row(&project(1), ticket(1)).unwrap(), Some(row(1)));
}

#[test]
fn dropped_turn_leaves_nothing() {
    let store = memory_store();
    let mut turn = store.begin_turn().unwrap();
    DeviceStore::put_row(&mut turn, &project(1), &row(1)).unwrap();
    drop(turn);
    assert_eq!(store.read().unwrap().row(&project(1), ticket(1)).unwrap(), None);
    assert!(store.begin_turn().is_ok());
}

#[test]
fn turn_sees_its_writes_and_readers_do_not_until_the_commit() {
    let store = memory_store();
    let mut turn = store.begin_turn().unwrap();
    DeviceStore::push_outbox(&mut turn, &project(1), &outbox_entry(DocId::Ticket(ticket(1)), "a")).unwrap();
    assert_eq!(DeviceStore::outbox_count(&turn, &project(1)).unwrap(), 1);
    let before = store.read().unwrap();
    turn.commit().unwrap();
    assert_eq!(before.outbox_count(&project(1)).unwrap(), 0);
    assert_eq!(store.read().unwrap().outbox_count(&project(1)).unwrap(), 1);
}

#[test]
fn records_of_many_packs_keep_their_order_and_are_found_by_index() {
    let store = memory_store();
    let doc = DocId::Ticket(ticket(1));
    let text = |seq: u64| format!("{seq} {}", "word ".repeat(PACK_BYTES / 40));
    let mut seq = 0;
    for records_in_turn in [1, 3, 40, 1] {
        let mut turn = store.begin_turn().unwrap();
        for _ in 0..records_in_turn {
            seq += 1;
            ServerStore::append(&mut turn, &record(seq, doc, &text(seq)), &[]).unwrap();
        }
        let expected: Vec<_> = (1..=seq).map(|seq| record(seq, doc, &text(seq))).collect();
        assert_eq!(ServerStore::doc_records(&turn, doc).unwrap(), expected);
        turn.commit().unwrap();
        assert_eq!(store.read().unwrap().server_doc_records(doc).unwrap(), expected);
    }
    let reader = store.read().unwrap();
    for seq in 1..=45 {
        let index = u32::try_from(seq).unwrap() - 1;
        let entry = LogEntry { seq: Seq(seq), doc, kind: EntryKind::Record { index } };
        assert_eq!(reader.record(&entry).unwrap(), record(seq, doc, &text(seq)));
    }
}

#[test]
fn pack_that_many_turns_added_to_is_deflated_as_one_once_it_is_in_the_engine() {
    let store = memory_store();
    let docs = [DocId::Ticket(ticket(1)), DocId::Ticket(ticket(2))];
    let text = |seq: u64| format!("It hums since noon, {}", seq % 20);
    for seq in 1..=20 {
        let mut turn = store.begin_turn().unwrap();
        ServerStore::append(&mut turn, &record(seq, docs[0], &text(seq)), &[]).unwrap();
        turn.commit().unwrap();
    }
    let mut turn = store.begin_turn().unwrap();
    for seq in 21..=40 {
        ServerStore::append(&mut turn, &record(seq, docs[1], &text(seq)), &[]).unwrap();
    }
    turn.commit().unwrap();
    let sizes = || {
        let reader = store.read().unwrap();
        [0_u32, 1].map(|pack| reader.get(Table::Packs, &key!(Scope::SERVER, pack)).unwrap().unwrap().len())
    };
    let [by_many_before, by_one_before] = sizes();
    store.begin_turn().unwrap().checkpoint().unwrap();
    let [by_many, by_one] = sizes();
    assert!(by_many.abs_diff(by_one) < by_one / 16, "{by_many} bytes should be about {by_one}");
    assert!(by_many_before > by_many + by_many / 4, "{by_many_before} bytes before, {by_many} after");
    assert!(by_one_before > by_one, "{by_one_before} bytes before, {by_one} after");
    for (doc, seqs) in docs.into_iter().zip([1..=20, 21..=40]) {
        let expected: Vec<_> = seqs.map(|seq| record(seq, doc, &text(seq))).collect();
        assert_eq!(store.read().unwrap().server_doc_records(doc).unwrap(), expected);
    }
}

#[test]
fn roster_that_turns_remember_is_that_of_the_store() {
    let store = memory_store();
    let user = |name: &str| User {
        user: user(1),
        name: name.into(),
        email: None,
        role: Role::Customer,
        joined_at: UnixMillis(1),
        removed_at_millis: None,
    };
    let name = |turn: &Turn| ServerStore::user(turn, user("").user).unwrap().map(|user| user.name);
    let mut turn = store.begin_turn().unwrap();
    assert_eq!(name(&turn), None);
    ServerStore::put_user(&mut turn, &user("Carla")).unwrap();
    assert_eq!(name(&turn).as_deref(), Some("Carla"));
    drop(turn);
    let mut turn = store.begin_turn().unwrap();
    assert_eq!(name(&turn), None, "that turn never happened");
    ServerStore::put_user(&mut turn, &user("Carla")).unwrap();
    turn.commit().unwrap();
    let mut turn = store.begin_turn().unwrap();
    assert_eq!(name(&turn).as_deref(), Some("Carla"));
    ServerStore::put_user(&mut turn, &user("Clara")).unwrap();
    assert_eq!(name(&turn).as_deref(), Some("Clara"));
    drop(turn);
    let mut turn = store.begin_turn().unwrap();
    assert_eq!(name(&turn).as_deref(), Some("Carla"), "nor did that one");
    ServerStore::put_user(&mut turn, &user("Clara")).unwrap();
    turn.commit().unwrap();
    assert_eq!(name(&store.begin_turn().unwrap()).as_deref(), Some("Clara"));
}

#[test]
fn admission_is_remembered_by_the_hash_of_the_change() {
    let store = memory_store();
    let doc = DocId::Ticket(ticket(1));
    let mut turn = store.begin_turn().unwrap();
    ServerStore::append(&mut turn, &record(1, doc, "first"), &[]).unwrap();
    let hash = change_hash_of(doc, "first");
    assert!(ServerStore::verdict(&turn, &hash).unwrap().is_some());
}

#[test]
fn removed_project_leaves_nothing_and_others_stay() {
    let store = memory_store();
    let mut turn = store.begin_turn().unwrap();
    for number in [1, 2] {
        DeviceStore::put_row(&mut turn, &project(number), &row(1)).unwrap();
        let doc = DocId::Ticket(ticket(1));
        DeviceStore::append_record(&mut turn, &project(number), &record(1, doc, "first")).unwrap();
    }
    turn.commit().unwrap();
    let mut turn = store.begin_turn().unwrap();
    DeviceStore::append_record(&mut turn, &project(1), &record(2, DocId::Ticket(ticket(1)), "second"))
        .unwrap();
    DeviceStore::remove_project(&mut turn, &project(1)).unwrap();
    assert_eq!(DeviceStore::row(&turn, &project(1), ticket(1)).unwrap(), None);
    turn.commit().unwrap();
    let reader = store.read().unwrap();
    let doc = DocId::Ticket(ticket(1));
    assert_eq!(reader.doc_records(&project(1), doc).unwrap(), vec![]);
    assert_eq!(reader.doc_records(&project(2), doc).unwrap().len(), 1);
    assert_eq!(reader.row(&project(2), ticket(1)).unwrap(), Some(row(1)));
}

#[test]
fn contents_are_counted_as_they_come_and_go() {
    let store = memory_store();
    let docs = [DocId::Ticket(ticket(1)), DocId::Ticket(ticket(2))];
    let mut turn = store.begin_turn().unwrap();
    DeviceStore::put_row(&mut turn, &project(1), &row(1)).unwrap();
    for doc in docs {
        // Twice: a document may come in parts.
        DeviceStore::put_unverified(&mut turn, &project(1), doc, b"records").unwrap();
        DeviceStore::put_unverified(&mut turn, &project(1), doc, b"more records").unwrap();
    }
    turn.commit().unwrap();
    let mut turn = store.begin_turn().unwrap();
    DeviceStore::remove_unverified(&mut turn, &project(1), docs[0]).unwrap();
    DeviceStore::remove_unverified(&mut turn, &project(1), docs[0]).unwrap();
    DeviceStore::append_record(&mut turn, &project(1), &record(1, docs[0], "first")).unwrap();
    DeviceStore::append_record(&mut turn, &project(1), &record(2, docs[0], "second")).unwrap();
    turn.commit().unwrap();
    let reader = store.read().unwrap();
    assert_eq!(
        reader.contents(&project(1)).unwrap(),
        Contents { rows: 1, verified: 1, unverified: 1, quarantined: 0 }
    );
    assert!(!reader.is_unverified(&project(1), docs[0]).unwrap());
    assert!(reader.is_unverified(&project(1), docs[1]).unwrap());
    assert_eq!(reader.contents(&project(2)).unwrap(), Contents::default());
}

#[test]
fn readers_see_the_same_whether_a_turn_is_in_the_journal_or_in_the_engine() {
    let store = memory_store();
    let doc = DocId::Ticket(ticket(1));
    let answers = |reader: &Reader| {
        (
            reader.server_doc_records(doc).unwrap(),
            reader.log_after(Audience::Team, Seq::ZERO, 99).unwrap(),
            reader.outbox(&project(1), 0, 99).unwrap(),
            reader.contents(&project(1)).unwrap(),
        )
    };
    for seq in 1..=9 {
        let mut turn = store.begin_turn().unwrap();
        ServerStore::append(&mut turn, &record(seq, doc, "text"), &[user(1)]).unwrap();
        DeviceStore::push_outbox(&mut turn, &project(1), &outbox_entry(doc, &format!("own {seq}"))).unwrap();
        if seq > 3 {
            DeviceStore::remove_outbox(&mut turn, &project(1), seq - 4).unwrap();
        }
        turn.commit().unwrap();
        if seq == 5 {
            store.checkpoint().unwrap();
        }
    }
    let old = store.read().unwrap();
    let journaled = answers(&old);
    assert_eq!(journaled.0.len(), 9);
    store.checkpoint().unwrap();
    assert_eq!(answers(&store.read().unwrap()), journaled);
    assert_eq!(answers(&old), journaled, "a snapshot stays as it is");
}

#[test]
fn project_that_was_removed_stays_removed_over_an_older_state_of_the_engine() {
    let store = memory_store();
    let mut turn = store.begin_turn().unwrap();
    DeviceStore::put_row(&mut turn, &project(1), &row(1)).unwrap();
    turn.commit().unwrap();
    store.checkpoint().unwrap();
    let mut turn = store.begin_turn().unwrap();
    DeviceStore::put_row(&mut turn, &project(1), &row(2)).unwrap();
    turn.commit().unwrap();
    let mut turn = store.begin_turn().unwrap();
    DeviceStore::remove_project(&mut turn, &project(1)).unwrap();
    turn.commit().unwrap();
    for _ in 0..2 {
        let reader = store.read().unwrap();
        assert_eq!(reader.row(&project(1), ticket(1)).unwrap(), None);
        assert_eq!(reader.row(&project(1), ticket(2)).unwrap(), None);
        store.checkpoint().unwrap();
    }
}

#[test]
fn lazy_turn_is_seen_at_once_and_durable_with_the_next_that_is() {
    let disk = Disk::default();
    let open = |disk: &Disk| {
        let file = disk.store();
        Store::open_on(move || file.clone(), disk.journal(), &samples::key(), StoreOptions::default())
            .unwrap()
    };
    let has = |store: &Store, number| {
        store.read().unwrap().row(&project(1), ticket(number)).unwrap() == Some(row(number))
    };
    let store = open(&disk);
    let mut turn = store.begin_turn().unwrap();
    DeviceStore::put_row(&mut turn, &project(1), &row(1)).unwrap();
    turn.commit_lazily().unwrap();
    assert!(has(&store, 1));
    assert!(!has(&open(&Disk::holding(disk.files())), 1), "nobody paid for it yet");
    let mut turn = store.begin_turn().unwrap();
    DeviceStore::put_row(&mut turn, &project(1), &row(2)).unwrap();
    turn.commit().unwrap();
    let after = open(&Disk::holding(disk.files()));
    assert!(has(&after, 1) && has(&after, 2));
    let mut turn = store.begin_turn().unwrap();
    DeviceStore::put_row(&mut turn, &project(1), &row(3)).unwrap();
    turn.commit_lazily().unwrap();
    drop(store);
    assert!(has(&open(&disk), 3), "a clean end leaves nothing behind");
}
