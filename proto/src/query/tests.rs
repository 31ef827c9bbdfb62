//! What queries mean, each as the numbers of the tickets that it finds; and that nothing breaks the parser.

use assist_crdt_model::{Priority, ProjectId, Status, TicketId, UnixMillis, UserId};
use proptest::prelude::*;

use super::*;
use crate::search::TicketText;
use crate::store::{Follow, TicketRow};

const HOUR: u64 = 3_600_000;
const DAY: u64 = 24 * HOUR;
/// 2026-11-26T12:00:00Z.
const NOW: UnixMillis = UnixMillis(1_795_694_400_000);
const HERO: ProjectId = ProjectId::from_bytes([1; 32]);
const MYCELIUM: ProjectId = ProjectId::from_bytes([2; 32]);
const CAROL: UserId = UserId::from_bytes([3; 16]);
const DAVE: UserId = UserId::from_bytes([4; 16]);
const ALICE: UserId = UserId::from_bytes([5; 16]);
const BOB: UserId = UserId::from_bytes([6; 16]);

/// Carol asks.
struct Book;

/// A row as a list has it: of tickets 2 and 7, somebody else wrote more than she has read. 3 and 7
/// mention her, 7 where she has not read.
struct Listed<'a>(&'a TicketRow);

macro_rules! as_the_row {
    ($($part:ident: $type:ty),+) => {
        impl RowView for Listed<'_> {
            type Error = std::convert::Infallible;

            fn is_unread(&self) -> bool {
                [2, 7].contains(&self.0.ticket.as_bytes()[0])
            }

            fn is_mentioned(&self) -> bool {
                [3, 7].contains(&self.0.ticket.as_bytes()[0])
            }

            fn is_newly_mentioned(&self) -> bool {
                self.0.ticket.as_bytes()[0] == 7
            }

            fn labels(&self) -> Result<Vec<&str>, Self::Error> {
                RowView::labels(self.0)
            }

            $(fn $part(&self) -> $type {
                RowView::$part(self.0)
            })+
        }
    };
}

as_the_row!(
    status: Result<Status, Self::Error>,
    priority: Result<Option<Priority>, Self::Error>,
    assignee: Option<UserId>,
    requester: UserId,
    number: Option<u32>,
    comment_count: u32,
    created_at: UnixMillis,
    updated_at: UnixMillis,
    snoozed_until: Option<UnixMillis>,
    is_merged: bool,
    has_conflict: bool
);

impl Names for Book {
    type Error = &'static str;

    fn users(&mut self, name: &str) -> Result<Vec<UserId>, &'static str> {
        match name {
            "me" | "carol" => Ok(vec![CAROL]),
            "dave" => Ok(vec![DAVE]),
            "alice" | "alice@example.org" => Ok(vec![ALICE]),
            "bob" => Ok(vec![BOB]),
            _ => Err("nobody of that name"),
        }
    }

    fn me(&mut self) -> Result<Vec<Me>, &'static str> {
        // In one project Carol is of the team, in the other a customer: there her problem is ticket 6 as Alice.
        Ok(vec![
            Me { project: HERO, user: CAROL, is_team: true },
            Me { project: MYCELIUM, user: ALICE, is_team: false },
        ])
    }

    /// Carol follows ticket 3 and has muted ticket 1, which she works on.
    fn follows(&mut self) -> Result<Follows, &'static str> {
        let of = |number| (HERO, TicketId::from_bytes([number; 16]));
        Ok([(of(3), Follow::Following), (of(1), Follow::Muted)].into())
    }

    fn view(&mut self, name: &str) -> Result<Query, &'static str> {
        let query = match name {
            "crashes" => "label:crash sort:created-asc",
            "round" => "view:round label:crash",
            "broken" => "assignee:nobody-of-that-name",
            _ => return Err("no view of that name"),
        };
        Ok(Query::parse(query).unwrap())
    }

    fn projects(&mut self, name: &str) -> Result<Vec<ProjectId>, &'static str> {
        match name {
            "hero" => Ok(vec![HERO]),
            "mycelium" | "my" => Ok(vec![MYCELIUM]),
            _ => Err("no project of that name"),
        }
    }
}

