//! Lines on what happened, for a moment, at the top: at the bottom they would lie on what is pressed next.

use assist_proto::neutral;
use egui::{Align2, Area, Frame, Margin, Order, Rect, RichText, Sense, Stroke, Ui, vec2};

use crate::icon::Icon;
use crate::intent::Intent;
use crate::scene::Scene;
use crate::state::{Toast, ToastTone};
use crate::theme;
use crate::widgets::{icon_button, link_button};

pub(super) fn toasts_ui(scene: &mut Scene<'_>, ui: &Ui, whole: Rect) {
    let state = scene.state;
    if state.toasts.is_empty() {
        return;
    }
    let style = ui.style().clone();
    let at = whole.center_top() + vec2(0.0, 12.0);
    Area::new(scene.salt.with("toasts"))
        .order(Order::Foreground)
        .pivot(Align2::CENTER_TOP)
        .fixed_pos(at)
        .show(ui.ctx(), |ui| {
            ui.set_style(style);
            for (index, toast) in state.toasts.iter().enumerate() {
                toast_ui(scene, ui, index, toast);
            }
        });
}

fn toast_ui(scene: &mut Scene<'_>, ui: &mut Ui, index: usize, toast: &Toast) {
    let tokens = scene.tokens;
    let (icon, colour) = match toast.tone {
        ToastTone::Good => (Icon::Check, tokens.good),
        ToastTone::News => (Icon::Dot, tokens.accent),
        ToastTone::Bad => (Icon::Warning, tokens.bad),
    };
    let frame = Frame::new()
        .fill(tokens.raised)
        .stroke(Stroke::new(1.0, tokens.line_strong))
        .corner_radius(theme::RADIUS_LARGE)
        .inner_margin(Margin { left: 14, right: 6, top: 4, bottom: 4 });
    frame.show(ui, |ui| {
        ui.horizontal(|ui| {
            let (rect, _) = ui.allocate_exact_size(vec2(16.0, 16.0), Sense::hover());
            icon.paint(ui.painter(), rect, colour);
            ui.scope(|ui| {
                ui.set_max_width(420.0);
                ui.add(
                    egui::Label::new(RichText::new(neutral::block(&toast.text)).color(tokens.text)).wrap(),
                );
            });
            if let Some(route) = &toast.route {
                let pressed = link_button(ui, tokens, "Show").clicked();
                scene.act_if(pressed, || Intent::Go(route.clone()));
            }
            let pressed = icon_button(ui, tokens, Icon::Cross, "Put away", true).clicked();
            scene.act_if(pressed, || Intent::Dismiss(index));
        });
    });
}
