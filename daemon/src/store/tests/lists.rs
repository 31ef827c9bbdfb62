//! Lists against a plain filter and sort in memory.

use assist_crdt_model::{Priority, ProjectId, Status, UnixMillis, UserId};
use assist_proto::query::{Follows, Me, Names, Query};
use assist_proto::store::{DeviceStore as _, Seq, TicketRow};

use super::samples::{memory_store, project, row, user};
use crate::store::{
    Assignee, Direction, Reader, RowFilter, RowKey, RowOrder, RowPage, RowWindow, Store, WindowStart,
};

/// 300 tickets of two projects that differ in everything a list looks at.
fn tickets() -> Vec<(u8, TicketRow)> {
    let varied = |number: u64| {
        let mut row = row(number);
        row.status = Status::ALL[(number % 4) as usize];
        row.priority = [None, Some(Priority::Low), Some(Priority::Urgent)][(number % 3) as usize];
        row.assignee = (number.is_multiple_of(5)).then(|| user(9));
        row.requester = user((number % 7) as u8);
        row.number = (!number.is_multiple_of(11)).then_some(number as u32);
        row.updated_at = UnixMillis(1_000_000 + number * 7919 % 257);
        row.created_at = UnixMillis(5_000 + number * 31 % 1009);
        row.snoozed_until_millis = number.is_multiple_of(17).then_some(9_000_000);
        row.merged_into = number.is_multiple_of(19).then(|| super::samples::ticket(1));
        row.has_conflict = number.is_multiple_of(23);
        row.comment_count = (number % 9) as u32;
        row.labels =
            if number.is_multiple_of(2) { vec!["network".into(), "vm".into()] } else { vec!["vm".into()] };
        if number.is_multiple_of(13) {
            row.title = "Gr\u{f6}\u{df}e der \u{dc}BERSICHT stimmt nicht".into();
        }
        ((number % 2) as u8 + 1, row)
    };
    (1..=300).map(varied).collect()
}

fn store_with(tickets: &[(u8, TicketRow)]) -> Store {
    let store = memory_store();
    let mut turn = store.begin_turn().unwrap();
    for (number, row) in tickets {
        turn.put_row(&project(*number), row).unwrap();
    }
    turn.commit().unwrap();
    store
}

fn rank(row: &TicketRow, key: RowKey) -> u64 {
    match key {
        RowKey::Updated => row.updated_at.0,
        RowKey::Created => row.created_at.0,
        RowKey::Number => row.number.map_or(u64::MAX, u64::from),
        RowKey::Priority => row.priority.map_or(0, |priority| priority as u64 + 1),
        RowKey::Relevance => 0,
    }
}

fn expected(
    tickets: &[(u8, TicketRow)],
    order: RowOrder,
    is_shown: impl Fn(&TicketRow) -> bool,
) -> Vec<TicketRow> {
    let mut rows: Vec<_> = tickets.iter().map(|(_, row)| row.clone()).filter(|row| is_shown(row)).collect();
    rows.sort_by_key(|row| (rank(row, order.key), row.updated_at, row.ticket));
    if order.direction == Direction::GreatestFirst {
        rows.reverse();
    }
    rows
}

fn rows(page: RowPage) -> Vec<TicketRow> {
    page.rows.into_iter().map(|(_, row)| row).collect()
}

fn window(offset: usize, limit: usize) -> RowWindow {
    RowWindow { start: WindowStart::Offset(offset), limit }
}

fn all_orders() -> impl Iterator<Item = RowOrder> {
    let keys = [RowKey::Updated, RowKey::Created, RowKey::Number, RowKey::Priority];
    let directions = [Direction::GreatestFirst, Direction::LeastFirst];
    keys.into_iter().flat_map(move |key| directions.map(|direction| RowOrder { key, direction }))
}

#[test]
fn windows_by_offset_are_parts_of_the_ordered_whole() {
    let tickets = tickets();
    let reader = store_with(&tickets).read().unwrap();
    for order in all_orders() {
        let whole = expected(&tickets, order, |_| true);
        for (offset, limit) in [(0, 50), (17, 33), (290, 50), (300, 5), (400, 5), (0, 0), (0, usize::MAX)] {
            let page = reader.list_rows(&RowFilter::default(), order, window(offset, limit)).unwrap();
            assert_eq!(page.total, 300);
            let part: Vec<_> = whole.iter().skip(offset).take(limit).cloned().collect();
            assert_eq!(rows(page), part, "{order:?} {offset} {limit}");
        }
    }
}

