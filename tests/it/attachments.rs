//! Attachments with real programs: attached offline, sent behind the text, fetched, saved; and who may not have them.

use std::fs;
use std::path::Path;
use std::time::Duration;

use assist_proto::api::attachment::{AttachmentState, BlobState, Fetch, List};
use assist_proto::api::{sync, user};
use assist_proto::limits::PIECE_BYTES;
use assist_tests::process::{DaemonProcess, Finished};
use assist_tests::udp_relay::Line;

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

/// Bytes of whatever is unfinished in a daemon's folder of blobs.
fn unfinished_bytes(device: &DaemonProcess) -> u64 {
    let files = fs::read_dir(device.home().join("blobs/partial")).unwrap().filter_map(Result::ok);
    files.filter_map(|file| file.metadata().ok()).map(|metadata| metadata.len()).sum()
}

/// Slow enough that a file takes seconds: whoever is killed when a part of it has come has not got all of it, however busy
/// the machine is.
const SLOW: Line =
    Line { delay: Duration::from_millis(25), jitter: Duration::ZERO, lost_percent: 0, doubled_percent: 0 };

fn until_unfinished(device: &DaemonProcess, home: &DaemonProcess) {
    device.until_called("a part of the file", &sync::GetStatus::default(), |_| {
        unfinished_bytes(home) > 4 << 20
    });
}

/// What of it need not come again.
fn whole_pieces(device: &DaemonProcess) -> u64 {
    unfinished_bytes(device) / PIECE_BYTES as u64 * PIECE_BYTES as u64
}

/// Waits until the attachment moves, and sees that nothing comes anew that had come.
fn goes_on_from(device: &DaemonProcess, ticket: &str, held: u64) {
    let moved = |it: &AttachmentState| {
        let sent = it.upload.as_ref().and_then(|upload| upload.sent_bytes);
        sent.or(it.fetched_bytes).filter(|bytes| *bytes > 0)
    };
    let is_over = |it: &AttachmentState| it.state == BlobState::Here && it.upload.is_none();
    let seen = until_attachment(device, ticket, |it| moved(it).is_some() || is_over(it));
    assert!(is_over(&seen) || moved(&seen) >= Some(held), "{held} bytes had come: {seen:?}");
}

#[test]
fn large_file_survives_kills_of_the_server_and_of_both_devices() {
    let mut server = DaemonProcess::server("hero");
    let line = server.behind(SLOW, 1);
    let (mut carla, mut amir) = (DaemonProcess::device(), DaemonProcess::device());
    carla.join_over(&line, &server, user::Role::Customer, "Carla");
    amir.join_over(&line, &server, user::Role::Agent, "Amir");
    let bytes = noise(90 << 20);
    let path = file_of(carla.home(), "recording.mp4", &bytes);
    let filed = carla.assist_ok(["ticket", "new", "-t", "It hums", "-b", "See.", "--attach", &path]);
    let id = filed.trim();
    fs::remove_file(&path).unwrap();
    until_unfinished(&carla, &server);
    server.kill();
    let held = whole_pieces(&server);
    server.start();
    goes_on_from(&carla, id, held);
    until_unfinished(&carla, &server);
    carla.kill();
    let held = whole_pieces(&server);
    carla.start();
    goes_on_from(&carla, id, held);
    until_attachment(&carla, id, is_here);

    let seen = until_attachment(&amir, id, |it| it.state == BlobState::OnServer);
    amir.call(&Fetch { project: None, ticket: id.into(), blob: seen.blob });
    until_unfinished(&amir, &amir);
    amir.kill();
    let held = whole_pieces(&amir);
    assert!(held >= 4 << 20, "what had come is still there");
    amir.start();
    goes_on_from(&amir, id, held);
    let folder = amir.home().to_str().unwrap().to_owned();
    let saved = amir.assist_ok(["attachment", "save", id, "recording.mp4", "-o", &folder]);
    assert!(fs::read(saved.trim()).unwrap() == bytes, "to the byte");
    for device in [&server, &carla, &amir] {
        assert_eq!(unfinished_bytes(device), 0);
    }
}

