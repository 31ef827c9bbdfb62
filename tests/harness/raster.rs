//! Draws what egui would have a graphics card draw, on the processor: the same bytes on every machine, with no display
//! and no driver. For pictures of the client in tests and documents; slow, and never in the product.

use std::collections::HashMap;

use egui::epaint::{Mesh, Primitive, Vertex};
use egui::{Color32, ColorImage, FullOutput, ImageData, Rect, TextureId, TexturesDelta};
use egui_kittest::TestRenderer;
use image::{Rgba, RgbaImage};

/// A renderer for the test harness.
#[derive(Default)]
pub struct Raster {
    textures: HashMap<TextureId, ColorImage>,
}

impl TestRenderer for Raster {
    fn handle_delta(&mut self, delta: &mut TexturesDelta) {
        for (id, patches) in delta.set.drain() {
            for patch in patches {
                let ImageData::Color(image) = patch.image;
                match (patch.pos, self.textures.get_mut(&id)) {
                    (Some(at), Some(whole)) => paste(whole, &image, at),
                    _ => {
                        self.textures.insert(id, (*image).clone());
                    }
                }
            }
        }
        for id in delta.free.drain() {
            self.textures.remove(&id);
        }
    }

    fn render(&mut self, ctx: &egui::Context, output: &FullOutput) -> Result<RgbaImage, String> {
        let scale = output.pixels_per_point;
        let size = ctx.content_rect().size() * scale;
        let mut canvas = Canvas::new(size.x.round() as usize, size.y.round() as usize);
        for part in ctx.tessellate(output.shapes.clone(), scale) {
            let Primitive::Mesh(mesh) = part.primitive else {
                return Err("a paint callback cannot be drawn without a graphics card".to_owned());
            };
            let texture = self.textures.get(&mesh.texture_id).ok_or("a texture is missing")?;
            canvas.draw(&mesh, texture, part.clip_rect, scale);
        }
        Ok(canvas.finish())
    }
}

fn paste(whole: &mut ColorImage, patch: &ColorImage, at: [usize; 2]) {
    for row in 0..patch.height() {
        let from = row * patch.width();
        let to = (at[1] + row) * whole.width() + at[0];
        whole.pixels[to..to + patch.width()].copy_from_slice(&patch.pixels[from..from + patch.width()]);
    }
}

/// Premultiplied colours, blended as screens show them.
struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<[f32; 4]>,
}

impl Canvas {
    fn new(width: usize, height: usize) -> Self {
        Self { width, height, pixels: vec![[0.0; 4]; width * height] }
    }

    fn draw(&mut self, mesh: &Mesh, texture: &ColorImage, clip: Rect, scale: f32) {
        for corners in mesh.indices.chunks_exact(3) {
            let corners = [corners[0], corners[1], corners[2]].map(|index| mesh.vertices[index as usize]);
            self.triangle(corners, texture, clip, scale);
        }
    }

    fn triangle(&mut self, mut corners: [Vertex; 3], texture: &ColorImage, clip: Rect, scale: f32) {
        for corner in &mut corners {
            corner.pos = (corner.pos.to_vec2() * scale).to_pos2();
        }
        let area = edge(&corners[0], &corners[1], corners[2].pos);
        if area == 0.0 || !area.is_finite() {
            return;
        }
        if area < 0.0 {
            corners.swap(1, 2);
        }
        let area = area.abs();
        let bounds =
            corners.iter().fold(Rect::NOTHING, |bounds, corner| bounds.union(Rect::from_pos(corner.pos)));
        let clip = Rect::from_min_max(
            (clip.min.to_vec2() * scale).to_pos2(),
            (clip.max.to_vec2() * scale).to_pos2(),
        );
        let first = |low: f32, clip: f32| low.max(clip.round()).max(0.0).floor() as usize;
        let last =
            |high: f32, clip: f32, end: usize| (high.min(clip.round()).ceil().max(0.0) as usize).min(end);
        let (left, right) =
            (first(bounds.left(), clip.left()), last(bounds.right(), clip.right(), self.width));
        let (top, bottom) =
            (first(bounds.top(), clip.top()), last(bounds.bottom(), clip.bottom(), self.height));
        let [a, b, c] = corners;
        for y in top..bottom {
            for x in left..right {
                let at = egui::pos2(x as f32 + 0.5, y as f32 + 0.5);
                let weights = [(&b, &c), (&c, &a), (&a, &b)].map(|(from, to)| {
                    let weight = edge(from, to, at);
                    // A pixel on the border of two triangles belongs to one of them.
                    (weight > 0.0 || (weight == 0.0 && is_top_left(from, to))).then_some(weight / area)
                });
                if let [Some(a_part), Some(b_part), Some(c_part)] = weights {
                    self.blend(x, y, shade(&corners, [a_part, b_part, c_part], texture));
                }
            }
        }
    }

