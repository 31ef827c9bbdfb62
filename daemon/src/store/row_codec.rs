//! The bytes of a list row: fixed fields first, so that a filter looks at a row without taking it apart.
//!
//! ```text
//! layout (1)  = 1
//! status (1), priority (1, 0 for none), flags (1: assignee, number, snoozed, conflict, merged)
//! comment count (4), number (4), created (8), updated (8), last seq (8), snoozed until (8)
//! requester (16), assignee (16)
//! title: length (2), UTF-8; labels: count (1), each length (1), UTF-8
//! merged into (16), if the flag says so
//! ```
//! The ticket's id is in the key. Absent values are zeros. A later layout gets the next number in the first byte.

use assist_crdt_model::{Priority, Status, TicketId, UnixMillis, UserId};
use assist_proto::query::RowView;
use assist_proto::store::{Seq, StoreError, StoreResult, TicketRow};

use super::tables::Table;
use super::view::damaged;

/// A row's bytes, with the parts that lists filter and sort by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowBytes<'a> {
    table: Table,
    fixed: &'a [u8; FIXED_SIZE],
    texts: &'a [u8],
    beside: Beside,
}

/// What stands beside a row and is asked of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Beside {
    /// Whether somebody else wrote more than the user has read.
    pub is_unread: bool,
    /// Whether the user is mentioned.
    pub is_mentioned: bool,
    /// Whether they are where they have not read.
    pub is_newly_mentioned: bool,
}

impl<'a> RowBytes<'a> {
    /// Looks at a value of the table.
    pub(crate) fn new(table: Table, value: &'a [u8]) -> StoreResult<Self> {
        let (fixed, texts) = value.split_first_chunk().ok_or_else(|| damaged(table))?;
        if fixed[0] != LAYOUT {
            return Err(damaged(table));
        }
        Ok(Self { table, fixed, texts, beside: Beside::default() })
    }

    pub(crate) fn status(&self) -> StoreResult<Status> {
        status_of(self.fixed[1]).ok_or_else(|| damaged(self.table))
    }

    pub(crate) fn priority(&self) -> StoreResult<Option<Priority>> {
        match self.fixed[2] {
            0 => Ok(None),
            code => priority_of(code).map(Some).ok_or_else(|| damaged(self.table)),
        }
    }

    pub(crate) fn number(&self) -> Option<u32> {
        self.has(HAS_NUMBER).then(|| u32::from_be_bytes(self.at(8)))
    }

    pub(crate) fn comment_count(&self) -> u32 {
        u32::from_be_bytes(self.at(4))
    }

    pub(crate) fn snoozed_until_millis(&self) -> Option<u64> {
        self.has(IS_SNOOZED).then(|| u64::from_be_bytes(self.at(36)))
    }

    pub(crate) fn created_at(&self) -> UnixMillis {
        UnixMillis(u64::from_be_bytes(self.at(12)))
    }

    pub(crate) fn updated_at(&self) -> UnixMillis {
        UnixMillis(u64::from_be_bytes(self.at(20)))
    }

    pub(crate) fn last_seq(&self) -> Seq {
        Seq(u64::from_be_bytes(self.at(28)))
    }

    pub(crate) fn requester(&self) -> UserId {
        UserId::from_bytes(self.at(44))
    }

    pub(crate) fn assignee(&self) -> Option<UserId> {
        self.has(HAS_ASSIGNEE).then(|| UserId::from_bytes(self.at(60)))
    }

