//! Projects, connections, what was refused, and how the client looks.

use assist_proto::api::project::ProjectInfo;
use assist_proto::api::sync::ConnectionState;
use assist_proto::api::user::{Configure, DesktopShown, Role, UserSettings};
use assist_proto::neutral;
use egui::{Align, Layout, Margin, RichText, ScrollArea, Sense, Ui, vec2};

use super::drafts::draft_ui;
use super::palette::keys_ui;
use super::sidebar::connection_icon;
use super::ticket::reading_ui;
use crate::icon::Icon;
use crate::intent::{Field, Intent, connection_words};
use crate::manage::role_name;
use crate::memory::ThemeChoice;
use crate::route::Route;
use crate::scene::Scene;
use crate::state::{Leaving, Relocating};
use crate::theme;
use crate::times;
use crate::widgets::{self, Weight, button, button_enabled, card};

pub(super) fn settings_ui(scene: &mut Scene<'_>, ui: &mut Ui) {
    ScrollArea::vertical().id_salt("settings").auto_shrink(false).show(ui, |ui| {
        reading_ui(ui, Margin { left: 24, right: 24, top: 22, bottom: 20 }, |ui| {
            let tokens = scene.tokens;
            ui.label(RichText::new("Settings").font(tokens.strong(theme::TITLE)).color(tokens.text));
            ui.add_space(10.0);
            drafts_ui(scene, ui);
            part_ui(scene, ui, "Projects", projects_ui);
            part_ui(scene, ui, "Looks", looks_ui);
            part_ui(scene, ui, "Keyboard", |scene, ui| keys_ui(scene, ui));
        });
    });
}

pub(super) fn part_ui(
    scene: &mut Scene<'_>,
    ui: &mut Ui,
    head: &str,
    draw: impl FnOnce(&mut Scene<'_>, &mut Ui),
) {
    counted_part_ui(scene, ui, head, None, draw);
}

/// The same, of things that are counted.
pub(super) fn counted_part_ui(
    scene: &mut Scene<'_>,
    ui: &mut Ui,
    head: &str,
    count: Option<usize>,
    draw: impl FnOnce(&mut Scene<'_>, &mut Ui),
) {
    let tokens = scene.tokens;
    let words = count.map_or_else(|| head.to_owned(), |count| format!("{head} ({count})"));
    ui.label(RichText::new(words).font(tokens.strong(theme::HEADING)).color(tokens.text));
    widgets::keyed(ui, head, |ui| {
        card(tokens).show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            draw(scene, ui);
        });
    });
    ui.add_space(16.0);
}

fn drafts_ui(scene: &mut Scene<'_>, ui: &mut Ui) {
    let state = scene.state;
    if state.drafts.is_empty() {
        return;
    }
    part_ui(scene, ui, "Refused, and kept", |scene, ui| {
        for draft in &state.drafts {
            widgets::keyed(ui, &draft.id, |ui| draft_ui(scene, ui, draft, true));
        }
    });
}

fn projects_ui(scene: &mut Scene<'_>, ui: &mut Ui) {
    let state = scene.state;
    for (index, project) in state.projects().iter().enumerate() {
        if index > 0 {
            ui.separator();
        }
        project_ui(scene, ui, project);
    }
}

