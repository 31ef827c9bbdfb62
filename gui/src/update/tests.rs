//! What the state becomes, without a daemon and without a window.

use assist_proto::api::comment::Undone;
use assist_proto::api::link::Open;
use assist_proto::api::project::{ProjectInfo, Relocate};
use assist_proto::api::server::log::LogPage;
use assist_proto::api::ticket::{TicketPage, TicketRef, TicketRow};
use assist_proto::api::user::Role;
use serde_json::json;

use super::{act, receive, settle};
use crate::intent::{Field, Intent, Viewing};
use crate::limits;
use crate::link::{Done, Failure, Overview, Reply, Request, Write};
use crate::manage::{LogPart, Managing, Part};
use crate::memory::Memory;
use crate::route::{Route, TicketKey, View};
use crate::state::{DaemonState, State};

const NOW: u64 = 1_795_000_000_000;

fn project(name: &str) -> ProjectInfo {
    let value = json!({
        "id": name, "name": name, "addresses": [], "role": "agent", "user_id": "me", "user_name": "Amir",
        "device_name": "desk", "unread_count": 0, "cold_start": null,
        "connection": {"state": "online", "since_millis": 0, "detail": ""},
    });
    serde_json::from_value(value).unwrap()
}

fn rows(count: u64) -> TicketPage {
    let row = |index: u64| -> TicketRow {
        let value = json!({
            "project": "anvil", "id": format!("t{index}"), "short_id": "t", "number": index, "title": "It hums",
            "status": "open", "priority": null, "assignee": null, "requester": {"id": "c", "name": "Carla"},
            "labels": [], "created_at_millis": 0, "updated_at_millis": 0, "snoozed_until_millis": null,
            "comment_count": 0, "has_conflict": false, "state": null, "is_loaded": true,
        });
        serde_json::from_value(value).unwrap()
    };
    TicketPage {
        tickets: (0..count.min(limits::PAGE_ROWS)).map(row).collect(),
        total: count,
        next_cursor: None,
        is_complete: true,
    }
}

fn key(ticket: &str) -> TicketKey {
    TicketKey { project: "anvil".into(), ticket: ticket.into() }
}

fn ticket_ref(ticket: &str) -> TicketRef {
    TicketRef {
        project: "anvil".into(),
        id: ticket.into(),
        short_id: ticket.into(),
        number: None,
        title: "It hums".into(),
    }
}

fn failure(reason: &str) -> Failure {
    Failure { message: "it did not work".into(), reason: reason.into() }
}

/// A client whose daemon answers, with one project.
fn ready() -> State {
    let mut state = State::new(Memory::default());
    receive(&mut state, Reply::Daemon(DaemonState::Ready), NOW);
    let overview = Overview { projects: vec![project("anvil")], ..Overview::default() };
    receive(&mut state, Reply::Overview(Ok(overview)), NOW);
    settle(&mut state, NOW);
    state
}

fn pages_asked(requests: &[Request]) -> Vec<(u64, u64)> {
    let asked = |request: &Request| match request {
        Request::Rows { serial, page, .. } => Some((*serial, *page)),
        _ => None,
    };
    requests.iter().filter_map(asked).collect()
}

#[test]
fn nothing_is_asked_of_a_daemon_that_is_not_there() {
    let mut state = State::new(Memory::default());
    assert_eq!(settle(&mut state, NOW), []);
    receive(&mut state, Reply::Daemon(DaemonState::Ready), NOW);
    assert!(settle(&mut state, NOW).contains(&Request::Overview));
    assert_eq!(settle(&mut state, NOW), [], "it is asked once");
}

