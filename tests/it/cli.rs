//! The command line keeps its promises to scripts: what it prints, how it ends, and that it finds its daemon.

use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use assist_proto::api::user::Role;
use assist_tests::process::{DaemonProcess, Finished, assist, private_folder, run};
use serde_json::Value;

#[test]
fn ticket_is_filed_read_and_worked_with_names_of_any_form() {
    let (_server, device) = agent();
    let filed = device.assist(["ticket", "new", "-t", "It flaps", "-b", "Twice a\n\nminute.\n", "--wait"]);
    assert_eq!((filed.code, filed.stderr.as_str()), (Some(0), ""));
    let id = filed.stdout.trim_end();
    assert_eq!((id.len(), filed.stdout.len()), (26, 27), "just the id and a line end");

    for name in [id, &id[..8], "1", "#1"] {
        let title = device.assist_ok(["ticket", "view", name, "--jsonl=title,number"]);
        assert_eq!(title, "{\"number\":1,\"title\":\"It flaps\"}\n", "{name}");
    }
    let comment = device.assist_ok(["ticket", "comment", "1", "-b", "Since when?"]);
    let answer =
        device.assist_ok(["ticket", "comment", "1", "-b", "Monday", "--reply-to", comment.trim_end()]);
    assert_ne!(comment, answer);
    for verb in [
        &["ticket", "edit", "1", "-t", "It flaps and hums", "--priority", "high"][..],
        &["ticket", "label", "1", "network", "flap"],
        &["ticket", "label", "1", "-r", "flap"],
        &["ticket", "assign", "1", "me"],
        &["ticket", "close", "1"],
        &["ticket", "reopen", "1"],
    ] {
        assert_eq!(device.assist_ok(verb).trim_end(), id, "{verb:?}");
    }

    let row = device.assist_ok(["ticket", "list", "-s", "open", "-l", "network", "-a", "me"]);
    let values: Vec<&str> = row.trim_end_matches('\n').split('\t').collect();
    assert_eq!(values[..7], [id, "1", "open", "high", "Bob", "Bob", "network"], "{row}");
    assert_eq!((values.len(), values[9], values[12]), (15, "2", "It flaps and hums"), "{row}");

    // Nothing of it changes any more between the two looks.
    device.until_sent();
    let view = device.assist_ok(["ticket", "view", "1"]);
    let project = device.assist_ok(["project", "list"]);
    let link = format!("assist://{}/ticket/{id}", project.split('\t').next().unwrap());
    assert_eq!(device.assist_ok(["open", &link]), view, "the link of a mail or a notification");
    assert!(view.contains("\n    Twice a\n    \n    minute.\n"), "{view}");
    assert!(view.contains(&format!("\ncomment\t{}\tBob\tagent\t", comment.trim_end())), "{view}");
    assert!(
        view.contains(&format!("\t{}\t", comment.trim_end())),
        "the answer names what it answers: {view}"
    );
    let history = device.assist_ok(["ticket", "history", "1"]);
    assert!(history.lines().count() >= 9, "{history}");
    assert!(history.lines().next().unwrap().contains("create ticket"), "{history}");
}

#[test]
fn output_off_a_terminal_is_the_same_in_any_environment_and_holds_no_escape_sequence() {
    let (_server, device) = agent();
    let text = "red \u{1b}[31m, beep \u{7}, \u{202e}backwards, \u{9b}2J";
    // On the server first: its number and times are then settled.
    device.assist_ok(["ticket", "new", "-t", text, "-b", text, "--wait=server"]);
    for args in [
        &["ticket", "list"][..],
        &["ticket", "view", "1"],
        &["ticket", "list", "--json"],
        &["ticket", "history", "1"],
    ] {
        let plain = device.assist_ok(args);
        let hostile = |character: char| {
            (character.is_control() && character != '\n' && character != '\t') || character == '\u{202e}'
        };
        assert!(!plain.contains(hostile), "{plain:?}");
        let steered = run(
            assist(device.home())
                .args(args)
                .env("CLICOLOR_FORCE", "1")
                .env("COLUMNS", "20")
                .env("TERM", "xterm"),
            b"",
        );
        assert_eq!(steered.stdout, plain);
    }
    let rows: Value = serde_json::from_str(&device.assist_ok(["ticket", "list", "--json=title"])).unwrap();
    assert_eq!(rows[0]["title"], text, "JSON loses nothing");
}

