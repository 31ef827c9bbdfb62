//! The index against what texts say themselves, and what becomes of one that is damaged, missing or of another time.

use std::sync::Arc;

use assist_crdt_model::TicketId;
use assist_proto::search::{Part, PartKind, TicketText, Wanted};
use proptest::prelude::*;
use tempfile::TempDir;

use super::index::{Batch, IndexError, Payload, Scope, TextIndex};
use crate::store::{IndexState, TextKey};

const STATE: IndexState = IndexState { id: [7; 16], number: 3 };

struct Trial {
    folder: TempDir,
    index: TextIndex,
    texts: Vec<(TextKey, Arc<assist_proto::search::Analysed>)>,
}

fn key(number: u8) -> TextKey {
    TextKey { scope: u16::from(number % 2) + 1, ticket: TicketId::from_bytes([number; 16]) }
}

fn analysed(title: &str, comment: &str) -> Arc<assist_proto::search::Analysed> {
    let part = |kind, text: &str| Part { kind, comment: None, text: text.to_owned() };
    let parts = vec![part(PartKind::Title, title), part(PartKind::Comment, comment)];
    Arc::new(TicketText { parts }.analyse())
}

fn wanted(query: &str, is_quoted: bool) -> Wanted {
    Wanted::parse(query, is_quoted).unwrap_or_else(|nothing| panic!("{query}: {nothing:?}"))
}

impl Trial {
    fn new(texts: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let payload = Payload { state: STATE, building: None };
        let index = TextIndex::create(folder.path(), payload).unwrap();
        let texts: Vec<_> = texts
            .iter()
            .zip(1..)
            .map(|((title, comment), number)| (key(number), analysed(title, comment)))
            .collect();
        // In two segments, as they come.
        let (some, others) = texts.split_at(texts.len() / 2);
        for part in [some, others] {
            index.write(Batch { texts: part.to_vec(), ..Batch::default() }, payload).unwrap();
        }
        Self { folder, index, texts }
    }

    fn found(&self, wanted: &[&Wanted]) -> Vec<TextKey> {
        self.found_in(wanted, &[])
    }

    fn found_in(&self, wanted: &[&Wanted], hidden: &[TextKey]) -> Vec<TextKey> {
        let scope = Scope { projects: vec![1, 2], hidden: hidden.iter().copied().collect() };
        let (best, total) = self.index.search(wanted, scope, 100).unwrap();
        assert_eq!(best.len() as u64, total);
        let mut keys: Vec<_> = best.into_iter().map(|(key, _)| key).collect();
        keys.sort();
        keys
    }

    fn expected(&self, wanted: &[&Wanted]) -> Vec<TextKey> {
        let has = |text: &assist_proto::search::Analysed| wanted.iter().all(|wanted| wanted.is_in(text));
        let mut keys: Vec<_> = self.texts.iter().filter(|(_, text)| has(text)).map(|(key, _)| *key).collect();
        keys.sort();
        keys
    }
}

#[test]
fn the_index_finds_what_the_texts_say() {
    let trial = Trial::new(&[
        ("Panic at startup", "it panics at noon, in main.rs"),
        (
            "The printer burns",
            "panic at the printer; \u{65e5}\u{672c}\u{8a9e}\u{306e}\u{30c6}\u{30b9}\u{30c8}",
        ),
        ("\u{c4}rger mit Stra\u{df}e", "code 0x80070057, at startup panic"),
        ("nothing", ""),
        ("iPhone\u{624b}\u{673a}", "a a a b, then a b a b"),
    ]);
    for (query, is_quoted) in [
        ("panic", false),
        ("panic", true),
        ("panix", false),
        ("panci", false),
        ("pani", false),
        ("pan*", false),
        ("st*", false),
        ("panic at", true),
        ("at startup", true),
        ("startup panic", true),
        ("main.rs", false),
        ("\u{672c}\u{8a9e}", false),
        ("\u{65e5}\u{8a9e}", false),
        ("\u{65e5}\u{672c}\u{8a9e}", false),
        ("\u{8a9e}", false),
        ("\u{624b}\u{673a}", false),
        ("iphone\u{624b}", false),
        ("arger", false),
        ("strasse", false),
        ("strase", false),
        ("0x80070057", false),
        ("0x80070058", false),
        ("a a b", true),
        ("b a b", true),
        ("b b", true),
        ("nothing", false),
        ("absent", false),
    ] {
        let wanted = wanted(query, is_quoted);
        assert_eq!(trial.found(&[&wanted]), trial.expected(&[&wanted]), "{query} {is_quoted}");
    }
}

#[test]
fn a_word_in_the_title_is_worth_more_and_a_typo_less() {
    let trial = Trial::new(&[("one", "crash"), ("crash", "two"), ("three", "clash"), ("four", "five")]);
    let scope = Scope { projects: vec![1, 2], ..Scope::default() };
    let (best, total) = trial.index.search(&[&wanted("crash", false)], scope.clone(), 2).unwrap();
    assert_eq!(best.iter().map(|(key, _)| *key).collect::<Vec<_>>(), [key(2), key(1)]);
    assert_eq!(total, 3, "what is not shown is counted");
    let (all, _) = trial.index.search(&[&wanted("crash", false)], scope, 10).unwrap();
    assert_eq!(all[2].0, key(3));
}

