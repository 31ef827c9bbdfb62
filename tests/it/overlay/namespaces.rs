//! A server and devices in network namespaces, with addresses in 400::/7 on a veth pair and a node that is made up.
//!
//! The test runs itself again in a namespace of its own. Where this machine does not allow that, it says so; what it
//! has beyond the tests on loopback is then not shown.

use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use assist_proto::api::daemon::{self, OverlayState};
use assist_proto::api::sync::{self, ConnectionState};
use assist_proto::api::{server, user};
use assist_tests::fake_node::{FakeNode, NEW_NODE, NODE, node_answer};
use assist_tests::process::{DaemonProcess, in_network_of};

use super::{overlay, until_overlay};

#[test]
fn project_lives_on_the_overlay_through_all_that_becomes_of_it() {
    if std::env::var_os(WITHIN).is_some() {
        return scenario();
    }
    let allowed = Command::new("unshare").args(["-Urn", "--", "sh", "-c", PROBE]).output();
    match allowed {
        Ok(output) if output.status.success() => {}
        outcome => {
            eprintln!(
                "NOT RUN: this machine allows no network namespaces ({outcome:?}); loopback alone was tried"
            );
            return;
        }
    }
    let this = std::env::current_exe().unwrap();
    let name = "overlay::namespaces::project_lives_on_the_overlay_through_all_that_becomes_of_it";
    let mut again = Command::new("unshare");
    again.args(["-Urn", "--"]).arg(this).args(["--exact", name, "--nocapture"]).env(WITHIN, "1");
    let output = again.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

/// The namespace of the devices: an idle process holds it.
struct Away(Child);

impl Away {
    fn new() -> Self {
        let mut holder = Command::new("unshare");
        // It says when it is there, and ends with its standard input.
        holder.args(["-n", "--", "sh", "-c", "echo there; cat"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = holder.spawn().unwrap();
        let mut word = [0; 6];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut word).unwrap();
        Self(child)
    }

    fn ip(&self, args: &str) {
        let mut command = Command::new("ip");
        done(in_network_of(self.0.id(), command.args(args.split(' ')).env("PATH", PATH)));
    }

    /// Gives the devices' end its address, as a node that comes up does.
    fn come_up(&self) {
        self.ip("link set dev away up");
        self.ip(&format!("-6 addr add {AWAY}/128 dev away nodad"));
        self.ip("-6 route add 400::/7 dev away");
    }
}

impl Drop for Away {
    fn drop(&mut self) {
        self.0.kill().ok(); // It may have ended.
        self.0.wait().ok();
    }
}

fn ip(args: &str) {
    let mut command = Command::new("ip");
    command.args(args.split(' '));
    done(command);
}

fn done(mut command: Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn listening(server: &DaemonProcess, address: &str) {
    let wanted = format!("[{address}]:9470");
    server.until_called("where it listens", &server::GetStatus {}, |status| {
        status.listening_on == [wanted.as_str()]
    });
    let told = server.call(&server::GetStatus {}).address;
    assert!(told.ends_with(&format!("@{address}")), "{told}");
}

/// Whether a packet of a version that nobody speaks, sent from this address, gets an answer.
fn is_answered(from: &str, to: &str, patience: Duration) -> bool {
    let mut packet = vec![0xc0, 0x1a, 0x2a, 0x3a, 0x4a, 8, 1, 2, 3, 4, 5, 6, 7, 8, 8, 1, 2, 3, 4, 5, 6, 7, 8];
    packet.resize(1200, 0);
    let socket = UdpSocket::bind((from, 0)).unwrap();
    socket.set_read_timeout(Some(patience)).unwrap();
    socket.send_to(&packet, format!("[{to}]:9470").parse::<SocketAddr>().unwrap()).unwrap();
    socket.recv(&mut [0; 1500]).is_ok()
}

fn scenario() {
    let away = Away::new();
    ip("link set dev lo up");
    ip("link add name here mtu 1400 type veth peer name away mtu 1400");
    ip(&format!("link set dev away netns {}", away.0.id()));
    ip("link set dev here up");
    ip("-6 route add 400::/7 dev here");
    away.come_up();

    // The server is there before its node, and is reached once that is.
    let server = DaemonProcess::server_with("hero", "auto:9470", |_| Vec::new());
    until_overlay(&server, OverlayState::Absent);
    ip(&format!("-6 addr add {}/128 dev here nodad", NODE.1));
    until_overlay(&server, OverlayState::Unconfirmed);
    assert!(server.call(&server::GetStatus {}).listening_on.is_empty(), "nobody vouches for that address");
    let node = FakeNode::at("127.0.0.1:8989", node_answer(NODE.0, NODE.1));
    assert_eq!(until_overlay(&server, OverlayState::Found).address.as_deref(), Some(NODE.1));
    listening(&server, NODE.1);

    let carla = DaemonProcess::device_in_network_of(away.0.id());
    carla.join(&server, user::Role::Customer, "Carla");
    carla.assist_ok(["ticket", "new", "-t", "Over the overlay", "-b", "", "--wait=server"]);

    strangers_are_ignored(&server);
    line_goes_and_comes_back(&away, &carla);
    let dora = node_gets_a_new_key(&away, &server, &node);
    server_comes_back_before_its_node(server, node, &dora);
}

fn strangers_are_ignored(server: &DaemonProcess) {
    for address in ["5ff::2", "fd00::2"] {
        ip(&format!("-6 addr add {address}/128 dev here nodad"));
    }
    assert!(is_answered("5ff::2", NODE.1, Duration::from_secs(20)), "who comes over the overlay is heard");
    let before = overlay(server).ignored_packets.unwrap();
    assert!(!is_answered("fd00::2", NODE.1, Duration::from_millis(300)), "and nobody else");
    assert!(overlay(server).ignored_packets.unwrap() > before);
    for address in ["5ff::2", "fd00::2"] {
        ip(&format!("-6 addr del {address}/128 dev here"));
    }
}

fn line_goes_and_comes_back(away: &Away, carla: &DaemonProcess) {
    carla.until_connection(ConnectionState::Online);
    away.ip("link set dev away down");
    carla.until_called("that it is offline, and why", &sync::GetStatus::default(), |status| {
        status.projects[0].connection.detail.contains("no mycelium node runs here")
    });
    assert_eq!(
        carla.call(&sync::GetStatus::default()).projects[0].connection.state,
        ConnectionState::Offline
    );
    carla.assist_ok(["ticket", "new", "-t", "While the line was down", "-b", ""]);
    away.come_up();
    carla.until_connection(ConnectionState::Online);
    carla.until_sent();
}

fn node_gets_a_new_key(away: &Away, server: &DaemonProcess, node: &FakeNode) -> DaemonProcess {
    ip(&format!("-6 addr del {}/128 dev here", NODE.1));
    ip(&format!("-6 addr add {}/128 dev here nodad", NEW_NODE.1));
    node.say(node_answer(NEW_NODE.0, NEW_NODE.1));
    listening(server, NEW_NODE.1);
    let dora = DaemonProcess::device_in_network_of(away.0.id());
    dora.join(server, user::Role::Agent, "Dora");
    dora.until("both tickets", |_| (dora.assist_ok(["ticket", "list"]).lines().count() == 2).then_some(()));
    dora
}

fn server_comes_back_before_its_node(mut server: DaemonProcess, node: FakeNode, dora: &DaemonProcess) {
    server.stop();
    drop(node);
    ip(&format!("-6 addr del {}/128 dev here", NEW_NODE.1));
    server.start();
    assert!(server.ready_line().ends_with(&format!("@{}", NEW_NODE.1)), "{}", server.ready_line());
    listening(&server, NEW_NODE.1);
    let status: daemon::DaemonStatus = server.call(&daemon::GetStatus {});
    assert!(status.overlay.is_some_and(|overlay| overlay.address.is_none()), "there is no node");
    ip(&format!("-6 addr add {}/128 dev here nodad", NEW_NODE.1));
    dora.assist_ok(["ticket", "comment", "#1", "-b", "Back again.", "--wait=server", "--timeout", "50"]);
}

/// Set where the test runs within a namespace.
const WITHIN: &str = "ASSIST_TEST_WITHIN_NAMESPACE";
/// What has to be possible there.
const PROBE: &str = "ip link add name here type veth peer name away && ip link set lo up && ip -6 addr add 54f::1/128 dev here nodad \
    && unshare -n true && command -v nsenter";
/// The devices' overlay address.
const AWAY: &str = "514:1::2";
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";
