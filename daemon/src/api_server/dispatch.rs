//! JSON-RPC 2.0: the bytes of a request in, the bytes of its answer out. Knows nothing of HTTP.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use assist_proto::api::{ApiError, ErrorCode, METHODS, Method, limits, rpc};
use assist_proto::for_each_method;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use tokio::time::timeout;

use super::backend::{Backend, Handle};
use super::calls::RunningCalls;

/// Finds the handler of each call and turns what it says into an answer.
pub struct Dispatcher<B> {
    backend: Arc<B>,
    running: RunningCalls,
    /// What trace ids begin with: the name of this run of the daemon.
    boot: String,
    traces: AtomicU64,
}

/// A call as it comes. Parts are kept raw, so that a wrong one is told from a missing one.
#[derive(Deserialize)]
struct RequestFrame<'a> {
    #[serde(borrow, default)]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<&'a RawValue>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
    /// A request without is a notification; one with null is not.
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct ResultFrame<'a> {
    jsonrpc: &'static str,
    id: &'a RawValue,
    result: &'a RawValue,
}

#[derive(Serialize)]
struct ErrorFrame<'a> {
    jsonrpc: &'static str,
    id: &'a RawValue,
    error: &'a ApiError,
}

type Outcome = Result<Box<RawValue>, ApiError>;

impl<B: Backend> Dispatcher<B> {
    /// Answers with a backend; `boot` names this run of the daemon.
    pub fn new(backend: Arc<B>, boot: String) -> Self {
        Self { backend, running: RunningCalls::default(), boot, traces: AtomicU64::new(1) }
    }

    /// Waits for the calls that run to their end.
    pub(crate) async fn drain(&self) {
        self.running.drain().await;
    }

    /// Answers a request or a batch; `None` when there is nothing to answer: only notifications.
    pub async fn answer(&self, body: &[u8]) -> Option<Vec<u8>> {
        let request: &RawValue = match serde_json::from_slice(body) {
            Ok(request) => request,
            Err(error) => return Some(error_answer(RawValue::NULL, &not_json(&error))),
        };
        if request.get().starts_with('[') {
            return self.answer_batch(request).await;
        }
        self.answer_one(request).await
    }

    /// Answers calls one after the other, so that a later one may build on an earlier one.
    async fn answer_batch(&self, batch: &RawValue) -> Option<Vec<u8>> {
        let calls: Vec<&RawValue> = match serde_json::from_str(batch.get()) {
            Ok(calls) => calls,
            Err(error) => return Some(error_answer(RawValue::NULL, &not_json(&error))),
        };
        if let Err(error) = check_batch_size(calls.len()) {
            return Some(error_answer(RawValue::NULL, &error));
        }
        let mut answers = vec![b'['];
        for call in calls {
            let Some(answer) = self.answer_one(call).await else { continue };
            if answers.len() > 1 {
                answers.push(b',');
            }
            answers.extend_from_slice(&answer);
            if answers.len() > limits::REPLY_BYTES_MAX {
                return Some(error_answer(RawValue::NULL, &too_large("the answers of the batch")));
            }
        }
        answers.push(b']');
        (answers.len() > 2).then_some(answers)
    }

    async fn answer_one(&self, request: &RawValue) -> Option<Vec<u8>> {
        let (id, method, params) = match read_request(request) {
            Ok(read) => read,
            Err((id, error)) => return Some(error_answer(id, &error)),
        };
        let outcome = match Self::route(&method) {
            Some(run) => run(self, params).await,
            None => Err(unknown_method(&method)),
        };
        let outcome = outcome.map_err(|error| self.with_trace(&method, error));
        let id = id?;
        Some(match outcome {
            Ok(result) => to_bytes(&ResultFrame { jsonrpc: rpc::VERSION, id, result: &result }),
            Err(error) => error_answer(id, &error),
        })
    }

