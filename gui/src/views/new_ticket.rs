//! The form that files a ticket.

use egui::{Key, KeyboardShortcut, Margin, Modifiers, RichText, ScrollArea, TextEdit, Ui};

use super::files::{attach_button_ui, new_files_ui};
use super::ticket::reading_ui;
use crate::files::Slot;
use crate::host::DIAGNOSTICS;
use crate::icon::Icon;
use crate::intent::{Field, Intent};
use crate::scene::Scene;
use crate::theme;
use crate::widgets::{self, Weight, button_enabled};

pub(super) fn new_ticket_ui(scene: &mut Scene<'_>, ui: &mut Ui) {
    ScrollArea::vertical().id_salt("new ticket").auto_shrink(false).show(ui, |ui| {
        reading_ui(ui, Margin { left: 24, right: 24, top: 22, bottom: 20 }, |ui| form_ui(scene, ui));
    });
}

fn form_ui(scene: &mut Scene<'_>, ui: &mut Ui) {
    let tokens = scene.tokens;
    let form = &scene.state.new_ticket;
    ui.label(RichText::new("New ticket").font(tokens.strong(theme::TITLE)).color(tokens.text));
    let below = "It is kept on this device at once, and sent when the server can be reached.";
    ui.label(RichText::new(below).color(tokens.soft));
    ui.add_space(10.0);
    if scene.state.projects().len() > 1 {
        project_ui(scene, ui);
    }
    widgets::field(scene, ui, "Title", "What is wrong, in one line", &form.title, Field::NewTitle);
    ui.add_space(8.0);
    let label = ui.label(RichText::new("What happened").color(tokens.soft).size(theme::SMALL));
    ui.add_space(-2.0);
    let mut body = form.body.clone();
    let hint = "What you did, what you saw, what you had hoped to see. Markdown works.";
    let edit = TextEdit::multiline(&mut body)
        .id(widgets::field_id(scene.salt, "What happened"))
        .hint_text(RichText::new(hint).color(tokens.faint))
        .margin(Margin::symmetric(10, 8))
        .desired_width(f32::INFINITY)
        .desired_rows(9);
    let response = ui.add(edit).labelled_by(label.id);
    scene.act_if(response.changed(), || Intent::Type(Field::NewBody, body));
    ui.add_space(2.0);
    new_files_ui(scene, ui, &Slot::NewTicket, &form.files);
    diagnostics_ui(scene, ui);
    if let Some(error) = &form.error {
        widgets::error_ui(ui, tokens, error);
    }
    ui.add_space(8.0);
    ui.horizontal(|ui| {
        let filed =
            button_enabled(ui, tokens, Weight::Primary, Some(Icon::Send), "File ticket", !form.is_sending);
        let send = KeyboardShortcut::new(Modifiers::COMMAND, Key::Enter);
        let is_sent = ui.input_mut(|input| input.consume_shortcut(&send));
        scene.act_if(filed.clicked() || is_sent, || Intent::File);
        attach_button_ui(scene, ui, &Slot::NewTicket);
        let is_left = widgets::button(ui, tokens, Weight::Quiet, None, "Later").clicked();
        scene.act_if(is_left, || Intent::Back);
        ui.label(RichText::new("What you typed stays here.").size(theme::SMALL).color(tokens.faint));
    });
}

/// What the product around the client adds about itself: nothing of it is sent unseen.
fn diagnostics_ui(scene: &Scene<'_>, ui: &mut Ui) {
    let tokens = scene.tokens;
    let form = &scene.state.new_ticket;
    if form.diagnostics.is_empty() || !form.files.iter().any(|file| file.name == DIAGNOSTICS) {
        return;
    }
    ui.add_space(6.0);
    widgets::card(tokens).inner_margin(Margin::symmetric(14, 10)).show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        let words = format!("{DIAGNOSTICS} says of this product, and nothing else:");
        ui.label(RichText::new(words).size(theme::SMALL).color(tokens.soft));
        ScrollArea::vertical().id_salt("diagnostics").max_height(160.0).show(ui, |ui| {
            let grid = egui::Grid::new(scene.salt.with("diagnostics")).num_columns(2);
            grid.spacing([16.0, 2.0]).min_row_height(0.0).show(ui, |ui| {
                for (name, value) in &form.diagnostics {
                    ui.label(RichText::new(name).size(theme::SMALL).color(tokens.soft));
                    let value = RichText::new(value).size(theme::SMALL).monospace().color(tokens.text);
                    ui.add(egui::Label::new(value).wrap());
                    ui.end_row();
                }
            });
        });
    });
}

fn project_ui(scene: &mut Scene<'_>, ui: &mut Ui) {
    let state = scene.state;
    let label = ui.label(RichText::new("Project").color(scene.tokens.soft).size(theme::SMALL));
    let chosen = state.new_ticket.project.as_deref().and_then(|id| state.project(id));
    let text = chosen.map_or("Choose a project", |project| project.name.as_str());
    let combo = egui::ComboBox::from_id_salt(scene.salt.with("project")).selected_text(text).width(260.0);
    let shown = combo.show_ui(ui, |ui| {
        for project in state.projects() {
            let is_chosen = chosen.is_some_and(|chosen| chosen.id == project.id);
            let pressed = ui.selectable_label(is_chosen, &project.name).clicked();
            scene.act_if(pressed, || Intent::ChooseProject(project.id.clone()));
        }
    });
    shown.response.labelled_by(label.id);
    ui.add_space(8.0);
}
