//! How far one's own words have come, with real programs: on and off line, in two projects, with a kill in between.

use assist_proto::api::comment::ReadBy;
use assist_proto::api::sync::{self, DeliveryState};
use assist_proto::api::{project, ticket, user};
use assist_tests::process::DaemonProcess;

fn member(servers: &[&DaemonProcess], role: user::Role, name: &str) -> DaemonProcess {
    let device = DaemonProcess::device();
    for server in servers {
        device.join(server, role, name);
    }
    device.until_connection(sync::ConnectionState::Online);
    device
}

fn ticket_at(device: &DaemonProcess, ticket: &str) -> Option<ticket::Ticket> {
    let get = ticket::Get { ticket: ticket.into(), ..ticket::Get::default() };
    device.client().call(&get).ok().filter(|seen| seen.row.is_loaded)
}

fn until_state(device: &DaemonProcess, ticket: &str, state: DeliveryState) -> ticket::Ticket {
    device.until("the state", |_| ticket_at(device, ticket).filter(|seen| seen.row.state == Some(state)))
}

fn until_unread(device: &DaemonProcess, counts: &[u64]) {
    device.until("the unread count", |client| {
        let projects = client.call(&project::List {}).unwrap().projects;
        let found: Vec<u64> = projects.iter().map(|project| project.unread_count.unwrap()).collect();
        (found == counts).then_some(())
    });
}

fn names(read_by: &[ReadBy]) -> Vec<&str> {
    read_by.iter().map(|read| read.user.name.as_str()).collect()
}

#[test]
fn words_are_read_by_whom_they_are_for_and_the_author_is_told() {
    let (anvil, bellows) = (DaemonProcess::server("anvil"), DaemonProcess::server("bellows"));
    let carla = member(&[&anvil], user::Role::Customer, "Carla");
    let dora = member(&[&bellows], user::Role::Customer, "Dora");
    let mut amir = member(&[&anvil, &bellows], user::Role::Agent, "Amir");
    let hums = carla.assist_ok(["ticket", "new", "-t", "It hums", "-b", "All day.", "--wait=delivered"]);
    let leaks = dora.assist_ok(["ticket", "new", "-t", "It leaks", "-b", "Oil.", "--wait=delivered"]);
    let (hums, leaks) = (hums.trim(), leaks.trim());
    until_unread(&amir, &[1, 1]);

    // Reading it out is not reading it.
    amir.assist_ok(["ticket", "view", hums]);
    amir.assist_ok(["ticket", "view", hums, "--json"]);
    until_unread(&amir, &[1, 1]);
    amir.assist_ok(["ticket", "read", hums]);
    until_unread(&amir, &[0, 1]);
    let seen = until_state(&carla, hums, DeliveryState::Read);
    assert_eq!(names(&seen.read_by), ["Amir"]);
    let shown = carla.assist_ok(["ticket", "view", hums]);
    assert!(shown.lines().any(|line| line.starts_with("read\tAmir\t")), "{shown}");

    // The other way round, by word of `--wait`, and not beyond what was shown.
    amir.assist_ok(["ticket", "comment", hums, "-b", "Since when?", "--wait=delivered"]);
    let place = carla.until("the comment", |_| {
        ticket_at(&carla, hums).filter(|seen| seen.comments.len() == 1).map(|seen| seen.place)
    });
    let short = ticket::MarkRead { project: None, ticket: hums.into(), through: Some(place - 1) };
    carla.call(&short);
    until_unread(&carla, &[1]);
    carla.call(&ticket::MarkRead { through: Some(place), ..short });
    let seen = until_state(&amir, hums, DeliveryState::Read);
    assert_eq!(names(&seen.comments[0].read_by), ["Carla"]);
    amir.assist_ok(["ticket", "comment", leaks, "-b", "How much?", "--wait=delivered"]);
    dora.assist_ok(["ticket", "read", leaks]);
    until_state(&amir, leaks, DeliveryState::Read);
    assert_eq!(names(&ticket_at(&carla, hums).unwrap().read_by), ["Amir"], "of hers, nobody else knows");

    // Offline, and killed before it could be told.
    dora.assist_ok(["ticket", "comment", leaks, "-b", "A puddle.", "--wait=delivered"]);
    amir.assist_ok(["sync", "pause"]);
    amir.assist_ok(["ticket", "read", leaks]);
    amir.kill();
    amir.start();
    until_unread(&amir, &[0, 0]);
    assert_ne!(ticket_at(&dora, leaks).unwrap().comments[1].state, Some(DeliveryState::Read));
    amir.assist_ok(["sync", "resume"]);
    let seen = until_state(&dora, leaks, DeliveryState::Read);
    assert_eq!(names(&seen.comments[1].read_by), ["Amir"]);
}

#[test]
fn who_does_not_send_read_marks_is_unread_for_others_and_not_for_themselves() {
    let server = DaemonProcess::server("hero");
    let carla = member(&[&server], user::Role::Customer, "Carla");
    let amir = member(&[&server], user::Role::Agent, "Amir");
    let first_fact = |printed: String| printed.lines().next().map(str::to_owned);
    assert_eq!(first_fact(amir.assist_ok(["user", "settings"])).unwrap(), "read_marks\ton");
    let changed = amir.assist_ok(["user", "settings", "--read-marks", "off"]);
    assert_eq!(first_fact(changed).unwrap(), "read_marks\toff");
    let filed = carla.assist_ok(["ticket", "new", "-t", "It hums", "-b", "All day.", "--wait=delivered"]);
    let first = filed.trim();
    amir.assist_ok(["ticket", "read", first]);
    until_unread(&amir, &[0]);
    amir.assist_ok(["user", "settings", "--read-marks", "on"]);
    let filed = carla.assist_ok(["ticket", "new", "-t", "It hisses", "-b", "Now.", "--wait=delivered"]);
    amir.assist_ok(["ticket", "read", filed.trim()]);
    until_state(&carla, filed.trim(), DeliveryState::Read);
    // What was told last has come; what was told before it would have, too.
    assert_eq!(ticket_at(&carla, first).unwrap().row.state, Some(DeliveryState::Delivered));
    assert_eq!(ticket_at(&carla, first).unwrap().read_by, []);
}
