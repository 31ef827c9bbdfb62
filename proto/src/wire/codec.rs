//! CBOR behind one door, so that the crate below can change. Bounded in, exact out.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::limits;

/// Why bytes are not a message.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Not CBOR, or not of the expected shape.
    #[error("not a valid {what}")]
    Shape {
        /// What was expected.
        what: &'static str,
        /// What the decoder says.
        #[source]
        source: ciborium::de::Error<std::io::Error>,
    },
    /// Something follows the value.
    #[error("{trailing_bytes} bytes follow the {what}")]
    Trailing {
        /// What was expected.
        what: &'static str,
        /// How many bytes too many.
        trailing_bytes: usize,
    },
    /// A page does not say how much it inflates to, or to more than its limit.
    #[error("the {what} is not one of at most {} bytes", limits::PAGE_INFLATED_BYTES_MAX)]
    PageSize {
        /// What was expected.
        what: &'static str,
    },
    /// A page does not inflate to what it says.
    #[error("the {what} does not inflate")]
    Page {
        /// What was expected.
        what: &'static str,
        /// What the decompressor says.
        #[source]
        source: std::io::Error,
    },
}

/// Encodes a value. The same value gives the same bytes.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    ciborium::into_writer(value, &mut bytes)
        .expect("a Vec takes all bytes and our types have no failing serialiser");
    bytes
}

/// Decodes exactly one value from bytes whose length the caller has bounded.
///
/// # Errors
/// For anything but one whole value of the shape.
pub fn decode<T: DeserializeOwned>(what: &'static str, mut bytes: &[u8]) -> Result<T, DecodeError> {
    let value = ciborium::de::from_reader_with_recursion_limit(&mut bytes, limits::MESSAGE_DEPTH_MAX)
        .map_err(|source| DecodeError::Shape { what, source })?;
    match bytes.len() {
        0 => Ok(value),
        trailing_bytes => Err(DecodeError::Trailing { what, trailing_bytes }),
    }
}

/// Decodes the first value of several that stand one behind the other, and moves on behind it.
///
/// # Errors
/// For anything but a value of the shape; so at the end.
pub fn decode_next<T: DeserializeOwned>(what: &'static str, bytes: &mut &[u8]) -> Result<T, DecodeError> {
    ciborium::de::from_reader_with_recursion_limit(bytes, limits::MESSAGE_DEPTH_MAX)
        .map_err(|source| DecodeError::Shape { what, source })
}

/// Encodes and deflates a page.
pub fn encode_page<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    zstd::bulk::compress(&encode(value), PAGE_LEVEL)
        .expect("compression into a Vec of the bound size cannot fail")
}

/// Inflates and decodes a page. What it says about its size is believed up to the limit, and then held to it.
///
/// # Errors
/// When it is no page, too large inside, or of another shape.
pub fn decode_page<T: DeserializeOwned>(what: &'static str, page: &[u8]) -> Result<T, DecodeError> {
    let size_bytes = zstd::decompressed_size(page)
        .and_then(|size| usize::try_from(size).ok())
        .filter(|size| *size <= limits::PAGE_INFLATED_BYTES_MAX)
        .ok_or(DecodeError::PageSize { what })?;
    let bytes =
        zstd::bulk::decompress(page, size_bytes).map_err(|source| DecodeError::Page { what, source })?;
    decode(what, &bytes)
}

/// Fast, and within a few per cent of the densest for pages of short texts.
const PAGE_LEVEL: i32 = 3;
