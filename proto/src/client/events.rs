//! The events as an iterator: `text/event-stream` over a connection of its own.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::ClientError;
use super::http::{Exchange, ExchangeError, Framing, ProtocolError};
use crate::api::events::Event;
use crate::api::limits;

/// The stream of events. Ends with an error when the daemon goes away or falls silent; then
/// [`Client::events`](super::Client::events) with [`EventStream::last_id`] goes on where it ended.
#[derive(Debug)]
pub struct EventStream {
    path: PathBuf,
    exchange: Exchange,
    parser: BlockParser,
    last_id: Option<String>,
    has_ended: bool,
}

impl EventStream {
    pub(super) fn open(path: &Path, last_id: Option<&str>) -> Result<Self, ClientError> {
        let mut exchange = super::open(path)?;
        let resume = last_id.map(|id| format!("last-event-id: {}\r\n", field_value(id))).unwrap_or_default();
        let request =
            format!("GET /events HTTP/1.1\r\nhost: assistd\r\naccept: text/event-stream\r\n{resume}\r\n");
        let opened = exchange.send(request.as_bytes(), Some(SILENCE_MAX)).and_then(|()| exchange.read_head());
        let mut stream = Self {
            path: path.to_owned(),
            exchange,
            parser: BlockParser::default(),
            last_id: last_id.map(str::to_owned),
            has_ended: false,
        };
        match opened {
            Ok(head) if head.status == 200 && head.body == Framing::Chunked => Ok(stream),
            Ok(head) => Err(stream.fail(ProtocolError::Status(head.status).into())),
            Err(error) => Err(stream.fail(error)),
        }
    }

    /// Returns the id to resume from: that of the last event, or of the place where the stream began.
    pub fn last_id(&self) -> Option<&str> {
        self.last_id.as_deref()
    }

    /// Waits for the next event, at most about `time_max` (a silent daemon shows every few seconds that it is
    /// alive, which begins the wait anew once). `Ok(None)` when none came.
    ///
    /// # Errors
    /// When the daemon is gone.
    pub fn next_within(&mut self, time_max: Duration) -> Result<Option<Event>, ClientError> {
        if let Some(event) = self.take_parsed() {
            return Ok(Some(event));
        }
        self.set_time_max(time_max.max(Duration::from_millis(1)))?;
        let outcome = self.read_until_event(1);
        self.set_time_max(SILENCE_MAX)?;
        match outcome {
            Err(ExchangeError::Broken(error)) if is_timeout(&error) => Ok(None),
            outcome => outcome.map_err(|error| self.fail(error)),
        }
    }

    fn set_time_max(&mut self, time_max: Duration) -> Result<(), ClientError> {
        self.exchange
            .set_time_max(Some(time_max))
            .map_err(|source| ClientError::Unreachable { path: self.path.clone(), source })
    }

    /// Reads until an event is there, or until so many signs of life without one.
    fn read_until_event(&mut self, signs_max: usize) -> Result<Option<Event>, ExchangeError> {
        let mut signs = 0;
        loop {
            if let Some(event) = self.take_parsed() {
                return Ok(Some(event));
            }
            if signs > signs_max {
                return Ok(None);
            }
            let Some(chunk) = self.exchange.read_chunk()? else {
                return Err(ExchangeError::Broken(io::ErrorKind::UnexpectedEof.into()));
            };
            self.parser.push(&chunk)?;
            signs += 1;
        }
    }

    fn take_parsed(&mut self) -> Option<Event> {
        while let Some(block) = self.parser.next_block() {
            self.last_id = block.id.or(self.last_id.take());
            // What a newer daemon may send and we cannot read is not for us.
            if let Ok(event) = serde_json::from_str(&block.data) {
                return Some(event);
            }
        }
        None
    }

    fn fail(&mut self, error: ExchangeError) -> ClientError {
        self.has_ended = true;
        let path = self.path.clone();
        match error {
            ExchangeError::Protocol(source) => ClientError::Protocol { path, source },
            ExchangeError::NotTaken(source) | ExchangeError::Broken(source) if is_timeout(&source) => {
                ClientError::TimedOut { method: EVENTS.to_owned(), time_max: SILENCE_MAX }
            }
            ExchangeError::NotTaken(source) | ExchangeError::Broken(source) => {
                ClientError::Lost { method: EVENTS.to_owned(), source }
            }
        }
    }
}

/// Waits as long as it takes; ends after the first error.
impl Iterator for EventStream {
    type Item = Result<Event, ClientError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_ended {
            return None;
        }
        Some(match self.read_until_event(usize::MAX) {
            Ok(Some(event)) => Ok(event),
            Ok(None) => return None,
            Err(error) => Err(self.fail(error)),
        })
    }
}

/// Cuts a stream into its blocks.
#[derive(Debug, Default)]
struct BlockParser {
    pending: Vec<u8>,
}

/// What stands between two empty lines.
#[derive(Debug, Default, PartialEq, Eq)]
struct Block {
    id: Option<String>,
    data: String,
}

impl BlockParser {
    fn push(&mut self, bytes: &[u8]) -> Result<(), ProtocolError> {
        self.pending.extend_from_slice(bytes);
        let is_whole = self.block_end().is_some();
        if !is_whole && self.pending.len() > limits::EVENT_BYTES_MAX {
            return Err(ProtocolError::EventTooLarge);
        }
        Ok(())
    }

    fn next_block(&mut self) -> Option<Block> {
        let end = self.block_end()?;
        let bytes: Vec<u8> = self.pending.drain(..end).collect();
        let mut block = Block::default();
        for line in String::from_utf8_lossy(&bytes).lines() {
            match line.split_once(':') {
                Some(("id", id)) => block.id = Some(unspaced(id).to_owned()),
                Some(("data", data)) => block.data.push_str(unspaced(data)),
                _ => {}
            }
        }
        Some(block)
    }

    fn block_end(&self) -> Option<usize> {
        self.pending
            .windows(BLOCK_END.len())
            .position(|part| part == BLOCK_END)
            .map(|at| at + BLOCK_END.len())
    }
}

/// The format allows one space behind the colon.
fn unspaced(value: &str) -> &str {
    value.strip_prefix(' ').unwrap_or(value)
}

/// An id from outside must not smuggle lines into the head.
fn field_value(id: &str) -> String {
    id.chars().filter(char::is_ascii_graphic).collect()
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// What an error names as the call.
const EVENTS: &str = "the stream of events";

const BLOCK_END: &[u8] = b"\n\n";

/// A daemon that shows no sign of life for so long is gone.
const SILENCE_MAX: Duration = limits::EVENT_KEEP_ALIVE.saturating_mul(3);
