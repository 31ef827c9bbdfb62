//! Mail of a real server process, through relays that behave and relays that do not, and its configuration.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use assist_proto::api::server::{self, MailRoute};
use assist_tests::process::{DaemonProcess, assistd, private_folder, run};
use assist_tests::smtp::{Protection, SmtpServer, Step, authority_pem, relay_pem};

/// Any port on loopback.
const ANYWHERE: &str = "127.0.0.1:0";

/// A server whose configuration file names the relay.
fn server_with_relay(port: u16, security: &str, more: &str) -> DaemonProcess {
    DaemonProcess::server_with("hero", ANYWHERE, |home| {
        let text = format!(
            "[mail]\nfrom = 'support@example.org'\nfrom_name = 'Hero Support'\n\
             [mail.relay]\nhost = 'localhost'\nport = {port}\nsecurity = '{security}'\n{more}"
        );
        private_file(&home.join("config.toml"), &text);
        Vec::new()
    })
}

fn ca_file() -> String {
    format!("ca_file = '{}'\n", authority_pem().display())
}

fn private_file(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn try_mail(server: &DaemonProcess) -> server::MailTried {
    server.call(&server::Mail { to: "amir@example.org".into() })
}

fn mail_status(server: &DaemonProcess) -> server::MailStatus {
    server.call(&server::GetStatus {}).mail
}

#[test]
fn mail_goes_through_starttls_with_a_login() {
    let relay = SmtpServer::start(Protection::StartTls, []);
    let login = "username = 'hero'\npassword_file = 'relay.secret'\n";
    let server = DaemonProcess::server_with("hero", ANYWHERE, |home| {
        private_file(&home.join("relay.secret"), "hunter2\n");
        let text = format!(
            "[mail]\nfrom = 'support@example.org'\n\
             [mail.relay]\nhost = 'localhost'\nport = {}\n{login}{}",
            relay.port(),
            ca_file()
        );
        private_file(&home.join("config.toml"), &text);
        Vec::new()
    });
    server.assist_ok(["server", "mail", "amir@example.org"]);
    let mails = relay.until_mails(1);
    let mail = &mails[0];
    assert!(mail.is_encrypted);
    // NUL, "hero", NUL, "hunter2" in base 64.
    assert_eq!(mail.login.as_deref(), Some("AGhlcm8AaHVudGVyMg=="));
    assert_eq!(
        (mail.from.as_str(), mail.to.as_slice()),
        ("support@example.org", &["amir@example.org".to_owned()][..])
    );
    assert!(mail.message.contains("Subject: A trial mail of hero"), "{}", mail.message);
    let status = mail_status(&server);
    assert_eq!((status.route, status.sent_count, status.failed_count), (MailRoute::Relay, 1, 0));
    let log = fs::read_to_string(server.log()).unwrap();
    assert!(!log.contains("hunter2"), "{log}");
}

#[test]
fn mail_goes_through_tls_from_the_start_and_through_plain_on_this_machine() {
    for (protection, security, more) in
        [(Protection::Tls, "tls", ca_file()), (Protection::None, "plain", String::new())]
    {
        let relay = SmtpServer::start(protection, []);
        let server = server_with_relay(relay.port(), security, &more);
        assert_eq!(try_mail(&server).failure, None);
        let mails = relay.until_mails(1);
        assert_eq!(mails[0].is_encrypted, protection == Protection::Tls);
        assert!(
            mails[0].message.contains("From: \"Hero Support\" <support@example.org>"),
            "{}",
            mails[0].message
        );
    }
}

#[test]
fn relay_that_is_busy_twice_gets_the_mail_at_the_third_attempt() {
    let relay = SmtpServer::start(Protection::None, [Step::Busy, Step::Busy]);
    let server = server_with_relay(relay.port(), "plain", "");
    let tried = server.assist(["server", "mail", "amir@example.org"]);
    assert_eq!(tried.code, Some(1), "{tried:?}");
    assert!(tried.stderr.contains("451") && tried.stderr.contains("server status"), "{tried:?}");
    assert_eq!(relay.until_mails(1).len(), 1);
    assert_eq!(relay.connections(), 3);
    assert_eq!(mail_status(&server).failed_count, 0);
}

#[test]
fn relay_that_hangs_holds_up_neither_other_mail_nor_the_server() {
    let relay = SmtpServer::start(Protection::None, [Step::Hang]);
    let mut server = server_with_relay(relay.port(), "plain", "");
    let mut client = server.client();
    let hanging = std::thread::spawn(move || client.call(&server::Mail { to: "first@example.org".into() }));
    relay.until_connections(1);
    assert_eq!(try_mail(&server).failure, None);
    let mails = relay.until_mails(1);
    assert_eq!(mails[0].to, ["amir@example.org"]);
    assert_eq!(mail_status(&server).waiting_count, 1, "the first still hangs");
    server.stop();
    assert!(hanging.join().unwrap().is_err(), "whoever asked was told");
    let log = fs::read_to_string(server.log()).unwrap();
    assert!(log.contains("unsent mails"), "{log}");
}

#[test]
fn recipient_that_the_relay_refuses_is_not_tried_again() {
    let relay = SmtpServer::start(Protection::None, [Step::Refuse]);
    let server = server_with_relay(relay.port(), "plain", "");
    let failure = try_mail(&server).failure.unwrap();
    assert!(failure.contains("550") && failure.contains("nobody of that name"), "{failure}");
    let status = mail_status(&server);
    assert_eq!((status.waiting_count, status.failed_count, relay.connections()), (0, 1, 1));
    assert_eq!(status.last_failure, Some(failure));
}

#[test]
fn relay_that_cannot_prove_its_name_gets_no_mail() {
    let relay = SmtpServer::start(Protection::StartTls, []);
    // The system's authorities do not know it.
    let server = server_with_relay(relay.port(), "starttls", "");
    let failure = try_mail(&server).failure.unwrap();
    assert!(failure.contains("certificate"), "{failure}");
    // A relay that does not offer TLS gets nothing either.
    let stripped = SmtpServer::start(Protection::None, []);
    let server = server_with_relay(stripped.port(), "starttls", &ca_file());
    assert!(try_mail(&server).failure.is_some());
    assert!(stripped.until_mails(0).is_empty() && relay.until_mails(0).is_empty());
}

#[test]
fn mails_for_a_trial_are_files() {
    let mut mails = PathBuf::new();
    let server = DaemonProcess::server_with("hero", ANYWHERE, |home| {
        mails = home.join("mails");
        vec!["--mail-to-file".into(), mails.display().to_string()]
    });
    let tried = try_mail(&server);
    assert_eq!((tried.route, tried.failure), (MailRoute::Folder, None));
    let text = fs::read_to_string(mails.join("00000001.eml")).unwrap();
    assert!(text.contains("To: amir@example.org"), "{text}");
    let log = fs::read_to_string(server.log()).unwrap();
    assert!(log.contains("nothing is sent"), "{log}");
}

#[test]
fn server_without_a_relay_says_so_at_start_and_when_asked() {
    let server = DaemonProcess::server("hero");
    let log = fs::read_to_string(server.log()).unwrap();
    assert!(log.contains("can send no mail") && log.contains("--mail-to-file"), "{log}");
    let tried = server.assist(["server", "mail", "amir@example.org"]);
    assert_eq!(tried.code, Some(4), "{tried:?}");
    assert!(tried.stderr.contains("[mail.relay]"), "{tried:?}");
    let wrong = server.assist(["server", "mail", "amir"]);
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
}

#[test]
fn configuration_is_checked_before_anything_starts() {
    let home = private_folder();
    let config = home.path().join("config.toml");
    let check = || run(assistd(home.path()).args(["config", "check"]), b"");
    let template = run(assistd(home.path()).args(["config", "template"]), b"");
    private_file(&config, &template.stdout);
    assert_eq!(check().code, Some(0));
    private_file(&config, "[mail.relay]\npasswort = 'hunter2'\n");
    let refused = check();
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.stderr.contains("config.toml, line 2, column 1: unknown field `passwort`"),
        "{refused:?}"
    );
    assert!(!refused.stderr.contains("hunter2"), "{refused:?}");
    let started = run(assistd(home.path()).args(["server", "run", "--bind", "127.0.0.1:0"]), b"");
    assert_eq!((started.code, started.stderr.contains("passwort")), (Some(1), true), "{started:?}");
    private_file(&config, "[server]\nbind = '127.0.0.1:1'\n[mail]\nfrom = 'a@example.org'\n");
    let mut command = assistd(home.path());
    command.env("ASSIST_BIND", "127.0.0.1:2").env("ASSIST_MAIL_HOST", "smtp.example.org");
    let checked = run(command.args(["config", "check"]), b"");
    assert!(checked.stdout.contains("bind\t127.0.0.1:2\n"), "{checked:?}");
    assert!(
        checked.stdout.contains("mail_route\tthe relay smtp.example.org, port 587, starttls\n"),
        "{checked:?}"
    );
    let elsewhere = run(assistd(home.path()).args(["config", "check", "--config", "absent.toml"]), b"");
    assert!(elsewhere.stderr.contains("cannot read absent.toml"), "{elsewhere:?}");
}

