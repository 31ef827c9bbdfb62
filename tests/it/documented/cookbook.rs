//! The scripts of the cookbook, each run as it stands there.

use std::fs;

use assist_proto::api::attachment;
use assist_proto::api::sync::ConnectionState;
use assist_proto::api::ticket::{Get, List, Status};
use assist_proto::api::user::Role;
use assist_tests::process::{DaemonProcess, private_folder, run, shell};

use super::{blocks, page};

/// Bash as the owner of a device, with a script of the page and what it reads.
fn cook(
    device: &DaemonProcess,
    script: &str,
    variables: &[(&str, &str)],
    input: &[u8],
) -> (String, tempfile::TempDir) {
    let folder = private_folder();
    let script = format!("cd {}\n{script}", folder.path().display());
    let mut command = shell(device.home(), folder.path(), &script);
    command.env("ASSIST_HOME", device.home()).envs(variables.iter().copied());
    let done = run(&mut command, input);
    assert_eq!(done.code, Some(0), "{script}: {done:?}");
    (done.stdout, folder)
}

#[test]
fn every_script_of_the_cookbook_does_what_it_says() {
    let book = page("docs/cookbook.md");
    let [crash, nightly, triage, closing] = blocks(&book)[..] else { panic!("the book has four scripts") };
    let server = DaemonProcess::server("hero");
    let (carla, amir) = (DaemonProcess::device(), DaemonProcess::device());
    carla.join(&server, Role::Customer, "Carla");
    amir.join(&server, Role::Agent, "Amir");
    amir.until_connection(ConnectionState::Online);

    // No network is needed to file a report.
    carla.assist_ok(["sync", "pause"]);
    let (said, _) = cook(&carla, crash, &[("CODE", "139")], b"starting\nlp0 on fire\n");
    let id = said.trim().strip_prefix("filed ").expect("it says what it filed").to_owned();
    carla.assist_ok(["sync", "resume"]);
    carla.until_sent();
    let filed =
        amir.until("the report", |client| client.call(&Get { ticket: id.clone(), ..Get::default() }).ok());
    assert!(filed.row.title.starts_with("hero-printer crashed on "), "{filed:?}");
    assert!(filed.body.contains("code 139") && filed.body.contains("\nlp0 on fire\n"), "{filed:?}");
    let attached = amir.call(&attachment::List { project: None, ticket: id.clone() }).attachments;
    assert_eq!(attached.iter().map(|it| it.size_bytes).collect::<Vec<_>>(), [21]);

    let (_, folder) = cook(&amir, nightly, &[], b"");
    let rows = fs::read_to_string(folder.path().join("tickets.csv")).unwrap();
    assert!(rows.starts_with("id,number,project,title,") && rows.contains(&id), "{rows}");
    assert_eq!(rows.lines().count(), 2);

    if run(std::process::Command::new("sh").args(["-c", "command -v jq"]), b"").code == Some(0) {
        std::thread::scope(|scope| {
            scope.spawn(|| cook(&amir, triage, &[("COUNT", "40")], b""));
            amir.until("somebody claims it", |client| {
                carla.assist_ok(["ticket", "new", "-t", "The printer is on fire", "-b", "Again."]);
                let list = List { query: Some("assignee:me fire".into()), ..List::default() };
                (client.call(&list).ok()?.total > 0).then_some(())
            });
            // Until it has seen as many events as it waits for.
            for number in 0..40 {
                amir.assist_ok(["ticket", "label", &id, &format!("l{number}")]);
            }
        });
    } else {
        eprintln!("not run: the script that needs jq, which is not installed");
    }

    amir.assist_ok(["ticket", "pending", &id]);
    let (said, _) = cook(&amir, closing, &[("QUERY", "is:pending")], b"");
    assert!(said.contains("\tplanned\t") && said.contains("\tchanged\t"), "{said}");
    let closed = amir.call(&Get { ticket: id, ..Get::default() });
    assert_eq!((closed.row.status, closed.close_reason.as_deref()), (Status::Closed, Some("No answer")));
}
