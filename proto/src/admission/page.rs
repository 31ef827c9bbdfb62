//! The log as people read it: a page at a time, of what they look for.

use assist_crdt_model::{DeviceId, UserId};

use super::Entry;
use crate::limits;
use crate::store::{StoreError, StoreResult};

/// What somebody looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Filter {
    /// What was refused; with `is_act`, that too.
    pub is_refusal: bool,
    /// What is no verdict on a change; with `is_refusal`, that too.
    pub is_act: bool,
    /// What a device did, or what was done to it.
    pub device: Option<DeviceId>,
    /// What a person did, or what was done to them.
    pub user: Option<UserId>,
}

/// Where somebody reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// The newest before this one.
    Before(u64),
    /// The oldest behind this one.
    After(u64),
}

/// A part of the log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// In the order of the log, with their bytes.
    pub entries: Vec<(Vec<u8>, Entry)>,
    /// Where to go on in the same direction; nothing at the log's end. There may be more although the page is short: only
    /// so many entries are looked through at once.
    pub next: Option<Span>,
}

impl Filter {
    /// Whether the entry is looked for.
    pub fn takes(&self, entry: &Entry) -> bool {
        let is_kind = match (self.is_refusal, self.is_act) {
            (false, false) => true,
            (is_refusal, is_act) => {
                (is_refusal && entry.event.is_refusal()) || (is_act && !entry.event.is_verdict())
            }
        };
        let by_device = entry.by.map(|by| by.device);
        let by_user = entry.by.and_then(|by| by.member).map(|(user, _)| user);
        let is_device = |device| by_device == Some(device) || entry.event.device() == Some(device);
        let is_user = |user| by_user == Some(user) || entry.event.user() == Some(user);
        is_kind && self.device.is_none_or(is_device) && self.user.is_none_or(is_user)
    }
}

/// Reads at most `limit` entries of a log that ends with the number `head`. `read` gives the bytes of entries from a
/// number on.
///
/// # Errors
/// The store's; and when an entry cannot be read.
pub fn page(
    head: u64,
    span: Span,
    filter: &Filter,
    limit: usize,
    mut read: impl FnMut(u64, usize) -> StoreResult<Vec<Vec<u8>>>,
) -> StoreResult<Page> {
    let mut found = Vec::new();
    let (mut place, mut looked_at) = (span, 0);
    let limit = limit.min(limits::ADMISSIONS_WINDOW_MAX);
    while found.len() < limit && looked_at < limits::ADMISSIONS_SCAN_MAX {
        // The next few in the direction, as numbers from the first to before the end.
        let (first, end) = match place {
            Span::Before(before) => {
                let end = before.min(head + 1);
                (end.saturating_sub(BATCH).max(1), end)
            }
            Span::After(after) => (after.saturating_add(1), after.saturating_add(1 + BATCH).min(head + 1)),
        };
        if first >= end {
            return Ok(Page { entries: in_order(found, span), next: None });
        }
        let count = usize::try_from(end - first).unwrap_or(usize::MAX);
        let mut entries = read(first, count)?.into_iter().map(decode).collect::<StoreResult<Vec<_>>>()?;
        if entries.len() != count {
            return Err(damaged());
        }
        if matches!(span, Span::Before(_)) {
            entries.reverse();
        }
        for (bytes, entry) in entries {
            looked_at += 1;
            place = match span {
                Span::Before(_) => Span::Before(entry.number),
                Span::After(_) => Span::After(entry.number),
            };
            if filter.takes(&entry) {
                found.push((bytes, entry));
            }
            if found.len() == limit {
                break;
            }
        }
    }
    let is_end = match place {
        Span::Before(before) => before <= 1,
        Span::After(after) => after >= head,
    };
    Ok(Page { entries: in_order(found, span), next: (!is_end).then_some(place) })
}

fn in_order(mut found: Vec<(Vec<u8>, Entry)>, span: Span) -> Vec<(Vec<u8>, Entry)> {
    if matches!(span, Span::Before(_)) {
        found.reverse();
    }
    found
}

fn decode(bytes: Vec<u8>) -> StoreResult<(Vec<u8>, Entry)> {
    let entry = Entry::decode(&bytes).map_err(|_| damaged())?;
    Ok((bytes, entry))
}

fn damaged() -> StoreError {
    StoreError::Damaged { what: "admission log".to_owned() }
}

/// Entries that are read at once: two blocks of the store.
const BATCH: u64 = 64;
