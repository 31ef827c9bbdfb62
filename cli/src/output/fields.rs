//! `--json=id,title`: which fields of a document are wanted, as dotted paths. Lists on the way are gone through.

use std::collections::BTreeSet;
use std::str::FromStr;

use schemars::{JsonSchema, schema_for};
use serde_json::{Map, Value};

use crate::error::{CliError, ErrorKind};

/// The wanted fields; all when none is named.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Fields {
    paths: Vec<Vec<String>>,
}

/// What stands there is no list of fields.
#[derive(Debug, thiserror::Error)]
#[error("fields are names with commas between, as id,title,requester.name")]
pub(crate) struct ParseFieldsError;

impl Fields {
    /// Tells whether everything is wanted.
    pub(crate) const fn are_all(&self) -> bool {
        self.paths.is_empty()
    }

    /// Returns the value with the wanted fields alone, each where it was.
    pub(crate) fn select(&self, value: &Value) -> Value {
        if self.are_all() {
            return value.clone();
        }
        let mut selected = Value::Null;
        for path in &self.paths {
            merge(&mut selected, pick(value, path));
        }
        selected
    }

    /// Refuses fields that a `T` cannot have: a misspelt one must not first be noticed when the work is done.
    pub(crate) fn check<T: JsonSchema>(&self) -> Result<(), CliError> {
        if self.are_all() {
            return Ok(());
        }
        let schema = schema_for!(T).to_value();
        for path in &self.paths {
            let mut shape = &schema;
            for name in path {
                shape = field(&schema, shape, name).ok_or_else(|| unknown(path, &schema, shape))?;
            }
        }
        Ok(())
    }
}

impl FromStr for Fields {
    type Err = ParseFieldsError;

    fn from_str(text: &str) -> Result<Self, ParseFieldsError> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let paths: Vec<Vec<String>> =
            text.split(',').map(|path| path.trim().split('.').map(str::to_owned).collect()).collect();
        let is_whole = paths.iter().flatten().all(|name| !name.is_empty());
        is_whole.then_some(Self { paths }).ok_or(ParseFieldsError)
    }
}

/// Finds what a schema says of a field, through references, choices and lists.
fn field<'a>(root: &'a Value, shape: &'a Value, name: &str) -> Option<&'a Value> {
    shape["properties"]
        .get(name)
        .or_else(|| inner_shapes(root, shape).find_map(|inner| field(root, inner, name)))
}

fn names(root: &Value, shape: &Value) -> BTreeSet<String> {
    let own = shape["properties"].as_object().into_iter().flat_map(|fields| fields.keys().cloned());
    own.chain(inner_shapes(root, shape).flat_map(|inner| names(root, inner))).collect()
}

fn inner_shapes<'a>(root: &'a Value, shape: &'a Value) -> impl Iterator<Item = &'a Value> {
    let referred = shape["$ref"].as_str().and_then(|path| root.pointer(path.strip_prefix('#')?));
    let choices = ["anyOf", "oneOf", "allOf"].into_iter().filter_map(|key| shape[key].as_array()).flatten();
    referred.into_iter().chain(choices).chain(shape.get("items"))
}

fn unknown(path: &[String], root: &Value, shape: &Value) -> CliError {
    let names: Vec<String> = names(root, shape).into_iter().collect();
    let error = CliError::message(ErrorKind::Usage, format!("there is no field {}", path.join(".")));
    if names.is_empty() {
        return error.hint("what stands before the last dot has no fields");
    }
    error.hint(format!("there are: {}", names.join(", ")))
}

/// Returns the one field with what it stands in; null where it is not there.
fn pick(value: &Value, path: &[String]) -> Value {
    match (value, path.split_first()) {
        (value, None) => value.clone(),
        (Value::Array(items), Some(_)) => items.iter().map(|item| pick(item, path)).collect(),
        (Value::Object(fields), Some((name, rest))) => {
            let field = fields.get(name).map_or(Value::Null, |field| pick(field, rest));
            Value::Object(Map::from_iter([(name.clone(), field)]))
        }
        _ => Value::Null,
    }
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                merge(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (Value::Array(into), Value::Array(from)) => {
            into.iter_mut().zip(from).for_each(|(into, from)| merge(into, from));
        }
        (into @ Value::Null, from) => *into = from,
        _ => {}
    }
}

#[cfg(test)]
mod tests;
