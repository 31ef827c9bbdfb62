//! What changed a ticket, newest first; from each change one sees the ticket as it was then.

use assist_proto::api::ticket::{HistoryChange, HistoryEdit};
use assist_proto::neutral;
use egui::{Align, Frame, Layout, Margin, RichText, ScrollArea, Sense, Stroke, Ui, Vec2, pos2, vec2};

use super::ticket::reading_ui;
use crate::icon::Icon;
use crate::intent::Intent;
use crate::markdown::plain_start;
use crate::scene::Scene;
use crate::state::{OpenTicket, Past};
use crate::theme;
use crate::times;
use crate::widgets::{self, Weight, button, link_button, paint_avatar};

pub(super) fn history_ui(scene: &mut Scene<'_>, ui: &mut Ui, open: &OpenTicket) {
    let Some(history) = &open.history else { return };
    ScrollArea::vertical().id_salt(("history", &open.key.ticket)).auto_shrink(false).show(ui, |ui| {
        reading_ui(ui, Margin { left: 20, right: 20, top: 12, bottom: 16 }, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            for (index, change) in history.iter().enumerate().rev() {
                let is_first = index == 0;
                widgets::keyed(ui, &change.change, |ui| change_ui(scene, ui, change, is_first));
            }
        });
    });
}

fn change_ui(scene: &mut Scene<'_>, ui: &mut Ui, change: &HistoryChange, is_first: bool) {
    let tokens = scene.tokens;
    let top = ui.cursor().min;
    let shown = ui.horizontal_top(|ui| {
        let (face, _) = ui.allocate_exact_size(Vec2::splat(FACE), Sense::hover());
        paint_avatar(ui.painter(), tokens, face, &change.author.name);
        ui.add_space(4.0);
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            ui.horizontal_wrapped(|ui| {
                let name = neutral::line(&change.author.name);
                ui.label(RichText::new(name).font(tokens.strong(theme::BODY)).color(tokens.text));
                let when = times::relative(scene.now_millis, change.at_millis);
                let when = ui.label(RichText::new(when).size(theme::SMALL).color(tokens.faint));
                let device =
                    change.device_name.as_deref().map(|name| format!("\non {}", neutral::line(name)));
                when.on_hover_text(times::exact(change.at_millis) + &device.unwrap_or_default());
                let pressed = link_button(ui, tokens, "See it then").clicked();
                scene.act_if(pressed, || Intent::ShowPast(Some(change.change.clone())));
            });
            for edit in &change.edits {
                let words = words(edit, scene.now_millis);
                ui.add(egui::Label::new(RichText::new(words).color(tokens.soft)).wrap());
            }
            ui.add_space(14.0);
        });
    });
    if !is_first {
        let x = top.x + FACE / 2.0;
        let ends = [pos2(x, top.y + FACE + 3.0), pos2(x, shown.response.rect.bottom() - 3.0)];
        ui.painter().line_segment(ends, Stroke::new(1.5, tokens.line));
    }
}

/// Says that what is shown is past, and how one comes back.
pub(super) fn past_ui(scene: &mut Scene<'_>, ui: &mut Ui, past: &Past) {
    let tokens = scene.tokens;
    let fill = tokens.tint(tokens.accent, tokens.page);
    let frame =
        Frame::new().fill(fill).corner_radius(theme::RADIUS_LARGE).inner_margin(Margin::symmetric(14, 8));
    frame.show(ui, |ui| {
        ui.horizontal(|ui| {
            let (icon, _) = ui.allocate_exact_size(vec2(16.0, 16.0), Sense::hover());
            Icon::Clock.paint(ui.painter(), icon, tokens.accent);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let is_back = button(ui, tokens, Weight::Plain, None, "Back to now").clicked();
                scene.act_if(is_back, || Intent::ShowPast(None));
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    let when = past.at_millis.map_or_else(|| "then".to_owned(), times::exact);
                    let words = format!("This is the ticket as it was on {when}.");
                    ui.add(egui::Label::new(RichText::new(words).color(tokens.text)).truncate());
                });
            });
        });
    });
    ui.add_space(10.0);
}

