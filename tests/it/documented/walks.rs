//! The blocks of commands: the README's demonstration and its project in five commands, and the examples of the page
//! about the command line.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Stdio};

use assist_proto::api::sync::DeliveryState;
use assist_proto::api::ticket::{Get, Status};
use assist_proto::api::{sync, ticket, user};
use assist_tests::process::{DaemonProcess, Finished, assistd, private_folder, run, shell};
use rustix::process::{Pid, Signal, kill_process_group};

use super::{blocks, page};

#[test]
fn demonstration_of_the_readme_does_every_step_and_cleans_up() {
    let readme = page("README.md");
    let [demonstration, all_tests, _] = blocks(&readme)[..] else { panic!("the README has three blocks") };
    let args = demonstration.trim().strip_prefix("cargo run --release --bin assistd -- ").unwrap();
    let home = private_folder();
    let data = home.path().join("data");
    let mut command = assistd(home.path());
    let told = run(command.args(args.split(' ')).args(["--once", "--data"]).arg(&data), b"");
    assert_eq!(told.code, Some(0), "{told:?}");
    for said in ["saved here", "on server", "delivered", "sees both", "Everything worked"] {
        assert!(told.stdout.contains(said), "{said} is missing in {}", told.stdout);
    }
    // The second block is this very run: what CI does, a person is told to do.
    let ci = page(".ci/run");
    assert!(ci.lines().any(|line| line.trim() == all_tests.trim()), "{all_tests} is not in .ci/run");
}

#[test]
fn project_in_five_commands_is_one() {
    let person = Person::new();
    fs::write(person.home().join("report.txt"), "Every few minutes.\n").unwrap();
    let readme = page("README.md");
    let [_, _, walk] = blocks(&readme)[..] else { panic!("the README has three blocks") };
    assert_eq!(walk.trim().lines().count(), 5, "{walk}");
    let (mut address, mut code) = (String::new(), String::new());
    let mut server = None;
    for line in walk.trim().lines() {
        // A port of its own, so that runs beside each other do not meet.
        let line = line.replace("<address>", &address).replace("<code>", &code).replace(":9470", ":0");
        if line.starts_with("assistd server run") {
            let (process, ready) = Group::spawn(&person, &line);
            (server, address) = (Some(process), ready);
            continue;
        }
        let done = person.shell(&line);
        assert_eq!(done.code, Some(0), "{line}: {done:?}");
        if line.starts_with("assistd server invite") {
            code = done.stdout.lines().next().unwrap().to_owned();
        }
    }
    assert!(server.is_some(), "the walk starts a server");
    let listed = person.shell("assist ticket list --jsonl=title,requester.name");
    assert_eq!(listed.stdout, "{\"requester\":{\"name\":\"Carla\"},\"title\":\"It flaps\"}\n", "{listed:?}");
    let seen = person.shell("assist ticket view $(assist ticket list | cut -f1) --json=body");
    assert!(seen.stdout.contains("Every few minutes.\\n"), "{seen:?}");
    let waited = person.shell("assist ticket comment $(assist ticket list | cut -f1) -b More. --wait=server");
    assert_eq!(waited.code, Some(0), "{waited:?}");
}

#[test]
fn examples_of_the_command_line_do_what_they_say() {
    let cli = page("docs/cli.md");
    let [.., fields, scripts] = blocks(&cli)[..] else { panic!("docs/cli.md has blocks") };
    let (server, carla, amir) =
        (DaemonProcess::server("hero"), DaemonProcess::device(), DaemonProcess::device());
    carla.join(&server, user::Role::Customer, "Carla");
    amir.join(&server, user::Role::Agent, "Amir");
    amir.until_connection(sync::ConnectionState::Online);
    carla.assist_ok(["ticket", "new", "-t", "It hums", "-b", "", "--wait=delivered"]);
    amir.assist_ok(["ticket", "edit", "1", "--status", "resolved", "--wait=delivered"]);

    let folder = private_folder();
    put_program(folder.path(), "journalctl", "#!/bin/sh\necho 'printer: lp0 on fire'\n");
    // What the page calls 142 has the number 1 here.
    let fields = run(&mut shell_of(&carla, folder.path(), &fields.replace("142", "1")), b"");
    assert_eq!(fields.code, Some(0), "{fields:?}");
    assert!(
        fields.stdout.contains("\"title\": \"It hums\"") && fields.stdout.contains("\"change\""),
        "{fields:?}"
    );

    let (done_at_once, follow) = scripts.trim().rsplit_once("\n\n").unwrap();
    let script = format!("{done_at_once}\nprintf 'id=%s\\n' \"$id\"\n");
    let done = run(&mut shell_of(&carla, folder.path(), &script), b"");
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(!done.stdout.contains("exit code"), "the comment was delivered: {done:?}");
    let id = done.stdout.lines().last().unwrap().strip_prefix("id=").unwrap();
    let filed = carla.call(&Get { ticket: id.into(), ..Get::default() });
    assert_eq!(
        (filed.row.title.as_str(), filed.body.as_str()),
        ("The printer burns", "printer: lp0 on fire\n")
    );
    assert_eq!((filed.comments.len(), filed.comments[0].state), (1, Some(DeliveryState::Delivered)));
    let closed = carla.call(&Get { ticket: "#1".into(), ..Get::default() });
    assert_eq!(closed.row.status, Status::Closed);
    follow_one_ticket(&carla, folder.path(), follow, id);
}

