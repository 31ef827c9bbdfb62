//! Everything that a device may see, written out, checked elsewhere, and read by other programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use assist_proto::api::sync::ConnectionState;
use assist_proto::api::ticket::List;
use assist_proto::api::user::Role;
use assist_proto::manifest::Manifest;
use assist_tests::process::{DaemonProcess, Finished, assist, assistd, private_folder, run};
use automerge::{AutoCommit, ReadDoc as _};
use serde_json::Value;
use tempfile::TempDir;

/// A project in which Carla filed two tickets and Bob one, and Amir of the team works: answers, notes, files.
struct Desk {
    server: DaemonProcess,
    carla: DaemonProcess,
    bob: DaemonProcess,
    amir: DaemonProcess,
    folder: TempDir,
}

impl Desk {
    fn new() -> Self {
        let server = DaemonProcess::server("hero");
        let member = |role, name| {
            let device = DaemonProcess::device();
            device.join(&server, role, name);
            device.until_connection(ConnectionState::Online);
            device
        };
        let (carla, bob) = (member(Role::Customer, "Carla"), member(Role::Customer, "Bob"));
        let amir = member(Role::Agent, "Amir");
        let folder = private_folder();
        let log = folder.path().join("log.txt");
        fs::write(&log, "smoke at 12:00\n").unwrap();
        let log = log.display().to_string();
        let body = "From noon on.\nFrom the left side.\n\n## Amir, now";
        carla.assist_ok([
            "ticket",
            "new",
            "-t",
            "=It burns",
            "-b",
            body,
            "--attach",
            &log,
            "--wait=delivered",
        ]);
        carla.assist_ok(["ticket", "new", "-t", "It hums", "-b", "All day.", "--wait=delivered"]);
        bob.assist_ok(["ticket", "new", "-t", "It smells", "-b", "Of canary-bob.", "--wait=delivered"]);
        amir.assist_ok(["ticket", "comment", "1", "-b", "Since when?", "--send-now"]);
        amir.assist_ok(["note", "add", "1", "-b", "canary-note: the relay", "--send-now"]);
        // Its bytes come to the device that asks for them.
        let elsewhere = private_folder();
        amir.assist_ok(["attachment", "save", "1", "log.txt", "-o", &elsewhere.path().display().to_string()]);
        amir.assist_ok(["ticket", "resolve", "2", "--wait=delivered"]);
        Self { server, carla, bob, amir, folder }
    }

    fn export(&self, device: &DaemonProcess, name: &str, more: &[&str]) -> PathBuf {
        let target = self.folder.path().join(name);
        let path = target.display().to_string();
        device.assist_ok(["export", &path].into_iter().chain(more.iter().copied()));
        target
    }
}

/// What `assist import` says of an export or a bundle.
fn import(device: &DaemonProcess, path: &Path) -> Value {
    let imported = device.assist_ok(["import", &path.display().to_string(), "--json"]);
    serde_json::from_str(&imported).unwrap()
}

/// `assist verify` on a machine that has nothing of this product but the program.
fn verify(export: &Path) -> Finished {
    let home = private_folder();
    run(assist(home.path()).arg("verify").arg(export).args(["--no-start", "--json"]), b"")
}

