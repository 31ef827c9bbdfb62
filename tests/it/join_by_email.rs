//! Joining by email with real programs: the mail is a file, the code in it lets a device in, and one of the team's
//! waits until another one of theirs approves it.

use std::path::PathBuf;

use assist_proto::api::{device, events, server, sync, user};
use assist_tests::process::{DaemonProcess, Finished, assist, private_folder, run, shell};
use serde_json::Value;

/// A server that mails into a folder.
struct Post {
    server: DaemonProcess,
    mails: PathBuf,
    /// Mails that were read, and how many of them before the server was started last.
    seen: u64,
    seen_before: u64,
}

impl Post {
    fn new() -> Self {
        let mut mails = PathBuf::new();
        let server = DaemonProcess::server_with("hero", "127.0.0.1:0", |home| {
            mails = home.join("mails");
            vec!["--mail-to-file".into(), mails.display().to_string()]
        });
        Self { server, mails, seen: 0, seen_before: 0 }
    }

    fn address(&self) -> String {
        self.server.call(&server::GetStatus {}).address
    }

    /// The next mail, in plain text as its reader sees it.
    fn next_mail(&mut self) -> String {
        self.seen += 1;
        let wanted = self.seen - self.seen_before;
        self.server.until_called("a mail", &server::GetStatus {}, |status| status.mail.sent_count >= wanted);
        let mail = std::fs::read_to_string(self.mails.join(format!("{:08}.eml", self.seen))).unwrap();
        mail.replace("=\r\n", "").replace("=3D", "=").replace("\r\n", "\n")
    }

    /// The code in the next mail, which must go to this address.
    fn next_code(&mut self, to: &str) -> String {
        let mail = self.next_mail();
        assert!(mail.contains(&format!("To: {to}\n")), "{mail}");
        let subject = mail.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap();
        let code = subject.split(' ').next().unwrap().to_owned();
        assert_eq!((code.len(), code.as_bytes()[4]), (9, b'-'), "{subject}");
        code
    }

    /// The link in the next mail.
    fn next_link(&mut self) -> String {
        let mail = self.next_mail();
        mail.lines().find(|line| line.starts_with("assist://")).unwrap_or_else(|| panic!("{mail}")).to_owned()
    }

    /// Has a code mailed for a device.
    fn request(&mut self, device: &DaemonProcess, email: &str, name: &str) -> String {
        let asked =
            device.assist(["project", "join", &self.address(), "--email", email, "--device-name", name]);
        assert_eq!((asked.code, asked.stdout.trim_end().len()), (Some(0), 52), "{asked:?}");
        self.next_code(email)
    }
}

fn rows(json: &str) -> Vec<Value> {
    serde_json::from_str(json).unwrap()
}

fn refused(finished: &Finished, code: i32, words: &str) {
    assert_eq!(finished.code, Some(code), "{finished:?}");
    assert!(finished.stderr.contains(words), "{finished:?}");
}

