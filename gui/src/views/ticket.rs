//! One ticket: what it is called, how it stands, what was written, and where one writes.

use assist_proto::api::ticket::Ticket;
use egui::{Align, Layout, Margin, Panel, Rect, RichText, ScrollArea, TextEdit, Ui, vec2};

use super::composer::composer_ui;
use super::state_line::state_line_ui;
use super::thread::thread_ui;
use crate::icon::Icon;
use crate::intent::{Change, Field, Intent};
use crate::route::{Route, View};
use crate::scene::Scene;
use crate::state::OpenTicket;
use crate::theme;
use crate::widgets::{self, icon_button};

pub(super) fn ticket_ui(scene: &mut Scene<'_>, ui: &mut Ui) {
    let state = scene.state;
    let Some(open) = &state.open else { return };
    if let Some(error) = &open.error {
        super::quiet_ui(ui, scene, Icon::Warning, "This ticket cannot be shown.", error);
        return;
    }
    let Some(ticket) = open.ticket.as_deref() else {
        waiting_ui(scene, ui);
        return;
    };
    let frame = egui::Frame::new().fill(scene.tokens.page);
    Panel::bottom(scene.salt.with("composer")).resizable(false).show_separator_line(false).frame(frame).show(
        ui,
        |ui| {
            reading_ui(ui, Margin { left: 20, right: 20, top: 4, bottom: 14 }, |ui| {
                composer_ui(scene, ui, open)
            })
        },
    );
    let salt = ("ticket", &open.key.ticket);
    ScrollArea::vertical().id_salt(salt).auto_shrink(false).stick_to_bottom(false).show(ui, |ui| {
        reading_ui(ui, Margin { left: 20, right: 20, top: 12, bottom: 12 }, |ui| {
            crumbs_ui(scene, ui, ticket);
            title_ui(scene, ui, open, ticket);
            state_line_ui(scene, ui, open, ticket);
            ui.add_space(10.0);
            conflicts_ui(scene, ui, ticket);
            thread_ui(scene, ui, open, ticket);
        });
    });
}

/// Draws a column no wider than people like to read.
pub(super) fn reading_ui(ui: &mut Ui, margin: Margin, draw: impl FnOnce(&mut Ui)) {
    let room = ui.available_width();
    egui::Frame::new().inner_margin(margin).show(ui, |ui| {
        let width = (room - f32::from(margin.left) - f32::from(margin.right)).min(theme::READING_WIDTH);
        ui.set_width(width);
        draw(ui);
    });
}

/// Where one is, and the way back.
fn crumbs_ui(scene: &mut Scene<'_>, ui: &mut Ui, ticket: &Ticket) {
    let tokens = scene.tokens;
    let state = scene.state;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        let is_back = icon_button(ui, tokens, Icon::Left, "Back", !state.back.is_empty()).clicked();
        scene.act_if(is_back, || Intent::Back);
        let is_forward = icon_button(ui, tokens, Icon::Right, "Forward", !state.forward.is_empty()).clicked();
        scene.act_if(is_forward, || Intent::Forward);
        let project = ticket.row.project.clone();
        let name = state.project(&project).map_or("Tickets", |project| project.name.as_str());
        let view = state.inbox.view.unwrap_or(View::Active);
        let pressed = widgets::link_button(ui, tokens, name).clicked();
        scene.act_if(pressed, || Intent::Go(Route::Inbox { project: Some(project), view }));
        let number =
            ticket.row.number.map_or_else(|| ticket.row.short_id.clone(), |number| format!("#{number}"));
        ui.label(RichText::new("/").color(tokens.faint));
        ui.label(RichText::new(number).color(tokens.soft));
    });
}

fn title_ui(scene: &mut Scene<'_>, ui: &mut Ui, open: &OpenTicket, ticket: &Ticket) {
    let tokens = scene.tokens;
    let row = &ticket.row;
    if let Some(title) = &open.title {
        let mut typed = title.clone();
        let edit = TextEdit::singleline(&mut typed)
            .font(tokens.strong(theme::TITLE))
            .desired_width(f32::INFINITY)
            .margin(Margin::symmetric(8, 5));
        let response = ui.add(edit);
        widgets::name(ui, &response, "Title of the ticket");
        response.request_focus();
        scene.act_if(response.changed(), || Intent::Type(Field::Title, typed));
        let (is_kept, is_left) =
            ui.input(|input| (input.key_pressed(egui::Key::Enter), input.key_pressed(egui::Key::Escape)));
        scene.act_if(is_kept, || Intent::Change(Change::KeepTitle));
        scene.act_if(is_left, || Intent::Change(Change::LeaveTitle));
        return;
    }
    let is_own = scene.state.project(&row.project).is_some_and(|project| project.user_id == row.requester.id);
    let may_rename = is_own || scene.state.is_team(&row.project);
    ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
        if may_rename {
            let pressed = icon_button(ui, tokens, Icon::Pen, "Rename the ticket", true).clicked();
            scene.act_if(pressed, || Intent::Change(Change::BeginTitle));
        }
        ui.with_layout(Layout::top_down(Align::Min), |ui| {
            let title = RichText::new(&row.title).font(tokens.strong(theme::TITLE)).color(tokens.text);
            ui.add(egui::Label::new(title).wrap());
        });
    });
    ui.add_space(2.0);
}

/// Fields that were written by several while apart: all that was written is shown.
fn conflicts_ui(scene: &Scene<'_>, ui: &mut Ui, ticket: &Ticket) {
    let tokens = scene.tokens;
    for conflict in &ticket.conflicts {
        let frame = widgets::card(tokens).stroke(egui::Stroke::new(1.0, tokens.warn));
        frame.inner_margin(Margin::symmetric(14, 10)).show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            let field = conflict.field.trim_end_matches("_millis").replace('_', " ");
            let head =
                format!("Two people wrote the {field} at the same time. Choose it again to settle it.");
            ui.label(RichText::new(head).color(tokens.warn));
            for value in &conflict.values {
                let text = if value.text.is_empty() { "none" } else { value.text.as_str() };
                ui.horizontal_wrapped(|ui| {
                    ui.label(RichText::new(text).font(tokens.strong(theme::BODY)).color(tokens.text));
                    let by = format!("by {}", value.author.name);
                    ui.label(RichText::new(by).size(theme::SMALL).color(tokens.soft));
                });
            }
        });
        ui.add_space(8.0);
    }
}

/// Quiet bars where the ticket will stand.
fn waiting_ui(scene: &Scene<'_>, ui: &mut Ui) {
    let rect = ui.max_rect();
    let bar = |top: f32, width: f32, height: f32| {
        Rect::from_min_size(rect.min + vec2(24.0, top), vec2((rect.width() - 48.0).max(0.0) * width, height))
    };
    for (top, width, height) in
        [(60.0, 0.6, 20.0), (96.0, 0.35, 16.0), (150.0, 0.8, 12.0), (172.0, 0.7, 12.0)]
    {
        widgets::skeleton(ui.painter(), scene.tokens, bar(top, width, height));
    }
}
