//! What is done with several tickets at once: a bar in place of the list's head, while any is chosen.

use assist_proto::api::ticket::{Priority, Status};
use assist_proto::api::user::Role;
use assist_proto::neutral;
use egui::containers::menu::MenuButton;
use egui::{Align, Button, Layout, RichText, TextEdit, Ui};

use super::state_line::{ARROW_ROOM, arrow, priority_name, status_name};
use crate::icon::Icon;
use crate::intent::{Change, Field, Intent};
use crate::scene::Scene;
use crate::theme;
use crate::widgets::{self, icon_button};

pub(super) fn choosing_ui(scene: &mut Scene<'_>, ui: &mut Ui) {
    let tokens = scene.tokens;
    let count = scene.state.inbox.chosen.len();
    ui.horizontal(|ui| {
        let text = RichText::new(format!("{count} chosen")).font(tokens.strong(theme::HEADING));
        ui.label(text.color(tokens.text));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let is_none = icon_button(ui, tokens, Icon::Cross, "Choose none", true).clicked();
            scene.act_if(is_none, || Intent::SelectNone);
        });
    });
    ui.add_space(2.0);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        menu(scene, ui, "Status", |scene, ui| {
            for status in [Status::Open, Status::Pending, Status::Resolved, Status::Closed] {
                choice(scene, ui, status_name(status), Change::Status(status));
            }
        });
        menu(scene, ui, "Priority", |scene, ui| {
            for priority in [Priority::Urgent, Priority::High, Priority::Normal, Priority::Low] {
                choice(scene, ui, priority_name(priority), Change::Priority(Some(priority)));
            }
            choice(scene, ui, "No priority", Change::Priority(None));
        });
        menu(scene, ui, "Assignee", assignees_ui);
        menu(scene, ui, "Label", label_ui);
    });
}

fn assignees_ui(scene: &mut Scene<'_>, ui: &mut Ui) {
    let state = scene.state;
    choice(scene, ui, "Nobody", Change::Assignee(None));
    // Who is known in several projects is not the same there: only those of one are offered.
    let projects =
        state.inbox.chosen.iter().map(|key| &key.project).collect::<std::collections::BTreeSet<_>>();
    let users = match (projects.len(), projects.first()) {
        (1, Some(project)) => state.people.get(*project).map_or(&[][..], |people| &people.users),
        _ => &[],
    };
    choice(scene, ui, "Me", Change::Assignee(Some("me".to_owned())));
    for user in users.iter().filter(|user| user.role != Role::Customer && !user.is_self) {
        choice(scene, ui, &neutral::line(&user.name), Change::Assignee(Some(user.id.clone())));
    }
}

fn label_ui(scene: &mut Scene<'_>, ui: &mut Ui) {
    let mut typed = scene.state.inbox.label.clone();
    let hint = RichText::new("A word or two").color(scene.tokens.faint);
    let response = ui.add(TextEdit::singleline(&mut typed).hint_text(hint).desired_width(160.0));
    widgets::name(ui, &response, "Label for all");
    let is_done = response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
    let label = typed.trim().to_owned();
    scene.act_if(response.changed(), || Intent::Type(Field::ChosenLabel, typed));
    if is_done && !label.is_empty() {
        scene.act(Intent::ChangeChosen(Change::AddLabel(label)));
        ui.close();
    }
}

fn choice(scene: &mut Scene<'_>, ui: &mut Ui, name: &str, change: Change) {
    let pressed = ui.selectable_label(false, name).clicked();
    scene.act_if(pressed, || Intent::ChangeChosen(change));
}

fn menu(scene: &mut Scene<'_>, ui: &mut Ui, word: &str, draw: impl FnOnce(&mut Scene<'_>, &mut Ui)) {
    let tokens = scene.tokens;
    let text = RichText::new(format!("{word}{ARROW_ROOM}")).size(theme::SMALL).color(tokens.text);
    let button = Button::new(text).fill(tokens.raised).min_size(egui::vec2(0.0, 28.0));
    let style = tokens.style(ui.style());
    let (response, _) = MenuButton::from_button(button).ui(ui, |ui| {
        ui.set_style(style);
        draw(scene, ui);
    });
    widgets::name(ui, &response, &format!("{word} of all that are chosen"));
    arrow(ui, response.rect, tokens.soft);
    widgets::focus_ring(ui.painter(), tokens, response.rect, &response);
}
