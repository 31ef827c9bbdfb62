//! How the project's server fares, in plain words.

use assist_proto::api::server::{DiskState, DiskStatus, MailRoute, MailStatus};
use assist_proto::neutral;
use egui::{Align, Color32, Layout, RichText, Ui};

use crate::files::size_words;
use crate::manage::{Manage, ServerHealth};
use crate::scene::Scene;
use crate::theme;
use crate::times;
use crate::views::settings::part_ui;

pub(super) fn health_ui(scene: &mut Scene<'_>, ui: &mut Ui, manage: &Manage) {
    let Some(health) = &manage.server.health else { return };
    let now_millis = scene.now_millis;
    part_ui(scene, ui, "The server", |scene, ui| {
        let stats = &health.stats;
        fact_ui(scene, ui, "Version", &neutral::line(&stats.version), None);
        fact_ui(scene, ui, "Up for", &times::span(stats.uptime_millis), None);
        let connected = format!("{} of {} devices", stats.connected_count, stats.device_count);
        fact_ui(scene, ui, "Connected", &connected, None);
        let let_in = format!("{} since it was started", stats.admitted_count);
        fact_ui(scene, ui, "Changes let in", &let_in, None);
        let (refused, colour) = refused_words(scene, health);
        fact_ui(scene, ui, "Refused in the last day", &refused, colour);
    });
    part_ui(scene, ui, "What it keeps", |scene, ui| {
        let stats = &health.stats;
        fact_ui(scene, ui, "Tickets", &stats.ticket_count.to_string(), None);
        fact_ui(scene, ui, "People", &stats.member_count.to_string(), None);
        fact_ui(scene, ui, "On its disk", &size_words(stats.store_bytes), None);
        let (free, colour) = disk_words(scene, &stats.disk);
        fact_ui(scene, ui, "Free on its disk", &free, colour);
        let (backup, colour) = backup_words(scene, stats.backed_up_at_millis, now_millis);
        fact_ui(scene, ui, "Last backup", &backup, colour);
    });
    part_ui(scene, ui, "Mail", |scene, ui| {
        let mail = &health.stats.mail;
        fact_ui(scene, ui, "Leaves", route_words(mail), None);
        fact_ui(scene, ui, "Sent", &mail.sent_count.to_string(), None);
        fact_ui(scene, ui, "Waiting", &mail.waiting_count.to_string(), None);
        let has_failed = mail.failed_count > 0;
        fact_ui(
            scene,
            ui,
            "Given up",
            &mail.failed_count.to_string(),
            has_failed.then_some(scene.tokens.warn),
        );
    });
}

/// A name and what there is to say of it; in a colour where it wants a look.
fn fact_ui(scene: &Scene<'_>, ui: &mut Ui, name: &str, value: &str, colour: Option<Color32>) {
    let tokens = scene.tokens;
    ui.horizontal(|ui| {
        ui.label(RichText::new(name).color(tokens.soft));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let text = RichText::new(value).color(colour.unwrap_or(tokens.text));
            let text = if colour.is_some() { text.font(tokens.strong(theme::BODY)) } else { text };
            ui.add(egui::Label::new(text).truncate());
        });
    });
}

fn refused_words(scene: &Scene<'_>, health: &ServerHealth) -> (String, Option<Color32>) {
    let since = scene.now_millis.saturating_sub(DAY_MILLIS);
    let count = health.refused_at.iter().filter(|at| **at >= since).count();
    match (count, health.has_more_refused && count == health.refused_at.len()) {
        (0, _) => ("nothing".to_owned(), None),
        (count, true) => (format!("{count} changes or more: see the log"), Some(scene.tokens.warn)),
        (1, false) => ("one change".to_owned(), None),
        (count, false) => (format!("{count} changes"), None),
    }
}

fn disk_words(scene: &Scene<'_>, disk: &DiskStatus) -> (String, Option<Color32>) {
    let free = size_words(disk.free_bytes);
    match disk.state {
        DiskState::Ample | DiskState::Unknown => (free, None),
        DiskState::Low => (format!("{free}: make room soon"), Some(scene.tokens.warn)),
        DiskState::Full => (format!("{free}: nothing new is taken"), Some(scene.tokens.bad)),
    }
}

fn backup_words(scene: &Scene<'_>, at_millis: Option<u64>, now_millis: u64) -> (String, Option<Color32>) {
    let Some(at_millis) = at_millis else { return ("never".to_owned(), Some(scene.tokens.bad)) };
    let is_old = now_millis.saturating_sub(at_millis) > 2 * DAY_MILLIS;
    (times::relative(now_millis, at_millis), is_old.then_some(scene.tokens.warn))
}

const fn route_words(mail: &MailStatus) -> &'static str {
    match mail.route {
        MailRoute::None => "not at all: nobody can join by email",
        MailRoute::Folder => "into a folder, for trials",
        MailRoute::Relay => "through a relay",
    }
}

const DAY_MILLIS: u64 = 24 * 3_600_000;
