//! States worth a picture, filled with what a daemon would answer.

use assist_gui::intent::Intent;
use assist_gui::link::{Overview, Reply, Whole};
use assist_gui::manage::{LogPart, Managing, Part, Roster, ServerHealth};
use assist_gui::memory::Memory;
use assist_gui::route::TicketKey;
use assist_gui::state::{DaemonState, State};
use assist_gui::{Route, update};
use assist_proto::api::attachment::AttachmentState;
use assist_proto::api::comment::Comment;
use assist_proto::api::presence::PresentPerson;
use assist_proto::api::project::{PendingJoin, ProjectDetails, ProjectInfo};
use assist_proto::api::sync::ProjectSync;
use assist_proto::api::ticket::{HistoryChange, Ticket, TicketPage, TicketRow};
use assist_proto::api::user::User;
use egui::{Color32, ColorImage};
use serde_json::{Value, json};

/// The moment of all pictures.
pub(crate) const NOW: u64 = 1_795_700_000_000;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

pub(crate) fn made<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

pub(crate) fn project(name: &str, role: &str, connection: &str, unread: u64) -> ProjectInfo {
    let detail = match connection {
        "online" => "connected to 400:52:1c::7",
        "refused" => "an admin has shut this device out",
        "full" => "connected; the server's disk is nearly full",
        _ => "nobody answers at 400:52:1c::7; tried again in 20 seconds",
    };
    let is_full = connection == "full";
    let held_up = json!({"reason": "server_disk_full", "detail": "the server's disk is nearly full"});
    let connection = if is_full { "online" } else { connection };
    made(json!({
        "id": name.repeat(13), "name": name, "addresses": [], "role": role, "user_id": "me", "user_name": "Bob",
        "device_name": "desk", "unread_count": unread,
        "connection": {"state": connection, "since_millis": NOW - 14 * MINUTE, "detail": detail,
            "held_up": is_full.then_some(held_up)},
        "settings": {"project": name.repeat(13), "send_read_marks": true, "quiet_hours": "22:00-07:00"},
    }))
}

fn sync_of(project: &ProjectInfo, unsent: u64) -> ProjectSync {
    ProjectSync {
        project: project.id.clone(),
        name: project.name.clone(),
        connection: project.connection.clone(),
        outbox_count: unsent,
        oldest_unsent_at_millis: None,
        cursor: 1,
        head: Some(1),
        last_sync_at_millis: Some(NOW - 14 * MINUTE),
        documents: 1,
        unverified: 0,
        traffic: None,
    }
}

/// Titles as people write them: short, long, of five scripts.
const TITLES: [(&str, &str); 12] = [
    ("The printer hums at noon and then prints everything twice", "Carla"),
    (
        "\u{41d}\u{435} \u{43c}\u{43e}\u{433}\u{443} \u{432}\u{43e}\u{439}\u{442}\u{438} \u{43f}\u{43e}\u{441}\u{43b}\u{435} \u{43e}\u{431}\u{43d}\u{43e}\u{432}\u{43b}\u{435}\u{43d}\u{438}\u{44f}",
        "Dora",
    ),
    (
        "Export to CSV loses the last column when a cell holds a line break and the file is larger than two megabytes",
        "Erin",
    ),
    ("Dark mode, please", "Amir"),
    (
        "\u{397} \u{3b5}\u{3ba}\u{3c4}\u{3cd}\u{3c0}\u{3c9}\u{3c3}\u{3b7} \u{3b1}\u{3c0}\u{3bf}\u{3c4}\u{3c5}\u{3b3}\u{3c7}\u{3ac}\u{3bd}\u{3b5}\u{3b9}",
        "Dave",
    ),
    ("Crash on start after the update to 4.2", "Carla"),
    ("How do I move my licence to a new machine?", "Alice"),
    ("Invoices show the wrong address", "Dora"),
    ("Sync stops when the laptop sleeps", "Erin"),
    ("Tr\u{1b0}\u{1edb}c khi in, m\u{e1}y b\u{e1}o l\u{1ed7}i", "Arno"),
    ("Keyboard shortcut for search does nothing on the settings page", "Amir"),
    ("Thank you!", "Alice"),
];

