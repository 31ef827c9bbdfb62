//! The admission log as an operator meets it: shown, verified, witnessed by backups, and going on after a restoration.

use assist_proto::api::server::log::{GetLog, LogEntry, LogProof, LogWord};
use assist_proto::api::{server, sync, user};
use assist_tests::process::{DaemonProcess, Finished, assistd, private_folder, run};

fn verify_log(server: &DaemonProcess, args: &[&str]) -> Finished {
    run(assistd(server.home()).args(["server", "verify-log"]).args(args), b"")
}

/// The end that a check printed.
#[track_caller]
fn head_of(verified: &Finished) -> String {
    assert_eq!(verified.code, Some(0), "{verified:?}");
    let mut lines = verified.stdout.lines().filter_map(|line| line.split_once('\t'));
    lines.find(|(name, _)| *name == "head").expect("an end").1.to_owned()
}

fn entries(server: &DaemonProcess, ask: GetLog) -> Vec<LogEntry> {
    server.call(&ask).entries
}

fn words(entries: &[LogEntry]) -> Vec<LogWord> {
    entries.iter().map(|entry| entry.what).collect()
}

#[test]
fn what_a_server_decided_is_shown_and_proven() {
    let mut server = DaemonProcess::server("hero");
    let (carla, amir) = (DaemonProcess::device(), DaemonProcess::device());
    carla.join(&server, user::Role::Customer, "Carla");
    amir.join(&server, user::Role::Admin, "Amir");
    amir.until_connection(sync::ConnectionState::Online);
    carla.assist_ok(["ticket", "new", "-t", "It hums", "-b", "Secret words.", "--wait=server"]);
    amir.assist_ok(["member", "set-role", "Carla", "agent"]);

    let acts = entries(&server, GetLog { acts: true, ..GetLog::default() });
    let expected = [
        LogWord::Made,
        LogWord::Enrolled,
        LogWord::Invited,
        LogWord::Enrolled,
        LogWord::Invited,
        LogWord::Enrolled,
        LogWord::RoleGiven,
    ];
    assert_eq!(words(&acts), expected, "{acts:?}");
    assert_eq!((acts[1].proof, acts[3].proof), (Some(LogProof::Own), Some(LogProof::Code)));
    let given = acts.last().unwrap();
    let by = given.by.as_ref().unwrap();
    assert_eq!((by.user_name.as_deref(), by.role), (Some("Amir"), Some(user::Role::Admin)));
    let of = given.of.as_ref().unwrap();
    assert_eq!((of.user_name.as_deref(), given.role), (Some("Carla"), Some(user::Role::Agent)));
    let filed = entries(&server, GetLog { limit: Some(200), user: of.user.clone(), ..GetLog::default() });
    let filed = filed.iter().find(|entry| entry.what == LogWord::Admitted).expect("she filed a ticket");
    assert_eq!(filed.ticket_number, Some(1));
    assert_eq!(filed.by.as_ref().unwrap().role, Some(user::Role::Customer), "at that moment");
    // Pages fit together, in either direction.
    let all = entries(&server, GetLog { limit: Some(200), ..GetLog::default() });
    let page = server.call(&GetLog { limit: Some(3), ..GetLog::default() });
    let before = server.call(&GetLog { limit: Some(3), before: page.next, ..GetLog::default() });
    assert_eq!([before.entries, page.entries].concat(), all[all.len() - 6..]);
    let printed = server.assist_ok(["server", "log", "--limit", "500"]);
    assert_eq!(printed.lines().count(), all.len());
    assert!(!printed.contains("Secret") && !printed.contains("hums"), "{printed}");
    let admin = server.assist_ok(["server", "log", "--admin", "--after", "0"]);
    assert_eq!(admin.lines().count(), expected.len());

    let while_it_runs = head_of(&verify_log(&server, &[]));
    assert!(server.assist_ok(["server", "verify-log"]).contains(&while_it_runs));
    server.stop();
    assert_eq!(head_of(&verify_log(&server, &["--witness", &while_it_runs])), while_it_runs);
    let (number, hash) = while_it_runs.split_once(':').unwrap();
    let forged = format!("{number}:{}{}", if hash.starts_with('0') { '1' } else { '0' }, &hash[1..]);
    let refused = verify_log(&server, &["--witness", &forged]);
    assert!(
        refused.code == Some(1) && refused.stderr.contains("is not the one that was witnessed"),
        "{refused:?}"
    );
    let ahead = format!("4711:{hash}");
    let refused = verify_log(&server, &["--witness", &ahead]);
    assert!(refused.code == Some(1) && refused.stderr.contains("were cut off"), "{refused:?}");
}

