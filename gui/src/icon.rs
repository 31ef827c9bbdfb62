//! The client's icons: a few strokes each, drawn in the colour and size of the text beside them. No font is needed.

use egui::{Color32, Painter, Rect, Shape, Stroke, Vec2, pos2};

/// A picture of something. Never alone: a word stands beside it, or its name is told to screen readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Icon {
    /// New.
    Plus,
    /// To find.
    Search,
    /// Done.
    Check,
    /// Done, and seen.
    CheckTwice,
    /// Waits.
    Clock,
    /// Kept here.
    Device,
    /// On the server.
    Cloud,
    /// No way to the server.
    CloudOff,
    /// For the team alone.
    Lock,
    /// Something is wrong.
    Warning,
    /// Away with it.
    Cross,
    /// More below.
    Down,
    /// Back.
    Left,
    /// Forward.
    Right,
    /// An answer.
    Reply,
    /// To send.
    Send,
    /// Settings.
    Sliders,
    /// A list.
    Inbox,
    /// A person.
    Person,
    /// A circle.
    Ring,
    /// A full circle.
    Dot,
    /// More urgent.
    Up,
    /// To stop for a while.
    Pause,
    /// To go on.
    Play,
    /// To rewrite.
    Pen,
    /// To attach.
    Clip,
    /// A file.
    File,
    /// A picture.
    Picture,
    /// To have it here.
    Download,
    /// Less.
    Minus,
}

impl Icon {
    /// Draws it in the middle of a square.
    pub(crate) fn paint(self, painter: &Painter, rect: Rect, colour: Color32) {
        let side = rect.width().min(rect.height());
        let square = Rect::from_center_size(rect.center(), Vec2::splat(side));
        let stroke = Stroke::new((side / 11.0).max(1.0), colour);
        for part in self.strokes().split(';') {
            let mut numbers = part.split_whitespace().filter_map(|number| number.parse::<f32>().ok());
            let mut points = Vec::with_capacity(16);
            while let (Some(x), Some(y)) = (numbers.next(), numbers.next()) {
                points.push(square.min + Vec2::new(x, y) * (side / GRID));
            }
            match points[..] {
                // A circle: its middle, and a point to its right.
                [middle, edge] if part.starts_with('o') => {
                    painter.circle_stroke(middle, middle.distance(edge), stroke);
                }
                [middle, edge] if part.starts_with('*') => {
                    painter.circle_filled(middle, middle.distance(edge), colour);
                }
                _ => {
                    painter.add(Shape::line(points, stroke));
                }
            }
        }
    }

    /// Returns its lines on a grid of 16, split by semicolons: points, or a circle's middle and a point of its edge.
    const fn strokes(self) -> &'static str {
        match self {
            Self::Plus => "8 3 8 13;3 8 13 8",
            Self::Search => "o 7 7 11.5 7;10.3 10.3 14 14",
            Self::Check => "3 8.5 6.5 12 13 4.5",
            Self::CheckTwice => "1 8.5 4.5 12 10.5 4.5;8 12 14.5 4.5",
            Self::Clock => "o 8 8 14 8;8 4.5 8 8 10.5 9.5",
            Self::Device => "2.5 3 13.5 3 13.5 10.5 2.5 10.5 2.5 3;5.5 13.5 10.5 13.5;8 10.5 8 13.5",
            Self::Cloud => CLOUD,
            Self::CloudOff => {
                "4.5 12.5 2.5 11.5 2 9.5 3 7.8 4.8 7.2;7 4.2 8.2 3.8 10.6 4.8 11.5 7 13.4 7.8 14.2 9.8;2.5 2 13.5 14;7 12.5 11 12.5"
            }
            Self::Lock => {
                "3.5 7.5 12.5 7.5 12.5 13.5 3.5 13.5 3.5 7.5;5.5 7.5 5.5 5 6.5 3 9.5 3 10.5 5 10.5 7.5"
            }
            Self::Warning => "8 2 14.5 13.5 1.5 13.5 8 2;8 6 8 9.5;8 11.2 8 11.9",
            Self::Cross => "4 4 12 12;12 4 4 12",
            Self::Down => "4 6 8 10.5 12 6",
            Self::Left => "10 3.5 5.5 8 10 12.5",
            Self::Right => "6 3.5 10.5 8 6 12.5",
            Self::Reply => "6 3.5 2 7 6 10.5;2 7 10 7 13 8.5 14 13",
            Self::Send => "2 2.5 14 8 2 13.5 4 8 2 2.5;4 8 9 8",
            Self::Sliders => {
                "2 4.5 8 4.5;12 4.5 14 4.5;2 11.5 4 11.5;8 11.5 14 11.5;o 10 4.5 12 4.5;o 6 11.5 8 11.5"
            }
            Self::Inbox => "4 3 12 3 14 9 14 13 2 13 2 9 4 3;2 9 5.5 9 6.5 11 9.5 11 10.5 9 14 9",
            Self::Person => "o 8 5 11 5;2.5 14 3.5 11 6 9.8 10 9.8 12.5 11 13.5 14",
            Self::Ring => "o 8 8 12.5 8",
            Self::Dot => "* 8 8 12.5 8",
            Self::Up => "8 13 8 3.5;4 7.5 8 3.5 12 7.5",
            Self::Pause => "5.5 3 5.5 13;10.5 3 10.5 13",
            Self::Play => "4.5 2.5 13 8 4.5 13.5 4.5 2.5",
            Self::Clip => {
                "11.5 5 6 10.5 6 11.8 7.2 11.8 13 6 13 3.6 11.2 2.2 9.2 2.6 3.4 8.4 2.8 11 4.2 13.4 6.6 14 9 12.8 13 8.8"
            }
            Self::File => "3.5 2 9.5 2 12.5 5 12.5 14 3.5 14 3.5 2;9.5 2 9.5 5 12.5 5",
            Self::Picture => "2 3 14 3 14 13 2 13 2 3;o 5.5 6.2 6.6 6.2;2.5 12 6.5 8.5 9 10.6 11 9 13.8 11.6",
            Self::Download => "8 2.5 8 10;4.8 7 8 10.2 11.2 7;3 13.2 13 13.2",
            Self::Minus => "3 8 13 8",
            Self::Pen => "3 13 3.8 9.8 10.8 2.8 13.2 5.2 6.2 12.2 3 13;9 4.6 11.4 7",
        }
    }
}

