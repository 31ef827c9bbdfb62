//! Backups of real folders, without a server that runs. What servers do with them is in `tests/it/backup.rs`.

use std::fs;
use std::os::unix::fs::FileExt as _;

use assist_crdt_model::{DocId, ProjectName};
use assist_proto::store::{EntryKind, LogEntry, Seq, ServerStore};

use super::*;
use crate::daemon::init_server;
use crate::store::ServerReads;
use crate::store::tests::samples::{record, ticket};

const OPTIONS: BackupOptions = BackupOptions { has_keys: true, is_last: false, keep: None };

/// A server that was initialised, and a folder for its backups.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Self { folder };
        init_server(&place.home(), &ProjectName::parse("anvil").unwrap()).unwrap();
        place.blob(b"a screenshot");
        place
    }

    fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    fn backups(&self) -> PathBuf {
        self.folder.path().join("backups")
    }

    fn blob(&self, bytes: &[u8]) {
        let blobs = BlobFolder::open(&self.home().join(home::BLOBS)).unwrap();
        let mut intake = blobs.take_in(1_000).unwrap();
        intake.write(bytes).unwrap();
        intake.finish().unwrap();
    }

    /// Makes one at a second of its own.
    fn make(&self, second: u64, options: BackupOptions) -> Result<Made, BackupError> {
        let store = open_store(&self.home())?;
        let made = make(&self.home(), &store, &self.backups(), options, UnixMillis(second * 1_000));
        store.close();
        made
    }
}

fn log_of(home: &Path) -> [u8; 16] {
    let store = open_store(home).unwrap();
    let project = ServerReads::project(&store.read().unwrap()).unwrap().unwrap();
    store.close();
    project.log
}

#[test]
fn second_backup_writes_only_what_is_new_and_old_ones_go() {
    let place = Place::new();
    let first = place.make(1, OPTIONS).unwrap();
    assert_eq!((first.blobs, first.new_blobs), (1, 1));
    place.blob(b"another");
    let second = place.make(2, OPTIONS).unwrap();
    assert_eq!((second.blobs, second.new_blobs), (2, 1));
    let blobs = BlobFolder::open(&place.home().join(home::BLOBS)).unwrap();
    for blob in blobs.whole().unwrap() {
        blobs.remove(blob).unwrap();
    }
    let third = place.make(3, BackupOptions { keep: Some(1), ..OPTIONS }).unwrap();
    assert_eq!((third.blobs, third.removed), (0, 2));
    assert_eq!(generations(&place.backups()).unwrap(), [third.generation]);
    let kept = BlobFolder::open(&place.backups().join(home::BLOBS)).unwrap();
    assert_eq!(kept.whole().unwrap(), [], "nothing names them any more");
}

#[test]
fn restored_server_has_another_log_and_a_moved_one_has_the_same() {
    let place = Place::new();
    for (second, is_last) in [(1, false), (2, true)] {
        let made = place.make(second, BackupOptions { is_last, ..OPTIONS }).unwrap();
        let to = place.folder.path().join(format!("restored-{second}"));
        let restored = restore(&made.generation, &to).unwrap();
        assert_eq!(restored.is_moved, is_last);
        assert_eq!(log_of(&to) == log_of(&place.home()), is_last);
        assert!(!to.join("clean").exists(), "the next start takes nothing for granted");
        let blobs = BlobFolder::open(&to.join(home::BLOBS)).unwrap();
        assert_eq!(blobs.whole().unwrap().len(), 1);
        let store = open_store(&to).unwrap();
        assert_eq!(check(&to, &store.read().unwrap()).unwrap().problems, []);
        store.close();
        assert!(matches!(restore(&made.generation, &to), Err(BackupError::InTheWay(_))));
    }
}

#[test]
fn without_its_keys_a_backup_is_restored_where_they_are() {
    let place = Place::new();
    let made = place.make(1, BackupOptions { has_keys: false, ..OPTIONS }).unwrap();
    for file in [home::DEVICE_KEY, home::NODE_KEY, home::ROOT_KEY] {
        assert!(!made.generation.join(file).exists(), "{file}");
    }
    let to = place.folder.path().join("restored");
    assert!(matches!(restore(&place.backups(), &to), Err(BackupError::NoKeys(_))));
    for file in [home::DEVICE_KEY, home::NODE_KEY] {
        copy_file(&place.home().join(file), &to.join(file)).unwrap();
    }
    restore(&place.backups(), &to).unwrap();
}

