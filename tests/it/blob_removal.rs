//! Bytes of attachments go from a device with the last thing there that names them, and not before; crashes too.

use std::fs;
use std::path::{Path, PathBuf};

use assist_proto::api::attachment::{AttachmentState, BlobState, List};
use assist_proto::api::{project, sync, user};
use assist_tests::process::DaemonProcess;

fn member(server: &DaemonProcess, role: user::Role, name: &str) -> DaemonProcess {
    let device = DaemonProcess::device();
    device.join(server, role, name);
    device.until_connection(sync::ConnectionState::Online);
    device
}

fn until_here(device: &DaemonProcess, ticket: &str) -> Vec<AttachmentState> {
    device.until("all files", |client| {
        let listed = client.call(&List { project: None, ticket: ticket.into() }).ok()?.attachments;
        let is_here = |it: &AttachmentState| it.state == BlobState::Here && it.upload.is_none();
        (!listed.is_empty() && listed.iter().all(is_here)).then_some(listed)
    })
}

fn file(device: &DaemonProcess, name: &str, bytes: &[u8]) -> String {
    let path = device.home().join(name);
    fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

fn path_of(device: &DaemonProcess, blob: &str) -> PathBuf {
    device.home().join("blobs").join(&blob[..2]).join(blob)
}

/// Waits, with a bound, for what brings no event.
fn until_gone(device: &DaemonProcess, path: &Path) {
    device.until_called("a file that goes", &sync::GetStatus::default(), |_| !path.exists());
}

#[test]
fn files_go_with_the_last_ticket_that_names_them_even_if_the_device_dies_in_between() {
    let server = DaemonProcess::server("hero");
    let carla = member(&server, user::Role::Customer, "Carla");
    let mut bob = member(&server, user::Role::Customer, "Bob");
    let [both, single] =
        [file(&carla, "both.txt", b"under two tickets"), file(&carla, "single.txt", b"under one ticket")];
    let new = |title: &str, files: &[&str]| {
        let mut args = vec!["ticket", "new", "-t", title, "-b", "See.", "--wait=server"];
        args.extend(files.iter().flat_map(|path| ["--attach", path]));
        carla.assist_ok(args).trim().to_owned()
    };
    let first = new("It hums", &[&both, &single]);
    let second = new("It leaks", &[&both]);
    for ticket in [&first, &second] {
        until_here(&carla, ticket);
    }
    let bobs = bob.call(&project::List {}).projects.remove(0).user_id;
    for ticket in [&first, &second] {
        carla.assist_ok(["ticket", "member", "add", ticket, &bobs]);
    }
    let of_first = until_here(&bob, &first);
    until_here(&bob, &second);
    let hash = |name: &str| of_first.iter().find(|it| it.name == name).unwrap().blob.clone();
    let (both, single) = (hash("both.txt"), hash("single.txt"));
    let bytes = fs::read(path_of(&bob, &single)).unwrap();

    carla.assist_ok(["ticket", "member", "remove", &first, &bobs]);
    until_gone(&bob, &path_of(&bob, &single));
    assert!(path_of(&bob, &both).exists(), "the other ticket names it");

    // As it is when the device dies after the ticket went and before its file did; and what uploads leave behind.
    bob.kill();
    fs::create_dir_all(path_of(&bob, &single).parent().unwrap()).unwrap();
    fs::write(path_of(&bob, &single), &bytes).unwrap();
    let partial = bob.home().join("blobs/partial").join(&single);
    fs::write(&partial, "half").unwrap();
    bob.start();
    until_gone(&bob, &path_of(&bob, &single));
    until_gone(&bob, &partial);
    let upload = bob.client().put_blob(&b"named by nothing yet"[..]).unwrap().blob;
    assert!(path_of(&bob, &both).exists());

    bob.assist_ok(["project", "leave", "hero"]);
    until_gone(&bob, &path_of(&bob, &both));
    assert!(path_of(&bob, &upload).exists(), "somebody may be about to name it");
    for device in [&carla, &server] {
        assert!(path_of(device, &both).exists() && path_of(device, &single).exists());
    }
    let saved = carla.assist_ok(["attachment", "save", &first, "single.txt", "-o", "-"]);
    assert_eq!(saved, "under one ticket");
}