fn blank(number: u32, title: &str) -> TicketRow {
    TicketRow {
        ticket: TicketId::from_bytes([number as u8; 16]),
        number: Some(number),
        requester: ALICE,
        title: title.to_owned(),
        created_at: UnixMillis(NOW.0 - 60 * DAY),
        updated_at: UnixMillis(NOW.0 - 30 * DAY),
        ..TicketRow::sample()
    }
}

/// Seven tickets that differ in everything that can be asked for.
fn tickets() -> Vec<(ProjectId, TicketRow)> {
    let labels = |labels: &[&str]| labels.iter().map(|label| (*label).to_owned()).collect();
    let ago = |millis: u64| UnixMillis(NOW.0 - millis);
    vec![
        (
            HERO,
            TicketRow {
                assignee: Some(CAROL),
                labels: labels(&["crash", "UI"]),
                updated_at: ago(2 * DAY),
                ..blank(1, "Panic at startup")
            },
        ),
        (
            HERO,
            TicketRow {
                assignee: Some(DAVE),
                status: Status::Pending,
                priority: Some(Priority::High),
                labels: labels(&["wontfix", "crash"]),
                comment_count: 7,
                ..blank(2, "It hangs, then panics")
            },
        ),
        (HERO, TicketRow { requester: BOB, priority: Some(Priority::Urgent), ..blank(3, "Burns: on fire") }),
        (
            HERO,
            TicketRow {
                status: Status::Closed,
                merged_into: Some(TicketId::from_bytes([1; 16])),
                created_at: UnixMillis(1_793_491_200_000 + 5 * HOUR),
                ..blank(4, "PANIC AT \"NIGHT\"")
            },
        ),
        (
            MYCELIUM,
            TicketRow {
                assignee: Some(CAROL),
                status: Status::Resolved,
                has_conflict: true,
                comment_count: 2,
                ..blank(5, "Slow - at night")
            },
        ),
        (
            MYCELIUM,
            TicketRow {
                snoozed_until_millis: Some(NOW.0 + 3 * DAY),
                priority: Some(Priority::Low),
                ..blank(6, "Stra\u{df}e & \u{c4}rger")
            },
        ),
        (
            MYCELIUM,
            TicketRow {
                number: None,
                updated_at: ago(HOUR),
                labels: labels(&["two words"]),
                ..blank(7, "is:open")
            },
        ),
    ]
}

fn found(query: &str) -> Vec<u8> {
    found_at(query, NOW)
}

fn found_at(query: &str, now: UnixMillis) -> Vec<u8> {
    let bound = Query::parse(query).unwrap_or_else(|error| panic!("{query}: {error}")).bind(now, &mut Book);
    let bound = bound.unwrap_or_else(|error| panic!("{query}: {error:?}"));
    let holds = |(project, row): &&(ProjectId, TicketRow)| {
        let text = TicketText::of_title(&row.title).analyse();
        let fits = |wish: &BoundText| wish.wanted.is_in(&text) != wish.is_negated;
        bound.holds(*project, row.ticket, &Listed(row)).unwrap() && bound.texts().iter().all(fits)
    };
    tickets().iter().filter(holds).map(|(_, row)| row.ticket.as_bytes()[0]).collect()
}

#[test]
fn a_quoted_value_is_read_as_it_was() {
    for value in ["crash", "two words", "a,b", "say \"hi\"", "back\\slash", "\\", "a:b", "-x", "\u{3000}"] {
        let read = Query::parse(&format!("label:{} is:open", quoted(value)));
        if value.trim().is_empty() {
            assert_eq!(read.unwrap_err().kind, QueryFault::Empty);
            continue;
        }
        let read = read.unwrap_or_else(|error| panic!("{value}: {error}"));
        let Condition::Label(labels) = &read.terms[0].condition else { panic!("{read:?}") };
        assert_eq!((labels.as_slice(), read.terms.len()), ([value.to_owned()].as_slice(), 2));
    }
}

