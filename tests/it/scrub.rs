//! What is kept is looked through by itself.

use std::fs;

use assist_proto::api::{daemon, user};
use assist_tests::process::DaemonProcess;

#[test]
fn damage_on_the_disk_is_found_without_anybody_looking() {
    let mut server = DaemonProcess::server("anvil");
    let carla = DaemonProcess::device();
    carla.join(&server, user::Role::Customer, "Carla");
    for number in 0..40 {
        carla.assist_ok([
            "ticket",
            "new",
            "-t",
            &format!("Ticket {number}"),
            "-b",
            "It hums.",
            "--wait=server",
        ]);
    }
    let scrubbed = |server: &DaemonProcess, what: &str, is_so: fn(&daemon::ScrubStatus) -> bool| {
        let wanted = |status: &daemon::DaemonStatus| status.scrub.as_ref().is_some_and(is_so);
        server.until_called(what, &daemon::GetStatus {}, wanted);
        server.call(&daemon::GetStatus {}).scrub.unwrap()
    };
    server.kill();
    server.start();
    let whole = scrubbed(&server, "a first look after the kill", |_| true);
    assert_eq!((whole.problem_count, whole.first_problem), (0, None));
    server.stop();

    // A bit of a place that holds what people wrote.
    let path = server.home().join("store.redb");
    let mut bytes = fs::read(&path).unwrap();
    let places: Vec<usize> = (0..bytes.len()).step_by(4_096).filter(|at| bytes[*at] == 1).collect();
    for at in places {
        bytes[at + 3_000] ^= 4;
    }
    fs::write(&path, bytes).unwrap();
    fs::remove_file(server.home().join("clean")).unwrap();
    server.start();
    let damaged = scrubbed(&server, "the damage", |scrub| scrub.problem_count > 0);
    assert!(damaged.first_problem.unwrap().contains("restore"), "it says what to do");
    let status = server.assist_ok(["daemon", "status"]);
    assert!(status.contains("scrub_first_problem"), "{status}");
}
