//! Bad days: loss of power, flipped bits, a full disk, a broken disk.

use std::io::ErrorKind;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::{Duration, Instant};

use assist_crdt_model::DocId;
use assist_proto::store::{
    Audience, DeviceStore, EntryKind, LogEntry, Seq, ServerStore, StoreError, StoreResult,
};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};

use super::disk::{Disk, Event, Files, crash};
use super::samples::{change_hash_of, key, outbox_entry, project, record, row, ticket, user};
use crate::store::journal::JOURNAL_BYTES;
use crate::store::{
    DeviceReads as _, OpenStoreError, Reader, RowFilter, RowOrder, RowWindow, ServerReads as _, Store,
    StoreOptions, WindowStart,
};

pub(super) fn open(disk: &Disk) -> Store {
    try_open(disk).unwrap()
}

fn try_open(disk: &Disk) -> Result<Store, OpenStoreError> {
    try_open_with(disk, JOURNAL_BYTES)
}

fn try_open_with(disk: &Disk, journal_bytes: usize) -> Result<Store, OpenStoreError> {
    let (file, journal) = (disk.store(), disk.journal());
    let options = StoreOptions { cache_bytes: 1024 * 1024, journal_bytes };
    Store::open_on(move || file.clone(), journal, &key(), options)
}

/// What turn number `step` writes: something in most tables, and a number of its own.
fn write_step(store: &Store, step: u64) -> StoreResult<()> {
    let mut turn = store.begin_turn()?;
    let doc = DocId::Ticket(ticket(step % 5));
    ServerStore::put_member_of(&mut turn, ticket(step % 5), user(1))?;
    ServerStore::append(&mut turn, &record(step, doc, &format!("change {step}")), &[user(1)])?;
    let mut ticket_row = row(step % 5);
    ticket_row.last_seq = Seq(step);
    ServerStore::put_ticket(&mut turn, &ticket_row)?;
    DeviceStore::append_record(&mut turn, &project(1), &record(step, doc, &format!("change {step}")))?;
    DeviceStore::put_row(&mut turn, &project(1), &row(step))?;
    DeviceStore::push_outbox(&mut turn, &project(1), &outbox_entry(doc, &format!("own {step}")))?;
    if step > 3 {
        DeviceStore::remove_outbox(&mut turn, &project(1), step - 4)?;
    }
    turn.commit()
}

/// How many steps a store has; all of each, or the test fails.
pub(super) fn steps_in(store: &Store) -> u64 {
    let reader = store.read().unwrap();
    reader.verify().unwrap();
    let steps = reader.head().unwrap().0;
    let log = reader.log_after(Audience::Team, Seq::ZERO, usize::MAX).unwrap();
    assert_eq!(log.len() as u64, steps);
    assert_eq!(reader.log_after(Audience::Customer(user(1)), Seq::ZERO, usize::MAX).unwrap(), log);
    for entry in &log {
        assert_eq!(
            reader.record(entry).unwrap(),
            record(entry.seq.0, entry.doc, &format!("change {}", entry.seq.0))
        );
    }
    let window = RowWindow { start: WindowStart::Offset(0), limit: usize::MAX };
    let rows = reader.list_rows(&RowFilter::default(), RowOrder::default(), window).unwrap();
    assert_eq!((rows.total, rows.rows.len() as u64), (steps, steps));
    assert_eq!(reader.outbox_count(&project(1)).unwrap(), steps.min(3));
    assert_eq!(reader.outbox(&project(1), 0, 10).unwrap().len() as u64, steps.min(3));
    steps
}

