//! What lies over everything for a moment: the palette, where anything is done by its name, and the page of shortcuts.

use assist_proto::neutral;
use egui::{
    Align2, Frame, Key, Margin, Modal, Modifiers, RichText, Role, ScrollArea, Sense, TextEdit, Ui,
    WidgetInfo, pos2, vec2,
};

use crate::commands::{self, Command};
use crate::icon::{Icon, square_at};
use crate::intent::{Field, Intent};
use crate::scene::Scene;
use crate::state::Palette;
use crate::theme;
use crate::widgets::{self, icon_button, line};

pub(super) fn palette_ui(scene: &mut Scene<'_>, ui: &Ui) {
    let Some(palette) = &scene.state.palette else { return };
    let tokens = scene.tokens;
    let style = ui.style().clone();
    let found = commands::matching(scene.state, &palette.text);
    let chosen = palette.chosen.min(found.len().saturating_sub(1));
    let modal = modal(scene, "palette");
    let shown = modal.show(ui.ctx(), |ui| {
        ui.set_style(style);
        ui.set_width(WIDTH.min(ui.ctx().content_rect().width() - 40.0));
        keys(scene, ui, &found, chosen);
        field_ui(scene, ui, palette);
        ui.separator();
        ui.spacing_mut().item_spacing.y = 0.0;
        if found.is_empty() {
            ui.label(RichText::new("Nothing is called so.").color(tokens.soft));
        }
        ScrollArea::vertical().max_height(ROW * 9.0).show(ui, |ui| {
            for (index, command) in found.iter().enumerate() {
                command_ui(scene, ui, command, index == chosen);
            }
        });
    });
    let is_left = shown.should_close();
    scene.act_if(is_left, || Intent::ShowPalette(false));
}

fn keys(scene: &mut Scene<'_>, ui: &Ui, found: &[Command], chosen: usize) {
    let pressed = |key: Key| ui.ctx().input_mut(|input| input.consume_key(Modifiers::NONE, key));
    let (is_down, is_up, is_done) = (pressed(Key::ArrowDown), pressed(Key::ArrowUp), pressed(Key::Enter));
    if is_down && chosen + 1 < found.len() {
        scene.act(Intent::ChooseCommand(chosen + 1));
    }
    if is_up && chosen > 0 {
        scene.act(Intent::ChooseCommand(chosen - 1));
    }
    if let Some(command) = found.get(chosen).filter(|_| is_done) {
        scene.act(Intent::ShowPalette(false));
        scene.act(command.intent.clone());
    }
}

fn field_ui(scene: &mut Scene<'_>, ui: &mut Ui, palette: &Palette) {
    let mut typed = palette.text.clone();
    let edit = TextEdit::singleline(&mut typed)
        .hint_text(RichText::new("What would you like to do?").color(scene.tokens.faint))
        .frame(Frame::NONE)
        .margin(Margin::symmetric(4, 6))
        .desired_width(f32::INFINITY);
    let response = ui.add(edit);
    widgets::name(ui, &response, "Find a command");
    response.request_focus();
    scene.act_if(response.changed(), || Intent::Type(Field::Palette, typed));
}

fn command_ui(scene: &mut Scene<'_>, ui: &mut Ui, command: &Command, is_chosen: bool) {
    let tokens = scene.tokens;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
    let name = neutral::line(&command.name);
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, is_chosen, &*name));
    let painter = ui.painter();
    if is_chosen || response.hovered() {
        let fill = if is_chosen { tokens.selected } else { tokens.hover };
        painter.rect_filled(rect, theme::RADIUS, fill);
    }
    if is_chosen {
        response.scroll_to_me(None);
    }
    let keys = painter.text(
        pos2(rect.right() - 10.0, rect.center().y),
        Align2::RIGHT_CENTER,
        command.keys,
        widgets::small(),
        tokens.faint,
    );
    let galley = line(painter, &name, widgets::body(), tokens.text, rect.width() - keys.width() - 46.0);
    Icon::Right.paint(painter, square_at(rect.left() + 8.0, rect.center().y, 11.0), tokens.faint);
    painter.galley(pos2(rect.left() + 28.0, rect.center().y - galley.size().y / 2.0), galley, tokens.text);
    if response.clicked() {
        scene.act(Intent::ShowPalette(false));
        scene.act(command.intent.clone());
    }
}

pub(super) fn shortcuts_ui(scene: &mut Scene<'_>, ui: &Ui) {
    if !scene.state.are_shortcuts_open {
        return;
    }
    let tokens = scene.tokens;
    let style = ui.style().clone();
    let shown = modal(scene, "shortcuts").show(ui.ctx(), |ui| {
        ui.set_style(style);
        ui.set_width(WIDTH.min(ui.ctx().content_rect().width() - 40.0));
        ui.horizontal(|ui| {
            ui.label(RichText::new("Keyboard").font(tokens.strong(theme::HEADING)).color(tokens.text));
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let is_closed = icon_button(ui, tokens, Icon::Cross, "Close the shortcuts", true).clicked();
                scene.act_if(is_closed, || Intent::ShowShortcuts(false));
            });
        });
        let room = ui.ctx().content_rect().height() - 140.0;
        ScrollArea::vertical().max_height(room).show(ui, |ui| keys_ui(scene, ui));
    });
    let is_left = shown.should_close();
    scene.act_if(is_left, || Intent::ShowShortcuts(false));
}

/// What keys do, as a table.
pub(super) fn keys_ui(scene: &Scene<'_>, ui: &mut Ui) {
    let tokens = scene.tokens;
    egui::Grid::new(scene.salt.with("keys")).spacing(vec2(24.0, 6.0)).show(ui, |ui| {
        for (keys, what) in commands::KEYS {
            ui.label(RichText::new(keys).font(tokens.strong(13.0)).color(tokens.text));
            ui.label(RichText::new(what).color(tokens.soft));
            ui.end_row();
        }
    });
}

fn modal(scene: &Scene<'_>, name: &str) -> Modal {
    let tokens = scene.tokens;
    let frame = Frame::new()
        .fill(tokens.raised)
        .stroke(egui::Stroke::new(1.0, tokens.line_strong))
        .corner_radius(theme::RADIUS_LARGE)
        .inner_margin(14.0);
    let dim = egui::Color32::from_black_alpha(if tokens.is_dark { 130 } else { 70 });
    Modal::new(scene.salt.with(name)).backdrop_color(dim).frame(frame)
}

const WIDTH: f32 = 560.0;
const ROW: f32 = 34.0;
