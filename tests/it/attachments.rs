//! Attachments with real programs: attached offline, sent behind the text, fetched, saved; and who may not have them.

use std::fs;
use std::path::Path;

use assist_proto::api::attachment::{AttachmentState, BlobState, List};
use assist_proto::api::{sync, user};
use assist_tests::process::{DaemonProcess, Finished};

fn member(server: &DaemonProcess, role: user::Role, name: &str) -> DaemonProcess {
    let device = DaemonProcess::device();
    device.join(server, role, name);
    device.until_connection(sync::ConnectionState::Online);
    device
}

fn until_offline(device: &DaemonProcess) {
    device.until("the server is gone", |client| {
        let status = client.call(&sync::GetStatus::default()).unwrap();
        (status.projects[0].connection.state != sync::ConnectionState::Online).then_some(())
    });
}

fn listed(device: &DaemonProcess, ticket: &str) -> Vec<AttachmentState> {
    device.call(&List { project: None, ticket: ticket.into() }).attachments
}

/// Waits until the only attachment of the ticket is as wanted.
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

fn is_here(attachment: &AttachmentState) -> bool {
    attachment.state == BlobState::Here && attachment.upload.is_none()
}

/// Bytes that no compression and no luck makes alike.
fn noise(size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    blake3::Hasher::new().update(b"noise").finalize_xof().fill(&mut bytes);
    bytes
}

fn file_of(folder: &Path, name: &str, bytes: &[u8]) -> String {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

fn refused(finished: &Finished, code: i32, words: &str) {
    assert_eq!(finished.code, Some(code), "{finished:?}");
    assert!(finished.stderr.contains(words), "{finished:?}");
}

#[test]
fn file_attached_offline_is_sent_behind_the_text_and_saved_by_the_agent() {
    let mut server = DaemonProcess::server("hero");
    let carla = member(&server, user::Role::Customer, "Carla");
    let amir = member(&server, user::Role::Agent, "Amir");
    server.stop();
    until_offline(&carla);

    let bytes = noise(700_000);
    let path = file_of(carla.home(), "trace.bin", &bytes);
    let filed = carla.assist_ok(["ticket", "new", "-t", "It hums", "-b", "Listen.", "--attach", &path]);
    let id = filed.trim();
    let piped = carla.assist_with_input(
        ["ticket", "comment", id, "--attach", "-", "--name", "a/b\u{202e}.log"],
        b"from a pipe",
    );
    assert_eq!(piped.code, Some(0), "a file needs no words: {piped:?}");
    let waiting = listed(&carla, id);
    assert_eq!(waiting.len(), 2);
    assert!(waiting.iter().all(|it| it.state == BlobState::Here && it.upload.is_some()), "{waiting:?}");

    server.start();
    let seen = until_attachment(&amir, id, |it| it.name == "trace.bin" && is_here(it));
    assert_eq!((seen.size_bytes, seen.author.name.as_str()), (700_000, "Carla"));
    let log = until_attachment(&amir, id, |it| it.name == "a_b\u{202e}.log" && is_here(it));
    let folder = amir.home().join("saved");
    fs::create_dir(&folder).unwrap();
    let folder = folder.to_str().unwrap();
    let saved = amir.assist_ok(["attachment", "save", id, "trace.bin", "-o", folder]);
    assert_eq!(fs::read(saved.trim()).unwrap(), bytes);
    let again = amir.assist_ok(["attachment", "save", id, "trace.bin", "-o", folder]);
    assert!(again.trim().ends_with("trace (2).bin"), "nothing is overwritten: {again}");
    let all = amir.assist_ok(["attachment", "save", id, "--all", "-o", folder]);
    assert!(all.contains("a_b_.log"), "{all}");
    let shown = amir.assist_ok(["attachment", "save", id, &log.blob, "-o", "-"]);
    assert_eq!(shown, "from a pipe", "the bytes themselves");
    refused(&amir.assist(["attachment", "save", id, "other.bin"]), 3, "no attachment");
}