/// The SMTP server of the Python world, if it is installed: see `.ci/run`.
struct Aiosmtpd {
    process: Child,
    port: u16,
    maildir: tempfile::TempDir,
}

impl Aiosmtpd {
    fn start() -> Option<Self> {
        let test = std::env::current_exe().unwrap();
        let python = test.ancestors().nth(3).unwrap().join("aiosmtpd/bin/python");
        if !python.exists() {
            // Not through the test's captured output: whoever reads the run is to know.
            let line = format!("NOT RUN against aiosmtpd: {} is not there\n", python.display());
            std::io::stderr().write_all(line.as_bytes()).unwrap();
            return None;
        }
        let maildir = private_folder();
        let (certificate, key) = relay_pem();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/smtp/aiosmtpd_relay.py");
        let mut process = Command::new(python)
            .args([script, certificate, key, maildir.path().join("mails")])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().parse().expect("its port once it listens");
        Some(Self { process, port, maildir })
    }
}

impl Drop for Aiosmtpd {
    fn drop(&mut self) {
        self.process.kill().ok(); // It may have ended by itself.
        self.process.wait().ok();
    }
}

#[test]
fn mail_goes_through_aiosmtpd_where_it_is_installed() {
    let Some(relay) = Aiosmtpd::start() else { return };
    let server = server_with_relay(relay.port, "starttls", &ca_file());
    assert_eq!(try_mail(&server).failure, None);
    let new = relay.maildir.path().join("mails/new");
    let mails: Vec<PathBuf> = fs::read_dir(new).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(mails.len(), 1);
    let text = fs::read_to_string(&mails[0]).unwrap();
    assert!(text.contains("Subject: A trial mail of hero"), "{text}");
    assert!(text.contains("X-RcptTo: amir@example.org"), "{text}");
}
