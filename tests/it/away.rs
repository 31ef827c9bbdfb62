//! Who is away, with real programs: one mail for all that is new, of what is theirs to see, and what their desktop shows
//! while they are there is theirs to choose.

use std::path::{Path, PathBuf};

use assist_proto::api::{server, sync, ticket, user};
use assist_tests::process::{DaemonProcess, Finished};

/// A server that mails into a folder whoever is away for five seconds.
fn post() -> (DaemonProcess, PathBuf) {
    let mut mails = PathBuf::new();
    let server = DaemonProcess::server_with("hero", "127.0.0.1:0", |home| {
        std::fs::write(home.join("config.toml"), "[mail]\ndigest_after_secs = 5\n").unwrap();
        mails = home.join("mails");
        vec!["--mail-to-file".into(), mails.display().to_string()]
    });
    (server, mails)
}

/// Somebody with an address.
fn member(server: &DaemonProcess, role: user::Role, name: &str) -> DaemonProcess {
    let device = DaemonProcess::device();
    let invitation = server.invite(role);
    let email = format!("{}@example.org", name.to_lowercase());
    let (address, code) = (invitation.address.as_str(), invitation.code.as_str());
    device.assist_ok(["project", "join", address, "--code", code, "--name", name, "--email", &email]);
    device.until_connection(sync::ConnectionState::Online);
    device
}

fn mails_in(folder: &Path) -> Vec<String> {
    let Ok(files) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    let read = |path: &PathBuf| std::fs::read_to_string(path).unwrap();
    paths
        .iter()
        .map(|path| read(path).replace("=\r\n", "").replace("=3D", "=").replace("\r\n", "\n"))
        .collect()
}

#[test]
fn who_is_away_gets_one_mail_in_the_thread_of_the_ticket_and_who_wants_none_gets_none() {
    let (server, mails) = post();
    let amir = member(&server, user::Role::Agent, "Amir");
    let mut carla = member(&server, user::Role::Customer, "Carla");
    let mut dora = member(&server, user::Role::Customer, "Dora");
    let settings = dora.assist_ok(["user", "settings", "--mails", "off"]);
    assert!(settings.contains("mails\toff\n"), "{settings}");
    // What was said first is with the server when this is.
    let hums = carla.assist_ok(["ticket", "new", "-t", "It hums", "-b", "All day.", "--wait=server"]);
    let leaks = dora.assist_ok(["ticket", "new", "-t", "It leaks", "-b", "Oil.", "--wait=server"]);
    let (hums, leaks) = (hums.trim(), leaks.trim());
    carla.stop();
    dora.stop();
    for (ticket, text) in [(leaks, "Which oil?"), (hums, "At night, too?"), (hums, "Which version?")] {
        amir.until("the ticket", |client| {
            client.call(&ticket::Get { ticket: ticket.into(), ..ticket::Get::default() }).ok()
        });
        amir.assist_ok(["ticket", "comment", ticket, "-b", text, "--wait=server"]);
    }
    amir.assist_ok(["note", "add", hums, "-b", "@Carla is in a hurry.", "--wait=server"]);

    let sent = |count: u64| {
        let wanted = move |status: &server::ServerStatus| status.mail.sent_count >= count;
        server.until_called("a mail", &server::GetStatus {}, wanted);
        mails_in(&mails)
    };
    let all = sent(1);
    let [only] = all.as_slice() else { panic!("{all:?}") };
    for words in [
        "To: carla@example.org\n",
        "Subject: [hero] #1 It hums\n",
        "\n> At night, too?\n",
        "\n> Which version?\n",
    ] {
        assert!(only.contains(words), "{words:?} in {only}");
    }
    let header = |mail: &str, name: &str| {
        mail.lines().find_map(|line| line.strip_prefix(name).map(str::to_owned)).unwrap()
    };
    let thread = header(only, "In-Reply-To: ");
    assert!(thread.contains(hums) && header(only, "References: ") == thread, "{thread}");
    assert!(!only.contains("hurry"), "a note in a mail to a customer: {only}");

    // Being there begins anew; the next mail of the ticket is in the same thread, and tells nothing again.
    carla.start();
    carla.until_connection(sync::ConnectionState::Online);
    carla.stop();
    amir.assist_ok(["ticket", "comment", hums, "-b", "Found it.", "--wait=server"]);
    let all = sent(2);
    assert_eq!(all.len(), 2, "{all:?}");
    assert!(all[1].contains("Found it.") && !all[1].contains("At night"), "{}", all[1]);
    assert_eq!(header(&all[1], "In-Reply-To: "), thread);
    assert_ne!(header(&all[1], "Message-ID: "), header(&all[0], "Message-ID: "));
    assert!(all.iter().all(|mail| !mail.contains("oil?")), "Dora wants none: {all:?}");
}

#[test]
fn what_the_desktop_shows_is_chosen_for_each_project() {
    let (server, _) = post();
    let mut amir = member(&server, user::Role::Agent, "Amir");
    let facts = |printed: &str| printed.lines().map(str::to_owned).collect::<Vec<_>>();
    let before = facts(&amir.assist_ok(["user", "settings"]));
    assert_eq!(before, ["read_marks\ton", "mails\ton", "desktop\tall", "quiet_hours\tnone"]);
    let changed =
        amir.assist_ok(["user", "settings", "--desktop", "mentions", "--quiet-hours", "22:00-7:00"]);
    assert_eq!(facts(&changed)[2..], ["desktop\tmentions", "quiet_hours\t22:00-07:00"]);
    amir.kill();
    amir.start();
    assert_eq!(facts(&amir.assist_ok(["user", "settings"]))[2..], facts(&changed)[2..]);
    let never = amir.assist_ok(["user", "settings", "--quiet-hours", "none", "--desktop", "off"]);
    assert_eq!(facts(&never)[2..], ["desktop\toff", "quiet_hours\tnone"]);
    let Finished { code, stderr, .. } = amir.assist(["user", "settings", "--quiet-hours", "at night"]);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("22:00-07:00"), "{stderr}");
}