    async fn run<M: Method>(&self, params: &str) -> Outcome
    where
        B: Handle<M>,
    {
        let params: M = read_params(params)?;
        let backend = Arc::clone(&self.backend);
        let call = async move {
            let handled = AssertUnwindSafe(Handle::<M>::handle(&*backend, params)).catch_unwind().await;
            handled.unwrap_or_else(|_| Err(panicked(M::NAME)))
        };
        let time_max = limits::call_max(M::NAME);
        let result = if M::READ_ONLY {
            timeout(time_max, call).await.unwrap_or_else(|_| Err(out_of_time(M::NAME)))?
        } else {
            timeout(time_max, self.running.run(call))
                .await
                .unwrap_or_else(|_| Ok(Err(out_of_time(M::NAME))))
                .unwrap_or_else(|_| Err(panicked(M::NAME)))?
        };
        let result = serde_json::value::to_raw_value(&result)
            .map_err(|error| ApiError::internal("result_not_json", error.to_string()))?;
        if result.get().len() > limits::REPLY_BYTES_MAX {
            return Err(too_large("the answer"));
        }
        Ok(result)
    }

    /// Gives every internal error a name under which the log knows more.
    fn with_trace(&self, method: &str, error: ApiError) -> ApiError {
        if error.code != ErrorCode::Internal {
            return error;
        }
        let number = self.traces.fetch_add(1, Ordering::Relaxed);
        let trace_id = error.data.trace_id.clone().unwrap_or_else(|| format!("{}-{number}", self.boot));
        tracing::error!(method, trace_id, reason = error.data.reason, "call failed: {}", error.message);
        error.with_trace_id(trace_id)
    }
}

type Run<B> = for<'a> fn(&'a Dispatcher<B>, &'a str) -> BoxFuture<'a, Outcome>;

macro_rules! define_route {
    ($($name:literal $access:ident $params:ty => $result:ty: $summary:literal;)+) => {
        impl<B: Backend> Dispatcher<B> {
            fn route(method: &str) -> Option<Run<B>> {
                match method {
                    $($name => Some(|dispatcher, params| dispatcher.run::<$params>(params).boxed()),)+
                    _ => None,
                }
            }
        }
    };
}

for_each_method!(define_route);

type Parts<'a> = (Option<&'a RawValue>, String, &'a str);

fn read_request(request: &RawValue) -> Result<Parts<'_>, (&RawValue, ApiError)> {
    let frame: RequestFrame<'_> = serde_json::from_str(request.get()).map_err(|_| {
        (
            RawValue::NULL,
            invalid_request("a request is an object with the fields jsonrpc, method, params, id"),
        )
    })?;
    if frame.id.is_some_and(|id| !is_valid_id(id)) {
        return Err((RawValue::NULL, invalid_request("the id must be a text, a number or null")));
    }
    // A request that cannot be told from a notification is answered all the same: silence would hide the mistake.
    let fail = |message: &str| (frame.id.unwrap_or(RawValue::NULL), invalid_request(message));
    if frame.jsonrpc.map(RawValue::get) != Some(r#""2.0""#) {
        return Err(fail(r#"the field jsonrpc must be "2.0""#));
    }
    let method = frame.method.and_then(|method| serde_json::from_str(method.get()).ok());
    let method = method.ok_or_else(|| fail("the field method must be a text, as ticket.list"))?;
    Ok((frame.id, method, frame.params.map_or("{}", RawValue::get)))
}

fn is_valid_id(id: &RawValue) -> bool {
    matches!(id.get().as_bytes().first(), Some(b'"' | b'-' | b'0'..=b'9' | b'n'))
}

fn read_params<M: Method>(params: &str) -> Result<M, ApiError> {
    if !params.starts_with('{') {
        let message = format!("{} takes named parameters: send params as an object", M::NAME);
        return Err(ApiError::invalid_params("params_not_named", message));
    }
    let mut deserializer = serde_json::Deserializer::from_str(params);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let cause = error.inner().to_string();
        // The place in the text means nothing to a caller who wrote an object.
        let cause = cause.split(" at line ").next().unwrap_or_default();
        let field = field_of(&error.path().to_string(), cause);
        let message = match &field {
            Some(field) if !cause.contains(&format!("`{field}`")) => format!("{}: {field}: {cause}", M::NAME),
            _ => format!("{}: {cause}", M::NAME),
        };
        let error = ApiError::invalid_params("invalid_params", message);
        match field {
            Some(field) => error.with_field(field),
            None => error,
        }
    })
}

