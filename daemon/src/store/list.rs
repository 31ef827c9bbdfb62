//! Lists of tickets, from rows that are kept at write time: no document is opened.
//!
//! The order that people see first (all tickets, newest activity first) has an index: a window costs what it
//! shows. Any other list looks at every row once, at its fixed fields mostly, and takes apart only what it shows.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use assist_crdt_model::{ProjectId, Status, TicketId, UnixMillis, UserId};
use assist_proto::query::Bound;
use assist_proto::store::{StoreResult, TicketRow};

use super::device::{entry_of, order_key};
use super::entry::row_bytes;
use super::reader::Reader;
use super::row_codec::RowBytes;
use super::tables::{Counter, Scope, Span, Table, key};
use super::unindexed::TextKey;
use super::view::{Order, View as _, damaged, exact, key_end};

/// Which tickets a list shows. The default is all of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RowFilter {
    /// Only of this project.
    pub project: Option<ProjectId>,
    /// Only with one of these; empty for any.
    pub statuses: Vec<Status>,
    /// Only of one of these, or of nobody.
    pub assignee: Option<Assignee>,
    /// Only of one of these: a person is another user in every project. Empty for any.
    pub requesters: Vec<UserId>,
    /// Only with all of these.
    pub labels: Vec<String>,
    /// Only with this in the title; upper and lower case are the same.
    pub title: Option<String>,
    /// Only with this number.
    pub number: Option<u32>,
    /// Only those that a query finds, as far as rows tell.
    pub query: Bound,
    /// Only those in whose text it was found; `None` for any text.
    pub found: Option<Found>,
}

/// In which tickets a query's texts were found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Found {
    /// Those that have all that must be there, with how well each fits; `None` if nothing must be.
    pub(crate) with: Option<HashMap<TextKey, f32>>,
    /// Those that have something that must not be there.
    pub(crate) without: HashSet<TextKey>,
}

/// Who works on a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assignee {
    /// Nobody.
    Nobody,
    /// One of these.
    AnyOf(Vec<UserId>),
}

/// By what a list is ordered; what is equal goes by last activity, then by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RowKey {
    /// Last activity.
    #[default]
    Updated,
    /// When it was filed.
    Created,
    /// Its number; tickets that have none yet are the newest.
    Number,
    /// Its priority; none is the least.
    Priority,
    /// How well its text fits what is looked for.
    Relevance,
}

/// Which end of the order comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// Newest, highest, most urgent.
    #[default]
    GreatestFirst,
    /// Oldest, lowest, least urgent.
    LeastFirst,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RowOrder {
    /// By what.
    pub key: RowKey,
    /// From where.
    pub direction: Direction,
}

/// Which part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowWindow {
    /// From where.
    pub start: WindowStart,
    /// How many rows at most.
    pub limit: usize,
}

/// Where a window begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowStart {
    /// Behind that many rows.
    Offset(usize),
    /// Behind this row, which may be gone by now.
    After(RowCursor),
}

/// A row's place in an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowCursor {
    /// By what the list is ordered.
    pub rank: u64,
    /// Last activity, in milliseconds.
    pub updated_at_millis: u64,
    /// Which ticket.
    pub ticket: TicketId,
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowPage {
    /// In order, each with its project.
    pub rows: Vec<(ProjectId, TicketRow)>,
    /// How many there are in the whole list.
    pub total: u64,
    /// Where the next window begins; `None` at the end.
    pub next: Option<RowCursor>,
}

/// A row that a list may show.
#[derive(Clone, Copy)]
struct Candidate {
    cursor: RowCursor,
    scope: Scope,
}

/// A row that a filter lets through.
pub(super) struct Match<'a> {
    pub(super) project: ProjectId,
    pub(super) scope: Scope,
    pub(super) ticket: TicketId,
    pub(super) row: &'a RowBytes<'a>,
    /// How well its text fits what is looked for.
    pub(super) score: f32,
}

impl Reader {
    /// A window of a list of tickets.
    ///
    /// # Errors
    /// When the store cannot be read or is damaged.
    pub fn list_rows(&self, filter: &RowFilter, order: RowOrder, window: RowWindow) -> StoreResult<RowPage> {
        let scopes = self.scopes(filter.project.as_ref())?;
        let (candidates, total) = if filter.is_all() && order.key == RowKey::Updated {
            self.newest(&scopes, order.direction, window)?
        } else {
            self.filtered(&scopes, filter, order, window)?
        };
        let (shown, has_more) = order.cut(candidates, window);
        let next = shown.last().filter(|_| has_more).map(|candidate| candidate.cursor);
        let rows = shown.into_iter().map(|candidate| self.project_row(&scopes, candidate));
        Ok(RowPage { rows: rows.collect::<StoreResult<_>>()?, total, next })
    }

