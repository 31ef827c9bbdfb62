//! What may come into the build: `deny.toml`, checked without a further program.
//!
//! `cargo deny check` reads the same file and also asks for known vulnerabilities, where it is installed.

use std::collections::BTreeSet;

use cargo_metadata::MetadataCommand;

use super::{assert_none, root, text};

#[test]
fn every_crate_has_a_licence_that_is_allowed() {
    let allowed = quoted(&section("licenses", "allow"));
    // All platforms: what runs on Windows has to be fit to be given away too. Fetches what is not here yet.
    let mut command = MetadataCommand::new();
    command.manifest_path(root().join("Cargo.toml")).other_options(vec!["--locked".to_owned()]);
    let metadata = command.exec().expect("cargo metadata");
    let mut broken = Vec::new();
    for package in metadata.packages.iter().filter(|package| package.source.is_some()) {
        let licence = package.license.as_deref().unwrap_or("none");
        if !is_allowed(licence, &allowed) {
            broken.push(format!("{} {} has the licence {licence}", package.name, package.version));
        }
    }
    assert_none(&broken, "deny.toml lists the licences that may come in");
}

#[test]
fn no_banned_crate_is_locked_and_all_come_from_the_registry() {
    let banned: BTreeSet<String> = section("bans", "deny")
        .lines()
        .filter_map(|line| line.split_once("crate = \"")?.1.split_once('"'))
        .map(|(name, _)| name.to_owned())
        .collect();
    assert!(banned.contains("openssl"), "deny.toml is not read as it is written");
    let lock = text("Cargo.lock");
    let field = |line: &str, name: &str| {
        line.strip_prefix(name)?.strip_prefix(" = \"")?.strip_suffix('"').map(str::to_owned)
    };
    let names = lock.lines().filter_map(|line| field(line, "name"));
    let mut broken: Vec<String> =
        names.filter(|name| banned.contains(name)).map(|name| format!("{name} is banned")).collect();
    let sources = lock.lines().filter_map(|line| field(line, "source"));
    let sources: BTreeSet<String> = sources.collect();
    let strange = sources.iter().filter(|source| !source.starts_with("registry+"));
    broken.extend(strange.map(|source| format!("something comes from {source}")));
    assert_eq!(sources.len(), 1, "all crates come from one registry: {sources:?}");
    assert_none(&broken, "deny.toml says what may not come in");
}

#[test]
fn versions_stand_in_the_root_manifest_alone() {
    let mut broken = Vec::new();
    for path in super::files("toml").iter().filter(|path| path.ends_with("Cargo.toml")) {
        let text = text(path);
        let is_root = path.components().count() == 1;
        for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
            let is_version_here = line.contains("version = \"") && !is_root;
            if line.contains("= \"*\"") || is_version_here {
                broken.push(format!("{}: {line}", path.display()));
            }
        }
    }
    assert_none(&broken, "one version of each crate, in [workspace.dependencies], and never \"any\"");
}

#[test]
fn licences_are_read_as_they_are_meant() {
    let allowed = BTreeSet::from(["MIT", "Zlib", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned));
    for good in [
        "MIT",
        "GPL-3.0 OR MIT",
        "MIT/GPL-3.0",
        "(GPL-3.0 OR MIT) AND Zlib",
        "Apache-2.0 WITH LLVM-exception",
    ] {
        assert!(is_allowed(good, &allowed), "{good}");
    }
    for bad in ["GPL-3.0", "MIT AND GPL-3.0", "Apache-2.0", "(GPL-3.0 OR MIT) AND GPL-3.0", "none", ""] {
        assert!(!is_allowed(bad, &allowed), "{bad}");
    }
}

/// Whether an SPDX expression can be fulfilled with these licences: a choice needs one of its parts, a list all.
fn is_allowed(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let expression = expression.replace('/', " OR ");
    let any_of = |parts: Vec<&str>| parts.into_iter().any(|part| is_allowed(part, allowed));
    match (split(&expression, " OR "), split(&expression, " AND ")) {
        (choice, _) if choice.len() > 1 => any_of(choice),
        (_, list) if list.len() > 1 => list.into_iter().all(|part| is_allowed(part, allowed)),
        _ => {
            let term = expression.trim();
            match term.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
                Some(inner) => is_allowed(inner, allowed),
                None => allowed.contains(term),
            }
        }
    }
}

/// Splits where no bracket is open.
fn split<'a>(expression: &'a str, at: &str) -> Vec<&'a str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut depth = 0;
    for (index, character) in expression.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ if depth == 0 && expression[index..].starts_with(at) => {
                parts.push(&expression[start..index]);
                start = index + at.len();
            }
            _ => {}
        }
    }
    parts.push(&expression[start..]);
    parts
}

/// The list of a key in a section of `deny.toml`.
fn section(section: &str, key: &str) -> String {
    let text = text("deny.toml");
    let (_, behind) = text.split_once(&format!("\n[{section}]\n")).expect("deny.toml has the section");
    let (_, list) = behind
        .split_once(&format!("\n{key} = ["))
        .or(behind.split_once(&format!("{key} = [")))
        .expect("the section has the list");
    list.split_once("\n]").expect("the list ends").0.to_owned()
}

fn quoted(list: &str) -> BTreeSet<String> {
    list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}
