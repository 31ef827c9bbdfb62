//! Real daemons and the overlay: a node that comes, lies and goes; a server that waits for one; bad lines.
//!
//! What needs addresses in 400::/7 runs in network namespaces (`namespaces.rs`), as far as this machine allows them.

mod lines;
mod moves;
mod namespaces;

use std::os::unix::fs::PermissionsExt as _;

use assist_proto::api::daemon::{self, OverlayState, OverlayStatus};
use assist_proto::api::{server, user};
use assist_tests::fake_node::{FakeNode, NODE, node_answer};
use assist_tests::process::{DaemonProcess, assistd, private_folder, run};

/// How the overlay stands, as the daemon says.
fn overlay(daemon: &DaemonProcess) -> OverlayStatus {
    daemon.call(&daemon::GetStatus {}).overlay.expect("a daemon of this version says so")
}

fn until_overlay(daemon: &DaemonProcess, wanted: OverlayState) -> OverlayStatus {
    daemon.until("how the overlay stands", |client| {
        let status = client.call(&daemon::GetStatus {}).expect("a status").overlay?;
        (status.state == wanted).then_some(status)
    })
}

/// Whether whoever runs these tests has a node: an interface with an address in 400::/7.
fn machine_is_on_overlay() -> bool {
    let interfaces = std::fs::read_to_string("/proc/net/if_inet6").unwrap_or_default();
    interfaces.lines().any(|line| line.starts_with("04") || line.starts_with("05"))
}

#[test]
fn device_follows_what_answers_for_a_node_and_says_what_helps() {
    let node = FakeNode::at("127.0.0.1:0", node_answer(NODE.0, NODE.1));
    let api = node.api();
    let device = DaemonProcess::device_with(|home| {
        std::fs::write(home.join("config.toml"), format!("[overlay]\napi = \"{api}\"\n")).unwrap();
    });
    let status = until_overlay(&device, OverlayState::NoInterface);
    assert_eq!((status.mode.as_str(), status.address.as_deref()), ("external", None));
    assert_eq!(status.node_key.as_deref(), Some(NODE.0));
    assert!(status.detail.contains(NODE.1), "{}", status.detail);
    node.say("HTTP/1.0 404 Not Found\r\n\r\n".to_owned());
    let status = until_overlay(&device, OverlayState::Wrong);
    assert_eq!(status.help, Some(format!("sudo ss -ltnp sport = :{}", api.port())));
    drop(node);
    if machine_is_on_overlay() {
        // Then there is a way, and nothing below is so.
        until_overlay(&device, OverlayState::Unconfirmed);
        return;
    }
    let status = until_overlay(&device, OverlayState::Absent);
    assert!(status.help.unwrap().contains("mycelium"));
    let printed = device.assist_ok(["daemon", "status"]);
    assert!(printed.contains("overlay\tabsent\n"), "{printed}");
    assert!(
        printed.contains(&format!("overlay_detail\tno mycelium node runs here: nobody answers at {api}\n"))
    );
    // Work on the device goes on, and what has no way says so instead of taking another one.
    let joined =
        device.assist(["project", "join", "[54f::1]:9470", "--code", "0000-0000", "--name", "Carla"]);
    assert!(
        joined.code != Some(0) && joined.stderr.contains("there is no way to [54f::1]:9470"),
        "{joined:?}"
    );
    assert!(joined.stderr.contains("no mycelium node runs here"), "{joined:?}");
}

#[test]
fn server_that_has_never_seen_its_node_waits_and_says_so() {
    let server = DaemonProcess::server_with("hero", "auto:9470", |home| {
        // Nobody listens at a port that nobody may take.
        std::fs::write(home.join("config.toml"), "[overlay]\napi = \"127.0.0.1:1\"\n").unwrap();
        Vec::new()
    });
    assert_eq!(server.ready_line(), server.home().join("run/assistd.sock").to_str().unwrap());
    let status = server.call(&server::GetStatus {});
    assert_eq!((status.address.as_str(), status.listening_on.len()), ("", 0));
    until_overlay(
        &server,
        if machine_is_on_overlay() { OverlayState::Unconfirmed } else { OverlayState::Absent },
    );
    assert_eq!(overlay(&server).ignored_packets, Some(0));
    let refused = server
        .client()
        .call(&server::Invite { role: user::Role::Customer, email: None, name: None })
        .unwrap_err();
    assert!(refused.to_string().contains("assist daemon status"), "{refused}");
    let log = std::fs::read_to_string(server.log()).unwrap();
    assert!(log.contains("nobody can reach this server before its mycelium node is there"), "{log}");
}

#[test]
fn bind_is_taken_from_the_flag_before_the_environment_and_that_before_the_file() {
    let home = private_folder();
    let init = run(assistd(home.path()).args(["server", "init", "--name", "hero"]), b"");
    assert!(init.stdout.contains("--bind auto:9470"), "{init:?}");
    std::fs::write(home.path().join("config.toml"), "[server]\nbind = \"auto:1\"\n").unwrap();
    let checked = |variable: Option<&str>| {
        let mut command = assistd(home.path());
        command.args(["config", "check"]).envs(variable.map(|bind| ("ASSIST_BIND", bind)));
        run(&mut command, b"")
    };
    assert!(checked(None).stdout.contains("bind\tauto:1\n"));
    assert!(checked(Some("[::1]:7")).stdout.contains("bind\t[::1]:7\n"));
    let refused = checked(Some("auto"));
    assert!(refused.code == Some(1) && refused.stderr.contains("as in \"auto:9470\""), "{refused:?}");
    let template = run(assistd(home.path()).args(["config", "template"]), b"").stdout;
    assert!(template.contains("ASSIST_OVERLAY") && template.contains("\"auto:9470\""), "{template}");
    let mut served = assistd(home.path());
    served.args(["server", "run", "--bind", "localhost:9470"]).env("ASSIST_BIND", "127.0.0.1:0");
    let refused = run(&mut served, b"");
    assert!(
        refused.code == Some(2) && refused.stderr.contains("is a name, and only IP addresses"),
        "{refused:?}"
    );
    let mut served = assistd(home.path());
    served.args(["server", "run", "--bind", "auto:9470", "--overlay", "none"]);
    let refused = run(&mut served, b"");
    assert!(
        refused.code == Some(1) && refused.stderr.contains("leaves nothing for \"auto:9470\""),
        "{refused:?}"
    );
}

#[test]
fn node_that_the_daemon_runs_is_explained_when_it_may_not_do_what_it_needs() {
    let device = DaemonProcess::device_with(|home| {
        let program = home.join("node");
        let script =
            "#!/bin/sh\necho waking up\necho 'Error: Operation not permitted (os error 1)' >&2\nexit 1\n";
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
        let config = "[overlay]\nmode = \"managed\"\nprogram = \"./node\"\napi = \"127.0.0.1:1\"\n";
        std::fs::write(home.join("config.toml"), config).unwrap();
    });
    if machine_is_on_overlay() {
        // Its interface is there already, whoever made it.
        until_overlay(&device, OverlayState::Unconfirmed);
        return;
    }
    let status = until_overlay(&device, OverlayState::NotRunning);
    assert_eq!(status.mode, "managed");
    assert!(status.detail.contains("may not make a network interface"), "{}", status.detail);
    assert!(status.help.unwrap().starts_with("sudo setcap cap_net_admin+ep"));
    let log = std::fs::read_to_string(device.log()).unwrap();
    assert!(log.contains("mycelium: waking up"), "its lines stand in ours: {log}");
    assert!(device.home().join("overlay").is_dir());
}
