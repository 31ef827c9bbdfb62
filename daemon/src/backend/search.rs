//! `search.query`, and what lists need to know of the texts that a query looks for.

use std::collections::{BTreeMap, HashMap, HashSet};

use assist_crdt_model::ProjectId;
use assist_proto::api::search::{FoundTicket, Highlight, Part, Query, Results, Snippet};
use assist_proto::api::{ApiError, limits};
use assist_proto::query::{Bound, SortBy, SortKey};
use assist_proto::search::{self as text, PartKind, Wanted, snippets};

use super::errors::{Answer, invalid};
use super::rows::Rows;
use super::{LocalBackend, query, reference};
use crate::api_server::Handle;
use crate::search::Search;
use crate::store::{
    DeviceReads as _, Direction, Found, Reader, RowFilter, RowKey, RowOrder, RowWindow, TextKey, WindowStart,
};

impl Handle<Query> for LocalBackend {
    async fn handle(&self, params: Query) -> Result<Results, ApiError> {
        let search = self.search.clone();
        Ok(self.read(move |reader| run(reader, &search, &params)).await?)
    }
}

/// In which tickets a query's texts were found, and whether all were looked at. `None` if it looks for none.
pub(super) fn found(
    reader: &Reader,
    search: &Search,
    projects: &BTreeMap<u16, ProjectId>,
    bound: &Bound,
) -> Answer<(Option<Found>, bool)> {
    if bound.texts().is_empty() {
        return Ok((None, true));
    }
    let mut is_complete = true;
    let with: Vec<&Wanted> =
        bound.texts().iter().filter(|text| !text.is_negated).map(|text| &text.wanted).collect();
    let with = if with.is_empty() {
        None
    } else {
        let hits = search.find(reader, projects, &with, usize::MAX)?;
        is_complete &= hits.is_complete;
        Some(hits.best.into_iter().collect::<HashMap<_, _>>())
    };
    let mut without = HashSet::new();
    for text in bound.texts().iter().filter(|text| text.is_negated) {
        let hits = search.find(reader, projects, &[&text.wanted], usize::MAX)?;
        is_complete &= hits.is_complete;
        without.extend(hits.best.into_iter().map(|(key, _)| key));
    }
    Ok((Some(Found { with, without }), is_complete))
}

/// The projects to search, by their numbers.
pub(super) fn projects(reader: &Reader, project: Option<&str>) -> Answer<BTreeMap<u16, ProjectId>> {
    let meant = reference::projects(reader, project)?;
    let mut all = reader.projects_by_scope()?;
    all.retain(|_, project| meant.iter().any(|membership| membership.project == *project));
    Ok(all)
}

fn run(reader: &Reader, search: &Search, params: &Query) -> Answer<Results> {
    let limit = params.limit.unwrap_or(limits::SEARCH_ROWS_DEFAULT);
    if limit > limits::SEARCH_ROWS_MAX {
        let message = format!("{limit} are asked for, at most {} come at once", limits::SEARCH_ROWS_MAX);
        return Err(invalid("page_too_large", "limit", message));
    }
    let offset = params.offset.unwrap_or(0);
    if offset > limits::SEARCH_OFFSET_MAX {
        let message = format!("at most {} can be skipped: ask more narrowly", limits::SEARCH_OFFSET_MAX);
        return Err(invalid("offset_too_large", "offset", message));
    }
    let bound = query::bind(reader, params.project.as_deref(), &params.query, "query")?;
    let projects = projects(reader, params.project.as_deref())?;
    let window = (usize::try_from(offset).unwrap_or(usize::MAX), limit as usize);
    let found = match bound.sort {
        None | Some(SortBy { key: SortKey::Relevance, is_ascending: false }) if is_of_words(&bound) => {
            best(reader, search, &projects, &bound, window)?
        }
        _ => listed(reader, search, &projects, params, &bound, window)?,
    };
    let (tickets, total, is_complete) = found;
    let wanted: Vec<Wanted> =
        bound.texts().iter().filter(|text| !text.is_negated).map(|text| text.wanted.clone()).collect();
    let mut rows = Rows::new(reader);
    let mut results = Vec::with_capacity(tickets.len());
    for (key, project) in tickets {
        // The index is right about what is here; but what is shown is what the store has.
        let Some(row) = reader.row(&project, key.ticket)? else { continue };
        let snippets = if wanted.is_empty() { Vec::new() } else { cut_out(reader, &project, key, &wanted)? };
        results.push(FoundTicket { ticket: rows.row(project, row)?, snippets });
    }
    Ok(Results { results, total, is_complete })
}

