//! One question to the node's REST API, over TCP on this machine. Bounded in bytes and time.
//!
//! HTTP/1.0 on purpose: the answer is whole when the connection ends, and nothing is to be kept.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::limits::{ANSWER_BYTES_MAX, HEAD_FIELDS_MAX};
use super::node::{NodeInfo, NodeInfoError};

/// Why there is no word of a node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// Nobody listens there.
    #[error("nothing listens there ({0})")]
    Nobody(String),
    /// Somebody does and says nothing, or breaks off.
    #[error("what listens there gives no answer")]
    Silent,
    /// More than any node says.
    #[error("the answer is longer than {ANSWER_BYTES_MAX} bytes")]
    TooLong,
    /// Not HTTP.
    #[error("what listens there does not speak HTTP")]
    NotHttp,
    /// Something with other paths than a node's.
    #[error("what listens there answers with HTTP status {0}")]
    Status(u16),
    /// HTTP, but no node.
    #[error(transparent)]
    Info(#[from] NodeInfoError),
}

/// Asks the node at `api` what it is.
///
/// # Errors
/// When no answer comes in time, or it is not a node's.
pub async fn ask(api: SocketAddr, patience: Duration) -> Result<NodeInfo, AskError> {
    timeout(patience, exchange(api)).await.unwrap_or(Err(AskError::Silent))
}

async fn exchange(api: SocketAddr) -> Result<NodeInfo, AskError> {
    let nobody = |error: io::Error| AskError::Nobody(error.kind().to_string());
    let mut stream = TcpStream::connect(api).await.map_err(nobody)?;
    let request = format!("GET {PATH} HTTP/1.0\r\nHost: {api}\r\nAccept: application/json\r\n\r\n");
    stream.write_all(request.as_bytes()).await.map_err(|_| AskError::Silent)?;
    let mut answer = Vec::new();
    // One byte over the bound tells that there is more.
    let bound = ANSWER_BYTES_MAX as u64 + 1;
    stream.take(bound).read_to_end(&mut answer).await.map_err(|_| AskError::Silent)?;
    read_answer(&answer)
}

/// Reads a whole answer.
fn read_answer(answer: &[u8]) -> Result<NodeInfo, AskError> {
    if answer.is_empty() {
        return Err(AskError::Silent);
    }
    if answer.len() > ANSWER_BYTES_MAX {
        return Err(AskError::TooLong);
    }
    let mut fields = [httparse::EMPTY_HEADER; HEAD_FIELDS_MAX];
    let mut response = httparse::Response::new(&mut fields);
    let Ok(httparse::Status::Complete(head)) = response.parse(answer) else {
        return Err(AskError::NotHttp);
    };
    match response.code {
        Some(200) => {}
        code => return Err(AskError::Status(code.unwrap_or_default())),
    }
    let body = &answer[head..];
    let length = response.headers.iter().find(|field| field.name.eq_ignore_ascii_case("content-length"));
    let is_short = match length.map(|field| std::str::from_utf8(field.value).map(str::parse::<usize>)) {
        Some(Ok(Ok(length))) => length > body.len(),
        Some(_) => return Err(AskError::NotHttp),
        None => false,
    };
    // Broken off: the node went down while it answered.
    if is_short { Err(AskError::Silent) } else { Ok(NodeInfo::parse(body)?) }
}

/// Of mycelium's REST API, version 0.5 and later.
const PATH: &str = "/api/v1/admin";

#[cfg(test)]
mod tests;