#[test]
fn rows_are_asked_for_as_they_are_scrolled_to() {
    let mut state = ready();
    receive(&mut state, Reply::Rows { serial: 0, page: 0, outcome: Ok(rows(100_000)) }, NOW);
    act(&mut state, Intent::ShowRows(50_000..50_020));
    assert_eq!(pages_asked(&settle(&mut state, NOW)), [(0, 500)]);
    assert_eq!(pages_asked(&settle(&mut state, NOW)), [], "what is awaited is not asked for again");
    act(&mut state, Intent::ShowRows(99_990..100_000));
    assert_eq!(pages_asked(&settle(&mut state, NOW)), [(0, 999)], "there is no page behind the last");
    for page in 0..200 {
        let shown = page * limits::PAGE_ROWS..page * limits::PAGE_ROWS + 20;
        act(&mut state, Intent::ShowRows(shown));
        settle(&mut state, NOW);
        receive(&mut state, Reply::Rows { serial: 0, page, outcome: Ok(rows(100_000)) }, NOW);
    }
    settle(&mut state, NOW);
    assert_eq!(state.inbox.pages.len(), limits::PAGES_MAX);
    assert!(state.inbox.row(199 * limits::PAGE_ROWS).is_some(), "what is shown stays");
}

#[test]
fn answers_to_an_earlier_query_are_dropped() {
    let mut state = ready();
    act(&mut state, Intent::Type(Field::Query, "hums".into()));
    let asked = pages_asked(&settle(&mut state, NOW));
    let [(serial, 0)] = asked[..] else { panic!("{asked:?}") };
    receive(&mut state, Reply::Rows { serial: serial - 1, page: 0, outcome: Ok(rows(7)) }, NOW);
    assert_eq!(state.inbox.total, None);
    receive(&mut state, Reply::Rows { serial, page: 0, outcome: Ok(rows(2)) }, NOW);
    assert_eq!(state.inbox.total, Some(2));
    act(&mut state, Intent::Type(Field::Query, "is:nonsense".into()));
    settle(&mut state, NOW);
    let outcome = Err(failure("bad_query"));
    receive(&mut state, Reply::Rows { serial: serial + 1, page: 0, outcome }, NOW);
    assert_eq!(state.inbox.error.as_deref(), Some("it did not work"));
}

#[test]
fn words_stay_in_the_field_until_they_are_durable() {
    let mut state = ready();
    act(&mut state, Intent::Go(Route::Ticket(key("t1"))));
    assert!(act(&mut state, Intent::Send).is_empty(), "nothing is no comment");
    act(&mut state, Intent::Type(Field::Composer, "Which one?".into()));
    let requests = act(&mut state, Intent::Send);
    let [Request::Write(write)] = &requests[..] else { panic!("{requests:?}") };
    let Write::Comment(to, add) = &**write else { panic!("{write:?}") };
    assert_eq!((to, add.body.as_str()), (&key("t1"), "Which one?"));
    assert!(act(&mut state, Intent::Send).is_empty(), "it is sent once");

    let refused = Reply::Written { write: write.clone(), outcome: Err(failure("")) };
    receive(&mut state, refused, NOW);
    let composer = state.composer(&key("t1"));
    assert_eq!((composer.text.as_str(), composer.is_sending), ("Which one?", false));
    assert!(composer.error.is_some());
    act(&mut state, Intent::Send);
    let done = Reply::Written { write: write.clone(), outcome: Ok(Done::Ticket(ticket_ref("t1"))) };
    receive(&mut state, done, NOW);
    assert_eq!(state.composer(&key("t1")).text, "");
}

#[test]
fn what_is_taken_back_is_in_the_field_before_what_was_typed_since() {
    let mut state = ready();
    act(&mut state, Intent::Go(Route::Ticket(key("t1"))));
    act(&mut state, Intent::Type(Field::Composer, "And then?".into()));
    let requests = act(&mut state, Intent::TakeBack("c1".into()));
    let [Request::Write(write)] = &requests[..] else { panic!("{requests:?}") };
    let undone = Undone {
        ticket: ticket_ref("t1"),
        comment: "c1".into(),
        is_note: true,
        body: "Do not promise.".into(),
        draft: "d".into(),
    };
    let done = Reply::Written { write: write.clone(), outcome: Ok(Done::TakenBack(Box::new(undone))) };
    receive(&mut state, done, NOW);
    let composer = state.composer(&key("t1"));
    assert_eq!((composer.text.as_str(), composer.is_note), ("Do not promise.\n\nAnd then?", true));
}

