//! `ticket.list`: filters and windows over the store's rows.

use assist_crdt_model::{ProjectId, TicketId, base32};
use assist_proto::api::ApiError;
use assist_proto::api::limits;
use assist_proto::api::ticket::{List, Order, Sort, TicketPage};
use assist_proto::query::{Bound, SortBy, SortKey};
use assist_proto::store::Membership;

use super::page_limit;
use crate::api_server::Handle;
use crate::backend::errors::{Answer, Failure, invalid};
use crate::backend::rows::Rows;
use crate::backend::{LocalBackend, query, reference, search as texts};
use crate::search::Search;
use crate::store::{
    Assignee, Direction, Reader, RowCursor, RowFilter, RowKey, RowOrder, RowWindow, WindowStart,
};

impl Handle<List> for LocalBackend {
    async fn handle(&self, params: List) -> Result<TicketPage, ApiError> {
        // A filter looks at every row there is.
        let search = self.search.clone();
        Ok(self.read(move |reader| list(reader, &search, params)).await?)
    }
}

/// The tickets that a list shows first, and how many it has: those in which texts stand to the letter.
pub(super) fn found(
    reader: &Reader,
    search: &Search,
    mut params: List,
    limit: usize,
) -> Answer<(Vec<(ProjectId, TicketId)>, u64)> {
    let projects = reference::projects(reader, params.project.as_deref())?;
    let query = bound_query(reader, &params)?.to_the_letter();
    let (filter, is_complete) = filter(reader, search, &params, &projects, query)?;
    if !is_complete {
        let message =
            "the search index is being made: what a query finds is not sure yet, try again in a while";
        return Err(ApiError::conflict("search_incomplete", message).with_field("query").into());
    }
    sort_as_queried(&filter, &mut params);
    let window = RowWindow { start: WindowStart::Offset(0), limit };
    let page = reader.list_rows(&filter, row_order(&params), window)?;
    Ok((page.rows.into_iter().map(|(project, row)| (project, row.ticket)).collect(), page.total))
}

fn list(reader: &Reader, search: &Search, mut params: List) -> Answer<TicketPage> {
    let projects = reference::projects(reader, params.project.as_deref())?;
    let (filter, is_complete) = filter_of(reader, search, &params, &projects)?;
    sort_as_queried(&filter, &mut params);
    let params = &params;
    let order = row_order(params);
    let window = window(params)?;
    let page = reader.list_rows(&filter, order, window)?;
    let mut rows = Rows::new(reader);
    let tickets = page.rows.into_iter().map(|(project, row)| rows.row(project, row));
    Ok(TicketPage {
        tickets: tickets.collect::<Answer<_>>()?,
        total: page.total,
        next_cursor: page.next.map(|cursor| write_cursor(params, cursor)),
        is_complete,
    })
}

/// What a list shows, and whether all texts were looked at.
pub(super) fn filter_of(
    reader: &Reader,
    search: &Search,
    params: &List,
    projects: &[Membership],
) -> Answer<(RowFilter, bool)> {
    filter(reader, search, params, projects, bound_query(reader, params)?)
}

fn filter(
    reader: &Reader,
    search: &Search,
    params: &List,
    projects: &[Membership],
    query: Bound,
) -> Answer<(RowFilter, bool)> {
    let users = |text: &str, field: &str| match projects {
        [] => Err(Failure::from(ApiError::not_enrolled(
            "no_project",
            "no project is joined, so nobody is known",
        ))),
        _ => reference::users(reader, projects, text, field),
    };
    let assignee = match params.assignee.as_deref().map(str::trim) {
        None => None,
        Some(text) if text.eq_ignore_ascii_case("none") => Some(Assignee::Nobody),
        Some(text) => Some(Assignee::AnyOf(users(text, "assignee")?)),
    };
    let requesters = params.requester.as_deref().map(|text| users(text, "requester")).transpose()?;
    let is_one_project = params.project.is_some();
    let (found, is_complete) = if query.texts().is_empty() {
        (None, true)
    } else {
        let projects = texts::projects(reader, params.project.as_deref())?;
        texts::found(reader, search, &projects, &query)?
    };
    let filter = RowFilter {
        project: projects.first().filter(|_| is_one_project).map(|project| project.project),
        statuses: params.status.iter().map(|status| (*status).into()).collect(),
        assignee,
        requesters: requesters.unwrap_or_default(),
        labels: params.labels.iter().map(|label| label.trim().to_owned()).collect(),
        title: params.text.as_deref().filter(|text| !text.is_empty()).map(str::to_owned),
        number: None,
        query,
        found,
    };
    Ok((filter, is_complete))
}

