//! One thing that a query looks for in texts.

use super::terms::{Term, TermKind, terms};
use super::{Analysed, Place};
use crate::limits::{PREFIX_CHARS_MIN, TYPO_CHARS_MIN};

/// What is looked for. The texts are folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// This word.
    Word(String),
    /// This word, or one that is one edit away: a letter more, less or other, or two that changed places.
    Near(String),
    /// A word that begins like this.
    Prefix(String),
    /// These terms, each so many positions behind the first.
    Phrase(Vec<(u32, String)>),
}

/// Why nothing can be looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NothingWanted {
    /// There is no word in it, only signs.
    NoWord,
    /// `*` stands behind something that is not one word, or too short.
    BadPrefix,
}

impl Wanted {
    /// Finds out what a text means: what was quoted is meant to the letter; else `*` at the end means words that begin
    /// like it, and words of five letters and more are found with a typo.
    ///
    /// # Errors
    /// When there is nothing to look for.
    pub fn parse(text: &str, is_quoted: bool) -> Result<Self, NothingWanted> {
        let is_prefix = !is_quoted && text.ends_with('*');
        let mut terms: Vec<Term> = terms(text).collect();
        let is_paired = |term: &Term, all: &[Term]| {
            let covers = |pair: &Term| {
                pair.kind == TermKind::Pair
                    && (pair.position == term.position || pair.position + 1 == term.position)
            };
            all.iter().any(covers)
        };
        // Pairs say all that their characters say.
        let all = terms.clone();
        terms.retain(|term| term.kind != TermKind::Single || !is_paired(term, &all));
        let [first, rest @ ..] = terms.as_slice() else { return Err(NothingWanted::NoWord) };
        let is_word = first.kind == TermKind::Word;
        if is_prefix && is_word {
            let is_long = first.text.chars().count() >= PREFIX_CHARS_MIN;
            return if is_long && rest.is_empty() {
                Ok(Self::Prefix(first.text.clone()))
            } else {
                Err(NothingWanted::BadPrefix)
            };
        }
        if !rest.is_empty() {
            let units = terms.iter().map(|term| (term.position - first.position, term.text.clone()));
            return Ok(Self::Phrase(units.collect()));
        }
        Ok(if is_word && !is_quoted && bears_typos(&first.text) {
            Self::Near(first.text.clone())
        } else {
            Self::Word(first.text.clone())
        })
    }

    /// Whether a ticket's text has it.
    pub fn is_in(&self, text: &Analysed) -> bool {
        self.finds(text.title()) || self.finds(text.text())
    }

    /// Whether a ticket's title has it.
    pub fn is_in_title(&self, text: &Analysed) -> bool {
        self.finds(text.title())
    }

    /// Where it stands among these terms, which are in the order of their positions.
    pub fn places(&self, terms: &[Term]) -> Vec<Place> {
        let mut places = Vec::new();
        self.each_place(terms, &mut |place| {
            places.push(place);
            true
        });
        places
    }

    fn finds(&self, terms: &[Term]) -> bool {
        let mut is_found = false;
        self.each_place(terms, &mut |_| {
            is_found = true;
            false
        });
        is_found
    }

    /// Calls with each place until told to stop.
    fn each_place(&self, terms: &[Term], found: &mut dyn FnMut(Place) -> bool) {
        for (index, term) in terms.iter().enumerate() {
            let place = match self {
                Self::Phrase(units) => phrase_at(units, &terms[index..]),
                _ => self.is_term(&term.text).then(|| term.span.clone()),
            };
            if let Some(place) = place
                && !found(place)
            {
                return;
            }
        }
    }

    fn is_term(&self, term: &str) -> bool {
        match self {
            Self::Word(word) => term == word,
            Self::Near(word) => is_one_edit_away(word, term),
            Self::Prefix(prefix) => term.starts_with(prefix.as_str()),
            Self::Phrase(_) => false,
        }
    }
}

/// Where a phrase ends up that begins with the first of these terms.
fn phrase_at(units: &[(u32, String)], terms: &[Term]) -> Option<Place> {
    let first = terms.first()?;
    let mut place = first.span.clone();
    for (offset, unit) in units {
        let position = first.position + offset;
        let mut here = terms.iter().skip_while(|term| term.position < position);
        let term = here.by_ref().take_while(|term| term.position == position).find(|term| term.text == *unit);
        place.end = place.end.max(term?.span.end);
    }
    Some(place)
}

/// Numbers and codes are meant as they stand: one digit off is another one.
fn bears_typos(word: &str) -> bool {
    word.chars().all(char::is_alphabetic) && word.chars().count() >= TYPO_CHARS_MIN
}

/// Whether two words are the same but for one letter more, less or other, or two neighbours that changed places.
fn is_one_edit_away(wanted: &str, found: &str) -> bool {
    if wanted == found {
        return true;
    }
    if wanted.len().abs_diff(found.len()) > char::MAX.len_utf8() {
        return false;
    }
    let (wanted, found): (Vec<char>, Vec<char>) = (wanted.chars().collect(), found.chars().collect());
    let same = wanted.iter().zip(&found).take_while(|(a, b)| a == b).count();
    let (a, b) = (&wanted[same..], &found[same..]);
    match (a, b) {
        ([], [_]) | ([_], []) => true,
        ([], _) | (_, []) => false,
        _ => {
            a[1..] == b[1..]
                || a[1..] == *b
                || *a == b[1..]
                || (a.len() >= 2 && b.len() >= 2 && a[0] == b[1] && a[1] == b[0] && a[2..] == b[2..])
        }
    }
}
