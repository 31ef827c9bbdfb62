//! Identifiers: fixed-size byte strings with one text form each.
//!
//! The text form is lower-case Crockford base 32 without padding: 26 characters for 16 bytes, 52 for 32.
//! Reading accepts upper case too, and takes `i` and `l` for `1` and `o` for `0`, because people copy ids by hand.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use data_encoding::{Encoding, Specification};

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {kind}: expected {expected_chars} characters of base 32")]
pub struct ParseIdError {
    /// Which id was expected, in words.
    pub kind: &'static str,
    /// How long the text has to be.
    pub expected_chars: usize,
}

macro_rules! byte_id {
    ($(#[$doc:meta])* $name:ident, $size:literal, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $size]);

        impl $name {
            /// Size in bytes.
            pub const SIZE: usize = $size;

            /// Wraps the bytes.
            pub const fn from_bytes(bytes: [u8; $size]) -> Self {
                Self(bytes)
            }

            /// Returns the bytes.
            pub const fn as_bytes(&self) -> &[u8; $size] {
                &self.0
            }

            /// Wraps a slice of exactly the right size; `None` for any other size.
            pub fn from_slice(slice: &[u8]) -> Option<Self> {
                slice.try_into().ok().map(Self)
            }
        }

        impl From<$name> for Vec<u8> {
            fn from(id: $name) -> Self {
                id.0.to_vec()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&base32().encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let expected_chars = base32().encode_len($size);
                let error = ParseIdError { kind: $kind, expected_chars };
                if text.len() != expected_chars {
                    return Err(error);
                }
                let bytes = base32().decode(text.as_bytes()).map_err(|_| error.clone())?;
                Self::from_slice(&bytes).ok_or(error)
            }
        }
    };
}

byte_id!(
    /// A project: the public key of its root.
    ProjectId, 32, "project id"
);
byte_id!(
    /// One installation: the public key of its device key. As seen over the network it is called the peer.
    DeviceId, 32, "device id"
);
byte_id!(
    /// A person within one project, allotted by the server at the first enrolment.
    UserId, 16, "user id"
);
byte_id!(
    /// A ticket: random, chosen by the device that files it.
    TicketId, 16, "ticket id"
);
byte_id!(
    /// A comment: 48 bits of milliseconds, then 80 random bits (the layout of a ULID).
    CommentId, 16, "comment id"
);
byte_id!(
    /// A change: the SHA-256 that Automerge computes over its chunk.
    ChangeHash, 32, "change hash"
);
byte_id!(
    /// The bytes of an attachment: their BLAKE3.
    BlobHash, 32, "blob hash"
);

impl TicketId {
    /// How many characters of the text form a person is shown before the ticket has a number.
    const SHORT_CHARS: usize = 8;

    /// Returns the first characters of the text form, for people.
    pub fn short(&self) -> String {
        let mut text = self.to_string();
        text.truncate(Self::SHORT_CHARS);
        text
    }
}

impl CommentId {
    /// Makes the id of a comment written at `now` with 80 bits from the caller's RNG.
    pub fn new(now: UnixMillis, random: [u8; 10]) -> Self {
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&now.0.to_be_bytes()[2..]);
        bytes[6..].copy_from_slice(&random);
        Self(bytes)
    }
}

/// Which Automerge document: each ticket has one, its notes are a second, the project has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DocId {
    /// What all members of a ticket see.
    Ticket(TicketId),
    /// What only agents see of a ticket.
    Notes(TicketId),
    /// The project's name, label catalogue and canned replies.
    Project,
}

impl DocId {
    /// Size of the byte form: one byte for the kind, then the ticket id (zeros for the project).
    pub const SIZE: usize = 17;

    /// Returns the byte form.
    pub fn to_bytes(self) -> [u8; Self::SIZE] {
        let (kind, ticket) = match self {
            Self::Ticket(ticket) => (1, ticket.0),
            Self::Notes(ticket) => (2, ticket.0),
            Self::Project => (3, [0; 16]),
        };
        let mut bytes = [0; Self::SIZE];
        bytes[0] = kind;
        bytes[1..].copy_from_slice(&ticket);
        bytes
    }

    /// Reads the byte form; `None` unless it is exactly one that [`DocId::to_bytes`] makes.
    pub fn from_slice(slice: &[u8]) -> Option<Self> {
        let (kind, rest) = slice.split_first()?;
        let ticket = TicketId::from_slice(rest)?;
        match kind {
            1 => Some(Self::Ticket(ticket)),
            2 => Some(Self::Notes(ticket)),
            3 if ticket.0 == [0; 16] => Some(Self::Project),
            _ => None,
        }
    }

    /// Returns the ticket that the document belongs to.
    pub fn ticket(self) -> Option<TicketId> {
        match self {
            Self::Ticket(ticket) | Self::Notes(ticket) => Some(ticket),
            Self::Project => None,
        }
    }
}

/// A moment: milliseconds since 1970-01-01T00:00:00Z. Always an argument, never read from a clock here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixMillis(pub u64);

/// The one text encoding of ids.
pub fn base32() -> &'static Encoding {
    static CROCKFORD: LazyLock<Encoding> = LazyLock::new(|| {
        let mut spec = Specification::new();
        spec.symbols.push_str("0123456789abcdefghjkmnpqrstvwxyz");
        spec.translate.from.push_str("ABCDEFGHJKMNPQRSTVWXYZiIlLoO");
        spec.translate.to.push_str("abcdefghjkmnpqrstvwxyz111100");
        spec.encoding().expect("the alphabet has 32 distinct symbols")
    });
    &CROCKFORD
}
