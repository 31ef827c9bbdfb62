//! What several people wrote while apart, side by side, and one click that settles it. Nothing is dropped silently.

use assist_proto::api::ticket::{Conflict, ConflictValue, Ticket};
use assist_proto::neutral;
use egui::{Label, Margin, RichText, Sense, Stroke, Ui, Vec2};

use crate::icon::Icon;
use crate::intent::{Change, Intent};
use crate::scene::Scene;
use crate::theme;
use crate::times;
use crate::widgets::{self, Weight, button};

pub(super) fn conflicts_ui(scene: &mut Scene<'_>, ui: &mut Ui, ticket: &Ticket, may_settle: bool) {
    let tokens = scene.tokens;
    for conflict in &ticket.conflicts {
        let frame = widgets::card(tokens).stroke(Stroke::new(1.0, tokens.warn));
        frame.inner_margin(Margin { left: 14, right: 14, top: 10, bottom: 12 }).show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            ui.horizontal(|ui| {
                let (icon, _) = ui.allocate_exact_size(Vec2::splat(16.0), Sense::hover());
                Icon::Warning.paint(ui.painter(), icon, tokens.warn);
                let head = format!("The {} was written at the same time by several.", field_words(conflict));
                ui.label(RichText::new(head).font(tokens.strong(theme::BODY)).color(tokens.text));
            });
            let below =
                if may_settle { "Choose what holds from now on." } else { "The team will settle it." };
            ui.label(RichText::new(below).size(theme::SMALL).color(tokens.soft));
            ui.add_space(2.0);
            for (index, value) in conflict.values.iter().enumerate() {
                widgets::keyed(ui, (&conflict.field, &value.change), |ui| {
                    value_ui(scene, ui, conflict, value, index == 0, may_settle)
                });
            }
        });
        ui.add_space(10.0);
    }
}

fn value_ui(
    scene: &mut Scene<'_>,
    ui: &mut Ui,
    conflict: &Conflict,
    value: &ConflictValue,
    is_shown: bool,
    may_settle: bool,
) {
    let tokens = scene.tokens;
    ui.separator();
    ui.vertical(|ui| {
        let text = value_words(conflict, value, scene.now_millis);
        ui.add(Label::new(RichText::new(&text).color(tokens.text)).wrap());
        ui.horizontal(|ui| {
            let when = times::relative(scene.now_millis, value.at_millis);
            let shown = if is_shown { " \u{b7} shown now" } else { "" };
            let by = format!("{}, {when}{shown}", neutral::line(&value.author.name));
            ui.label(RichText::new(by).size(theme::SMALL).color(tokens.soft));
            if may_settle {
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    let name = format!("Keep \u{201c}{}\u{201d}", text.chars().take(40).collect::<String>());
                    let pressed = button(ui, tokens, Weight::Plain, Some(Icon::Check), "Keep this");
                    widgets::name(ui, &pressed, &name);
                    let settle =
                        || Change::Settle { field: conflict.field.clone(), change: value.change.clone() };
                    scene.act_if(pressed.clicked(), || Intent::Change(settle()));
                });
            }
        });
    });
}

fn field_words(conflict: &Conflict) -> String {
    match conflict.field.as_str() {
        "body" => "report".to_owned(),
        "snoozed_until_millis" => "end of the snooze".to_owned(),
        "merged_into" => "ticket that it goes on in".to_owned(),
        field => field.replace('_', " "),
    }
}

fn value_words(conflict: &Conflict, value: &ConflictValue, now_millis: u64) -> String {
    match (conflict.field.as_str(), value.text.parse()) {
        (_, _) if value.text.is_empty() => "none".to_owned(),
        ("snoozed_until_millis", Ok(until)) => times::relative(now_millis, until),
        _ => neutral::block(&value.text).into_owned(),
    }
}
