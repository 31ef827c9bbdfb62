//! Pictures as somebody would make them who wants to harm whoever looks: bombs, halves, disguises.

use assist_tests::dice::Dice;
use image::codecs::gif::GifEncoder;
use image::{DynamicImage, Frame, GrayImage, ImageFormat, Luma, Rgb, RgbImage, RgbaImage};

use super::written;

/// A file, and what may be shown of it.
pub(super) struct Hostile {
    pub(super) name: &'static str,
    pub(super) bytes: Vec<u8>,
    pub(super) honest: Honest,
}

/// What an honest thumbnail of it is.
pub(super) enum Honest {
    /// There is none.
    Nothing,
    /// That of this picture, or none.
    This(Vec<u8>),
    /// Bits were flipped: whatever it shows is what its bytes say now.
    Whatever,
}

const FORMATS: [ImageFormat; 4] = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif];

/// A picture with something on it.
pub(super) fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let picture = RgbImage::from_fn(width, height, |x, y| {
        Rgb([(x * 7).to_le_bytes()[0], (y * 5).to_le_bytes()[0], (x ^ y).to_le_bytes()[0]])
    });
    written(&DynamicImage::ImageRgb8(picture), format)
}

/// So many of them, each different, the same for the same dice.
pub(super) fn all(dice: &mut Dice, count: usize) -> Vec<Hostile> {
    let bomb = zeros(8_192, 8_192);
    let mut all = vec![
        hostile("a PNG of 900 megapixels", with_png_size(&bomb, 30_000, 30_000), Honest::Nothing),
        hostile("a PNG bomb of 64 megapixels", bomb.clone(), Honest::Nothing),
        hostile("the largest PNG that is taken", zeros(8_192, 4_096), Honest::Whatever),
        hostile(
            "a profile that inflates",
            with_png_chunk(b"iCCP", &[b"icc\0\0", zlib_of(&bomb)].concat()),
            small(),
        ),
        hostile(
            "a text that inflates",
            with_png_chunk(b"zTXt", &[b"t\0\0", zlib_of(&bomb)].concat()),
            small(),
        ),
        hostile(
            "a second text",
            with_png_chunk(b"iTXt", &[b"t\0\x01\0\0\0", zlib_of(&bomb)].concat()),
            small(),
        ),
        hostile("32 MiB behind a PNG's head", padded(33 << 20), Honest::Nothing),
        hostile("a GIF of 20,000 frames", gif_of_frames(20_000), Honest::This(gif_of_frames(1))),
        hostile("an APNG that says 4 billion frames", animated_png(u32::MAX, 3), small()),
        hostile("an APNG of 20,000 frames", animated_png(20_000, 20_000), small()),
    ];
    while all.len() < count {
        let format = FORMATS[all.len() % FORMATS.len()];
        let side = |dice: &mut Dice| u32::try_from(dice.between(1, 90)).unwrap();
        let whole = picture(side(dice), side(dice), format);
        all.push(match all.len() % 9 {
            0 | 1 => truncated(dice, whole),
            2 => flipped(dice, whole),
            3 => wrong_type(dice),
            4 => noise_behind(dice, &whole),
            5 => huge(dice, &whole, format),
            6 => archive(dice, whole),
            7 => frames(dice),
            _ => spliced(dice, &whole),
        });
    }
    all
}

fn hostile(name: &'static str, bytes: Vec<u8>, honest: Honest) -> Hostile {
    Hostile { name, bytes, honest }
}

fn small() -> Honest {
    Honest::This(picture(8, 8, ImageFormat::Png))
}

fn index(dice: &mut Dice, size: usize) -> usize {
    usize::try_from(dice.between(0, size as u64 - 1)).unwrap()
}

fn truncated(dice: &mut Dice, whole: Vec<u8>) -> Hostile {
    let end = index(dice, whole.len());
    hostile("half a picture", whole[..end].to_vec(), Honest::This(whole))
}

fn flipped(dice: &mut Dice, mut bytes: Vec<u8>) -> Hostile {
    for _ in 0..dice.between(1, 8) {
        let at = index(dice, bytes.len());
        bytes[at] ^= 1 << dice.between(0, 7);
    }
    hostile("flipped bits", bytes, Honest::Whatever)
}

fn wrong_type(dice: &mut Dice) -> Hostile {
    const BEGINNINGS: [&[u8]; 12] = [
        b"<svg xmlns=\"http://www.w3.org/2000/svg\">",
        b"<?xml version=\"1.0\"?><!DOCTYPE svg [<!ENTITY a \"aaaa\">]>",
        b"<html><script>",
        b"\x7fELF",
        b"PK\x03\x04",
        b"BM\x36\0\0\0",
        b"II*\0\x08\0\0\0",
        b"\0\0\x01\0",
        b"%PDF-1.7",
        b"\x1f\x8b\x08",
        b"#!/bin/sh\n",
        b"qoif",
    ];
    let beginning = dice.pick(&BEGINNINGS).unwrap();
    hostile("no picture", [beginning, &dice.bytes::<64>()].concat(), Honest::Nothing)
}

fn noise_behind(dice: &mut Dice, whole: &[u8]) -> Hostile {
    // The head alone, not a byte of what it announces.
    hostile(
        "noise behind a head",
        [&whole[..12.min(whole.len())], &dice.bytes::<512>()].concat(),
        Honest::Nothing,
    )
}

