//! Commands within sentences: every `assist ...` and `assistd ...` of any page is one that the program knows, with
//! options that it takes.

use std::path::Path;

use assist_tests::process::{Finished, assist, assistd, private_folder, run};

use super::page;

#[test]
fn every_command_that_a_page_mentions_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let entries = std::fs::read_dir(root.join("docs")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut pages: Vec<String> =
        names.filter(|name| name.ends_with(".md")).map(|name| format!("docs/{name}")).collect();
    pages.push("README.md".to_owned());
    let mut seen = 0;
    for path in pages {
        let text = page(&path);
        for span in spans(&text) {
            check(&path, span);
            seen += 1;
        }
    }
    assert!(seen > 10, "only {seen} commands are found: the pages are not read as they are written");
}

#[test]
fn command_that_is_not_there_is_found_out() {
    let known = ["assist ticket new -t x", "assistd demo --once", "assist rpc rpc.discover", "assist --help"];
    for span in known {
        assert_eq!(trouble(span), None, "{span}");
    }
    for span in
        ["assist ticket paint", "assist ticket new --colour red", "assistd serve", "assist tickets list"]
    {
        assert!(trouble(span).is_some(), "{span}");
    }
}

#[track_caller]
fn check(path: &str, span: &str) {
    if let Some(trouble) = trouble(span) {
        panic!("{path} mentions `{span}`: {trouble}");
    }
}

/// The commands between single backticks.
fn spans(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().filter(|line| !line.starts_with("```"));
    let spans = lines.flat_map(|line| line.split('`').skip(1).step_by(2));
    spans.filter(|span| span.starts_with("assist ") || span.starts_with("assistd "))
}

/// What is wrong with a command, by what the program's own help says.
fn trouble(span: &str) -> Option<String> {
    let words: Vec<&str> = span.split_whitespace().collect();
    let mut path: Vec<&str> = Vec::new();
    let mut help = help_of(words[0], &path);
    for word in &words[1..] {
        if word.starts_with('-') || !help.contains("\nCommands:") {
            break;
        }
        let is_known = help.lines().any(|line| line.split_whitespace().next() == Some(word));
        if !is_known {
            return Some(format!("{word} is no command of {} {}", words[0], path.join(" ")));
        }
        path.push(word);
        help = help_of(words[0], &path);
    }
    let options = words.iter().filter(|word| word.starts_with('-') && word.len() > 1);
    let names = options.map(|word| word.split(['=', '[']).next().unwrap_or(word));
    let unknown = names.into_iter().find(|name| {
        let is_meant = |part: &str| part.trim_matches(|c| c == ',' || c == '[' || c == '=') == *name;
        let is_listed = |line: &str| line.split([' ', '=', '[']).any(is_meant);
        !help.lines().any(is_listed)
    });
    unknown.map(|name| format!("{name} is no option of it"))
}

fn help_of(program: &str, path: &[&str]) -> String {
    let home = private_folder();
    let mut command = if program == "assistd" { assistd(home.path()) } else { assist(home.path()) };
    let finished: Finished = run(command.args(path).arg("--help"), b"");
    assert_eq!(finished.code, Some(0), "{path:?}: {finished:?}");
    finished.stdout
}
