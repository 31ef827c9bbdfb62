//! How the client looks: every colour, distance and size, dark and light. Nothing else names a colour.
//!
//! A host that embeds the client may hand in tokens of its own. They are applied within the client's own
//! [`egui::Ui`]; the host's context is left as it is.

use assist_proto::api::ticket::{Priority, Status};
use egui::style::{Selection, WidgetVisuals, Widgets};
use egui::{Color32, CornerRadius, FontFamily, FontId, Margin, Stroke, Style, TextStyle, Vec2, Visuals};

/// The looks of one theme.
#[derive(Debug, Clone, PartialEq)]
pub struct Tokens {
    /// Whether light stands on dark.
    pub is_dark: bool,
    /// Behind the navigation.
    pub canvas: Color32,
    /// Behind the list.
    pub surface: Color32,
    /// Behind what is read.
    pub page: Color32,
    /// Behind fields and cards.
    pub raised: Color32,
    /// Behind what the pointer is on.
    pub hover: Color32,
    /// Behind what is chosen.
    pub selected: Color32,
    /// Between parts.
    pub line: Color32,
    /// Around fields.
    pub line_strong: Color32,
    /// What is read.
    pub text: Color32,
    /// What is read second.
    pub soft: Color32,
    /// What is read last.
    pub faint: Color32,
    /// Links, and what one can act on.
    pub accent: Color32,
    /// Behind the one thing that is to be done next.
    pub accent_fill: Color32,
    /// On that.
    pub on_accent: Color32,
    /// What went well.
    pub good: Color32,
    /// What wants attention.
    pub warn: Color32,
    /// What went wrong, and what cannot be undone.
    pub bad: Color32,
    /// Behind notes.
    pub note_fill: Color32,
    /// Beside notes.
    pub note_line: Color32,
    /// What says that it is a note.
    pub note: Color32,
    /// The family of what is strong; the ordinary one where the host has none.
    pub strong_family: FontFamily,
}

impl Tokens {
    /// Light on dark.
    pub const fn dark() -> Self {
        Self {
            is_dark: true,
            canvas: rgb(0x0e1116),
            surface: rgb(0x12161d),
            page: rgb(0x161b23),
            raised: rgb(0x1e2530),
            hover: rgb(0x1d2430),
            selected: rgb(0x22304d),
            line: rgb(0x272e3a),
            line_strong: rgb(0x465164),
            text: rgb(0xe9edf3),
            soft: rgb(0xb2bbc9),
            faint: rgb(0x93a0b2),
            accent: rgb(0x8fadff),
            accent_fill: rgb(0x3c61dd),
            on_accent: rgb(0xffffff),
            good: rgb(0x5fd0a0),
            warn: rgb(0xf2bd55),
            bad: rgb(0xff8f86),
            note_fill: rgb(0x2b2617),
            note_line: rgb(0xc99a35),
            note: rgb(0xf4cd76),
            strong_family: FontFamily::Proportional,
        }
    }

    /// Dark on light.
    pub const fn light() -> Self {
        Self {
            is_dark: false,
            canvas: rgb(0xf0f2f6),
            surface: rgb(0xf8f9fb),
            page: rgb(0xffffff),
            raised: rgb(0xffffff),
            hover: rgb(0xeceff5),
            selected: rgb(0xdfe8fd),
            line: rgb(0xe0e4ea),
            line_strong: rgb(0xb4bdca),
            text: rgb(0x151a22),
            soft: rgb(0x465061),
            faint: rgb(0x596475),
            accent: rgb(0x2449c4),
            accent_fill: rgb(0x2f55d4),
            on_accent: rgb(0xffffff),
            good: rgb(0x0c6b40),
            warn: rgb(0x7d4f00),
            bad: rgb(0xb02318),
            note_fill: rgb(0xfff6dc),
            note_line: rgb(0xd9a514),
            note: rgb(0x704b00),
            strong_family: FontFamily::Proportional,
        }
    }

    /// Returns the font of what is strong.
    pub fn strong(&self, size: f32) -> FontId {
        FontId::new(size, self.strong_family.clone())
    }

    /// Returns the colour of a status.
    pub const fn status(&self, status: Status) -> Color32 {
        match status {
            Status::Open => self.accent,
            Status::Pending => self.warn,
            Status::Resolved => self.good,
            Status::Closed => self.soft,
        }
    }

    /// Returns the colour of a priority.
    pub const fn priority(&self, priority: Priority) -> Color32 {
        match priority {
            Priority::Urgent => self.bad,
            Priority::High => self.warn,
            Priority::Normal | Priority::Low => self.soft,
        }
    }

    /// Returns what is behind a word of this colour that stands on `behind`.
    pub fn tint(&self, colour: Color32, behind: Color32) -> Color32 {
        behind.lerp_to_gamma(colour, if self.is_dark { 0.12 } else { 0.09 })
    }

    /// Returns the style that makes egui's own widgets fit in.
    pub fn style(&self, base: &Style) -> Style {
        let mut style = base.clone();
        let font = |size: f32| FontId::new(size, FontFamily::Proportional);
        style.text_styles = [
            (TextStyle::Small, font(SMALL)),
            (TextStyle::Body, font(BODY)),
            (TextStyle::Button, font(BODY)),
            (TextStyle::Heading, self.strong(HEADING)),
            (TextStyle::Monospace, FontId::new(BODY - 1.0, FontFamily::Monospace)),
        ]
        .into();
        style.spacing.item_spacing = Vec2::new(8.0, 6.0);
        style.spacing.button_padding = Vec2::new(12.0, 6.0);
        style.spacing.interact_size = Vec2::new(28.0, CONTROL_HEIGHT);
        style.spacing.menu_margin = Margin::same(6);
        style.spacing.scroll.floating = true;
        style.spacing.scroll.bar_width = 8.0;
        style.visuals = self.visuals();
        style
    }

