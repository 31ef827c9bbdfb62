//! Where one writes under a ticket. Whether the customer will read it is plain before, while and after one writes.

use assist_proto::api::user::{Role, User};
use assist_proto::neutral;
use egui::{
    Align, CompletionPopup, CompletionQuery, Frame, Key, KeyboardShortcut, Layout, Margin, Modifiers,
    RichText, Stroke, Suggestion, TextEdit, Ui,
};

use super::files::{attach_button_ui, new_files_ui};
use super::text::text_ui;
use super::thread::answered_words;
use crate::files::{NewFileState, Slot};
use crate::icon::Icon;
use crate::intent::{Field, Intent};
use crate::mentions::{self, Proposal};
use crate::scene::Scene;
use crate::state::{Composer, OpenTicket};
use crate::theme;
use crate::widgets::{self, Weight, button_enabled, icon_button};

pub(super) fn composer_ui(scene: &mut Scene<'_>, ui: &mut Ui, open: &OpenTicket) {
    let tokens = scene.tokens;
    let composer = scene.state.composer(&open.key);
    let is_team = scene.state.is_team(&open.key.project);
    let is_note = composer.is_note && is_team;
    let (fill, line) = match is_note {
        true => (tokens.note_fill, Stroke::new(1.5, tokens.note_line)),
        false => (tokens.raised, Stroke::new(1.0, tokens.line_strong)),
    };
    let margin = Margin { left: 12, right: 8, top: 8, bottom: 8 };
    let frame = Frame::new().fill(fill).stroke(line).corner_radius(theme::RADIUS_LARGE).inner_margin(margin);
    frame.show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 4.0;
        if is_team {
            kind_ui(scene, ui, is_note);
        }
        answering_ui(scene, ui, &composer, open);
        match composer.is_preview {
            true => {
                egui::ScrollArea::vertical().id_salt("preview").max_height(220.0).show(ui, |ui| {
                    text_ui(scene, ui, &composer.text);
                });
            }
            false => write_ui(scene, ui, &composer, is_note, open),
        }
        let slot = Slot::Ticket(open.key.clone());
        new_files_ui(scene, ui, &slot, &composer.files);
        if let Some(error) = &composer.error {
            widgets::error_ui(ui, tokens, error);
        }
        widgets::keyed(ui, "foot", |ui| foot_ui(scene, ui, &composer, is_note, &slot));
    });
}

/// A comment or a note: two words side by side, of which one is chosen.
fn kind_ui(scene: &mut Scene<'_>, ui: &mut Ui, is_note: bool) {
    let tokens = scene.tokens;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for (name, makes_note) in [("Reply", false), ("Note", true)] {
            let is_chosen = makes_note == is_note;
            let colour = match (is_chosen, is_note) {
                (true, true) => tokens.note,
                (true, false) => tokens.accent,
                (false, _) => tokens.soft,
            };
            let text = RichText::new(name).font(tokens.strong(13.0)).color(colour);
            let fill = match is_chosen {
                true => tokens.tint(colour, if is_note { tokens.note_fill } else { tokens.raised }),
                false => egui::Color32::TRANSPARENT,
            };
            let button = egui::Button::selectable(is_chosen, text).fill(fill).stroke(Stroke::NONE);
            let pressed = ui.add(button).clicked();
            scene.act_if(pressed && !is_chosen, || Intent::WriteNote(makes_note));
        }
        ui.add_space(6.0);
        match is_note {
            true => {
                let (rect, _) = ui.allocate_exact_size(egui::Vec2::splat(14.0), egui::Sense::hover());
                Icon::Lock.paint(ui.painter(), rect, tokens.note);
                let words = "Only your team sees this note";
                ui.label(RichText::new(words).size(theme::SMALL).color(tokens.note));
            }
            false => {
                let words = "The customer will read this";
                ui.label(RichText::new(words).size(theme::SMALL).color(tokens.soft));
            }
        }
    });
}

fn answering_ui(scene: &mut Scene<'_>, ui: &mut Ui, composer: &Composer, open: &OpenTicket) {
    let Some(answered) = &composer.reply_to else { return };
    let tokens = scene.tokens;
    let found = open.thread().into_iter().find(|entry| entry.comment.id == *answered);
    let words = found.map_or_else(|| "an earlier comment".to_owned(), |entry| answered_words(entry.comment));
    ui.horizontal(|ui| {
        let (rect, _) = ui.allocate_exact_size(egui::Vec2::splat(14.0), egui::Sense::hover());
        Icon::Reply.paint(ui.painter(), rect, tokens.soft);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let pressed = icon_button(ui, tokens, Icon::Cross, "Answer nobody in particular", true).clicked();
            scene.act_if(pressed, || Intent::ReplyTo(None));
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let text = RichText::new(words).size(theme::SMALL).color(tokens.soft);
                ui.add(egui::Label::new(text).truncate());
            });
        });
    });
}

