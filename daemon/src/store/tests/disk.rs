//! Disks that fail: one that fills up or breaks, one that remembers every write so that it can crash anywhere.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use rand_core::Rng;
use redb::StorageBackend;

/// A disk in memory with the two files of a store. Clones are the same disk; opening it again finds what was written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Disk {
    state: Arc<Mutex<State>>,
    changed: Arc<Condvar>,
}

/// One file of a disk.
#[derive(Debug, Clone)]
pub(crate) struct DiskFile {
    disk: Disk,
    which: usize,
}

/// What both files hold: the engine's, then the journal.
pub(crate) type Files = [Vec<u8>; 2];

#[derive(Debug, Default)]
struct State {
    files: Files,
    /// Of the engine's file: the journal never grows.
    capacity: Option<usize>,
    broken_syncs: usize,
    /// How many writes and syncs there were since the fault was set.
    operations: u64,
    /// Which of them fails, and how.
    fault: Option<(u64, io::ErrorKind)>,
    /// Whether who syncs the engine's file has to wait, and whether somebody does.
    is_held: bool,
    is_waited_for: bool,
    /// Since the engine's file got longer it was not synced.
    has_grown: bool,
    history: Option<Vec<Event>>,
}

/// What happened to a disk.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    Write {
        which: usize,
        offset: usize,
        data: Vec<u8>,
    },
    SetLen {
        which: usize,
        size: usize,
    },
    Sync(usize),
    /// Not the disk's: what the test wants to find in the history.
    Note(usize),
}

impl Disk {
    pub(crate) fn holding(files: Files) -> Self {
        let disk = Self::default();
        disk.lock().files = files;
        disk
    }

    /// The engine's file.
    pub(crate) fn store(&self) -> DiskFile {
        DiskFile { disk: self.clone(), which: 0 }
    }

    /// The journal.
    pub(crate) fn journal(&self) -> DiskFile {
        DiskFile { disk: self.clone(), which: 1 }
    }

    /// From now on there is room for that many bytes.
    pub(crate) fn limit(&self, capacity: Option<usize>) {
        self.lock().capacity = capacity;
    }

    /// The next syncs fail.
    pub(crate) fn break_syncs(&self, count: usize) {
        self.lock().broken_syncs = count;
    }

    /// The write or sync of that number, counted from now on, fails; those behind it do not.
    pub(crate) fn fail(&self, fault: Option<(u64, io::ErrorKind)>) {
        let mut state = self.lock();
        (state.operations, state.fault) = (0, fault);
    }

    /// How many writes and syncs there were since [`Disk::fail`].
    pub(crate) fn operations(&self) -> u64 {
        self.lock().operations
    }

    /// Who syncs the engine's file waits from now on.
    pub(crate) fn hold(&self) {
        self.lock().is_held = true;
    }

    /// Whether somebody waits.
    pub(crate) fn is_waited_for(&self) -> bool {
        self.lock().is_waited_for
    }

    /// Nobody has to wait any more.
    pub(crate) fn let_go(&self) {
        self.lock().is_held = false;
        self.changed.notify_all();
    }

    /// From now on everything is remembered.
    pub(crate) fn record(&self) {
        self.lock().history = Some(Vec::new());
    }

    pub(crate) fn note(&self, note: usize) {
        self.lock().push(Event::Note(note));
    }

    pub(crate) fn history(&self) -> Vec<Event> {
        self.lock().history.clone().unwrap_or_default()
    }

    pub(crate) fn files(&self) -> Files {
        self.lock().files.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The same for one who syncs. A file that gets longer is synced while nobody can read.
    fn lock_to_sync(&self, which: usize) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        let has_grown = which == 0 && std::mem::take(&mut state.has_grown);
        while which == 0 && state.is_held && !has_grown {
            state.is_waited_for = true;
            let (again, waited) = self.changed.wait_timeout(state, PATIENCE).unwrap();
            assert!(!waited.timed_out(), "nobody let go");
            state = again;
            state.is_waited_for = false;
        }
        state
    }
}

