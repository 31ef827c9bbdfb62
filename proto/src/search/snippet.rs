//! What a result shows: the places of a text that a query found, with some words around them.

use super::terms::terms;
use super::{Part, PartKind, Place, TicketText, Wanted};
use crate::api::limits::{SNIPPET_CHARS_MAX, SNIPPETS_MAX};

/// A piece of one part of a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snippet<'a> {
    /// Where it is from.
    pub part: &'a Part,
    /// A line of it.
    pub text: String,
    /// What was found in it, in bytes of `text`, in order, apart from one another.
    pub highlights: Vec<Place>,
    /// Whether something of the part stands before the text.
    pub is_cut_before: bool,
    /// Whether something of the part stands behind it.
    pub is_cut_behind: bool,
}

/// The pieces of a ticket that show best why it was found: those with the most of what was wanted, at most
/// [`SNIPPETS_MAX`], in the order of the ticket.
pub fn snippets<'a>(text: &'a TicketText, wanted: &[Wanted]) -> Vec<Snippet<'a>> {
    let mut found: Vec<(usize, usize, Snippet<'a>)> = Vec::new();
    for (index, part) in text.parts.iter().enumerate() {
        let terms: Vec<_> = terms(&part.text).collect();
        let mut places = Vec::new();
        let mut kinds = 0;
        for one in wanted {
            let of_one = one.places(&terms);
            kinds += usize::from(!of_one.is_empty());
            places.extend(of_one);
        }
        if let Some(snippet) = cut_out(part, places) {
            found.push((kinds, index, snippet));
        }
    }
    found.sort_by_key(|(kinds, index, _)| (std::cmp::Reverse(*kinds), *index));
    found.truncate(SNIPPETS_MAX);
    found.sort_by_key(|(_, index, _)| *index);
    found.into_iter().map(|(_, _, snippet)| snippet).collect()
}

fn cut_out(part: &Part, mut places: Vec<Place>) -> Option<Snippet<'_>> {
    places.sort_by_key(|place| (place.start, place.end));
    let first = places.first()?.clone();
    let text = part.text.as_str();
    let is_whole = part.kind == PartKind::Title || text.chars().count() <= SNIPPET_CHARS_MAX;
    let start = if is_whole { 0 } else { chars_before(text, first.start, SNIPPET_CHARS_MAX / 4) };
    let start = if start == 0 { 0 } else { at_word(text, start, first.start) };
    let end = text[start..].char_indices().nth(SNIPPET_CHARS_MAX).map_or(text.len(), |(end, _)| start + end);
    let mut highlights: Vec<Place> = Vec::new();
    for place in places {
        // One that goes on behind the cut is shown as far as it goes.
        let place = place.start.saturating_sub(start)..place.end.min(end).saturating_sub(start);
        if place.start >= place.end {
            continue;
        }
        match highlights.last_mut() {
            Some(last) if place.start <= last.end => last.end = last.end.max(place.end),
            _ => highlights.push(place),
        }
    }
    let shown = text[start..end].to_owned();
    let (is_cut_before, is_cut_behind) = (start > 0, end < text.len());
    Some(Snippet { part, text: shown, highlights, is_cut_before, is_cut_behind })
}

/// So many characters before a place.
fn chars_before(text: &str, place: usize, count: usize) -> usize {
    text[..place].char_indices().rev().take(count).last().map_or(place, |(start, _)| start)
}

/// The first beginning of a word from here on, or here if there is none before the place.
fn at_word(text: &str, start: usize, place: usize) -> usize {
    let before = &text[start..place];
    before.find(char::is_whitespace).map_or(start, |space| {
        let rest = &before[space..];
        start + space + (rest.len() - rest.trim_start().len())
    })
}
