//! Packs: the records of a document, several in one value.
//!
//! Records of one document repeat each other (device, actor, dependencies, words), so they are deflated together.
//! A pack is open until it holds [`PACK_BYTES`]; only the last pack of a document is ever written again.
//!
//! Value: count of records (4), bytes before deflation (4), then zstd of: for each record its length (4) and its
//! CBOR.

use std::cell::RefCell;
use std::ops::ControlFlow;

use assist_crdt_model::DocId;
use assist_proto::store::{Record, StoreError, StoreResult};
use assist_proto::wire::codec;
use zstd::bulk::{Compressor, Decompressor};

use super::tables::{Scope, Span, Table, key};
use super::view::{Order, View, cbor, damaged, exact, key_end};

/// Bytes before deflation after which a new pack begins: about twenty comments. A comment more costs writing at
/// most this again; one record read costs inflating at most this.
pub(crate) const PACK_BYTES: usize = 16 * 1024;
/// The fastest level: the next three save 2 % of a pack and cost twice the time.
pub(crate) const PACK_LEVEL: i32 = 1;
/// No pack of ours inflates to more: one record above [`PACK_BYTES`], and a record is at most a frame.
const PACK_BYTES_MAX: usize = PACK_BYTES + assist_proto::limits::FRAME_BYTES_MAX + 4096;

/// Records that follow each other, as they are in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Pack {
    count: u32,
    raw: Vec<u8>,
}

/// The last pack of a document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tail {
    /// Index of its first record in the document.
    pub(crate) first: u32,
    /// The records.
    pub(crate) pack: Pack,
}

impl Tail {
    /// The index that the next record gets.
    pub(crate) fn next_index(&self) -> u32 {
        self.first + self.pack.count
    }
}

impl Pack {
    /// Whether the next record belongs into a new pack.
    pub(crate) fn is_full(&self) -> bool {
        self.raw.len() >= PACK_BYTES
    }

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
        let raw_size = u32::try_from(self.raw.len()).expect("a pack has at most a few frames");
        let mut value = Vec::with_capacity(HEADER_SIZE + zstd::zstd_safe::compress_bound(self.raw.len()));
        value.extend_from_slice(&self.count.to_be_bytes());
        value.extend_from_slice(&raw_size.to_be_bytes());
        let deflated = compressor.compress(&self.raw).expect("the output has room for the bound");
        value.extend_from_slice(&deflated);
        value
    }

    /// Reads the value.
    pub(crate) fn inflate(value: &[u8]) -> StoreResult<Self> {
        let (count, rest) = value.split_first_chunk::<4>().ok_or_else(|| damaged(Table::Packs))?;
        let (raw_size, deflated) = rest.split_first_chunk::<4>().ok_or_else(|| damaged(Table::Packs))?;
        let raw_size = u32::from_be_bytes(*raw_size) as usize;
        if raw_size > PACK_BYTES_MAX {
            return Err(damaged(Table::Packs));
        }
        Ok(Self { count: u32::from_be_bytes(*count), raw: inflate(Table::Packs, deflated, raw_size)? })
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
    let span = Span {
        start: key!(scope, doc),
        end: match tail {
            Some(tail) => Some(key!(scope, doc, tail.first)),
            None => Span::prefix(key!(scope, doc)).end,
        },
    };
    view.scan(Table::Packs, &span, Order::Ascending, &mut |key, value| {
        let first = u32::from_be_bytes(key_end(Table::Packs, key)?);
        if first as usize != records.len() {
            return Err(damaged(Table::Packs));
        }
        records.append(&mut Pack::inflate(value)?.records()?);
        Ok(ControlFlow::Continue(()))
    })?;
    if let Some(tail) = tail {
        if tail.first as usize != records.len() {
            return Err(damaged(Table::Packs));
        }
        records.append(&mut tail.pack.records()?);
    }
    Ok(records)
}

/// One record of a document.
pub(crate) fn record(view: &impl View, scope: Scope, doc: DocId, index: u32) -> StoreResult<Record> {
    if let Some(tail) = view.tail(scope, doc)
        && index >= tail.first
    {
        return tail.pack.record(index - tail.first);
    }
    let span = Span { start: key!(scope, doc), end: Some(key!(scope, doc, index + 1)) };
    let (key, value) = view.last(Table::Packs, &span)?.ok_or_else(|| damaged(Table::Packs))?;
    let first = u32::from_be_bytes(key_end(Table::Packs, &key)?);
    Pack::inflate(&value)?.record(index - first)
}

/// The last pack of a document as it is stored; empty for a new document.
pub(crate) fn stored_tail(view: &impl View, scope: Scope, doc: DocId) -> StoreResult<Tail> {
    let Some((key, value)) = view.last(Table::Packs, &Span::prefix(key!(scope, doc)))? else {
        return Ok(Tail::default());
    };
    let first = u32::from_be_bytes(key_end(Table::Packs, &key)?);
    Ok(Tail { first, pack: Pack::inflate(&value)? })
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
            None => slot.insert(Decompressor::new().map_err(|error| StoreError::Io(error.into()))?),
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