fn rows(project: &ProjectInfo, count: u64) -> Vec<TicketRow> {
    let row = |index: u64| {
        let (title, requester) = TITLES[(index % 12) as usize];
        let pick = |from: &[&str]| from[(index % from.len() as u64) as usize].to_owned();
        let labels: &[&str] = match index % 4 {
            0 => &["printing"],
            1 => &["login", "4.2"],
            _ => &[],
        };
        let priority =
            [Some("urgent"), None, Some("high"), Some("low"), Some("normal")][(index % 5) as usize];
        let assignee = index.is_multiple_of(3).then(|| json!({"id": "me", "name": "Bob"}));
        made(json!({
            "project": project.id, "id": format!("t{index:025}"), "short_id": "9v3kq0ta",
            "number": (index > 0).then_some(142 - index.min(100)), "title": title,
            "status": pick(&["open", "open", "pending", "open", "resolved", "closed"]), "priority": priority,
            "assignee": assignee, "requester": {"id": format!("u{}", index % 12), "name": requester},
            "labels": labels, "created_at_millis": NOW - 3 * HOUR, "comment_count": 3, "is_loaded": true,
            "updated_at_millis": NOW - [2 * MINUTE, 17 * MINUTE, 3 * HOUR, 50 * HOUR, 890 * HOUR][(index.min(40) / 3 % 5) as usize],
            "snoozed_until_millis": null, "has_conflict": index == 4, "is_unread": index % 12 < 3,
            "state": pick(&["saved_here", "on_server", "read"]),
        }))
    };
    (0..count).map(row).collect()
}

pub(crate) fn told(state: &mut State, reply: Reply) {
    update::receive(state, reply, NOW);
}

/// A client whose daemon answered that there is nothing.
pub(crate) fn empty() -> State {
    let mut state = State::new(Memory::default());
    told(&mut state, Reply::Daemon(DaemonState::Ready));
    told(&mut state, Reply::Overview(Ok(Overview::default())));
    state
}

/// A client that waits for a mailed code.
pub(crate) fn joining() -> State {
    let mut state = State::new(Memory::default());
    let pending: PendingJoin = made(json!({
        "project": "hero", "name": "Hero", "email": "carla@example.org", "device": "d", "device_name": "desk",
        "check": "ORBIT-62", "asked_at_millis": NOW, "is_waiting": false,
    }));
    let overview = Overview { pending: vec![pending], ..Overview::default() };
    told(&mut state, Reply::Daemon(DaemonState::Ready));
    told(&mut state, Reply::Overview(Ok(overview)));
    state
}

/// An agent's client with a list of so many tickets.
pub(crate) fn inbox(connection: &str, unsent: u64, total: u64) -> State {
    let mut state = State::new(Memory::default());
    let projects = vec![project("anvil", "admin", connection, 3), project("bellows", "agent", "online", 0)];
    let syncs = vec![sync_of(&projects[0], unsent), sync_of(&projects[1], 0)];
    let tickets = rows(&projects[0], total.min(100));
    let view = |name: &str, query: &str| {
        made(json!({"name": name, "query": query, "project": projects[0].id, "is_on_server": true}))
    };
    let views = vec![view("crashes", "is:open label:crash"), view("this-week", "created:<7d")];
    told(&mut state, Reply::Daemon(DaemonState::Ready));
    told(&mut state, Reply::Overview(Ok(Overview { projects, syncs, views, ..Overview::default() })));
    let page = TicketPage { tickets, total, next_cursor: None, is_complete: true };
    told(&mut state, Reply::Rows { serial: 0, page: 0, outcome: Ok(page) });
    let counts = state.views().iter().zip([total, 4, 17, 2, 318, 412]).map(|(view, count)| (*view, count));
    let counts = counts.collect();
    told(&mut state, Reply::Counts { project: None, outcome: Ok(counts) });
    state
}

