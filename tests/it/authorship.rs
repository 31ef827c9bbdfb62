//! Who wrote what can be proven: on a device that holds the ticket, and by anybody who is handed a bundle.

use std::fs;
use std::path::Path;

use assist_proto::api::sync::ConnectionState;
use assist_proto::api::ticket::{Verification, VerifiedChange, Verify};
use assist_proto::api::user::Role;
use assist_tests::process::{DaemonProcess, Finished, assist, private_folder, run};
use serde_json::Value;

/// A ticket of Carla's that Amir answered and closed, as it is on both devices.
fn answered() -> (DaemonProcess, DaemonProcess, DaemonProcess) {
    let server = DaemonProcess::server("hero");
    let (carla, amir) = (named_device(&server, Role::Customer, "Carla"), DaemonProcess::device());
    let invitation = server.invite(Role::Agent);
    let join = ["project", "join", &invitation.address, "--code", &invitation.code, "--name", "Amir"];
    amir.assist_ok(join.into_iter().chain(["--device-name", "Amir's desk"]));
    amir.until_connection(ConnectionState::Online);
    carla.assist_ok(["ticket", "new", "-t", "It flaps", "-b", "Twice a minute.", "--wait=delivered"]);
    amir.assist_ok(["ticket", "edit", "1", "-t", "It flaps twice a minute"]);
    amir.assist_ok(["ticket", "comment", "1", "-b", "Since when?"]);
    amir.assist_ok(["ticket", "close", "1", "--wait=delivered"]);
    (server, carla, amir)
}

fn named_device(server: &DaemonProcess, role: Role, name: &str) -> DaemonProcess {
    let device = DaemonProcess::device();
    let invitation = server.invite(role);
    let device_name = format!("{name}'s laptop");
    device.assist_ok([
        "project",
        "join",
        &invitation.address,
        "--code",
        &invitation.code,
        "--name",
        name,
        "--device-name",
        &device_name,
    ]);
    device.until_connection(ConnectionState::Online);
    device
}

fn verification(device: &DaemonProcess) -> Verification {
    device.call(&Verify { ticket: "#1".into(), ..Verify::default() })
}

/// `assist` on a machine that has nothing of this product but the program.
fn elsewhere(args: &[&str]) -> Finished {
    let home = private_folder();
    let finished = run(assist(home.path()).args(args).arg("--no-start"), b"");
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0, "it leaves nothing behind");
    finished
}

#[test]
fn every_change_of_a_ticket_is_proven_on_every_device_that_holds_it() {
    let (server, carla, amir) = answered();
    let newcomer = named_device(&server, Role::Agent, "Erin");
    newcomer
        .until("the ticket", |_| (newcomer.assist(["ticket", "view", "1"]).code == Some(0)).then_some(()));
    for device in [&carla, &amir, &newcomer] {
        let verified = verification(device);
        assert!(verified.is_proven, "{verified:?}");
        assert_eq!((verified.not_proven, verified.stray_certificates, verified.set_aside), (0, 0, 0));
        let told = |change: &VerifiedChange| {
            let name = change.author.as_ref().unwrap().name.clone();
            (name, change.role.unwrap(), change.edits[0].action.clone())
        };
        let told: Vec<_> = verified.changes.iter().map(told).collect();
        let expected = [
            ("Carla", Role::Customer, "create_ticket"),
            ("Amir", Role::Agent, "set_title"),
            ("Amir", Role::Agent, "add_comment"),
            ("Amir", Role::Agent, "set_status"),
        ];
        assert_eq!(told, expected.map(|(name, role, action)| (name.into(), role, action.into())));
        assert!(verified.changes.iter().all(|change| change.seq.is_some() && change.at_millis.is_some()));
        let lines = device.assist_ok(["ticket", "verify", "1"]);
        assert_eq!(lines.lines().filter(|line| line.split('\t').nth(9) == Some("ok")).count(), 4, "{lines}");
    }
}

#[test]
fn a_change_that_waits_is_proven_without_the_server() {
    let (mut server, carla, _amir) = answered();
    server.stop();
    carla.assist_ok(["ticket", "comment", "1", "-b", "Since Monday."]);
    let verified = verification(&carla);
    assert!(verified.is_proven, "{verified:?}");
    let last = verified.changes.last().unwrap();
    assert_eq!((last.seq, last.author.as_ref().unwrap().name.as_str()), (None, "Carla"));
    let bundle = carla.home().join("waiting.bundle");
    carla.assist_ok(["ticket", "export", "1", "--bundle", bundle.to_str().unwrap()]);
    let checked = elsewhere(&["verify", bundle.to_str().unwrap()]);
    assert_eq!((checked.code, checked.stdout.lines().count()), (Some(0), 5), "{checked:?}");
}