#[test]
fn windows_by_cursor_go_through_the_whole_once() {
    let tickets = tickets();
    let reader = store_with(&tickets).read().unwrap();
    for order in all_orders() {
        assert_eq!(by_cursor(&reader, &RowFilter::default(), order), expected(&tickets, order, |_| true));
    }
    let filter = RowFilter { project: Some(project(2)), ..RowFilter::default() };
    let odd: Vec<_> = tickets.iter().filter(|(number, _)| *number == 2).cloned().collect();
    assert_eq!(
        by_cursor(&reader, &filter, RowOrder::default()),
        expected(&odd, RowOrder::default(), |_| true)
    );
}

#[test]
fn the_last_window_says_that_it_is_the_last() {
    let tickets = tickets();
    let reader = store_with(&tickets).read().unwrap();
    let closed = RowFilter { statuses: vec![Status::Closed], ..RowFilter::default() };
    for (filter, count) in [(RowFilter::default(), 300), (closed, 75)] {
        let next = |offset, limit| {
            reader.list_rows(&filter, RowOrder::default(), window(offset, limit)).unwrap().next
        };
        assert!(next(0, count - 1).is_some());
        assert!(next(0, count).is_none());
        assert!(next(count - 10, 9).is_some());
        assert!(next(count - 10, 10).is_none());
    }
}

fn by_cursor(reader: &Reader, filter: &RowFilter, order: RowOrder) -> Vec<TicketRow> {
    let mut all = Vec::new();
    let mut start = WindowStart::Offset(0);
    loop {
        let page = reader.list_rows(filter, order, RowWindow { start, limit: 37 }).unwrap();
        let next = page.next;
        all.extend(rows(page));
        match next {
            Some(next) => start = WindowStart::After(next),
            None => return all,
        }
    }
}

#[test]
fn filters_show_what_they_say() {
    let tickets = tickets();
    let reader = store_with(&tickets).read().unwrap();
    let check = |filter: RowFilter, is_shown: &dyn Fn(&TicketRow) -> bool| {
        let order = RowOrder::default();
        let page = reader.list_rows(&filter, order, window(0, usize::MAX)).unwrap();
        let whole = expected(&tickets, order, is_shown);
        assert!(!whole.is_empty(), "{filter:?} shows something");
        assert_eq!(page.total, whole.len() as u64, "{filter:?}");
        assert_eq!(rows(page), whole, "{filter:?}");
    };
    let all = RowFilter::default;
    check(RowFilter { statuses: vec![Status::Open, Status::Closed], ..all() }, &|row| {
        matches!(row.status, Status::Open | Status::Closed)
    });
    check(RowFilter { assignee: Some(Assignee::Nobody), ..all() }, &|row| row.assignee.is_none());
    check(RowFilter { assignee: Some(Assignee::AnyOf(vec![user(9)])), ..all() }, &|row| {
        row.assignee.is_some()
    });
    check(RowFilter { requesters: vec![user(3)], ..all() }, &|row| row.requester == user(3));
    check(RowFilter { labels: vec!["network".into()], ..all() }, &|row| row.labels.len() == 2);
    check(RowFilter { title: Some("\u{fc}bersicht".into()), ..all() }, &|row| row.title.starts_with('G'));
    check(RowFilter { number: Some(17), ..all() }, &|row| row.number == Some(17));
    check(RowFilter { statuses: vec![Status::Pending], requesters: vec![user(1)], ..all() }, &|row| {
        row.status == Status::Pending && row.requester == user(1)
    });
}

struct Nobody;

impl Names for Nobody {
    type Error = ();

    fn users(&mut self, _: &str) -> Result<Vec<UserId>, ()> {
        Ok(vec![user(9)])
    }

    fn me(&mut self) -> Result<Vec<Me>, ()> {
        Ok(vec![Me { project: project(1), user: user(9), is_team: true }])
    }

    fn follows(&mut self) -> Result<Follows, Self::Error> {
        Ok(Follows::new())
    }

    fn view(&mut self, _name: &str) -> Result<Query, Self::Error> {
        Ok(Query::default())
    }

    fn projects(&mut self, _: &str) -> Result<Vec<ProjectId>, ()> {
        Ok(vec![project(2)])
    }
}

