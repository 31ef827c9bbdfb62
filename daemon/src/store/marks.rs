//! The bytes of a delivery mark: position in the order of marks (8), team (8), customers (8).

use assist_crdt_model::TicketId;
use assist_proto::store::{Mark, Seq, StoreResult};

use super::tables::{Scope, Table, key};
use super::view::{View, exact};

/// A mark with its place among all marks of a server; on a device the place is 0.
pub(crate) struct PlacedMark {
    pub(crate) position: u64,
    pub(crate) mark: Mark,
}

/// The mark of a ticket.
pub(crate) fn get(view: &impl View, scope: Scope, ticket: TicketId) -> StoreResult<Option<PlacedMark>> {
    let Some(bytes) = view.get(Table::Marks, &key!(scope, ticket))? else { return Ok(None) };
    let bytes: [u8; 24] = exact(Table::Marks, &bytes)?;
    let number = |at: usize| {
        u64::from_be_bytes(*bytes[at..].first_chunk().expect("the offsets are within the 24 bytes"))
    };
    let mark = Mark { ticket, team: Seq(number(8)), customers: Seq(number(16)) };
    Ok(Some(PlacedMark { position: number(0), mark }))
}

/// Makes the value.
pub(crate) fn encode(position: u64, mark: &Mark) -> Vec<u8> {
    [position.to_be_bytes(), mark.team.0.to_be_bytes(), mark.customers.0.to_be_bytes()].concat()
}