    pub(crate) fn title(&self) -> StoreResult<&'a str> {
        Ok(self.split_texts()?.0)
    }

    pub(crate) fn labels(&self) -> StoreResult<Vec<&'a str>> {
        let (_, mut rest) = self.split_texts()?;
        let count = self.take(&mut rest, 1)?[0];
        (0..count)
            .map(|_| {
                let length = self.take(&mut rest, 1)?[0];
                self.text(self.take(&mut rest, usize::from(length))?)
            })
            .collect()
    }

    pub(crate) fn merged_into(&self) -> StoreResult<Option<TicketId>> {
        if !self.has(IS_MERGED) {
            return Ok(None);
        }
        // It stands at the very end.
        let id = self.texts.last_chunk().ok_or_else(|| damaged(self.table))?;
        Ok(Some(TicketId::from_bytes(*id)))
    }

    /// The same row with what stands beside it.
    pub(crate) const fn with_beside(self, beside: Beside) -> Self {
        Self { beside, ..self }
    }

    /// The whole row.
    pub(crate) fn decode(&self, ticket: TicketId) -> StoreResult<TicketRow> {
        Ok(TicketRow {
            ticket,
            number: self.number(),
            requester: self.requester(),
            title: self.title()?.to_owned(),
            status: self.status()?,
            assignee: self.assignee(),
            priority: self.priority()?,
            merged_into: self.merged_into()?,
            snoozed_until_millis: self.snoozed_until_millis(),
            labels: self.labels()?.into_iter().map(str::to_owned).collect(),
            created_at: self.created_at(),
            updated_at: self.updated_at(),
            comment_count: self.comment_count(),
            has_conflict: self.has(HAS_CONFLICT),
            last_seq: self.last_seq(),
        })
    }

    fn has(&self, flag: u8) -> bool {
        self.fixed[3] & flag != 0
    }

    fn at<const N: usize>(&self, offset: usize) -> [u8; N] {
        *self.fixed[offset..].first_chunk().expect("the offsets of the layout are within its fixed part")
    }

    fn split_texts(&self) -> StoreResult<(&'a str, &'a [u8])> {
        let mut rest = self.texts;
        let length = self.take(&mut rest, 2)?;
        let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
        Ok((self.text(self.take(&mut rest, length)?)?, rest))
    }

    fn take(&self, rest: &mut &'a [u8], count: usize) -> StoreResult<&'a [u8]> {
        let (taken, behind) = rest.split_at_checked(count).ok_or_else(|| damaged(self.table))?;
        *rest = behind;
        Ok(taken)
    }

    fn text(&self, bytes: &'a [u8]) -> StoreResult<&'a str> {
        std::str::from_utf8(bytes).map_err(|_| damaged(self.table))
    }
}

impl RowView for RowBytes<'_> {
    type Error = StoreError;

    fn is_unread(&self) -> bool {
        self.beside.is_unread
    }

    fn is_mentioned(&self) -> bool {
        self.beside.is_mentioned
    }

    fn is_newly_mentioned(&self) -> bool {
        self.beside.is_newly_mentioned
    }

    fn status(&self) -> StoreResult<Status> {
        RowBytes::status(self)
    }

    fn priority(&self) -> StoreResult<Option<Priority>> {
        RowBytes::priority(self)
    }

    fn assignee(&self) -> Option<UserId> {
        RowBytes::assignee(self)
    }

    fn requester(&self) -> UserId {
        RowBytes::requester(self)
    }

    fn number(&self) -> Option<u32> {
        RowBytes::number(self)
    }

    fn comment_count(&self) -> u32 {
        RowBytes::comment_count(self)
    }

    fn created_at(&self) -> UnixMillis {
        RowBytes::created_at(self)
    }

    fn updated_at(&self) -> UnixMillis {
        RowBytes::updated_at(self)
    }

    fn snoozed_until(&self) -> Option<UnixMillis> {
        self.snoozed_until_millis().map(UnixMillis)
    }

    fn is_merged(&self) -> bool {
        self.has(IS_MERGED)
    }

    fn has_conflict(&self) -> bool {
        self.has(HAS_CONFLICT)
    }

    fn labels(&self) -> StoreResult<Vec<&str>> {
        RowBytes::labels(self)
    }
}

/// Writes a row behind the bytes that are there.
pub(crate) fn encode(row: &TicketRow, bytes: &mut Vec<u8>) {
    let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
    let flags = flag(row.assignee.is_some(), HAS_ASSIGNEE)
        | flag(row.number.is_some(), HAS_NUMBER)
        | flag(row.snoozed_until_millis.is_some(), IS_SNOOZED)
        | flag(row.has_conflict, HAS_CONFLICT)
        | flag(row.merged_into.is_some(), IS_MERGED);
    bytes.reserve(FIXED_SIZE + 3 + row.title.len());
    bytes.extend_from_slice(&[LAYOUT, status_code(row.status), row.priority.map_or(0, priority_code), flags]);
    bytes.extend_from_slice(&row.comment_count.to_be_bytes());
    bytes.extend_from_slice(&row.number.unwrap_or(0).to_be_bytes());
    bytes.extend_from_slice(&row.created_at.0.to_be_bytes());
    bytes.extend_from_slice(&row.updated_at.0.to_be_bytes());
    bytes.extend_from_slice(&row.last_seq.0.to_be_bytes());
    bytes.extend_from_slice(&row.snoozed_until_millis.unwrap_or(0).to_be_bytes());
    bytes.extend_from_slice(row.requester.as_bytes());
    bytes.extend_from_slice(row.assignee.unwrap_or(UserId::from_bytes([0; 16])).as_bytes());
    let title = cut(&row.title, usize::from(u16::MAX));
    bytes.extend_from_slice(&u16::try_from(title.len()).unwrap_or(u16::MAX).to_be_bytes());
    bytes.extend_from_slice(title.as_bytes());
    let label_count = u8::try_from(row.labels.len()).unwrap_or(u8::MAX);
    bytes.push(label_count);
    for label in row.labels.iter().take(usize::from(label_count)) {
        let label = cut(label, usize::from(u8::MAX));
        bytes.push(u8::try_from(label.len()).unwrap_or(u8::MAX));
        bytes.extend_from_slice(label.as_bytes());
    }
    bytes.extend(row.merged_into.iter().flat_map(|ticket| *ticket.as_bytes()));
}

/// Cuts a text at a character. The model's limits are far below: a server's page could claim more.
fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

const LAYOUT: u8 = 1;
const FIXED_SIZE: usize = 76;
const HAS_ASSIGNEE: u8 = 1;
const HAS_NUMBER: u8 = 2;
const IS_SNOOZED: u8 = 4;
const HAS_CONFLICT: u8 = 8;
const IS_MERGED: u8 = 16;

/// The numbers are format: they never follow the order of the model's variants.
const fn status_code(status: Status) -> u8 {
    match status {
        Status::Open => 1,
        Status::Pending => 2,
        Status::Resolved => 3,
        Status::Closed => 4,
    }
}

fn status_of(code: u8) -> Option<Status> {
    Status::ALL.iter().copied().find(|status| status_code(*status) == code)
}

const fn priority_code(priority: Priority) -> u8 {
    match priority {
        Priority::Low => 1,
        Priority::Normal => 2,
        Priority::High => 3,
        Priority::Urgent => 4,
    }
}

fn priority_of(code: u8) -> Option<Priority> {
    Priority::ALL.iter().copied().find(|priority| priority_code(*priority) == code)
}