    /// Tickets whose id begins with the text, of one project or of all, at most `limit`.
    ///
    /// # Errors
    /// When the store cannot be read or is damaged.
    pub fn tickets_by_prefix(
        &self,
        project: Option<&ProjectId>,
        prefix: &str,
        limit: usize,
    ) -> StoreResult<Vec<(ProjectId, TicketId)>> {
        let Some((first, last)) = prefix_range(prefix) else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for (project, scope) in self.scopes(project)? {
            let mut end = key!(scope, last);
            end.push(0);
            let span = Span { start: key!(scope, first), end: Some(end) };
            let left = limit - found.len();
            let entries = self.collect(Table::Rows, &span, left, |key, value| {
                let ticket = TicketId::from_bytes(key_end(Table::Rows, key)?);
                Ok(row_bytes(Table::Rows, value)?.map(|_| (project, ticket)))
            })?;
            found.extend(entries.into_iter().flatten());
        }
        Ok(found)
    }

    /// The ticket with a number in each project, or in one.
    ///
    /// # Errors
    /// When the store cannot be read or is damaged.
    pub fn tickets_by_number(
        &self,
        project: Option<&ProjectId>,
        number: u32,
    ) -> StoreResult<Vec<(ProjectId, TicketId)>> {
        let mut found = Vec::new();
        for (project, scope) in self.scopes(project)? {
            let tickets = self.numbered(scope, number)?;
            found.extend(tickets.into_iter().map(|ticket| (project, ticket)));
        }
        Ok(found)
    }

    fn numbered(&self, scope: Scope, number: u32) -> StoreResult<Vec<TicketId>> {
        let table = Table::RowNumbers;
        self.collect(table, &Span::prefix(key!(scope, number)), usize::MAX, |key, _| {
            Ok(TicketId::from_bytes(key_end(table, key)?))
        })
    }

    pub(super) fn scopes(&self, project: Option<&ProjectId>) -> StoreResult<Vec<(ProjectId, Scope)>> {
        if let Some(project) = project {
            return Ok(self.scope(project)?.map(|scope| (*project, scope)).into_iter().collect());
        }
        self.collect(Table::Scopes, &Span::prefix(Vec::new()), usize::MAX, |key, value| {
            let scope = Scope(u16::from_be_bytes(exact(Table::Scopes, value)?));
            Ok((ProjectId::from_bytes(key_end(Table::Scopes, key)?), scope))
        })
    }

