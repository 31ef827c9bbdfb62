//! The list of tickets: a window into as many rows as there are, drawn as far as they can be seen.

use assist_proto::api::sync::DeliveryState;
use assist_proto::api::ticket::{Priority, Sort, Status, TicketRow};
use assist_proto::neutral;
use egui::{
    Align, Align2, Color32, Layout, Margin, Rect, Response, RichText, Role, ScrollArea, Sense, Ui,
    WidgetInfo, pos2, vec2,
};

use super::choosing::choosing_ui;
use super::search::search_ui;
use super::state_line::{ARROW_ROOM, arrow, priority_name, state_icon, state_words, status_name};
use crate::icon::{Icon, square_at};
use crate::intent::{Field, Intent, Selecting, Viewing};
use crate::limits;
use crate::route::{Route, TicketKey, View};
use crate::rows::RowPart;
use crate::scene::Scene;
use crate::theme;
use crate::times;
use crate::widgets::{self, focus_ring, line, paint_avatar, paint_chip};

pub(super) fn inbox_ui(scene: &mut Scene<'_>, ui: &mut Ui) {
    let rect = ui.max_rect();
    let (head, list) = rect.split_top_bottom_at_y(rect.top() + HEAD);
    widgets::within(ui, head.shrink2(vec2(14.0, 10.0)), "head", |ui| head_ui(scene, ui));
    ui.painter().hline(rect.x_range(), head.bottom(), egui::Stroke::new(1.0, scene.tokens.line));
    widgets::within(ui, list, "rows", |ui| rows_ui(scene, ui));
}

fn head_ui(scene: &mut Scene<'_>, ui: &mut Ui) {
    let tokens = scene.tokens;
    let state = scene.state;
    if !state.inbox.chosen.is_empty() {
        widgets::keyed(ui, "choosing", |ui| choosing_ui(scene, ui));
        return;
    }
    ui.horizontal(|ui| {
        let saved = state.inbox.saved_view().map(neutral::line);
        let name = saved.as_deref().unwrap_or_else(|| state.inbox.view.map_or("Tickets", View::name));
        ui.label(RichText::new(name).font(tokens.strong(theme::HEADING)).color(tokens.text));
        if let Some(total) = state.inbox.total {
            ui.label(RichText::new(total.to_string()).color(tokens.faint));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            parts_ui(scene, ui);
            sort_ui(scene, ui);
            saving_ui(scene, ui);
        });
    });
    ui.add_space(2.0);
    match &state.inbox.saving {
        Some(name) => view_name_ui(scene, ui, name),
        None => search_ui(scene, ui),
    }
}

/// A way to save what is looked for, or to remove the saved view that is shown.
fn saving_ui(scene: &mut Scene<'_>, ui: &mut Ui) {
    let state = scene.state;
    if let Some(shown) = state.inbox.saved_view() {
        let Some(view) = state.saved_views.iter().find(|view| view.name == shown) else { return };
        let (project, name) = (view.project.clone(), view.name.clone());
        let pressed = widgets::link_button(ui, scene.tokens, "Remove view").clicked();
        scene.act_if(pressed, || Intent::View(Viewing::Remove { project, name }));
    } else if state.inbox.saving.is_none() && state.inbox.savable_query().is_some() {
        let pressed = widgets::link_button(ui, scene.tokens, "Save view").clicked();
        scene.act_if(pressed, || Intent::View(Viewing::Begin));
    }
}

/// In the place of the query while its name is typed.
fn view_name_ui(scene: &mut Scene<'_>, ui: &mut Ui, name: &str) {
    let mut typed = name.to_owned();
    let hint = "Name of the view, then Enter";
    let edit = egui::TextEdit::singleline(&mut typed)
        .hint_text(RichText::new(hint).color(scene.tokens.faint))
        .margin(Margin { left: 12, right: 10, top: 7, bottom: 7 })
        .desired_width(f32::INFINITY);
    let response = ui.add(edit);
    widgets::name(ui, &response, "Name of the view");
    response.request_focus();
    scene.act_if(response.changed(), || Intent::Type(Field::ViewName, typed));
    let (is_kept, is_left) =
        ui.input(|input| (input.key_pressed(egui::Key::Enter), input.key_pressed(egui::Key::Escape)));
    scene.act_if(is_kept, || Intent::View(Viewing::Keep));
    scene.act_if(is_left, || Intent::View(Viewing::Leave));
}

