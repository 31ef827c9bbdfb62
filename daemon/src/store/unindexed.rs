//! What the search index does not have yet: tickets of which something was written since, and projects that were
//! left. Noted in the turn that wrote it, so that no crash forgets a ticket; taken away when the index has it.
//!
//! The index itself is no business of the store. It keeps which index it believes, and how far that has come.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use assist_crdt_model::{Doc, DocId, ProjectId, TicketId};
use assist_proto::search::TicketText;
use assist_proto::store::{StoreError, StoreResult};

use super::device::{DeviceReads as _, entry_of};
use super::packs;
use super::reader::Reader;
use super::tables::{Counter, SCOPE_SIZE, Scope, Span, Table, key};
use super::turn::Turn;
use super::view::{Order, View as _, damaged, exact, key_end};

/// A ticket as the index knows it: the number of its project in this store, and its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TextKey {
    pub(crate) scope: u16,
    pub(crate) ticket: TicketId,
}

/// What the index does not have yet, each with the number of the last change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Unindexed {
    /// Tickets that were written, or are not here any more.
    pub(crate) tickets: BTreeMap<TextKey, u64>,
    /// Projects of which nothing is here any more.
    pub(crate) left: BTreeMap<u16, u64>,
}

/// Which index a store believes: another one, or one of another time, is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IndexState {
    /// Drawn when the index was made.
    pub(crate) id: [u8; 16],
    /// Rises with everything that the index takes over.
    pub(crate) number: u64,
}

impl Unindexed {
    pub(crate) fn is_empty(&self) -> bool {
        self.tickets.is_empty() && self.left.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.tickets.len() + self.left.len()
    }
}

