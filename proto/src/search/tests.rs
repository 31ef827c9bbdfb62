//! What counts as a word, what a query matches, and what is shown of it.

use proptest::prelude::*;

use super::*;
use crate::limits::WORD_CHARS_MAX;

fn text(text: &str) -> Analysed {
    let part = Part { kind: PartKind::Body, comment: None, text: text.to_owned() };
    TicketText { parts: vec![part] }.analyse()
}

fn wanted(query: &str) -> Wanted {
    match query.strip_prefix('"') {
        Some(quoted) => Wanted::parse(quoted.trim_end_matches('"'), true),
        None => Wanted::parse(query, false),
    }
    .unwrap_or_else(|nothing| panic!("{query}: {nothing:?}"))
}

/// Queries with a text, and whether it has them.
const TABLE: &[(&str, &str, bool)] = &[
    // Words are whole, in any case.
    ("panic", "a PANIC at noon", true),
    ("pan", "a panic", false),
    ("anic", "a panic", false),
    ("at", "atom", false),
    ("x", "x-ray", true),
    ("42", "it has 42 of them", true),
    ("42", "it has 421 of them", false),
    ("0x80070057", "code 0x80070057!", true),
    ("0x80070058", "code 0x80070057!", false),
    // Accents, case and width.
    ("arger", "\u{c4}rger", true),
    ("\u{e4}rger", "arger", true),
    ("strasse", "Stra\u{df}e", true),
    ("STRA\u{1e9e}E", "strasse", true),
    ("resume", "r\u{e9}sum\u{e9}", true),
    ("re\u{301}sume\u{301}", "r\u{e9}sum\u{e9}", true),
    ("istanbul", "\u{130}stanbul", true),
    ("oresund", "\u{d8}resund", true),
    ("lodz", "\u{141}\u{f3}d\u{17a}", true),
    ("file", "\u{fb01}le", true),
    ("abc", "\u{ff21}\u{ff22}\u{ff23}", true),
    ("\u{3c3}\u{3bf}\u{3c6}\u{3bf}\u{3c2}", "\u{3a3}\u{39f}\u{3a6}\u{39f}\u{3a3}", true),
    ("\u{43c}\u{43e}\u{441}\u{43a}\u{432}\u{430}", "\u{41c}\u{41e}\u{421}\u{41a}\u{412}\u{410}", true),
    // One typo, from five letters on.
    ("panic", "panik", true),
    ("panic", "pnic", true),
    ("panic", "paanic", true),
    ("panic", "pnaic", true),
    ("panic", "panics", true),
    ("panic", "panicked", false),
    ("panic", "punik", false),
    ("pani", "pano", false),
    ("crash", "clash", true),
    ("fire", "fine", false),
    ("\"panic\"", "panik", false),
    ("err500", "err501", false),
    ("\u{e4}rgern", "argerm", true),
    // Prefixes.
    ("pan*", "a panic", true),
    ("pan*", "a span", false),
    ("PAN*", "panic", true),
    ("panic*", "panic", true),
    ("panic*", "panik", false),
    ("str*", "Stra\u{df}e", true),
    // Phrases.
    ("\"panic at\"", "Panic, at noon", true),
    ("\"at panic\"", "Panic, at noon", false),
    ("\"panic noon\"", "Panic at noon", false),
    ("\"a a b\"", "a a a b", true),
    ("\"a b a b\"", "a b b a b", false),
    ("main.rs", "in main.rs it is", true),
    ("main.rs", "rs main", false),
    ("hero-assistance", "Hero Assistance", true),
    ("don't", "I don't", true),
    ("C:\\Temp\\log.txt", "see C:\\temp\\LOG.TXT", true),
    ("\"is:open\"", "it is open", true),
    // Scripts without spaces: any part is found.
    ("\u{65e5}\u{672c}", "\u{6211}\u{5728}\u{65e5}\u{672c}\u{4f4f}", true),
    ("\u{672c}\u{4f4f}", "\u{6211}\u{5728}\u{65e5}\u{672c}\u{4f4f}", true),
    ("\u{65e5}\u{4f4f}", "\u{6211}\u{5728}\u{65e5}\u{672c}\u{4f4f}", false),
    ("\u{65e5}", "\u{6211}\u{5728}\u{65e5}\u{672c}\u{4f4f}", true),
    ("\u{5728}\u{65e5}\u{672c}\u{4f4f}", "\u{6211}\u{5728}\u{65e5}\u{672c}\u{4f4f}", true),
    ("\u{5728}\u{65e5}\u{4f4f}", "\u{6211}\u{5728}\u{65e5}\u{672c}\u{4f4f}", false),
    ("\u{30b5}\u{30fc}\u{30d0}", "\u{ff7b}\u{ff70}\u{ff8a}\u{ff9e}\u{ff70}", true),
    ("\u{304b}", "\u{304c}", false),
    ("\u{b3c4}\u{c6c0}", "\u{b3c4}\u{c6c0}\u{c774} \u{d544}\u{c694}", true),
    ("\u{e44}\u{e17}\u{e22}", "\u{e20}\u{e32}\u{e29}\u{e32}\u{e44}\u{e17}\u{e22}", true),
    ("iphone\u{624b}\u{673a}", "my iPhone\u{624b}\u{673a} burns", true),
    ("\u{624b}\u{673a}", "iPhone\u{624b}\u{673a}", true),
    ("iphone", "iPhone\u{624b}\u{673a}", true),
    ("\u{624b}*", "\u{624b}\u{673a}", true),
    // Marks that are letters stay.
    ("\u{915}\u{93f}", "\u{915}\u{93e}", false),
];

