//! The client's own small widgets. Each has a name for screen readers.

use std::sync::Arc;

use assist_proto::neutral;
use egui::text::{LayoutJob, TextWrapping};
use egui::{
    Align2, AsIdSalt, Button, Color32, FontId, Frame, Galley, Id, Margin, Painter, Rect, Response, RichText,
    Role, Sense, Stroke, TextEdit, TextFormat, Ui, UiBuilder, Vec2, WidgetInfo, pos2, vec2,
};

use crate::icon::{Icon, square_at};
use crate::intent::{Field, Intent};
use crate::scene::Scene;
use crate::theme::{self, Tokens};

/// How much a button asks to be pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// The one thing to do next.
    Primary,
    /// One of several.
    Plain,
    /// Beside something else.
    Quiet,
    /// What cannot be undone.
    Danger,
}

/// A button with a word, and maybe an icon before it.
pub(crate) fn button(
    ui: &mut Ui,
    tokens: &Tokens,
    weight: Weight,
    icon: Option<Icon>,
    label: &str,
) -> Response {
    button_enabled(ui, tokens, weight, icon, label, true)
}

/// The same, which may be out of use.
pub(crate) fn button_enabled(
    ui: &mut Ui,
    tokens: &Tokens,
    weight: Weight,
    icon: Option<Icon>,
    label: &str,
    is_enabled: bool,
) -> Response {
    button_at_least(ui, tokens, weight, icon, label, is_enabled, 0.0)
}

/// The same, at least so wide.
pub(crate) fn button_at_least(
    ui: &mut Ui,
    tokens: &Tokens,
    weight: Weight,
    icon: Option<Icon>,
    label: &str,
    is_enabled: bool,
    width: f32,
) -> Response {
    let (fill, line, text) = match weight {
        Weight::Primary => (tokens.accent_fill, tokens.accent_fill, tokens.on_accent),
        Weight::Plain => (tokens.raised, tokens.line_strong, tokens.text),
        Weight::Quiet => (Color32::TRANSPARENT, Color32::TRANSPARENT, tokens.soft),
        Weight::Danger => (tokens.raised, tokens.bad, tokens.bad),
    };
    let font = if weight == Weight::Primary { tokens.strong(theme::BODY) } else { body() };
    let galley = ui.painter().layout_no_wrap(label.to_owned(), font, text);
    let icon_room = if icon.is_some() { ICON + 6.0 } else { 0.0 };
    let padding = if weight == Weight::Quiet { 8.0 } else { 12.0 };
    let inner = galley.size().x + icon_room;
    let size = vec2((inner + 2.0 * padding).max(width), theme::CONTROL_HEIGHT);
    let (rect, response) =
        ui.allocate_exact_size(size, if is_enabled { Sense::click() } else { Sense::hover() });
    response.widget_info(|| WidgetInfo::labeled(Role::Button, is_enabled, label));
    if !ui.is_rect_visible(rect) {
        return response;
    }
    let fill = match (weight, response.hovered() && is_enabled) {
        (Weight::Primary, true) => fill.lerp_to_gamma(tokens.on_accent, 0.12),
        (_, true) => tokens.hover,
        _ => fill,
    };
    // What is out of use is grey, whatever it asks for in use: its word can still be read.
    let (fill, line, text) = match is_enabled || weight == Weight::Quiet {
        true => (fill, line, text),
        false => (tokens.tint(tokens.faint, tokens.page), Color32::TRANSPARENT, tokens.faint),
    };
    let opacity = if is_enabled { 1.0 } else { 0.7 };
    let painter = ui.painter();
    painter.rect(
        rect,
        theme::RADIUS,
        fill.gamma_multiply(opacity),
        Stroke::new(1.0, line.gamma_multiply(opacity)),
        egui::StrokeKind::Inside,
    );
    focus_ring(painter, tokens, rect, &response);
    let text = text.gamma_multiply(opacity);
    let left = rect.center().x - inner / 2.0;
    if let Some(icon) = icon {
        icon.paint(painter, square_at(left, rect.center().y, ICON), text);
    }
    let at = pos2(left + icon_room, rect.center().y - galley.size().y / 2.0);
    painter.galley_with_override_text_color(at, galley, text);
    response
}