/// The same with a ticket open, told and answered, with a note.
pub(crate) fn ticket() -> State {
    let mut state = inbox("online", 0, 412);
    let row = state.inbox.row(0).unwrap().clone();
    let key = TicketKey { project: row.project.clone(), ticket: row.id.clone() };
    update::act(&mut state, Intent::Go(Route::Ticket(key.clone())));
    let ticket = Ticket {
        row,
        body: "Every day at **noon**, as soon as somebody prints more than one page:\n\n1. it hums for a minute,\n2. then prints everything *twice*.\n\n```\nE042 duplex: tray 2 not ready\nE042 duplex: tray 2 not ready\n```\nSee [the manual](https://example.org/manual), page 12.".into(),
        comments: comments(),
        conflicts: Vec::new(),
        close_reason: None,
        links: Vec::new(),
        merged: Vec::new(),
        note_count: 1,
        place: 1,
        read_by: Vec::new(),
        as_of_change: None,
        held_up: None,
    };
    let notes: Vec<Comment> = vec![made(json!({
        "id": "n1", "author": {"id": "a", "name": "Amir", "role": "agent"}, "created_at_millis": NOW - 20 * MINUTE,
        "body": "Third one with tray 2 this week. Firmware 4.2 again? Don't promise a date yet.", "reply_to": null,
        "edited_at_millis": null, "is_deleted": false, "attachments": [], "state": null, "losing_bodies": [],
        "change": "n1",
    }))];
    let whole = Whole { ticket, notes, files: files() };
    told(&mut state, Reply::Ticket { key: key.clone(), outcome: Ok(Box::new(whole)) });
    let details: ProjectDetails = made(json!({
        "id": key.project, "name": "anvil", "addresses": [], "role": "admin", "user_id": "me", "user_name": "Bob",
        "device_name": "desk", "unread_count": 3, "cold_start": null,
        "connection": {"state": "online", "since_millis": NOW, "detail": ""},
        "labels": [{"label": "printing", "description": "Anything on paper"}], "canned_replies": [],
    }));
    let users: Vec<User> = vec![
        made(json!({"id": "me", "name": "Bob", "email": null, "role": "admin", "is_self": true})),
        made(json!({"id": "a", "name": "Amir", "email": null, "role": "agent", "is_self": false})),
        made(
            json!({"id": "Erin", "name": "Erin", "email": "erin.b@example.org", "role": "admin", "is_self": false}),
        ),
        made(
            json!({"id": "e", "name": "Erin", "email": "erin.c@example.org", "role": "agent", "is_self": false}),
        ),
    ];
    let present: Vec<PresentPerson> = vec![
        made(json!({"user": {"id": "c", "name": "Carla"}, "doing": "typing", "status": null})),
        made(json!({"user": {"id": "a", "name": "Amir"}, "doing": "viewing", "status": null})),
    ];
    told(&mut state, Reply::Presence { key: key.clone(), outcome: Ok(present) });
    told(&mut state, Reply::People { project: key.project, outcome: Ok((users, Box::new(details))) });
    state
}

/// The same ticket, whose title and status two people wrote while apart, and something that was refused.
pub(crate) fn conflict() -> State {
    let mut state = ticket();
    let value = |text: &str, name: &str, ago: u64| json!({"text": text, "author": {"id": name, "name": name}, "at_millis": NOW - ago, "change": text});
    let open = state.open.as_mut().unwrap();
    let ticket = open.ticket.as_mut().unwrap();
    ticket.comments.truncate(1);
    open.notes.clear();
    ticket.conflicts = vec![made(json!({"field": "title", "values": [
        value("The printer hums at noon and then prints everything twice", "Carla", 3 * HOUR),
        value("Duplex on tray 2 prints twice with firmware 4.2", "Amir", 2 * HOUR),
    ]}))];
    let draft = made(json!({
        "id": "d", "project": open.key.project, "created_at_millis": NOW - HOUR, "refused_at_millis": NOW - 2 * MINUTE,
        "ticket": {"project": open.key.project, "id": open.key.ticket, "short_id": "9v3kq0ta", "number": null, "title": "x"},
        "reason": "not_allowed", "message": "your role does not allow it",
        "edits": [{"action": "set_priority", "comment": null, "before": null, "after": "urgent"}],
    }));
    told(&mut state, Reply::Drafts(Ok(vec![draft])));
    state
}

