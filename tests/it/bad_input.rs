//! What is wrong gets a clear answer, and harms nothing.

mod disk;
mod full_blobs;
mod reserves;
mod wire;

use std::fs;
use std::io::Write as _;
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;

use assist_daemon::store::FORMAT_VERSION;
use assist_proto::api::{server, sync, ticket, user};
use assist_tests::process::{DaemonProcess, Finished, assist, assistd, private_folder, run};

/// Runs `assistd run` on a folder where it must not start.
fn refused(home: &std::path::Path) -> Finished {
    let ended = run(assistd(home).arg("run"), b"");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    ended
}

#[test]
fn garbage_on_the_port_leaves_the_server_serving() {
    let project = DaemonProcess::server("hero");
    let port = project.call(&server::GetStatus {}).listening_on[0].clone();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for size in [0, 1, 20, 300, 1_199, 1_200, 1_400] {
        for filler in [0x00, 0x40, 0xc0, 0xff] {
            socket.send_to(&vec![filler; size], &port).unwrap();
        }
    }
    let device = DaemonProcess::device();
    device.join(&project, user::Role::Customer, "Carla");
    device.until_connection(sync::ConnectionState::Online);
}

#[test]
fn wrong_code_and_wrong_project_are_told_apart_from_an_unreachable_server() {
    let mut hero = DaemonProcess::server("hero");
    let other = DaemonProcess::server("other");
    let device = DaemonProcess::device();
    let address = hero.ready_line().to_owned();
    let wrong_code = device.assist(["project", "join", &address, "--code", "AAAA-AAAA", "--name", "Carla"]);
    assert_eq!(wrong_code.code, Some(4), "{wrong_code:?}");
    assert!(wrong_code.stderr.contains("code"), "{wrong_code:?}");

    let (id, _) = address.trim_start_matches("assist://").split_once('@').unwrap();
    let (_, host) = other.ready_line().split_once('@').unwrap();
    let crossed = format!("assist://{id}@{host}");
    let wrong_project =
        device.assist(["project", "join", &crossed, "--code", "AAAA-AAAA", "--name", "Carla"]);
    assert_ne!(wrong_project.code, Some(0));
    assert!(wrong_project.stderr.contains("project"), "{wrong_project:?}");

    let invitation = hero.invite(user::Role::Customer);
    hero.stop();
    let gone = device.assist(["project", "join", &address, "--code", &invitation.code, "--name", "Carla"]);
    assert_ne!(gone.code, Some(0));
    assert!(gone.stderr.contains("reach"), "{gone:?}");
}

#[test]
fn folder_that_others_can_read_is_refused_with_the_command_that_mends_it() {
    let home = private_folder();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
    assert!(refused(home.path()).stderr.contains("chmod 700"));
}

#[test]
fn key_and_store_that_others_can_read_are_refused_with_the_command_that_mends_it() {
    for name in ["device.key", "store.redb"] {
        let mut device = DaemonProcess::device();
        device.stop();
        let path = device.home().join(name);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let ended = refused(device.home());
        assert!(ended.stderr.contains(name) && ended.stderr.contains("chmod 600"), "{ended:?}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        device.start();
    }
}

#[test]
fn store_of_a_newer_version_is_refused_and_left_as_it_is() {
    const FORMAT: redb::TableDefinition<'_, &[u8], &[u8]> = redb::TableDefinition::new("format");
    let mut device = DaemonProcess::device();
    device.stop();
    let path = device.home().join("store.redb");
    let set_format = |format: u32| {
        let database = redb::Database::open(&path).unwrap();
        let transaction = database.begin_write().unwrap();
        let mut table = transaction.open_table(FORMAT).unwrap();
        table.insert(b"format".as_slice(), format.to_be_bytes().as_slice()).unwrap();
        drop(table);
        transaction.commit().unwrap();
    };
    set_format(FORMAT_VERSION + 1);
    let before = fs::read(&path).unwrap();
    let ended = refused(device.home());
    let says = format!("store.redb has format {}", FORMAT_VERSION + 1);
    assert!(ended.stderr.contains(&says) && ended.stderr.contains("a later one"), "{ended:?}");
    assert!(fs::read(&path).unwrap() == before, "the store was touched");
    set_format(FORMAT_VERSION);
    device.start();
    device.call(&ticket::List::default());
}

#[test]
fn second_daemon_in_one_folder_is_refused() {
    let device = DaemonProcess::device();
    let second = refused(device.home());
    assert!(second.stderr.contains("already running"), "{second:?}");
    device.call(&ticket::List::default());
}

#[test]
fn dead_socket_file_is_replaced_and_a_foreign_file_is_not() {
    let mut device = DaemonProcess::device();
    let socket = device.home().join("run/assistd.sock");
    device.kill();
    assert!(socket.exists(), "a killed daemon leaves its socket");
    device.start();
    device.call(&ticket::List::default());
    device.stop();
    fs::write(&socket, "somebody's notes").unwrap();
    assert!(refused(device.home()).stderr.contains("assistd.sock"));
    assert_eq!(fs::read_to_string(&socket).unwrap(), "somebody's notes");
}

#[test]
fn truncated_key_and_store_are_refused_and_left_as_they_are() {
    for name in ["device.key", "store.redb"] {
        let mut device = DaemonProcess::device();
        device.stop();
        let path = device.home().join(name);
        let half = fs::read(&path).unwrap();
        let half = &half[..half.len() / 2];
        fs::write(&path, half).unwrap();
        let ended = refused(device.home());
        assert!(ended.stderr.contains(name), "{name} is named: {ended:?}");
        assert!(!ended.stderr.contains("panicked"), "{ended:?}");
        assert_eq!(fs::read(&path).unwrap(), half, "{name} was touched");
    }
}

#[test]
fn socket_of_something_else_is_a_clear_error_of_the_command_line() {
    let home = private_folder();
    fs::create_dir(home.path().join("run")).unwrap();
    let listener = UnixListener::bind(home.path().join("run/assistd.sock")).unwrap();
    let impostor = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"220 mail ready\r\n").unwrap();
    });
    let ended = run(assist(home.path()).args(["--no-start", "ticket", "list"]), b"");
    impostor.join().unwrap();
    assert_eq!(ended.code, Some(5), "{ended:?}");
}

#[test]
fn texts_that_cannot_be_sent_are_refused_with_nothing_filed() {
    let server = DaemonProcess::server("hero");
    let device = DaemonProcess::device();
    device.join(&server, user::Role::Customer, "Carla");
    let invalid = device.assist_with_input(["ticket", "new", "-t", "T", "-F", "-"], b"good \xff bad");
    assert_ne!(invalid.code, Some(0));
    assert!(invalid.stderr.contains("UTF-8"), "{invalid:?}");
    for path in ["/nonexistent/report.txt", "/usr/bin"] {
        let unreadable = device.assist(["ticket", "new", "-t", "T", "-F", path]);
        assert_eq!((unreadable.code, unreadable.stdout.as_str()), (Some(1), ""), "{unreadable:?}");
        assert!(unreadable.stderr.contains(path), "{unreadable:?}");
    }
    let large = vec![b'x'; 64 * 1024 + 1];
    let too_large = device.assist_with_input(["ticket", "new", "-t", "T", "-F", "-"], &large);
    assert_ne!(too_large.code, Some(0));
    let long_title = device.assist(["ticket", "new", "-t", &"x".repeat(81), "-b", "text"]);
    assert!(long_title.stderr.contains("80"), "{long_title:?}");
    assert_eq!(device.call(&ticket::List::default()).total, 0, "nothing was filed");
}