fn project_ui(scene: &mut Scene<'_>, ui: &mut Ui, project: &ProjectInfo) {
    let tokens = scene.tokens;
    let connection = &project.connection;
    ui.horizontal(|ui| {
        let (icon, colour) = connection_icon(scene, scene.state.connection_of(&project.id, connection.state));
        let (rect, _) = ui.allocate_exact_size(vec2(18.0, 18.0), Sense::hover());
        icon.paint(ui.painter(), rect, colour);
        ui.label(
            RichText::new(neutral::line(&project.name)).font(tokens.strong(theme::BODY)).color(tokens.text),
        );
        let words = format!("{}, {}", neutral::line(&project.user_name), role_name(project.role));
        ui.label(RichText::new(words).color(tokens.soft));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let is_paused = connection.state == ConnectionState::Paused;
            let words = if is_paused { "Go online" } else { "Work offline" };
            let name = Some(project.id.clone());
            let pressed = button(ui, tokens, Weight::Plain, None, words).clicked();
            scene.act_if(pressed, || Intent::Pause { project: name, is_paused: !is_paused });
            if project.role == Role::Admin {
                let words = format!("Manage {}", neutral::line(&project.name));
                let pressed = button(ui, tokens, Weight::Plain, Some(Icon::Person), &words).clicked();
                scene.act_if(pressed, || Intent::Go(Route::Manage(project.id.clone())));
            }
        });
    });
    let since = times::relative(scene.now_millis, connection.since_millis);
    let words = format!(
        "{} since {since}. {}",
        connection_words(scene.state.connection_of(&project.id, connection.state)),
        connection.detail
    );
    ui.add(egui::Label::new(RichText::new(words).size(theme::SMALL).color(tokens.soft)).wrap());
    if let Some(settings) = &project.settings {
        told_and_shown_ui(scene, ui, settings);
    }
    if let Some(form) = scene.state.relocating.as_ref().filter(|form| form.project == project.id) {
        relocating_ui(scene, ui, project, form);
    }
    match scene.state.leaving.as_ref().filter(|leaving| leaving.project == project.id) {
        Some(leaving) => leaving_ui(scene, ui, leaving),
        None => {
            ui.horizontal_wrapped(|ui| {
                let words = "Its server has another address\u{2026}";
                let pressed = widgets::link_button(ui, tokens, words).clicked();
                scene.act_if(pressed, || Intent::AskToRelocate(Some(project.id.clone())));
                let words = format!("Leave {}\u{2026}", neutral::line(&project.name));
                let pressed = widgets::link_button(ui, tokens, &words).clicked();
                scene.act_if(pressed, || Intent::AskToLeave(Some(project.id.clone())));
            });
        }
    }
}

/// What this device shows and tells, and what the server mails.
fn told_and_shown_ui(scene: &mut Scene<'_>, ui: &mut Ui, settings: &UserSettings) {
    let configure = || Configure { project: Some(settings.project.clone()), ..Configure::default() };
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new("Notifications").color(scene.tokens.soft));
        let choices =
            [(DesktopShown::All, "All"), (DesktopShown::Mentions, "Mentions"), (DesktopShown::Off, "None")];
        for (shown, words) in choices {
            let pressed = ui.selectable_label(settings.desktop == shown, words).clicked();
            scene.act_if(pressed, || {
                Intent::Configure(Box::new(Configure { desktop: Some(shown), ..configure() }))
            });
        }
    });
    if settings.desktop != DesktopShown::Off {
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new("Quiet").color(scene.tokens.soft));
            let chosen = settings.quiet_hours.as_deref().unwrap_or(NEVER_QUIET);
            // Hours that were set by the command line are offered as they are.
            let other = [chosen].into_iter().filter(|chosen| !QUIET_HOURS.contains(chosen));
            for hours in QUIET_HOURS.into_iter().chain(other) {
                let words =
                    if hours == NEVER_QUIET { "Never".to_owned() } else { hours.replace('-', " \u{2013} ") };
                let pressed = ui.selectable_label(chosen == hours, words).clicked();
                let quiet_hours = Some(hours.to_owned());
                scene.act_if(pressed, || {
                    Intent::Configure(Box::new(Configure { quiet_hours, ..configure() }))
                });
            }
        });
    }
    let mut mails = settings.mails;
    let changed = ui.checkbox(&mut mails, "Mail me what is new while I am away").changed();
    scene.act_if(changed, || Intent::Configure(Box::new(Configure { mails: Some(mails), ..configure() })));
    let mut send_read_marks = settings.send_read_marks;
    let changed = ui.checkbox(&mut send_read_marks, "Tell others what I have read here").changed();
    let send_read_marks = Some(send_read_marks);
    scene.act_if(changed, || Intent::Configure(Box::new(Configure { send_read_marks, ..configure() })));
}