/// `CRASH_IMAGES=100000` looks at more than usual.
#[test]
fn no_acknowledged_turn_is_lost_wherever_power_fails() {
    let images = number_from_env("CRASH_IMAGES").unwrap_or(5_000);
    on_two_threads(images.div_ceil(IMAGES_PER_LIFE), |life| {
        let (before, history) = a_life(life);
        let mut rng = ChaCha8Rng::seed_from_u64(life);
        for image in 0..IMAGES_PER_LIFE {
            let cut = rng.next_u32() as usize % (history.len() + 1);
            let (acknowledged, begun) = promised(&history[..cut]);
            let disk = Disk::holding(crash(&before, &history, cut, &mut rng));
            let store = try_open_with(&disk, journal_of(life)).unwrap();
            let found = steps_in(&store);
            assert!(
                (acknowledged..=begun).contains(&found),
                "life {life}, image {image}, behind event {cut}: {found} turns, {acknowledged} acknowledged, {begun} begun"
            );
            write_step(&store, found + 1).unwrap();
            drop(store);
            assert_eq!(steps_in(&open(&disk)), found + 1);
        }
    });
}

/// What a disk held, and all that happened to it while turns were written and moved to the engine's file.
fn a_life(seed: u64) -> (Files, Vec<Event>) {
    let disk = Disk::default();
    let open = || try_open_with(&disk, journal_of(seed)).unwrap();
    drop(open());
    let before = disk.files();
    disk.record();
    let store = open();
    let (steps, pause) = (4 + seed % 17, 2 + seed % 7);
    for step in 1..=steps {
        write_step(&store, step).unwrap();
        disk.note(usize::try_from(step).unwrap());
        if step.is_multiple_of(pause) {
            store.checkpoint().unwrap();
        }
    }
    drop(store);
    (before, disk.history())
}

/// Most lives fill the halves of their journals again and again. Those that never do cost eight MiB for each image.
fn journal_of(life: u64) -> usize {
    let small = SMALL_JOURNAL * usize::try_from(1 + life % 3).unwrap();
    if life.is_multiple_of(8) { JOURNAL_BYTES } else { small }
}

/// Every write and every sync of a life fails once, as a broken disk and as a full one. `ALL_FAULTS=1` tries each of
/// them, else every third.
#[test]
fn whichever_write_or_sync_fails_nothing_acknowledged_is_lost_and_the_store_goes_on() {
    let stride = if number_from_env("ALL_FAULTS").is_some() { 1 } else { 3 };
    for journal_bytes in [JOURNAL_BYTES, SMALL_JOURNAL] {
        let operations = live_with_a_fault(journal_bytes, None);
        assert!(operations > 60, "only {operations} operations: the test looks at too little");
        on_two_threads((2 * operations).div_ceil(stride), |number| {
            let number = number * stride;
            let error = if number % 2 == 0 { ErrorKind::Other } else { ErrorKind::StorageFull };
            live_with_a_fault(journal_bytes, Some((number / 2, error)));
        });
    }
}

/// Writes turns and moves them to the engine's file, with one operation that fails. Returns how many there were.
fn live_with_a_fault(journal_bytes: usize, fault: Option<(u64, ErrorKind)>) -> u64 {
    let disk = Disk::default();
    let try_open = || try_open_with(&disk, journal_bytes);
    let mut store = try_open().unwrap();
    disk.fail(fault);
    let mut steps = 0;
    for round in 0..12 {
        match write_step(&store, steps + 1) {
            Ok(()) => steps += 1,
            Err(error) => {
                assert!(matches!(error, StoreError::Io(_) | StoreError::Full(_)), "{fault:?}: {error:?}");
                assert_eq!(steps_in(&store), steps, "{fault:?}: what failed never happened");
            }
        }
        if round % 5 == 4 {
            store.checkpoint().ok(); // What stays in the journal is as durable.
        }
        if round == 7 {
            drop(store);
            // A fault while it opens is an error, and the next try finds everything.
            store = try_open().unwrap_or_else(|_| try_open().unwrap());
        }
    }
    let operations = disk.operations();
    disk.fail(None);
    assert!(steps >= 10, "{fault:?}: one fault cost {} turns", 12 - steps);
    write_step(&store, steps + 1).unwrap();
    assert_eq!(steps_in(&store), steps + 1, "{fault:?}");
    drop(store);
    assert_eq!(steps_in(&open(&disk)), steps + 1, "{fault:?}");
    operations
}