#[test]
fn customer_joins_with_nothing_but_an_address_and_an_email() {
    let mut post = Post::new();
    let mut laptop = DaemonProcess::device();
    refused(&laptop.assist(["project", "confirm", "0000-0000"]), 3, "no code was asked for");
    let code = post.request(&laptop, "carla@example.org", "laptop");
    // It holds over a restart of both.
    laptop.stop();
    laptop.start();
    post.server.kill();
    post.server.start();
    post.seen_before = post.seen;
    let pending = rows(&laptop.assist_ok(["project", "pending", "--json"]));
    assert_eq!((pending.len(), &pending[0]["email"]), (1, &Value::from("carla@example.org")));
    assert_eq!(laptop.assist_ok(["project", "pending"]).split('\t').count(), 8, "as docs/cli.md has it");
    refused(&laptop.assist(["project", "confirm", "0000-0000"]), 4, "wrong, used or expired");
    let typed = code.to_lowercase().replace('-', " ");
    let joined = laptop.assist_ok(["project", "confirm", &typed]);
    assert!(joined.trim_end().ends_with("\tjoined"), "{joined:?}");
    assert_eq!(laptop.assist_ok(["project", "pending"]), "");
    refused(&laptop.assist(["-P", "hero", "project", "confirm", &code]), 1, "joined already");
    let project = rows(&laptop.assist_ok(["project", "list", "--json"])).remove(0);
    assert_eq!((&project["role"], &project["device_name"]), (&"customer".into(), &"laptop".into()));
    laptop.assist_ok(["ticket", "new", "-t", "It hums", "-b", "", "--wait=server"]);

    // A further device is hers by her address alone, and she is told of it.
    let phone = DaemonProcess::device();
    let code = post.request(&phone, "carla@example.org", "phone");
    phone.assist_ok(["project", "confirm", &code]);
    let news = post.next_mail();
    assert!(news.contains("phone") && news.contains("was let in as yours"), "{news}");
    phone.until_connection(sync::ConnectionState::Online);
    let own = rows(&laptop.assist_ok(["device", "list", "--json=name,state,is_self"]));
    assert_eq!(own.len(), 2, "{own:?}");
    let log =
        std::fs::read_to_string(post.server.log()).unwrap() + &std::fs::read_to_string(phone.log()).unwrap();
    assert!(!log.contains(&code) && !log.contains(&code.replace('-', "")), "codes are no matter for logs");
}

#[test]
fn device_of_an_agent_waits_until_another_one_of_theirs_lets_it_in() {
    let mut post = Post::new();
    let laptop = DaemonProcess::device();
    let invite = server::Invite {
        role: user::Role::Agent,
        email: Some("amir@example.org".into()),
        name: Some("Amir".into()),
    };
    // Invited by address: the code that is mailed to it is enough.
    post.server.call(&invite);
    let code = post.request(&laptop, "amir@example.org", "laptop");
    laptop.assist_ok(["project", "confirm", &code]);
    assert_eq!(laptop.assist_ok(["project", "list", "--jsonl=role"]), "{\"role\":\"agent\"}\n");
    laptop.until_connection(sync::ConnectionState::Online);

    let phone = DaemonProcess::device();
    let mut told = laptop.client().events(None).unwrap();
    let code = post.request(&phone, "amir@example.org", "phone");
    let waits = phone.assist_ok(["project", "confirm", &code]);
    assert!(waits.trim_end().ends_with("\twaiting"), "{waits:?}");
    let is_told = |news: &events::News| match news {
        events::News::DeviceAdded { name, is_waiting, .. } => Some((name.clone(), *is_waiting)),
        _ => None,
    };
    let event = told.by_ref().find_map(|event| is_told(&event.unwrap().news)).unwrap();
    assert_eq!(event, ("phone".to_owned(), true));
    assert!(post.next_mail().contains("waits to be let in"));
    assert!(phone.assist_ok(["project", "confirm"]).ends_with("\twaiting\n"), "nobody looked yet");
    assert_eq!(phone.assist_ok(["project", "list"]), "");

    let stranger = DaemonProcess::device();
    stranger.join(&post.server, user::Role::Customer, "Mallory");
    stranger.until_connection(sync::ConnectionState::Online);
    let id = phone.call(&assist_proto::api::project::ListPending {}).joins[0].device.clone();
    refused(&stranger.assist(["device", "approve", &id]), 3, "no such device");

    let listed = rows(&laptop.assist_ok(["device", "list", "--json=id,state"]));
    assert_eq!(listed[0], serde_json::json!({ "id": id, "state": "waiting" }), "what waits comes first");
    laptop.assist_ok(["device", "approve", &id[..8]]);
    assert!(phone.assist_ok(["project", "confirm"]).ends_with("\tjoined\n"));
    phone.until_connection(sync::ConnectionState::Online);
    refused(&laptop.assist(["device", "approve", &id]), 3, "no such device waits");

    // One that is turned away has to begin anew.
    let tablet = DaemonProcess::device();
    let code = post.request(&tablet, "amir@example.org", "tablet");
    tablet.assist_ok(["project", "confirm", &code]);
    laptop.assist_ok(["device", "reject", "tablet"]);
    refused(&tablet.assist(["project", "confirm"]), 4, "have a new one mailed");
    refused(&tablet.assist(["project", "confirm"]), 3, "no code was asked for");

    laptop.assist_ok(["device", "revoke", "phone"]);
    phone.until_connection(sync::ConnectionState::Refused);
    let states = laptop.call(&device::List::default()).devices;
    assert_eq!(states.iter().filter(|it| it.state == device::DeviceState::Revoked).count(), 1);
}