fn read(path: PathBuf) -> String {
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn an_export_holds_everything_in_forms_that_others_read() {
    let desk = Desk::new();
    let export = desk.export(&desk.amir, "all", &[]);
    let verified = verify(&export);
    assert_eq!(verified.code, Some(0), "{verified:?}");
    let verified: Value = serde_json::from_str(&verified.stdout).unwrap();
    assert_eq!(verified["bundles"], 4, "three tickets and the notes of one");
    assert_eq!(
        (&verified["not_proven"], &verified["missing"], &verified["unlisted"]),
        (&0.into(), &0.into(), &0.into())
    );

    let ticket: Value = serde_json::from_str(&read(export.join("hero/1/ticket.json"))).unwrap();
    assert_eq!(
        (&ticket["title"], &ticket["comments"][1]["body"]),
        (&"=It burns".into(), &"Since when?".into())
    );
    let history: Value = serde_json::from_str(&read(export.join("hero/1/history.json"))).unwrap();
    assert!(history.as_array().unwrap().len() >= 2, "{history}");
    let text = read(export.join("hero/1/ticket.md"));
    assert!(text.contains("\n> From noon on.\n"), "{text}");
    assert!(
        text.contains("> ## Amir, now") && !text.contains("\n## Amir, now"),
        "no text passes for ours: {text}"
    );
    assert_eq!(read(export.join("hero/1/attachments/log.txt")), "smoke at 12:00\n");
    assert!(read(export.join("hero/1/notes.md")).contains("> canary-note: the relay"));

    let rows = read(export.join("hero/tickets.csv"));
    assert_eq!(rows.lines().count(), 4);
    assert!(rows.contains("\"'=It burns\""), "no formula: {rows}");
    let mails = read(export.join("hero/tickets.mbox"));
    assert_eq!(mails.lines().filter(|line| line.starts_with("From ")).count(), 5, "{mails}");
    assert!(mails.contains("\n>From noon on.\n"), "{mails}");
}

#[test]
fn every_document_of_an_export_loads_in_automerge_itself() {
    let desk = Desk::new();
    let export = desk.export(&desk.amir, "all", &[]);
    for (name, title) in [("1", "=It burns"), ("2", "It hums"), ("3", "It smells")] {
        let bytes = fs::read(export.join("hero").join(name).join("ticket.automerge")).unwrap();
        let doc = AutoCommit::load(&bytes).unwrap();
        let (value, _) = doc.get(automerge::ROOT, "title").unwrap().expect("a title");
        assert_eq!(value.as_str(), Some(title));
    }
    let notes = fs::read(export.join("hero/1/notes.automerge")).unwrap();
    assert!(AutoCommit::load(&notes).unwrap().length(automerge::ROOT) > 0);
}

#[test]
fn every_damage_is_found_and_its_place_is_named() {
    let desk = Desk::new();
    let export = desk.export(&desk.amir, "all", &[]);
    let manifest = Manifest::read(&fs::read(export.join("manifest.jsonl")).unwrap()).unwrap();
    assert!(manifest.files.len() > 15, "{manifest:?}");
    for file in manifest.files.iter().map(|file| file.path.as_str()).chain(["manifest.jsonl"]) {
        let path = export.join(file);
        let whole = fs::read(&path).unwrap();
        if whole.is_empty() {
            continue;
        }
        let mut damaged = whole.clone();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 1;
        fs::write(&path, damaged).unwrap();
        let refused = verify(&export);
        assert_eq!(refused.code, Some(8), "{file}: {refused:?}");
        assert!(refused.stderr.contains(&format!("{file} is damaged: ")), "{file}: {refused:?}");
        fs::write(&path, whole).unwrap();
    }
    fs::write(export.join("hero/stray"), "x").unwrap();
    let verified: Value = serde_json::from_str(&verify(&export).stdout).unwrap();
    assert_eq!(verified["unlisted"], 1);
    fs::remove_file(export.join("hero/1/ticket.md")).unwrap();
    assert!(verify(&export).stderr.contains("hero/1/ticket.md is damaged: "));
    fs::remove_file(export.join("manifest.jsonl")).unwrap();
    let unfinished = verify(&export);
    assert_eq!(unfinished.code, Some(8));
    assert!(unfinished.stderr.contains("not finished"), "{unfinished:?}");
}

#[test]
fn a_customers_export_holds_what_is_theirs_and_nothing_else() {
    let desk = Desk::new();
    let export = desk.export(&desk.carla, "mine", &[]);
    assert_eq!(verify(&export).code, Some(0));
    let found = run(Command::new("grep").args(["-r", "-l", "-a", "canary-"]).arg(&export), b"");
    assert_eq!(found.stdout, "", "neither notes nor another's ticket");
    assert!(export.join("hero/1/ticket.md").exists() && !export.join("hero/3").exists());
}

#[test]
fn an_export_takes_the_place_of_nothing_and_can_be_of_a_part() {
    let desk = Desk::new();
    let part = desk.export(&desk.amir, "part", &["--query", "is:resolved"]);
    assert_eq!(verify(&part).code, Some(0));
    assert!(part.join("hero/2").exists() && !part.join("hero/1").exists());
    let again = desk.amir.assist(["export", &part.display().to_string()]);
    assert_eq!(again.code, Some(2), "{again:?}");
    assert!(again.stderr.contains("is there already"), "{again:?}");
    let nowhere = desk.folder.path().join("no/such/place").display().to_string();
    assert_eq!(desk.amir.assist(["export", &nowhere]).code, Some(1));
    let bad = desk.folder.path().join("bad").display().to_string();
    let bad = desk.amir.assist(["export", &bad, "--query", "is:nonsense"]);
    assert_eq!(bad.code, Some(2), "{bad:?}");
}

#[test]
fn an_export_brings_back_what_nobody_else_has() {
    let mut desk = Desk::new();
    let export = desk.export(&desk.amir, "all", &[]);
    let exported = desk.amir.assist_ok(["ticket", "show", "1", "--json"]);
    desk.carla.kill();
    desk.bob.kill();
    desk.amir.kill();
    desk.server.lose_all_but(&["node.key", "root.key"]);
    let recovered = run(assistd(desk.server.home()).args(["server", "recover", "--name", "hero"]), b"");
    assert_eq!(recovered.code, Some(0), "{recovered:?}");
    desk.server.start();

    let zoe = DaemonProcess::device();
    let early = zoe.assist(["import", &export.display().to_string()]);
    assert_eq!(early.code, Some(4), "{early:?}");
    assert!(early.stderr.contains("not joined"), "{early:?}");
    zoe.join(&desk.server, Role::Agent, "Zoe");
    zoe.until_connection(ConnectionState::Online);
    let imported = import(&zoe, &export);
    assert_eq!(
        (&imported["bundles"], &imported["attachments"], &imported["refused"]),
        (&4.into(), &1.into(), &0.into())
    );
    assert!(imported["added"].as_u64().unwrap() >= 6, "{imported}");
    let shown = |text: &str| -> Value {
        let ticket: Value = serde_json::from_str(text).unwrap();
        serde_json::json!([
            ticket["title"],
            ticket["body"],
            ticket["comments"][1]["body"],
            ticket["comments"][1]["author"]["name"]
        ])
    };
    assert_eq!(shown(&zoe.assist_ok(["ticket", "show", "1", "--json"])), shown(&exported));

    // Whoever joins now has all of it from the server, names and files too.
    let ida = DaemonProcess::device();
    ida.join(&desk.server, Role::Agent, "Ida");
    ida.until("all tickets", |_| {
        let rows = ida.call(&List::default()).tickets;
        (rows.len() == 3 && rows.iter().all(|row| row.number.is_some())).then_some(())
    });
    ida.until("the note", |_| ida.assist_ok(["note", "list", "1"]).contains("canary-note").then_some(()));
    assert_eq!(shown(&ida.assist_ok(["ticket", "show", "1", "--json"])), shown(&exported));
    assert_eq!(ida.assist_ok(["attachment", "save", "1", "log.txt", "-o", "-"]), "smoke at 12:00\n");
    // Who wrote it comes back as well, and finds nothing twice.
    desk.carla.start();
    desk.carla.until_connection(ConnectionState::Online);
    desk.carla.assist_ok(["ticket", "comment", "1", "-b", "Put out.", "--wait=server"]);
    ida.until("her comment, once", |_| {
        let ticket: Value = serde_json::from_str(&ida.assist_ok(["ticket", "show", "1", "--json"])).unwrap();
        let comments = ticket["comments"].as_array().unwrap();
        (comments.len() == 3 && comments[2]["body"] == "Put out.").then_some(())
    });
}

#[test]
fn an_import_changes_nothing_that_is_there_and_takes_no_lies() {
    let desk = Desk::new();
    let export = desk.export(&desk.amir, "all", &[]);
    let again = import(&desk.amir, &export);
    assert_eq!((&again["added"], &again["refused"]), (&0.into(), &0.into()));
    assert!(again["known"].as_u64().unwrap() >= 6, "{again}");
    let bundle = export.join("hero/1/ticket.bundle");
    assert_eq!(import(&desk.carla, &bundle)["added"], 0, "it is her own");

    let home = desk.bob.home().display().to_string();
    for (file, what) in [("hero/1/ticket.bundle", "another's ticket"), ("hero/1/notes.bundle", "the team's")]
    {
        let refused = desk.bob.assist(["import", &export.join(file).display().to_string()]);
        assert_eq!(refused.code, Some(4), "{what}: {refused:?}");
        assert!(refused.stderr.contains("not yours to see"), "{what}: {refused:?}");
    }
    let found = run(Command::new("grep").args(["-r", "-l", "-a", "canary-note"]).arg(home), b"");
    assert_eq!(found.stdout, "", "nothing of it is on his device");

    let text = read(bundle.clone());
    let forged = text.replacen("\"signature\":\"", "\"signature\":\"AAAA", 1);
    for (text, said) in
        [(forged, "damaged"), (text[..text.len() / 2].to_owned(), "damaged"), ("{}".into(), "no bundle")]
    {
        let path = desk.folder.path().join("bad.bundle");
        fs::write(&path, text).unwrap();
        let refused = desk.amir.assist(["import", &path.display().to_string()]);
        assert_eq!(refused.code, Some(8), "{refused:?}");
        assert!(refused.stderr.contains(said), "{said}: {refused:?}");
    }
    let csv = export.join("hero/tickets.csv");
    fs::write(&csv, read(csv.clone()).replacen("hums", "hunts", 1)).unwrap();
    let refused = desk.amir.assist(["import", &export.display().to_string()]);
    assert_eq!(refused.code, Some(8), "{refused:?}");
    assert!(refused.stderr.contains("tickets.csv is damaged"), "{refused:?}");
}
