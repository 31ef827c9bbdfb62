//! `docs/storage.md` says what the code does: every table with its key, and the sizes.

use std::collections::BTreeMap;

use crate::store::journal::{JOURNAL_BYTES, JOURNALED_BYTES_MAX};
use crate::store::packs::{PACK_BYTES, PACK_LEVEL};
use crate::store::tables::{FORMAT, PIECE_SIZE, Table};
use crate::store::{FORMAT_VERSION, log};
use redb::TableHandle as _;

const DOCUMENT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/storage.md"));
const TABLES: &str = include_str!("../tables.rs");

#[test]
fn every_table_is_documented_with_its_key_and_no_other() {
    let documented = documented_keys();
    let mut names: Vec<&str> = Table::ALL.iter().map(|table| table.name()).collect();
    names.insert(0, FORMAT.name());
    names.sort_unstable();
    assert_eq!(documented.keys().copied().collect::<Vec<_>>(), names, "docs/storage.md, \"Tables\"");
    let commented = commented_keys();
    for table in Table::ALL {
        let name = table.name();
        assert_eq!(documented[name], commented[name], "{name}: docs/storage.md against tables.rs");
    }
}

#[test]
fn documented_sizes_are_those_of_the_code() {
    let kib = |bytes: usize| format!("{} KiB", bytes / 1024);
    let mib = |bytes: usize| format!("{} MiB", bytes / (1024 * 1024));
    let grouped = |number: u64| match number {
        0..1_000 => number.to_string(),
        _ => format!("{},{:03}", number / 1_000, number % 1_000),
    };
    for said in [
        format!("The format version is {FORMAT_VERSION}."),
        format!("A pack is closed at {};", kib(PACK_BYTES)),
        format!("zstd (level {PACK_LEVEL},"),
        format!("into pieces of {PIECE_SIZE} bytes"),
        format!("a file of {} that never grows", mib(JOURNAL_BYTES)),
        format!("A turn of more than {} goes straight to the engine", mib(JOURNALED_BYTES_MAX)),
        format!("block of {} places (8)", grouped(log::BLOCK)),
        format!("block of {} places (8)", grouped(log::CUSTOMER_BLOCK)),
    ] {
        assert!(DOCUMENT.contains(&said), "docs/storage.md does not say: {said}");
    }
}

/// The keys of each table, as the page tells them. A row without a name goes on with the one before.
fn documented_keys() -> BTreeMap<&'static str, Vec<String>> {
    let (_, table) = DOCUMENT.split_once("| table | key | value |").expect("the table is there");
    let (table, _) = table.split_once("\n\n").expect("the table ends");
    let mut found: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut name = "";
    for row in table.lines().skip(2) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [first, key, ..] = cells[..] else { panic!("{row:?} has cells") };
        match first.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')) {
            Some(new) => name = new,
            None if first.is_empty() => {}
            // A heading within the table.
            None => continue,
        }
        found.entry(name).or_default().push(key.to_owned());
    }
    found
}

/// The same as `tables.rs` tells it above each table: what stands before the first colon of a line.
fn commented_keys() -> BTreeMap<&'static str, Vec<String>> {
    let (_, tables) = TABLES.split_once("\ntables! {\n").expect("the tables are there");
    let (tables, _) = tables.split_once("\n}\n").expect("the tables end");
    let mut found = BTreeMap::new();
    let mut keys = Vec::new();
    for line in tables.lines().map(str::trim) {
        if let Some((key, _)) = line.strip_prefix("/// ").and_then(|text| text.split_once(": ")) {
            keys.push(key.to_owned());
        } else if let Some((_, names)) = line.split_once(" = \"") {
            found.insert(names.split('"').next().expect("the name"), std::mem::take(&mut keys));
        }
    }
    found
}
