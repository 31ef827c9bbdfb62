//! The document is complete, well formed, and the committed one.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::document;
use crate::api::METHODS;

/// Where the committed document stands; set `UPDATE_OPENRPC=1` to write it anew.
const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openrpc.json");

#[test]
fn committed_document_is_the_one_of_this_version() {
    let mut fresh = serde_json::to_string_pretty(&document()).unwrap();
    fresh.push('\n');
    if std::env::var_os("UPDATE_OPENRPC").is_some() {
        std::fs::write(Path::new(COMMITTED), &fresh).unwrap();
    }
    let committed = std::fs::read_to_string(Path::new(COMMITTED)).unwrap();
    assert!(
        committed == fresh,
        "docs/openrpc.json has drifted from the method table: run this test with UPDATE_OPENRPC=1, \
         look at the diff for changes that break clients, and commit it"
    );
}

#[test]
fn every_method_is_described_once_and_named_as_agreed() {
    let document = document();
    let names: Vec<&str> =
        document["methods"].as_array().unwrap().iter().map(|m| m["name"].as_str().unwrap()).collect();
    assert_eq!(names, METHODS.iter().map(|m| m.name).collect::<Vec<_>>());
    assert!(names.is_sorted(), "the table is sorted by name, without doubles");
    for name in names {
        let (noun, verb) = name.split_once('.').unwrap();
        assert!(noun.chars().chain(verb.chars()).all(|c| c.is_ascii_lowercase()), "{name}");
    }
}

#[test]
fn every_parameter_and_field_has_a_description() {
    let document = document();
    for method in document["methods"].as_array().unwrap() {
        for param in method["params"].as_array().unwrap() {
            assert!(is_described(&param["schema"]), "{}: {}", method["name"], param["name"]);
        }
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
            assert!(is_described(schema), "{name}.{field}");
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let mut references = BTreeSet::new();
    collect_references(&document, &mut references);
    assert!(!references.is_empty());
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn parameters_refuse_what_they_do_not_know() {
    for (name, schema) in param_schemas() {
        assert_eq!(schema["additionalProperties"], Value::Bool(false), "{name}");
    }
}

fn is_described(schema: &Value) -> bool {
    schema["description"].is_string()
}

fn collect_references(value: &Value, references: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            if let Some(Value::String(reference)) = map.get("$ref") {
                references.insert(reference.clone());
            }
            map.values().for_each(|value| collect_references(value, references));
        }
        Value::Array(list) => list.iter().for_each(|value| collect_references(value, references)),
        _ => {}
    }
}

macro_rules! param_schemas {
    ($($name:literal $access:ident $params:ty => $result:ty: $summary:literal;)+) => {
        fn param_schemas() -> Vec<(&'static str, Value)> {
            vec![$(($name, schemars::schema_for!($params).to_value())),+]
        }
    };
}

crate::for_each_method!(param_schemas);
