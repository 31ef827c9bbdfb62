//! Disks that fail: one that fills up or breaks, one that remembers every write so that it can crash anywhere.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use rand_core::Rng;
use redb::StorageBackend;

/// A disk in memory. Clones are the same disk; opening it again finds what was written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Disk {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    bytes: Vec<u8>,
    capacity: Option<usize>,
    broken_syncs: usize,
    history: Option<Vec<Event>>,
}

/// What happened to a disk.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    Write {
        offset: usize,
        data: Vec<u8>,
    },
    SetLen(usize),
    Sync,
    /// Not the disk's: what the test wants to find in the history.
    Note(usize),
}

impl Disk {
    pub(crate) fn holding(bytes: Vec<u8>) -> Self {
        let disk = Self::default();
        disk.lock().bytes = bytes;
        disk
    }

    /// From now on there is room for that many bytes.
    pub(crate) fn limit(&self, capacity: Option<usize>) {
        self.lock().capacity = capacity;
    }

    /// The next syncs fail.
    pub(crate) fn break_syncs(&self, count: usize) {
        self.lock().broken_syncs = count;
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

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.lock().bytes.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl State {
    fn push(&mut self, event: Event) {
        if let Some(history) = &mut self.history {
            history.push(event);
        }
    }

    fn check_room(&self, end: usize) -> io::Result<()> {
        match self.capacity {
            Some(capacity) if end > capacity => Err(io::ErrorKind::StorageFull.into()),
            _ => Ok(()),
        }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> Result<u64, io::Error> {
        Ok(self.lock().bytes.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        let state = self.lock();
        let from = usize::try_from(offset).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let end = from.checked_add(out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(state.bytes.get(from..end).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<(), io::Error> {
        let mut state = self.lock();
        let len = usize::try_from(len).unwrap();
        state.check_room(len)?;
        state.bytes.resize(len, 0);
        state.push(Event::SetLen(len));
        Ok(())
    }

    fn sync_data(&self) -> Result<(), io::Error> {
        let mut state = self.lock();
        if state.broken_syncs > 0 {
            state.broken_syncs -= 1;
            return Err(io::Error::other("the disk is broken"));
        }
        state.push(Event::Sync);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        let mut state = self.lock();
        let offset = usize::try_from(offset).unwrap();
        state.check_room(offset + data.len())?;
        state.bytes[offset..offset + data.len()].copy_from_slice(data);
        state.push(Event::Write { offset, data: data.to_vec() });
        Ok(())
    }
}

/// What a disk may hold after it lost power behind the first `cut` events: all that was synced, and of the rest
/// any part in any order, the last write perhaps by halves.
pub(crate) fn crash(before: &[u8], events: &[Event], cut: usize, rng: &mut impl Rng) -> Vec<u8> {
    let mut bytes = before.to_vec();
    let synced = events[..cut].iter().rposition(|event| matches!(event, Event::Sync)).unwrap_or(0);
    for event in &events[..synced] {
        replay(&mut bytes, event, 1.0, rng);
    }
    // Each crash has its own luck, so that "nothing more" and "all of it" come too.
    let luck = [0.0, 0.5, 0.9, 1.0][rng.next_u32() as usize % 4];
    for event in &events[synced..cut] {
        replay(&mut bytes, event, luck, rng);
    }
    bytes
}

/// Does what an event did, sector by sector, each with a chance. A length that grew without its sync may be lost
/// as well, but a write behind it brings it back.
fn replay(bytes: &mut Vec<u8>, event: &Event, chance: f64, rng: &mut impl Rng) {
    let mut happens = || f64::from(rng.next_u32()) < chance * (f64::from(u32::MAX) + 1.0);
    match event {
        Event::Write { offset, data } => {
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
        Event::SetLen(len) if happens() => bytes.resize(*len, 0),
        Event::SetLen(_) | Event::Sync | Event::Note(_) => {}
    }
}

const SECTOR: usize = 512;