    /// The first rows of each scope in the order of activity: as many as the window may need of each, and one
    /// more, which tells whether it is the last window.
    fn newest(
        &self,
        scopes: &[(ProjectId, Scope)],
        direction: Direction,
        window: RowWindow,
    ) -> StoreResult<(Vec<Candidate>, u64)> {
        let (skipped, after) = match window.start {
            WindowStart::Offset(offset) => (offset, None),
            WindowStart::After(cursor) => (0, Some(cursor)),
        };
        let needed = skipped.saturating_add(window.limit).saturating_add(1);
        let (mut candidates, mut total) = (Vec::new(), 0);
        for (_, scope) in scopes {
            total += self.counter(*scope, Counter::Rows)?;
            let (span, order) = activity_span(*scope, direction, after);
            let mut left = needed;
            self.scan(Table::RowOrder, &span, order, &mut |key, _| {
                candidates.push(candidate_of_order(*scope, key)?);
                left -= 1;
                Ok(if left > 0 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
            })?;
        }
        Ok((candidates, total))
    }

    /// Of the rows that the filter lets through those that the window may need, and how many there are in all.
    fn filtered(
        &self,
        scopes: &[(ProjectId, Scope)],
        filter: &RowFilter,
        order: RowOrder,
        window: RowWindow,
    ) -> StoreResult<(Vec<Candidate>, u64)> {
        let (mut candidates, mut total) = (Vec::new(), 0);
        let needed = order.needed(window);
        self.each_match(scopes, filter, &mut |found| {
            total += 1;
            let cursor = cursor_of(found.row, found.ticket, order.key, found.score)?;
            if order.is_behind_start(cursor, window) {
                candidates.push(Candidate { cursor, scope: found.scope });
            }
            // Never many more than are needed: what fits in the processor's cache is quick to look through.
            if candidates.len() >= needed.saturating_mul(2).saturating_add(CANDIDATES_MIN) {
                order.keep_first(&mut candidates, needed);
            }
            Ok(())
        })?;
        Ok((candidates, total))
    }

    /// Hands over each row that the filter lets through.
    pub(super) fn each_match(
        &self,
        scopes: &[(ProjectId, Scope)],
        filter: &RowFilter,
        take: &mut dyn FnMut(Match<'_>) -> StoreResult<()>,
    ) -> StoreResult<()> {
        let filter = Prepared::new(filter);
        for (project, scope) in scopes {
            let mut look = |ticket: TicketId, value: &[u8]| {
                let Some(row) = row_bytes(Table::Rows, value)? else { return Ok(()) };
                let score = filter.score(TextKey { scope: scope.0, ticket });
                if let Some(score) = score
                    && filter.lets_through(&row)?
                    && filter.filter.query.holds(*project, ticket, &row)?
                {
                    take(Match { project: *project, scope: *scope, ticket, row: &row, score })?;
                }
                Ok(())
            };
            if let Some(tickets) = self.named(*scope, filter.filter)? {
                for ticket in tickets {
                    if let Some(value) = self.get(Table::Rows, &key!(*scope, ticket))? {
                        look(ticket, &value)?;
                    }
                }
                continue;
            }
            self.scan_rows(&Span::prefix(key!(*scope)), Order::Ascending, &mut |key, value| {
                look(TicketId::from_bytes(key_end(Table::Rows, key)?), value)?;
                Ok(ControlFlow::Continue(()))
            })?;
        }
        Ok(())
    }

    /// The tickets of a scope that a filter names one by one, if they are few.
    fn named(&self, scope: Scope, filter: &RowFilter) -> StoreResult<Option<Vec<TicketId>>> {
        if let Some(number) = filter.number {
            return self.numbered(scope, number).map(Some);
        }
        let with = filter.found.as_ref().and_then(|found| found.with.as_ref());
        let few = with.filter(|with| with.len() <= LOOKED_UP_MAX);
        Ok(few.map(|with| {
            let of_scope = with.keys().filter(|key| key.scope == scope.0);
            of_scope.map(|key| key.ticket).collect()
        }))
    }

    fn project_row(
        &self,
        scopes: &[(ProjectId, Scope)],
        candidate: Candidate,
    ) -> StoreResult<(ProjectId, TicketRow)> {
        let project = scopes.iter().find(|(_, scope)| *scope == candidate.scope).map(|(project, _)| *project);
        let row = entry_of(self, candidate.scope, candidate.cursor.ticket)?.row;
        project.zip(row).ok_or_else(|| damaged(Table::Rows))
    }
}

impl RowFilter {
    fn is_all(&self) -> bool {
        *self == Self { project: self.project, ..Self::default() }
    }
}

impl RowOrder {
    /// How many of the first rows show the window, and whether any are behind it.
    const fn needed(self, window: RowWindow) -> usize {
        let skipped = match window.start {
            WindowStart::Offset(offset) => offset,
            WindowStart::After(_) => 0,
        };
        skipped.saturating_add(window.limit).saturating_add(1)
    }

    /// Whether a row comes behind the one that the window begins behind.
    fn is_behind_start(self, cursor: RowCursor, window: RowWindow) -> bool {
        match (window.start, self.direction) {
            (WindowStart::Offset(_), _) => true,
            (WindowStart::After(start), Direction::GreatestFirst) => cursor < start,
            (WindowStart::After(start), Direction::LeastFirst) => cursor > start,
        }
    }

    /// Leaves so many of the candidates that come first, in no order.
    fn keep_first(self, candidates: &mut Vec<Candidate>, count: usize) {
        if count < candidates.len() {
            match self.direction {
                Direction::GreatestFirst => {
                    candidates.select_nth_unstable_by_key(count, |candidate| Reverse(candidate.cursor));
                }
                Direction::LeastFirst => {
                    candidates.select_nth_unstable_by_key(count, |candidate| candidate.cursor);
                }
            }
            candidates.truncate(count);
        }
    }

    /// Orders the candidates as far as the window shows them, and cuts the window out. Tells whether any are
    /// behind it.
    fn cut(self, mut candidates: Vec<Candidate>, window: RowWindow) -> (Vec<Candidate>, bool) {
        candidates.retain(|candidate| self.is_behind_start(candidate.cursor, window));
        let end = self.needed(window) - 1;
        let has_more = end < candidates.len();
        self.keep_first(&mut candidates, end);
        let skipped = match window.start {
            WindowStart::Offset(offset) => offset,
            WindowStart::After(_) => 0,
        };
        match self.direction {
            Direction::GreatestFirst => {
                candidates.sort_unstable_by_key(|candidate| Reverse(candidate.cursor))
            }
            Direction::LeastFirst => candidates.sort_unstable_by_key(|candidate| candidate.cursor),
        }
        (candidates.split_off(skipped.min(candidates.len())), has_more)
    }
}

/// A filter made ready for many rows.
struct Prepared<'a> {
    filter: &'a RowFilter,
    title: Option<String>,
}

impl<'a> Prepared<'a> {
    fn new(filter: &'a RowFilter) -> Self {
        Self { filter, title: filter.title.as_deref().map(str::to_lowercase) }
    }