#[test]
fn examples_of_agents_work_do_what_they_say() {
    let cli = page("docs/cli.md");
    let [finding, keeping, canned, thoughts, work, _, _] = blocks(&cli)[..] else {
        panic!("docs/cli.md has seven blocks")
    };
    let server = DaemonProcess::server("hero");
    let (carla, bob, amir) = (DaemonProcess::device(), DaemonProcess::device(), DaemonProcess::device());
    carla.join(&server, user::Role::Customer, "Carla");
    bob.join(&server, user::Role::Customer, "Bob");
    amir.join(&server, user::Role::Admin, "Amir");
    amir.until_connection(sync::ConnectionState::Online);
    carla.assist_ok(["ticket", "new", "-t", "It hums", "-b", "", "--wait=delivered"]);
    carla.assist_ok(["ticket", "new", "-t", "It flaps", "-b", "", "--wait=delivered"]);
    bob.assist_ok(["ticket", "new", "-t", "It hums too", "-b", "", "--wait=delivered"]);
    let folder = private_folder();
    let script = |text: &str| {
        // The page's numbers are those of a project that is older.
        let text = text.replace("142", "1").replace("143", "2").replace("150", "3");
        let done = run(&mut shell_of(&amir, folder.path(), &format!("set -e\n{text}")), b"");
        assert_eq!(done.code, Some(0), "{text}: {done:?}");
        done.stdout
    };
    assert!(script(finding).contains("\tchanged\t"));
    script(keeping);
    assert_eq!(amir.assist_ok(["view", "show", "crashes"]), "is:open label:crash sort:updated\n");
    assert!(script(canned).ends_with("Dear Carla, #1 is solved. Amir, hero\n"));
    let held = |text: &str| amir.assist_ok(["ticket", "comment", "1", "-b", text, "--hold", "10m"]);
    let (first, _) = (held("First."), held("Second."));
    assert_eq!(script(&thoughts.replace("<id>", first.trim_end())), "Second.\nFirst.\n");
    script(work);
    let merged = amir.call(&Get { ticket: "#3".into(), ..Get::default() });
    assert_eq!(merged.row.merged_into.and_then(|into| into.number), Some(1));
    let closed = amir.call(&Get { ticket: "#1".into(), ..Get::default() });
    assert_eq!(closed.close_reason.as_deref(), Some("Fixed in 1.4"));
    // Bob was let into the ticket that his goes on in.
    let shared = Get { ticket: "#1".into(), ..Get::default() };
    bob.until("the ticket that it goes on in", |client| {
        client.call(&shared).ok().filter(|ticket| ticket.row.title == "It hums")
    });
}

/// The last example runs until it is ended: something happens to its ticket, and it says so.
fn follow_one_ticket(carla: &DaemonProcess, first: &Path, follow: &str, id: &str) {
    let mut command = shell_of(carla, first, &format!("id={id}\n{follow}"));
    let mut following = Group::start(&mut command);
    let mut said = BufReader::new(following.0.stderr.take().unwrap()).lines();
    assert_eq!(said.next().unwrap().unwrap(), "watching; Ctrl-C ends it");
    carla.call(&ticket::Create { title: "Another".into(), ..ticket::Create::default() });
    carla.assist_ok(["ticket", "comment", id, "-b", "Smoke."]);
    let mut seen = BufReader::new(following.0.stdout.take().unwrap()).lines();
    let line = seen.next().unwrap().unwrap();
    assert!(line.contains(id) && line.contains("\"event\""), "only of that ticket: {line}");
}

/// Bash as the owner of a device.
fn shell_of(device: &DaemonProcess, first: &Path, script: &str) -> std::process::Command {
    let mut command = shell(device.home(), first, script);
    command.env("ASSIST_HOME", device.home());
    command
}

fn put_program(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Somebody with an empty home folder, and whatever daemon `assist` starts there.
struct Person {
    folder: tempfile::TempDir,
}

impl Person {
    fn new() -> Self {
        Self { folder: private_folder() }
    }

    fn home(&self) -> &Path {
        self.folder.path()
    }

    fn shell(&self, script: &str) -> Finished {
        run(&mut shell(self.home(), self.home(), script), b"")
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        self.shell("assist daemon stop");
    }
}

/// A command that runs until it is ended, with all that it started.
struct Group(Child);

impl Group {
    fn start(command: &mut std::process::Command) -> Self {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command.process_group(0).spawn().unwrap())
    }

    /// Starts a line, and returns with the first line that it prints.
    fn spawn(person: &Person, line: &str) -> (Self, String) {
        let mut command = shell(person.home(), person.home(), line);
        let log = fs::File::create(person.home().join("server.log")).unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut group = Self(command.process_group(0).spawn().unwrap());
        let mut ready = String::new();
        BufReader::new(group.0.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        assert!(
            !ready.is_empty(),
            "{line}: {}",
            fs::read_to_string(person.home().join("server.log")).unwrap()
        );
        (group, ready.trim().to_owned())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let group = Pid::from_child(&self.0);
        kill_process_group(group, Signal::KILL).ok(); // It may have ended by itself.
        self.0.wait().ok();
    }
}
