//! Links that are read, and those that are not, whoever wrote them.

use assist_crdt_model::ProjectId;
use proptest::prelude::*;

use super::*;

const CODE: &str = "7k1m0q2x";

fn address() -> Address {
    let hosts = vec!["203.0.113.7".parse().unwrap(), "[400::1]:9000".parse().unwrap()];
    Address::new(ProjectId::from_bytes([1; 32]), hosts).unwrap()
}

fn confirm() -> Link {
    Link::Confirm { address: address(), device: DeviceId::from_bytes([2; 32]), code: CODE.to_owned() }
}

#[test]
fn link_reads_back_as_it_was_written() {
    for link in [Link::Project(address()), confirm()] {
        assert_eq!(link.to_string().parse(), Ok(link));
    }
}

#[test]
fn link_survives_what_mail_programs_do_to_it() {
    let text = confirm().to_string();
    for mangled in [format!("  {text}\n"), text.replace('&', "&amp;"), text.replace("confirm?", "confirm/?")]
    {
        assert_eq!(mangled.parse(), Ok(confirm()), "{mangled}");
    }
}

#[test]
fn what_is_no_link_is_refused_with_what_is_wrong() {
    let text = confirm().to_string();
    let cases = [
        (text.replace("/confirm", "/erase"), LinkError::Unknown),
        (text.replace("&code=7k1m0q2x", ""), LinkError::Missing("code")),
        (text.replace("7k1m0q2x", "7k1m0q2"), LinkError::Code),
        (text.replace("7k1m0q2x", "7k1m%20q2"), LinkError::Code),
        (format!("assist:?{}", "x".repeat(800)), LinkError::TooLong),
    ];
    for (text, expected) in cases {
        assert_eq!(text.parse::<Link>(), Err(expected), "{text}");
    }
    assert!(matches!(text.replace("device=", "device=u").parse::<Link>(), Err(LinkError::Device(_))));
    assert!(matches!("https://example.org/confirm?device=1".parse::<Link>(), Err(LinkError::Address(_))));
}

#[test]
fn code_does_not_show_in_logs() {
    assert!(!format!("{:?}", confirm()).contains(CODE));
}

proptest! {
    #[test]
    fn any_text_is_a_link_or_none(text in "\\PC*", tail in "[a-z0-9=&?/:@.]{0,80}") {
        for text in [text, format!("assist://{tail}"), format!("{}/{tail}", address())] {
            if let Ok(link) = text.parse::<Link>() {
                prop_assert_eq!(link.to_string().parse(), Ok(link));
            }
        }
    }
}
