//! A text of one's own in the thread that is to say something else: rewritten, struck, or settled.

use assist_proto::api::comment::Comment;
use egui::{Frame, Key, KeyboardShortcut, Margin, Modifiers, RichText, Sense, Stroke, TextEdit, Ui, Vec2};

use super::text::text_ui;
use crate::icon::Icon;
use crate::intent::{Field, Intent, Rewrite};
use crate::scene::Scene;
use crate::state::{Entry, Rewriting};
use crate::theme;
use crate::widgets::{self, Weight, button, button_enabled, icon_button};

/// What is being made of a text of the ticket that is shown.
pub(super) fn begun<'a>(scene: &Scene<'a>) -> Option<&'a Rewriting> {
    let open = scene.state.open.as_ref().filter(|open| open.past.is_none())?;
    scene.state.composers.get(&open.key)?.rewriting.as_ref()
}

/// Tells whether a text is this user's to rewrite now: their own, and neither struck nor of the past.
pub(super) fn is_own(scene: &Scene<'_>, comment: &Comment) -> bool {
    let open = scene.state.open.as_ref().filter(|open| open.past.is_none());
    let project = open.and_then(|open| scene.state.project(&open.key.project));
    !comment.is_deleted && project.is_some_and(|project| project.user_id == comment.author.id)
}

/// The ways to begin.
pub(super) fn tools_ui(scene: &mut Scene<'_>, ui: &mut Ui, entry: Entry<'_>) {
    let tokens = scene.tokens;
    let (comment, is_note) = (entry.comment.id.clone(), entry.is_note);
    let pressed = icon_button(ui, tokens, Icon::Cross, "Strike the text", true).clicked();
    scene.act_if(pressed, || Intent::Rewrite(Rewrite::AskToStrike { comment, is_note }));
    let comment = entry.comment.id.clone();
    if icon_button(ui, tokens, Icon::Pen, "Rewrite the text", true).clicked() {
        scene.act(Intent::Rewrite(Rewrite::Begin { comment, is_note }));
        let id = widgets::field_id(scene.salt, TEXT);
        ui.memory_mut(|memory| memory.request_focus(id));
    }
}

/// What stands in the place of a text while it is being rewritten, or about to be struck.
pub(super) fn rewriting_ui(scene: &mut Scene<'_>, ui: &mut Ui, comment: &Comment, begun: &Rewriting) {
    let tokens = scene.tokens;
    let Some(text) = &begun.text else {
        text_ui(scene, ui, &comment.body);
        let words = "Strike it? Everybody still sees that it was there, and history keeps what it said.";
        ui.label(RichText::new(words).size(theme::SMALL).color(tokens.warn));
        return foot_ui(scene, ui, begun, "Strike it");
    };
    let id = widgets::field_id(scene.salt, TEXT);
    let has_focus = ui.memory(|memory| memory.has_focus(id));
    let is_kept = has_focus
        && ui.input_mut(|input| {
            input.consume_shortcut(&KeyboardShortcut::new(Modifiers::COMMAND, Key::Enter))
        });
    let mut typed = text.clone();
    let frame = Frame::new().fill(tokens.raised).stroke(Stroke::new(1.0, tokens.line_strong));
    frame.corner_radius(theme::RADIUS).inner_margin(Margin::symmetric(10, 4)).show(ui, |ui| {
        let edit = TextEdit::multiline(&mut typed)
            .id(id)
            .frame(Frame::NONE)
            .margin(Margin::symmetric(0, 4))
            .desired_width(f32::INFINITY)
            .desired_rows(2)
            .interactive(!begun.is_sending);
        let response = ui.add(edit);
        widgets::name(ui, &response, TEXT);
        scene.act_if(response.changed(), || Intent::Type(Field::Rewriting, typed));
    });
    scene.act_if(is_kept, || Intent::Rewrite(Rewrite::Do));
    foot_ui(scene, ui, begun, "Keep the new text");
}

fn foot_ui(scene: &mut Scene<'_>, ui: &mut Ui, begun: &Rewriting, done: &str) {
    let tokens = scene.tokens;
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        let pressed = button_enabled(ui, tokens, Weight::Primary, None, done, begun.is_ready()).clicked();
        scene.act_if(pressed, || Intent::Rewrite(Rewrite::Do));
        let pressed = button(ui, tokens, Weight::Quiet, None, "Leave it as it was").clicked();
        scene.act_if(pressed, || Intent::Rewrite(Rewrite::Leave));
    });
}

/// What its author wrote in its place on another device while apart: nothing is dropped silently, and a click settles it.
pub(super) fn losing_ui(scene: &mut Scene<'_>, ui: &mut Ui, entry: Entry<'_>) {
    let tokens = scene.tokens;
    let comment = entry.comment;
    if comment.losing_bodies.is_empty() {
        return;
    }
    let may_settle = is_own(scene, comment);
    if may_settle {
        settle_ui(scene, ui, entry, &comment.body, 0);
    }
    for (index, body) in comment.losing_bodies.iter().enumerate() {
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            let (rect, _) = ui.allocate_exact_size(Vec2::splat(14.0), Sense::hover());
            Icon::Warning.paint(ui.painter(), rect, tokens.warn);
            let text = "Was rewritten at the same time elsewhere to:";
            ui.label(RichText::new(text).size(theme::SMALL).color(tokens.warn));
        });
        text_ui(scene, ui, body);
        if may_settle {
            settle_ui(scene, ui, entry, body, index + 1);
        }
    }
}

fn settle_ui(scene: &mut Scene<'_>, ui: &mut Ui, entry: Entry<'_>, body: &str, index: usize) {
    let pressed =
        widgets::keyed(ui, ("settle", index), |ui| widgets::link_button(ui, scene.tokens, "Keep this one"));
    let (comment, is_note, body) = (entry.comment.id.clone(), entry.is_note, body.to_owned());
    scene.act_if(pressed.clicked(), || Intent::Rewrite(Rewrite::Settle { comment, is_note, body }));
}

/// What the field is called among the fields.
const TEXT: &str = "The new text";
