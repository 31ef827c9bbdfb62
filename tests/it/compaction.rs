//! A server that is compacted: smaller, whole, and the same to its devices.

use assist_proto::api::{sync, user};
use assist_tests::process::{DaemonProcess, Finished, assistd, private_folder, run};

fn compact(home: &std::path::Path) -> Finished {
    run(assistd(home).args(["server", "compact"]), b"")
}

fn fact(finished: &Finished, name: &str) -> u64 {
    let line = finished.stdout.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('\t'));
    line.unwrap_or_else(|| panic!("no {name}: {finished:?}")).parse().unwrap()
}

#[test]
fn compacted_server_goes_on_where_it_was() {
    let mut server = DaemonProcess::server("hero");
    let carla = DaemonProcess::device();
    carla.join(&server, user::Role::Customer, "Carla");
    carla.until_connection(sync::ConnectionState::Online);
    let path = carla.home().join("noon.log");
    std::fs::write(&path, "lp0 on fire").unwrap();
    let attach = path.to_str().unwrap();
    let filed = carla.assist_ok(["ticket", "new", "-t", "It hums", "-b", "Now.", "--attach", attach]);
    let id = filed.trim().to_owned();
    carla.until_sent();
    let refused = compact(server.home());
    assert!(
        refused.code == Some(1) && refused.stderr.contains("already running"),
        "while it runs: {refused:?}"
    );

    server.stop();
    std::fs::write(server.home().join("config.toml"), "[retention]\ndelete_attachments_after = \"30d\"\n")
        .unwrap();
    let done = compact(server.home());
    assert_eq!(done.code, Some(0), "{done:?}");
    assert_eq!(fact(&done, "attachments_removed"), 0, "the ticket is open");
    let freed = fact(&done, "store_bytes_before") - fact(&done, "store_bytes_after");
    assert_eq!(fact(&done, "freed_bytes"), freed);
    server.start();
    carla.assist_ok(["ticket", "comment", &id, "-b", "Louder.", "--wait=server"]);
    let verified = run(assistd(server.home()).args(["server", "verify"]), b"");
    assert_eq!(verified.code, Some(0), "{verified:?}");

    let nothing = private_folder();
    let refused = compact(&nothing.path().join("none"));
    assert!(refused.code == Some(1) && refused.stderr.contains("there is no server in"), "{refused:?}");
}
