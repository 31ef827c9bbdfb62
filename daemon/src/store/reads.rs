//! Read marks as they are stored: who has read how far, of whom a server tells and a device shows.
//!
//! ```text
//! a mark:            through (8), at (8), flags (1): 1 of the team, 2 read on privately; then up to where (8)
//! a pending read:    through (8), at (8), flags (1): 2 private
//! ```

use assist_crdt_model::{TicketId, UnixMillis, UserId};
use assist_proto::store::{Audience, PendingRead, ReadMark, Seq, StoreResult};

use super::entry::Entry;
use super::server::audiences;
use super::tables::{Counter, Scope, Span, Table, key};
use super::turn::Turn;
use super::view::{View, damaged, exact, key_end};

/// A server's mark, with its place among all marks.
pub(super) fn mark_of(
    view: &impl View,
    ticket: TicketId,
    user: UserId,
) -> StoreResult<Option<(u64, ReadMark)>> {
    let table = Table::ReadMarks;
    view.get(table, &key!(ticket, user))?.map(|value| placed(table, ticket, user, &value)).transpose()
}

/// All of a ticket, by user.
pub(super) fn marks_of(view: &impl View, ticket: TicketId) -> StoreResult<Vec<(u64, ReadMark)>> {
    let table = Table::ReadMarks;
    view.collect(table, &Span::prefix(key!(ticket)), usize::MAX, |key, value| {
        placed(table, ticket, UserId::from_bytes(key_end(table, key)?), value)
    })
}

/// Those of an audience behind a position, in order.
pub(super) fn marks_after(
    view: &impl View,
    audience: Audience,
    after: u64,
    limit: usize,
) -> StoreResult<Vec<(u64, ReadMark)>> {
    let Some(from) = after.checked_add(1) else { return Ok(Vec::new()) };
    let table = order_table(audience);
    let span = Span::prefix_from(&key!(audience), key!(audience, from));
    let positions =
        view.collect(table, &span, limit, |key, _| Ok(u64::from_be_bytes(key_end(table, key)?)))?;
    let marked = |position: u64| {
        let whose = view.get(Table::ReadOrder, &key!(position))?.ok_or_else(|| damaged(table))?;
        let whose: [u8; 32] = exact(Table::ReadOrder, &whose)?;
        let (ticket, user) = whose.split_at(TicketId::SIZE);
        let ticket = TicketId::from_slice(ticket).ok_or_else(|| damaged(table))?;
        let user = UserId::from_slice(user).ok_or_else(|| damaged(table))?;
        mark_of(view, ticket, user)?.ok_or_else(|| damaged(table))
    };
    positions.into_iter().map(marked).collect()
}

/// A device's mark of somebody.
pub(super) fn reader(
    view: &impl View,
    scope: Scope,
    ticket: TicketId,
    user: UserId,
) -> StoreResult<Option<ReadMark>> {
    let table = Table::Readers;
    view.get(table, &key!(scope, ticket, user))?.map(|value| decode(table, ticket, user, &value)).transpose()
}

/// All of a ticket, by user.
pub(super) fn readers(view: &impl View, scope: Scope, ticket: TicketId) -> StoreResult<Vec<ReadMark>> {
    let table = Table::Readers;
    view.collect(table, &Span::prefix(key!(scope, ticket)), usize::MAX, |key, value| {
        decode(table, ticket, UserId::from_bytes(key_end(table, key)?), value)
    })
}

/// An own read that the server has not confirmed.
pub(super) fn pending(view: &impl View, scope: Scope, ticket: TicketId) -> StoreResult<Option<PendingRead>> {
    view.get(Table::PendingReads, &key!(scope, ticket))?
        .map(|value| decode_pending(ticket, &value))
        .transpose()
}

/// All of them, by ticket, at most so many.
pub(super) fn all_pending(view: &impl View, scope: Scope, limit: usize) -> StoreResult<Vec<PendingRead>> {
    let table = Table::PendingReads;
    view.collect(table, &Span::prefix(key!(scope)), limit, |key, value| {
        decode_pending(TicketId::from_bytes(key_end(table, key)?), value)
    })
}

