//! Joining a project: an address, an email address, a code. Three short steps, each with what it is good for.

use assist_proto::api::project::PendingJoin;
use egui::{Margin, RichText, ScrollArea, Ui, vec2};

use crate::icon::Icon;
use crate::intent::{Field, Intent};
use crate::scene::Scene;
use crate::state::{JoinForm, LinkCheck};
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
        match (&form.check, pending) {
            (Some(check), _) => check_ui(scene, ui, check, form),
            (None, Some(pending)) if pending.is_waiting => waiting_ui(scene, ui, pending, form),
            (None, Some(pending)) => code_ui(scene, ui, pending, form),
            (None, None) => address_ui(scene, ui, form),
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
        true if scene.state.scope.is_some() => {
            "Say who you are, once: then you can ask, and read the answers here."
        }
        true => "Join the project of the product that you use or make. Its team gave you an address.",
        false => "Its tickets appear beside those that you have.",
    };
    head_ui(scene, ui, head, below);
    let mut fields = Vec::new();
    // A host has given the one of its own project.
    if scene.state.scope.is_none() {
        let address = &form.address;
        fields.push(widgets::field(scene, ui, "Address", "assist://\u{2026}", address, Field::JoinAddress));
        ui.add_space(6.0);
    }
    let (proof, name) = match form.has_code {
        true => (
            ("Code", "From your invitation", &form.code, Field::JoinCode),
            "As others will see it; needed unless the invitation has one",
        ),
        false => (("Email", "you@example.org", &form.email, Field::JoinEmail), "As others will see it"),
    };
    fields.push(widgets::field(scene, ui, proof.0, proof.1, proof.2, proof.3));
    ui.add_space(6.0);
    fields.push(widgets::field(scene, ui, "Your name", name, &form.name, Field::JoinName));
    ui.add_space(14.0);
    let is_ready = !form.is_asking && !form.address.trim().is_empty() && !proof.2.trim().is_empty();
    let (words, intent) = match form.has_code {
        true => ("Join", Intent::Confirm),
        false => ("Send me a code", Intent::RequestCode),
    };
    let is_entered = widgets::is_entered(ui, &fields) && is_ready;
    ui.horizontal(|ui| {
        let words = if form.is_asking { "Asking the server\u{2026}" } else { words };
        let pressed = button_enabled(ui, tokens, Weight::Primary, None, words, is_ready).clicked();
        scene.act_if(pressed || is_entered, || intent);
        let other = if form.has_code { "I have no code" } else { "I have a code" };
        let pressed = link_button(ui, tokens, other).clicked();
        scene.act_if(pressed, || Intent::HaveCode(!form.has_code));
    });
}

fn code_ui(scene: &mut Scene<'_>, ui: &mut Ui, pending: &PendingJoin, form: &JoinForm) {
    let tokens = scene.tokens;
    let below = format!("A code is on its way to {}. It works once, on this device.", pending.email);
    head_ui(scene, ui, &format!("Join {}", pending.name), &below);
    let code = widgets::field(scene, ui, "Code", "From the mail", &form.code, Field::JoinCode);
    let is_entered = widgets::is_entered(ui, &[code]);
    ui.add_space(4.0);
    let check = format!("Opened the link in the mail on another device? Type there: {}", pending.check);
    ui.label(RichText::new(check).size(theme::SMALL).color(tokens.faint));
    ui.add_space(12.0);
    ui.horizontal(|ui| {
        let is_ready = !form.is_asking && !form.code.trim().is_empty();
        let words = if form.is_asking { "Asking the server\u{2026}" } else { "Join" };
        let pressed = button_enabled(ui, tokens, Weight::Primary, None, words, is_ready).clicked();
        scene.act_if(pressed || (is_entered && is_ready), || Intent::Confirm);
        let pressed = link_button(ui, tokens, "Begin anew").clicked();
        scene.act_if(pressed, || Intent::GoOnJoining(None));
    });
}

/// The link of a mail was opened on another device than the one that had it sent.
fn check_ui(scene: &mut Scene<'_>, ui: &mut Ui, check: &LinkCheck, form: &JoinForm) {
    let tokens = scene.tokens;
    let below = "Another device had this mail sent. If that is yours, type what it shows: then it is in.";
    head_ui(scene, ui, "Let your other device in", below);
    widgets::field(scene, ui, "What it shows", "Four characters", &check.check, Field::JoinCheck);
    ui.add_space(12.0);
    ui.horizontal(|ui| {
        let is_ready = !form.is_asking && !check.check.trim().is_empty();
        let words = if form.is_asking { "Asking the server\u{2026}" } else { "Let it in" };
        let pressed = button_enabled(ui, tokens, Weight::Primary, None, words, is_ready).clicked();
        scene.act_if(pressed, || Intent::AnswerLink(true));
        let pressed = link_button(ui, tokens, "It is not mine").clicked();
        scene.act_if(pressed, || Intent::AnswerLink(false));
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
