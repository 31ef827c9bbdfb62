//! What of a server's documents cannot be read any more: set aside, and put back by those who have it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use assist_crdt_model::{DocId, UnixMillis, UserId};
use assist_proto::store::{EntryKind, LogEntry, Record, Seq, StoreError, StoreResult};

use super::log;
use super::packs::{Places, Split};
use super::tables::{Counter, Scope, Span, Table, key};
use super::turn::Turn;
use super::view::{Order, View, damaged, exact, key_end};

/// When the record at a lost place was admitted.
pub(crate) fn at(view: &impl View, doc: DocId, seq: Seq) -> StoreResult<Option<UnixMillis>> {
    let at = view.get(Table::Lost, &key!(doc, seq))?;
    at.map(|at| Ok(UnixMillis(u64::from_be_bytes(exact(Table::Lost, &at)?)))).transpose()
}

/// Whether anything of a document is lost.
pub(crate) fn is_any(view: &impl View, doc: DocId) -> StoreResult<bool> {
    let mut is_any = false;
    view.scan_keys(Table::Lost, &Span::prefix(key!(doc)), Order::Ascending, &mut |_, _| {
        is_any = true;
        Ok(ControlFlow::Break(()))
    })?;
    Ok(is_any)
}

/// Every document that was ever damaged: the place where it was whole again, or `None` while something is lost.
pub(crate) fn mending(view: &impl View) -> StoreResult<BTreeMap<DocId, Option<Seq>>> {
    let mut mending = BTreeMap::new();
    let all = Span::prefix(Vec::new());
    view.scan(Table::Whole, &all, Order::Ascending, &mut |key, value| {
        let seq = Seq(u64::from_be_bytes(exact(Table::Whole, value)?));
        mending.insert(doc_of(Table::Whole, key)?, Some(seq));
        Ok(ControlFlow::Continue(()))
    })?;
    view.scan_keys(Table::Lost, &all, Order::Ascending, &mut |key, _| {
        mending.insert(doc_of(Table::Lost, key)?, None);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(mending)
}

fn doc_of(table: Table, key: &[u8]) -> StoreResult<DocId> {
    key.get(..DocId::SIZE).and_then(DocId::from_slice).ok_or_else(|| damaged(table))
}

/// The keys of packs that were set aside.
pub(crate) fn packs_aside(view: &impl View) -> StoreResult<BTreeSet<Vec<u8>>> {
    let mut keys = BTreeSet::new();
    view.scan_keys(Table::SetAside, &Span::prefix(Vec::new()), Order::Ascending, &mut |key, _| {
        let number = u32::from_be_bytes(key_end(Table::SetAside, key)?);
        keys.insert(key!(Scope::SERVER, number));
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(keys)
}

impl Turn {
    /// Takes what cannot be read out of a document of the server, and gives its places. The packs stay, for people who
    /// look into what went wrong, until the document is whole.
    pub(crate) fn set_doc_aside(&mut self, doc: DocId) -> StoreResult<Vec<Seq>> {
        let split = Places::split_damaged(self, Scope::SERVER, doc)?;
        let (whole, next, behind) = match split {
            Some(Split { behind, .. }) if behind.is_empty() => return Ok(Vec::new()),
            Some(Split { whole, next, behind }) => (whole, next, behind),
            None => (Places::default(), 0, Vec::new()),
        };
        for number in behind {
            self.put(Table::SetAside, key!(doc, number), Vec::new());
        }
        if whole.is_empty() {
            self.remove(Table::Docs, key!(Scope::SERVER, doc));
            self.count_down(key!(Scope::SERVER, Counter::Documents))?;
        } else {
            self.put(Table::Docs, key!(Scope::SERVER, doc), whole.encode());
        }
        let mut places = Vec::new();
        let mut last = Seq::ZERO;
        loop {
            let entries = log::after(self, last, PLACES_AT_ONCE)?;
            let Some(end) = entries.last() else { return Ok(places) };
            last = end.seq;
            let is_gone = |entry: &&LogEntry| {
                entry.doc == doc && matches!(entry.kind, EntryKind::Record { index } if index >= next)
            };
            for entry in entries.iter().filter(is_gone) {
                self.put_place(LogEntry { kind: EntryKind::Lost, ..*entry })?;
                places.push(entry.seq);
            }
        }
    }

    /// Puts a record back at its place.
    pub(crate) fn put_record_back(&mut self, record: &Record) -> StoreResult<()> {
        let (seq, doc) = (record.seq, record.envelope.doc);
        let entry = log::entry(self, seq)?;
        if entry.doc != doc || entry.kind != EntryKind::Lost {
            return Err(StoreError::Damaged { what: "place of a lost record".to_owned() });
        }
        let index = self.push_record(Scope::SERVER, record)?;
        self.put_place(LogEntry { kind: EntryKind::Record { index }, ..entry })?;
        self.remove(Table::Lost, key!(doc, seq));
        if !is_any(self, doc)? {
            self.drop_set_aside(doc)?;
        }
        Ok(())
    }

    /// The document is whole: what could not be read of it is of no use any more.
    fn drop_set_aside(&mut self, doc: DocId) -> StoreResult<()> {
        let span = Span::prefix(key!(doc));
        let numbers = self.collect(Table::SetAside, &span, usize::MAX, |key, _| {
            Ok(u32::from_be_bytes(key_end(Table::SetAside, key)?))
        })?;
        for number in numbers {
            self.remove(Table::Packs, key!(Scope::SERVER, number));
            self.remove(Table::SetAside, key!(doc, number));
        }
        Ok(())
    }

    /// Adds a place that says so, for the team and those who read it beside them.
    pub(crate) fn push_whole(&mut self, seq: Seq, doc: DocId, readers: &[UserId]) -> StoreResult<()> {
        self.push_place(LogEntry { seq, doc, kind: EntryKind::Whole })?;
        self.put(Table::Whole, key!(doc), seq.0.to_be_bytes().to_vec());
        for user in readers {
            self.show_place(*user, seq)?;
        }
        Ok(())
    }
}

/// Places of the log that are looked through together.
const PLACES_AT_ONCE: usize = 1_000;
