//! Who is in a project: what each may do, and a way out.

use assist_proto::api::member::RosterMember;
use assist_proto::api::user::Role;
use assist_proto::neutral;
use egui::{Align, Layout, RichText, Sense, Ui, Vec2};

use super::{confirm_ui, more_ui};
use crate::icon::Icon;
use crate::intent::Intent;
use crate::manage::{Irreversible, Manage, Managing, Roster, role_name};
use crate::scene::Scene;
use crate::theme;
use crate::times;
use crate::views::state_line::menu;
use crate::widgets::{self, icon_button};

pub(super) fn members_ui(scene: &mut Scene<'_>, ui: &mut Ui, manage: &Manage, roster: &Roster) {
    for (index, member) in roster.members.iter().enumerate() {
        if index > 0 {
            ui.separator();
        }
        widgets::keyed(ui, &member.id, |ui| {
            member_ui(scene, ui, member);
            confirm_ui(scene, ui, manage, &member.id);
        });
    }
    more_ui(scene, ui, roster.has_more_members, "assist member list");
}

fn member_ui(scene: &mut Scene<'_>, ui: &mut Ui, member: &RosterMember) {
    let tokens = scene.tokens;
    let name = neutral::line(&member.name).into_owned();
    ui.horizontal(|ui| {
        let (avatar, _) = ui.allocate_exact_size(Vec2::splat(30.0), Sense::hover());
        widgets::paint_avatar(ui.painter(), tokens, avatar, &name);
        // The ways to change them first, so that a long name is cut and they are not.
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if member.is_self {
                ui.label(RichText::new(format!("{} (you)", role_name(member.role))).color(tokens.soft));
            } else {
                let pressed = icon_button(ui, tokens, Icon::Cross, &format!("Remove {name}"), true).clicked();
                scene.act_if(pressed, || {
                    let asked = Irreversible::RemoveMember(member.id.clone(), member.name.clone());
                    Intent::Manage(Managing::Ask(Some(asked)))
                });
                role_ui(scene, ui, member, &name);
            }
            ui.with_layout(Layout::top_down(Align::Min), |ui| {
                ui.spacing_mut().item_spacing.y = 0.0;
                let text = RichText::new(&name).font(tokens.strong(theme::BODY)).color(tokens.text);
                ui.add(egui::Label::new(text).truncate());
                let text = RichText::new(below(scene, member)).size(theme::SMALL).color(tokens.soft);
                ui.add(egui::Label::new(text).truncate());
            });
        });
    });
}

fn role_ui(scene: &mut Scene<'_>, ui: &mut Ui, member: &RosterMember, name: &str) {
    let colour = scene.tokens.soft;
    let word = role_name(member.role);
    menu(ui, scene, &format!("Role of {name}: {word}"), word, colour, |scene, ui| {
        for role in [Role::Customer, Role::Agent, Role::Admin] {
            let pressed = ui.selectable_label(role == member.role, role_name(role)).clicked();
            scene.act_if(pressed && role != member.role, || {
                Intent::Manage(Managing::SetRole { member: member.id.clone(), role })
            });
        }
    });
}

/// What is known of them, in a line.
fn below(scene: &Scene<'_>, member: &RosterMember) -> String {
    let devices = match member.device_count {
        1 => "1 device".to_owned(),
        count => format!("{count} devices"),
    };
    let joined = times::relative(scene.now_millis, member.joined_at_millis);
    let email = member.email.as_deref().map(neutral::line).unwrap_or_default();
    let mut words = format!("{email} \u{b7} joined {joined} \u{b7} {devices}");
    if member.waiting_count > 0 {
        words.push_str(&format!(", {} waiting", member.waiting_count));
    }
    words.trim_start_matches(" \u{b7} ").to_owned()
}
