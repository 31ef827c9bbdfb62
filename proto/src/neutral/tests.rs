//! What a terminal would obey is shown, not passed on.

use std::borrow::Cow;

use super::{block, line};

#[test]
fn usual_text_in_any_script_passes_untouched() {
    let text = "Gr\u{fc}\u{df}e, \u{41f}\u{440}\u{438}, \u{4f60}\u{597d}, \u{5e9}\u{5dc}\u{200f}, \u{1f469}\u{200d}\u{1f527} \u{301}";
    assert!(matches!(line(text), Cow::Borrowed(same) if same == text));
    assert!(matches!(block(text), Cow::Borrowed(same) if same == text));
}

#[test]
fn escape_sequences_become_visible() {
    assert_eq!(line("\u{1b}[31mred\u{1b}]0;title\u{7}"), "<U+001B>[31mred<U+001B>]0;title<U+0007>");
    assert_eq!(block("\u{9b}2J\u{7f}\u{8}"), "<U+009B>2J<U+007F><U+0008>");
}

#[test]
fn changes_of_direction_become_visible() {
    assert_eq!(line("safe\u{202e}gpj.exe"), "safe<U+202E>gpj.exe");
    assert_eq!(block("\u{2066}a\u{2069}"), "<U+2066>a<U+2069>");
}

#[test]
fn a_line_stays_one_line() {
    assert_eq!(line("a\tb\nc\r\nd\u{2028}e"), "a b c  d e");
}

#[test]
fn a_block_keeps_lines_but_no_carriage_return_can_overwrite_one() {
    assert_eq!(block("a\r\n\tb\rc"), "a\n\tb<U+000D>c");
}

#[test]
fn no_control_character_survives() {
    for code in (0..0x20).chain(0x7f..0xa0) {
        let text = char::from(code).to_string();
        assert!(!line(&text).chars().any(char::is_control), "{code:#x}");
        let kept = block(&text).chars().any(|c| c.is_control() && c != '\n' && c != '\t');
        assert!(!kept, "{code:#x}");
    }
}