fn sort_ui(scene: &mut Scene<'_>, ui: &mut Ui) {
    let tokens = scene.tokens;
    let chosen = scene.state.inbox.sort;
    let text =
        RichText::new(format!("{}{ARROW_ROOM}", sort_name(chosen))).color(tokens.soft).size(theme::SMALL);
    let button = egui::Button::new(text).frame(false);
    let (response, _) = egui::containers::menu::MenuButton::from_button(button).ui(ui, |ui| {
        for sort in [Sort::Updated, Sort::Created, Sort::Number, Sort::Priority] {
            let pressed = ui.selectable_label(sort == chosen, sort_name(sort)).clicked();
            scene.act_if(pressed, || Intent::Sort(sort));
        }
    });
    widgets::name(ui, &response, &format!("Order: {}", sort_name(chosen)));
    arrow(ui, response.rect.translate(vec2(10.0, 0.0)), tokens.soft);
}

/// What rows show.
fn parts_ui(scene: &mut Scene<'_>, ui: &mut Ui) {
    let tokens = scene.tokens;
    let left_out = scene.state.looks.left_out;
    let button = egui::Button::new("").frame(false).min_size(vec2(22.0, 22.0));
    let style = tokens.style(ui.style());
    let menu = egui::containers::menu::MenuButton::from_button(button).config(
        egui::containers::menu::MenuConfig::new()
            .close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside),
    );
    let (response, _) = menu.ui(ui, |ui| {
        ui.set_style(style);
        for part in RowPart::ALL {
            let mut is_shown = left_out.shows(part);
            let changed = ui.checkbox(&mut is_shown, part.name()).changed();
            scene.act_if(changed, || Intent::ShowPart(part, is_shown));
        }
    });
    widgets::name(ui, &response, "What rows show");
    let at = square_at(response.rect.center().x - 7.0, response.rect.center().y, 14.0);
    Icon::Sliders.paint(ui.painter(), at, if response.hovered() { tokens.text } else { tokens.soft });
    focus_ring(ui.painter(), tokens, response.rect, &response);
}

const fn sort_name(sort: Sort) -> &'static str {
    match sort {
        Sort::Updated => "Latest first",
        Sort::Created => "Newest first",
        Sort::Number => "By number",
        Sort::Priority => "Most urgent first",
        Sort::Relevance => "Best first",
    }
}

fn rows_ui(scene: &mut Scene<'_>, ui: &mut Ui) {
    let state = scene.state;
    let inbox = &state.inbox;
    if let Some(error) = &inbox.error {
        ui.add_space(16.0);
        egui::Frame::new().inner_margin(Margin::symmetric(16, 0)).show(ui, |ui| {
            widgets::error_ui(ui, scene.tokens, error);
        });
        return;
    }
    if inbox.total == Some(0) {
        empty_ui(scene, ui);
        return;
    }
    // Before the first answer a few quiet bars stand where rows will.
    let total = inbox.total.map_or(8, |total| usize::try_from(total).unwrap_or(usize::MAX));
    ui.spacing_mut().item_spacing.y = 0.0;
    let area = ScrollArea::vertical().id_salt(("rows", inbox.serial)).auto_shrink(false);
    area.show_rows(ui, ROW, total, |ui, range| {
        let shown = range.start as u64..range.end as u64;
        if shown != inbox.shown {
            scene.act(Intent::ShowRows(shown));
        }
        for index in range {
            match inbox.row(index as u64) {
                Some(row) => widgets::keyed(ui, (&row.project, &row.id), |ui| row_ui(scene, ui, row)),
                None => waiting_row_ui(scene, ui),
            }
        }
    });
}

fn empty_ui(scene: &Scene<'_>, ui: &mut Ui) {
    let inbox = &scene.state.inbox;
    let (head, below) = match (inbox.query.trim().is_empty(), inbox.view) {
        (false, _) => ("No ticket matches.", "Fewer words find more."),
        (true, Some(View::Active)) => ("All done.", "New tickets and answers appear here by themselves."),
        (true, Some(View::Snoozed)) => ("Nothing sleeps.", "Snoozed tickets wait here until their time."),
        (true, _) => ("Nothing here.", "Tickets appear here by themselves."),
    };
    super::quiet_ui(ui, scene, Icon::Check, head, below);
}

fn waiting_row_ui(scene: &Scene<'_>, ui: &mut Ui) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
    let painter = ui.painter();
    let bar = |top: f32, width: f32| Rect::from_min_size(rect.min + vec2(PAD + 14.0, top), vec2(width, 10.0));
    widgets::skeleton(painter, scene.tokens, bar(18.0, rect.width() * 0.55));
    widgets::skeleton(painter, scene.tokens, bar(42.0, rect.width() * 0.3));
}

