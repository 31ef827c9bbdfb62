//! Codes and email addresses, as people write them.

use super::*;

const PROJECT: ProjectId = ProjectId::from_bytes([1; 32]);

#[test]
fn code_is_the_same_however_a_person_types_it() {
    let code = code_hash(&PROJECT, "7k1m-0q2x");
    for typed in ["7K1M-0Q2X", "7klm-oq2x", " 7k1m 0q2x ", "7KIMOQ2X"] {
        assert_eq!(code_hash(&PROJECT, typed), code, "{typed}");
    }
    assert_ne!(code_hash(&PROJECT, "7k1m-0q2y"), code);
    assert_ne!(code_hash(&ProjectId::from_bytes([2; 32]), "7k1m-0q2x"), code);
}

#[test]
fn email_has_one_spelling() {
    assert_eq!(fold_email("  Alice@Example.ORG "), Some("alice@example.org".to_owned()));
    for wrong in ["", "alice", "@example.org", "alice@", "a b@example.org", "a@b@example.org", "a\u{7}@b.c"] {
        assert_eq!(fold_email(wrong), None, "{wrong:?}");
    }
    assert_eq!(fold_email(&format!("{}@example.org", "a".repeat(limits::EMAIL_BYTES_MAX))), None);
}

#[test]
fn name_is_one_line_of_bounded_length() {
    assert!(is_name("Alice"));
    assert!(is_name(&"\u{e9}".repeat(limits::NAME_CHARS_MAX)));
    for wrong in ["", "  ", "two\nlines", &"a".repeat(limits::NAME_CHARS_MAX + 1)] {
        assert!(!is_name(wrong), "{wrong:?}");
    }
}

#[test]
fn device_with_too_many_wrong_codes_waits_and_others_do_not() {
    let (guesser, other) = (DeviceId::from_bytes([1; 32]), DeviceId::from_bytes([2; 32]));
    let mut tries = CodeTries::default();
    let now = UnixMillis(1_000_000_000);
    for _ in 0..limits::CODE_TRIES_MAX {
        assert!(!tries.is_blocked(now, &guesser));
        tries.count(guesser);
    }
    assert!(tries.is_blocked(now, &guesser));
    assert!(!tries.is_blocked(now, &other));
    assert!(!tries.is_blocked(UnixMillis(now.0 + limits::CODE_BLOCK_MILLIS), &guesser));
}

#[test]
fn guesser_with_many_keys_is_stopped_too() {
    let mut tries = CodeTries::default();
    let now = UnixMillis(1_000_000_000);
    for number in 0..limits::CODE_TRIES_ALL_MAX {
        let mut key = [0; 32];
        key[..4].copy_from_slice(&number.to_be_bytes());
        assert!(!tries.is_blocked(now, &DeviceId::from_bytes(key)));
        tries.count(DeviceId::from_bytes(key));
    }
    assert!(tries.is_blocked(now, &DeviceId::from_bytes([9; 32])));
}
