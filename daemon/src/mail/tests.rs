//! The queue under a scripted relay, with time that passes only when nobody has anything to do.

use std::collections::VecDeque;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use assist_crdt_model::UnixMillis;
use lettre::message::Message;
use tokio::time::{Instant, timeout};

use super::limits::*;
use super::worker::{PostError, pause};
use super::*;

/// What the relay does to the attempts, one after the other; it takes all after the last.
enum Step {
    Take,
    Busy,
    Refuse,
    Hang,
}

#[derive(Default)]
struct Script {
    steps: Mutex<VecDeque<Step>>,
    /// When each attempt was made, and its message.
    attempts: Mutex<Vec<(Instant, Vec<u8>)>>,
    under_way: AtomicUsize,
    under_way_max: AtomicUsize,
}

struct ScriptedPost(Arc<Script>);

impl Post for ScriptedPost {
    async fn post(&self, message: Arc<Message>) -> Result<(), PostError> {
        let script = &self.0;
        let count = script.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        script.under_way_max.fetch_max(count, Ordering::SeqCst);
        script.attempts.lock().unwrap().push((Instant::now(), message.formatted()));
        let step = script.steps.lock().unwrap().pop_front().unwrap_or(Step::Take);
        // An attempt takes its time.
        tokio::time::sleep(Duration::from_millis(10)).await;
        let outcome = match step {
            Step::Take => Ok(()),
            Step::Busy => Err(PostError::Later("451 come again".into())),
            Step::Refuse => Err(PostError::Never("550 nobody\r\nhere".into())),
            Step::Hang => std::future::pending().await,
        };
        script.under_way.fetch_sub(1, Ordering::SeqCst);
        outcome
    }
}

fn mailer(steps: impl IntoIterator<Item = Step>) -> (Mailer, Arc<Script>) {
    let script = Arc::new(Script { steps: Mutex::new(steps.into_iter().collect()), ..Script::default() });
    let sender = MailConfig::default().sender;
    (Mailer::with_post(RouteKind::Relay, &sender, ScriptedPost(Arc::clone(&script)), [7; 32]), script)
}

fn mail(to: &str, patience: Patience) -> OutgoingMail {
    let html = "<p>K7QM-29TD</p>".to_owned();
    OutgoingMail::new(to, None, "Your code", "K7QM-29TD\n".into(), html, UnixMillis(0), patience).unwrap()
}

/// Waits until nothing is held any more.
async fn until_empty(handle: &MailerHandle) {
    let empty = async {
        while handle.held() > 0 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(Duration::from_secs(48 * 3_600), empty).await.expect("the queue empties");
}

#[tokio::test(start_paused = true)]
async fn mail_is_sent_at_once() {
    let (mailer, script) = mailer([]);
    let handle = mailer.handle();
    let attempt = handle.send_watched(mail("amir@example.org", Patience::Code)).unwrap();
    assert_eq!(attempt.await, Ok(Ok(())));
    until_empty(&handle).await;
    assert_eq!(handle.report(), MailReport { sent: 1, ..MailReport::default() });
    let message = String::from_utf8(script.attempts.lock().unwrap()[0].1.clone()).unwrap();
    for part in [
        "From: hero-assistance@localhost\r\n",
        "To: amir@example.org\r\n",
        "Subject: Your code\r\n",
        "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\n",
        "Auto-Submitted: auto-generated\r\n",
        "Content-Type: multipart/alternative",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Type: text/html; charset=utf-8",
        "@localhost>\r\n",
    ] {
        assert!(message.contains(part), "{part:?} is missing in {message}");
    }
}

#[tokio::test(start_paused = true)]
async fn busy_relay_is_asked_again_with_the_same_message_after_longer_pauses() {
    let (mailer, script) = mailer([Step::Busy, Step::Busy, Step::Busy]);
    let handle = mailer.handle();
    let first = handle.send_watched(mail("amir@example.org", Patience::Code)).unwrap();
    assert_eq!(first.await, Ok(Err("451 come again".into())));
    until_empty(&handle).await;
    let report = handle.report();
    assert_eq!((report.sent, report.retried, report.failed), (1, 3, 0));
    let attempts = script.attempts.lock().unwrap();
    assert_eq!(attempts.len(), 4);
    assert!(attempts.iter().all(|(_, message)| *message == attempts[0].1));
    let pauses: Vec<Duration> = attempts.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    for (pause, doubled) in pauses.iter().zip([2, 4, 8]) {
        let whole = Duration::from_secs(doubled);
        let bounds = whole / 2..=whole * 3 / 2 + Duration::from_millis(50);
        assert!(bounds.contains(pause), "{pauses:?}");
    }
}

#[test]
fn pauses_grow_to_the_longest_and_are_spread() {
    let middle = u32::MAX / 2;
    let pauses: Vec<u64> =
        (1..=12).map(|attempts| pause(attempts, middle).as_secs_f64().round() as u64).collect();
    assert_eq!(pauses, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300]);
    assert_eq!(pause(1, 0), MAIL_RETRY_MIN / 2);
    assert_eq!(pause(u32::MAX, u32::MAX), MAIL_RETRY_MAX * 3 / 2);
}