#[test]
fn a_note_stays_a_note_and_a_customer_has_none() {
    let mut state = ready();
    act(&mut state, Intent::Go(Route::Ticket(key("t1"))));
    act(&mut state, Intent::WriteNote(true));
    act(&mut state, Intent::Type(Field::Composer, "For us.".into()));
    let sent = |state: &mut State| match &act(state, Intent::Send)[..] {
        [Request::Write(write)] => (**write).clone(),
        other => panic!("{other:?}"),
    };
    let write = sent(&mut state);
    assert!(matches!(write, Write::Note(..)));
    receive(&mut state, Reply::Written { write: Box::new(write), outcome: Ok(Done::Plain) }, NOW);
    assert!(state.composer(&key("t1")).is_note, "the next one is a note too, until somebody says otherwise");
}

#[test]
fn back_and_forward_go_where_one_was() {
    let mut state = ready();
    act(&mut state, Intent::Go(Route::Ticket(key("t1"))));
    act(&mut state, Intent::Go(Route::Settings));
    act(&mut state, Intent::Back);
    assert_eq!(state.route, Route::Ticket(key("t1")));
    act(&mut state, Intent::Forward);
    assert_eq!(state.route, Route::Settings);
    act(&mut state, Intent::Back);
    act(&mut state, Intent::Back);
    act(&mut state, Intent::Back);
    assert_eq!(state.route, Route::START);
    for index in 0..500 {
        act(&mut state, Intent::Go(Route::Ticket(key(&format!("t{index}")))));
    }
    assert_eq!(state.back.len(), limits::ROUTES_MAX);
}

#[test]
fn a_project_that_is_left_takes_its_tickets_along() {
    let mut state = ready();
    act(&mut state, Intent::Go(Route::Ticket(key("t1"))));
    receive(&mut state, Reply::Overview(Ok(Overview::default())), NOW);
    assert!(state.open.is_none());
    assert_eq!(state.route, Route::Join);
    let overview = Overview { projects: vec![project("bellows")], ..Overview::default() };
    receive(&mut state, Reply::Overview(Ok(overview)), NOW);
    assert_eq!(state.route, Route::START);
}

#[test]
fn link_with_another_address_is_followed_only_by_the_person() {
    let mut state = ready();
    let address = "assist://anvil@[400::7]:9470";
    let opened = |is_elsewhere: bool| {
        let value = json!({
            "outcome": "already_joined", "project": "anvil", "name": "anvil", "address": address,
            "joined": project("anvil"), "waiting": null, "is_elsewhere": is_elsewhere,
        });
        let write = Box::new(Write::OpenLink(Open { link: address.into(), check: None }));
        Reply::Written { write, outcome: Ok(Done::Opened(Box::new(serde_json::from_value(value).unwrap()))) }
    };
    assert!(receive(&mut state, opened(false), NOW).is_empty());
    assert_eq!(
        (state.relocating.as_ref(), &state.route),
        (None, &Route::Inbox { project: Some("anvil".into()), view: View::Active })
    );
    assert!(receive(&mut state, opened(true), NOW).is_empty(), "nothing is asked of the daemon yet");
    assert_eq!(state.route, Route::Settings);

    let asked = act(&mut state, Intent::Relocate);
    let relocate = Relocate { address: address.into(), project: Some("anvil".into()) };
    assert_eq!(asked, [Request::Write(Box::new(Write::Relocate(relocate.clone())))]);
    let written = |outcome| Reply::Written { write: Box::new(Write::Relocate(relocate.clone())), outcome };
    receive(&mut state, written(Err(failure("bad_address"))), NOW);
    let form = state.relocating.clone().unwrap();
    assert_eq!((form.address.as_str(), form.error.as_deref()), (address, Some("it did not work")));
    act(&mut state, Intent::Type(Field::ServerAddress, "400::8".into()));
    assert_eq!(state.relocating.as_ref().unwrap().error, None);
    receive(&mut state, written(Ok(Done::Plain)), NOW);
    assert_eq!((state.relocating.as_ref(), state.toasts.len()), (None, 1));
}

