//! Bytes of a picture to a small PNG. Pure; what a decoder allocates or takes in time is bounded by its process.
//!
//! What kind of picture it is, its own bytes say. Of one that moves, the first frame is taken. What is not there to its
//! end is refused: half a picture under the name of a whole one would be a lie.

use std::io::Cursor;

use image::error::{ImageError, LimitErrorKind};
use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits};

use super::limits::{
    DECODER_BYTES_MAX, PICTURE_PIXELS_MAX, PICTURE_SIDE_MAX, SCREEN_BYTES_MAX, SCREEN_SIDE_MAX,
    THUMBNAIL_BYTES_MAX, THUMBNAIL_SIDE_MAX,
};

/// Why there is no small picture of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ShrinkError {
    /// Its bytes are none of PNG, JPEG, WebP and GIF.
    #[error("it is no picture of a kind that is shown: PNG, JPEG, WebP or GIF")]
    NoPicture,
    /// More bytes or pixels than are taken.
    #[error("the picture is too large to be made small")]
    TooLarge,
    /// It says that it is a picture, and is none, or not to its end.
    #[error("the picture is damaged")]
    Damaged,
}

/// How large a picture is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureSize {
    /// To be recognised in a text or a list.
    Thumbnail,
    /// To be read on a screen.
    Screen,
}

impl PictureSize {
    /// The longer side, in pixels.
    pub const fn side_max(self) -> u32 {
        match self {
            Self::Thumbnail => THUMBNAIL_SIDE_MAX,
            Self::Screen => SCREEN_SIDE_MAX,
        }
    }

    /// What the PNG may have.
    pub const fn bytes_max(self) -> u64 {
        match self {
            Self::Thumbnail => THUMBNAIL_BYTES_MAX,
            Self::Screen => SCREEN_BYTES_MAX,
        }
    }
}

/// Makes a PNG that fits into a square of this size. A picture that fits already is only written anew:
/// what else lay in its file (places, names, programs) does not come along.
///
/// # Errors
/// When it is no picture, too large, or damaged.
pub(super) fn shrink(bytes: &[u8], size: PictureSize) -> Result<Vec<u8>, ShrinkError> {
    let format = image::guess_format(bytes).map_err(|_| ShrinkError::NoPicture)?;
    match format {
        ImageFormat::Png | ImageFormat::WebP | ImageFormat::Gif => {}
        ImageFormat::Jpeg if ends_as_jpeg(bytes) => {}
        ImageFormat::Jpeg => return Err(ShrinkError::Damaged),
        _ => return Err(ShrinkError::NoPicture),
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits());
    let mut decoder = reader.into_decoder().map_err(|error| reason(&error))?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(ShrinkError::Damaged);
    }
    if width.max(height) > PICTURE_SIDE_MAX || u64::from(width) * u64::from(height) > PICTURE_PIXELS_MAX {
        return Err(ShrinkError::TooLarge);
    }
    let orientation = decoder.orientation().map_err(|error| reason(&error))?;
    let whole = DynamicImage::from_decoder(decoder).map_err(|error| reason(&error))?;
    let small = match width.max(height) > size.side_max() {
        true => whole.thumbnail(size.side_max(), size.side_max()),
        false => whole,
    };
    let mut small = match small.color().has_alpha() {
        true => DynamicImage::ImageRgba8(small.into_rgba8()),
        false => DynamicImage::ImageRgb8(small.into_rgb8()),
    };
    small.apply_orientation(orientation);
    let mut png = Cursor::new(Vec::new());
    small.write_to(&mut png, ImageFormat::Png).map_err(|error| reason(&error))?;
    Ok(png.into_inner())
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(PICTURE_SIDE_MAX);
    limits.max_image_height = Some(PICTURE_SIDE_MAX);
    limits.max_alloc = Some(DECODER_BYTES_MAX);
    limits
}

fn reason(error: &ImageError) -> ShrinkError {
    match error {
        ImageError::Limits(error) if !matches!(error.kind(), LimitErrorKind::Unsupported { .. }) => {
            ShrinkError::TooLarge
        }
        _ => ShrinkError::Damaged,
    }
}

/// Whether the file has its end mark. The decoder fills with grey what is missing, and says nothing.
fn ends_as_jpeg(bytes: &[u8]) -> bool {
    let mut rest = bytes.get(2..).unwrap_or_default();
    loop {
        // Between segments there may be fill bytes; within the scan's data, marks are what no stuffing follows.
        let Some(at) = rest.windows(2).position(|pair| pair[0] == 0xff && is_mark(pair[1])) else {
            return false;
        };
        let (mark, behind) = (rest[at + 1], &rest[at + 2..]);
        if mark == END_OF_IMAGE {
            return true;
        }
        let size = behind.first_chunk().map(|size| usize::from(u16::from_be_bytes(*size)));
        match size.and_then(|size| behind.get(size.max(2)..)) {
            Some(next) => rest = next,
            None => return false,
        }
    }
}

/// Neither a byte of data that was stuffed, nor a restart within a scan, nor fill.
const fn is_mark(byte: u8) -> bool {
    !matches!(byte, 0x00 | 0xd0..=0xd7 | 0xff)
}

const END_OF_IMAGE: u8 = 0xd9;

#[cfg(test)]
mod tests;
