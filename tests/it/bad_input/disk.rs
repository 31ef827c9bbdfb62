//! A disk that is full: said clearly, nothing acknowledged lost, and all goes on once there is room.
//!
//! The system is told that the daemon's files must not grow: writes fail then as they do where no space is left.

use assist_proto::api::{sync, ticket, user};
use assist_tests::dice::Dice;
use assist_tests::process::DaemonProcess;

/// Texts that do not compress to nothing.
fn noise(dice: &mut Dice) -> String {
    let bytes: [u8; 20_000] = dice.bytes();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn file(device: &DaemonProcess, number: usize, body: &str) -> assist_tests::process::Finished {
    device.assist_with_input(["ticket", "new", "-t", &format!("Report {number}"), "-F", "-"], body.as_bytes())
}

/// Files tickets until one is refused for want of room; gives the ids of those that were taken.
fn fill_up(device: &DaemonProcess, dice: &mut Dice) -> Vec<String> {
    let mut taken = Vec::new();
    for number in 0..FILL_MAX {
        let filed = file(device, number, &noise(dice));
        if filed.code == Some(0) {
            taken.push(filed.stdout.trim().to_owned());
            continue;
        }
        assert_eq!((filed.code, filed.stdout.as_str()), (Some(1), ""), "{filed:?}");
        assert!(filed.stderr.contains("the disk is full"), "{filed:?}");
        assert!(filed.stderr.contains("free some space"), "it says what to do: {filed:?}");
        return taken;
    }
    panic!("{FILL_MAX} tickets found room");
}

fn ids(device: &DaemonProcess) -> Vec<String> {
    let listed = device.call(&ticket::List { limit: Some(500), ..ticket::List::default() });
    let mut ids: Vec<String> = listed.tickets.into_iter().map(|row| row.id).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn device_whose_disk_is_full_says_so_keeps_what_it_took_and_goes_on() {
    let mut dice = Dice::new(1);
    let server = DaemonProcess::server("hero");
    let mut device = DaemonProcess::device();
    device.join(&server, user::Role::Customer, "Carla");
    device.call(&sync::Pause::default());
    device.forbid_growth(true);
    let mut taken = fill_up(&device, &mut dice);
    taken.sort_unstable();
    for _ in 0..3 {
        assert_eq!(file(&device, 0, &noise(&mut dice)).code, Some(1), "as long as there is no room");
        assert_eq!(ids(&device), taken, "the daemon lives on and has what it took");
    }
    device.forbid_growth(false);
    let filed = file(&device, FILL_MAX, &noise(&mut dice));
    assert_eq!(filed.code, Some(0), "it goes on by itself: {filed:?}");
    taken.push(filed.stdout.trim().to_owned());
    taken.sort_unstable();

    device.kill();
    device.start();
    assert_eq!(ids(&device), taken, "what was acknowledged was durable");
    device.call(&sync::Resume::default());
    device.until_sent();
}

#[test]
fn server_whose_disk_is_full_acknowledges_nothing_that_it_cannot_keep() {
    let mut dice = Dice::new(2);
    let mut server = DaemonProcess::server("hero");
    let device = DaemonProcess::device();
    device.join(&server, user::Role::Customer, "Carla");
    device.until_connection(sync::ConnectionState::Online);
    server.forbid_growth(true);
    let mut taken = Vec::new();
    while !log_of(&server).contains("the disk is full") {
        assert!(taken.len() < FILL_MAX, "{FILL_MAX} tickets found room");
        let filed = file(&device, taken.len(), &noise(&mut dice));
        assert_eq!(filed.code, Some(0), "the device's own disk is not full: {filed:?}");
        taken.push(filed.stdout.trim().to_owned());
    }
    server.call(&assist_proto::api::server::GetStatus {});
    let waiting = device.call(&sync::GetStatus::default()).projects[0].outbox_count;
    assert!(waiting > 0, "what the server could not keep is not acknowledged");
    server.forbid_growth(false);
    device.until_sent();

    // Whatever was acknowledged is there when the power comes back.
    server.kill();
    server.start();
    let agent = DaemonProcess::device();
    agent.join(&server, user::Role::Agent, "Amir");
    taken.sort_unstable();
    agent.until("all tickets", |_| (ids(&agent) == taken).then_some(()));
}

fn log_of(daemon: &DaemonProcess) -> String {
    std::fs::read_to_string(daemon.log()).unwrap()
}

/// Far more than the free pages of a new store hold.
const FILL_MAX: usize = 400;
