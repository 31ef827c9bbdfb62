//! A project as its admins manage it: who is in it, whom to invite, whose devices, which labels and canned replies; how
//! its server fares, and what that decided.

mod devices;
mod health;
mod invitations;
mod log;
mod members;
mod words;

use assist_proto::neutral;
use egui::{Align, Layout, Margin, RichText, ScrollArea, Ui};

use super::quiet_ui;
use super::settings::{counted_part_ui, part_ui};
use super::ticket::reading_ui;
use crate::icon::Icon;
use crate::intent::Intent;
use crate::manage::{Irreversible, Manage, Managing, Part};
use crate::route::Route;
use crate::scene::Scene;
use crate::theme;
use crate::widgets::{self, Weight, button, icon_button};

pub(super) fn manage_ui(scene: &mut Scene<'_>, ui: &mut Ui, project: &str) {
    let state = scene.state;
    let manage = state.manage.as_ref().filter(|manage| manage.project == project);
    let Some(manage) = manage.filter(|_| state.is_admin(project)) else {
        let below = "Ask an admin of the project, or become one.";
        quiet_ui(ui, scene, Icon::Lock, "Only admins manage a project.", below);
        return;
    };
    ScrollArea::vertical().id_salt(("manage", project)).auto_shrink(false).show(ui, |ui| {
        reading_ui(ui, Margin { left: 24, right: 24, top: 16, bottom: 20 }, |ui| {
            head_ui(scene, ui, project);
            parts_ui(scene, ui, manage);
            match manage.part {
                Part::People => people_ui(scene, ui, manage),
                Part::Health | Part::Log => server_ui(scene, ui, manage),
            }
        });
    });
}

/// The parts that there are.
fn parts_ui(scene: &mut Scene<'_>, ui: &mut Ui, manage: &Manage) {
    ui.horizontal(|ui| {
        for (word, part) in [("People and words", Part::People), ("Health", Part::Health), ("Log", Part::Log)]
        {
            let pressed = ui.selectable_label(manage.part == part, word).clicked();
            scene.act_if(pressed, || Intent::Manage(Managing::Show(part)));
        }
    });
    ui.add_space(10.0);
}

fn people_ui(scene: &mut Scene<'_>, ui: &mut Ui, manage: &Manage) {
    if let Some(error) = &manage.error {
        let words = format!("Its server cannot be asked who is in it: {error}");
        widgets::error_ui(ui, scene.tokens, &words);
        ui.add_space(8.0);
    }
    // Nothing is drawn above which something else will come: a press would end beside what it was meant for.
    let is_told = scene.state.people.get(&manage.project).is_some_and(|people| people.details.is_some());
    if manage.error.is_none() && (manage.roster.is_none() || !is_told) {
        waiting_ui(scene, ui);
        return;
    }
    part_ui(scene, ui, "Invite somebody", |scene, ui| invitations::invite_ui(scene, ui, manage));
    if let Some(roster) = &manage.roster {
        counted_part_ui(scene, ui, "Members", Some(roster.members.len()), |scene, ui| {
            members::members_ui(scene, ui, manage, roster);
        });
        counted_part_ui(scene, ui, "Devices", Some(roster.devices.len()), |scene, ui| {
            devices::devices_ui(scene, ui, manage, roster);
        });
    }
    part_ui(scene, ui, "Labels", |scene, ui| words::labels_ui(scene, ui, manage));
    part_ui(scene, ui, "Canned replies", |scene, ui| words::canned_ui(scene, ui, manage));
}

/// What the server says of itself: known only while it can be asked.
fn server_ui(scene: &mut Scene<'_>, ui: &mut Ui, manage: &Manage) {
    let server = &manage.server;
    if let Some(error) = &server.error {
        widgets::error_ui(ui, scene.tokens, &format!("Its server cannot be asked: {error}"));
        ui.add_space(8.0);
    }
    match manage.part {
        Part::Log => log::log_ui(scene, ui, manage),
        _ if server.health.is_none() && server.error.is_none() => waiting_ui(scene, ui),
        _ => health::health_ui(scene, ui, manage),
    }
}

fn head_ui(scene: &mut Scene<'_>, ui: &mut Ui, project: &str) {
    let tokens = scene.tokens;
    let state = scene.state;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        let is_back = icon_button(ui, tokens, Icon::Left, "Back", !state.back.is_empty()).clicked();
        scene.act_if(is_back, || Intent::Back);
        let pressed = widgets::link_button(ui, tokens, "Settings").clicked();
        scene.act_if(pressed, || Intent::Go(Route::Settings));
        let name = state.project(project).map_or("", |project| project.name.as_str());
        ui.label(RichText::new("/").color(tokens.faint));
        ui.label(RichText::new(neutral::line(name)).color(tokens.soft));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let pressed = button(ui, tokens, Weight::Quiet, None, "Look again").clicked();
            scene.act_if(pressed, || Intent::Manage(Managing::LookAgain));
        });
    });
    let name = state.project(project).map_or("", |project| project.name.as_str());
    let words = format!("Manage {}", neutral::line(name));
    ui.label(RichText::new(words).font(tokens.strong(theme::TITLE)).color(tokens.text));
    ui.add_space(10.0);
}

/// While nothing is known: quiet bars where it will stand.
fn waiting_ui(scene: &Scene<'_>, ui: &mut Ui) {
    let (rect, _) = ui.allocate_exact_size(egui::vec2(ui.available_width(), 40.0), egui::Sense::hover());
    for (top, width) in [(0.0, 0.5), (22.0, 0.35)] {
        let bar = egui::Rect::from_min_size(
            rect.min + egui::vec2(0.0, top),
            egui::vec2(rect.width() * width, 12.0),
        );
        widgets::skeleton(ui.painter(), scene.tokens, bar);
    }
}

/// Asks once more before what cannot be undone is done; draws nothing if something else, or nothing, was asked for.
fn confirm_ui(scene: &mut Scene<'_>, ui: &mut Ui, manage: &Manage, about: &str) {
    let (words, verb) = match &manage.asked {
        Some(Irreversible::RemoveMember(id, name)) if id == about => (
            format!(
                "{} loses the project on all devices at once. What they wrote stays.",
                neutral::line(name)
            ),
            "Remove them",
        ),
        Some(Irreversible::RevokeDevice(id, name)) if id == about => (
            format!("\u{201c}{}\u{201d} is shut out for good, and gets nothing more.", neutral::line(name)),
            "Shut it out",
        ),
        _ => return,
    };
    let tokens = scene.tokens;
    ui.add(egui::Label::new(RichText::new(words).color(tokens.warn)).wrap());
    ui.horizontal(|ui| {
        let pressed = button(ui, tokens, Weight::Danger, None, verb).clicked();
        scene.act_if(pressed, || Intent::Manage(Managing::CarryOut));
        let pressed = button(ui, tokens, Weight::Plain, None, "Leave it").clicked();
        scene.act_if(pressed, || Intent::Manage(Managing::Ask(None)));
    });
}

/// Says that there are more than are shown.
fn more_ui(scene: &Scene<'_>, ui: &mut Ui, has_more: bool, command: &str) {
    if has_more {
        let words = format!("There are more: `{command}` lists all.");
        ui.label(RichText::new(words).size(theme::SMALL).color(scene.tokens.faint));
    }
}