    fn blend(&mut self, x: usize, y: usize, over: [f32; 4]) {
        let under = &mut self.pixels[y * self.width + x];
        for (under, over_channel) in under.iter_mut().zip(over) {
            *under = over_channel + *under * (1.0 - over[3]);
        }
    }

    fn finish(self) -> RgbaImage {
        let byte = |channel: f32| (channel * 255.0).round().clamp(0.0, 255.0) as u8;
        RgbaImage::from_fn(self.width as u32, self.height as u32, |x, y| {
            Rgba(self.pixels[y as usize * self.width + x as usize].map(byte))
        })
    }
}

fn edge(from: &Vertex, to: &Vertex, at: egui::Pos2) -> f32 {
    (to.pos.x - from.pos.x) * (at.y - from.pos.y) - (to.pos.y - from.pos.y) * (at.x - from.pos.x)
}

fn is_top_left(from: &Vertex, to: &Vertex) -> bool {
    let along = to.pos - from.pos;
    (along.y == 0.0 && along.x > 0.0) || along.y < 0.0
}

/// The colour of a point: the corners' mixed, times the texture's.
fn shade(corners: &[Vertex; 3], weights: [f32; 3], texture: &ColorImage) -> [f32; 4] {
    let mut colour = [0.0; 4];
    let mut uv = egui::Vec2::ZERO;
    for (corner, weight) in corners.iter().zip(weights) {
        for (channel, byte) in colour.iter_mut().zip(corner.color.to_array()) {
            *channel += weight * f32::from(byte) / 255.0;
        }
        uv += corner.uv.to_vec2() * weight;
    }
    let texel = sample(texture, uv);
    [0, 1, 2, 3].map(|channel| colour[channel] * texel[channel])
}

/// The texture's colour between its four nearest pixels.
fn sample(texture: &ColorImage, uv: egui::Vec2) -> [f32; 4] {
    let (width, height) = (texture.width(), texture.height());
    let (x, y) = (uv.x * width as f32 - 0.5, uv.y * height as f32 - 0.5);
    let (along, down) = (x - x.floor(), y - y.floor());
    let at = |dx: f32, dy: f32| -> [f32; 4] {
        let column = (x.floor() + dx).clamp(0.0, width as f32 - 1.0) as usize;
        let row = (y.floor() + dy).clamp(0.0, height as f32 - 1.0) as usize;
        let pixel: Color32 = texture.pixels[row * width + column];
        pixel.to_array().map(|byte| f32::from(byte) / 255.0)
    };
    let corners = [
        (at(0.0, 0.0), (1.0 - along) * (1.0 - down)),
        (at(1.0, 0.0), along * (1.0 - down)),
        (at(0.0, 1.0), (1.0 - along) * down),
        (at(1.0, 1.0), along * down),
    ];
    [0, 1, 2, 3].map(|channel| corners.iter().map(|(colour, weight)| colour[channel] * weight).sum())
}