/// Takes the address at which a project's server is now. A link may have brought one: nobody but the person knows whether
/// to follow it.
fn relocating_ui(scene: &mut Scene<'_>, ui: &mut Ui, project: &ProjectInfo, form: &Relocating) {
    let tokens = scene.tokens;
    let name = neutral::line(&project.name);
    let words = format!(
        "Where is the server of {name} now? Whoever runs it gives you the address. What you wrote stays here and goes there."
    );
    ui.add(egui::Label::new(RichText::new(words).color(tokens.soft)).wrap());
    ui.add_space(4.0);
    let typed =
        widgets::field(scene, ui, "New address", "assist://\u{2026}", &form.address, Field::ServerAddress);
    if let Some(error) = &form.error {
        ui.add(egui::Label::new(RichText::new(error).color(tokens.bad)).wrap());
    }
    ui.add_space(6.0);
    let is_ready = !form.address.trim().is_empty();
    let is_entered = widgets::is_entered(ui, &[typed]) && is_ready;
    ui.horizontal(|ui| {
        let pressed =
            button_enabled(ui, tokens, Weight::Primary, None, "Look for it there", is_ready).clicked();
        scene.act_if(pressed || is_entered, || Intent::Relocate);
        let pressed = button(ui, tokens, Weight::Plain, None, "Leave the address as it is").clicked();
        scene.act_if(pressed, || Intent::AskToRelocate(None));
    });
}

fn leaving_ui(scene: &mut Scene<'_>, ui: &mut Ui, leaving: &Leaving) {
    let tokens = scene.tokens;
    let words = leaving.objection.as_deref().unwrap_or(
        "Its tickets go from this device. They stay with the project, and come back when you join again.",
    );
    ui.add(egui::Label::new(RichText::new(words).color(tokens.warn)).wrap());
    ui.horizontal(|ui| {
        let is_forced = leaving.objection.is_some();
        let words = if is_forced { "Leave, and lose it" } else { "Leave" };
        let pressed = button(ui, tokens, Weight::Danger, None, words).clicked();
        scene.act_if(pressed, || Intent::Leave { is_forced });
        let pressed = button(ui, tokens, Weight::Plain, None, "Stay").clicked();
        scene.act_if(pressed, || Intent::AskToLeave(None));
    });
}

fn looks_ui(scene: &mut Scene<'_>, ui: &mut Ui) {
    let looks = scene.state.looks;
    ui.horizontal(|ui| {
        ui.label(RichText::new("Theme").color(scene.tokens.soft));
        let themes = [
            (ThemeChoice::System, "As the system"),
            (ThemeChoice::Dark, "Dark"),
            (ThemeChoice::Light, "Light"),
        ];
        for (theme, name) in themes {
            let pressed = ui.selectable_label(looks.theme == theme, name).clicked();
            scene.act_if(pressed, || Intent::Theme(theme));
        }
    });
    ui.horizontal(|ui| {
        ui.label(RichText::new("Size").color(scene.tokens.soft));
        for percent in [90, 100, 110, 125, 150] {
            let is_chosen = looks.zoom_percent == percent || (looks.zoom_percent == 0 && percent == 100);
            let pressed = ui.selectable_label(is_chosen, format!("{percent} %")).clicked();
            scene.act_if(pressed, || Intent::Zoom(percent));
        }
    });
    let mut is_reduced = looks.has_reduced_motion;
    let changed = ui.checkbox(&mut is_reduced, "Move no more than needed").changed();
    scene.act_if(changed, || Intent::ReduceMotion(is_reduced));
}

/// As `user.configure` takes them.
const NEVER_QUIET: &str = "none";
const QUIET_HOURS: [&str; 3] = [NEVER_QUIET, "18:00-08:00", "22:00-07:00"];