#[test]
fn mailed_link_lets_the_device_in_that_asked_wherever_it_is_opened() {
    let mut post = Post::new();
    let (laptop, phone) = (DaemonProcess::device(), DaemonProcess::device());
    let join = ["project", "join", &post.address(), "--email", "carla@example.org"];
    laptop.assist_ok(join);
    let link = post.next_link();
    // The mail is read on the phone: the phone does not get in, and without what the laptop shows nobody does.
    refused(&phone.assist(["open", &link]), 2, "four characters");
    let check = laptop.call(&assist_proto::api::project::ListPending {}).joins.remove(0).check;
    let wrong = if check == "0000" { "1111" } else { "0000" };
    refused(&phone.assist(["open", &link, "--check", wrong]), 4, "wrong, used or expired");
    assert!(phone.assist_ok(["open", &link, "--check", &check]).starts_with("other_joined\t"));
    refused(&phone.assist(["open", &link, "--check", &check]), 4, "wrong, used or expired");
    assert_eq!(phone.assist_ok(["project", "list"]), "");
    assert!(laptop.assist_ok(["project", "confirm"]).ends_with("\tjoined\n"));

    // Read on the device that asked, it is enough by itself. A link with less than all of it says so.
    phone.assist_ok(join);
    let link = post.next_link();
    refused(&phone.assist(["open", link.split("&code").next().unwrap()]), 2, "copy all of it");
    assert!(phone.assist_ok(["open", &link]).starts_with("joined\t"));
    assert!(phone.assist_ok(["open", &post.address()]).starts_with("already_joined\t"));
    let stranger = DaemonProcess::device();
    assert!(stranger.assist_ok(["open", &post.address()]).starts_with("not_joined\t"));
    assert_eq!(stranger.assist_ok(["project", "pending"]), "", "a link by itself asks for nothing");
}

#[test]
fn desktop_entry_is_written_where_desktops_look() {
    let home = private_folder();
    let data = home.path().join("data");
    let mut command = assist(home.path());
    let installed = run(command.args(["open", "--install"]).env("XDG_DATA_HOME", &data), b"");
    assert_eq!(installed.code, Some(0), "{installed:?}");
    let path = data.join("applications/hero-assistance-links.desktop");
    assert_eq!(installed.stdout.trim_end(), path.display().to_string());
    let entry = std::fs::read_to_string(path).unwrap();
    let exec = entry.lines().find_map(|line| line.strip_prefix("Exec=")).unwrap();
    // What the desktop would run, on a link that leads to nothing known.
    let line = exec.replace("%u", "assist://nowhere");
    let mut command = shell(home.path(), home.path(), &line);
    let ran = run(command.env("ASSIST_HOME", home.path()), b"\n");
    assert!(ran.stderr.contains("no project") && ran.stderr.contains("Press Enter"), "{ran:?}");
    run(assist(home.path()).args(["daemon", "stop"]), b"");
}

#[test]
fn requests_that_were_not_meant_are_dropped_and_servers_without_mail_say_so() {
    let mut post = Post::new();
    let device = DaemonProcess::device();
    post.request(&device, "carla@example.org", "laptop");
    device.assist_ok(["project", "leave", "hero"]);
    assert_eq!(device.assist_ok(["project", "pending"]), "");
    let silent = DaemonProcess::server("silent");
    let address = silent.call(&server::GetStatus {}).address;
    let asked = device.assist(["project", "join", &address, "--email", "carla@example.org"]);
    refused(&asked, 1, "this server sends no mail");
    let log = std::fs::read_to_string(silent.log()).unwrap();
    assert!(log.contains("can send no mail"), "{log}");
}
