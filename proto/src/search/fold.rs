//! What counts as the same character: upper and lower case, with and without accents, wide and narrow.
//!
//! Marks that change a letter of scripts which have no other way to write it stay: those of Indic scripts, and the
//! voice marks of kana.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::canonical_combining_class;

/// Adds what is compared of a text.
pub(crate) fn fold(text: &str, folded: &mut String) {
    if text.is_ascii() {
        folded.extend(text.chars().map(|char| char.to_ascii_lowercase()));
        return;
    }
    let plain = text.nfkd().filter(|char| !is_accent(*char));
    let lower = plain.flat_map(char::to_lowercase).filter(|char| !is_accent(*char));
    for char in lower.nfc() {
        match spelled_out(char) {
            Some(letters) => folded.push_str(letters),
            None => folded.push(char),
        }
    }
}

/// A mark above, below or through a letter.
fn is_accent(char: char) -> bool {
    (200..=240).contains(&canonical_combining_class(char))
}

/// Letters that are not decomposed by anybody, and how they are written without them.
const fn spelled_out(char: char) -> Option<&'static str> {
    Some(match char {
        '\u{df}' => "ss",
        '\u{e6}' => "ae",
        '\u{153}' => "oe",
        '\u{f8}' => "o",
        '\u{111}' | '\u{f0}' => "d",
        '\u{142}' => "l",
        '\u{fe}' => "th",
        '\u{131}' => "i",
        // The sigma that ends a word.
        '\u{3c2}' => "\u{3c3}",
        _ => return None,
    })
}
