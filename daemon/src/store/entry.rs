//! What is kept of a ticket beside its documents, in one value: its row, its mark, and on a server its members.
//!
//! ```text
//! flags (1): 1 has a row, 2 has a mark, 4 has an own record, 8 has a record of somebody else, 16 was read,
//!            32 has mentions
//! count of members (2), each a user id (16)
//! if marked: position in the order of marks (8, 0 on a device), team (8), customers (8)
//! if there is an own record: the place of the newest one that the device's user wrote (8)
//! if there is a record of somebody else: the place of the newest one (8)
//! if it was read by the device's user: up to which place (8)
//! if there are mentions of the device's user: the newest place of a comment (8), of a note (8), of a note that was
//!            read (8), each 0 for none
//! if there is a row: its bytes (row_codec)
//! ```

use assist_crdt_model::{TicketId, UserId};
use assist_proto::store::{Mark, Mentions, Seq, StoreResult, TicketRow};

use super::row_codec::{self, Beside, RowBytes};
use super::tables::Table;
use super::turn::Turn;
use super::view::{View, damaged};

/// A ticket's entry, in [`Table::Tickets`] or [`Table::Rows`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) members: Vec<UserId>,
    pub(crate) mark: Option<PlacedMark>,
    pub(crate) own: Option<Seq>,
    pub(crate) others: Option<Seq>,
    pub(crate) read: Option<Seq>,
    pub(crate) mentions: Mentions,
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
        let members = parts.members.chunks_exact(UserId::SIZE).filter_map(UserId::from_slice).collect();
        let number = |bytes: &[u8]| u64::from_be_bytes(bytes.try_into().expect("the chunks have 8 bytes"));
        let mark = parts.mark.map(|bytes| {
            let (position, sides) = bytes.split_at(8);
            let (team, customers) = sides.split_at(8);
            let mark = Mark { ticket, team: Seq(number(team)), customers: Seq(number(customers)) };
            PlacedMark { position: number(position), mark }
        });
        let (own, others, read) = (parts.own.map(seq_of), parts.others.map(seq_of), parts.read.map(seq_of));
        let mentions = parts.mentions();
        let row = parts.row.map(|bytes| RowBytes::new(table, bytes)?.decode(ticket)).transpose()?;
        Ok(Self { members, mark, own, others, read, mentions, row })
    }

    /// Whether somebody else wrote more of the ticket than the device's user has read.
    pub(crate) fn is_unread(&self) -> bool {
        self.row.is_some() && self.others > self.read
    }

    /// Whether the user is mentioned where they have not read.
    pub(crate) fn is_newly_mentioned(&self) -> bool {
        self.row.is_some() && self.mentions.is_new(self.read)
    }

    /// What stands beside the row.
    pub(crate) fn beside(&self) -> Beside {
        Beside {
            is_unread: self.is_unread(),
            is_mentioned: self.mentions.is_any(),
            is_newly_mentioned: self.is_newly_mentioned(),
        }
    }

    fn encode(&self) -> Vec<u8> {
        let flag = |is_there: bool, flag: u8| if is_there { flag } else { 0 };
        let flags = flag(self.row.is_some(), HAS_ROW)
            | flag(self.mark.is_some(), HAS_MARK)
            | flag(self.own.is_some(), HAS_OWN)
            | flag(self.others.is_some(), HAS_OTHERS)
            | flag(self.read.is_some(), HAS_READ)
            | flag(self.mentions != Mentions::default(), HAS_MENTIONS);
        let count = u16::try_from(self.members.len()).expect("put_member_of bounds the count");
        let mut value = vec![flags];
        value.extend_from_slice(&count.to_be_bytes());
        for user in &self.members {
            value.extend_from_slice(user.as_bytes());
        }
        if let Some(PlacedMark { position, mark }) = self.mark {
            value.extend_from_slice(&position.to_be_bytes());
            value.extend_from_slice(&mark.team.0.to_be_bytes());
            value.extend_from_slice(&mark.customers.0.to_be_bytes());
        }
        for seq in [self.own, self.others, self.read].into_iter().flatten() {
            value.extend_from_slice(&seq.0.to_be_bytes());
        }
        if self.mentions != Mentions::default() {
            let Mentions { in_comments, in_notes, notes_read } = self.mentions;
            for seq in [in_comments, in_notes, notes_read] {
                value.extend_from_slice(&seq.0.to_be_bytes());
            }
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
    // Big-endian and of one length: they compare as numbers do, and none is before any.
    let is_unread = parts.others > parts.read;
    let row = parts.row.map(|bytes| RowBytes::new(table, bytes)).transpose()?;
    Ok(row.map(|row| {
        let mentions = parts.mentions();
        let is_newly_mentioned = mentions.is_new(parts.read.map(seq_of));
        row.with_beside(Beside { is_unread, is_mentioned: mentions.is_any(), is_newly_mentioned })
    }))
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
    members: &'a [u8],
    mark: Option<&'a [u8]>,
    own: Option<&'a [u8]>,
    others: Option<&'a [u8]>,
    read: Option<&'a [u8]>,
    mentions: Option<&'a [u8]>,
    row: Option<&'a [u8]>,
}

impl<'a> Parts<'a> {
    fn new(value: &'a [u8]) -> Option<Self> {
        let (flags, rest) = value.split_first()?;
        let (count, rest) = rest.split_first_chunk::<2>()?;
        let (members, mut rest) =
            rest.split_at_checked(usize::from(u16::from_be_bytes(*count)) * UserId::SIZE)?;
        let mut mark = None;
        if flags & HAS_MARK != 0 {
            let (bytes, behind) = rest.split_at_checked(MARK_SIZE)?;
            (mark, rest) = (Some(bytes), behind);
        }
        let mut seqs = [HAS_OWN, HAS_OTHERS, HAS_READ].map(|flag| (flags & flag != 0, None));
        for (is_there, seq) in &mut seqs {
            if *is_there {
                let (bytes, behind) = rest.split_at_checked(SEQ_SIZE)?;
                (*seq, rest) = (Some(bytes), behind);
            }
        }
        let [own, others, read] = seqs.map(|(_, seq)| seq);
        let mut mentions = None;
        if flags & HAS_MENTIONS != 0 {
            let (bytes, behind) = rest.split_at_checked(3 * SEQ_SIZE)?;
            (mentions, rest) = (Some(bytes), behind);
        }
        let row = (flags & HAS_ROW != 0).then_some(rest);
        Some(Self { members, mark, own, others, read, mentions, row })
    }

    fn mentions(&self) -> Mentions {
        let Some(bytes) = self.mentions else { return Mentions::default() };
        let mut seqs = bytes.chunks_exact(SEQ_SIZE).map(seq_of);
        let mut next = || seqs.next().unwrap_or_default();
        Mentions { in_comments: next(), in_notes: next(), notes_read: next() }
    }
}

/// A place, of 8 bytes.
fn seq_of(bytes: &[u8]) -> Seq {
    Seq(u64::from_be_bytes(bytes.try_into().expect("the chunks have 8 bytes")))
}

const HAS_ROW: u8 = 1;
const HAS_MARK: u8 = 2;
const HAS_OWN: u8 = 4;
const HAS_OTHERS: u8 = 8;
const HAS_READ: u8 = 16;
const HAS_MENTIONS: u8 = 32;
const MARK_SIZE: usize = 24;
const SEQ_SIZE: usize = 8;
/// Members of one ticket: their ids stay within a few pages. The hub allows fewer.
pub(crate) const MEMBERS_MAX: usize = 1_000;
