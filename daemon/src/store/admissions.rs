//! The admission log: entries in blocks, because neighbours repeat each other and a row of the engine costs more than an
//! entry.
//!
//! A block has [`BLOCK`] entries, each behind its length (2), deflated with the size of it all in front (4). Only the
//! last block is ever written again, and only with more entries behind those that it has.

use std::ops::ControlFlow;

use assist_proto::store::StoreResult;

use super::packs::inflate_bytes;
use super::tables::{Span, Table, key};
use super::turn::Turn;
use super::view::{Order, View, damaged, key_end};

/// Entries in a block: 2.6 KB deflated, so that one more entry writes no more than that again.
const BLOCK: u64 = 32;

/// Entries from a number on, at most `limit`.
pub(crate) fn from(view: &impl View, first: u64, limit: usize) -> StoreResult<Vec<Vec<u8>>> {
    let mut entries = Vec::new();
    let Some(index) = first.checked_sub(1).filter(|_| limit > 0) else { return Ok(entries) };
    let (mut expected, mut skipped) = (index / BLOCK, usize_of(index % BLOCK));
    let span = Span { start: key!(expected), end: None };
    view.scan(Table::Admissions, &span, Order::Ascending, &mut |key, block| {
        // The log has no gaps: one that is read is damage that no seal can show.
        if u64::from_be_bytes(key_end(Table::Admissions, key)?) != expected {
            return Err(damaged(Table::Admissions));
        }
        let block = inflate_bytes(Table::Admissions, block)?;
        for entry in split(&block).skip(skipped) {
            entries.push(entry?.to_vec());
            if entries.len() == limit {
                return Ok(ControlFlow::Break(()));
            }
        }
        (expected, skipped) = (expected + 1, 0);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(entries)
}

impl Turn {
    /// Adds entries behind the newest.
    pub(crate) fn push_admissions(&mut self, first: u64, entries: &[Vec<u8>]) -> StoreResult<()> {
        let (mut index, mut block) = self.last_block()?;
        if first != index + 1 {
            return Err(damaged(Table::Admissions));
        }
        let mut rest = entries;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(usize_of(BLOCK - index % BLOCK).min(rest.len()));
            for entry in now {
                let length = u16::try_from(entry.len()).map_err(|_| damaged(Table::Admissions))?;
                block.extend_from_slice(&length.to_be_bytes());
                block.extend_from_slice(entry);
            }
            let deflated = self.deflate(&block);
            self.put(Table::Admissions, key!(index / BLOCK), deflated);
            block.clear();
            (index, rest) = (index + now.len() as u64, later);
        }
        Ok(())
    }

    /// How many entries there are, and those of the last block if it has room for more.
    fn last_block(&self) -> StoreResult<(u64, Vec<u8>)> {
        let Some((key, block)) = self.last(Table::Admissions, &Span::prefix(Vec::new()))? else {
            return Ok((0, Vec::new()));
        };
        let number = u64::from_be_bytes(key_end(Table::Admissions, &key)?);
        let block = inflate_bytes(Table::Admissions, &block)?;
        let count = split(&block).map(|entry| entry.map(|_| 1)).sum::<StoreResult<u64>>()?;
        let is_full = count == BLOCK;
        Ok((number * BLOCK + count, if is_full { Vec::new() } else { block }))
    }
}

#[cfg(test)]
impl Turn {
    /// Takes a block away, as nobody may.
    pub(crate) fn remove_admission_block(&mut self, number: u64) {
        self.remove(Table::Admissions, key!(number));
    }

    /// Writes another block in the place of one, as nobody may.
    pub(crate) fn rewrite_admission_block(&mut self, number: u64, entries: &[Vec<u8>]) {
        let length = |entry: &Vec<u8>| u16::try_from(entry.len()).expect("entries are short").to_be_bytes();
        let block: Vec<u8> = entries.iter().flat_map(|entry| [&length(entry)[..], entry].concat()).collect();
        let block = self.deflate(&block);
        self.put(Table::Admissions, key!(number), block);
    }

    /// Bytes of all blocks, before they are sealed.
    pub(crate) fn admission_bytes(&self) -> usize {
        let all = Span::prefix(Vec::new());
        let sizes = self.collect(Table::Admissions, &all, usize::MAX, |_, block| Ok(block.len()));
        sizes.expect("it is read").into_iter().sum()
    }

    /// Writes another end, as nobody may.
    pub(crate) fn rewrite_admission_head(&mut self, head: &assist_proto::certificate::Signed) {
        self.put_cbor(Table::AdmissionHead, Vec::new(), head);
    }
}

/// The entries of a block.
fn split(mut block: &[u8]) -> impl Iterator<Item = StoreResult<&[u8]>> {
    std::iter::from_fn(move || {
        if block.is_empty() {
            return None;
        }
        let entry = block.split_first_chunk::<2>().and_then(|(length, behind)| {
            let (entry, rest) = behind.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
            block = rest;
            Some(entry)
        });
        if entry.is_none() {
            block = &[];
        }
        Some(entry.ok_or_else(|| damaged(Table::Admissions)))
    })
}

/// Less than [`BLOCK`] or as much.
fn usize_of(count: u64) -> usize {
    usize::try_from(count).expect("a block has few entries")
}
