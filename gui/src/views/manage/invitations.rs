//! Inviting people: whom, as what, and what to give to them.

use assist_proto::api::member::OpenInvitation;
use assist_proto::api::server::Invitation;
use assist_proto::api::user::Role;
use assist_proto::neutral;
use egui::{Align, Layout, RichText, Ui};

use crate::icon::Icon;
use crate::intent::{Field, Intent};
use crate::manage::{Manage, Managing, role_name};
use crate::scene::Scene;
use crate::theme;
use crate::times;
use crate::widgets::{self, Weight, button, button_enabled, icon_button};

pub(super) fn invite_ui(scene: &mut Scene<'_>, ui: &mut Ui, manage: &Manage) {
    match &manage.invite.made {
        Some(made) => made_ui(scene, ui, made),
        None => form_ui(scene, ui, manage),
    }
    let open = manage.roster.as_ref().map_or(&[][..], |roster| &roster.invitations);
    for (index, invitation) in open.iter().enumerate() {
        ui.separator();
        widgets::keyed(ui, index, |ui| open_ui(scene, ui, invitation));
    }
}

fn form_ui(scene: &mut Scene<'_>, ui: &mut Ui, manage: &Manage) {
    let tokens = scene.tokens;
    let form = &manage.invite;
    let hint = "Only this person can use it then; a member's address invites a further device";
    widgets::field(scene, ui, "Email address", hint, &form.email, Field::InviteEmail);
    ui.add_space(4.0);
    let hint = "Needed unless they give it when they join";
    widgets::field(scene, ui, "Their name", hint, &form.name, Field::InviteName);
    ui.add_space(6.0);
    ui.horizontal(|ui| {
        ui.label(RichText::new("As").color(tokens.soft));
        for role in [Role::Customer, Role::Agent, Role::Admin] {
            let pressed = ui.selectable_label(form.role == role, role_name(role)).clicked();
            scene.act_if(pressed, || Intent::Manage(Managing::InviteAs(role)));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let words = if form.is_asking { "Asking the server\u{2026}" } else { "Make an invitation" };
            let made = button_enabled(ui, tokens, Weight::Primary, None, words, !form.is_asking);
            scene.act_if(made.clicked(), || Intent::Manage(Managing::Invite));
        });
    });
    if let Some(error) = &form.error {
        widgets::error_ui(ui, tokens, error);
    }
}

/// What to give to them. The code is told once: nobody can look it up.
fn made_ui(scene: &mut Scene<'_>, ui: &mut Ui, made: &Invitation) {
    let tokens = scene.tokens;
    let until = times::relative(scene.now_millis, made.expires_at_millis);
    let words = format!("For one {}, once; it ends {until}. Give both to them:", role_name(made.role));
    ui.label(RichText::new(words).color(tokens.soft));
    for (name, value) in [("Address", &made.address), ("Code", &made.code)] {
        ui.horizontal(|ui| {
            ui.label(RichText::new(name).size(theme::SMALL).color(tokens.faint));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let pressed =
                    button(ui, tokens, Weight::Quiet, None, &format!("Copy the {}", name.to_lowercase()));
                if pressed.clicked() {
                    ui.ctx().copy_text(value.clone());
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    let text = RichText::new(value).monospace().color(tokens.text);
                    ui.add(egui::Label::new(text).truncate());
                });
            });
        });
    }
    ui.horizontal(|ui| {
        if button(ui, tokens, Weight::Primary, None, "Copy both").clicked() {
            ui.ctx().copy_text(format!("Address: {}\nCode: {}\n", made.address, made.code));
        }
        let pressed = button(ui, tokens, Weight::Plain, None, "Put it away").clicked();
        scene.act_if(pressed, || Intent::Manage(Managing::ForgetInvitation));
    });
}

fn open_ui(scene: &mut Scene<'_>, ui: &mut Ui, invitation: &OpenInvitation) {
    let tokens = scene.tokens;
    ui.horizontal(|ui| {
        let whom =
            invitation.name.as_deref().or(invitation.email.as_deref()).unwrap_or("whoever has the code");
        let until = times::relative(scene.now_millis, invitation.expires_at_millis);
        let words = format!(
            "An invitation for {} as {}, not used yet; it ends {until}",
            neutral::line(whom),
            role_name(invitation.role)
        );
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            // What nobody is named in can only run out.
            if let Some(email) = &invitation.email {
                let name = format!("Take back the invitation for {}", neutral::line(email));
                let pressed = icon_button(ui, tokens, Icon::Cross, &name, true).clicked();
                scene.act_if(pressed, || Intent::Manage(Managing::Uninvite(email.clone())));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add(egui::Label::new(RichText::new(words).color(tokens.soft)).truncate());
            });
        });
    });
}