/// A button that is an icon. Its name is told on hover and to screen readers.
pub(crate) fn icon_button(
    ui: &mut Ui,
    tokens: &Tokens,
    icon: Icon,
    name: &str,
    is_enabled: bool,
) -> Response {
    let size = Vec2::splat(theme::CONTROL_HEIGHT);
    let (rect, response) =
        ui.allocate_exact_size(size, if is_enabled { Sense::click() } else { Sense::hover() });
    response.widget_info(|| WidgetInfo::labeled(Role::Button, is_enabled, name));
    let is_hovered = response.hovered() && is_enabled;
    let painter = ui.painter();
    if is_hovered {
        painter.rect_filled(rect, theme::RADIUS, tokens.hover);
    }
    focus_ring(painter, tokens, rect, &response);
    let colour = match (is_enabled, is_hovered) {
        (false, _) => tokens.faint.gamma_multiply(0.5),
        (true, true) => tokens.text,
        (true, false) => tokens.soft,
    };
    icon.paint(painter, Rect::from_center_size(rect.center(), Vec2::splat(ICON)), colour);
    response.on_hover_text(name)
}

/// A word on its tint: a status, a label. Stands in a line of others.
pub(crate) fn chip(
    ui: &mut Ui,
    tokens: &Tokens,
    icon: Option<Icon>,
    word: &str,
    colour: Color32,
) -> Response {
    let word = &*neutral::line(word);
    let behind = ui.visuals().panel_fill;
    let (rect, response) =
        ui.allocate_exact_size(chip_size(ui.painter(), icon, word, colour), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, word));
    paint_chip(ui.painter(), tokens, rect.left_top(), icon, word, colour, behind);
    response
}

/// Draws a chip at a place and returns how wide it is.
pub(crate) fn paint_chip(
    painter: &Painter,
    tokens: &Tokens,
    at: egui::Pos2,
    icon: Option<Icon>,
    word: &str,
    colour: Color32,
    behind: Color32,
) -> f32 {
    let word = &*neutral::line(word);
    let size = chip_size(painter, icon, word, colour);
    let rect = Rect::from_min_size(at, size);
    painter.rect_filled(rect, CHIP_HEIGHT / 2.0, tokens.tint(colour, behind));
    let mut left = rect.left() + CHIP_PADDING;
    if let Some(icon) = icon {
        icon.paint(painter, square_at(left, rect.center().y, CHIP_ICON), colour);
        left += CHIP_ICON + 4.0;
    }
    painter.text(pos2(left, rect.center().y), Align2::LEFT_CENTER, word, small(), colour);
    size.x
}

fn chip_size(painter: &Painter, icon: Option<Icon>, word: &str, colour: Color32) -> Vec2 {
    let galley = painter.layout_no_wrap(word.to_owned(), small(), colour);
    let icon_room = if icon.is_some() { CHIP_ICON + 4.0 } else { 0.0 };
    vec2(galley.size().x + icon_room + 2.0 * CHIP_PADDING, CHIP_HEIGHT)
}

/// Somebody's initials on a colour of their own. The name stands beside it, or is told on hover.
pub(crate) fn paint_avatar(painter: &Painter, tokens: &Tokens, rect: Rect, name: &str) {
    let hue = (crate::layouts::hash(name) % 360) as f32 / 360.0;
    let (saturation, value) = if tokens.is_dark { (0.45, 0.42) } else { (0.35, 0.9) };
    let fill = Color32::from(egui::ecolor::Hsva::new(hue, saturation, value, 1.0));
    let text = if tokens.is_dark { tokens.on_accent } else { tokens.text };
    painter.circle_filled(rect.center(), rect.width() / 2.0, fill);
    painter.text(
        rect.center(),
        Align2::CENTER_CENTER,
        initials(name),
        tokens.strong(rect.width() * 0.4),
        text,
    );
}

fn initials(name: &str) -> String {
    let mut words = name.split_whitespace().filter_map(|word| word.chars().find(|c| c.is_alphanumeric()));
    let first = words.next();
    first.into_iter().chain(words.next_back()).flat_map(char::to_uppercase).take(2).collect()
}

/// One line of text, cut with an ellipsis where it is too long.
pub(crate) fn line(painter: &Painter, text: &str, font: FontId, colour: Color32, width: f32) -> Arc<Galley> {
    let mut job =
        LayoutJob::single_section(neutral::line(text).into_owned(), TextFormat::simple(font, colour));
    job.wrap = TextWrapping::truncate_at_width(width.max(0.0));
    job.break_on_newline = false;
    painter.layout_job(job)
}

/// A field of one line under its name.
pub(crate) fn field(
    scene: &mut Scene<'_>,
    ui: &mut Ui,
    name: &str,
    hint: &str,
    value: &str,
    field: Field,
) -> Response {
    let label = ui.label(RichText::new(name).color(scene.tokens.soft).size(theme::SMALL));
    ui.add_space(-2.0);
    let mut typed = value.to_owned();
    let edit = TextEdit::singleline(&mut typed)
        .id(scene.salt.with((FIELD, name)))
        .hint_text(RichText::new(hint).color(scene.tokens.faint))
        .margin(Margin::symmetric(10, 7))
        .desired_width(f32::INFINITY);
    let response = ui.add(edit).labelled_by(label.id);
    if scene.state.wants_focus && value.is_empty() && !scene.intents.contains(&Intent::Focused) {
        response.request_focus();
        scene.act(Intent::Focused);
    }
    scene.act_if(response.changed(), || Intent::Type(field, typed));
    response
}

