//! The columns that scripts count on: each row of the table in `docs/cli.md` is run, and its columns are counted.

use std::collections::BTreeMap;

use assist_proto::api::{presence, sync, user};
use assist_tests::process::{DaemonProcess, Finished};

use super::page;

#[test]
fn commands_print_the_columns_that_the_page_lists() {
    let documented = documented_columns();
    let server = DaemonProcess::server_with("hero", "127.0.0.1:0", |home| {
        vec!["--mail-to-file".to_owned(), home.join("mails").display().to_string()]
    });
    let (carla, amir) = (DaemonProcess::device(), DaemonProcess::device());
    carla.join(&server, user::Role::Customer, "Carla");
    amir.join(&server, user::Role::Admin, "Amir");
    amir.until_connection(sync::ConnectionState::Online);
    amir.assist_ok(["ticket", "new", "-t", "It flaps", "-b", "", "--wait=server"]);

    let mut unseen = documented.clone();
    for (command, args) in RUN {
        let columns =
            unseen.remove(*command).unwrap_or_else(|| panic!("docs/cli.md does not list {command}"));
        let device = if command.starts_with("server") { &server } else { &amir };
        let printed = device.assist_ok(args.iter());
        assert!(!printed.is_empty(), "{command} prints nothing");
        for line in printed.lines() {
            assert_eq!(line.split('\t').count(), columns.len(), "{command}: {line:?} against {columns:?}");
        }
    }
    check_notes(&amir, &mut unseen);
    check_attachments(&amir, &mut unseen);
    check_presence(&carla, &amir, &mut unseen);
    check_comments(&amir, &mut unseen);
    check_undo(&amir, &mut unseen);
    check_canned_replies(&amir, &mut unseen);
    check_labels(&amir, &mut unseen);
    check_views(&amir, &mut unseen);
    // There is no server that refuses here: without drafts there is nothing to list, and none to try again.
    assert!(unseen.remove("draft list").is_some() && unseen.remove("draft retry").is_some());
    assert_eq!(amir.assist_ok(["draft", "list"]), "");
    let Finished { code, .. } = amir.assist(["draft", "retry", "0000"]);
    assert_eq!(code, Some(3));
    let bundle = amir.home().join("ticket.bundle").display().to_string();
    let folder = amir.home().join("export").display().to_string();
    for (command, args) in [
        ("ticket export", vec!["ticket", "export", "1", "--bundle", &bundle]),
        ("export", vec!["export", &folder]),
        ("import", vec!["import", &folder]),
    ] {
        let printed = amir.assist_ok(args);
        let columns = unseen.remove(command).unwrap_or_else(|| panic!("docs/cli.md lists {command}"));
        assert_eq!(printed.trim_end().split('\t').count(), columns.len(), "{command}: {printed:?}");
    }
    // A join is what made this world; a further one prints the same.
    assert_eq!(unseen.remove("project join").map(|columns| columns.len()), Some(1));
    let phone = DaemonProcess::device();
    let invitation = server.invite(user::Role::Customer);
    let joined = phone.assist_ok([
        "project",
        "join",
        &invitation.address,
        "--code",
        &invitation.code,
        "--name",
        "Bob",
    ]);
    assert_eq!(joined.trim_end().len(), 52, "just the id: {joined:?}");
    assert_eq!(unseen.remove("project relocate").map(|columns| columns.len()), Some(1));
    assert_eq!(phone.assist_ok(["project", "relocate", &invitation.address]), joined);
    // What joins by email prints is counted where the mail is read: see `join_by_email`.
    for command in ["project confirm", "project pending", "open"] {
        assert!(unseen.remove(command).is_some(), "docs/cli.md does not list {command}");
    }
    assert!(unseen.is_empty(), "docs/cli.md lists what no test runs: {unseen:?}");
}

/// A note is named by what listing it says.
fn check_notes(amir: &DaemonProcess, unseen: &mut BTreeMap<String, Vec<String>>) {
    let note = amir.assist_ok(["note", "list", "1"]).split('\t').next().unwrap().to_owned();
    let edited = amir.assist_ok(["note", "edit", "1", &note[..12], "-b", "Not the relay."]);
    let deleted = amir.assist_ok(["note", "delete", "1", &note]);
    for (command, printed) in [("note edit", edited), ("note delete", deleted)] {
        assert_eq!(printed.trim_end(), note, "{command}");
        assert_eq!(unseen.remove(command).map(|columns| columns.len()), Some(1));
    }
}