fn row_ui(scene: &mut Scene<'_>, ui: &mut Ui, row: &TicketRow) {
    let tokens = scene.tokens;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, is_open(scene, row), spoken(row)));
    let key = TicketKey { project: row.project.clone(), ticket: row.id.clone() };
    let is_chosen = scene.state.inbox.chosen.contains(&key);
    let behind = match (is_open(scene, row) || is_chosen, response.hovered()) {
        (true, _) => tokens.selected,
        (false, true) => tokens.hover,
        (false, false) => tokens.surface,
    };
    let painter = ui.painter();
    painter.rect_filled(rect, 0.0, behind);
    if is_open(scene, row) {
        let bar = Rect::from_min_size(rect.min, vec2(3.0, rect.height()));
        painter.rect_filled(bar, 0.0, tokens.accent);
    }
    painter.hline(rect.x_range(), rect.bottom() - 0.5, egui::Stroke::new(1.0, tokens.line));
    paint_row(scene, ui, rect, row, behind);
    row_focus(ui, scene, rect, &response);
    let is_choosing = !scene.state.inbox.chosen.is_empty();
    let is_box_pressed = scene.state.is_team(&row.project)
        && (is_choosing || ui.rect_contains_pointer(rect))
        && box_ui(scene, ui, rect, row, is_chosen);
    let modifiers = ui.input(|input| input.modifiers);
    match (response.clicked(), is_box_pressed || modifiers.command, modifiers.shift) {
        (true, _, true) => scene.act(Intent::Select(key, Selecting::Through)),
        (true, true, _) | (false, true, _) if response.clicked() || is_box_pressed => {
            scene.act(Intent::Select(key, Selecting::Toggle));
        }
        (true, ..) => scene.act(Intent::Go(Route::Ticket(key))),
        _ => {}
    }
}

fn row_focus(ui: &Ui, scene: &Scene<'_>, rect: Rect, response: &Response) {
    focus_ring(ui.painter(), scene.tokens, rect.shrink(3.0), response);
}

fn paint_row(scene: &Scene<'_>, ui: &Ui, rect: Rect, row: &TicketRow, behind: Color32) {
    let tokens = scene.tokens;
    let painter = ui.painter();
    let (left, right) = (rect.left() + PAD + 14.0, rect.right() - PAD);
    let (first, second) = (rect.top() + 22.0, rect.top() + 48.0);
    if row.is_unread {
        painter.circle_filled(pos2(rect.left() + PAD + 2.0, first), 4.0, tokens.accent);
    }
    let time = times::short(scene.now_millis, row.updated_at_millis);
    let time_rect =
        painter.text(pos2(right, first), Align2::RIGHT_CENTER, time, widgets::small(), tokens.faint);
    let (font, colour) = match row.is_unread {
        true => (tokens.strong(theme::BODY), tokens.text),
        false => (widgets::body(), tokens.text),
    };
    let title = line(painter, &row.title, font, colour, time_rect.left() - left - 10.0);
    painter.galley(pos2(left, first - title.size().y / 2.0), title, colour);

    let right = paint_row_end(scene, ui, right, second, row);
    let mut at = left;
    let (word, colour) = (status_name(row.status), tokens.status(row.status));
    at += paint_chip(
        painter,
        tokens,
        pos2(at, second - widgets::CHIP_HEIGHT / 2.0),
        None,
        word,
        colour,
        behind,
    );
    let below = below(scene, row);
    let words = line(painter, &below, widgets::small(), tokens.soft, (right - at - 18.0).min(240.0));
    painter.galley(pos2(at + 8.0, second - words.size().y / 2.0), words.clone(), tokens.soft);
    at += 8.0 + words.size().x + 8.0;
    let labels: &[String] = if shows(scene, RowPart::Labels) { &row.labels } else { &[] };
    for label in labels {
        let width = painter.layout_no_wrap(label.clone(), widgets::small(), tokens.soft).size().x + 16.0;
        if at + width > right - 4.0 {
            break;
        }
        let place = pos2(at, second - widgets::CHIP_HEIGHT / 2.0);
        at += paint_chip(painter, tokens, place, None, label, tokens.soft, behind) + 4.0;
    }
}