/// The same ticket with what changed it.
pub(crate) fn history() -> State {
    let mut state = ticket();
    update::act(&mut state, Intent::ShowHistory(true));
    let change = |id: &str, name: &str, ago: u64, edits: Value| -> HistoryChange {
        made(json!({
            "change": id, "at_millis": NOW - ago, "author": {"id": name, "name": name}, "device": null,
            "device_name": "desk", "state": null, "edits": edits,
        }))
    };
    let edit = |action: &str, before: Value, after: Value| json!({"action": action, "comment": null, "before": before, "after": after});
    let title = "The printer hums at noon and then prints everything twice";
    let changes = vec![
        change(
            "1",
            "Carla",
            3 * HOUR,
            json!([
                edit("create_ticket", Value::Null, json!(title)),
                edit(
                    "set_body",
                    Value::Null,
                    json!("Every day at **noon**, as soon as somebody prints more than one page")
                ),
            ]),
        ),
        change(
            "2",
            "Bob",
            2 * HOUR,
            json!([
                edit("set_assignee", Value::Null, json!("Bob")),
                edit("set_priority", Value::Null, json!("urgent")),
            ]),
        ),
        change(
            "3",
            "Bob",
            2 * HOUR,
            json!([edit("add_comment", Value::Null, json!("Thank you for the report."))]),
        ),
        change("4", "Amir", 20 * MINUTE, json!([edit("add_label", Value::Null, json!("printing"))])),
        change("5", "Bob", 2 * MINUTE, json!([edit("set_status", json!("open"), json!("pending"))])),
    ];
    let key = state.open.as_ref().unwrap().key.clone();
    told(&mut state, Reply::History { key, outcome: Ok(changes) });
    state
}

/// A project that its admin manages.
pub(crate) fn manage() -> State {
    let mut state = ticket();
    let project = state.projects()[0].id.clone();
    update::act(&mut state, Intent::Go(Route::Manage(project.clone())));
    let member = |name: &str, role: &str, days: u64, devices: u64, waiting: u64| {
        json!({
            "id": name, "name": name, "email": format!("{}@example.org", name.to_lowercase()), "role": role,
            "joined_at_millis": NOW - days * 24 * HOUR, "device_count": devices, "waiting_count": waiting,
            "is_self": name == "Bob",
        })
    };
    let device = |name: &str, owner: &str, state: &str, days: u64| {
        json!({
            "id": format!("{name}9v3kq0tar7"), "name": name, "user_id": owner, "user_name": owner, "state": state,
            "since_millis": NOW - days * 24 * HOUR, "is_self": name == "desk",
        })
    };
    let roster = Roster {
        members: made(json!([
            member("Amir", "agent", 5, 2, 1),
            member("Bob", "admin", 6, 1, 0),
            member("Carla", "customer", 2, 1, 0),
            member("Dora", "customer", 1, 3, 0),
        ])),
        devices: made(json!([
            device("laptop", "Amir", "waiting", 0),
            device("desk", "Bob", "online", 6),
            device("phone", "Amir", "offline", 5),
            device("old laptop", "Carla", "revoked", 2),
        ])),
        invitations: made(json!([
            {"role": "agent", "email": "erin@example.org", "name": "Erin", "expires_at_millis": NOW + 50 * HOUR},
        ])),
        ..Roster::default()
    };
    told(&mut state, Reply::Roster { project, outcome: Ok(Box::new(roster.sorted())) });
    state
}