/// Tickets in their order, how many there are, and whether all were looked at.
type Tickets = (Vec<(TextKey, ProjectId)>, u64, bool);

/// Whether a query looks only for texts, so that the index alone can answer.
fn is_of_words(bound: &Bound) -> bool {
    bound.is_of_any_row() && !bound.texts().is_empty() && bound.texts().iter().all(|text| !text.is_negated)
}

fn best(
    reader: &Reader,
    search: &Search,
    projects: &BTreeMap<u16, ProjectId>,
    bound: &Bound,
    (offset, limit): (usize, usize),
) -> Answer<Tickets> {
    let wanted: Vec<&Wanted> = bound.texts().iter().map(|text| &text.wanted).collect();
    let hits = search.find(reader, projects, &wanted, offset.saturating_add(limit))?;
    let shown = hits.best.into_iter().skip(offset);
    let shown = shown.filter_map(|(key, _)| Some((key, *projects.get(&key.scope)?)));
    Ok((shown.collect(), hits.total, hits.is_complete))
}

/// The same with conditions that rows answer: they hold before anything is counted or ordered.
fn listed(
    reader: &Reader,
    search: &Search,
    projects: &BTreeMap<u16, ProjectId>,
    params: &Query,
    bound: &Bound,
    (offset, limit): (usize, usize),
) -> Answer<Tickets> {
    let (found, is_complete) = found(reader, search, projects, bound)?;
    let project = params.project.as_ref().and_then(|_| projects.values().next().copied());
    let has_scores = found.as_ref().is_some_and(|found| found.with.is_some());
    let key = match bound.sort.map(|sort| sort.key) {
        Some(SortKey::Updated) => RowKey::Updated,
        Some(SortKey::Created) => RowKey::Created,
        Some(SortKey::Number) => RowKey::Number,
        Some(SortKey::Priority) => RowKey::Priority,
        Some(SortKey::Relevance) => RowKey::Relevance,
        None if has_scores => RowKey::Relevance,
        None => RowKey::Updated,
    };
    let is_ascending = bound.sort.is_some_and(|sort| sort.is_ascending);
    let direction = if is_ascending { Direction::LeastFirst } else { Direction::GreatestFirst };
    let filter = RowFilter { project, query: bound.clone(), found, ..RowFilter::default() };
    let window = RowWindow { start: WindowStart::Offset(offset), limit };
    let page = reader.list_rows(&filter, RowOrder { key, direction }, window)?;
    let scopes: BTreeMap<ProjectId, u16> =
        projects.iter().map(|(scope, project)| (*project, *scope)).collect();
    let shown = page.rows.into_iter().filter_map(|(project, row)| {
        Some((TextKey { scope: *scopes.get(&project)?, ticket: row.ticket }, project))
    });
    Ok((shown.collect(), page.total, is_complete))
}

fn cut_out(reader: &Reader, project: &ProjectId, key: TextKey, wanted: &[Wanted]) -> Answer<Vec<Snippet>> {
    let Some(text) = reader.text_of(project, key)? else { return Ok(Vec::new()) };
    Ok(snippets(&text, wanted).into_iter().map(show).collect())
}

fn show(snippet: text::Snippet<'_>) -> Snippet {
    let chars = |end: usize| snippet.text.get(..end).unwrap_or(&snippet.text).chars().count() as u64;
    let highlights = snippet.highlights.iter();
    let highlights =
        highlights.map(|place| Highlight { start: chars(place.start), end: chars(place.end) }).collect();
    Snippet {
        part: match snippet.part.kind {
            PartKind::Title => Part::Title,
            PartKind::Body => Part::Body,
            PartKind::Comment => Part::Comment,
            PartKind::Note => Part::Note,
            PartKind::Attachment => Part::Attachment,
        },
        comment: snippet.part.comment.map(|id| id.to_string()),
        highlights,
        is_cut_before: snippet.is_cut_before,
        is_cut_behind: snippet.is_cut_behind,
        text: snippet.text,
    }
}