/// Says that it is as large as its format lets it say.
fn huge(dice: &mut Dice, whole: &[u8], format: ImageFormat) -> Hostile {
    let side = u32::try_from(dice.between(40_000, 65_535)).unwrap();
    let short = u16::try_from(side).unwrap();
    let bytes = match format {
        ImageFormat::Png => with_png_size(whole, side * 1_000, side * 1_000),
        ImageFormat::Gif => {
            let mut bytes = whole.to_vec();
            bytes[6..8].copy_from_slice(&short.to_le_bytes());
            bytes[8..10].copy_from_slice(&short.to_le_bytes());
            bytes
        }
        ImageFormat::Jpeg => {
            let mut bytes = whole.to_vec();
            let at = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
            bytes[at + 5..at + 7].copy_from_slice(&short.to_be_bytes());
            bytes[at + 7..at + 9].copy_from_slice(&short.to_be_bytes());
            bytes
        }
        _ => {
            // A lossless WebP has 14 bits for either side, behind its signature.
            let mut bytes = whole.to_vec();
            let at = bytes.windows(4).position(|four| four == b"VP8L").unwrap() + 9;
            bytes[at..at + 3].copy_from_slice(&[0xff; 3]);
            bytes[at + 3] |= 0x0f;
            bytes
        }
    };
    hostile("huge by its own word", bytes, Honest::Nothing)
}

fn archive(dice: &mut Dice, whole: Vec<u8>) -> Hostile {
    let zip = [b"PK\x03\x04".as_slice(), &dice.bytes::<64>(), b"PK\x05\x06", &[0; 18]].concat();
    match dice.one_in(2) {
        true => hostile("an archive in front", [&zip, &whole[..]].concat(), Honest::Nothing),
        false => hostile("an archive behind", [&whole[..], &zip].concat(), Honest::This(whole)),
    }
}

fn frames(dice: &mut Dice) -> Hostile {
    let said = u32::try_from(dice.between(2, u64::from(u32::MAX))).unwrap();
    let count = usize::try_from(dice.between(0, 20)).unwrap();
    hostile("more frames than there are", animated_png(said, count), small())
}

/// Parts of it again and again.
fn spliced(dice: &mut Dice, whole: &[u8]) -> Hostile {
    let (from, to) = (index(dice, whole.len()), index(dice, whole.len()));
    let part = &whole[from.min(to)..=from.max(to)];
    let at = index(dice, whole.len());
    let bytes =
        [&whole[..at], &part.repeat(usize::try_from(dice.between(1, 50)).unwrap()), &whole[at..]].concat();
    hostile("parts of it again and again", bytes, Honest::Whatever)
}

/// A PNG of nothing but black: 64 million pixels in 64 KB.
fn zeros(width: u32, height: u32) -> Vec<u8> {
    written(&DynamicImage::ImageLuma8(GrayImage::from_pixel(width, height, Luma([0]))), ImageFormat::Png)
}

/// What a PNG's data are as they stand in the file.
fn zlib_of(png: &[u8]) -> &[u8] {
    let at = png.windows(4).position(|four| four == b"IDAT").unwrap();
    let size = u32::from_be_bytes(png[at - 4..at].try_into().unwrap()) as usize;
    &png[at + 4..at + 4 + size]
}

fn with_png_size(png: &[u8], width: u32, height: u32) -> Vec<u8> {
    let head = [&width.to_be_bytes()[..], &height.to_be_bytes(), &png[24..29]].concat();
    [&png[..8], &chunk(b"IHDR", &head), &png[33..]].concat()
}

/// A small PNG with one chunk more, behind its head.
fn with_png_chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let png = picture(8, 8, ImageFormat::Png);
    [&png[..33], &chunk(name, data), &png[33..]].concat()
}

/// A small PNG that says it moves, with frames whose data are those of the first.
fn animated_png(said: u32, count: usize) -> Vec<u8> {
    let png = picture(8, 8, ImageFormat::Png);
    let control = |number: u32| {
        let place = [number.to_be_bytes(), 8_u32.to_be_bytes(), 8_u32.to_be_bytes(), [0; 4], [0; 4]].concat();
        chunk(b"fcTL", &[&place[..], &[0, 1, 0, 1, 0, 0]].concat())
    };
    let mut bytes =
        [&png[..33], &chunk(b"acTL", &[said.to_be_bytes(), [0; 4]].concat()), &control(0)].concat();
    let end = png.len() - 12;
    bytes.extend(&png[33..end]);
    for number in 0..u32::try_from(count).unwrap() {
        bytes.extend(control(2 * number + 1));
        let data = [&(2 * number + 2).to_be_bytes()[..], zlib_of(&png)].concat();
        bytes.extend(chunk(b"fdAT", &data));
    }
    [&bytes, &png[end..]].concat()
}

fn gif_of_frames(count: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new(&mut bytes);
    let frame = Frame::new(RgbaImage::from_pixel(4, 4, image::Rgba([9, 9, 9, 255])));
    encoder.encode_frames(std::iter::repeat_n(frame, count)).unwrap();
    drop(encoder);
    bytes
}

fn padded(size: usize) -> Vec<u8> {
    let mut bytes = picture(8, 8, ImageFormat::Png);
    bytes.resize(size, 0);
    bytes
}

fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let size = u32::try_from(data.len()).unwrap().to_be_bytes();
    let named = [name, data].concat();
    [&size[..], &named, &crc(&named).to_be_bytes()].concat()
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}
