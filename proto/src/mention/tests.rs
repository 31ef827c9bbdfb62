//! Who is mentioned by which text, and that no text breaks the scanner.

use assist_crdt_model::{Role, UserId};
use proptest::prelude::*;

use super::*;

const CAROL: UserId = UserId::from_bytes([1; 16]);
const CAROL_ANN: UserId = UserId::from_bytes([2; 16]);
const ZOE: UserId = UserId::from_bytes([3; 16]);
const TANAKA: UserId = UserId::from_bytes([4; 16]);
const SAM: UserId = UserId::from_bytes([5; 16]);
const OTHER_SAM: UserId = UserId::from_bytes([6; 16]);

fn member(user: UserId, name: &str, email: Option<&str>) -> Member {
    Member { user, name: name.to_owned(), role: Role::Agent, email: email.map(str::to_owned) }
}

fn names() -> Names {
    Names::of_members(&[
        member(CAROL, "Carol", Some("c.smith@example.org")),
        member(CAROL_ANN, "Carol  Ann O'Neill", None),
        member(ZOE, "Zo\u{eb} (QA)", Some("zoe@example.org")),
        member(TANAKA, "\u{7530}\u{4e2d}", None),
        member(SAM, "Sam", Some("sam@example.org")),
        member(OTHER_SAM, "SAM", Some("sam.b@example.org")),
    ])
}

/// Who is mentioned, by the marked stretches of the text.
fn check(text: &str, wanted: &[(&str, UserId)]) {
    let found = names().mentions(text);
    let found: Vec<_> = found.iter().map(|it| (&text[it.span.clone()], it.user)).collect();
    assert_eq!(found, wanted, "{text:?}");
}

#[test]
fn a_name_behind_an_at_mentions_whoever_is_called_so() {
    check("@Carol", &[("@Carol", CAROL)]);
    check("Look, @carol: (@CAROL) *@Carol*", &[("@carol", CAROL), ("@CAROL", CAROL), ("@Carol", CAROL)]);
    check("@c.smith, see this", &[("@c.smith", CAROL)]);
    check("cc:@Carol's word. @Carol.", &[("@Carol", CAROL), ("@Carol", CAROL)]);
    check("@zoe and @Zoe\u{308} (QA)!", &[("@zoe", ZOE), ("@Zoe\u{308} (QA)", ZOE)]);
    check("@\u{7530}\u{4e2d}\u{3055}\u{3093}", &[("@\u{7530}\u{4e2d}", TANAKA)]);
}

#[test]
fn the_longest_name_that_fits_is_meant() {
    check("@Carol Ann O'Neill did", &[("@Carol Ann O'Neill", CAROL_ANN)]);
    check("@carol   ann\no'neill did", &[("@carol   ann\no'neill", CAROL_ANN)]);
    check("@Carol Ann", &[("@Carol", CAROL)]);
    check("@Carol Ann\n\nO'Neill", &[("@Carol", CAROL)]);
}

#[test]
fn what_goes_on_is_another_name() {
    for text in [
        "@carols",
        "@carol.smith",
        "@carol-ann",
        "@carol_s",
        "@carol@example.org",
        "@c.smith@example.org",
        "@nobody",
    ] {
        check(text, &[]);
    }
}

#[test]
fn a_name_of_several_means_nobody_and_no_shorter_one() {
    check("@Sam @sam", &[]);
    check("@sam.b", &[("@sam.b", OTHER_SAM)]);
    let shadowed = Names::new([(CAROL, "Carol", None), (SAM, "Carol Ann", None), (ZOE, "Carol Ann", None)]);
    assert_eq!(shadowed.mentions("@Carol Ann"), []);
}

#[test]
fn addresses_paths_and_what_is_escaped_mention_nobody() {
    for text in
        ["mail@carol", "x.@carol", "https://example.org/@carol", "@@carol", "\\@carol", "@ carol", "@"]
    {
        check(text, &[]);
    }
}

#[test]
fn code_and_quotes_mention_nobody() {
    for text in [
        "`@carol`",
        "``a ` @carol``",
        "```\n@carol\n```",
        "~~~ rust\n@carol\n```\n@carol",
        "> @carol",
        "   >> @carol",
        "    @carol",
        "- say\n  ```\n  @carol\n  ```",
    ] {
        check(text, &[]);
    }
    check("`a` @carol `b", &[("@carol", CAROL)]);
    check("```\nx\n```\n@carol", &[("@carol", CAROL)]);
    check("> said\n\n@carol", &[("@carol", CAROL)]);
    check("a `b\n\n@carol `c", &[("@carol", CAROL)]);
    check("text\n    @carol", &[("@carol", CAROL)]);
}

#[test]
fn the_token_of_somebody_changes_with_what_decides_who_is_meant() {
    let token = |people: &[(UserId, &str)]| {
        Names::new(people.iter().map(|(user, name)| (*user, *name, None))).token_of(CAROL)
    };
    let alone = token(&[(CAROL, "Carol")]);
    assert_eq!(token(&[(CAROL, "carol"), (ZOE, "Zoe")]), alone, "of no concern");
    assert_ne!(token(&[(CAROL, "Caroline")]), alone);
    assert_ne!(token(&[(CAROL, "Carol"), (SAM, "Carol B")]), alone, "a longer name takes its place");
    assert_ne!(token(&[(CAROL, "Carol"), (SAM, "carol")]), alone, "of several");
}

proptest! {
    #[test]
    fn any_text_is_looked_through_and_mentions_only_whom_it_names(
        text in "([@` >~\\\\.\n\t-]|carol|Ann|O'Neill|zoe|\u{7530}\u{4e2d}|\\PC){0,60}",
    ) {
        let names = names();
        for Mention { span, user } in names.mentions(&text) {
            prop_assert!(text[span.clone()].starts_with('@'));
            prop_assert_eq!(names.users.get(&folded(&text[span.start + 1..span.end])), Some(&Some(user)));
        }
    }
}

#[test]
fn the_largest_text_is_looked_through_at_once() {
    let name = "a ".repeat(40);
    let names = Names::new([(CAROL, name.as_str(), None), (ZOE, "@ @ @ @", None)]);
    let size = assist_crdt_model::limits::BODY_BYTES_MAX;
    let runs: String = (1..300).map(|count| "`".repeat(count) + " ").collect();
    for piece in
        ["@a a a a a a a a a a a a a a a a a a a a a a a a ", "@ ", "`@a", "@a\n", "\u{e9}\u{301}@", &runs]
    {
        let text = piece.repeat(size / piece.len());
        assert_eq!(names.mentions(&text), [], "{piece:?}");
    }
}
