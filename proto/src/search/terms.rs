//! From a text to its terms: what is between spaces and signs is a word; scripts that are written without spaces are
//! taken apart into characters and pairs, so that any part of such a text can be found.

use std::ops::Range;

use unicode_normalization::char::is_combining_mark;

use super::fold::fold;
use crate::limits::WORD_CHARS_MAX;

/// A word, a character or a pair of characters, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// As it is compared.
    pub text: String,
    /// Which one of the text: a phrase is terms with positions one behind the other.
    pub position: u32,
    /// Where it stands in the text, in bytes.
    pub span: Range<usize>,
    /// Whether it is of a script without spaces.
    pub kind: TermKind,
}

/// What a term is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TermKind {
    /// A word between spaces or signs.
    Word,
    /// One character of a script without spaces.
    Single,
    /// Two of them.
    Pair,
}

/// Takes a text apart.
pub fn terms(text: &str) -> impl Iterator<Item = Term> + '_ {
    Terms { text, at: 0, position: 0, ready: Vec::new() }
}

struct Terms<'a> {
    text: &'a str,
    /// In bytes.
    at: usize,
    position: u32,
    /// What was found and not given yet, backwards.
    ready: Vec<Term>,
}

/// What a character is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Word,
    Dense,
    Mark,
    Other,
}

impl Iterator for Terms<'_> {
    type Item = Term;

    fn next(&mut self) -> Option<Term> {
        loop {
            if let Some(term) = self.ready.pop() {
                return Some(term);
            }
            let start = self.skip_others()?;
            let class = class(self.text[start..].chars().next()?);
            let end = self.end_of_run(start, class);
            self.at = end;
            if class == Class::Dense { self.take_dense(start..end) } else { self.take_word(start..end) }
        }
    }
}

impl Terms<'_> {
    /// Where the next word or run begins. A mark without a letter before it is passed over.
    fn skip_others(&self) -> Option<usize> {
        let rest = self.text[self.at..].char_indices();
        let mut begins = rest.filter(|(_, char)| matches!(class(*char), Class::Word | Class::Dense));
        begins.next().map(|(offset, _)| self.at + offset)
    }

    fn end_of_run(&self, start: usize, run: Class) -> usize {
        let belongs = |char: char| {
            let class = class(char);
            class == run || class == Class::Mark
        };
        self.text[start..].find(|char| !belongs(char)).map_or(self.text.len(), |length| start + length)
    }

    fn take_word(&mut self, span: Range<usize>) {
        let word = &self.text[span.clone()];
        // What is never compared is not folded either.
        let head = word.char_indices().nth(WORD_CHARS_MAX).map_or(word, |(end, _)| &word[..end]);
        let mut text = String::with_capacity(head.len());
        fold(head, &mut text);
        if let Some((end, _)) = text.char_indices().nth(WORD_CHARS_MAX) {
            text.truncate(end);
        }
        if !text.is_empty() {
            self.ready.push(Term { text, position: self.position, span, kind: TermKind::Word });
            self.position += 1;
        }
    }

    /// Each character with its marks, and each pair of them, under the position of its first.
    fn take_dense(&mut self, span: Range<usize>) {
        let mut singles: Vec<Term> = Vec::new();
        let mut chars = self.text[span.clone()].char_indices().peekable();
        while let Some((offset, char)) = chars.next() {
            let start = span.start + offset;
            let mut end = start + char.len_utf8();
            while let Some((_, mark)) = chars.next_if(|(_, next)| class(*next) == Class::Mark) {
                end += mark.len_utf8();
            }
            let mut text = String::new();
            fold(&self.text[start..end], &mut text);
            singles.push(Term { text, position: self.position, span: start..end, kind: TermKind::Single });
            self.position += 1;
        }
        let pair = |pair: &[Term]| Term {
            text: format!("{}{}", pair[0].text, pair[1].text),
            position: pair[0].position,
            span: pair[0].span.start..pair[1].span.end,
            kind: TermKind::Pair,
        };
        let pairs: Vec<Term> = singles.windows(2).map(pair).collect();
        self.ready.extend(singles);
        self.ready.extend(pairs);
        self.ready.sort_by_key(|term| std::cmp::Reverse(term.position));
    }
}

fn class(char: char) -> Class {
    if char.is_ascii() {
        return if char.is_ascii_alphanumeric() { Class::Word } else { Class::Other };
    }
    if is_mark(char) {
        Class::Mark
    } else if is_dense(char) {
        Class::Dense
    } else if char.is_alphanumeric() {
        Class::Word
    } else {
        Class::Other
    }
}

/// What belongs to the character before it: marks, the narrow voice marks of kana, and joiners.
fn is_mark(char: char) -> bool {
    is_combining_mark(char) || matches!(char, '\u{ff9e}' | '\u{ff9f}' | '\u{200c}' | '\u{200d}')
}

/// Whether a script is written without spaces between its words.
const fn is_dense(char: char) -> bool {
    matches!(char,
        // Thai and Lao, Myanmar, Khmer.
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        // The iteration mark, kana, Bopomofo, kana extensions.
        | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30fa}' | '\u{30fc}'..='\u{312f}' | '\u{31a0}'..='\u{31bf}'
        | '\u{31f0}'..='\u{31ff}'
        // Han.
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}'
        // Hangul: words end in particles.
        | '\u{1100}'..='\u{11ff}' | '\u{3130}'..='\u{318f}' | '\u{ac00}'..='\u{d7af}'
        // Narrow kana and Hangul.
        | '\u{ff66}'..='\u{ff9d}' | '\u{ffa0}'..='\u{ffdc}')
}