/// Says what was done, as one goes on after the name of who did it.
fn words(edit: &HistoryEdit, now_millis: u64) -> String {
    let after = edit.after.as_deref().unwrap_or_default();
    let before = edit.before.as_deref().unwrap_or_default();
    let either = if after.is_empty() { before } else { after };
    let quoted = |text: &str| format!("\u{201c}{}\u{201d}", start(text));
    let changed = |what: &str| match (before.is_empty(), after.is_empty()) {
        (_, true) => format!("cleared the {what}"),
        (true, false) => format!("set the {what} to {}", start(after)),
        (false, false) => format!("changed the {what} from {} to {}", start(before), start(after)),
    };
    match edit.action.as_str() {
        "create_ticket" => format!("filed {}", quoted(after)),
        "set_title" => format!("renamed it to {}", quoted(after)),
        "set_body" if before.is_empty() => format!("wrote {}", quoted(&plain_start(after))),
        "set_body" => "rewrote the report".to_owned(),
        "set_status" => changed("status"),
        "set_priority" => changed("priority"),
        "set_assignee" => changed("assignee"),
        "set_close_reason" => changed("reason"),
        "set_snoozed_until" => match after.parse() {
            Ok(until) => format!("snoozed it, back {}", times::relative(now_millis, until)),
            Err(_) => "ended its snooze".to_owned(),
        },
        "set_merged_into" if after.is_empty() => "made it a ticket of its own again".to_owned(),
        "set_merged_into" => "merged it into another ticket".to_owned(),
        "add_link" => "linked another ticket".to_owned(),
        "remove_link" => "unlinked another ticket".to_owned(),
        "add_label" => format!("put the label {} on", quoted(after)),
        "remove_label" => format!("took the label {} off", quoted(before)),
        "add_comment" => format!("wrote {}", quoted(&plain_start(after))),
        "edit_comment" => format!("rewrote a comment to {}", quoted(&plain_start(after))),
        "delete_comment" => "struck a comment".to_owned(),
        action => format!("{} {}", action.replace('_', " "), start(either)),
    }
}

fn start(text: &str) -> String {
    let line = neutral::line(text.trim()).into_owned();
    match line.char_indices().nth(CHARS_SHOWN) {
        Some((end, _)) => format!("{}\u{2026}", &line[..end]),
        None => line,
    }
}

const FACE: f32 = 26.0;

/// As much of a text says which it is.
const CHARS_SHOWN: usize = 140;

#[cfg(test)]
mod tests {
    use assist_proto::api::ticket::HistoryEdit;

    use super::words;

    fn said(action: &str, before: Option<&str>, after: Option<&str>) -> String {
        let (before, after) = (before.map(str::to_owned), after.map(str::to_owned));
        words(&HistoryEdit { action: action.to_owned(), comment: None, before, after }, 1_000)
    }

    #[test]
    fn edits_are_told_in_words() {
        assert_eq!(said("create_ticket", None, Some("It hums")), "filed \u{201c}It hums\u{201d}");
        assert_eq!(
            said("set_status", Some("open"), Some("closed")),
            "changed the status from open to closed"
        );
        assert_eq!(said("set_assignee", Some("Amir"), None), "cleared the assignee");
        assert_eq!(said("set_priority", None, Some("high")), "set the priority to high");
        assert_eq!(said("set_snoozed_until", None, Some("121000")), "snoozed it, back in 2 minutes");
        assert_eq!(said("of_a_newer_daemon", None, Some("x")), "of a newer daemon x");
        assert_eq!(said("add_comment", None, Some(&"x".repeat(1_000))).chars().count(), 9 + 140);
        assert!(said("set_title", None, Some("a\u{202e}b")).contains("<U+202E>"));
    }
}
