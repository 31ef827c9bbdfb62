//! Packs: the records of a document, several in one value.
//!
//! Records of one document repeat each other (device, actor, dependencies, words), so they are deflated together.
//! A pack is open until it holds [`PACK_BYTES`]; only the last pack of a document is ever written again.
//!
//! What a turn adds to a pack goes behind it as a frame of its own, quickly made ([`Tail::close`]): nothing before is
//! inflated or deflated for it. That takes more room, so a pack that moves from the journal to the engine's file is
//! deflated as one frame ([`whole`]): once, however many turns added to it.
//!
//! Packs are numbered as they begin, so what is written together stands together and the engine's pages are full; a
//! document knows the numbers of its packs ([`Places`]).
//!
//! Value: count of records (4), bytes before deflation (4), then one or more frames of zstd, with [`DICTIONARY`], of: for
//! each record its length (4) and its CBOR.

use std::borrow::Cow;
use std::cell::RefCell;

use assist_crdt_model::DocId;
use assist_proto::store::{Record, StoreError, StoreResult};
use assist_proto::wire::codec;
use zstd::bulk::{Compressor, Decompressor};

use super::tables::{Scope, Table, key};
use super::view::{View, cbor, damaged, exact};

/// Bytes before deflation after which a new pack begins: about twenty comments. A comment more costs writing at
/// most this again; one record read costs inflating at most this.
pub(crate) const PACK_BYTES: usize = 16 * 1024;
/// The fastest level: the next three save 2 % of a pack and cost twice the time.
pub(crate) const PACK_LEVEL: i32 = 1;
/// Of what stands in the journal: a fifth of the time, and no tenth more room for one record.
pub(crate) const JOURNAL_LEVEL: i32 = -5;
/// What records of format 1 begin to look like before anything of them was seen. Part of the format: never changed.
pub(crate) const DICTIONARY: &[u8] = include_bytes!("dictionary-1.bin");
/// No pack of ours inflates to more: one record above [`PACK_BYTES`], and a record is at most a frame.
const PACK_BYTES_MAX: usize = PACK_BYTES + assist_proto::limits::FRAME_BYTES_MAX + 4096;

/// One that knows what records look like.
pub(crate) fn compressor(level: i32) -> StoreResult<Compressor<'static>> {
    Compressor::with_dictionary(level, DICTIONARY).map_err(|error| StoreError::Io(error.into()))
}

/// Records that follow each other, as they are in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Pack {
    count: u32,
    raw: Vec<u8>,
}

/// Where the packs of a document are: for each its number (4) and the index of its first record (4).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Places(Vec<(u32, u32)>);

impl Places {
    /// Of a document; none for a new one.
    pub(crate) fn load(view: &impl View, scope: Scope, doc: DocId) -> StoreResult<Self> {
        let Some(bytes) = view.get(Table::Docs, &key!(scope, doc))? else { return Ok(Self::default()) };
        let (places, rest) = bytes.as_chunks::<8>();
        if !rest.is_empty() {
            return Err(damaged(Table::Docs));
        }
        let number = |bytes: &[u8]| Ok(u32::from_be_bytes(exact(Table::Docs, bytes)?));
        let place = |bytes: &[u8; 8]| Ok((number(&bytes[..4])?, number(&bytes[4..])?));
        Ok(Self(places.iter().map(place).collect::<StoreResult<_>>()?))
    }

