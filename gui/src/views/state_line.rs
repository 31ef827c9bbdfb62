//! The line under a ticket's title: its status, urgency, assignee and labels. Whoever may change them does it in place.

use assist_proto::api::sync::DeliveryState;
use assist_proto::api::ticket::{Priority, Status, Ticket};
use assist_proto::api::user::Role;
use assist_proto::neutral;
use egui::containers::menu::MenuButton;
use egui::{Button, Color32, RichText, TextEdit, Ui};

use crate::icon::{Icon, square_at};
use crate::intent::{Change, Field, Intent};
use crate::scene::Scene;
use crate::state::OpenTicket;
use crate::theme;
use crate::times;
use crate::widgets::{self, chip};

pub(super) fn state_line_ui(scene: &mut Scene<'_>, ui: &mut Ui, open: &OpenTicket, ticket: &Ticket) {
    let project = &ticket.row.project;
    let is_past = open.past.is_some();
    let is_team = scene.state.is_team(project) && !is_past;
    let is_requester = scene.state.project(project).is_some_and(|it| it.user_id == ticket.row.requester.id);
    let is_requester = is_requester && !is_past;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = egui::vec2(6.0, 6.0);
        status_ui(scene, ui, ticket, is_team, is_requester);
        match is_team {
            true => {
                priority_ui(scene, ui, ticket);
                assignee_ui(scene, ui, ticket);
            }
            false => shown_ui(scene, ui, ticket),
        }
        labels_ui(scene, ui, open, ticket, is_team);
        if let Some(until) = ticket.row.snoozed_until_millis {
            let words = format!("Snoozed, back {}", times::relative(scene.now_millis, until));
            chip(ui, scene.tokens, Some(Icon::Clock), &words, scene.tokens.warn);
        }
    });
}

fn status_ui(scene: &mut Scene<'_>, ui: &mut Ui, ticket: &Ticket, is_team: bool, is_requester: bool) {
    let status = ticket.row.status;
    let colour = scene.tokens.status(status);
    // The requester may close their ticket, and open it again.
    let choices: &[Status] = match (is_team, is_requester) {
        (true, _) => &[Status::Open, Status::Pending, Status::Resolved, Status::Closed],
        (false, true) if super::inbox::is_done(status) => &[Status::Open],
        (false, true) => &[Status::Closed],
        (false, false) => &[],
    };
    if choices.is_empty() {
        chip(ui, scene.tokens, None, status_name(status), colour);
        return;
    }
    let name = format!("Status: {}", status_name(status));
    menu(ui, scene, &name, status_name(status), colour, |scene, ui| {
        for choice in choices {
            let pressed = ui.selectable_label(*choice == status, status_name(*choice)).clicked();
            scene.act_if(pressed && *choice != status, || Intent::Change(Change::Status(*choice)));
        }
    });
}

fn priority_ui(scene: &mut Scene<'_>, ui: &mut Ui, ticket: &Ticket) {
    let priority = ticket.row.priority;
    let colour = priority.map_or(scene.tokens.faint, |priority| scene.tokens.priority(priority));
    let word = priority.map_or("No priority", priority_name);
    menu(ui, scene, &format!("Priority: {word}"), word, colour, |scene, ui| {
        let choices =
            [None, Some(Priority::Low), Some(Priority::Normal), Some(Priority::High), Some(Priority::Urgent)];
        for choice in choices {
            let word = choice.map_or("No priority", priority_name);
            let pressed = ui.selectable_label(choice == priority, word).clicked();
            scene.act_if(pressed && choice != priority, || Intent::Change(Change::Priority(choice)));
        }
    });
}

fn assignee_ui(scene: &mut Scene<'_>, ui: &mut Ui, ticket: &Ticket) {
    let assignee = ticket.row.assignee.as_ref();
    let word = assignee.map_or("Nobody".into(), |user| neutral::line(&user.name)).into_owned();
    let colour = if assignee.is_some() { scene.tokens.soft } else { scene.tokens.faint };
    let chosen = assignee.map(|user| user.id.clone());
    menu(ui, scene, &format!("Assignee: {word}"), &word, colour, |scene, ui| {
        let pressed = ui.selectable_label(chosen.is_none(), "Nobody").clicked();
        scene.act_if(pressed && chosen.is_some(), || Intent::Change(Change::Assignee(None)));
        let state = scene.state;
        let users = state.people.get(&ticket.row.project).map_or(&[][..], |people| &people.users);
        for user in users.iter().filter(|user| user.role != Role::Customer) {
            let is_chosen = chosen.as_ref() == Some(&user.id);
            let name = neutral::line(&user.name);
            let name = if user.is_self { format!("{name} (me)") } else { name.into_owned() };
            let pressed = ui.selectable_label(is_chosen, name).clicked();
            scene.act_if(pressed && !is_chosen, || Intent::Change(Change::Assignee(Some(user.id.clone()))));
        }
    });
}

