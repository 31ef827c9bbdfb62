//! Links that open the application: `assist://<project>@<hosts>`, and with `/confirm?device=..&code=..` behind it the
//! ones in mails, which confirm a device.
//!
//! Whoever opens a link did not write it. It says what to offer to a person, and never does anything by itself.

use std::fmt;
use std::str::FromStr;

use assist_crdt_model::{DeviceId, ParseIdError};

use crate::address::{Address, AddressError};
use crate::limits::{ADDRESS_CHARS_MAX, CODE_CHARS};

/// A link, taken apart.
#[derive(Clone, PartialEq, Eq)]
pub enum Link {
    /// A project that may be joined.
    Project(Address),
    /// A code that was mailed for a device.
    Confirm {
        /// The project's address. Names the project.
        address: Address,
        /// The device that asked.
        device: DeviceId,
        /// The code.
        code: String,
    },
}

/// Why a text is no link.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Longer than any link.
    #[error("the link has more than {LINK_CHARS_MAX} characters")]
    TooLong,
    /// The part that is an address is none.
    #[error("the link names no project that can be reached")]
    Address(#[source] AddressError),
    /// It is to do something that this version does not know.
    #[error("the link is for something that this version does not know: update it, or type the code instead")]
    Unknown,
    /// Something is missing.
    #[error("the link is not whole: {0} is missing; copy all of it, or type the code instead")]
    Missing(&'static str),
    /// The device is none.
    #[error("the link names no device; copy all of it, or type the code instead")]
    Device(#[source] ParseIdError),
    /// The code is none.
    #[error("the code in the link is none; copy all of it, or type the code instead")]
    Code,
}

impl FromStr for Link {
    type Err = LinkError;

    fn from_str(text: &str) -> Result<Self, LinkError> {
        let text = text.trim();
        if text.chars().count() > LINK_CHARS_MAX {
            return Err(LinkError::TooLong);
        }
        // Mail programs may put a slash before the question mark, or an escaped ampersand in its place.
        let (address, action) = match text.split_once('?') {
            Some((path, query)) => match path.trim_end_matches('/').rsplit_once('/') {
                Some((address, action)) => (address, Some((action, query))),
                None => return Err(LinkError::Unknown),
            },
            None => (text, None),
        };
        let Some((action, query)) = action else {
            return address.parse().map(Self::Project).map_err(LinkError::Address);
        };
        if action != CONFIRM {
            return Err(LinkError::Unknown);
        }
        let address: Address = address.parse().map_err(LinkError::Address)?;
        let value = |name: &'static str| {
            let mut pairs =
                query.split('&').filter_map(|pair| pair.trim_start_matches("amp;").split_once('='));
            pairs.find(|(key, _)| *key == name).map(|(_, value)| value).ok_or(LinkError::Missing(name))
        };
        let device = value("device")?.parse().map_err(LinkError::Device)?;
        let code = value("code")?;
        if code.len() != CODE_CHARS || !code.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(LinkError::Code);
        }
        Ok(Self::Confirm { address, device, code: code.to_owned() })
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Project(address) => write!(f, "{address}"),
            Self::Confirm { address, device, code } => {
                write!(f, "{address}/{CONFIRM}?device={device}&code={code}")
            }
        }
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The code is a secret until it is used: it must not get into logs.
        match self {
            Self::Project(address) => f.debug_tuple("Project").field(address).finish(),
            Self::Confirm { address, device, .. } => f
                .debug_struct("Confirm")
                .field("address", address)
                .field("device", device)
                .finish_non_exhaustive(),
        }
    }
}

const CONFIRM: &str = "confirm";
/// An address, a device and a code, with their names.
const LINK_CHARS_MAX: usize = ADDRESS_CHARS_MAX + 100;

#[cfg(test)]
mod tests;
