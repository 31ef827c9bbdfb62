//! Against a bus of the test's own, with somebody on it who shows notifications as a desktop does.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use assist_proto::api::events::Reason;
use assist_proto::api::ticket::TicketRef;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::bus::Bus;
use super::words::{self, Shown};

/// A bus that ends with the test.
struct TestBus {
    process: Child,
    address: String,
}

impl TestBus {
    /// `None` where there is no bus to be had; then it says so.
    fn start() -> Option<Self> {
        let mut command = std::process::Command::new("dbus-daemon");
        command.args(["--session", "--nofork", "--print-address"]).stdout(Stdio::piped());
        let Ok(mut process) = command.spawn() else {
            println!("not run: there is no dbus-daemon on this machine");
            return None;
        };
        let mut address = String::new();
        BufReader::new(process.stdout.take()?).read_line(&mut address).ok()?;
        Some(Self { process, address: address.trim().to_owned() })
    }
}

impl Drop for TestBus {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// What a screen was told.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    Notify { replaced: u32, summary: String, body: String, actions: Vec<String> },
    Close(u32),
}

struct Screen {
    told: mpsc::UnboundedSender<Told>,
    capabilities: &'static [&'static str],
    last: u32,
}

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Screen {
    fn get_capabilities(&self) -> Vec<String> {
        self.capabilities.iter().map(|capability| (*capability).to_owned()).collect()
    }

    #[expect(clippy::too_many_arguments, reason = "the specification has them")]
    fn notify(
        &mut self,
        _app_name: String,
        replaced: u32,
        _icon: String,
        summary: String,
        body: String,
        actions: Vec<String>,
        _hints: std::collections::HashMap<String, zbus::zvariant::OwnedValue>,
        _timeout: i32,
    ) -> u32 {
        self.told.send(Told::Notify { replaced, summary, body, actions }).unwrap();
        self.last += 1;
        if replaced > 0 { replaced } else { self.last }
    }

    fn close_notification(&self, number: u32) {
        self.told.send(Told::Close(number)).unwrap();
    }

    #[zbus(signal)]
    async fn action_invoked(
        emitter: &zbus::object_server::SignalEmitter<'_>,
        number: u32,
        action: &str,
    ) -> zbus::Result<()>;
}

async fn screen(
    bus: &TestBus,
    capabilities: &'static [&'static str],
) -> (zbus::Connection, mpsc::UnboundedReceiver<Told>) {
    let (told, heard) = mpsc::unbounded_channel();
    let connection = zbus::connection::Builder::address(bus.address.as_str())
        .unwrap()
        .name("org.freedesktop.Notifications")
        .unwrap()
        .serve_at("/org/freedesktop/Notifications", Screen { told, capabilities, last: 0 })
        .unwrap();
    (connection.build().await.unwrap(), heard)
}

fn ticket() -> TicketRef {
    TicketRef {
        project: String::new(),
        id: String::new(),
        short_id: "k7q2".to_owned(),
        number: Some(142),
        title: "It <b>flaps</b>".to_owned(),
    }
}

#[tokio::test]
async fn notification_is_shown_replaced_clicked_and_taken_away() {
    let Some(test_bus) = TestBus::start() else { return };
    let (screen, mut heard) = screen(&test_bus, &["actions", "body-markup"]).await;
    let mut bus = Bus::at(&test_bus.address);
    let shown = words::of(&ticket(), Reason::Reply, false, Some("Arno"), Some("Since <when> & why?"));
    let number = bus.show(None, &shown).await.unwrap();
    let told = |replaced: u32| Told::Notify {
        replaced,
        summary: "Arno answered".to_owned(),
        body: "#142 It &lt;b&gt;flaps&lt;/b&gt;\nSince &lt;when&gt; &amp; why?".to_owned(),
        actions: vec!["default".to_owned(), "Open".to_owned()],
    };
    assert_eq!(heard.recv().await, Some(told(0)));
    assert_eq!(bus.show(Some(number), &shown).await, Some(number));
    assert_eq!(heard.recv().await, Some(told(number)));

    let emitter = zbus::object_server::SignalEmitter::new(&screen, "/org/freedesktop/Notifications").unwrap();
    Screen::action_invoked(&emitter, number, "default").await.unwrap();
    let clicked = timeout(super::limits::BUS_PATIENCE, bus.clicked()).await;
    assert_eq!(clicked, Ok(number));

    bus.close(number).await;
    assert_eq!(heard.recv().await, Some(Told::Close(number)));
}

#[tokio::test]
async fn desktop_that_takes_plain_text_gets_plain_text() {
    let Some(test_bus) = TestBus::start() else { return };
    let (_screen, mut heard) = screen(&test_bus, &["body"]).await;
    let mut bus = Bus::at(&test_bus.address);
    let shown = words::of(&ticket(), Reason::Resurfaced, false, None, None);
    bus.show(None, &shown).await.unwrap();
    let Some(Told::Notify { body, actions, .. }) = heard.recv().await else { panic!() };
    assert_eq!((body.as_str(), actions.len()), ("#142 It <b>flaps</b>", 0));
}

#[tokio::test]
async fn without_a_bus_or_a_screen_nothing_is_shown_and_nothing_fails() {
    let mut nowhere = Bus::at("unix:path=/nonexistent/bus");
    let shown = Shown { summary: "Arno answered".to_owned(), body: String::new() };
    assert_eq!(nowhere.show(None, &shown).await, None);
    nowhere.close(1).await;
    let Some(test_bus) = TestBus::start() else { return };
    assert_eq!(Bus::at(&test_bus.address).show(None, &shown).await, None, "nobody shows anything there");
}

#[test]
fn words_say_who_did_what_and_nothing_harmful() {
    let of = |reason, is_note| words::of(&ticket(), reason, is_note, Some("Ar\u{202e}no"), None).summary;
    assert_eq!(of(Reason::Mentioned, false), "Ar<U+202E>no mentioned you");
    assert_eq!(of(Reason::Mentioned, true), "Ar<U+202E>no mentioned you in a note");
    assert_eq!(of(Reason::Assigned, false), "Ar<U+202E>no gave you a ticket");
    let unnumbered = TicketRef { number: None, ..ticket() };
    assert_eq!(words::of(&unnumbered, Reason::Reply, false, None, Some("")).body, "k7q2 It <b>flaps</b>");
    assert_eq!(words::of_many(12).summary, "12 tickets have news for you");
}
