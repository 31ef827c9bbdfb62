//! What is visible and not in the engine's file yet: two layers over it.

use std::sync::Arc;

use assist_proto::store::StoreResult;

use super::overlay::{Known, Overlay};
use super::tables::{Span, Table};
use super::view::{Order, Visit};

/// Both layers. A clone is a snapshot of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pending {
    /// What is on its way to the file, or did not get there; empty while nothing is.
    moving: Arc<Overlay>,
    /// What was written since that set out.
    newer: Arc<Overlay>,
}

impl Pending {
    /// What only a journal had when the store was opened.
    pub(crate) fn new(unapplied: Overlay) -> Self {
        Self { newer: Arc::new(unapplied), ..Self::default() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.is_moving() && self.newer.is_empty()
    }

    pub(crate) fn is_moving(&self) -> bool {
        !self.moving.is_empty()
    }

    /// Takes over the changes of a turn.
    pub(crate) fn absorb(&mut self, overlay: Overlay) {
        Arc::make_mut(&mut self.newer).absorb(overlay);
    }

    /// Lets everything set out, behind what has arrived, and gives it.
    pub(crate) fn set_out(&mut self) -> Arc<Overlay> {
        debug_assert!(!self.is_moving(), "one at a time");
        self.moving = std::mem::take(&mut self.newer);
        Arc::clone(&self.moving)
    }

    /// What set out is in the file.
    pub(crate) fn arrive(&mut self) {
        self.moving = Arc::default();
    }

    /// Both layers in one.
    pub(crate) fn all(&self) -> Arc<Overlay> {
        if !self.is_moving() {
            return Arc::clone(&self.newer);
        }
        let mut all = Overlay::clone(&self.moving);
        all.absorb(Overlay::clone(&self.newer));
        Arc::new(all)
    }

    pub(crate) fn get(&self, table: Table, key: &[u8]) -> Known<'_> {
        match self.newer.get(table, key) {
            Known::Untouched => self.moving.get(table, key),
            written @ Known::Written(_) => written,
        }
    }

    /// Scans what lies below as it will be.
    pub(crate) fn scan(
        &self,
        table: Table,
        span: &Span,
        order: Order,
        visit: &mut Visit<'_>,
        below: impl FnOnce(&mut Visit<'_>) -> StoreResult<()>,
    ) -> StoreResult<()> {
        let moving = |visit: &mut Visit<'_>| self.moving.scan(table, span, order, visit, below);
        self.newer.scan(table, span, order, visit, moving)
    }
}
