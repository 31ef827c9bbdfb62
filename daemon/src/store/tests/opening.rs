//! Opening: what is refused stays as it was, what is made is made whole, old formats are brought up to date.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use assist_crdt_model::DocId;
use assist_proto::store::{Audience, DeviceStore as _, Seq, ServerStore as _, StoreError};
use redb::{ReadableDatabase as _, TableDefinition};

use super::disk::Disk;
use super::faults::{crashed_while_it_moved, open, steps_in};
use super::samples::{key, outbox_entry, project, record, row, ticket, user};
use crate::store::open::{FORMAT_VERSION, MIGRATIONS, Migration, check, migrate};
use crate::store::seal::Seal;
use crate::store::tables::{FORMAT, FORMAT_KEY, Table};
use crate::store::{
    DeviceReads as _, OpenStoreError, Reader, ServerReads as _, Store, StoreKey, StoreOptions,
};

/// What the fixture of format 2 holds.
const STEPS_OF_FIXTURE: u64 = 11;

struct Home {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Home {
    fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        Self { _folder: folder, path }
    }

    fn with_store() -> Self {
        let home = Self::empty();
        fill(&home.open().unwrap());
        home
    }

    fn open(&self) -> Result<Store, OpenStoreError> {
        Store::open(&self.path, &key(), StoreOptions::default())
    }

    /// Opens, expects a refusal, and that not one byte of the file is another.
    fn refusal(&self) -> OpenStoreError {
        let before = fs::read(&self.path).unwrap();
        let error = self.open().unwrap_err();
        assert!(fs::read(&self.path).unwrap() == before, "the refused file was changed: {error}");
        error
    }

