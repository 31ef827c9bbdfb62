//! What watches a server from outside, and the figures that its operator reads.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;

use assist_proto::api::{sync, user};
use assist_tests::process::{DaemonProcess, assistd, private_folder, run};

/// Asks for a path, and returns the status and what came.
fn ask(socket: &Path, path: &str) -> (u16, String) {
    let mut stream = UnixStream::connect(socket).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: here\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

fn figure(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
}

#[test]
fn figures_are_told_to_whoever_watches_and_nothing_that_a_person_wrote() {
    let server = DaemonProcess::server_with("anvil", "127.0.0.1:0", |home| {
        let socket = home.join("monitor.sock");
        fs::write(home.join("config.toml"), format!("[monitor]\nlisten = {socket:?}\n")).unwrap();
        Vec::new()
    });
    let socket = server.home().join("monitor.sock");
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o660);
    assert_eq!(ask(&socket, "/healthz"), (200, "ok\n".to_owned()));
    assert_eq!(ask(&socket, "/readyz"), (200, "ready\n".to_owned()));
    assert_eq!(ask(&socket, "/rpc").0, 404, "the local API is not here");
    let carla = DaemonProcess::device();
    carla.join(&server, user::Role::Customer, "Carla");
    carla.until_connection(sync::ConnectionState::Online);
    carla.assist_ok(["ticket", "new", "-t", "It hums canary", "-b", "Now canary.", "--wait=server"]);
    let (status, text) = ask(&socket, "/metrics");
    assert_eq!(status, 200);
    assert_eq!((figure(&text, "assist_tickets"), figure(&text, "assist_sessions")), (1, 1));
    assert!(figure(&text, "assist_changes_admitted_total") >= 1, "{text}");
    assert!(figure(&text, "assist_disk_free_bytes") > 0 && figure(&text, "assist_turns_total") > 1, "{text}");
    assert!(text.ends_with("# EOF\n"), "{text}");
    for written in ["canary", "Carla", "anvil", "example.org"] {
        assert!(!text.contains(written), "{written}: {text}");
    }
    assert!(!text.contains("last_backup"), "there was none");
    let backups = private_folder();
    let made = run(assistd(server.home()).args(["server", "backup"]).arg(backups.path()), b"");
    assert_eq!(made.code, Some(0), "{made:?}");
    assert!(figure(&ask(&socket, "/metrics").1, "assist_last_backup_time_seconds") > 0);

    let stats = server.assist_ok(["server", "stats"]);
    assert!(stats.contains("\ntickets\t1\n") && stats.contains("\nconnected\t1\n"), "{stats}");
    let top = server.assist_ok(["server", "top", "--interval", "1", "--count", "2"]);
    assert_eq!(top.lines().count(), 2, "{top}");
    assert!(top.lines().all(|line| line.starts_with("1\t")), "{top}");
    let elsewhere = carla.assist(["server", "stats"]);
    assert!(elsewhere.stderr.contains("serves no project"), "{elsewhere:?}");
}

#[test]
fn figures_are_not_told_to_the_world() {
    let home = private_folder();
    for (listen, problem) in [
        ("0.0.0.0:9471", "would tell everybody"),
        ("[::]:9471", "would tell everybody"),
        ("nonsense", "neither an address"),
    ] {
        fs::write(home.path().join("config.toml"), format!("[monitor]\nlisten = \"{listen}\"\n")).unwrap();
        let checked = run(assistd(home.path()).args(["config", "check"]), b"");
        assert!(checked.code == Some(1) && checked.stderr.contains(problem), "{listen}: {checked:?}");
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap();
    fs::write(home.path().join("config.toml"), format!("[monitor]\nlisten = \"{at}\"\n")).unwrap();
    let started = run(assistd(home.path()).arg("run"), b"");
    assert!(started.code == Some(1) && started.stderr.contains("cannot tell figures at"), "{started:?}");
}

#[test]
fn log_for_programs_is_an_object_a_line_and_names_peers_and_nothing_that_a_person_wrote() {
    let server = DaemonProcess::server_with("anvil", "127.0.0.1:0", |_| {
        ["--log-format", "json", "--log", "assist_daemon=trace"].map(str::to_owned).to_vec()
    });
    let carla = DaemonProcess::device();
    carla.join(&server, user::Role::Customer, "Carla");
    carla.assist_ok(["ticket", "new", "-t", "canary title", "-b", "canary body", "--wait=server"]);
    let log = fs::read_to_string(server.log()).unwrap();
    let lines: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect();
    let opened = lines.iter().find(|line| line["fields"]["message"] == "link opened").expect("Carla came");
    assert!(opened["fields"]["peer"].as_str().unwrap().len() == 52 && opened["fields"]["link"].is_number());
    assert_eq!(opened["level"], "DEBUG");
    for secret in ["canary", "carla@", "Carla"] {
        assert!(!log.contains(secret), "{log}");
    }
}
