//! The blocking client of the local API: what the command line, the GUI's worker and the tests share.
//!
//! One connection, kept alive; one write a request, one or two reads a reply. It never reads a clock.
//! A daemon that was restarted is found again: a call is sent anew when it surely was not taken, or
//! when taking it twice does no harm.

mod blobs;
mod desktop;
mod events;
mod home;
mod http;
pub mod launch;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use blobs::TransferError;
pub use desktop::{DesktopEntry, DesktopError, Installed};
pub use events::EventStream;
pub use home::{Home, HomeError};
pub use http::ProtocolError;
use http::{Exchange, ExchangeError};

use crate::api::rpc::{AnswerFrame, CallFrame};
use crate::api::{ApiError, METHODS, Method, limits};

/// Why a call has no result. Each says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// Nobody answers: the daemon does not run, or runs with another home.
    #[error("the daemon is not running: nothing answers at {path}")]
    NotRunning {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There may be a daemon, but we do not get through to it.
    #[error("cannot reach the daemon at {path}")]
    Unreachable {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The daemon answered that it cannot do it.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The daemon went away before it answered.
    #[error("the daemon went away during {method}: look whether it was done before trying again")]
    Lost {
        /// The call.
        method: String,
        /// What the system said.
        source: io::Error,
    },
    /// The daemon did not answer in time.
    #[error("the daemon did not answer {method} within {} s", .time_max.as_secs())]
    TimedOut {
        /// The call.
        method: String,
        /// How long we waited.
        time_max: Duration,
    },
    /// What came is no answer: something else listens there, or the versions do not match.
    #[error("what answers at {path} does not speak as a daemon should")]
    Protocol {
        /// The socket.
        path: PathBuf,
        /// What is wrong with it.
        source: ProtocolError,
    },
    /// The parameters cannot be written as JSON.
    #[error("the parameters of {method} cannot be written as JSON")]
    Unsendable {
        /// The call.
        method: String,
        /// What is wrong with them.
        source: serde_json::Error,
    },
}

/// A connection to a daemon.
#[derive(Debug)]
pub struct Client {
    path: PathBuf,
    exchange: Option<Exchange>,
    next_id: u64,
}

impl Client {
    /// Connects to the daemon whose socket is at `path`.
    ///
    /// # Errors
    /// [`ClientError::NotRunning`] when there is no socket or nobody behind it, [`ClientError::Unreachable`]
    /// when the way to it is barred.
    pub fn connect(path: impl Into<PathBuf>) -> Result<Self, ClientError> {
        let path = path.into();
        let exchange = open(&path)?;
        Ok(Self { path, exchange: Some(exchange), next_id: 1 })
    }

    /// Returns where the socket is.
    pub fn socket_path(&self) -> &Path {
        &self.path
    }

    /// Calls a method and waits for its result.
    ///
    /// # Errors
    /// [`ClientError::Api`] when the daemon refuses, any other when it does not answer.
    pub fn call<M: Method>(&mut self, params: &M) -> Result<M::Result, ClientError> {
        self.send(M::NAME, M::READ_ONLY, params)
    }

    /// Calls a method by its name. `params` is an object.
    ///
    /// # Errors
    /// As [`Client::call`]; unknown methods and wrong parameters are for the daemon to refuse.
    pub fn call_raw(&mut self, method: &str, params: &Value) -> Result<Value, ClientError> {
        let is_read_only = METHODS.iter().any(|known| known.name == method && known.is_read_only);
        self.send(method, is_read_only, params)
    }

    /// Follows the events, from behind `last_id` or from now on, over a connection of its own.
    ///
    /// # Errors
    /// As [`Client::connect`], and [`ClientError::Protocol`].
    pub fn events(&self, last_id: Option<&str>) -> Result<EventStream, ClientError> {
        EventStream::open(&self.path, last_id)
    }

    fn send<P: Serialize, R: DeserializeOwned>(
        &mut self,
        method: &str,
        is_read_only: bool,
        params: &P,
    ) -> Result<R, ClientError> {
        let id = self.next_id;
        self.next_id += 1;
        let request = request_bytes(&CallFrame::new(id, method, params))
            .map_err(|source| ClientError::Unsendable { method: method.to_owned(), source })?;
        let time_max = limits::call_max(method) + ANSWER_MARGIN;
        let body = self.post(method, is_read_only, &request, time_max)?;
        let answer: AnswerFrame<R> =
            serde_json::from_slice(&body).map_err(|error| self.protocol(ProtocolError::Answer(error)))?;
        match answer {
            AnswerFrame { error: Some(error), .. } => Err(error.into()),
            AnswerFrame { id: Some(answered), result: Some(result), .. } if answered == id => Ok(result),
            _ => {
                self.exchange = None;
                Err(self.protocol(ProtocolError::WrongAnswer))
            }
        }
    }

    /// Sends on the open connection, and once more on a new one if the old one had died meanwhile.
    fn post(
        &mut self,
        method: &str,
        is_read_only: bool,
        request: &[u8],
        time_max: Duration,
    ) -> Result<Vec<u8>, ClientError> {
        let (mut exchange, is_reused) = match self.exchange.take() {
            Some(exchange) => (exchange, true),
            None => (open(&self.path)?, false),
        };
        let mut outcome = exchange.post(request, time_max);
        if is_reused && outcome.as_ref().is_err_and(|error| error.allows_retry(is_read_only)) {
            exchange = open(&self.path)?;
            outcome = exchange.post(request, time_max);
        }
        let body = outcome.map_err(|error| self.call_error(method, time_max, error))?;
        self.exchange = exchange.is_reusable().then_some(exchange);
        Ok(body)
    }

    fn call_error(&self, method: &str, time_max: Duration, error: ExchangeError) -> ClientError {
        let method = method.to_owned();
        match error {
            ExchangeError::NotTaken(source) | ExchangeError::Broken(source) => match source.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                    ClientError::TimedOut { method, time_max }
                }
                _ => ClientError::Lost { method, source },
            },
            ExchangeError::Protocol(source) => self.protocol(source),
        }
    }

    fn protocol(&self, source: ProtocolError) -> ClientError {
        ClientError::Protocol { path: self.path.clone(), source }
    }
}

fn open(path: &Path) -> Result<Exchange, ClientError> {
    Exchange::open(path).map_err(|source| {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                ClientError::NotRunning { path, source }
            }
            _ => ClientError::Unreachable { path, source },
        }
    })
}

/// Head and body in one buffer, so that they go out in one write.
fn request_bytes<P: Serialize>(call: &CallFrame<'_, P>) -> Result<Vec<u8>, serde_json::Error> {
    let body = serde_json::to_vec(call)?;
    let mut request = format!(
        "POST /rpc HTTP/1.1\r\nhost: assistd\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(&body);
    Ok(request)
}

/// The daemon bounds its calls itself and says so; this much later we give up on it.
const ANSWER_MARGIN: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests;