const ALL: &[u8] = &[1, 2, 3, 4, 5, 6, 7];

/// Queries with the tickets that they find.
const TABLE: &[(&str, &[u8])] = &[
    ("", ALL),
    ("   ", ALL),
    (
        "is:open assignee:me label:crash,ui updated:<7d project:hero \"panic at\" -label:wontfix sort:updated",
        &[1],
    ),
    // Texts.
    ("panic", &[1, 2, 4]),
    ("PANIC at", &[1, 4]),
    ("\"panic at\"", &[1, 4]),
    ("\"at panic\"", &[]),
    ("panic -startup", &[2, 4]),
    ("-panic", &[3, 5, 6, 7]),
    ("-\"panic at\"", &[2, 3, 5, 6, 7]),
    ("\"\\\"night\\\"\"", &[4, 5]),
    ("burns:", &[3]),
    ("hangs,", &[2]),
    ("\u{e4}rger", &[6]),
    ("stra\u{df}e", &[6]),
    ("\"is:open\"", &[7]),
    ("arger strasse", &[6]),
    ("\"strasse arger\"", &[6]),
    ("panix", &[1, 4]),
    ("\"panix\"", &[]),
    ("pani*", &[1, 2, 4]),
    ("start* panic", &[1]),
    ("-pani* is:open", &[3, 6, 7]),
    ("night", &[4, 5]),
    ("nigth", &[4, 5]),
    ("fire", &[3]),
    ("fire*", &[3]),
    ("fine", &[]),
    ("on-fire", &[3]),
    ("\"on fire\" -panic", &[3]),
    ("at", &[1, 4, 5]),
    ("at -panic", &[5]),
    ("hangs then panics", &[2]),
    ("\"hangs then\"", &[2]),
    ("\"#3\"", &[]),
    ("panic panic", &[1, 2, 4]),
    ("panic -panic", &[]),
    ("slow sort:relevance", &[5]),
    ("open", &[7]),
    ("is:open open", &[7]),
    ("panic is:open", &[1]),
    ("panic is:open,closed", &[1, 4]),
    ("panic label:crash", &[1, 2]),
    ("panic label:crash -label:ui", &[2]),
    ("panic assignee:none", &[4]),
    ("panic assignee:me,dave", &[1, 2]),
    ("panic project:mycelium", &[]),
    ("night project:mycelium", &[5]),
    ("night -project:mycelium", &[4]),
    ("night priority:none", &[4, 5]),
    ("panic updated:<7d", &[1]),
    ("panic updated:>7d", &[2, 4]),
    ("panic number:1..2", &[1, 2]),
    ("panic comments:>0", &[2]),
    ("panic created:2026-11-01", &[4]),
    ("-panic -night is:active", &[3, 6, 7]),
    ("startup \"panic at\"", &[1]),
    ("starutp", &[1]),
    ("startups", &[1]),
    ("startupsy", &[]),
    ("PANIC", &[1, 2, 4]),
    ("\u{ff30}anic", &[1, 2, 4]),
    ("p\u{e4}nic", &[1, 2, 4]),
    // States.
    ("is:open", &[1, 3, 6, 7]),
    ("IS:Open", &[1, 3, 6, 7]),
    ("is:pending", &[2]),
    ("is:resolved", &[5]),
    ("is:closed", &[4]),
    ("is:active", &[1, 2, 3, 6, 7]),
    ("is:done", &[4, 5]),
    ("-is:active", &[4, 5]),
    ("is:closed,pending", &[2, 4]),
    ("is:snoozed", &[6]),
    ("-is:snoozed is:open", &[1, 3, 7]),
    ("is:assigned", &[1, 2, 5]),
    ("is:unassigned", &[3, 4, 6, 7]),
    ("is:labelled", &[1, 2, 7]),
    ("is:unlabelled", &[3, 4, 5, 6]),
    ("is:merged", &[4]),
    ("-is:merged is:closed", &[]),
    ("is:archived", &[]),
    ("-is:archived", ALL),
    ("is:done -is:archived", &[4, 5]),
    ("is:archived,merged", &[4]),
    ("is:mine", &[1, 5, 6, 7]),
    ("-is:mine", &[2, 3, 4]),
    ("is:mine project:hero", &[1]),
    ("is:waiting-for-me", &[1]),
    ("is:waiting-for-them", &[6, 7]),
    ("is:waiting-for-me,waiting-for-them", &[1, 6, 7]),
    ("-is:waiting-for-them is:mine is:active", &[1]),
    ("is:unread", &[2, 7]),
    ("is:unread is:mine", &[7]),
    ("is:mentioned", &[3, 7]),
    ("is:newly-mentioned", &[7]),
    ("is:mentioned -is:newly-mentioned", &[3]),
    ("-is:unread is:mine", &[1, 5, 6]),
    ("is:open,pending,resolved,closed", ALL),
    ("is:active is:unassigned", &[3, 6, 7]),
    ("is:assigned is:done", &[5]),
    ("-is:assigned -is:unassigned", &[]),
    ("is:conflict,merged", &[4, 5]),
    ("is:snoozed,conflict", &[5, 6]),
    ("-is:open,pending", &[4, 5]),
    ("is:numbered is:snoozed", &[6]),
    ("is:numbered", &[1, 2, 3, 4, 5, 6]),
    ("-is:conflict", &[1, 2, 3, 4, 6, 7]),
    ("status:resolved", &[5]),
    ("status:pending,resolved", &[2, 5]),
    ("Status:OPEN is:assigned", &[1]),
    ("-status:open,closed", &[2, 5]),
    ("is:conflict", &[5]),
    ("-is:numbered", &[7]),
    ("status:open,closed", &[1, 3, 4, 6, 7]),
    ("-status:open", &[2, 4, 5]),
    // People.
    ("assignee:me", &[1, 5]),
    ("assignee:dave", &[2]),
    ("assignee:dave,me", &[1, 2, 5]),
    ("assignee:none", &[3, 4, 6, 7]),
    ("assignee:none,dave", &[2, 3, 4, 6, 7]),
    ("-assignee:none", &[1, 2, 5]),
    ("-assignee:me", &[2, 3, 4, 6, 7]),
    ("requester:bob", &[3]),
    ("requester:alice@example.org -assignee:none", &[1, 2, 5]),
    ("requester:\"bob\"", &[3]),
    ("requester:me", &[]),
    ("requester:alice", &[1, 2, 4, 5, 6, 7]),
    ("requester:alice,bob", ALL),
    ("-requester:alice", &[3]),
    ("requester:bob assignee:none", &[3]),
    ("assignee:carol", &[1, 5]),
    ("assignee:carol assignee:dave", &[]),
    ("assignee:NONE", &[3, 4, 6, 7]),
    ("-assignee:none,me", &[2]),
    ("assignee:me is:open", &[1]),
    ("assignee:me -is:done", &[1]),
    // Projects and labels.
    ("project:hero", &[1, 2, 3, 4]),
    ("project:my", &[5, 6, 7]),
    ("project:hero,mycelium", ALL),
    ("-project:hero", &[5, 6, 7]),
    ("label:crash", &[1, 2]),
    ("label:CRASH label:ui", &[1]),
    ("label:ui,wontfix", &[1, 2]),
    ("label:\"two words\"", &[7]),
    ("label:two", &[]),
    ("label:crash -label:wontfix", &[1]),
    ("label:nothing", &[]),
    ("-label:nothing", ALL),
    ("label:crash,\"two words\"", &[1, 2, 7]),
    ("-label:crash,\"two words\"", &[3, 4, 5, 6]),
    ("project:hero -label:crash", &[3, 4]),
    ("project:hero project:my", &[]),
    ("-project:hero -project:my", &[]),
    ("project:hero is:done", &[4]),
    ("project:my label:\"two words\"", &[7]),
    ("-label:crash is:open", &[3, 6, 7]),
    // Priorities and numbers.
    ("priority:high", &[2]),
    ("priority:high,urgent", &[2, 3]),
    ("priority:>=high", &[2, 3]),
    ("priority:<high", &[6]),
    ("priority:>low", &[2, 3]),
    ("priority:none", &[1, 4, 5, 7]),
    ("priority:none,low", &[1, 4, 5, 6, 7]),
    ("#3", &[3]),
    ("#3 #4", &[]),
    ("#99", &[]),
    ("number:2..2", &[2]),
    ("number:>=1", &[1, 2, 3, 4, 5, 6]),
    ("number:>6", &[]),
    ("number:<=1", &[1]),
    ("-number:1..6", &[7]),
    ("comments:7", &[2]),
    ("comments:1..6", &[5]),
    ("-comments:0", &[2, 5]),
    ("comments:>=0", ALL),
    ("priority:low", &[6]),
    ("priority:urgent,none", &[1, 3, 4, 5, 7]),
    ("priority:<=high", &[2, 6]),
    ("priority:>=low", &[2, 3, 6]),
    ("-priority:none", &[2, 3, 6]),
    ("-priority:>=high", &[1, 4, 5, 6, 7]),
    ("priority:normal", &[]),
    ("-#3 is:open", &[1, 6, 7]),
    ("number:3", &[3]),
    ("number:#3", &[3]),
    ("number:2..4", &[2, 3, 4]),
    ("number:4..2", &[]),
    ("number:>=5", &[5, 6]),
    ("number:<2", &[1]),
    ("number:<0", &[]),
    ("comments:0", &[1, 3, 4, 6, 7]),
    ("comments:>2", &[2]),
    ("comments:<=2", &[1, 3, 4, 5, 6, 7]),
    // Times.
    ("updated:<7d", &[1, 7]),
    ("updated:<2h", &[7]),
    ("updated:>1w", &[2, 3, 4, 5, 6]),
    ("-updated:<7d", &[2, 3, 4, 5, 6]),
    ("updated:<90m", &[7]),
    ("updated:2026-11-24", &[1]),
    ("updated:>=2026-11-24", &[1, 7]),
    ("updated:>2026-11-24", &[7]),
    ("created:2026-11-01", &[4]),
    ("created:2026-11-01T05:00", &[4]),
    ("created:2026-11-01T05:01", &[]),
    ("created:<2026-11-01", &[1, 2, 3, 5, 6, 7]),
    ("created:<=2026-11-01", ALL),
    ("created:2026-10-31..2026-11-01", &[4]),
    ("created:2026-11-02..2026-10-30", &[]),
    ("snoozed:<7d", &[6]),
    ("snoozed:<2d", &[]),
    ("-snoozed:<7d", &[1, 2, 3, 4, 5, 7]),
    ("snoozed:<7d is:snoozed", &[6]),
    ("updated:<7d updated:>1d", &[1]),
    ("updated:<3d -updated:<1d", &[1]),
    ("updated:<1w", &[1, 7]),
    ("updated:<5w", ALL),
    ("created:>4w", &[1, 2, 3, 5, 6, 7]),
    ("created:<4w", &[4]),
    ("created:>2026-11-01", &[]),
    ("created:2026-11-01..2026-11-30", &[4]),
    ("created:2026-09-01..2026-09-30", &[1, 2, 3, 5, 6, 7]),
    ("updated:2026-11-26", &[7]),
    ("updated:2026-11-26T11:00", &[7]),
    ("-created:2026-11-01", &[1, 2, 3, 5, 6, 7]),
    ("snoozed:>2d", &[6]),
    ("snoozed:2026-11-29", &[6]),
    // Follows and views.
    ("is:following", &[3, 5, 6, 7]),
    ("is:muted", &[1]),
    ("-is:muted is:mine", &[5, 6, 7]),
    ("is:following,muted project:hero", &[1, 3]),
    ("view:crashes", &[1, 2]),
    ("view:crashes assignee:me", &[1]),
    ("view:round", &[1, 2]),
    // Orders filter nothing.
    ("sort:created-asc", ALL),
    ("sort:priority is:closed", &[4]),
];