#[test]
fn keys_of_somebody_else_are_never_overwritten() {
    let place = Place::new();
    place.make(1, OPTIONS).unwrap();
    let to = place.folder.path().join("other");
    DeviceKey::create(&to.join(home::DEVICE_KEY)).unwrap();
    let before = fs::read(to.join(home::DEVICE_KEY)).unwrap();
    assert!(matches!(restore(&place.backups(), &to), Err(BackupError::InTheWay(_))));
    assert_eq!(fs::read(to.join(home::DEVICE_KEY)).unwrap(), before);
}

#[test]
fn a_flipped_byte_anywhere_is_found_and_named() {
    let place = Place::new();
    let made = place.make(1, OPTIONS).unwrap();
    let blobs = place.backups().join(home::BLOBS);
    let blob = BlobFolder::open(&blobs).unwrap().whole().unwrap()[0].to_string();
    for path in [
        made.generation.join(home::STORE),
        made.generation.join(home::NODE_KEY),
        blobs.join(&blob[..2]).join(&blob),
    ] {
        let file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
        let mut byte = [0];
        file.read_exact_at(&mut byte, 7).unwrap();
        file.write_all_at(&[byte[0] ^ 1], 7).unwrap();
        let to = place.folder.path().join("never");
        let refused = restore(&place.backups(), &to).err().map(|error| error.to_string());
        let found = check_backup(&place.backups());
        let found = found.map(|checked| checked.problems.len()).map_err(|error| error.to_string());
        assert!(refused.is_some() && found != Ok(0), "{path:?}: {refused:?} {found:?}");
        assert!(!to.join(home::STORE).exists(), "nothing serves from half a restore");
        file.write_all_at(&byte, 7).unwrap();
        fs::remove_dir_all(&to).ok();
    }
    assert_eq!(check_backup(&place.backups()).unwrap().problems, []);
}

#[test]
fn places_of_the_log_that_lead_elsewhere_are_found() {
    let place = Place::new();
    let store = open_store(&place.home()).unwrap();
    let doc = DocId::Ticket(ticket(1));
    let mut turn = store.begin_turn().unwrap();
    let first = ServerStore::head(&turn).unwrap();
    let seqs = [1, 2].map(|behind| Seq(first.0 + behind));
    seqs.iter().for_each(|seq| turn.append(&record(seq.0, doc, "It hums"), &[]).unwrap());
    turn.commit().unwrap();
    let disagree = || {
        let found = check(&place.home(), &store.read().unwrap()).unwrap().problems;
        found.iter().filter(|problem| problem.what.contains("the log and its records disagree")).count()
    };
    assert_eq!(disagree(), 0);
    for indices in [[1, 0], [0, 0], [0, 2]] {
        let mut turn = store.begin_turn().unwrap();
        for (seq, index) in seqs.into_iter().zip(indices) {
            turn.put_place(LogEntry { seq, doc, kind: EntryKind::Record { index } }).unwrap();
        }
        turn.commit().unwrap();
        assert_eq!(disagree(), 1, "{indices:?}");
    }
    store.close();
}

#[test]
fn half_a_backup_is_none_and_does_not_stay() {
    let place = Place::new();
    let made = place.make(1, OPTIONS).unwrap();
    let half = place.backups().join(format!("19700101T000002Z{UNFINISHED}"));
    fs::create_dir(&half).unwrap();
    fs::write(half.join(home::STORE), "half").unwrap();
    assert_eq!(generations(&place.backups()).unwrap(), [made.generation]);
    place.make(3, OPTIONS).unwrap();
    assert!(!half.exists());
}

#[test]
fn backup_within_what_is_backed_up_is_refused() {
    let place = Place::new();
    let store = open_store(&place.home()).unwrap();
    let inside = place.home().join("backups");
    let refused = make(&place.home(), &store, &inside, OPTIONS, UnixMillis(1_000));
    assert!(matches!(refused, Err(BackupError::Inside(_))), "{refused:?}");
    store.close();
}

#[test]
fn two_backups_within_a_second_are_two_generations() {
    let place = Place::new();
    let made = [(); 2].map(|()| place.make(7, OPTIONS).unwrap().generation);
    assert_eq!(generations(&place.backups()).unwrap(), made, "the later one is the newer one");
}