#[test]
fn every_wish_finds_what_it_means() {
    for (query, found_in, is_found) in TABLE {
        assert_eq!(wanted(query).is_in(&text(found_in)), *is_found, "{query:?} in {found_in:?}");
    }
}

#[test]
fn what_has_no_word_is_nothing() {
    for nothing in ["", " ", "-", "&", "!?", "\u{301}", "\u{1f525}"] {
        assert_eq!(Wanted::parse(nothing, false), Err(NothingWanted::NoWord), "{nothing:?}");
    }
    for short in ["a*", "a.b*", "main.r*"] {
        assert_eq!(Wanted::parse(short, false), Err(NothingWanted::BadPrefix), "{short:?}");
    }
    assert_eq!(Wanted::parse("a*", true), Ok(Wanted::Word("a".into())));
}

#[test]
fn long_words_count_with_their_beginning() {
    let long = "a".repeat(WORD_CHARS_MAX);
    assert!(wanted(&format!("{long}bcd")).is_in(&text(&format!("{long}xyz"))));
    assert!(!wanted(&format!("\"{}\"", &long[1..])).is_in(&text(&long)));
}

#[test]
fn a_phrase_does_not_go_on_in_the_next_comment() {
    let part = |text: &str| Part { kind: PartKind::Comment, comment: None, text: text.to_owned() };
    let ticket = TicketText { parts: vec![part("it was a panic"), part("at noon")] }.analyse();
    assert!(!wanted("\"panic at\"").is_in(&ticket));
    assert!(wanted("\"at noon\"").is_in(&ticket) && wanted("panic").is_in(&ticket));
}

#[test]
fn a_snippet_shows_what_was_found_with_words_around_it() {
    let part = |kind, text: &str| Part { kind, comment: None, text: text.to_owned() };
    let words = "lorem ipsum ".repeat(60);
    let text = TicketText {
        parts: vec![
            part(PartKind::Title, "\u{c4}rger with the printer"),
            part(PartKind::Body, &format!("{words}the printer is on fire, PRINTERS burn {words}")),
            part(PartKind::Comment, "nothing of it"),
        ],
    };
    let found = snippets(&text, &[wanted("arger"), wanted("printer")]);
    let marked = |snippet: &Snippet<'_>| -> Vec<String> {
        snippet.highlights.iter().map(|place| snippet.text[place.clone()].to_owned()).collect()
    };
    assert_eq!(found.len(), 2);
    assert_eq!(
        (found[0].text.as_str(), marked(&found[0])),
        ("\u{c4}rger with the printer", vec!["\u{c4}rger".to_owned(), "printer".to_owned()])
    );
    assert_eq!(marked(&found[1]), ["printer", "PRINTERS"]);
    assert!(found[1].is_cut_before && found[1].is_cut_behind);
    assert!(found[1].text.chars().count() <= crate::api::limits::SNIPPET_CHARS_MAX, "{}", found[1].text);
    assert!(found[1].text.starts_with("lorem") || found[1].text.starts_with("ipsum"), "{}", found[1].text);
}

proptest! {
    #[test]
    fn any_text_is_taken_apart_at_its_places(text in "(\\PC|[a-z \u{e4}\u{301}\u{65e5}\u{672c}\u{ff9e}\u{304b}-]){0,60}") {
        let mut last = 0;
        for term in terms(&text) {
            prop_assert!(text.get(term.span.clone()).is_some_and(|place| !place.is_empty()), "{:?}", term);
            prop_assert!(term.position >= last && !term.text.is_empty());
            last = term.position;
        }
    }

    #[test]
    fn what_was_written_is_found_again(
        before in "([a-z]{1,8} ){0,5}", word in "[a-z\u{e4}\u{f6}]{1,10}|[\u{4e00}-\u{4e20}]{1,4}",
        behind in "( [a-z]{1,8}){0,5}"
    ) {
        let whole = text(&format!("{before}{word}{behind}"));
        prop_assert!(wanted(&word).is_in(&whole));
        let quoted = format!("\"{word}\"");
        prop_assert!(wanted(&quoted).is_in(&whole));
    }

    #[test]
    fn typos_go_both_ways(a in "[ab\u{e4}]{4,7}", b in "[ab\u{e4}]{4,7}") {
        let near = |a: &str, b: &str| Wanted::Near(a.to_owned()).is_in(&Analysed {
            title: Vec::new(),
            text: vec![Term { text: b.to_owned(), position: 0, span: 0..1, kind: TermKind::Word }],
        });
        prop_assert_eq!(near(&a, &b), near(&b, &a));
        prop_assert_eq!(near(&a, &b), slow_distance(&a, &b) <= 1);
    }

    #[test]
    fn snippets_of_any_text_are_cut_at_characters(
        text in "(\\PC|[a-z \u{e4}\u{65e5}]){0,400}", query in "[a-z]{1,6}|\u{65e5}"
    ) {
        let part = Part { kind: PartKind::Comment, comment: None, text };
        let text = TicketText { parts: vec![part] };
        for snippet in snippets(&text, &[wanted(&query)]) {
            for place in &snippet.highlights {
                prop_assert!(snippet.text.get(place.clone()).is_some_and(|text| !text.is_empty()));
            }
        }
    }
}

/// Edits from one word to another, by the book: with neighbours that change places as one.
fn slow_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let mut least = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    least = least.min(rows[i - 2][j - 2] + 1);
                }
                least
            };
        }
    }
    rows[a.len()][b.len()]
}
