//! `rpc`: any method of the local API, as it is.

use std::io;

use assist_proto::api::limits;
use serde_json::{Map, Value};

use crate::args::RpcArgs;
use crate::body::read_text_within;
use crate::error::{CliError, ErrorKind};
use crate::invocation::Invocation;
use crate::output::Format;

/// Calls the method and prints its result: over several lines, or as one with `--jsonl`.
pub(crate) fn run(args: &RpcArgs, invocation: &mut Invocation) -> Result<(), CliError> {
    let params = params(args.params.as_deref())?;
    let result = invocation.client()?.call_raw(&args.method, &params)?;
    match (&result, invocation.output.format()) {
        (Value::Array(rows), Format::JsonLines(_)) => {
            rows.iter().try_for_each(|row| invocation.output.json(row))
        }
        _ => invocation.output.json(&result),
    }
}

fn params(given: Option<&str>) -> Result<Value, CliError> {
    let text = match given {
        None => return Ok(Value::Object(Map::new())),
        Some("-") => read_text_within(limits::REQUEST_BYTES_MAX, "stdin", io::stdin().lock())?,
        Some(text) => text.to_owned(),
    };
    let params: Value = serde_json::from_str(&text).map_err(|error| {
        let error = anyhow::Error::new(error).context("the parameters are not JSON");
        CliError::new(ErrorKind::Usage, error).hint("give an object, as '{\"ticket\": \"#142\"}'")
    })?;
    if !params.is_object() {
        let error = CliError::message(ErrorKind::Usage, "the parameters are not a JSON object");
        return Err(error.hint("all parameters go by name, as '{\"ticket\": \"#142\"}'"));
    }
    Ok(params)
}

#[cfg(test)]
mod tests;