impl State {
    fn push(&mut self, event: Event) {
        if let Some(history) = &mut self.history {
            history.push(event);
        }
    }

    fn operate(&mut self) -> io::Result<()> {
        let number = self.operations;
        self.operations += 1;
        match self.fault {
            Some((failing, error)) if failing == number => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn check_room(&self, which: usize, end: usize) -> io::Result<()> {
        match self.capacity {
            Some(capacity) if which == 0 && end > capacity => Err(io::ErrorKind::StorageFull.into()),
            _ => Ok(()),
        }
    }
}

impl StorageBackend for DiskFile {
    fn len(&self) -> Result<u64, io::Error> {
        Ok(self.disk.lock().files[self.which].len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        let state = self.disk.lock();
        let from = usize::try_from(offset).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let end = from.checked_add(out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(state.files[self.which].get(from..end).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<(), io::Error> {
        let (mut state, which) = (self.disk.lock(), self.which);
        let size = usize::try_from(len).unwrap();
        state.operate()?;
        state.check_room(which, size)?;
        state.files[which].resize(size, 0);
        state.has_grown |= which == 0;
        state.push(Event::SetLen { which, size });
        Ok(())
    }

    fn sync_data(&self) -> Result<(), io::Error> {
        let mut state = self.disk.lock_to_sync(self.which);
        state.operate()?;
        if state.broken_syncs > 0 {
            state.broken_syncs -= 1;
            return Err(io::Error::other("the disk is broken"));
        }
        state.push(Event::Sync(self.which));
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        let (mut state, which) = (self.disk.lock(), self.which);
        let offset = usize::try_from(offset).unwrap();
        state.operate()?;
        state.check_room(which, offset + data.len())?;
        state.files[which][offset..offset + data.len()].copy_from_slice(data);
        state.push(Event::Write { which, offset, data: data.to_vec() });
        Ok(())
    }
}

/// What a disk may hold after it lost power behind the first `cut` events: of each file all that was synced, and of
/// the rest any part in any order, the last write perhaps by halves.
pub(crate) fn crash(before: &Files, events: &[Event], cut: usize, rng: &mut impl Rng) -> Files {
    let mut files = before.clone();
    // Each crash has its own luck, so that "nothing more" and "all of it" come too.
    let luck = [0.0, 0.5, 0.9, 1.0][rng.next_u32() as usize % 4];
    for (which, bytes) in files.iter_mut().enumerate() {
        let is_sync = |event: &Event| matches!(event, Event::Sync(synced) if *synced == which);
        let synced = events[..cut].iter().rposition(is_sync).unwrap_or(0);
        for (index, event) in events[..cut].iter().enumerate() {
            replay(bytes, which, event, if index < synced { 1.0 } else { luck }, rng);
        }
    }
    files
}

/// Does what an event did to a file, sector by sector, each with a chance. A length that grew without its sync may
/// be lost as well, but a write behind it brings it back.
fn replay(bytes: &mut Vec<u8>, file: usize, event: &Event, chance: f64, rng: &mut impl Rng) {
    let mut happens = || f64::from(rng.next_u32()) < chance * (f64::from(u32::MAX) + 1.0);
    match event {
        Event::Write { which, offset, data } if *which == file => {
            let is_whole = happens();
            for (number, sector) in data.chunks(SECTOR).enumerate() {
                if is_whole || (chance < 1.0 && chance > 0.0 && happens()) {
                    let from = offset + number * SECTOR;
                    if bytes.len() < from + sector.len() {
                        bytes.resize(from + sector.len(), 0);
                    }
                    bytes[from..from + sector.len()].copy_from_slice(sector);
                }
            }
        }
        Event::SetLen { which, size } if *which == file && happens() => bytes.resize(*size, 0),
        _ => {}
    }
}

const SECTOR: usize = 512;
/// Nobody is held for longer than a test takes.
const PATIENCE: Duration = Duration::from_secs(60);
