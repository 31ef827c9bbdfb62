//! Two servers and three devices over lines that are slow, lose, double and reorder.

use std::time::Duration;

use assist_proto::api::sync::ConnectionState;
use assist_proto::api::{sync, user};
use assist_tests::process::DaemonProcess;
use assist_tests::udp_relay::{Line, UdpRelay};

/// Worse than what the overlay's public nodes do on a bad day.
const LINE: Line = Line {
    delay: Duration::from_millis(30),
    jitter: Duration::from_millis(40),
    lost_percent: 5,
    doubled_percent: 5,
};

struct Site {
    server: DaemonProcess,
    relay: UdpRelay,
}

impl Site {
    fn new(project: &str, seed: u64) -> Self {
        let server = DaemonProcess::server(project);
        let relay = server.behind(LINE, seed);
        Self { server, relay }
    }

    fn join(&self, device: &DaemonProcess, role: user::Role, name: &str) {
        device.join_over(&self.relay, &self.server, role, name);
    }
}

#[test]
fn two_servers_and_three_devices_come_together_over_bad_lines() {
    let (hero, mycelium) = (Site::new("hero", 1), Site::new("mycelium", 2));
    let [carla, amir, dora] = std::array::from_fn(|_| DaemonProcess::device());
    hero.join(&carla, user::Role::Customer, "Carla");
    mycelium.join(&carla, user::Role::Customer, "Carla");
    hero.join(&amir, user::Role::Agent, "Amir");
    mycelium.join(&dora, user::Role::Agent, "Dora");
    for number in 1..=5 {
        let title = format!("It flaps, {number}");
        for project in ["hero", "mycelium"] {
            carla.assist_ok(["ticket", "new", "--project", project, "-t", &title, "-b", "Since noon."]);
        }
    }
    carla.until_sent();
    for agent in [&amir, &dora] {
        agent.until("all tickets", |_| {
            (agent.assist_ok(["ticket", "list"]).lines().count() == 5).then_some(())
        });
        agent.assist_ok(["ticket", "comment", "#3", "-b", "We look at it.", "--wait=server"]);
    }
    carla.until("both answers", |_| {
        let listed = carla.assist_ok(["ticket", "list"]);
        // Comments stand in the tenth column.
        let answered = listed.lines().filter(|line| line.split('\t').nth(9) == Some("1")).count();
        (answered == 2).then_some(())
    });
    let status = carla.call(&sync::GetStatus::default());
    for project in status.projects {
        assert_eq!(project.connection.state, ConnectionState::Online);
        let traffic = project.traffic.expect("a connection has traffic");
        let site = if project.name == "hero" { &hero } else { &mycelium };
        assert_eq!(traffic.host, site.relay.address().to_string());
        assert!(traffic.round_trip_micros >= 2 * 30_000, "the line delays: {traffic:?}");
        assert!(traffic.sent_bytes > 1_200 && traffic.received_bytes > 1_200, "{traffic:?}");
    }
}