#[test]
fn every_query_finds_what_it_means() {
    for (query, wanted) in TABLE {
        assert_eq!(found(query), *wanted, "{query}");
    }
    assert!(TABLE.len() >= 200, "{}", TABLE.len());
}

#[test]
fn what_is_closed_and_rests_for_ninety_days_is_archived() {
    // Ticket 4 was closed a month ago; 2, 3, 5 and 6 rest for as long and are not closed.
    let day = |day: u64| UnixMillis(NOW.0 - 30 * DAY + day * DAY);
    let eve = UnixMillis(day(90).0 - 1);
    for (query, now, wanted) in [
        ("is:archived", eve, &[] as &[u8]),
        ("is:archived", day(90), &[4]),
        ("is:archived", day(9_000), &[4]),
        ("is:archived", UnixMillis(0), &[]),
        ("-is:archived", day(90), &[1, 2, 3, 5, 6, 7]),
        ("is:done -is:archived", day(90), &[5]),
        ("is:closed -is:archived", day(90), &[]),
        ("is:archived is:merged", day(90), &[4]),
        ("is:archived,resolved", day(90), &[4, 5]),
        ("-is:archived panic", day(90), &[1, 2]),
    ] {
        assert_eq!(found_at(query, now), wanted, "{query}");
    }
}

