//! One ticket: what it is called, how it stands, what was written, and where one writes.

use assist_proto::api::draft::Draft;
use assist_proto::api::ticket::Ticket;
use assist_proto::neutral;
use egui::{Align, Layout, Margin, Panel, Rect, RichText, ScrollArea, TextEdit, Ui, vec2};

use super::composer::composer_ui;
use super::conflicts::conflicts_ui;
use super::drafts::draft_ui;
use super::history::{history_ui, past_ui};
use super::presence::presence_ui;
use super::state_line::state_line_ui;
use super::thread::thread_ui;
use crate::icon::Icon;
use crate::intent::{Change, Field, Intent};
use crate::route::{Route, View};
use crate::scene::Scene;
use crate::state::OpenTicket;
use crate::theme;
use crate::widgets::{self, Weight, icon_button};

pub(super) fn ticket_ui(scene: &mut Scene<'_>, ui: &mut Ui) {
    let state = scene.state;
    let Some(open) = &state.open else { return };
    if let Some(error) = &open.error {
        super::quiet_ui(ui, scene, Icon::Warning, "This ticket cannot be shown.", error);
        return;
    }
    let Some(ticket) = open.shown() else {
        waiting_ui(scene, ui);
        return;
    };
    let frame = egui::Frame::new().fill(scene.tokens.page);
    // Nobody writes into the past.
    if open.past.is_none() {
        let foot = Panel::bottom(scene.salt.with("composer")).resizable(false).show_separator_line(false);
        foot.frame(frame).show(ui, |ui| {
            reading_ui(ui, Margin { left: 20, right: 20, top: 2, bottom: 14 }, |ui| {
                presence_ui(scene, ui, open);
                widgets::keyed(ui, "composer", |ui| composer_ui(scene, ui, open));
            })
        });
    }
    let head = Panel::top(scene.salt.with("head")).resizable(false).show_separator_line(false);
    head.frame(frame).show(ui, |ui| {
        reading_ui(ui, Margin { left: 20, right: 20, top: 12, bottom: 10 }, |ui| {
            crumbs_ui(scene, ui, open, ticket);
            if let Some(past) = &open.past {
                past_ui(scene, ui, past);
            }
            title_ui(scene, ui, open, ticket);
            widgets::keyed(ui, "state", |ui| state_line_ui(scene, ui, open, ticket));
        });
        let rect = ui.min_rect();
        ui.painter().hline(rect.x_range(), rect.bottom(), egui::Stroke::new(1.0, scene.tokens.line));
    });
    match open.is_history_open && open.past.is_none() {
        true => history_ui(scene, ui, open),
        false => reading_area_ui(scene, ui, open, ticket),
    }
}

/// The thread, which begins at its end, stays there as long as nobody scrolls away, and then says what has come.
fn reading_area_ui(scene: &mut Scene<'_>, ui: &mut Ui, open: &OpenTicket, ticket: &Ticket) {
    let room = ui.available_rect_before_wrap();
    let seen_jumps = scene.salt.with(("jumps", &open.key.ticket));
    let is_jump = ui.data_mut(|data| {
        let seen: u64 = data.get_temp(seen_jumps).unwrap_or_default();
        data.insert_temp(seen_jumps, open.jumps);
        seen < open.jumps
    });
    let has_texts = !ticket.comments.is_empty() || !open.notes.is_empty();
    let area = ScrollArea::vertical().id_salt(("ticket", &open.key.ticket)).auto_shrink(false);
    let shown = area.stick_to_bottom(has_texts).show(ui, |ui| {
        reading_ui(ui, Margin { left: 20, right: 20, top: 10, bottom: 8 }, |ui| {
            thread_ui(scene, ui, open, ticket);
            // Where reading begins, lest it be overlooked.
            if open.past.is_none() {
                conflicts_ui(scene, ui, ticket, may_change(scene, ticket));
            }
            refused_ui(scene, ui, open);
        });
        if is_jump {
            ui.scroll_to_cursor(Some(Align::BOTTOM));
        }
    });
    let is_at_end =
        shown.state.clamped_offset().y + shown.inner_rect.height() >= shown.content_size.y - END_SLACK;
    let is_news = is_at_end != open.is_at_end || (is_at_end && open.thread().len() != open.seen_count);
    scene.act_if(is_news, || Intent::SeeEnd(is_at_end));
    let new_count = open.new_count();
    if new_count > 0 {
        let words = format!("{new_count} new");
        let at = Rect::from_center_size(
            room.center_bottom() - vec2(0.0, 24.0),
            vec2(110.0, theme::CONTROL_HEIGHT),
        );
        let pressed = widgets::within(ui, at, "new", |ui| {
            let icon = Some(Icon::Down);
            widgets::button_at_least(ui, scene.tokens, Weight::Primary, icon, &words, true, at.width())
        });
        scene.act_if(pressed.clicked(), || Intent::GoToEnd);
    }
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
fn crumbs_ui(scene: &mut Scene<'_>, ui: &mut Ui, open: &OpenTicket, ticket: &Ticket) {
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
        if open.past.is_none() {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let (icon, words) = match open.is_history_open {
                    true => (Icon::Reply, "Conversation"),
                    false => (Icon::Clock, "History"),
                };
                let pressed = widgets::button(ui, tokens, Weight::Quiet, Some(icon), words).clicked();
                scene.act_if(pressed, || Intent::ShowHistory(!open.is_history_open));
            });
        }
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
    let may_rename = may_change(scene, ticket) && open.past.is_none();
    ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
        if may_rename {
            let pressed = icon_button(ui, tokens, Icon::Pen, "Rename the ticket", true).clicked();
            scene.act_if(pressed, || Intent::Change(Change::BeginTitle));
        }
        ui.with_layout(Layout::top_down(Align::Min), |ui| {
            let title =
                RichText::new(neutral::line(&row.title)).font(tokens.strong(theme::TITLE)).color(tokens.text);
            ui.add(egui::Label::new(title).wrap());
        });
    });
    ui.add_space(2.0);
}

/// Tells whether the title and the like are this user's to write.
fn may_change(scene: &Scene<'_>, ticket: &Ticket) -> bool {
    let row = &ticket.row;
    let is_own = scene.state.project(&row.project).is_some_and(|project| project.user_id == row.requester.id);
    is_own || scene.state.is_team(&row.project)
}

/// What of this ticket was refused stands where it would stand.
fn refused_ui(scene: &mut Scene<'_>, ui: &mut Ui, open: &OpenTicket) {
    let state = scene.state;
    let is_of_it = |draft: &&Draft| draft.ticket.as_ref().is_some_and(|ticket| ticket.id == open.key.ticket);
    for draft in state.drafts.iter().filter(is_of_it).filter(|_| open.past.is_none()) {
        widgets::keyed(ui, &draft.id, |ui| draft_ui(scene, ui, draft, false));
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

/// So near to the end, one is at it.
const END_SLACK: f32 = 12.0;