#[test]
fn queries_find_in_stored_rows_what_they_find_in_rows() {
    let tickets = tickets();
    let reader = store_with(&tickets).read().unwrap();
    for query in [
        "is:open,pending -label:network",
        "is:snoozed",
        "is:merged",
        "is:conflict",
        "is:mine -is:unread",
        "assignee:me priority:urgent,none",
        "-assignee:none requester:me",
        "number:20..90 comments:>3",
        "project:x updated:<2000-01-01 -is:numbered",
        "snoozed:>1m created:>=1970-01-01",
    ] {
        let query = Query::parse(query).unwrap().bind(UnixMillis(1_000_000), &mut Nobody).unwrap();
        let found =
            |(number, row): &&(u8, TicketRow)| query.holds(project(*number), row.ticket, row).unwrap();
        let wanted: Vec<_> = tickets.iter().filter(found).cloned().collect();
        let order = RowOrder::default();
        let filter = RowFilter { query: query.clone(), ..RowFilter::default() };
        let page = reader.list_rows(&filter, order, window(0, usize::MAX)).unwrap();
        assert_eq!(rows(page), expected(&wanted, order, |_| true), "{query:?}");
    }
}

#[test]
fn what_is_unread_is_found_until_it_is_read() {
    let tickets = tickets();
    let store = store_with(&tickets);
    let mut turn = store.begin_turn().unwrap();
    for (number, others, read) in
        [(4_u8, Some(9), None), (5, Some(9), Some(8)), (6, Some(9), Some(9)), (7, None, Some(3))]
    {
        let (project_number, row) = &tickets[usize::from(number)];
        if let Some(others) = others {
            turn.put_others_seq(&project(*project_number), row.ticket, Seq(others)).unwrap();
        }
        if let Some(read) = read {
            turn.put_own_read(&project(*project_number), row.ticket, Seq(read)).unwrap();
        }
    }
    turn.commit().unwrap();
    let found = |query: &str| {
        let query = Query::parse(query).unwrap().bind(UnixMillis(1_000_000), &mut Nobody).unwrap();
        let filter = RowFilter { query, ..RowFilter::default() };
        let page =
            store.read().unwrap().list_rows(&filter, RowOrder::default(), window(0, usize::MAX)).unwrap();
        rows(page)
    };
    let wanted = expected(&tickets[4..6], RowOrder::default(), |_| true);
    assert_eq!(found("is:unread"), wanted);
    assert_eq!(found("-is:unread").len(), 298);
    let mut turn = store.begin_turn().unwrap();
    for (number, row) in &tickets[4..6] {
        turn.put_own_read(&project(*number), row.ticket, Seq(9)).unwrap();
    }
    turn.commit().unwrap();
    assert_eq!(found("is:unread"), []);
}

#[test]
fn row_that_moves_or_goes_is_shown_once_or_not_at_all() {
    let tickets = tickets();
    let store = store_with(&tickets);
    let mut turn = store.begin_turn().unwrap();
    let mut moved = tickets[4].1.clone();
    moved.updated_at = UnixMillis(9_000_000);
    moved.number = Some(9_999);
    turn.put_row(&project(tickets[4].0), &moved).unwrap();
    turn.remove_row(&project(tickets[5].0), tickets[5].1.ticket).unwrap();
    turn.commit().unwrap();
    let reader = store.read().unwrap();
    let page = reader.list_rows(&RowFilter::default(), RowOrder::default(), window(0, usize::MAX)).unwrap();
    assert_eq!((page.total, page.rows.len()), (299, 299));
    assert_eq!(rows(page)[0], moved);
    assert_eq!(reader.tickets_by_number(None, 5).unwrap(), vec![]);
    assert_eq!(reader.tickets_by_number(None, 9_999).unwrap().len(), 1);
}

#[test]
fn tickets_are_found_by_the_beginning_of_their_id() {
    let tickets = tickets();
    let reader = store_with(&tickets).read().unwrap();
    for (number, row) in &tickets {
        let text = row.ticket.to_string();
        for chars in [1, 4, 8, 25, 26] {
            let prefix = &text[..chars];
            let mut found = reader.tickets_by_prefix(None, prefix, usize::MAX).unwrap();
            found.sort_unstable();
            let mut expected: Vec<_> = tickets
                .iter()
                .filter(|(_, row)| row.ticket.to_string().starts_with(prefix))
                .map(|(number, row)| (project(*number), row.ticket))
                .collect();
            expected.sort_unstable();
            assert_eq!(found, expected);
        }
        let upper = reader.tickets_by_prefix(Some(&project(*number)), &text.to_uppercase(), 5).unwrap();
        assert_eq!(upper, vec![(project(*number), row.ticket)]);
    }
    assert_eq!(reader.tickets_by_prefix(None, "", 2).unwrap(), vec![]);
    assert_eq!(reader.tickets_by_prefix(None, "!", 2).unwrap(), vec![]);
    assert_eq!(reader.tickets_by_prefix(None, &"0".repeat(27), 2).unwrap(), vec![]);
}