    fn visuals(&self) -> Visuals {
        let mut visuals = if self.is_dark { Visuals::dark() } else { Visuals::light() };
        let widget = |fill: Color32, line: Color32, text: Color32| WidgetVisuals {
            bg_fill: fill,
            weak_bg_fill: fill,
            bg_stroke: Stroke::new(1.0, line),
            corner_radius: RADIUS,
            fg_stroke: Stroke::new(1.0, text),
            expansion: 0.0,
        };
        visuals.widgets = Widgets {
            noninteractive: widget(self.page, self.line, self.text),
            inactive: widget(self.raised, self.line_strong, self.text),
            hovered: widget(self.hover, self.line_strong, self.text),
            active: widget(self.selected, self.accent, self.text),
            open: widget(self.hover, self.line_strong, self.text),
        };
        visuals.selection = Selection { bg_fill: self.selected, stroke: Stroke::new(1.5, self.accent) };
        visuals.hyperlink_color = self.accent;
        visuals.window_fill = self.raised;
        visuals.panel_fill = self.page;
        visuals.extreme_bg_color = self.raised;
        visuals.faint_bg_color = self.surface;
        visuals.code_bg_color = self.tint(self.soft, self.page);
        visuals.warn_fg_color = self.warn;
        visuals.error_fg_color = self.bad;
        visuals.window_stroke = Stroke::new(1.0, self.line_strong);
        visuals.window_corner_radius = RADIUS_LARGE;
        visuals.menu_corner_radius = RADIUS;
        visuals
    }
}

const fn rgb(hex: u32) -> Color32 {
    let [_, red, green, blue] = hex.to_be_bytes();
    Color32::from_rgb(red, green, blue)
}

/// What stands beside something else: times, names, hints.
pub const SMALL: f32 = 12.0;
/// What is read.
pub const BODY: f32 = 14.0;
/// Heads of parts.
pub const HEADING: f32 = 16.0;
/// The head of a page.
pub const TITLE: f32 = 21.0;

/// The smallest distance; all others are made of it.
pub const GAP: f32 = 4.0;
/// Round corners of fields and buttons.
pub const RADIUS: CornerRadius = CornerRadius::same(7);
/// Round corners of cards.
pub const RADIUS_LARGE: CornerRadius = CornerRadius::same(11);
/// What is pressed is at least so high.
pub const CONTROL_HEIGHT: f32 = 30.0;
/// A line of text is no longer than people like to read.
pub const READING_WIDTH: f32 = 780.0;

#[cfg(test)]
mod tests {
    use assist_proto::api::ticket::{Priority, Status};
    use egui::{Color32, Rgba};

    use super::Tokens;

    /// The ratio of WCAG 2.2, from 1 to 21.
    fn contrast(one: Color32, other: Color32) -> f32 {
        let luminance = |colour: Color32| {
            let linear = Rgba::from(colour);
            0.2126 * linear.r() + 0.7152 * linear.g() + 0.0722 * linear.b()
        };
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn every_text_can_be_read_on_all_that_it_stands_on() {
        for tokens in [Tokens::dark(), Tokens::light()] {
            let grounds = [
                ("canvas", tokens.canvas),
                ("surface", tokens.surface),
                ("page", tokens.page),
                ("raised", tokens.raised),
                ("hover", tokens.hover),
                ("selected", tokens.selected),
                ("note_fill", tokens.note_fill),
            ];
            let texts = [
                ("text", tokens.text),
                ("soft", tokens.soft),
                ("faint", tokens.faint),
                ("accent", tokens.accent),
                ("good", tokens.good),
                ("warn", tokens.warn),
                ("bad", tokens.bad),
                ("note", tokens.note),
            ];
            for (ground_name, ground) in grounds {
                for (text_name, text) in texts {
                    let ratio = contrast(text, ground);
                    assert!(
                        ratio >= 4.5,
                        "{text_name} on {ground_name}: {ratio:.2}, dark: {}",
                        tokens.is_dark
                    );
                }
            }
            assert!(contrast(tokens.on_accent, tokens.accent_fill) >= 4.5);
            assert!(contrast(tokens.line_strong, tokens.page) >= 1.8, "a field can be seen");
        }
    }

    #[test]
    fn every_word_on_its_tint_can_be_read() {
        for tokens in [Tokens::dark(), Tokens::light()] {
            let statuses = [Status::Open, Status::Pending, Status::Resolved, Status::Closed];
            let priorities = [Priority::Low, Priority::Normal, Priority::High, Priority::Urgent];
            let statuses = statuses.map(|status| tokens.status(status));
            let priorities = priorities.map(|priority| tokens.priority(priority));
            for colour in statuses.into_iter().chain(priorities).chain([tokens.note, tokens.soft]) {
                for ground in [tokens.surface, tokens.page, tokens.selected, tokens.hover, tokens.note_fill] {
                    let ratio = contrast(colour, tokens.tint(colour, ground));
                    assert!(ratio >= 4.5, "{colour:?} on its tint on {ground:?}: {ratio:.2}");
                }
            }
        }
    }
}