#[test]
fn file_over_the_servers_limit_is_refused_with_the_limit() {
    let server = DaemonProcess::server_with("hero", "127.0.0.1:0", |home| {
        fs::write(home.join("config.toml"), "[attachments]\nmax_mib = 1\n").unwrap();
        Vec::new()
    });
    let carla = member(&server, user::Role::Customer, "Carla");
    let path = file_of(carla.home(), "large.bin", &noise((1 << 20) + 1));
    let filed = carla.assist_ok(["ticket", "new", "-t", "It hums", "-b", "All day."]);
    refused(&carla.assist(["ticket", "comment", filed.trim(), "--attach", &path]), 1, "over 1 MiB");
    assert_eq!(listed(&carla, filed.trim()), []);
    let path = file_of(carla.home(), "fits.bin", &noise(1 << 20));
    carla.assist_ok(["ticket", "comment", filed.trim(), "--attach", &path, "--wait"]);
    until_attachment(&carla, filed.trim(), is_here);
}

/// Whether any file in a folder holds the text.
fn holds(folder: &Path, text: &[u8]) -> bool {
    fs::read_dir(folder).unwrap().filter_map(Result::ok).any(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => holds(&entry.path(), text),
        Ok(kind) if kind.is_file() => {
            let bytes = fs::read(entry.path()).unwrap_or_default();
            bytes.windows(text.len()).any(|window| window == text)
        }
        _ => false,
    })
}

#[test]
fn files_of_notes_and_of_other_customers_never_reach_a_customer() {
    let server = DaemonProcess::server("hero");
    let carla = member(&server, user::Role::Customer, "Carla");
    let bob = member(&server, user::Role::Customer, "Bob");
    let amir = member(&server, user::Role::Agent, "Amir");
    let dave = member(&server, user::Role::Agent, "Dave");
    let filed = carla.assist_ok(["ticket", "new", "-t", "It hums", "-b", "All day.", "--wait=delivered"]);
    let id = filed.trim();
    let secret = b"canary: only the team reads this";
    let noted =
        amir.assist_with_input(["note", "add", id, "--attach", "-", "--name", "n.txt", "--wait"], secret);
    assert_eq!(noted.code, Some(0), "{noted:?}");
    let note = until_attachment(&dave, id, is_here);
    assert!(note.is_note && holds(&dave.home().join("blobs"), secret));

    let private = b"canary: only Carla and the team read this";
    let said = ["ticket", "comment", id, "--attach", "-", "--name", "c.txt", "--wait=delivered"];
    assert_eq!(carla.assist_with_input(said, private).code, Some(0));
    until_attachment(&dave, id, |it| it.name == "c.txt" && is_here(it));
    let names: Vec<String> = listed(&carla, id).into_iter().map(|it| it.name).collect();
    assert_eq!(names, ["c.txt"], "a customer is not told that there is another");
    refused(&carla.assist(["attachment", "save", id, &note.blob]), 3, "no attachment");
    refused(&bob.assist(["attachment", "save", id, "c.txt"]), 3, "no ticket");
    // Who knows a hash knows nothing: what is not here is not given, and nothing names it that could bring it.
    let shown = until_attachment(&dave, id, |it| it.name == "c.txt" && is_here(it));
    for blob in [&note.blob, &shown.blob] {
        assert!(bob.client().get_blob(blob, Vec::new()).is_err());
        let blob = blob.clone();
        assert!(bob.client().call(&Fetch { project: None, ticket: id.into(), blob }).is_err());
    }
    assert!(carla.client().get_blob(&note.blob, Vec::new()).is_err());
    assert!(!holds(&carla.home().join("blobs"), secret));
    assert!(!holds(&bob.home().join("blobs"), secret) && !holds(&bob.home().join("blobs"), private));
}
