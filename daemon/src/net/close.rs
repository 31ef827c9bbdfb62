//! Why links end and dials fail.

use std::error::Error;
use std::fmt;
use std::iter;
use std::net::SocketAddr;

use quinn::{ConnectError, ConnectionError, ReadError, VarInt, WriteError};

use super::frame::FrameError;

/// The number that a QUIC close carries to the peer. The transport's own are below 16; the rest is the caller's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(pub u32);

impl CloseCode {
    /// Nothing is wrong: there is no more to say.
    pub const DONE: Self = Self(0);
    /// A frame broke the rules of framing.
    pub const BAD_FRAME: Self = Self(1);
    /// The peer connected and then said nothing.
    pub const NO_GREETING: Self = Self(2);
    /// The peer does not read what it is sent.
    pub const NOT_READING: Self = Self(3);
    /// The process ends.
    pub const SHUTDOWN: Self = Self(4);
    /// A fault of ours.
    pub const INTERNAL: Self = Self(5);
    /// The first number that is the caller's to use.
    pub const FIRST_FREE: Self = Self(16);
}

impl From<CloseCode> for VarInt {
    fn from(code: CloseCode) -> Self {
        Self::from_u32(code.0)
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "code {}", self.0)
    }
}

/// Why a link ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CloseReason {
    /// We were told to close it.
    #[error("closed here ({code}): {reason}")]
    Here {
        /// With what number.
        code: CloseCode,
        /// With what words.
        reason: String,
    },
    /// The peer closed it.
    #[error("closed by the peer ({code}): {reason:?}")]
    ByPeer {
        /// The peer's number.
        code: CloseCode,
        /// The peer's words: at most 200 characters of text that is not ours.
        reason: String,
    },
    /// The peer ended its stream.
    #[error("the peer ended its stream")]
    StreamEnded,
    /// What the peer sent is not frames.
    #[error("the peer broke the framing")]
    BadFrame(#[source] FrameError),
    /// The peer did not take what we had for it.
    #[error("the peer does not read")]
    NotReading,
    /// Nothing was heard for too long.
    #[error("nothing was heard for too long")]
    TimedOut,
    /// Packets to the peer leave by another address than before, and it would not know them as ours.
    #[error("this machine's network changed")]
    NetworkChanged,
    /// The step on a frame failed: a fault of ours, and in the log.
    #[error("a fault while reading")]
    Internal,
    /// QUIC gave up.
    #[error("the connection was lost")]
    Lost(#[source] ConnectionError),
}

impl CloseReason {
    /// Tells the peer, if there still is one to tell.
    pub(super) fn close(&self, connection: &quinn::Connection) {
        match self {
            Self::Here { code, reason } => connection.close((*code).into(), reason.as_bytes()),
            reason => connection.close(reason.code().into(), reason.to_string().as_bytes()),
        }
    }

    fn code(&self) -> CloseCode {
        match self {
            Self::Here { code, .. } => *code,
            Self::BadFrame(_) => CloseCode::BAD_FRAME,
            Self::NotReading => CloseCode::NOT_READING,
            Self::Internal => CloseCode::INTERNAL,
            Self::ByPeer { .. }
            | Self::StreamEnded
            | Self::TimedOut
            | Self::NetworkChanged
            | Self::Lost(_) => CloseCode::DONE,
        }
    }
}

impl From<FrameError> for CloseReason {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::Stream(ReadError::ConnectionLost(error)) => error.into(),
            FrameError::Stream(ReadError::Reset(_)) => Self::StreamEnded,
            error => Self::BadFrame(error),
        }
    }
}

impl From<WriteError> for CloseReason {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::ConnectionLost(error) => error.into(),
            // Early data is off, and we close a stream only by ending the link: what is left is the peer's doing.
            WriteError::Stopped(_) | WriteError::ClosedStream | WriteError::ZeroRttRejected => {
                Self::StreamEnded
            }
        }
    }
}

impl From<ConnectionError> for CloseReason {
    fn from(error: ConnectionError) -> Self {
        match error {
            ConnectionError::ApplicationClosed(close) => Self::ByPeer {
                // A number that is none of ours is none of our peers': it may as well be the largest.
                code: CloseCode(u32::try_from(close.error_code.into_inner()).unwrap_or(u32::MAX)),
                reason: String::from_utf8_lossy(&close.reason).chars().take(REASON_CHARS_MAX).collect(),
            },
            ConnectionError::TimedOut => Self::TimedOut,
            error => Self::Lost(error),
        }
    }
}

/// Why a dial led to no link.
#[derive(Debug, thiserror::Error)]
pub struct DialError {
    /// One for each address that was tried, in the order of failing. Empty if there was none to try.
    pub failures: Vec<DialFailure>,
}

impl fmt::Display for DialError {
    /// There is no single cause to hand on as a source, so each is spelt out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.failures.is_empty() {
            return f.write_str("there is no address to dial");
        }
        let failures: Vec<String> = self.failures.iter().map(|failure| explain(failure)).collect();
        f.write_str(&failures.join("; "))
    }
}

/// Why one address of a dial did not lead to a link.
#[derive(Debug, thiserror::Error)]
pub enum DialFailure {
    /// There is no way to such an address from here.
    #[error("cannot dial {address}")]
    Unusable {
        /// The address.
        address: SocketAddr,
        /// The cause.
        source: ConnectError,
    },
    /// There is a network that it would go over, and this machine is not in it.
    #[error("there is no way to {address}: {reason}")]
    NoWay {
        /// The address.
        address: SocketAddr,
        /// What is missing, and what helps.
        reason: String,
    },
    /// It answered, but there was no link.
    #[error("no link to {address}")]
    Failed {
        /// The address.
        address: SocketAddr,
        /// The cause.
        source: ConnectionError,
    },
    /// It showed a key that is not one.
    #[error("{address} did not prove a key")]
    NoKey {
        /// The address.
        address: SocketAddr,
    },
    /// It did not answer in time.
    #[error("{address} did not answer in time")]
    TimedOut {
        /// The address.
        address: SocketAddr,
    },
}

/// Returns an error with its causes in one line, for people.
pub fn explain(error: &dyn Error) -> String {
    let causes = iter::successors(Some(error), |&error| error.source());
    causes.map(<dyn Error>::to_string).collect::<Vec<_>>().join(": ")
}

/// How many characters of a peer's reason are kept.
const REASON_CHARS_MAX: usize = 200;
