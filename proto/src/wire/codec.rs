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
    /// A page inflates to too much, or is no page.
    #[error("a page does not inflate within its limit")]
    Page(#[source] std::io::Error),
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

/// Inflates and decodes a page, never to more than its limit.
///
/// # Errors
/// When it is no page, too large inside, or of another shape.
pub fn decode_page<T: DeserializeOwned>(what: &'static str, page: &[u8]) -> Result<T, DecodeError> {
    let bytes = zstd::bulk::decompress(page, limits::PAGE_INFLATED_BYTES_MAX).map_err(DecodeError::Page)?;
    decode(what, &bytes)
}

/// Fast, and within a few per cent of the densest for pages of short texts.
const PAGE_LEVEL: i32 = 3;
