//! Backups as an operator makes them: of a server that runs, restored into another folder, moved, verified.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use assist_proto::api::{server, sync, ticket, user};
use assist_tests::process::{DaemonProcess, Finished, assistd, private_folder, run};

fn assistd_ok(home: &Path, args: &[&str]) -> Finished {
    let done = run(assistd(home).args(args), b"");
    assert_eq!(done.code, Some(0), "{done:?}");
    done
}

fn fact<'a>(done: &'a Finished, name: &str) -> &'a str {
    let lines = done.stdout.lines().filter_map(|line| line.split_once('\t'));
    lines.clone().find(|(key, _)| *key == name).unwrap_or_else(|| panic!("no {name} in {done:?}")).1
}

fn member(server: &DaemonProcess, role: user::Role, name: &str) -> DaemonProcess {
    let device = DaemonProcess::device();
    device.join(server, role, name);
    device.until_connection(sync::ConnectionState::Online);
    device
}

fn titles(device: &DaemonProcess) -> Vec<String> {
    let list = ticket::List { query: Some("sort:created".into()), ..ticket::List::default() };
    device.call(&list).tickets.into_iter().map(|row| row.title).collect()
}

#[test]
fn server_is_backed_up_while_it_runs_and_goes_on_from_its_backup() {
    let (mut server, backups) = (DaemonProcess::server("anvil"), private_folder());
    let folder = backups.path().to_str().unwrap();
    let carla = member(&server, user::Role::Customer, "Carla");
    let amir = member(&server, user::Role::Agent, "Amir");
    let log = carla.home().join("noon.log");
    fs::write(&log, "12:00 hum").unwrap();
    let attach = log.to_str().unwrap();
    carla.assist_ok(["ticket", "new", "-t", "It hums", "-b", "Now.", "--attach", attach, "--wait=delivered"]);
    amir.assist_ok(["note", "add", "1", "-b", "Not a word of this."]);
    amir.until_sent();
    // Its bytes follow the text: what is fetched is on the server.
    assert_eq!(amir.assist_ok(["attachment", "save", "1", "noon.log", "-o", "-"]), "12:00 hum");
    let made = assistd_ok(server.home(), &["server", "backup", folder]);
    assert_eq!((fact(&made, "tickets"), fact(&made, "attachments")), ("1", "1"));
    let again = run(assistd(server.home()).args(["server", "backup", folder, "--keep", "0"]), b"");
    assert_eq!(again.code, Some(2), "{again:?}");
    let verified = assistd_ok(server.home(), &["server", "verify"]);
    assert!(fact(&verified, "changes").parse::<u64>().unwrap() >= 3, "{verified:?}");
    let before = server.call(&server::GetStatus {}).log_id;
    assistd_ok(server.home(), &["server", "verify", "--backup", folder]);

    server.lose_all_but(&[]);
    let restored = assistd_ok(server.home(), &["server", "restore", folder]);
    assert!(restored.stderr.contains("with a new log"), "{restored:?}");
    assert_eq!(fact(&restored, "head"), fact(&made, "head"));
    let refused = run(assistd(server.home()).args(["server", "restore", folder]), b"");
    assert!(refused.code == Some(1) && refused.stderr.contains("nothing is ever overwritten"), "{refused:?}");
    server.start();
    assert_ne!(
        server.call(&server::GetStatus {}).log_id,
        before,
        "devices must not believe their places in it"
    );
    carla.until_connection(sync::ConnectionState::Online);
    carla.assist_ok(["ticket", "comment", "1", "-b", "Still.", "--wait=server"]);
    amir.until("her comment", |client| {
        let get = ticket::Get { ticket: "#1".into(), ..ticket::Get::default() };
        client.call(&get).ok()?.comments.iter().any(|comment| comment.body == "Still.").then_some(())
    });
    // Somebody who comes only now gets the attachment and the note from what was restored.
    let bob = member(&server, user::Role::Agent, "Bob");
    bob.until("the ticket", |_| (titles(&bob) == ["It hums"]).then_some(()));
    let saved = bob.assist_ok(["attachment", "save", "1", "noon.log", "-o", "-"]);
    assert_eq!(saved, "12:00 hum");
    assert!(bob.assist_ok(["note", "list", "1"]).contains("Not a word of this."));
}