    /// Adds a pack that begins with the record of this index.
    pub(crate) fn push(&mut self, number: u32, first: u32) {
        self.0.push((number, first));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keeps those before the first that cannot be read, and gives the others, with the index that the next record gets.
    /// If not even they are known, all are gone: `None`.
    pub(crate) fn split_damaged(view: &impl View, scope: Scope, doc: DocId) -> StoreResult<Option<Split>> {
        let places = match Self::load(view, scope, doc) {
            Ok(places) => places.0,
            Err(StoreError::Damaged { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut next = 0;
        for (index, (number, first)) in places.iter().enumerate() {
            match pack(view, scope, *number).and_then(|pack| pack.records()) {
                Ok(records) if *first == next => next += u32::try_from(records.len()).unwrap_or(u32::MAX),
                Ok(_) | Err(StoreError::Damaged { .. }) => {
                    let behind = places[index..].iter().map(|(number, _)| *number).collect();
                    return Ok(Some(Split { whole: Self(places[..index].to_vec()), next, behind }));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Some(Split { whole: Self(places), next, behind: Vec::new() }))
    }

    /// The packs by their numbers.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u32> {
        self.0.iter().map(|(number, _)| *number)
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        self.0
            .iter()
            .flat_map(|(number, first)| [number.to_be_bytes(), first.to_be_bytes()])
            .flatten()
            .collect()
    }
}

/// A document of which some packs cannot be read.
pub(crate) struct Split {
    /// Those that can, from the first on.
    pub(crate) whole: Places,
    /// How many records they have.
    pub(crate) next: u32,
    /// The numbers of the others.
    pub(crate) behind: Vec<u32>,
}

/// The last pack of a document: what is stored of it, and what a turn adds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tail {
    /// The pack's number; `None` if the document has none yet.
    number: Option<u32>,
    /// Index of its first record in the document.
    first: u32,
    stored: StoredPack,
    added: Pack,
}

/// The value of a pack, not inflated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct StoredPack {
    count: u32,
    raw_size: u32,
    frames: Vec<u8>,
}

impl Tail {
    /// A pack that begins with the record of this index.
    pub(crate) fn begin(number: u32, first: u32) -> Self {
        Self { number: Some(number), first, ..Self::default() }
    }

    /// The index that the next record gets.
    pub(crate) fn next_index(&self) -> u32 {
        self.first + self.stored.count + self.added.count
    }

    /// Whether the next record belongs into a new pack.
    pub(crate) fn is_full(&self) -> bool {
        self.number.is_none() || self.stored.raw_size as usize + self.added.raw.len() >= PACK_BYTES
    }

    /// Adds a record.
    pub(crate) fn push(&mut self, record: &Record) {
        self.added.push(record);
    }

    /// The number and the new value of the pack, if something was added.
    pub(crate) fn close(mut self, compressor: &mut Compressor<'static>) -> Option<(u32, Vec<u8>)> {
        let number = self.number.filter(|_| self.added.count > 0)?;
        self.stored.append(&self.added, compressor);
        Some((number, self.stored.into_value()))
    }

    /// All of its records.
    fn pack(&self) -> StoreResult<Pack> {
        let mut pack = self.stored.inflate()?;
        pack.count += self.added.count;
        pack.raw.extend_from_slice(&self.added.raw);
        Ok(pack)
    }
}

impl StoredPack {
    /// Reads the head of a value.
    fn parse(mut value: Vec<u8>) -> StoreResult<Self> {
        let (count, rest) = value.split_first_chunk::<4>().ok_or_else(|| damaged(Table::Packs))?;
        let (raw_size, _) = rest.split_first_chunk::<4>().ok_or_else(|| damaged(Table::Packs))?;
        let (count, raw_size) = (u32::from_be_bytes(*count), u32::from_be_bytes(*raw_size));
        if raw_size as usize > PACK_BYTES_MAX {
            return Err(damaged(Table::Packs));
        }
        value.drain(..HEADER_SIZE);
        Ok(Self { count, raw_size, frames: value })
    }

    fn inflate(&self) -> StoreResult<Pack> {
        let raw = match self.frames.as_slice() {
            [] if self.raw_size == 0 => Vec::new(),
            frames => inflate(Table::Packs, frames, self.raw_size as usize)?,
        };
        Ok(Pack { count: self.count, raw })
    }

    /// Puts records behind those that it has.
    fn append(&mut self, added: &Pack, compressor: &mut Compressor<'static>) {
        self.count += added.count;
        self.raw_size += u32::try_from(added.raw.len()).expect("a pack has at most a few frames");
        let deflated = compressor.compress(&added.raw).expect("the output has room for the bound");
        self.frames.extend_from_slice(&deflated);
    }

    fn into_value(self) -> Vec<u8> {
        [&self.count.to_be_bytes()[..], &self.raw_size.to_be_bytes(), &self.frames].concat()
    }
}

/// The value of a pack as one frame. What cannot be read stays as it is: its reader finds out.
pub(crate) fn whole<'a>(value: &'a [u8], compressor: &mut Compressor<'static>) -> Cow<'a, [u8]> {
    Pack::inflate(value).map_or(Cow::Borrowed(value), |pack| Cow::Owned(pack.deflate(compressor)))
}

impl Pack {
    /// Adds a record.
    pub(crate) fn push(&mut self, record: &Record) {
        let bytes = codec::encode(record);
        let length = u32::try_from(bytes.len()).expect("a record is at most a frame");
        self.raw.extend_from_slice(&length.to_be_bytes());
        self.raw.extend_from_slice(&bytes);
        self.count += 1;
    }

    /// Makes the value.
    pub(crate) fn deflate(&self, compressor: &mut Compressor<'static>) -> Vec<u8> {
        let mut stored = StoredPack::default();
        stored.append(self, compressor);
        stored.into_value()
    }

    /// Reads the value.
    pub(crate) fn inflate(value: &[u8]) -> StoreResult<Self> {
        StoredPack::parse(value.to_vec())?.inflate()
    }

    /// Its records in order.
    fn records(&self) -> StoreResult<Vec<Record>> {
        let mut records = Vec::with_capacity(self.count as usize);
        let mut rest = self.raw.as_slice();
        while !rest.is_empty() {
            let (record, behind) = split_record(rest)?;
            records.push(cbor(Table::Packs, record)?);
            rest = behind;
        }
        Ok(records)
    }

    /// One of its records.
    fn record(&self, index: u32) -> StoreResult<Record> {
        let mut rest = self.raw.as_slice();
        for _ in 0..index {
            rest = split_record(rest)?.1;
        }
        cbor(Table::Packs, split_record(rest)?.0)
    }
}

/// The records of a document, in order.
pub(crate) fn doc_records(view: &impl View, scope: Scope, doc: DocId) -> StoreResult<Vec<Record>> {
    let tail = view.tail(scope, doc);
    let mut records = Vec::new();
    for (number, first) in Places::load(view, scope, doc)?.0 {
        if first as usize != records.len() {
            return Err(damaged(Table::Docs));
        }
        match tail {
            Some(tail) if tail.number == Some(number) => records.append(&mut tail.pack()?.records()?),
            _ => records.append(&mut pack(view, scope, number)?.records()?),
        }
    }
    Ok(records)
}

/// One record of a document.
pub(crate) fn record(view: &impl View, scope: Scope, doc: DocId, index: u32) -> StoreResult<Record> {
    if let Some(tail) = view.tail(scope, doc)
        && index >= tail.first
    {
        return tail.pack()?.record(index - tail.first);
    }
    let places = Places::load(view, scope, doc)?.0;
    let place = places.iter().rev().find(|(_, first)| *first <= index);
    let (number, first) = place.ok_or_else(|| damaged(Table::Docs))?;
    pack(view, scope, *number)?.record(index - first)
}

/// The last pack of a document as it is stored; empty for a new document.
pub(crate) fn stored_tail(view: &impl View, scope: Scope, doc: DocId) -> StoreResult<Tail> {
    let Some((number, first)) = Places::load(view, scope, doc)?.0.pop() else { return Ok(Tail::default()) };
    let stored = StoredPack::parse(value_of(view, scope, number)?)?;
    Ok(Tail { number: Some(number), first, stored, added: Pack::default() })
}

fn pack(view: &impl View, scope: Scope, number: u32) -> StoreResult<Pack> {
    StoredPack::parse(value_of(view, scope, number)?)?.inflate()
}

fn value_of(view: &impl View, scope: Scope, number: u32) -> StoreResult<Vec<u8>> {
    view.get(Table::Packs, &key!(scope, number))?.ok_or_else(|| damaged(Table::Packs))
}

/// Deflates bytes of known origin with their size in front.
pub(crate) fn deflate_bytes(compressor: &mut Compressor<'static>, bytes: &[u8]) -> Vec<u8> {
    let size = u32::try_from(bytes.len()).expect("a page is far smaller");
    let deflated = compressor.compress(bytes).expect("the output has room for the bound");
    [size.to_be_bytes().as_slice(), &deflated].concat()
}

/// Reads what [`deflate_bytes`] made.
pub(crate) fn inflate_bytes(table: Table, value: &[u8]) -> StoreResult<Vec<u8>> {
    let (size, deflated) = value.split_first_chunk::<4>().ok_or_else(|| damaged(table))?;
    let size = u32::from_be_bytes(exact(table, size)?) as usize;
    if size > assist_proto::limits::PAGE_INFLATED_BYTES_MAX {
        return Err(damaged(table));
    }
    inflate(table, deflated, size)
}

fn inflate(table: Table, deflated: &[u8], size: usize) -> StoreResult<Vec<u8>> {
    thread_local! {
        // Making one costs more than inflating a pack.
        static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
    }
    DECOMPRESSOR.with_borrow_mut(|slot| {
        let decompressor = match slot {
            Some(decompressor) => decompressor,
            None => slot.insert(
                Decompressor::with_dictionary(DICTIONARY).map_err(|error| StoreError::Io(error.into()))?,
            ),
        };
        let bytes = decompressor.decompress(deflated, size).map_err(|_| damaged(table))?;
        if bytes.len() == size { Ok(bytes) } else { Err(damaged(table)) }
    })
}

fn split_record(raw: &[u8]) -> StoreResult<(&[u8], &[u8])> {
    let (length, rest) = raw.split_first_chunk::<4>().ok_or_else(|| damaged(Table::Packs))?;
    rest.split_at_checked(u32::from_be_bytes(*length) as usize).ok_or_else(|| damaged(Table::Packs))
}

const HEADER_SIZE: usize = 8;