    fn write(&self, bytes: &[u8]) {
        fs::write(&self.path, bytes).unwrap();
        fs::set_permissions(&self.path, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

/// Something of both roles.
fn fill(store: &Store) {
    let mut turn = store.begin_turn().unwrap();
    let doc = DocId::Ticket(ticket(1));
    turn.put_member_of(ticket(1), user(1)).unwrap();
    turn.append(&record(1, doc, "Gr\u{f6}\u{df}e: \u{6570} \u{416} \u{639}"), &[user(1)]).unwrap();
    turn.put_ticket(&row(1)).unwrap();
    turn.append_record(&project(1), &record(1, doc, "Gr\u{f6}\u{df}e: \u{6570} \u{416} \u{639}")).unwrap();
    turn.put_row(&project(1), &row(1)).unwrap();
    turn.push_outbox(&project(1), &outbox_entry(doc, "to be sent")).unwrap();
    turn.put_unverified(&project(1), DocId::Notes(ticket(1)), b"records").unwrap();
    turn.commit().unwrap();
}

fn check_filled(reader: &Reader) {
    let doc = DocId::Ticket(ticket(1));
    assert_eq!(reader.head().unwrap(), Seq(1));
    assert_eq!(
        reader.server_doc_records(doc).unwrap(),
        vec![record(1, doc, "Gr\u{f6}\u{df}e: \u{6570} \u{416} \u{639}")]
    );
    assert_eq!(reader.tickets_by_activity(Audience::Customer(user(1)), Seq::MAX, 9).unwrap(), vec![row(1)]);
    assert_eq!(
        reader.doc_records(&project(1), doc).unwrap(),
        vec![record(1, doc, "Gr\u{f6}\u{df}e: \u{6570} \u{416} \u{639}")]
    );
    assert_eq!(reader.row(&project(1), ticket(1)).unwrap(), Some(row(1)));
    assert_eq!(reader.outbox(&project(1), 0, 9).unwrap(), vec![(0, outbox_entry(doc, "to be sent"))]);
    assert_eq!(reader.unverified(&project(1), DocId::Notes(ticket(1))).unwrap(), Some(b"records".to_vec()));
    reader.verify().unwrap();
}

fn set_format(path: &Path, version: u32) {
    let database = redb::Database::open(path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(FORMAT).unwrap().insert(FORMAT_KEY, version.to_be_bytes().as_slice()).unwrap();
    transaction.commit().unwrap();
}

#[test]
fn new_store_is_for_its_owner_only_and_nothing_else_is_left() {
    let home = Home::empty();
    fs::write(home.path.with_extension("unfinished"), b"of a crash while the store was made").unwrap();
    drop(home.open().unwrap());
    for name in ["store", "store.journal"] {
        let metadata = fs::metadata(home.path.with_file_name(name)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{name}");
    }
    assert_eq!(fs::read_dir(home.path.parent().unwrap()).unwrap().count(), 2);
}

#[test]
fn newer_format_is_refused() {
    let home = Home::with_store();
    set_format(&home.path, FORMAT_VERSION + 1);
    let error = home.refusal();
    assert!(
        matches!(error, OpenStoreError::Newer { found, supported, .. }
            if (found, supported) == (FORMAT_VERSION + 1, FORMAT_VERSION)),
        "{error:?}"
    );
    set_format(&home.path, FORMAT_VERSION);
    check_filled(&home.open().unwrap().read().unwrap());
}

#[test]
fn file_that_is_no_store_is_refused() {
    let home = Home::empty();
    for bytes in [b"".as_slice(), b"re", b"Dear diary, today I have written a file of my own.", &[0; 10_000]]
    {
        home.write(bytes);
        assert!(matches!(home.refusal(), OpenStoreError::NotAStore { .. }));
    }
}

#[test]
fn database_of_another_program_is_refused() {
    let home = Home::empty();
    let database = redb::Database::create(&home.path).unwrap();
    let transaction = database.begin_write().unwrap();
    let table: TableDefinition<'_, u64, u64> = TableDefinition::new("theirs");
    transaction.open_table(table).unwrap().insert(1, 1).unwrap();
    transaction.commit().unwrap();
    drop(database);
    fs::set_permissions(&home.path, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(home.refusal(), OpenStoreError::NotAStore { .. }));
}

#[test]
fn truncated_store_is_refused() {
    let home = Home::with_store();
    let whole = fs::read(&home.path).unwrap();
    for size in [0, 9, 100, 4096, whole.len() / 2, whole.len() - 1] {
        home.write(&whole[..size]);
        let error = home.refusal();
        assert!(
            matches!(error, OpenStoreError::NotAStore { .. } | OpenStoreError::Damaged { .. }),
            "{size}: {error:?}"
        );
    }
    home.write(&whole);
    check_filled(&home.open().unwrap().read().unwrap());
}

#[test]
fn file_that_others_may_read_is_refused() {
    let home = Home::with_store();
    fs::set_permissions(&home.path, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(home.refusal(), OpenStoreError::Permissions { mode: 0o640, .. }));
}

#[test]
fn store_in_use_is_refused() {
    let home = Home::with_store();
    let store = home.open().unwrap();
    assert!(matches!(home.open().unwrap_err(), OpenStoreError::AlreadyOpen { .. }));
    check_filled(&store.read().unwrap());
    store.close();
    assert!(store.begin_turn().is_err());
    check_filled(&home.open().unwrap().read().unwrap());
}

#[test]
fn other_key_is_refused() {
    let home = Home::with_store();
    let other = Store::open(&home.path, &StoreKey::from_bytes([8; 32]), StoreOptions::default());
    assert!(matches!(other.unwrap_err(), OpenStoreError::WrongKey { .. }));
    check_filled(&home.open().unwrap().read().unwrap());
}

#[test]
fn what_a_person_wrote_is_nowhere_in_the_file() {
    let home = Home::with_store();
    let bytes = fs::read(&home.path).unwrap();
    let holds = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
    let journal = fs::read(home.path.with_file_name("store.journal")).unwrap();
    assert!(!journal.windows(10).any(|window| window == b"to be sent"));
    for text in ["Gr\u{f6}\u{df}e", "to be sent", "does not start", "network"] {
        assert!(!holds(text.as_bytes()), "{text}");
    }
    assert!(holds(ticket(1).as_bytes()), "ids stand in keys as they are");
}

#[test]
fn store_of_format_1_is_read() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/v1/store.zst");
    let home = Home::empty();
    home.write(&zstd::bulk::decompress(&fs::read(fixture).unwrap(), 16 * 1024 * 1024).unwrap());
    check_filled(&home.open().unwrap().read().unwrap());
    let kept = home.path.with_file_name("store.format-1");
    let database = redb::Database::open(&kept).unwrap();
    assert_eq!(check(&kept, &database, &Seal::new(&key()), MIGRATIONS).unwrap(), 1);
    check_filled(&home.open().unwrap().read().unwrap());
}

/// A fixture is written once, when a format is released: run with `WRITE_FIXTURE=1` then, never again.
#[test]
fn store_of_format_2_is_read_with_both_halves_of_its_journal() {
    let fixture = |name| Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/v2").join(name);
    let names = ["store.zst", "journal.zst"].map(fixture);
    if std::env::var_os("WRITE_FIXTURE").is_some() {
        for (path, bytes) in names.iter().zip(crashed_while_it_moved().files) {
            fs::write(path, zstd::bulk::compress(&bytes, 19).unwrap()).unwrap();
        }
    }
    let files = names.map(|path| zstd::bulk::decompress(&fs::read(path).unwrap(), 16 * 1024 * 1024).unwrap());
    let store = open(&Disk::holding(files));
    assert_eq!(steps_in(&store), STEPS_OF_FIXTURE);
}

#[test]
fn lost_table_is_damage_and_one_that_came_later_is_made() {
    let home = Home::with_store();
    let without = |table: Table| {
        let database = redb::Database::open(&home.path).unwrap();
        let transaction = database.begin_write().unwrap();
        assert!(transaction.delete_table(table.definition()).unwrap());
        transaction.commit().unwrap();
    };
    without(Table::Aways);
    check_filled(&home.open().unwrap().read().unwrap());
    without(Table::Tickets);
    let error = home.open().unwrap_err();
    assert!(matches!(&error, OpenStoreError::Damaged { what, .. } if what.contains("ticket")), "{error:?}");
}

#[test]
fn migrations_run_once_in_order_and_raise_the_format() {
    fn note(transaction: &redb::WriteTransaction, text: u64) -> Result<(), redb::Error> {
        let notes: TableDefinition<'_, u64, u64> = TableDefinition::new("notes of the test");
        let mut notes = transaction.open_table(notes)?;
        let place = redb::ReadableTableMetadata::len(&notes)?;
        notes.insert(place, text)?;
        Ok(())
    }
    const STEPS: &[Migration] = &[
        Migration { to: FORMAT_VERSION + 1, run: |transaction, _| note(transaction, 2) },
        Migration { to: FORMAT_VERSION + 2, run: |transaction, _| note(transaction, 3) },
    ];
    let home = Home::with_store();
    let database = redb::Database::open(&home.path).unwrap();
    let seal = Seal::new(&key());
    for steps in [&STEPS[..1], STEPS, STEPS] {
        let found = check(&home.path, &database, &seal, steps).unwrap();
        migrate(&database, &seal, found, steps).unwrap();
    }
    let notes: TableDefinition<'_, u64, u64> = TableDefinition::new("notes of the test");
    let transaction = database.begin_read().unwrap();
    let notes = transaction.open_table(notes).unwrap();
    let notes: Vec<u64> =
        redb::ReadableTable::iter(&notes).unwrap().map(|entry| entry.unwrap().1.value()).collect();
    assert_eq!(notes, vec![2, 3]);
    let error = check(&home.path, &database, &seal, &STEPS[..1]).unwrap_err();
    let OpenStoreError::Newer { found, supported, .. } = error else { panic!("{error:?}") };
    assert_eq!((found, supported), (FORMAT_VERSION + 2, FORMAT_VERSION + 1));
}

#[test]
fn store_is_copied_before_it_is_brought_up_to_date_and_the_copy_is_what_the_version_before_left() {
    const STEPS: &[Migration] = &[Migration {
        to: FORMAT_VERSION + 1,
        run: |transaction, _| {
            assert!(transaction.delete_table(Table::Tickets.definition())?);
            Ok(())
        },
    }];
    let home = Home::with_store();
    let kept = home.path.with_file_name(format!("store.format-{FORMAT_VERSION}"));
    drop(home.open().unwrap());
    assert!(!kept.exists(), "nothing is brought up to date");
    let open = || Store::open_with(&home.path, &key(), StoreOptions::default(), STEPS);
    // It goes wrong, and is tried again.
    assert!(matches!(open(), Err(OpenStoreError::Damaged { .. })));
    assert!(matches!(home.open(), Err(OpenStoreError::Newer { .. })));
    assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    let names = fs::read_dir(kept.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(names.filter(|name| name.to_str().unwrap().contains("unfinished")).count(), 0);
    // As an operator goes back: the copies in the place of the files.
    fs::rename(&kept, &home.path).unwrap();
    let journal = home.path.with_file_name("store.journal");
    fs::rename(kept.with_file_name(format!("store.format-{FORMAT_VERSION}.journal")), journal).unwrap();
    check_filled(&home.open().unwrap().read().unwrap());
}

#[test]
fn failed_migration_leaves_the_old_format() {
    let home = Home::with_store();
    let failing: &[Migration] = &[Migration {
        to: FORMAT_VERSION + 1,
        run: |_, _| Err(redb::Error::Io(std::io::ErrorKind::StorageFull.into())),
    }];
    let database = redb::Database::open(&home.path).unwrap();
    let error = migrate(&database, &Seal::new(&key()), FORMAT_VERSION, failing).unwrap_err();
    assert!(matches!(error, StoreError::Full(_)), "{error:?}");
    drop(database);
    check_filled(&home.open().unwrap().read().unwrap());
}
