//! The journal: where a turn becomes durable, in one write and one sync, before the engine's file has it.
//!
//! A file of fixed size beside the store, in two halves. Each turn is a *frame* behind the one before:
//!
//! ```text
//! magic (16), then in each half frames: size of the sealed part (4), number (8), sealed changes
//! ```
//!
//! Numbers rise by one for as long as the store lives. The engine's file tells the number of the last frame whose
//! changes it has. When a half is full, frames go on at the front of the other one, while the changes of the full one
//! are moved to the engine's file. So what counts at an opening is the unbroken row of frames that begins with the
//! next number at the front of a half, and may go on at the front of the other; anything else there is of an earlier
//! row.
//!
//! A journal of version 1 has one row in all of its room, and is laid out anew once the engine's file has it.
//!
//! It never grows, so a full disk cannot stop it, and it knows nothing of tables beyond their names.

use std::io;

use assist_proto::store::{StoreError, StoreResult};
use memchr::memchr_iter;
use redb::StorageBackend;

use super::engine::is_full;
use super::overlay::Overlay;
use super::seal::{Nonces, SEAL_SIZE, Seal};
use super::tables::Table;

/// Storage that holds nothing but a journal.
pub(crate) type JournalFile = Box<dyn StorageBackend>;

/// An open journal, at the front of a half.
pub(crate) struct Journal {
    file: JournalFile,
    /// Where the first half begins, where the second does, and where that ends.
    bounds: [usize; 3],
    /// The half that is written, 0 or 1.
    half: usize,
    /// Where the next frame goes.
    end: usize,
    /// Number of the last frame, be it whole or not.
    last: u64,
    /// Set after a failed write: what stands in the file is not known.
    is_suspect: bool,
    /// Size that it has to be laid out with, once it holds nothing.
    outdated: Option<usize>,
    /// Of the frame under way.
    frame: Vec<u8>,
}

impl Journal {
    /// Opens a journal behind the frame with the number `applied`, and gives what the frames behind that one wrote.
    /// An empty file becomes one of this size; another size, or version 1, stays until [`Journal::bring_up_to_date`].
    ///
    /// # Errors
    /// When the file cannot be read, is no journal, or a frame in the middle of the row is damaged.
    pub(crate) fn open(
        file: JournalFile,
        seal: &Seal,
        applied: u64,
        wanted: usize,
    ) -> StoreResult<(Self, Overlay)> {
        let mut size = usize::try_from(file.len().map_err(failed)?).map_err(|_| damaged())?;
        if size == 0 {
            Self::lay_out(&*file, wanted).map_err(failed)?;
            size = wanted;
        }
        let mut bytes = vec![0; size.min(JOURNAL_BYTES)];
        file.read(0, &mut bytes).map_err(failed)?;
        let bounds = bounds(bytes.len());
        let (halves, is_outdated): (&[&[u8]], _) = match bytes.split_first_chunk() {
            Some((MAGIC, rest)) => (&<[_; 2]>::from(rest.split_at(bounds[1] - bounds[0])), size != wanted),
            Some((MAGIC_1, rest)) => (&[rest], true),
            _ => return Err(damaged()),
        };
        let (overlay, last) = replay(halves, seal, applied)?;
        let outdated = is_outdated.then_some(wanted);
        let end = bounds[0];
        let journal =
            Self { file, bounds, half: 0, end, last, is_suspect: false, outdated, frame: Vec::new() };
        Ok((journal, overlay))
    }

    /// Lays out anew what is of another version or size. The engine's file has everything up to [`Journal::last`].
    ///
    /// # Errors
    /// The file's.
    pub(crate) fn bring_up_to_date(&mut self) -> StoreResult<()> {
        if let Some(size) = self.outdated.take() {
            Self::lay_out(&*self.file, size).map_err(failed)?;
            self.bounds = bounds(size);
            self.begin_again();
        }
        Ok(())
    }

    /// The number of the last frame, or of one that failed.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// Whether a write failed and no frame can be appended before [`Journal::begin_again`].
    pub(crate) fn is_suspect(&self) -> bool {
        self.is_suspect
    }

    /// Whether a frame of changes of this encoded size can be appended.
    pub(crate) fn has_room(&self, size: usize) -> bool {
        !self.is_suspect && self.end + FRAME_HEAD + SEAL_SIZE + size <= self.bounds[self.half + 1]
    }

