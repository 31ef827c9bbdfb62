//! The way around: views, projects, and how the connections stand.

use assist_proto::api::sync::{ConnectionState, ProjectSync};
use assist_proto::neutral;
use egui::{Align2, Color32, Rect, Response, RichText, Role, ScrollArea, Sense, Ui, WidgetInfo, pos2, vec2};

use crate::icon::{Icon, square_at};
use crate::intent::{Intent, Viewing, connection_words};
use crate::route::{Route, View};
use crate::scene::Scene;
use crate::theme;
use crate::times;
use crate::widgets::{self, Weight, focus_ring, icon_button};

pub(super) fn sidebar_ui(scene: &mut Scene<'_>, ui: &mut Ui, is_wide: bool) {
    let rect = ui.max_rect().shrink2(vec2(if is_wide { 12.0 } else { 10.0 }, 12.0));
    let foot_height = if is_wide { foot_height(scene) } else { 40.0 };
    let (top, foot) = rect.split_top_bottom_at_y(rect.bottom() - foot_height);
    widgets::within(ui, top, "top", |ui| match is_wide {
        true => wide_ui(scene, ui),
        false => narrow_ui(scene, ui),
    });
    widgets::within(ui, foot, "foot", |ui| foot_ui(scene, ui, is_wide));
}

fn wide_ui(scene: &mut Scene<'_>, ui: &mut Ui) {
    let tokens = scene.tokens;
    ui.spacing_mut().item_spacing.y = 2.0;
    brand_ui(scene, ui);
    ui.add_space(10.0);
    let (weight, width) = (Weight::Primary, ui.available_width());
    let new = widgets::button_at_least(ui, tokens, weight, Some(Icon::Plus), "New ticket", true, width);
    scene.act_if(new.clicked(), || Intent::Go(Route::NewTicket));
    ui.add_space(8.0);
    ScrollArea::vertical().id_salt("ways").show(ui, |ui| {
        for view in scene.state.views() {
            view_ui(scene, ui, *view);
        }
        saved_ui(scene, ui);
        if scene.state.scope.is_none() {
            head_ui(ui, scene, "Projects");
            projects_ui(scene, ui);
        }
    });
}

/// The product's mark and name.
pub(super) fn brand_ui(scene: &Scene<'_>, ui: &mut Ui) {
    let tokens = scene.tokens;
    ui.horizontal(|ui| {
        let (mark, _) = ui.allocate_exact_size(vec2(24.0, 28.0), Sense::hover());
        paint_mark(ui, mark, tokens.accent_fill, tokens.on_accent);
        ui.label(RichText::new("Hero Assistance").font(tokens.strong(theme::BODY)).color(tokens.text));
    });
}

fn view_ui(scene: &mut Scene<'_>, ui: &mut Ui, view: View) {
    let inbox = &scene.state.inbox;
    let is_chosen = inbox.view == Some(view) && inbox.saved_view().is_none();
    let icon = match view {
        View::Active => Icon::Inbox,
        View::Mine => Icon::Person,
        View::Unassigned => Icon::Ring,
        View::Snoozed => Icon::Clock,
        View::Done => Icon::Check,
        View::All => Icon::Search,
    };
    let count = inbox.counts.get(&view).copied();
    let project = inbox.project.clone();
    let pressed = way_ui(ui, scene, icon, scene.tokens.soft, view.name(), count, is_chosen).clicked();
    scene.act_if(pressed, || Intent::Go(Route::Inbox { project, view }));
}

/// Queries that the user saved under a name.
fn saved_ui(scene: &mut Scene<'_>, ui: &mut Ui) {
    let state = scene.state;
    if state.saved_views.is_empty() {
        return;
    }
    head_ui(ui, scene, "Saved views");
    for view in &state.saved_views {
        let is_chosen = state.inbox.saved_view() == Some(&view.name);
        let name = neutral::line(&view.name);
        let draw = |ui: &mut Ui| way_ui(ui, scene, Icon::Search, scene.tokens.soft, &name, None, is_chosen);
        let pressed = widgets::keyed(ui, ("view", &view.project, &view.name), draw);
        let pressed = pressed.on_hover_text(neutral::line(&view.query)).clicked();
        scene.act_if(pressed, || Intent::View(Viewing::Show(view.name.clone())));
    }
}

