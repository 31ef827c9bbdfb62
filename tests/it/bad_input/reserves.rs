//! A server on a small disk that gets full: both sides say so, nothing is lost, and it goes on by itself.
//!
//! The test runs itself again in a namespace with a small disk of its own in memory. Where this machine does not allow
//! that, it says so; what it has beyond the simulations is then not shown.

use std::ffi::OsStr;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use assist_proto::api::server::{DiskState, GetStatus};
use assist_proto::api::sync::{self, ConnectionState, HeldUpReason};
use assist_proto::api::user;
use assist_tests::process::{DaemonProcess, private_folder};

#[test]
fn server_on_a_disk_that_gets_full_stops_says_so_and_goes_on() {
    if std::env::var_os(WITHIN).is_some() {
        return scenario();
    }
    let disk = private_folder();
    let mounted = |program: &OsStr| {
        let mut command = Command::new("unshare");
        command.args(["-Urm", "--", "sh", "-c", MOUNT, "sh"]).arg(disk.path()).arg(program);
        command
    };
    let allowed = mounted("true".as_ref()).output();
    if !allowed.as_ref().is_ok_and(|output| output.status.success()) {
        eprintln!(
            "NOT RUN: this machine allows no disks of one's own ({allowed:?}); simulations alone were run"
        );
        return;
    }
    let this = std::env::current_exe().unwrap();
    let name = "bad_input::reserves::server_on_a_disk_that_gets_full_stops_says_so_and_goes_on";
    let output =
        mounted(this.as_ref()).args(["--exact", name, "--nocapture"]).env(WITHIN, "1").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

/// Fills the disk but for so much.
fn fill(disk: &Path, left_bytes: u64) -> PathBuf {
    let space = rustix::fs::statvfs(disk).unwrap();
    let free = space.f_bavail * space.f_frsize;
    let path = disk.join("filler");
    let zeros = vec![0; usize::try_from(free - left_bytes).unwrap()];
    fs::write(&path, zeros).unwrap();
    path
}

/// What whoever watches is answered.
fn ask(server: &DaemonProcess, path: &str) -> String {
    let mut stream = UnixStream::connect(server.home().join("monitor.sock")).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: here\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn until_disk(server: &DaemonProcess, state: DiskState) {
    server.until_called("the disk's state", &GetStatus {}, |status| status.disk.state == state);
}

fn scenario() {
    let disk = std::env::temp_dir();
    let server = DaemonProcess::server_with("hero", "127.0.0.1:0", |home| {
        let socket = home.join("monitor.sock");
        let config = format!(
            "[monitor]\nlisten = {socket:?}\n[disk]\nwarn_free = \"48 MiB\"\nstop_free = \"24 MiB\"\n"
        );
        fs::write(home.join("config.toml"), config).unwrap();
        Vec::new()
    });
    let carla = DaemonProcess::device();
    carla.join(&server, user::Role::Customer, "Carla");
    let amir = DaemonProcess::device();
    amir.join(&server, user::Role::Agent, "Amir");
    carla.until_connection(ConnectionState::Online);
    let filed = carla.assist_ok(["ticket", "new", "-t", "It hums", "-b", "All day.", "--wait=delivered"]);
    let id = filed.trim();
    until_disk(&server, DiskState::Ample);

    let filler = fill(&disk, 36 << 20);
    until_disk(&server, DiskState::Low);
    assert!(ask(&server, "/readyz").ends_with("ready\n"), "it is only a warning");
    carla.assist_ok(["ticket", "comment", id, "-b", "Louder.", "--wait=delivered"]);
    fs::remove_file(&filler).unwrap();
    let filler = fill(&disk, 12 << 20);
    until_disk(&server, DiskState::Full);
    assert!(ask(&server, "/readyz").ends_with("the disk is nearly full\n"));
    assert!(ask(&server, "/metrics").contains("\nassist_accepting 0\n"));
    assert!(server.assist_ok(["server", "status"]).contains("\ndisk\tfull\n"));

    for text in ["It hums at noon.", "And at night."] {
        carla.assist_ok(["ticket", "comment", id, "-b", text]);
    }
    carla.until_called("why it waits", &sync::GetStatus::default(), |status| {
        let held_up = status.projects[0].connection.held_up.as_ref();
        held_up.is_some_and(|held_up| held_up.reason == HeldUpReason::ServerDiskFull)
    });
    let told = carla.assist_ok(["sync", "status"]);
    assert!(told.contains("the server's disk is nearly full: what is not sent stays here"), "{told}");
    let shown = carla.assist_ok(["ticket", "view", id]);
    assert!(shown.contains("\nheld_up\tserver_disk_full\n"), "{shown}");
    assert!(amir.assist_ok(["ticket", "view", id]).contains("Louder."), "reading goes on");

    fs::remove_file(&filler).unwrap();
    carla.until_sent();
    amir.until("the comments", |_| {
        amir.assist_ok(["ticket", "view", id]).contains("And at night.").then_some(())
    });
    until_disk(&server, DiskState::Ample);
    assert!(ask(&server, "/readyz").ends_with("ready\n"));
    let shown = carla.assist_ok(["ticket", "view", id]);
    assert_eq!(
        (shown.matches("It hums at noon.").count(), shown.matches("And at night.").count()),
        (1, 1),
        "{shown}"
    );
    let log = fs::read_to_string(server.log()).unwrap();
    assert!(log.contains("no change and no attachment is taken") && log.contains("there is room"), "{log}");
}

/// Set in the namespace.
const WITHIN: &str = "ASSIST_TESTS_SMALL_DISK";
/// Mounts a small disk on a folder, and runs the rest of the words with their files there.
const MOUNT: &str = r#"mount -t tmpfs -o size=128m,mode=700 tmpfs "$1" && TMPDIR="$1" && export TMPDIR && shift && exec "$@""#;
