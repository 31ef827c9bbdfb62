//! What was written under a ticket, oldest first. Only what can be seen is laid out: what is above and below stands as
//! high as it was when it was last drawn.

use assist_proto::api::comment::Comment;
use assist_proto::api::sync::DeliveryState;
use assist_proto::api::ticket::Ticket;
use assist_proto::api::user::Role;
use assist_proto::neutral;
use egui::{Align, Frame, Layout, Margin, RichText, Sense, Stroke, Ui, UiBuilder, Vec2, vec2};

use super::files::{files_ui, look_of};
use super::rewriting;
use super::state_line::{state_icon, state_words};
use super::text::text_ui;
use crate::icon::Icon;
use crate::intent::Intent;
use crate::layouts::hash;
use crate::markdown::plain_start;
use crate::scene::Scene;
use crate::state::{Entry, OpenTicket};
use crate::theme;
use crate::times;
use crate::widgets::{self, icon_button, paint_avatar};

pub(super) fn thread_ui(scene: &mut Scene<'_>, ui: &mut Ui, open: &OpenTicket, ticket: &Ticket) {
    let entries = open.thread();
    let width = ui.available_width();
    report_ui(scene, ui, ticket);
    for entry in &entries {
        let comment = entry.comment;
        let is_held = comment.held_until_millis.is_some();
        let look = (&comment.id, comment.edited_at_millis, comment.is_deleted, comment.state, is_held);
        let files = look_of(&open.files, comment);
        let begun = rewriting::begun(scene).filter(|begun| begun.comment == comment.id);
        let sizes = (comment.body.len(), comment.read_by.len(), comment.losing_bodies.len());
        let key = hash((look, files, sizes, begun.map(|begun| &begun.text)));
        let top = ui.cursor().top();
        let known = scene.layouts.height(key, width);
        if let Some(height) = known {
            let rect = egui::Rect::from_min_size(ui.cursor().min, vec2(width, height));
            if !ui.is_rect_visible(rect) {
                ui.allocate_exact_size(rect.size(), Sense::hover());
                continue;
            }
        }
        entry_ui(scene, ui, *entry, &entries);
        scene.layouts.set_height(key, ui.min_rect().bottom() - top);
    }
}

/// What the requester reported.
fn report_ui(scene: &mut Scene<'_>, ui: &mut Ui, ticket: &Ticket) {
    let row = &ticket.row;
    let head = Head {
        name: &row.requester.name,
        word: None,
        at_millis: row.created_at_millis,
        is_edited: false,
        is_note: false,
        is_own: false,
    };
    entry_frame(scene, ui, false, |scene, ui| {
        head_ui(scene, ui, &head, |_, _| {});
        match ticket.body.trim().is_empty() {
            true if !row.is_loaded => {
                ui.label(
                    RichText::new("The text is still on its way to this device.").color(scene.tokens.faint),
                );
            }
            true => {
                ui.label(RichText::new("No further words.").color(scene.tokens.faint));
            }
            false => text_ui(scene, ui, &ticket.body),
        }
    });
}

fn entry_ui(scene: &mut Scene<'_>, ui: &mut Ui, entry: Entry<'_>, all: &[Entry<'_>]) {
    let comment = entry.comment;
    let is_team = comment.author.role.is_some_and(|role| role != Role::Customer);
    let head = Head {
        name: &comment.author.name,
        word: is_team.then_some("Team"),
        at_millis: comment.created_at_millis,
        is_edited: comment.edited_at_millis.is_some(),
        is_note: entry.is_note,
        is_own: rewriting::is_own(scene, comment),
    };
    widgets::keyed(ui, &comment.id, |ui| {
        entry_frame(scene, ui, entry.is_note, |scene, ui| {
            head_ui(scene, ui, &head, |scene, ui| {
                if scene.state.open.as_ref().is_some_and(|open| open.past.is_some()) {
                    return;
                }
                let name = format!("Reply to {}", neutral::line(&comment.author.name));
                let pressed = icon_button(ui, scene.tokens, Icon::Reply, &name, true).clicked();
                if pressed {
                    scene.act(Intent::WriteNote(entry.is_note));
                    scene.act(Intent::ReplyTo(Some(comment.id.clone())));
                    let id = widgets::field_id(scene.salt, super::composer::TEXT);
                    ui.memory_mut(|memory| memory.request_focus(id));
                }
                // One at a time: what was typed would be gone.
                if head.is_own && rewriting::begun(scene).is_none() {
                    rewriting::tools_ui(scene, ui, entry);
                }
            });
            answered_ui(scene, ui, comment, all);
            let begun = rewriting::begun(scene).filter(|begun| begun.comment == comment.id);
            match begun {
                // Also where it was struck on another device meanwhile: what was typed is there to be taken elsewhere.
                Some(begun) => rewriting::rewriting_ui(scene, ui, comment, begun),
                None if comment.is_deleted => {
                    ui.label(RichText::new("Struck by its author.").italics().color(scene.tokens.faint));
                }
                None => text_ui(scene, ui, &comment.body),
            }
            rewriting::losing_ui(scene, ui, entry);
            files_ui(scene, ui, comment);
            foot_ui(scene, ui, comment);
        });
    });
}

/// What is written at the head of an entry.
struct Head<'a> {
    name: &'a str,
    word: Option<&'static str>,
    at_millis: u64,
    is_edited: bool,
    is_note: bool,
    /// Whether there are ways to rewrite it.
    is_own: bool,
}