/// What stands behind the status: number, requester, project, as far as they are shown.
fn below(scene: &Scene<'_>, row: &TicketRow) -> String {
    let state = scene.state;
    let number = row.number.map_or_else(|| row.short_id.clone(), |number| format!("#{number}"));
    // Where all are of one project its name says nothing.
    let project = state.project(&row.project).filter(|_| state.inbox.project.is_none());
    let project = project.filter(|_| state.projects().len() > 1).map(|project| project.name.clone());
    let parts = [
        (RowPart::Number, Some(number)),
        (RowPart::Requester, Some(row.requester.name.clone())),
        (RowPart::Project, project),
    ];
    let shown = parts.into_iter().filter(|(part, _)| shows(scene, *part)).filter_map(|(_, words)| words);
    shown.collect::<Vec<_>>().join(" \u{b7} ")
}

fn shows(scene: &Scene<'_>, part: RowPart) -> bool {
    scene.state.looks.left_out.shows(part)
}

/// Draws what stands at the end of a row's second line, and returns where that begins.
fn paint_row_end(scene: &Scene<'_>, ui: &Ui, right: f32, middle: f32, row: &TicketRow) -> f32 {
    let tokens = scene.tokens;
    let painter = ui.painter();
    let mut right = right;
    if let Some(assignee) = row.assignee.as_ref().filter(|_| shows(scene, RowPart::Assignee)) {
        right -= 20.0;
        paint_avatar(painter, tokens, square_at(right, middle, 20.0), &assignee.name);
        right -= 8.0;
    }
    let mut icon = |icon: Icon, colour: Color32| {
        right -= 13.0;
        icon.paint(painter, square_at(right, middle, 13.0), colour);
        right -= 8.0;
    };
    if let Some(state @ (DeliveryState::SavedHere | DeliveryState::OnServer)) = row.state
        && shows(scene, RowPart::State)
    {
        icon(state_icon(state), tokens.faint);
    }
    if row.has_conflict {
        icon(Icon::Warning, tokens.warn);
    }
    match row.priority {
        Some(priority @ (Priority::Urgent | Priority::High)) => icon(Icon::Up, tokens.priority(priority)),
        Some(Priority::Low | Priority::Normal) | None => {}
    }
    right
}

/// The box by which a row is chosen; it stands where the mark of unread ones is. Returns whether it was pressed.
fn box_ui(scene: &Scene<'_>, ui: &mut Ui, row_rect: Rect, row: &TicketRow, is_chosen: bool) -> bool {
    let tokens = scene.tokens;
    let rect = square_at(row_rect.left() + 6.0, row_rect.top() + 22.0, 16.0);
    let id = scene.salt.with(("choose", &row.id));
    let response = ui.interact(rect.expand(4.0), id, Sense::click());
    let name = format!("Choose {}", neutral::line(&row.title));
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, is_chosen, &name));
    let painter = ui.painter();
    let (fill, stroke) = match is_chosen {
        true => (tokens.accent_fill, tokens.accent_fill),
        false => (tokens.raised, tokens.line_strong),
    };
    painter.rect(rect, 4.0, fill, egui::Stroke::new(1.0, stroke), egui::StrokeKind::Inside);
    if is_chosen {
        Icon::Check.paint(painter, rect.shrink(3.0), tokens.on_accent);
    }
    focus_ring(painter, tokens, rect, &response);
    response.clicked()
}

fn is_open(scene: &Scene<'_>, row: &TicketRow) -> bool {
    scene.state.open.as_ref().is_some_and(|open| open.key.ticket == row.id)
}

/// What a screen reader says of a row: all that it shows, in words.
fn spoken(row: &TicketRow) -> String {
    let mut words = vec![row.title.clone()];
    words.extend(row.number.map(|number| format!("number {number}")));
    words.extend(row.is_unread.then(|| "unread".to_owned()));
    words.push(status_name(row.status).to_owned());
    words.extend(row.priority.map(|priority| format!("priority {}", priority_name(priority))));
    words.push(format!("by {}", row.requester.name));
    words.extend(row.assignee.as_ref().map(|assignee| format!("assigned to {}", assignee.name)));
    words.extend(row.labels.iter().map(|label| format!("label {label}")));
    words.extend(row.has_conflict.then(|| "has a conflict".to_owned()));
    words.extend(row.state.map(|state| state_words(state).to_owned()));
    neutral::line(&words.join(", ")).into_owned()
}

/// Tells whether a status is one that nobody has to do anything about.
pub(super) const fn is_done(status: Status) -> bool {
    matches!(status, Status::Resolved | Status::Closed)
}

const HEAD: f32 = 92.0;
const ROW: f32 = 70.0;
const PAD: f32 = 12.0;

const _: () = assert!(limits::PAGE_ROWS >= 50, "a screen of rows comes in two pages at most");
