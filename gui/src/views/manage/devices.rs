//! The members' devices: those that wait to be let in first.

use assist_proto::api::device::{Device, DeviceState};
use assist_proto::neutral;
use egui::{Align, Color32, Layout, RichText, Sense, Ui, Vec2};

use super::{confirm_ui, more_ui};
use crate::icon::Icon;
use crate::intent::Intent;
use crate::manage::{Irreversible, Manage, Managing, Roster};
use crate::scene::Scene;
use crate::theme;
use crate::times;
use crate::widgets::{self, Weight, button, icon_button};

pub(super) fn devices_ui(scene: &mut Scene<'_>, ui: &mut Ui, manage: &Manage, roster: &Roster) {
    for (index, device) in roster.devices.iter().enumerate() {
        if index > 0 {
            ui.separator();
        }
        widgets::keyed(ui, &device.id, |ui| {
            device_ui(scene, ui, device);
            confirm_ui(scene, ui, manage, &device.id);
        });
    }
    more_ui(scene, ui, roster.has_more_devices, "assist device list");
}

fn device_ui(scene: &mut Scene<'_>, ui: &mut Ui, device: &Device) {
    let tokens = scene.tokens;
    let (icon, colour, word) = look_of(scene, device.state);
    ui.horizontal(|ui| {
        let (rect, _) = ui.allocate_exact_size(Vec2::splat(18.0), Sense::hover());
        icon.paint(ui.painter(), rect.shrink(1.0), colour);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ways_ui(scene, ui, device);
            ui.with_layout(Layout::top_down(Align::Min), |ui| {
                ui.spacing_mut().item_spacing.y = 0.0;
                let words =
                    format!("{}, of {}", neutral::line(&device.name), neutral::line(&device.user_name));
                ui.add(egui::Label::new(RichText::new(words).color(tokens.text)).truncate());
                let since = times::relative(scene.now_millis, device.since_millis);
                let begin = if device.state == DeviceState::Waiting { "asked" } else { "enrolled" };
                let own = if device.is_self { ", this very device" } else { "" };
                let words = format!("{word}{own} \u{b7} {begin} {since} \u{b7} {}", start_of(&device.id));
                ui.add(
                    egui::Label::new(RichText::new(words).size(theme::SMALL).color(tokens.soft)).truncate(),
                );
            });
        });
    });
}

fn ways_ui(scene: &mut Scene<'_>, ui: &mut Ui, device: &Device) {
    let tokens = scene.tokens;
    let name = neutral::line(&device.name);
    match device.state {
        DeviceState::Waiting => {
            let pressed = button(ui, tokens, Weight::Plain, None, "Turn away").clicked();
            scene.act_if(pressed, || Intent::Manage(Managing::Reject(device.id.clone())));
            let pressed = button(ui, tokens, Weight::Primary, None, "Let in").clicked();
            scene.act_if(pressed, || Intent::Manage(Managing::Approve(device.id.clone())));
        }
        DeviceState::Online | DeviceState::Offline | DeviceState::Unknown if !device.is_self => {
            let pressed = icon_button(ui, tokens, Icon::Cross, &format!("Shut {name} out"), true).clicked();
            scene.act_if(pressed, || {
                let asked = Irreversible::RevokeDevice(device.id.clone(), device.name.clone());
                Intent::Manage(Managing::Ask(Some(asked)))
            });
        }
        _ => {}
    }
}

/// How a device stands: in shape, colour and word.
fn look_of(scene: &Scene<'_>, state: DeviceState) -> (Icon, Color32, &'static str) {
    let tokens = scene.tokens;
    match state {
        DeviceState::Online => (Icon::Cloud, tokens.good, "connected"),
        DeviceState::Offline => (Icon::Device, tokens.soft, "not connected"),
        DeviceState::Waiting => (Icon::Clock, tokens.warn, "waits to be let in"),
        DeviceState::Revoked => (Icon::Cross, tokens.faint, "shut out"),
        DeviceState::Unknown => (Icon::Device, tokens.faint, "of a newer kind"),
    }
}

/// As much of an id as tells devices apart.
fn start_of(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}
