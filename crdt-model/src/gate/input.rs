//! Reading bytes that anybody may have written: every step is bounded and can fail.

use crate::gate::{RejectCode, Rejection};

/// Bytes still to be read.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a> {
    pub(crate) bytes: &'a [u8],
}

impl<'a> Input<'a> {
    pub(crate) fn take(&mut self, size: usize) -> Result<&'a [u8], Rejection> {
        let (taken, rest) = self.bytes.split_at_checked(size).ok_or_else(|| malformed("the chunk is cut"))?;
        self.bytes = rest;
        Ok(taken)
    }

    /// Reads an unsigned LEB128.
    pub(crate) fn unsigned(&mut self) -> Result<u64, Rejection> {
        let mut value = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            // The tenth byte has room for one bit.
            expect(bits << shift >> shift == bits, "an integer is too large")?;
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(malformed("an integer is too large"))
    }

    /// Reads a signed LEB128.
    pub(crate) fn signed(&mut self) -> Result<i64, Rejection> {
        let mut value: i64 = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            // The tenth byte has room for the sign only.
            expect(shift < 63 || byte == 0 || byte == 0x7f, "an integer is too large")?;
            value |= i64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                let is_negative = byte & 0x40 != 0;
                let used = shift + 7;
                return Ok(if is_negative && used < u64::BITS { value | (-1 << used) } else { value });
            }
        }
        Err(malformed("an integer is too large"))
    }

    /// Reads an integer that says how much of something follows.
    pub(crate) fn length(&mut self) -> Result<usize, Rejection> {
        usize::try_from(self.unsigned()?).map_err(|_| malformed("a length is too large"))
    }

    /// Reads a text and the length before it.
    pub(crate) fn text(&mut self) -> Result<&'a str, Rejection> {
        let size = self.length()?;
        Self { bytes: self.take(size)? }.rest_as_text()
    }

    /// Takes all that is left as a text.
    pub(crate) fn rest_as_text(&mut self) -> Result<&'a str, Rejection> {
        let rest = std::mem::take(&mut self.bytes);
        std::str::from_utf8(rest).map_err(|_| malformed("a text is not UTF-8"))
    }

    fn byte(&mut self) -> Result<u8, Rejection> {
        self.take(1).map(|byte| byte[0])
    }
}

pub(crate) fn expect(holds: bool, otherwise: &str) -> Result<(), Rejection> {
    if holds { Ok(()) } else { Err(malformed(otherwise)) }
}

pub(crate) fn malformed(detail: &str) -> Rejection {
    Rejection { code: RejectCode::Malformed, detail: detail.to_owned() }
}

pub(crate) fn too_large(what: &str, max: u64) -> Rejection {
    Rejection { code: RejectCode::TooLarge, detail: format!("{what}: at most {max}") }
}
