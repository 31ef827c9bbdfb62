//! HTTP/1.1 as the client needs it: one request, one reply, bodies by length or in chunks, everything bounded.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use crate::api::limits;

/// What came is not what a daemon sends.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// The head of the reply is not HTTP.
    #[error("the reply is not HTTP/1.1")]
    Head(#[source] httparse::Error),
    /// The head does not end.
    #[error("the head of the reply is over {} bytes", limits::HEAD_BYTES_MAX)]
    HeadTooLarge,
    /// The head says neither how long the body is nor that it is chunked, or both.
    #[error("the reply does not say how long it is")]
    Length,
    /// A chunk does not begin with its size, or does not end where it said.
    #[error("the reply is chunked wrongly")]
    Chunk,
    /// The body is over its bound.
    #[error("the reply is over {} MiB", limits::REPLY_BYTES_MAX / (1024 * 1024))]
    TooLarge,
    /// The body is not JSON, or not of the expected shape.
    #[error("the reply is not the JSON that was expected")]
    Answer(#[source] serde_json::Error),
    /// The answer is to another question, or is neither result nor error.
    #[error("the reply does not belong to the call")]
    WrongAnswer,
    /// The request for events was not granted.
    #[error("the reply has the status {0}")]
    Status(u16),
    /// An event is over its bound.
    #[error("an event is over {} KiB", limits::EVENT_BYTES_MAX / 1024)]
    EventTooLarge,
}

/// Why an exchange failed, as far as it matters for sending again.
#[derive(Debug)]
pub(crate) enum ExchangeError {
    /// The request surely was not taken whole.
    NotTaken(io::Error),
    /// It may have been taken.
    Broken(io::Error),
    /// It was answered, but not understandably.
    Protocol(ProtocolError),
}

impl ExchangeError {
    /// Tells whether sending again is safe.
    pub(crate) fn allows_retry(&self, is_read_only: bool) -> bool {
        match self {
            Self::NotTaken(_) => true,
            Self::Broken(error) => is_read_only && error.kind() == io::ErrorKind::UnexpectedEof,
            Self::Protocol(_) => false,
        }
    }
}

impl From<ProtocolError> for ExchangeError {
    fn from(error: ProtocolError) -> Self {
        Self::Protocol(error)
    }
}

/// A connection, between two requests or in the middle of one.
#[derive(Debug)]
pub(crate) struct Exchange {
    stream: UnixStream,
    /// What was read but not used yet.
    buffer: Vec<u8>,
    time_max: Option<Duration>,
    is_reusable: bool,
}

/// The head of a reply, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) body: Framing,
    pub(crate) keeps_alive: bool,
}

/// How the end of a body is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    Length(usize),
    Chunked,
}

