//! A disk with no room for an attachment, on each side in turn: said clearly, no text waits for it, and it comes by
//! itself once there is room.

use std::fs;

use assist_proto::api::attachment::{AttachmentState, BlobState, Fetch, List};
use assist_proto::api::{sync, user};
use assist_proto::client::{ClientError, TransferError};
use assist_tests::process::DaemonProcess;

fn member(server: &DaemonProcess, role: user::Role, name: &str) -> DaemonProcess {
    let device = DaemonProcess::device();
    device.join(server, role, name);
    device.until_connection(sync::ConnectionState::Online);
    device
}

fn until_attachment(
    device: &DaemonProcess,
    ticket: &str,
    is_wanted: impl Fn(&AttachmentState) -> bool,
) -> AttachmentState {
    device.until("the attachment", |client| {
        let listed = client.call(&List { project: None, ticket: ticket.into() }).ok()?;
        listed.attachments.into_iter().find(|attachment| is_wanted(attachment))
    })
}

#[test]
fn attachment_that_finds_no_room_is_told_and_comes_when_there_is_some() {
    let server = DaemonProcess::server("hero");
    let carla = member(&server, user::Role::Customer, "Carla");
    let amir = member(&server, user::Role::Agent, "Amir");
    let path = carla.home().join("log.bin");
    let mut bytes = vec![0; 9 << 20];
    blake3::Hasher::new().update(b"noise").finalize_xof().fill(&mut bytes);
    fs::write(&path, &bytes).unwrap();
    let path = path.to_str().unwrap();
    let filed = carla.assist_ok(["ticket", "new", "-t", "It hums", "-b", "All day.", "--wait=delivered"]);
    let id = filed.trim();

    // The author's own device.
    carla.forbid_files_over(Some(4 << 20));
    let refused = carla.assist(["ticket", "comment", id, "-b", "See.", "--attach", path]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("the disk is full: free some space"), "{refused:?}");
    match carla.client().put_blob(&bytes[..]) {
        Err(TransferError::Client(ClientError::Api(error))) => assert_eq!(error.data.reason, "disk_full"),
        other => panic!("taken without room: {other:?}"),
    }
    assert_eq!(fs::read_dir(carla.home().join("blobs/partial")).unwrap().count(), 0, "nothing is left of it");
    carla.assist_ok(["ticket", "comment", id, "-b", "A text finds room.", "--wait=delivered"]);
    carla.forbid_files_over(None);

    // The server.
    server.forbid_files_over(Some(4 << 20));
    carla.assist_ok(["ticket", "comment", id, "-b", "See.", "--attach", path, "--wait=delivered"]);
    let refused =
        until_attachment(&carla, id, |it| it.upload.as_ref().is_some_and(|up| up.refused.is_some()));
    let reason = refused.upload.unwrap().refused.unwrap();
    assert_eq!(reason, "the server has no room left");
    assert_eq!(refused.state, BlobState::Here);

    // The reader's device: what fits into the server now does not fit there.
    amir.forbid_files_over(Some(4 << 20));
    server.forbid_files_over(None);
    until_attachment(&carla, id, |it| it.upload.is_none());
    // So large a file comes when it is asked for.
    amir.call(&Fetch { project: None, ticket: id.into(), blob: refused.blob });
    let told = until_attachment(&amir, id, |it| it.trouble.is_some());
    assert!(told.trouble.unwrap().contains("disk of this device is full"));
    let output = amir.home().to_str().unwrap().to_owned();
    let refused = amir.assist(["attachment", "save", id, "log.bin", "-o", &output]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("the disk of this device is full"), "{refused:?}");
    amir.assist_ok(["ticket", "comment", id, "-b", "It comes.", "--wait=delivered"]);
    amir.forbid_files_over(None);
    until_attachment(&amir, id, |it| it.state == BlobState::Here);
    let saved = amir.assist_ok(["attachment", "save", id, "log.bin", "-o", &output]);
    assert!(fs::read(saved.trim()).unwrap() == bytes, "to the byte");
}