/// What is attached is listed, saved under its name, and opened by no program where there is no desktop.
fn check_attachments(amir: &DaemonProcess, unseen: &mut BTreeMap<String, Vec<String>>) {
    let attach = ["ticket", "comment", "1", "--attach", "-", "--name", "hum.log"];
    assert_eq!(amir.assist_with_input(attach, b"It hums.").code, Some(0));
    let columns = unseen.remove("attachment list").expect("docs/cli.md lists attachment list");
    let listed = amir.assist_ok(["attachment", "list", "1"]);
    assert_eq!(listed.trim_end_matches('\n').split('\t').count(), columns.len(), "{listed:?}");
    let folder = amir.home().display().to_string();
    let saved = amir.assist_ok(["attachment", "save", "1", "hum.log", "-o", &folder]);
    assert_eq!(saved.trim_end(), format!("{folder}/hum.log"));
    let mut picture = std::io::Cursor::new(Vec::new());
    image::GrayImage::new(1, 1).write_to(&mut picture, image::ImageFormat::Png).unwrap();
    let attach = ["ticket", "comment", "1", "--attach", "-", "--name", "hum.png"];
    assert_eq!(amir.assist_with_input(attach, picture.get_ref()).code, Some(0));
    let small = format!("{folder}/small.png");
    let made = amir.assist_ok(["attachment", "thumbnail", "1", "hum.png", "-o", &small]);
    assert_eq!(made.trim_end(), small);
    for command in ["attachment save", "attachment thumbnail", "attachment open"] {
        assert_eq!(unseen.remove(command).map(|columns| columns.len()), Some(1), "{command}");
    }
}

/// Somebody has to be there to be listed.
fn check_presence(carla: &DaemonProcess, amir: &DaemonProcess, unseen: &mut BTreeMap<String, Vec<String>>) {
    let filed = carla.assist_ok(["ticket", "new", "-t", "It drips", "-b", "", "--wait=delivered"]);
    carla.assist_ok(["presence", "set", filed.trim(), "--doing", "typing"]);
    amir.until_called("Carla", &presence::List::default(), |list| !list.tickets.is_empty());
    let printed = amir.assist_ok(["presence", "list"]);
    let columns = unseen.remove("presence list").expect("docs/cli.md lists presence list");
    let line = printed.lines().next().expect("Carla is there");
    assert_eq!(line.split('\t').count(), columns.len(), "{line:?} against {columns:?}");
}

/// A comment is named by what writing it says; one that is held is taken back.
fn check_comments(amir: &DaemonProcess, unseen: &mut BTreeMap<String, Vec<String>>) {
    let comment = amir.assist_ok(["ticket", "comment", "1", "-b", "Today?"]).trim_end().to_owned();
    let replied = amir.assist_ok(["comment", "reply", "1", &comment, "-b", "Yes."]);
    assert_eq!(replied.trim_end().len(), 26, "just the id: {replied:?}");
    let edited = amir.assist_ok(["comment", "edit", "1", &comment, "-b", "Since today?"]);
    let deleted = amir.assist_ok(["comment", "delete", "1", &comment[..20]]);
    assert_eq!((edited.trim_end(), deleted.trim_end()), (comment.as_str(), comment.as_str()));
    amir.assist_ok(["ticket", "comment", "1", "-b", "No, wait.", "--hold", "10m"]);
    assert_eq!(amir.assist_ok(["comment", "undo"]), "No, wait.\n");
    for command in ["comment reply", "comment edit", "comment delete", "comment undo"] {
        assert_eq!(unseen.remove(command).map(|columns| columns.len()), Some(1), "{command}");
    }
    // What was taken back is a draft: thrown away, there is none to list below.
    let draft = amir.assist_ok(["draft", "list"]).split('\t').next().unwrap().to_owned();
    amir.assist_ok(["draft", "discard", &draft]);
}

/// A change is named by what the history says.
fn check_undo(amir: &DaemonProcess, unseen: &mut BTreeMap<String, Vec<String>>) {
    amir.assist_ok(["ticket", "label", "1", "odd"]);
    let history = amir.assist_ok(["ticket", "history", "1"]);
    let change = history.lines().last().and_then(|line| line.split('\t').next()).expect("it has changes");
    let undone = amir.assist_ok(["ticket", "undo", "1", change]);
    let columns = unseen.remove("ticket undo").expect("docs/cli.md lists ticket undo");
    assert_eq!(undone.trim_end().split('\t').count(), columns.len(), "{undone:?}");
    assert!(!amir.assist_ok(["ticket", "view", "1"]).contains("odd"), "it is off again");
}

fn check_labels(amir: &DaemonProcess, unseen: &mut BTreeMap<String, Vec<String>>) {
    amir.assist_ok(["label", "set", "crash", "-d", "It ended by itself"]);
    amir.assist_ok(["label", "set", "slow"]);
    assert_eq!(amir.assist_ok(["label", "list"]), "crash\tIt ended by itself\nslow\t\n");
    assert_eq!(unseen.remove("label list").map(|columns| columns.len()), Some(2));
    let refused = amir.assist(["label", "remove", "crahs"]);
    assert!(refused.code != Some(0) && refused.stderr.contains("no label \"crahs\""), "{refused:?}");
    amir.assist_ok(["label", "remove", "slow"]);
    assert_eq!(amir.assist_ok(["label", "list"]), "crash\tIt ended by itself\n");
}

fn check_canned_replies(amir: &DaemonProcess, unseen: &mut BTreeMap<String, Vec<String>>) {
    amir.assist_ok(["canned", "set", "thanks", "-b", "Dear {customer}, thanks."]);
    assert_eq!(amir.assist_ok(["canned", "list"]), "thanks\tDear {customer}, thanks.\n");
    assert_eq!(unseen.remove("canned list").map(|columns| columns.len()), Some(2));
    assert_eq!(amir.assist_ok(["canned", "preview", "1", "thanks"]), "Dear Amir, thanks.\n");
    assert_eq!(unseen.remove("canned preview").map(|columns| columns.len()), Some(1));
}

