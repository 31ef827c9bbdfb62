//! Makes text of others harmless for a terminal and for eyes: no control character, escape sequence or change of
//! writing direction gets through. What is taken out is shown as `<U+001B>`, so that nothing vanishes silently.
//!
//! Only where it is shown: JSON output escapes the same characters and loses nothing.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Returns the text as one line: line ends and tabs become spaces.
pub fn line(text: &str) -> Cow<'_, str> {
    replace(text, |character| match character {
        '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Fate::Space,
        character if is_harmful(character) => Fate::Name,
        _ => Fate::Keep,
    })
}

/// Returns the text with its line ends and tabs; a carriage return before a line end is dropped.
pub fn block(text: &str) -> Cow<'_, str> {
    if text.contains("\r\n") {
        return Cow::Owned(block(&text.replace("\r\n", "\n")).into_owned());
    }
    replace(text, |character| match character {
        '\t' | '\n' => Fate::Keep,
        character if is_harmful(character) => Fate::Name,
        _ => Fate::Keep,
    })
}

/// Returns how the text begins, with its line ends; an ellipsis stands for what is left out.
pub fn excerpt(text: &str, chars_max: usize) -> String {
    // What is taken out is shown longer than it was: nothing behind this is needed.
    let begin: String = text.trim().chars().take(chars_max + 1).collect();
    let harmless = block(&begin);
    let mut chars = harmless.chars();
    let mut excerpt: String = chars.by_ref().take(chars_max).collect();
    if chars.next().is_some() {
        excerpt.push('\u{2026}');
    }
    excerpt
}

/// Tells whether a terminal may do something else with the character than show it: controls (C0, DEL, C1), line
/// and paragraph separators, and what overrides or embeds a direction. Marks and joiners that real text needs
/// (right-to-left marks, the joiners of emoji) are harmless.
pub const fn is_harmful(character: char) -> bool {
    matches!(
        character,
        '\0'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{206f}'
            | '\u{fff9}'..='\u{fffb}'
    )
}

enum Fate {
    Keep,
    Space,
    Name,
}

fn replace(text: &str, fate: impl Fn(char) -> Fate) -> Cow<'_, str> {
    if text.chars().all(|character| matches!(fate(character), Fate::Keep)) {
        return Cow::Borrowed(text);
    }
    let mut replaced = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match fate(character) {
            Fate::Keep => replaced.push(character),
            Fate::Space => replaced.push(' '),
            Fate::Name => {
                write!(replaced, "<U+{:04X}>", u32::from(character)).expect("a string takes every write");
            }
        }
    }
    Cow::Owned(replaced)
}

#[cfg(test)]
mod tests;
