//! Views: functions that draw the state and hand up what the person did. They change nothing.

mod banner;
mod choosing;
mod composer;
mod conflicts;
mod drafts;
mod files;
mod history;
mod inbox;
mod joining;
mod lightbox;
mod manage;
mod new_ticket;
mod palette;
mod presence;
mod rewriting;
mod search;
mod settings;
mod sidebar;
mod state_line;
mod text;
mod thread;
mod ticket;
mod toasts;

use egui::{Rect, Ui, pos2};

use crate::icon::Icon;
use crate::intent::{Change, Intent, Selecting};
use crate::route::Route;
use crate::scene::Scene;
use crate::state::DaemonState;
use crate::widgets::{self, within};

/// Draws everything into the room that there is.
pub(crate) fn client_ui(scene: &mut Scene<'_>, ui: &mut Ui) {
    let whole = ui.available_rect_before_wrap();
    ui.advance_cursor_after_rect(whole);
    let salt = scene.salt;
    widgets::keyed(ui, salt, |ui| whole_ui(scene, ui, whole));
}

fn whole_ui(scene: &mut Scene<'_>, ui: &mut Ui, whole: Rect) {
    ui.painter().rect_filled(whole, 0.0, scene.tokens.page);
    let (banner, rest) = whole.split_top_bottom_at_y(whole.top() + banner::height(scene, ui));
    if banner.height() > 0.0 {
        within(ui, banner, "banner", |ui| banner::banner_ui(scene, ui));
    }
    if scene.state.projects().is_empty() {
        let is_known = scene.state.projects.is_some();
        within(ui, rest, "start", |ui| match is_known {
            true => joining::joining_ui(scene, ui),
            false => starting_ui(scene, ui),
        });
    } else {
        panes_ui(scene, ui, rest);
    }
    lightbox::lightbox_ui(scene, ui, whole);
    palette::palette_ui(scene, ui);
    palette::shortcuts_ui(scene, ui);
    files::arriving(scene, ui);
    files::dropping_ui(scene, ui, whole);
    toasts::toasts_ui(scene, ui, whole);
}

/// Three panes, or as many as there is room for.
fn panes_ui(scene: &mut Scene<'_>, ui: &mut Ui, whole: Rect) {
    let is_wide = whole.width() >= WIDE;
    let has_list = whole.width() >= MIDDLE || matches!(scene.state.route, Route::Inbox { .. });
    let has_page = whole.width() >= MIDDLE || !has_list;
    let side = if is_wide || !has_page { SIDEBAR } else { NARROW_SIDEBAR };
    let list = match (has_list, has_page) {
        (true, true) => (whole.width() * 0.34).clamp(LIST_MIN, LIST_MAX),
        (true, false) => whole.width() - side,
        (false, _) => 0.0,
    };
    let (sidebar, rest) = whole.split_left_right_at_x(whole.left() + side);
    let (inbox, page) = rest.split_left_right_at_x(rest.left() + list);
    ui.painter().rect_filled(sidebar, 0.0, scene.tokens.canvas);
    within(ui, sidebar, "sidebar", |ui| sidebar::sidebar_ui(scene, ui, side == SIDEBAR));
    if has_list {
        ui.painter().rect_filled(inbox, 0.0, scene.tokens.surface);
        within(ui, inbox, "inbox", |ui| inbox::inbox_ui(scene, ui));
    }
    if has_page {
        within(ui, page, "page", |ui| page_ui(scene, ui));
    }
    let line = egui::Stroke::new(1.0, scene.tokens.line);
    for x in [sidebar.right(), inbox.right()] {
        ui.painter().line_segment([pos2(x, whole.top()), pos2(x, whole.bottom())], line);
    }
}

fn page_ui(scene: &mut Scene<'_>, ui: &mut Ui) {
    match &scene.state.route {
        Route::Ticket(_) => ticket::ticket_ui(scene, ui),
        Route::NewTicket => new_ticket::new_ticket_ui(scene, ui),
        Route::Join => joining::joining_ui(scene, ui),
        Route::Settings => settings::settings_ui(scene, ui),
        Route::Manage(project) => manage::manage_ui(scene, ui, project),
        Route::Inbox { .. } => nothing_open_ui(scene, ui),
    }
}

fn nothing_open_ui(scene: &mut Scene<'_>, ui: &mut Ui) {
    let text = match scene.state.inbox.total {
        Some(0) => "Nothing to do here.",
        _ => "Choose a ticket to read it here.",
    };
    quiet_ui(ui, scene, Icon::Inbox, text, "J and K go through the list, N files a ticket.");
}