/// Names the parameter at fault. A field that is missing or unknown stands in the message, not in the path.
fn field_of(path: &str, cause: &str) -> Option<String> {
    let named = ["missing field `", "unknown field `"]
        .iter()
        .find_map(|start| cause.strip_prefix(start)?.split('`').next());
    match (path, named) {
        (".", named) => named.map(str::to_owned),
        (path, Some(named)) if path != named && !path.ends_with(&format!(".{named}")) => {
            Some(format!("{path}.{named}"))
        }
        (path, _) => Some(path.to_owned()),
    }
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}

fn check_batch_size(calls: usize) -> Result<(), ApiError> {
    match calls {
        0 => Err(invalid_request("the batch is empty: send at least one call")),
        _ if calls > limits::BATCH_CALLS_MAX => {
            let message =
                format!("the batch has {calls} calls, at most {} go at once", limits::BATCH_CALLS_MAX);
            Err(ApiError::limit("batch_too_large", message))
        }
        _ => Ok(()),
    }
}

fn unknown_method(method: &str) -> ApiError {
    let mut near: Vec<(f64, &str)> = METHODS
        .iter()
        .map(|known| (strsim::jaro_winkler(method, known.name), known.name))
        .filter(|(likeness, _)| *likeness > LIKENESS_MIN)
        .collect();
    near.sort_by(|left, right| right.0.total_cmp(&left.0));
    let nearest: Vec<String> = near.into_iter().take(3).map(|(_, name)| name.to_owned()).collect();
    let name: String = method.chars().take(80).collect();
    let advice = match nearest.as_slice() {
        [] => "rpc.discover lists them all".to_owned(),
        names => format!("did you mean {}?", names.join(" or ")),
    };
    ApiError::method_not_found("unknown_method", format!("there is no method {name:?}: {advice}"))
        .with_nearest(nearest)
}

fn not_json(error: &serde_json::Error) -> ApiError {
    ApiError::parse_error("not_json", format!("the body is not JSON in UTF-8: {error}"))
}

fn invalid_request(message: &str) -> ApiError {
    ApiError::invalid_request("invalid_request", message)
}

fn panicked(method: &str) -> ApiError {
    ApiError::internal(
        "panicked",
        format!("{method} failed in an unforeseen way: please report it with the log"),
    )
}

fn out_of_time(method: &str) -> ApiError {
    let message =
        format!("{method} took too long; what it began may still come about: look before you try again");
    ApiError::timed_out("call_timeout", message)
}

fn too_large(what: &str) -> ApiError {
    let message = format!(
        "{what} would be over {} MiB: ask for a smaller window by limit or comments_limit",
        limits::REPLY_BYTES_MAX / (1024 * 1024)
    );
    ApiError::limit("reply_too_large", message)
}

fn error_answer(id: &RawValue, error: &ApiError) -> Vec<u8> {
    to_bytes(&ErrorFrame { jsonrpc: rpc::VERSION, id, error })
}

/// Makes the answer to a request that was not even read.
pub(crate) fn anonymous_error(error: &ApiError) -> Vec<u8> {
    error_answer(RawValue::NULL, error)
}

fn to_bytes(frame: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(frame).expect("frames have text keys and parts that are JSON already")
}

/// How alike two names must be for one to be offered in place of the other.
const LIKENESS_MIN: f64 = 0.8;

#[cfg(test)]
mod tests;