const CLOUD: &str = "4.5 12.5 2.5 11.5 2 9.5 3 7.8 4.8 7.2 5.8 4.8 8.2 3.8 10.6 4.8 11.5 7 13.4 7.8 14.2 9.8 13.2 11.8 11.5 12.5 4.5 12.5";

/// Icons are drawn on a square of so many units.
const GRID: f32 = 16.0;

/// Returns the product's mark as RGBA pixels, so many a side: for windows and desktops.
pub fn icon_pixels(side: u32) -> Vec<u8> {
    /// How much of a pixel a shape covers whose edge is so far away.
    fn covered(distance: f32) -> f32 {
        (0.5 - distance).clamp(0.0, 1.0)
    }
    // Drawn on a square of 64.
    let unit = side as f32 / 64.0;
    let mut pixels = Vec::with_capacity((side * side * 4) as usize);
    for (y, x) in (0..side).flat_map(|y| (0..side).map(move |x| (y, x))) {
        let at = pos2((x as f32 + 0.5) / unit, (y as f32 + 0.5) / unit);
        let corner = (at - pos2(32.0, 32.0)).abs() - Vec2::splat(13.0);
        let square = covered((corner.max(Vec2::ZERO).length() - 17.0) * unit);
        let strokes = [(pos2(19.0, 33.5), pos2(27.5, 42.0)), (pos2(27.5, 42.0), pos2(45.0, 22.0))];
        let from_stroke = strokes.map(|(start, end)| {
            let along = ((at - start).dot(end - start) / (end - start).length_sq()).clamp(0.0, 1.0);
            at.distance(start + (end - start) * along) - 3.2
        });
        let check = covered(from_stroke[0].min(from_stroke[1]) * unit);
        let mix = |fill: f32| (fill + (255.0 - fill) * check) as u8;
        pixels.extend([mix(60.0), mix(97.0), mix(221.0), (255.0 * square) as u8]);
    }
    pixels
}

/// Returns the same as a PNG of 256 by 256 pixels.
///
/// # Errors
/// When it cannot be made, which needs more memory than there is.
pub fn icon_png() -> Result<Vec<u8>, png::EncodingError> {
    let image = egui::ColorImage::from_rgba_unmultiplied([256, 256], &icon_pixels(256));
    crate::pictures::png_from_image(&image)
}

/// Returns the square of a size that stands on the middle of a line.
pub(crate) fn square_at(left: f32, middle: f32, side: f32) -> Rect {
    Rect::from_min_size(pos2(left, middle - side / 2.0), Vec2::splat(side))
}
