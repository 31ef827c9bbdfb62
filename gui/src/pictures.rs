//! Pictures that are shown: small PNGs that the daemon made, as textures; and the way from pasted pixels to a file.
//!
//! **Invariant:** no foreign picture is decoded here. What is read are the PNGs of the daemon's own helper.

use std::collections::HashMap;
use std::io::{self, Cursor, Write};

use egui::load::SizedTexture;
use egui::{ColorImage, Context, TextureHandle, TextureOptions, Vec2};

use crate::limits;

/// The pictures that were shown last, as many as there is room for.
#[derive(Default)]
pub(crate) struct Pictures {
    entries: HashMap<Wanted, Entry>,
    size_bytes: usize,
    /// Counts looks, so that it is known what was not looked at for longest.
    looks: u64,
    wanted: Vec<Wanted>,
}

/// A picture by the hash of its bytes, and how large it is to be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// The hash.
    pub blob: String,
    /// Large enough to be read; else small, as it stands in a thread.
    pub is_large: bool,
}

impl std::fmt::Debug for Pictures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pictures")
            .field("count", &self.entries.len())
            .field("bytes", &self.size_bytes)
            .finish()
    }
}

struct Entry {
    state: EntryState,
    looked_at: u64,
}

enum EntryState {
    Asked,
    Here(TextureHandle),
    Nothing(String),
}

/// What there is of a picture.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Picture {
    /// It was asked for.
    Waiting,
    /// It is here.
    Here(SizedTexture),
    /// It cannot be shown, and why.
    Nothing(String),
}

impl Pictures {
    /// Returns what there is of a picture; asks for it, if that is nothing yet.
    pub(crate) fn look(&mut self, blob: &str) -> Picture {
        self.look_for(Wanted { blob: blob.to_owned(), is_large: false })
    }

    /// The same, of one that is to be read. Until that is here, the small one stands in for it.
    pub(crate) fn look_large(&mut self, blob: &str) -> Picture {
        match self.look_for(Wanted { blob: blob.to_owned(), is_large: true }) {
            Picture::Waiting => self.look(blob),
            known => known,
        }
    }

    fn look_for(&mut self, wanted: Wanted) -> Picture {
        self.looks += 1;
        let Some(entry) = self.entries.get_mut(&wanted) else {
            let entry = Entry { state: EntryState::Asked, looked_at: self.looks };
            self.entries.insert(wanted.clone(), entry);
            self.wanted.push(wanted);
            return Picture::Waiting;
        };
        entry.looked_at = self.looks;
        match &entry.state {
            EntryState::Asked => Picture::Waiting,
            EntryState::Here(texture) => Picture::Here(SizedTexture::from_handle(texture)),
            EntryState::Nothing(why) => Picture::Nothing(why.clone()),
        }
    }

    /// Returns what is to be asked for.
    pub(crate) fn take_wanted(&mut self) -> Vec<Wanted> {
        std::mem::take(&mut self.wanted)
    }

    /// Keeps what came, and lets go of what was not looked at for longest where there is no more room.
    pub(crate) fn put(&mut self, ctx: &Context, picture: Wanted, outcome: Result<ColorImage, String>) {
        let state = match outcome {
            Ok(image) => EntryState::Here(ctx.load_texture(&picture.blob, image, TextureOptions::LINEAR)),
            Err(why) => EntryState::Nothing(why),
        };
        self.size_bytes += bytes_of(&state);
        let entry = Entry { state, looked_at: self.looks };
        if let Some(old) = self.entries.insert(picture, entry) {
            self.size_bytes -= bytes_of(&old.state);
        }
        while self.size_bytes > limits::PICTURES_BYTES_MAX || self.entries.len() > limits::PICTURES_MAX {
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.looked_at);
            let Some(oldest) = oldest.map(|(picture, _)| picture.clone()) else { return };
            self.size_bytes -= self.entries.remove(&oldest).map_or(0, |entry| bytes_of(&entry.state));
        }
    }

    /// Asks again for what was not to be had: the daemon is back, or the bytes have come.
    pub(crate) fn forget_failures(&mut self) {
        self.entries.retain(|_, entry| matches!(entry.state, EntryState::Here(_)));
        self.wanted.clear();
    }
}

fn bytes_of(state: &EntryState) -> usize {
    match state {
        EntryState::Here(texture) => texture.byte_size(),
        EntryState::Asked | EntryState::Nothing(_) => 0,
    }
}

/// Returns the largest size in which a picture fits, no larger than it is.
pub(crate) fn fit(picture: Vec2, room: Vec2) -> Vec2 {
    let scale = (room / picture.max(Vec2::splat(1.0))).min_elem().min(1.0);
    (picture * scale).max(Vec2::splat(1.0))
}