impl Turn {
    /// Writes a server's mark and puts it behind all others, for everybody who may see the ticket.
    pub(super) fn place_read_mark(&mut self, entry: &Entry, mark: &ReadMark) -> StoreResult<()> {
        let ReadMark { ticket, user, .. } = *mark;
        let before = mark_of(self, ticket, user)?.map(|(position, _)| position);
        let position = self.count_up(key!(Scope::SERVER, Counter::MarkHead))? + 1;
        for audience in audiences(entry) {
            let table = order_table(audience);
            if let Some(before) = before {
                self.remove(table, key!(audience, before));
            }
            let whose = if audience == Audience::Team { key!(ticket, user) } else { Vec::new() };
            self.put(table, key!(audience, position), whose);
        }
        let mut value = position.to_be_bytes().to_vec();
        value.extend_from_slice(&encode(mark));
        self.put(Table::ReadMarks, key!(ticket, user), value);
        Ok(())
    }

    /// A new member of a ticket reads its marks, too.
    pub(super) fn show_read_marks(&mut self, ticket: TicketId, member: UserId) -> StoreResult<()> {
        for (position, _) in marks_of(self, ticket)? {
            self.put(Table::ReadOrderOf, key!(member, position), Vec::new());
        }
        Ok(())
    }

    /// A former member does not.
    pub(super) fn hide_read_marks(&mut self, ticket: TicketId, member: UserId) -> StoreResult<()> {
        for (position, _) in marks_of(self, ticket)? {
            self.remove(Table::ReadOrderOf, key!(member, position));
        }
        Ok(())
    }

    pub(super) fn put_reader(&mut self, scope: Scope, mark: &ReadMark) {
        self.put(Table::Readers, key!(scope, mark.ticket, mark.user), encode(mark));
    }

    pub(super) fn put_pending(&mut self, scope: Scope, read: &PendingRead) {
        let flags = if read.is_private { IS_PRIVATE } else { 0 };
        let value = [&read.through.0.to_be_bytes()[..], &read.at.0.to_be_bytes(), &[flags]].concat();
        self.put(Table::PendingReads, key!(scope, read.ticket), value);
    }

    /// Forgets who has read a ticket that goes from the device.
    pub(super) fn remove_reads(&mut self, scope: Scope, ticket: TicketId) {
        self.clear(Table::Readers, Span::prefix(key!(scope, ticket)));
        self.remove(Table::PendingReads, key!(scope, ticket));
    }
}

const fn order_table(audience: Audience) -> Table {
    match audience {
        Audience::Team => Table::ReadOrder,
        Audience::Customer(_) => Table::ReadOrderOf,
    }
}

fn placed(table: Table, ticket: TicketId, user: UserId, value: &[u8]) -> StoreResult<(u64, ReadMark)> {
    let (position, value) = value.split_first_chunk::<8>().ok_or_else(|| damaged(table))?;
    Ok((u64::from_be_bytes(*position), decode(table, ticket, user, value)?))
}

fn encode(mark: &ReadMark) -> Vec<u8> {
    let team = if mark.is_team { IS_TEAM } else { 0 };
    let private = if mark.private_through.is_some() { IS_PRIVATE } else { 0 };
    let mut value = [&mark.through.0.to_be_bytes()[..], &mark.at.0.to_be_bytes(), &[team | private]].concat();
    value.extend(mark.private_through.iter().flat_map(|seq| seq.0.to_be_bytes()));
    value
}

fn decode(table: Table, ticket: TicketId, user: UserId, value: &[u8]) -> StoreResult<ReadMark> {
    let (value, behind) = value.split_at_checked(PARTS_SIZE).ok_or_else(|| damaged(table))?;
    let (through, at, flags) = parts(table, value)?;
    let private_through = match flags & IS_PRIVATE {
        0 => None,
        _ => Some(Seq(u64::from_be_bytes(exact(table, behind)?))),
    };
    Ok(ReadMark { ticket, user, through, at, is_team: flags & IS_TEAM != 0, private_through })
}

fn decode_pending(ticket: TicketId, value: &[u8]) -> StoreResult<PendingRead> {
    let (through, at, flags) = parts(Table::PendingReads, value)?;
    Ok(PendingRead { ticket, through, at, is_private: flags & IS_PRIVATE != 0 })
}

fn parts(table: Table, value: &[u8]) -> StoreResult<(Seq, UnixMillis, u8)> {
    let value: [u8; PARTS_SIZE] = exact(table, value)?;
    let (through, rest) = value.split_at(8);
    let (at, flags) = rest.split_at(8);
    let number = |bytes: &[u8]| Ok::<u64, _>(u64::from_be_bytes(exact(table, bytes)?));
    Ok((Seq(number(through)?), UnixMillis(number(at)?), flags[0]))
}

const PARTS_SIZE: usize = 17;
const IS_TEAM: u8 = 1;
const IS_PRIVATE: u8 = 2;