fn check_views(amir: &DaemonProcess, unseen: &mut BTreeMap<String, Vec<String>>) {
    amir.assist_ok(["view", "save", "flaps", "flaps is:open"]);
    let listed = amir.assist_ok(["view", "list"]);
    let columns: Vec<&str> = listed.trim_end().split('\t').collect();
    assert_eq!(columns[..2], ["flaps", "flaps is:open"]);
    assert_eq!(unseen.remove("view list").map(|it| it.len()), Some(columns.len()));
    assert_eq!(amir.assist_ok(["view", "show", "flaps"]), "flaps is:open\n");
    assert_eq!(unseen.remove("view show").map(|it| it.len()), Some(1));
}

/// Each command of the table, as it is run.
const RUN: &[(&str, &[&str])] = &[
    ("ticket new", &["ticket", "new", "-t", "It hums", "-b", "All day.", "--wait=server"]),
    ("search", &["search", "flaps"]),
    ("ticket edit", &["ticket", "edit", "1", "--priority", "high"]),
    ("ticket close", &["ticket", "close", "1"]),
    ("ticket pending", &["ticket", "pending", "1"]),
    ("ticket resolve", &["ticket", "resolve", "1"]),
    ("ticket reopen", &["ticket", "reopen", "1"]),
    ("ticket priority", &["ticket", "priority", "1", "low"]),
    ("ticket claim", &["ticket", "claim", "1"]),
    ("ticket snooze", &["ticket", "snooze", "1", "--until", "3d"]),
    ("ticket unsnooze", &["ticket", "unsnooze", "1"]),
    ("ticket link", &["ticket", "link", "1", "2"]),
    ("ticket unlink", &["ticket", "unlink", "1", "2"]),
    ("ticket merge", &["ticket", "merge", "2", "--into", "1"]),
    ("ticket unmerge", &["ticket", "unmerge", "2"]),
    ("ticket bulk", &["ticket", "bulk", "label", "--add", "old", "1", "2"]),
    ("ticket label", &["ticket", "label", "1", "network"]),
    ("ticket assign", &["ticket", "assign", "1", "me"]),
    ("ticket comment", &["ticket", "comment", "1", "-b", "Since when?"]),
    ("note add", &["note", "add", "1", "-b", "The relay?"]),
    ("note list", &["note", "list", "1"]),
    ("ticket list", &["ticket", "list"]),
    ("ticket list --group-by", &["ticket", "list", "--group-by", "status"]),
    ("ticket list --counts", &["ticket", "list", "--counts", "--group-by", "status"]),
    ("ticket history", &["ticket", "history", "1"]),
    ("ticket member list", &["ticket", "member", "list", "1"]),
    ("ticket verify", &["ticket", "verify", "1"]),
    ("verify", &["verify", concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/v1/bundle/ticket.bundle")]),
    ("project list", &["project", "list"]),
    ("user list", &["user", "list"]),
    ("user settings", &["user", "settings"]),
    ("member list", &["member", "list"]),
    ("member invite", &["member", "invite", "dora@example.org", "--role", "customer"]),
    ("member invitations", &["member", "invitations"]),
    ("device list", &["device", "list"]),
    ("sync status", &["sync", "status"]),
    ("sync pause", &["sync", "pause"]),
    ("sync resume", &["sync", "resume"]),
    ("server invite", &["server", "invite", "--role", "agent"]),
    ("server mail", &["server", "mail", "amir@example.org"]),
    ("server members", &["server", "members"]),
    ("server log", &["server", "log"]),
    ("server verify-log", &["server", "verify-log"]),
    ("watch", &["watch", "-n", "1", "--since", "long-ago"]),
    ("daemon status", &["daemon", "status"]),
    ("server status", &["server", "status"]),
    ("server stats", &["server", "stats"]),
    ("server top", &["server", "top", "--count", "1"]),
];

/// The rows of the table: each command and its columns. A verb alone goes with the noun before it.
fn documented_columns() -> BTreeMap<String, Vec<String>> {
    let page = page("docs/cli.md");
    let (_, table) = page.split_once("| command | columns |\n|---|---|\n").expect("the table is there");
    let (table, _) = table.split_once("\n\n").expect("the table ends");
    let mut found = BTreeMap::new();
    for row in table.lines() {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [commands, columns] = cells[..] else { panic!("{row:?} has two cells") };
        let columns: Vec<String> = columns.split(", ").map(str::to_owned).collect();
        let mut noun = String::new();
        for command in commands.split('`').skip(1).step_by(2) {
            let full = match command.split_once(' ') {
                Some((first, _)) => {
                    first.clone_into(&mut noun);
                    command.to_owned()
                }
                None if noun.is_empty() => command.to_owned(),
                None => format!("{noun} {command}"),
            };
            found.insert(full, columns.clone());
        }
    }
    found
}