/// How the server of a managed project fares.
pub(crate) fn health() -> State {
    let mut state = manage();
    let project = state.projects()[0].id.clone();
    update::act(&mut state, Intent::Manage(Managing::Show(Part::Health)));
    let health = ServerHealth {
        stats: made(json!({
            "uptime_millis": 9 * 24 * HOUR, "turn_count": 81_204, "admitted_count": 4_711, "refused_count": 3,
            "connected_count": 3, "greeting_count": 0, "head": 5_120, "ticket_count": 412, "member_count": 5,
            "device_count": 8, "ignored_packet_count": null, "store_bytes": 2_310_144,
            "disk_free_bytes": 41_204_000_000_u64, "backed_up_at_millis": NOW - 60 * HOUR,
            "mail": {
                "route": "relay", "waiting_count": 1, "sent_count": 87, "retried_count": 2, "failed_count": 0,
                "last_failure": null,
            },
            "disk": {
                "state": "low", "detail": "39295 MiB are free", "free_bytes": 41_204_000_000_u64,
                "warn_bytes": 50_000_000_000_u64, "stop_bytes": 10_000_000_000_u64,
            },
            "version": "1.2.0",
        })),
        refused_at: vec![NOW - HOUR, NOW - 3 * HOUR, NOW - 90 * HOUR],
        has_more_refused: false,
    };
    told(&mut state, Reply::Health { project, outcome: Ok(Box::new(health)) });
    state
}

/// What it decided.
pub(crate) fn log() -> State {
    let mut state = manage();
    let project = state.projects()[0].id.clone();
    update::act(&mut state, Intent::Manage(Managing::Show(Part::Log)));
    let actor = |name: &str, role: Value| {
        json!({
            "user": name, "user_name": name, "role": role, "device": format!("{name}9v3kq0tar7"),
            "device_name": "laptop",
        })
    };
    let entry = |number: u64, ago: u64, what: &str, by: Value, more: Value| {
        let mut entry = json!({
            "number": number, "at_millis": NOW - ago, "what": what, "by": by, "of": null, "change": null,
            "ticket": null, "ticket_number": null, "place": null, "code": null, "count": null, "role": null,
            "proof": null,
        });
        entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        entry
    };
    let (amir, bob) = (actor("Amir", json!("agent")), actor("Bob", json!("admin")));
    let carla = actor("Carla", json!("customer"));
    let page = made(json!({
        "entries": [
            entry(5_106, 70 * HOUR, "restored", Value::Null, json!({})),
            entry(5_107, 60 * HOUR, "backed_up", Value::Null, json!({"place": 5_012})),
            entry(5_108, 50 * HOUR, "invited", bob.clone(), json!({"role": "agent"})),
            entry(5_109, 49 * HOUR, "enrolled", amir.clone(), json!({"role": "agent", "proof": "code"})),
            entry(5_110, 26 * HOUR, "admitted", carla.clone(), json!({"ticket": "t", "ticket_number": 142})),
            entry(5_111, 3 * HOUR, "refused", carla, json!({"code": "not_allowed"})),
            entry(5_112, 2 * HOUR, "refused_more", Value::Null, json!({"count": 37})),
            entry(5_113, HOUR, "role_given", bob.clone(), json!({"role": "agent", "of": actor("Dora", Value::Null)})),
            entry(5_114, 20 * MINUTE, "shut_out", bob, json!({"of": actor("Carla", Value::Null)})),
            entry(5_115, MINUTE, "admitted", amir, json!({"ticket": "t", "ticket_number": 138})),
        ],
        "next": 5_106, "head": null,
    }));
    let part = LogPart { before: None, is_refused_only: false };
    update::settle(&mut state, NOW); // Asks for it.
    told(&mut state, Reply::Log { project, part, outcome: Ok(Box::new(page)) });
    state
}

