//! A server that moves: its devices are told where to, signed, before it goes.

use std::net::UdpSocket;

use assist_proto::api::sync::ConnectionState;
use assist_proto::api::{project, user};
use assist_tests::process::DaemonProcess;

#[test]
fn devices_follow_a_server_to_the_place_that_it_told_them_of() {
    let mut server = DaemonProcess::server("hero");
    let carla = DaemonProcess::device();
    carla.join(&server, user::Role::Customer, "Carla");
    carla.until_connection(ConnectionState::Online);
    let addresses = || carla.call(&project::List {}).projects[0].addresses.clone();
    let before = addresses();
    let place = UdpSocket::bind("127.0.0.1:0").unwrap();
    let after = place.local_addr().unwrap().to_string();
    assert_eq!(before.len(), 1);

    server.stop();
    server.start_with("--advertise", &after);
    carla.until("the news of another place", |_| (addresses()[0] == after).then_some(()));
    assert_eq!(
        addresses(),
        [after.as_str(), before[0].as_str()],
        "the place that served until now is not forgotten"
    );

    server.stop();
    drop(place);
    server.start_with("--bind", &after);
    carla.assist_ok(["ticket", "new", "-t", "Over there", "-b", "", "--wait=server"]);
}

#[test]
fn server_that_moved_without_a_word_gets_what_was_written_meanwhile_once_it_is_told() {
    let mut server = DaemonProcess::server("hero");
    let carla = DaemonProcess::device();
    carla.join(&server, user::Role::Customer, "Carla");
    carla.until_connection(ConnectionState::Online);
    let id = carla.call(&project::List {}).projects[0].id.clone();
    let place = UdpSocket::bind("127.0.0.1:0").unwrap();
    let after = place.local_addr().unwrap().to_string();

    server.stop();
    drop(place);
    server.start_with("--bind", &after);
    carla.assist_ok(["ticket", "new", "-t", "Where are you?", "-b", ""]);
    let address = format!("assist://{id}@{after}");
    let hint = carla.assist_ok(["open", &address]);
    assert_eq!(hint, format!("already_joined\t{id}\n"));
    assert_eq!(carla.assist_ok(["project", "relocate", &address]), format!("{id}\n"));
    carla.assist_ok(["ticket", "new", "-t", "There you are", "-b", "", "--wait=server"]);
    carla.until_connection(ConnectionState::Online);
    assert_eq!(carla.call(&project::List {}).projects[0].addresses[0], after);
}
