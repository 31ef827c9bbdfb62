//! What the server refused: what it said, why, and what can be done about it. It is kept until its author says so.

use assist_proto::api::draft::Draft;
use assist_proto::neutral;
use egui::{Label, Margin, RichText, Sense, Stroke, Ui, Vec2};

use crate::icon::Icon;
use crate::intent::Intent;
use crate::scene::Scene;
use crate::theme;
use crate::times;
use crate::widgets::{self, Weight, button};

/// Draws one refused change.
pub(super) fn draft_ui(scene: &mut Scene<'_>, ui: &mut Ui, draft: &Draft, has_title: bool) {
    let tokens = scene.tokens;
    let frame = widgets::card(tokens).stroke(Stroke::new(1.0, tokens.bad));
    frame.inner_margin(Margin { left: 14, right: 14, top: 10, bottom: 10 }).show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        ui.horizontal(|ui| {
            let (icon, _) = ui.allocate_exact_size(Vec2::splat(16.0), Sense::hover());
            Icon::Warning.paint(ui.painter(), icon, tokens.bad);
            let head = "The server refused this. It is kept here.";
            ui.label(RichText::new(head).font(tokens.strong(theme::BODY)).color(tokens.text));
            let when = times::relative(scene.now_millis, draft.refused_at_millis);
            ui.label(RichText::new(when).size(theme::SMALL).color(tokens.faint));
        });
        if let Some(ticket) = draft.ticket.as_ref().filter(|_| has_title) {
            ui.label(RichText::new(neutral::line(&ticket.title)).color(tokens.soft));
        }
        for edit in &draft.edits {
            let what = edit.action.replace('_', " ");
            ui.label(RichText::new(neutral::line(&what)).size(theme::SMALL).color(tokens.faint));
            if let Some(after) = &edit.after {
                ui.add(Label::new(RichText::new(neutral::block(after)).color(tokens.text)).wrap());
            }
        }
        let why = format!("Why: {}", neutral::line(&draft.message));
        ui.add(Label::new(RichText::new(why).color(tokens.bad)).wrap());
        ui.add_space(2.0);
        ui.horizontal(|ui| {
            let is_retried = button(ui, tokens, Weight::Plain, Some(Icon::Send), "Try again").clicked();
            scene.act_if(is_retried, || Intent::RetryDraft(draft.id.clone()));
            let is_gone = button(ui, tokens, Weight::Quiet, None, "Throw away").clicked();
            scene.act_if(is_gone, || Intent::DiscardDraft(draft.id.clone()));
        });
    });
    ui.add_space(8.0);
}