#[test]
fn orders_are_said_once() {
    let sort = |query: &str| Query::parse(query).unwrap().sort;
    let by = |key, is_ascending| Some(SortBy { key, is_ascending });
    assert_eq!(sort("is:open"), None);
    assert_eq!(sort("sort:updated"), by(SortKey::Updated, false));
    assert_eq!(sort("is:open sort:Created-ASC x"), by(SortKey::Created, true));
    assert_eq!(sort("sort:number-desc"), by(SortKey::Number, false));
}

#[test]
fn what_is_wrong_is_pointed_at() {
    let check = |query: &str, place: &str, words: &str| {
        let error = Query::parse(query).expect_err(query);
        assert_eq!(&query[error.span.clone()], place, "{query}: {error}");
        assert!(error.to_string().contains(words), "{query}: {error}");
    };
    check("is:open lable:crash", "lable", "no \"lable\" to ask for");
    check("http://example.org", "http", "put it in quotes");
    check("is:open,opne", "opne", "none of: open, pending");
    check("status:snoozed", "snoozed", "none of: open, pending, resolved, closed");
    check("priority:hot", "hot", "none of: none, low");
    check("priority:>none", ">none", "none of");
    check("a \"b c", "\"b c", "does not end");
    check("label:\"", "\"", "does not end");
    check("label:a,,b", "", "nothing to look for");
    check("label:a,", "", "nothing to look for");
    check("is:open \"\"", "\"\"", "nothing to look for");
    check("is:open -", "-", "no word in it");
    check("&", "&", "no word in it");
    check("panic -\"...\"", "\"...\"", "no word in it");
    check("panic a*", "a*", "behind one word");
    check("main.r*", "main.r*", "behind one word");
    check("updated:7d", "7d", "say <7d");
    check("updated:<7y", "<7y", "no time");
    check("updated:2026-02-29", "2026-02-29", "no time");
    check("updated:2026-1-1", "2026-1-1", "no time");
    check("updated:<7d,<8d", "<8d", "no time");
    check("updated:1969-12-31", "1969-12-31", "no time");
    check("created:2026-11-01T24:00", "2026-11-01T24:00", "no time");
    check("number:x", "x", "no number");
    check("number:1,2", "2", "no number");
    check("comments:-1", "-1", "no number");
    check("sort:updated sort:created", "sort:created", "said already");
    check("-sort:updated", "-sort:updated", "no opposite");
    check("sort:size", "size", "none of: updated");
}

