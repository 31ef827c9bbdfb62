//! The daemon as a service of the system: what it tells its supervisor, and what it asks systemd for.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use assist_tests::process::{Finished, assistd, private_folder, run};
use rustix::process::{Pid, Signal, kill_process};

/// Longer than anything takes here, so that a daemon that says nothing fails the test instead of holding it up.
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn supervisor_hears_that_it_is_open_that_it_is_alive_and_that_it_goes_down() {
    let home = private_folder();
    let socket = home.path().join("notify");
    let supervisor = UnixDatagram::bind(&socket).unwrap();
    supervisor.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut daemon = assistd(&home.path().join("daemon"))
        .arg("run")
        .env("NOTIFY_SOCKET", &socket)
        .env("WATCHDOG_USEC", "100000")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let hear = || {
        let mut bytes = [0; 256];
        let count = supervisor.recv(&mut bytes).expect("a word to the supervisor");
        String::from_utf8(bytes[..count].to_vec()).unwrap().trim().to_owned()
    };
    assert_eq!(hear(), "READY=1");
    for _ in 0..3 {
        assert_eq!(hear(), "WATCHDOG=1");
    }
    kill_process(Pid::from_child(&daemon), Signal::TERM).unwrap();
    let last = std::iter::repeat_with(hear).find(|word| word != "WATCHDOG=1").unwrap();
    assert_eq!(last, "STOPPING=1");
    assert!(daemon.wait().unwrap().success());
}

#[test]
fn device_is_installed_for_its_user_and_removed_again() {
    let home = private_folder();
    let installed = service(home.path(), ["install"], true);
    assert!(installed.stdout.contains("journalctl --user -u assistd.service"), "{installed:?}");
    let file = home.path().join(".config/systemd/user/assistd.service");
    let unit = fs::read_to_string(&file).unwrap();
    assert!(unit.contains(&format!(" run --home \"{}\"\n", home.path().display())), "{unit}");
    assert_eq!(service(home.path(), ["print"], true).stdout, unit);
    let asked = fs::read_to_string(home.path().join("asked")).unwrap();
    assert_eq!(asked, "--user daemon-reload\n--user enable --now assistd.service\n");
    let removed = service(home.path(), ["remove"], true);
    assert_eq!(removed.code, Some(0), "{removed:?}");
    assert!(!file.exists());
    let again = service(home.path(), ["remove"], true);
    assert!(again.stderr.contains("nothing is to be removed"), "{again:?}");
}

#[test]
fn what_systemd_refuses_is_told_with_what_was_asked() {
    let home = private_folder();
    let refused = service(home.path(), ["install"], false);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("systemctl --user daemon-reload"), "{refused:?}");
    assert!(refused.stderr.contains("no bus here"), "{refused:?}");
}

#[test]
fn server_needs_a_folder_that_is_there() {
    let home = private_folder();
    let missing = home.path().join("hero");
    let printed = run(assistd(&missing).args(["service", "print", "--server"]), b"");
    assert_eq!(printed.code, Some(1));
    assert!(printed.stderr.contains("assistd server init"), "{printed:?}");
    let named = run(assistd(home.path()).args(["service", "print", "--unit", "a/../b"]), b"");
    assert_eq!(named.code, Some(2));
}

/// `assistd service`, with a systemd that notes what it is asked.
fn service<const N: usize>(home: &Path, words: [&str; N], is_willing: bool) -> Finished {
    let programs = home.join("bin");
    fs::create_dir_all(&programs).unwrap();
    let answer = if is_willing { "exit 0" } else { "echo no bus here >&2; exit 1" };
    let script = format!("#!/bin/sh\necho \"$@\" >> {}\n{answer}\n", home.join("asked").display());
    let systemctl = programs.join("systemctl");
    fs::write(&systemctl, script).unwrap();
    fs::set_permissions(&systemctl, fs::Permissions::from_mode(0o700)).unwrap();
    let mut command: Command = assistd(home);
    command.arg("service").args(words).env("PATH", format!("{}:/usr/bin:/bin", programs.display()));
    run(&mut command, b"")
}