fn entry_frame(
    scene: &mut Scene<'_>,
    ui: &mut Ui,
    is_note: bool,
    draw: impl FnOnce(&mut Scene<'_>, &mut Ui),
) {
    let tokens = scene.tokens;
    let frame = match is_note {
        true => Frame::new().fill(tokens.note_fill).stroke(Stroke::new(1.0, tokens.note_line)),
        false => Frame::new(),
    };
    let margin = Margin { left: 12, right: 12, top: 10, bottom: 12 };
    let shown = frame.corner_radius(theme::RADIUS_LARGE).inner_margin(margin).show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        let rect = ui.max_rect();
        let body = egui::Rect::from_min_max(rect.min + vec2(AVATAR_ROOM, 0.0), rect.max);
        ui.scope_builder(UiBuilder::new().max_rect(body), |ui| draw(scene, ui));
    });
    if is_note {
        let rect = shown.response.rect;
        let bar = egui::Rect::from_min_size(rect.min + vec2(0.0, 8.0), vec2(3.0, rect.height() - 16.0));
        ui.painter().rect_filled(bar, 1.5, tokens.note_line);
    }
    ui.add_space(if is_note { 8.0 } else { 2.0 });
}

fn head_ui(scene: &mut Scene<'_>, ui: &mut Ui, head: &Head<'_>, tools: impl FnOnce(&mut Scene<'_>, &mut Ui)) {
    let tokens = scene.tokens;
    let avatar = egui::Rect::from_min_size(ui.cursor().min + vec2(-AVATAR_ROOM, 1.0), Vec2::splat(28.0));
    paint_avatar(ui.painter(), tokens, avatar, head.name);
    ui.horizontal(|ui| {
        ui.set_height(theme::CONTROL_HEIGHT);
        ui.spacing_mut().item_spacing.x = 6.0;
        ui.label(RichText::new(neutral::line(head.name)).font(tokens.strong(theme::BODY)).color(tokens.text));
        if head.is_note {
            widgets::chip(ui, tokens, Some(Icon::Lock), "Only your team sees this", tokens.note);
        } else if let Some(word) = head.word {
            widgets::chip(ui, tokens, None, word, tokens.accent);
        }
        let when = times::relative(scene.now_millis, head.at_millis);
        let when = if head.is_edited { format!("{when} \u{b7} edited") } else { when };
        let when = egui::Label::new(RichText::new(when).size(theme::SMALL).color(tokens.faint)).truncate();
        let tools_room = if head.is_own { OWN_TOOLS_ROOM } else { TOOLS_ROOM };
        let room = vec2((ui.available_width() - tools_room).max(20.0), theme::CONTROL_HEIGHT);
        let when =
            ui.allocate_ui_with_layout(room, Layout::left_to_right(Align::Center), |ui| ui.add(when)).inner;
        when.on_hover_text(times::exact(head.at_millis));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| tools(scene, ui));
    });
}

/// The beginning of what this one answers.
fn answered_ui(scene: &Scene<'_>, ui: &mut Ui, comment: &Comment, all: &[Entry<'_>]) {
    let Some(answered) = &comment.reply_to else { return };
    let tokens = scene.tokens;
    let found = all.iter().find(|entry| entry.comment.id == *answered).map(|entry| entry.comment);
    let words = found.map_or_else(|| "an earlier comment".to_owned(), answered_words);
    ui.horizontal(|ui| {
        ui.spacing_mut().interact_size.y = 18.0;
        let (bar, _) = ui.allocate_exact_size(vec2(3.0, 16.0), Sense::hover());
        ui.painter().rect_filled(bar, 1.5, tokens.line_strong);
        let text = RichText::new(words).size(theme::SMALL).color(tokens.soft);
        ui.add(egui::Label::new(text).truncate());
    });
}

pub(super) fn answered_words(comment: &Comment) -> String {
    let start: String = plain_start(&comment.body).chars().take(120).collect();
    neutral::line(&format!("{}: {start}", comment.author.name)).into_owned()
}

/// How far one's own words have come, and the way to take them back while there is one.
fn foot_ui(scene: &mut Scene<'_>, ui: &mut Ui, comment: &Comment) {
    let Some(state) = comment.state else { return };
    let tokens = scene.tokens;
    ui.horizontal(|ui| {
        ui.spacing_mut().interact_size.y = 18.0;
        ui.spacing_mut().item_spacing.x = 5.0;
        let (rect, _) = ui.allocate_exact_size(Vec2::splat(13.0), Sense::hover());
        let is_held = comment.held_until_millis.is_some_and(|until| until > scene.now_millis);
        let icon = if is_held { Icon::Clock } else { state_icon(state) };
        icon.paint(ui.painter(), rect, tokens.faint);
        let words = match (is_held, state) {
            (true, _) => "Held back for a moment".to_owned(),
            (false, DeliveryState::Read) if !comment.read_by.is_empty() => read_words(comment),
            _ => state_words(state).to_owned(),
        };
        ui.label(RichText::new(words).size(theme::SMALL).color(tokens.faint));
        if comment.held_until_millis.is_some() {
            let pressed = widgets::link_button(ui, tokens, "Undo").clicked();
            scene.act_if(pressed, || Intent::TakeBack(comment.id.clone()));
        }
    });
}

fn read_words(comment: &Comment) -> String {
    let names: Vec<&str> = comment.read_by.iter().take(3).map(|read| read.user.name.as_str()).collect();
    let more = comment.read_by.len().saturating_sub(names.len());
    let names = names.join(", ");
    let names = neutral::line(&names);
    match more {
        0 => format!("Read by {names}"),
        more => format!("Read by {names} and {more} more"),
    }
}

const AVATAR_ROOM: f32 = 40.0;

/// What stands at the end of a head.
const TOOLS_ROOM: f32 = 40.0;
const OWN_TOOLS_ROOM: f32 = 104.0;
