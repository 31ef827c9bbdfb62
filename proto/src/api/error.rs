//! What a call answers when it cannot do what was asked: a code, a sentence that says what to do, and data.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::ticket::TicketRef;

/// The error object of JSON-RPC 2.0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize, JsonSchema)]
#[error("{message}")]
pub struct ApiError {
    /// Which kind of failure: see the table in `docs/api.md`.
    pub code: ErrorCode,
    /// What went wrong and what to do about it, for people.
    pub message: String,
    /// The same for machines.
    #[serde(default)]
    pub data: Box<ErrorData>,
}

/// What a machine may want to know of an error.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ErrorData {
    /// A stable snake_case word, finer than the code. New ones may come.
    pub reason: String,
    /// The parameter that is at fault, as a path: `set.title`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What an ambiguous reference could have meant.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<TicketRef>,
    /// Names that come near to the one that is unknown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nearest: Vec<String>,
    /// The changes that the error is about: those refused, or those not there yet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
    /// What to look for in the daemon's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
}

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident = $number:literal, $constructor:ident, $meaning:literal;)+) => {
        /// Kinds of failure. The numbers are a promise: never reused, never changed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(from = "i64", into = "i64")]
        pub enum ErrorCode {
            $($(#[$doc])* $variant,)+
            /// A code of a newer daemon.
            Other(i64),
        }

        impl ErrorCode {
            /// All that this version knows.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the number that is sent.
            pub const fn number(self) -> i64 {
                match self { $(Self::$variant => $number,)+ Self::Other(number) => number }
            }

            /// Says in a few words what the code means.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)+ Self::Other(_) => "unknown to this version" }
            }
        }

        impl From<i64> for ErrorCode {
            fn from(number: i64) -> Self {
                match number { $($number => Self::$variant,)+ other => Self::Other(other) }
            }
        }

        impl ApiError {
            $(
                #[doc = concat!("Makes an error with the code ", stringify!($number), ": ", $meaning, ".")]
                pub fn $constructor(reason: &str, message: impl Into<String>) -> Self {
                    Self::new(ErrorCode::$variant, reason, message)
                }
            )+
        }
    };
}

error_codes! {
    /// Not JSON.
    ParseError = -32700, parse_error, "the body is not JSON";
    /// JSON, but no call.
    InvalidRequest = -32600, invalid_request, "the body is not a JSON-RPC 2.0 request";
    /// No such method.
    MethodNotFound = -32601, method_not_found, "there is no method of that name";
    /// The parameters do not fit; `data.field` says which.
    InvalidParams = -32602, invalid_params, "a parameter is missing, unknown or out of bounds";
    /// A defect or a damaged machine; `data.trace_id` leads to the log.
    Internal = -32603, internal, "the daemon failed; its log knows more under the trace id";
    /// This device is not a member of the project.
    NotEnrolled = -32001, not_enrolled, "this device is not enrolled in the project";
    /// The role does not allow it.
    NotAllowed = -32002, not_allowed, "the role of this user or daemon does not allow it";
    /// Nothing has that id, number or name.
    NotFound = -32003, not_found, "nothing of that name or id is here";
    /// It clashes with what is there, or means more than one thing.
    Conflict = -32004, conflict, "it clashes with what is there, or is ambiguous";
    /// Over a bound.
    Limit = -32005, limit, "over a limit of size, count or rate";
    /// It needs the server.
    Offline = -32006, offline, "it needs the server, which cannot be reached now";
    /// The time that was allowed ran out.
    TimedOut = -32007, timed_out, "the time ran out; what was begun may still come about";
}

impl ApiError {
    /// Makes an error; the constructors named after the codes are shorter.
    pub fn new(code: ErrorCode, reason: &str, message: impl Into<String>) -> Self {
        let data = ErrorData { reason: reason.to_owned(), ..ErrorData::default() };
        Self { code, message: message.into(), data: Box::new(data) }
    }

    /// Names the parameter at fault.
    #[must_use]
    pub fn with_field(mut self, field: impl Into<String>) -> Self {
        self.data.field = Some(field.into());
        self
    }

    /// Names what an ambiguous reference could have meant.
    #[must_use]
    pub fn with_candidates(mut self, candidates: Vec<TicketRef>) -> Self {
        self.data.candidates = candidates;
        self
    }

    /// Names what comes near to an unknown name.
    #[must_use]
    pub fn with_nearest(mut self, nearest: Vec<String>) -> Self {
        self.data.nearest = nearest;
        self
    }

    /// Names the changes that the error is about.
    #[must_use]
    pub fn with_changes(mut self, changes: Vec<String>) -> Self {
        self.data.changes = changes;
        self
    }

    /// Names what to look for in the log.
    #[must_use]
    pub fn with_trace_id(mut self, trace_id: impl Into<String>) -> Self {
        self.data.trace_id = Some(trace_id.into());
        self
    }
}

impl From<ErrorCode> for i64 {
    fn from(code: ErrorCode) -> Self {
        code.number()
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.number(), self.meaning())
    }
}

impl JsonSchema for ErrorCode {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ErrorCode".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer" })
    }
}