fn on_two_threads(count: u64, work: impl Fn(u64) + Sync) {
    let work = &work;
    thread::scope(|scope| {
        for first in [0, 1] {
            scope.spawn(move || (first..count).step_by(2).for_each(work));
        }
    });
}

fn number_from_env(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn crash_while_the_journal_of_a_crash_is_read_loses_nothing() {
    let disk = Disk::default();
    let store = open(&disk);
    for step in 1..=9 {
        write_step(&store, step).unwrap();
    }
    crash_at_its_opening(&disk.files(), 9);
    crash_at_its_opening(&with_journal_1(disk.files()), 9);
    let Crashed { files, steps, .. } = crashed_while_it_moved();
    crash_at_its_opening(&files, steps);
}

/// The same with a journal as version 1 wrote it: one row, and half as long.
fn with_journal_1([store, mut journal]: Files) -> Files {
    journal.truncate(journal.len() / 2);
    journal[..16].copy_from_slice(b"assist journal 1");
    [store, journal]
}

/// A store that crashed while the first half of its journal was moved and the second had some turns.
pub(super) struct Crashed {
    pub(super) files: Files,
    /// How many turns it has.
    pub(super) steps: u64,
    /// Where in the journal the last one begins.
    last_from: usize,
}

pub(super) fn crashed_while_it_moved() -> Crashed {
    let disk = Disk::default();
    let store = try_open_with(&disk, SMALL_JOURNAL).unwrap();
    write_step(&store, 1).unwrap();
    store.checkpoint().unwrap();
    disk.hold();
    let mut steps = fill_a_half(&store, 1);
    wait_until(|| disk.is_waited_for());
    let mut last_from = 0;
    for _ in 0..3 {
        last_from = used(&disk.files()[1]);
        steps += 1;
        write_step(&store, steps).unwrap();
    }
    let files = disk.files();
    disk.let_go();
    Crashed { files, steps, last_from }
}

/// Writes steps until the journal goes on in its other half. Returns how many there are.
fn fill_a_half(store: &Store, mut steps: u64) -> u64 {
    while !store.shared.pending().is_moving() {
        steps += 1;
        write_step(store, steps).unwrap();
        assert!(steps < 100, "a half is full some day");
    }
    steps
}

fn wait_until(is_so: impl Fn() -> bool) {
    #[expect(clippy::disallowed_methods, reason = "a bound on a wait for another thread")]
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(30), "it never comes");
        thread::yield_now();
    }
}

/// Crashes at each moment of opening a store of that many steps and writing one more.
fn crash_at_its_opening(before: &Files, steps: u64) {
    let second = Disk::holding(before.clone());
    second.record();
    let found = open(&second);
    write_step(&found, steps + 1).unwrap();
    let history = second.history();
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    for cut in 0..=history.len() {
        let image = Disk::holding(crash(before, &history, cut, &mut rng));
        let found = steps_in(&open(&image));
        assert!((steps..=steps + 1).contains(&found), "behind event {cut}: {found} of {steps}");
    }
}

#[test]
fn fault_while_the_journal_of_a_crash_is_read_is_an_error_and_loses_nothing() {
    let Crashed { files, steps, .. } = crashed_while_it_moved();
    // Of another size, it is also laid out anew.
    for journal_bytes in [SMALL_JOURNAL, JOURNAL_BYTES] {
        let mut refusals = 0;
        loop {
            let disk = Disk::holding(files.clone());
            disk.fail(Some((refusals, ErrorKind::StorageFull)));
            let Err(refusal) = try_open_with(&disk, journal_bytes) else { break };
            assert!(matches!(refusal, OpenStoreError::Full { .. }), "operation {refusals}: {refusal:?}");
            refusals += 1;
            disk.fail(None);
            assert_eq!(steps_in(&try_open_with(&disk, journal_bytes).unwrap()), steps);
        }
        assert!(refusals > 3, "only {refusals} operations");
    }
}

