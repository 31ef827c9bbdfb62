//! Bundles: written one way, read one way, and no byte of one changes unnoticed.

use proptest::prelude::*;

use super::*;
use crate::authorship::tests::evidence;
use crate::samples::{self, NOW};

fn bundle() -> Bundle {
    Bundle {
        evidence: evidence(),
        said: Said {
            project_name: "hero".into(),
            number: Some(142),
            made_at: NOW,
            people: vec![(UserId::from_bytes([7; 16]), "Carla \"\u{4F60}\" <x>".into())],
        },
    }
}

/// Everything before the last line.
fn body(whole: &[u8]) -> &[u8] {
    let end = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    &whole[..end]
}

/// Puts the right hash under lines, as a forger would.
fn sealed(body: &[u8]) -> Vec<u8> {
    let mut bytes = body.to_vec();
    Line::End { blake3: hash_of(body) }.write(&mut bytes);
    bytes
}

/// Puts the right hash instead of the last line.
fn resealed(text: &str) -> Vec<u8> {
    sealed(body(text.as_bytes()))
}

#[test]
fn a_bundle_comes_out_as_it_went_in() {
    let bytes = bundle().to_bytes().unwrap();
    let read = Bundle::read(&bytes).unwrap();
    assert_eq!(read, bundle());
    assert!(read.evidence.check().is_whole());
    let waiting = Bundle { said: Said::default(), ..bundle() };
    assert_eq!(Bundle::read(&waiting.to_bytes().unwrap()).unwrap(), waiting);
}

#[test]
fn the_changes_of_a_bundle_come_one_behind_the_other() {
    let text = String::from_utf8(bundle().to_bytes().unwrap()).unwrap();
    let all = bundle().evidence.claims.into_iter().map(|claim| claim.envelope.change);
    assert_eq!(changes(&text).unwrap(), all.collect::<Vec<_>>().concat());
    let broken = text.replacen("\"change\":\"", "\"change\":\"\u{2d}", 1);
    for (text, line) in [(broken.as_str(), "line "), ("no bundle\n", "line 1 is damaged")] {
        assert!(changes(text).unwrap_err().to_string().starts_with(line));
    }
}

#[test]
fn golden_bundle_is_read_and_written_as_ever() {
    let path = samples::fixtures().join("../bundle/ticket.bundle");
    if std::env::var_os("ASSIST_WRITE_FIXTURES").is_some() && !path.exists() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bundle().to_bytes().unwrap()).unwrap();
    }
    let golden = std::fs::read(&path).expect("the fixture; set ASSIST_WRITE_FIXTURES=1 to write it");
    let read = Bundle::read(&golden).unwrap();
    assert!(read.evidence.check().is_whole());
    assert_eq!(read.said, bundle().said);
    assert_eq!(read.to_bytes().unwrap(), golden);
}

#[test]
fn every_flipped_bit_is_found() {
    let whole = bundle().to_bytes().unwrap();
    for index in 0..whole.len() {
        for bit in 0..8 {
            let mut flipped = whole.clone();
            flipped[index] ^= 1 << bit;
            assert!(Bundle::read(&flipped).is_err(), "byte {index}, bit {bit}");
        }
    }
}

#[test]
fn every_truncation_and_every_addition_is_found() {
    let whole = bundle().to_bytes().unwrap();
    for size in 0..whole.len() {
        assert!(Bundle::read(&whole[..size]).is_err(), "{size} bytes");
    }
    for more in [&b"\n"[..], b" ", b"{}\n", &whole] {
        assert!(Bundle::read(&[&whole, more].concat()).is_err());
    }
}

/// The hash at the end is no signature. A forger who writes a new one is found by the signatures, or has changed
/// nothing but what nobody signs.
#[test]
fn every_flipped_bit_under_a_new_hash_is_found_or_changes_only_what_nobody_signs() {
    let whole = bundle().to_bytes().unwrap();
    let honest = bundle().evidence;
    let mut harmless = 0;
    for index in 0..body(&whole).len() {
        for bit in 0..8 {
            let mut flipped = body(&whole).to_vec();
            flipped[index] ^= 1 << bit;
            let Ok(read) = Bundle::read(&sealed(&flipped)) else { continue };
            if !read.evidence.check().is_whole() {
                continue;
            }
            let mut evidence = read.evidence;
            for (claim, honest) in evidence.claims.iter_mut().zip(&honest.claims) {
                claim.place = honest.place;
            }
            assert!(evidence == honest, "byte {index}, bit {bit}");
            harmless += 1;
        }
    }
    assert!(harmless > 0, "a forger can change names and times: that is why they are called said");
}