#[test]
fn server_moves_and_serves_at_one_place_only() {
    let (mut server, backups) = (DaemonProcess::server("anvil"), private_folder());
    let folder = backups.path().to_str().unwrap();
    let carla = member(&server, user::Role::Customer, "Carla");
    carla.assist_ok(["ticket", "new", "-t", "It hums", "-b", "Now.", "--wait=server"]);
    let refused = run(assistd(server.home()).args(["server", "backup", folder, "--retire"]), b"");
    assert!(refused.code == Some(1) && refused.stderr.contains("stop it first"), "{refused:?}");
    let log = server.call(&server::GetStatus {}).log_id;
    server.stop();
    let inside = server.home().join("backups");
    let failed = run(assistd(server.home()).args(["server", "backup", "--retire"]).arg(&inside), b"");
    assert!(failed.code == Some(1) && failed.stderr.contains("is within the folder"), "{failed:?}");
    assert!(!server.home().join("retired").exists(), "without a last backup it serves on");
    assistd_ok(server.home(), &["server", "backup", folder, "--retire"]);
    assert!(server.home().join("retired").exists());
    let old = private_folder();
    for entry in fs::read_dir(server.home()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::copy(&path, old.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    let refused = run(assistd(old.path()).args(["server", "run", "--bind", "127.0.0.1:0"]), b"");
    assert!(refused.code == Some(1) && refused.stderr.contains("served elsewhere now"), "{refused:?}");

    server.lose_all_but(&[]);
    let moved = assistd_ok(server.home(), &["server", "restore", folder]);
    assert!(moved.stderr.contains("moved"), "{moved:?}");
    carla.assist_ok(["ticket", "comment", "1", "-b", "While nobody served."]);
    server.start();
    carla.until_sent();
    assert_eq!(server.call(&server::GetStatus {}).log_id, log);
}

#[test]
fn server_with_nothing_but_its_keys_is_given_texts_notes_and_files_by_its_members() {
    let mut server = DaemonProcess::server("anvil");
    let carla = member(&server, user::Role::Customer, "Carla");
    let amir = member(&server, user::Role::Agent, "Amir");
    let log = carla.home().join("noon.log");
    fs::write(&log, "12:00 hum").unwrap();
    let attach = log.to_str().unwrap();
    carla.assist_ok(["ticket", "new", "-t", "It hums", "-b", "Now.", "--attach", attach, "--wait=delivered"]);
    amir.assist_ok(["note", "add", "1", "-b", "Not a word of this."]);
    amir.until_sent();
    server.until_called("the file", &server::Verify {}, |verified| verified.blob_count == 1);

    let root = fs::read(server.home().join("root.key")).unwrap();
    server.lose_all_but(&["node.key"]);
    let refused = run(assistd(server.home()).args(["server", "recover", "--name", "anvil"]), b"");
    assert!(refused.code == Some(1) && refused.stderr.contains("root.key"), "{refused:?}");
    fs::write(server.home().join("root.key"), root).unwrap();
    fs::set_permissions(server.home().join("root.key"), fs::Permissions::from_mode(0o600)).unwrap();
    let recovered = assistd_ok(server.home(), &["server", "recover", "--name", "anvil"]);
    assert!(recovered.stdout.contains("gives back what it holds"), "{recovered:?}");
    server.start();

    amir.until_sent();
    carla.until_connection(sync::ConnectionState::Online);
    server.until_called("the file again", &server::Verify {}, |verified| verified.blob_count == 1);
    let bob = member(&server, user::Role::Agent, "Bob");
    bob.until("the ticket", |_| (titles(&bob) == ["It hums"]).then_some(()));
    assert_eq!(bob.assist_ok(["attachment", "save", "1", "noon.log", "-o", "-"]), "12:00 hum");
    bob.until("the note", |_| {
        bob.assist_ok(["note", "list", "1"]).contains("Not a word of this.").then_some(())
    });
    carla.assist_ok(["ticket", "comment", "1", "-b", "Still.", "--wait=delivered"]);
    assert!(!carla.assist_ok(["ticket", "show", "1"]).contains("Not a word of this."));
}

#[test]
fn what_is_damaged_is_told_with_what_to_do() {
    let mut server = DaemonProcess::server("anvil");
    let carla = member(&server, user::Role::Customer, "Carla");
    let log = carla.home().join("noon.log");
    fs::write(&log, "12:00 hum").unwrap();
    let attach = log.to_str().unwrap();
    carla.assist_ok(["ticket", "new", "-t", "It hums", "-b", "Now.", "--attach", attach, "--wait=server"]);
    server.until_called("the file", &server::Verify {}, |verified| verified.blob_count == 1);
    let blob =
        walk(&server.home().join("blobs")).into_iter().find(|path| fs::read(path).unwrap() == b"12:00 hum");
    fs::write(blob.unwrap(), "12:00 Hum").unwrap();
    for is_running in [true, false] {
        if !is_running {
            server.stop();
        }
        let verified = run(assistd(server.home()).args(["server", "verify"]), b"");
        assert_eq!(verified.code, Some(1), "{verified:?}");
        let problem =
            verified.stdout.lines().find(|line| line.starts_with("problem\tthe attachment ")).unwrap();
        assert!(problem.contains("copy it from a backup"), "{problem}");
    }
    let nowhere = private_folder();
    let refused = run(assistd(&nowhere.path().join("none")).args(["server", "verify"]), b"");
    assert!(refused.code == Some(1) && refused.stderr.contains("there is no server in"), "{refused:?}");
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(walk(&path)) } else { files.push(path) }
    }
    files
}