/// How many steps were acknowledged as durable, and how many had begun.
fn promised(history: &[Event]) -> (u64, u64) {
    let notes = history.iter().filter_map(|event| match event {
        Event::Note(note) => Some(*note as u64),
        _ => None,
    });
    let acknowledged = notes.max().unwrap_or(0);
    (acknowledged, acknowledged + 1)
}

#[test]
fn flipped_bit_in_the_journal_is_an_error_or_costs_the_very_last_turn() {
    let disk = Disk::default();
    let store = open(&disk);
    let mut last_from = 0;
    for step in 1..=12 {
        last_from = used(&disk.files()[1]);
        write_step(&store, step).unwrap();
    }
    let files = disk.files();
    let used = 0..used(&files[1]);
    flip_bits_of_the_journal(&Crashed { files, steps: 12, last_from }, std::slice::from_ref(&used));
}

#[test]
fn flipped_bit_in_either_half_of_the_journal_is_an_error_or_costs_the_very_last_turn() {
    let crashed = crashed_while_it_moved();
    let journal = &crashed.files[1];
    let second = MAGIC_SIZE + (journal.len() - MAGIC_SIZE) / 2;
    assert!(crashed.last_from > second, "the last turn is not the only one of its half");
    flip_bits_of_the_journal(&crashed, &[0..used(&journal[..second]), second..used(journal)]);
}

/// Flips bits within the ranges of the journal.
fn flip_bits_of_the_journal(crashed: &Crashed, ranges: &[Range<usize>]) {
    let Crashed { files, steps, last_from } = crashed;
    let end = ranges.last().map_or(0, |range| range.end);
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    let mut refused = 0;
    let places: Vec<usize> = ranges.iter().cloned().flatten().collect();
    for _ in 0..400 {
        let mut files = files.clone();
        let at = places[rng.next_u32() as usize % places.len()];
        files[1][at] ^= 1 << (rng.next_u32() % 8);
        match try_open(&Disk::holding(files)) {
            Ok(store) => {
                // Nothing tells a damaged end from one that a crash cut.
                let expected = if at < *last_from { *steps } else { steps - 1 };
                assert_eq!(steps_in(&store), expected, "flip at {at} of {last_from}..{end}");
            }
            Err(error) => {
                assert!(matches!(error, OpenStoreError::Damaged { .. }), "{error:?}");
                refused += 1;
            }
        }
    }
    assert!(refused > 300, "only {refused} of 400 flips were noticed");
}

/// How far a journal is written.
fn used(journal: &[u8]) -> usize {
    journal.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
}

/// `BIT_FLIPS=10000` flips more than usual.
#[test]
fn flipped_bit_is_an_error_or_changes_nothing_that_is_read() {
    let disk = Disk::default();
    let store = open(&disk);
    for step in 1..=60 {
        write_step(&store, step).unwrap();
    }
    drop(store);
    let files = disk.files();
    let whole = &files[0];
    let expected = answers(&open(&Disk::holding(files.clone())).read().unwrap());
    assert!(expected.iter().all(Result::is_ok));
    let used: Vec<usize> = (0..whole.len() / 4096)
        .filter(|page| whole[page * 4096..][..4096].iter().any(|byte| *byte != 0))
        .collect();
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let (mut noticed, mut missing) = (0, 0);
    let flips = number_from_env("BIT_FLIPS").unwrap_or(300);
    for flip in 0..flips {
        let mut files = files.clone();
        let at = used[rng.next_u32() as usize % used.len()] * 4096 + rng.next_u32() as usize % 4096;
        files[0][at] ^= 1 << (rng.next_u32() % 8);
        let outcome = catch_unwind(AssertUnwindSafe(|| read_flipped(files, &expected)));
        let Flipped { wrong, gone, errors } =
            outcome.unwrap_or_else(|_| panic!("flip {flip} at {at} panicked"));
        assert_eq!(wrong, Vec::<String>::new(), "flip {flip} at {at}: answers that are silently wrong");
        noticed += u64::from(errors);
        missing += u64::from(gone);
    }
    assert!(
        noticed > flips / 15,
        "only {noticed} of {flips} flips were noticed: the test looks at the wrong bytes"
    );
    // What is missing cannot be sealed; a full check finds it, and the log and the packs know how long they are.
    assert!(missing <= flips / 50, "{missing} of {flips} flips made something disappear");
}