/// A ticket that a host has begun.
pub(crate) fn diagnostics() -> State {
    let mut state = inbox("online", 0, 412);
    let fact = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let prefill = assist_gui::Prefill {
        title: "Studio crashed while I opened a drawing".into(),
        body: "What I did:\n\nWhat I saw:\n".into(),
        diagnostics: vec![
            fact("version", "4.2.0-rc1"),
            fact("system", "linux"),
            fact("renderer", "OpenGL 4.6"),
        ],
        ..assist_gui::Prefill::default()
    };
    update::begin_ticket(&mut state, prefill);
    state
}

/// A picture that is here, and a file that is not.
fn files() -> Vec<AttachmentState> {
    let file = |blob: &str, name: &str, size: u64, media_type: &str, state: &str| {
        made(json!({
            "comment": "c2", "is_note": false, "author": {"id": "Carla", "name": "Carla", "role": "customer"},
            "blob": blob, "name": name, "size_bytes": size, "media_type": media_type, "state": state,
            "fetched_bytes": null, "trouble": null, "upload": null,
        }))
    };
    vec![
        file(SCREEN, "noon.png", 482_113, "image/png", "here"),
        file("log", "printer-2026-11-26.log.gz", 23_068_672, "application/gzip", "on_server"),
    ]
}

/// What the picture is known by.
pub(crate) const SCREEN: &str = "screen";

/// A picture as people send them: a window with a message in it.
pub(crate) fn screen() -> ColorImage {
    let mut image = ColorImage::filled([720, 420], Color32::from_rgb(0x2d, 0x5b, 0x74));
    let boxes = [
        (60, 50, 660, 380, 0xf4f6f8),
        (60, 50, 660, 84, 0x3b4252),
        (72, 60, 86, 74, 0xe06c60),
        (94, 60, 108, 74, 0xe9b64a),
        (96, 120, 150, 174, 0xd64545),
        (176, 122, 560, 138, 0x4a5568),
        (176, 152, 480, 164, 0x9aa5b1),
        (176, 176, 520, 188, 0x9aa5b1),
        (176, 200, 430, 212, 0x9aa5b1),
        (400, 320, 510, 354, 0xcbd2d9),
        (526, 320, 636, 354, 0x2f55d4),
    ];
    for (left, top, right, bottom, colour) in boxes {
        let [_, red, green, blue] = u32::to_be_bytes(colour);
        for y in top..bottom {
            image.pixels[y * 720 + left..y * 720 + right].fill(Color32::from_rgb(red, green, blue));
        }
    }
    image
}

fn comments() -> Vec<Comment> {
    let comment = |id: &str, name: &str, role: &str, ago: u64, body: &str, more: Value| {
        let mut value = json!({
            "id": id, "author": {"id": if name == "Bob" { "me" } else { name }, "name": name, "role": role},
            "created_at_millis": NOW - ago, "body": body, "reply_to": null, "edited_at_millis": null, "is_deleted": false, "attachments": [],
            "state": null, "losing_bodies": [], "change": id,
        });
        value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        made(value)
    };
    vec![
        comment(
            "c1",
            "Bob",
            "admin",
            2 * HOUR,
            "Thank you for the report. Which firmware does it show under *Settings \u{203a} About*?",
            json!({"state": "read", "read_by": [{"user": {"id": "c", "name": "Carla"}, "at_millis": NOW}]}),
        ),
        comment(
            "c2",
            "Carla",
            "customer",
            HOUR,
            "It says `4.2.0-rc1`. Here is what it looks like when it happens.",
            json!({"reply_to": "c1", "attachments": [
                {"blob": SCREEN, "name": "noon.png", "size_bytes": 482_113, "media_type": "image/png"}]}),
        ),
        comment(
            "c3",
            "Bob",
            "admin",
            2 * MINUTE,
            "That one has a known fault. 4.2.1 is out today and mends it:\n\n- open *Settings \u{203a} Updates*\n- choose **4.2.1**",
            json!({"state": "on_server"}),
        ),
    ]
}