#[test]
fn text_comes_from_file_or_stdin_to_the_byte_or_not_at_all() {
    let (_server, device) = agent();
    let report = "  \u{417}\u{434}\u{440}\u{430}\u{432}\u{441}\u{442}\u{432}\u{443}\u{439}\u{442}\u{435}\r\n\n\u{1f9ef}\n";
    let body = |ticket: &str| {
        let view: Value =
            serde_json::from_str(&device.assist_ok(["ticket", "view", ticket, "--json=body,title"])).unwrap();
        (view["title"].as_str().unwrap().to_owned(), view["body"].as_str().unwrap().to_owned())
    };
    let filed = device.assist_with_input(["ticket", "new", "-F", "-"], report.as_bytes());
    assert_eq!(
        body(filed.stdout.trim_end()),
        (report.lines().next().unwrap().trim().to_owned(), report.to_owned())
    );
    let file = device.home().join("report.txt");
    std::fs::write(&file, report).unwrap();
    let filed = device.assist_ok(["ticket", "new", "-t", "T", "-F", file.to_str().unwrap()]);
    assert_eq!(body(filed.trim_end()), ("T".to_owned(), report.to_owned()));

    let refused = |finished: Finished, code: i32, words: &str| {
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(code), ""), "{finished:?}");
        assert!(finished.stderr.contains(words), "{finished:?}");
    };
    let latin1 = device.assist_with_input(["ticket", "new", "-t", "T", "-F", "-"], b"caf\xe9");
    refused(latin1, 1, "stdin is not UTF-8 text: byte 3");
    refused(
        device.assist(["ticket", "new", "-F", "/nowhere/report.txt"]),
        1,
        "cannot read /nowhere/report.txt",
    );
    refused(device.assist(["ticket", "new", "-F", "/"]), 1, "cannot read /");
    let endless = device.assist_with_input(["ticket", "new", "-F", "-"], &vec![b'x'; 70 * 1024]);
    refused(endless, 1, "stdin is over 64 KiB");
    refused(device.assist(["ticket", "new"]), 2, "no text was given");
    refused(device.assist(["ticket", "edit", "1"]), 2, "nothing to change was given");
    assert_eq!(device.assist_ok(["ticket", "list"]).lines().count(), 2, "nothing more was filed");
}

#[test]
fn exit_codes_tell_scripts_what_happened() {
    let (hero, device) = agent();
    let second = DaemonProcess::server("hero two");
    device.join(&second, Role::Customer, "Bob");
    let code = |args: &[&str]| {
        let finished = device.assist(args);
        assert!(finished.stderr.starts_with("error: ") || finished.code == Some(0), "{finished:?}");
        assert!(finished.stdout.is_empty() || finished.code == Some(0), "{finished:?}");
        finished.code.unwrap()
    };
    assert_eq!(code(&["ticket", "list"]), 0);
    assert_eq!(code(&["ticket", "lst"]), 2, "no such verb");
    assert_eq!(code(&["ticket", "list", "--json=titel"]), 2, "no such field");
    assert_eq!(code(&["rpc", "ticket.lst"]), 2, "no such method");
    assert_eq!(
        code(&["-P", "hero two", "ticket", "new", "-t", &"x".repeat(81), "-b", ""]),
        2,
        "no such title"
    );
    assert_eq!(code(&["-P", "hero two", "ticket", "view", "142"]), 3);
    assert_eq!(code(&["-P", "other", "ticket", "list"]), 3);
    let id = device.assist_ok(["-P", "hero two", "ticket", "new", "-b", "mine"]);
    assert_eq!(code(&["ticket", "assign", id.trim_end(), "me"]), 4, "customers do not assign");
    assert_eq!(code(&["server", "status"]), 4, "it is no server");
    assert_eq!(code(&["-P", "her", "ticket", "new", "-b", "whose"]), 6, "two projects begin so");
    drop(hero);
    let stranger = private_folder();
    assert_eq!(run(assist(stranger.path()).args(["--no-start", "ticket", "list"]), b"").code, Some(5));
}

#[test]
fn waiting_runs_out_while_offline_and_ends_once_the_server_has_it() {
    let (_server, device) = agent();
    device.assist_ok(["sync", "pause"]);
    let filed = device.assist(["ticket", "new", "-b", "offline", "--wait", "--timeout", "0.1"]);
    assert_eq!(filed.code, Some(7), "{filed:?}");
    assert_eq!(filed.stdout.trim_end().len(), 26, "it is filed all the same");
    assert!(filed.stderr.contains("saved here") && filed.stderr.contains("hint: "), "{filed:?}");
    let state = device.assist_ok(["ticket", "list", "--jsonl=state"]);
    assert_eq!(state, "{\"state\":\"saved_here\"}\n");
    device.assist_ok(["sync", "resume"]);
    device.assist_ok([
        "ticket",
        "comment",
        filed.stdout.trim_end(),
        "-b",
        "back",
        "--wait",
        "--timeout",
        "60",
    ]);
    let state = device.assist_ok(["ticket", "list", "--jsonl=state"]);
    assert_eq!(state, "{\"state\":\"on_server\"}\n");
}

