//! Joining a project: an address, an email address, a code. Three short steps, each with what it is good for.

use assist_proto::api::project::PendingJoin;
use egui::{Margin, RichText, ScrollArea, Ui, vec2};

use crate::icon::Icon;
use crate::intent::{Field, Intent};
use crate::scene::Scene;
use crate::state::JoinForm;
use crate::theme;
use crate::widgets::{self, Weight, button_enabled, link_button};

pub(super) fn joining_ui(scene: &mut Scene<'_>, ui: &mut Ui) {
    let room = ui.available_rect_before_wrap();
    ui.painter().rect_filled(room, 0.0, scene.tokens.canvas);
    let width = CARD.min(room.width() - 32.0);
    ScrollArea::vertical().id_salt("joining").auto_shrink(false).show(ui, |ui| {
        ui.add_space((room.height() * 0.12).max(16.0));
        ui.horizontal(|ui| {
            ui.add_space((room.width() - width) / 2.0);
            ui.allocate_ui(vec2(width, 0.0), |ui| {
                ui.vertical(|ui| {
                    ui.set_width(width);
                    if scene.state.projects().is_empty() {
                        super::sidebar::brand_ui(scene, ui);
                        ui.add_space(14.0);
                    }
                    card_ui(scene, ui);
                });
            });
        });
    });
}

fn card_ui(scene: &mut Scene<'_>, ui: &mut Ui) {
    let tokens = scene.tokens;
    let state = scene.state;
    let form = &state.join;
    let pending = form.pending.as_ref().and_then(|id| state.pending.iter().find(|it| it.project == *id));
    widgets::card(tokens).inner_margin(Margin::same(28)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        match pending {
            Some(pending) if pending.is_waiting => waiting_ui(scene, ui, pending, form),
            Some(pending) => code_ui(scene, ui, pending, form),
            None => address_ui(scene, ui, form),
        }
        if let Some(error) = &form.error {
            ui.add_space(6.0);
            widgets::error_ui(ui, tokens, error);
        }
    });
    others_ui(scene, ui);
}

fn head_ui(scene: &Scene<'_>, ui: &mut Ui, head: &str, below: &str) {
    let tokens = scene.tokens;
    ui.label(RichText::new(head).font(tokens.strong(theme::TITLE)).color(tokens.text));
    ui.add_space(2.0);
    ui.label(RichText::new(below).color(tokens.soft));
    ui.add_space(14.0);
}

fn address_ui(scene: &mut Scene<'_>, ui: &mut Ui, form: &JoinForm) {
    let tokens = scene.tokens;
    let is_first = scene.state.projects().is_empty();
    let head = if is_first { "Welcome" } else { "Join a project" };
    let below = match is_first {
        true => "Join the project of the product that you use or make. Its team gave you an address.",
        false => "Its tickets appear beside those that you have.",
    };
    head_ui(scene, ui, head, below);
    widgets::field(scene, ui, "Address", "assist://\u{2026}", &form.address, Field::JoinAddress);
    ui.add_space(6.0);
    match form.has_code {
        true => {
            widgets::field(scene, ui, "Code", "From your invitation", &form.code, Field::JoinCode);
            ui.add_space(6.0);
            let hint = "As others will see it; needed unless the invitation has one";
            widgets::field(scene, ui, "Your name", hint, &form.name, Field::JoinName);
        }
        false => {
            widgets::field(scene, ui, "Email", "you@example.org", &form.email, Field::JoinEmail);
            ui.add_space(6.0);
            widgets::field(scene, ui, "Your name", "As others will see it", &form.name, Field::JoinName);
        }
    }
    ui.add_space(14.0);
    let needed = if form.has_code { &form.code } else { &form.email };
    let is_ready = !form.is_asking && !form.address.trim().is_empty() && !needed.trim().is_empty();
    let (words, intent) = match form.has_code {
        true => ("Join", Intent::Confirm),
        false => ("Send me a code", Intent::RequestCode),
    };
    ui.horizontal(|ui| {
        let words = if form.is_asking { "Asking the server\u{2026}" } else { words };
        let pressed = button_enabled(ui, tokens, Weight::Primary, None, words, is_ready).clicked();
        scene.act_if(pressed, || intent);
        let other = if form.has_code { "I have no code" } else { "I have a code" };
        let pressed = link_button(ui, tokens, other).clicked();
        scene.act_if(pressed, || Intent::HaveCode(!form.has_code));
    });
}

fn code_ui(scene: &mut Scene<'_>, ui: &mut Ui, pending: &PendingJoin, form: &JoinForm) {
    let tokens = scene.tokens;
    let below = format!("A code is on its way to {}. It works once, on this device.", pending.email);
    head_ui(scene, ui, &format!("Join {}", pending.name), &below);
    widgets::field(scene, ui, "Code", "From the mail", &form.code, Field::JoinCode);
    ui.add_space(4.0);
    let check = format!("Opened the link in the mail on another device? Type there: {}", pending.check);
    ui.label(RichText::new(check).size(theme::SMALL).color(tokens.faint));
    ui.add_space(12.0);
    ui.horizontal(|ui| {
        let is_ready = !form.is_asking && !form.code.trim().is_empty();
        let words = if form.is_asking { "Asking the server\u{2026}" } else { "Join" };
        let pressed = button_enabled(ui, tokens, Weight::Primary, None, words, is_ready).clicked();
        scene.act_if(pressed, || Intent::Confirm);
        let pressed = link_button(ui, tokens, "Begin anew").clicked();
        scene.act_if(pressed, || Intent::GoOnJoining(None));
    });
}

fn waiting_ui(scene: &mut Scene<'_>, ui: &mut Ui, pending: &PendingJoin, form: &JoinForm) {
    let tokens = scene.tokens;
    let below =
        "Your address is proven. This device waits to be let in: by another device of yours, or by an admin.";
    head_ui(scene, ui, &format!("{} knows you already", pending.name), below);
    let name = format!("This device is called \u{201c}{}\u{201d} there.", pending.device_name);
    ui.label(RichText::new(name).color(tokens.soft));
    ui.add_space(12.0);
    ui.horizontal(|ui| {
        let words = if form.is_asking { "Asking the server\u{2026}" } else { "Was I let in?" };
        let pressed = button_enabled(ui, tokens, Weight::Primary, None, words, !form.is_asking).clicked();
        scene.act_if(pressed, || Intent::Confirm);
        let pressed = link_button(ui, tokens, "Join another project").clicked();
        scene.act_if(pressed, || Intent::GoOnJoining(None));
    });
}

/// Other projects that were asked for and wait.
fn others_ui(scene: &mut Scene<'_>, ui: &mut Ui) {
    let tokens = scene.tokens;
    let state = scene.state;
    let others: Vec<&PendingJoin> = state
        .pending
        .iter()
        .filter(|pending| state.join.pending.as_ref() != Some(&pending.project))
        .collect();
    if others.is_empty() {
        return;
    }
    ui.add_space(14.0);
    for pending in others {
        ui.horizontal(|ui| {
            let (rect, _) = ui.allocate_exact_size(vec2(16.0, 16.0), egui::Sense::hover());
            Icon::Clock.paint(ui.painter(), rect, tokens.soft);
            let words = format!("Go on with {}", pending.name);
            let pressed = link_button(ui, tokens, &words).clicked();
            scene.act_if(pressed, || Intent::GoOnJoining(Some(pending.project.clone())));
        });
    }
}

const CARD: f32 = 460.0;
