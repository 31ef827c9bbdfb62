//! How files look: what each must begin with, and what none may hold.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{assert_none, files, root, text};

#[test]
fn every_source_says_first_what_it_is() {
    let silent = files("rs").into_iter().filter(|path| !text(path).starts_with("//! "));
    let broken: Vec<String> = silent.map(|path| path.display().to_string()).collect();
    assert_none(&broken, "a file opens with `//!`: what it is, what it never does");
}

#[test]
fn sources_and_manifests_are_ascii() {
    let mut broken = Vec::new();
    for path in files("rs").into_iter().chain(files("toml")) {
        let text = text(&path);
        let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.is_ascii());
        broken.extend(lines.map(|(number, _)| format!("{}:{number}", path.display())));
    }
    assert_none(&broken, "what looks alike must be alike: write other characters as escapes");
}

#[test]
fn no_merge_is_left_half_done() {
    // Put together, so that this file does not find itself.
    let marks = ["<".repeat(7), ">".repeat(7)];
    let mut broken = Vec::new();
    for path in files("rs").into_iter().chain(files("toml")).chain(files("md")).chain(files("json")) {
        let text = text(&path);
        let lines = (1..).zip(text.lines());
        let left = lines.filter(|(_, line)| marks.iter().any(|mark| line.starts_with(mark.as_str())));
        broken.extend(left.map(|(number, _)| format!("{}:{number}", path.display())));
    }
    assert_none(&broken, "both sides of a merge stand there: settle it");
}

#[test]
fn nothing_is_left_to_be_done_without_an_issue() {
    // Put together, so that this file does not find itself.
    let marks = [["TO", "DO"].concat(), ["FIX", "ME"].concat(), ["XX", "X"].concat()];
    let mut broken = Vec::new();
    for path in files("rs").into_iter().chain(files("toml")).chain(files("md")) {
        let text = text(&path);
        for (number, line) in (1..).zip(text.lines()) {
            let open = marks.iter().find_map(|mark| line.split_once(mark.as_str()));
            if open.is_some_and(|(_, behind)| !behind.starts_with("(#")) {
                broken.push(format!("{}:{number}", path.display()));
            }
        }
    }
    assert_none(&broken, "name the issue, as in \"(#17)\" behind the mark, or do it");
}

#[test]
fn no_test_is_skipped_and_none_expects_just_any_panic() {
    let marks = [["#[ig", "nore"].concat(), ["#[should", "_panic"].concat()];
    let mut broken = Vec::new();
    for path in files("rs") {
        let text = text(&path);
        let found = marks.iter().filter(|mark| text.contains(mark.as_str()));
        broken.extend(found.map(|mark| format!("{}: {mark}]", path.display())));
    }
    assert_none(&broken, "a test that does not run, or passes for any reason, is none");
}

#[test]
fn every_source_is_compiled() {
    let paths = files("rs");
    let known: BTreeSet<&Path> = paths.iter().map(PathBuf::as_path).collect();
    let mut broken = Vec::new();
    for path in paths.iter().filter(|path| !is_root(path)) {
        let folder = path.parent().unwrap();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let parents = [folder.with_extension("rs"), folder.join("lib.rs"), folder.join("main.rs")];
        let declares = |parent: &PathBuf| {
            known.contains(parent.as_path())
                && text(parent).lines().any(|line| line.trim_end().ends_with(&format!("mod {stem};")))
        };
        if !parents.iter().any(declares) {
            broken.push(path.display().to_string());
        }
    }
    assert_none(&broken, "a file that no `mod` names is not compiled, and its tests do not run");
}

/// Whether Cargo itself finds the file: a crate's root, an example, a test program.
fn is_root(path: &Path) -> bool {
    let name = path.file_name().unwrap();
    let parts: Vec<&str> = path.iter().filter_map(|part| part.to_str()).collect();
    let is_named_in_a_manifest = || {
        let manifest = text(Path::new(parts[0]).join("Cargo.toml"));
        manifest.contains(&format!("path = \"{}\"", parts[1..].join("/")))
    };
    name == "lib.rs"
        || name == "main.rs"
        || name == "build.rs"
        || matches!(parts[..], [_, "examples" | "tests" | "benches", _] | [_, _, "fuzz_targets", _])
        || is_named_in_a_manifest()
}

#[test]
fn the_map_stays_a_map() {
    let lines = text("docs/architecture.md").lines().count();
    assert!(lines <= 200, "docs/architecture.md has {lines} lines: what takes more than 200 is not read");
}

#[test]
fn every_bound_has_its_reason_and_is_kept() {
    let sources = files("rs");
    let limits: Vec<&PathBuf> = sources.iter().filter(|path| path.ends_with("limits.rs")).collect();
    assert!(limits.len() >= 3, "the limits of the model, the protocol and the API");
    let others: Vec<String> = sources.iter().filter(|path| !path.ends_with("limits.rs")).map(text).collect();
    let mut broken = Vec::new();
    for path in limits {
        let text = text(path);
        let lines: Vec<&str> = text.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            let Some((_, rest)) = line.split_once("const ").filter(|_| !line.trim_start().starts_with("//"))
            else {
                continue;
            };
            let Some((name, _)) = rest.split_once(':') else { continue };
            if index == 0 || !lines[index - 1].trim_start().starts_with("///") {
                broken.push(format!("{}: {name} has no reason", path.display()));
            }
            let is_used_beside = text.matches(name).count() > 1;
            if !is_used_beside && !others.iter().any(|other| other.contains(name)) {
                broken.push(format!("{}: {name} bounds nothing", path.display()));
            }
        }
    }
    assert_none(&broken, "a bound stands in limits.rs with its reason, and something keeps it");
}

#[test]
fn every_page_of_the_documentation_can_be_reached() {
    let pages: BTreeSet<PathBuf> = files("md").into_iter().collect();
    let mut broken = Vec::new();
    for page in pages.iter().filter(|page| page.components().count() <= 2) {
        let text = text(page);
        let links = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|link| link.0);
        for link in links.filter(|link| !link.contains("://") && !link.starts_with('#')) {
            let target = page.parent().unwrap().join(link.split('#').next().unwrap());
            if !root().join(&target).exists() {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    let readme = text("README.md");
    let unlinked = pages.iter().filter(|page| page.starts_with("docs") && page.components().count() == 2);
    let unlinked = unlinked.filter(|page| !readme.contains(&format!("({})", page.display())));
    broken.extend(unlinked.map(|page| format!("README.md does not lead to {}", page.display())));
    assert_none(&broken, "a link leads somewhere, and every page is led to");
}
