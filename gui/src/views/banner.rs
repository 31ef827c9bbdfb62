//! The quiet line at the top while not everything is in reach. It says what that means for what one writes.

use assist_proto::api::sync::{ConnectionState, HeldUp, HeldUpReason, ProjectSync};
use egui::{Align, Layout, RichText, Ui, vec2};

use crate::icon::Icon;
use crate::intent::Intent;
use crate::scene::Scene;
use crate::state::DaemonState;
use crate::widgets::{self, Weight};

/// Returns how high the banner is: nothing while all is well. To be asked each frame.
pub(super) fn height(scene: &mut Scene<'_>, ui: &Ui) -> f32 {
    let is_there = words(scene).is_some();
    scene.layouts.note_banner(is_there, ui.input(|input| input.time));
    if is_there { HEIGHT } else { 0.0 }
}

pub(super) fn banner_ui(scene: &mut Scene<'_>, ui: &mut Ui) {
    let Some(words) = words(scene) else { return };
    let tokens = scene.tokens;
    let rect = ui.max_rect();
    let colour = if words.is_bad { tokens.bad } else { tokens.warn };
    let fill = tokens.tint(colour, tokens.canvas);
    ui.painter().rect_filled(rect, 0.0, fill);
    ui.scope_builder(egui::UiBuilder::new().max_rect(rect.shrink2(vec2(14.0, 3.0))), |ui| {
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            let (icon, _) = ui.allocate_exact_size(vec2(16.0, 16.0), egui::Sense::hover());
            words.icon.paint(ui.painter(), icon, colour);
            ui.label(RichText::new(words.head).color(tokens.text).font(tokens.strong(crate::theme::BODY)));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if words.can_resume {
                    let pressed =
                        widgets::button(ui, tokens, Weight::Plain, Some(Icon::Play), "Go online").clicked();
                    // The banner moves the page: what was meant is what stood here before.
                    let is_meant = scene.layouts.is_banner_settled(ui.input(|input| input.time));
                    scene.act_if(pressed && is_meant, || Intent::Pause { project: None, is_paused: false });
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    ui.add(egui::Label::new(RichText::new(words.below).color(tokens.soft)).truncate());
                });
            });
        });
    });
}

struct Words {
    icon: Icon,
    head: &'static str,
    below: String,
    is_bad: bool,
    can_resume: bool,
}

fn words(scene: &Scene<'_>) -> Option<Words> {
    let state = scene.state;
    let words = |icon, head, below: String| Words { icon, head, below, is_bad: false, can_resume: false };
    match &state.daemon {
        DaemonState::Lost if state.projects.is_some() => {
            let below = "What you see is still there; it is looked for.".to_owned();
            return Some(words(Icon::Device, "The daemon has gone.", below));
        }
        DaemonState::Failed(why) if state.projects.is_some() => {
            let words = words(Icon::Warning, "The daemon does not start.", why.clone());
            return Some(Words { is_bad: true, ..words });
        }
        _ => {}
    }
    let sync = state.connection()?;
    let kept = match state.unsent_count() {
        0 => "What you write is kept here and sent when the server is back.".to_owned(),
        1 => "1 change is kept here and sent when the server is back.".to_owned(),
        count => format!("{count} changes are kept here and sent when the server is back."),
    };
    match state.connection_of(&sync.project, sync.connection.state) {
        ConnectionState::Offline | ConnectionState::Unknown => {
            let below = match state.projects().len() {
                0 | 1 => kept,
                _ => format!("{}: {kept}", sync.name),
            };
            Some(words(Icon::CloudOff, "You are offline.", below))
        }
        ConnectionState::Paused => {
            let words = words(
                Icon::Pause,
                "You are working offline.",
                kept.replace("the server is back", "you go online"),
            );
            Some(Words { can_resume: true, ..words })
        }
        ConnectionState::Refused => {
            let below = format!("{}: {}", sync.name, sync.connection.detail);
            Some(Words {
                is_bad: true,
                ..words(Icon::Warning, "The server does not let this device in.", below)
            })
        }
        // Short, and mended by itself: no reason to make the page jump.
        ConnectionState::Online | ConnectionState::Connecting => {
            let (sync, held_up) = held_up(scene)?;
            let below = format!("{}: {}. {}", sync.name, held_up.detail, kept.replace("is back", "takes it"));
            Some(words(Icon::CloudOff, "The server takes nothing new.", below))
        }
    }
}

/// A project whose server takes nothing new for a reason that may last. Who wrote too much at once waits for moments.
fn held_up<'a>(scene: &Scene<'a>) -> Option<(&'a ProjectSync, &'a HeldUp)> {
    let held_up = scene.state.syncs.iter().filter_map(|sync| Some((sync, sync.connection.held_up.as_ref()?)));
    held_up.into_iter().find(|(_, held_up)| held_up.reason != HeldUpReason::Quota)
}

const HEIGHT: f32 = 38.0;
