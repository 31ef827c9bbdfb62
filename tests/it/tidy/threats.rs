//! `docs/security.md`: every threat is met by tests, and each of those is there.

use std::collections::BTreeSet;

use super::{assert_none, files, text};

#[test]
fn every_threat_names_tests_and_every_named_test_exists() {
    let tests = tests();
    let page = text("docs/security.md");
    let (_, table) =
        page.split_once("\n| threat | what stands against it | shown by |\n|---|---|---|\n").unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    let mut broken = Vec::new();
    let mut rows = 0;
    for row in table.lines() {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        let [threat, _, shown_by] = cells[..] else { panic!("{row:?} has three cells") };
        let named: Vec<&str> = shown_by.split('`').skip(1).step_by(2).collect();
        if named.is_empty() {
            broken.push(format!("{}: no test", threat.trim()));
        }
        let missing = named.iter().filter(|name| !tests.contains(**name));
        broken.extend(missing.map(|name| format!("{}: {name} is no test", threat.trim())));
        rows += 1;
    }
    assert!(rows > 20, "the table is not read as it is written: {rows} rows");
    assert_none(&broken, "docs/security.md promises what a test shows, and nothing else");
}

/// The names of all tests: functions right below an attribute that makes them one.
fn tests() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for path in files("rs") {
        let text = text(&path);
        let mut is_marked = false;
        for line in text.lines().map(str::trim) {
            let name = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
            match name.and_then(|rest| rest.split(['(', '<']).next()) {
                Some(name) => {
                    if std::mem::take(&mut is_marked) {
                        found.insert(name.to_owned());
                    }
                }
                None => is_marked |= line.starts_with("#[test]") || line.starts_with("#[tokio::test"),
            }
        }
    }
    assert!(found.len() > 500, "the sources are not read as they are written: {} tests", found.len());
    found
}
