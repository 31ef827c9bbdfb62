//! What a device put aside: records that the gate refused although the server had admitted them.
//!
//! They are evidence for people who look into what went wrong, and a hostile server makes as many as it likes: so
//! there is an order in which they go again. Never read by the sync machine.

use std::ops::ControlFlow;

use assist_crdt_model::{DocId, UnixMillis};
use assist_proto::store::{Quarantine, Record, Seq, StoreResult};
use serde::{Deserialize, Serialize};

use super::tables::{Counter, Scope, Span, Table, key};
use super::turn::Turn;
use super::view::{Order, View, damaged, exact, key_end};

/// A record that the gate refused although the server had admitted it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    /// What came.
    pub record: Record,
    /// [`assist_crdt_model::RejectCode::number`].
    pub code: u16,
    /// Why, for people.
    pub detail: String,
}

/// One of them in the order of their arrival.
struct Place {
    position: u64,
    doc: DocId,
    seq: Seq,
    size_bytes: u64,
    put_at: UnixMillis,
}

/// All of a project, by document and place.
pub(crate) fn all(view: &impl View, scope: Scope) -> StoreResult<Vec<Quarantined>> {
    view.collect_cbor(Table::Quarantine, &Span::prefix(key!(scope)))
}

/// How much there is. Costs the same whatever that is.
pub(crate) fn size(view: &impl View, scope: Scope) -> StoreResult<Quarantine> {
    Ok(Quarantine {
        count: view.counter(scope, Counter::Quarantined)?,
        size_bytes: view.counter(scope, Counter::QuarantinedBytes)?,
    })
}

impl Turn {
    /// Adds one behind the others. One of the same document and place stays as it is.
    pub(crate) fn put_aside(
        &mut self,
        scope: Scope,
        quarantined: &Quarantined,
        now: UnixMillis,
    ) -> StoreResult<()> {
        let Record { seq, ref envelope, .. } = quarantined.record;
        let key = key!(scope, envelope.doc, seq);
        if self.contains(Table::Quarantine, &key)? {
            return Ok(());
        }
        self.put_cbor(Table::Quarantine, key, quarantined);
        let position = self.count_up(key!(scope, Counter::NextQuarantined))?;
        let size_bytes = envelope.change.len() as u64;
        let place = key!(envelope.doc, seq, size_bytes, now.0);
        self.put(Table::QuarantineOrder, key!(scope, position), place);
        let Quarantine { count, size_bytes: before } = size(self, scope)?;
        self.put_aside_size(scope, Quarantine { count: count + 1, size_bytes: before + size_bytes });
        Ok(())
    }

    /// Drops the oldest until no more than `most` is left, and nothing of before `since`.
    pub(crate) fn trim_aside(
        &mut self,
        scope: Scope,
        most: Quarantine,
        since: UnixMillis,
    ) -> StoreResult<()> {
        while let Some(place) = first_place(self, scope)?
            && (place.put_at < since || !size(self, scope)?.fits(most))
        {
            self.drop_aside(scope, &place)?;
        }
        Ok(())
    }

    /// Drops all of a document.
    pub(crate) fn remove_aside(&mut self, scope: Scope, doc: DocId) -> StoreResult<()> {
        // Seldom any: the order is looked through only if there are.
        let span = Span::prefix(key!(scope, doc));
        if self.collect(Table::Quarantine, &span, 1, |_, _| Ok(()))?.is_empty() {
            return Ok(());
        }
        let order = Span::prefix(key!(scope));
        let places = self.collect(Table::QuarantineOrder, &order, usize::MAX, Place::read)?;
        for place in places.iter().filter(|place| place.doc == doc) {
            self.drop_aside(scope, place)?;
        }
        Ok(())
    }

    fn drop_aside(&mut self, scope: Scope, place: &Place) -> StoreResult<()> {
        self.remove(Table::QuarantineOrder, key!(scope, place.position));
        self.remove(Table::Quarantine, key!(scope, place.doc, place.seq));
        let Quarantine { count, size_bytes } = size(self, scope)?;
        let size_bytes = size_bytes.saturating_sub(place.size_bytes);
        self.put_aside_size(scope, Quarantine { count: count.saturating_sub(1), size_bytes });
        Ok(())
    }

    fn put_aside_size(&mut self, scope: Scope, size: Quarantine) {
        self.put_counter(key!(scope, Counter::Quarantined), size.count);
        self.put_counter(key!(scope, Counter::QuarantinedBytes), size.size_bytes);
    }
}

fn first_place(view: &impl View, scope: Scope) -> StoreResult<Option<Place>> {
    let mut first = None;
    view.scan(Table::QuarantineOrder, &Span::prefix(key!(scope)), Order::Ascending, &mut |key, value| {
        first = Some(Place::read(key, value)?);
        Ok(ControlFlow::Break(()))
    })?;
    Ok(first)
}

impl Place {
    fn read(key: &[u8], value: &[u8]) -> StoreResult<Self> {
        let table = Table::QuarantineOrder;
        let position = u64::from_be_bytes(key_end(table, key)?);
        let (doc, numbers) = value.split_at_checked(DocId::SIZE).ok_or_else(|| damaged(table))?;
        let numbers: [u8; 24] = exact(table, numbers)?;
        let number = |at: usize| {
            u64::from_be_bytes(*numbers[at..].first_chunk().expect("the places are within three numbers"))
        };
        Ok(Self {
            position,
            doc: DocId::from_slice(doc).ok_or_else(|| damaged(table))?,
            seq: Seq(number(0)),
            size_bytes: number(8),
            put_at: UnixMillis(number(16)),
        })
    }
}