/// Tells whether a form is to be sent: Enter was pressed in one of its lines.
pub(crate) fn is_entered(ui: &Ui, fields: &[Response]) -> bool {
    fields.iter().any(Response::lost_focus) && ui.input(|input| input.key_pressed(egui::Key::Enter))
}

/// Tells screen readers what something is called that shows no name of its own.
pub(crate) fn name(ui: &Ui, response: &Response, name: &str) {
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_label(name));
}

/// Tells screen readers that something is a picture that can be pressed.
pub(crate) fn picture_button(response: &Response, name: &str) {
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
}

/// Draws the ring around what has the keyboard.
pub(crate) fn focus_ring(painter: &Painter, tokens: &Tokens, rect: Rect, response: &Response) {
    if response.has_focus() {
        let stroke = Stroke::new(2.0, tokens.accent);
        painter.rect_stroke(rect.expand(1.0), theme::RADIUS, stroke, egui::StrokeKind::Outside);
    }
}

/// Draws what keeps its identity wherever it stands among its neighbours.
///
/// egui counts the widgets of a part to tell them apart. Where something comes in above while a button is held down, all
/// below would be counted anew, and the press would be lost, or end on another thing.
pub(crate) fn keyed<R>(ui: &mut Ui, key: impl AsIdSalt, draw: impl FnOnce(&mut Ui) -> R) -> R {
    let builder = UiBuilder::new().scope_id(key_in(ui, key));
    ui.scope_builder(builder, draw).inner
}

fn key_in(ui: &Ui, key: impl AsIdSalt) -> Id {
    ui.scope_id().with(("keyed", key))
}

/// Draws within a part of the room that there is.
pub(crate) fn within<R>(ui: &mut Ui, rect: Rect, key: &str, draw: impl FnOnce(&mut Ui) -> R) -> R {
    let builder = UiBuilder::new().max_rect(rect).scope_id(key_in(ui, key));
    ui.scope_builder(builder, |ui| {
        ui.set_clip_rect(rect.intersect(ui.clip_rect()));
        draw(ui)
    })
    .inner
}

/// A card: what belongs together, a little above the page.
pub(crate) fn card(tokens: &Tokens) -> Frame {
    Frame::new()
        .fill(tokens.raised)
        .stroke(Stroke::new(1.0, tokens.line))
        .corner_radius(theme::RADIUS_LARGE)
        .inner_margin(Margin::same(16))
}

/// A line that says what went wrong.
pub(crate) fn error_ui(ui: &mut Ui, tokens: &Tokens, text: &str) {
    ui.horizontal_top(|ui| {
        let (rect, _) = ui.allocate_exact_size(Vec2::splat(18.0), Sense::hover());
        Icon::Warning.paint(ui.painter(), rect.shrink(2.0), tokens.bad);
        ui.add(egui::Label::new(RichText::new(text).color(tokens.bad)).wrap());
    });
}

/// A link that is a button of text.
pub(crate) fn link_button(ui: &mut Ui, tokens: &Tokens, label: &str) -> Response {
    ui.add(Button::new(RichText::new(label).color(tokens.accent)).frame(false))
}

/// A place that is filled later: a quiet bar where text will stand.
pub(crate) fn skeleton(painter: &Painter, tokens: &Tokens, rect: Rect) {
    painter.rect_filled(rect, 4.0, tokens.line);
}

pub(crate) fn body() -> FontId {
    FontId::proportional(theme::BODY)
}

pub(crate) fn small() -> FontId {
    FontId::proportional(theme::SMALL)
}

/// Returns the id of a field, to give it the keyboard.
pub(crate) fn field_id(salt: Id, name: &str) -> Id {
    salt.with((FIELD, name))
}

const FIELD: &str = "field";

pub(crate) const ICON: f32 = 15.0;
pub(crate) const CHIP_HEIGHT: f32 = 21.0;
const CHIP_PADDING: f32 = 8.0;
const CHIP_ICON: f32 = 11.0;

#[cfg(test)]
mod tests {
    use super::initials;

    #[test]
    fn initials_are_of_the_first_name_and_the_last() {
        assert_eq!(initials("Carla"), "C");
        assert_eq!(initials("ada maria lovelace"), "AL");
        assert_eq!(initials("(9v3kq0ta)"), "9");
        assert_eq!(initials("\u{df}\u{df}"), "SS");
        assert_eq!(initials("  "), "");
    }
}