impl Reader {
    /// What the index does not have yet.
    pub(crate) fn unindexed(&self) -> StoreResult<Unindexed> {
        let table = Table::Unindexed;
        let mut found = Unindexed::default();
        self.scan(table, &Span::prefix(Vec::new()), Order::Ascending, &mut |key, value| {
            let change = u64::from_be_bytes(exact(table, value)?);
            let (scope, ticket) = key.split_first_chunk::<SCOPE_SIZE>().ok_or_else(|| damaged(table))?;
            let scope = u16::from_be_bytes(*scope);
            match TicketId::from_slice(ticket) {
                Some(ticket) => {
                    found.tickets.insert(TextKey { scope, ticket }, change);
                }
                None => {
                    found.left.insert(scope, change);
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }

    /// Which index is believed.
    pub(crate) fn index_state(&self) -> StoreResult<Option<IndexState>> {
        let Some(value) = self.get(Table::Meta, INDEX_KEY)? else { return Ok(None) };
        let bytes: [u8; 24] = exact(Table::Meta, &value)?;
        let (id, number) = bytes.split_first_chunk().ok_or_else(|| damaged(Table::Meta))?;
        Ok(Some(IndexState { id: *id, number: u64::from_be_bytes(exact(Table::Meta, number)?) }))
    }

    /// The projects by their numbers.
    pub(crate) fn projects_by_scope(&self) -> StoreResult<BTreeMap<u16, ProjectId>> {
        let table = Table::Scopes;
        let all = self.collect(table, &Span::prefix(Vec::new()), usize::MAX, |key, value| {
            Ok((Scope::decode(value)?.0, ProjectId::from_bytes(key_end(table, key)?)))
        })?;
        Ok(all.into_iter().collect())
    }

    /// Tickets of all projects behind one, in the order of their keys.
    pub(crate) fn text_keys_after(&self, after: Option<TextKey>, limit: usize) -> StoreResult<Vec<TextKey>> {
        let mut span = Span::prefix(Vec::new());
        if let Some(TextKey { scope, ticket }) = after {
            span.start = key!(Scope(scope), ticket);
            span.start.push(0);
        }
        let mut found = Vec::new();
        self.scan_keys(Table::Rows, &span, Order::Ascending, &mut |key, _| {
            let (scope, ticket) =
                key.split_first_chunk::<SCOPE_SIZE>().ok_or_else(|| damaged(Table::Rows))?;
            let ticket = TicketId::from_slice(ticket).ok_or_else(|| damaged(Table::Rows))?;
            found.push(TextKey { scope: u16::from_be_bytes(*scope), ticket });
            Ok(if found.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })?;
        Ok(found)
    }

    /// What of a ticket can be found; `None` if it is not to be seen. Of a document that did not pass the gate yet, or
    /// cannot be read, it is what the row tells.
    pub(crate) fn text_of(&self, project: &ProjectId, key: TextKey) -> StoreResult<Option<TicketText>> {
        let Some(row) = entry_of(self, Scope(key.scope), key.ticket)?.row else { return Ok(None) };
        let read = |doc: DocId| match self.loaded(project, doc) {
            Err(StoreError::Damaged { what } | StoreError::DamagedDoc { what, .. }) => {
                tracing::error!(?doc, %what, "a document cannot be searched");
                Ok(None)
            }
            read => read,
        };
        let ticket = read(DocId::Ticket(key.ticket))?.and_then(|doc| doc.ticket());
        let Some(ticket) = ticket else { return Ok(Some(TicketText::of_title(&row.title))) };
        let notes = read(DocId::Notes(key.ticket))?.and_then(|doc| doc.notes());
        Ok(Some(TicketText::new(&ticket, &notes.unwrap_or_default())))
    }

    fn loaded(&self, project: &ProjectId, doc: DocId) -> StoreResult<Option<Doc>> {
        let Some(scope) = self.scope(project)? else { return Ok(None) };
        let records = packs::doc_records(self, scope, doc)?;
        let waiting = self.outbox_of_doc(project, doc)?;
        if records.is_empty() && waiting.is_empty() {
            return Ok(None);
        }
        let admitted = records.iter().map(|record| record.envelope.change.as_slice());
        let changes = admitted.chain(waiting.iter().map(|(_, entry)| entry.envelope.change.as_slice()));
        match Doc::load(doc, changes) {
            Ok(doc) => Ok(Some(doc)),
            Err(error) => Err(StoreError::Damaged { what: error.to_string() }),
        }
    }
}

impl Turn {
    /// Notes that what of a ticket can be found has changed.
    pub(super) fn note_unindexed(&mut self, scope: Scope, ticket: TicketId) -> StoreResult<()> {
        let change = self.next_text_change()?;
        self.put(Table::Unindexed, key!(scope, ticket), change.to_be_bytes().to_vec());
        Ok(())
    }

    /// Notes that nothing of a project is here any more.
    pub(super) fn note_left(&mut self, scope: Scope) -> StoreResult<()> {
        let change = self.next_text_change()?;
        self.clear(Table::Unindexed, Span::prefix(key!(scope)));
        self.put(Table::Unindexed, key!(scope), change.to_be_bytes().to_vec());
        Ok(())
    }

    fn next_text_change(&mut self) -> StoreResult<u64> {
        self.count_up(key!(Scope::SERVER, Counter::TextChanges))
    }

    /// The index has these now, and is believed in this state.
    pub(crate) fn put_indexed(&mut self, state: IndexState, taken: &Unindexed) -> StoreResult<()> {
        let tickets = taken.tickets.iter().map(|(key, change)| (key!(Scope(key.scope), key.ticket), *change));
        let left = taken.left.iter().map(|(scope, change)| (key!(Scope(*scope)), *change));
        for (key, change) in tickets.chain(left).collect::<Vec<_>>() {
            // Written again meanwhile: that is not in the index.
            if self.get(Table::Unindexed, &key)?.is_some_and(|now| now == change.to_be_bytes()) {
                self.remove(Table::Unindexed, key);
            }
        }
        let value = [state.id.as_slice(), &state.number.to_be_bytes()].concat();
        self.put(Table::Meta, INDEX_KEY.to_vec(), value);
        Ok(())
    }
}

/// The key of [`Table::Meta`] that tells which search index is believed.
const INDEX_KEY: &[u8] = b"search";