#[test]
fn the_place_is_shown_below_the_query() {
    let query = "\u{e4} is:opne x";
    let error = Query::parse(query).unwrap_err();
    assert_eq!(error.point_at(query), "\u{e4} is:opne x\n     ^^^^");
    assert_eq!(error.column(query), 6);
}

#[test]
fn names_that_mean_nothing_are_said_with_their_place() {
    let query = Query::parse("is:open assignee:me,eve").unwrap();
    let error = query.bind(NOW, &mut Book).unwrap_err();
    assert_eq!(
        (error.value.text.as_str(), error.value.span, error.error),
        ("eve", 20..23, "nobody of that name")
    );
}

#[test]
fn queries_are_bounded() {
    let too_long = "x".repeat(crate::api::limits::QUERY_BYTES_MAX + 1);
    assert!(matches!(Query::parse(&too_long).unwrap_err().kind, QueryFault::TooLong { .. }));
    let terms_max = crate::api::limits::QUERY_TERMS_MAX;
    assert!(Query::parse(&"x ".repeat(terms_max)).is_ok());
    assert_eq!(Query::parse(&"x ".repeat(terms_max + 1)).unwrap_err().kind, QueryFault::TooMany);
    assert_eq!(
        Query::parse(&format!("is:{}open", "open,".repeat(terms_max))).unwrap_err().kind,
        QueryFault::TooMany
    );
}