/// What reading a damaged store gave.
struct Flipped {
    wrong: Vec<String>,
    gone: bool,
    errors: bool,
}

fn read_flipped(files: Files, expected: &[StoreResult<String>]) -> Flipped {
    let Ok(store) = try_open(&Disk::holding(files)) else {
        return Flipped { wrong: vec![], gone: false, errors: true };
    };
    let Ok(reader) = store.read() else { return Flipped { wrong: vec![], gone: false, errors: true } };
    let found = answers(&reader);
    let errors = found.iter().any(Result::is_err);
    let (mut wrong, mut gone) = (vec![], false);
    for (found, expected) in found.iter().zip(expected) {
        match (found, expected) {
            (Ok(found), Ok(expected)) if found != expected && NOTHING.contains(&found.as_str()) => {
                gone = true
            }
            (Ok(found), Ok(expected)) if found != expected => wrong.push(format!("{found}, not {expected}")),
            _ => {}
        }
    }
    if gone || !wrong.is_empty() {
        assert!(reader.verify().is_err(), "a full check finds what single reads cannot");
    }
    Flipped { wrong, gone, errors }
}

/// Everything that was written, as text.
fn answers(reader: &Reader) -> Vec<StoreResult<String>> {
    fn text<T: std::fmt::Debug>(answer: StoreResult<T>) -> StoreResult<String> {
        answer.map(|answer| format!("{answer:?}"))
    }
    let mut all = vec![
        text(reader.log_after(Audience::Team, Seq::ZERO, usize::MAX)),
        text(reader.outbox(&project(1), 0, 100)),
        text(reader.outbox_count(&project(1))),
        text(reader.ticket_count(Audience::Team)),
    ];
    for number in 0..5 {
        let doc = DocId::Ticket(ticket(number));
        all.push(text(reader.server_doc_records(doc)));
        all.push(text(reader.doc_records(&project(1), doc)));
        all.push(text(reader.ticket(ticket(number))));
        all.push(text(reader.members_of(ticket(number))));
    }
    for step in 1..=60 {
        let doc = DocId::Ticket(ticket(step % 5));
        all.push(text(reader.row(&project(1), ticket(step))));
        all.push(text(reader.verdict(&change_hash_of(doc, &format!("change {step}")))));
        let index = u32::try_from((step - 1) / 5).unwrap();
        all.push(text(reader.record(&LogEntry { seq: Seq(step), doc, kind: EntryKind::Record { index } })));
    }
    all
}

#[test]
fn full_disk_loses_nothing_and_the_store_works_on_when_there_is_room() {
    let disk = Disk::default();
    let store = open(&disk);
    for step in 1..=8 {
        write_step(&store, step).unwrap();
    }
    disk.limit(Some(disk.files()[0].len()));
    let mut steps = 8;
    // A failed turn gives its pages back: there may be room for a little more, and then none again.
    for _ in 0..3 {
        let (written, refused) = fill_up(&store, steps);
        assert!(matches!(refused, StoreError::Full(_)), "{refused:?}");
        steps = steps_in(&store);
        assert_eq!(steps, written);
    }
    drop(store);
    // Not even the end of the process found room: what was acknowledged is in the journal.
    disk.limit(None);
    let store = open(&disk);
    assert_eq!(steps_in(&store), steps);
    write_step(&store, steps + 1).unwrap();
    assert_eq!(steps_in(&store), steps + 1);
}