impl Exchange {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(path)?;
        Ok(Self { stream, buffer: Vec::new(), time_max: None, is_reusable: true })
    }

    /// Sends a request and reads the body of its reply, whatever its status: the body says what is wrong.
    pub(crate) fn post(&mut self, request: &[u8], time_max: Duration) -> Result<Vec<u8>, ExchangeError> {
        self.send(request, Some(time_max))?;
        let head = self.read_head().map_err(|error| self.blame(error))?;
        self.is_reusable = head.keeps_alive;
        self.read_whole(head.body)
    }

    /// Reads a body to its end.
    pub(crate) fn read_whole(&mut self, framing: Framing) -> Result<Vec<u8>, ExchangeError> {
        match framing {
            Framing::Length(length) => self.read_body(length),
            Framing::Chunked => self.read_chunks(),
        }
    }

    pub(crate) fn is_reusable(&self) -> bool {
        self.is_reusable && self.buffer.is_empty()
    }

    /// Sends a request; `time_max` then holds for each wait.
    pub(crate) fn send(&mut self, request: &[u8], time_max: Option<Duration>) -> Result<(), ExchangeError> {
        self.set_time_max(time_max).map_err(ExchangeError::NotTaken)?;
        match self.stream.write_all(request) {
            Ok(()) => Ok(()),
            // A server that refuses a request unread says why and hangs up: its reply is waiting.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe && self.has_reply() => Ok(()),
            Err(error) => Err(ExchangeError::NotTaken(error)),
        }
    }

    pub(crate) fn set_time_max(&mut self, time_max: Option<Duration>) -> io::Result<()> {
        if self.time_max != time_max {
            self.stream.set_read_timeout(time_max)?;
            self.stream.set_write_timeout(time_max)?;
            self.time_max = time_max;
        }
        Ok(())
    }

    pub(crate) fn read_head(&mut self) -> Result<Head, ExchangeError> {
        loop {
            if let Some((head, size)) = parse_head(&self.buffer)? {
                self.buffer.drain(..size);
                return Ok(head);
            }
            if self.buffer.len() > limits::HEAD_BYTES_MAX {
                return Err(ProtocolError::HeadTooLarge.into());
            }
            self.fill()?;
        }
    }

    /// Reads the next chunk of a body; `None` at its end.
    pub(crate) fn read_chunk(&mut self) -> Result<Option<Vec<u8>>, ExchangeError> {
        let (start, size) = loop {
            match httparse::parse_chunk_size(&self.buffer) {
                Ok(httparse::Status::Complete((start, size))) => {
                    break (start, usize::try_from(size).map_err(|_| ProtocolError::TooLarge)?);
                }
                Ok(httparse::Status::Partial) if self.buffer.len() < CHUNK_HEAD_BYTES_MAX => self.fill()?,
                _ => return Err(ProtocolError::Chunk.into()),
            }
        };
        if size > limits::REPLY_BYTES_MAX {
            return Err(ProtocolError::TooLarge.into());
        }
        let end = start + size;
        while self.buffer.len() < end + CRLF.len() {
            self.fill()?;
        }
        if &self.buffer[end..end + CRLF.len()] != CRLF {
            // Trailers would stand here; a daemon sends none.
            return Err(ProtocolError::Chunk.into());
        }
        let chunk = self.buffer[start..end].to_vec();
        self.buffer.drain(..end + CRLF.len());
        Ok((size > 0).then_some(chunk))
    }

    fn read_body(&mut self, length: usize) -> Result<Vec<u8>, ExchangeError> {
        while self.buffer.len() < length {
            self.fill()?;
        }
        let rest = self.buffer.split_off(length);
        Ok(std::mem::replace(&mut self.buffer, rest))
    }

    fn read_chunks(&mut self) -> Result<Vec<u8>, ExchangeError> {
        let mut body = Vec::new();
        while let Some(chunk) = self.read_chunk()? {
            if body.len() + chunk.len() > limits::REPLY_BYTES_MAX {
                return Err(ProtocolError::TooLarge.into());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// Reads what there is, at least a byte.
    fn fill(&mut self) -> Result<(), ExchangeError> {
        let start = self.buffer.len();
        // A small reply comes in one read; a large one in reads that grow with it.
        self.buffer.resize(start + start.clamp(READ_BYTES_MIN, READ_BYTES_MAX), 0);
        let outcome = loop {
            match self.stream.read(&mut self.buffer[start..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => break outcome,
            }
        };
        self.buffer.truncate(start + outcome.as_ref().copied().unwrap_or(0));
        match outcome {
            Ok(0) => Err(ExchangeError::Broken(io::ErrorKind::UnexpectedEof.into())),
            Ok(_) => Ok(()),
            Err(error) => Err(ExchangeError::Broken(error)),
        }
    }

    /// A Unix socket tells when its peer hung up without having read all that we sent.
    fn blame(&self, error: ExchangeError) -> ExchangeError {
        match error {
            ExchangeError::Broken(error)
                if error.kind() == io::ErrorKind::ConnectionReset && self.buffer.is_empty() =>
            {
                ExchangeError::NotTaken(error)
            }
            other => other,
        }
    }

    fn has_reply(&mut self) -> bool {
        self.fill().is_ok()
    }
}

fn parse_head(buffer: &[u8]) -> Result<Option<(Head, usize)>, ProtocolError> {
    let mut fields = [httparse::EMPTY_HEADER; HEAD_FIELDS_MAX];
    let mut response = httparse::Response::new(&mut fields);
    let size = match response.parse(buffer).map_err(ProtocolError::Head)? {
        httparse::Status::Complete(size) => size,
        httparse::Status::Partial => return Ok(None),
    };
    let field = |name: &str| {
        let found = response.headers.iter().find(|field| field.name.eq_ignore_ascii_case(name));
        found.map(|field| std::str::from_utf8(field.value).unwrap_or_default().trim())
    };
    let body = match (field("content-length"), field("transfer-encoding")) {
        (Some(length), None) => Framing::Length(length.parse().map_err(|_| ProtocolError::Length)?),
        (None, Some(coding)) if coding.eq_ignore_ascii_case("chunked") => Framing::Chunked,
        _ => return Err(ProtocolError::Length),
    };
    if matches!(body, Framing::Length(length) if length > limits::REPLY_BYTES_MAX) {
        return Err(ProtocolError::TooLarge);
    }
    let keeps_alive =
        response.version == Some(1) && !field("connection").is_some_and(|v| v.eq_ignore_ascii_case("close"));
    let status = response.code.unwrap_or_default();
    Ok(Some((Head { status, body, keeps_alive }, size)))
}

const CRLF: &[u8] = b"\r\n";

/// Fields in the head of a reply: a daemon sends four.
const HEAD_FIELDS_MAX: usize = 32;

/// The line before a chunk: its size in hexadecimal.
const CHUNK_HEAD_BYTES_MAX: usize = 64;

/// A read that takes most replies whole.
const READ_BYTES_MIN: usize = 16 * 1024;

/// A read beyond which larger ones gain nothing.
const READ_BYTES_MAX: usize = 1024 * 1024;
