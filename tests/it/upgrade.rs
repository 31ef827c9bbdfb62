//! Folders that an earlier version left are taken up by this one.
//!
//! The fixture is what version 1 of the formats left in the folders of a server and of a customer, who had written more
//! while the server was not there. It is written once, with `ASSIST_WRITE_FIXTURES=1`, and never changed.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use assist_proto::api::{comment, note, server, sync, ticket, user};
use assist_tests::process::{DaemonProcess, assistd, private_folder, run};

#[test]
fn folders_of_format_1_are_taken_up_and_nothing_of_them_is_lost() {
    take_up("folders", "127.71.4.7:47911", DaemonProcess::stop);
}

/// What they acknowledged last is in their journals alone.
#[test]
fn folders_of_format_1_whose_daemons_were_killed_are_taken_up_and_nothing_of_them_is_lost() {
    take_up("killed", "127.71.4.8:47911", DaemonProcess::kill);
}

/// Takes up the folders of a fixture. Its device knows no other place of its server than `bind`; `end` is how its
/// daemons ended.
fn take_up(name: &str, bind: &str, end: fn(&mut DaemonProcess)) {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/v1").join(name);
    if std::env::var_os("ASSIST_WRITE_FIXTURES").is_some() && !fixture.exists() {
        write_fixture(&fixture, bind, end);
    }
    let server = DaemonProcess::server_in(bind, |home| unpack(&fixture.join("server"), home));
    let carla = DaemonProcess::device_with(|home| unpack(&fixture.join("device"), home));
    for home in [server.home(), carla.home()] {
        assert!(home.join("store.redb.format-1").exists(), "what version 1 left is kept");
    }
    carla.until_connection(sync::ConnectionState::Online);
    carla.until_sent();
    assert_eq!(server.call(&server::Verify {}).problems, []);
    let verified = run(assistd(server.home()).args(["server", "verify-log"]), b"");
    assert_eq!(verified.code, Some(0), "{verified:?}");

    let erin = DaemonProcess::device();
    erin.join(&server, user::Role::Agent, "Erin");
    let tickets = erin.until("both tickets", |client| {
        let tickets = client.call(&ticket::List::default()).ok()?.tickets;
        (tickets.len() == 2).then_some(tickets)
    });
    let id = |title: &str| tickets.iter().find(|row| row.title == title).expect("a ticket").id.clone();
    let shown: ticket::Ticket = erin.call(&ticket::Get { ticket: id("It hums"), ..ticket::Get::default() });
    let bodies: Vec<&str> = shown.comments.iter().map(|comment| comment.body.as_str()).collect();
    assert_eq!(bodies, ["", "Since when?", "Since noon.", "It hums still."]);
    assert_eq!((shown.row.labels.as_slice(), shown.row.number), (&["crash".to_owned()][..], Some(1)));
    let notes = erin.call(&note::List { ticket: id("It hums"), ..note::List::default() });
    assert_eq!(notes.notes[0].body, "Third one this week.");
    let folder = private_folder();
    let to = folder.path().to_str().expect("UTF-8");
    erin.assist_ok(["attachment", "save", &id("It hums"), "--all", "--output", to]);
    assert_eq!(fs::read_to_string(folder.path().join("hum.log")).unwrap(), HUM);

    // All of it goes on.
    erin.assist_ok(["ticket", "comment", &id("It leaks"), "-b", "We know.", "--wait=delivered"]);
    let told = carla.call(&ticket::Get { ticket: id("It leaks"), ..ticket::Get::default() });
    assert_eq!(told.comments[0].body, "We know.");
}

const HUM: &str = "12:00 hum\n12:01 hum\n";

/// Has a customer, an agent and a server work, and keeps the folders of two of them.
fn write_fixture(fixture: &Path, bind: &str, end: fn(&mut DaemonProcess)) {
    let mut server = DaemonProcess::server_at("anvil", bind);
    let (mut carla, amir) = (DaemonProcess::device(), DaemonProcess::device());
    carla.join(&server, user::Role::Customer, "Carla");
    amir.join(&server, user::Role::Agent, "Amir");
    let log = carla.home().join("hum.log");
    fs::write(&log, HUM).unwrap();
    let file = ["ticket", "new", "-t", "It hums", "-b", "Now.", "--wait=delivered", "--attach"];
    let ticket = carla.assist_ok(file.into_iter().chain([log.to_str().unwrap()])).trim().to_owned();
    fs::remove_file(log).unwrap();
    let say = |device: &DaemonProcess, body: &str| {
        device.assist_ok(["ticket", "comment", &ticket, "-b", body, "--wait=delivered"])
    };
    say(&amir, "Since when?");
    say(&carla, "Since noon.");
    amir.assist_ok(["note", "add", &ticket, "-b", "Third one this week."]);
    amir.assist_ok(["ticket", "edit", &ticket, "--add-label", "crash"]);
    amir.until_sent();
    carla.until("the label", |client| {
        let rows = client.call(&ticket::List::default()).ok()?.tickets;
        (rows[0].labels == ["crash"]).then_some(())
    });
    end(&mut server);
    carla.call(&comment::Add {
        ticket: ticket.clone(),
        body: "It hums still.".into(),
        ..comment::Add::default()
    });
    carla.assist_ok(["ticket", "new", "-t", "It leaks", "-b", "Also."]);
    end(&mut carla);
    pack(server.home(), &fixture.join("server"));
    pack(carla.home(), &fixture.join("device"));
}

/// Not part of what a folder holds: made anew by each run.
const PASSING: [&str; 4] = ["lock", "run", "log.txt", "search"];

fn pack(home: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for path in entries(home) {
        let name = path.file_name().unwrap().to_str().unwrap();
        if PASSING.contains(&name) {
            continue;
        }
        if path.is_dir() {
            pack(&path, &to.join(name));
        } else {
            let bytes = zstd::bulk::compress(&fs::read(&path).unwrap(), 19).unwrap();
            fs::write(to.join(format!("{name}.zst")), bytes).unwrap();
        }
    }
}

fn unpack(from: &Path, home: &Path) {
    for path in entries(from) {
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            let folder = home.join(name);
            fs::create_dir(&folder).unwrap();
            fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
            unpack(&path, &folder);
        } else {
            let file = home.join(name.strip_suffix(".zst").unwrap());
            fs::write(&file, zstd::bulk::decompress(&fs::read(&path).unwrap(), FILE_BYTES_MAX).unwrap())
                .unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        }
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// More than the store and the journal of a few tickets.
const FILE_BYTES_MAX: usize = 64 * 1024 * 1024;