#[test]
fn daemon_is_started_once_by_whoever_needs_it_first() {
    let home = Home::new();
    let commands: Vec<Child> = (0..4)
        .map(|_| {
            let mut command = assist(home.path());
            command.args(["project", "list"]).stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().unwrap()
        })
        .collect();
    let mut said = 0;
    for command in commands {
        let output = command.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{stderr}");
        said += stderr.matches("started the daemon").count();
    }
    assert_eq!(said, 1, "one starts it, the others find it");
    let pid = home.assist_ok(&["daemon", "status", "--jsonl=pid"]);
    assert_eq!(home.assist_ok(&["daemon", "start", "--jsonl=pid"]), pid);
    assert_eq!(home.assist_ok(&["project", "list"]), "");

    home.assist_ok(&["daemon", "stop"]);
    assert_eq!(home.assist(&["daemon", "status"]).code, Some(5));
    assert_eq!(home.assist(&["daemon", "stop"]).code, Some(0), "there is none in the end either way");
    let restarted = home.assist(&["daemon", "start"]);
    assert!(restarted.stderr.contains("started the daemon"), "{restarted:?}");
}

#[test]
fn dead_socket_is_no_daemon() {
    let home = Home::new();
    home.assist_ok(&["daemon", "start"]);
    let status: Value = serde_json::from_str(&home.assist_ok(&["daemon", "status", "--json"])).unwrap();
    let killed = Command::new("kill").args(["-9", &status["pid"].to_string()]).status().unwrap();
    assert!(killed.success());
    home.wait_until_free();
    assert!(home.path().join("run/assistd.sock").exists(), "what a killed daemon leaves behind");
    assert_eq!(home.assist(&["--no-start", "project", "list"]).code, Some(5));
    let found = home.assist(&["project", "list"]);
    assert_eq!(found.code, Some(0), "{found:?}");
    assert!(found.stderr.contains("started the daemon"), "{found:?}");
}

#[test]
fn daemon_that_cannot_start_says_why() {
    let home = Home::new();
    std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let finished = home.assist(&["project", "list"]);
    assert_eq!(finished.code, Some(5), "{finished:?}");
    assert!(
        finished.stderr.contains("the daemon ended at once") && finished.stderr.contains("chmod 700"),
        "{finished:?}"
    );
}

#[test]
fn watch_goes_on_after_a_restart_and_ends_with_its_count() {
    let (_server, mut device) = agent();
    let mut command = assist(device.home());
    command
        .args(["watch", "--jsonl=event,ticket.title", "-n", "1000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut watch = command.spawn().unwrap();
    let mut said = BufReader::new(watch.stderr.take().unwrap()).lines();
    assert_eq!(said.next().unwrap().unwrap(), "watching; Ctrl-C ends it");
    let mut events = BufReader::new(watch.stdout.take().unwrap()).lines();
    let mut until = |title: &str| {
        let line = events.find(|line| line.as_ref().unwrap().contains(title));
        assert!(line.unwrap().unwrap().starts_with("{\"event\":\"ticket.changed\""));
    };
    device.assist_ok(["ticket", "new", "-t", "before", "-b", ""]);
    until("before");
    device.stop();
    assert!(said.next().unwrap().unwrap().contains("waiting for it to come back"));
    device.start();
    assert!(said.next().unwrap().unwrap().contains("is back"));
    device.assist_ok(["ticket", "new", "-t", "after", "-b", ""]);
    until("after");

    interrupt(&watch);
    assert_eq!(watch.wait().unwrap().signal(), Some(2), "a shell reports 130");
    let counted = device.assist(["watch", "--since", "long-ago", "-n", "1", "--jsonl=event"]);
    assert_eq!((counted.code, counted.stdout.as_str()), (Some(0), "{\"event\":\"reset\"}\n"), "{counted:?}");
}

#[test]
fn reader_that_has_seen_enough_is_no_failure() {
    let home = Home::new();
    let mut command = assist(home.path());
    command.args(["completions", "bash"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut first = [0; 1];
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut first).unwrap();
    drop(stdout);
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn full_disk_is_a_failure() {
    let home = Home::new();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = assist(home.path());
    let output = command.args(["completions", "bash"]).stdout(full).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write the output"));
}

/// A server and an agent's device that has joined it.
fn agent() -> (DaemonProcess, DaemonProcess) {
    let server = DaemonProcess::server("hero");
    let device = DaemonProcess::device();
    device.join(&server, Role::Agent, "Bob");
    (server, device)
}

fn interrupt(child: &Child) {
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// A folder whose daemon, if any, `assist` itself started.
struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        Self { folder: private_folder() }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn assist(&self, args: &[&str]) -> Finished {
        run(assist(self.path()).args(args), b"")
    }

    fn assist_ok(&self, args: &[&str]) -> String {
        let finished = self.assist(args);
        assert_eq!(finished.code, Some(0), "{finished:?}");
        finished.stdout
    }

    /// Waits until no process holds the folder.
    fn wait_until_free(&self) {
        std::fs::File::open(self.path().join("lock")).unwrap().lock().unwrap();
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        self.assist(&["daemon", "stop"]);
    }
}