fn projects_ui(scene: &mut Scene<'_>, ui: &mut Ui) {
    let state = scene.state;
    let view = state.inbox.view.unwrap_or(View::Active);
    if state.projects().len() > 1 {
        let is_chosen = state.inbox.project.is_none();
        let pressed =
            way_ui(ui, scene, Icon::Inbox, scene.tokens.soft, "All projects", None, is_chosen).clicked();
        scene.act_if(pressed, || Intent::Go(Route::Inbox { project: None, view }));
    }
    for project in state.projects() {
        let connection = state.connection_of(&project.id, project.connection.state);
        let (icon, colour) = connection_icon(scene, connection);
        let is_chosen = state.inbox.project.as_deref() == Some(&project.id);
        let unread = project.unread_count.filter(|count| *count > 0);
        let draw = |ui: &mut Ui| way_ui(ui, scene, icon, colour, &project.name, unread, is_chosen);
        let response = widgets::keyed(ui, ("project", &project.id), draw);
        let response = response.on_hover_text(connection_words(connection));
        let id = project.id.clone();
        scene.act_if(response.clicked(), || Intent::Go(Route::Inbox { project: Some(id), view }));
    }
    let is_chosen = state.route == Route::Join;
    let pressed =
        way_ui(ui, scene, Icon::Plus, scene.tokens.faint, "Join a project", None, is_chosen).clicked();
    scene.act_if(pressed, || Intent::Go(Route::Join));
}

fn narrow_ui(scene: &mut Scene<'_>, ui: &mut Ui) {
    let tokens = scene.tokens;
    ui.vertical(|ui| {
        let (mark, _) = ui.allocate_exact_size(vec2(30.0, 32.0), Sense::hover());
        paint_mark(ui, mark, tokens.accent_fill, tokens.on_accent);
        ui.add_space(8.0);
        let pressed = icon_button(ui, tokens, Icon::Plus, "New ticket", true).clicked();
        scene.act_if(pressed, || Intent::Go(Route::NewTicket));
        let (project, view) =
            (scene.state.inbox.project.clone(), scene.state.inbox.view.unwrap_or(View::Active));
        let pressed = icon_button(ui, tokens, Icon::Inbox, "Tickets", true).clicked();
        scene.act_if(pressed, || Intent::Go(Route::Inbox { project, view }));
    });
}

fn head_ui(ui: &mut Ui, scene: &Scene<'_>, text: &str) {
    ui.add_space(14.0);
    ui.horizontal(|ui| {
        ui.add_space(8.0);
        ui.label(RichText::new(text).size(theme::SMALL).color(scene.tokens.faint));
    });
}

/// One way to go: an icon, a name, a count.
fn way_ui(
    ui: &mut Ui,
    scene: &Scene<'_>,
    icon: Icon,
    colour: Color32,
    name: &str,
    count: Option<u64>,
    is_chosen: bool,
) -> Response {
    let tokens = scene.tokens;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), WAY_HEIGHT), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, is_chosen, name));
    let painter = ui.painter();
    if is_chosen || response.hovered() {
        let fill = if is_chosen { tokens.selected } else { tokens.hover };
        painter.rect_filled(rect, theme::RADIUS, fill);
    }
    focus_ring(painter, tokens, rect, &response);
    icon.paint(painter, square_at(rect.left() + 8.0, rect.center().y, widgets::ICON), colour);
    let text = if is_chosen { tokens.text } else { tokens.soft };
    let count = count.map(|count| if count > 9_999 { "9999+".to_owned() } else { count.to_string() });
    let count_room = count.map_or(0.0, |count| {
        let at = pos2(rect.right() - 9.0, rect.center().y);
        painter.text(at, Align2::RIGHT_CENTER, count, widgets::small(), tokens.faint).width() + 14.0
    });
    let font = if is_chosen { tokens.strong(theme::BODY) } else { widgets::body() };
    let galley = widgets::line(painter, name, font, text, rect.width() - 40.0 - count_room);
    painter.galley(pos2(rect.left() + 32.0, rect.center().y - galley.size().y / 2.0), galley, text);
    response
}

fn foot_height(scene: &Scene<'_>) -> f32 {
    let details = if scene.state.are_connections_open { scene.state.syncs.len() as f32 * 66.0 } else { 0.0 };
    44.0 + details.min(280.0)
}