/// An order in a query wins.
fn sort_as_queried(filter: &RowFilter, params: &mut List) {
    let Some(SortBy { key, is_ascending }) = filter.query.sort else { return };
    params.sort = match key {
        SortKey::Updated => Sort::Updated,
        SortKey::Created => Sort::Created,
        SortKey::Number => Sort::Number,
        SortKey::Priority => Sort::Priority,
        SortKey::Relevance => Sort::Relevance,
    };
    params.order = if is_ascending { Order::Ascending } else { Order::Descending };
}

fn bound_query(reader: &Reader, params: &List) -> Answer<Bound> {
    match &params.query {
        Some(text) => query::bind(reader, params.project.as_deref(), text, "query"),
        None => Ok(Bound::default()),
    }
}

const fn row_order(params: &List) -> RowOrder {
    let key = match params.sort {
        Sort::Updated => RowKey::Updated,
        Sort::Created => RowKey::Created,
        Sort::Number => RowKey::Number,
        Sort::Priority => RowKey::Priority,
        Sort::Relevance => RowKey::Relevance,
    };
    let direction = match params.order {
        Order::Descending => Direction::GreatestFirst,
        Order::Ascending => Direction::LeastFirst,
    };
    RowOrder { key, direction }
}

fn window(params: &List) -> Answer<RowWindow> {
    let limit = page_limit(params.limit, limits::PAGE_ROWS_DEFAULT)?;
    let start = match (&params.cursor, params.offset) {
        (Some(_), Some(_)) => {
            return Err(invalid("offset_and_cursor", "cursor", "give the offset or the cursor, not both"));
        }
        (Some(cursor), None) => WindowStart::After(read_cursor(params, cursor)?),
        (None, offset) => WindowStart::Offset(usize::try_from(offset.unwrap_or(0)).unwrap_or(usize::MAX)),
    };
    Ok(RowWindow { start, limit })
}

/// A place in a list as a text that only we read: the list's order, then the place.
fn write_cursor(params: &List, cursor: RowCursor) -> String {
    let mut bytes = Vec::with_capacity(CURSOR_SIZE);
    bytes.extend_from_slice(&order_tag(params));
    bytes.extend_from_slice(&cursor.rank.to_be_bytes());
    bytes.extend_from_slice(&cursor.updated_at_millis.to_be_bytes());
    bytes.extend_from_slice(cursor.ticket.as_bytes());
    base32().encode(&bytes)
}

fn read_cursor(params: &List, text: &str) -> Answer<RowCursor> {
    let bytes = base32().decode(text.as_bytes()).ok();
    let read = bytes.and_then(|bytes| {
        let (tag, rest) = bytes.split_first_chunk::<2>()?;
        let (rank, rest) = rest.split_first_chunk::<8>()?;
        let (updated_at, ticket) = rest.split_first_chunk::<8>()?;
        let cursor = RowCursor {
            rank: u64::from_be_bytes(*rank),
            updated_at_millis: u64::from_be_bytes(*updated_at),
            ticket: TicketId::from_slice(ticket)?,
        };
        (*tag == order_tag(params)).then_some(cursor)
    });
    read.ok_or_else(|| {
        let message = "expected the next_cursor of a page with the same sort and order";
        invalid("bad_cursor", "cursor", message)
    })
}

const fn order_tag(params: &List) -> [u8; 2] {
    [params.sort as u8, params.order as u8]
}

const CURSOR_SIZE: usize = 2 + 8 + 8 + TicketId::SIZE;