#[test]
fn backups_witness_the_log_and_a_restored_server_goes_on_with_it() {
    let (mut server, backups) = (DaemonProcess::server("hero"), private_folder());
    let folder = backups.path().to_str().unwrap();
    let backup = run(assistd(server.home()).args(["server", "backup", folder]), b"");
    assert_eq!(backup.code, Some(0), "{backup:?}");
    let carla = DaemonProcess::device();
    carla.join(&server, user::Role::Customer, "Carla");
    let lost = head_of(&verify_log(&server, &["--backup", folder]));
    server.lose_all_but(&[]);
    let restored = run(assistd(server.home()).args(["server", "restore", folder]), b"");
    assert_eq!(restored.code, Some(0), "{restored:?}");
    server.start();
    head_of(&verify_log(&server, &["--backup", folder]));
    let cut = verify_log(&server, &["--witness", &lost]);
    assert_eq!(cut.code, Some(1), "what came after the backup is lost, and is missed: {cut:?}");
    // She comes back by her certificate.
    let ask = GetLog { acts: true, ..GetLog::default() };
    server.until_called("her device", &ask, |page| page.entries.len() > 3);
    let acts = entries(&server, ask);
    let expected = [LogWord::Made, LogWord::Enrolled, LogWord::Restored, LogWord::Enrolled];
    assert_eq!(words(&acts), expected, "the backup's own entry came after the backup");
    assert_eq!(acts[3].proof, Some(LogProof::Certificate), "{acts:?}");
    server.stop();

    let moved = run(assistd(server.home()).args(["server", "backup", folder, "--retire"]), b"");
    assert_eq!(moved.code, Some(0), "{moved:?}");
    server.lose_all_but(&[]);
    assert_eq!(run(assistd(server.home()).args(["server", "restore", folder]), b"").code, Some(0));
    server.start();
    let acts = entries(&server, GetLog { acts: true, ..GetLog::default() });
    assert_eq!(words(&acts)[4..], [LogWord::Retired, LogWord::Moved]);
    assert!(server.call(&server::Verify {}).problems.is_empty());
}

#[test]
fn admins_see_it_from_afar_and_nobody_else_does() {
    let server = DaemonProcess::server("hero");
    let (carla, amir) = (DaemonProcess::device(), DaemonProcess::device());
    carla.join(&server, user::Role::Customer, "Carla");
    amir.join(&server, user::Role::Admin, "Amir");
    amir.until_connection(sync::ConnectionState::Online);
    carla.assist_ok(["ticket", "new", "-t", "It hums", "-b", "", "--wait=server"]);

    let log = amir.assist_ok(["server", "log", "-P", "hero"]);
    assert_eq!(log, server.assist_ok(["server", "log"]), "the same as at the server");
    let stats = amir.assist_ok(["server", "stats", "-P", "hero"]);
    let fact = |name: &str| {
        let lines = stats.lines().filter_map(|line| line.split_once('\t'));
        lines.clone().find(|(key, _)| *key == name).unwrap_or_else(|| panic!("no {name} in {stats}")).1
    };
    assert_eq!((fact("tickets"), fact("connected")), ("1", "2"));
    assert_eq!(fact("version"), env!("CARGO_PKG_VERSION"));
    assert!(fact("disk_free_bytes").parse::<u64>().unwrap() > 0);
    let page = amir.call(&GetLog { project: Some("hero".into()), limit: Some(1), ..GetLog::default() });
    let verified = verify_log(&server, &["--witness", &page.head.unwrap()]);
    assert_eq!(verified.code, Some(0), "{verified:?}");

    for verb in ["log", "stats"] {
        let refused = carla.assist(["server", verb, "-P", "hero"]);
        assert!(refused.code == Some(3) && refused.stderr.contains("for admins alone"), "{refused:?}");
        let nowhere = carla.assist(["server", verb]);
        assert!(nowhere.code == Some(4) && nowhere.stderr.contains("serves no project"), "{nowhere:?}");
    }
    amir.assist_ok(["sync", "pause"]);
    let offline = amir.assist(["server", "stats", "-P", "hero"]);
    assert!(offline.code == Some(1) && offline.stderr.contains("only while connected"), "{offline:?}");
}
