//! `docs/wire.md` says what the code does: the fields of every struct, the numbers of every code, the limits.

use std::collections::{BTreeMap, BTreeSet};

use assist_crdt_model::RejectCode;
use ciborium::Value;

use super::golden::{examples, messages};
use crate::limits;
use crate::wire::codec;

const DOCUMENT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/wire.md"));

#[test]
fn every_field_is_documented_and_no_other() {
    let documented = documented_fields();
    let mut written: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let messages = messages().into_iter().map(|message| as_map(&codec::encode(&message)));
    for (name, fields) in messages.flatten() {
        written.entry(name).or_default().extend(keys(&fields));
    }
    for (rule, bytes) in examples() {
        let fields = keys(&ciborium::from_reader(bytes.as_slice()).unwrap());
        written.entry(rule.to_owned()).or_default().extend(fields);
    }
    for (rule, fields) in &written {
        assert_eq!(documented.get(rule), Some(fields), "docs/wire.md, rule {rule:?}");
    }
    let unwritten: Vec<&String> = documented.keys().filter(|rule| !written.contains_key(*rule)).collect();
    assert!(unwritten.is_empty(), "docs/wire.md has rules without an example: {unwritten:?}");
}

#[test]
fn every_verdict_is_documented() {
    for code in RejectCode::ALL {
        let name = format!("`{code}`");
        let rows = DOCUMENT.lines().filter(|line| line.starts_with("| ") && line.contains(&name));
        let numbers: Vec<&str> = rows.filter_map(|row| row.split('|').nth(1)).map(str::trim).collect();
        let number = code.number().to_string();
        let is_documented = |text: &&str| text.trim_end_matches('*') == number;
        assert!(numbers.len() == 1 && numbers.iter().all(is_documented), "{code}: {numbers:?}");
    }
}

macro_rules! limits {
    ($($name:ident),+ $(,)?) => { [$((stringify!($name), u64::try_from(limits::$name).unwrap())),+] };
}

#[test]
fn every_documented_limit_has_its_value() {
    let values = BTreeMap::from(limits![
        FRAME_BYTES_MAX,
        MESSAGE_DEPTH_MAX,
        PAGE_INFLATED_BYTES_MAX,
        PUSH_ENVELOPES_MAX,
        RECORDS_PER_FRAME_MAX,
        BATCH_BYTES,
        PUSH_WINDOW_BYTES,
        SEND_WINDOW_BYTES,
        RECORDS_UNSEEN_MAX,
        ROWS_PER_PAGE_MAX,
        LABELS_PER_ROW_MAX,
        DOCS_PER_PAGE_MAX,
        PAGE_BYTES,
        FETCH_DOCS_MAX,
        MARKS_PER_FRAME_MAX,
        READS_PER_FRAME_MAX,
        FOLLOWS_MAX,
        VIEWS_MAX,
        VIEW_NAME_BYTES_MAX,
        VIEW_QUERY_BYTES_MAX,
        KEPT_PER_FRAME_MAX,
        QUOTA_READS_PER_MINUTE,
        PRESENT_VIEWS_MAX,
        STATUS_CHARS_MAX,
        PRESENCE_NAMES_MAX,
        PRESENCE_TICKETS_PER_FRAME_MAX,
        PRESENCE_LIFETIME_MILLIS,
        PRESENCE_RENEW_MILLIS,
        PRESENT_STEP_MILLIS,
        PRESENCE_STEP_MILLIS,
        ADMISSIONS_WINDOW_MAX,
        ROSTER_WINDOW_MAX,
        INVITATIONS_OPEN_MAX,
        GREETING_TIMEOUT_MILLIS,
        CODE_TRIES_MAX,
        CODE_TRIES_ALL_MAX,
        MAILED_CODE_LIFETIME_MILLIS,
        MAILED_CODES_PER_ADDRESS_MAX,
        MAILED_CODES_PER_ADDRESS_A_DAY_MAX,
        MAILED_CODES_PER_DEVICE_MAX,
        MAILED_CODES_PER_MINUTE_MAX,
        WAITING_DEVICES_PER_USER_MAX,
        QUOTA_CHANGES_PER_MINUTE,
        QUOTA_BYTES_PER_DAY,
        QUOTA_TICKETS_PER_DAY,
        QUOTA_ASKS_PER_MINUTE,
        QUOTA_USER_FACTOR,
        QUOTA_GIVEN_FACTOR,
        SESSIONS_PER_USER_MAX,
        BLOB_BYTES_MAX,
        BLOB_BYTES_MAX_DEFAULT,
        PIECE_BYTES,
        BLOB_MESSAGE_BYTES_MAX,
        BLOBS_PER_FRAME_MAX,
        QUOTA_BLOB_BYTES_PER_DAY,
    ]);
    let mut documented = BTreeMap::new();
    for row in DOCUMENT.lines().filter(|line| line.starts_with("| `") && line.contains("_")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        if let Ok(value) = cells[2].replace(',', "").parse() {
            documented.insert(cells[1].trim_matches('`'), value);
        }
    }
    assert_eq!(documented, values);
}

/// The keys of every rule that is a map: `name = {`, then a field a line, then `}`.
fn documented_fields() -> BTreeMap<String, BTreeSet<String>> {
    let mut rules: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut open: Option<String> = None;
    for line in DOCUMENT.lines() {
        let code = line.split(';').next().unwrap_or("").trim();
        match (&open, code.strip_suffix(" = {")) {
            (None, Some(name)) => {
                rules.insert(name.to_owned(), BTreeSet::new());
                open = Some(name.to_owned());
            }
            (Some(_), _) if code == "}" => open = None,
            (Some(rule), _) => {
                let (key, _) = code.split_once(':').unwrap_or_else(|| panic!("{rule}: {line:?} is no field"));
                rules.get_mut(rule).unwrap().insert(key.trim_start_matches("? ").to_owned());
            }
            (None, None) => {}
        }
    }
    rules
}

fn as_map(bytes: &[u8]) -> Vec<(String, Value)> {
    let Value::Map(entries) = ciborium::from_reader(bytes).unwrap() else { panic!("a message is a map") };
    entries.into_iter().map(|(key, value)| (key.into_text().unwrap(), value)).collect()
}

fn keys(value: &Value) -> BTreeSet<String> {
    let entries = value.as_map().expect("a struct is a map");
    entries.iter().map(|(key, _)| key.as_text().unwrap().to_owned()).collect()
}