    /// How well a ticket's text fits; `None` if it does not.
    fn score(&self, key: TextKey) -> Option<f32> {
        let Some(found) = &self.filter.found else { return Some(0.0) };
        if found.without.contains(&key) {
            return None;
        }
        found.with.as_ref().map_or(Some(0.0), |with| with.get(&key).copied())
    }

    fn lets_through(&self, row: &RowBytes<'_>) -> StoreResult<bool> {
        let filter = self.filter;
        if !filter.statuses.is_empty() && !filter.statuses.contains(&row.status()?) {
            return Ok(false);
        }
        let is_assigned = match &filter.assignee {
            None => true,
            Some(Assignee::Nobody) => row.assignee().is_none(),
            Some(Assignee::AnyOf(users)) => row.assignee().is_some_and(|user| users.contains(&user)),
        };
        let is_requested = filter.requesters.is_empty() || filter.requesters.contains(&row.requester());
        if !is_assigned || !is_requested {
            return Ok(false);
        }
        if let Some(title) = &self.title
            && !row.title()?.to_lowercase().contains(title)
        {
            return Ok(false);
        }
        if filter.labels.is_empty() {
            return Ok(true);
        }
        let labels = row.labels()?;
        Ok(filter.labels.iter().all(|label| labels.contains(&label.as_str())))
    }
}

fn cursor_of(row: &RowBytes<'_>, ticket: TicketId, by: RowKey, score: f32) -> StoreResult<RowCursor> {
    let updated_at_millis = row.updated_at().0;
    let rank = match by {
        RowKey::Updated => updated_at_millis,
        RowKey::Created => row.created_at().0,
        RowKey::Number => row.number().map_or(u64::MAX, u64::from),
        RowKey::Priority => row.priority()?.map_or(0, |priority| priority as u64 + 1),
        // Bits of floats that are not negative are in the order of the floats.
        RowKey::Relevance => u64::from(score.max(0.0).to_bits()),
    };
    Ok(RowCursor { rank, updated_at_millis, ticket })
}

/// The entries of a scope's order of activity behind the cursor, and which way to go.
fn activity_span(scope: Scope, direction: Direction, after: Option<RowCursor>) -> (Span, Order) {
    let mut span = Span::prefix(key!(scope));
    let order = match direction {
        Direction::GreatestFirst => Order::Descending,
        Direction::LeastFirst => Order::Ascending,
    };
    if let Some(cursor) = after {
        let mut at = order_key(scope, UnixMillis(cursor.updated_at_millis), cursor.ticket);
        match direction {
            Direction::GreatestFirst => span.end = Some(at),
            Direction::LeastFirst => {
                at.push(0);
                span.start = at;
            }
        }
    }
    (span, order)
}

fn candidate_of_order(scope: Scope, key: &[u8]) -> StoreResult<Candidate> {
    let (head, ticket) = key.split_last_chunk::<16>().ok_or_else(|| damaged(Table::RowOrder))?;
    let updated_at_millis = u64::from_be_bytes(key_end(Table::RowOrder, head)?);
    let cursor =
        RowCursor { rank: updated_at_millis, updated_at_millis, ticket: TicketId::from_bytes(*ticket) };
    Ok(Candidate { cursor, scope })
}

/// The least and the greatest id whose text begins like this; `None` if there is none.
fn prefix_range(prefix: &str) -> Option<(TicketId, TicketId)> {
    let missing = TEXT_CHARS.checked_sub(prefix.len()).filter(|missing| *missing < TEXT_CHARS)?;
    let first = format!("{prefix}{}", "0".repeat(missing)).parse().ok()?;
    // The last character of an id has three bits: `w` is the greatest.
    let greatest = "zzzzzzzzzzzzzzzzzzzzzzzzzw";
    let last = format!("{prefix}{}", &greatest[TEXT_CHARS - missing..]).parse().ok()?;
    Some((first, last))
}

/// So many candidates are never too many.
const CANDIDATES_MIN: usize = 1_024;
/// Characters of a ticket id's text form.
const TEXT_CHARS: usize = 26;
/// Rows that are looked up one by one; of more, going over all of them is quicker.
const LOOKED_UP_MAX: usize = 1_000;
