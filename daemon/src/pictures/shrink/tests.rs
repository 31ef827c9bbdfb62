//! What is made of small and honest pictures. Hostile ones are tried on the process (`tests/it/thumbnails.rs`).

use image::codecs::gif::GifEncoder;
use image::{Delay, Frame, Rgba, RgbaImage};

use super::*;

fn picture(width: u32, height: u32) -> DynamicImage {
    RgbaImage::from_fn(width, height, |x, y| Rgba([x.to_le_bytes()[0], y.to_le_bytes()[0], 7, 255])).into()
}

fn written(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.to_rgb8().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn read(png: &[u8]) -> DynamicImage {
    image::load_from_memory_with_format(png, ImageFormat::Png).unwrap()
}

const FORMATS: [ImageFormat; 4] = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif];

#[test]
fn what_is_to_be_read_stays_larger_than_what_is_to_be_recognised() {
    for (side, size, expected) in [
        (3_000, PictureSize::Screen, 2_560),
        (1_000, PictureSize::Screen, 1_000),
        (1_000, PictureSize::Thumbnail, 800),
    ] {
        let bytes = written(&picture(side, 20), ImageFormat::Png);
        assert_eq!(read(&shrink(&bytes, size).unwrap()).width(), expected, "{side} {size:?}");
    }
}

#[test]
fn longer_side_has_eight_hundred_pixels_and_no_picture_grows() {
    for format in FORMATS {
        let sizes = [
            (1_600, 400, 800, 200),
            (300, 900, 267, 800),
            (1, 2_000, 1, 800),
            (800, 800, 800, 800),
            (5, 3, 5, 3),
        ];
        for (width, height, small_width, small_height) in sizes {
            let small =
                read(&shrink(&written(&picture(width, height), format), PictureSize::Thumbnail).unwrap());
            assert_eq!((small.width(), small.height()), (small_width, small_height), "{format:?} {width}");
        }
    }
}

#[test]
fn transparency_stays() {
    let glass: DynamicImage = RgbaImage::from_pixel(1_000, 10, Rgba([1, 2, 3, 128])).into();
    let mut bytes = Cursor::new(Vec::new());
    glass.write_to(&mut bytes, ImageFormat::Png).unwrap();
    let small = read(&shrink(bytes.get_ref(), PictureSize::Thumbnail).unwrap()).into_rgba8();
    assert_eq!(small.get_pixel(0, 0), &Rgba([1, 2, 3, 128]));
}

#[test]
fn only_the_first_frame_of_what_moves_is_shown() {
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new(&mut bytes);
    for blue in [0, 255] {
        let frame = RgbaImage::from_pixel(20, 20, Rgba([0, 0, blue, 255]));
        encoder.encode_frame(Frame::from_parts(frame, 0, 0, Delay::from_numer_denom_ms(10, 1))).unwrap();
    }
    drop(encoder);
    let small = read(&shrink(&bytes, PictureSize::Thumbnail).unwrap()).into_rgb8();
    assert_eq!(small.get_pixel(3, 3).0, [0, 0, 0]);
}

#[test]
fn picture_that_was_taken_sideways_is_turned_and_says_nothing_else_of_where_it_was_taken() {
    let jpeg = written(&picture(40, 20), ImageFormat::Jpeg);
    let tiff: &[u8] = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let exif = [b"Exif\0\0", tiff, b"canary: 48.2N 16.4E"].concat();
    let size = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    let turned = [&jpeg[..2], &[0xff, 0xe1], &size, &exif, &jpeg[2..]].concat();
    let png = shrink(&turned, PictureSize::Thumbnail).unwrap();
    assert_eq!((read(&png).width(), read(&png).height()), (20, 40));
    assert!(!png.windows(6).any(|window| window == b"canary"));
}

#[test]
fn half_a_photograph_is_damaged_wherever_it_ends() {
    let jpeg = written(&picture(64, 64), ImageFormat::Jpeg);
    for end in 3..jpeg.len() - 1 {
        assert_eq!(
            shrink(&jpeg[..end], PictureSize::Thumbnail),
            Err(ShrinkError::Damaged),
            "{end} of {}",
            jpeg.len()
        );
    }
    let followed = [&jpeg[..], b"what phones put behind it"].concat();
    assert_eq!(shrink(&followed, PictureSize::Thumbnail), shrink(&jpeg, PictureSize::Thumbnail));
}

#[test]
fn what_is_drawn_by_a_program_is_no_picture() {
    let svg = br#"<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>"#;
    for bytes in [&svg[..], b"", b"BM", b"II*\0", b"%PDF-1.7", b"\0\0\x01\0"] {
        assert_eq!(shrink(bytes, PictureSize::Thumbnail), Err(ShrinkError::NoPicture));
    }
}
