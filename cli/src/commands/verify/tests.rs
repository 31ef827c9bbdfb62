//! Bundles, checked without any daemon.

use std::fs;

use serde_json::Value;

use crate::fake_daemon::{FakeDaemon, Ran};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/v1/bundle/ticket.bundle");
const PROJECT: &str = "ha4e7qbm17rsbzajvcpksejxeb56e2dz3pa146zkej403d0fdxe0";

/// Runs with a daemon that must not be asked.
fn run(args: &[&str]) -> Ran {
    let daemon = FakeDaemon::always(Value::Null);
    let ran = daemon.run(args);
    assert!(daemon.calls().is_empty(), "{args:?} asked the daemon");
    ran
}

fn damaged(damage: impl FnOnce(String) -> String) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ticket.bundle");
    fs::write(&path, damage(fs::read_to_string(GOLDEN).unwrap())).unwrap();
    let path = path.display().to_string();
    (folder, path)
}

#[test]
fn a_bundle_is_proven_and_says_against_which_project() {
    let ran = run(&["verify", GOLDEN]);
    assert_eq!(ran.exit_code, 0, "{}", ran.stderr);
    let rows: Vec<Vec<&str>> = ran.stdout.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|row| row.len() == 11 && row[9] == "ok"), "{rows:?}");
    assert_eq!((rows[0][3], rows[0][4], rows[1][4]), ("Carla \"\u{4f60}\" <x>", "customer", "agent"));
    assert_eq!(rows[1][10], "set title Node does not start -> Node stops at start");
    assert!(ran.stderr.contains(PROJECT) && ran.stderr.contains("compare"), "{}", ran.stderr);
    assert!(ran.stderr.contains("proven: each of the 3 changes is its author's"), "{}", ran.stderr);
    let known = run(&["verify", GOLDEN, "--project-id", PROJECT]);
    assert!(known.exit_code == 0 && !known.stderr.contains("compare"), "{}", known.stderr);
    let json: Value = serde_json::from_str(&run(&["verify", GOLDEN, "--json"]).stdout).unwrap();
    assert_eq!((&json["is_proven"], &json["ticket"]["number"]), (&true.into(), &142.into()));
}

#[test]
fn a_bundle_of_another_project_is_not_what_was_asked_for() {
    let other = "0".repeat(51) + "0";
    let ran = run(&["verify", GOLDEN, "--project-id", &other]);
    assert_eq!((ran.exit_code, ran.stdout.as_str()), (8, ""), "{}", ran.stderr);
    assert!(ran.stderr.contains(PROJECT), "{}", ran.stderr);
}

#[test]
fn a_damaged_bundle_proves_nothing_and_a_missing_one_is_not_found() {
    let (_folder, path) = damaged(|text| text.replacen("\"hero\"", "\"zero\"", 1));
    let ran = run(&["verify", &path]);
    assert_eq!((ran.exit_code, ran.stdout.as_str()), (8, ""), "{}", ran.stderr);
    assert!(ran.stderr.contains("proves nothing: it is damaged"), "{}", ran.stderr);
    let (_folder, path) = damaged(|text| text.replacen("\"version\":1", "\"version\":2", 1));
    assert!(run(&["verify", &path]).stderr.contains("use a newer one"));
    assert_eq!(run(&["verify", "/nowhere/ticket.bundle"]).exit_code, 3);
    let folder = run(&["verify", "/"]);
    assert_eq!(folder.exit_code, 8, "no export: {}", folder.stderr);
}

#[test]
fn an_exported_ticket_is_checked_before_it_is_written_and_never_over_another_file() {
    let bundle = fs::read_to_string(GOLDEN).unwrap();
    let ticket = crate::fake_daemon::ticket_ref("c4g78tb3ddjq883fcrg78sbkeg", Some(142), "x");
    let daemon = FakeDaemon::always(serde_json::json!({ "ticket": ticket, "bundle": bundle }));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.bundle");
    let file = path.to_str().unwrap();
    let ran = daemon.run(&["ticket", "export", "142", "--bundle", file]);
    assert_eq!(ran.exit_code, 0, "{}", ran.stderr);
    assert_eq!(ran.stdout.trim_end().split('\t').nth(2), Some("3"), "{}", ran.stdout);
    assert_eq!(fs::read_to_string(&path).unwrap(), bundle);
    let again = daemon.run(&["ticket", "export", "142", "--bundle", file]);
    assert_eq!(again.exit_code, 2, "{}", again.stderr);
    fs::write(&path, "something longer than nothing".repeat(1_000)).unwrap();
    assert_eq!(daemon.run(&["ticket", "export", "142", "--bundle", file, "--force"]).exit_code, 0);
    assert_eq!(fs::read_to_string(&path).unwrap(), bundle);

    let broken = FakeDaemon::always(
        serde_json::json!({ "ticket": ticket, "bundle": bundle.replacen("\"hero\"", "\"zero\"", 1) }),
    );
    let other = folder.path().join("other.bundle");
    let ran = broken.run(&["ticket", "export", "142", "--bundle", other.to_str().unwrap()]);
    assert!(ran.exit_code == 8 && !other.exists(), "{}", ran.stderr);
}
