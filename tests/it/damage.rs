//! Disks that forget: a document that cannot be read disturbs nobody else, and comes back from those who have it.

use std::fs;
use std::path::Path;

use assist_proto::api::{daemon, note, sync, ticket, user};
use assist_proto::client::Client;
use assist_tests::process::{DaemonProcess, assistd, run};
use redb::{Database, ReadableDatabase as _, ReadableTable as _, TableDefinition};

const PACKS: TableDefinition<'static, &'static [u8], &'static [u8]> = TableDefinition::new("packs");

/// Flips a bit of every document that a stopped daemon keeps.
fn damage_all_documents(home: &Path) {
    let database = Database::open(home.join("store.redb")).unwrap();
    let sealed: Vec<(Vec<u8>, Vec<u8>)> = {
        let packs = database.begin_read().unwrap().open_table(PACKS).unwrap();
        packs
            .iter()
            .unwrap()
            .map(Result::unwrap)
            .map(|(key, value)| (key.value().to_vec(), value.value().to_vec()))
            .collect()
    };
    assert!(!sealed.is_empty(), "nothing is kept there");
    let write = database.begin_write().unwrap();
    {
        let mut packs = write.open_table(PACKS).unwrap();
        for (key, mut value) in sealed {
            let middle = value.len() / 2;
            value[middle] ^= 4;
            packs.insert(key.as_slice(), value.as_slice()).unwrap();
        }
    }
    write.commit().unwrap();
}

fn member(server: &DaemonProcess, role: user::Role, name: &str) -> DaemonProcess {
    let device = DaemonProcess::device();
    device.join(server, role, name);
    device.until_connection(sync::ConnectionState::Online);
    device
}

/// What everybody sees of a ticket: the report, then the comments.
fn texts(client: &mut Client, ticket: &str) -> Option<Vec<String>> {
    let get = ticket::Get { ticket: ticket.into(), ..ticket::Get::default() };
    let ticket = client.call(&get).ok()?;
    Some([ticket.body].into_iter().chain(ticket.comments.into_iter().map(|comment| comment.body)).collect())
}

fn until_texts(device: &DaemonProcess, ticket: &str, wanted: &[&str]) {
    device.until(&format!("the texts {wanted:?}"), |client| {
        texts(client, ticket).filter(|found| found == wanted).map(drop)
    });
}

#[test]
fn server_sets_damaged_documents_aside_and_devices_bring_them_back() {
    let mut server = DaemonProcess::server("anvil");
    let carla = member(&server, user::Role::Customer, "Carla");
    let amir = member(&server, user::Role::Agent, "Amir");
    carla.assist_ok(["ticket", "new", "-t", "It hums", "-b", "Now.", "--wait=delivered"]);
    carla.assist_ok(["ticket", "new", "-t", "It smells", "-b", "Of smoke.", "--wait=delivered"]);
    amir.assist_ok(["ticket", "comment", "1", "-b", "Since when?", "--wait=delivered"]);
    amir.assist_ok(["note", "add", "1", "-b", "Not a word of this."]);
    amir.until_sent();

    server.stop();
    damage_all_documents(server.home());
    let verified = run(assistd(server.home()).args(["server", "verify"]), b"");
    assert_eq!(verified.code, Some(1), "{verified:?}");
    assert!(verified.stdout.contains("sets it aside and asks the devices"), "{verified:?}");

    // As after an unclean stop: what nobody touches is looked through as well.
    fs::remove_file(server.home().join("clean")).unwrap();
    server.start();
    carla.assist_ok(["ticket", "comment", "1", "-b", "Since noon.", "--wait=delivered"]);
    let scrubbed =
        |status: &daemon::DaemonStatus| status.scrub.as_ref().is_some_and(|scrub| scrub.problem_count > 0);
    server.until_called("a look at everything", &daemon::GetStatus {}, scrubbed);

    // Who comes only now has nothing but what the server has.
    let bob = member(&server, user::Role::Agent, "Bob");
    until_texts(&bob, "#1", &["Now.", "Since when?", "Since noon."]);
    until_texts(&bob, "#2", &["Of smoke."]);
    bob.until("the note", |client| {
        let list = note::List { ticket: "#1".into(), ..note::List::default() };
        client.call(&list).ok()?.notes.iter().any(|note| note.body == "Not a word of this.").then_some(())
    });
    bob.assist_ok(["ticket", "comment", "2", "-b", "Turn it off.", "--wait=delivered"]);
    until_texts(&carla, "#2", &["Of smoke.", "Turn it off."]);
    server.stop();
    let verified = run(assistd(server.home()).args(["server", "verify"]), b"");
    assert_eq!(verified.code, Some(0), "nothing is damaged any more: {verified:?}");
}

#[test]
fn device_fetches_damaged_documents_again_and_loses_nothing_of_its_own() {
    let mut server = DaemonProcess::server("anvil");
    let mut carla = member(&server, user::Role::Customer, "Carla");
    let amir = member(&server, user::Role::Agent, "Amir");
    carla.assist_ok(["ticket", "new", "-t", "It hums", "-b", "Now.", "--wait=delivered"]);
    amir.assist_ok(["ticket", "comment", "1", "-b", "Since when?", "--wait=delivered"]);
    server.stop();
    carla.assist_ok(["ticket", "comment", "1", "-b", "Since noon."]);

    carla.stop();
    damage_all_documents(carla.home());
    carla.start();
    let shown = carla.assist(["ticket", "show", "1"]);
    assert_eq!(shown.code, Some(1), "{shown:?}");
    // It is listed, and says that it is on its way.
    carla.until("the list", |client| {
        let page = client.call(&ticket::List::default()).ok()?;
        page.tickets.iter().any(|row| row.title == "It hums").then_some(())
    });
    let refused = carla.assist(["ticket", "comment", "1", "-b", "Too early."]);
    assert_ne!(refused.code, Some(0), "{refused:?}");

    server.start();
    until_texts(&carla, "#1", &["Now.", "Since when?", "Since noon."]);
    until_texts(&amir, "#1", &["Now.", "Since when?", "Since noon."]);
    carla.assist_ok(["ticket", "comment", "1", "-b", "It stopped.", "--wait=delivered"]);
    until_texts(&amir, "#1", &["Now.", "Since when?", "Since noon.", "It stopped."]);
}
