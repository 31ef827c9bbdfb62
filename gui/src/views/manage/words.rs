//! The words of a project: the labels that agents are offered, and texts for common answers.

use assist_proto::api::project::ProjectDetails;
use assist_proto::neutral;
use egui::{Align, Layout, Margin, RichText, TextEdit, Ui};

use crate::icon::Icon;
use crate::intent::{Field, Intent};
use crate::manage::{Manage, Managing, WordForm};
use crate::scene::Scene;
use crate::theme;
use crate::widgets::{self, Weight, button_enabled, icon_button};

pub(super) fn labels_ui(scene: &mut Scene<'_>, ui: &mut Ui, manage: &Manage) {
    let form = &manage.label;
    let known = details(scene, manage).map_or(&[][..], |details| &details.labels);
    for label in known {
        let text = WordForm { name: label.label.clone(), text: label.description.clone() };
        let (edit, remove) = (Managing::EditLabel(text.clone()), Managing::RemoveLabel(text.name.clone()));
        widgets::keyed(ui, &text.name, |ui| word_ui(scene, ui, &text, edit, remove));
    }
    if known.is_empty() {
        empty_ui(
            scene,
            ui,
            "None yet. Those that stand here are offered; any other can be put on a ticket too.",
        );
    }
    ui.add_space(4.0);
    widgets::field(scene, ui, "Label", "A word or two", &form.name, Field::LabelName);
    ui.add_space(4.0);
    widgets::field(scene, ui, "What it is for", "", &form.text, Field::LabelText);
    ui.add_space(6.0);
    save_ui(scene, ui, "Keep the label", !form.name.trim().is_empty(), Managing::SaveLabel);
}

pub(super) fn canned_ui(scene: &mut Scene<'_>, ui: &mut Ui, manage: &Manage) {
    let form = &manage.canned;
    let known = details(scene, manage).map_or(&[][..], |details| &details.canned_replies);
    for canned in known {
        let text = WordForm { name: canned.name.clone(), text: canned.body.clone() };
        let (edit, remove) = (Managing::EditCanned(text.clone()), Managing::RemoveCanned(text.name.clone()));
        widgets::keyed(ui, &text.name, |ui| word_ui(scene, ui, &text, edit, remove));
    }
    if known.is_empty() {
        empty_ui(scene, ui, "None yet. Agents put them into an answer with two clicks.");
    }
    ui.add_space(4.0);
    widgets::field(scene, ui, "Name of the reply", "What agents look for", &form.name, Field::CannedName);
    ui.add_space(4.0);
    let tokens = scene.tokens;
    let label = ui.label(RichText::new("What it says").color(tokens.soft).size(theme::SMALL));
    ui.add_space(-2.0);
    let mut typed = form.text.clone();
    let hint = "{customer}, {number}, {agent} and {project} are filled in.";
    let edit = TextEdit::multiline(&mut typed)
        .id(widgets::field_id(scene.salt, "What it says"))
        .hint_text(RichText::new(hint).color(tokens.faint))
        .margin(Margin::symmetric(10, 8))
        .desired_width(f32::INFINITY)
        .desired_rows(4);
    let response = ui.add(edit).labelled_by(label.id);
    scene.act_if(response.changed(), || Intent::Type(Field::CannedText, typed));
    ui.add_space(6.0);
    let is_ready = !form.name.trim().is_empty() && !form.text.trim().is_empty();
    save_ui(scene, ui, "Keep the reply", is_ready, Managing::SaveCanned);
}

/// A word, what it says, and ways to rewrite and to drop it.
fn word_ui(scene: &mut Scene<'_>, ui: &mut Ui, word: &WordForm, edit: Managing, remove: Managing) {
    let tokens = scene.tokens;
    let name = neutral::line(&word.name).into_owned();
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let pressed = icon_button(ui, tokens, Icon::Cross, &format!("Drop {name}"), true).clicked();
            scene.act_if(pressed, || Intent::Manage(remove));
            let pressed = icon_button(ui, tokens, Icon::Pen, &format!("Rewrite {name}"), true).clicked();
            scene.act_if(pressed, || Intent::Manage(edit));
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.label(RichText::new(&name).font(tokens.strong(theme::BODY)).color(tokens.text));
                let text = RichText::new(neutral::line(&word.text)).color(tokens.soft);
                ui.add(egui::Label::new(text).truncate());
            });
        });
    });
}

fn save_ui(scene: &mut Scene<'_>, ui: &mut Ui, words: &str, is_ready: bool, save: Managing) {
    let button = |ui: &mut Ui| button_enabled(ui, scene.tokens, Weight::Plain, None, words, is_ready);
    let pressed = widgets::keyed(ui, words, button).clicked();
    scene.act_if(pressed, || Intent::Manage(save));
}

fn empty_ui(scene: &Scene<'_>, ui: &mut Ui, words: &str) {
    ui.add(egui::Label::new(RichText::new(words).color(scene.tokens.faint)).wrap());
}

fn details<'a>(scene: &Scene<'a>, manage: &Manage) -> Option<&'a ProjectDetails> {
    scene.state.people.get(&manage.project).and_then(|people| people.details.as_ref())
}