#[tokio::test(start_paused = true)]
async fn mail_that_nobody_takes_is_given_up_after_its_time() {
    for (patience, most) in [(Patience::Code, MAIL_CODE_PATIENCE), (Patience::News, MAIL_NEWS_PATIENCE)] {
        let (mailer, script) = mailer((0..10_000).map(|_| Step::Busy));
        let handle = mailer.handle();
        let started = Instant::now();
        handle.send(mail("amir@example.org", patience)).unwrap();
        until_empty(&handle).await;
        let report = handle.report();
        assert_eq!((report.sent, report.failed), (0, 1));
        assert_eq!(report.last_failure.as_deref(), Some("451 come again"));
        let last = script.attempts.lock().unwrap().last().unwrap().0;
        assert!(last - started <= most, "not tried after its time");
        assert!(last - started >= most / 2, "tried for most of its time");
    }
}

#[tokio::test(start_paused = true)]
async fn refusal_is_final_and_its_words_are_kept_in_one_line() {
    let (mailer, script) = mailer([Step::Refuse]);
    let handle = mailer.handle();
    handle.send(mail("nobody@example.org", Patience::News)).unwrap();
    until_empty(&handle).await;
    let report = handle.report();
    assert_eq!((report.sent, report.retried, report.failed), (0, 0, 1));
    assert_eq!(report.last_failure.as_deref(), Some("550 nobodyhere"));
    assert_eq!(script.attempts.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn hanging_relay_holds_up_one_place_for_one_attempt() {
    let (mailer, script) = mailer([Step::Hang]);
    let handle = mailer.handle();
    for _ in 0..20 {
        handle.send(mail("amir@example.org", Patience::Code)).unwrap();
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!((handle.report().sent, handle.held()), (19, 1), "the others went past it");
    until_empty(&handle).await;
    let report = handle.report();
    assert_eq!((report.sent, report.retried), (20, 1));
    assert!(report.last_failure.unwrap().contains("did not answer in time"));
    assert!(script.under_way_max.load(Ordering::SeqCst) <= MAIL_UNDER_WAY_MAX);
}

#[tokio::test(start_paused = true)]
async fn full_queue_refuses_and_takes_again_when_there_is_room() {
    let (mailer, _script) = mailer((0..MAIL_UNDER_WAY_MAX).map(|_| Step::Hang));
    let handle = mailer.handle();
    // Nothing runs until this test waits: all of them are held.
    for _ in 0..MAIL_HELD_MAX {
        handle.send(mail("amir@example.org", Patience::Code)).unwrap();
    }
    assert_eq!(handle.send(mail("amir@example.org", Patience::Code)), Err(QueueError::Full));
    assert_eq!(handle.held(), MAIL_HELD_MAX);
    until_empty(&handle).await;
    assert_eq!(handle.send(mail("amir@example.org", Patience::Code)), Ok(()));
    until_empty(&handle).await;
    assert_eq!(handle.report().sent, MAIL_HELD_MAX as u64 + 1);
}

#[tokio::test(start_paused = true)]
async fn stopping_waits_for_what_is_under_way_but_not_for_ever() {
    let (mailer, script) = mailer([Step::Take, Step::Hang]);
    let handle = mailer.handle();
    for _ in 0..2 {
        handle.send(mail("amir@example.org", Patience::Code)).unwrap();
    }
    while script.under_way.load(Ordering::SeqCst) < 2 {
        tokio::task::yield_now().await;
    }
    let started = Instant::now();
    mailer.stop().await;
    assert_eq!(started.elapsed(), MAIL_STOP_MAX);
    assert_eq!(handle.send(mail("amir@example.org", Patience::Code)), Err(QueueError::Stopping));
}

#[tokio::test]
async fn without_a_way_out_mail_is_refused() {
    let mailer = Mailer::start(&MailConfig::default()).unwrap();
    let handle = mailer.handle();
    assert_eq!(handle.send(mail("amir@example.org", Patience::Code)), Err(QueueError::NoRoute));
    assert!(!handle.has_route());
    mailer.stop().await;
}

#[test]
fn nothing_can_become_a_header_of_its_own() {
    let new = |to: &str, name: Option<&str>, subject: &str| {
        OutgoingMail::new(to, name, subject, String::new(), String::new(), UnixMillis(0), Patience::Code)
    };
    for evil in ["x\r\nBcc: all@example.org", "x\nSubject: y", "x\ry", "x\0y", "x\u{85}y"] {
        assert_eq!(
            new("amir@example.org", None, evil),
            Err(MailError::ControlCharacter { field: "subject" })
        );
        let named = new("amir@example.org", Some(evil), "Hello");
        assert_eq!(named, Err(MailError::ControlCharacter { field: "name" }));
        let address = format!("{evil}@example.org");
        assert!(matches!(new(&address, None, "Hello"), Err(MailError::Address { .. })), "{evil:?}");
        let domain = format!("amir@{evil}");
        assert!(matches!(new(&domain, None, "Hello"), Err(MailError::Address { .. })), "{evil:?}");
    }
    for wrong in ["", "amir", "@", "amir@", "@example.org", "a@b, c@d", "<amir@example.org>", "a@b>,<c@d"] {
        assert!(matches!(new(wrong, None, "Hello"), Err(MailError::Address { .. })), "{wrong:?}");
    }
    let long = format!("{}@example.org", "a".repeat(300));
    assert!(matches!(new(&long, None, "Hello"), Err(MailError::Address { .. })));
    assert_eq!(new("a@example.org", None, &"s".repeat(201)), Err(MailError::TooLong { field: "subject" }));
}

#[test]
fn texts_of_any_writing_stay_within_their_headers() {
    let sender = mailbox("support@example.org", Some("Hilfe, \"schnell\" <x@y>")).unwrap();
    let subject = "\u{1F600} \u{4F60}\u{597D} ".repeat(20);
    let mail = OutgoingMail::new(
        "amir@example.org",
        Some("Amir, der <Agent>"),
        subject.trim(),
        "Text".into(),
        "<p>Text</p>".into(),
        UnixMillis(1_700_000_000_000),
        Patience::News,
    )
    .unwrap();
    let message = mail.compose(&sender, [1; 16]).unwrap();
    let text = String::from_utf8(message.formatted()).unwrap();
    assert!(text.is_ascii(), "{text}");
    let (head, _) = text.split_once("\r\n\r\n").unwrap();
    let names: Vec<&str> = head
        .split("\r\n")
        .filter(|line| !line.starts_with([' ', '\t']))
        .map(|line| line.split_once(':').expect("a header").0)
        .collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    let expected =
        ["Auto-Submitted", "Content-Type", "Date", "From", "MIME-Version", "Message-ID", "Subject", "To"];
    assert_eq!(sorted, expected, "{head}");
    assert!(head.lines().all(|line| line.len() <= 998));
    let envelope = message.envelope();
    assert_eq!(envelope.to().len(), 1, "one recipient, whatever the name says");
}

#[test]
fn mails_of_a_thread_answer_the_same_mail() {
    let sender = mailbox("support@example.org", None).unwrap();
    let head = |thread: Option<&str>| {
        let mail = mail("amir@example.org", Patience::News).in_thread(thread.map(str::to_owned));
        let text = String::from_utf8(mail.compose(&sender, [1; 16]).unwrap().formatted()).unwrap();
        text.split_once("\r\n\r\n").unwrap().0.to_owned()
    };
    for header in ["In-Reply-To: <k7.p2@example.org>\r\n", "References: <k7.p2@example.org>\r\n"] {
        assert!(head(Some("k7.p2")).contains(header), "{}", head(Some("k7.p2")));
    }
    for none in [None, Some("k7>\r\nBcc: all@evil.example"), Some("a b")] {
        assert!(!head(none).contains("In-Reply-To") && !head(none).contains("References"));
    }
}

#[test]
fn codes_are_not_shown() {
    let shown = format!("{:?}", mail("amir@example.org", Patience::Code));
    assert_eq!(shown, "OutgoingMail { to: \"amir@example.org\", .. }");
}

#[tokio::test]
async fn folder_gets_whole_files_that_nobody_else_can_read() {
    let base = tempfile::tempdir().unwrap();
    let folder = base.path().join("mails");
    let config = MailConfig { route: MailRoute::Folder(folder.clone()), ..MailConfig::default() };
    for run in 0..2 {
        let mailer = Mailer::start(&config).unwrap();
        for _ in 0..3 {
            let attempt = mailer.handle().send_watched(mail("amir@example.org", Patience::Code)).unwrap();
            assert_eq!(attempt.await, Ok(Ok(())));
        }
        mailer.stop().await;
        let mut names: Vec<_> =
            std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        names.sort();
        assert_eq!(names.len(), 3 * (run + 1), "a new start goes on behind the last: {names:?}");
        for path in &names {
            assert_eq!(path.extension().unwrap(), "eml", "no left-overs");
            assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
            assert!(std::fs::read_to_string(path).unwrap().contains("K7QM-29TD"));
        }
    }
    assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn folder_that_others_can_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let route = MailRoute::Folder(folder.path().to_owned());
    let error = Mailer::start(&MailConfig { route, ..MailConfig::default() }).err().unwrap();
    assert!(error.to_string().contains("chmod 700"), "{error}");
}