/// What a customer sees of it, and cannot change.
fn shown_ui(scene: &Scene<'_>, ui: &mut Ui, ticket: &Ticket) {
    if let Some(priority) = ticket.row.priority {
        chip(ui, scene.tokens, None, priority_name(priority), scene.tokens.priority(priority));
    }
    if let Some(assignee) = &ticket.row.assignee {
        let words = format!("{} works on it", neutral::line(&assignee.name));
        chip(ui, scene.tokens, Some(Icon::Person), &words, scene.tokens.soft);
    }
}

fn labels_ui(scene: &mut Scene<'_>, ui: &mut Ui, open: &OpenTicket, ticket: &Ticket, is_team: bool) {
    let tokens = scene.tokens;
    for label in &ticket.row.labels {
        if !is_team {
            chip(ui, tokens, None, label, tokens.soft);
            continue;
        }
        let shown = neutral::line(label);
        menu(ui, scene, &format!("Label: {shown}"), &shown, tokens.soft, |scene, ui| {
            let pressed = ui.button(format!("Take \u{201c}{shown}\u{201d} off")).clicked();
            scene.act_if(pressed, || Intent::Change(Change::RemoveLabel(label.clone())));
        });
    }
    if is_team {
        menu(ui, scene, "Add a label", "+ Label", tokens.faint, |scene, ui| {
            add_label_ui(scene, ui, open, ticket);
        });
    }
}

fn add_label_ui(scene: &mut Scene<'_>, ui: &mut Ui, open: &OpenTicket, ticket: &Ticket) {
    let mut typed = open.label.clone();
    let hint = RichText::new("A word or two").color(scene.tokens.faint);
    let response = ui.add(TextEdit::singleline(&mut typed).hint_text(hint).desired_width(160.0));
    widgets::name(ui, &response, "New label");
    let is_done = response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
    let label = typed.trim().to_owned();
    scene.act_if(response.changed(), || Intent::Type(Field::Label, typed.clone()));
    if is_done && !label.is_empty() {
        scene.act(Intent::Change(Change::AddLabel(label)));
        ui.close();
    }
    let state = scene.state;
    let details = state.people.get(&ticket.row.project).and_then(|people| people.details.as_ref());
    let known = details.map_or(&[][..], |details| &details.labels);
    for known in known.iter().filter(|known| !ticket.row.labels.contains(&known.label)) {
        if known.label.starts_with(typed.trim()) {
            let response = ui.selectable_label(false, &known.label).on_hover_text(&known.description);
            let label = known.label.clone();
            scene.act_if(response.clicked(), || Intent::Change(Change::AddLabel(label)));
        }
    }
}

/// A word that opens a menu.
pub(super) fn menu(
    ui: &mut Ui,
    scene: &mut Scene<'_>,
    name: &str,
    word: &str,
    colour: Color32,
    draw: impl FnOnce(&mut Scene<'_>, &mut Ui),
) {
    let tokens = scene.tokens;
    let text = RichText::new(format!("{word}{ARROW_ROOM}")).size(theme::SMALL).color(colour);
    let button = Button::new(text)
        .fill(tokens.tint(colour, tokens.page))
        .stroke(egui::Stroke::NONE)
        .corner_radius(12)
        .min_size(egui::vec2(0.0, 24.0));
    let style = tokens.style(ui.style());
    let (response, _) = MenuButton::from_button(button).ui(ui, |ui| {
        ui.set_style(style);
        draw(scene, ui);
    });
    widgets::name(ui, &response, name);
    arrow(ui, response.rect, colour);
    widgets::focus_ring(ui.painter(), tokens, response.rect, &response);
}

/// Draws what says that a menu opens, at the right end of a button whose word ends with [`ARROW_ROOM`].
pub(super) fn arrow(ui: &Ui, button: egui::Rect, colour: Color32) {
    let at = square_at(button.right() - 20.0, button.center().y + 0.5, 10.0);
    Icon::Down.paint(ui.painter(), at, colour);
}

/// Room for the arrow.
pub(super) const ARROW_ROOM: &str = "    ";

pub(super) const fn status_name(status: Status) -> &'static str {
    match status {
        Status::Open => "Open",
        Status::Pending => "Pending",
        Status::Resolved => "Resolved",
        Status::Closed => "Closed",
    }
}

pub(super) const fn priority_name(priority: Priority) -> &'static str {
    match priority {
        Priority::Low => "Low",
        Priority::Normal => "Normal",
        Priority::High => "High",
        Priority::Urgent => "Urgent",
    }
}

/// Says how far something has come.
pub(super) const fn state_words(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::SavedHere => "Saved here",
        DeliveryState::OnServer => "On server",
        DeliveryState::Delivered => "Delivered",
        DeliveryState::Read | DeliveryState::Further => "Read",
    }
}

pub(super) const fn state_icon(state: DeliveryState) -> Icon {
    match state {
        DeliveryState::SavedHere => Icon::Device,
        DeliveryState::OnServer => Icon::Cloud,
        DeliveryState::Delivered => Icon::Check,
        DeliveryState::Read | DeliveryState::Further => Icon::CheckTwice,
    }
}