/// Before anything is known: what is waited for, in plain words.
fn starting_ui(scene: &mut Scene<'_>, ui: &mut Ui) {
    let (head, what) = match &scene.state.daemon {
        DaemonState::Failed(why) => ("The daemon does not start.", why.clone()),
        DaemonState::Starting => {
            ("Starting the daemon\u{2026}", "It keeps your tickets on this device.".to_owned())
        }
        _ => ("Looking for the daemon\u{2026}", "It keeps your tickets on this device.".to_owned()),
    };
    quiet_ui(ui, scene, Icon::Device, head, &what);
}

/// A quiet word in the middle.
fn quiet_ui(ui: &mut Ui, scene: &Scene<'_>, icon: Icon, head: &str, below: &str) {
    let tokens = scene.tokens;
    let room = ui.available_height();
    ui.vertical_centered(|ui| {
        ui.add_space((room / 2.0 - 60.0).max(0.0));
        let (rect, _) = ui.allocate_exact_size(egui::Vec2::splat(36.0), egui::Sense::hover());
        icon.paint(ui.painter(), rect, tokens.line_strong);
        ui.add_space(8.0);
        ui.label(egui::RichText::new(head).color(tokens.soft).font(tokens.strong(crate::theme::HEADING)));
        ui.label(egui::RichText::new(below).color(tokens.faint));
    });
}

/// What the keyboard does everywhere where no text is typed.
pub(crate) fn keys(scene: &mut Scene<'_>, ui: &Ui) {
    use egui::{Key, Modifiers};
    let ctx = ui.ctx();
    let pressed = |modifiers: Modifiers, key: Key| ctx.input_mut(|input| input.consume_key(modifiers, key));
    if pressed(Modifiers::COMMAND, Key::N) {
        scene.act(Intent::Go(Route::NewTicket));
    }
    if pressed(Modifiers::ALT, Key::ArrowLeft) {
        scene.act(Intent::Back);
    }
    if pressed(Modifiers::ALT, Key::ArrowRight) {
        scene.act(Intent::Forward);
    }
    if pressed(Modifiers::COMMAND, Key::K) {
        scene.act(Intent::ShowPalette(scene.state.palette.is_none()));
    }
    if pressed(Modifiers::COMMAND, Key::F) {
        let id = widgets::field_id(scene.salt, search::SEARCH);
        ctx.memory_mut(|memory| memory.request_focus(id));
    }
    if ctx.memory(|memory| memory.focused().is_some()) {
        return;
    }
    if pressed(Modifiers::NONE, Key::J) {
        scene.act(Intent::Step(crate::intent::Step::Next));
    }
    if pressed(Modifiers::NONE, Key::K) {
        scene.act(Intent::Step(crate::intent::Step::Previous));
    }
    if pressed(Modifiers::NONE, Key::N) {
        scene.act(Intent::Go(Route::NewTicket));
    }
    if pressed(Modifiers::NONE, Key::R) && scene.state.open.is_some() {
        let id = widgets::field_id(scene.salt, composer::TEXT);
        ctx.memory_mut(|memory| memory.request_focus(id));
    }
    if pressed(Modifiers::NONE, Key::M) && scene.state.is_team_here() {
        scene.act(Intent::WriteNote(true));
        let id = widgets::field_id(scene.salt, composer::TEXT);
        ctx.memory_mut(|memory| memory.request_focus(id));
    }
    ticket_keys(scene, ui);
    if ctx.input(|input| input.events.iter().any(|event| *event == egui::Event::Text("?".to_owned()))) {
        scene.act(Intent::ShowShortcuts(true));
    }
    if pressed(Modifiers::NONE, Key::Slash) {
        let id = widgets::field_id(scene.salt, search::SEARCH);
        ctx.memory_mut(|memory| memory.request_focus(id));
    }
}

/// What the keyboard does to the ticket that is shown.
fn ticket_keys(scene: &mut Scene<'_>, ui: &Ui) {
    use egui::{Key, Modifiers};
    let pressed = |key: Key| ui.ctx().input_mut(|input| input.consume_key(Modifiers::NONE, key));
    let Some(open) = &scene.state.open else { return };
    if pressed(Key::H) {
        scene.act(Intent::ShowHistory(!open.is_history_open));
    }
    if !scene.state.is_team_here() {
        return;
    }
    if pressed(Key::X) {
        scene.act(Intent::Select(open.key.clone(), Selecting::Toggle));
    }
    let own = scene.state.project(&open.key.project).map(|project| project.user_id.clone());
    scene.act_if(pressed(Key::A), || Intent::Change(Change::Assignee(own)));
}

/// From this width on all three panes have room.
const WIDE: f32 = 1080.0;
/// From this width on the list and the ticket stand side by side.
const MIDDLE: f32 = 820.0;
const SIDEBAR: f32 = 216.0;
const NARROW_SIDEBAR: f32 = 56.0;
const LIST_MIN: f32 = 320.0;
const LIST_MAX: f32 = 460.0;