/// Writes steps until one is refused. Returns how many there should be, and the refusal.
fn fill_up(store: &Store, mut steps: u64) -> (u64, StoreError) {
    loop {
        match write_step(store, steps + 1) {
            Ok(()) => steps += 1,
            Err(error) => return (steps, error),
        }
        assert!(steps < 100_000, "the disk has to be full some day");
    }
}

#[test]
fn broken_sync_fails_its_turn_only() {
    let disk = Disk::default();
    let store = open(&disk);
    write_step(&store, 1).unwrap();
    disk.break_syncs(1);
    assert!(matches!(write_step(&store, 2), Err(StoreError::Io(_))));
    assert_eq!(steps_in(&store), 1);
    write_step(&store, 2).unwrap();
    // The number of the failed turn's frame is never used again: its bytes come to nothing, wherever they are.
    assert_eq!(steps_in(&open(&Disk::holding(disk.files()))), 2);
    write_step(&store, 3).unwrap();
    drop(store);
    assert_eq!(steps_in(&open(&disk)), 3);
}

#[test]
fn broken_disk_fails_turns_until_it_works_again() {
    let disk = Disk::default();
    let store = open(&disk);
    write_step(&store, 1).unwrap();
    disk.break_syncs(4);
    let mut refused = 0;
    while let Err(error) = write_step(&store, 2) {
        assert!(matches!(error, StoreError::Io(_)), "{error:?}");
        refused += 1;
        assert!(refused < 9, "the disk works by now");
    }
    assert!(refused > 1);
    assert_eq!(steps_in(&store), 2);
    drop(store);
    assert_eq!(steps_in(&open(&disk)), 2);
}

#[test]
fn turns_go_on_while_the_journal_is_moved_and_wait_when_both_halves_are_full() {
    let disk = Disk::default();
    let store = try_open_with(&disk, SMALL_JOURNAL).unwrap();
    disk.hold();
    let mut steps = fill_a_half(&store, 0);
    wait_until(|| disk.is_waited_for());
    // The move waits, the turns do not.
    steps += 1;
    write_step(&store, steps).unwrap();
    assert_eq!(steps_in(&store), steps);
    assert_eq!(steps_in(&open(&Disk::holding(disk.files()))), steps, "a crash in the midst of it");
    let all = steps + 40;
    thread::scope(|scope| {
        let writing = scope.spawn(|| (steps + 1..=all).try_for_each(|step| write_step(&store, step)));
        disk.let_go();
        writing.join().unwrap().unwrap();
    });
    assert_eq!(steps_in(&store), all);
    drop(store);
    assert_eq!(steps_in(&open(&disk)), all);
}

#[test]
fn what_a_move_cannot_write_stays_in_the_journal_until_it_can() {
    let disk = Disk::default();
    let store = try_open_with(&disk, SMALL_JOURNAL).unwrap();
    write_step(&store, 1).unwrap();
    store.checkpoint().unwrap();
    disk.limit(Some(disk.files()[0].len()));
    let (steps, refused) = fill_up(&store, 1);
    assert!(matches!(refused, StoreError::Full(_)), "{refused:?}");
    assert!(steps > 5, "{steps}: both halves hold some");
    assert_eq!(steps_in(&store), steps);
    assert_eq!(steps_in(&open(&Disk::holding(disk.files()))), steps, "a crash on the full disk");
    disk.limit(None);
    write_step(&store, steps + 1).unwrap();
    assert_eq!(steps_in(&store), steps + 1);
}

/// What is read where a key is that was never written, or that a flip has made another.
const NOTHING: [&str; 3] = ["None", "[]", "0"];
/// Images of one life: making the life costs as much as looking at a few.
const IMAGES_PER_LIFE: u64 = 50;
/// A half holds a few steps.
const SMALL_JOURNAL: usize = 32 * 1024;
/// What stands before the halves of a journal.
const MAGIC_SIZE: usize = 16;
