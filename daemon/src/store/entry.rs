//! What is kept of a ticket beside its documents, in one value: its row, its mark, and on a server its customers.
//!
//! ```text
//! flags (1): 1 has a row, 2 has a mark
//! count of customers (2), each a user id (16)
//! if marked: position in the order of marks (8, 0 on a device), team (8), customers (8)
//! if there is a row: its bytes (row_codec)
//! ```

use assist_crdt_model::{TicketId, UserId};
use assist_proto::store::{Mark, Seq, StoreResult, TicketRow};

use super::row_codec::{self, RowBytes};
use super::tables::Table;
use super::turn::Turn;
use super::view::{View, damaged};

/// A ticket's entry, in [`Table::Tickets`] or [`Table::Rows`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) customers: Vec<UserId>,
    pub(crate) mark: Option<PlacedMark>,
    pub(crate) row: Option<TicketRow>,
}

/// A mark with its place among all marks of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PlacedMark {
    pub(crate) position: u64,
    pub(crate) mark: Mark,
}

impl Entry {
    /// The entry of a ticket; an empty one if there is none.
    pub(crate) fn load(view: &impl View, table: Table, key: &[u8], ticket: TicketId) -> StoreResult<Self> {
        match view.get(table, key)? {
            Some(value) => Self::decode(table, ticket, &value),
            None => Ok(Self::default()),
        }
    }

    fn decode(table: Table, ticket: TicketId, value: &[u8]) -> StoreResult<Self> {
        let parts = Parts::new(value).ok_or_else(|| damaged(table))?;
        let customers = parts.customers.chunks_exact(UserId::SIZE).filter_map(UserId::from_slice).collect();
        let number = |bytes: &[u8]| u64::from_be_bytes(bytes.try_into().expect("the chunks have 8 bytes"));
        let mark = parts.mark.map(|bytes| {
            let (position, sides) = bytes.split_at(8);
            let (team, customers) = sides.split_at(8);
            let mark = Mark { ticket, team: Seq(number(team)), customers: Seq(number(customers)) };
            PlacedMark { position: number(position), mark }
        });
        let row = parts.row.map(|bytes| RowBytes::new(table, bytes)?.decode(ticket)).transpose()?;
        Ok(Self { customers, mark, row })
    }

    fn encode(&self) -> Vec<u8> {
        let flags =
            if self.row.is_some() { HAS_ROW } else { 0 } | if self.mark.is_some() { HAS_MARK } else { 0 };
        let count = u16::try_from(self.customers.len()).expect("put_customer_of bounds the count");
        let mut value = vec![flags];
        value.extend_from_slice(&count.to_be_bytes());
        for user in &self.customers {
            value.extend_from_slice(user.as_bytes());
        }
        if let Some(PlacedMark { position, mark }) = self.mark {
            value.extend_from_slice(&position.to_be_bytes());
            value.extend_from_slice(&mark.team.0.to_be_bytes());
            value.extend_from_slice(&mark.customers.0.to_be_bytes());
        }
        if let Some(row) = &self.row {
            row_codec::encode(row, &mut value);
        }
        value
    }
}

/// The row in the value of an entry, not taken apart.
pub(crate) fn row_bytes(table: Table, value: &[u8]) -> StoreResult<Option<RowBytes<'_>>> {
    let parts = Parts::new(value).ok_or_else(|| damaged(table))?;
    parts.row.map(|bytes| RowBytes::new(table, bytes)).transpose()
}

impl Turn {
    /// Writes an entry; an empty one is taken away.
    pub(crate) fn put_entry(&mut self, table: Table, key: Vec<u8>, entry: &Entry) {
        if *entry == Entry::default() {
            self.remove(table, key);
        } else {
            self.put(table, key, entry.encode());
        }
    }
}

/// The parts of a value.
struct Parts<'a> {
    customers: &'a [u8],
    mark: Option<&'a [u8]>,
    row: Option<&'a [u8]>,
}

impl<'a> Parts<'a> {
    fn new(value: &'a [u8]) -> Option<Self> {
        let (flags, rest) = value.split_first()?;
        let (count, rest) = rest.split_first_chunk::<2>()?;
        let (customers, mut rest) =
            rest.split_at_checked(usize::from(u16::from_be_bytes(*count)) * UserId::SIZE)?;
        let mut mark = None;
        if flags & HAS_MARK != 0 {
            let (bytes, behind) = rest.split_at_checked(MARK_SIZE)?;
            (mark, rest) = (Some(bytes), behind);
        }
        Some(Self { customers, mark, row: (flags & HAS_ROW != 0).then_some(rest) })
    }
}

const HAS_ROW: u8 = 1;
const HAS_MARK: u8 = 2;
const MARK_SIZE: usize = 24;
/// Customers of one ticket: their ids stay within a few pages.
pub(crate) const CUSTOMERS_MAX: usize = 1_000;