fn write_ui(scene: &mut Scene<'_>, ui: &mut Ui, composer: &Composer, is_note: bool, open: &OpenTicket) {
    let id = widgets::field_id(scene.salt, TEXT);
    let is_sent = ui.memory(|memory| memory.has_focus(id))
        && ui.input_mut(|input| {
            input.consume_shortcut(&KeyboardShortcut::new(Modifiers::COMMAND, Key::Enter))
        });
    let hint = if is_note { "Write a note for your team\u{2026}" } else { "Write a reply\u{2026}" };
    let mut text = composer.text.clone();
    egui::ScrollArea::vertical().id_salt("writing").max_height(220.0).show(ui, |ui| {
        let edit = TextEdit::multiline(&mut text)
            .hint_text(RichText::new(hint).color(scene.tokens.faint))
            .frame(Frame::NONE)
            .margin(Margin::symmetric(0, 4))
            .desired_width(f32::INFINITY)
            .desired_rows(2)
            .interactive(!composer.is_sending);
        let people = scene.state.people.get(&open.key.project).map_or(&[][..], |people| &people.users);
        let popup = CompletionPopup::new(id).word_boundary(|c| c == '@');
        let output = popup.show(ui, edit, |query| suggest(people, is_note, open, query));
        let response = &output.text_edit.response.response;
        widgets::name(ui, response, if is_note { "Note" } else { "Reply" });
        let is_changed = response.changed() || output.accepted.is_some();
        scene.act_if(is_changed, || Intent::Type(Field::Composer, text));
    });
    scene.act_if(is_sent, || Intent::Send);
}

/// Whom the `@` before the cursor may mean, if there is one.
fn suggest(
    people: &[User],
    is_note: bool,
    open: &OpenTicket,
    query: &CompletionQuery<'_>,
) -> Vec<Suggestion> {
    let requester = open.ticket.as_ref().map(|ticket| ticket.row.requester.id.as_str());
    let may_read = |user: &User| match user.role {
        Role::Customer => !is_note && requester == Some(&user.id),
        Role::Agent | Role::Admin => true,
    };
    let end = query.word_range.end.0;
    let at = query.text.char_indices().nth(end).map_or(query.text.len(), |(at, _)| at);
    let (before, after) = query.text.split_at(at);
    let space = if after.starts_with(char::is_whitespace) { "" } else { " " };
    let found = mentions::propose(people, may_read, before).into_iter();
    let suggestion = |Proposal { name, word }: Proposal| {
        let suggestion = Suggestion::new(format!("{word}{space}")).content(neutral::line(&name).into_owned());
        if word == name { suggestion } else { suggestion.description(neutral::line(&word).into_owned()) }
    };
    found.map(suggestion).collect()
}

fn foot_ui(scene: &mut Scene<'_>, ui: &mut Ui, composer: &Composer, is_note: bool, slot: &Slot) {
    let tokens = scene.tokens;
    let is_empty = composer.text.trim().is_empty();
    ui.horizontal(|ui| {
        attach_button_ui(scene, ui, slot);
        canned_ui(scene, ui, slot);
        let words = if composer.is_preview { "Write on" } else { "Preview" };
        let weight = Weight::Quiet;
        let pressed =
            button_enabled(ui, tokens, weight, None, words, !is_empty || composer.is_preview).clicked();
        scene.act_if(pressed, || Intent::Preview(!composer.is_preview));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let words = if is_note { "Add note" } else { "Send reply" };
            let icon = if is_note { Icon::Lock } else { Icon::Send };
            let is_ready = composer.is_ready();
            let sent = button_enabled(ui, tokens, Weight::Primary, Some(icon), words, is_ready);
            scene.act_if(sent.clicked(), || Intent::Send);
            let is_storing = composer.files.iter().any(|file| file.state == NewFileState::Storing);
            let hint = if is_storing { "A file is being kept\u{2026}" } else { "Ctrl+Enter" };
            ui.label(RichText::new(hint).size(theme::SMALL).color(tokens.faint));
        });
    });
}

/// The project's texts for common answers, for the team.
fn canned_ui(scene: &mut Scene<'_>, ui: &mut Ui, slot: &Slot) {
    let Slot::Ticket(key) = slot else { return };
    let state = scene.state;
    let details = state.people.get(&key.project).and_then(|people| people.details.as_ref());
    let canned = details.map_or(&[][..], |details| &details.canned_replies);
    if canned.is_empty() || !state.is_team(&key.project) {
        return;
    }
    let tokens = scene.tokens;
    let text = RichText::new("Canned").color(tokens.soft);
    let style = tokens.style(ui.style());
    let button = egui::Button::new(text).frame(false).min_size(egui::vec2(0.0, theme::CONTROL_HEIGHT));
    let (response, _) = egui::containers::menu::MenuButton::from_button(button).ui(ui, |ui| {
        ui.set_style(style);
        egui::ScrollArea::vertical().max_height(280.0).show(ui, |ui| {
            for canned in canned {
                let start: String = canned.body.chars().take(300).collect();
                let pressed = ui.selectable_label(false, neutral::line(&canned.name));
                let pressed = pressed.on_hover_text(neutral::block(&start)).clicked();
                scene.act_if(pressed, || Intent::UseCanned(canned.name.clone()));
            }
        });
    });
    widgets::name(ui, &response, "Canned replies");
    widgets::focus_ring(ui.painter(), tokens, response.rect, &response);
}

/// What the field is called among the fields.
pub(super) const TEXT: &str = "Text under the ticket";
