//! How mails read, and that nothing in them is what a stranger made up.

use assist_crdt_model::{TicketId, UserId};

use super::*;

const CODE: &str = "7k1m0q2x";

fn mail(letter: Letter) -> Mail {
    Mail {
        to: "alice@example.org".into(),
        project: ProjectId::from_bytes([1; 32]),
        project_name: "hero & sons".into(),
        written_at: UnixMillis(1_790_000_000_123),
        letter,
    }
}

fn code(device_name: &str) -> Letter {
    Letter::Code {
        device: DeviceId::from_bytes([2; 32]),
        device_name: device_name.into(),
        code: CODE.into(),
        expires_at: UnixMillis(1_790_000_600_123),
    }
}

fn address() -> Address {
    Address::new(ProjectId::from_bytes([1; 32]), vec!["203.0.113.7".parse().unwrap()]).unwrap()
}

#[test]
fn code_mail_names_project_device_time_and_what_to_do() {
    let rendered = mail(code("laptop")).render(Some(&address()));
    assert_eq!(rendered.subject, "7k1m-0q2x is your code for hero sons");
    let link = Link::Confirm { address: address(), device: DeviceId::from_bytes([2; 32]), code: CODE.into() };
    for words in
        ["hero sons", "7k1m-0q2x", "\"laptop\"", "21 September 2026, 14:13 UTC", "14:23 UTC", "was not you"]
    {
        assert!(rendered.text.contains(words), "{words:?} in {}", rendered.text);
        assert!(rendered.html.contains(&escaped(words)), "{words:?} in {}", rendered.html);
    }
    assert!(rendered.text.contains(&format!("\n{link}\n")), "{}", rendered.text);
    assert!(rendered.html.contains(&format!("href=\"{}\"", escaped(&link.to_string()))));
    let unreachable = mail(code("laptop")).render(None);
    assert!(!unreachable.text.contains("assist://") && !unreachable.html.contains("href"));
}

#[test]
fn name_of_a_device_brings_no_link_no_markup_and_no_header() {
    let name = "http://evil.example/?a=<b>\r\nBcc: all@evil.example \"win\" and much more of that kind";
    for letter in [code(name), Letter::NewDevice { device_name: name.into(), is_waiting: true }] {
        let rendered = mail(letter).render(None);
        for part in [&rendered.subject, &rendered.text, &rendered.html] {
            assert!(
                !part.contains("evil.example") && !part.contains("://") && !part.contains("<b>"),
                "{part}"
            );
        }
        assert!(!rendered.subject.chars().any(char::is_control));
        assert!(rendered.text.contains("\"http evil example a b Bcc all ev\""), "{}", rendered.text);
    }
}

#[test]
fn news_of_a_device_says_what_to_do() {
    let news = |is_waiting| {
        mail(Letter::NewDevice { device_name: "phone".into(), is_waiting }).render(Some(&address())).text
    };
    assert!(news(true).contains("assist device approve"));
    assert!(news(false).contains("assist device revoke") && !news(false).contains("approve"));
}

#[test]
fn code_does_not_show_in_logs() {
    assert!(!format!("{:?}", mail(code("laptop"))).contains(CODE));
}

#[test]
fn times_are_those_of_the_calendar() {
    for (secs, text) in [
        (0, "1 January 1970, 00:00 UTC"),
        (951_782_399, "28 February 2000, 23:59 UTC"),
        (951_782_400, "29 February 2000, 00:00 UTC"),
        (951_868_800, "1 March 2000, 00:00 UTC"),
        (1_785_542_399, "31 July 2026, 23:59 UTC"),
        (4_107_542_400, "1 March 2100, 00:00 UTC"),
        (253_402_300_799, "31 December 9999, 23:59 UTC"),
        (253_402_300_800, "an unknown time"),
        (u64::MAX / 1_000, "an unknown time"),
    ] {
        assert_eq!(time_text(UnixMillis(secs * 1_000)), text);
    }
}

fn digest(tickets: Vec<DigestTicket>, more_tickets: usize) -> Mail {
    mail(Letter::Digest(Digest { user: UserId::from_bytes([7; 16]), tickets, more_tickets }))
}