#[test]
fn what_is_hidden_or_of_other_projects_is_not_counted() {
    let trial = Trial::new(&[("crash", ""), ("crash", ""), ("crash", ""), ("crash", "")]);
    let crash = wanted("crash", false);
    assert_eq!(trial.found_in(&[&crash], &[key(1), key(2)]), [key(4), key(3)]);
    let scope = Scope { projects: vec![1], ..Scope::default() };
    let (best, total) = trial.index.search(&[&crash], scope, 10).unwrap();
    assert_eq!((best.len(), total), (2, 2));
    assert!(best.iter().all(|(key, _)| key.scope == 1));
}

#[test]
fn what_is_gone_or_left_stands_in_no_file_any_more() {
    let trial = Trial::new(&[
        ("canary", "xylophone in a comment"),
        ("other", "words"),
        ("third", "xylophone again"),
        ("fourth", "zither"),
    ]);
    let payload = Payload { state: IndexState { number: 4, ..STATE }, building: None };
    assert_eq!(trial.index.trace_count("xylophone"), 2);
    trial.index.write(Batch { gone: vec![key(1)], ..Batch::default() }, payload).unwrap();
    assert_eq!((trial.index.trace_count("xylophone"), trial.index.trace_count("canary")), (1, 0));
    // The projects 2 has the odd ones, the other the even.
    trial.index.write(Batch { left: vec![2], ..Batch::default() }, payload).unwrap();
    assert_eq!((trial.index.trace_count("xylophone"), trial.index.trace_count("zither")), (0, 1));
}

#[test]
fn a_text_that_was_written_anew_is_found_by_its_new_words_alone() {
    let trial = Trial::new(&[("before", "yesterday"), ("other", "")]);
    let payload = Payload { state: STATE, building: None };
    let texts = vec![(key(1), analysed("after", "today"))];
    trial.index.write(Batch { texts, ..Batch::default() }, payload).unwrap();
    assert_eq!(trial.found(&[&wanted("yesterday", false)]), []);
    assert_eq!(trial.found(&[&wanted("today", false), &wanted("after", false)]), [key(1)]);
}

#[test]
fn an_index_comes_back_as_it_was_and_says_how_far_it_is() {
    let trial = Trial::new(&[("crash", ""), ("burn", "")]);
    let payloads = [
        Payload { state: STATE, building: None },
        Payload { state: STATE, building: Some(None) },
        Payload { state: IndexState { id: [0; 16], number: u64::MAX }, building: Some(Some(key(9))) },
    ];
    for payload in payloads {
        trial.index.write(Batch::default(), payload).unwrap();
        let (again, found) = TextIndex::open(trial.folder.path()).unwrap();
        assert_eq!(found, payload);
        let scope = Scope { projects: vec![1, 2], ..Scope::default() };
        assert_eq!(again.search(&[&wanted("crash", false)], scope, 10).unwrap().1, 1);
    }
}

#[test]
fn a_file_with_one_flipped_bit_is_not_believed() {
    let trial = Trial::new(&[("crash and burn", "some words"), ("others", "more words of it")]);
    let Trial { folder, index, .. } = trial;
    drop(index);
    let files = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let data = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        !name.starts_with('.') && std::fs::metadata(path).unwrap().len() > 0
    };
    let mut tried = 0;
    for path in files.filter(data).collect::<Vec<_>>() {
        let whole = std::fs::read(&path).unwrap();
        // The commit's own file is JSON: what matters in it is what it names.
        if path.extension().is_some_and(|extension| extension == "json") {
            continue;
        }
        let mut flipped = whole.clone();
        let middle = flipped.len() / 3;
        flipped[middle] ^= 1;
        std::fs::write(&path, &flipped).unwrap();
        let opened = std::panic::catch_unwind(|| TextIndex::open(folder.path()).map(|_| ()));
        assert!(!matches!(opened, Ok(Ok(()))), "{} was believed", path.display());
        std::fs::write(&path, &whole).unwrap();
        tried += 1;
    }
    assert!(tried >= 8, "{tried}");
    assert!(TextIndex::open(folder.path()).is_ok());
}

#[test]
fn what_another_version_wrote_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    TextIndex::create(folder.path(), Payload { state: STATE, building: None }).unwrap();
    let meta = folder.path().join("meta.json");
    let text = std::fs::read_to_string(&meta).unwrap();
    assert!(text.contains("assist-search-1 "), "{text}");
    std::fs::write(&meta, text.replace("assist-search-1 ", "assist-search-0 ")).unwrap();
    assert!(matches!(TextIndex::open(folder.path()), Err(IndexError::OtherVersion)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_words_are_found_by_the_index_as_by_the_texts(
        texts in prop::collection::vec(
            ("([abc]{1,6} ?){0,3}", "([abc]{1,6}[ .-]?|[\u{4e00}-\u{4e03}]){0,12}"), 1..12),
        queries in prop::collection::vec(("[abc]{1,6}|[abc]{1,3}[ .-][abc]{1,3}|[\u{4e00}-\u{4e03}]{1,3}|[abc]{2,3}\\*",
            any::<bool>()), 1..12),
    ) {
        let texts: Vec<(&str, &str)> = texts.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        let trial = Trial::new(&texts);
        for (query, is_quoted) in queries {
            let wanted = wanted(&query, is_quoted);
            prop_assert_eq!(trial.found(&[&wanted]), trial.expected(&[&wanted]), "{} {}", query, is_quoted);
        }
    }
}