    /// Makes changes durable in one frame: the earlier ones, then the later ones.
    ///
    /// # Errors
    /// When the file cannot be written. Whether the frame is there is not known then: the journal takes no other
    /// before [`Journal::begin_again`].
    pub(crate) fn append(
        &mut self,
        seal: &Seal,
        nonces: &mut Nonces,
        overlays: [&Overlay; 2],
    ) -> StoreResult<()> {
        // A number is used once, whatever becomes of its frame.
        self.last += 1;
        let nonce = nonces.next().map_err(|error| StoreError::Io(error.into()))?;
        let size = SEAL_SIZE + overlays.iter().map(|overlay| overlay.encoded_size()).sum::<usize>();
        let head = u32::try_from(size).expect("a frame fits the journal");
        self.frame.clear();
        self.frame.reserve(FRAME_HEAD + size);
        self.frame.extend_from_slice(&head.to_be_bytes());
        self.frame.extend_from_slice(&self.last.to_be_bytes());
        seal.close_behind(nonce, &bound_to(self.last), &mut self.frame, |frame| {
            overlays.iter().for_each(|overlay| overlay.encode(frame));
        });
        debug_assert_eq!(self.frame.len(), FRAME_HEAD + size, "what encodes is as long as it was said to be");
        self.is_suspect = true;
        self.file.write(self.end as u64, &self.frame).map_err(failed)?;
        self.file.sync_data().map_err(failed)?;
        self.is_suspect = false;
        self.end += self.frame.len();
        Ok(())
    }

    /// Goes on in the other half, of which the engine's file has everything. Gives the number of the last frame in this
    /// one.
    pub(crate) fn turn_over(&mut self) -> u64 {
        debug_assert!(!self.is_suspect, "which frame is the last is not known");
        self.half = 1 - self.half;
        self.end = self.bounds[self.half];
        self.last
    }

    /// The engine's file has everything up to [`Journal::last`]: the next frame goes to the front.
    pub(crate) fn begin_again(&mut self) {
        self.half = 0;
        self.end = self.bounds[0];
        self.is_suspect = false;
    }

    /// Makes a file a journal of this size without frames. All its room is written, so that a frame changes nothing but
    /// its own bytes.
    ///
    /// # Errors
    /// The file's.
    pub(crate) fn lay_out(file: &dyn StorageBackend, size: usize) -> io::Result<()> {
        file.set_len(size as u64)?;
        file.write(0, &[MAGIC.as_slice(), &vec![0; size - MAGIC.len()]].concat())?;
        file.sync_data()
    }
}

/// Where the halves of a journal of this size begin and end.
fn bounds(size: usize) -> [usize; 3] {
    let half = size.saturating_sub(MAGIC.len()) / 2;
    [MAGIC.len(), MAGIC.len() + half, MAGIC.len() + 2 * half]
}

/// Reads the row of frames that begins behind `applied`. Gives what it wrote, and its last number.
fn replay(halves: &[&[u8]], seal: &Seal, applied: u64) -> StoreResult<(Overlay, u64)> {
    let mut all = Overlay::default();
    let mut last = applied;
    let mut plain = Vec::new();
    let mut open = |rows: &mut &[u8], number: u64| -> Option<Vec<u8>> {
        let (sealed, rest) = frame_of(rows, number)?;
        seal.open_as(&bound_to(number), sealed, &mut plain).ok()?;
        *rows = rest;
        Some(std::mem::take(&mut plain))
    };
    let mut rows: &[u8] = &[];
    loop {
        let mut places = std::iter::once(rows).chain(halves.iter().copied());
        let Some((plain, rest)) = places.find_map(|mut rows| Some((open(&mut rows, last + 1)?, rows))) else {
            break;
        };
        all.absorb(Overlay::decode(&plain).ok_or_else(damaged)?);
        (rows, last) = (rest, last + 1);
    }
    // A crash can cut the end of a row. A frame with another whole one behind it was acknowledged.
    let number = (last + 2).to_be_bytes();
    // Nearly all of the room is zeros: what is looked for is the last byte of the number, which is seldom one.
    let mut is_cut = true;
    for half in halves {
        let ends = memchr_iter(number[number.len() - 1], half).filter(|end| half[..=*end].ends_with(&number));
        let mut places = ends.filter_map(|end| (end + 1).checked_sub(size_of::<u32>() + number.len()));
        is_cut &= places.all(|at| open(&mut &half[at..], last + 2).is_none());
    }
    if is_cut { Ok((all, last)) } else { Err(damaged()) }
}

/// The sealed part of the frame at the front if it has that number, and what is behind it.
fn frame_of(rows: &[u8], wanted: u64) -> Option<(&[u8], &[u8])> {
    let (size, rest) = rows.split_first_chunk()?;
    let (number, rest) = rest.split_first_chunk()?;
    let size = usize::try_from(u32::from_be_bytes(*size)).ok()?;
    let is_next = u64::from_be_bytes(*number) == wanted && size >= SEAL_SIZE;
    if is_next { rest.split_at_checked(size) } else { None }
}

