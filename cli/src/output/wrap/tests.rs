//! Texts broken to the width of a terminal.

use unicode_width::UnicodeWidthStr as _;

use super::wrap;

#[test]
fn lines_that_fit_stay_as_they_are() {
    assert_eq!(wrap("a  b\n\n  c", 40, 2), ["  a  b", "", "    c"]);
}

#[test]
fn long_lines_break_at_spaces_and_keep_their_indentation() {
    assert_eq!(
        wrap("  one two three four five six seven", 24, 0),
        ["  one two three four", "  five six seven"]
    );
}

#[test]
fn words_wider_than_all_break_within() {
    assert_eq!(
        wrap(&"x".repeat(50), 24, 2),
        [
            "  ".to_owned() + &"x".repeat(22),
            "  ".to_owned() + &"x".repeat(22),
            "  ".to_owned() + &"x".repeat(6)
        ]
    );
}

#[test]
fn wide_characters_count_twice() {
    let lines = wrap(&"\u{6f22}".repeat(30), 24, 0);
    assert_eq!(lines.len(), 3);
    assert!(lines.iter().all(|line| line.width() <= 24), "{lines:?}");
}

#[test]
fn no_letter_is_lost() {
    let text = "the quick brown fox jumps over the lazy dog again and again";
    assert_eq!(wrap(text, 20, 0).join(" "), text);
}
