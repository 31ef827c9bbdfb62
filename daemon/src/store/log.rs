//! The server's log: which record stands at which place, and which places a member who is not of the team may see.
//!
//! Places are written in blocks, because a row of the engine costs more than what it says of a record.
//! A block of the log has [`BLOCK`] places, 21 bytes each, without gaps. A block of a customer's log has the
//! offsets (2 bytes each) of the places that they may see among [`CUSTOMER_BLOCK`].
//!
//! A place without a record says that its one reader may see the document from there on, or no longer: in place of an
//! index it has [`GRANTED`] or [`REVOKED`]. Who that is tells the block of a customer's log that names the place.
//! [`LOST`] and [`WHOLE`] tell of damage and of its end; they, and what is put back, are the only things for which a
//! place is written again.

use std::ops::ControlFlow;

use assist_crdt_model::{DocId, UserId};
use assist_proto::store::{EntryKind, LogEntry, Seq, StoreResult, Visibility};

use super::tables::{KeyPart as _, Span, Table, key};
use super::turn::Turn;
use super::view::{Order, View, damaged, key_end};

/// Places in a block of the log: 1.3 KB, so that one more record does not write a whole page again.
pub(crate) const BLOCK: u64 = 64;
/// Places in a block of a customer's log: at most 2 KB.
pub(crate) const CUSTOMER_BLOCK: u64 = 1024;
/// Bytes of a place: document and index.
const PLACE_SIZE: usize = DocId::SIZE + 4;
/// In place of an index: the reader may see the document from here on. No document has as many records.
const GRANTED: u32 = u32::MAX;
/// In place of an index: the reader may not see the document any more.
const REVOKED: u32 = u32::MAX - 1;
/// In place of an index: the record cannot be read any more.
const LOST: u32 = u32::MAX - 2;
/// In place of an index: the document, of which something was lost, is whole from here on.
const WHOLE: u32 = u32::MAX - 3;

/// The newest place.
pub(crate) fn head(view: &impl View) -> StoreResult<Seq> {
    let Some((key, block)) = view.last(Table::Log, &Span::prefix(Vec::new()))? else {
        return Ok(Seq::ZERO);
    };
    let number = u64::from_be_bytes(key_end(Table::Log, &key)?);
    Ok(Seq(number * BLOCK + (block.len() / PLACE_SIZE) as u64))
}

/// What stands at a place that is in the log.
pub(crate) fn entry(view: &impl View, seq: Seq) -> StoreResult<LogEntry> {
    let (number, offset) = block_of(seq).ok_or_else(|| damaged(Table::Log))?;
    let block = view.get(Table::Log, &key!(number))?.ok_or_else(|| damaged(Table::Log))?;
    let place = block.chunks_exact(PLACE_SIZE).nth(offset).ok_or_else(|| damaged(Table::Log))?;
    decode(seq, place)
}