#[test]
fn the_same_in_other_words_is_refused() {
    let text = String::from_utf8(bundle().to_bytes().unwrap()).unwrap();
    for (from, to) in [
        ("\"number\":142", "\"number\": 142"),
        ("\"number\":142", "\"number\":142.0"),
        ("\"number\":142,", ""),
        ("\"number\":142,", "\"number\":142,\"number\":142,"),
        ("\"number\":142,", "\"number\":142,\"more\":1,"),
        ("hero", "her\\u006f"),
        ("\"kind\":\"person\"", "\"kind\":\"nobody\""),
    ] {
        assert!(text.contains(from), "{from}");
        let other = text.replacen(from, to, 1);
        assert!(Bundle::read(&resealed(&other)).is_err(), "{to}");
    }
    let mut lines: Vec<&str> = text.lines().collect();
    lines.swap(1, 2);
    let swapped = lines.join("\n") + "\n";
    assert!(Bundle::read(&resealed(&swapped)).is_err(), "lines have one order");
}

#[test]
fn what_is_no_bundle_or_too_new_says_so() {
    for other in [&b""[..], b"\n", b"PK\x03\x04", b"{\"format\":\"x\",\"version\":1}\n", b"[1]\n"] {
        assert!(matches!(Bundle::read(other), Err(ReadBundleError::NotABundle)), "{other:?}");
    }
    let newer = String::from_utf8(bundle().to_bytes().unwrap()).unwrap().replacen(
        "\"version\":1",
        "\"version\":2",
        1,
    );
    let error = Bundle::read(newer.as_bytes()).unwrap_err();
    assert!(matches!(error, ReadBundleError::Version { version: 2 }), "{error}");
}

#[test]
fn hostile_sizes_and_counts_are_refused_before_they_are_kept() {
    let too_large = vec![b' '; BUNDLE_BYTES_MAX + 1];
    assert!(matches!(Bundle::read(&too_large), Err(ReadBundleError::TooLarge)));
    let text = String::from_utf8(bundle().to_bytes().unwrap()).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    let node = lines.iter().position(|line| line.contains("\"kind\":\"node\"")).unwrap();
    for _ in 0..BUNDLE_NODES_MAX {
        lines.insert(node, lines[node]);
    }
    let many = lines.join("\n") + "\n";
    let error = Bundle::read(&resealed(&many)).unwrap_err();
    assert!(error.to_string().contains("more than"), "{error}");
    let long = text.replacen("hero", &"h".repeat(BUNDLE_LINE_BYTES_MAX), 1);
    assert!(Bundle::read(&resealed(&long)).is_err());
    let nested = format!("{}\n{}", text.lines().next().unwrap(), "[".repeat(100_000));
    assert!(matches!(Bundle::read(nested.as_bytes()), Err(ReadBundleError::Line { line: 2, .. })));
}

#[test]
fn only_tickets_within_the_bounds_are_written() {
    let mut project = bundle();
    project.evidence.doc = DocId::Project;
    assert_eq!(project.to_bytes(), Err(WriteBundleError::NoTicket));
    let mut many = bundle();
    many.said.people = vec![(UserId::from_bytes([1; 16]), String::new()); BUNDLE_PEOPLE_MAX + 1];
    let count = BUNDLE_PEOPLE_MAX + 1;
    let refused = WriteBundleError::TooMany { what: "people", count, max: BUNDLE_PEOPLE_MAX };
    assert_eq!(many.to_bytes(), Err(refused));
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes: Vec<u8>, at in 0_usize..2_000) {
        let mut damaged = bundle().to_bytes().unwrap();
        damaged.splice(at..at + bytes.len(), bytes.iter().map(|byte| byte ^ 1));
        prop_assert!(Bundle::read(&damaged).is_err() || damaged == bundle().to_bytes().unwrap());
        prop_assert!(Bundle::read(&bytes).is_err());
    }
}