fn foot_ui(scene: &mut Scene<'_>, ui: &mut Ui, is_wide: bool) {
    let tokens = scene.tokens;
    if is_wide && scene.state.are_connections_open {
        ScrollArea::vertical().id_salt("connections").max_height(280.0).show(ui, |ui| {
            let state = scene.state;
            state.syncs.iter().for_each(|sync| connection_ui(scene, ui, sync));
        });
    }
    ui.horizontal(|ui| {
        if is_wide {
            let state = scene.state;
            let worst = state.connection();
            let worst = worst.map(|sync| state.connection_of(&sync.project, sync.connection.state));
            let (icon, colour) = connection_icon(scene, worst.unwrap_or(ConnectionState::Connecting));
            let words = worst.map_or("No project", connection_words);
            let width = ui.available_width() - 42.0;
            let (rect, response) = ui.allocate_exact_size(vec2(width, WAY_HEIGHT), Sense::click());
            response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Connection: {words}")));
            if response.hovered() {
                ui.painter().rect_filled(rect, theme::RADIUS, tokens.hover);
            }
            focus_ring(ui.painter(), tokens, rect, &response);
            icon.paint(ui.painter(), square_at(rect.left() + 8.0, rect.center().y, widgets::ICON), colour);
            let at = pos2(rect.left() + 32.0, rect.center().y);
            ui.painter().text(at, Align2::LEFT_CENTER, words, widgets::small(), tokens.soft);
            let is_open = scene.state.are_connections_open;
            scene.act_if(response.clicked(), || Intent::ShowConnections(!is_open));
        }
        let pressed = icon_button(ui, tokens, Icon::Sliders, "Settings", true).clicked();
        scene.act_if(pressed, || Intent::Go(Route::Settings));
    });
}

/// How one project stands with its server, in plain words.
fn connection_ui(scene: &Scene<'_>, ui: &mut Ui, sync: &ProjectSync) {
    let tokens = scene.tokens;
    let small = |text: String| RichText::new(text).size(theme::SMALL).color(tokens.soft);
    ui.spacing_mut().item_spacing.y = 1.0;
    ui.horizontal(|ui| {
        let connection = scene.state.connection_of(&sync.project, sync.connection.state);
        let (icon, colour) = connection_icon(scene, connection);
        let (rect, _) = ui.allocate_exact_size(vec2(14.0, 16.0), Sense::hover());
        icon.paint(ui.painter(), rect, colour);
        ui.label(small(sync.name.clone()).strong());
    });
    let since = times::relative(scene.now_millis, sync.connection.since_millis);
    ui.label(small(format!(
        "{} since {since}",
        connection_words(scene.state.connection_of(&sync.project, sync.connection.state))
    )));
    let waiting = match sync.outbox_count {
        0 => "nothing waits".to_owned(),
        count => format!("{count} to be sent"),
    };
    let synced = sync.last_sync_at_millis.map(|at| times::short(scene.now_millis, at));
    let synced = synced.map_or_else(String::new, |at| format!("in step {at} \u{b7} "));
    ui.label(small(format!("{synced}{waiting}"))).on_hover_text(&sync.connection.detail);
    ui.add_space(8.0);
}

/// A connection's icon: it differs in shape too, not in colour alone.
pub(super) fn connection_icon(scene: &Scene<'_>, state: ConnectionState) -> (Icon, Color32) {
    let tokens = scene.tokens;
    match state {
        ConnectionState::Online => (Icon::Cloud, tokens.good),
        ConnectionState::Connecting => (Icon::Ring, tokens.soft),
        ConnectionState::Offline | ConnectionState::Unknown => (Icon::CloudOff, tokens.warn),
        ConnectionState::Paused => (Icon::Pause, tokens.warn),
        ConnectionState::Refused => (Icon::Warning, tokens.bad),
    }
}

/// The product's mark: two speech bubbles that are one.
fn paint_mark(ui: &Ui, rect: Rect, fill: Color32, on: Color32) {
    let side = rect.width().min(rect.height());
    let square = Rect::from_center_size(rect.center(), vec2(side, side));
    ui.painter().rect_filled(square, side * 0.28, fill);
    Icon::Check.paint(ui.painter(), square.shrink(side * 0.24), on);
}

const WAY_HEIGHT: f32 = 30.0;