#[test]
fn lines_on_what_happened_go_by_themselves() {
    let mut state = ready();
    for index in 0..10 {
        receive(&mut state, Reply::NotRemembered(index.to_string()), NOW);
    }
    assert_eq!(state.toasts.len(), limits::TOASTS_MAX);
    settle(&mut state, NOW + limits::TOAST_MILLIS - 1);
    assert_eq!(state.toasts.len(), limits::TOASTS_MAX);
    settle(&mut state, NOW + limits::TOAST_MILLIS);
    assert!(state.toasts.is_empty());
}

#[test]
fn whoever_looks_again_while_the_log_is_awaited_is_told_the_newest_thereafter() {
    let mut admin = ready();
    let overview = Overview {
        projects: vec![ProjectInfo { role: Role::Admin, ..project("anvil") }],
        ..Overview::default()
    };
    receive(&mut admin, Reply::Overview(Ok(overview)), NOW);
    act(&mut admin, Intent::Go(Route::Manage("anvil".into())));
    act(&mut admin, Intent::Manage(Managing::Show(Part::Log)));
    let asks = |state: &mut State| {
        settle(state, NOW).iter().filter(|request| matches!(request, Request::Log { .. })).count()
    };
    let page: LogPage = serde_json::from_value(json!({ "entries": [], "next": null, "head": null })).unwrap();
    let part = LogPart { before: None, is_refused_only: false };
    let answer = |state: &mut State| {
        let (project, outcome) = ("anvil".into(), Ok(Box::new(page.clone())));
        receive(state, Reply::Log { project, part, outcome }, NOW);
    };
    assert_eq!(asks(&mut admin), 1);
    act(&mut admin, Intent::Manage(Managing::LookAgain));
    assert_eq!(asks(&mut admin), 0, "one at a time");
    answer(&mut admin);
    assert_eq!(asks(&mut admin), 1, "what was answered is older than the wish");
    answer(&mut admin);
    assert_eq!(asks(&mut admin), 0);
}

#[test]
fn a_saved_view_is_left_by_any_other_and_come_back_to_from_its_tickets() {
    let mut state = ready();
    let inbox = |view| Intent::Go(Route::Inbox { project: None, view });
    let looked_for = |state: &State| state.inbox.request(0).query;
    let show = || Intent::View(Viewing::Show("crashes".into()));
    for view in [View::Active, View::All] {
        act(&mut state, show());
        assert_eq!(looked_for(&state).as_deref(), Some("view:crashes"));
        act(&mut state, inbox(view));
        assert_eq!(looked_for(&state).unwrap_or_default(), view.query());
    }
    act(&mut state, inbox(View::Active));
    act(&mut state, show());
    act(&mut state, Intent::Go(Route::Ticket(key("t1"))));
    act(&mut state, Intent::Back);
    assert_eq!(looked_for(&state).as_deref(), Some("view:crashes"));
    act(&mut state, Intent::Back);
    assert_eq!(looked_for(&state).as_deref(), Some(View::Active.query()));
}

#[test]
fn a_query_is_saved_beside_a_ticket_that_stays_open() {
    let mut state = ready();
    act(&mut state, Intent::Type(Field::Query, "hums".into()));
    act(&mut state, Intent::Go(Route::Ticket(key("t1"))));
    act(&mut state, Intent::View(Viewing::Begin));
    act(&mut state, Intent::Type(Field::ViewName, "humming".into()));
    let requests = act(&mut state, Intent::View(Viewing::Keep));
    let [Request::Write(write)] = &requests[..] else { panic!("{requests:?}") };
    let Write::SaveView(save) = &**write else { panic!("{write:?}") };
    assert_eq!((save.name.as_str(), save.query.as_str()), ("humming", "is:active -is:snoozed hums"));
    let done = Reply::Written { write: write.clone(), outcome: Ok(Done::Plain) };
    receive(&mut state, done, NOW);
    assert!(state.open.is_some() && state.route == Route::Ticket(key("t1")));
    assert_eq!(state.inbox.request(0).query.as_deref(), Some("view:humming"));
}