#[test]
fn history_tells_who_what_when_on_which_device_before_and_after() {
    let (_server, carla, amir) = answered();
    let history = |device: &DaemonProcess| -> Value {
        serde_json::from_str(&device.assist_ok(["ticket", "history", "1", "--json"])).unwrap()
    };
    let seen = history(&amir);
    let retitled = &seen[1];
    assert_eq!(retitled["author"]["name"], "Amir");
    assert_eq!(retitled["device_name"], "Amir's desk");
    assert_eq!(retitled["device"].as_str().unwrap().len(), 52);
    assert!(retitled["at_millis"].as_u64().unwrap() > 1_700_000_000_000);
    let edit = &retitled["edits"][0];
    assert_eq!(
        (&edit["action"], &edit["before"], &edit["after"]),
        (&"set_title".into(), &"It flaps".into(), &"It flaps twice a minute".into())
    );
    assert_eq!(seen[0]["device_name"], "Carla's laptop", "the team knows the devices of its customers");
    let closed = &seen[3]["edits"][0];
    assert_eq!((&closed["before"], &closed["after"]), (&"open".into(), &"closed".into()));

    let seen = history(&carla);
    assert_eq!(seen[0]["device_name"], "Carla's laptop");
    assert_eq!(seen[1]["device_name"], Value::Null, "what the team calls its devices is its own business");
    assert_eq!(seen[1]["device"], retitled["device"]);
    let lines = carla.assist_ok(["ticket", "history", "1"]);
    assert!(lines.lines().next().unwrap().ends_with("\tCarla's laptop"), "{lines}");
    assert!(lines.contains("set title It flaps -> It flaps twice a minute"), "{lines}");
}

#[test]
fn a_bundle_is_checked_anywhere_and_a_forged_one_is_found() {
    let (server, carla, amir) = answered();
    let project = amir.assist_ok(["project", "list", "--jsonl=id"]);
    let project = project.split('"').nth(3).unwrap();
    let bundle = carla.home().join("ticket.bundle");
    let file = bundle.to_str().unwrap();
    let exported = carla.assist_ok(["ticket", "export", "1", "--bundle", file]);
    assert!(exported.contains(project), "{exported}");
    drop((server, amir));

    let checked = elsewhere(&["verify", file]);
    assert_eq!((checked.code, checked.stdout.lines().count()), (Some(0), 4), "{checked:?}");
    assert!(checked.stderr.contains(project), "it says for which project: {checked:?}");
    assert!(checked.stdout.contains("\tAmir\tagent\t"), "{checked:?}");
    assert_eq!(elsewhere(&["verify", file, "--project-id", project]).code, Some(0));
    let other = elsewhere(&["verify", file, "--project-id", &"0".repeat(52)]);
    assert_eq!((other.code, other.stdout.as_str()), (Some(8), ""), "{other:?}");

    let whole = fs::read_to_string(&bundle).unwrap();
    let forged = forge(&whole);
    fs::write(&bundle, forged).unwrap();
    let found = elsewhere(&["verify", file]);
    assert_eq!(found.code, Some(8), "{found:?}");
    assert!(found.stdout.contains("\tbad_signature\t"), "{found:?}");
    assert!(found.stderr.contains("are not provably their authors'"), "{found:?}");
    fs::write(&bundle, &whole[..whole.len() / 2]).unwrap();
    let cut = elsewhere(&["verify", file]);
    assert_eq!((cut.code, cut.stdout.as_str()), (Some(8), ""), "{cut:?}");
}

/// Says that Carla wrote what Amir wrote, with the right hash below, as a forger would.
fn forge(whole: &str) -> String {
    let mut lines: Vec<Value> = whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let devices: Vec<String> =
        lines.iter().filter_map(|line| line["device"].as_str().map(str::to_owned)).collect();
    assert_ne!(devices[0], devices[1], "two people wrote");
    let forged =
        whole.replace(&format!("\"device\":\"{}\"", devices[1]), &format!("\"device\":\"{}\"", devices[0]));
    let end = forged.trim_end().rfind('\n').unwrap() + 1;
    let hash = blake3::hash(&forged.as_bytes()[..end]).to_hex();
    assert_eq!(lines.pop().unwrap()["kind"], "end");
    format!("{}{{\"kind\":\"end\",\"blake3\":\"{hash}\"}}\n", &forged[..end])
}

#[test]
fn a_bundle_is_what_other_tools_can_read() {
    let (_server, carla, _amir) = answered();
    let bundle = carla.home().join("ticket.bundle");
    carla.assist_ok(["ticket", "export", "1", "--bundle", bundle.to_str().unwrap()]);
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&bundle).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600, "a ticket is nobody's business by itself");
    let text = fs::read_to_string(&bundle).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<&str> = lines.iter().map(|line| line["kind"].as_str().unwrap()).collect();
    let expected = ["bundle", "person", "person", "node", "certificate", "certificate"];
    assert_eq!(kinds[..6], expected);
    assert_eq!(kinds[6..], ["change", "change", "change", "change", "end"]);
    assert_eq!((&lines[0]["format"], &lines[0]["number"]), (&"hero-assistance-bundle".into(), &1.into()));
    assert!(
        carla.assist(["ticket", "export", "1", "--bundle", file(&bundle)]).code == Some(2),
        "it is there"
    );
}

fn file(path: &Path) -> &str {
    path.to_str().unwrap()
}