impl Overlay {
    /// How many bytes [`Overlay::encode`] writes.
    pub(crate) fn encoded_size(&self) -> usize {
        let of_value = |value: &Option<Vec<u8>>| value.as_ref().map_or(1, |value| 5 + value.len());
        self.tables()
            .map(|(table, changes)| {
                let cleared = changes
                    .cleared
                    .iter()
                    .map(|span| 4 + span.start.len() + span.end.as_ref().map_or(1, |end| 5 + end.len()));
                let entries = changes.entries.iter().map(|(key, value)| 4 + key.len() + of_value(value));
                1 + table.name().len() + 8 + cleared.sum::<usize>() + entries.sum::<usize>()
            })
            .sum()
    }

    /// Writes, for each table: its name, cleared spans, changed keys; everything with its length before it.
    fn encode(&self, out: &mut Vec<u8>) {
        for (table, changes) in self.tables() {
            let name = table.name().as_bytes();
            out.push(u8::try_from(name.len()).expect("names of tables are short"));
            out.extend_from_slice(name);
            put_size(out, changes.cleared.len());
            for span in &changes.cleared {
                put_bytes(out, &span.start);
                put_optional(out, span.end.as_deref());
            }
            put_size(out, changes.entries.len());
            for (key, value) in &changes.entries {
                put_bytes(out, key);
                put_optional(out, value.as_deref());
            }
        }
    }

    /// Reads what [`Overlay::encode`] wrote; `None` for anything else.
    fn decode(mut bytes: &[u8]) -> Option<Self> {
        let mut overlay = Self::default();
        while let Some((size, rest)) = bytes.split_first() {
            let (name, rest) = rest.split_at_checked(usize::from(*size))?;
            bytes = rest;
            let table = Table::ALL.iter().copied().find(|table| table.name().as_bytes() == name)?;
            for _ in 0..take_size(&mut bytes)? {
                let start = take_bytes(&mut bytes)?;
                let end = take_optional(&mut bytes)?;
                overlay.clear(table, super::tables::Span { start, end });
            }
            for _ in 0..take_size(&mut bytes)? {
                let key = take_bytes(&mut bytes)?;
                match take_optional(&mut bytes)? {
                    Some(value) => overlay.put(table, key, value),
                    None => overlay.remove(table, key),
                }
            }
        }
        Some(overlay)
    }
}

fn put_size(out: &mut Vec<u8>, size: usize) {
    out.extend_from_slice(&u32::try_from(size).expect("bounded by the size of a turn").to_be_bytes());
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_size(out, bytes.len());
    out.extend_from_slice(bytes);
}

fn put_optional(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    out.push(u8::from(bytes.is_some()));
    if let Some(bytes) = bytes {
        put_bytes(out, bytes);
    }
}

fn take_size(bytes: &mut &[u8]) -> Option<usize> {
    let (size, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    usize::try_from(u32::from_be_bytes(*size)).ok()
}

fn take_bytes(bytes: &mut &[u8]) -> Option<Vec<u8>> {
    let size = take_size(bytes)?;
    let (taken, rest) = bytes.split_at_checked(size)?;
    *bytes = rest;
    Some(taken.to_vec())
}

fn take_optional(bytes: &mut &[u8]) -> Option<Option<Vec<u8>>> {
    let (is_there, rest) = bytes.split_first()?;
    *bytes = rest;
    match is_there {
        0 => Some(None),
        1 => take_bytes(bytes).map(Some),
        _ => None,
    }
}

/// A frame that is moved to another place in the row does not open. No table has such a name.
fn bound_to(number: u64) -> Vec<u8> {
    [b"(journal)\0".as_slice(), &number.to_be_bytes()].concat()
}

fn failed(error: io::Error) -> StoreError {
    if is_full(&error) { StoreError::Full(error.into()) } else { StoreError::Io(error.into()) }
}

fn damaged() -> StoreError {
    StoreError::Damaged { what: "journal".to_owned() }
}

/// How every journal begins.
const MAGIC: &[u8; 16] = b"assist journal 2";
/// How one of version 1 does.
const MAGIC_1: &[u8; 16] = b"assist journal 1";
/// What stands before the sealed part of a frame.
const FRAME_HEAD: usize = 12;
/// Size of the file, and of the largest that is read. A half holds some hundred turns of a busy server, or the list
/// rows of 10,000 tickets, between two commits of the engine; a start after a crash has at most both to read and commit.
pub(crate) const JOURNAL_BYTES: usize = 8 * 1024 * 1024;
/// Changes of a turn beyond which it goes to the engine at once: it would fill the journal and be written twice.
pub(crate) const JOURNALED_BYTES_MAX: usize = 1024 * 1024;
