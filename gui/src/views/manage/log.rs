//! What the project's server decided: changes let in and refused, people let in, shut out, or given a role.

use assist_proto::api::server::log::{LogActor, LogEntry, LogWord};
use assist_proto::neutral;
use egui::{Align, Color32, Layout, RichText, Sense, Ui, Vec2};

use crate::icon::Icon;
use crate::intent::Intent;
use crate::manage::{LogView, Manage, Managing, role_name};
use crate::scene::Scene;
use crate::theme;
use crate::times;
use crate::views::settings::part_ui;
use crate::widgets::{self, Weight, button, button_enabled};

pub(super) fn log_ui(scene: &mut Scene<'_>, ui: &mut Ui, manage: &Manage) {
    let log = &manage.server.log;
    ui.horizontal(|ui| {
        for (word, is_refused_only) in [("Everything", false), ("Refused only", true)] {
            let pressed = ui.selectable_label(log.is_refused_only == is_refused_only, word).clicked();
            scene.act_if(pressed, || Intent::Manage(Managing::RefusedOnly(is_refused_only)));
        }
    });
    ui.add_space(8.0);
    part_ui(scene, ui, "What the server decided", |scene, ui| {
        for (index, entry) in log.entries.iter().enumerate() {
            if index > 0 {
                ui.separator();
            }
            widgets::keyed(ui, entry.number, |ui| entry_ui(scene, ui, entry));
        }
        end_ui(scene, ui, log);
    });
}

fn entry_ui(scene: &Scene<'_>, ui: &mut Ui, entry: &LogEntry) {
    let tokens = scene.tokens;
    let (icon, colour) = look_of(scene, entry.what);
    ui.horizontal(|ui| {
        let (rect, _) = ui.allocate_exact_size(Vec2::splat(18.0), Sense::hover());
        icon.paint(ui.painter(), rect.shrink(1.0), colour);
        ui.with_layout(Layout::top_down(Align::Min), |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            ui.add(egui::Label::new(RichText::new(words(entry)).color(tokens.text)).truncate());
            let who = match (&entry.by, entry.what) {
                (Some(by), _) => doer(by),
                (None, LogWord::RefusedMore) => "from several devices".to_owned(),
                (None, _) => "the operator, at the server".to_owned(),
            };
            let when = times::relative(scene.now_millis, entry.at_millis);
            let words = format!("{who} \u{b7} {when} \u{b7} no. {}", entry.number);
            let text = RichText::new(words).size(theme::SMALL).color(tokens.soft);
            let told = ui.add(egui::Label::new(text).truncate());
            told.on_hover_text(times::exact(entry.at_millis));
        });
    });
}

/// What stands below the last entry: that there is none, or a way to those before.
fn end_ui(scene: &mut Scene<'_>, ui: &mut Ui, log: &LogView) {
    let tokens = scene.tokens;
    if log.entries.is_empty() && !log.is_awaited && log.next.is_none() {
        let words = if log.is_refused_only { "Nothing was refused." } else { "Nothing is told yet." };
        ui.label(RichText::new(words).color(tokens.faint));
    }
    if log.next.is_some() {
        ui.add_space(6.0);
        let words = if log.is_awaited { "Asking the server\u{2026}" } else { "Show older" };
        let pressed = button_enabled(ui, tokens, Weight::Plain, None, words, !log.is_awaited).clicked();
        scene.act_if(pressed, || Intent::Manage(Managing::ShowOlder));
    } else if log.is_awaited {
        button(ui, tokens, Weight::Quiet, None, "Asking the server\u{2026}");
    }
}

/// What happened, in a line.
fn words(entry: &LogEntry) -> String {
    let role = entry.role.map(role_name).unwrap_or_default();
    let of = entry.of.as_ref().or(entry.by.as_ref());
    let person = of.map(person).unwrap_or_default();
    let device = of.and_then(|of| of.device_name.as_deref()).map(neutral::line).unwrap_or("a device".into());
    match entry.what {
        LogWord::Admitted => match (entry.ticket_number, &entry.ticket) {
            (Some(number), _) => format!("Let in: a change to ticket #{number}"),
            (None, Some(_)) => "Let in: a change to a ticket".to_owned(),
            (None, None) => "Let in: a change to the project itself".to_owned(),
        },
        LogWord::Refused => {
            let code = entry.code.as_deref().unwrap_or("no reason is known").replace('_', " ");
            format!("Refused: {}", neutral::line(&code))
        }
        LogWord::RefusedMore => format!("{} more were refused", entry.count.unwrap_or_default()),
        LogWord::Made => "The project was made".to_owned(),
        LogWord::TakenUp => "The log begins here: the server served before".to_owned(),
        LogWord::Recovered => "The server began again with nothing but its keys".to_owned(),
        LogWord::Restored => "The server was restored from a backup".to_owned(),
        LogWord::BackedUp => "A backup was made".to_owned(),
        LogWord::Retired => "The last backup was begun, to move the server".to_owned(),
        LogWord::Moved => "The server goes on at another place".to_owned(),
        LogWord::Invited => format!("Invited somebody as {role}"),
        LogWord::Uninvited => "Took invitations back".to_owned(),
        LogWord::Enrolled => format!("{person} came in as {role}, on \u{201c}{device}\u{201d}"),
        LogWord::TurnedAway => format!("A device of {person} was turned away"),
        LogWord::ShutOut => format!("\u{201c}{device}\u{201d} of {person} was shut out"),
        LogWord::RoleGiven => format!("{person} became {role}"),
        LogWord::Removed => format!("{person} was taken off the roster"),
        LogWord::Other => "Something that only a later version has a word for".to_owned(),
    }
}

/// Whose doing it was, as what and where.
fn doer(actor: &LogActor) -> String {
    let role = actor.role.map(|role| format!(" ({})", role_name(role))).unwrap_or_default();
    format!("{}{role}", person(actor))
}

/// A person by name, else by what is known.
fn person(actor: &LogActor) -> String {
    let known = actor.user_name.as_deref().or(actor.device_name.as_deref());
    let start = |id: &String| id.get(..8).unwrap_or(id).to_owned();
    let id = actor.user.as_ref().or(actor.device.as_ref()).map(start).unwrap_or_default();
    known.map_or(id, |name| neutral::line(name).into_owned())
}

fn look_of(scene: &Scene<'_>, what: LogWord) -> (Icon, Color32) {
    let tokens = scene.tokens;
    match what {
        LogWord::Admitted => (Icon::Check, tokens.good),
        LogWord::Refused | LogWord::RefusedMore => (Icon::Cross, tokens.bad),
        LogWord::Enrolled | LogWord::RoleGiven | LogWord::Invited => (Icon::Person, tokens.accent),
        LogWord::Uninvited | LogWord::TurnedAway | LogWord::ShutOut | LogWord::Removed => {
            (Icon::Lock, tokens.warn)
        }
        _ => (Icon::Cloud, tokens.soft),
    }
}