proptest! {
    #[test]
    fn any_text_is_a_query_or_an_error_at_a_place(
        text in "([a-z]{0,8}:|-|\"|,|[<>]=?|[0-9]{1,4}[a-z-]?|2026-[01][0-9]-[0-3][0-9]|\\PC{0,3}|[ \\\\T.#]){0,20}"
    ) {
        match Query::parse(&text) {
            Ok(query) => {
                for term in &query.terms {
                    prop_assert!(text.get(term.span.clone()).is_some_and(|place| !place.is_empty()));
                }
                if let Ok(bound) = query.bind(NOW, &mut Book) {
                    for (project, row) in tickets() {
                        bound.holds(project, row.ticket, &row).unwrap();
                    }
                }
            }
            Err(error) => {
                prop_assert!(text.get(error.span.clone()).is_some(), "{:?}", error);
                prop_assert!(!error.point_at(&text).is_empty());
            }
        }
    }
}

#[test]
fn a_view_stands_for_its_query_and_is_told_by_its_name() {
    let bind = |query: &str| Query::parse(query).unwrap().bind(NOW, &mut Book);
    let by_created = Some(SortBy { key: SortKey::Created, is_ascending: true });
    assert_eq!(bind("view:crashes").unwrap().sort, by_created);
    let by_number = Some(SortBy { key: SortKey::Number, is_ascending: false });
    assert_eq!(bind("view:crashes sort:number").unwrap().sort, by_number);
    for (query, place) in [("is:open view:gone", 13..17), ("is:open view:broken", 13..19)] {
        assert_eq!(bind(query).unwrap_err().value.span, place, "{query}");
    }
    for query in ["-view:crashes", "view:crashes,gone"] {
        assert_eq!(Query::parse(query).unwrap_err().kind, QueryFault::NotOneView, "{query}");
    }
}
