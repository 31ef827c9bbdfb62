//! The OpenRPC document: the method table with its schemas, for people and for generators of clients.

use schemars::generate::{Contract, SchemaSettings};
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::error::{ApiError, ErrorCode};
use super::events::Event;
use super::{API_VERSION, Method};

/// Makes the document. The same in every run of one version.
pub fn document() -> Value {
    let mut writer = DocumentWriter::new();
    write_methods(&mut writer);
    let event = writer.result_schema::<Event>();
    let error = writer.result_schema::<ApiError>();
    let mut document = json!({
        "openrpc": "1.3.2",
        "info": {
            "title": "Hero Assistance, local API",
            "version": API_VERSION,
            "description": "JSON-RPC 2.0 over HTTP/1.1 POST /rpc on the daemon's Unix socket; events on /events. See docs/api.md.",
            "license": { "name": "Apache-2.0" },
        },
        "methods": writer.methods,
        "x-event": event,
        "x-error": error,
        "components": {
            "schemas": writer.schemas(),
            "errors": errors(),
        },
    });
    // Whether maps keep their order depends on the features of whatever else is being built.
    document.sort_all_objects();
    document
}

/// Collects methods and the schemas that they name. What is sent and what is answered differ in which fields
/// must be there: a parameter with a default may be left out, a field of an answer never is.
struct DocumentWriter {
    params: SchemaGenerator,
    results: SchemaGenerator,
    methods: Vec<Value>,
}

impl DocumentWriter {
    fn new() -> Self {
        let generator = |contract| {
            let mut settings = SchemaSettings::draft07();
            settings.definitions_path = "/components/schemas".into();
            settings.contract = contract;
            settings.into_generator()
        };
        Self {
            params: generator(Contract::Deserialize),
            results: generator(Contract::Serialize),
            methods: Vec::new(),
        }
    }

    fn add<M: Method>(&mut self) {
        let params = M::json_schema(&mut self.params);
        let result = self.result_schema::<M::Result>();
        self.methods.push(json!({
            "name": M::NAME,
            "summary": M::SUMMARY,
            "tags": [{ "name": if M::READ_ONLY { "read" } else { "write" } }],
            "paramStructure": "by-name",
            "params": content_descriptors(params.as_value()),
            "result": { "name": "result", "schema": result },
        }));
    }

    fn result_schema<T: JsonSchema>(&mut self) -> Value {
        self.results.subschema_for::<T>().to_value()
    }

    fn schemas(&mut self) -> Map<String, Value> {
        let mut schemas = self.params.take_definitions(true);
        schemas.extend(self.results.take_definitions(true));
        schemas
    }
}

macro_rules! write_methods {
    ($($name:literal $access:ident $params:ty => $result:ty: $summary:literal;)+) => {
        fn write_methods(writer: &mut DocumentWriter) {
            $(writer.add::<$params>();)+
        }
    };
}

crate::for_each_method!(write_methods);

/// Turns the schema of a parameter struct into OpenRPC's list of parameters, required ones first as it demands.
fn content_descriptors(schema: &Value) -> Vec<Value> {
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut descriptors: Vec<(bool, Value)> = schema["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, schema)| {
            let is_required = required.contains(&name.as_str());
            (is_required, json!({ "name": name, "required": is_required, "schema": schema }))
        })
        .collect();
    descriptors.sort_by_key(|(is_required, _)| !is_required);
    descriptors.into_iter().map(|(_, descriptor)| descriptor).collect()
}

fn errors() -> Map<String, Value> {
    ErrorCode::ALL
        .iter()
        .map(|code| (format!("{code:?}"), json!({ "code": code.number(), "message": code.meaning() })))
        .collect()
}

#[cfg(test)]
mod tests;
