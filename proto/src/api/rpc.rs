//! `rpc.*`: what the protocol says about itself, and its frames: JSON-RPC 2.0.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::ApiError;

/// Parameters of `rpc.discover`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Discover {}

/// Answer of `rpc.discover`: an OpenRPC document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct OpenRpcDocument(pub Value);

/// A call as it is sent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CallFrame<'a, P> {
    jsonrpc: &'static str,
    id: u64,
    method: &'a str,
    params: P,
}

impl<'a, P: Serialize> CallFrame<'a, P> {
    /// Makes the frame.
    pub const fn new(id: u64, method: &'a str, params: P) -> Self {
        Self { jsonrpc: VERSION, id, method, params }
    }
}

/// An answer as it is received: `result` or `error`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct AnswerFrame<R> {
    /// Of the call; null if the daemon could not read it.
    pub id: Option<u64>,
    /// Set if it went well.
    pub result: Option<R>,
    /// Set if it did not.
    pub error: Option<ApiError>,
}

/// The version of JSON-RPC.
pub const VERSION: &str = "2.0";
