//! How mails read, and that nothing in them is what a stranger made up.

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