/// Places behind `after`, oldest first, at most `limit`.
pub(crate) fn after(view: &impl View, after: Seq, limit: usize) -> StoreResult<Vec<LogEntry>> {
    let mut entries = Vec::new();
    let Some((first, mut skipped)) = block_of(after.next()) else { return Ok(entries) };
    if limit == 0 {
        return Ok(entries);
    }
    let mut expected = first;
    let span = Span { start: key!(first), end: None };
    view.scan(Table::Log, &span, Order::Ascending, &mut |key, block| {
        // The log has no gaps: one that is read is damage that no seal can show.
        if u64::from_be_bytes(key_end(Table::Log, key)?) != expected || skipped > block.len() / PLACE_SIZE {
            return Err(damaged(Table::Log));
        }
        for place in block.chunks_exact(PLACE_SIZE).skip(skipped) {
            if entries.len() == limit {
                return Ok(ControlFlow::Break(()));
            }
            entries.push(decode(Seq(after.0 + 1 + entries.len() as u64), place)?);
        }
        (expected, skipped) = (expected + 1, 0);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(entries)
}

/// Places behind `after` that a customer may see, oldest first, at most `limit`.
pub(crate) fn after_for(
    view: &impl View,
    user: UserId,
    after: Seq,
    limit: usize,
) -> StoreResult<Vec<LogEntry>> {
    let mut seqs = Vec::new();
    if limit == 0 {
        return Ok(Vec::new());
    }
    let span = Span::prefix_from(&key!(user), key!(user, after.0 / CUSTOMER_BLOCK));
    view.scan(Table::LogOf, &span, Order::Ascending, &mut |key, block| {
        let first = u64::from_be_bytes(key_end(Table::LogOf, key)?) * CUSTOMER_BLOCK;
        for offset in block.chunks_exact(2) {
            let seq = Seq(first + u64::from(u16::from_be_bytes([offset[0], offset[1]])));
            if seq > after {
                seqs.push(seq);
            }
            if seqs.len() == limit {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    })?;
    seqs.into_iter().map(|seq| entry(view, seq)).collect()
}

impl Turn {
    /// Writes the next place of the log.
    pub(crate) fn push_place(&mut self, entry: LogEntry) -> StoreResult<()> {
        let (number, offset) = block_of(entry.seq).ok_or_else(|| damaged(Table::Log))?;
        let key = key!(number);
        let mut block = self.get(Table::Log, &key)?.unwrap_or_default();
        if block.len() != offset * PLACE_SIZE {
            return Err(damaged(Table::Log));
        }
        encode(entry, &mut block);
        self.put(Table::Log, key, block);
        Ok(())
    }

    /// Says something else of a place that the log has.
    pub(crate) fn put_place(&mut self, entry: LogEntry) -> StoreResult<()> {
        let (number, offset) = block_of(entry.seq).ok_or_else(|| damaged(Table::Log))?;
        let key = key!(number);
        let mut block = self.get(Table::Log, &key)?.ok_or_else(|| damaged(Table::Log))?;
        let mut place = Vec::with_capacity(PLACE_SIZE);
        encode(entry, &mut place);
        let there = block.chunks_exact_mut(PLACE_SIZE).nth(offset).ok_or_else(|| damaged(Table::Log))?;
        there.copy_from_slice(&place);
        self.put(Table::Log, key, block);
        Ok(())
    }

    /// Lets a customer see the next place of the log.
    pub(crate) fn show_place(&mut self, user: UserId, seq: Seq) -> StoreResult<()> {
        let key = key!(user, seq.0 / CUSTOMER_BLOCK);
        let mut block = self.get(Table::LogOf, &key)?.unwrap_or_default();
        let offset = (seq.0 % CUSTOMER_BLOCK).to_be_bytes();
        block.extend_from_slice(&offset[6..]);
        self.put(Table::LogOf, key, block);
        Ok(())
    }
}

/// The block of a place, and the place's offset in it. The first place is 1.
fn block_of(seq: Seq) -> Option<(u64, usize)> {
    let index = seq.0.checked_sub(1)?;
    Some((index / BLOCK, usize::try_from(index % BLOCK).ok()?))
}

fn encode(entry: LogEntry, block: &mut Vec<u8>) {
    entry.doc.write(block);
    let index = match entry.kind {
        EntryKind::Record { index } => index,
        EntryKind::Visibility(Visibility::Granted) => GRANTED,
        EntryKind::Visibility(Visibility::Revoked) => REVOKED,
        EntryKind::Lost => LOST,
        EntryKind::Whole => WHOLE,
    };
    index.write(block);
}

fn decode(seq: Seq, place: &[u8]) -> StoreResult<LogEntry> {
    let entry = place.split_last_chunk::<4>().and_then(|(doc, index)| {
        let kind = match u32::from_be_bytes(*index) {
            GRANTED => EntryKind::Visibility(Visibility::Granted),
            REVOKED => EntryKind::Visibility(Visibility::Revoked),
            LOST => EntryKind::Lost,
            WHOLE => EntryKind::Whole,
            index => EntryKind::Record { index },
        };
        Some(LogEntry { seq, doc: DocId::from_slice(doc)?, kind })
    });
    entry.ok_or_else(|| damaged(Table::Log))
}