fn ticket(number: u32, title: &str, lines: Vec<DigestLine>) -> DigestTicket {
    let ticket = TicketId::from_bytes([number as u8; 16]);
    DigestTicket { ticket, number: Some(number), title: title.into(), lines, more_lines: 2 }
}

fn line(by: &str, happened: Happened) -> DigestLine {
    DigestLine { by: by.into(), at: UnixMillis(1_790_000_000_123), happened }
}

#[test]
fn news_of_one_ticket_are_a_thread_of_their_own() {
    let lines = vec![
        line("Arno", Happened::Wrote(Some("Since <when>?\nAnd why?".into()))),
        line("Arno", Happened::Moved(assist_crdt_model::Status::Pending)),
        line("Ada", Happened::Mentioned { is_note: true, excerpt: None }),
    ];
    let rendered = digest(vec![ticket(142, "It flaps", lines)], 0).render(None);
    assert_eq!(rendered.subject, "[hero sons] #142 It flaps");
    let id = TicketId::from_bytes([142; 16]);
    assert_eq!(rendered.thread, Some(format!("{id}.{}", ProjectId::from_bytes([1; 32]))));
    let link = format!("assist://{}/ticket/{id}", ProjectId::from_bytes([1; 32]));
    let text = format!(
        "#142 It flaps\n\nArno wrote, on 21 September 2026, 14:13 UTC:\n\n> Since <when>?\n> And why?\n\n\
         Arno set it to pending, on 21 September 2026, 14:13 UTC.\n\n\
         Ada mentioned you in a note that only the team sees, on 21 September 2026, 14:13 UTC.\n\n\
         And 2 more.\n\nTo read and answer it, open:\n{link}\n\n"
    );
    assert!(rendered.text.starts_with(&text), "{}", rendered.text);
    assert!(rendered.text.contains("assist user settings --mails off"), "{}", rendered.text);
    assert!(
        rendered.html.contains("<blockquote>Since &lt;when&gt;?<br>And why?</blockquote>"),
        "{}",
        rendered.html
    );

    let several = digest(vec![ticket(1, "One", vec![]), ticket(2, "Two", vec![])], 3).render(None);
    assert_eq!(several.subject, "[hero sons] News in 5 tickets");
    assert!(several.thread.is_some_and(|thread| thread.starts_with("news.")));
    assert!(several.text.contains("3 tickets more have news."), "{}", several.text);
}

#[test]
fn what_people_wrote_is_text_and_nothing_else() {
    let evil = "<script>x</script>\r\nBcc: all@evil.example\u{1b}[2J\u{202e}";
    let lines = vec![line(evil, Happened::Wrote(Some(evil.into())))];
    let rendered = digest(vec![ticket(1, evil, lines)], 0).render(None);
    assert!(!rendered.subject.chars().any(char::is_control), "{:?}", rendered.subject);
    assert!(!rendered.html.contains("<script>") && !rendered.html.contains('\u{1b}'), "{}", rendered.html);
    assert!(!rendered.text.contains(['\u{1b}', '\u{202e}', '\r']), "{:?}", rendered.text);
    assert!(rendered.text.contains("\n> Bcc: all@evil.example<U+001B>[2J<U+202E>\n"), "{}", rendered.text);
}

#[test]
fn the_longest_digest_is_within_what_a_mail_may_have() {
    let wrote = |size: usize| Happened::Wrote(Some("\"".repeat(size)));
    let lines = || vec![line(&"\u{10ffff}".repeat(200), wrote(100)); limits::DIGEST_LINES_MAX];
    let tickets = (0..limits::DIGEST_TICKETS_MAX).map(|_| ticket(u32::MAX, &"\"".repeat(80), lines()));
    assert_eq!(
        limits::DIGEST_TICKETS_MAX * limits::DIGEST_LINES_MAX * 100,
        limits::DIGEST_EXCERPTS_BYTES_MAX
    );
    let rendered = digest(tickets.collect(), 1_000_000).render(None);
    // What `daemon::mail` takes.
    assert!(rendered.html.len() < 48 * 1024 && rendered.text.len() < 48 * 1024, "{}", rendered.html.len());
    assert!(rendered.subject.chars().count() <= limits::DIGEST_SUBJECT_CHARS_MAX);
}