/// Reads a PNG of the daemon's helper. Anything else, and anything larger, is none.
pub(crate) fn image_from_png(bytes: &[u8]) -> Option<ColorImage> {
    let limits = png::Limits { bytes: limits::PICTURE_BYTES_MAX };
    let mut reader = png::Decoder::new_with_limits(Cursor::new(bytes), limits).read_info().ok()?;
    let (width, height) = (reader.info().width, reader.info().height);
    if width.max(height) > limits::PICTURE_SIDE_MAX {
        return None;
    }
    let mut pixels = vec![0; reader.output_buffer_size()?];
    let info = reader.next_frame(&mut pixels).ok()?;
    pixels.truncate(info.buffer_size());
    let size = [width as usize, height as usize];
    match (info.color_type, info.bit_depth) {
        (png::ColorType::Rgba, png::BitDepth::Eight) => {
            Some(ColorImage::from_rgba_unmultiplied(size, &pixels))
        }
        (png::ColorType::Rgb, png::BitDepth::Eight) => Some(ColorImage::from_rgb(size, &pixels)),
        _ => None,
    }
}

/// Writes pixels that were pasted as a PNG.
pub(crate) fn png_from_image(image: &ColorImage) -> Result<Vec<u8>, png::EncodingError> {
    let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side(image.width()), side(image.height()));
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let pixels: Vec<u8> = image.pixels.iter().flat_map(egui::Color32::to_srgba_unmultiplied).collect();
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(bytes)
}

/// Takes bytes up to a bound, and refuses more.
#[derive(Debug, Default)]
pub(crate) struct BoundedBytes(pub(crate) Vec<u8>);

impl Write for BoundedBytes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.len() + bytes.len() <= limits::PICTURE_BYTES_MAX {
            true => self.0.write(bytes),
            false => Err(io::Error::from(io::ErrorKind::FileTooLarge)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use egui::{Color32, ColorImage, Context, vec2};

    use super::{Picture, Pictures, Wanted, fit, image_from_png, png_from_image};
    use crate::limits;

    #[test]
    fn what_was_pasted_reads_back_and_no_other_file_is_read() {
        let mut image = ColorImage::filled([3, 2], Color32::RED);
        image.pixels[4] = Color32::from_rgba_unmultiplied(9, 200, 30, 128);
        let png = png_from_image(&image).unwrap();
        assert_eq!(image_from_png(&png).unwrap().pixels, image.pixels);
        let large = png_from_image(&ColorImage::filled([1, 3_000], Color32::RED)).unwrap();
        assert_eq!(image_from_png(&large), None, "larger than what the daemon makes");
        for end in 0..40 {
            assert_eq!(image_from_png(&png[..end]), None, "broken off at {end}");
        }
        assert_eq!(image_from_png(b"GIF89a"), None);
    }

    fn small(blob: &str) -> Wanted {
        Wanted { blob: blob.to_owned(), is_large: false }
    }

    #[test]
    fn small_one_stands_in_for_the_large_one_until_that_comes() {
        let ctx = Context::default();
        let mut pictures = Pictures::default();
        pictures.put(&ctx, small("a"), Ok(ColorImage::filled([8, 8], Color32::RED)));
        let Picture::Here(shown) = pictures.look_large("a") else { panic!("there is a small one") };
        assert_eq!(shown.size, vec2(8.0, 8.0));
        let wanted = Wanted { blob: "a".to_owned(), is_large: true };
        assert_eq!(pictures.take_wanted(), std::slice::from_ref(&wanted));
        pictures.put(&ctx, wanted, Ok(ColorImage::filled([16, 16], Color32::RED)));
        let Picture::Here(shown) = pictures.look_large("a") else { panic!("it has come") };
        assert_eq!(shown.size, vec2(16.0, 16.0));
    }

    #[test]
    fn what_was_not_looked_at_for_longest_makes_room() {
        let ctx = Context::default();
        let mut pictures = Pictures::default();
        let large = || Ok(ColorImage::filled([1_024, 1_024], Color32::RED));
        let most = limits::PICTURES_BYTES_MAX / (4 * 1_024 * 1_024);
        for index in 0..most {
            assert_eq!(pictures.look(&index.to_string()), Picture::Waiting);
            pictures.put(&ctx, small(&index.to_string()), large());
        }
        assert_eq!(pictures.take_wanted().len(), most);
        assert!(matches!(pictures.look("0"), Picture::Here(_)));
        pictures.put(&ctx, small("one more"), large());
        assert!(pictures.size_bytes <= limits::PICTURES_BYTES_MAX);
        assert!(matches!(pictures.look("0"), Picture::Here(_)), "it was looked at just now");
        assert_eq!(pictures.look("1"), Picture::Waiting, "it is asked for again");
        assert_eq!(pictures.take_wanted(), [small("1")]);
        pictures.put(&ctx, small("1"), Err("damaged".to_owned()));
        assert_eq!(pictures.look("1"), Picture::Nothing("damaged".to_owned()));
        pictures.forget_failures();
        assert_eq!(pictures.look("1"), Picture::Waiting);
    }

    #[test]
    fn pictures_keep_their_shape_and_never_grow() {
        assert_eq!(fit(vec2(800.0, 400.0), vec2(320.0, 320.0)), vec2(320.0, 160.0));
        assert_eq!(fit(vec2(8.0, 4.0), vec2(320.0, 320.0)), vec2(8.0, 4.0));
        assert_eq!(fit(vec2(1.0, 4_000.0), vec2(320.0, 160.0)), vec2(1.0, 160.0));
    }
}
